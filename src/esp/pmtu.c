/* SPDX-License-Identifier: Apache-2.0 */
/* Path MTUs: see pmtu.h. */
#include "esp/pmtu.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/time.h"

#include <stdlib.h>

#define MTU4_FLOOR 576 /* less would only serve an attacker */
#define MTU6_FLOOR 1280
#define MTU_AGE    (600 * TIME_SECOND)

static struct path *path_find(const struct pmtu *m, struct ip peer)
{
    struct map_node *n = map_first(&m->paths, map_hash(span_of(&peer, sizeof(peer))));
    for (; n; n = map_next(n)) {
        struct path *p = container_of(n, struct path, node);
        if (ip_equal(p->peer, peer))
            return p;
    }
    return NULL;
}

void pmtu_init(struct pmtu *m, uint32_t initial)
{
    *m = (struct pmtu){.initial = initial};
    map_init(&m->paths);
}

void pmtu_deinit(struct pmtu *m)
{
    map_deinit(&m->paths);
}

struct path *pmtu_path_ref(struct pmtu *m, struct ip peer)
{
    struct path *p = path_find(m, peer);
    if (!p) {
        p = mem_new(sizeof(*p));
        p->peer = peer;
        map_insert(&m->paths, &p->node, map_hash(span_of(&peer, sizeof(peer))));
    }
    p->refs++;
    return p;
}

void pmtu_path_unref(struct pmtu *m, struct path *p)
{
    if (--p->refs)
        return;
    map_remove(&m->paths, &p->node);
    free(p);
}

void pmtu_learn(struct pmtu *m, struct ip peer, uint32_t mtu, int64_t now)
{
    struct path *p = path_find(m, peer);
    uint32_t floor = peer.family == 6 ? MTU6_FLOOR : MTU4_FLOOR;
    if (!p)
        return;
    if (mtu < floor)
        mtu = floor;
    if (mtu >= pmtu_current(m, p, now))
        return;
    p->mtu = mtu;
    p->learned_at = now;
}

uint32_t pmtu_current(const struct pmtu *m, struct path *p, int64_t now)
{
    if (p->mtu && now - p->learned_at > MTU_AGE)
        p->mtu = 0;
    return p->mtu && p->mtu < m->initial ? p->mtu : m->initial;
}
