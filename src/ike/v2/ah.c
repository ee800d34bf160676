/* SPDX-License-Identifier: Apache-2.0 */
/* Children that are AH (RFC 4302, RFC 7296 section 3.3): a proposal like any other, but AH covers the outer
 * addresses, so that it passes no NAT and fits into no UDP [RFC3715#2.1]. Where ESP goes in UDP, because of a
 * NAT or because one end asks for it, proposals of AH are neither offered nor taken, and the operator hears
 * why; a child of AH that a NAT comes in front of ends. A connection with such a child does not ask for ESP
 * in UDP by itself; see natd.c. */
#include "ike/v2/create_child.h"
#include "ike/v2/path.h"

bool ah_is_possible(const struct ike_sa *sa)
{
    return !natd_has_encap(sa);
}

static bool has_ah(const struct proposal_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].protocol == PROTO_AH)
            return true;
    }
    return false;
}

bool ah_is_wanted(const struct child_config *cfg)
{
    return has_ah(&cfg->proposals);
}

void ah_filter(const struct ike_sa *sa, struct proposal_list *l)
{
    struct proposal *v = (struct proposal *)l->v; /* the offer is ours to change */
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (v[i].protocol != PROTO_AH || ah_is_possible(sa))
            v[n++] = v[i];
    }
    l->n = n;
}

static const char *what_is_in_the_way(const struct ike_sa *sa)
{
    return sa->remote.stream    ? "the connection is in TCP"
           : sa->has_nat_local  ? "there is one in front of us"
           : sa->has_nat_remote ? "there is one in front of the peer"
                                : "one end asks for ESP in UDP, as behind a NAT";
}

bool ah_survives(struct ike_env *env, const struct child_sa *c)
{
    struct diag d;
    if (c->chosen.protocol != PROTO_AH || c->is_gone || ah_is_possible(c->ike))
        return true;
    diag_clear(&d);
    diag_set(&d, FAIL_PROPOSAL, "child %s ends: it is AH, which cannot pass a NAT, and now %s", c->cfg->name,
             what_is_in_the_way(c->ike));
    diag_where_of(&d, &c->cfg->origins, "ah_proposals");
    diag_try(&d, "use ESP: esp_proposals");
    sa_log_diag(env, c->ike, LOG_ERR, &d);
    return false;
}

bool ah_explain(const struct ike_sa *sa, const struct child_config *cfg, const struct proposal_list *offered,
                struct diag *d)
{
    if (ah_is_possible(sa) || !ah_is_wanted(cfg) || (offered && !has_ah(offered)))
        return false;
    diag_set(d, FAIL_PROPOSAL, "child %s wants AH, which cannot pass a NAT: %s", cfg->name,
             what_is_in_the_way(sa));
    diag_where_of(d, &cfg->origins, "ah_proposals");
    diag_try(d, sa->has_fake_nat ? "set encap = no at both ends, or use ESP" : "use ESP: esp_proposals");
    return true;
}
