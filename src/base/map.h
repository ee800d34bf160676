/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive chained hash map. The caller hashes (map_hash(), keyed so that a peer cannot aim at one bucket)
 * and compares. Nodes belong to the caller; the map owns its buckets only. */
#pragma once

#include "base/span.h"

struct map_node {
    struct map_node *next;
    uint64_t hash;
};

struct map {
    struct map_node **buckets;
    size_t size; /* power of two, or 0 */
    size_t count;
};

/* SipHash-1-3 of data under a process-wide key (map_set_key(); all zero until set). */
uint64_t map_hash(struct span data);
uint64_t map_hash_u64(uint64_t v);
void map_set_key(const uint8_t key[16]);

void map_init(struct map *m);
void map_deinit(struct map *m);
void map_insert(struct map *m, struct map_node *n, uint64_t hash);
void map_remove(struct map *m, struct map_node *n);
/* First node with that hash, then the following ones: compare keys yourself. */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next(const struct map_node *n);
