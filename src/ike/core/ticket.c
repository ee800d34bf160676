/* SPDX-License-Identifier: Apache-2.0 */
/* See ticket.h. version | period | id | ciphertext | ICV: AES-256-GCM under a key of this ticket alone, made
 * of the machine's secret, the period and the ticket's random id, so that no IV can repeat under a key; the
 * head is authenticated. Keys change with the period [RFC5723#9.5]. Who gets the secret can read tickets that
 * were sealed before: they are not forward secret, as no tickets by value under a long-lived key are. */
#include "ike/core/ticket.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/wr.h"
#include "crypto/alg.h"
#include "crypto/cipher.h"
#include "crypto/prf.h"
#include "crypto/random.h"

#define VERSION  2
#define HEAD_LEN (1 + 4 + TICKET_ID_LEN)
#define ICV_LEN  16
#define KEY_LEN  36 /* with the salt of RFC 5282, which is as good a part of the key as any */
#define SK_D_MAX 64

static const uint8_t iv[8]; /* once for each key */

static struct cipher *cipher_of(struct span secret, uint32_t period, struct span id)
{
    uint8_t key[KEY_LEN], number[4];
    struct wr w = wr_over(number, sizeof(number));
    wr_u32(&w, period);
    const struct span parts[] = {span_str("keyway ticket key"), wr_span_view(&w), id};
    if (!secret.len || !prf_plus(PRF_HMAC_SHA2_256, secret, parts, ARRAY_LEN(parts), key, sizeof(key)))
        return NULL;
    struct cipher *c =
        cipher_new(ENCR_AES_GCM_16, 256, INTEG_NONE, span_of(key, sizeof(key)), span_of(NULL, 0));
    secret_wipe(key, sizeof(key));
    return c;
}

/* ---- contents ---- */

static void put_span(struct wr *w, struct span s)
{
    wr_u16(w, (uint16_t)s.len);
    wr_span(w, s);
}

static void put_identity(struct wr *w, const struct identity *id)
{
    wr_u8(w, (uint8_t)id->type);
    put_span(w, id->data);
}

static void put_ip(struct wr *w, const struct ip *ip)
{
    wr_u8(w, ip->family);
    wr_bytes(w, ip->b, sizeof(ip->b));
}

static void put_contents(struct wr *w, const struct ticket *t)
{
    const struct chosen *c = &t->chosen;
    wr_u64(w, (uint64_t)t->expires);
    wr_u64(w, (uint64_t)t->auth_ends);
    wr_u64(w, t->old_id);
    wr_u64(w, t->old_spi_i);
    wr_u64(w, t->old_spi_r);
    wr_u64(w, t->conn_hash);
    wr_bytes(w, t->credential, sizeof(t->credential));
    wr_u16(w, c->encr);
    wr_u16(w, c->key_bits);
    wr_u16(w, c->prf);
    wr_u16(w, c->integ);
    wr_u16(w, c->ke);
    for (size_t i = 0; i < ADDKE_MAX; i++)
        wr_u16(w, c->addke[i]);
    wr_u8(w, t->has_ppk);
    wr_u8(w, t->way.needs_udp);
    put_ip(w, &t->way.local);
    put_ip(w, &t->way.remote);
    put_span(w, t->sk_d);
    put_span(w, t->conn);
    put_identity(w, &t->local_id);
    put_identity(w, &t->remote_id);
}

static struct span get_span(struct rd *r)
{
    uint16_t len = rd_u16(r);
    return rd_bytes(r, len);
}

static struct ip get_ip(struct rd *r)
{
    struct ip ip = {.family = rd_u8(r)};
    struct span b = rd_bytes(r, sizeof(ip.b));
    if (b.len)
        memcpy(ip.b, b.ptr, sizeof(ip.b));
    return ip;
}

static struct identity get_identity(struct rd *r)
{
    uint8_t type = rd_u8(r);
    return (struct identity){.type = type, .data = get_span(r)};
}

/* Only we can have written it: a bound that does not hold is a bug, and no more than refused. */
static bool get_contents(struct rd *r, struct ticket *t)
{
    struct chosen *c = &t->chosen;
    struct span credential;
    t->expires = (int64_t)rd_u64(r);
    t->auth_ends = (int64_t)rd_u64(r);
    t->old_id = rd_u64(r);
    t->old_spi_i = rd_u64(r);
    t->old_spi_r = rd_u64(r);
    t->conn_hash = rd_u64(r);
    credential = rd_bytes(r, sizeof(t->credential));
    *c = (struct chosen){.protocol = PROTO_IKE, .number = 1};
    c->encr = rd_u16(r);
    c->key_bits = rd_u16(r);
    c->prf = rd_u16(r);
    c->integ = rd_u16(r);
    c->ke = rd_u16(r);
    for (size_t i = 0; i < ADDKE_MAX; i++)
        c->addke[i] = rd_u16(r);
    t->has_ppk = rd_u8(r) != 0;
    t->way.needs_udp = rd_u8(r) != 0;
    t->way.local = get_ip(r);
    t->way.remote = get_ip(r);
    t->sk_d = get_span(r);
    t->conn = get_span(r);
    t->local_id = get_identity(r);
    t->remote_id = get_identity(r);
    if (!rd_done(r) || !t->sk_d.len || t->sk_d.len > SK_D_MAX)
        return false;
    memcpy(t->credential, credential.ptr, sizeof(t->credential));
    return true;
}

/* ---- both ways ---- */

size_t ticket_seal(struct span secret, int64_t wall, struct ticket *t, uint8_t out[TICKET_MAX])
{
    uint32_t period = (uint32_t)(wall / TICKET_KEY_PERIOD);
    struct wr w = wr_over(out, TICKET_MAX - ICV_LEN);
    crypto_random(t->id, sizeof(t->id));
    wr_u8(&w, VERSION);
    wr_u32(&w, period);
    wr_bytes(&w, t->id, sizeof(t->id));
    put_contents(&w, t);
    size_t len = wr_ok(&w) ? wr_span_view(&w).len : 0;
    struct cipher *c = len ? cipher_of(secret, period, span_of(t->id, sizeof(t->id))) : NULL;
    bool ok = c && cipher_seal(c, span_of(out, HEAD_LEN), iv, out + HEAD_LEN, len - HEAD_LEN, out + len);
    cipher_free(c);
    if (ok)
        return len + ICV_LEN;
    secret_wipe(out, TICKET_MAX);
    return 0;
}

bool ticket_open(struct span secret, int64_t wall, struct span sealed, uint8_t room[TICKET_MAX],
                 struct ticket *t)
{
    struct rd r = rd_over(sealed);
    uint32_t now = (uint32_t)(wall / TICKET_KEY_PERIOD);
    uint8_t version = rd_u8(&r);
    uint32_t period = rd_u32(&r);
    struct span id = rd_bytes(&r, TICKET_ID_LEN);
    *t = (struct ticket){0};
    if (!rd_ok(&r) || version != VERSION || now - period > 1 || sealed.len <= HEAD_LEN + ICV_LEN ||
        sealed.len > TICKET_MAX)
        return false;
    size_t len = sealed.len - HEAD_LEN - ICV_LEN;
    struct cipher *c = cipher_of(secret, period, id);
    memcpy(room, sealed.ptr + HEAD_LEN, len);
    bool ok = c && cipher_open(c, span_of(sealed.ptr, HEAD_LEN), iv, room, len, sealed.ptr + HEAD_LEN + len);
    cipher_free(c);
    r = rd_over(span_of(room, len));
    if (!ok || !get_contents(&r, t) || t->expires <= wall)
        return false;
    memcpy(t->id, id.ptr, TICKET_ID_LEN);
    return true;
}
