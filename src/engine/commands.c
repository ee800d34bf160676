/* SPDX-License-Identifier: Apache-2.0 */
/* Commands: what they name, what they start, and when they are over. A command ends with exactly one
 * EVENT_COMMAND_DONE. */
#include "engine/impl.h"
#include "ike/v2/redirect.h"
#include <stdlib.h>

static void waiter_free(struct waiter *w)
{
    list_remove(&w->link);
    free(w->connection);
    for (size_t i = 0; i < w->n_needs; i++)
        free(w->needs[i]);
    free(w->needs);
    free(w->items);
    free(w);
}

void commands_free(struct engine *e)
{
    struct waiter *w;
    list_each(w, &e->waiters, link) waiter_free(w);
}

static struct waiter *waiter_new(struct engine *e, const struct command *c)
{
    struct waiter *w = mem_new(sizeof(*w));
    w->command = *c;
    w->command.connection = w->command.child = w->command.peer_id = w->command.gateway.name =
        NULL; /* valid during the call only */
    list_append(&e->waiters, &w->link);
    return w;
}

static void add_item(struct waiter *w, enum waiter_item_kind kind, uint64_t id)
{
    void *v = realloc(w->items, (w->n_items + 1) * sizeof(*w->items));
    if (!v)
        abort();
    w->items = v;
    w->items[w->n_items].kind = kind;
    w->items[w->n_items++].id = id;
    w->matches++;
}

static void set_connection(struct waiter *w, const struct connection *conn)
{
    free(w->connection);
    w->connection = strdup(conn->name);
}

uint64_t command_waiting_for(const struct engine *e, const struct connection *conn)
{
    const struct waiter *w;
    list_each(w, &e->waiters, link)
    {
        if (!w->is_over && w->connection && strcmp(w->connection, conn->name) == 0)
            return w->command.id;
    }
    return 0;
}

/* ---- initiate */

static struct conn_run *named(const struct engine *e, const struct command *c)
{
    struct conn_run *r;
    if (c->connection)
        return conn_run_find(e, c->connection);
    list_each(r, &e->conns, link)
    {
        if (c->child && (connection_child(r->conn, c->child) || connection_shunt(r->conn, c->child)))
            return r;
    }
    return NULL;
}

/* In force at once, or not any more. */
static void shunt(struct ike_env *env, struct waiter *w, const struct command *c, struct conn_run *r)
{
    for (size_t i = 0; i < r->conn->n_shunts; i++) {
        if (c->child && strcmp(r->conn->shunts[i].name, c->child) != 0)
            continue;
        if (c->kind == COMMAND_UNTRAP)
            w->matches += r->shunts[i].id != 0;
        else
            w->matches += shunt_set(env, r, i, &w->diag);
        if (c->kind == COMMAND_UNTRAP)
            shunt_clear(env, r, i);
    }
}

static void initiate(struct ike_env *env, struct waiter *w, const struct command *c)
{
    struct engine *e = engine_of(env);
    struct conn_run *hit = named(e, c);
    if (!hit)
        return;
    set_connection(w, hit->conn);
    shunt(env, w, c, hit);
    if (diag_failed(&w->diag)) {
        w->is_over = true;
        return;
    }
    w->needs = mem_new((hit->conn->n_children + 1) * sizeof(*w->needs));
    for (size_t i = 0; i < hit->conn->n_children; i++) {
        if (c->child && strcmp(hit->conn->children[i].name, c->child) != 0)
            continue;
        w->needs[w->n_needs++] = strdup(hit->conn->children[i].name);
        w->matches++;
        if (conn_child_is_up(e, hit->conn, &hit->conn->children[i]))
            continue;
        hit->children[i].is_wanted = true;
    }
    if (!w->matches)
        return;
    hit->attempts = 0;
    heap_remove(&e->conn_timers, &hit->timer);
    conn_schedule(e, hit, env->now.mono);
}

/* ---- traps: done at once */

static void trap(struct ike_env *env, struct waiter *w, const struct command *c)
{
    struct conn_run *r = named(engine_of(env), c);
    if (!r)
        return;
    set_connection(w, r->conn);
    shunt(env, w, c, r);
    for (size_t i = 0; i < r->conn->n_children; i++) {
        if (c->child && strcmp(r->conn->children[i].name, c->child) != 0)
            continue;
        if (c->kind == COMMAND_TRAP)
            w->matches += trap_set(env, r, i, &w->diag);
        else
            w->matches += r->children[i].trap != NULL;
        if (c->kind == COMMAND_UNTRAP)
            trap_clear(env, r, i);
    }
    w->is_over = true;
}

/* ---- terminate, rekey */

static bool names_ike(const struct command *c, const struct ike_sa *sa)
{
    if (sa->is_dead || sa->is_lingering)
        return false;
    if (c->ike_id && c->ike_id != sa->id)
        return false;
    if (c->connection && strcmp(c->connection, sa->conn->name) != 0)
        return false;
    return c->ike_id || c->connection || c->child || c->child_id;
}

static bool names_child(const struct command *c, const struct child_sa *child)
{
    if (child->state == CHILD_DELETING || child->state == CHILD_CREATED)
        return false;
    if (c->child_id && c->child_id != child->id)
        return false;
    return !c->child || strcmp(c->child, child->cfg->name) == 0;
}

static void stop_wanting(struct ike_env *env, const struct connection *conn, const char *child)
{
    struct conn_run *r = conn_run_find(engine_of(env), conn->name);
    for (size_t i = 0; r && i < r->conn->n_children; i++) {
        if (child && strcmp(r->conn->children[i].name, child) != 0)
            continue;
        r->children[i].is_wanted = false;
        trap_failed(env, &r->children[i]);
    }
}

static void terminate_ike(struct ike_env *env, struct waiter *w, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    stop_wanting(env, sa->conn, NULL);
    set_connection(w, sa->conn);
    add_item(w, WAIT_IKE, sa->id);
    engine_touch(e, sa);
    delete_ike(env, sa, NULL);
    if (w->command.is_forced) {
        ike_sa_advance(env, sa); /* the Delete is sent once */
        ike_sa_end(env, sa, NULL);
    }
}

static void rekey_ike(struct ike_env *env, struct waiter *w, struct ike_sa *sa)
{
    if (!ike_sa_is_up(sa))
        return;
    set_connection(w, sa->conn);
    add_item(w, WAIT_IKE, sa->id);
    engine_touch(engine_of(env), sa);
    if (w->command.reauthenticates)
        sa->reauth_at = env->now.mono;
    else
        ike_sa_queue(sa, (struct task){.kind = X_REKEY_IKE});
}

static bool is_at(const struct command *c, const struct ike_sa *sa)
{
    struct ip ip = sa->remote.ip;
    return !c->peer_from.family ||
           (c->peer_from.family == ip.family && ip_cmp(c->peer_from, ip) <= 0 && ip_cmp(ip, c->peer_to) <= 0);
}

/* Those who said that they follow, and are up; they then go when they want to. */
static void redirect(struct ike_env *env, struct waiter *w, const struct command *c)
{
    struct engine *e = engine_of(env);
    struct ike_sa *sa;
    struct identity who = {0};
    const char *why = NULL;
    if (c->peer_id && !identity_parse(env->out->arena, c->peer_id, &who, &why))
        return;
    list_each(sa, &e->sas, link)
    {
        if ((c->ike_id && c->ike_id != sa->id) ||
            (c->connection && strcmp(c->connection, sa->conn->name) != 0) || !is_at(c, sa) ||
            (c->peer_id && !identity_match(&sa->remote_id, &who)) || !redirect_send(sa, &c->gateway))
            continue;
        w->matches++;
        engine_touch(e, sa);
    }
    w->is_over = true;
}

/* owner NULL: whoever's they are. */
static void each_child(struct ike_env *env, struct waiter *w, const struct command *cmd, struct ike_sa *sa,
                       const char *owner)
{
    struct engine *e = engine_of(env);
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        const struct connection *conn = c->conn;
        if (!names_child(cmd, c) || (owner && strcmp(owner, conn->name) != 0))
            continue;
        set_connection(w, conn);
        engine_touch(e, sa);
        if (cmd->kind == COMMAND_TERMINATE) {
            stop_wanting(env, conn, c->cfg->name);
            add_item(w, WAIT_CHILD, c->id);
            delete_child(env, c);
        } else if (c->state == CHILD_INSTALLED || c->state == CHILD_REKEYING) {
            add_item(w, WAIT_CHILD, c->id);
            if (c->state == CHILD_INSTALLED)
                ike_sa_queue(sa, (struct task){.kind = X_REKEY_CHILD, .child_id = c->id});
        }
    }
}

static void on_sas(struct ike_env *env, struct waiter *w, const struct command *cmd)
{
    struct engine *e = engine_of(env);
    struct ike_sa *sa;
    list_each(sa, &e->sas, link)
    {
        bool is_guest_sought = cmd->connection && !cmd->ike_id && !sa->is_dead && !sa->is_lingering;
        if (names_ike(cmd, sa) && (cmd->child || cmd->child_id))
            each_child(env, w, cmd, sa, NULL);
        else if (!names_ike(cmd, sa) && is_guest_sought) /* made by the peer in another's IKE SA */
            each_child(env, w, cmd, sa, cmd->connection);
        else if (!names_ike(cmd, sa))
            continue;
        else if (cmd->kind == COMMAND_TERMINATE)
            terminate_ike(env, w, sa);
        else
            rekey_ike(env, w, sa);
    }
    /* a connection that waits for its next attempt has no SA, and `down` ends that, too */
    struct conn_run *r = cmd->connection ? conn_run_find(e, cmd->connection) : NULL;
    if (r && cmd->kind == COMMAND_TERMINATE) {
        bool was_wanted = false;
        for (size_t i = 0; i < r->conn->n_children; i++)
            was_wanted |= r->children[i].is_wanted;
        stop_wanting(env, r->conn, cmd->child);
        w->matches += was_wanted && !w->matches;
    }
}

static void not_found(struct diag *d, const struct command *c)
{
    const char *what = c->child ? c->child : c->connection ? c->connection : "that id";
    if (c->kind == COMMAND_INITIATE || c->kind == COMMAND_TRAP)
        diag_set(d, FAIL_NOT_FOUND, "no connection or child named %s is loaded", what);
    else if (c->kind == COMMAND_UNTRAP)
        diag_set(d, FAIL_NOT_FOUND, "no trap is set for %s", what);
    else if (c->kind == COMMAND_REDIRECT)
        diag_set(d, FAIL_NOT_FOUND, "no client that is up, and follows redirects, matches");
    else
        diag_set(d, FAIL_NOT_FOUND, "nothing that is up matches %s", what);
}

void command_run(struct ike_env *env, const struct command *c)
{
    struct waiter *w = waiter_new(engine_of(env), c);
    if (c->kind == COMMAND_INITIATE)
        initiate(env, w, c);
    else if (c->kind == COMMAND_TRAP || c->kind == COMMAND_UNTRAP)
        trap(env, w, c);
    else if (c->kind == COMMAND_REDIRECT)
        redirect(env, w, c);
    else if (c->kind == COMMAND_RESET_COUNTERS)
        w->matches = w->is_over = counters_reset(engine_of(env), c);
    else
        on_sas(env, w, c);
    if (w->matches || diag_failed(&w->diag))
        return;
    not_found(&w->diag, c);
    w->is_over = true;
}

/* ---- the end */

static bool needs(const struct waiter *w, const char *child)
{
    for (size_t i = 0; i < w->n_needs; i++) {
        if (strcmp(w->needs[i], child) == 0)
            return true;
    }
    return false;
}

void command_failed(struct ike_env *env, const struct connection *conn, const struct child_config *cfg,
                    const struct diag *why)
{
    struct waiter *w;
    list_each(w, &engine_of(env)->waiters, link)
    {
        if (w->is_over || w->command.kind != COMMAND_INITIATE || strcmp(w->connection, conn->name) != 0)
            continue;
        if (cfg && !needs(w, cfg->name))
            continue;
        w->diag = *why;
        w->is_over = true;
    }
}

void command_renamed(struct engine *e, const char *was, const char *is)
{
    struct waiter *w;
    list_each(w, &e->waiters, link)
    {
        if (!w->connection || strcmp(w->connection, was) != 0)
            continue;
        free(w->connection);
        w->connection = strdup(is);
    }
}

void command_rekey_failed(struct ike_env *env, enum waiter_item_kind kind, uint64_t id,
                          const struct diag *why)
{
    struct waiter *w;
    list_each(w, &engine_of(env)->waiters, link)
    {
        for (size_t i = 0; !w->is_over && w->command.kind == COMMAND_REKEY && i < w->n_items; i++) {
            if (w->items[i].kind != kind || w->items[i].id != id)
                continue;
            w->diag = *why;
            w->is_over = true;
        }
    }
}

static bool initiated(const struct ike_env *env, struct waiter *w)
{
    struct engine *e = engine_of(env);
    struct conn_run *r = conn_run_find(e, w->connection);
    if (!r) {
        diag_set(&w->diag, FAIL_NOT_FOUND, "connection %s was removed meanwhile", w->connection);
        return true;
    }
    for (size_t i = 0; i < w->n_needs; i++) { /* one that has changed has failed: see reload.c */
        const struct child_config *cfg = connection_child(r->conn, w->needs[i]);
        if (cfg && (!conn_child_is_up(e, r->conn, cfg) || updown_is_awaited(e, r->conn, cfg)))
            return false;
        int64_t until = cfg ? planes_are_awaited(env, r->conn, cfg) : 0;
        if (until) {
            e->look_at = time_min(e->look_at, until);
            return false;
        }
    }
    return true;
}

static bool item_over(const struct engine *e, const struct waiter *w, size_t i)
{
    bool is_rekey = w->command.kind == COMMAND_REKEY;
    if (w->items[i].kind == WAIT_IKE) {
        const struct ike_sa *sa = engine_sa_by_id(e, w->items[i].id);
        return !sa || sa->is_dead || sa->is_lingering || (is_rekey && sa->state == IKE_REKEYED);
    }
    const struct child_sa *c = engine_child_by_id(e, w->items[i].id);
    return !c || c->is_gone || (is_rekey && c->state != CHILD_INSTALLED && c->state != CHILD_REKEYING);
}

static bool is_over(const struct ike_env *env, struct waiter *w)
{
    const struct engine *e = engine_of(env);
    if (w->is_over)
        return true;
    if (w->command.kind == COMMAND_INITIATE)
        return initiated(env, w);
    for (size_t i = 0; i < w->n_items; i++) {
        if (!item_over(e, w, i))
            return false;
    }
    return true;
}

void command_check(struct ike_env *env)
{
    struct engine *e = engine_of(env);
    struct waiter *w;
    e->look_at = TIME_NEVER;
    list_each(w, &e->waiters, link)
    {
        if (!is_over(env, w))
            continue;
        struct event *ev = &outbox_add(env->out, ACTION_EVENT)->event;
        ev->kind = EVENT_COMMAND_DONE;
        ev->command_id = w->command.id;
        ev->connection = w->connection ? arena_strdup(env->out->arena, w->connection) : NULL;
        ev->matches = w->matches;
        ev->diag = w->diag;
        waiter_free(w);
    }
}
