/* SPDX-License-Identifier: Apache-2.0 */
/* One IKE SA for one connection and pair of identities (RFC 7296 section 2.4, INITIAL_CONTACT).
 *
 * Which one stays when there are two:
 * - The peer says INITIAL_CONTACT in an SA that was begun after the other was established: it has lost the
 *   other, which goes at once and silently.
 * - One was begun after the other was established: the newer stays, the older is deleted after a while.
 * - Both were begun before either was established (both ends started at once): the one with the larger
 *   initiator SPI stays. Both ends see the same two SPIs and so decide alike. Who began the other deletes it;
 *   the other end does so only when that does not happen. */
#include "engine/impl.h"

#define OURS_GOES   (1 * TIME_SECOND)
#define THEIRS_GOES (10 * TIME_SECOND)

static bool is_twin(const struct ike_sa *a, const struct ike_sa *b)
{
    return a != b && ike_sa_is_up(b) && a->conn->hash == b->conn->hash &&
           strcmp(a->conn->name, b->conn->name) == 0 && identity_equal(&a->local_id, &b->local_id) &&
           identity_equal(&a->remote_id, &b->remote_id);
}

bool unique_has_other(const struct engine *e, const struct ike_sa *sa)
{
    const struct ike_sa *o;
    list_each(o, &e->sas, link)
    {
        if (is_twin(sa, o))
            return true;
    }
    return false;
}

static void judge(struct ike_env *env, struct ike_sa *fresh, struct ike_sa *old)
{
    struct diag d;
    int64_t now = env->now.mono;
    bool was_there = old->established_at < fresh->created_at;
    if (was_there && fresh->has_initial_contact && !fresh->was_initiator) {
        sa_log(env, old, LOG_NOTICE, "the peer has started anew: IKE SA %llu is gone",
               (unsigned long long)old->id);
        diag_clear(&d);
        ike_sa_end(env, old, &d);
        return;
    }
    struct ike_sa *loser = was_there ? old : old->spi_i < fresh->spi_i ? old : fresh;
    sa_log(env, loser, LOG_NOTICE, "two IKE SAs with the same peer: %llu goes",
           (unsigned long long)loser->id);
    loser->duplicate_at = now + (loser->was_initiator && !was_there ? OURS_GOES : THEIRS_GOES);
}

void unique_check(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    struct ike_sa *o;
    list_each(o, &e->sas, link)
    {
        if (!is_twin(sa, o) || o->duplicate_at != TIME_NEVER)
            continue;
        engine_touch(e, o);
        judge(env, sa, o);
    }
}
