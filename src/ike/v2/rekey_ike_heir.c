/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an IKE SA that is replaced, and of what replaces it: see rekey_ike_heir.h. */
#include "ike/v2/rekey_ike_heir.h"
#include "ike/v2/child.h"
#include "ike/v2/count.h"
#include "ike/v2/followup.h"
#include "ike/v2/path.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"

#define UNUSED_FOR (60 * TIME_SECOND) /* more than the usual repetitions are apart */

struct ike_sa *rekey_ike_new_heir(struct ike_env *env, struct ike_sa *sa, const struct exchange *x,
                                  struct ike_keys *keys)
{
    struct ike_env same = *env;
    same.config = sa->config; /* conn points into it */
    struct ike_sa *n = ike_sa_new(&same, sa->conn, x->is_own);
    n->was_initiator = sa->was_initiator;
    n->spi_i = x->new_spi_i;
    n->spi_r = x->new_spi_r;
    n->local = sa->local;
    n->remote = sa->remote;
    n->has_marker = sa->has_marker;
    n->does_natt = sa->does_natt;
    n->avoids_udp = sa->avoids_udp;
    n->has_nat_local = sa->has_nat_local;
    n->has_nat_remote = sa->has_nat_remote;
    n->has_fake_nat = sa->has_fake_nat;
    n->mobike = sa->mobike;
    n->mobike.has_nat_seen = false; /* hashed with the old SPIs */
    n->has_fragmentation = sa->has_fragmentation;
    n->takes_redirect = sa->takes_redirect;
    n->msgid_sync.is_on = sa->msgid_sync.is_on;
    n->msgid_sync.has_counters = sa->msgid_sync.has_counters;
    n->redirected_from = sa->redirected_from;
    n->came_from = sa->came_from;
    n->peer_hashes = sa->peer_hashes;
    n->has_certreq = sa->has_certreq;
    n->local_id = identity_dup(n->arena, &sa->local_id);
    n->remote_id = identity_dup(n->arena, &sa->remote_id);
    n->ppk.is_used = sa->ppk.is_used; /* through SK_d */
    n->is_peer_unproven = sa->is_peer_unproven;
    n->reauth_at = sa->reauth_at;
    n->auth_ends_at = sa->auth_ends_at;
    n->duplicate_at = sa->duplicate_at;
    n->replaces = sa->id;
    if (!ike_sa_set_keys(n, keys, &x->chosen)) {
        ike_sa_free(n);
        return NULL;
    }
    cfg_inherit(env, n, sa);
    env->host->adopt(env, n);
    ike_sa_established(env, n, sa->id);
    n->esp = sa->esp;
    n->mobike.target = sa->mobike.target;
    resume_ask(n); /* the old SA's ticket goes with it [RFC5723#6.2] */
    return n;
}

/* An SA that has been replaced only waits for its Delete, and not for ever. But a peer that has not heard our
 * answer repeats its request here, and knows of no other SA. */
void rekey_ike_retire(struct ike_env *env, struct ike_sa *sa, const struct ike_sa *heir)
{
    bool is_unsure = heir && heir->is_unsure && heir->replaces == sa->id;
    sa->state = IKE_REKEYED;
    sa->replaced_by = heir ? heir->id : 0;
    followup_drop_all(sa);
    sa->give_up_at = env->now.mono + (is_unsure ? IKE_UNSURE : IKE_REPLACED);
}

/* What sa has replaced, as long as it is unsure whether the peer knows. */
static struct ike_sa *unsure_old(struct ike_env *env, const struct ike_sa *sa)
{
    struct ike_sa *old = sa->is_unsure && sa->replaces ? env->host->find(env->ctx, sa->replaces) : NULL;
    return old && !old->is_dead && old->state == IKE_REKEYED && old->replaced_by == sa->id ? old : NULL;
}

void rekey_ike_heard(struct ike_env *env, struct ike_sa *sa)
{
    struct ike_sa *old = unsure_old(env, sa);
    if (sa->is_unsure && sa->dpd_at != TIME_NEVER)
        sa->dpd_at = env->now.mono + sa->conn->dpd_delay;
    sa->is_unsure = false;
    if (old)
        old->give_up_at = time_min(old->give_up_at, env->now.mono + IKE_REPLACED);
}

/* As long as our response may be lost the peer does not have the new SA, and would seem dead there; it asks
 * again in the old one. */
void rekey_ike_await_use(const struct ike_env *env, struct ike_sa *sa)
{
    int64_t at = env->now.mono + UNUSED_FOR;
    sa->last_in = env->now.mono;
    if (sa->dpd_at != TIME_NEVER && sa->dpd_at < at)
        sa->dpd_at = at;
}

void rekey_ike_repeated(struct ike_env *env, struct ike_sa *sa)
{
    struct ike_sa *heir = sa->replaced_by ? env->host->find(env->ctx, sa->replaced_by) : NULL;
    if (heir && unsure_old(env, heir) == sa)
        rekey_ike_await_use(env, heir);
}

void rekey_ike_ends(struct ike_env *env, struct ike_sa *sa, bool says_so)
{
    struct ike_sa *old = unsure_old(env, sa);
    if (old && says_so)
        ike_sa_queue(old, (struct task){.kind = X_DELETE_IKE});
    else if (old)
        ike_sa_end(env, old, NULL);
}

static bool is_about_addresses(enum exchange_kind k)
{
    return k == X_UPDATE_ADDRESSES || k == X_ROUTABILITY || k == X_ADDRESSES;
}

void rekey_ike_hand_over(struct ike_env *env, struct ike_sa *from, struct ike_sa *to)
{
    child_move(env, from, to);
    to->is_contested = false;
    path_inherit(from, to);
    if (ike_sa_has_task(from, X_REDIRECT, 0)) /* heard or not: twice does no harm */
        redirect_send(to, &from->redirect_to);
    if (is_about_addresses(from->own.kind)) /* what the old SA hears does not count in the new one */
        ike_sa_queue(to, (struct task){.kind = from->own.kind, .attempts = 1});
    for (size_t i = 0; i < from->n_tasks; i++) {
        enum exchange_kind k = from->tasks[i].kind;
        if (k == X_NEW_CHILD || k == X_REKEY_CHILD || k == X_DELETE_CHILD || is_about_addresses(k))
            ike_sa_queue(to, from->tasks[i]);
    }
    from->n_tasks = 0;
    enum exchange_kind k = from->own.kind;
    if (k == X_UPDATE_ADDRESSES ||
        k == X_ADDRESSES) /* a peer that has the new SA does not heed it in the old */
        ike_sa_queue(to, (struct task){.kind = k, .attempts = 1});
    rekey_ike_retire(env, from, to);
    env->stats->rekeyed_ike++;
    count_event(env, to, to->is_initiator ? COUNT_IKE_REKEY_INIT : COUNT_IKE_REKEY_RESP);
}

/* What the peer made to replace sa, as long as it is there. */
struct ike_sa *rekey_ike_made_by_peer(struct ike_env *env, const struct ike_sa *sa)
{
    struct ike_sa *n = sa->peer_new_ike ? env->host->find(env->ctx, sa->peer_new_ike) : NULL;
    return n && ike_sa_is_up(n) && !n->is_lingering ? n : NULL;
}

bool rekey_ike_inherit(struct ike_env *env, struct ike_sa *sa)
{
    struct ike_sa *heir = rekey_ike_made_by_peer(env, sa);
    if (!heir || sa->state == IKE_REKEYED)
        return false;
    rekey_ike_hand_over(env, sa, heir);
    return true;
}

/* Our own rekeying may have got lost, and the peer's Delete of the old SA as well. Ours is refused when it
 * arrives. */
void rekey_ike_settle(struct ike_env *env, struct ike_sa *sa)
{
    struct ike_sa *old = sa->replaces ? env->host->find(env->ctx, sa->replaces) : NULL;
    if (old && !old->is_dead && old->peer_new_ike == sa->id)
        rekey_ike_inherit(env, old);
}
