/* SPDX-License-Identifier: Apache-2.0 */
/* Chained hash map with SipHash-1-3: see map.h. */
#include "base/map.h"
#include "base/arena.h"
#include <stdlib.h>

static uint64_t key0, key1;

static uint64_t le64(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

void map_set_key(const uint8_t key[16])
{
    key0 = le64(key, 8);
    key1 = le64(key + 8, 8);
}

static inline uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

uint64_t map_hash(struct span data)
{
    uint64_t v[4] = {key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d, key0 ^ 0x6c7967656e657261,
                     key1 ^ 0x7465646279746573};
    size_t whole = data.len / 8 * 8;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t m = le64(data.ptr + i, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t last = (uint64_t)data.len << 56;
    if (data.len > whole)
        last |= le64(data.ptr + whole, data.len - whole);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash_u64(uint64_t x)
{
    return map_hash(span_of(&x, sizeof(x)));
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_deinit(struct map *m)
{
    free(m->buckets);
    *m = (struct map){0};
}

static void grow(struct map *m)
{
    size_t size = m->size ? m->size * 2 : 16;
    struct map_node **b = mem_new(size * sizeof(*b));
    for (size_t i = 0; i < m->size; i++) {
        for (struct map_node *n = m->buckets[i], *next; n; n = next) {
            next = n->next;
            n->next = b[n->hash & (size - 1)];
            b[n->hash & (size - 1)] = n;
        }
    }
    free(m->buckets);
    m->buckets = b;
    m->size = size;
}

void map_insert(struct map *m, struct map_node *n, uint64_t hash)
{
    if (m->count >= m->size)
        grow(m);
    n->hash = hash;
    n->next = m->buckets[hash & (m->size - 1)];
    m->buckets[hash & (m->size - 1)] = n;
    m->count++;
}

void map_remove(struct map *m, struct map_node *n)
{
    if (!m->size)
        return;
    for (struct map_node **p = &m->buckets[n->hash & (m->size - 1)]; *p; p = &(*p)->next) {
        if (*p == n) {
            *p = n->next;
            n->next = NULL;
            m->count--;
            return;
        }
    }
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
    if (!m->size)
        return NULL;
    struct map_node *n = m->buckets[hash & (m->size - 1)];
    while (n && n->hash != hash)
        n = n->next;
    return n;
}

struct map_node *map_next(const struct map_node *n)
{
    uint64_t hash = n->hash;
    for (n = n->next; n && n->hash != hash; n = n->next)
        ;
    return (struct map_node *)n;
}
