/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and the referee of the simulator: see sim.h. */
#include "sim.h"
#include "base/map.h"
#include "crypto/random.h"
#include <stdio.h>
#include <stdlib.h>

#define TRAFFIC_EVERY (50 * TIME_MS)

void sim_fail(struct sim *s, const char *fmt, ...)
{
    if (s->failure[0])
        return;
    va_list ap;
    va_start(ap, fmt);
    int n = snprintf(s->failure, sizeof(s->failure), "at %.3f s: ", (double)s->now.mono / 1e6);
    vsnprintf(s->failure + n, sizeof(s->failure) - (size_t)n, fmt, ap);
    va_end(ap);
}

bool sim_remember(struct sim *s, struct span what, uint64_t domain)
{
    uint64_t mark = map_hash(what) ^ domain * 0x9e3779b97f4a7c15;
    if (s->n_seen * 2 >= s->cap_seen) {
        size_t cap = s->cap_seen ? 2 * s->cap_seen : 1024;
        uint64_t *old = s->seen, old_cap = s->cap_seen;
        s->seen = mem_new(cap * sizeof(*s->seen));
        s->cap_seen = cap;
        s->n_seen = 0;
        for (size_t i = 0; i < old_cap; i++) {
            if (!old[i])
                continue;
            size_t at = old[i] & (cap - 1);
            while (s->seen[at])
                at = (at + 1) & (cap - 1);
            s->seen[at] = old[i];
            s->n_seen++;
        }
        free(old);
    }
    mark |= mark == 0;
    size_t at = mark & (s->cap_seen - 1);
    while (s->seen[at]) {
        if (s->seen[at] == mark)
            return false;
        at = (at + 1) & (s->cap_seen - 1);
    }
    s->seen[at] = mark;
    s->n_seen++;
    return true;
}

enum plane sim_plane = PLANE_USER;

void sim_init(struct sim *s, uint64_t seed, bool is_verbose)
{
    *s = (struct sim){.seed = seed, .is_verbose = is_verbose};
    s->now = (struct time){.mono = 1000 * TIME_SECOND, .wall = INT64_C(1764000000)};
    crypto_random_seed(seed);
    net_init(&s->net, seed);
    tcp_init(&s->tcp);
    node_init(&s->node[A], s, "a", ip4(192, 0, 2, 1), ip4(10, 10, 0, 1));
    node_init(&s->node[B], s, "b", ip4(198, 51, 100, 2), ip4(10, 20, 0, 1));
}

void sim_deinit(struct sim *s)
{
    for (int i = 0; i < NODES; i++)
        node_deinit(&s->node[i]);
    net_deinit(&s->net);
    tcp_deinit(&s->tcp);
    free(s->seen);
    crypto_random_set_source(NULL, NULL);
}

void sim_weather(struct sim *s, enum weather w)
{
    struct faults *f = &s->net.faults;
    *f = (struct faults){.delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS};
    if (w == LOSS || w == STORM || w == ALL_OF_IT)
        f->loss = 25;
    if (w == DUPLICATION || w == STORM || w == ALL_OF_IT)
        f->duplication = 30;
    if (w == REORDERING || w == STORM || w == ALL_OF_IT) {
        f->reordering = 30;
        f->delay_max = 80 * TIME_MS;
    }
    if (w == NATTED || w == ALL_OF_IT) {
        s->node[A].address = ip4(10, 0, 0, 1);
        s->net.nat.is_on = true;
        s->net.nat.inside = s->node[A].address;
        s->net.nat.outside = ip4(203, 0, 113, 7);
    }
}

static void deliver_due(struct sim *s)
{
    tcp_run_due(s);
    struct wire *w;
    while ((w = net_take(&s->net, s->now.mono)) != NULL) {
        for (int i = 0; i < NODES; i++) {
            if (node_has_address(&s->node[i], w->to.ip))
                node_receive(&s->node[i], w);
        }
        free(w);
    }
}

static void traffic_due(struct sim *s)
{
    if (!s->has_traffic || s->next_traffic > s->now.mono)
        return;
    s->next_traffic = s->now.mono + TRAFFIC_EVERY;
    node_send_traffic(&s->node[A], &s->node[B]);
    node_send_traffic(&s->node[B], &s->node[A]);
}

static int64_t next_event(const struct sim *s)
{
    int64_t at = time_min(net_deadline(&s->net), tcp_deadline(s));
    for (int i = 0; i < NODES; i++)
        at = time_min(at, node_deadline(&s->node[i]));
    return s->has_traffic ? time_min(at, s->next_traffic) : at;
}

/* One moment: everything that is due now. */
static void one_moment(struct sim *s)
{
    deliver_due(s);
    for (int i = 0; i < NODES; i++)
        node_run_due(&s->node[i]);
    traffic_due(s);
}

bool sim_run_until(struct sim *s, bool (*condition)(struct sim *), int64_t microseconds)
{
    int64_t end = s->now.mono + microseconds;
    while (!s->failure[0]) {
        one_moment(s);
        if (condition && condition(s))
            return true;
        int64_t next = next_event(s);
        if (next > end)
            break;
        if (next > s->now.mono) {
            s->now.wall += (next / TIME_SECOND) - (s->now.mono / TIME_SECOND);
            s->now.mono = next;
        }
    }
    s->now.wall += (end / TIME_SECOND) - (s->now.mono / TIME_SECOND);
    s->now.mono = end;
    return false;
}

void sim_run(struct sim *s, int64_t microseconds)
{
    sim_run_until(s, NULL, microseconds);
}

static bool only_ike(const struct node *n, struct ike_view *out)
{
    struct ike_view v;
    size_t count = 0;
    for (size_t i = 0; !n->is_dead && engine_ike_at(n->engine, i, &v); i++) {
        *out = v;
        count++;
    }
    return count == 1 && out->state == IKE_ESTABLISHED;
}

/* Every child of a has its counterpart at b, with the SPIs crossed. */
static bool children_agree(const struct node *a, uint64_t ike_a, const struct node *b, uint64_t ike_b)
{
    struct child_view x, y;
    for (size_t i = 0; engine_child_at(a->engine, ike_a, i, &x); i++) {
        bool found = false;
        for (size_t k = 0; !found && engine_child_at(b->engine, ike_b, k, &y); k++)
            found = x.spi_in == y.spi_out && x.spi_out == y.spi_in && x.mode == y.mode;
        if (!found)
            return false;
    }
    return true;
}

static bool traffic_passes(struct sim *s, struct node *from, struct node *to)
{
    uint64_t before = to->traffic_received;
    if (!node_send_traffic(from, to))
        return false;
    deliver_due(s); /* only with a network without delay is it there at once */
    return to->traffic_received > before;
}

bool sim_is_up(struct sim *s, size_t children)
{
    struct ike_view a, b;
    struct node *na = &s->node[A], *nb = &s->node[B];
    if (!only_ike(na, &a) || !only_ike(nb, &b) || a.spi_i != b.spi_i || a.spi_r != b.spi_r)
        return false;
    if (node_count_children(na) != children || node_count_children(nb) != children)
        return false;
    if (a.n_children != children || b.n_children != children)
        return false;
    if (!children_agree(na, a.id, nb, b.id))
        return false;
    return !children || s->has_traffic || s->net.faults.delay_min > 0 ||
           (traffic_passes(s, na, nb) && traffic_passes(s, nb, na));
}

/* A's SA has its counterpart at B, with the same child. */
static bool tunnel_agrees(struct sim *s, const struct ike_view *a)
{
    struct ike_view b;
    struct child_view x, y;
    if (a->state != IKE_ESTABLISHED || a->n_children != 1)
        return false;
    for (size_t i = 0; engine_ike_at(s->node[B].engine, i, &b); i++) {
        if (a->spi_i == b.spi_i && a->spi_r == b.spi_r)
            return b.n_children == 1 && children_agree(&s->node[A], a->id, &s->node[B], b.id) &&
                   engine_child_at(s->node[A].engine, a->id, 0, &x) &&
                   engine_child_at(s->node[B].engine, b.id, 0, &y) && strcmp(x.name, y.name) == 0 &&
                   x.state == CHILD_INSTALLED && y.state == CHILD_INSTALLED;
    }
    return false;
}

static bool traffic_passes_by(struct sim *s, uint8_t third)
{
    struct node *a = &s->node[A], *b = &s->node[B];
    a->inside.b[1] = (uint8_t)(10 + third);
    b->inside.b[1] = (uint8_t)(20 + third);
    bool passes = traffic_passes(s, a, b) && traffic_passes(s, b, a);
    a->inside.b[1] = 10;
    b->inside.b[1] = 20;
    return passes;
}

bool sim_are_up(struct sim *s, size_t tunnels)
{
    struct ike_view v, w;
    size_t n = 0;
    if (s->node[A].is_dead || s->node[B].is_dead)
        return false;
    for (; engine_ike_at(s->node[A].engine, n, &v); n++) {
        if (!tunnel_agrees(s, &v))
            return false;
        for (size_t i = 0; i < n && engine_ike_at(s->node[A].engine, i, &w); i++) {
            if (strcmp(v.connection, w.connection) == 0)
                return false;
        }
    }
    if (n != tunnels || engine_ike_at(s->node[B].engine, n, &v))
        return false;
    bool passes = true;
    for (uint8_t i = 0; passes && i < tunnels && s->net.faults.delay_min == 0; i++)
        passes = traffic_passes_by(s, i);
    return passes;
}

bool sim_is_down(struct sim *s)
{
    struct ike_view v;
    for (int i = 0; i < NODES; i++) {
        if (s->node[i].is_dead)
            continue;
        if (engine_ike_at(s->node[i].engine, 0, &v) || s->node[i].n_sas || s->node[i].n_policies)
            return false;
    }
    return true;
}

void sim_establish_until(struct sim *s, bool (*condition)(struct sim *))
{
    struct faults weather = s->net.faults;
    s->net.faults = (struct faults){.delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS};
    for (int i = 0; i < 600 && !s->failure[0] && !condition(s); i++)
        sim_run(s, 100 * TIME_MS);
    if (!s->failure[0] && !condition(s))
        sim_fail(s, "the tunnels did not come up over a clean network");
    s->net.faults = weather;
    sim_mark(s);
}

void sim_establish(struct sim *s, size_t children)
{
    struct faults weather = s->net.faults;
    s->net.faults = (struct faults){.delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS};
    for (int i = 0; i < 600 && !s->failure[0] && !sim_is_up(s, children); i++)
        sim_run(s, 100 * TIME_MS);
    if (!s->failure[0] && !sim_is_up(s, children))
        sim_fail(s, "the tunnel did not come up over a clean network");
    s->net.faults = weather;
    sim_mark(s);
}

static void look(const struct sim *s, uint64_t *ike, uint32_t *child)
{
    struct ike_view v;
    struct child_view c;
    *ike = 0;
    *child = 0;
    if (s->node[A].is_dead || !engine_ike_at(s->node[A].engine, 0, &v))
        return;
    *ike = v.spi_i ^ v.spi_r;
    if (engine_child_at(s->node[A].engine, v.id, 0, &c))
        *child = c.spi_in;
}

void sim_mark(struct sim *s)
{
    look(s, &s->old_ike, &s->old_spi);
}

bool sim_child_is_new(struct sim *s)
{
    uint64_t ike;
    uint32_t child;
    look(s, &ike, &child);
    return child && child != s->old_spi;
}

bool sim_ike_is_new(struct sim *s)
{
    uint64_t ike;
    uint32_t child;
    look(s, &ike, &child);
    return ike && ike != s->old_ike;
}
