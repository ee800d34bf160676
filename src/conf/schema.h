/* SPDX-License-Identifier: Apache-2.0 */
/* THE table of configuration keys, of every dialect: what each is called, what it takes, its default, where
 * it goes, and whether it takes effect. Loading, the manual page, suggestions for misspelt keys and the test
 * that no key is silently without effect all read it. */
#pragma once

#include "conf/build.h"

enum schema_scope {
    SCOPE_CONNECTION, /* connections.<conn> */
    SCOPE_LOCAL,      /* connections.<conn>.local<suffix> */
    SCOPE_REMOTE,
    SCOPE_CERT,    /* ...local.cert<suffix>, ...remote.cert<suffix> */
    SCOPE_CACERT,  /* ...remote.cacert<suffix> */
    SCOPE_CHILD,   /* connections.<conn>.children.<child> */
    SCOPE_IKE,     /* secrets.ike<suffix> */
    SCOPE_PRIVATE, /* secrets.private<suffix>, rsa, ecdsa, pkcs8 */
    SCOPE_PPK,     /* secrets.ppk<suffix> */
    SCOPE_EAP,     /* secrets.eap<suffix>, xauth, ntlm */
    SCOPE_PKCS12,
    SCOPE_TOKEN,
    SCOPE_POOL,      /* pools.<name> */
    SCOPE_AUTHORITY, /* authorities.<name> */
    SCOPE_TUNNEL,    /* keyway.conf: tunnel <name> */
    SCOPE_GLOBAL,    /* keyway.conf: keyway */
    SCOPE_CHARON,    /* strongswan.conf: charon */
    SCOPE_FILELOG,   /* charon.filelog.<name> */
    SCOPE_SYSLOG,    /* charon.syslog.<facility> */
    SCOPE_JOURNAL,   /* charon-systemd.journal */
    /* ipsec.conf, of both dialects: these rows are in schema_ipsec.c */
    SCOPE_IPSEC_SETUP,
    SCOPE_IPSEC_CONN,
    SCOPE_IPSEC_END, /* of conn, with left or right in front; "" is left and right themselves */
    SCOPE_IPSEC_CA,
    SCOPE_COUNT
};

/* Whose ipsec.conf it is. */
enum dialect { DIALECT_UNKNOWN, DIALECT_LIBRESWAN = 1, DIALECT_STRONGSWAN = 2, DIALECT_BOTH = 3 };

enum schema_kind {
    KIND_BOOL,
    KIND_TIME,
    KIND_SECONDS,
    KIND_BYTES,
    KIND_NUMBER,
    KIND_REAL,
    KIND_WORD,
    KIND_TEXT
};
/* IGNORED: taken, with a warning that it has no effect. UNBUILT: the connection that asks for it is left out
 * with a warning. Both in ipsec.conf alone, where the reason says why, and accepts what needs no warning. */
enum schema_status { EFFECTIVE, REFUSED, IGNORED, UNBUILT };

struct schema_word {
    const char *word; /* NULL ends the list */
    int value;
    const char *refused; /* why this one word is not taken, or NULL */
    const char *maps;    /* ipsec.conf: what it is in swanctl.conf; NULL: the same */
};

struct schema_row {
    enum schema_scope scope;
    const char *key;
    bool has_suffix; /* "id<suffix>": any key that begins so */
    enum schema_kind kind;
    enum schema_status status;
    const char *def;      /* applied before what is set; NULL: nothing is */
    const char *computed; /* for the manual: how the default comes about */
    uint64_t min, max;    /* KIND_NUMBER; max 0: no bound but the field's */
    bool forever;         /* KIND_NUMBER: %forever is 0 */
    const struct schema_word *words;
    const char *reason;  /* REFUSED: why */
    const char *accepts; /* REFUSED: values, by commas, that ask for what happens anyway */
    size_t offset, size; /* destination in the scope's struct, for all kinds but TEXT ... */
    schema_setter *set;  /* ... or a function */
    /* SCOPE_TUNNEL, SCOPE_IPSEC_*: the key that it stands for; '*' is the connection's name, '%' local or
     * remote. NULL in ipsec.conf: what becomes of it depends on other keys, too, and is in src/conf/ipsec. */
    const char *maps;
    enum dialect dialects;                      /* SCOPE_IPSEC_*: whose key it is */
    const char *aliases;                        /* its other names, between blanks */
    const char *def_libreswan, *def_strongswan; /* what is put where it maps to when it is not set */
    const char *example;                        /* a value other than the default */
    const char *doc;
};

/* index 0.. until NULL */
const struct schema_row *schema_at(size_t index);
/* The rows of the file that has those of the scope, and perhaps of others. */
const struct schema_row *schema_rows(enum schema_scope scope, size_t *n);
const struct schema_row *schema_ipsec_rows(size_t *n);
const struct schema_row *schema_find(enum schema_scope scope, const char *key);
/* "connections.<conn>" */
const char *schema_scope_path(enum schema_scope scope);
/* The closest key of the scope to a misspelt one, or NULL. */
const char *schema_suggest(enum schema_scope scope, const char *key);

/* Puts the scope's defaults and then the section's keys into dest. Unknown, refused and malformed keys become
 * errors. What was set is recorded in origins, and under prefix (when not NULL) in outer. */
void schema_apply(struct builder *b, enum schema_scope scope, const struct setting *section, void *dest,
                  struct origin_list *origins, struct origin_list *outer, const char *prefix);
/* The same without the defaults. */
void schema_apply_keys(struct builder *b, enum schema_scope scope, const struct setting *section, void *dest,
                       struct origin_list *origins, struct origin_list *outer, const char *prefix);
/* Only checks the keys; nothing is set. */
void schema_check(struct builder *b, enum schema_scope scope, const struct setting *section);
/* An error about a section that has no place here, with the closest of the names that have (NULL-terminated).
 */
void schema_unknown_section(struct builder *b, const struct setting *section, const char *const *known);
