/* SPDX-License-Identifier: Apache-2.0 */
/* One IKE SA for one connection and pair of identities; INITIAL_CONTACT (RFC 7296 section 2.4), which speaks
 * of all IKE SAs between two identities, of whatever connection.
 *
 * - The peer says INITIAL_CONTACT in an SA that was begun after another was established: it has lost the
 *   other, which goes at once and silently.
 * Else, which one stays when there are two of one connection, unless unique = never:
 * - One was begun after the other was established: the newer stays.
 * - Both were begun before either was established (both ends started at once): the one with the larger
 *   initiator SPI stays. Both ends see the same two SPIs and so decide alike.
 * Who began the one that goes deletes it; the other end does so only when that does not happen.
 *
 * A peer that used NULL authentication is nobody, and has nothing to do with any of that (RFC 7619 section
 * 2.3): see guests.c.
 *
 * unique = no leaves two alone that may be of two hosts with one identity: those of a connection for many
 * peers that come from two addresses or ports. unique = keep refuses the newer one before it is established,
 * and asks the older one at once whether it lives: who comes back after a crash waits for that and no longer.
 */
#include "engine/impl.h"
#include "ike/v2/ike_auth.h"

#define OURS_GOES   (1 * TIME_SECOND)
#define THEIRS_GOES (10 * TIME_SECOND)

static bool has_same_ids(const struct ike_sa *a, const struct ike_sa *b)
{
    return identity_equal(rounds_local(a), rounds_local(b)) &&
           identity_equal(rounds_remote(a), rounds_remote(b));
}

static bool is_there(const struct ike_sa *sa)
{
    return !sa->is_dead && (ike_sa_is_up(sa) || sa->own.kind == X_AUTH);
}

/* Asked before INITIAL_CONTACT is said, which takes everything else down at the peer. So in doubt there is
 * another: one whose IKE_AUTH is under way may stand at the peer already, and as long as the peer has not
 * said who it is, who has its address may be it. */
bool unique_has_other(const struct engine *e, const struct ike_sa *sa)
{
    const struct ike_sa *o;
    list_each(o, index_same_ids(e, sa), by_ids.link)
    {
        if (o != sa && is_there(o) && has_same_ids(sa, o))
            return true;
    }
    list_each(o, index_same_peer(e, sa), by_peer.link)
    {
        if (o != sa && is_there(o) && !o->is_peer_unproven &&
            identity_equal(rounds_local(sa), rounds_local(o)) && ip_equal(sa->remote.ip, o->remote.ip))
            return true;
    }
    return false;
}

static bool is_saying_contact(const struct ike_sa *o, const struct ike_sa *sa)
{
    return o != sa && is_there(o) && o->own.kind == X_AUTH && o->says_contact;
}

bool unique_awaits_contact(const struct engine *e, const struct ike_sa *sa)
{
    const struct ike_sa *o;
    list_each(o, index_same_ids(e, sa), by_ids.link)
    {
        if (is_saying_contact(o, sa) && has_same_ids(sa, o))
            return true;
    }
    list_each(o, index_same_peer(e, sa), by_peer.link)
    {
        if (is_saying_contact(o, sa) && identity_equal(rounds_local(sa), rounds_local(o)) &&
            ip_equal(sa->remote.ip, o->remote.ip))
            return true;
    }
    return false;
}

void unique_contact_over(struct engine *e, struct ike_sa *sa)
{
    struct ike_sa *o;
    if (!sa->says_contact)
        return;
    sa->says_contact = false;
    list_each(o, index_same_ids(e, sa), by_ids.link)
    {
        auth_wake(o);
        engine_touch(e, o);
    }
    list_each(o, index_same_peer(e, sa), by_peer.link)
    {
        auth_wake(o);
        engine_touch(e, o);
    }
}

/* True: the peer has lost the old one, which is gone. */
static bool is_lost(struct ike_env *env, const struct ike_sa *fresh, struct ike_sa *old)
{
    struct diag d;
    if (old->established_at >= fresh->created_at || !fresh->has_initial_contact || fresh->was_initiator ||
        old->conn->unique == UNIQUE_NEVER)
        return false;
    sa_log(env, old, LOG_NOTICE, "the peer has started anew: IKE SA %llu is gone",
           (unsigned long long)old->id);
    host_alert(env, old, ALERT_UNIQUE_REPLACE);
    diag_clear(&d);
    ike_sa_end(env, old, &d);
    return true;
}

static void judge(struct ike_env *env, struct ike_sa *fresh, struct ike_sa *old)
{
    int64_t now = env->now.mono;
    bool was_there = old->established_at < fresh->created_at;
    struct ike_sa *loser = was_there ? old : old->spi_i < fresh->spi_i ? old : fresh;
    sa_log(env, loser, LOG_NOTICE, "two IKE SAs with the same peer: %llu goes",
           (unsigned long long)loser->id);
    host_alert(env, loser, ALERT_UNIQUE_REPLACE);
    loser->duplicate_at = now + (loser->was_initiator ? OURS_GOES : THEIRS_GOES);
}

/* Two that must be of the same host, or that nobody asked to have twice. */
static bool is_double(const struct ike_sa *a, const struct ike_sa *b)
{
    enum unique u = a->conn->unique;
    bool is_wanted = a->was_initiator && b->was_initiator && !a->config->settings.reuses_ike_sas;
    if (!conn_is(a->conn, b->conn) || u == UNIQUE_NEVER || is_wanted)
        return false;
    return u != UNIQUE_NO || conn_is_single(a->conn) || endpoint_equal(&a->remote, &b->remote);
}

bool unique_keeps_other(struct ike_env *env, const struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    struct ike_sa *o;
    if (sa->conn->unique != UNIQUE_KEEP || sa->has_initial_contact || sa->is_peer_unproven)
        return false;
    list_each(o, index_same_ids(e, sa), by_ids.link)
    {
        bool is_older = ike_sa_is_up(o) && o->established_at < sa->created_at;
        if (o == sa || !is_older || !has_same_ids(sa, o) || !conn_is(sa->conn, o->conn))
            continue;
        engine_touch(e, o);
        if (o->own.kind == X_NONE)
            ike_sa_queue(o, (struct task){.kind = X_LIVENESS});
        host_alert(env, sa, ALERT_UNIQUE_KEEP);
        return true;
    }
    return false;
}

void unique_check(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    struct ike_sa *o;
    if (sa->is_peer_unproven) {
        guests_doubt(env, sa);
        return;
    }
    list_each(o, index_same_ids(e, sa), by_ids.link)
    {
        if (o == sa || !ike_sa_is_up(o) || !has_same_ids(sa, o) || o->duplicate_at != TIME_NEVER)
            continue;
        if (o->id == sa->renews) /* goes when the children of this one are up: ike/v2/renew.c */
            continue;
        engine_touch(e, o);
        if (!is_lost(env, sa, o) && is_double(sa, o))
            judge(env, sa, o);
    }
}
