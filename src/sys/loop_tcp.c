/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP connections of the control thread: who they are with, and until when; see loop_tcp.h. How they come
 * to be: loop_tcp_accept.c, loop_tcp_connect.c. The sockets: sock_tcp.c. */
#include "base/log.h"
#include "sys/clock.h"
#include "sys/loop_tcp_impl.h"
#include <stdio.h>
#include <stdlib.h>

#define GRACE         (5 * TIME_SECOND) /* beyond the time of a half-open SA */
#define EXTRANEOUS    (10 * TIME_SECOND)
#define LOOK_EVERY_MS 500
#define BAD_MAX       16 /* messages in a row that nobody can read */

struct peer_stream *loop_tcp_find(const struct loop_tcp *t, uint32_t handle)
{
    for (struct map_node *n = map_first(&t->by_handle, map_hash_u64(handle)); n; n = map_next(n)) {
        struct peer_stream *s = container_of(n, struct peer_stream, node);
        if (s->handle == handle)
            return s;
    }
    return NULL;
}

/* ---- the table */

static void on_timer(uv_timer_t *timer);

void loop_tcp_limit(struct loop_tcp *t, struct peer_stream *s, int64_t until)
{
    s->until = until;
    list_remove(&s->link);
    list_append(&t->limited, &s->link);
    if (!until || !uv_is_active((uv_handle_t *)&t->timer))
        uv_timer_start(&t->timer, on_timer, until ? LOOK_EVERY_MS : 0, LOOK_EVERY_MS);
}

void loop_tcp_unlimit(struct loop_tcp *t, struct peer_stream *s)
{
    s->until = TIME_NEVER;
    list_remove(&s->link);
    list_append(&t->kept, &s->link);
}

struct peer_stream *loop_tcp_add(struct loop_tcp *t, uint32_t handle, const struct endpoint *remote)
{
    struct peer_stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->handle = handle;
    s->remote = *remote;
    s->remote.stream = handle;
    s->until = TIME_NEVER;
    map_insert(&t->by_handle, &s->node, map_hash_u64(handle));
    list_append(&t->kept, &s->link);
    t->n_unproven += !peer_stream_is_ours(s);
    return s;
}

static void forget(struct loop_tcp *t, struct peer_stream *s)
{
    if (s->attempt)
        loop_tcp_attempt_close(s->attempt);
    t->n_unproven -= !peer_stream_is_ours(s) && !s->is_kept;
    map_remove(&t->by_handle, &s->node);
    list_remove(&s->link);
    free(s);
}

void loop_tcp_tell_down(struct loop_tcp *t, struct peer_stream *s, const char *why)
{
    char text[80];
    struct input in = {
        .kind = INPUT_STREAM, .stream = {.handle = s->handle, .why = text}
    };
    bool is_engines = peer_stream_is_ours(s);
    snprintf(text, sizeof(text), "%s", why); /* may be its own */
    forget(t, s);
    if (is_engines)
        loop_step(t->loop, &in);
}

/* ---- what the engine and the data plane say */

static void keep(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = loop_tcp_find(t, handle);
    if (!s || peer_stream_is_ours(s))
        return;
    loop_tcp_unlimit(t, s);
    if (s->is_kept)
        return;
    s->is_kept = true;
    t->n_unproven--;
    dataplane_stream_trust(t->loop->dataplane, handle);
}

static void release(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = loop_tcp_find(t, handle);
    if (!s)
        return;
    if (!peer_stream_is_ours(s)) { /* [RFC9329#6.1] the originator closes it; a few seconds later we do */
        loop_tcp_limit(t, s, clock_mono() + EXTRANEOUS);
        return;
    }
    dataplane_stream_close(t->loop->dataplane, handle, true);
    forget(t, s);
}

void loop_tcp_do(struct loop_tcp *t, const struct action *a)
{
    if (a->kind == ACTION_STREAM_OPEN)
        loop_tcp_connect(t, a);
    else if (a->kind == ACTION_STREAM_KEEP)
        keep(t, a->stream.handle);
    else
        release(t, a->stream.handle);
}

void loop_tcp_send(struct loop_tcp *t, uint32_t handle, struct span ike)
{
    const struct peer_stream *s = loop_tcp_find(t, handle);
    if (s && !s->attempt && !s->why[0])
        dataplane_stream_send(t->loop->dataplane, handle, ike);
}

void loop_tcp_down(struct loop_tcp *t, uint32_t handle, const char *why)
{
    char text[IP_TEXT_MAX];
    struct peer_stream *s = loop_tcp_find(t, handle);
    if (!s || s->attempt)
        return;
    log_line(GROUP_NET, LOG_DETAIL, "the TCP connection with %s has ended: %s",
             endpoint_format(&s->remote, text), why);
    loop_tcp_tell_down(t, s, why);
}

void loop_tcp_give_up(struct loop_tcp *t, struct peer_stream *s, const char *why)
{
    char text[IP_TEXT_MAX];
    log_line(GROUP_NET, LOG_DETAIL, "closing the TCP connection with %s: %s",
             endpoint_format(&s->remote, text), why);
    if (!s->attempt)
        dataplane_stream_close(t->loop->dataplane, s->handle, false);
    loop_tcp_tell_down(t, s, why);
}

void loop_tcp_bad(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = loop_tcp_find(t, handle);
    if (s)
        loop_tcp_give_up(t, s, "it brings nothing that an SA takes");
}

bool loop_tcp_heard(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = loop_tcp_find(t, handle);
    if (!s)
        return false;
    if (!s->has_spoken && s->until != TIME_NEVER)
        loop_tcp_limit(t, s, s->until + t->half_open_timeout + GRACE - LOOP_TCP_FIRST_MESSAGE);
    s->has_spoken = true;
    return true;
}

void loop_tcp_judge(struct loop_tcp *t, uint32_t handle, bool is_good)
{
    struct peer_stream *s = loop_tcp_find(t, handle);
    if (!s)
        return;
    s->n_bad = is_good ? 0 : s->n_bad + 1;
    if (s->n_bad >= BAD_MAX)
        loop_tcp_give_up(t, s, "nobody can read what it brings");
}

/* One at a time: a step may change the list. */
static bool give_up_one(struct loop_tcp *t, int64_t now)
{
    struct peer_stream *s;
    list_each(s, &t->limited, link)
    {
        if (s->until > now)
            continue;
        if (s->why[0])
            loop_tcp_tell_down(t, s, s->why);
        else
            loop_tcp_give_up(t, s,
                             s->attempt   ? "no answer"
                             : s->is_kept ? "nothing needs it any more"
                                          : "nobody has authenticated");
        return true;
    }
    return false;
}

static void on_timer(uv_timer_t *timer)
{
    struct loop_tcp *t = timer->data;
    int64_t now = clock_mono();
    while (give_up_one(t, now))
        ;
    t->has_said_full = t->has_said_full && t->n_unproven;
    if (list_empty(&t->limited))
        uv_timer_stop(&t->timer);
}

/* ---- start and end */

struct loop_tcp *loop_tcp_new(struct loop *l)
{
    struct loop_tcp *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->loop = l;
    list_init(&t->listeners);
    list_init(&t->limited);
    list_init(&t->kept);
    map_init(&t->by_handle);
    uv_timer_init(&l->uv, &t->timer);
    uv_timer_init(&l->uv, &t->pause);
    t->timer.data = t->pause.data = t;
    return t;
}

void loop_tcp_close(struct loop_tcp *t)
{
    struct peer_stream *s;
    loop_tcp_close_listeners(t);
    list_each(s, &t->limited, link) forget(t, s);
    list_each(s, &t->kept, link) forget(t, s);
    uv_close((uv_handle_t *)&t->timer, NULL);
    uv_close((uv_handle_t *)&t->pause, NULL);
}

void loop_tcp_free(struct loop_tcp *t)
{
    map_deinit(&t->by_handle);
    free(t);
}
