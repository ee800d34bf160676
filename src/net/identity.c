/* SPDX-License-Identifier: Apache-2.0 */
/* IKE identities (RFC 7296 section 3.5, RFC 4945 section 3.1): their text forms, equality, and matching
 * against a configured pattern. See identity.h. Subnets, ranges and regular expressions as identities are
 * refused with a reason, so that none of them becomes a name that no peer ever sends. */
#include "net/identity.h"
#include "base/map.h"
#include "base/text.h"
#include "net/dn.h"
#include "net/identity_regex.h"
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { ID_LEN_MAX = 2048 };

typedef bool id_reader(struct arena *a, const char *text, struct identity *out, const char **err);

static id_reader read_name, read_email, read_dn, read_key_id, read_ip4, read_ip6, read_hex_only, read_refused;

struct id_prefix {
    const char *word;
    enum id_type type;
    id_reader *read;
};

/* clang-format off */
static const struct id_prefix prefixes[] = {
    {"ipv4:",      ID_IPV4_ADDR,   read_ip4},
    {"ipv6:",      ID_IPV6_ADDR,   read_ip6},
    {"fqdn:",      ID_FQDN,        read_name},
    {"dns:",       ID_FQDN,        read_name},
    {"rfc822:",    ID_RFC822_ADDR, read_email},
    {"email:",     ID_RFC822_ADDR, read_email},
    {"userfqdn:",  ID_RFC822_ADDR, read_email},
    {"asn1dn:",    ID_DER_ASN1_DN, read_dn},
    {"asn1gn:",    ID_DER_ASN1_GN, read_hex_only},
    {"keyid:",     ID_KEY_ID,      read_key_id},
    {"ipv4net:",   ID_ANY,         read_refused},
    {"ipv6net:",   ID_ANY,         read_refused},
    {"ipv4range:", ID_ANY,         read_refused},
    {"ipv6range:", ID_ANY,         read_refused},
    {"{1}:",       ID_IPV4_ADDR,   read_ip4},
    {"{2}:",       ID_FQDN,        read_name},
    {"{3}:",       ID_RFC822_ADDR, read_email},
    {"{5}:",       ID_IPV6_ADDR,   read_ip6},
    {"{9}:",       ID_DER_ASN1_DN, read_dn},
    {"{10}:",      ID_DER_ASN1_GN, read_hex_only},
    {"{11}:",      ID_KEY_ID,      read_key_id},
};

static const char *const any_words[] = {"%any", "%any4", "%any6", "*", "0.0.0.0", "::", "0::0"};

static const struct { enum id_type type; const char *name; } type_names[] = {
    {ID_ANY,         "ANY"},
    {ID_IPV4_ADDR,   "IPV4_ADDR"},
    {ID_FQDN,        "FQDN"},
    {ID_RFC822_ADDR, "RFC822_ADDR"},
    {ID_IPV6_ADDR,   "IPV6_ADDR"},
    {ID_DER_ASN1_DN, "DER_ASN1_DN"},
    {ID_DER_ASN1_GN, "DER_ASN1_GN"},
    {ID_KEY_ID,      "KEY_ID"},
    {ID_NULL,        "NULL"},
};
/* clang-format on */

static bool refuse(const char **err, const char *why)
{
    *err = why;
    return false;
}

static bool read_text(struct arena *a, const char *text, enum id_type type, struct identity *out,
                      const char **err)
{
    if (!text[0])
        return refuse(err, "empty identity");
    if (text[0] == '^' && !identity_regex_valid(span_str(text), err))
        return false;
    *out = (struct identity){.type = type, .data = arena_dup(a, span_str(text))};
    return out->data.ptr || refuse(err, "identity too long");
}

static bool read_name(struct arena *a, const char *text, struct identity *out, const char **err)
{
    return read_text(a, text, ID_FQDN, out, err);
}

static bool read_email(struct arena *a, const char *text, struct identity *out, const char **err)
{
    return read_text(a, text, ID_RFC822_ADDR, out, err);
}

static bool read_key_id(struct arena *a, const char *text, struct identity *out, const char **err)
{
    if (!text[0])
        return refuse(err, "empty identity");
    *out = (struct identity){.type = ID_KEY_ID, .data = arena_dup(a, span_str(text))};
    return out->data.ptr || refuse(err, "identity too long");
}

static bool read_dn(struct arena *a, const char *text, struct identity *out, const char **err)
{
    if (text[0] == '^')
        return read_text(a, text, ID_DER_ASN1_DN, out, err);
    *out = (struct identity){.type = ID_DER_ASN1_DN};
    return dn_parse(a, text, &out->data, err);
}

static bool read_ip(struct arena *a, const char *text, uint8_t family, struct identity *out, const char **err)
{
    struct ip ip;
    if (!ip_parse(text, &ip) || ip.family != family)
        return refuse(err, family == 4 ? "not an IPv4 address" : "not an IPv6 address");
    *out = identity_from_ip(a, ip);
    return out->data.ptr || refuse(err, "out of memory");
}

static bool read_ip4(struct arena *a, const char *text, struct identity *out, const char **err)
{
    return read_ip(a, text, 4, out, err);
}

static bool read_ip6(struct arena *a, const char *text, struct identity *out, const char **err)
{
    return read_ip(a, text, 6, out, err);
}

static bool read_hex_only(struct arena *a, const char *text, struct identity *out, const char **err)
{
    (void)a, (void)text, (void)out;
    return refuse(err, "a general name is written asn1gn:#HEX");
}

static bool read_refused(struct arena *a, const char *text, struct identity *out, const char **err)
{
    (void)a, (void)text, (void)out;
    return refuse(err, "subnets and address ranges are not supported as identities");
}

static bool data_fits_type(enum id_type type, struct span data)
{
    if (type == ID_IPV4_ADDR)
        return data.len == 4;
    if (type == ID_IPV6_ADDR)
        return data.len == 16;
    if (type == ID_DER_ASN1_DN)
        return dn_valid(data);
    return data.len > 0;
}

static bool read_hex(struct arena *a, enum id_type type, const char *text, struct identity *out,
                     const char **err)
{
    struct span digits = span_str(text);
    uint8_t *bytes = arena_alloc(a, digits.len / 2 + 1);
    size_t len;
    if (!bytes || !hex_decode(digits, bytes, digits.len / 2, &len))
        return refuse(err, "expected an even number of hex digits behind #");
    *out = (struct identity){.type = type, .data = span_of(bytes, len)};
    return data_fits_type(type, out->data) || refuse(err, "these bytes are not an identity of that type");
}

static bool read_prefixed(struct arena *a, const struct id_prefix *p, const char *rest, struct identity *out,
                          const char **err)
{
    if (rest[0] == '#' && p->type != ID_ANY)
        return read_hex(a, p->type, rest + 1, out, err);
    return p->read(a, rest, out, err);
}

/* "@name", "@@user", "@#hex", "@~hex", "@[key id]" */
static bool read_at(struct arena *a, const char *rest, struct identity *out, const char **err)
{
    size_t len = strlen(rest);
    if (rest[0] == '#')
        return read_hex(a, ID_KEY_ID, rest + 1, out, err);
    if (rest[0] == '~')
        return read_hex(a, ID_DER_ASN1_DN, rest + 1, out, err);
    if (rest[0] == '@')
        return read_email(a, rest + 1, out, err);
    if (rest[0] == '[' && len > 2 && rest[len - 1] == ']') {
        *out = (struct identity){.type = ID_KEY_ID, .data = arena_dup(a, span_of(rest + 1, len - 2))};
        return out->data.ptr || refuse(err, "identity too long");
    }
    return read_name(a, rest, out, err);
}

/* "10.0.0.0/8" and "10.0.0.1-10.0.0.9": a peer would never send these as a name. */
static bool looks_like_range(struct arena *a, const char *text)
{
    size_t len = strcspn(text, "/-");
    char *first = arena_strndup(a, text, len);
    struct ip ip;
    return text[len] && first && ip_parse(first, &ip);
}

static bool read_untyped(struct arena *a, const char *text, struct identity *out, const char **err)
{
    struct ip ip;
    for (size_t i = 0; i < ARRAY_LEN(any_words); i++) {
        if (strcasecmp(any_words[i], text) == 0) {
            *out = (struct identity){.type = ID_ANY};
            return true;
        }
    }
    if (strcasecmp(text, "%null") == 0) {
        *out = (struct identity){.type = ID_NULL};
        return true;
    }
    if (text[0] == '%')
        return refuse(err, "unknown word: only %any and %null may start with a percent sign");
    if (text[0] == '@')
        return read_at(a, text + 1, out, err);
    if (strchr(text, '='))
        return read_dn(a, text, out, err);
    if (strchr(text, '@'))
        return read_email(a, text, out, err);
    if (ip_parse(text, &ip))
        return read_ip(a, text, ip.family, out, err);
    if (looks_like_range(a, text))
        return read_refused(a, text, out, err);
    return strchr(text, ':') ? read_key_id(a, text, out, err) : read_name(a, text, out, err);
}

bool identity_parse(struct arena *a, const char *text, struct identity *out, const char **err)
{
    const char *ignored;
    err = err ? err : &ignored;
    *err = NULL;
    if (strlen(text) > ID_LEN_MAX)
        return refuse(err, "identity too long");
    if (!text[0])
        return refuse(err, "empty identity; %any matches all");
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t len = strlen(prefixes[i].word);
        if (strncasecmp(prefixes[i].word, text, len) == 0)
            return read_prefixed(a, &prefixes[i], text + len, out, err);
    }
    return read_untyped(a, text, out, err);
}

const char *identity_format(const struct identity *id, char buf[ID_TEXT_MAX])
{
    struct text t = {.buf = buf, .cap = ID_TEXT_MAX};
    struct ip ip;
    char ip_buf[IP_TEXT_MAX];
    buf[0] = '\0';
    switch (id->type) {
    case ID_ANY:
        text_str(&t, "%any");
        break;
    case ID_NULL:
        text_str(&t, "%null");
        break;
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        if (data_fits_type(id->type, id->data) && ip_from_bytes(id->data, &ip))
            text_str(&t, ip_format(ip, ip_buf));
        else
            text_hex(&t, id->data);
        break;
    case ID_DER_ASN1_DN:
        if (identity_is_regex(id))
            text_safe(&t, id->data);
        else
            dn_format(id->data, buf, ID_TEXT_MAX);
        break;
    case ID_FQDN:
    case ID_RFC822_ADDR:
        text_safe(&t, id->data);
        break;
    case ID_DER_ASN1_GN:
    case ID_KEY_ID: {
        bool is_printable = id->type == ID_KEY_ID && id->data.len;
        for (size_t i = 0; i < id->data.len; i++)
            is_printable = is_printable && id->data.ptr[i] >= 0x20 && id->data.ptr[i] < 0x7f;
        if (is_printable) {
            text_safe(&t, id->data);
            break;
        }
        for (size_t i = 0; i < id->data.len; i++)
            text_printf(&t, i ? ":%02x" : "%02x", id->data.ptr[i]);
        break;
    }
    }
    return buf;
}

const char *identity_type_name(enum id_type type)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        if (type_names[i].type == type)
            return type_names[i].name;
    }
    return "unknown";
}

struct identity identity_from_ip(struct arena *a, struct ip ip)
{
    return (struct identity){.type = ip.family == 4 ? ID_IPV4_ADDR : ID_IPV6_ADDR,
                             .data = arena_dup(a, ip_view(&ip))};
}

struct identity identity_dup(struct arena *a, const struct identity *id)
{
    return (struct identity){.type = id->type, .data = arena_dup(a, id->data)};
}

static bool text_equal(struct span a, struct span b)
{
    return a.len == b.len &&
           (a.len == 0 || strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0);
}

static bool has_nul(struct span s)
{
    return s.len && memchr(s.ptr, 0, s.len);
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case ID_ANY:
        return true;
    case ID_FQDN:
    case ID_RFC822_ADDR:
        /* strncasecmp() ends at a NUL, where the rest could differ. */
        return has_nul(a->data) || has_nul(b->data) ? span_equal(a->data, b->data)
                                                    : text_equal(a->data, b->data);
    case ID_DER_ASN1_DN:
        return dn_equal(a->data, b->data) || span_equal(a->data, b->data);
    default:
        return span_equal(a->data, b->data);
    }
}

uint64_t identity_hash(const struct identity *id)
{
    uint8_t folded[256];
    size_t n = id->data.len < sizeof(folded) ? id->data.len : sizeof(folded);
    switch (id->type) {
    case ID_ANY:
        return 0;
    case ID_DER_ASN1_DN:
        return dn_hash(id->data);
    case ID_FQDN:
    case ID_RFC822_ADDR:
        for (size_t i = 0; i < n; i++) {
            uint8_t c = id->data.ptr[i];
            folded[i] = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        }
        return map_hash(span_of(folded, n)) ^ id->type;
    default:
        return map_hash(id->data) ^ id->type;
    }
}

bool identity_is_pattern(const struct identity *id)
{
    bool has_wildcards = id->type == ID_FQDN || id->type == ID_RFC822_ADDR || id->type == ID_DER_ASN1_DN;
    return id->type == ID_ANY || identity_is_regex(id) ||
           (has_wildcards && id->data.len && memchr(id->data.ptr, '*', id->data.len));
}

/* Ranks: %any 1, regular expressions 2, wildcards from 3 (the longer the fixed part, the closer), equality
 * above all. */
enum { RANK_ANY = 1, RANK_REGEX = 2, RANK_WILD = 3, RANK_WILD_MAX = 9999, RANK_EQUAL = 10000 };

static int wild_rank(size_t fixed)
{
    return fixed > RANK_WILD_MAX - RANK_WILD ? RANK_WILD_MAX : RANK_WILD + (int)fixed;
}

/* "*.example.org" covers every name below example.org, not example.org itself; "*@example.org" its mailboxes.
 */
static int match_text(struct span id, struct span pattern)
{
    if (!pattern.len || pattern.ptr[0] != '*' || has_nul(id))
        return 0;
    struct span tail = span_of(pattern.ptr + 1, pattern.len - 1);
    if (id.len <= tail.len || !text_equal(span_of(id.ptr + id.len - tail.len, tail.len), tail))
        return 0;
    return wild_rank(tail.len);
}

int identity_match(const struct identity *id, const struct identity *pattern)
{
    unsigned wildcards;
    if (pattern->type == ID_ANY) /* [RFC7619#2.4] nobody is not anybody */
        return id->type == ID_NULL ? 0 : RANK_ANY;
    if (id->type != pattern->type)
        return 0;
    if (identity_equal(id, pattern))
        return RANK_EQUAL;
    if (identity_is_regex(pattern))
        return identity_regex_match(id, pattern) ? RANK_REGEX : 0;
    switch (pattern->type) {
    case ID_FQDN:
    case ID_RFC822_ADDR:
        return match_text(id->data, pattern->data);
    case ID_DER_ASN1_DN: {
        int exact = dn_match(id->data, pattern->data, &wildcards);
        return exact ? wild_rank((size_t)exact) : 0;
    }
    default:
        return 0;
    }
}
