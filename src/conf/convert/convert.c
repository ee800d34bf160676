/* SPDX-License-Identifier: Apache-2.0 */
/* convert_config(): writing, loading what was written, telling what is lost, and writing that beside it. */
#include "conf/convert/private.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *const names[FORM_COUNT] = {
    [FORM_SWANCTL] = "swanctl",
    [FORM_STRONGSWAN] = "strongswan",
    [FORM_LIBRESWAN] = "libreswan",
    [FORM_KEYWAY] = "keyway",
};

static const char *const main_files[FORM_COUNT] = {
    [FORM_SWANCTL] = "swanctl/swanctl.conf",
    [FORM_STRONGSWAN] = "ipsec.conf",
    [FORM_LIBRESWAN] = "ipsec.conf",
    [FORM_KEYWAY] = "keyway/keyway.conf",
};

static const char *const secret_files[FORM_COUNT] = {
    [FORM_SWANCTL] = "swanctl/secrets.conf",
    [FORM_STRONGSWAN] = "ipsec.secrets",
    [FORM_LIBRESWAN] = "ipsec.secrets",
    [FORM_KEYWAY] = "keyway/secrets.conf",
};

const char *convert_form_name(enum convert_form f)
{
    return names[f];
}

bool convert_form_of(const char *word, enum convert_form *out)
{
    for (int f = 0; f < FORM_COUNT; f++) {
        if (strcasecmp(names[f], word) == 0) {
            *out = (enum convert_form)f;
            return true;
        }
    }
    return false;
}

/* ---- a source with what was written in the place of what is there */

struct overlay {
    const struct conf_source *base;
    const char *etc;
    const struct convert_file *files;
    size_t n;
};

/* Behind etc/, or NULL. */
static const char *below(const struct overlay *o, const char *path)
{
    size_t len = strlen(o->etc);
    return strncmp(path, o->etc, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

static const struct convert_file *written(const struct overlay *o, const char *name)
{
    for (size_t i = 0; name && i < o->n; i++) {
        if (strcmp(o->files[i].path, name) == 0)
            return &o->files[i];
    }
    return NULL;
}

/* Main files of all forms: those that are not written are not there. */
static bool is_hidden(const char *name)
{
    for (int f = 0; name && f < FORM_COUNT; f++) {
        if (strcmp(name, main_files[f]) == 0 || strcmp(name, secret_files[f]) == 0)
            return true;
    }
    return false;
}

static bool overlay_read(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d)
{
    const struct overlay *o = ctx;
    const char *name = below(o, path);
    const struct convert_file *f = written(o, name);
    bool is_settings = name && strcmp(name, "strongswan.conf") == 0;
    if (f && is_settings) { /* it is added to that */
        struct span have = {0};
        o->base->read(o->base->ctx, a, path, &have, d);
        *out = span_str(
            arena_printf(a, "%.*s\n%s", (int)have.len, have.len ? (const char *)have.ptr : "", f->text));
        return true;
    }
    if (f) {
        *out = span_str(f->text);
        return true;
    }
    return !is_hidden(name) && o->base->read(o->base->ctx, a, path, out, d);
}

static bool overlay_read_private(void *ctx, struct arena *a, const char *path, struct span *out,
                                 struct diag *d)
{
    const struct overlay *o = ctx;
    const char *name = below(o, path);
    if (written(o, name) || is_hidden(name) || !o->base->read_private)
        return overlay_read(ctx, a, path, out, d);
    return o->base->read_private(o->base->ctx, a, path, out, d);
}

static size_t overlay_glob(void *ctx, struct arena *a, const char *pattern, const char ***paths)
{
    static const char *const configurations[] = {"keyway/conf.d/*.conf", "ipsec.d/*.conf",
                                                 "ipsec.d/*.secrets"};
    const struct overlay *o = ctx;
    const char *name = below(o, pattern);
    if (written(o, name)) {
        *paths = arena_calloc(a, 1, sizeof(**paths));
        (*paths)[0] = arena_strdup(a, pattern);
        return 1;
    }
    for (size_t i = 0; name && i < ARRAY_LEN(configurations); i++) {
        if (strcmp(name, configurations[i]) == 0)
            return 0;
    }
    return o->base->glob(o->base->ctx, a, pattern, paths);
}

static struct pkey *overlay_token_key(void *ctx, const struct token_query *q, struct diag *d)
{
    const struct overlay *o = ctx;
    return o->base->token_key(o->base->ctx, q, d);
}

static bool overlay_token_cert(void *ctx, struct arena *a, const struct token_query *q, struct span *der,
                               struct diag *d)
{
    const struct overlay *o = ctx;
    return o->base->token_cert(o->base->ctx, a, q, der, d);
}

static struct pkey *overlay_store_key(void *ctx, const char *folder, struct arena *a,
                                      const struct pkey *public_key, const char **file, struct diag *d)
{
    const struct overlay *o = ctx;
    return o->base->store_key(o->base->ctx, folder, a, public_key, file, d);
}

static size_t overlay_store_certs(void *ctx, const char *folder, struct arena *a, struct stored_cert **certs,
                                  struct diag *d)
{
    const struct overlay *o = ctx;
    return o->base->store_certs(o->base->ctx, folder, a, certs, d);
}

static const char *overlay_store_folder(void *ctx, const char *folder, struct arena *a)
{
    const struct overlay *o = ctx;
    return o->base->store_folder(o->base->ctx, folder, a);
}

static size_t overlay_own_addresses(void *ctx, struct arena *a, struct ip **v)
{
    const struct overlay *o = ctx;
    return o->base->own_addresses(o->base->ctx, a, v);
}

static struct conf_source overlay_source(struct overlay *o)
{
    const struct conf_source *b = o->base;
    return (struct conf_source){
        .ctx = o,
        .read = overlay_read,
        .read_private = overlay_read_private,
        .token_key = b->token_key ? overlay_token_key : NULL,
        .token_cert = b->token_cert ? overlay_token_cert : NULL,
        .store_key = b->store_key ? overlay_store_key : NULL,
        .store_certs = b->store_certs ? overlay_store_certs : NULL,
        .store_folder = b->store_folder ? overlay_store_folder : NULL,
        .own_addresses = b->own_addresses ? overlay_own_addresses : NULL,
        .glob = overlay_glob,
    };
}

static struct config *load(const struct convert_request *r, const struct convert_file *files, size_t n,
                           struct diag *d)
{
    struct overlay o = {.base = r->src, .etc = r->etc, .files = files, .n = n};
    const struct conf_source src = overlay_source(&o);
    const struct conf_request req = {.etc = r->etc, .settings = r->settings};
    size_t n_errors;
    return conf_load(&src, &req, d, 1, &n_errors);
}

/* ---- what a form makes of nothing */

static const char *const plain_texts[FORM_COUNT] = {
    [FORM_SWANCTL] = "connections { plain { local { auth = psk\n } remote { } children { plain { } } } }",
    [FORM_STRONGSWAN] = "# keyway: dialect=strongswan\nconn plain\n left=%defaultroute\n right=%any\n"
                        " authby=secret\n auto=add\n",
    [FORM_LIBRESWAN] = "# keyway: dialect=libreswan\nconn plain\n left=%defaultroute\n right=%any\n"
                       " authby=secret\n auto=add\n",
    [FORM_KEYWAY] = "connections { plain { local { auth = psk\n } remote { } children { plain { } } } }\n"
                    "tunnel short { psk = x\n }",
};

/* ---- notes */

void write_notes(struct writer *w, struct page *p, const char *subject, const char *indent)
{
    for (size_t i = 0; i < w->n_notes; i++) {
        const struct convert_note *n = &w->notes[i];
        char where[256] = "";
        if (strcmp(n->subject, subject) != 0)
            continue;
        if (n->at.file)
            snprintf(where, sizeof(where), " (%s:%d)", n->at.file, n->at.line);
        page_put(p, "%s# no equivalent: %s = %.120s%s%s", indent, n->path, *n->value ? n->value : "nothing",
                 strlen(n->value) > 120 ? "..." : "", where);
        if (*n->becomes)
            page_put(p, ", here %.120s%s", n->becomes, strlen(n->becomes) > 120 ? "..." : "");
        page_put(p, ": %s\n", n->why ? n->why : "not written, which is a defect of Keyway's");
    }
}

struct noting {
    struct writer *w;
    size_t cap;
    const struct convert_request *r;
};

/* On one line. */
static const char *flat(struct arena *a, const char *text)
{
    char *out = arena_strdup(a, text);
    for (char *p = out; *p; p++)
        *p = (unsigned char)*p < ' ' || *p == 127 ? ' ' : *p;
    return out;
}

/* Only a connection of several children is not there by its name. */
static const char *reason_of(enum convert_form f, const struct convert_difference *d)
{
    bool is_missing = strcmp(d->path, "connection") == 0;
    if (is_missing && d->connection->n_children + d->connection->n_shunts < 2)
        return NULL;
    const char *last = strrchr(d->path, '.');
    bool is_time = last && strncmp(d->path, "children.", 9) == 0 &&
                   (strcmp(last, ".rekey_time") == 0 || strcmp(last, ".life_time") == 0);
    /* "rekey=no" is all that a conn cannot say of them, but where the end comes before what is to prevent it
     */
    bool is_whole = is_time && strcmp(d->value, "0") != 0 && strcmp(d->becomes, "0") != 0;
    for (size_t i = 0; is_whole && i < d->connection->n_children; i++)
        is_whole = d->connection->children[i].life.rekey_time < d->connection->children[i].life.life_time;
    bool is_ts = last && (strcmp(last, ".local_ts") == 0 || strcmp(last, ".remote_ts") == 0);
    if (is_whole || (is_ts && connection_has_ike(d->connection)))
        return NULL;
    return convert_absence(f, d->path);
}

static void note(void *ctx, const struct convert_difference *d)
{
    struct noting *x = ctx;
    struct conversion *out = x->w->out;
    struct arena *a = out->a;
    if (out->n_notes == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 32;
        struct convert_note *v = arena_calloc(a, cap, sizeof(*v));
        if (out->n_notes)
            memcpy(v, out->notes, out->n_notes * sizeof(*v));
        out->notes = v;
        x->cap = cap;
    }
    out->notes[out->n_notes++] = (struct convert_note){.subject = arena_strdup(a, d->subject),
                                                       .path = arena_strdup(a, d->path),
                                                       .value = flat(a, d->value),
                                                       .becomes = flat(a, d->becomes),
                                                       .why = reason_of(x->r->to, d),
                                                       .at = d->at};
}

/* ---- keyway.conf: which connections are tunnels */

static const char *why_long(const struct config *config, const struct connection *c)
{
    if (c->n_children != 1)
        return "a tunnel has one child";
    if (connection_has_rounds(c))
        return "a tunnel has one round of authentication";
    if (!tunnel_takes_secret(config, c))
        return "a tunnel has its preshared key, for an identity of the peer's";
    bool is_mixed = c->local.certs.n > 1 || (c->local.pubkeys.n && c->local.certs.n);
    return is_mixed ? "a tunnel has one certificate or key" : NULL;
}

/* Differences that a short form may have. */
static bool is_small(const char *path)
{
    static const char *const small[] = {"over_time", "rand_time", "rand_bytes", "rand_packets", "name"};
    const char *last = strrchr(path, '.');
    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        if (strcmp(last ? last + 1 : path, small[i]) == 0)
            return true;
    }
    return false;
}

static void judge(void *ctx, const struct convert_difference *d)
{
    struct writer *w = ctx;
    for (size_t i = 0; d->connection && i < w->config->n_connections; i++) {
        if (w->config->connections[i] == d->connection && !is_small(d->path) && !w->long_why[i])
            w->long_why[i] = arena_printf(w->a, "a tunnel cannot have %s = %.60s", d->path,
                                          *d->value ? d->value : "nothing");
    }
}

/* ---- rounds of writing */

static void write_form(struct writer *w)
{
    struct conversion *out = w->out;
    page_free(&w->main);
    page_free(&w->secrets);
    out->n_files = 1; /* the main one, filled below */
    out->files[0] = (struct convert_file){.path = main_files[w->to], .text = ""};
    if (w->to == FORM_STRONGSWAN || w->to == FORM_LIBRESWAN)
        write_ipsec_form(w);
    else
        write_settings_form(w);
    if (w->to == FORM_SWANCTL || w->to == FORM_STRONGSWAN)
        write_charon(w);
    if (w->secrets.len && (w->to == FORM_SWANCTL || w->to == FORM_KEYWAY))
        page_put(&w->main, "include secrets.conf\n");
    out->files[0].text = arena_strdup(out->a, page_text(&w->main));
    if (w->secrets.len)
        out->files[out->n_files++] =
            (struct convert_file){.path = secret_files[w->to],
                                  .text = arena_strdup(out->a, page_text(&w->secrets)),
                                  .is_secret = true};
}

static struct config *round_of(struct writer *w, struct diag *d)
{
    write_form(w);
    return load(w->request, w->out->files, w->out->n_files, d);
}

/* Tunnels first, and in the long form what is none. */
static struct config *settle_tunnels(struct writer *w, struct diag *d)
{
    for (size_t i = 0; i < w->config->n_connections; i++)
        w->long_why[i] = why_long(w->config, w->config->connections[i]);
    struct config *c = round_of(w, d);
    if (c)
        convert_compare(w->config, c, judge, w);
    for (size_t i = 0; !c && i < w->config->n_connections; i++)
        w->long_why[i] = "not all of these connections can be tunnels";
    if (c)
        config_unref(c);
    *d = (struct diag){0};
    return round_of(w, d);
}

static bool write_all(struct writer *w, struct diag *d)
{
    struct noting x = {.w = w, .r = w->request};
    struct config *c = w->to == FORM_KEYWAY ? settle_tunnels(w, d) : round_of(w, d);
    if (!c)
        return false;
    convert_compare(w->config, c, note, &x);
    config_unref(c);
    w->notes = w->out->notes;
    w->n_notes = w->out->n_notes;
    if (!w->n_notes)
        return true;
    c = round_of(w, d);
    if (!c)
        return false;
    config_unref(c);
    return true;
}

bool convert_config(const struct config *c, const struct convert_request *r, struct conversion *out,
                    struct diag *d)
{
    *out = (struct conversion){.a = arena_new(SIZE_MAX / 2)};
    *d = (struct diag){0};
    const struct convert_file plain = {.path = main_files[r->to], .text = plain_texts[r->to]};
    struct config *nothing = load(r, &plain, 1, d);
    if (!nothing)
        return false;
    struct writer w = {.config = c,
                       .request = r,
                       .a = out->a,
                       .to = r->to,
                       .plain = config_find(nothing, "plain"),
                       .plain_tunnel = config_find(nothing, "short"),
                       .plain_settings = &nothing->settings,
                       .out = out,
                       .long_why = arena_calloc(out->a, c->n_connections + 1, sizeof(char *))};
    bool ok = write_all(&w, d);
    page_free(&w.main);
    page_free(&w.secrets);
    config_unref(nothing);
    return ok;
}

void convert_free(struct conversion *v)
{
    arena_free(v->a); /* which wipes */
    *v = (struct conversion){0};
}

struct config *convert_load(const struct convert_request *r, const struct conversion *v, struct diag *d)
{
    return load(r, v->files, v->n_files, d);
}
