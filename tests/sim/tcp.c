/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections of the simulator: see tcp.h. */
#include "tcp.h"
#include "base/arena.h"
#include "sim.h"
#include <stdlib.h>

#define UNPROVEN   (35 * TIME_SECOND) /* as src/sys/loop_tcp.h has it */
#define EXTRANEOUS (10 * TIME_SECOND)
#define TCP_PORT   4500

static struct sim_rng *rng(struct sim *s)
{
    return &s->net.rng;
}

static int64_t soon(struct sim *s, int64_t most)
{
    return s->now.mono + (int64_t)sim_rand_below(rng(s), (uint64_t)most + 1);
}

void tcp_init(struct tcp *t)
{
    *t = (struct tcp){.last_port = 40000};
}

static void drop_queue(struct tcp_end *e)
{
    for (struct tcp_piece *p = e->queue, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    e->queue = NULL;
    free(e->kept);
    e->kept = NULL;
    e->n_kept = 0;
}

static void forget(struct tcp_connection *c)
{
    drop_queue(&c->end[0]);
    drop_queue(&c->end[1]);
    c->is_used = false;
}

void tcp_deinit(struct tcp *t)
{
    for (size_t i = 0; i < TCP_CONNECTIONS; i++)
        forget(&t->v[i]);
}

static struct tcp_end *find(struct sim *s, int node, uint32_t handle, struct tcp_connection **of)
{
    for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
        for (int k = 0; k < 2; k++) {
            struct tcp_end *e = &s->tcp.v[i].end[k];
            if (!s->tcp.v[i].is_used || e->node != node || e->handle != handle || !e->handle)
                continue;
            *of = &s->tcp.v[i];
            return e;
        }
    }
    return NULL;
}

static int node_at(struct sim *s, struct ip ip)
{
    for (int i = 0; i < NODES; i++) {
        if (!s->node[i].is_dead && ip_equal(s->node[i].address, ip))
            return i;
    }
    return -1;
}

static struct endpoint seen_from_outside(const struct sim *s, struct endpoint e)
{
    if (s->net.nat.is_on && ip_equal(e.ip, s->net.nat.inside)) {
        e.ip = s->net.nat.outside;
        e.port = (uint16_t)(e.port ^ 0x1555);
    }
    return e;
}

void tcp_open(struct sim *s, int node, uint32_t handle, const struct endpoint *remote)
{
    struct tcp_connection *c = NULL;
    if (find(s, node, handle, &c))
        sim_fail(s, "connection %08x is opened while it is there", handle);
    for (size_t i = 0; i < TCP_CONNECTIONS && (!c || c->is_used); i++)
        c = &s->tcp.v[i];
    if (c->is_used) {
        sim_fail(s, "more than %d TCP connections: they leak", TCP_CONNECTIONS);
        return;
    }
    int64_t never = TIME_NEVER, rtt = 2 * s->net.faults.delay_min;
    bool can_connect = remote->port == TCP_PORT && !s->tcp.is_shut && s->node[node].address.family;
    int peer = can_connect ? node_at(s, remote->ip) : -1;
    struct endpoint local = {.ip = s->node[node].address, .port = ++s->tcp.last_port};
    *c = (struct tcp_connection){
        .is_used = true,
        .end = {{.node = node, .handle = handle, .local = local, .remote = *remote, .tell_up = never},
                {.node = peer, .local = *remote, .tell_up = never}}
    };
    struct tcp_end *near = &c->end[0], *far = &c->end[1];
    near->remote.stream = handle;
    near->reader.has_prefix = true;
    near->tell_down = near->close_at = far->tell_down = far->close_at = never;
    if (peer < 0) {
        near->tell_down = s->now.mono + (sim_chance(rng(s), 50) ? 10 * TIME_SECOND : rtt);
        return;
    }
    near->is_open = far->is_open = true;
    near->tell_up = s->now.mono + rtt;
    far->handle = ++s->tcp.last_handle;
    far->remote = seen_from_outside(s, local);
    far->remote.stream = far->handle;
    far->local.stream = 0;
    far->reader.max = 10000;
    far->close_at = s->now.mono + UNPROVEN;
    s->tcp.opened++;
}

bool tcp_is_open(struct sim *s, int node, uint32_t handle)
{
    struct tcp_connection *c;
    const struct tcp_end *e = find(s, node, handle, &c);
    return e && e->is_open;
}

/* Both ends hear of it, some time. What was under way is lost, or a part of it is. */
static void break_one(struct sim *s, struct tcp_connection *c, int64_t most)
{
    s->tcp.broken++;
    for (int k = 0; k < 2; k++) {
        struct tcp_end *e = &c->end[k];
        if (!e->is_open)
            continue;
        e->is_open = false;
        e->tell_down = soon(s, most);
        struct tcp_piece **p = &e->queue;
        while (*p && sim_chance(rng(s), 50))
            p = &(*p)->next;
        for (struct tcp_piece *lost = *p, *next; lost; lost = next) {
            next = lost->next;
            free(lost);
        }
        *p = NULL;
    }
}

void tcp_break_all(struct sim *s)
{
    for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
        if (s->tcp.v[i].is_used)
            break_one(s, &s->tcp.v[i], 3 * TIME_SECOND);
    }
}

void tcp_node_moved(struct sim *s, int node)
{
    for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
        struct tcp_connection *c = &s->tcp.v[i];
        for (int k = 0; k < 2 && c->is_used; k++) {
            const struct tcp_end *e = &c->end[k];
            if (e->node == node && e->is_open && !node_has_address(&s->node[node], e->local.ip))
                break_one(s, c, 25 * TIME_SECOND);
        }
    }
}

void tcp_node_gone(struct sim *s, int node)
{
    for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
        struct tcp_connection *c = &s->tcp.v[i];
        for (int k = 0; k < 2 && c->is_used; k++) {
            if (c->end[k].node != node)
                continue;
            break_one(s, c, TIME_SECOND);
            c->end[k].handle = 0; /* nobody is told */
        }
    }
}

void tcp_keep(struct sim *s, int node, uint32_t handle)
{
    struct tcp_connection *c;
    struct tcp_end *e = find(s, node, handle, &c);
    if (!e)
        return;
    e->close_at = TIME_NEVER;
    e->reader.max = 0;
}

void tcp_release(struct sim *s, int node, uint32_t handle)
{
    struct tcp_connection *c;
    struct tcp_end *e = find(s, node, handle, &c);
    if (!e)
        return;
    if (!(handle & STREAM_OURS)) {
        e->close_at = s->now.mono + EXTRANEOUS;
        return;
    }
    struct tcp_end *far = &c->end[1];
    e->handle = 0;
    e->is_open = false;
    if (far->tell_down == TIME_NEVER) /* behind what waits */
        far->tell_down = (far->last > s->now.mono ? far->last : s->now.mono) + 1;
    far->is_open = false;
}

/* As a path cuts and joins them. */
static void put_pieces(struct sim *s, struct tcp_end *to, struct span bytes)
{
    const struct faults *f = &s->net.faults;
    struct tcp_piece **p = &to->queue;
    for (; *p; p = &(*p)->next) {
        if (f->delay_max == 0) /* the last look: nothing is on its way */
            (*p)->at = to->last = s->now.mono;
    }
    s->tcp.cut--;
    while (bytes.len) {
        size_t n = sim_chance(rng(s), 50) ? bytes.len : 1 + sim_rand_below(rng(s), bytes.len);
        int64_t at = s->now.mono + f->delay_min +
                     (int64_t)sim_rand_below(rng(s), (uint64_t)(f->delay_max - f->delay_min) + 1);
        if (sim_chance(rng(s), f->loss)) /* sent again by TCP */
            at += 200 * TIME_MS + (int64_t)sim_rand_below(rng(s), TIME_SECOND);
        to->last = at > to->last ? at : to->last;
        *p = mem_new(sizeof(**p) + n);
        (*p)->at = to->last;
        (*p)->len = n;
        memcpy((*p)->bytes, bytes.ptr, n);
        p = &(*p)->next;
        bytes = span_of(bytes.ptr + n, bytes.len - n);
        s->tcp.cut++;
    }
}

void tcp_send(struct sim *s, int node, uint32_t handle, bool is_ike, struct span bytes)
{
    struct tcp_connection *c;
    struct tcp_end *e = find(s, node, handle, &c);
    uint8_t message[TCPENCAP_PREFIX_LEN + TCPENCAP_HEADER_MAX + 65536];
    if (!e || !e->is_open || e->tell_up != TIME_NEVER)
        return; /* the engine does not know yet, or nobody reads it */
    size_t at = 0, n;
    struct tcp_end *to = &c->end[e == &c->end[0]];
    if (e == &c->end[0] && !e->has_sent) {
        memcpy(message, TCPENCAP_PREFIX, TCPENCAP_PREFIX_LEN);
        at = TCPENCAP_PREFIX_LEN;
    }
    e->has_sent = true;
    n = tcpencap_header(message + at, is_ike, bytes.len);
    memcpy(message + at + n, bytes.ptr, bytes.len);
    put_pieces(s, to, span_of(message, at + n + bytes.len));
    if (sim_chance(rng(s), s->tcp.breaks))
        break_one(s, c, 25 * TIME_SECOND);
}

/* ---- what arrives */

static void take_messages(struct sim *s, struct tcp_end *e)
{
    struct span m, rest = span_of(e->kept, e->n_kept);
    uint8_t *all = e->kept;
    struct endpoint local = e->local, remote = e->remote;
    struct node *node = &s->node[e->node];
    e->kept = NULL;
    e->n_kept = 0;
    size_t n = 0;
    for (;;) {
        enum tcpencap_status status = tcpencap_next(&e->reader, &rest, &m);
        if (status == TCPENCAP_BROKEN || status == TCPENCAP_SHORT)
            sim_fail(s, "%s: a stream is out of step", node->name);
        if (status != TCPENCAP_IKE && status != TCPENCAP_ESP)
            break;
        s->tcp.joined += n++ > 0;
        node_receive_stream(node, &local, &remote, status == TCPENCAP_IKE, m);
    }
    if (rest.len) {
        e->kept = mem_new(rest.len);
        e->n_kept = rest.len;
        memcpy(e->kept, rest.ptr, rest.len);
    }
    free(all);
}

static bool take_pieces(struct sim *s, struct tcp_end *e)
{
    bool any = false;
    while (e->queue && e->queue->at <= s->now.mono) {
        struct tcp_piece *p = e->queue;
        e->queue = p->next;
        uint8_t *more = mem_new(e->n_kept + p->len);
        if (e->n_kept)
            memcpy(more, e->kept, e->n_kept);
        memcpy(more + e->n_kept, p->bytes, p->len);
        free(e->kept);
        e->kept = more;
        e->n_kept += p->len;
        free(p);
        any = true;
    }
    if (any && e->handle && !s->node[e->node].is_dead)
        take_messages(s, e);
    return any;
}

static bool run_end(struct sim *s, struct tcp_connection *c, struct tcp_end *e)
{
    int64_t now = s->now.mono;
    struct stream_news news = {.handle = e->handle, .local = e->local, .why = "simulated"};
    if (e->tell_up <= now) {
        e->tell_up = TIME_NEVER;
        news.is_up = true;
        if (e->handle)
            node_hear_stream(&s->node[e->node], &news);
        return true;
    }
    if (e->close_at <= now) {
        break_one(s, c, 0);
        e->close_at = TIME_NEVER;
        return true;
    }
    if (take_pieces(s, e))
        return true;
    if (e->tell_down > now)
        return false;
    e->tell_down = TIME_NEVER;
    bool is_told = e->handle && e->node >= 0 && !s->node[e->node].is_dead;
    e->handle = 0;
    e->is_open = false;
    if (!c->end[0].handle && !c->end[1].handle)
        forget(c);
    if (is_told)
        node_hear_stream(&s->node[news.handle & STREAM_OURS ? c->end[0].node : c->end[1].node], &news);
    return true;
}

void tcp_run_due(struct sim *s)
{
    for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
        struct tcp_connection *c = &s->tcp.v[i];
        for (int k = 0; k < 2; k++) {
            while (c->is_used && !s->failure[0] && run_end(s, c, &c->end[k]))
                ;
        }
    }
}

int64_t tcp_deadline(const struct sim *s)
{
    int64_t at = TIME_NEVER;
    for (size_t i = 0; i < TCP_CONNECTIONS; i++) {
        const struct tcp_connection *c = &s->tcp.v[i];
        for (int k = 0; k < 2 && c->is_used; k++) {
            const struct tcp_end *e = &c->end[k];
            at = time_min(at, time_min(e->tell_up, time_min(e->tell_down, e->close_at)));
            if (e->queue)
                at = time_min(at, e->queue->at);
        }
    }
    return at;
}
