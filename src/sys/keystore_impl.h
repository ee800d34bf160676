/* SPDX-License-Identifier: Apache-2.0 */
/* What the keystore_*.c files share. */
#pragma once

#include "sys/keystore.h"

enum { KEYSTORE_INDEX_LEN_MAX = 8 << 20 };

/* keystore_index.c: both ways. False with the reason in d. */
bool keystore_index_read(struct keystore *s, struct span text, struct diag *d);
bool keystore_index_write(const struct keystore *s, struct diag *d);
void keystore_index_first(char *buf, size_t cap); /* of an empty store */

/* Of a generation. */
const char *keystore_leaf_of(unsigned generation, const struct keystore_key *entry,
                             char buf[KEYSTORE_LEAF_MAX]);
/* Writes the private key's file. password: empty: in clear. */
bool keystore_write_key(const struct keystore *s, unsigned generation, struct span password,
                        const struct keystore_key *entry, const struct pkey *key, struct diag *d);
/* keystore_password.c: what a change of the password that was stopped has left. */
void keystore_drop_older(const struct keystore *s);
