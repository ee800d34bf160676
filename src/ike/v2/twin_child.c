/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends make the same child at the same time: two operators, or two packets that met a trap. RFC 7296 has
 * a rule for children that are rekeyed at once (section 2.8.1); the same rule serves here: the one whose
 * exchange held the lowest nonce is closed by who created it. A peer that knows no such rule keeps both,
 * which does no harm: so we close ours alone, and leave the peer's to the peer. */
#include "ike/v2/sa.h"

#define AT_ONCE (30 * TIME_SECOND) /* as long as an answer may be late */

static bool has_same_selectors(const struct ts_pair *a, const struct ts_pair *b)
{
    if (a->n_local != b->n_local || a->n_remote != b->n_remote)
        return false;
    for (size_t i = 0; i < a->n_local; i++) {
        if (!ts_equal(&a->local[i], &b->local[i]))
            return false;
    }
    for (size_t i = 0; i < a->n_remote; i++) {
        if (!ts_equal(&a->remote[i], &b->remote[i]))
            return false;
    }
    return true;
}

static bool is_twin(const struct child_sa *a, const struct child_sa *b)
{
    return a != b && a->cfg == b->cfg && a->state == CHILD_INSTALLED && b->state == CHILD_INSTALLED &&
           has_same_selectors(&a->ts, &b->ts);
}

bool twin_child_stays(const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, &c->ike->children, link)
    {
        if (is_twin(c, o))
            return true;
    }
    return false;
}

void twin_child_settle(struct ike_env *env, struct child_sa *fresh)
{
    struct child_sa *o;
    list_each(o, &fresh->ike->children, link)
    {
        struct child_sa *ours = fresh->is_ours ? fresh : o, *theirs = fresh->is_ours ? o : fresh;
        if (!is_twin(fresh, o) || !ours->is_ours || theirs->is_ours ||
            env->now.mono - o->installed_at > AT_ONCE ||
            memcmp(ours->low_nonce, theirs->low_nonce, sizeof(ours->low_nonce)) > 0)
            continue;
        sa_log(env, fresh->ike, LOG_DETAIL, "child %s was made by both ends at once: ours goes",
               ours->cfg->name);
        delete_child(env, ours);
        return;
    }
}
