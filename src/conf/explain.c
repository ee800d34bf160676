/* SPDX-License-Identifier: Apache-2.0 */
/* Explaining keys from the schema's rows: see explain.h. */
#include "conf/explain.h"
#include "conf/value.h"
#include <stdio.h>
#include <strings.h>

/* ---- which rows a word means */

static bool is_of_ipsec(const struct schema_row *r)
{
    return r->scope >= SCOPE_IPSEC_SETUP;
}

/* Case and, in ipsec.conf, dashes do not matter. */
static bool same_name(const struct schema_row *r, const char *a, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        char c = word[i], d = a[i];
        if (!c)
            return false;
        if (is_of_ipsec(r) && c == '-')
            c = '_';
        if (strncasecmp(&c, &d, 1) != 0)
            return false;
    }
    return word[len] == 0 || (r->has_suffix && len && a == r->key);
}

static bool is_called(const struct schema_row *r, const char *word)
{
    if (!*word)
        return false;
    if (same_name(r, r->key, strlen(r->key), word))
        return true;
    for (const char *at = r->aliases; at && *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (same_name(r, at, n, word))
            return true;
        at += n;
    }
    return false;
}

/* "leftsubnet", "left-subnet", "right", and "subnet" */
static bool is_end_called(const struct schema_row *r, const char *word)
{
    size_t side = strncasecmp(word, "left", 4) == 0 ? 4 : strncasecmp(word, "right", 5) == 0 ? 5 : 0;
    const char *rest = word + side;
    if (side && (*rest == '-' || *rest == '_'))
        rest++;
    if (!*rest)
        return side && !*r->key;
    return is_called(r, rest) || (!side && is_called(r, word));
}

#define STEPS_MAX 8

struct step {
    const char *at;
    size_t len;
};

/* Words between dots and blanks, up to a comma. */
static size_t steps_of(const char *path, struct step v[STEPS_MAX])
{
    size_t n = 0;
    while (*path && *path != ',' && n < STEPS_MAX) {
        size_t len = strcspn(path, ". ,:");
        if (len)
            v[n++] = (struct step){path, len};
        path += len;
        path += strspn(path, ". :");
    }
    return n;
}

static bool fits(struct step of_schema, struct step written)
{
    if (of_schema.at[0] == '<')
        return true;
    const char *open = memchr(of_schema.at, '<', of_schema.len); /* "local.cert<suffix>" */
    size_t len = open ? (size_t)(open - of_schema.at) : of_schema.len;
    return written.len >= len && (open || written.len == len) &&
           strncasecmp(of_schema.at, written.at, len) == 0;
}

/* Are the sections in front of a key those of the row, from the end on? Names may be left out. */
static bool is_within(const struct schema_row *r, const char *prefix)
{
    struct step have[STEPS_MAX], want[STEPS_MAX];
    size_t n_have = steps_of(prefix, have), n_want = steps_of(schema_scope_path(r->scope), want);
    while (n_have && n_want) {
        if (want[n_want - 1].at[0] == '<' && n_want > 1 && fits(want[n_want - 2], have[n_have - 1])) {
            n_want--; /* the name is left out */
            continue;
        }
        if (!fits(want[--n_want], have[--n_have]))
            return false;
    }
    return !n_have;
}

static bool means(const struct schema_row *r, const char *word)
{
    char prefix[EXPLAIN_TEXT];
    bool is_end = r->scope == SCOPE_IPSEC_END;
    if (is_end ? is_end_called(r, word) : is_called(r, word))
        return true;
    /* the key may itself have dots */
    for (const char *dot = strchr(word, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t len = (size_t)(dot - word);
        if (len >= sizeof(prefix))
            return false;
        memcpy(prefix, word, len);
        prefix[len] = 0;
        if ((is_end ? is_end_called(r, dot + 1) : is_called(r, dot + 1)) && is_within(r, prefix))
            return true;
    }
    return false;
}

const struct schema_row *explain_next(const char *word, size_t *at)
{
    const struct schema_row *r;
    while ((r = schema_at(*at))) {
        ++*at;
        if (means(r, word))
            return r;
    }
    return NULL;
}

/* ---- what is near */

static void insert(const char *near[EXPLAIN_NEAR], unsigned by[EXPLAIN_NEAR], size_t *n, const char *name,
                   unsigned d)
{
    size_t at = *n;
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(near[i], name) == 0)
            return;
    }
    while (at && by[at - 1] > d)
        at--;
    if (at == EXPLAIN_NEAR)
        return;
    size_t moved = *n < EXPLAIN_NEAR ? *n - at : EXPLAIN_NEAR - 1 - at;
    memmove(&near[at + 1], &near[at], moved * sizeof(*near));
    memmove(&by[at + 1], &by[at], moved * sizeof(*by));
    near[at] = name;
    by[at] = d;
    *n += *n < EXPLAIN_NEAR;
}

size_t explain_near(const char *word, const char *near[EXPLAIN_NEAR])
{
    unsigned by[EXPLAIN_NEAR];
    const char *dot = strrchr(word, '.');
    char plain[64];
    size_t n = 0, len = 0;
    for (const char *p = dot ? dot + 1 : word; *p && len + 1 < sizeof(plain); p++)
        plain[len++] = *p == '-' ? '_' : *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
    plain[len] = 0;
    const struct schema_row *r;
    for (size_t i = 0; (r = schema_at(i)); i++) {
        const char *w = plain;
        bool is_end = r->scope == SCOPE_IPSEC_END;
        if (is_end)
            w += strncmp(w, "left", 4) == 0 ? 4 : strncmp(w, "right", 5) == 0 ? 5 : 0;
        unsigned d = value_distance(w, r->key), limit = strlen(r->key) < 5 ? 1 : 2;
        if (r->key[0] && d <= limit)
            insert(near, by, &n, r->key, d);
    }
    return n;
}

/* ---- what is said of one */

static const char *file_of(const struct schema_row *r)
{
    if (is_of_ipsec(r))
        return "ipsec.conf";
    return r->scope == SCOPE_TUNNEL || r->scope == SCOPE_GLOBAL ? "keyway.conf"
           : r->scope == SCOPE_CHARON                           ? "strongswan.conf"
                                                                : "swanctl.conf, keyway.conf";
}

static void put_name(struct text *t, const struct schema_row *r, const char *name, size_t len)
{
    char text[80];
    size_t n = 0;
    for (; n < len && n + 1 < sizeof(text); n++)
        text[n] = is_of_ipsec(r) && name[n] == '_' ? '-' : name[n];
    text[n] = 0;
    const char *more = r->has_suffix && name == r->key ? "<suffix>" : "";
    if (r->scope == SCOPE_IPSEC_END)
        text_printf(t, "left%s%s, right%s%s", text, more, text, more);
    else
        text_printf(t, "%s%s", text, more);
}

static void put_names(const struct schema_row *r, struct explanation *e)
{
    struct text key = TEXT_ON(e->key), also = TEXT_ON(e->also);
    put_name(&key, r, r->key, strlen(r->key));
    for (const char *at = r->aliases; at && *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        text_str(&also, also.len ? ", " : "");
        put_name(&also, r, at, n);
        at += n;
    }
}

static const char *const kinds[] = {
    [KIND_BOOL] = "yes or no", [KIND_TIME] = "time",   [KIND_SECONDS] = "time", [KIND_BYTES] = "volume",
    [KIND_NUMBER] = "number",  [KIND_REAL] = "number", [KIND_WORD] = "word",    [KIND_TEXT] = "text",
};

static void put_words(struct text *t, const struct schema_row *r)
{
    bool has_refused = false;
    text_str(t, "one of: ");
    size_t begin = t->len;
    for (const struct schema_word *w = r->words; w && w->word; w++) {
        if (!w->refused)
            text_printf(t, "%s%s", t->len > begin ? ", " : "", w->word);
        has_refused |= w->refused != NULL;
    }
    if (has_refused)
        text_str(t, "; known and not taken: ");
    begin = t->len;
    for (const struct schema_word *w = r->words; w && w->word; w++) {
        if (w->refused)
            text_printf(t, "%s%s (%s)", t->len > begin ? ", " : "", w->word, w->refused);
    }
}

static void put_takes(struct text *t, const struct schema_row *r)
{
    switch (r->kind) {
    case KIND_BOOL:
        text_str(t, "yes or no");
        return;
    case KIND_TIME:
        text_printf(t, "a time: seconds, or a number with %s behind it",
                    is_of_ipsec(r) ? "us, ms, s, m, h, d or w" : "s, m, h or d");
        return;
    case KIND_SECONDS:
        text_str(t,
                 "a time: seconds, with or without a decimal point, or a number with s, m, h or d behind it");
        return;
    case KIND_BYTES:
        text_printf(t, "a volume: bytes, or a number with %s behind it",
                    is_of_ipsec(r) ? "KiB, MiB, GiB, TiB, K, M or G" : "k, m or g (of 1024)");
        return;
    case KIND_NUMBER:
        text_printf(t, "a number from %llu", (unsigned long long)r->min);
        if (r->max || r->size == sizeof(uint32_t))
            text_printf(t, " to %llu", (unsigned long long)(r->max ? r->max : UINT32_MAX));
        text_str(t, r->forever ? ", or %forever" : "");
        return;
    case KIND_REAL:
        text_str(t, "a number from 1 to 100, with a decimal point");
        return;
    case KIND_WORD:
        put_words(t, r);
        return;
    case KIND_TEXT:
        if (r->example && strcmp(r->example, "@") != 0)
            text_printf(t, "text such as %s", r->example);
        else
            text_str(t, "text");
        return;
    }
}

static void put_effect(const struct schema_row *r, struct explanation *e)
{
    struct text t = TEXT_ON(e->effect);
    e->is_effective = r->status == EFFECTIVE;
    switch (r->status) {
    case EFFECTIVE:
        text_str(&t, "yes");
        return;
    case REFUSED:
        text_printf(&t, "none, and a file with it is refused: %s", r->reason);
        break;
    case IGNORED:
        text_printf(&t, "none, which is told when it is loaded%s%s", r->reason[0] ? ": " : "", r->reason);
        break;
    case UNBUILT:
        text_printf(&t, "none: a connection with it is left out, since this is not built yet: %s", r->reason);
        break;
    }
    if (r->accepts)
        text_printf(&t, " (nothing is said of: %s)", r->accepts);
}

/* "children.*.mode" is connections.<conn>.children.<child>.mode */
static void put_maps(const struct schema_row *r, struct explanation *e)
{
    struct text t = TEXT_ON(e->becomes);
    const char *maps = r->maps, *star;
    if (!maps)
        return;
    if (r->scope == SCOPE_IPSEC_SETUP) {
        text_printf(&t, "keyway.%s", maps);
        return;
    }
    text_str(&t, "connections.<conn>.");
    if (maps[0] == '%')
        text_printf(&t, "local%s, remote%s", maps + 1, maps + 1);
    else if ((star = strchr(maps, '*')))
        text_printf(&t, "%.*s<child>%s", (int)(star - maps), maps, star + 1);
    else
        text_str(&t, maps);
}

void explain_row(const struct schema_row *r, struct explanation *e)
{
    bool is_end = r->scope == SCOPE_IPSEC_END;
    *e = (struct explanation){
        .row = r, .file = file_of(r), .section = schema_scope_path(is_end ? SCOPE_IPSEC_CONN : r->scope)};
    struct text takes = TEXT_ON(e->takes), def = TEXT_ON(e->def);
    if (is_of_ipsec(r))
        e->whose = r->dialects == DIALECT_LIBRESWAN    ? "Libreswan"
                   : r->dialects == DIALECT_STRONGSWAN ? "strongSwan"
                                                       : "Libreswan and strongSwan";
    e->kind = kinds[r->kind];
    put_names(r, e);
    put_takes(&takes, r);
    if (r->computed || r->def)
        text_str(&def, r->computed ? r->computed : r->def);
    snprintf(e->def_libreswan, sizeof(e->def_libreswan), "%s", r->def_libreswan ? r->def_libreswan : "");
    snprintf(e->def_strongswan, sizeof(e->def_strongswan), "%s", r->def_strongswan ? r->def_strongswan : "");
    put_maps(r, e);
    put_effect(r, e);
}
