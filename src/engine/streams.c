/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections of IKE SAs (RFC 9329 section 6.1). Ours are kept here: opened for an SA, opened again when
 * they break, with a bounded back-off, and let go when no SA uses them. All SAs of one line of rekeys share
 * one, and no others do. A connection that a peer has opened is known by its handle alone: it is kept from
 * the moment that an SA was authenticated over it. Sockets, and limits for those that have proved nothing,
 * are the executor's.
 *
 * Also here: whether the next IKE SA of a connection is begun in TCP (sections 5.1, 7.2). What was found of
 * UDP holds for a while, for this network, and for the gateway that it was found with. */
#include "engine/impl.h"
#include <stdlib.h>

/* How long UDP is not tried first once it has stayed without an answer and TCP has not (tcp = fallback). */
#define TCP_INSTEAD (10 * 60 * TIME_SECOND)

#define AGAIN_MAX (30 * TIME_SECOND)
#define AT_LEAST  (1 * TIME_SECOND) /* of life for a connection that is to be opened again at once */

struct stream {
    struct map_node node;
    struct heap_node again; /* while it is down and nobody was asked to open it */
    uint32_t handle;
    struct endpoint local, remote;
    bool is_up;
    int64_t up_since;
    unsigned attempts; /* since the peer was last heard on it */
};

void streams_init(struct streams *s)
{
    map_init(&s->ours);
    heap_init(&s->again);
    bag_init(&s->users);
}

void streams_deinit(struct streams *s)
{
    for (size_t i = 0; i < s->ours.size; i++) {
        for (struct map_node *n = s->ours.buckets[i], *next; n; n = next) {
            next = n->next;
            free(container_of(n, struct stream, node));
        }
    }
    map_deinit(&s->ours);
    heap_deinit(&s->again);
    bag_deinit(&s->users);
}

static struct stream *find(const struct engine *e, uint32_t handle)
{
    for (struct map_node *n = map_first(&e->streams.ours, map_hash_u64(handle)); n; n = map_next(n)) {
        struct stream *s = container_of(n, struct stream, node);
        if (s->handle == handle)
            return s;
    }
    return NULL;
}

static const struct list *users(const struct engine *e, uint32_t handle)
{
    return bag_list(&e->streams.users, map_hash_u64(handle));
}

static bool has_user(const struct engine *e, uint32_t handle)
{
    const struct stream_use *u;
    list_each(u, users(e, handle), link.link)
    {
        if (u->handle == handle)
            return true;
    }
    return false;
}

static void ask(struct ike_env *env, enum action_kind kind, uint32_t handle, const struct stream *s)
{
    struct action *a = outbox_add(env->out, kind);
    a->stream.handle = handle;
    if (s) {
        a->stream.local = s->local;
        a->stream.remote = s->remote;
    }
}

static void hold(struct engine *e, struct ike_sa *sa, uint32_t handle)
{
    struct stream_use *u = sa->streams;
    while (u->handle && u < &sa->streams[SA_STREAMS - 1])
        u++;
    u->sa = sa;
    u->handle = handle;
    bag_put(&e->streams.users, &u->link, map_hash_u64(handle));
}

static bool holds(const struct ike_sa *sa, uint32_t handle)
{
    bool any = false;
    for (size_t i = 0; i < SA_STREAMS; i++)
        any |= sa->streams[i].handle == handle;
    return any;
}

uint32_t streams_open(struct ike_env *env, struct ike_sa *sa, const struct path *path)
{
    struct engine *e = engine_of(env);
    struct stream *s = mem_new(sizeof(*s));
    char ip[IP_TEXT_MAX];
    do
        s->handle = STREAM_OURS | ++e->streams.last;
    while (find(e, s->handle));
    s->local = path->local;
    s->remote = path->remote;
    s->remote.stream = s->handle;
    s->attempts = 1;
    map_insert(&e->streams.ours, &s->node, map_hash_u64(s->handle));
    hold(e, sa, s->handle);
    sa_log(env, sa, LOG_DETAIL, "opening a TCP connection to %s", endpoint_format(&path->remote, ip));
    ask(env, ACTION_STREAM_OPEN, s->handle, s);
    return s->handle;
}

/* [RFC9329#7.2] who is sent to another gateway tries UDP there, whatever it used before */
bool streams_come_first(const struct ike_env *env, const struct conn_run *r, struct ip remote)
{
    bool was_better = r->tcp_until > env->now.mono && ip_equal(r->tcp_with, remote);
    return r->conn->tcp == TCP_ALWAYS || (r->conn->tcp == TCP_FALLBACK && was_better);
}

void streams_judge(const struct ike_env *env, struct conn_run *r, const struct ike_sa *sa)
{
    if (sa->wants_tcp) {
        r->tcp_until = env->now.mono + TCP_INSTEAD;
        r->tcp_with = sa->remote.ip;
    } else if (sa->remote.stream) /* TCP that fails, too, is no better: UDP is next */
        r->tcp_until = 0;
}

void streams_begin(struct ike_env *env, struct ike_sa *sa)
{
    struct path path = path_of(sa);
    sa->remote.stream = streams_open(env, sa, &path);
    tcp_wait(env, sa);
}

static void let_go(struct ike_env *env, uint32_t handle)
{
    struct engine *e = engine_of(env);
    struct stream *s = find(e, handle);
    ask(env, ACTION_STREAM_RELEASE, handle, NULL);
    if (!s)
        return;
    heap_remove(&e->streams.again, &s->again);
    map_remove(&e->streams.ours, &s->node);
    free(s);
}

/* What a peer has opened is held for SAs that are up: what is half-open has proved nothing. */
static uint32_t wanted(const struct ike_sa *sa, size_t i)
{
    const uint32_t all[SA_STREAMS] = {sa->remote.stream, sa->esp.remote.stream, sa->mobike.tcp.remote.stream};
    bool is_again = (i > 0 && all[i] == all[0]) || (i > 1 && all[i] == all[1]);
    bool is_ours = all[i] & STREAM_OURS;
    return sa->is_dead || is_again || !(is_ours || sa->was_up) ? 0 : all[i];
}

static bool wants(const struct ike_sa *sa, uint32_t handle)
{
    bool any = false;
    for (size_t i = 0; i < SA_STREAMS; i++)
        any |= wanted(sa, i) == handle;
    return any;
}

static void drop(struct ike_env *env, struct stream_use *u)
{
    struct engine *e = engine_of(env);
    uint32_t handle = u->handle;
    bag_take(&e->streams.users, &u->link);
    u->handle = 0;
    if (!has_user(e, handle))
        let_go(env, handle);
}

void streams_settle(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    for (struct stream_use *u = sa->streams; u < &sa->streams[SA_STREAMS]; u++) {
        if (u->handle && !wants(sa, u->handle))
            drop(env, u);
    }
    for (size_t i = 0; i < SA_STREAMS; i++) {
        uint32_t handle = wanted(sa, i);
        if (!handle || holds(sa, handle))
            continue;
        bool is_new = !has_user(e, handle);
        hold(e, sa, handle);
        if (is_new)
            ask(env, ACTION_STREAM_KEEP, handle, NULL);
    }
}

static void went_up(struct ike_env *env, struct stream *s, const struct stream_news *news)
{
    struct engine *e = engine_of(env);
    const struct stream_use *u;
    s->is_up = true;
    s->up_since = env->now.mono;
    list_each(u, users(e, s->handle), link.link)
    {
        if (u->handle != s->handle)
            continue;
        engine_touch(e, u->sa);
        tcp_resume(env, u->sa, s->handle, &news->local);
    }
}

static bool was_heard(const struct engine *e, const struct stream *s)
{
    const struct stream_use *u;
    list_each(u, users(e, s->handle), link.link)
    {
        if (u->handle == s->handle && u->sa->was_up && u->sa->last_in >= s->up_since)
            return true;
    }
    return false;
}

/* [RFC9329#6.1] to open it again is the originator's part. At once, if the peer was there. */
static void went_down(struct ike_env *env, struct stream *s, const struct stream_news *news)
{
    struct engine *e = engine_of(env);
    const struct stream_use *u;
    const struct ike_sa *said = NULL;
    bool was_up = s->is_up, is_young = was_up && env->now.mono - s->up_since < AT_LEAST;
    if (was_up && was_heard(e, s))
        s->attempts = 0;
    s->is_up = false;
    int64_t wait = s->attempts || is_young ? TIME_SECOND : 0;
    for (unsigned i = 1; i < s->attempts && wait < AGAIN_MAX; i++)
        wait *= 2;
    wait = time_min(wait, AGAIN_MAX);
    s->attempts += s->attempts < 16;
    heap_set(&e->streams.again, &s->again, env->now.mono + jittered(wait, wait / 4));
    list_each(u, users(e, s->handle), link.link)
    {
        struct ike_sa *sa = u->sa;
        if (u->handle != s->handle)
            continue;
        engine_touch(e, sa);
        if (!said && !sa->awaits_stream)
            sa_log(env, sa, was_up ? LOG_NOTICE : LOG_DETAIL,
                   was_up ? "the TCP connection to the peer is gone: %s"
                          : "no TCP connection to the peer: %s",
                   news->why);
        said = sa;
        tcp_refused(env, sa, news->why);
    }
}

void streams_news(struct ike_env *env, const struct stream_news *news)
{
    struct stream *s = find(engine_of(env), news->handle);
    if (!s) /* a peer's; or let go of meanwhile */
        return;
    if (news->is_up)
        went_up(env, s, news);
    else
        went_down(env, s, news);
}

void streams_tick(struct ike_env *env)
{
    struct engine *e = engine_of(env);
    struct heap_node *n;
    while ((n = heap_first(&e->streams.again)) && n->at <= env->now.mono) {
        struct stream *s = container_of(n, struct stream, again);
        heap_remove(&e->streams.again, n);
        ask(env, ACTION_STREAM_OPEN, s->handle, s);
    }
}

int64_t streams_deadline(const struct engine *e)
{
    const struct heap_node *n = heap_first(&e->streams.again);
    return n ? n->at : TIME_NEVER;
}
