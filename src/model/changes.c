/* SPDX-License-Identifier: Apache-2.0 */
/* See changes.h. What follows from a change is the engine's: engine/reload.c, which decides in the same way.
 */
#include "model/changes.h"
#include <stdarg.h>
#include <stdio.h>

#define TEXTS 65536

static void add(struct config_changes *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct config_changes *c, const char *fmt, ...)
{
    char line[TEXTS / CONFIG_CHANGES_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    const char *text = c->n < CONFIG_CHANGES_MAX ? arena_strdup(c->arena, line) : NULL;
    if (text)
        c->v[c->n++] = text;
    else
        c->n_more++;
}

bool connection_is_renamed(const struct connection *old, const struct connection *now)
{
    bool shares = false;
    if (old->ike_hash != now->ike_hash)
        return false;
    for (size_t i = 0; i < now->n_children && !shares; i++)
        shares = connection_same_child(old, &now->children[i]) != NULL;
    return shares;
}

/* ---- children and policies of one connection */

struct named { /* the ones, or the others */
    const char *what;
    const struct child_config *old, *now;
    size_t n_old, n_now;
};

static const struct child_config *find(const struct child_config *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(v[i].name, name) == 0)
            return &v[i];
    }
    return NULL;
}

static void compare_named(struct config_changes *c, const struct named *s, const char *connection)
{
    for (size_t i = 0; i < s->n_now; i++) {
        const char *name = s->now[i].name;
        const struct child_config *old = find(s->old, s->n_old, name);
        if (!old || old->hash != s->now[i].hash)
            add(c, "%s %s of connection %s %s", s->what, name, connection, old ? "has changed" : "is new");
    }
    for (size_t i = 0; i < s->n_old; i++) {
        const char *name = s->old[i].name;
        if (!find(s->now, s->n_now, name))
            add(c, "%s %s of connection %s is not configured any more", s->what, name, connection);
    }
}

static void compare(struct config_changes *c, const struct connection *old, const struct connection *now)
{
    if (old->hash == now->hash)
        return;
    compare_named(c, &(struct named){"child", old->children, now->children, old->n_children, now->n_children},
                  now->name);
    compare_named(c, &(struct named){"policy", old->shunts, now->shunts, old->n_shunts, now->n_shunts},
                  now->name);
}

/* ---- connections */

static bool goes_on(const struct config *is, const struct connection *old)
{
    const struct connection *now = config_find(is, old->name);
    return now && now->ike_hash == old->ike_hash;
}

static const struct connection *called_before(const struct config *was, const struct config *is,
                                              const struct connection *now)
{
    for (size_t i = 0; i < was->n_connections; i++) {
        const struct connection *old = was->connections[i];
        if (connection_is_renamed(old, now) && !goes_on(is, old))
            return old;
    }
    return NULL;
}

static const struct connection *called_now(const struct config *was, const struct config *is,
                                           const struct connection *old)
{
    for (size_t i = 0; i < is->n_connections; i++) {
        const struct connection *now = is->connections[i];
        if (connection_is_renamed(old, now) && !goes_on(was, now))
            return now;
    }
    return NULL;
}

static void compare_connection(struct config_changes *c, const struct config *was, const struct config *is,
                               const struct connection *now)
{
    const struct connection *same = was ? config_find(was, now->name) : NULL, *old = same;
    if (same && same->ike_hash == now->ike_hash) {
        compare(c, same, now);
        return;
    }
    old = was ? called_before(was, is, now) : NULL;
    if (old) {
        add(c, "connection %s is called %s now", old->name, now->name);
        compare(c, old, now);
        return;
    }
    add(c, "connection %s %s", now->name, same ? "has changed" : "is new");
}

void config_changes(struct config_changes *c, const struct config *was, const struct config *is)
{
    *c = (struct config_changes){.arena = arena_new(TEXTS)};
    for (size_t i = 0; i < is->n_connections; i++)
        compare_connection(c, was, is, is->connections[i]);
    for (size_t i = 0; was && i < was->n_connections; i++) {
        const struct connection *old = was->connections[i];
        if (!config_find(is, old->name) && !called_now(was, is, old))
            add(c, "connection %s is not configured any more", old->name);
    }
}

void config_changes_free(struct config_changes *c)
{
    arena_free(c->arena);
    *c = (struct config_changes){0};
}
