/* SPDX-License-Identifier: Apache-2.0 */
/* Text to the DER of a distinguished name: see dn.h. Values become PrintableString where its alphabet allows
 * (RFC 5280 section 4.1.2.4), IA5String for email and domain components, else UTF8String. "SN" is the
 * surname, as in strongSwan's configurations, not the serial number. Does not read BMPString or TeletexString
 * but as "#hex". */
#include "base/text.h"
#include "base/wr.h"
#include "net/dn.h"
#include "net/dn_types.h"
#include <strings.h>

enum { DN_TEXT_MAX = 2048, RDN_MAX = 8 };

#define X520(n)  {0x55, 0x04, (n)}, 3
#define PKCS9(n) {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, (n)}, 9
#define PILOT(n) {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, (n)}, 10

/* clang-format off */
static const struct dn_type types[] = {
    {"C",                   X520(6),   TAG_PRINTABLE},
    {"ST",                  X520(8),   TAG_PRINTABLE},
    {"L",                   X520(7),   TAG_PRINTABLE},
    {"O",                   X520(10),  TAG_PRINTABLE},
    {"OU",                  X520(11),  TAG_PRINTABLE},
    {"CN",                  X520(3),   TAG_PRINTABLE},
    {"E",                   PKCS9(1),  TAG_IA5},
    {"emailAddress",        PKCS9(1),  TAG_IA5},
    {"Email",               PKCS9(1),  TAG_IA5},
    {"serialNumber",        X520(5),   TAG_PRINTABLE},
    {"DC",                  PILOT(25), TAG_IA5},
    {"UID",                 PILOT(1),  TAG_PRINTABLE},
    {"STREET",              X520(9),   TAG_PRINTABLE},
    {"postalCode",          X520(17),  TAG_PRINTABLE},
    {"postalAddress",       X520(16),  TAG_PRINTABLE},
    {"T",                   X520(12),  TAG_PRINTABLE},
    {"title",               X520(12),  TAG_PRINTABLE},
    {"G",                   X520(42),  TAG_PRINTABLE},
    {"GN",                  X520(42),  TAG_PRINTABLE},
    {"givenName",           X520(42),  TAG_PRINTABLE},
    {"SN",                  X520(4),   TAG_PRINTABLE},
    {"S",                   X520(4),   TAG_PRINTABLE},
    {"surname",             X520(4),   TAG_PRINTABLE},
    {"N",                   X520(41),  TAG_PRINTABLE},
    {"name",                X520(41),  TAG_PRINTABLE},
    {"I",                   X520(43),  TAG_PRINTABLE},
    {"initials",            X520(43),  TAG_PRINTABLE},
    {"D",                   X520(13),  TAG_PRINTABLE},
    {"description",         X520(13),  TAG_PRINTABLE},
    {"ID",                  X520(45),  TAG_PRINTABLE},
    {"dnQualifier",         X520(46),  TAG_PRINTABLE},
    {"generationQualifier", X520(44),  TAG_PRINTABLE},
    {"businessCategory",    X520(15),  TAG_PRINTABLE},
    {"telephoneNumber",     X520(20),  TAG_PRINTABLE},
    {"pseudonym",           X520(65),  TAG_PRINTABLE},
    {"organizationIdentifier", X520(97), TAG_PRINTABLE},
    {"unstructuredName",    PKCS9(2),  TAG_IA5},
    {"UN",                  PKCS9(2),  TAG_IA5},
    {"unstructuredAddress", PKCS9(8),  TAG_PRINTABLE},
    {"UA",                  PKCS9(8),  TAG_PRINTABLE},
    {"employeeNumber",      {0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x03, 0x01, 0x03}, 10, TAG_PRINTABLE},
    {"ND",                  {0x02, 0x82, 0x06, 0x01, 0x0a, 0x07, 0x14}, 7, TAG_PRINTABLE}, /* nameDistinguisher */
    {"EN",                  {0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x03, 0x01, 0x03}, 10, TAG_PRINTABLE},
};
/* clang-format on */

const struct dn_type *dn_type_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strlen(types[i].name) == len && strncasecmp(types[i].name, name, len) == 0)
            return &types[i];
    }
    return NULL;
}

const struct dn_type *dn_type_by_oid(struct span oid)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (span_equal(dn_type_oid(&types[i]), oid))
            return &types[i];
    }
    return NULL;
}

size_t utf8_decode(struct span s, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!s.len)
        return 0;
    uint8_t b = s.ptr[0];
    size_t n = b < 0x80 ? 1 : b >> 5 == 6 ? 2 : b >> 4 == 14 ? 3 : b >> 3 == 30 ? 4 : 0;
    if (!n || n > s.len)
        return 0;
    *c = n == 1 ? b : b & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (s.ptr[i] >> 6 != 2)
            return 0;
        *c = *c << 6 | (s.ptr[i] & 0x3f);
    }
    bool is_bad = *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff);
    return is_bad ? 0 : n;
}

/* What is being read: one attribute type and value at a time. */
struct dn_text {
    const char *at;
    char sep;
    const char *err;
};

struct dn_attr {
    uint8_t oid[64];
    size_t oid_len;
    uint8_t tag;
    uint8_t value[DN_TEXT_MAX]; /* of a '#' value: its whole DER */
    size_t value_len;
    bool is_raw;
};

static bool fail(struct dn_text *t, const char *why)
{
    t->err = why;
    return false;
}

static void skip_space(struct dn_text *t)
{
    while (*t->at == ' ' || *t->at == '\t')
        t->at++;
}

static void put_arc(struct wr *w, uint64_t arc)
{
    unsigned shift = 0;
    while (shift < 63 && arc >> (shift + 7))
        shift += 7;
    for (;; shift -= 7) {
        wr_u8(w, (uint8_t)((arc >> shift & 0x7f) | (shift ? 0x80 : 0)));
        if (!shift)
            return;
    }
}

/* "1.2.840.113549.1.9.1" to the contents of an OID; 0 when it is none. */
static size_t oid_from_text(const char *s, size_t len, uint8_t *out, size_t cap)
{
    struct wr w = wr_over(out, cap);
    uint64_t first = 0;
    unsigned arcs = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t arc = 0;
        size_t start = i;
        for (; i < len && s[i] >= '0' && s[i] <= '9' && i - start < 18; i++)
            arc = arc * 10 + (uint64_t)(s[i] - '0');
        bool at_end = i == len;
        if (i == start || (!at_end && (s[i] != '.' || i + 1 == len)))
            return 0;
        if (arcs == 0 && arc > 2)
            return 0;
        if (arcs == 1 && first < 2 && arc > 39)
            return 0;
        if (arcs == 0)
            first = arc;
        else
            put_arc(&w, arcs == 1 ? first * 40 + arc : arc);
        arcs++;
    }
    return arcs >= 2 && wr_ok(&w) ? w.len : 0;
}

/* The length of "TYPE" when the text goes on with a known TYPE and '=', else 0. */
static size_t type_ahead(const char *s)
{
    while (*s == ' ')
        s++;
    size_t len = strcspn(s, "=,/+");
    if (s[len] != '=')
        return 0;
    while (len && s[len - 1] == ' ')
        len--;
    uint8_t oid[64];
    return dn_type_by_name(s, len) || oid_from_text(s, len, oid, sizeof(oid)) ? len : 0;
}

static bool read_type(struct dn_text *t, struct dn_attr *out)
{
    skip_space(t);
    size_t len = strcspn(t->at, "=");
    if (t->at[len] != '=')
        return fail(t, "each part of a distinguished name must be TYPE=value");
    const char *name = t->at;
    t->at += len + 1;
    while (len && name[len - 1] == ' ')
        len--;
    const struct dn_type *type = dn_type_by_name(name, len);
    if (type) {
        memcpy(out->oid, type->oid, type->oid_len);
        out->oid_len = type->oid_len;
        out->tag = type->tag;
        return true;
    }
    out->oid_len = oid_from_text(name, len, out->oid, sizeof(out->oid));
    out->tag = TAG_PRINTABLE;
    return out->oid_len ||
           fail(t, "unknown attribute type in the distinguished name (known: C ST L O OU CN E SN DC "
                   "UID ..., or a dotted OID); a key id is written keyid:TEXT");
}

static bool at_value_end(const struct dn_text *t)
{
    if (*t->at == '\0' || (*t->at == t->sep && t->sep == ','))
        return true;
    /* '/' and '+' may belong to the value: they end it only before TYPE=. */
    return (*t->at == t->sep || *t->at == '+') && (type_ahead(t->at + 1) || t->at[1] == '\0');
}

static bool read_escape(struct dn_text *t, uint8_t *out)
{
    size_t len;
    t->at++;
    if (*t->at == '\0')
        return fail(t, "a distinguished name ends in a backslash");
    if (t->at[1] && hex_decode(span_of(t->at, 2), out, 1, &len)) {
        t->at += 2;
        return true;
    }
    *out = (uint8_t)*t->at++;
    return true;
}

static bool read_raw(struct dn_text *t, struct dn_attr *out)
{
    size_t len = strcspn(t->at + 1, " ,/+");
    out->is_raw = true;
    if (!hex_decode(span_of(t->at + 1, len), out->value, sizeof(out->value), &out->value_len) ||
        !out->value_len)
        return fail(t, "a value that starts with # must be hex digits");
    t->at += 1 + len;
    skip_space(t);
    return at_value_end(t) || fail(t, "a value that starts with # must be hex digits");
}

static bool read_quoted(struct dn_text *t, struct dn_attr *out)
{
    for (t->at++; *t->at != '"';) {
        uint8_t b = (uint8_t)*t->at;
        if (b == '\0')
            return fail(t, "a quoted value in the distinguished name does not end");
        if (b != '\\')
            t->at++;
        else if (!read_escape(t, &b))
            return false;
        out->value[out->value_len++] = b;
    }
    t->at++;
    skip_space(t);
    return at_value_end(t) || fail(t, "text behind a quoted value in the distinguished name");
}

static bool read_value(struct dn_text *t, struct dn_attr *out)
{
    out->value_len = 0;
    out->is_raw = false;
    skip_space(t);
    if (*t->at == '#')
        return read_raw(t, out);
    if (*t->at == '"')
        return read_quoted(t, out);
    size_t keep = 0; /* up to the last character that is no trailing space */
    while (!at_value_end(t)) {
        uint8_t b = (uint8_t)*t->at;
        bool is_escaped = b == '\\';
        if (!is_escaped)
            t->at++;
        else if (!read_escape(t, &b))
            return false;
        out->value[out->value_len++] = b;
        if (is_escaped || (b != ' ' && b != '\t'))
            keep = out->value_len;
    }
    out->value_len = keep;
    return keep || fail(t, "empty value in the distinguished name");
}

static bool is_printable_string(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!is_alnum && (c == '\0' || !strchr(" '()+,-./:=?", c)))
            return false;
    }
    return true;
}

static bool choose_tag(struct dn_text *t, struct dn_attr *v)
{
    struct span s = span_of(v->value, v->value_len);
    if (v->is_raw || (v->tag == TAG_PRINTABLE && is_printable_string(s)))
        return true;
    bool is_ascii = true;
    for (size_t i = 0, n; i < s.len; i += n) {
        uint32_t c;
        n = utf8_decode(span_of(s.ptr + i, s.len - i), &c);
        if (!n)
            return fail(t, "the distinguished name is not UTF-8");
        is_ascii = is_ascii && c < 0x80;
    }
    if (v->tag != TAG_IA5 || !is_ascii)
        v->tag = TAG_UTF8;
    return true;
}

static void put_header(struct wr *w, uint8_t tag, size_t len)
{
    wr_u8(w, tag);
    if (len >= 0x100) {
        wr_u8(w, 0x82);
        wr_u16(w, (uint16_t)len);
        return;
    }
    if (len >= 0x80)
        wr_u8(w, 0x81);
    wr_u8(w, (uint8_t)len);
}

static size_t element_len(size_t len)
{
    return len + (len >= 0x100 ? 4 : len >= 0x80 ? 3 : 2);
}

static void put_attr(struct wr *w, const struct dn_attr *v)
{
    size_t value = v->is_raw ? v->value_len : element_len(v->value_len);
    put_header(w, 0x30, element_len(v->oid_len) + value);
    put_header(w, 0x06, v->oid_len);
    wr_bytes(w, v->oid, v->oid_len);
    if (!v->is_raw)
        put_header(w, v->tag, v->value_len);
    wr_bytes(w, v->value, v->value_len);
}

/* DER wants the members of a SET OF in ascending order of their encodings. */
static void sort_spans(struct span *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0; k--) {
            size_t least = v[k].len < v[k - 1].len ? v[k].len : v[k - 1].len;
            int c = memcmp(v[k].ptr, v[k - 1].ptr, least);
            if (c > 0 || (c == 0 && v[k].len >= v[k - 1].len))
                break;
            struct span swap = v[k];
            v[k] = v[k - 1];
            v[k - 1] = swap;
        }
    }
}

static bool read_rdn(struct dn_text *t, struct arena *a, struct wr *out)
{
    struct span parts[RDN_MAX];
    size_t n = 0, total = 0;
    struct dn_attr attr, *v = &attr;
    for (;;) {
        if (n == RDN_MAX)
            return fail(t, "too many values joined by + in the distinguished name");
        if (!read_type(t, v) || !read_value(t, v) || !choose_tag(t, v))
            return false;
        size_t cap = v->value_len + v->oid_len + 16;
        struct wr w = wr_over(arena_alloc(a, cap), cap);
        if (!w.base)
            return fail(t, "the distinguished name is too long");
        put_attr(&w, v);
        parts[n++] = wr_span_view(&w);
        total += w.len;
        if (*t->at != '+')
            break;
        t->at++;
    }
    sort_spans(parts, n);
    put_header(out, 0x31, total);
    for (size_t i = 0; i < n; i++)
        wr_span(out, parts[i]);
    return true;
}

bool dn_parse(struct arena *a, const char *text, struct span *der, const char **err)
{
    struct dn_text t = {.at = text, .sep = ','};
    size_t len = strlen(text), cap = len * 8 + 64;
    *err = "the distinguished name is too long";
    if (len > DN_TEXT_MAX)
        return false;
    struct wr names = wr_over(arena_alloc(a, cap), cap);
    uint8_t *out = arena_alloc(a, cap + 4);
    if (!names.base || !out)
        return false;
    skip_space(&t);
    if (*t.at == '/')
        t.sep = *t.at++;
    do {
        if (!read_rdn(&t, a, &names)) {
            *err = t.err;
            return false;
        }
        if (*t.at == t.sep)
            t.at++;
    } while (*t.at);
    struct wr w = wr_over(out, cap + 4);
    put_header(&w, 0x30, names.len);
    wr_span(&w, wr_span_view(&names));
    *der = wr_span_view(&w);
    if (!wr_ok(&names) || !wr_ok(&w))
        return false;
    *err = "a #hex value in the distinguished name is not one DER element";
    if (!dn_valid(*der))
        return false;
    *err = NULL;
    return true;
}
