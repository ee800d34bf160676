/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a section with the table: defaults, look-up, conversion, and what to say about the rest. */
#include "conf/schema.h"
#include "base/text.h"
#include "conf/value.h"
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static const char *const scope_paths[SCOPE_COUNT] = {
    [SCOPE_CONNECTION] = "connections.<conn>",
    [SCOPE_LOCAL] = "connections.<conn>.local",
    [SCOPE_REMOTE] = "connections.<conn>.remote",
    [SCOPE_CERT] = "connections.<conn>.local.cert<suffix>",
    [SCOPE_CACERT] = "connections.<conn>.remote.cacert<suffix>",
    [SCOPE_CHILD] = "connections.<conn>.children.<child>",
    [SCOPE_IKE] = "secrets.ike<suffix>",
    [SCOPE_PRIVATE] = "secrets.private<suffix>, rsa<suffix>, ecdsa<suffix>, pkcs8<suffix>",
    [SCOPE_PPK] = "secrets.ppk<suffix>",
    [SCOPE_EAP] = "secrets.eap<suffix>, xauth<suffix>, ntlm<suffix>",
    [SCOPE_PKCS12] = "secrets.pkcs12<suffix>",
    [SCOPE_TOKEN] = "secrets.token<suffix>",
    [SCOPE_POOL] = "pools.<name>",
    [SCOPE_AUTHORITY] = "authorities.<name>",
    [SCOPE_TUNNEL] = "tunnel <name>",
    [SCOPE_GLOBAL] = "keyway",
    [SCOPE_CHARON] = "charon",
    [SCOPE_FILELOG] = "charon.filelog.<name>",
    [SCOPE_SYSLOG] = "charon.syslog.<facility>",
    [SCOPE_JOURNAL] = "charon-systemd.journal",
    [SCOPE_IPSEC_SETUP] = "config setup",
    [SCOPE_IPSEC_CONN] = "conn <name>",
    [SCOPE_IPSEC_END] = "conn <name>: left, right",
    [SCOPE_IPSEC_CA] = "ca <name>",
};

const char *schema_scope_path(enum schema_scope scope)
{
    return scope_paths[scope];
}

static bool is_among(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; at && *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == len && memcmp(at, word, n) == 0)
            return true;
        at += n;
    }
    return false;
}

const struct schema_row *schema_find(enum schema_scope scope, const char *key)
{
    const struct schema_row *by_prefix = NULL;
    size_t n;
    const struct schema_row *rows = schema_rows(scope, &n);
    for (size_t i = 0; i < n; i++) {
        const struct schema_row *r = &rows[i];
        if (r->scope != scope)
            continue;
        if (strcmp(r->key, key) == 0 || is_among(r->aliases, key))
            return r;
        if (r->has_suffix && strncmp(r->key, key, strlen(r->key)) == 0)
            by_prefix = r;
    }
    return by_prefix;
}

#define SUGGEST_WITHIN 2 /* typing errors */

static bool is_near(const char *a, const char *b, unsigned *best)
{
    unsigned d = value_distance(a, b), limit = strlen(b) < 5 ? 1 : SUGGEST_WITHIN;
    if (d > limit || d >= *best)
        return false;
    *best = d;
    return true;
}

const char *schema_suggest(enum schema_scope scope, const char *key)
{
    const char *found = NULL;
    unsigned best = SUGGEST_WITHIN + 1;
    for (size_t i = 0; schema_at(i); i++) {
        const struct schema_row *r = schema_at(i);
        if (r->scope == scope && r->key[0] && is_near(key, r->key, &best))
            found = r->key;
    }
    return found;
}

/* ---- errors ---- */

struct diag *build_error(struct builder *b, const struct setting *s, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    bool at_value = !s->is_section && s->value;
    return errors_add(b->errs, s->file, at_value ? s->value_line : s->line,
                      at_value ? s->value_column : s->column, "%s: %s", s->written, what);
}

int build_shown(const char *value)
{
    static const char *const secrets[] = {"psk", "secret", "passphrase", "pin"};
    size_t len = strlen(value) < 200 ? strlen(value) : 200;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        const char *p = strchr(value, '=') ? strstr(value, secrets[i]) : NULL;
        if (p && (size_t)(p - value) < len)
            len = (size_t)(p - value) + strlen(secrets[i]);
    }
    return (int)len;
}

void build_expected(struct diag *d, const struct setting *key, const char *expected)
{
    diag_expected(d, "%s", expected);
    diag_got(d, "'%.*s'", build_shown(key->value), key->value);
    if (strchr(key->value, '='))
        diag_try(d, "write each setting on a line of its own");
}

void schema_unknown_section(struct builder *b, const struct setting *section, const char *const *known)
{
    const char *found = NULL;
    unsigned best = SUGGEST_WITHIN + 1;
    for (; *known; known++) {
        if (is_near(section->name, *known, &best))
            found = *known;
    }
    struct diag *d = errors_add(b->errs, section->file, section->line, section->column,
                                "unknown section '%s'", section->written);
    if (found)
        diag_try(d, "did you mean '%s'?", found);
}

static void unknown_key(struct builder *b, enum schema_scope scope, const struct setting *key)
{
    struct diag *d = errors_add(b->errs, key->file, key->line, key->column, "unknown key '%s'", key->written);
    diag_expected(d, "a key of %s", schema_scope_path(scope));
    const char *near = schema_suggest(scope, key->name);
    if (near)
        diag_try(d, "did you mean '%s'?", near);
}

/* ---- conversion ---- */

static bool same_value(enum schema_kind kind, const char *a, const char *b)
{
    bool x, y;
    int64_t s, t;
    if (kind == KIND_BOOL)
        return value_bool(a, &x) && value_bool(b, &y) && x == y;
    if (kind == KIND_TIME)
        return value_time(a, &s) && value_time(b, &t) && s == t;
    return strcasecmp(a, b) == 0;
}

static bool is_accepted(struct builder *b, const struct schema_row *r, const char *value)
{
    size_t n = 0;
    const char **v = r->accepts ? value_list(b->scratch, r->accepts, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (same_value(r->kind, value, v[i]))
            return true;
    }
    return false;
}

static void store(void *dest, size_t size, uint64_t v)
{
    uint8_t u8 = (uint8_t)v;
    uint16_t u16 = (uint16_t)v;
    uint32_t u32 = (uint32_t)v;
    const void *from = size == 1   ? (const void *)&u8
                       : size == 2 ? (const void *)&u16
                       : size == 4 ? (const void *)&u32
                                   : (const void *)&v;
    memcpy(dest, from, size);
}

static bool store_word(struct builder *b, const struct schema_row *r, const struct setting *key, void *dest)
{
    char list[256];
    struct text t = TEXT_ON(list);
    list[0] = 0;
    for (const struct schema_word *w = r->words; w->word; w++) {
        if (strcasecmp(w->word, key->value) == 0 && w->refused) {
            build_error(b, key, "'%s' is not supported: %s", w->word, w->refused);
            return true;
        }
        if (strcasecmp(w->word, key->value) == 0) {
            store(dest, sizeof(int), (uint64_t)w->value);
            return true;
        }
        if (!w->refused)
            text_printf(&t, "%s%s", t.len ? ", " : "", w->word);
    }
    build_expected(build_error(b, key, "not one of its words"), key, list);
    return false;
}

static void store_number(struct builder *b, const struct schema_row *r, const struct setting *key, void *dest)
{
    uint64_t v, max = r->max ? r->max : UINT64_MAX;
    char expected[64];
    snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)r->min,
             (unsigned long long)max);
    if (r->forever && strcasecmp(key->value, "%forever") == 0)
        store(dest, r->size, 0);
    else if (value_number(key->value, &v) && v >= r->min && v <= max)
        store(dest, r->size, v);
    else
        build_expected(build_error(b, key, "not a number that fits"), key, expected);
}

static void store_scalar(struct builder *b, const struct schema_row *r, const struct setting *key, void *dest)
{
    int64_t t;
    uint64_t n;
    double real;
    bool yes;
    switch (r->kind) {
    case KIND_BOOL:
        if (value_bool(key->value, &yes))
            memcpy(dest, &yes, sizeof(yes));
        else
            build_expected(build_error(b, key, "not a yes or no"), key, "yes or no");
        return;
    case KIND_TIME:
    case KIND_SECONDS:
        if (r->kind == KIND_TIME ? value_time(key->value, &t) : value_seconds(key->value, &t))
            store(dest, sizeof(t), (uint64_t)t);
        else
            build_expected(build_error(b, key, "not a time"), key, "a number with s, m, h or d behind it");
        return;
    case KIND_BYTES:
        if (value_bytes(key->value, &n))
            store(dest, sizeof(n), n);
        else
            build_expected(build_error(b, key, "not a volume"), key, "a number with k, m or g behind it");
        return;
    case KIND_REAL:
        if (value_real(key->value, &real) && real >= 1 && real <= 100)
            memcpy(dest, &real, sizeof(real));
        else
            build_expected(build_error(b, key, "not a number that fits"), key, "a number from 1 to 100");
        return;
    case KIND_NUMBER:
        store_number(b, r, key, dest);
        return;
    case KIND_WORD:
        store_word(b, r, key, dest);
        return;
    case KIND_TEXT:
        return;
    }
}

static void apply_row(struct builder *b, const struct schema_row *r, const struct setting *key, void *dest)
{
    if (r->set)
        r->set(b, r, key, dest);
    else if (r->size)
        store_scalar(b, r, key, (uint8_t *)dest + r->offset);
}

/* ---- walking ---- */

static void apply_defaults(struct builder *b, enum schema_scope scope, void *dest)
{
    size_t n;
    const struct schema_row *rows = schema_rows(scope, &n);
    for (size_t i = 0; i < n; i++) {
        const struct schema_row *r = &rows[i];
        if (r->scope != scope || r->status == REFUSED || !r->def)
            continue;
        const struct setting key = {.name = r->key, .written = r->key, .value = r->def};
        apply_row(b, r, &key, dest);
    }
}

/* The row of a key that takes effect, or NULL after the error. */
static const struct schema_row *usable_row(struct builder *b, enum schema_scope scope,
                                           const struct setting *key)
{
    const struct schema_row *r = schema_find(scope, key->name);
    if (!r) {
        unknown_key(b, scope, key);
        return NULL;
    }
    if (!key->value)
        return NULL;
    if (r->status == EFFECTIVE)
        return r;
    if (is_accepted(b, r, key->value))
        return NULL;
    struct diag *d = errors_add(b->errs, key->file, key->line, key->column, "'%s' is not supported: %s",
                                key->written, r->reason);
    if (strcmp(r->key, "secret") != 0 && strcmp(r->key, "pin") != 0)
        diag_got(d, "'%.*s'", build_shown(key->value), key->value);
    if (r->accepts)
        diag_expected(d, "nothing, or %s", r->accepts);
    diag_try(d, "remove this line");
    return NULL;
}

void schema_check(struct builder *b, enum schema_scope scope, const struct setting *section)
{
    for (const struct setting *key = section->first; key; key = key->next) {
        if (!key->is_section)
            usable_row(b, scope, key);
    }
}

void schema_apply(struct builder *b, enum schema_scope scope, const struct setting *section, void *dest,
                  struct origin_list *origins, struct origin_list *outer, const char *prefix)
{
    apply_defaults(b, scope, dest);
    schema_apply_keys(b, scope, section, dest, origins, outer, prefix);
}

void schema_apply_keys(struct builder *b, enum schema_scope scope, const struct setting *section, void *dest,
                       struct origin_list *origins, struct origin_list *outer, const char *prefix)
{
    for (const struct setting *key = section ? section->first : NULL; key; key = key->next) {
        const struct schema_row *r = key->is_section ? NULL : usable_row(b, scope, key);
        if (!r)
            continue;
        apply_row(b, r, key, dest);
        if (origins)
            origin_add(b, origins, "", key);
        if (outer)
            origin_add(b, outer, prefix, key);
    }
}

void origin_copy(struct builder *b, struct origin_list *l, const struct origin *o)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        struct origin *v = arena_calloc(b->a, cap, sizeof(*v));
        if (l->n)
            memcpy(v, l->v, l->n * sizeof(*v));
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = *o;
}

void origin_add(struct builder *b, struct origin_list *l, const char *prefix, const struct setting *key)
{
    if (!key->file)
        return; /* a default */
    const struct origin o = {.key = arena_printf(b->a, "%s%s", prefix, key->name),
                             .file = key->file,
                             .line = key->line,
                             .column = key->column};
    origin_copy(b, l, &o);
}
