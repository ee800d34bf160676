/* SPDX-License-Identifier: Apache-2.0 */
/* Keyway's key store, which stands where Libreswan's users have NSS's database: STATE/ipsec/nss, or --nssdir.
 * A folder with an index, keyway.db, which holds the certificates as well, and for each private key a file
 * CKAID.key.db with PKCS#8 in PEM, all for their owner only. All names end in "db", so that removing "*db"
 * leaves nothing. Files are there whole or not at all, and a key is in the store when the index names it: it
 * is written before the index and removed after. Not here: encrypted keys; NSS's own files, which are not
 * touched. */
#pragma once

#include "base/diag.h"
#include "crypto/pkey.h"
#include "pki/cert.h"
#include "sys/paths.h"

enum { KEYSTORE_ENTRIES_MAX = 1024, KEYSTORE_CKAID_LEN = 20 };

#define KEYSTORE_INDEX    "keyway.db"
#define KEYSTORE_LEAF_MAX (2 * KEYSTORE_CKAID_LEN + sizeof(".key.db"))

struct keystore_key {
    uint8_t ckaid[KEYSTORE_CKAID_LEN];
    struct pkey *public_key; /* from the index: the key's file is not read for it */
};

enum { KEYSTORE_NICKNAME_MAX = 256, KEYSTORE_CERT_MAX = 16384 };

struct keystore_cert {
    char nickname[KEYSTORE_NICKNAME_MAX]; /* a certificate's alone */
    bool is_trusted;                      /* as an authority for peers: NSS's "CT,," */
    struct cert *cert;
};

struct keystore {
    char folder[PATH_TEXT_MAX];
    int lock; /* held while it is open for writing; else -1 */
    struct keystore_key *keys;
    size_t n_keys;
    struct keystore_cert *certs;
    size_t n_certs;
};

/* "STATE/ipsec/nss" in buf. */
const char *keystore_default(const char *state, char buf[PATH_TEXT_MAX]);
/* Whether the folder has an index, of whatever content. */
bool keystore_is_there(const char *folder);
/* Makes an empty index in the folder, which has to be there. One that is there stays as it is. */
bool keystore_init(const char *folder, struct diag *d);
/* Reads the index. is_writing: nobody else writes until it is closed. NULL with the reason in d. */
struct keystore *keystore_open(const char *folder, bool is_writing, struct diag *d);
void keystore_close(struct keystore *s);
/* Adds a private key; one that is there already is written again. Open for writing. */
bool keystore_add(struct keystore *s, const struct pkey *key, struct diag *d);
/* Adds a certificate under a nickname, or, where another has it, under "NICKNAME #2" and so on. One that is
 * there keeps its nickname; is_trusted is taken over. Open for writing. */
bool keystore_add_cert(struct keystore *s, struct cert *c, const char *nickname, bool is_trusted,
                       struct diag *d);
/* NULL: nothing has that nickname. */
const struct keystore_cert *keystore_find_cert(const struct keystore *s, const char *nickname);
/* The entry of a key, private or public; NULL: it is not there. */
const struct keystore_key *keystore_find(const struct keystore *s, const struct pkey *key);
/* What the entry's file is called. */
const char *keystore_leaf(const struct keystore_key *entry, char buf[KEYSTORE_LEAF_MAX]);
/* The private key of an entry, read from its file and compared with the index. */
struct pkey *keystore_private_key(const struct keystore *s, const struct keystore_key *entry, struct diag *d);
