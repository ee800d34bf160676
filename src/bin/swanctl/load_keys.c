/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys of the folders. One that can be opened here, with the passphrase of swanctl.conf or one that
 * is typed, goes to the daemon as plain DER under its kind; another one goes as it is, and the daemon says
 * what it thinks of it. */
#include "bin/pki/pki.h"
#include "bin/swanctl/load.h"
#include "crypto/pkey.h"
#include "pki/pkcs12.h"

enum { TRIES_MAX = 5 };

static const struct folder {
    const char *name, *type;
    enum pkey_type kind; /* 0: any */
} folders[] = {
    {"private", "any",   0         },
    {"rsa",     "rsa",   PKEY_RSA  },
    {"ecdsa",   "ecdsa", PKEY_ECDSA},
    {"pkcs8",   "any",   0         },
};

static const char *const kinds[] = {
    [PKEY_RSA] = "RSA", [PKEY_ECDSA] = "ECDSA", [PKEY_ED25519] = "ED25519", [PKEY_ED448] = "ED448"};

/* shown: what a message calls it, where that is not its type. */
static bool send_key(struct loader *l, const char *path, const char *type, const char *shown,
                     struct span data)
{
    struct vici_writer w;
    struct span reply, id;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "load-key");
    vici_text(&w, "type", type);
    vici_value(&w, "data", data);
    enum load_outcome outcome = loader_send(l, "load-key", &w, &reply);
    if (outcome == LOAD_REFUSED)
        loader_refused("loading", path, reply);
    if (outcome != LOAD_DONE)
        return false;
    if (vici_find(reply, "id", &id))
        names_mark_again(&l->keys, id);
    if (l->run->style == DUMP_NONE)
        printf("loaded %s key from '%s'\n", shown, path);
    return true;
}

static bool send_opened(struct loader *l, const char *path, const struct pkey *k)
{
    const char *kind = kinds[pkey_type(k)];
    struct secret der = {0};
    bool is_ok =
        pkey_encode(k, PKEY_TRADITIONAL_DER, &der) && send_key(l, path, kind, kind, secret_view(&der));
    secret_free(&der);
    if (!is_ok)
        fprintf(stderr, "unsupported key type in '%s'\n", path);
    return is_ok;
}

static void tell_invalid(const struct loader *l, const char *leaf)
{
    if (l->run->debug > 0)
        fprintf(stderr, "configured decryption secret for '%s' invalid\n", leaf);
}

/* NULL for one that does not belong into the folder as well. */
static struct pkey *open_with(const struct folder *f, struct span data, const struct secret *passphrase,
                              struct diag *d)
{
    struct pkey *k = pkey_load_private(data, secret_view(passphrase), d);
    if (!k || !f->kind || pkey_type(k) == f->kind)
        return k;
    pkey_unref(k);
    diag_set(d, FAIL_GENERIC, "a key of another kind");
    return NULL;
}

/* An empty answer gives up. */
static bool ask(const char *folder, const char *leaf, struct secret *out)
{
    char prompt[512];
    snprintf(prompt, sizeof(prompt), "Password for %s file '%.300s': ", folder, leaf);
    if (pki_ask_passphrase(prompt, true, out) && out->len)
        return true;
    secret_free(out);
    return false;
}

static struct pkey *open_asking(const struct folder *f, const char *leaf, struct span data)
{
    struct secret passphrase = {0};
    struct diag d = {0};
    struct pkey *k = open_with(f, data, &passphrase, &d);
    bool is_locked = !k && d.class == FAIL_PERMISSION;
    for (int i = 0; is_locked && !k && i < TRIES_MAX && ask(f->name, leaf, &passphrase); i++) {
        k = open_with(f, data, &passphrase, &d);
        secret_free(&passphrase);
    }
    return k;
}

/* NULL: it goes as it is. */
static struct pkey *open_key(struct loader *l, const struct folder *f, const char *leaf, struct span data)
{
    struct secret passphrase = {0};
    struct pkey *k = NULL;
    struct diag d;
    if (load_find_passphrase(l, f->name, leaf, &passphrase)) {
        k = open_with(f, data, &passphrase, &d);
        if (!k)
            tell_invalid(l, leaf);
    }
    secret_free(&passphrase);
    return k || !l->has_prompts ? k : open_asking(f, leaf, data);
}

static void take_key(struct loader *l, const void *row, const char *path, const char *leaf, struct span data)
{
    const struct folder *f = row;
    struct pkey *k = open_key(l, f, leaf, data);
    if (!k || !send_opened(l, path, k))
        send_key(l, path, f->type, f->name, data);
    pkey_unref(k);
}

/* ---- PKCS#12: certificates and keys of one file */

static bool open_container(struct loader *l, const char *leaf, struct span data, struct pkcs12 *out)
{
    struct secret passphrase = {0};
    struct diag d = {0};
    bool is_open = false;
    if (load_find_passphrase(l, "pkcs12", leaf, &passphrase)) {
        is_open = pkcs12_load(data, secret_view(&passphrase), 0, out, &d);
        if (!is_open)
            tell_invalid(l, leaf);
        secret_free(&passphrase);
    }
    for (int i = 0; !is_open && l->has_prompts && i < TRIES_MAX && ask("pkcs12", leaf, &passphrase); i++) {
        is_open = pkcs12_load(data, secret_view(&passphrase), 0, out, &d);
        secret_free(&passphrase);
        if (d.class != FAIL_PERMISSION)
            break;
    }
    return is_open;
}

static void take_container(struct loader *l, const void *row, const char *path, const char *leaf,
                           struct span data)
{
    struct pkcs12 p;
    (void)row;
    if (!open_container(l, leaf, data, &p))
        return;
    for (size_t i = p.n_certs; i > 0; i--) /* in the order of theirs */
        load_certificate(l, path, "X509", "NONE", cert_der(p.certs[i - 1]));
    for (size_t i = 0; i < p.n_keys; i++)
        send_opened(l, path, p.keys[i]);
    pkcs12_free(&p);
}

void load_key_folders(struct loader *l)
{
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        load_folder(l, folders[i].name, take_key, &folders[i]);
    load_folder(l, "pkcs12", take_container, NULL);
}
