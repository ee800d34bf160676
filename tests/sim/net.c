/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual network: see net.h. */
#include "net.h"
#include "base/arena.h"
#include "base/time.h"
#include <stdlib.h>

uint64_t sim_rand(struct sim_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t sim_rand_below(struct sim_rng *r, uint64_t n)
{
    return n ? sim_rand(r) % n : 0;
}

bool sim_chance(struct sim_rng *r, unsigned percent)
{
    return sim_rand_below(r, 100) < percent;
}

void net_init(struct net *n, uint64_t seed)
{
    *n = (struct net){
        .rng = {seed                     },
          .faults = { .delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS}
    };
    n->nat.next_port = 20000;
}

void net_drop_all(struct net *n)
{
    for (struct wire *w = n->queue, *next; w; w = next) {
        next = w->next;
        free(w);
    }
    n->queue = NULL;
}

void net_deinit(struct net *n)
{
    net_drop_all(n);
}

void net_nat_rebind(struct net *n)
{
    n->nat.n = 0;
    n->nat.next_port += 1000;
}

static uint16_t nat_out(struct nat *nat, uint16_t port)
{
    for (size_t i = 0; i < nat->n; i++) {
        if (nat->map[i].in == port)
            return nat->map[i].out;
    }
    if (nat->n == NAT_MAPPINGS)
        return 0;
    nat->map[nat->n].in = port;
    nat->map[nat->n].out = nat->next_port++;
    return nat->map[nat->n++].out;
}

static uint16_t nat_in(const struct nat *nat, uint16_t port)
{
    for (size_t i = 0; i < nat->n; i++) {
        if (nat->map[i].out == port)
            return nat->map[i].in;
    }
    return 0;
}

static bool has_no_ports(enum wire_kind kind)
{
    return kind == WIRE_ESP_RAW || kind == WIRE_AH;
}

/* Rewrites addresses; false when the NAT has no mapping and drops it. Raw ESP and AH have no ports and do not
 * pass.
 */
static bool translate(struct nat *nat, enum wire_kind kind, struct endpoint *from, struct endpoint *to)
{
    if (!nat->is_on)
        return true;
    if (ip_equal(from->ip, nat->inside)) {
        if (has_no_ports(kind))
            return false;
        from->port = nat_out(nat, from->port);
        from->ip = nat->outside;
        return from->port != 0;
    }
    if (!ip_equal(to->ip, nat->outside))
        return true;
    to->port = has_no_ports(kind) ? 0 : nat_in(nat, to->port);
    to->ip = nat->inside;
    return to->port != 0;
}

static void enqueue(struct net *n, int64_t at, enum wire_kind kind, const struct endpoint *from,
                    const struct endpoint *to, struct span bytes)
{
    struct wire *w = mem_new(sizeof(*w) + bytes.len);
    w->at = at;
    w->kind = kind;
    w->from = *from;
    w->to = *to;
    w->len = bytes.len;
    if (bytes.len)
        memcpy(w->bytes, bytes.ptr, bytes.len);
    struct wire **p = &n->queue;
    while (*p && (*p)->at <= at)
        p = &(*p)->next;
    w->next = *p;
    *p = w;
}

static bool is_dead(const struct net *n, struct ip ip)
{
    for (size_t i = 0; i < n->n_dead; i++) {
        if (ip_equal(n->dead[i], ip))
            return true;
    }
    return false;
}

static void count_victim(struct net *n, enum wire_kind kind, struct ip to)
{
    if (!n->victim.family || !ip_equal(to, n->victim))
        return;
    *(kind == WIRE_ESP_UDP || kind == WIRE_ESP_RAW ? &n->esp_to_victim : &n->ike_to_victim) += 1;
}

void net_send(struct net *n, int64_t now, enum wire_kind kind, const struct endpoint *from,
              const struct endpoint *to, struct span bytes)
{
    struct endpoint f = *from, t = *to;
    n->sent++;
    n->keepalives += kind == WIRE_KEEPALIVE;
    count_victim(n, kind, to->ip);
    bool is_shut = n->is_4500_shut && kind != WIRE_IKE && !has_no_ports(kind);
    if (is_shut || n->is_udp_shut || is_dead(n, from->ip) || is_dead(n, to->ip)) {
        n->lost++;
        return;
    }
    if (!translate(&n->nat, kind, &f, &t) || sim_chance(&n->rng, n->faults.loss)) {
        n->lost++;
        return;
    }
    const struct faults *x = &n->faults;
    if (n->rewritten && f.ip.family == n->victim.family && sim_chance(&n->rng, n->rewritten))
        f.ip = n->victim;
    int64_t at =
        now + x->delay_min + (int64_t)sim_rand_below(&n->rng, (uint64_t)(x->delay_max - x->delay_min) + 1);
    if (sim_chance(&n->rng, x->reordering)) {
        n->reordered++;
        at += (int64_t)sim_rand_below(&n->rng, 2 * TIME_SECOND);
    }
    enqueue(n, at, kind, &f, &t, bytes);
    if (sim_chance(&n->rng, x->duplication)) {
        n->duplicated++;
        enqueue(n, at + (int64_t)sim_rand_below(&n->rng, 3 * TIME_SECOND), kind, &f, &t, bytes);
    }
}

struct wire *net_take(struct net *n, int64_t now)
{
    struct wire *w = n->queue;
    if (!w || w->at > now)
        return NULL;
    n->queue = w->next;
    w->next = NULL;
    return w;
}

int64_t net_deadline(const struct net *n)
{
    return n->queue ? n->queue->at : TIME_NEVER;
}
