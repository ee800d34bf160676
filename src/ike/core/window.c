/* SPDX-License-Identifier: Apache-2.0 */
/* Message IDs and retransmission: see window.h. */
#include "ike/core/window.h"
#include "crypto/random.h"
#include "model/connection.h"

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

void window_deinit(struct window *w)
{
    arena_free(w->out_arena);
    arena_free(w->in_arena);
    *w = (struct window){0};
}

void window_reset(struct window *w)
{
    window_deinit(w);
}

/* ---- responder ---- */

static enum window_class classify_response(const struct window *w, uint32_t id)
{
    if (w->is_pending && id == w->next_out)
        return WINDOW_NEW;
    return id >= w->next_out ? WINDOW_FUTURE : WINDOW_OLD;
}

enum window_class window_classify(const struct window *w, bool is_response, uint32_t message_id)
{
    if (is_response)
        return classify_response(w, message_id);
    if (message_id == w->next_in)
        return WINDOW_NEW;
    if (message_id > w->next_in)
        return WINDOW_FUTURE;
    return message_id == w->next_in - 1 ? WINDOW_RETRANSMIT : WINDOW_OLD;
}

void window_accept(struct window *w)
{
    w->next_in++;
    w->response = (struct datagrams){0};
    w->has_response = false;
}

void window_sync(struct window *w, uint32_t next_in, uint32_t next_out)
{
    w->next_in = next_in;
    w->response = (struct datagrams){0};
    w->has_response = false;
    if (next_out == w->next_out)
        return;
    w->next_out = next_out;
    w->is_pending = false;
    w->request = (struct datagrams){0};
    w->sent = 0;
}

void window_answer(struct window *w, const struct datagrams *response)
{
    keep(&w->in_arena, &w->response, response);
    w->has_response = w->response.n > 0;
}

struct datagrams window_replay(const struct window *w)
{
    return w->response;
}

/* ---- requester ---- */

uint32_t window_next_id(const struct window *w)
{
    return w->next_out;
}

void window_request(struct window *w, int64_t now, const struct retransmit *r,
                    const struct datagrams *request)
{
    keep(&w->out_arena, &w->request, request);
    w->is_pending = true;
    window_restart(w, now, r);
}

void window_restart(struct window *w, int64_t now, const struct retransmit *r)
{
    w->sent = 1;
    w->due = now + retransmit_wait(r, 0);
}

void window_done(struct window *w)
{
    w->is_pending = false;
    w->request = (struct datagrams){0};
    w->sent = 0;
    w->next_out++;
}

enum window_tick window_tick(struct window *w, int64_t now, const struct retransmit *r, struct datagrams *out)
{
    *out = (struct datagrams){0};
    if (!w->is_pending || now < w->due)
        return TICK_NOTHING;
    if (w->sent > r->tries) {
        w->due = TIME_NEVER;
        return TICK_GIVE_UP;
    }
    w->due = now + retransmit_wait(r, w->sent);
    w->sent++;
    *out = w->request;
    return TICK_RESEND;
}

int64_t window_deadline(const struct window *w)
{
    return w->is_pending ? w->due : TIME_NEVER;
}
