/* SPDX-License-Identifier: Apache-2.0 */
/* Reauthentication (RFC 7296 section 2.8.3): a new IKE SA with new children, since an IKE SA cannot be
 * authenticated twice. Make before break (settings.makes_before_break): the new one is begun beside the old
 * one; when its last child is up the old one's children are deleted, each as after a rekeying, so that what
 * is still on its way is taken, and then the old IKE SA. An attempt that fails is repeated as long as the old
 * one lives (over_time). Break before make, or when no new one can be begun: sa.c deletes the old one first.
 *
 * A responder does nothing special: to it there are two IKE SAs (engine/unique.c), and a child that takes
 * over from another one sends a moment later, or when the other one goes. */
#include "ike/v2/child.h"

#define GOES_AFTER (1 * TIME_SECOND)
#define TRY_AGAIN  (15 * TIME_SECOND)

bool renew_due(struct ike_env *env, struct ike_sa *sa)
{
    if (!sa->config->settings.makes_before_break || !env->host->renew(env, sa))
        return false;
    sa_log(env, sa, LOG_NOTICE, "IKE SA %llu: authenticating again, with a new SA beside this one",
           (unsigned long long)sa->id);
    sa->reauth_at = env->now.mono + TRY_AGAIN;
    return true;
}

static struct ike_sa *other(struct ike_env *env, uint64_t id)
{
    struct ike_sa *sa = id ? env->host->find(env->ctx, id) : NULL;
    return sa && ike_sa_is_up(sa) ? sa : NULL;
}

void renew_settled(struct ike_env *env, struct ike_sa *old, uint64_t heir)
{
    old->renewed_by = heir;
    old->reauth_at = old->rekey_at = TIME_NEVER;
    old->duplicate_at = env->now.mono + GOES_AFTER;
}

void renew_child_up(struct ike_env *env, struct ike_sa *sa)
{
    struct ike_sa *old = other(env, sa->renews);
    if (!old)
        return;
    renew_settled(env, old, sa->id);
}

bool renew_failed(struct ike_env *env, const struct ike_sa *sa)
{
    struct ike_sa *old = other(env, sa->renews);
    if (!old)
        return false;
    if (!sa->starts_again)
        sa_log(env, old, LOG_WARN, "authenticating again did not work; IKE SA %llu stays for now",
               (unsigned long long)old->id);
    old->reauth_at = env->now.mono + (sa->starts_again ? 0 : TRY_AGAIN);
    return true;
}

/* True while a child is there that has to go first. */
static bool delete_children(struct ike_env *env, struct ike_sa *sa)
{
    bool any = false;
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        any = true; /* the late ones of those that are gone, too */
        if (c->state != CHILD_INSTALLED && c->state != CHILD_REKEYING)
            continue;
        c->state = CHILD_REKEYED;
        delete_child(env, c);
    }
    return any;
}

bool renew_over(struct ike_env *env, struct ike_sa *sa)
{
    struct ike_sa *heir = other(env, sa->renewed_by);
    if (!sa->renewed_by)
        return false;
    bool is_making = heir && (heir->own.kind == X_NEW_CHILD || ike_sa_has_task(heir, X_NEW_CHILD, 0));
    if (!is_making && !delete_children(env, sa))
        return false;
    sa->duplicate_at = env->now.mono + GOES_AFTER;
    return true;
}
