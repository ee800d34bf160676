/* SPDX-License-Identifier: Apache-2.0 */
/* Which child serves what the peer offers (RFC 7296 sections 2.7, 2.9), when several connections, or several
 * children of one, could. The closest wins: its proposals agree, its selectors are those that are offered, or
 * hold them, or at least share something with them. Of several that fit alike, such as the traffic classes of
 * one connection, the first that is neither there nor just being made by us; then what we are making. One
 * that the peer wants several of (RFC 9611), and has one, is meant again.
 *
 * An IKE SA belongs to two identities and not to a connection, so a peer may ask in one for a child of
 * another connection. It gets it when that connection would have accepted this very IKE SA: same addresses,
 * identities, algorithms and demands on the peer's authentication. */
#include "ike/v2/create_child.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/per_cpu.h"

enum { FIT_PART = 1, FIT_WHOLE, FIT_EXACT };

enum { IS_THERE, IS_IN_THE_MAKING, IS_MISSING, IS_MEANT };

static int lack_of(const struct ike_sa *sa, const struct child_config *cfg, const struct ike_message *m)
{
    const struct child_sa *c;
    if (per_cpu_is_asked(m, cfg) && per_cpu_first(sa, cfg))
        return IS_MEANT;
    list_each(c, &sa->children, link)
    {
        if (c->cfg == cfg && (c->state == CHILD_INSTALLED || c->state == CHILD_REKEYING))
            return IS_THERE;
    }
    return child_is_being_made(sa, cfg) ? IS_IN_THE_MAKING : IS_MISSING;
}

static bool holds_all(const struct ts *outer, uint8_t n_outer, const struct ts *inner, uint8_t n_inner)
{
    for (uint8_t i = 0; i < n_inner; i++) {
        bool found = false;
        for (uint8_t k = 0; k < n_outer; k++)
            found |= ts_contains(&outer[k], &inner[i]);
        if (!found)
            return false;
    }
    return true;
}

static int fit_ts(const struct ts_pair *configured, const struct pl_ts *local, const struct pl_ts *remote,
                  struct ts_pair *narrowed)
{
    struct ts_pair ignored;
    if (!ts_narrow(configured, local, remote, narrowed))
        return 0;
    if (!ts_is_subset(configured, local, remote, &ignored))
        return FIT_PART;
    bool is_all = holds_all(narrowed->local, narrowed->n_local, configured->local, configured->n_local) &&
                  holds_all(narrowed->remote, narrowed->n_remote, configured->remote, configured->n_remote);
    return is_all ? FIT_EXACT : FIT_WHOLE;
}

/* Whether the child serves the selectors, and in which mode: that of the child when it is what the peer asks
 * for and the selectors allow it, else a tunnel [RFC7296#2.23.1]. */
static int fit_child(const struct ike_sa *sa, const struct ike_message *m, struct child_match *at)
{
    struct ts_pair configured = ts_configured(sa, at->cfg);
    const struct pl_ts *tsi = &ike_find(m, PAYLOAD_TSI)->ts, *tsr = &ike_find(m, PAYLOAD_TSR)->ts;
    struct mode_view view;
    enum child_mode mode = child_mode_asked(m);
    if (mode != MODE_TUNNEL && mode == at->cfg->mode && child_mode_view(sa, mode, tsr, tsi, &view)) {
        int fit = fit_ts(&configured, &view.local, &view.remote, &at->ts);
        at->mode = mode;
        at->seen_local = view.seen_local;
        at->seen_remote = view.seen_remote;
        if (fit && child_mode_allows(sa, mode, &at->ts))
            return fit;
    }
    at->mode = MODE_TUNNEL;
    return fit_ts(&configured, tsr, tsi, &at->ts);
}

struct child_match match_child(const struct ike_sa *sa, const struct connection *conn,
                               const struct child_config *only, const struct ike_message *m, bool has_ke)
{
    struct child_match best = {0};
    const struct ike_payload *offer = ike_find(m, PAYLOAD_SA);
    const struct ike_payload *tsi = ike_find(m, PAYLOAD_TSI), *tsr = ike_find(m, PAYLOAD_TSR);
    for (size_t i = 0; offer && tsi && tsr && i < conn->n_children; i++) {
        struct child_match at = {.cfg = &conn->children[i]};
        struct chosen ignored;
        struct diag d;
        if (only && at.cfg != only)
            continue;
        int fit = fit_child(sa, m, &at);
        if (!fit)
            continue;
        diag_clear(&d);
        at.has_proposal = proposal_select(
            &at.cfg->proposals, &offer->sa.proposals,
            (struct select_options){.ignores_ke = !has_ke, .ignores_ah = !ah_is_possible(sa)}, &ignored, &d);
        at.is_whole = fit >= FIT_WHOLE;
        at.score = 32 * at.has_proposal + 8 * fit + 4 * (at.mode == at.cfg->mode) + lack_of(sa, at.cfg, m);
        if (at.score > best.score)
            best = at;
    }
    return best;
}

static bool same_certs(const struct cert_list *a, const struct cert_list *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = span_equal(cert_der(a->v[i]), cert_der(b->v[i]));
    return same;
}

static bool same_keys(const struct pkey_list *a, const struct pkey_list *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = pkey_same(a->v[i], b->v[i]);
    return same;
}

bool match_same_demands(const struct auth_side *a, const struct auth_side *b)
{
    bool same = a->method == b->method && identity_equal(&a->id, &b->id) &&
                same_certs(&a->certs, &b->certs) && same_certs(&a->cacerts, &b->cacerts) &&
                same_keys(&a->pubkeys, &b->pubkeys) && a->asks_dns == b->asks_dns && !a->ca_id == !b->ca_id &&
                (!a->ca_id || identity_equal(a->ca_id, b->ca_id)) && a->n_cert_policy == b->n_cert_policy &&
                a->n_groups == b->n_groups && a->n_schemes == b->n_schemes &&
                a->min_rsa_bits == b->min_rsa_bits && a->min_ecdsa_bits == b->min_ecdsa_bits;
    for (size_t i = 0; same && i < a->n_cert_policy; i++)
        same = strcmp(a->cert_policy[i], b->cert_policy[i]) == 0;
    for (size_t i = 0; same && i < a->n_groups; i++)
        same = strcmp(a->groups[i], b->groups[i]) == 0;
    for (size_t i = 0; same && i < a->n_schemes; i++)
        same = a->schemes[i].type == b->schemes[i].type && a->schemes[i].hash == b->schemes[i].hash &&
               a->schemes[i].is_pss == b->schemes[i].is_pss;
    return same;
}

bool match_same_proof(const struct auth_side *a, const struct auth_side *b)
{
    return a->method == b->method && identity_equal(&a->id, &b->id) &&
           (a->method != AUTH_PUBKEY || (same_certs(&a->certs, &b->certs) &&
                                         same_keys(&a->pubkeys, &b->pubkeys) && a->asks_dns == b->asks_dns));
}

static bool same_rounds(const struct connection *a, const struct connection *b)
{
    bool same = a->more_local.n == b->more_local.n && a->more_remote.n == b->more_remote.n;
    for (size_t i = 0; same && i < connection_rounds(a, true); i++)
        same = match_same_proof(connection_round(a, true, i), connection_round(b, true, i));
    for (size_t i = 0; same && i < connection_rounds(a, false); i++)
        same = match_same_demands(connection_round(a, false, i), connection_round(b, false, i));
    return same;
}

bool match_accepts_chosen(const struct ike_sa *sa, const struct connection *conn)
{
    struct proposal chosen;
    struct chosen ignored;
    struct diag d;
    chosen_to_proposal(&sa->chosen, &chosen);
    struct proposal_list l = {.v = &chosen, .n = 1};
    return proposal_select(&conn->proposals, &l, (struct select_options){0}, &ignored, &d);
}

/* Could this IKE SA as well be one of conn? */
static bool serves_too(const struct ike_env *env, const struct ike_sa *sa, const struct connection *conn,
                       struct arena *a)
{
    enum plane plane;
    struct diag ignored;
    if (conn == sa->conn || (conn->ppk_required && !sa->ppk.is_used) ||
        conn->local.method != sa->conn->local.method ||
        !env->host->plane(env->ctx, sa, conn, &plane, &ignored))
        return false;
    if (connection_has_rounds(conn) || connection_has_rounds(sa->conn))
        return same_rounds(sa->conn, conn) && match_accepts_chosen(sa, conn);
    struct identity mine = auth_local_id(sa, conn, a);
    return identity_equal(&mine, &sa->local_id) && match_same_demands(&sa->conn->remote, &conn->remote) &&
           match_accepts_chosen(sa, conn);
}

struct child_match match_any_child(const struct ike_env *env, const struct ike_sa *sa,
                                   const struct exchange *x, bool has_ke)
{
    struct child_match best = match_child(sa, sa->conn, NULL, &x->msg, has_ke);
    if (best.has_proposal && best.is_whole)
        return best;
    if (best.cfg) /* no other connection wins because of a child that there is already */
        best.score |= IS_MISSING;
    struct connection_set set =
        config_peers(sa->config, env->out->arena, sa->local.ip, sa->remote.ip, &sa->conn->remote.id);
    for (size_t i = 0; i < set.n; i++) {
        const struct connection *c = set.v[i];
        if (!serves_too(env, sa, c, x->tx))
            continue;
        struct child_match at = match_child(sa, c, NULL, &x->msg, has_ke);
        if (at.has_proposal && at.score > best.score)
            best = at;
    }
    return best;
}

/* NULL: of none. */
static const struct connection *owner_of(const struct ike_sa *sa, const struct child_config *cfg)
{
    for (size_t i = 0; i < sa->conn->n_children; i++) {
        if (&sa->conn->children[i] == cfg)
            return sa->conn;
    }
    for (size_t i = 0; i < sa->config->n_connections; i++) {
        const struct connection *conn = sa->config->connections[i];
        for (size_t k = 0; k < conn->n_children; k++) {
            if (&conn->children[k] == cfg)
                return conn;
        }
    }
    return NULL;
}

const struct connection *child_owner(const struct ike_sa *sa, const struct child_config *cfg)
{
    const struct connection *owner = owner_of(sa, cfg);
    return owner ? owner : sa->conn;
}

bool child_is_configured(const struct ike_sa *sa, const struct child_config *cfg)
{
    return owner_of(sa, cfg) != NULL;
}
