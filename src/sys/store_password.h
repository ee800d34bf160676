/* SPDX-License-Identifier: Apache-2.0 */
/* The key store's password from ETC/ipsec.d/nsspassword (conf/nsspassword.h has its form). The file is
 * refused when others can read it; that is so when it is open to them and its folder is, too. */
#pragma once

#include "sys/keystore.h"

struct store_password {
    char path[PATH_TEXT_MAX];
    char token[64]; /* of the line that was taken */
    struct secret password;
    bool is_cut; /* its last line is not whole, and was passed over */
};

/* The first password of the file, or, with a store, the first that opens it, which is then unlocked. False
 * with no reason in d (FAIL_NONE): there is no such file or line; FAIL_PERMISSION also: it is another. p is
 * filled as far as is known, and freed by the caller. */
bool store_password_find(const char *etc, struct keystore *s, struct store_password *p, struct diag *d);
void store_password_free(struct store_password *p);
/* To the log: where a password came from, without it; a line that was passed over; for the daemon. */
void store_password_log(const struct store_password *p, bool is_found, const struct diag *d);
