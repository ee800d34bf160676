/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates on tokens (PKCS#11), by the handle that --keyid and its like give in hex. The tokens
 * are those of the modules that p11-kit knows, and that strongswan.conf names: pki or libstrongswan,
 * plugins.pkcs11.modules.NAME.path. The PIN is asked for, once, and only when a token has the object but does
 * not give it without. */
#include "bin/pki/pki.h"
#include "conf/settings/settings.h"
#include "pki/cert.h"
#include "sys/files.h"
#include "sys/token.h"
#include <stdlib.h>

enum { HANDLE_MAX = 64 };

static const char what_to_try[] =
    "p11-kit list-modules and pkcs11-tool --list-objects show what there is; a module "
    "may be named in strongswan.conf";

static bool query_of(const struct pki_run *r, const char *option, struct token_query *q, struct diag *d)
{
    const char *text = pki_get(r, option);
    uint8_t *id = arena_alloc(r->arena, HANDLE_MAX);
    size_t len = 0;
    const char *hex = !strncasecmp(text, "0x", 2) ? text + 2 : text;
    *q = (struct token_query){.slot = -1};
    if (!hex_decode(span_str(hex), id, HANDLE_MAX, &len) || !len) {
        diag_set(d, FAIL_USAGE, "--%s %s is no handle of an object", option, text);
        diag_expected(d, "its CKA_ID in hex, such as a1b2");
        return false;
    }
    q->handle = span_of(id, len);
    return true;
}

/* The modules of one section of strongswan.conf. */
static void add_modules(const struct pki_run *r, const struct settings_tree *t, const char *name)
{
    static const char *const path[] = {"plugins", "pkcs11", "modules"};
    const struct setting *at = settings_section(t, t->root, name);
    for (size_t i = 0; at && i < ARRAY_LEN(path); i++)
        at = settings_section(t, at, path[i]);
    for (const struct setting *m = at ? at->first : NULL; m; m = m->next) {
        const struct setting *key = m->is_section ? settings_key(t, m, "path") : NULL;
        if (key && key->value && !token_add_module(key->value))
            pki_note(r, 1, "the PKCS#11 module %s of %s cannot be loaded", key->value, key->file);
    }
}

/* A file with mistakes is used as far as it goes: it is not written for us alone. */
static void read_strongswan_conf(const struct pki_run *r)
{
    const char *named = getenv("STRONGSWAN_CONF");
    struct conf_source src = files_source(NULL);
    struct errors errs = {0};
    struct settings_tree t;
    settings_init(&t, r->arena, r->arena);
    if (settings_read(&t, t.root, named && *named ? named : "/etc/strongswan.conf", &src, &errs)) {
        settings_resolve(&t, &errs);
        add_modules(r, &t, "pki");
        add_modules(r, &t, "libstrongswan");
    }
    settings_deinit(&t);
}

/* With its end, as C wants it; wiped by secret_free(). */
static bool ask_pin(bool has_stdin, struct secret *out)
{
    struct secret line = {0};
    if (!pki_ask_passphrase("Smartcard PIN: ", has_stdin, &line))
        return false;
    *out = secret_new(line.len + 1);
    if (line.len)
        memcpy(out->ptr, line.ptr, line.len);
    out->ptr[line.len] = '\0';
    secret_free(&line);
    return true;
}

struct pkey *pki_key_on_token(const struct pki_run *r, const char *option, const char *type, bool has_stdin,
                              struct diag *d)
{
    struct token_query q;
    struct secret pin = {0};
    struct diag first = {0};
    if (!query_of(r, option, &q, d))
        return NULL;
    read_strongswan_conf(r);
    struct pkey *k = token_key(NULL, &q, &first);
    if (!k && first.class == FAIL_PERMISSION && ask_pin(has_stdin, &pin)) {
        q.pin = (const char *)pin.ptr;
        first = (struct diag){0};
        k = token_key(NULL, &q, &first);
    }
    secret_free(&pin);
    if (!k) {
        *d = first;
        if (d->try[0]) /* it may speak of keys of keyway.conf */
            diag_try(d, "%s", first.class == FAIL_PERMISSION ? "again, with its PIN" : what_to_try);
    }
    if (k)
        pki_note(r, 2, "found %s of %u bits on a token", pkey_type_name(k), pkey_bits(k));
    return pki_key_must_be(k, type, d);
}

struct cert *pki_cert_on_token(const struct pki_run *r, const char *option, struct diag *d)
{
    struct token_query q;
    struct span der;
    if (!query_of(r, option, &q, d))
        return NULL;
    read_strongswan_conf(r);
    bool is_there = token_cert(NULL, r->arena, &q, &der, d);
    return is_there ? cert_load(der, d) : NULL;
}

struct pkey *pki_key_of(const struct pki_run *r, const char *file, const char *id, const char *type,
                        bool has_stdin, struct diag *d)
{
    if (pki_has(r, id))
        return pki_key_on_token(r, id, type, has_stdin, d);
    return pki_private_key(r, pki_get(r, file), type, d);
}
