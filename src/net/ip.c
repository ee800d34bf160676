/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, endpoints and prefixes: text forms (RFC 4291 section 2.2, RFC 5952 by way of inet_ntop), order,
 * and the two ends of a prefix. Names and scopes ("fe80::1%eth0") are not addresses here. */
#include "net/ip.h"
#include "base/text.h"

#include <arpa/inet.h>

struct ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct ip){
        .family = 4, .b = {a, b, c, d}
    };
}

bool ip_parse(const char *text, struct ip *out)
{
    struct ip ip = {.family = 4};
    if (inet_pton(AF_INET, text, ip.b) != 1) {
        ip = (struct ip){.family = 6};
        if (inet_pton(AF_INET6, text, ip.b) != 1)
            return false;
    }
    *out = ip;
    return true;
}

const char *ip_format(struct ip ip, char buf[IP_TEXT_MAX])
{
    buf[0] = '\0';
    if (ip.family == 4 || ip.family == 6)
        inet_ntop(ip.family == 4 ? AF_INET : AF_INET6, ip.b, buf, IP_TEXT_MAX);
    else
        memcpy(buf, "none", 5);
    return buf;
}

const char *endpoint_format(const struct endpoint *e, char buf[IP_TEXT_MAX])
{
    char ip[IP_TEXT_MAX];
    struct text t = {.buf = buf, .cap = IP_TEXT_MAX};
    text_printf(&t, e->ip.family == 6 ? "[%s]:%u" : "%s:%u", ip_format(e->ip, ip), e->port);
    return buf;
}

size_t ip_len(struct ip ip)
{
    return ip_view(&ip).len;
}

bool ip_from_bytes(struct span s, struct ip *out)
{
    if (s.len != 4 && s.len != 16)
        return false;
    *out = (struct ip){.family = s.len == 4 ? 4 : 6};
    memcpy(out->b, s.ptr, s.len);
    return true;
}

bool ip_equal(struct ip a, struct ip b)
{
    return ip_cmp(a, b) == 0;
}

int ip_cmp(struct ip a, struct ip b)
{
    if (a.family != b.family)
        return a.family < b.family ? -1 : 1;
    return memcmp(a.b, b.b, ip_len(a));
}

bool ip_is_unspecified(struct ip ip)
{
    static const uint8_t zero[16];
    return memcmp(ip.b, zero, ip_len(ip)) == 0;
}

struct ip ip_add(struct ip ip, uint64_t n)
{
    uint64_t carry = 0;
    for (size_t i = ip_len(ip); i-- > 0; n >>= 8) {
        carry += ip.b[i] + (n & 0xff);
        ip.b[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return ip;
}

uint64_t ip_distance(struct ip a, struct ip b)
{
    uint8_t diff[16];
    uint64_t n = 0;
    int borrow = 0;
    for (size_t i = ip_len(a); i-- > 0;) {
        int v = b.b[i] - a.b[i] - borrow;
        borrow = v < 0;
        diff[i] = (uint8_t)v;
    }
    for (size_t i = 0; i < ip_len(a); i++) {
        if (n >> 56)
            return UINT64_MAX;
        n = n << 8 | diff[i];
    }
    return n;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && a->stream == b->stream && ip_equal(a->ip, b->ip);
}

/* A decimal number of at most 3 digits and nothing else; -1 otherwise. */
static int bits_parse(const char *s)
{
    int v = 0, digits = 0;
    for (; *s >= '0' && *s <= '9' && digits < 3; s++, digits++)
        v = v * 10 + (*s - '0');
    return digits > 0 && *s == '\0' ? v : -1;
}

/* Sets the host bits of ip to ones or zeros. */
static struct ip host_bits(struct ip ip, unsigned bits, bool ones)
{
    for (size_t i = 0; i < ip_len(ip); i++) {
        unsigned keep = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * (unsigned)i : 0;
        uint8_t host = (uint8_t)(0xff >> keep);
        ip.b[i] = (uint8_t)(ones ? ip.b[i] | host : ip.b[i] & ~host);
    }
    return ip;
}

bool prefix_parse(const char *text, struct prefix *out)
{
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    char head[IP_TEXT_MAX];
    struct ip ip;
    if (len >= sizeof(head))
        return false;
    memcpy(head, text, len);
    head[len] = '\0';
    if (!ip_parse(head, &ip))
        return false;
    int max = (int)ip_len(ip) * 8;
    int bits = slash ? bits_parse(slash + 1) : max;
    if (bits < 0 || bits > max)
        return false;
    *out = (struct prefix){.ip = host_bits(ip, (unsigned)bits, false), .bits = (uint8_t)bits};
    return true;
}

const char *prefix_format(const struct prefix *p, char buf[IP_TEXT_MAX])
{
    char ip[IP_TEXT_MAX];
    struct text t = {.buf = buf, .cap = IP_TEXT_MAX};
    text_printf(&t, "%s/%u", ip_format(p->ip, ip), p->bits);
    return buf;
}

unsigned ip_common_bits(struct ip a, struct ip b)
{
    unsigned bits = 0;
    for (size_t i = 0; i < ip_len(a); i++) {
        if (a.b[i] != b.b[i])
            return bits + (unsigned)__builtin_clz((unsigned)(a.b[i] ^ b.b[i])) - 24;
        bits += 8;
    }
    return bits;
}

struct prefix prefix_of(struct ip ip, uint8_t bits)
{
    return (struct prefix){.ip = host_bits(ip, bits, false), .bits = bits};
}

bool prefix_contains(const struct prefix *p, struct ip ip)
{
    return p->ip.family == ip.family && ip_equal(p->ip, host_bits(ip, p->bits, false));
}

struct ip prefix_last(const struct prefix *p)
{
    return host_bits(p->ip, p->bits, true);
}
