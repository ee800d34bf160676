/* SPDX-License-Identifier: Apache-2.0 */
/* See testdns.h. Names that do not exist are denied with one NSEC record from the zone's top to itself, which
 * covers all (RFC 4034 section 4). */
#include "support/testdns.h"
#include "support/test.h"
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TYPE_SOA = 6, TYPE_OPT = 41, TYPE_IPSECKEY = 45, TYPE_RRSIG = 46, TYPE_NSEC = 47, TYPE_DNSKEY = 48 };
enum { SIZE = 4096, NAME_CAP = 256, SET_MAX = 16, ED25519 = 15, ZONE_TTL = 300 };

struct set { /* records of one name and type */
    uint8_t owner[NAME_CAP];
    size_t owner_len;
    uint16_t type;
    unsigned ttl;
    struct span rdata[SET_MAX];
    size_t n;
    bool is_signed;
};

struct out {
    uint8_t b[SIZE];
    size_t n;
};

static struct {
    int fd, stop[2];
    pthread_t thread;
    EVP_PKEY *key;
    uint8_t dnskey[4 + 32], soa[128], nsec[NAME_CAP];
    size_t soa_len, nsec_len;
    const struct testdns_record *records;
    size_t n;
    atomic_int lie;
    atomic_uint questions;
} dns;

/* ---- bytes */

static void put(struct out *o, const void *p, size_t len)
{
    if (len > SIZE - o->n)
        abort();
    memcpy(o->b + o->n, p, len);
    o->n += len;
}

static void put16(struct out *o, unsigned v)
{
    put(o, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void put32(struct out *o, uint32_t v)
{
    put16(o, v >> 16);
    put16(o, v & 0xffff);
}

/* "a.b" as on the wire, in lower case: as it is signed [RFC4034#6.2]. */
static size_t name_wire(const char *text, uint8_t *to)
{
    size_t at = 0;
    while (*text) {
        size_t len = strcspn(text, ".");
        to[at++] = (uint8_t)len;
        for (size_t i = 0; i < len; i++)
            to[at++] = (uint8_t)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
        text += len + (text[len] == '.');
    }
    to[at++] = 0;
    return at;
}

static unsigned labels_of(const struct set *s)
{
    unsigned n = 0;
    for (size_t at = 0; s->owner[at]; at += 1u + s->owner[at])
        n++;
    return n;
}

/* ---- signing */

static uint16_t key_tag(void) /* [RFC4034#B] */
{
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof(dns.dnskey); i++)
        sum += i & 1 ? dns.dnskey[i] : (uint32_t)dns.dnskey[i] << 8;
    return (uint16_t)(sum + (sum >> 16));
}

static int by_bytes(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->ptr, y->ptr, len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* The RDATA of the RRSIG over a set [RFC4034#3.1]. */
static void sign(struct set *s, struct out *rrsig)
{
    uint8_t zone[NAME_CAP], signature[64];
    size_t zone_len = name_wire(TESTDNS_ZONE, zone), len = sizeof(signature);
    uint32_t now = (uint32_t)time(NULL);
    const int lie = atomic_load(&dns.lie);
    bool is_over = lie == TESTDNS_EXPIRED && s->type == TYPE_IPSECKEY;
    struct out data = {.n = 0};
    qsort(s->rdata, s->n, sizeof(s->rdata[0]), by_bytes);
    put16(rrsig, s->type);
    put(rrsig, (uint8_t[]){ED25519, (uint8_t)labels_of(s)}, 2);
    put32(rrsig, s->ttl);
    put32(rrsig, is_over ? now - 90000 : now + 90000);
    put32(rrsig, is_over ? now - 180000 : now - 90000);
    put16(rrsig, key_tag());
    put(rrsig, zone, zone_len);
    put(&data, rrsig->b, rrsig->n);
    for (size_t i = 0; i < s->n; i++) {
        put(&data, s->owner, s->owner_len);
        put16(&data, s->type);
        put16(&data, 1);
        put32(&data, s->ttl);
        put16(&data, (unsigned)s->rdata[i].len);
        put(&data, s->rdata[i].ptr, s->rdata[i].len);
    }
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (EVP_DigestSignInit(c, NULL, NULL, NULL, dns.key) != 1 ||
        EVP_DigestSign(c, signature, &len, data.b, data.n) != 1)
        abort();
    EVP_MD_CTX_free(c);
    if (lie == TESTDNS_SPOILED && s->type == TYPE_IPSECKEY)
        signature[5] ^= 1;
    put(rrsig, signature, len);
}

/* ---- answers */

static unsigned put_record(struct out *o, const struct set *s, uint16_t type, struct span rdata)
{
    put(o, s->owner, s->owner_len);
    put16(o, type);
    put16(o, 1);
    put32(o, s->ttl);
    put16(o, (unsigned)rdata.len);
    put(o, rdata.ptr, rdata.len);
    return 1;
}

static unsigned put_set(struct out *o, struct set *s)
{
    struct out rrsig = {.n = 0};
    unsigned n = 0;
    uint8_t altered[SIZE];
    const int lie = atomic_load(&dns.lie);
    if (s->is_signed)
        sign(s, &rrsig);
    for (size_t i = 0; i < s->n; i++) {
        struct span r = s->rdata[i];
        if (lie == TESTDNS_ALTERED && s->type == TYPE_IPSECKEY) {
            memcpy(altered, r.ptr, r.len);
            altered[r.len - 1] ^= 1;
            r.ptr = altered;
        }
        n += put_record(o, s, s->type, r);
    }
    if (s->is_signed && (lie != TESTDNS_UNSIGNED || s->type == TYPE_DNSKEY))
        n += put_record(o, s, TYPE_RRSIG, span_of(rrsig.b, rrsig.n));
    return n;
}

static struct set zone_set(uint16_t type, struct span rdata)
{
    struct set s = {.type = type, .ttl = ZONE_TTL, .rdata = {rdata}, .n = 1, .is_signed = true};
    s.owner_len = name_wire(TESTDNS_ZONE, s.owner);
    return s;
}

static void find(const uint8_t *name, size_t len, struct set *s)
{
    for (size_t i = 0; i < dns.n; i++) {
        char full[NAME_CAP];
        uint8_t wire[NAME_CAP];
        const char *own = dns.records[i].name;
        bool is_ours = own[strlen(own) - 1] != '.';
        snprintf(full, sizeof(full), is_ours ? "%s." TESTDNS_ZONE : "%s", own);
        if (name_wire(full, wire) != len || memcmp(wire, name, len) != 0)
            continue;
        s->ttl = dns.records[i].ttl;
        s->is_signed = is_ours;
        s->rdata[s->n++] = dns.records[i].rdata;
    }
}

static unsigned deny(struct out *o)
{
    struct set soa = zone_set(TYPE_SOA, span_of(dns.soa, dns.soa_len)),
               nsec = zone_set(TYPE_NSEC, span_of(dns.nsec, dns.nsec_len));
    return put_set(o, &soa) + put_set(o, &nsec);
}

static bool is_below(const uint8_t *name, size_t len)
{
    uint8_t zone[NAME_CAP];
    size_t zone_len = name_wire(TESTDNS_ZONE, zone);
    return len >= zone_len && memcmp(name + len - zone_len, zone, zone_len) == 0;
}

static void answer(const uint8_t *q, size_t len, struct out *o)
{
    uint8_t name[NAME_CAP];
    size_t at = 12, name_len = 0;
    while (at < len && q[at] && name_len + 1u + q[at] < sizeof(name) && at + q[at] < len) {
        for (size_t i = 0; i <= q[at]; i++) {
            uint8_t c = q[at + i];
            name[name_len++] = i && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
        }
        at += 1u + q[at];
    }
    name[name_len++] = 0;
    at++;
    if (at + 4 > len)
        return;
    uint16_t type = (uint16_t)(q[at] << 8 | q[at + 1]);
    struct set s = {.type = type, .owner_len = name_len};
    unsigned counts[2] = {0, 0};
    const bool fails = atomic_load(&dns.lie) == TESTDNS_SERVFAIL;
    memcpy(s.owner, name, name_len);
    if (type == TYPE_IPSECKEY)
        find(name, name_len, &s);
    atomic_fetch_add(&dns.questions, type == TYPE_IPSECKEY);
    put(o, q, 2);
    put16(o, 0x8580); /* an answer, authoritative, recursion there */
    put16(o, 1);
    put(o, (uint8_t[6]){0}, 6);
    put(o, q + 12, at + 4 - 12);
    if (type == TYPE_DNSKEY && is_below(name, name_len))
        s = zone_set(TYPE_DNSKEY, span_of(dns.dnskey, sizeof(dns.dnskey)));
    if (s.n && !fails)
        counts[0] = put_set(o, &s);
    else if (!fails && is_below(name, name_len)) {
        counts[1] = deny(o);
        o->b[3] |= 3; /* NXDOMAIN */
    }
    o->b[3] |= fails ? 2 : 0;
    o->b[7] = (uint8_t)counts[0];
    o->b[9] = (uint8_t)counts[1];
    o->b[11] = 1;
    put(o, (uint8_t[]){0, 0, TYPE_OPT, 0x10, 0, 0, 0, 0x80, 0, 0, 0}, 11); /* EDNS, with DO */
}

static void *serve(void *ctx)
{
    (void)ctx;
    for (;;) {
        struct pollfd p[2] = {
            {.fd = dns.fd,      .events = POLLIN},
            {.fd = dns.stop[0], .events = POLLIN}
        };
        uint8_t in[SIZE];
        struct sockaddr_in from;
        socklen_t from_len = sizeof(from);
        if (poll(p, 2, -1) < 0 || p[1].revents)
            return NULL;
        ssize_t n = recvfrom(dns.fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
        struct out o = {.n = 0};
        if (n > 12 && atomic_load(&dns.lie) != TESTDNS_SILENT)
            answer(in, (size_t)n, &o);
        else if (n > 12)
            atomic_fetch_add(&dns.questions, 1);
        if (o.n && sendto(dns.fd, o.b, o.n, 0, (struct sockaddr *)&from, from_len) < 0)
            return NULL;
    }
}

/* ---- for tests */

static void make_zone(void)
{
    uint8_t zone[NAME_CAP];
    size_t zone_len = name_wire(TESTDNS_ZONE, zone), len = 32;
    struct out soa = {.n = 0};
    dns.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    memcpy(dns.dnskey, (uint8_t[]){1, 1, 3, ED25519}, 4); /* a zone's key that other keys are signed with */
    if (!dns.key || EVP_PKEY_get_raw_public_key(dns.key, dns.dnskey + 4, &len) != 1)
        abort();
    put(&soa, zone, zone_len);
    put(&soa, zone, zone_len);
    for (unsigned i = 0; i < 5; i++)
        put32(&soa, i == 4 ? 1 : 1000);
    memcpy(dns.soa, soa.b, soa.n);
    dns.soa_len = soa.n;
    memcpy(dns.nsec, zone, zone_len);
    /* SOA, RRSIG, NSEC and DNSKEY are at the top */
    memcpy(dns.nsec + zone_len, (uint8_t[]){0, 7, 0x02, 0, 0, 0, 0, 0x03, 0x80}, 9);
    dns.nsec_len = zone_len + 9;
}

void testdns_start(const struct testdns_record *records, size_t n)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    make_zone();
    dns.records = records;
    dns.n = n;
    atomic_store(&dns.lie, TESTDNS_HONEST);
    atomic_store(&dns.questions, 0);
    dns.fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(dns.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(pipe(dns.stop), 0);
    assert_int_equal(pthread_create(&dns.thread, NULL, serve, NULL), 0);
}

void testdns_stop(void)
{
    assert_int_equal(write(dns.stop[1], "x", 1), 1);
    pthread_join(dns.thread, NULL);
    close(dns.stop[0]);
    close(dns.stop[1]);
    close(dns.fd);
    EVP_PKEY_free(dns.key);
}

void testdns_lie(enum testdns_lie how)
{
    atomic_store(&dns.lie, (int)how);
}

unsigned testdns_questions(void)
{
    return atomic_load(&dns.questions);
}

void testdns_write_anchor(const char *path)
{
    char text[64];
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    EVP_EncodeBlock((unsigned char *)text, dns.dnskey + 4, 32);
    fprintf(f, TESTDNS_ZONE ". 300 IN DNSKEY 257 3 15 %s\n", text);
    fclose(f);
}
