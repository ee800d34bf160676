/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way out: sealing, fragmenting (RFC 7383), keeping what may have to be repeated
 * (RFC 7296 section 2.1), and nonces (section 2.10). */
#include "crypto/random.h"
#include "ike/v2/count.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/trace.h"

#define CHAIN_MAX 60000

void send_raw(struct ike_env *env, const struct endpoint *local, const struct endpoint *remote,
              bool has_marker, uint8_t dscp, struct span bytes)
{
    struct action *a = outbox_add(env->out, ACTION_SEND);
    a->send.local = *local;
    a->send.remote = *remote;
    a->send.is_natt = has_marker;
    a->send.dscp = dscp;
    a->send.bytes = bytes;
    env->stats->sent++;
}

/* Nothing leaves from an address that we have no longer. The bytes are copied: what is sent may outlive what
 * it was made in. */
static void send_all(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                     const struct endpoint *remote, bool has_marker, const struct datagrams *d)
{
    if (!path_has_source(env, sa, local->ip))
        return;
    for (size_t i = 0; i < d->n; i++) {
        trace_sent(env, sa, local, remote, d->v[i].len);
        send_raw(env, local, remote, has_marker, sa->conn->dscp, arena_dup(env->out->arena, d->v[i]));
    }
    sa->last_out = env->now.mono;
}

void send_datagrams(struct ike_env *env, struct ike_sa *sa, const struct datagrams *d)
{
    send_all(env, sa, &sa->local, &sa->remote, sa->has_marker, d);
}

void send_over(struct ike_env *env, struct ike_sa *sa, const struct path *path, const struct datagrams *d)
{
    send_all(env, sa, &path->local, &path->remote, sa->has_marker, d);
}

void chain_begin(struct ike_env *env, struct build *b)
{
    build_begin(b, arena_alloc(env->out->arena, CHAIN_MAX), CHAIN_MAX, NULL);
}

/* What fits one IP packet of fragment_size bytes; 0 when the peer takes no fragments or we are not to send
 * any [RFC7383#2.5.1]. */
static size_t max_datagram(const struct ike_sa *sa)
{
    size_t overhead = (sa->remote.ip.family == 6 ? 40 : 20) + 8 + (sa->has_marker ? 4 : 0);
    size_t size = sa->config->settings.fragment_size;
    if (!sa->has_fragmentation || sa->conn->fragmentation != FRAG_YES || sa->remote.stream)
        return 0; /* the last: [RFC9329#7.5] */
    return size > overhead + SKF_MIN_DATAGRAM ? size - overhead : SKF_MIN_DATAGRAM;
}

static bool seal(struct ike_env *env, struct ike_sa *sa, uint8_t exchange, bool is_response, uint32_t id,
                 uint8_t first, struct span chain, struct datagrams *out)
{
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .major = 2,
                           .exchange = exchange,
                           .message_id = id,
                           .flags = (sa->is_initiator ? IKE_FLAG_INITIATOR : 0) |
                                    (is_response ? IKE_FLAG_RESPONSE : 0)};
    if (exchange == EXCHANGE_IKE_INTERMEDIATE && sa->state == IKE_CONNECTING &&
        !intermediate_sent(sa, is_response, protect_content_sent(env->out->arena, &h, first, chain)))
        return false;
    trace_written(env, sa, &h, first, chain);
    return protect_seal(env->out->arena, &sa->sealer, &h, first, chain, max_datagram(sa), out);
}

/* Many may be made in one step: what is left of the chain's memory goes back. */
static bool end_chain(struct ike_env *env, struct build *b, struct span *chain)
{
    if (!build_end(b, chain))
        return false;
    arena_trim(env->out->arena, chain->ptr, CHAIN_MAX, chain->len);
    return true;
}

bool send_chain(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint8_t exchange, uint8_t first,
                struct span chain)
{
    struct datagrams d;
    if (!seal(env, sa, exchange, false, window_next_id(&sa->window), first, chain, &d)) {
        sa_log(env, sa, LOG_ERR, "a message of exchange %u cannot be sealed", exchange);
        return false;
    }
    struct retransmit schedule = schedule_for(sa, x);
    if (!x->is_directed) {
        x->local = sa->local;
        x->remote = sa->remote;
    }
    struct path path = {.local = x->local, .remote = x->remote};
    window_request(&sa->window, &x->out, env->now.mono, &schedule, &d);
    count_message(env, sa, exchange, COUNT_OUT, false);
    send_over(env, sa, &path, &d);
    if (x->kind == X_LIVENESS || x->kind == X_ADDRESSES)
        path_spread(env, sa, x, &d);
    return true;
}

bool send_request_of(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint8_t exchange,
                     struct build *b)
{
    struct span chain;
    if (!end_chain(env, b, &chain)) {
        sa_log(env, sa, LOG_ERR, "a message of exchange %u does not fit", exchange);
        return false;
    }
    return overlap_parks(sa, x, exchange, b->first, chain) ||
           send_chain(env, sa, x, exchange, b->first, chain);
}

bool send_request(struct ike_env *env, struct ike_sa *sa, uint8_t exchange, struct build *b)
{
    return send_request_of(env, sa, &sa->own, exchange, b);
}

bool send_response(struct ike_env *env, struct ike_sa *sa, uint8_t exchange, struct build *b)
{
    struct datagrams d;
    struct span chain;
    struct exchange *x = &sa->peer;
    bool ok = end_chain(env, b, &chain) &&
              seal(env, sa, exchange, true, x->msg.header.message_id, b->first, chain, &d);
    if (ok) {
        window_answer(&sa->window, &d);
        count_message(env, sa, exchange, COUNT_OUT, true);
        send_all(env, sa, &x->local, &x->remote, x->has_marker, &d);
    } else
        sa_log(env, sa, LOG_ERR, "a response of exchange %u does not fit or cannot be sealed", exchange);
    exchange_end(x);
    return ok;
}

void send_response_notify(struct ike_env *env, struct ike_sa *sa, uint8_t exchange, uint16_t notify,
                          struct span data)
{
    struct build b;
    chain_begin(env, &b);
    if (notify)
        build_notify(&b, notify, PROTO_NONE, span_of(NULL, 0), data);
    send_response(env, sa, exchange, &b);
}

void nonce_make(struct nonce *n)
{
    n->len = NONCE_LEN;
    crypto_random(n->b, n->len);
}

bool nonce_take(struct nonce *n, const struct ike_message *m)
{
    const struct ike_payload *p = ike_find(m, PAYLOAD_NONCE);
    if (!p || p->nonce.data.len < NONCE_MIN || p->nonce.data.len > NONCE_MAX)
        return false;
    memcpy(n->b, p->nonce.data.ptr, p->nonce.data.len);
    n->len = (uint16_t)p->nonce.data.len;
    return true;
}

int nonce_cmp(const struct nonce *a, const struct nonce *b)
{
    size_t n = a->len < b->len ? a->len : b->len;
    int c = memcmp(a->b, b->b, n);
    return c ? c : (int)a->len - (int)b->len;
}

const struct nonce *nonce_lower(const struct nonce *a, const struct nonce *b)
{
    return nonce_cmp(a, b) <= 0 ? a : b;
}
