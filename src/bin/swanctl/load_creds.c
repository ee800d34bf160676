/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: certificates of the folders, then keys (load_keys.c), then tokens and secrets
 * (load_secrets.c); at last what the daemon has of keys and secrets that are no more. */
#include "bin/swanctl/load.h"

static const struct folder {
    const char *name, *type, *flag;
} folders[] = {
    {"x509",     "X509",     "NONE"},
    {"x509ca",   "X509",     "CA"  },
    {"x509ocsp", "X509",     "OCSP"},
    {"x509aa",   "X509",     "AA"  },
    {"x509ac",   "X509_AC",  NULL  },
    {"x509crl",  "X509_CRL", NULL  },
    {"pubkey",   "PUBKEY",   NULL  },
};

void load_certificate(struct loader *l, const char *path, const char *type, const char *flag,
                      struct span data)
{
    struct vici_writer w;
    struct span reply;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "load-cert");
    vici_text(&w, "type", type);
    if (flag)
        vici_text(&w, "flag", flag);
    vici_value(&w, "data", data);
    enum load_outcome outcome = loader_send(l, "load-cert", &w, &reply);
    if (outcome == LOAD_REFUSED)
        loader_refused("loading", path, reply);
    else if (outcome == LOAD_DONE && l->run->style == DUMP_NONE)
        printf("loaded certificate from '%s'\n", path);
}

static void take_file(struct loader *l, const void *row, const char *path, const char *leaf, struct span data)
{
    const struct folder *f = row;
    (void)leaf;
    load_certificate(l, path, f->type, f->flag, data);
}

static void unload(struct loader *l, const char *vici, const struct names *stale)
{
    for (size_t i = 0; i < stale->n; i++) {
        struct vici_writer w;
        struct span reply;
        vici_write_init(&w);
        vici_packet_open(&w, VICI_CMD_REQUEST, vici);
        vici_text(&w, "id", stale->v[i]);
        if (loader_send(l, vici, &w, &reply) == LOAD_REFUSED)
            loader_refused("unloading key", stale->v[i], reply);
    }
}

int load_credentials(struct loader *l, bool is_clearing)
{
    struct vici_writer w;
    struct span reply;
    if (is_clearing) {
        int code;
        vici_write_init(&w);
        vici_packet_open(&w, VICI_CMD_REQUEST, "clear-creds");
        if (!swanctl_ask(l->run, &w, "clear-creds", &reply, &code))
            return code;
    }
    loader_names(l, "get-keys", "keys", &l->keys);
    loader_names(l, "get-shared", "keys", &l->shared);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        load_folder(l, folders[i].name, take_file, &folders[i]);
    load_key_folders(l);
    load_secrets(l);
    unload(l, "unload-key", &l->keys);
    unload(l, "unload-shared", &l->shared);
    return 0;
}
