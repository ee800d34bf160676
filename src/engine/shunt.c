/* SPDX-License-Identifier: Apache-2.0 */
/* Shunts: packets that go past all tunnels, and packets that go nowhere (BYPASS and DISCARD, RFC 4301 section
 * 4.4.1). Nothing is negotiated about them: they become records for the routing of the machine, from when
 * the connection is loaded (start_action = trap) or a command asks for them until the one goes or another
 * command takes them back.
 *
 * What passes comes before all tunnels, what is dropped after them, as strongSwan has it; in Libreswan's
 * dialect the closer policy counts, so that one that holds a tunnel's networks as a part of its own comes
 * after the tunnels. A shunt that cannot be a record as it is meant is none at all, and that is said. */
#include "engine/impl.h"
#include "net/packet.h"
#include <stdlib.h>

#define PREFIXES_MAX 128
#define RULES_MAX    256

struct rules {
    struct shunt v[RULES_MAX];
    size_t n;
};

/* Ports as a rule can name them: 0 and 65535 cannot be in a range, and what is left out of it stays in a
 * tunnel. False: not at all. */
static bool ports_of(const struct ts *t, uint8_t proto, uint16_t *from, uint16_t *to)
{
    *from = *to = 0;
    if (t->port_from == 0 && t->port_to == UINT16_MAX)
        return true;
    if ((proto != NH_TCP && proto != NH_UDP) || t->port_from > t->port_to || !t->port_to)
        return false;
    *from = t->port_from ? t->port_from : 1;
    *to = t->port_to < UINT16_MAX ? t->port_to : UINT16_MAX - 1;
    return *from <= *to;
}

static const char *flow_of(const struct ts *local, const struct ts *remote, struct route_flow *f)
{
    *f = (struct route_flow){.proto = local->proto ? local->proto : remote->proto};
    if (local->proto && remote->proto && local->proto != remote->proto)
        return "its protocols contradict each other";
    if (!ports_of(local, f->proto, &f->sport_from, &f->sport_to) ||
        !ports_of(remote, f->proto, &f->dport_from, &f->dport_to))
        return "no routing rule can name its ports (ranges of TCP and UDP alone)";
    return NULL;
}

/* Of one family; dynamic ones are any address, as nobody is there whose address it could be. */
static size_t prefixes_of(const struct ts *t, uint8_t family, struct prefix v[PREFIXES_MAX])
{
    if (t->is_dynamic) {
        v[0] = (struct prefix){.ip = {.family = family}};
        return 1;
    }
    return t->from.family == family ? ts_to_prefixes(t, v, PREFIXES_MAX) : 0;
}

/* NULL, or why there are none. */
static const char *add_pair(struct rules *r, const struct ts *local, const struct ts *remote)
{
    struct prefix from[PREFIXES_MAX], to[PREFIXES_MAX];
    struct route_flow flow;
    const char *why = flow_of(local, remote, &flow);
    for (uint8_t family = 4; !why && family <= 6; family += 2) {
        size_t n_from = prefixes_of(local, family, from), n_to = prefixes_of(remote, family, to);
        if (r->n + n_from * n_to > RULES_MAX)
            return "it would be more than 256 routing rules";
        for (size_t i = 0; i < n_from * n_to; i++)
            r->v[r->n++] = (struct shunt){.local = from[i / n_to], .remote = to[i % n_to], .flow = flow};
    }
    return why;
}

static const char *rules_of(const struct child_config *cfg, struct rules *r)
{
    const char *why = NULL;
    for (size_t i = 0; !why && i < cfg->n_local_ts * cfg->n_remote_ts; i++)
        why = add_pair(r, &cfg->local_ts[i / cfg->n_remote_ts], &cfg->remote_ts[i % cfg->n_remote_ts]);
    return why || r->n ? why : "its selectors hold no packet";
}

/* Does a tunnel have networks that are a part of the shunt's? */
static bool holds_tunnel(const struct config *config, const struct child_config *cfg)
{
    for (size_t i = 0; i < config->n_connections; i++) {
        const struct connection *c = config->connections[i];
        for (size_t k = 0; k < c->n_children; k++) {
            for (size_t m = 0; m < c->children[k].n_remote_ts * cfg->n_remote_ts; m++) {
                const struct ts *theirs = &c->children[k].remote_ts[m / cfg->n_remote_ts],
                                *ours = &cfg->remote_ts[m % cfg->n_remote_ts];
                if (!theirs->is_dynamic && (ours->is_dynamic || ts_contains(ours, theirs)) &&
                    !ts_equal(ours, theirs))
                    return true;
            }
        }
    }
    return false;
}

static bool comes_last(const struct config *config, const struct connection *conn,
                       const struct child_config *cfg)
{
    if (strcmp(conn->dialect, "ipsec.conf/libreswan") == 0)
        return holds_tunnel(config, cfg);
    return cfg->mode != MODE_PASS;
}

bool shunt_set(struct ike_env *env, struct conn_run *r, size_t i, struct diag *why)
{
    struct engine *e = engine_of(env);
    const struct child_config *cfg = &r->conn->shunts[i];
    struct shunt_run *run = &r->shunts[i];
    bool is_last = comes_last(r->config, r->conn, cfg);
    if (run->id && run->is_last == is_last)
        return true;
    struct rules *rules = arena_alloc(env->out->arena, sizeof(*rules));
    rules->n = 0;
    const char *lacks = rules_of(cfg, rules);
    if (lacks) {
        conn_log(env, r->conn, GROUP_KNL, LOG_WARN, "policy %s is not in force: %s", cfg->name, lacks);
        if (why)
            diag_set(why, FAIL_GENERIC, "policy %s cannot be in force: %s", cfg->name, lacks);
        return false;
    }
    uint64_t old = run->id;
    *run = (struct shunt_run){.id = ++e->next_id, .is_last = is_last};
    for (size_t k = 0; k < rules->n; k++) {
        rules->v[k].id = run->id;
        rules->v[k].mode = cfg->mode;
        rules->v[k].is_last = is_last;
        outbox_add(env->out, ACTION_SHUNT_ADD)->shunt = &rules->v[k];
    }
    if (old) /* the new ones first: no gap */
        outbox_add(env->out, ACTION_SHUNT_DEL)->id = old;
    return true;
}

void shunt_clear(struct ike_env *env, struct conn_run *r, size_t i)
{
    if (r->shunts[i].id)
        outbox_add(env->out, ACTION_SHUNT_DEL)->id = r->shunts[i].id;
    r->shunts[i] = (struct shunt_run){0};
}

void shunts_clear(struct ike_env *env, struct conn_run *r)
{
    for (size_t i = 0; i < r->conn->n_shunts; i++)
        shunt_clear(env, r, i);
}

void shunts_load(struct ike_env *env, struct conn_run *r)
{
    for (size_t i = 0; i < r->conn->n_shunts; i++) {
        if (r->conn->shunts[i].start_action != START_NONE || r->shunts[i].id)
            shunt_set(env, r, i, NULL);
    }
}

bool engine_shunt_next(const struct engine *e, struct trap_view *v)
{
    const struct conn_run *r = v->connection ? conn_run_find(e, v->connection) : NULL;
    const struct list *at = r ? &r->link : e->conns.next;
    size_t i = r ? v->index + 1 : 0;
    for (; at != &e->conns; at = at->next, i = 0) {
        r = container_of(at, struct conn_run, link);
        for (; i < r->conn->n_shunts; i++) {
            const struct child_config *cfg = &r->conn->shunts[i];
            if (!r->shunts[i].id)
                continue;
            *v = (struct trap_view){.connection = r->conn->name,
                                    .child = cfg->name,
                                    .mode = cfg->mode,
                                    .index = i,
                                    .local_ts = cfg->local_ts,
                                    .remote_ts = cfg->remote_ts,
                                    .n_local_ts = cfg->n_local_ts,
                                    .n_remote_ts = cfg->n_remote_ts};
            return true;
        }
    }
    return false;
}
