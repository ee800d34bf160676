/* SPDX-License-Identifier: Apache-2.0 */
/* From a decoded datagram for a known SA to the exchange it belongs to (RFC 7296 sections 2.1 to 2.3, 2.21):
 * window, protection, fragments, endpoints, then the table of exchanges.c. Nothing of the SA changes before
 * the ICV has been checked. */
#include "ike/v2/count.h"
#include "ike/v2/crash.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/followup.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/trace.h"

/* What was not the peer's leaves nothing behind. */
static void drop(struct exchange *x)
{
    arena_free(x->rx);
    x->rx = NULL;
}

static bool open_message(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct reassembly *frags,
                         struct ike_message *m, enum decode_status *status)
{
    struct diag d;
    diag_clear(&d);
    if (x->rx)
        arena_reset(x->rx);
    else
        x->rx = arena_new(EXCHANGE_CAP);
    if (m->sk->type == PAYLOAD_SK) {
        *status = protect_open(x->rx, sa->opener, m, &d);
        if (*status == DECODE_BAD_ICV || (*status != DECODE_OK && !m->is_opened)) {
            *(*status == DECODE_BAD_ICV ? &env->stats->dropped_bad_icv : &env->stats->dropped_malformed) += 1;
            count_event(env, sa, COUNT_INVALID);
            drop(x);
            return false;
        }
        return true;
    }
    switch (reassembly_add(frags, x->rx, sa->opener, m, sa->config->settings.max_packet, &d)) {
    case REASSEMBLY_DONE:
        *status = DECODE_OK;
        return true;
    case REASSEMBLY_MALFORMED:
        *status = DECODE_MALFORMED;
        return true;
    case REASSEMBLY_CRITICAL:
        *status = DECODE_CRITICAL;
        return true;
    case REASSEMBLY_BAD_ICV:
        env->stats->dropped_bad_icv++;
        count_event(env, sa, COUNT_INVALID);
        drop(x);
        return false;
    case REASSEMBLY_REFUSED:
        env->stats->dropped_malformed++;
        count_event(env, sa, COUNT_INVALID);
        drop(x);
        return false;
    case REASSEMBLY_MORE:
        return false;
    }
    return false;
}

/* Beyond the step: the inner bytes are in rx already, the array of payloads joins them; the outer bytes are
 * the input's and are not looked at again. */
static void keep(struct exchange *x, const struct ike_message *m)
{
    struct ike_payload *v = arena_calloc(x->rx, m->n ? m->n : 1, sizeof(*v));
    if (m->header.exchange == EXCHANGE_IKE_INTERMEDIATE)
        x->content = protect_content(x->rx, m);
    x->msg = *m;
    x->msg.n = 0;
    for (size_t i = 0; v && i < m->n; i++) {
        if (m->v[i].is_encrypted)
            v[x->msg.n++] = m->v[i];
    }
    x->msg.v = v;
    x->msg.sk = NULL;
    x->msg.raw = span_of(NULL, 0);
}

static void replay(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                   const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    struct datagrams d = window_replay(&sa->window, m->header.message_id);
    rekey_ike_repeated(env, sa);
    sa_log(env, sa, LOG_NOTICE, "the peer repeats its request %u: sending the response again",
           m->header.message_id);
    if (m->sk && m->sk->type == PAYLOAD_SKF && m->sk->sk.number != 1)
        return;
    for (size_t i = 0; i < d.n; i++)
        send_raw(env, local, remote, has_marker, sa->conn->dscp, arena_dup(env->out->arena, d.v[i]));
    env->stats->retransmitted += d.n > 0;
    env->host->alert(env, sa, ALERT_RETRANSMIT_RECEIVE);
}

static void on_request(struct ike_env *env, struct ike_sa *sa, struct ike_message *m,
                       const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    struct exchange *x = &sa->peer;
    enum decode_status status;
    struct diag d;
    diag_clear(&d);
    /* What comes before the answer to our IKE_AUTH is about what is in it: the peer says it again. */
    if (sa->is_initiator && sa->state == IKE_CONNECTING)
        return;
    if (x->kind != X_NONE || !open_message(env, sa, x, &sa->in_request, m, &status))
        return;
    if (null_auth_is_too_fast(env, sa))
        return;
    window_accept(&sa->window);
    natd_authentic(env, sa, local, remote, has_marker);
    path_heard(env, sa, local, remote);
    rekey_ike_heard(env, sa);
    exchange_begin(sa, x, X_INFO);
    x->local = *local;
    x->remote = *remote;
    x->has_marker = has_marker;
    keep(x, m);
    if (status == DECODE_OK)
        status = rules_check(m, &d);
    if (status != DECODE_OK) {
        /* Authentic but wrong: the peer's fault, answered once [RFC7296#2.21.3] */
        env->stats->dropped_malformed++;
        count_event(env, sa, COUNT_INVALID);
        env->host->alert(env, sa, ALERT_PARSE_ERROR_BODY);
        sa_log(env, sa, LOG_WARN, "a malformed request of the peer is refused: %s", d.what);
        bool was_up = ike_sa_is_up(sa);
        uint8_t bad = m->bad_payload;
        send_response_notify(env, sa, m->header.exchange, decode_status_notify(status),
                             span_of(&bad, status == DECODE_CRITICAL));
        if (!was_up)
            ike_sa_linger(env, sa, &d);
        return;
    }
    count_message(env, sa, m->header.exchange, COUNT_IN, false);
    trace_read(env, sa, &x->msg);
    const struct peer_exchange *row = exchange_peer(rules_kind(&x->msg));
    if (!row || !(row->states >> sa->state & 1)) {
        uint16_t refusal = row && row->refusal && sa->was_up ? row->refusal : N_INVALID_SYNTAX;
        send_response_notify(env, sa, m->header.exchange, refusal, span_of(NULL, 0));
        return;
    }
    x->kind = row->as;
    if (m->header.exchange == EXCHANGE_CREATE_CHILD_SA)
        rekey_ike_settle(env, sa);
    row->on_request(env, sa, x);
}

static void on_response(struct ike_env *env, struct ike_sa *sa, struct ike_message *m,
                        const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    struct exchange *x = overlap_answered(sa, m->header.message_id);
    enum decode_status status;
    struct diag d;
    diag_clear(&d);
    const struct own_exchange *row = exchange_own(x->kind);
    uint8_t expected = x->is_followup ? EXCHANGE_IKE_FOLLOWUP_KE : row->exchange;
    if (x->kind == X_NONE || x->job_tag || !row->on_response || expected != m->header.exchange) {
        env->stats->dropped_malformed++;
        return;
    }
    if (!open_message(env, sa, x, &x->frags, m, &status))
        return;
    if (x->out.sent > 1)
        env->host->alert(env, sa, ALERT_RETRANSMIT_SEND_CLEARED);
    outstanding_done(&x->out);
    natd_authentic(env, sa, local, remote, has_marker);
    path_answered(env, sa, x, local, remote);
    rekey_ike_heard(env, sa);
    keep(x, m);
    if (status == DECODE_OK)
        status = rules_check(m, &d);
    trace_read(env, sa, &x->msg);
    if (status == DECODE_OK)
        count_message(env, sa, m->header.exchange, COUNT_IN, true);
    else {
        count_event(env, sa, COUNT_INVALID);
        env->host->alert(env, sa, ALERT_PARSE_ERROR_BODY);
    }
    if (sa->state == IKE_DELETING && x->kind != X_DELETE_IKE && x->kind != X_AUTH_FAILED) {
        exchange_end(x); /* overtaken by the end of the SA */
        return;
    }
    if (status != DECODE_OK) {
        env->stats->dropped_malformed++;
        if (!diag_failed(&d))
            diag_set(&d, FAIL_GENERIC, "the peer's response to %s is malformed", row->name);
        d.class = d.class ? d.class : FAIL_GENERIC;
        sa_log_diag(env, sa, LOG_ERR, &d);
        if (x->kind == X_DELETE_IKE || x->kind == X_AUTH_FAILED)
            ike_sa_end(env, sa, NULL);
        else
            ike_sa_end(env, sa, &d);
        return;
    }
    if (m->header.exchange == EXCHANGE_INFORMATIONAL)
        crash_note(sa, &x->msg);
    if (x->is_followup)
        followup_on_response(env, sa, x);
    else
        row->on_response(env, sa, x);
}

#define HURRY_GAP (500 * TIME_MS) /* a replayed message shall not be worth many of ours */

/* The peer begins something in an IKE SA that we still ask for: it has answered, and that was lost, or is
 * late. What it begins is not looked at: it will say it again when we are up. */
static void answer_was_lost(struct ike_env *env, struct ike_sa *sa, struct ike_message *m)
{
    struct diag d;
    diag_clear(&d);
    env->stats->dropped_replayed++;
    if (sa->own.kind != X_AUTH || m->sk->type != PAYLOAD_SK ||
        protect_open(env->out->arena, sa->opener, m, &d) != DECODE_OK)
        return;
    struct datagrams again = outstanding_hurry(&sa->own.out, env->now.mono, HURRY_GAP);
    if (!again.n)
        return;
    env->stats->retransmitted++;
    sa_log(env, sa, LOG_DETAIL, "the peer has answered, and we have not heard it: sending %s again",
           exchange_kind_name(sa->own.kind));
    path_resend(env, sa, &sa->own, &again);
}

/* While a request is worked on the next one has to wait, if it may be there at all. */
static enum window_class classify(struct ike_sa *sa, const struct ike_message *m)
{
    uint32_t id = m->header.message_id;
    if (ike_is_response(&m->header))
        return overlap_answered(sa, id) ? WINDOW_NEW : WINDOW_OLD;
    enum window_class class = window_classify(&sa->window, id);
    bool must_wait = class == WINDOW_NEW && sa->peer.kind != X_NONE && sa->window.size_in > 1;
    return must_wait ? WINDOW_AHEAD : class;
}

void ike_sa_receive(struct ike_env *env, struct ike_sa *sa, struct ike_message *m,
                    const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    bool is_response = ike_is_response(&m->header);
    enum window_class class = classify(sa, m);
    if (sa->is_dead)
        return;
    trace_received(env, sa, local, remote, m->raw.len);
    if (!is_response && msgid_sync_receive(env, sa, m, local, remote, has_marker))
        return;
    if (class == WINDOW_RETRANSMIT && !is_response) {
        replay(env, sa, m, local, remote, has_marker);
        return;
    }
    if (class == WINDOW_AHEAD) {
        overlap_hold(env, sa, m, local, remote, has_marker);
        return;
    }
    if (class != WINDOW_NEW) {
        env->stats->dropped_replayed++;
        return;
    }
    if (ike_is_initial(&m->header)) {
        if (is_response && sa->own.kind == X_INIT && !sa->own.job_tag &&
            (m->header.exchange == EXCHANGE_IKE_SESSION_RESUME) == (sa->resume != NULL))
            init_on_response(env, sa, m, local);
        else
            env->stats->dropped_replayed++;
        return;
    }
    if (!m->sk || !sa->opener) {
        /* in the clear, INVALID_IKE_SPI too: without a token of the peer's the liveness check that it answers
         * goes on [RFC7296#2.21.4] */
        if (!is_response || m->sk || !crash_is_proven(env, sa, m))
            env->stats->dropped_malformed++;
        return;
    }
    if (is_response)
        on_response(env, sa, m, local, remote, has_marker);
    else if (sa->is_initiator && sa->state == IKE_CONNECTING)
        answer_was_lost(env, sa, m);
    else if (!sa->is_lingering)
        on_request(env, sa, m, local, remote, has_marker);
}
