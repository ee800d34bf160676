/* SPDX-License-Identifier: Apache-2.0 */
/* Who carries the packets of connections, and of their children: asked of model/plane.h with what is known of
 * this machine. What nobody can carry as it is configured is not begun, and no peer gets it. */
#include "engine/impl.h"

bool planes_of_sa(void *ctx, const struct ike_sa *sa, const struct connection *conn, enum plane *out,
                  struct diag *d)
{
    const struct engine *e = ctx;
    bool is_in_tcp = sa->remote.stream || (sa->was_up && sa->esp.remote.stream);
    return connection_plane(conn, &sa->config->settings, &e->planes, is_in_tcp, out, d);
}

static bool decide(const struct engine *e, const struct config *config, const struct connection *conn,
                   enum plane *out, struct diag *d)
{
    bool can = connection_plane(conn, &config->settings, &e->planes, false, out, d);
    return can || !connection_has_ike(conn); /* it is there for its shunts, which are nobody's packets */
}

void planes_explain(const struct engine *e, const struct conn_run *r, struct diag *d)
{
    enum plane ignored;
    decide(e, r->config, r->conn, &ignored, d);
}

bool planes_settle(struct ike_env *env, struct conn_run *r, bool was_settled)
{
    struct engine *e = engine_of(env);
    struct diag d;
    char line[1024];
    enum plane plane;
    bool is_refused = !decide(e, r->config, r->conn, &plane, &d);
    if (was_settled && is_refused == r->is_refused && plane == r->plane)
        return false;
    e->plane_changes++;
    r->is_refused = is_refused;
    r->plane = plane;
    for (size_t i = 0; i < r->conn->n_children; i++)
        r->children[i].plane = plane;
    if (is_refused)
        conn_log(env, r->conn, GROUP_CFG, LOG_ERR, "%s", diag_format(&d, line, sizeof(line)));
    else if (d.what[0] && connection_has_ike(r->conn))
        conn_log(env, r->conn, GROUP_CFG, LOG_NOTICE, "connection %s is carried in userspace: it needs %s",
                 r->conn->name, d.what);
    else if (was_settled)
        conn_log(env, r->conn, GROUP_CFG, LOG_NOTICE, "connection %s is carried by %s now", r->conn->name,
                 plane == PLANE_KERNEL ? "the kernel" : "userspace");
    if (!is_refused)
        per_cpu_warn(env, r);
    return true;
}

static bool is_carried_so(const struct engine *e, const struct child_sa *c)
{
    enum plane plane;
    struct diag ignored;
    return planes_of_sa((void *)e, c->ike, c->conn, &plane, &ignored) && plane == c->plane;
}

void planes_follow(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    struct child_sa *c;
    struct diag ignored;
    if (sa->plane_seen == e->plane_changes || sa->is_dead || sa->is_lingering || sa->state == IKE_DELETING)
        return;
    sa->plane_seen = e->plane_changes;
    bool is_sure = sa->was_up || sa->was_initiator; /* whose it is */
    if (!ike_sa_set_conn(env, sa, sa->conn, &ignored) && is_sure) {
        sa_log(env, sa, LOG_NOTICE, "it ends: %s", ignored.what);
        delete_ike(env, sa, NULL);
        return;
    }
    list_each(c, &sa->children, link)
    {
        if (c->state != CHILD_INSTALLED && c->state != CHILD_REKEYING)
            continue;
        if (is_carried_so(e, c))
            continue;
        c->is_missed = true;
        sa_log(env, sa, LOG_NOTICE, "child %s ends: another data plane is to carry its packets",
               c->cfg->name);
        delete_child(env, c);
    }
}

/* ---- what the kernel does not take */

#define KERNEL_ANSWERS  TIME_SECOND /* at most, if nobody says that it has (DP_SETTLED) */
#define FAILURES_FORGOT (10 * 60 * TIME_SECOND)

int64_t planes_are_awaited(const struct ike_env *env, const struct connection *conn,
                           const struct child_config *cfg)
{
    const struct child_sa *c;
    list_each(c, index_of_owner(engine_of(env), conn->name), by_owner.link)
    {
        bool is_it = c->holds_policy && c->plane == PLANE_KERNEL && strcmp(c->cfg->name, cfg->name) == 0;
        bool is_answered = engine_of(env)->kernel_answered_at >= c->installed_at;
        if (is_it && !is_answered && env->now.mono - c->installed_at < KERNEL_ANSWERS)
            return c->installed_at + KERNEL_ANSWERS;
    }
    return 0;
}

/* It came up, as far as the peer goes, so that what counts attempts began anew: here they go on. */
static void count_failure(const struct ike_env *env, struct conn_run *r)
{
    if (!r->dataplane_failures || env->now.mono - r->dataplane_failed_at > FAILURES_FORGOT)
        r->dataplane_failures = 0;
    r->attempts = r->dataplane_failures;
    if (r->dataplane_failures < 16)
        r->dataplane_failures++;
    r->dataplane_failed_at = env->now.mono;
}

static void fail_child(struct ike_env *env, struct child_sa *c, const struct diag *d)
{
    struct ike_sa *sa = c->ike;
    const struct child_config *cfg = c->cfg;
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(engine_of(env), sa, cfg, &run);
    bool was_up = c->state == CHILD_INSTALLED || c->state == CHILD_REKEYING;
    const bool is_further = c->per_cpu.is_further;
    engine_touch(engine_of(env), sa);
    sa_log_diag(env, sa, LOG_ERR, d);
    if (c->state != CHILD_DELETING)
        delete_child(env, c);
    if (!was_up)
        return;
    if (is_further) { /* the first one goes on */
        per_cpu_refused(env, sa, cfg);
        return;
    }
    host_child_failed(env, sa, cfg, d);
    if (!r)
        return;
    count_failure(env, r);
    if (run->is_wanted || run->trap)
        conn_schedule_retry(env, r);
}

static void fail_policy(struct ike_env *env, uint64_t id, const char *why)
{
    struct engine *e = engine_of(env);
    struct slot *s = slot_of_policy(e, id);
    struct child_sa *c = s ? slot_child(e, s) : NULL;
    const uint32_t reqid = s ? s->reqid : 0;
    struct diag d;
    host_alert(env, c ? c->ike : NULL, ALERT_INSTALL_POLICY_FAILED);
    if (!c)
        trap_refused(env, id, why);
    for (; c; c = (s = slot_find(e, reqid)) && s->policy_id == id ? slot_child(e, s) : NULL) {
        diag_clear(&d);
        diag_set(&d, FAIL_GENERIC, "the policies of child %s cannot be installed: %s", c->cfg->name, why);
        fail_child(env, c, &d);
    }
}

void planes_failed(struct ike_env *env, const struct dataplane_event *ev)
{
    struct child_sa *c = engine_child_by_id(engine_of(env), ev->child_id);
    const char *why = ev->why ? ev->why : "the data plane does not say why";
    struct diag d;
    if (!ev->child_id) {
        fail_policy(env, ev->policy_id, why);
        return;
    }
    if (!c || c->is_gone)
        return;
    host_alert(env, c->ike, ALERT_INSTALL_SA_FAILED);
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "child %s cannot be installed: %s", c->cfg->name, why);
    fail_child(env, c, &d);
}

/* ---- records */

struct carrier planes_carrier(const struct child_sa *c)
{
    return (struct carrier){.plane = c->plane,
                            .local = c->ike->esp.local.ip,
                            .remote = c->ike->esp.remote.ip,
                            .mode = c->mode,
                            .is_ah = c->chosen.protocol == PROTO_AH,
                            .has_ipcomp = c->cpi_in && c->cpi_out};
}

void planes_fill(struct esp_policy *p, const struct carrier *by, const struct child_config *cfg)
{
    p->plane = by->plane;
    p->wants_whole = by->plane == PLANE_USER && by->mode != MODE_TUNNEL;
    if (by->plane != PLANE_KERNEL)
        return;
    p->local = by->local;
    p->remote = by->remote;
    p->mode = by->mode;
    p->is_ah = by->is_ah;
    p->has_ipcomp = by->has_ipcomp;
    p->kernel = kernel_numbers(&cfg->kernel, p->reqid);
}

bool planes_carry_alike(const struct carrier *a, const struct carrier *b)
{
    if (a->plane != PLANE_KERNEL || b->plane != PLANE_KERNEL)
        return a->plane == b->plane;
    return ip_equal(a->local, b->local) && ip_equal(a->remote, b->remote) && a->mode == b->mode &&
           a->is_ah == b->is_ah && a->has_ipcomp == b->has_ipcomp;
}
