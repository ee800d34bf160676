/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence numbers of ESP and AH after a failover of the peer (RFC 6311 sections 5.2, 6.2, 6.4), as the peer
 * of a cluster, in both IKE roles. Both ends announce it in IKE_AUTH. A new member does not know which of our
 * packets the one before it has taken, and so which are replays: it asks us to leave out so many numbers in
 * every child, and takes what comes beyond. Alone that is an INFORMATIONAL like any other; beside message IDs
 * it is done once those have been found good and new: msgid_sync.c.
 *
 * The member leaves out numbers of its own, too, of which it says nothing: our windows follow whatever comes
 * [RFC4303#3.4.3]. Not here: being a cluster.
 */
#include "ike/v2/child.h"

/* [RFC6311#5.2] who leaves out so many of 2**32 numbers soon has none left */
#define MANY (UINT64_C(1) << 30)

void counter_sync_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)x;
    /* [RFC6311#5] the responder says it to an initiator that did */
    if (sa->is_initiator ? sa->conn->syncs_message_ids : sa->msgid_sync.has_counters)
        build_notify_empty(b, N_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED);
}

bool counter_sync_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->msgid_sync.has_counters =
        sa->conn->syncs_message_ids && ike_notify(m, N_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED) != NULL;
    return true;
}

bool counter_sync_read(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, uint64_t *delta)
{
    const struct pl_notify *n = ike_notify(m, N_IPSEC_REPLAY_COUNTER_SYNC);
    *delta = 0;
    if (!n || !sa->msgid_sync.has_counters)
        return false;
    struct rd r = rd_over(n->data); /* [RFC6311#6.4] eight bytes with extended sequence numbers */
    *delta = n->data.len == 8 ? rd_u64(&r) : rd_u32(&r);
    if (rd_done(&r))
        return true;
    sa_log(env, sa, LOG_WARN, "the peer's IPSEC_REPLAY_COUNTER_SYNC is malformed, and not looked at");
    return false;
}

void counter_sync_skip(struct ike_env *env, struct ike_sa *sa, uint64_t delta)
{
    struct child_sa *c;
    sa_log(env, sa, LOG_NOTICE,
           "the peer's cluster has failed over: the children of IKE SA %llu leave out %llu sequence numbers",
           (unsigned long long)sa->id, (unsigned long long)delta);
    list_each(c, &sa->children, link)
    {
        child_skip(env, c, delta);
        if (delta >= MANY && !c->chosen.has_esn && c->state == CHILD_INSTALLED)
            c->rekey_at = env->now.mono;
    }
}

void counter_sync_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    uint64_t delta;
    if (counter_sync_read(env, sa, m, &delta))
        counter_sync_skip(env, sa, delta);
}
