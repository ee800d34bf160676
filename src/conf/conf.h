/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files to a snapshot. Files come through callbacks: this layer opens nothing. */
#pragma once

#include "model/connection.h"

struct token_query {
    const char *module; /* p11-kit's name of it, or a path; NULL: any */
    int64_t slot;       /* -1: any that has it */
    struct span handle; /* CKA_ID */
    const char *pin;    /* NULL: none */
};

struct stored_cert {
    const char *nickname;
    struct span der;
    bool is_trusted; /* as an authority */
};

/* Where files come from. read: the whole file into memory of a; false when absent (d then says why unless it
 * is just not there). glob: paths matching a shell pattern, sorted, into memory of a; returns how many. */
struct conf_source {
    void *ctx;
    bool (*read)(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d);
    /* As read, for private keys: refused, with what to type, where others than its owner may read the file.
     * NULL: read serves. */
    bool (*read_private)(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d);
    /* What is on tokens (PKCS#11), or NULL. A key is a reference that the caller drops; a certificate is DER
     * in a's memory. */
    struct pkey *(*token_key)(void *ctx, const struct token_query *q, struct diag *d);
    bool (*token_cert)(void *ctx, struct arena *a, const struct token_query *q, struct span *der,
                       struct diag *d);
    /* The key store of the host's keys. folder: where a configuration says that it is, or NULL; the command
     * line may know better. store_key: the private key of a public one, or NULL: nothing is in d when it is
     * not there. A reference that the caller drops; *file, in a's memory, is where it is. store_certs: in a's
     * memory; returns how many. store_folder: where the store is, in a's memory, or NULL: there is none. */
    struct pkey *(*store_key)(void *ctx, const char *folder, struct arena *a, const struct pkey *public_key,
                              const char **file, struct diag *d);
    size_t (*store_certs)(void *ctx, const char *folder, struct arena *a, struct stored_cert **certs,
                          struct diag *d);
    const char *(*store_folder)(void *ctx, const char *folder, struct arena *a);
    /* The machine's addresses, in a's memory; returns how many. NULL: none are known. */
    size_t (*own_addresses)(void *ctx, struct arena *a, struct ip **v);
    size_t (*glob)(void *ctx, struct arena *a, const char *pattern, const char ***paths);
};

struct conf_request {
    const char *etc;      /* stands for /etc */
    const char *load;     /* NULL = all that exist; "none", "keyway,swanctl,ipsec" */
    const char *settings; /* strongswan.conf path, or NULL */
    /* Read in the place of the main file of the one dialect that load names; NULL-terminated; NULL: none.
     * Secrets and credentials are those of etc all the same. */
    const char *const *files;
    int ipsec_dialect; /* as settings.ipsec_dialect, which it overrides; 0: as that says */
    /* Connections of ipsec.conf by name, against what their auto= says: added ones are loaded though it is
     * ignore, deleted ones are not loaded whatever it is. A name in both is deleted. NULL-terminated, the
     * caller's; NULL: none. */
    const char *const *added, *const *deleted;
    bool is_of_settings; /* of all that is read only the settings: no connection, no credential */
};

/* Reads keyway.conf (and conf.d/), swanctl.conf, ipsec.conf and their credentials into one snapshot, or
 * nothing at all: on an error NULL, with every error found (at most cap) in d, each with file, line and
 * column. *n_errors tells how many. Warnings go to the log. */
struct config *conf_load(const struct conf_source *src, const struct conf_request *req, struct diag *d,
                         size_t cap, size_t *n_errors);
