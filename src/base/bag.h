/* SPDX-License-Identifier: Apache-2.0 */
/* Members by hash, any number of them under one: a map of lists. Unlike a map's chain, ten thousand members
 * with the same key cost no more to add to or to take from than one. Members belong to the caller, who
 * compares keys: two may share a hash. */
#pragma once

#include "base/list.h"
#include "base/map.h"

struct bag {
    struct map groups;
};

struct bag_link {
    struct list link;
    uint64_t hash;
};

void bag_init(struct bag *b);
void bag_deinit(struct bag *b);
/* At the end of its list; one that is somewhere already moves. */
void bag_put(struct bag *b, struct bag_link *m, uint64_t hash);
void bag_take(struct bag *b, struct bag_link *m); /* does nothing when it is nowhere */
/* The list of those with that hash, for list_each; an empty one when there are none. */
const struct list *bag_list(const struct bag *b, uint64_t hash);
