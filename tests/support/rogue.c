/* SPDX-License-Identifier: Apache-2.0 */
/* See rogue.h. */
#include "support/rogue.h"
#include "base/rd.h"
#include "crypto/cipher.h"
#include "support/test.h"

enum { SEALED_AT = IKE_HEADER_LEN + PAYLOAD_HEADER_LEN };

struct ike_sa *rogue_sa(const struct pair *p, int side)
{
    struct list *sas = &p->side[side].e->sas;
    assert_false(list_empty(sas));
    return container_of(sas->next, struct ike_sa, link);
}

struct ike_sa *rogue_sa_of(const struct pair *p, const struct pair_packet *k)
{
    struct rd r = rd_over(span_of(k->bytes, k->len));
    uint64_t spi_i = rd_u64(&r), spi_r = rd_u64(&r);
    struct ike_sa *sa;
    list_each(sa, &p->side[k->from].e->sas, link)
    {
        if (sa->spi_i == spi_i && sa->spi_r == spi_r)
            return sa;
    }
    fail_msg("a packet of side %d belongs to no IKE SA", k->from);
    return NULL;
}

bool rogue_is_response(const struct pair_packet *k)
{
    return k->bytes[AT_FLAGS] & IKE_FLAG_RESPONSE;
}

bool rogue_lose(void *ctx, struct pair_packet *k)
{
    struct rogue_loss *l = ctx;
    bool *is_next = rogue_is_response(k) ? &l->of_answer : &l->of_request;
    if (!*is_next || k->bytes[AT_EXCHANGE] != l->exchange)
        return true;
    *is_next = false;
    return false;
}

uint8_t *chain_find(const struct chain *c, uint8_t type, size_t *len)
{
    uint8_t next = c->first;
    for (size_t at = 0; next && at + 4 <= c->len;) {
        *len = (size_t)c->at[at + 2] << 8 | c->at[at + 3];
        if (next == type)
            return c->at + at;
        next = c->at[at];
        at += *len;
    }
    return NULL;
}

void rogue_open(const struct pair *p, struct pair_packet *k, void (*look)(void *ctx, const struct chain *c),
                void *ctx)
{
    const struct ike_sa *sa = rogue_sa_of(p, k);
    struct cipher *c = ike_keys_cipher(&sa->keys, &sa->chosen, sa->is_initiator);
    size_t iv = cipher_iv_len(c), icv = cipher_icv_len(c), len = k->len - SEALED_AT - iv - icv;
    struct span aad = span_of(k->bytes, SEALED_AT);
    uint8_t *data = k->bytes + SEALED_AT + iv;
    assert_true(cipher_open(c, aad, k->bytes + SEALED_AT, data, len, data + len));
    struct chain chain = {.first = k->bytes[IKE_HEADER_LEN], .at = data, .len = len - 1u - data[len - 1]};
    look(ctx, &chain);
    assert_true(cipher_seal(c, aad, k->bytes + SEALED_AT, data, len, data + len));
    cipher_free(c);
}

static void hide(void *ctx, const struct chain *c)
{
    uint8_t next = c->first;
    (void)ctx;
    for (size_t at = 0; next && at + 8 <= c->len; at += (size_t)c->at[at + 2] << 8 | c->at[at + 3]) {
        if (next == PAYLOAD_NOTIFY && (c->at[at + 6] << 8 | c->at[at + 7]) == N_SUPPORTED_AUTH_METHODS)
            c->at[at + 6] = 0x9f;
        next = c->at[at];
    }
}

bool rogue_hide_announcements(void *pair, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT && rogue_is_response(k))
        hide(NULL, &(struct chain){.first = k->bytes[AT_FIRST],
                                   .at = k->bytes + IKE_HEADER_LEN,
                                   .len = k->len - IKE_HEADER_LEN});
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        rogue_open(pair, k, hide, NULL);
    return true;
}

static void set_len(uint8_t *at, size_t n, size_t value)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

/* Behind len bytes of payloads, which begin at at: the new length. */
static size_t append(uint8_t *first, uint8_t *at, size_t len, uint16_t type, struct span data)
{
    uint8_t *next = first;
    for (size_t i = 0; i < len; i += (size_t)at[i + 2] << 8 | at[i + 3])
        next = at + i;
    *next = PAYLOAD_NOTIFY;
    memset(at + len, 0, 8);
    set_len(at + len + 2, 2, 8 + data.len);
    set_len(at + len + 6, 2, type);
    memcpy(at + len + 8, data.ptr, data.len);
    return len + 8 + data.len;
}

void rogue_append_notify(const struct pair *p, struct pair_packet *k, uint16_t type, struct span data)
{
    const struct ike_sa *sa = rogue_sa_of(p, k);
    struct cipher *c = ike_keys_cipher(&sa->keys, &sa->chosen, sa->is_initiator);
    size_t iv = cipher_iv_len(c), icv = cipher_icv_len(c), len = k->len - SEALED_AT - iv - icv;
    struct span aad = span_of(k->bytes, SEALED_AT);
    uint8_t *at = k->bytes + SEALED_AT + iv;
    assert_true(k->bytes[AT_FIRST] == PAYLOAD_SK && k->len + 8 + data.len + 1 <= sizeof(k->bytes));
    assert_true(cipher_open(c, aad, k->bytes + SEALED_AT, at, len, at + len));
    len = append(&k->bytes[IKE_HEADER_LEN], at, len - 1u - at[len - 1], type, data);
    at[len++] = 0; /* no padding */
    k->len = SEALED_AT + iv + len + icv;
    set_len(k->bytes + 24, 4, k->len);
    set_len(k->bytes + IKE_HEADER_LEN + 2, 2, k->len - IKE_HEADER_LEN);
    assert_true(cipher_seal(c, aad, k->bytes + SEALED_AT, at, len, at + len));
    cipher_free(c);
}

bool rogue_watch_auth(void *witness, struct pair_packet *k)
{
    struct rogue_witness *w = witness;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT) {
        memcpy(w->init[k->from], k->bytes, k->len);
        w->init_len[k->from] = k->len;
    }
    w->from = k->from;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH)
        rogue_open(w->pair, k, w->look, w);
    return true;
}
