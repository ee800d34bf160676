/* SPDX-License-Identifier: Apache-2.0 */
/* See overlay.h. Not here: when what changed takes effect (src/sys), and who asks for it (src/ctl). */
#include "conf/overlay.h"
#include "base/list.h"
#include "base/map.h"
#include <stdlib.h>

struct entry {
    struct map_node by_name;
    struct list link;
    enum conf_item_kind kind;
    struct config *part; /* NULL: the base's is hidden */
    char name[];
};

struct overlay {
    struct map by_name;
    struct list entries;
    size_t n;
};

struct overlay *overlay_new(void)
{
    struct overlay *o = mem_new(sizeof(*o));
    map_init(&o->by_name);
    list_init(&o->entries);
    return o;
}

static void drop(struct overlay *o, struct entry *e)
{
    map_remove(&o->by_name, &e->by_name);
    list_remove(&e->link);
    config_unref(e->part);
    free(e);
    o->n--;
}

void overlay_free(struct overlay *o)
{
    struct entry *e;
    if (!o)
        return;
    list_each(e, &o->entries, link) drop(o, e);
    map_deinit(&o->by_name);
    free(o);
}

static uint64_t hash_of(enum conf_item_kind kind, const char *name)
{
    return map_hash(span_str(name)) ^ map_hash_u64(kind);
}

static struct entry *find(const struct overlay *o, enum conf_item_kind kind, const char *name)
{
    for (struct map_node *n = map_first(&o->by_name, hash_of(kind, name)); n; n = map_next(n)) {
        struct entry *e = container_of(n, struct entry, by_name);
        if (e->kind == kind && strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

bool overlay_put(struct overlay *o, enum conf_item_kind kind, const char *name, struct config *part)
{
    struct entry *e = find(o, kind, name);
    if (e) {
        config_unref(e->part);
        e->part = part;
        return true;
    }
    if (o->n == OVERLAY_ITEMS_MAX) {
        config_unref(part);
        return false;
    }
    size_t len = strlen(name);
    e = mem_new(sizeof(*e) + len + 1);
    e->kind = kind;
    e->part = part;
    memcpy(e->name, name, len);
    map_insert(&o->by_name, &e->by_name, hash_of(kind, name));
    list_append(&o->entries, &e->link);
    o->n++;
    return true;
}

static bool base_has(const struct config *base, enum conf_item_kind kind, const char *name)
{
    if (kind == ITEM_CONNECTION)
        return config_find(base, name) != NULL;
    if (kind == ITEM_POOL)
        return config_pool(base, name) != NULL;
    for (size_t i = 0; kind == ITEM_AUTHORITY && i < base->n_authorities; i++) {
        if (strcmp(base->authorities[i].name, name) == 0)
            return true;
    }
    return false;
}

bool overlay_remove(struct overlay *o, enum conf_item_kind kind, const char *name, const struct config *base)
{
    struct entry *e = find(o, kind, name);
    bool is_there = e && e->part, is_shown = base_has(base, kind, name) && (!e || e->part);
    if (is_shown)
        return overlay_put(o, kind, name, NULL);
    if (is_there)
        drop(o, e);
    return is_there;
}

static bool is_credential(enum conf_item_kind kind)
{
    return kind == ITEM_SHARED || kind == ITEM_TOKEN || kind == ITEM_KEY || kind == ITEM_CERT;
}

void overlay_clear_credentials(struct overlay *o)
{
    struct entry *e;
    list_each(e, &o->entries, link)
    {
        if (is_credential(e->kind))
            drop(o, e);
    }
}

void overlay_rebase(struct overlay *o, const struct config *base)
{
    struct entry *e;
    list_each(e, &o->entries, link)
    {
        if (!e->part || base_has(base, e->kind, e->name))
            drop(o, e);
    }
}

static bool hides(void *ctx, enum config_kind kind, const char *name)
{
    static const enum conf_item_kind kinds[] = {
        [CONFIG_CONNECTIONS] = ITEM_CONNECTION,
        [CONFIG_AUTHORITIES] = ITEM_AUTHORITY,
        [CONFIG_POOLS] = ITEM_POOL,
    };
    const struct entry *e = find(ctx, kinds[kind], name);
    return e && !e->part;
}

struct config *overlay_config(const struct overlay *o, struct config *base)
{
    if (!o->n)
        return config_ref(base);
    struct arena *scratch = arena_new(SIZE_MAX / 2);
    struct config **parts = arena_calloc(scratch, 1 + o->n, sizeof(*parts));
    struct config_filter filter = {.ctx = (void *)o, .hides = hides};
    const struct entry *e;
    size_t n = 0;
    parts[n++] = base;
    list_each(e, &o->entries, link)
    {
        if (e->part)
            parts[n++] = e->part;
    }
    struct config *c = config_merge(parts, n, &filter);
    arena_free(scratch);
    return c;
}

const char *overlay_next(const struct overlay *o, enum conf_item_kind kind, const char *previous)
{
    const struct list *at = previous ? &container_of(previous, struct entry, name)->link : &o->entries;
    for (at = at->next; at != &o->entries; at = at->next) {
        const struct entry *e = container_of(at, struct entry, link);
        if (e->kind == kind && e->part)
            return e->name;
    }
    return NULL;
}
