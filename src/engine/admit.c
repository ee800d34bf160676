/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: to the SA that its SPI names, or, for a first IKE_SA_INIT request, past the guards against
 * floods (RFC 7296 sections 2.4, 2.6, 2.21.4; RFC 8019 section 4 without puzzles): retransmissions, half-open
 * SAs per source, cookies, half-open SAs in all. What is about an SA that is not there is answered with
 * INVALID_IKE_SPI and, when it was there once, with the proof of that (RFC 6290 sections 4.5, 9.2). */
#include "engine/impl.h"
#include "ike/v2/count.h"
#include "ike/v2/crash.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/resume.h"

/* Proofs are worth more than hints: of many that ask after a restart each has its turn with a repetition. */
#define SPI_REPLIES_PER_SECOND 10
#define SPI_PROOFS_PER_SECOND  100
#define SOURCE_BITS            64 /* of IPv6: who has one address has all of these */
#define EVICTION_LOOKS         16
#define UNPROVEN_GRACE         (2 * TIME_SECOND) /* an honest peer's IKE_AUTH is here by then */

enum cookie_state { COOKIE_ASKED, COOKIE_WAIVED, COOKIE_PROVEN };

static uint64_t init_hash(const struct endpoint *remote, uint64_t spi_i)
{
    uint8_t key[27];
    struct wr w = wr_over(key, sizeof(key));
    wr_bytes(&w, remote->ip.b, sizeof(remote->ip.b));
    wr_u8(&w, remote->ip.family);
    wr_u16(&w, remote->port);
    wr_u64(&w, spi_i);
    return map_hash(wr_span_view(&w));
}

/* What counts as one source. */
static struct ip source_of(struct ip ip)
{
    return ip.family == 6 ? prefix_of(ip, SOURCE_BITS).ip : ip;
}

static uint64_t source_hash(struct ip ip)
{
    struct ip source = source_of(ip);
    return map_hash(ip_view(&source));
}

/* Keeps by_addr and the count true; by_init holds each SA that a peer began (see adopt in host.c). */
void engine_count_half_open(struct engine *e, struct ike_sa *sa)
{
    bool is = !sa->was_initiator && sa->state == IKE_CONNECTING && !sa->is_dead;
    if (is == sa->is_half_open)
        return;
    sa->is_half_open = is;
    if (is) {
        map_insert(&e->by_addr, &sa->by_addr, source_hash(sa->init_remote.ip));
        list_append(&e->half_open, &sa->half_open);
        e->stats.half_open++;
    } else {
        map_remove(&e->by_addr, &sa->by_addr);
        list_remove(&sa->half_open);
        e->stats.half_open--;
    }
}

static struct ike_sa *find_init(const struct engine *e, const struct endpoint *remote, uint64_t spi_i)
{
    for (struct map_node *n = map_first(&e->by_init, init_hash(remote, spi_i)); n; n = map_next(n)) {
        struct ike_sa *sa = container_of(n, struct ike_sa, by_init);
        if (sa->spi_i == spi_i && endpoint_equal(&sa->init_remote, remote))
            return sa;
    }
    return NULL;
}

uint64_t engine_init_hash(const struct ike_sa *sa);
uint64_t engine_init_hash(const struct ike_sa *sa)
{
    return init_hash(&sa->init_remote, sa->spi_i);
}

static unsigned half_open_from(const struct engine *e, struct ip ip)
{
    unsigned n = 0;
    struct ip source = source_of(ip);
    for (struct map_node *at = map_first(&e->by_addr, source_hash(ip)); at; at = map_next(at))
        n += ip_equal(source_of(container_of(at, struct ike_sa, by_addr)->init_remote.ip), source);
    return n;
}

struct ike_sa *engine_half_open_from(const struct engine *e, struct ip ip)
{
    for (struct map_node *at = map_first(&e->by_addr, source_hash(ip)); at; at = map_next(at)) {
        struct ike_sa *sa = container_of(at, struct ike_sa, by_addr);
        if (ip_equal(sa->init_remote.ip, ip))
            return sa;
    }
    return NULL;
}

/* An operator is told when cookies begin to be asked for, and when that is over. */
static void tell_of_cookies(struct ike_env *env, struct engine *e, bool is_crowded)
{
    if (is_crowded && !e->asks_cookies) {
        e->asks_cookies = true;
        e->cookies_before = env->stats->cookies_sent;
        conn_log(env, NULL, GROUP_NET, LOG_WARN,
                 "%llu IKE SAs are half-open: whoever begins one is asked for a cookie",
                 (unsigned long long)e->stats.half_open);
    } else if (!is_crowded && e->asks_cookies &&
               e->stats.half_open * 2 <= env->config->settings.cookie_threshold) {
        e->asks_cookies = false;
        conn_log(env, NULL, GROUP_IKE, LOG_NOTICE,
                 "%llu IKE SAs are half-open: no cookies any more, %llu were asked for",
                 (unsigned long long)e->stats.half_open,
                 (unsigned long long)(env->stats->cookies_sent - e->cookies_before));
    }
}

/* A source that has no place left is asked, too: its address may be another's invention. */
static enum cookie_state check_cookie(struct ike_env *env, struct engine *e, const struct ike_message *m,
                                      const struct input *in, bool is_full)
{
    const struct settings *s = &env->config->settings;
    bool is_crowded = s->cookie_threshold && e->stats.half_open >= s->cookie_threshold;
    bool has_many =
        s->cookie_threshold_ip && half_open_from(e, in->datagram.remote.ip) >= s->cookie_threshold_ip;
    const struct ike_payload *nonce = ike_find(m, PAYLOAD_NONCE);
    const struct pl_notify *n = ike_notify(m, N_COOKIE);
    uint8_t cookie[COOKIE_LEN];
    tell_of_cookies(env, e, is_crowded);
    if (!is_crowded && !is_full && !has_many)
        return COOKIE_WAIVED;
    if (in->datagram.remote
            .stream) /* [RFC9329#6.3] the connection has shown that the address is not forged */
        return COOKIE_PROVEN;
    if (!nonce) {
        env->stats->dropped_malformed++;
        return COOKIE_ASKED;
    }
    struct ip from = in->datagram.remote.ip;
    if (n && cookie_check(&e->jar, env->now.mono, nonce->nonce.data, from, m->header.spi_i, n->data))
        return COOKIE_PROVEN;
    cookie_make(&e->jar, env->now.mono, nonce->nonce.data, from, m->header.spi_i, cookie);
    init_reply_notify(env, m, &in->datagram.local, &in->datagram.remote, in->datagram.is_natt, N_COOKIE,
                      span_of(cookie, COOKIE_LEN));
    env->stats->cookies_sent++;
    return COOKIE_ASKED;
}

static bool is_at_work(const struct ike_sa *sa)
{
    return sa->peer.job_tag || sa->own.job_tag;
}

static void displace(struct ike_env *env, struct engine *e, struct ike_sa *sa)
{
    ike_sa_end(env, sa, NULL);
    engine_count_half_open(e, sa);
    engine_touch(e, sa);
    env->stats->displaced++;
}

/* Half-open SAs that nobody proved to have come from this source may be another's, who wants to keep it out:
 * the one that proved it displaces them, when they are so old that they are hardly its own. */
static bool displace_unproven(struct ike_env *env, struct engine *e, struct ip ip)
{
    struct ip source = source_of(ip);
    for (struct map_node *at = map_first(&e->by_addr, source_hash(ip)); at; at = map_next(at)) {
        struct ike_sa *sa = container_of(at, struct ike_sa, by_addr);
        if (sa->is_proven || is_at_work(sa) || sa->created_at + UNPROVEN_GRACE > env->now.mono ||
            !ip_equal(source_of(sa->init_remote.ip), source))
            continue;
        displace(env, e, sa);
        return true;
    }
    return false;
}

/* All places are taken: the oldest half-open SA goes. An honest peer is through after two round trips, and
 * only that long it can be displaced; if newcomers were refused instead, who fills the places would keep
 * everybody out until the half-open timeout. One that a worker computes for stays, so that jobs do not pile
 * up: they are as many as there are places. False: no room. */
static bool make_room(struct ike_env *env, struct engine *e)
{
    unsigned limit = env->config->settings.init_limit_half_open, looks = 0;
    struct ike_sa *sa;
    if (!limit || e->stats.half_open < limit)
        return true;
    list_each(sa, &e->half_open, half_open)
    {
        if (looks++ == EVICTION_LOOKS)
            break;
        if (is_at_work(sa))
            continue;
        displace(env, e, sa);
        return e->stats.half_open < limit;
    }
    return false;
}

/* Limits that an operator has set, beyond which no peer begins anything: cookies make no difference. */
static bool is_overloaded(const struct engine *e, const struct settings *s)
{
    return (s->ikesa_limit && e->stats.ike_sas + e->stats.half_open >= s->ikesa_limit) ||
           (s->init_limit_job_load && e->n_jobs >= s->init_limit_job_load);
}

static void on_init_request(struct ike_env *env, struct engine *e, struct ike_message *m,
                            const struct input *in)
{
    const struct endpoint *local = &in->datagram.local, *remote = &in->datagram.remote;
    struct ike_sa *sa = find_init(e, remote, m->header.spi_i);
    if (sa) { /* [RFC7296#2.1] the same request again is answered again; anything else changes nothing */
        if (span_equal(secret_view(&sa->init_request), m->raw))
            ike_sa_receive(env, sa, m, local, remote, in->datagram.is_natt);
        else
            env->stats->dropped_replayed++;
        return;
    }
    if (!env->config || e->is_shut_down)
        return;
    const struct settings *s = &env->config->settings;
    if (is_overloaded(e, s)) {
        env->stats->dropped_blocked++;
        return;
    }
    bool is_full = s->block_threshold && half_open_from(e, remote->ip) >= s->block_threshold;
    if (is_full && !s->cookie_threshold) {
        env->stats->dropped_blocked++;
        return;
    }
    enum cookie_state cookie = check_cookie(env, e, m, in, is_full);
    if (cookie == COOKIE_ASKED)
        return;
    if ((is_full && !displace_unproven(env, e, remote->ip)) || !make_room(env, e)) {
        env->stats->dropped_blocked++;
        return;
    }
    if (m->header.exchange == EXCHANGE_IKE_SESSION_RESUME)
        resume_on_request(env, m, local, remote, in->datagram.is_natt);
    else
        init_on_request(env, m, local, remote, in->datagram.is_natt);
    sa = find_init(e, remote, m->header.spi_i);
    if (sa)
        sa->is_proven = cookie == COOKIE_PROVEN;
}

static struct ike_sa *find_spi(const struct engine *e, const struct ike_header *h)
{
    bool is_from_initiator = ike_is_from_initiator(h);
    uint64_t own = is_from_initiator ? h->spi_r : h->spi_i, peer = is_from_initiator ? h->spi_i : h->spi_r;
    for (struct map_node *n = map_first(&e->by_spi, map_hash_u64(own)); n; n = map_next(n)) {
        struct ike_sa *sa = container_of(n, struct ike_sa, by_spi);
        uint64_t known = sa->is_initiator ? sa->spi_r : sa->spi_i;
        if (ike_sa_own_spi(sa) == own && sa->is_initiator != is_from_initiator && (known == peer || !known))
            return sa;
    }
    return NULL;
}

static bool is_own_spi(const struct engine *e, uint64_t spi)
{
    for (struct map_node *n = map_first(&e->by_spi, map_hash_u64(spi)); n; n = map_next(n)) {
        if (ike_sa_own_spi(container_of(n, struct ike_sa, by_spi)) == spi)
            return true;
    }
    return false;
}

/* [RFC6290#9.2] whoever sends this, and whatever it says of its direction: no SA with one of these SPIs may
 * be up, nor come up. */
static bool is_lost(const struct engine *e, const struct ike_header *h)
{
    const struct ike_sa *sa;
    if (!h->spi_i || !h->spi_r || is_own_spi(e, h->spi_i) || is_own_spi(e, h->spi_r))
        return false;
    list_each(sa, &e->sas, link)
    {
        if (crash_is_coming(sa, h->spi_i, h->spi_r))
            return false;
    }
    return true;
}

static bool gives_tokens(const struct config *c)
{
    for (size_t i = 0; c && i < c->n_connections; i++) {
        if (c->connections[i]->detects_crashes)
            return true;
    }
    return false;
}

/* [RFC7296#2.21.4] a hint for a peer that still has an SA which we lost. Rate-limited. */
static void unknown_spi(struct ike_env *env, struct engine *e, const struct ike_message *m,
                        const struct input *in)
{
    env->stats->dropped_unknown_spi++;
    count_event(env, NULL, COUNT_INVALID_SPI);
    host_alert(env, NULL, ALERT_INVALID_IKE_SPI);
    if (ike_is_response(&m->header) || ike_is_initial(&m->header) || !m->sk)
        return;
    if (env->now.mono >= e->spi_replies_at + TIME_SECOND || env->now.mono < e->spi_replies_at) {
        e->spi_replies_at = env->now.mono;
        e->spi_replies = 0;
    }
    if (e->spi_replies >= SPI_PROOFS_PER_SECOND)
        return;
    uint8_t token[CRASH_TOKEN_LEN];
    struct pl_notify v[2] = {{.type = N_INVALID_IKE_SPI}};
    bool is_proof = is_lost(e, &m->header) && gives_tokens(env->config) &&
                    crash_token(env->secret, m->header.spi_i, m->header.spi_r, token);
    if (is_proof)
        v[1] = (struct pl_notify){
            .type = N_QUICK_CRASH_DETECTION, .protocol = PROTO_IKE, .data = span_of(token, sizeof(token))};
    if (e->spi_replies++ < SPI_REPLIES_PER_SECOND || is_proof)
        init_reply(env, m, &in->datagram.local, &in->datagram.remote, in->datagram.is_natt, v, 1 + is_proof);
}

void engine_datagram(struct ike_env *env, const struct input *in)
{
    struct engine *e = engine_of(env);
    struct ike_message m;
    struct diag d;
    diag_clear(&d);
    env->stats->received++;
    enum decode_status s = ike_decode(env->out->arena, in->datagram.bytes, &m, &d);
    if (s != DECODE_OK) {
        env->stats->dropped_malformed++;
        if (m.header.spi_i) { /* else it is not even a header */
            count_event(env, NULL, COUNT_INVALID);
            host_alert(env, NULL, m.v ? ALERT_PARSE_ERROR_BODY : ALERT_PARSE_ERROR_HEADER);
        }
        if (s == DECODE_BAD_VERSION && m.header.major > 2 && !ike_is_response(&m.header) &&
            m.header.spi_r == 0)
            init_reply_notify(env, &m, &in->datagram.local, &in->datagram.remote, in->datagram.is_natt,
                              N_INVALID_MAJOR_VERSION, span_of(NULL, 0));
        return;
    }
    const struct ike_header *h = &m.header;
    if (ike_is_initial(h) && !ike_is_response(h)) {
        if (ike_is_from_initiator(h) && h->spi_r == 0 && h->message_id == 0 && h->spi_i)
            on_init_request(env, e, &m, in);
        else
            env->stats->dropped_malformed++;
        return;
    }
    struct ike_sa *sa = find_spi(e, h);
    if (!sa) {
        unknown_spi(env, e, &m, in);
        return;
    }
    engine_touch(e, sa);
    ike_sa_receive(env, sa, &m, &in->datagram.local, &in->datagram.remote, in->datagram.is_natt);
}
