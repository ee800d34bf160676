/* SPDX-License-Identifier: Apache-2.0 */
/* Several snapshots as one: the configuration of files, and what clients of vici load beside it, each a part.
 * The one that comes of it holds views of what its parts own, so that a change of one connection among
 * thousands builds that one alone. Of connections, pools and authorities with one name the last counts, and
 * keeps the first one's place; some of the first part's may be hidden. Settings are those of the first part.
 */
#include "base/map.h"
#include "model/connection.h"
#include <stdlib.h>

#define UNBOUNDED (SIZE_MAX / 2) /* what is merged is bounded */

/* ---- vectors that are simply put behind each other */

struct vector { /* where one stands in a snapshot */
    size_t at, n, size;
};

#define VECTOR(field, count)                                                                                 \
    {                                                                                                        \
        offsetof(struct config, field), offsetof(struct config, count), sizeof(*((struct config *)0)->field) \
    }

static const struct vector vectors[] = {
    VECTOR(secrets, n_secrets), VECTOR(ppks, n_ppks),         VECTOR(keys, n_keys),
    VECTOR(cas.v, cas.n),       VECTOR(certs.v, certs.n),     VECTOR(aas.v, aas.n),
    VECTOR(acerts, n_acerts),   VECTOR(pubkeys.v, pubkeys.n), VECTOR(ocsp_signers.v, ocsp_signers.n),
    VECTOR(crls, n_crls),
};

static void *vector_of(const struct config *c, const struct vector *v, size_t *n)
{
    void *items;
    memcpy(&items, (const char *)c + v->at, sizeof(items));
    memcpy(n, (const char *)c + v->n, sizeof(*n));
    return items;
}

static void append(struct config *to, const struct vector *v)
{
    size_t total = 0, n = 0;
    for (size_t i = 0; i < to->n_parts; i++) {
        vector_of(to->parts[i], v, &n);
        total += n;
    }
    char *all = arena_calloc(to->arena, total, v->size), *at = all;
    for (size_t i = 0; i < to->n_parts; i++) {
        const void *items = vector_of(to->parts[i], v, &n);
        if (n)
            memcpy(at, items, n * v->size);
        at += n * v->size;
    }
    memcpy((char *)to + v->at, &all, sizeof(all));
    memcpy((char *)to + v->n, &total, sizeof(total));
}

/* ---- those that have names */

static const char *connection_name(const void *item)
{
    return (*(const struct connection *const *)item)->name;
}

static const char *authority_name(const void *item)
{
    return ((const struct authority *)item)->name;
}

static const char *pool_name(const void *item)
{
    return ((const struct pool_config *)item)->name;
}

static const struct named_vector {
    enum config_kind kind;
    struct vector v;
    const char *(*name)(const void *item);
} named_vectors[] = {
    {CONFIG_CONNECTIONS, VECTOR(connections, n_connections), connection_name},
    {CONFIG_AUTHORITIES, VECTOR(authorities, n_authorities), authority_name },
    {CONFIG_POOLS,       VECTOR(pools,       n_pools),       pool_name      },
};

struct named {
    struct map_node by_name;
    void *item; /* in its place */
};

/* The place of the item that has the name; NULL: none has. */
static void *place_of(const struct map *m, const char *name, uint64_t hash, const struct named_vector *v)
{
    for (struct map_node *at = map_first(m, hash); at; at = map_next(at)) {
        struct named *n = container_of(at, struct named, by_name);
        if (strcmp(v->name(n->item), name) == 0)
            return n->item;
    }
    return NULL;
}

/* Those that come again take the place that the name has; of the first n_first some are hidden. Returns how
 * many stay. */
static size_t fold(char *items, size_t n, size_t n_first, const struct named_vector *v,
                   const struct config_filter *filter, struct arena *scratch)
{
    struct named *nodes = arena_calloc(scratch, n, sizeof(*nodes));
    struct map by_name;
    size_t kept = 0;
    map_init(&by_name);
    for (size_t i = 0; i < n; i++) {
        char *item = items + i * v->v.size, *free_place = items + kept * v->v.size;
        const char *name = v->name(item);
        if (i < n_first && filter && filter->hides(filter->ctx, v->kind, name))
            continue;
        uint64_t hash = map_hash(span_str(name));
        char *place = place_of(&by_name, name, hash, v);
        if (!place) {
            place = nodes[kept].item = free_place;
            map_insert(&by_name, &nodes[kept++].by_name, hash);
        }
        if (place != item)
            memcpy(place, item, v->v.size);
    }
    map_deinit(&by_name);
    return kept;
}

static void append_named(struct config *to, const struct named_vector *v, const struct config_filter *filter,
                         struct arena *scratch)
{
    size_t n, n_first;
    vector_of(to->parts[0], &v->v, &n_first);
    append(to, &v->v);
    char *items = vector_of(to, &v->v, &n);
    n = fold(items, n, n_first, v, filter, scratch);
    memcpy((char *)to + v->v.n, &n, sizeof(n));
}

static int by_pool_name(const void *a, const void *b)
{
    return strcmp(pool_name(a), pool_name(b));
}

struct config *config_merge(struct config *const *parts, size_t n, const struct config_filter *filter)
{
    struct config *to = config_new(arena_new(UNBOUNDED));
    struct arena *scratch = arena_new(UNBOUNDED);
    to->parts = arena_calloc(to->arena, n, sizeof(struct config *));
    to->n_parts = n;
    for (size_t i = 0; i < n; i++)
        to->parts[i] = config_ref(parts[i]);
    to->settings = parts[0]->settings;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        append(to, &vectors[i]);
    for (size_t i = 0; i < ARRAY_LEN(named_vectors); i++)
        append_named(to, &named_vectors[i], filter, scratch);
    for (size_t i = 0; i < to->n_pools; i++)
        to->pools[i].place = i;
    if (to->n_pools)
        qsort(to->pools, to->n_pools, sizeof(*to->pools), by_pool_name);
    arena_free(scratch);
    return to;
}
