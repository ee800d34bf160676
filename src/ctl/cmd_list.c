/* SPDX-License-Identifier: Apache-2.0 */
/* list-sas, list-policies, list-conns, get-conns: what is up, what waits and what is loaded, as events to the
 * asking client alone. */
#include "ctl/commands.h"
#include <stdlib.h>

void ctl_cmd_list_sas(struct ctl_request *r)
{
    const struct engine *e = ctl_engine(r);
    char ike[VICI_NAME_MAX + 1], child[VICI_NAME_MAX + 1];
    vici_find_text(r->body, "ike", ike, sizeof(ike));
    bool by_child = vici_find_text(r->body, "child", child, sizeof(child));
    uint64_t ike_id = (uint64_t)vici_find_number(r->body, "ike-id", 0);
    struct ctl_sa_filter f = {
        .child = by_child ? child : NULL,
        .child_id = (uint64_t)vici_find_number(r->body, "child-id", 0),
    };
    struct ike_view v = {0};
    while (engine_ike_next(e, &v)) {
        if ((ike[0] && strcmp(v.connection, ike) != 0) || (ike_id && v.id != ike_id))
            continue;
        ctl_write_ike(ctl_event_open_to(r->conn, CTL_LIST_SA), e, &v, ctl_now(r->ctl), &f);
        ctl_emit_to(r->conn, CTL_LIST_SA);
    }
}

void ctl_cmd_list_conns(struct ctl_request *r)
{
    const struct config *c = engine_config(ctl_engine(r));
    char ike[VICI_NAME_MAX + 1];
    vici_find_text(r->body, "ike", ike, sizeof(ike));
    for (size_t i = 0; c && i < c->n_connections; i++) {
        if (ike[0] && strcmp(c->connections[i]->name, ike) != 0)
            continue;
        ctl_write_connection(ctl_event_open_to(r->conn, CTL_LIST_CONN), c->connections[i]);
        ctl_emit_to(r->conn, CTL_LIST_CONN);
    }
}

/* Which kinds a client asks for; when it names none, all. */
struct kinds {
    bool drop, pass, trap;
};

static bool asks_for(struct span body, const char *kind)
{
    struct span v;
    return vici_find(body, kind, &v) && vici_is_yes(v);
}

static struct kinds kinds_of(struct span body)
{
    struct kinds k = {
        .drop = asks_for(body, "drop"), .pass = asks_for(body, "pass"), .trap = asks_for(body, "trap")};
    return k.drop || k.pass || k.trap ? k : (struct kinds){true, true, true};
}

struct policies {
    struct trap_view *v;
    size_t n, cap;
};

static void add(struct policies *p, const struct trap_view *v)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->v = realloc(p->v, p->cap * sizeof(*p->v));
        if (!p->v)
            abort();
    }
    p->v[p->n++] = *v;
}

static int newest_first(const void *a, const void *b)
{
    const struct trap_view *x = a, *y = b;
    return x->policy_id > y->policy_id ? -1 : x->policy_id < y->policy_id;
}

/* The traps come as charon lists them, the newest first; shunts in the order of the configuration. */
static struct policies find_policies(const struct engine *e)
{
    struct policies p = {0};
    struct trap_view v = {0};
    while (engine_trap_next(e, &v))
        add(&p, &v);
    if (p.n)
        qsort(p.v, p.n, sizeof(*p.v), newest_first);
    v = (struct trap_view){0};
    while (engine_shunt_next(e, &v))
        add(&p, &v);
    return p;
}

void ctl_cmd_list_policies(struct ctl_request *r)
{
    struct kinds k = kinds_of(r->body);
    struct policies p = find_policies(ctl_engine(r));
    char ike[VICI_NAME_MAX + 1], child[VICI_NAME_MAX + 1];
    vici_find_text(r->body, "ike", ike, sizeof(ike));
    vici_find_text(r->body, "child", child, sizeof(child));
    for (size_t i = 0; i < p.n; i++) {
        const struct trap_view *v = &p.v[i];
        bool is_asked = v->mode == MODE_PASS ? k.pass : v->mode > MODE_PASS ? k.drop : k.trap;
        if (!is_asked || (ike[0] && strcmp(v->connection, ike) != 0) ||
            (child[0] && strcmp(v->child, child) != 0))
            continue;
        ctl_write_trap(ctl_event_open_to(r->conn, CTL_LIST_POLICY), v);
        ctl_emit_to(r->conn, CTL_LIST_POLICY);
    }
    free(p.v);
}

void ctl_cmd_get_conns(struct ctl_request *r)
{
    const struct config *c = engine_config(ctl_engine(r));
    vici_list(r->reply, "conns");
    for (size_t i = 0; c && i < c->n_connections; i++)
        vici_item(r->reply, c->connections[i]->name);
    vici_list_end(r->reply);
}
