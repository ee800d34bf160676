/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what one engine step wants done: see action.h. */
#include "model/action.h"
#include <stdio.h>
#include <stdlib.h>

#define OUTBOX_ARENA                                                                                         \
    (1u << 30) /* one step may take down ten thousand SAs; what a peer sends is bounded elsewhere */

void outbox_init(struct outbox *o)
{
    *o = (struct outbox){.arena = arena_new(OUTBOX_ARENA)};
}

static void drop_jobs(struct outbox *o)
{
    for (size_t i = 0; i < o->n; i++) {
        if (o->v[i].kind == ACTION_JOB && o->v[i].job)
            job_free(o->v[i].job);
    }
}

void outbox_reset(struct outbox *o)
{
    drop_jobs(o);
    o->n = 0;
    arena_reset(o->arena);
}

void outbox_deinit(struct outbox *o)
{
    drop_jobs(o);
    free(o->v);
    arena_free(o->arena);
    *o = (struct outbox){0};
}

struct action *outbox_add(struct outbox *o, enum action_kind kind)
{
    if (o->n == o->cap) {
        o->cap = o->cap ? 2 * o->cap : 32;
        o->v = realloc(o->v, o->cap * sizeof(*o->v));
        if (!o->v)
            abort();
    }
    struct action *a = &o->v[o->n++];
    memset(a, 0, sizeof(*a));
    a->kind = kind;
    return a;
}
