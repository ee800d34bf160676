/* SPDX-License-Identifier: Apache-2.0 */
/* Message IDs after a failover (RFC 6311), as the peer of a cluster, in both IKE roles. Both ends announce in
 * IKE_AUTH that they know the exchange (section 5). The member that has taken over then sends an
 * INFORMATIONAL with message ID zero and what it believes the next message IDs to be; it is answered with the
 * higher of its values and ours (section 5.1), and the window goes on there.
 *
 * Such a request stands outside of the window, which is what protects from replays. Instead (section 5.1,
 * 11): what the member sends next must be higher than all that was seen of the peer, or the request is
 * dropped in silence. The last one alone is answered again, with the same values and no other effect, as long
 * as neither end has used what it agreed on: or a lost answer would be the end of the IKE SA. Nothing else is
 * said or done, nor is the peer's address followed, before that is checked.
 *
 * Our request that is under way has an unknown fate (sections 8.1, 8.3, 9): it is asked again as a new one. A
 * request of the peer that we are working on is answered first; meanwhile the member repeats.
 *
 * Not here: being a cluster; the sequence numbers of children: counter_sync.c.
 */
#include "ike/v2/create_child.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"

#define ID_MAX 0x7fffffffu /* nobody comes that far: an SA is replaced before */

enum { NONCE, THEIRS, OURS, VALUES };

void msgid_sync_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)x;
    /* [RFC6311#5] the responder says it to an initiator that did */
    if (sa->is_initiator ? sa->conn->syncs_message_ids : sa->msgid_sync.is_on)
        build_notify_empty(b, N_IKEV2_MESSAGE_ID_SYNC_SUPPORTED);
}

bool msgid_sync_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->msgid_sync.is_on =
        sa->conn->syncs_message_ids && ike_notify(m, N_IKEV2_MESSAGE_ID_SYNC_SUPPORTED) != NULL;
    return true;
}

/* [RFC6311#5.1] beside it stands nothing but IPSEC_REPLAY_COUNTER_SYNC. */
static bool is_alone(const struct ike_message *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct ike_payload *p = &m->v[i];
        bool is_known = p->type == PAYLOAD_NOTIFY && (p->notify.type == N_IKEV2_MESSAGE_ID_SYNC ||
                                                      p->notify.type == N_IPSEC_REPLAY_COUNTER_SYNC);
        if (p->is_encrypted ? !is_known : p->type != PAYLOAD_SK)
            return false;
    }
    return !ike_notify_next(m, N_IKEV2_MESSAGE_ID_SYNC, ike_notify(m, N_IKEV2_MESSAGE_ID_SYNC));
}

/* [RFC6311#6.3] */
static bool read_values(const struct ike_message *m, uint32_t v[VALUES])
{
    struct rd r = rd_over(ike_notify(m, N_IKEV2_MESSAGE_ID_SYNC)->data);
    for (size_t i = 0; i < VALUES; i++)
        v[i] = rd_u32(&r);
    return rd_done(&r) && is_alone(m) && v[THEIRS] <= ID_MAX && v[OURS] <= ID_MAX;
}

/* Its answer may have been lost: neither end has gone on since. */
static bool is_last_again(const struct ike_sa *sa, const uint32_t v[VALUES])
{
    const struct msgid_sync *s = &sa->msgid_sync;
    return s->has_last && !memcmp(s->last, v, sizeof(s->last)) && sa->window.next_in == v[THEIRS] &&
           overlap_oldest(sa) == s->next_out;
}

/* [RFC6311#5.1] higher than any ID seen of the peer, and than that of any earlier synchronisation. */
static bool is_fresh(const struct ike_sa *sa, const uint32_t v[VALUES])
{
    const struct msgid_sync *s = &sa->msgid_sync;
    return v[THEIRS] >= sa->window.next_in && !(s->has_last && v[THEIRS] <= s->last[THEIRS]);
}

static bool answer(struct ike_env *env, struct ike_sa *sa, const uint32_t v[VALUES], uint32_t next_out)
{
    uint8_t data[4 * VALUES];
    struct build b;
    struct wr w = wr_over(data, sizeof(data));
    wr_u32(&w, v[NONCE]);
    wr_u32(&w, next_out);
    wr_u32(&w, v[THEIRS]);
    chain_begin(env, &b);
    build_notify(&b, N_IKEV2_MESSAGE_ID_SYNC, PROTO_NONE, span_of(NULL, 0), wr_span_view(&w));
    return send_response(env, sa, EXCHANGE_INFORMATIONAL, &b);
}

/* The window does not wait for the answer any more. Making children and SAs goes as if it had been refused
 * for now; what else there is may be said twice. */
static void ask_again(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    static const struct pl_notify for_now = {.type = N_TEMPORARY_FAILURE};
    enum exchange_kind kind = x->kind;
    struct task t = {.kind = kind, .child_id = kind == X_DELETE_CHILD ? x->old_child : 0, .attempts = 1};
    struct diag d;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "a failover of the peer interrupted %s", exchange_kind_name(kind));
    if (kind == X_REKEY_CHILD && rekey_child_refused(env, sa, x, &for_now))
        return;
    if (kind == X_NEW_CHILD || kind == X_REKEY_CHILD) {
        create_child_failed(env, sa, x, &for_now, &d);
        return;
    }
    if (kind == X_REKEY_IKE) {
        rekey_ike_failed(env, sa, &for_now, &d);
        return;
    }
    exchange_end(x);
    ike_sa_queue(sa, t);
}

static void go_on(struct ike_env *env, struct ike_sa *sa, const uint32_t v[VALUES], uint32_t next_out)
{
    struct exchange *x;
    bool was_pending = sa->own.out.is_pending;
    memcpy(sa->msgid_sync.last, v, sizeof(sa->msgid_sync.last));
    sa->msgid_sync.has_last = true;
    sa->msgid_sync.next_out = next_out;
    sa_log(
        env, sa, LOG_NOTICE,
        "the peer's cluster has failed over: IKE SA %llu goes on with message ID %u of the peer's (was %u) "
        "and %u of ours (was %u)%s%s%s",
        (unsigned long long)sa->id, v[THEIRS], sa->window.next_in, next_out, sa->window.next_out,
        was_pending ? "; " : "", was_pending ? exchange_kind_name(sa->own.kind) : "",
        was_pending ? " is asked again" : "");
    window_sync(&sa->window, v[THEIRS], next_out);
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        if (x->out.is_pending)
            ask_again(env, sa, x);
    }
}

static void on_sync(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                    const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    struct exchange *x = &sa->peer;
    uint32_t v[VALUES];
    bool is_good = read_values(m, v), is_again = is_good && is_last_again(sa, v);
    if (!is_again && (!is_good || !is_fresh(sa, v) || null_auth_is_too_fast(env, sa))) {
        *(is_good ? &env->stats->dropped_replayed : &env->stats->dropped_malformed) += 1;
        sa_log(env, sa, LOG_DETAIL, "a synchronisation of message IDs is ignored: it is %s",
               is_good ? "not new" : "malformed");
        exchange_end(x);
        return;
    }
    x->local = *local;
    x->remote = *remote;
    x->has_marker = has_marker;
    x->msg.header.message_id = 0;
    uint32_t least = window_next_id(&sa->window);
    uint32_t next_out = is_again ? sa->msgid_sync.next_out : v[OURS] > least ? v[OURS] : least;
    uint64_t delta;
    bool skips = counter_sync_read(env, sa, m, &delta); /* m is gone once it is answered */
    if (!answer(env, sa, v, next_out))
        return;
    if (is_again) {
        window_sync(&sa->window, sa->window.next_in,
                    window_next_id(&sa->window)); /* it answers nothing else */
        env->stats->retransmitted++;
        return;
    }
    natd_authentic(env, sa, local, remote, has_marker);
    rekey_ike_heard(env, sa);
    go_on(env, sa, v, next_out);
    if (skips) /* [RFC6311#5.2] after that, as it may have been a replay */
        counter_sync_skip(env, sa, delta);
}

bool msgid_sync_receive(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                        const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    struct exchange *x = &sa->peer;
    struct ike_message opened = *m;
    struct diag d;
    diag_clear(&d);
    if (!sa->msgid_sync.is_on || m->header.message_id != 0 || m->header.exchange != EXCHANGE_INFORMATIONAL ||
        !ike_sa_is_up(sa) || sa->is_lingering || x->kind != X_NONE || !m->sk || m->sk->type != PAYLOAD_SK)
        return false;
    exchange_end(x);
    exchange_begin(sa, x, X_INFO);
    x->rx = arena_new(EXCHANGE_CAP);
    if (protect_open(x->rx, sa->opener, &opened, &d) == DECODE_OK &&
        ike_notify(&opened, N_IKEV2_MESSAGE_ID_SYNC)) {
        on_sync(env, sa, &opened, local, remote, has_marker);
        return true;
    }
    exchange_end(x);
    return false;
}
