/* SPDX-License-Identifier: Apache-2.0 */
/* Further SAs for processors (RFC 9611): when one is asked for, and when no longer. A processor that sends
 * through a child whose peer takes part, and has no SA of its own, is told of by the kernel; the first SA
 * serves it until it has one. What is made how is in ike/v2/per_cpu.c. */
#include "ike/v2/per_cpu.h"
#include "engine/impl.h"

#define YOUNG (5 * TIME_SECOND) /* the kernel may have asked before the SA was there */

bool per_cpu_asks(const struct engine *e, const struct child_sa *c)
{
    const struct child_sa *first = per_cpu_first(c->ike, c->cfg);
    return e->planes.n_cpus && c->plane == PLANE_KERNEL && first && !first->per_cpu.is_full;
}

/* The kernel asks again when the next packet comes. */
static void release(struct ike_env *env, uint64_t policy_id)
{
    outbox_add(env->out, ACTION_TRAP_FAILED)->id = policy_id;
}

/* Of a processor that has one: the kernel prefers what was added last, and the first one may be that. */
static void ask_for_newer(struct ike_env *env, struct child_sa *c, uint64_t policy_id)
{
    if (!c->has_out || c->state == CHILD_REKEYING) /* it comes */
        return;
    if (env->now.mono - c->installed_at < YOUNG)
        release(env, policy_id);
    else
        ike_sa_queue(c->ike, (struct task){.kind = X_REKEY_CHILD, .child_id = c->id});
}

void per_cpu_acquire(struct ike_env *env, const struct dataplane_event *ev)
{
    struct engine *e = engine_of(env);
    const struct slot *s = slot_of_policy(e, ev->policy_id);
    const struct child_sa *holder = s ? slot_child(e, s) : NULL;
    struct child_sa *first = holder ? per_cpu_first(holder->ike, holder->cfg) : NULL;
    if (!first || e->is_shut_down)
        return;
    struct ike_sa *sa = first->ike;
    struct child_sa *has = per_cpu_find(sa, first->cfg, ev->cpu);
    engine_touch(e, sa);
    if (has) {
        ask_for_newer(env, has, ev->policy_id);
        return;
    }
    sa_log_in(env, sa, GROUP_KNL, LOG_DETAIL, "child %s: CPU %u sends and has no SA of its own",
              first->cfg->name, ev->cpu.number);
    if (!ike_sa_queue(sa, (struct task){.kind = X_NEW_CHILD, .cfg = first->cfg, .cpu = ev->cpu}))
        release(env, ev->policy_id);
}

void per_cpu_refused(struct ike_env *env, struct ike_sa *sa, const struct child_config *cfg)
{
    struct child_sa *first = per_cpu_first(sa, cfg);
    if (!first)
        return;
    sa_log(env, sa, LOG_NOTICE,
           "child %s: no further SAs for processors are asked for before the first one is rekeyed",
           cfg->name);
    first->per_cpu.is_full = true;
    slot_follow(env, first);
}

void per_cpu_warn(struct ike_env *env, const struct conn_run *r)
{
    const bool is_user = r->plane == PLANE_USER;
    for (size_t i = 0; i < r->conn->n_children; i++) {
        const struct child_config *cfg = &r->conn->children[i];
        if (!cfg->per_cpu || (!is_user && engine_of(env)->planes.n_cpus))
            continue;
        conn_log(env, r->conn, GROUP_CFG, LOG_NOTICE,
                 "child %s: one SA serves all processors, beside those that the peer makes: %s (per_cpu_sas)",
                 cfg->name,
                 is_user ? "userspace carries it, and the kernel alone binds SAs to processors"
                         : "this kernel does not bind SAs to processors; Linux 6.13 does");
    }
}
