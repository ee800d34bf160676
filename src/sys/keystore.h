/* SPDX-License-Identifier: Apache-2.0 */
/* Keyway's key store, which stands where Libreswan's users have NSS's database: STATE/ipsec/nss, or --nssdir.
 * A folder with an index, keyway.db, which holds the certificates as well, and for each private key a file
 * CKAID.key.db with PKCS#8 in PEM, all for their owner only. A store may have a password: the keys are then
 * encrypted with it. All names end in "db", so that removing "*db" leaves nothing. Files are there whole or
 * not at all, and a key is in the store when the index names it: it is written before the index and removed
 * after. Not here: where the password comes from (keystore_password.h); NSS's own files, which are not
 * touched. */
#pragma once

#include "base/diag.h"
#include "crypto/pkey.h"
#include "pki/cert.h"
#include "sys/paths.h"

enum { KEYSTORE_ENTRIES_MAX = 1024, KEYSTORE_CKAID_LEN = 20 };
enum { KEYSTORE_NICKNAME_MAX = 256, KEYSTORE_CERT_MAX = 16384, KEYSTORE_TRUST_MAX = 24 };

#define KEYSTORE_INDEX    "keyway.db"
#define KEYSTORE_LEAF_MAX (2 * KEYSTORE_CKAID_LEN + sizeof(".4294967295.key.db"))

struct keystore_key {
    uint8_t ckaid[KEYSTORE_CKAID_LEN];
    char label[KEYSTORE_NICKNAME_MAX]; /* what it was called where it came from; or empty */
    struct pkey *public_key;           /* from the index: the key's file is not read for it */
};

/* NSS's flags for TLS, mail and code, in NSS's order: "CT,,". The first are those that count here. */
struct keystore_trust {
    char text[KEYSTORE_TRUST_MAX];
};
#define KEYSTORE_CA_TRUST ((struct keystore_trust){"CT,,"})
#define KEYSTORE_NO_TRUST ((struct keystore_trust){",,"})

struct keystore_cert {
    char nickname[KEYSTORE_NICKNAME_MAX]; /* a certificate's alone */
    struct keystore_trust trust;
    struct cert *cert;
};

struct keystore {
    char folder[PATH_TEXT_MAX];
    int lock; /* held while it is open for writing; else -1 */
    struct keystore_key *keys;
    size_t n_keys;
    struct keystore_cert *certs;
    size_t n_certs;
    unsigned generation;    /* how often its password was changed: keys' files are called by it */
    struct secret proof;    /* what shows whether a password is the right one; empty: it has none */
    struct secret password; /* once it is unlocked */
    char *taken;            /* of NSS's files when what they have was taken over; NULL: never */
};

/* Where the store is: --nssdir; what a configuration says, or NULL; STATE/ipsec/nss. In buf. */
const char *keystore_folder(const struct paths *p, const char *configured, char buf[PATH_TEXT_MAX]);
/* Whether the folder has an index, of whatever content. */
bool keystore_is_there(const char *folder);
/* Makes an empty index in the folder, which has to be there. One that is there stays as it is. */
bool keystore_init(const char *folder, struct diag *d);
/* Reads the index. is_writing: nobody else writes until it is closed. NULL with the reason in d. */
struct keystore *keystore_open(const char *folder, bool is_writing, struct diag *d);
void keystore_close(struct keystore *s);

bool keystore_has_password(const struct keystore *s);
/* From now on private keys can be read and added. True also when the store has no password. FAIL_PERMISSION:
 * it is another one. Slow by design. */
bool keystore_unlock(struct keystore *s, struct span password, struct diag *d);
/* Encrypts all keys anew; an empty password: they are in clear from now on. All or none of them, also when
 * the machine stops meanwhile. Unlocked, open for writing. */
bool keystore_set_password(struct keystore *s, struct span password, struct diag *d);

/* Adds a private key; one that is there already is written again. label: as above, or NULL. Unlocked, open
 * for writing. */
bool keystore_add(struct keystore *s, const struct pkey *key, const char *label, struct diag *d);
/* Adds a certificate under a nickname, or, where another has it, under "NICKNAME #2" and so on. One that is
 * there keeps its nickname; trust is taken over. Open for writing. */
bool keystore_add_cert(struct keystore *s, struct cert *c, const char *nickname, struct keystore_trust trust,
                       struct diag *d);
/* By their index. Pointers into the store are void afterwards. Open for writing. */
bool keystore_set_trust(struct keystore *s, size_t cert, struct keystore_trust trust, struct diag *d);
bool keystore_remove_cert(struct keystore *s, size_t cert, struct diag *d);
bool keystore_remove_key(struct keystore *s, size_t key, struct diag *d);
/* Notes what was taken over from NSS: a word without blanks. Open for writing. */
bool keystore_set_taken(struct keystore *s, const char *taken, struct diag *d);

/* keystore_trust.c: NSS's words, as "TC,,p", in its order and without what does not count. False: no such
 * flags. */
bool keystore_trust_parse(const char *text, struct keystore_trust *out);
/* Whether peers' certificates may be signed by it. */
bool keystore_is_authority(const struct keystore_cert *c);

/* NULL: nothing has that nickname. */
const struct keystore_cert *keystore_find_cert(const struct keystore *s, const char *nickname);
/* The entry of a key, private or public; NULL: it is not there. */
const struct keystore_key *keystore_find(const struct keystore *s, const struct pkey *key);
/* What the entry's file is called. */
const char *keystore_leaf(const struct keystore *s, const struct keystore_key *entry,
                          char buf[KEYSTORE_LEAF_MAX]);
/* The private key of an entry, read from its file and compared with the index. Unlocked. */
struct pkey *keystore_private_key(const struct keystore *s, const struct keystore_key *entry, struct diag *d);
