/* SPDX-License-Identifier: Apache-2.0 */
/* See item.h. A tree of settings is made of what came, and the builders of swanctl.conf do the rest. Not
 * here: where the items come from (src/ctl), and which of them are in force (src/sys). */
#include "conf/item.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/build.h"
#include "conf/value.h"
#include "pki/acert.h"
#include "pki/crl.h"
#include <stdlib.h>
#include <strings.h>

#define UNBOUNDED  (SIZE_MAX / 2) /* a message of vici has 512 KiB at most */
#define DEPTH_MAX  8
#define VALUES_MAX 4096
#define FILE_SHOWN "vici"

struct list_value { /* the key that values are appended to */
    struct setting *of;
    char *buf;
    size_t len, cap;
};

struct conf_item {
    enum conf_item_kind kind;
    struct arena *a; /* of values: wiped at the end */
    struct settings_tree tree;
    struct setting *section; /* that of the item */
    struct setting *at;      /* that is open */
    unsigned depth;
    size_t n_values;
    struct list_value list;
};

/* ---- what came, as a tree */

static bool is_name(struct span name)
{
    return name.len && name.len <= SETTINGS_MAX_NAME && !memchr(name.ptr, 0, name.len);
}

static struct setting *add(struct conf_item *t, struct setting *parent, struct span name, bool is_section)
{
    struct setting *s = settings_add(&t->tree, parent, (const char *)name.ptr, name.len, is_section);
    if (s)
        s->file = FILE_SHOWN;
    return s;
}

/* The section of swanctl.conf, or what is as good, in which the item would stand. */
static const char *const parents[] = {
    [ITEM_CONNECTION] = "connections",
    [ITEM_POOL] = "pools",
    [ITEM_AUTHORITY] = "authorities",
    [ITEM_SHARED] = "secrets",
    [ITEM_TOKEN] = "secrets",
    [ITEM_KEY] = "secrets",
    [ITEM_CERT] = "certs",
};

struct conf_item *conf_item_new(enum conf_item_kind kind, struct span name)
{
    struct conf_item *t = mem_new(sizeof(*t));
    t->kind = kind;
    t->a = arena_new(UNBOUNDED);
    settings_init(&t->tree, t->a, t->a);
    struct setting *parent = add(t, t->tree.root, span_str(parents[kind]), true);
    t->section = t->at = add(t, parent, is_name(name) ? name : span_str("-"), true);
    return t;
}

void conf_item_free(struct conf_item *t)
{
    if (!t)
        return;
    settings_deinit(&t->tree);
    arena_free(t->a);
    free(t);
}

bool conf_item_open(struct conf_item *t, struct span name)
{
    struct setting *s = is_name(name) && t->depth < DEPTH_MAX ? add(t, t->at, name, true) : NULL;
    if (!s)
        return false;
    t->at = s;
    t->depth++;
    return true;
}

bool conf_item_close(struct conf_item *t)
{
    if (!t->depth)
        return false;
    t->at = t->at->parent;
    t->depth--;
    return true;
}

static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

/* ---- a value, or the list that it goes on with: in a buffer that doubles */

static void append(struct conf_item *t, const char *text, size_t len)
{
    struct list_value *l = &t->list;
    if (l->len + len + 1 > l->cap) {
        l->cap = 2 * (l->len + len + 1);
        char *bigger = arena_alloc(t->a, l->cap);
        if (l->len)
            memcpy(bigger, l->of->value, l->len);
        l->of->value = l->buf = bigger;
    }
    memcpy(l->buf + l->len, text, len);
    l->len += len;
    l->buf[l->len] = 0;
}

static void append_value(struct conf_item *t, struct span value)
{
    if (is_text(value)) {
        append(t, (const char *)value.ptr, value.len);
        return;
    }
    size_t cap = (value.len + 2) / 3 * 4 + 1;
    struct text encoded = {.buf = arena_alloc(t->a, cap), .cap = cap};
    text_base64(&encoded, value);
    append(t, "0s", 2);
    append(t, encoded.buf, encoded.len);
}

bool conf_item_value(struct conf_item *t, struct span name, struct span value)
{
    struct setting *s = is_name(name) && t->n_values < VALUES_MAX ? add(t, t->at, name, false) : NULL;
    if (!s)
        return false;
    t->n_values++;
    if (t->list.of == s)
        append(t, ", ", 2);
    else
        t->list = (struct list_value){.of = s};
    append_value(t, value);
    return true;
}

/* ---- what it is */

static const char *value_of(const struct conf_item *t, const char *key)
{
    const struct setting *s = settings_key(&t->tree, t->section, key);
    return s && s->value ? s->value : "";
}

/* The bytes that the item is about; an error when there are none. */
static bool data_of(struct builder *b, const struct conf_item *t, struct span *out)
{
    const struct setting *s = settings_key(&t->tree, t->section, "data");
    bool ok = true;
    if (!s || !s->value || !s->value[0]) {
        diag_expected(build_error(b, t->section, "it holds no data"), "the key 'data'");
        return false;
    }
    if (!value_blob(b->scratch, s->value, out, &ok))
        *out = span_str(s->value);
    if (!ok)
        build_error(b, s, "the encoding is broken");
    return ok;
}

static void take_error(struct builder *b, const struct diag *d)
{
    if (diag_failed(d))
        errors_take(b->errs, d, NULL, 0, 0);
}

/* As secrets.ike<x> { secret, id<y> } has it. */
static void build_shared(struct builder *b, struct conf_item *t)
{
    static const char *const prefixes[][2] = {
        {"IKE",   "ike"  },
        {"PPK",   "ppk"  },
        {"EAP",   "eap"  },
        {"XAUTH", "xauth"},
        {"NTLM",  "ntlm" },
    };
    struct setting *data = settings_key(&t->tree, t->section, "data");
    const char *type = value_of(t, "type"), *prefix = NULL;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        prefix = strcasecmp(type, prefixes[i][0]) == 0 ? prefixes[i][1] : prefix;
    if (!prefix) {
        diag_expected(build_error(b, t->section, "a shared secret of an unknown type '%.40s'", type),
                      "IKE, PPK, EAP, XAUTH or NTLM");
        return;
    }
    struct setting *like = add(t, t->section->parent, span_str(prefix), true);
    const char **owners = value_list(t->a, value_of(t, "owners"), &n);
    struct setting *secret = add(t, like, span_str("secret"), false);
    secret->value = data ? data->value : NULL;
    for (size_t i = 0; i < n; i++)
        add(t, like, span_str(arena_printf(t->a, "id%zu", i)), false)->value = owners[i];
    build_secret(b, like);
}

static void build_key(struct builder *b, const struct conf_item *t)
{
    struct diag d = {0};
    struct span data;
    if (!data_of(b, t, &data))
        return;
    struct pkey *k = pkey_load_private(data, span_of(NULL, 0), &d);
    if (k)
        build_add_key(b, k, (struct origin){.key = "key", .file = FILE_SHOWN});
    take_error(b, &d);
}

static void build_certificate(struct builder *b, struct span data, const char *flag, struct diag *d)
{
    struct cert *c = cert_load(data, d);
    if (!c)
        return;
    if (strcasecmp(flag, "CA") == 0 && !cert_is_ca(c)) {
        diag_set(d, FAIL_CERTIFICATE, "%.120s is not the certificate of an authority", cert_subject_text(c));
        diag_expected(d, "basicConstraints with CA:TRUE, or another flag than CA");
        cert_unref(c);
    } else if (strcasecmp(flag, "CA") == 0) {
        build_add_ca(b, c);
    } else if (strcasecmp(flag, "AA") == 0) {
        build_add_aa(b, c);
    } else if (strcasecmp(flag, "OCSP") == 0) {
        build_add_signer(b, c);
    } else {
        build_add_cert(b, c);
    }
}

static void build_pubkey(struct builder *b, struct span data, const char *flag, struct diag *d)
{
    (void)flag;
    struct pkey *k = pkey_load_public_any(data, d);
    if (k)
        build_add_pubkey(b, k);
}

static void build_crl(struct builder *b, struct span data, const char *flag, struct diag *d)
{
    (void)flag;
    struct crl *c = crl_load(data, d);
    if (c)
        build_add_crl(b, c);
}

static void build_acert(struct builder *b, struct span data, const char *flag, struct diag *d)
{
    (void)flag;
    struct acert *c = acert_load(data, d);
    if (c)
        build_add_acert(b, c);
}

/* Types, and what they were called before flags came. */
static void build_cert(struct builder *b, const struct conf_item *t)
{
    static const struct {
        const char *type, *flag;
        void (*build)(struct builder *b, struct span data, const char *flag, struct diag *d);
    } types[] = {
        {"X509",     NULL,   build_certificate},
        {"x509ca",   "CA",   build_certificate},
        {"x509aa",   "AA",   build_certificate},
        {"x509ocsp", "OCSP", build_certificate},
        {"X509_AC",  NULL,   build_acert      },
        {"x509ac",   NULL,   build_acert      },
        {"X509_CRL", NULL,   build_crl        },
        {"x509crl",  NULL,   build_crl        },
        {"PUBKEY",   NULL,   build_pubkey     },
    };
    const char *type = value_of(t, "type");
    struct diag d = {0};
    struct span data;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcasecmp(types[i].type, type) != 0)
            continue;
        if (data_of(b, t, &data))
            types[i].build(b, data, types[i].flag ? types[i].flag : value_of(t, "flag"), &d);
        take_error(b, &d);
        return;
    }
    diag_expected(build_error(b, t->section, "a certificate of an unknown type '%.40s'", type),
                  "X509, X509_AC, X509_CRL or PUBKEY");
}

static void build(struct builder *b, struct conf_item *t)
{
    switch (t->kind) {
    case ITEM_CONNECTION:
        build_add_connection(b, build_connection(b, t->section), t->section);
        return;
    case ITEM_POOL:
        build_pool(b, t->section);
        return;
    case ITEM_AUTHORITY:
        build_authorities(b, t->section->parent);
        return;
    case ITEM_SHARED:
        build_shared(b, t);
        return;
    case ITEM_TOKEN:
        build_token(b, t->section);
        return;
    case ITEM_KEY:
        build_key(b, t);
        return;
    case ITEM_CERT:
        build_cert(b, t);
        return;
    }
}

struct config *conf_item_build(struct conf_item *t, const struct conf_source *src, const char *etc,
                               const struct config *around, struct diag *d, size_t cap, size_t *n_errors)
{
    struct errors errs = {.v = d, .cap = cap};
    struct arena *a = arena_new(UNBOUNDED);
    struct config *c = config_new(a);
    struct builder b = {.src = src,
                        .errs = &errs,
                        .a = a,
                        .scratch = t->a,
                        .config = c,
                        .around = around,
                        .tree = &t->tree,
                        .dialect = "vici",
                        .dir = arena_printf(a, "%s/swanctl", etc)};
    c->settings = around->settings;
    map_init(&b.names);
    build(&b, t);
    map_deinit(&b.names);
    settings_defaults(&c->settings); /* what the caller's point to is not the part's */
    *n_errors = errs.n;
    if (errs.n == 0)
        return c;
    config_unref(c);
    return NULL;
}
