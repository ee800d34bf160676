/* SPDX-License-Identifier: Apache-2.0 */
/* Message IDs and retransmission: see window.h. */
#include "ike/core/window.h"
#include "crypto/random.h"
#include "model/connection.h"
#include <stdlib.h>

/* A message and its fragments' headers, rounded up. */
#define KEEP_MAX (2 * IKE_MAX_MESSAGE)

struct retransmit retransmit_from(const struct settings *s)
{
    return (struct retransmit){
        .timeout = s->retransmit_timeout,
        .base = s->retransmit_base,
        .tries = s->retransmit_tries,
        .jitter = s->retransmit_jitter,
        .limit = s->retransmit_limit,
    };
}

static int64_t plain_wait(const struct retransmit *r, unsigned n)
{
    const double most = 86400.0 * TIME_SECOND; /* a day is for ever; also keeps the arithmetic in range */
    double wait = (double)r->timeout;
    for (unsigned i = 0; i < n && wait < most; i++)
        wait *= r->base;
    int64_t v = (int64_t)(wait < most ? wait : most);
    if (r->limit > 0 && v > r->limit)
        v = r->limit;
    return v > TIME_MS ? v : TIME_MS; /* whatever is configured, no flood */
}

int64_t retransmit_wait(const struct retransmit *r, unsigned n)
{
    int64_t wait = plain_wait(r, n);
    uint32_t random;
    if (r->jitter == 0)
        return wait;
    crypto_random(&random, sizeof(random));
    int64_t span = wait / 100 * (r->jitter < 100 ? r->jitter : 99);
    return wait - (int64_t)((double)span * random / UINT32_MAX);
}

int64_t retransmit_total(const struct retransmit *r)
{
    int64_t total = 0;
    for (unsigned i = 0; i <= r->tries; i++)
        total += plain_wait(r, i);
    return total;
}

static void keep(struct arena **a, struct datagrams *to, const struct datagrams *from)
{
    if (!*a)
        *a = arena_new(KEEP_MAX);
    arena_reset(*a);
    *to = (struct datagrams){.v = arena_calloc(*a, from->n, sizeof(*to->v)), .n = from->n};
    for (size_t i = 0; to->v && i < from->n; i++)
        to->v[i] = arena_dup(*a, from->v[i]);
    if (arena_failed(*a))
        *to = (struct datagrams){0};
}

static uint32_t n_before(const struct window *w)
{
    return w->size_in > 1 ? w->size_in - 1 : 0;
}

static void drop_answers(struct window *w)
{
    w->last.bytes = (struct datagrams){0};
    for (uint32_t i = 0; i < n_before(w); i++)
        w->before[i].bytes = (struct datagrams){0};
}

void window_deinit(struct window *w)
{
    arena_free(w->last.arena);
    for (uint32_t i = 0; i < n_before(w); i++)
        arena_free(w->before[i].arena);
    free(w->before);
    *w = (struct window){0};
}

void window_reset(struct window *w)
{
    window_deinit(w);
}

/* ---- responder ---- */

enum window_class window_classify(const struct window *w, uint32_t message_id)
{
    uint32_t size = n_before(w) + 1;
    if (message_id == w->next_in)
        return WINDOW_NEW;
    if (message_id > w->next_in)
        return message_id - w->next_in < size ? WINDOW_AHEAD : WINDOW_FUTURE;
    return w->next_in - message_id <= size ? WINDOW_RETRANSMIT : WINDOW_OLD;
}

void window_promise(struct window *w, uint32_t n)
{
    uint32_t had = n_before(w);
    if (n > WINDOW_MAX)
        n = WINDOW_MAX;
    if (n <= had + 1)
        return;
    struct answer *v = mem_new((n - 1) * sizeof(*v));
    for (uint32_t i = 0; i < had; i++) /* their places follow from their IDs */
        v[w->before[i].id % (n - 1)] = w->before[i];
    free(w->before);
    w->before = v;
    w->size_in = n;
}

void window_accept(struct window *w)
{
    if (n_before(w)) {
        struct answer *oldest = &w->before[w->last.id % n_before(w)], aside = *oldest;
        *oldest = w->last;
        w->last = aside;
    }
    w->last.id = w->next_in++;
    w->last.bytes = (struct datagrams){0};
}

void window_answer(struct window *w, const struct datagrams *response)
{
    keep(&w->last.arena, &w->last.bytes, response);
}

struct datagrams window_replay(const struct window *w, uint32_t message_id)
{
    const struct answer *a = &w->last;
    if (a->id != message_id && n_before(w))
        a = &w->before[message_id % n_before(w)];
    return a->id == message_id ? a->bytes : (struct datagrams){0};
}

bool window_was_heard(const struct window *w, uint32_t message_id)
{
    return w->next_in > message_id + n_before(w) + 1;
}

void window_sync(struct window *w, uint32_t next_in, uint32_t next_out)
{
    drop_answers(w);
    w->next_in = next_in;
    w->next_out = next_out;
}

/* ---- requester ---- */

uint32_t window_next_id(const struct window *w)
{
    return w->next_out;
}

bool window_has_room(const struct window *w, uint32_t oldest)
{
    return w->next_out - oldest < (w->size_out ? w->size_out : 1);
}

void window_request(struct window *w, struct outstanding *o, int64_t now, const struct retransmit *r,
                    const struct datagrams *request)
{
    keep(&o->arena, &o->bytes, request);
    o->id = w->next_out++;
    o->is_pending = true;
    outstanding_restart(o, now, r);
}

void outstanding_restart(struct outstanding *o, int64_t now, const struct retransmit *r)
{
    o->sent = 1;
    o->told = 0;
    o->sent_at = now;
    o->due = now + retransmit_wait(r, 0);
}

struct datagrams outstanding_hurry(struct outstanding *o, int64_t now, int64_t gap)
{
    if (!o->is_pending || now - o->sent_at < gap)
        return (struct datagrams){0};
    o->sent_at = now;
    return o->bytes;
}

void outstanding_done(struct outstanding *o)
{
    arena_free(o->arena);
    *o = (struct outstanding){0};
}

enum window_tick outstanding_tick(struct outstanding *o, int64_t now, const struct retransmit *r,
                                  struct datagrams *out)
{
    *out = (struct datagrams){0};
    if (!o->is_pending || now < o->due)
        return TICK_NOTHING;
    if (o->sent > r->tries) {
        o->due = TIME_NEVER;
        return TICK_GIVE_UP;
    }
    o->due = now + retransmit_wait(r, o->sent);
    o->sent++;
    o->sent_at = now;
    *out = o->bytes;
    return TICK_RESEND;
}

int64_t outstanding_deadline(const struct outstanding *o)
{
    return o->is_pending ? o->due : TIME_NEVER;
}
