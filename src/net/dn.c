/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, comparing and formatting distinguished names: see dn.h. Text to DER is in dn_parse.c. Every length
 * is bounded by the enclosing one; an RDN has at most RDN_MAX attributes. Does not fold case outside ASCII,
 * and compares TeletexString and BMPString values byte by byte. */
#include "net/dn.h"
#include "base/map.h"
#include "base/rd.h"
#include "base/text.h"
#include "net/dn_types.h"

enum { TAG_SEQUENCE = 0x30, TAG_SET = 0x31, TAG_OID = 0x06 };
enum { RDN_MAX = 8 };

struct ava {
    struct span type; /* contents of the OID */
    uint8_t tag;
    struct span value;
    struct span value_der; /* value with tag and length */
};

struct rdn {
    struct ava v[RDN_MAX];
    size_t n;
};

/* One element with a single-byte tag and a definite, minimal length below 64 KiB. */
static struct span der_element(struct rd *r, uint8_t *tag)
{
    *tag = rd_u8(r);
    size_t len = rd_u8(r);
    size_t least = 0;
    if (len == 0x81)
        len = rd_u8(r), least = 0x80;
    else if (len == 0x82)
        len = rd_u16(r), least = 0x100;
    else if (len >= 0x80)
        r->failed = true;
    if (len < least || (*tag & 0x1f) == 0x1f)
        r->failed = true;
    return rd_bytes(r, len);
}

static struct rd der_enter(struct rd *r, uint8_t want)
{
    uint8_t tag;
    struct span s = der_element(r, &tag);
    if (tag != want)
        r->failed = true;
    return rd_over(rd_ok(r) ? s : span_of(NULL, 0));
}

/* The next RDN; false at the end or when malformed (then names->failed). */
static bool rdn_next(struct rd *names, struct rdn *out)
{
    out->n = 0;
    if (!rd_ok(names) || !rd_left(names))
        return false;
    struct rd set = der_enter(names, TAG_SET);
    while (rd_ok(&set) && rd_left(&set) && out->n < RDN_MAX) {
        struct ava *v = &out->v[out->n++];
        uint8_t tag;
        struct rd one = der_enter(&set, TAG_SEQUENCE);
        v->type = der_element(&one, &tag);
        const uint8_t *start = one.at;
        v->value = der_element(&one, &v->tag);
        v->value_der = span_of(start, rd_ok(&one) ? (size_t)(one.at - start) : 0);
        if (tag != TAG_OID || !v->type.len || !rd_done(&one))
            set.failed = true;
    }
    if (!rd_done(&set) || !out->n)
        names->failed = true;
    return rd_ok(names);
}

static struct rd dn_open(struct span der)
{
    struct rd r = rd_over(der);
    struct rd names = der_enter(&r, TAG_SEQUENCE);
    if (!rd_done(&r))
        names.failed = true;
    return names;
}

bool dn_valid(struct span der)
{
    struct rd names = dn_open(der);
    struct rdn rdn;
    while (rdn_next(&names, &rdn))
        ;
    return rd_done(&names);
}

static bool is_text_tag(uint8_t tag)
{
    return tag == TAG_UTF8 || tag == TAG_PRINTABLE || tag == TAG_IA5;
}

/* The next character after folding ASCII case and spaces, or -1. *begun is false before the first. */
static int fold_next(struct span *s, bool *begun)
{
    bool space = false;
    while (s->len && s->ptr[0] == ' ') {
        s->ptr++, s->len--;
        space = true;
    }
    if (!s->len)
        return -1;
    if (space && *begun) {
        s->ptr--, s->len++; /* give one space back as the separator, once */
        *begun = false;
        return ' ';
    }
    int c = s->ptr[0];
    s->ptr++, s->len--;
    *begun = true;
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool fold_equal(struct span a, struct span b)
{
    bool a_begun = false, b_begun = false;
    for (;;) {
        int x = fold_next(&a, &a_begun), y = fold_next(&b, &b_begun);
        if (x != y)
            return false;
        if (x < 0)
            return true;
    }
}

static bool ava_equal(const struct ava *a, const struct ava *b)
{
    if (!span_equal(a->type, b->type))
        return false;
    if (is_text_tag(a->tag) && is_text_tag(b->tag))
        return fold_equal(a->value, b->value);
    return a->tag == b->tag && span_equal(a->value, b->value);
}

static bool ava_is_wildcard(const struct ava *v)
{
    return is_text_tag(v->tag) && v->value.len == 1 && v->value.ptr[0] == '*';
}

/* Every attribute of the pattern has its own partner: first those that are spelled out, then the wildcards.
 */
static bool rdn_match(const struct rdn *rdn, const struct rdn *pattern, unsigned *wildcards, unsigned *exact)
{
    bool used[RDN_MAX] = {false};
    if (rdn->n != pattern->n)
        return false;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < pattern->n; i++) {
            const struct ava *p = &pattern->v[i];
            bool is_wild = wildcards && ava_is_wildcard(p);
            if (is_wild != (pass == 1))
                continue;
            size_t k = 0;
            while (k < rdn->n &&
                   (used[k] || !(is_wild ? span_equal(p->type, rdn->v[k].type) : ava_equal(p, &rdn->v[k]))))
                k++;
            if (k == rdn->n)
                return false;
            used[k] = true;
            *(is_wild ? wildcards : exact) += 1;
        }
    }
    return true;
}

bool dn_equal(struct span a, struct span b)
{
    struct rd x = dn_open(a), y = dn_open(b);
    struct rdn p, q;
    unsigned exact = 0;
    for (;;) {
        bool has_x = rdn_next(&x, &p), has_y = rdn_next(&y, &q);
        if (has_x != has_y || !rd_ok(&x) || !rd_ok(&y))
            return false;
        if (!has_x)
            return true;
        if (!rdn_match(&p, &q, NULL, &exact))
            return false;
    }
}

int dn_match(struct span dn, struct span pattern, unsigned *wildcards)
{
    struct rd x = dn_open(dn), y = dn_open(pattern);
    struct rdn p, q;
    unsigned exact = 0;
    *wildcards = 0;
    for (;;) {
        bool has_x = rdn_next(&x, &p), has_y = rdn_next(&y, &q);
        if (has_x != has_y || !rd_ok(&x) || !rd_ok(&y))
            return 0;
        if (!has_x)
            return 1 + (int)exact;
        if (!rdn_match(&p, &q, wildcards, &exact))
            return 0;
    }
}

/* Of letters and digits alone, and of a name's attributes in any order: what dn_equal() folds has no part. */
static uint64_t value_hash(struct span value)
{
    uint8_t plain[256];
    size_t n = 0;
    for (size_t i = 0; i < value.len && n < sizeof(plain); i++) {
        uint8_t c = value.ptr[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
            plain[n++] = c;
        else if (c >= 'A' && c <= 'Z')
            plain[n++] = c | 0x20;
    }
    return map_hash(span_of(plain, n));
}

uint64_t dn_hash(struct span dn)
{
    struct rd names = dn_open(dn);
    struct rdn rdn;
    uint64_t sum = 0;
    while (rdn_next(&names, &rdn)) {
        for (size_t i = 0; i < rdn.n; i++)
            sum += value_hash(rdn.v[i].value);
    }
    return sum;
}

bool dn_within(struct span dn, struct span base)
{
    struct rd x = dn_open(dn), y = dn_open(base);
    struct rdn p, q;
    unsigned exact = 0;
    while (rdn_next(&y, &q)) {
        if (!rdn_next(&x, &p) || !rdn_match(&p, &q, NULL, &exact))
            return false;
    }
    return rd_ok(&x) && rd_ok(&y);
}

void dn_each(struct span dn, const char *type, void (*each)(void *ctx, struct span value), void *ctx)
{
    struct rd names = dn_open(dn);
    struct rdn rdn;
    const struct dn_type *want = dn_type_by_name(type, strlen(type));
    while (want && rdn_next(&names, &rdn)) {
        for (size_t i = 0; i < rdn.n; i++) {
            if (span_equal(rdn.v[i].type, dn_type_oid(want)))
                each(ctx, rdn.v[i].value);
        }
    }
}

static void format_oid(struct text *t, struct span oid)
{
    uint64_t arc = 0;
    bool first = true;
    for (size_t i = 0; i < oid.len; i++) {
        arc = (arc & (UINT64_MAX >> 7)) << 7 | (oid.ptr[i] & 0x7f);
        if (oid.ptr[i] & 0x80)
            continue;
        if (first) {
            unsigned top = arc < 40 ? 0 : arc < 80 ? 1 : 2;
            text_printf(t, "%u.%llu", top, (unsigned long long)(arc - top * 40));
        } else {
            text_printf(t, ".%llu", (unsigned long long)arc);
        }
        first = false;
        arc = 0;
    }
}

/* Characters that a log line may show as they are: no controls, no line separators, no direction overrides.
 */
static bool is_showable(uint32_t c)
{
    return c >= 0xa0 && !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
           !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && c < 0xe0000;
}

static void format_value(struct text *t, const struct ava *v)
{
    struct span s = v->value;
    for (size_t i = 0; i < s.len;) {
        uint32_t c;
        size_t n = v->tag == TAG_UTF8 ? utf8_decode(span_of(s.ptr + i, s.len - i), &c) : 0;
        uint8_t b = s.ptr[i];
        if (t->len + 5 > t->cap)
            return;
        if (n > 1 && is_showable(c)) {
            text_printf(t, "%.*s", (int)n, (const char *)s.ptr + i);
            i += n;
            continue;
        }
        bool is_edge_space = b == ' ' && (i == 0 || i + 1 == s.len);
        bool is_special = b == ',' || b == '"' || b == '\\' || b == '+' || (b == '#' && i == 0);
        if (b < 0x20 || b >= 0x7f)
            text_printf(t, "\\%02X", b);
        else
            text_printf(t, is_special || is_edge_space ? "\\%c" : "%c", b);
        i++;
    }
}

static void format_ava(struct text *t, const struct ava *v)
{
    const struct dn_type *type = dn_type_by_oid(v->type);
    if (type)
        text_str(t, type->name);
    else
        format_oid(t, v->type);
    text_str(t, "=");
    if (is_text_tag(v->tag)) {
        format_value(t, v);
        return;
    }
    text_str(t, "#");
    text_hex(t, v->value_der);
}

const char *dn_format(struct span der, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    struct rd names = dn_open(der);
    struct rdn rdn;
    buf[0] = '\0';
    while (rdn_next(&names, &rdn)) {
        for (size_t i = 0; i < rdn.n; i++) {
            text_str(&t, i ? "+" : t.len ? ", " : "");
            format_ava(&t, &rdn.v[i]);
        }
    }
    if (!rd_done(&names)) {
        t.len = 0;
        text_str(&t, "#");
        text_hex(&t, der);
    }
    return buf;
}
