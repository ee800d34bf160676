/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: certificates of the folders, then keys (load_keys.c), then tokens and secrets
 * (load_secrets.c); at last what the daemon has of keys and secrets that are no more. */
#include "bin/swanctl/load.h"
#include <errno.h>

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

static void unload(struct loader *l, const char *vici, const char *id)
{
    struct vici_writer w;
    struct span reply;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, vici);
    vici_text(&w, "id", id);
    if (loader_send(l, vici, &w, &reply) == LOAD_REFUSED)
        loader_refused("unloading key", id, reply);
}

/* strongSwan's swanctl does not see in --raw and --pretty that a key was loaded again: it unloads all that
 * the daemon had before, and peers are refused from then on. Scripts that read the replies find as many of
 * them here, but the key stays: nothing is sent. */
static void seem_to_unload_key(const struct loader *l)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_text(&w, "success", "yes");
    dump_message(stdout, "unload-key reply", (struct span){w.buf, w.len}, l->run->style);
    vici_write_free(&w);
}

static void unload_what_is_gone(struct loader *l)
{
    for (size_t i = 0; i < l->keys.n; i++) {
        if (!l->keys.v[i].is_again)
            unload(l, "unload-key", l->keys.v[i].text);
        else if (l->run->style != DUMP_NONE)
            seem_to_unload_key(l);
    }
    for (size_t i = 0; i < l->shared.n; i++) {
        if (!l->shared.v[i].is_again)
            unload(l, "unload-shared", l->shared.v[i].text);
    }
}

int load_credentials(struct loader *l, bool is_clearing)
{
    struct vici_writer w;
    struct span reply;
    if (is_clearing) {
        int code; /* whatever it is, theirs exits with this one */
        vici_write_init(&w);
        vici_packet_open(&w, VICI_CMD_REQUEST, "clear-creds");
        if (!swanctl_ask(l->run, &w, "clear-creds", &reply, &code))
            return ECONNREFUSED;
        if (l->run->style != DUMP_NONE)
            dump_message(stdout, "clear-creds reply", reply, l->run->style);
    }
    loader_names(l, "get-keys", "keys", &l->keys);
    loader_names(l, "get-shared", "keys", &l->shared);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        load_folder(l, folders[i].name, take_file, &folders[i]);
    load_key_folders(l);
    load_secrets(l);
    unload_what_is_gone(l);
    return 0;
}
