/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a child (RFC 7296 sections 1.3.3, 2.8, 2.8.1, 2.25.1). The initiator uses the new pair both ways
 * and deletes the old one; the responder sends through the new one when the old is deleted, so that no packet
 * comes before its receiver is ready. Of two replacements made at once the one whose exchange held the lowest
 * nonce goes. */
#include "ike/v2/create_child.h"
#include "ike/v2/followup.h"

#define ANSWER_LATE (30 * TIME_SECOND)

/* The peer's replacement wins or is the only one: what is ours is deleted again, unused. */
static void close_redundant(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct child_sa *c = child_new(env, sa, x);
    sa_log(env, sa, LOG_DETAIL, "child %s: our replacement is redundant", c->cfg->name);
    delete_child(env, c);
}

/* The peer has deleted the old one: its own replacement stands, or the lifetime ended before our exchange
 * did. */
static void replace_what_is_gone(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->lineage == x->lineage && c->state == CHILD_INSTALLED) {
            close_redundant(env, sa, x);
            exchange_end(x);
            return;
        }
    }
    struct child_sa *fresh = child_new(env, sa, x);
    bool ok = child_install(env, fresh, x, false, 0), is_deleted = child_was_deleted(x, fresh);
    exchange_end(x);
    if (is_deleted)
        child_closed_by_peer(env, fresh);
    else if (!ok)
        delete_child(env, fresh);
}

/* The peer's replacement of it, where there is one that the peer has not deleted again. */
static struct child_sa *replacement_by_peer(const struct ike_sa *sa, const struct child_sa *old)
{
    struct child_sa *c = old->peer_replacement ? child_find(sa, old->peer_replacement) : NULL;
    return c && !c->is_gone ? c : NULL;
}

bool rekey_child_by_peer(const struct ike_sa *sa, uint64_t id)
{
    return (sa->peer.kind == X_REKEY_CHILD && sa->peer.old_child == id) ||
           followup_waits(sa, X_REKEY_CHILD, id);
}

/* [RFC7296#2.8.1] the SA created with the lowest of the four nonces is closed by who created it. The peer's
 * may still be in the making: its nonces are known all the same. */
static bool is_lost(const struct ike_sa *sa, const struct exchange *x, const struct child_sa *old)
{
    bool is_contested =
        rekey_child_by_peer(sa, old->id) || (old->peer_replacement && child_find(sa, old->peer_replacement));
    return is_contested && nonce_cmp(nonce_lower(&x->ni, &x->nr), &old->peer_low) < 0;
}

/* The peer's replacement takes over from old, or does so when it is made: should that come to nothing, ours
 * is tried again. */
static void leave_to_peer(struct ike_env *env, struct ike_sa *sa, struct child_sa *old)
{
    bool is_at_hand = old->peer_replacement && child_find(sa, old->peer_replacement);
    bool is_sure = rekey_child_by_peer(sa, old->id) && !followup_waits(sa, X_REKEY_CHILD, old->id) &&
                   !followup_is_due(&sa->peer);
    if (is_at_hand || is_sure) {
        child_rekeyed(env, old);
        return;
    }
    old->state = CHILD_INSTALLED;
    ike_sa_queue(sa, (struct task){.kind = X_REKEY_CHILD, .child_id = old->id});
}

bool rekey_child_stops(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct child_sa *old = child_find(sa, x->old_child);
    if (!old || old->is_gone) /* rekey_child_done() sees to it */
        return false;
    if (old->state != CHILD_DELETING && !is_lost(sa, x, old)) {
        followup_drop(sa, X_REKEY_CHILD, old->id); /* the peer stops */
        return false;
    }
    if (old->state != CHILD_DELETING) {
        sa_log(env, sa, LOG_DETAIL, "child %s: the peer's replacement goes on, ours stops", old->cfg->name);
        leave_to_peer(env, sa, old);
    }
    exchange_end(x);
    return true;
}

void rekey_child_done(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct child_sa *old = child_find(sa, x->old_child);
    if (!old || old->is_gone) {
        replace_what_is_gone(env, sa, x);
        return;
    }
    if (old->state == CHILD_DELETING) { /* we deleted it while we were rekeying it */
        close_redundant(env, sa, x);
        exchange_end(x);
        return;
    }
    struct child_sa *rival = old->peer_replacement ? child_find(sa, old->peer_replacement) : NULL;
    if (is_lost(sa, x, old)) {
        close_redundant(env, sa, x);
        leave_to_peer(env, sa, old);
        exchange_end(x);
        return;
    }
    followup_drop(sa, X_REKEY_CHILD, old->id);
    struct child_sa *fresh = child_new(env, sa, x);
    bool ok = child_install(env, fresh, x, false, old->id), is_deleted = child_was_deleted(x, fresh);
    exchange_end(x);
    if (!ok) {
        old->state = CHILD_INSTALLED;
        delete_child(env, fresh);
        return;
    }
    child_rekeyed(env, old);
    old->has_heir = true;
    if (rival)
        rekey_child_lost(env, rival);
    delete_child(env, old);
    if (is_deleted)
        child_closed_by_peer(env, fresh);
}

/* The peer's replacement lost: the peer is going to delete it. */
void rekey_child_lost(struct ike_env *env, struct child_sa *rival)
{
    if (rival->is_gone) /* the peer was quicker */
        return;
    child_drop_out(env, rival);
    child_waits_for_delete(env, rival);
}

/* The peer made it and has perhaps not heard our answer yet: then it does not know it. */
static bool is_unknown_yet(const struct ike_env *env, const struct child_sa *c)
{
    return !c->is_ours && env->now.mono - c->installed_at < ANSWER_LATE;
}

static bool has_child(const struct ike_sa *sa, const struct child_config *cfg)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->cfg == cfg && !c->per_cpu.is_further && !c->is_gone && c->state != CHILD_DELETING &&
            c->state != CHILD_REKEYED)
            return true;
    }
    return false;
}

bool rekey_child_refused(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                         const struct pl_notify *error)
{
    struct child_sa *old = child_find(sa, x->old_child);
    bool is_gone = !old || old->is_gone || old->state == CHILD_DELETING;
    if (!is_gone && replacement_by_peer(sa, old)) {
        child_rekeyed(env, old); /* the peer deletes it */
        is_gone = true;
    } else if (!is_gone && error->type == N_CHILD_SA_NOT_FOUND && !is_unknown_yet(env, old)) {
        sa_log(env, sa, LOG_WARN, "child %s: the peer does not have it any more", old->cfg->name);
        const struct child_config *cfg = old->cfg;
        bool is_further = old->per_cpu.is_further; /* its processor asks again */
        exchange_end(x);
        child_end(env, old);
        if (!is_further && !has_child(sa, cfg)) /* [RFC7296#2.25] from scratch */
            ike_sa_queue(sa, (struct task){.kind = X_NEW_CHILD, .cfg = cfg});
        return true;
    }
    if (!is_gone)
        return false;
    const struct child_config *cfg = x->child_cfg;
    bool is_deleted = (!old || old->is_gone) && !x->per_cpu.is_further;
    exchange_end(x);
    if (is_deleted && !has_child(sa, cfg)) /* nobody else knows that nothing replaces it now */
        ike_sa_queue(sa, (struct task){.kind = X_NEW_CHILD, .cfg = cfg});
    return true;
}
