/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening: see protect.h. */
#include "crypto/random.h"
#include "ike/msg/open.h"

#define HEADERS     (IKE_HEADER_LEN + PAYLOAD_HEADER_LEN)
#define SKF_NUMBERS 4

/* in the IKE header [RFC7296#3.1] */
#define NEXT_PAYLOAD_AT 16
#define LENGTH_AT       24

void sealer_init(struct sealer *s, struct cipher *cipher)
{
    *s = (struct sealer){.cipher = cipher};
}

void sealer_deinit(struct sealer *s)
{
    cipher_free(s->cipher);
    *s = (struct sealer){0};
}

/* [RFC7296#3.14] unpredictable for CBC; [RFC5282#3.1] for counter modes never twice under one key: a counter
 * that no message can take back. */
static bool choose_iv(struct sealer *s, uint8_t *iv)
{
    size_t len = cipher_iv_len(s->cipher);
    if (cipher_block(s->cipher) > 1) {
        crypto_random(iv, len);
        return true;
    }
    if (s->next_iv == UINT64_MAX)
        return false;
    uint64_t v = s->next_iv++;
    for (size_t i = len; i > 0; i--, v >>= 8)
        iv[i - 1] = (uint8_t)v;
    return true;
}

static size_t padded(const struct cipher *c, size_t len)
{
    size_t block = cipher_block(c);
    return (len + 1 + block - 1) / block * block; /* with the pad length octet */
}

struct piece { /* one SK or SKF message to be */
    uint8_t first;
    uint16_t number, total; /* total 0: SK */
    struct span plain;
};

static bool seal_one(struct arena *a, struct sealer *s, const struct ike_header *header,
                     const struct piece *p, struct span *out)
{
    bool is_fragment = p->total != 0;
    size_t aad = HEADERS + (is_fragment ? SKF_NUMBERS : 0);
    size_t iv = cipher_iv_len(s->cipher), icv = cipher_icv_len(s->cipher);
    size_t data = padded(s->cipher, p->plain.len), total = aad + iv + data + icv;
    uint8_t *buf = total <= IKE_MAX_MESSAGE ? arena_alloc(a, total) : NULL;
    if (!buf)
        return false;
    struct ike_header h = *header;
    h.next_payload = is_fragment ? PAYLOAD_SKF : PAYLOAD_SK;
    h.length = (uint32_t)total;
    struct wr w = wr_over(buf, total);
    ike_header_write(&w, &h);
    wr_u8(&w, p->first);
    wr_u8(&w, 0);
    wr_u16(&w, (uint16_t)(total - IKE_HEADER_LEN));
    if (is_fragment) {
        wr_u16(&w, p->number);
        wr_u16(&w, p->total);
    }
    uint8_t *iv_at = wr_reserve(&w, iv);
    uint8_t *data_at = w.base + w.len;
    wr_span(&w, p->plain);
    wr_zero(&w, data - p->plain.len - 1);
    wr_u8(&w, (uint8_t)(data - p->plain.len - 1));
    uint8_t *icv_at = wr_reserve(&w, icv);
    *out = span_of(buf, total);
    return wr_ok(&w) && choose_iv(s, iv_at) &&
           cipher_seal(s->cipher, span_of(buf, aad), iv_at, data_at, data, icv_at);
}

/* How much plaintext fits into one fragment; 0 when the size leaves no room. */
static size_t fragment_room(const struct cipher *c, size_t max_datagram)
{
    size_t overhead = HEADERS + SKF_NUMBERS + cipher_iv_len(c) + cipher_icv_len(c), block = cipher_block(c);
    if (max_datagram < overhead + block)
        return 0;
    return (max_datagram - overhead) / block * block - 1;
}

bool protect_seal(struct arena *a, struct sealer *s, const struct ike_header *header, uint8_t first,
                  struct span chain, size_t max_datagram, struct datagrams *out)
{
    size_t whole =
        HEADERS + cipher_iv_len(s->cipher) + padded(s->cipher, chain.len) + cipher_icv_len(s->cipher);
    bool is_whole = max_datagram == 0 || whole <= max_datagram;
    size_t room = is_whole ? chain.len : fragment_room(s->cipher, max_datagram);
    size_t n = is_whole ? 1 : room ? (chain.len + room - 1) / room : 0;
    if (n == 0 || n > SKF_MAX_FRAGMENTS)
        return false;
    *out = (struct datagrams){.v = arena_calloc(a, n, sizeof(*out->v)), .n = n};
    if (!out->v)
        return false;
    struct rd r = rd_over(chain);
    for (size_t i = 0; i < n; i++) {
        struct piece p = {
            .first = i == 0 ? first : PAYLOAD_NONE, /* [RFC7383#2.5] */
            .number = (uint16_t)(i + 1),
            .total = is_whole ? 0 : (uint16_t)n,
            .plain = rd_bytes(&r, i + 1 < n ? room : rd_left(&r)),
        };
        if (!seal_one(a, s, header, &p, &out->v[i]))
            return false;
    }
    return true;
}

enum decode_status protect_open_bytes(struct arena *a, struct cipher *c, const struct ike_message *m,
                                      struct span *plain, struct diag *d)
{
    const struct pl_sk *sk = &m->sk->sk;
    size_t iv = cipher_iv_len(c), icv = cipher_icv_len(c);
    if (sk->body.len < iv + icv + 1 || (sk->body.len - iv - icv) % cipher_block(c) != 0) {
        diag_set(d, FAIL_GENERIC, "malformed %s payload: %zu bytes", payload_name(m->sk->type), sk->body.len);
        return DECODE_MALFORMED;
    }
    struct span copy = arena_dup(a, sk->body);
    if (!copy.ptr)
        return DECODE_MALFORMED;
    size_t len = copy.len - iv - icv;
    uint8_t *data = (uint8_t *)copy.ptr + iv; /* ours: just copied */
    if (!cipher_open(c, span_of(m->raw.ptr, sk->aad_len), copy.ptr, data, len, data + len)) {
        diag_set(d, FAIL_GENERIC, "integrity check failed");
        return DECODE_BAD_ICV;
    }
    size_t pad = data[len - 1];
    if (pad + 1 > len) {
        diag_set(d, FAIL_GENERIC, "malformed %s payload: %zu bytes of padding in %zu",
                 payload_name(m->sk->type), pad, len);
        return DECODE_MALFORMED;
    }
    *plain = span_of(data, len - 1 - pad);
    return DECODE_OK;
}

enum decode_status protect_open(struct arena *a, struct cipher *c, struct ike_message *m, struct diag *d)
{
    struct span plain = {0};
    if (!m->sk || m->sk->type != PAYLOAD_SK || m->is_opened) {
        diag_set(d, FAIL_GENERIC, "message without an SK payload");
        return DECODE_MALFORMED;
    }
    enum decode_status s = protect_open_bytes(a, c, m, &plain, d);
    if (s != DECODE_OK)
        return s;
    m->is_opened = true;
    m->inner = plain;
    m->inner_first = m->sk->sk.first;
    m->sk_flags = m->raw.ptr[m->sk->sk.aad_len - PAYLOAD_HEADER_LEN + 1];
    return ike_decode_inner(a, m->sk->sk.first, plain, m, d);
}

/* [RFC9242#3.3.2] the two lengths count neither IV nor padding nor ICV. */
static struct span content(struct arena *a, struct span head, struct span inner)
{
    size_t len = head.len + inner.len;
    uint8_t *all = len <= IKE_MAX_MESSAGE ? arena_alloc(a, len) : NULL;
    struct wr w = wr_over(all, all ? len : 0);
    wr_span(&w, head);
    wr_span(&w, inner);
    if (!wr_ok(&w))
        return span_of(NULL, 0);
    struct wr whole = wr_over(all + LENGTH_AT, 4), sk = wr_over(all + head.len - 2, 2);
    wr_u32(&whole, (uint32_t)len);
    wr_u16(&sk, (uint16_t)(PAYLOAD_HEADER_LEN + inner.len));
    return wr_span_view(&w);
}

struct span protect_content_sent(struct arena *a, const struct ike_header *header, uint8_t first,
                                 struct span chain)
{
    uint8_t head[HEADERS];
    struct ike_header h = *header;
    struct wr w = wr_over(head, sizeof(head));
    h.next_payload = PAYLOAD_SK;
    h.length = 0;
    ike_header_write(&w, &h);
    wr_u8(&w, first);
    wr_zero(&w, 3);
    return content(a, wr_span_view(&w), chain);
}

struct span protect_content(struct arena *a, const struct ike_message *m)
{
    uint8_t head[HEADERS];
    if (!m->sk || !m->is_opened)
        return span_of(NULL, 0);
    if (m->sk->type == PAYLOAD_SK)
        return content(a, span_of(m->raw.ptr, m->sk->sk.aad_len), m->inner);
    memcpy(head, m->raw.ptr, IKE_HEADER_LEN);
    head[NEXT_PAYLOAD_AT] = PAYLOAD_SK;
    struct wr w = wr_over(head + IKE_HEADER_LEN, PAYLOAD_HEADER_LEN);
    wr_u8(&w, m->inner_first);
    wr_u8(&w, m->sk_flags);
    wr_zero(&w, 2);
    return content(a, span_of(head, sizeof(head)), m->inner);
}
