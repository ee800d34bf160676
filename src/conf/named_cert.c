/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate by what users of Libreswan and strongSwan call it: see build_named_cert(). Not here: blobs in
 * place, and swanctl.conf's folders (credentials.c). */
#include "conf/build.h"
#include "conf/errors.h"

bool build_stored_cert(const struct builder *b, const char *nickname, struct span *der)
{
    for (size_t i = 0; i < b->n_stored; i++) {
        if (strcmp(b->stored[i].nickname, nickname) != 0)
            continue;
        *der = b->stored[i].der;
        return true;
    }
    return false;
}

static const char key_store[] = "the key store";

/* False with nothing in d: there is no such file. */
static bool read_below(struct builder *b, const char *folder, const char *name, struct span *out,
                       const char **path, struct diag *d)
{
    if (!folder || name[0] == '/')
        return false;
    *path = arena_printf(b->scratch, "%s/%s", folder, name);
    return build_read_file(b, *path, false, out, d);
}

static bool find(struct builder *b, const char *name, struct span *out, const char **path, struct diag *d)
{
    const struct conf_source *src = b->src;
    const char *store =
        src->store_folder ? src->store_folder(src->ctx, b->config->settings.key_store, b->scratch) : NULL;
    const char *certs = b->ipsec_d ? arena_printf(b->scratch, "%s/certs", b->ipsec_d) : NULL;
    *path = key_store;
    if (build_stored_cert(b, name, out))
        return true;
    if (read_below(b, store, name, out, path, d) || diag_failed(d) ||
        read_below(b, certs, name, out, path, d) || diag_failed(d))
        return !diag_failed(d);
    *path = name;
    return name[0] == '/' && build_read_file(b, name, false, out, d);
}

struct cert *build_named_cert(struct builder *b, const struct setting *key, const char *name)
{
    struct span data = {0};
    struct diag d = {0};
    const char *path;
    if (!find(b, name, &data, &path, &d)) {
        struct diag *e =
            build_error(b, key, "%s: %.200s", diag_failed(&d) ? d.what : "no such certificate", name);
        diag_expected(e, "a nickname of the key store, a file in its folder or in %s/certs, or a path",
                      b->ipsec_d ? b->ipsec_d : "ipsec.d");
        return NULL;
    }
    struct cert *c = cert_load(data, &d);
    if (!c) {
        struct diag *e = build_error(b, key, "not a certificate in %s: %s", path, d.what);
        diag_expected(e, "%s", d.expected);
        diag_got(e, "%s", d.got);
    }
    if (c)
        build_note_cert(b, c, strcmp(path, key_store) == 0 ? name : path);
    return c;
}
