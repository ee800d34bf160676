/* SPDX-License-Identifier: Apache-2.0 */
/* What the two sides agree on when they make a child (RFC 7296 sections 1.3.1, 2.7, 2.9): the initiator's
 * offer, the responder's choice, the initiator's check of that; proposal, selectors, mode, compression.
 * IKE_AUTH, a further child and the rekeying of one use the same; the exchanges themselves are elsewhere
 * (auth.c, create_child.c). */
#include "ike/v2/create_child.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/per_cpu.h"

static bool is_inside(const struct ts *v, uint8_t n, const struct ts *t)
{
    for (uint8_t i = 0; i < n; i++) {
        if (ts_contains(&v[i], t))
            return true;
    }
    return false;
}

/* What replaces a child is what that is, also when it has left the SA's snapshot behind, or the other way
 * round. */
static void set_child(const struct ike_sa *sa, struct exchange *x, const struct child_config *cfg)
{
    const struct child_sa *old = child_find(sa, x->old_child);
    bool is_its = old && old->cfg == cfg;
    struct config *config = config_ref(is_its ? old->config : sa->config);
    config_unref(x->config);
    x->config = config;
    x->child_cfg = cfg;
    x->child_conn = is_its ? old->conn : child_owner(sa, cfg);
}

bool create_child_offer(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                        const struct child_config *cfg)
{
    uint8_t spi[4];
    struct diag ignored;
    set_child(sa, x, cfg);
    if (!child_plane_choose(env, sa, x, cfg, &ignored) || !per_cpu_offer(sa, x))
        return false;
    if (!x->reqid)
        x->reqid = env->host->reqid_for(env->ctx, sa, cfg);
    x->spi_in = env->host->new_child_spi(env->ctx, x->reqid, x->plane);
    x->ts = ts_configured(sa, cfg);
    const struct child_sa *old = child_find(sa, x->old_child);
    const struct child_sa *first = x->per_cpu.is_further && !old ? per_cpu_first(sa, cfg) : NULL;
    child_mode_ask(env, sa, x, old ? old->mode : first ? first->mode : cfg->mode);
    x->has_packet = x->kind != X_REKEY_CHILD &&
                    env->host->packet_for(env->ctx, sa, cfg, &x->packet_local, &x->packet_remote) &&
                    is_inside(x->ts.local, x->ts.n_local, &x->packet_local) &&
                    is_inside(x->ts.remote, x->ts.n_remote, &x->packet_remote);
    ipcomp_offer(sa, x);
    spi_put32(spi, x->spi_in);
    x->offered = proposal_offer(x->tx, &cfg->proposals, span_of(spi, 4), x->kind != X_AUTH);
    ah_filter(sa, &x->offered);
    if (first)
        per_cpu_copy(x, first);
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

void create_child_cannot(struct ike_env *env, const struct ike_sa *sa, struct exchange *x, struct diag *d)
{
    if (!child_plane_choose(env, sa, x, x->child_cfg, d))
        return;
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
    per_cpu_put(b, x);
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

/* The child that fits best, and with what selectors and mode. */
static const struct child_config *select_config(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                                                const struct child_config *only, bool has_ke)
{
    const struct child_sa *old = only ? child_find(sa, x->old_child) : NULL;
    const struct connection *owner = old && old->cfg == only ? old->conn : sa->conn;
    struct child_match match =
        only ? match_child(sa, owner, only, &x->msg, has_ke) : match_any_child(env, sa, x, has_ke);
    x->ts = match.ts;
    x->mode = match.mode;
    x->seen_local = match.seen_local;
    x->seen_remote = match.seen_remote;
    return match.cfg;
}

/* 0, or the notify and d: there are enough children with these selectors, another peer has them, or they are
 * not for this one. */
static uint16_t are_free(struct ike_env *env, struct ike_sa *sa, const struct exchange *x,
                         const struct child_config *cfg, bool is_rekey, struct diag *d)
{
    uint16_t no_guest = null_auth_refuses_child(env, sa, &x->ts, is_rekey, d);
    if (no_guest || is_rekey)
        return no_guest;
    bool is_one_of_several = per_cpu_is_asked(&x->msg, cfg);
    if (twin_child_is_full(sa, cfg, &x->ts, is_one_of_several ? per_cpu_limit(env) : 0)) {
        diag_set(d, FAIL_GENERIC, "the peer has enough children %s with the same selectors", cfg->name);
        return is_one_of_several ? N_TS_MAX_QUEUE : N_NO_ADDITIONAL_SAS;
    }
    if (x->mode != MODE_TRANSPORT || !env->host->is_taken(env->ctx, sa, &x->ts))
        return 0;
    env->stats->selector_mismatch++;
    child_mode_explain_taken(sa, x, d);
    return N_TS_UNACCEPTABLE;
}

static bool has_spi(const struct exchange *x)
{
    return x->chosen.spi_len == 4 && spi_get32(x->chosen.spi) != 0;
}

uint16_t create_child_select(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                             const struct child_config *only, bool has_ke, struct diag *d)
{
    const struct ike_payload *offer = ike_find(&x->msg, PAYLOAD_SA);
    const struct ike_payload *tsi = ike_find(&x->msg, PAYLOAD_TSI), *tsr = ike_find(&x->msg, PAYLOAD_TSR);
    struct select_options o = {.ignores_ke = !has_ke,
                               .ignores_ah = !ah_is_possible(sa),
                               .prefers_peer_order = !sa->config->settings.prefers_own_proposals};
    if (!offer || !tsi || !tsr) {
        diag_set(d, FAIL_GENERIC, "a request for a child without SA, TSi or TSr");
        return N_INVALID_SYNTAX;
    }
    if (cfg_refuses_child(sa, d))
        return N_INTERNAL_ADDRESS_FAILURE;
    const struct child_config *cfg = select_config(env, sa, x, only, has_ke);
    if (!cfg) {
        env->stats->selector_mismatch++;
        env->host->alert(env, sa, ALERT_TS_MISMATCH);
        ts_difference(d, sa, only, &tsr->ts, &tsi->ts);
        return N_TS_UNACCEPTABLE;
    }
    uint16_t not_free = are_free(env, sa, x, cfg, only != NULL, d);
    if (not_free)
        return not_free;
    if (!proposal_select(&cfg->proposals, &offer->sa.proposals, o, &x->chosen, d)) {
        env->stats->proposal_mismatch++;
        env->host->alert(env, sa, ALERT_PROPOSAL_MISMATCH_CHILD);
        if (!ah_explain(sa, cfg, &offer->sa.proposals, d))
            diag_where_of(d, &cfg->origins, ah_is_wanted(cfg) ? "ah_proposals" : "esp_proposals");
        return N_NO_PROPOSAL_CHOSEN;
    }
    if (!has_spi(x)) {
        diag_set(d, FAIL_GENERIC, "the peer's proposal has no usable SPI");
        return N_INVALID_SYNTAX;
    }
    if (!child_plane_choose(env, sa, x, cfg, d))
        return N_NO_PROPOSAL_CHOSEN;
    set_child(sa, x, cfg);
    if (!x->reqid)
        x->reqid = env->host->reqid_for(env->ctx, sa, cfg);
    x->spi_in = env->host->new_child_spi(env->ctx, x->reqid, x->plane);
    ipcomp_take(env, sa, x);
    tfc_take(env, sa, x);
    per_cpu_take(env, sa, x);
    aggfrag_take(env, sa, x);
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
    per_cpu_put(b, x);
    proposal_put_choice(b, &x->chosen, span_of(spi, 4));
    if (x->kind != X_AUTH)
        build_nonce(b, nonce_view(&x->nr));
    if (x->kind != X_AUTH && x->chosen.ke)
        build_ke(b, x->ke, secret_view(&x->ke_public));
    build_ts(b, PAYLOAD_TSI, x->ts.remote, x->ts.n_remote);
    build_ts(b, PAYLOAD_TSR, x->ts.local, x->ts.n_local);
}

static bool accept_selectors(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                             const struct mode_view *view, struct diag *d)
{
    const struct pl_ts *tsi = &ike_find(&x->msg, PAYLOAD_TSI)->ts, *tsr = &ike_find(&x->msg, PAYLOAD_TSR)->ts;
    struct ts_pair narrowed, ours;
    char a[200], b[200];
    if (!ts_is_subset(&x->ts, &view->local, &view->remote, &narrowed)) {
        env->stats->selector_mismatch++;
        diag_set(d, FAIL_SELECTORS, "the peer widened the traffic selectors of child %s", x->child_cfg->name);
        diag_expected(d, "a part of %s === %s", ts_list_format(x->ts.local, x->ts.n_local, a, sizeof(a)),
                      ts_list_format(x->ts.remote, x->ts.n_remote, b, sizeof(b)));
        diag_got(d, "%s === %s", ts_list_format(tsi->v, tsi->n, a, sizeof(a)),
                 ts_list_format(tsr->v, tsr->n, b, sizeof(b)));
        return false;
    }
    /* a virtual address was any address when the selectors were offered */
    ours = sa->cfg && sa->cfg->local.n ? ts_configured(sa, x->child_cfg) : narrowed;
    if (ts_narrow(&ours, &view->local, &view->remote, &x->ts))
        return true;
    diag_set(d, FAIL_SELECTORS, "the selectors of child %s leave our virtual address out",
             x->child_cfg->name);
    diag_expected(d, "a part of %s", ts_list_format(ours.local, ours.n_local, a, sizeof(a)));
    diag_got(d, "%s", ts_list_format(view->local.v, view->local.n, a, sizeof(a)));
    return false;
}

bool create_child_accept(struct ike_env *env, struct ike_sa *sa, struct exchange *x, bool has_ke,
                         struct diag *d)
{
    const struct ike_payload *p = ike_find(&x->msg, PAYLOAD_SA), *ke = ike_find(&x->msg, PAYLOAD_KE);
    const struct ike_payload *tsi = ike_find(&x->msg, PAYLOAD_TSI), *tsr = ike_find(&x->msg, PAYLOAD_TSR);
    struct mode_view view;
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
    if (!has_spi(x) || (has_ke && x->chosen.ke && (x->chosen.ke != x->ke || !ke || ke->ke.group != x->ke))) {
        diag_set(d, FAIL_PROPOSAL, "the response for child %s does not fit its own choice",
                 x->child_cfg->name);
        return false;
    }
    if (!child_mode_accept(env, sa, x, &tsi->ts, &tsr->ts, &view, d))
        return false;
    if (!accept_selectors(env, sa, x, &view, d))
        return false;
    ipcomp_take(env, sa, x);
    tfc_take(env, sa, x);
    per_cpu_accept(env, sa, x);
    aggfrag_take(env, sa, x);
    return true;
}
