/* SPDX-License-Identifier: Apache-2.0 */
/* [strongSwan] Connections that differ in nothing but what they protect are one, by the name of the first,
 * with a child for each of them, by its name: one IKE SA serves them all. Two would be in each other's way,
 * since a peer takes a second IKE SA between the same identities for the successor of the first. */
#include "base/list.h"
#include "conf/build.h"
#include "conf/ipsec/ipsec.h"

struct ipsec_twin {
    struct map_node node;
    struct connection *first;
    struct child_config *children; /* of first, when there are several */
    size_t cap;
    struct ipsec_twin *next; /* of those that have got children */
};

static void append(struct ipsec_conn *c, struct ipsec_twin *w, const struct child_config *child)
{
    struct connection *first = w->first;
    if (first->n_children >= w->cap) {
        if (!w->cap) {
            w->next = c->t->merged;
            c->t->merged = w;
        }
        w->cap = 2 * (first->n_children + 1);
        struct child_config *v = arena_calloc(c->b->a, w->cap, sizeof(*v));
        memcpy(v, first->children, first->n_children * sizeof(*v));
        first->children = w->children = v;
    }
    w->children[first->n_children++] = *child;
}

bool ipsec_merge(struct ipsec_conn *c, struct connection *built)
{
    if (c->dialect != DIALECT_STRONGSWAN || built->n_children != 1 || built->n_shunts)
        return false;
    struct map_node *n = map_first(&c->t->twins, built->ike_hash);
    struct ipsec_twin *w = n ? container_of(n, struct ipsec_twin, node) : NULL;
    if (w) {
        append(c, w, &built->children[0]);
        return true;
    }
    w = arena_calloc(c->b->scratch, 1, sizeof(*w));
    w->first = built;
    map_insert(&c->t->twins, &w->node, built->ike_hash);
    return false;
}

void ipsec_finish_merging(struct ipsec_tree *t)
{
    for (struct ipsec_twin *w = t->merged; w; w = w->next)
        connection_hash(w->first);
}
