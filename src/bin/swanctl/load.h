/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that load share: swanctl.conf and the folders beside it, requests with their outcomes,
 * names that the daemon has and the files have not. */
#pragma once

#include "base/secret.h"
#include "bin/swanctl/settings.h"
#include "bin/swanctl/swanctl.h"

struct names { /* of what the daemon has */
    struct name {
        char *text;
        bool is_again; /* loaded again */
    } * v;
    size_t n;
};

struct loader {
    struct swanctl_run *run;
    struct settings_file file;
    char folder[PATH_TEXT_MAX]; /* where swanctl.conf is, and x509 and its like */
    bool has_prompts;           /* may ask for passphrases and PINs */
    struct names keys, shared;  /* credentials that the daemon had before */
};

/* load.c */
/* Reads the file. False: said, and *code says how to exit; nothing is to be loaded then. */
bool loader_open(struct loader *l, struct swanctl_run *r, int *code);
void loader_close(struct loader *l);
const struct setting *loader_section(const struct loader *l, const char *name);
enum load_outcome { LOAD_DONE, LOAD_REFUSED, LOAD_BROKEN };
/* Sends w and frees it. The reply is dumped in --raw, and counts as done there. Broken: said. reply may be
 * NULL. */
enum load_outcome loader_send(struct loader *l, const char *vici, struct vici_writer *w, struct span *reply);
/* "BEFORE 'NAME' failed: ERRMSG" on stderr. */
void loader_refused(const char *before, const char *name, struct span reply);
/* What a command like get-conns lists under a key; NULL: its sections. */
void loader_names(struct loader *l, const char *vici, const char *list, struct names *out);
/* It is there, and was loaded again: it is not unloaded at the end. */
void names_mark_again(struct names *n, struct span name);
void names_free(struct names *n);

/* load_items.c: connections, pools, authorities */
struct load_kind {
    const char *section, *one, *many; /* "connections", "connection", "connections" */
    const char *get, *list, *load, *unload;
    /* The contents of a section. False: said, and it is not sent. */
    bool (*write)(struct loader *l, struct vici_writer *w, const struct setting *section);
};
extern const struct load_kind load_connections, load_pools, load_authorities;
/* All of a kind: loads what the file has, unloads what only the daemon has. Returns the exit code. */
int load_items(struct loader *l, const struct load_kind *k);

/* load_creds.c: certificates, keys, secrets. Returns the exit code. */
int load_credentials(struct loader *l, bool is_clearing);
/* load_keys.c: private, rsa, ecdsa, pkcs8, pkcs12 */
void load_key_folders(struct loader *l);
void load_certificate(struct loader *l, const char *path, const char *type, const char *flag,
                      struct span data);
/* load_secrets.c: tokens, shared secrets */
void load_secrets(struct loader *l);
/* The secret of the section that names such a file, for sections whose names begin with prefix. False: none.
 */
bool load_find_passphrase(struct loader *l, const char *prefix, const char *file, struct secret *out);

/* load_files.c */
/* Each file of a folder, in the folder's order. */
typedef void load_file_fn(struct loader *l, const void *row, const char *path, const char *leaf,
                          struct span data);
void load_folder(struct loader *l, const char *folder, load_file_fn *fn, const void *row);
/* False with errno. At most what fits into a message. */
bool load_read(const char *path, struct secret *out);
/* "0x..." and "0s..." as bytes; anything else as it is. */
struct secret load_decode(const char *text);
