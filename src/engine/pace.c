/* SPDX-License-Identifier: Apache-2.0 */
/* How many IKE SAs are begun at once. A responder takes a burst of first requests from one address for a
 * flood and ignores what is beyond a few half-open SAs (block_threshold, 5 here and in strongSwan), and each
 * that it ignores waits for seconds before it tries again. So no more than that are under way to one address,
 * and a bounded number in all; the other connections wait in line, and go on as soon as one is through. One
 * that gets no answer keeps its place in front for as long as its first repetition takes and no longer: dead
 * peers hold up nobody. What a user asks for with a command does not wait. */
#include "engine/impl.h"
#include <stdlib.h>

#define TO_ONE_PEER 5
#define IN_ALL      256
#define IN_FRONT    (4 * TIME_SECOND)

struct pace_peer {
    struct map_node by_ip;
    struct list
        hungry; /* in the engine's list, when one that waits may go as far as this peer is concerned */
    struct ip ip;
    unsigned n_begun;
    struct list waiting; /* conn_run.waits */
};

static uint64_t ip_hash(struct ip ip)
{
    return map_hash(ip_view(&ip));
}

static struct pace_peer *find(const struct pace *p, struct ip ip)
{
    for (struct map_node *n = map_first(&p->peers, ip_hash(ip)); n; n = map_next(n)) {
        struct pace_peer *at = container_of(n, struct pace_peer, by_ip);
        if (ip_equal(at->ip, ip))
            return at;
    }
    return NULL;
}

static void update(struct pace *p, struct pace_peer *at)
{
    bool is_hungry = !list_empty(&at->waiting) && at->n_begun < TO_ONE_PEER;
    if (is_hungry && !list_linked(&at->hungry))
        list_append(&p->hungry, &at->hungry);
    if (!is_hungry)
        list_remove(&at->hungry);
    if (at->n_begun || !list_empty(&at->waiting))
        return;
    map_remove(&p->peers, &at->by_ip);
    free(at);
}

void pace_init(struct pace *p)
{
    map_init(&p->peers);
    list_init(&p->begun);
    list_init(&p->hungry);
}

void pace_deinit(struct pace *p)
{
    map_deinit(&p->peers); /* the last SA and connection have freed what was in it */
}

bool pace_admits(struct engine *e, struct conn_run *r, bool is_urgent)
{
    struct pace *p = &e->pace;
    struct ip ip = r->conn->resolved_remote;
    struct pace_peer *at = find(p, ip);
    if (!at) {
        at = mem_new(sizeof(*at));
        at->ip = ip;
        list_init(&at->waiting);
        map_insert(&p->peers, &at->by_ip, ip_hash(ip));
    }
    bool is_admitted = is_urgent || (at->n_begun < TO_ONE_PEER && p->n_begun < IN_ALL);
    if (!is_admitted && !r->waits_for) {
        list_append(&at->waiting, &r->waits);
        r->waits_for = at;
        p->n_waiting++;
    }
    update(p, at);
    return is_admitted;
}

void pace_forget(struct engine *e, struct conn_run *r)
{
    struct pace_peer *at = r->waits_for;
    if (!at)
        return;
    list_remove(&r->waits);
    r->waits_for = NULL;
    e->pace.n_waiting--;
    update(&e->pace, at);
}

void pace_begin(struct engine *e, struct conn_run *r, struct ike_sa *sa)
{
    struct pace *p = &e->pace;
    pace_forget(e, r);
    struct pace_peer *at = find(p, sa->remote.ip);
    if (!at) {
        at = mem_new(sizeof(*at));
        at->ip = sa->remote.ip;
        list_init(&at->waiting);
        map_insert(&p->peers, &at->by_ip, ip_hash(at->ip));
    }
    at->n_begun++;
    p->n_begun++;
    sa->paced_by = at;
    list_append(&p->begun, &sa->paced);
    update(p, at);
}

void pace_end(struct engine *e, struct ike_sa *sa, int64_t now)
{
    struct pace *p = &e->pace;
    struct pace_peer *at = sa->paced_by;
    if (!at)
        return;
    list_remove(&sa->paced);
    sa->paced_by = NULL;
    at->n_begun--;
    p->n_begun--;
    update(p, at);
    if (list_empty(&p->hungry))
        return;
    struct pace_peer *next = container_of(p->hungry.next, struct pace_peer, hungry);
    struct conn_run *r = container_of(next->waiting.next, struct conn_run, waits);
    list_remove(&next->hungry); /* whose turn it was goes to the end of the line */
    pace_forget(e, r);
    conn_schedule(e, r, now);
}

static int64_t front_until(const struct pace *p)
{
    if (list_empty(&p->begun))
        return TIME_NEVER;
    return container_of(p->begun.next, struct ike_sa, paced)->created_at + IN_FRONT;
}

int64_t pace_deadline(const struct pace *p)
{
    return p->n_waiting ? front_until(p) : TIME_NEVER;
}

void pace_tick(struct engine *e, int64_t now)
{
    struct pace *p = &e->pace;
    while (front_until(p) <= now)
        pace_end(e, container_of(p->begun.next, struct ike_sa, paced), now);
}
