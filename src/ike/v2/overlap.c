/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests at once (RFC 7296 section 2.3): see overlap.h. Message IDs are given when a request is
 * sent, so that a slow key exchange holds nobody up; what turns out to be beyond the peer's window then is
 * parked, sealed as soon as an older one has been answered. */
#include "ike/v2/overlap.h"
#include "ike/v2/exchanges.h"
#include <stdlib.h>

#define HELD_BYTES (256u << 10) /* of one peer */

struct held { /* a datagram of the peer's that waits for its turn */
    struct list link;
    uint32_t message_id;
    uint16_t fragment; /* 0: whole */
    struct endpoint local, remote;
    bool has_marker;
    size_t len;
    uint8_t bytes[];
};

/* ---- SET_WINDOW_SIZE ---- */

static bool is_wanted(const struct ike_sa *sa)
{
    return sa->conn->window > 1;
}

void overlap_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    uint8_t size[4];
    (void)env;
    (void)x;
    if (!is_wanted(sa))
        return;
    window_promise(&sa->window, sa->conn->window);
    spi_put32(size, sa->conn->window);
    build_notify(b, N_SET_WINDOW_SIZE, PROTO_NONE, span_of(NULL, 0), span_of(size, sizeof(size)));
}

/* What the peer promises, as far as we make use of it. */
static void hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    const struct pl_notify *n = ike_notify(m, N_SET_WINDOW_SIZE);
    struct rd r = rd_over(n ? n->data : span_of(NULL, 0));
    uint32_t size = rd_u32(&r), most = sa->conn->window;
    if (!n || !rd_done(&r) || !is_wanted(sa))
        return;
    size = size < most ? size : most;
    if (size <= sa->window.size_out)
        return; /* [RFC7296#2.3] it cannot be reduced */
    sa->window.size_out = size;
    sa_log(env, sa, LOG_DETAIL, "up to %u requests at once are sent to the peer", size);
}

bool overlap_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)d;
    hear(env, sa, m);
    return true;
}

void overlap_queue(struct ike_sa *sa)
{
    if (is_wanted(sa))
        ike_sa_queue(sa, (struct task){.kind = X_WINDOW_SIZE});
}

void overlap_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    (void)t;
    exchange_begin(sa, &sa->own, X_WINDOW_SIZE);
    chain_begin(env, &b);
    overlap_put(env, &b, sa, &sa->own);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

void overlap_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    hear(env, sa, &x->msg);
    exchange_end(x);
}

void overlap_answer(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    if (!ike_notify(&x->msg, N_SET_WINDOW_SIZE))
        return;
    hear(env, sa, &x->msg);
    overlap_put(env, b, sa, x);
}

/* ---- our exchanges ---- */

const struct exchange *overlap_peek(const struct ike_sa *sa, size_t i)
{
    if (i == 0)
        return &sa->own;
    return i <= sa->n_more ? &sa->more[i - 1] : NULL;
}

struct exchange *overlap_at(struct ike_sa *sa, size_t i)
{
    if (i == 0)
        return &sa->own;
    return i <= sa->n_more ? &sa->more[i - 1] : NULL;
}

bool overlap_is_busy(const struct ike_sa *sa)
{
    const struct exchange *x;
    for (size_t i = 1; (x = overlap_peek(sa, i)); i++) {
        if (x->kind != X_NONE)
            return true;
    }
    return false;
}

uint32_t overlap_oldest(const struct ike_sa *sa)
{
    const struct exchange *x;
    uint32_t oldest = window_next_id(&sa->window);
    for (size_t i = 0; (x = overlap_peek(sa, i)); i++) {
        if (x->out.is_pending && x->out.id < oldest)
            oldest = x->out.id;
    }
    return oldest;
}

/* Those that have no message ID yet will have one before what begins now. */
static bool has_room(const struct ike_sa *sa)
{
    const struct exchange *x;
    uint32_t unsent = 0;
    for (size_t i = 0; (x = overlap_peek(sa, i)); i++)
        unsent += x->kind != X_NONE && !x->out.is_pending;
    return window_has_room(&sa->window, overlap_oldest(sa) - unsent);
}

/* What changes the IKE SA itself, or where it goes, is left alone with it. */
static bool has_neighbours(enum exchange_kind k)
{
    return k == X_NEW_CHILD || k == X_REKEY_CHILD || k == X_DELETE_CHILD || k == X_LIVENESS ||
           k == X_TICKET || k == X_CRASH_TOKEN;
}

static const struct exchange *unused(const struct ike_sa *sa)
{
    const struct exchange *x;
    for (size_t i = 1; (x = overlap_peek(sa, i)); i++) {
        if (x->kind == X_NONE)
            return x;
    }
    return NULL;
}

bool overlap_has_place(const struct ike_sa *sa, enum exchange_kind kind)
{
    if (sa->own.kind == X_NONE)
        return (kind != X_REKEY_IKE || !overlap_is_busy(sa)) && has_room(sa);
    return kind == X_NEW_CHILD && has_neighbours(sa->own.kind) && sa->window.size_out > 1 &&
           !sa->mobike.is_in_doubt && (!sa->more || unused(sa)) && has_room(sa);
}

struct exchange *overlap_place(struct ike_sa *sa)
{
    if (sa->own.kind == X_NONE)
        return &sa->own;
    if (!sa->more) {
        sa->n_more = sa->window.size_out - 1;
        sa->more = mem_new(sa->n_more * sizeof(*sa->more));
        for (uint32_t i = 0; i < sa->n_more; i++)
            sa->more[i].is_own = true;
    }
    return &sa->more[unused(sa) - sa->more];
}

struct exchange *overlap_answered(struct ike_sa *sa, uint32_t message_id)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        if (x->out.is_pending && x->out.id == message_id)
            return x;
    }
    return NULL;
}

struct exchange *overlap_by_job(struct ike_sa *sa, uint32_t tag)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        if (x->job_tag == tag)
            return x;
    }
    return sa->peer.job_tag == tag ? &sa->peer : NULL;
}

int64_t overlap_deadline(const struct ike_sa *sa)
{
    const struct exchange *x;
    int64_t at = TIME_NEVER;
    for (size_t i = 0; (x = overlap_peek(sa, i)); i++)
        at = time_min(at, outstanding_deadline(&x->out));
    return at;
}

void overlap_end(struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++)
        exchange_end(x);
}

/* ---- parked: made, but the window has no room ---- */

bool overlap_parks(struct ike_sa *sa, struct exchange *x, uint8_t exchange, uint8_t first, struct span chain)
{
    if (window_has_room(&sa->window, overlap_oldest(sa)))
        return false;
    x->parked.chain = arena_dup(x->tx, chain);
    x->parked.first = first;
    x->parked.exchange = exchange;
    x->is_parked = x->parked.chain.len == chain.len;
    return x->is_parked;
}

void overlap_send_parked(struct ike_env *env, struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        if (!x->is_parked || !window_has_room(&sa->window, overlap_oldest(sa)))
            continue;
        x->is_parked = false;
        if (!send_chain(env, sa, x, x->parked.exchange, x->parked.first, x->parked.chain))
            exchange_end(x);
    }
}

/* ---- the peer's requests ---- */

static bool is_authentic(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    struct ike_message copy = *m;
    struct reassembly alone = {0};
    struct diag d;
    diag_clear(&d);
    if (m->sk->type == PAYLOAD_SK)
        return protect_open(env->out->arena, sa->opener, &copy, &d) == DECODE_OK;
    enum reassembly_status s =
        reassembly_add(&alone, env->out->arena, sa->opener, &copy, sa->config->settings.max_packet, &d);
    reassembly_reset(&alone);
    return s == REASSEMBLY_MORE || s == REASSEMBLY_DONE;
}

static uint16_t fragment_of(const struct ike_message *m)
{
    return m->sk->type == PAYLOAD_SKF ? m->sk->sk.number : 0;
}

/* Is there room for it, and is it new? */
static bool may_hold(const struct ike_sa *sa, const struct ike_message *m)
{
    const struct held *h;
    size_t bytes = m->raw.len;
    list_each(h, &sa->held, link)
    {
        bytes += h->len;
        if (h->message_id == m->header.message_id && h->fragment == fragment_of(m))
            return false;
    }
    return bytes <= HELD_BYTES;
}

void overlap_hold(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                  const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    if (!ike_sa_is_up(sa) || !m->sk || !sa->opener || !may_hold(sa, m)) {
        env->stats->dropped_replayed++;
        return;
    }
    if (!is_authentic(env, sa, m)) {
        env->stats->dropped_bad_icv++;
        return;
    }
    struct held *h = mem_new(sizeof(*h) + m->raw.len);
    h->message_id = m->header.message_id;
    h->fragment = fragment_of(m);
    h->local = *local;
    h->remote = *remote;
    h->has_marker = has_marker;
    h->len = m->raw.len;
    memcpy(h->bytes, m->raw.ptr, m->raw.len);
    list_append(&sa->held, &h->link);
}

static void drop(struct held *h)
{
    list_remove(&h->link);
    free(h);
}

void overlap_forget(struct ike_sa *sa)
{
    struct held *h;
    list_each(h, &sa->held, link) drop(h);
}

static struct held *due(struct ike_sa *sa)
{
    struct held *h;
    list_each(h, &sa->held, link)
    {
        if (h->message_id == sa->window.next_in)
            return h;
        if (h->message_id < sa->window.next_in)
            drop(h);
    }
    return NULL;
}

void overlap_release(struct ike_env *env, struct ike_sa *sa)
{
    struct held *h;
    while (!sa->is_dead && !sa->is_lingering && sa->peer.kind == X_NONE && (h = due(sa))) {
        struct ike_message m;
        struct diag d;
        diag_clear(&d);
        list_remove(&h->link);
        struct span bytes = arena_dup(env->out->arena, span_of(h->bytes, h->len));
        if (ike_decode(env->out->arena, bytes, &m, &d) == DECODE_OK)
            ike_sa_receive(env, sa, &m, &h->local, &h->remote, h->has_marker);
        free(h);
    }
}
