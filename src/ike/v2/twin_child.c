/* SPDX-License-Identifier: Apache-2.0 */
/* Several children with the same selectors (RFC 4301 section 4.1, RFC 7296 section 1.3.1). A peer may make as
 * many as it likes, up to TWINS_MAX: they live side by side, and each is rekeyed and deleted on its own.
 *
 * Only those that nobody wanted twice go: both ends made the same child at the same time, two operators, or
 * two packets that met a trap. RFC 7296 has a rule for children that are rekeyed at once (section 2.8.1); the
 * same rule serves here: the one whose exchange held the lowest nonce is closed by who created it. That they
 * were made at once is seen by who hears of the peer's during its own exchange. When messages were lost that
 * is one end only, and the other takes its child for one that is meant: so ours goes in the end, if the
 * peer's does not. A peer's child is left to the peer. SAs for each processor are meant, all of them. */
#include "ike/v2/create_child.h"
#include "ike/v2/per_cpu.h"

#define YIELD     (30 * TIME_SECOND) /* as long as an answer may be late */
#define TWINS_MAX 64                 /* as many as there are DSCPs */

static bool is_twin(const struct child_sa *a, const struct child_sa *b)
{
    return a != b && a->cfg == b->cfg && !a->per_cpu.is_further && !b->per_cpu.is_further &&
           a->state == CHILD_INSTALLED && b->state == CHILD_INSTALLED && ts_pair_equal(&a->ts, &b->ts);
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

bool twin_child_is_full(const struct ike_sa *sa, const struct child_config *cfg, const struct ts_pair *ts,
                        size_t most)
{
    const struct child_sa *c;
    size_t n = 0;
    list_each(c, &sa->children, link)
    {
        n += c->cfg == cfg && !c->is_gone && ts_pair_equal(&c->ts, ts);
    }
    return n >= (TWINS_MAX > most ? TWINS_MAX : most);
}

void twin_child_settle(struct ike_env *env, struct child_sa *fresh, int64_t begun_at)
{
    const struct child_sa *o;
    list_each(o, &fresh->ike->children, link)
    {
        if (!is_twin(fresh, o) || o->is_ours || o->installed_at < begun_at || o->lineage != o->id)
            continue;
        fresh->rival = o->id;
        if (memcmp(fresh->low_nonce, o->low_nonce, sizeof(o->low_nonce)) > 0) {
            fresh->yields_at = env->now.mono + YIELD;
            return;
        }
        twin_child_yield(env, fresh);
        return;
    }
}

/* The rival, or what replaced it meanwhile. */
static const struct child_sa *find_rival(const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, &c->ike->children, link)
    {
        if (o->lineage == c->rival && (o->state == CHILD_INSTALLED || o->state == CHILD_REKEYING))
            return o;
    }
    return NULL;
}

bool twin_child_yield(struct ike_env *env, struct child_sa *c)
{
    const struct child_sa *rival = find_rival(c);
    bool is_busy = rival && rival->state == CHILD_REKEYING;
    c->yields_at = is_busy ? env->now.mono + TIME_SECOND : TIME_NEVER;
    if (!rival || !is_twin(c, rival))
        return false;
    sa_log(env, c->ike, LOG_DETAIL, "child %s was made by both ends at once: ours goes", c->cfg->name);
    delete_child(env, c);
    return true;
}
