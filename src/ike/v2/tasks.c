/* SPDX-License-Identifier: Apache-2.0 */
/* Our exchanges that wait for their turn (RFC 7296 sections 2.3, 2.25): the most urgent first, as many at
 * once as overlap.c has room for, and none while what it is about is being replaced by the peer. */
#include "ike/v2/create_child.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/followup.h"
#include "ike/v2/overlap.h"

bool ike_sa_has_task(const struct ike_sa *sa, enum exchange_kind kind, uint64_t child_id)
{
    if (sa->own.kind == kind && (!child_id || sa->own.old_child == child_id))
        return true;
    if (kind == X_NEW_CHILD && overlap_is_busy(sa))
        return true;
    for (size_t i = 0; i < sa->n_tasks; i++) {
        if (sa->tasks[i].kind == kind && sa->tasks[i].child_id == child_id)
            return true;
    }
    return false;
}

static bool queued(const struct ike_sa *sa, const struct task *t)
{
    for (size_t i = 0; i < sa->n_tasks; i++) {
        const struct task *o = &sa->tasks[i];
        if (o->kind == t->kind && o->child_id == t->child_id && o->cfg == t->cfg &&
            o->cpu.is_set == t->cpu.is_set && o->cpu.number == t->cpu.number)
            return true;
    }
    return false;
}

bool ike_sa_is_full(const struct ike_sa *sa)
{
    return sa->n_tasks == IKE_TASKS_MAX;
}

bool ike_sa_queue(struct ike_sa *sa, struct task t)
{
    if (ike_sa_is_full(sa) || sa->is_lingering || queued(sa, &t))
        return false;
    if (t.cfg && !child_is_configured(sa, t.cfg)) /* any more */
        return false;
    sa->tasks[sa->n_tasks++] = t;
    return true;
}

/* While the peer is replacing the IKE SA its children are about to move [RFC7296#2.25.2]; while it is
 * replacing a child, or making one, that is waited for; while two replacements contend the children are with
 * neither. */
static bool is_held_back(const struct ike_sa *sa, const struct task *t)
{
    bool is_child = t->kind == X_NEW_CHILD || t->kind == X_REKEY_CHILD || t->kind == X_DELETE_CHILD;
    bool is_late = sa->is_contested && t->kind != X_DELETE_IKE && t->kind != X_LIVENESS;
    bool moves = rekey_ike_by_peer(sa);
    return is_late || !(exchange_own(t->kind)->states >> sa->state & 1) || (is_child && moves) ||
           (t->kind == X_REKEY_CHILD && rekey_child_by_peer(sa, t->child_id)) ||
           (t->kind == X_REKEY_IKE && (moves || followup_waits_any(sa)));
}

static int64_t not_before(const struct ike_sa *sa, const struct task *t)
{
    bool is_of_child = t->kind == X_REKEY_CHILD || t->kind == X_DELETE_CHILD;
    const struct child_sa *c = is_of_child ? child_find(sa, t->child_id) : NULL;
    int64_t unsure = c ? child_is_unsure(c) : 0;
    return unsure > t->not_before ? unsure : t->not_before;
}

static bool may_start(const struct ike_sa *sa, const struct task *t, int64_t now)
{
    return not_before(sa, t) <= now && !is_held_back(sa, t) && overlap_has_place(sa, t->kind);
}

void ike_sa_advance(struct ike_env *env, struct ike_sa *sa)
{
    overlap_release(env, sa);
    overlap_send_parked(env, sa);
    while (!sa->is_dead && !sa->is_lingering) {
        size_t best = sa->n_tasks;
        for (size_t i = 0; i < sa->n_tasks; i++) {
            if (may_start(sa, &sa->tasks[i], env->now.mono) &&
                (best == sa->n_tasks ||
                 exchange_own(sa->tasks[i].kind)->priority < exchange_own(sa->tasks[best].kind)->priority))
                best = i;
        }
        if (best == sa->n_tasks)
            return;
        struct task t = sa->tasks[best];
        sa->n_tasks--;
        memmove(&sa->tasks[best], &sa->tasks[best + 1], (sa->n_tasks - best) * sizeof(t));
        exchange_own(t.kind)->start(env, sa, &t);
    }
}

int64_t tasks_deadline(const struct ike_sa *sa)
{
    int64_t at = TIME_NEVER;
    if (sa->is_lingering)
        return at;
    for (size_t i = 0; i < sa->n_tasks; i++) {
        if (!is_held_back(sa, &sa->tasks[i]) && overlap_has_place(sa, sa->tasks[i].kind))
            at = time_min(at, not_before(sa, &sa->tasks[i]));
    }
    return at;
}
