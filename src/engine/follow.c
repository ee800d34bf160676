/* SPDX-License-Identifier: Apache-2.0 */
/* IKE SAs follow their connection from snapshot to snapshot. One whose connection is still what it was (by
 * ike_hash) is of the new snapshot from then on: its peer gets what is configured now, and the old snapshot
 * is given back. Each of its children that is still configured as it is goes along and notices nothing; the
 * others are deleted, and the IKE SA stays. So does what an exchange brings that was under way meanwhile.
 *
 * An IKE SA that authenticates stays with the snapshot that it was begun with until it is up: what the peer
 * has to prove does not change half-way. */
#include "engine/impl.h"
#include "ike/v2/overlap.h"

/* What conn, of an older snapshot, is now; NULL: removed, or its IKE SAs are to be others. */
static const struct connection *now_of(const struct engine *e, const struct connection *conn)
{
    const struct conn_run *r = conn_run_find(e, conn->name);
    if (!r || r->conn->ike_hash != conn->ike_hash)
        r = conn_run_renamed(e, conn);
    return r ? r->conn : NULL;
}

/* Nothing of its authentication is under way. */
static bool is_settled(const struct ike_sa *sa)
{
    return sa->was_up && sa->own.kind != X_AUTH && sa->peer.kind != X_AUTH;
}

/* What was to be made as it is not configured any more is not made. */
static void move_tasks(const struct engine *e, struct ike_sa *sa)
{
    size_t kept = 0;
    for (size_t i = 0; i < sa->n_tasks; i++) {
        struct task t = sa->tasks[i];
        if (t.cfg) {
            const struct connection *now = now_of(e, child_owner(sa, t.cfg));
            t.cfg = now ? connection_same_child(now, t.cfg) : NULL;
            if (!t.cfg)
                continue;
        }
        sa->tasks[kept++] = t;
    }
    sa->n_tasks = kept;
}

static void move_ike(struct engine *e, struct ike_sa *sa, const struct connection *now)
{
    struct config *old = sa->config;
    move_tasks(e, sa);
    sa->conn = now;
    sa->config = config_ref(e->config);
    sa->ppk.from = NULL; /* its time is over */
    cfg_follow(sa);
    config_unref(old);
}

/* Points into the SA's snapshot from now on what says which child; false: it is not there as it was. */
static bool move_child(const struct engine *e, const struct ike_sa *sa, struct config **config,
                       const struct connection **conn, const struct child_config **cfg)
{
    const struct connection *now = now_of(e, *conn);
    const struct child_config *same = now ? connection_same_child(now, *cfg) : NULL;
    if (!same)
        return false;
    struct config *old = *config;
    *config = config_ref(sa->config);
    *conn = now;
    *cfg = same;
    config_unref(old);
    return true;
}

static void move_exchanges(const struct engine *e, struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; (x = i ? overlap_at(sa, i - 1) : &sa->peer); i++) {
        if (x->child_cfg && x->config != sa->config)
            move_child(e, sa, &x->config, &x->child_conn, &x->child_cfg);
    }
}

static void follow(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    const struct connection *now = now_of(e, sa->conn);
    bool is_renamed = now && strcmp(now->name, sa->conn->name) != 0;
    if (!now || (is_renamed && !sa->was_up)) {
        delete_ike(env, sa, NULL);
    } else if (is_settled(sa)) {
        move_ike(e, sa, now);
        move_exchanges(e, sa);
    }
}

void engine_follow(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    struct child_sa *c;
    bool is_going = sa->is_dead || sa->is_lingering || sa->state == IKE_DELETING;
    if (sa->config != e->config && !is_going)
        follow(env, sa);
    if (sa->config != e->config)
        return;
    list_each(c, &sa->children, link)
    {
        if (c->config == sa->config || c->state == CHILD_DELETING || c->state == CHILD_REKEYED)
            continue;
        if (move_child(e, sa, &c->config, &c->conn, &c->cfg))
            index_child(e, c);
        else
            delete_child(env, c);
    }
}
