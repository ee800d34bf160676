/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bag.h"
#include "base/arena.h"
#include <stdlib.h>

struct group {
    struct map_node node;
    struct list members;
};

void bag_init(struct bag *b)
{
    map_init(&b->groups);
}

void bag_deinit(struct bag *b)
{
    for (size_t i = 0; i < b->groups.size; i++) {
        for (struct map_node *n = b->groups.buckets[i], *next; n; n = next) {
            next = n->next;
            free(container_of(n, struct group, node));
        }
    }
    map_deinit(&b->groups);
}

static struct group *find(const struct bag *b, uint64_t hash)
{
    struct map_node *n = map_first(&b->groups, hash);
    return n ? container_of(n, struct group, node) : NULL;
}

void bag_put(struct bag *b, struct bag_link *m, uint64_t hash)
{
    if (list_linked(&m->link) && m->hash == hash)
        return;
    bag_take(b, m);
    struct group *g = find(b, hash);
    if (!g) {
        g = mem_new(sizeof(*g));
        list_init(&g->members);
        map_insert(&b->groups, &g->node, hash);
    }
    m->hash = hash;
    list_append(&g->members, &m->link);
}

void bag_take(struct bag *b, struct bag_link *m)
{
    if (!list_linked(&m->link))
        return;
    struct group *g = find(b, m->hash);
    list_remove(&m->link);
    if (!list_empty(&g->members))
        return;
    map_remove(&b->groups, &g->node);
    free(g);
}

const struct list *bag_list(const struct bag *b, uint64_t hash)
{
    static struct list none = {&none, &none};
    const struct group *g = find(b, hash);
    return g ? &g->members : &none;
}
