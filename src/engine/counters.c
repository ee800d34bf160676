/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of messages for get-counters: of the engine, and of each connection as long as one of its name is
 * loaded. Nothing is allocated. */
#include "engine/impl.h"

void counters_count(struct ike_env *env, const struct connection *conn, enum ike_counter what)
{
    struct engine *e = engine_of(env);
    struct conn_run *r = conn ? conn_run_find(e, conn->name) : NULL;
    e->counters.v[what]++;
    if (!r)
        return;
    r->counters.v[what]++;
    r->is_counted = true;
}

void counters_inherit(struct conn_run *to, const struct conn_run *from)
{
    to->counters = from->counters;
    to->is_counted = from->is_counted;
}

static void clear(struct conn_run *r)
{
    r->counters = (struct ike_counters){0};
    r->is_counted = false;
}

bool counters_reset(struct engine *e, const struct command *c)
{
    struct conn_run *r = c->connection ? conn_run_find(e, c->connection) : NULL;
    if (r)
        clear(r);
    if (c->connection)
        return r != NULL;
    if (!c->is_for_all) {
        e->counters = (struct ike_counters){0};
        return true;
    }
    list_each(r, &e->conns, link) clear(r);
    return true;
}

const struct ike_counters *engine_counters(const struct engine *e, const char *connection)
{
    const struct conn_run *r = connection ? conn_run_find(e, connection) : NULL;
    if (!connection)
        return &e->counters;
    return r && r->is_counted ? &r->counters : NULL;
}
