/* SPDX-License-Identifier: Apache-2.0 */
/* Making a child (RFC 7296 sections 1.3.1, 2.7, 2.9, 2.17): what is offered, chosen and checked. IKE_AUTH and
 * rekeying use the same parts; here is also the exchange that adds a further child. */
#include "crypto/kex.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/followup.h"
#include "ike/v2/sa.h"

#define RETRY_TEMPORARY (2 * TIME_SECOND)
#define RETRY_MAX       5

/* ---- parts ---- */

static bool is_inside(const struct ts *v, uint8_t n, const struct ts *t)
{
    for (uint8_t i = 0; i < n; i++) {
        if (ts_contains(&v[i], t))
            return true;
    }
    return false;
}

bool create_child_offer(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                        const struct child_config *cfg)
{
    uint8_t spi[4];
    x->child_cfg = cfg;
    if (!x->reqid)
        x->reqid = env->host->reqid_for(env->ctx, sa, cfg);
    x->spi_in = env->host->new_child_spi(env->ctx, x->reqid);
    x->ts = ts_configured(sa, cfg);
    const struct child_sa *old = child_find(sa, x->old_child);
    child_mode_ask(env, sa, x, old ? old->mode : cfg->mode);
    x->has_packet = x->kind != X_REKEY_CHILD &&
                    env->host->packet_for(env->ctx, sa, cfg, &x->packet_local, &x->packet_remote) &&
                    is_inside(x->ts.local, x->ts.n_local, &x->packet_local) &&
                    is_inside(x->ts.remote, x->ts.n_remote, &x->packet_remote);
    ipcomp_offer(sa, x);
    spi_put32(spi, x->spi_in);
    x->offered = proposal_offer(x->tx, &cfg->proposals, span_of(spi, 4), x->kind != X_AUTH);
    ah_filter(sa, &x->offered);
    return x->offered.n && x->ts.n_local && x->ts.n_remote;
}

/* [RFC7296#2.9] the packet that asks for the child first, so that a responder that has to choose a part of
 * the rest chooses the part that serves it. */
static void put_ts(struct build *b, uint8_t payload, const struct ts *packet, const struct ts *v, uint8_t n)
{
    struct ts all[SA_MAX_TS + 1];
    if (!packet) {
        build_ts(b, payload, v, n);
        return;
    }
    all[0] = *packet;
    memcpy(all + 1, v, n * sizeof(*v));
    build_ts(b, payload, all, n + 1u);
}

void create_child_cannot(const struct ike_sa *sa, const struct exchange *x, struct diag *d)
{
    if (x->offered.n || !ah_explain(sa, x->child_cfg, NULL, d))
        diag_set(d, FAIL_CONFIG, "child %s has no selectors for this peer", x->child_cfg->name);
}

void create_child_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)sa;
    if (!x->child_cfg) /* childless */
        return;
    ipcomp_put(b, x);
    child_mode_put(b, x);
    tfc_put(b, x);
    build_sa(b, x->offered.v, x->offered.n);
    if (x->kind != X_AUTH)
        build_nonce(b, nonce_view(&x->ni));
    if (x->kind != X_AUTH && x->ke)
        build_ke(b, x->ke, secret_view(&x->ke_public));
    put_ts(b, PAYLOAD_TSI, x->has_packet ? &x->packet_local : NULL, x->ts.local, x->ts.n_local);
    put_ts(b, PAYLOAD_TSR, x->has_packet ? &x->packet_remote : NULL, x->ts.remote, x->ts.n_remote);
}

static void ts_difference(struct diag *d, const struct ike_sa *sa, const struct child_config *only,
                          const struct pl_ts *local, const struct pl_ts *remote)
{
    char a[200], b[200];
    const struct child_config *cfg = only ? only : sa->conn->n_children ? &sa->conn->children[0] : NULL;
    diag_set(d, FAIL_SELECTORS, "no child of %s has the peer's traffic selectors", sa->conn->name);
    diag_got(d, "local %s remote %s (as seen from here)", ts_list_format(local->v, local->n, a, sizeof(a)),
             ts_list_format(remote->v, remote->n, b, sizeof(b)));
    if (!cfg)
        return;
    struct ts_pair p = ts_configured(sa, cfg);
    diag_expected(d, "child %s: local %s remote %s", cfg->name,
                  ts_list_format(p.local, p.n_local, a, sizeof(a)),
                  ts_list_format(p.remote, p.n_remote, b, sizeof(b)));
    diag_where_of(d, &cfg->origins, "local_ts");
    diag_where_of(d, &cfg->origins, "remote_ts");
    diag_try(d, "%s",
             null_auth_is_guest(sa)
                 ? "who does not prove who it is gets its own address, or one of a pool, and nothing else"
                 : "what is local here must be remote there, and the other way round");
}

uint16_t create_child_select(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                             const struct child_config *only, bool has_ke, struct diag *d)
{
    const struct ike_payload *offer = ike_find(&x->msg, PAYLOAD_SA);
    const struct ike_payload *tsi = ike_find(&x->msg, PAYLOAD_TSI), *tsr = ike_find(&x->msg, PAYLOAD_TSR);
    struct select_options o = {.ignores_ke = !has_ke, .ignores_ah = !ah_is_possible(sa)};
    if (!offer || !tsi || !tsr) {
        diag_set(d, FAIL_GENERIC, "a request for a child without SA, TSi or TSr");
        return N_INVALID_SYNTAX;
    }
    if (cfg_refuses_child(sa, d))
        return N_INTERNAL_ADDRESS_FAILURE;
    struct child_match match = only ? match_child(sa, child_owner(sa, only), only, &x->msg, has_ke)
                                    : match_any_child(env, sa, x, has_ke);
    const struct child_config *cfg = match.cfg;
    x->ts = match.ts;
    x->mode = match.mode;
    x->seen_local = match.seen_local;
    x->seen_remote = match.seen_remote;
    if (!cfg) {
        env->stats->selector_mismatch++;
        ts_difference(d, sa, only, &tsr->ts, &tsi->ts);
        return N_TS_UNACCEPTABLE;
    }
    uint16_t no_guest = null_auth_refuses_child(env, sa, &x->ts, only != NULL, d);
    if (no_guest)
        return no_guest;
    if (x->mode == MODE_TRANSPORT && !only && env->host->is_taken(env->ctx, sa, &x->ts)) {
        env->stats->selector_mismatch++;
        child_mode_explain_taken(sa, x, d);
        return N_TS_UNACCEPTABLE;
    }
    if (!proposal_select(&cfg->proposals, &offer->sa.proposals, o, &x->chosen, d)) {
        env->stats->proposal_mismatch++;
        if (!ah_explain(sa, cfg, &offer->sa.proposals, d))
            diag_where_of(d, &cfg->origins, ah_is_wanted(cfg) ? "ah_proposals" : "esp_proposals");
        return N_NO_PROPOSAL_CHOSEN;
    }
    if (x->chosen.spi_len != 4 || spi_get32(x->chosen.spi) == 0) {
        diag_set(d, FAIL_GENERIC, "the peer's proposal has no usable SPI");
        return N_INVALID_SYNTAX;
    }
    x->child_cfg = cfg;
    if (!x->reqid)
        x->reqid = env->host->reqid_for(env->ctx, sa, cfg);
    x->spi_in = env->host->new_child_spi(env->ctx, x->reqid);
    ipcomp_take(env, sa, x);
    tfc_take(env, sa, x);
    return 0;
}

void create_child_answer(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    uint8_t spi[4];
    (void)env;
    (void)sa;
    if (x->refusal) {
        build_notify_empty(b, x->refusal);
        return;
    }
    if (!x->child_cfg) /* childless */
        return;
    ipcomp_put(b, x);
    spi_put32(spi, x->spi_in);
    child_mode_put(b, x);
    tfc_put(b, x);
    proposal_put_choice(b, &x->chosen, span_of(spi, 4));
    if (x->kind != X_AUTH)
        build_nonce(b, nonce_view(&x->nr));
    if (x->kind != X_AUTH && x->chosen.ke)
        build_ke(b, x->ke, secret_view(&x->ke_public));
    build_ts(b, PAYLOAD_TSI, x->ts.remote, x->ts.n_remote);
    build_ts(b, PAYLOAD_TSR, x->ts.local, x->ts.n_local);
}

bool create_child_accept(struct ike_env *env, struct ike_sa *sa, struct exchange *x, bool has_ke,
                         struct diag *d)
{
    const struct ike_payload *p = ike_find(&x->msg, PAYLOAD_SA), *ke = ike_find(&x->msg, PAYLOAD_KE);
    const struct ike_payload *tsi = ike_find(&x->msg, PAYLOAD_TSI), *tsr = ike_find(&x->msg, PAYLOAD_TSR);
    struct ts_pair narrowed, ours;
    struct mode_view view;
    char a[200], b[200];
    if (cfg_lacks_address(sa, d))
        return false;
    if (!p || !tsi || !tsr || p->sa.proposals.n != 1) {
        diag_set(d, FAIL_GENERIC, "the response for child %s is incomplete", x->child_cfg->name);
        return false;
    }
    if (!proposal_accept_choice(&x->offered, &p->sa.proposals.v[0], &x->chosen, d)) {
        env->stats->proposal_mismatch++;
        return false;
    }
    if (x->chosen.spi_len != 4 || spi_get32(x->chosen.spi) == 0 ||
        (has_ke && x->chosen.ke && (x->chosen.ke != x->ke || !ke || ke->ke.group != x->ke))) {
        diag_set(d, FAIL_PROPOSAL, "the response for child %s does not fit its own choice",
                 x->child_cfg->name);
        return false;
    }
    if (!child_mode_accept(env, sa, x, &tsi->ts, &tsr->ts, &view, d))
        return false;
    if (!ts_is_subset(&x->ts, &view.local, &view.remote, &narrowed)) {
        env->stats->selector_mismatch++;
        diag_set(d, FAIL_SELECTORS, "the peer widened the traffic selectors of child %s", x->child_cfg->name);
        diag_expected(d, "a part of %s === %s", ts_list_format(x->ts.local, x->ts.n_local, a, sizeof(a)),
                      ts_list_format(x->ts.remote, x->ts.n_remote, b, sizeof(b)));
        diag_got(d, "%s === %s", ts_list_format(tsi->ts.v, tsi->ts.n, a, sizeof(a)),
                 ts_list_format(tsr->ts.v, tsr->ts.n, b, sizeof(b)));
        return false;
    }
    /* a virtual address was any address when the selectors were offered */
    ours = sa->cfg && sa->cfg->local.n ? ts_configured(sa, x->child_cfg) : narrowed;
    if (!ts_narrow(&ours, &view.local, &view.remote, &x->ts)) {
        diag_set(d, FAIL_SELECTORS, "the selectors of child %s leave our virtual address out",
                 x->child_cfg->name);
        diag_expected(d, "a part of %s", ts_list_format(ours.local, ours.n_local, a, sizeof(a)));
        diag_got(d, "%s", ts_list_format(view.local.v, view.local.n, a, sizeof(a)));
        return false;
    }
    ipcomp_take(env, sa, x);
    tfc_take(env, sa, x);
    return true;
}

/* ---- initiator: a new child and the rekeying of one differ in a notify ---- */

static void give_up(struct ike_env *env, struct ike_sa *sa, const struct diag *d)
{
    struct exchange *x = &sa->own;
    const struct child_config *cfg = x->child_cfg;
    uint64_t old = x->old_child;
    bool is_rekey = x->kind == X_REKEY_CHILD;
    struct child_sa *c = child_find(sa, old);
    exchange_end(x);
    sa_log_diag(env, sa, LOG_ERR, d);
    if (c && c->state == CHILD_REKEYING)
        c->state = CHILD_INSTALLED;
    if (is_rekey)
        env->host->rekey_failed(env, sa, old, d);
    else
        env->host->child_failed(env, sa, cfg, d);
}

static void send_create(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct build b;
    struct diag d;
    uint8_t spi[4];
    const struct child_sa *old = x->kind == X_REKEY_CHILD ? child_find(sa, x->old_child) : NULL;
    nonce_make(&x->ni);
    chain_begin(env, &b);
    if (old) { /* [RFC7296#1.3.3] the SPI that we receive on */
        spi_put32(spi, old->spi_in);
        build_notify(&b, N_REKEY_SA, old->chosen.protocol, span_of(spi, 4), span_of(NULL, 0));
    }
    create_child_put(env, &b, sa, x);
    if (send_request(env, sa, EXCHANGE_CREATE_CHILD_SA, &b))
        return;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "CREATE_CHILD_SA could not be sent");
    give_up(env, sa, &d);
}

static void on_generated(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    diag_clear(&d);
    if (x->kind == X_REKEY_CHILD && !child_find(sa, x->old_child)) {
        exchange_end(x); /* deleted meanwhile */
        return;
    }
    if (job->ok) {
        send_create(env, sa, x);
        return;
    }
    diag_set(&d, FAIL_PROPOSAL, "the key exchange method of child %s is not available here",
             x->child_cfg->name);
    give_up(env, sa, &d);
}

static void start(struct ike_env *env, struct ike_sa *sa, const struct task *t,
                  const struct child_config *cfg, uint32_t reqid)
{
    struct exchange *x = &sa->own;
    struct diag d;
    exchange_begin(sa, x, t->kind);
    x->old_child = t->child_id;
    x->restarts = t->attempts;
    x->reqid = reqid;
    if (!create_child_offer(env, sa, x, cfg)) {
        diag_clear(&d);
        create_child_cannot(sa, x, &d);
        give_up(env, sa, &d);
        return;
    }
    uint16_t ke = t->ke ? t->ke : proposal_first_ke(&cfg->proposals);
    sa_log(env, sa, LOG_NOTICE, "%s child %s", t->child_id ? "rekeying" : "creating", cfg->name);
    if (ke)
        job_generate(env, sa, x, ke, on_generated);
    else
        send_create(env, sa, x);
}

void create_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    if (env->host->needs_child(env->ctx, sa, t->cfg)) /* the peer may have made it meanwhile */
        start(env, sa, t, t->cfg, 0);
}

void rekey_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct child_sa *old = child_find(sa, t->child_id);
    if (!old || old->state != CHILD_INSTALLED)
        return; /* gone or replaced meanwhile */
    old->state = CHILD_REKEYING;
    start(env, sa, t, old->cfg, old->reqid);
}

static bool retry(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *n)
{
    struct exchange *x = &sa->own;
    struct task t = {.kind = x->kind,
                     .child_id = x->old_child,
                     .cfg = x->kind == X_NEW_CHILD ? x->child_cfg : NULL,
                     .attempts = (uint8_t)(x->restarts + 1),
                     .not_before = env->now.mono};
    struct rd r = rd_over(n->data);
    if (t.attempts > RETRY_MAX)
        return false;
    if (n->type == N_TEMPORARY_FAILURE || n->type == N_CHILD_SA_NOT_FOUND || n->type == N_STATE_NOT_FOUND)
        t.not_before += jittered(RETRY_TEMPORARY, RETRY_TEMPORARY / 2);
    else if (n->type == N_INVALID_KE_PAYLOAD) {
        t.ke = rd_u16(&r);
        if (!rd_done(&r) || t.ke == x->ke || !proposal_has_ke(&x->child_cfg->proposals, t.ke))
            return false;
    } else
        return false;
    struct child_sa *c = child_find(sa, x->old_child);
    if (c && c->state == CHILD_REKEYING)
        c->state = CHILD_INSTALLED;
    exchange_end(x);
    ike_sa_queue(sa, t);
    return true;
}

void create_child_failed(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *error,
                         const struct diag *d)
{
    bool is_forgotten = error && error->type == N_STATE_NOT_FOUND;
    if (error && retry(env, sa, error))
        return;
    give_up(env, sa, d);
    if (is_forgotten) /* [RFC9370#2.2.4] again and again: fatal */
        delete_ike(env, sa, d);
}

void create_child_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    if (x->kind == X_REKEY_CHILD) {
        rekey_child_done(env, sa, x);
        return;
    }
    struct child_sa *c = child_new(env, sa, x);
    bool ok = child_install(env, c, x, false, 0), is_deleted = child_was_deleted(x, c);
    exchange_end(x);
    if (is_deleted)
        child_closed_by_peer(env, c);
    else if (!ok)
        delete_child(env, c);
    else
        twin_child_settle(env, c);
}

static void on_derived(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    if (job->ok && x->is_followup) {
        followup_begin(env, sa, x);
        return;
    }
    if (job->ok) {
        create_child_made(env, sa, x);
        return;
    }
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "the peer's key exchange value is invalid");
    give_up(env, sa, &d);
    delete_ike(env, sa, &d); /* [draft-ietf-ipsecme-ikev2-mlkem#2.2] the peer has a child that is none */
}

void create_child_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    if (error && !ike_find(&x->msg, PAYLOAD_SA)) {
        if (x->kind == X_REKEY_CHILD && rekey_child_refused(env, sa, x, error))
            return;
        if (retry(env, sa, error))
            return;
        diag_from_notify(&d, sa, error, x->kind, x->child_cfg);
        give_up(env, sa, &d);
        return;
    }
    if (!create_child_accept(env, sa, x, true, &d) || !nonce_take(&x->nr, &x->msg)) {
        if (!diag_failed(&d))
            diag_set(&d, FAIL_GENERIC, "a CREATE_CHILD_SA response without a nonce");
        give_up(env, sa, &d);
        return;
    }
    if (followup_is_due(x) && !followup_accept(x)) {
        diag_set(&d, FAIL_GENERIC, "the response for child %s does not link to an additional key exchange",
                 x->child_cfg->name);
        give_up(env, sa, &d);
        return;
    }
    if (x->is_followup && x->kind == X_REKEY_CHILD && rekey_child_stops(env, sa, x))
        return;
    if (x->chosen.ke)
        job_derive(env, sa, x, ike_find(&x->msg, PAYLOAD_KE)->ke.data, on_derived);
    else
        create_child_made(env, sa, x);
}

/* ---- responder ---- */

/* [RFC7296#2.25.1] what is said about a child that cannot be rekeyed: gone, or going. */
static void refuse_rekey(struct ike_env *env, struct ike_sa *sa, uint16_t refusal, uint8_t protocol,
                         uint32_t peer_spi)
{
    struct build b;
    uint8_t spi[4];
    spi_put32(spi, peer_spi);
    chain_begin(env, &b);
    if (refusal == N_CHILD_SA_NOT_FOUND)
        build_notify(&b, refusal, protocol, span_of(spi, 4), span_of(NULL, 0));
    else
        build_notify_empty(&b, refusal);
    send_response(env, sa, EXCHANGE_CREATE_CHILD_SA, &b);
}

/* [RFC9370#2.2.4] our own replacement of it goes on: the peer's comes too late. */
static bool is_being_replaced(const struct ike_sa *sa, const struct child_sa *old)
{
    return sa->own.kind == X_REKEY_CHILD && sa->own.is_followup && sa->own.old_child == old->id;
}

static bool is_refused(const struct ike_sa *sa, const struct exchange *x, const struct child_sa *old)
{
    if (x->kind != X_REKEY_CHILD)
        return false;
    return !old || (old->state == CHILD_DELETING && !old->has_heir) || is_being_replaced(sa, old);
}

/* The new child stands before the last answer is sent: the initiator may use it as soon as it has that. */
void create_child_reply(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct build b;
    uint8_t exchange = x->msg.header.exchange;
    struct child_sa *old = x->kind == X_REKEY_CHILD ? child_find(sa, x->old_child) : NULL;
    if (is_refused(sa, x, old)) { /* deleted or replaced while the jobs ran */
        send_response_notify(env, sa, exchange, N_TEMPORARY_FAILURE, span_of(NULL, 0));
        return;
    }
    chain_begin(env, &b);
    if (x->is_followup)
        build_ke(&b, x->ke, secret_view(&x->ke_public));
    else
        create_child_answer(env, &b, sa, x);
    if (followup_is_due(x)) {
        followup_park(env, sa, x, &b);
        return;
    }
    struct child_sa *c = child_new(env, sa, x);
    bool takes_over = !old && env->host->is_served(env->ctx, c);
    if (!child_install(env, c, x, old || takes_over, old ? old->id : 0)) {
        child_end(env, c);
        send_response_notify(env, sa, exchange, N_NO_PROPOSAL_CHOSEN, span_of(NULL, 0));
        return;
    }
    if (takes_over)
        c->switch_at = env->now.mono + CHILD_TAKEOVER;
    if (old && old->has_heir) /* ours was decided meanwhile, and won */
        rekey_child_lost(env, c);
    else if (old) {
        c->unsure_until = env->now.mono + CHILD_UNSURE;
        c->asked_by = x->msg.header.message_id;
        old->peer_replacement = c->id;
        if (old->state == CHILD_INSTALLED) /* unless we are rekeying it too */
            child_rekeyed(env, old);
    } else
        twin_child_settle(env, c);
    send_response(env, sa, exchange, &b);
}

static void on_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    if (job->ok)
        create_child_reply(env, sa, x);
    else
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_SYNTAX, span_of(NULL, 0));
}

static void respond(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                    const struct child_config *only)
{
    struct diag d;
    diag_clear(&d);
    const struct ike_payload *ke = ike_find(&x->msg, PAYLOAD_KE);
    uint16_t notify = create_child_select(env, sa, x, only, true, &d);
    if (notify || !nonce_take(&x->ni, &x->msg)) {
        sa_log_diag(env, sa, LOG_WARN, &d);
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, notify ? notify : N_INVALID_SYNTAX,
                             span_of(NULL, 0));
        return;
    }
    nonce_make(&x->nr);
    struct child_sa *old = x->kind == X_REKEY_CHILD ? child_find(sa, x->old_child) : NULL;
    if (old)
        old->peer_low = *nonce_lower(&x->ni, &x->nr);
    x->ke = x->chosen.ke;
    if (!x->ke) {
        create_child_reply(env, sa, x);
        return;
    }
    if (!ke || ke->ke.group != x->ke) {
        uint8_t want[2] = {(uint8_t)(x->ke >> 8), (uint8_t)x->ke};
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_KE_PAYLOAD, span_of(want, 2));
        return;
    }
    if (!kex_public_plausible(x->ke, ke->ke.data)) {
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_SYNTAX, span_of(NULL, 0));
        return;
    }
    job_answer(env, sa, x, x->ke, ke->ke.data, on_answered);
}

void create_child_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    if (sa->state == IKE_REKEYING) { /* [RFC7296#2.25.2] */
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_TEMPORARY_FAILURE, span_of(NULL, 0));
        return;
    }
    respond(env, sa, x, NULL);
}

/* [RFC7296#2.25.1] */
void rekey_child_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    const struct pl_notify *n = ike_notify(&x->msg, N_REKEY_SA);
    struct child_sa *old = n->spi.len == 4 ? child_by_spi_out(sa, n->protocol, spi_get32(n->spi.ptr)) : NULL;
    uint16_t refusal = 0;
    if (!old) /* perhaps one that our own exchange is making, and the peer has already */
        refusal = child_is_in_the_making(sa) ? N_TEMPORARY_FAILURE : N_CHILD_SA_NOT_FOUND;
    else if (sa->state == IKE_REKEYING || old->state == CHILD_DELETING || old->state == CHILD_REKEYED ||
             is_being_replaced(sa, old))
        refusal = N_TEMPORARY_FAILURE;
    if (refusal) {
        refuse_rekey(env, sa, refusal, n->protocol, n->spi.len == 4 ? spi_get32(n->spi.ptr) : 0);
        return;
    }
    followup_drop(sa, X_REKEY_CHILD, old->id); /* the peer begins anew */
    x->old_child = old->id;
    x->reqid = old->reqid;
    respond(env, sa, x, old->cfg);
}
