/* SPDX-License-Identifier: Apache-2.0 */
/* NULL authentication (RFC 7619), both roles, each direction on its own: AUTH made with SK_p, ID_NULL, and
 * what a peer that is nobody may not do. Only a connection that says so accepts it (section 2.4).
 *
 * - Its identity is nobody's, whatever it says in its ID payload (2.2), so that it shares nothing with who is
 *   known: no connection, secret, lease or IKE SA is found by it, and INITIAL_CONTACT is not believed (2.3).
 * - A guest is such a peer that began the IKE SA. It has its own address, where it has shown to be, or
 *   virtual ones, and no other selectors (2.5); nor those that others have or may have (3.3):
 * engine/guests.c. Who begins an IKE SA with a peer that is nobody has chosen its address and selectors in
 * the configuration.
 * - There are as many guests as settings allow, with few children and few requests each (3.2).
 * Not here: a /64 for each peer (2.5, RFC 5739). */
#include "base/text.h"
#include "ike/v2/child.h"
#include "ike/v2/ike_auth.h"

#define GUEST_CHILDREN 4
#define GUEST_REQUESTS 10 /* in a second */

/* ---- the payloads ---- */

const struct identity *null_auth_claim(const struct pl_id *id, uint8_t method)
{
    static const struct identity nobody = {.type = ID_NULL};
    return auth_way_of(method) == AUTH_NULL ? &nobody : &id->id;
}

bool null_auth_make(struct ike_sa *sa, struct exchange *x, struct diag *d)
{
    struct auth_input in = auth_input_of(sa, sa->is_initiator, auth_id_body(x->tx, &sa->local_id));
    size_t len = 0;
    secret_free(&x->auth_data);
    x->auth_data = secret_new(PRF_MAX_LEN);
    x->auth.method = AUTH_WIRE_NULL;
    if (!auth_null(&in, x->auth_data.ptr, &len)) {
        diag_set(d, FAIL_GENERIC, "AUTH cannot be made");
        return false;
    }
    x->auth_data.len = len;
    return true;
}

/* [RFC7619#3.1] what it says of itself is for people who look for a fault, and is marked as what it is. */
static void note_claim(struct ike_env *env, const struct ike_sa *sa, const struct pl_id *id)
{
    char who[ID_TEXT_MAX], ip[IP_TEXT_MAX];
    if (id->id.type == ID_NULL)
        sa_log(env, sa, LOG_NOTICE, "the peer at %s does not prove who it is (NULL authentication)",
               ip_format(sa->remote.ip, ip));
    else
        sa_log(env, sa, LOG_NOTICE,
               "the peer at %s does not prove who it is (NULL authentication); it says '%s', which is not "
               "believed",
               ip_format(sa->remote.ip, ip), identity_format(&id->id, who));
}

/* Who began at one address and goes on from another has shown neither that it receives here nor that it is
 * the same. */
static bool is_where_it_began(const struct ike_sa *sa, struct diag *d)
{
    char ip[IP_TEXT_MAX];
    if (sa->is_initiator || ip_equal(sa->init_remote.ip, sa->remote.ip))
        return true;
    diag_set(d, FAIL_AUTH, "a peer without authentication goes on from another address");
    diag_expected(d, "%s", ip_format(sa->init_remote.ip, ip));
    diag_got(d, "%s", ip_format(sa->remote.ip, ip));
    return false;
}

bool null_auth_check(struct ike_env *env, struct ike_sa *sa, const struct pl_id *id,
                     const struct pl_auth *auth, struct diag *d)
{
    struct auth_input in = auth_input_of(sa, !sa->is_initiator, id->body);
    if (!auth_null_verify(&in, auth->data)) {
        diag_set(d, FAIL_AUTH, "the peer's AUTH does not belong to this IKE_SA_INIT");
        diag_expected(d, "one made with the keys of this IKE SA (NULL authentication)");
        diag_got(d, "an AUTH that does not verify");
        return false;
    }
    if (!is_where_it_began(sa, d) || (!sa->is_initiator && !env->host->guest_may_come(env, sa, d)))
        return false;
    sa->is_peer_unproven = true;
    note_claim(env, sa, id);
    return true;
}

/* ---- what a guest may do ---- */

bool null_auth_is_guest(const struct ike_sa *sa)
{
    return sa->is_peer_unproven && !sa->was_initiator;
}

static bool has_vip(const struct ike_sa *sa)
{
    return sa->cfg && sa->cfg->remote.n;
}

static struct ts only(struct ip ip)
{
    struct ts t = ts_any(ip.family);
    t.from = t.to = ip;
    return t;
}

uint8_t null_auth_isolate(const struct ike_sa *sa, struct ts *remote, uint8_t n)
{
    struct ts kept[SA_MAX_TS];
    uint8_t k = 0;
    if (!null_auth_is_guest(sa))
        return n;
    const struct ip *own = has_vip(sa) ? sa->cfg->remote.v : &sa->remote.ip;
    const uint8_t n_own = has_vip(sa) ? sa->cfg->remote.n : 1;
    for (uint8_t i = 0; i < n * n_own && k < SA_MAX_TS; i++) {
        struct ts mine = only(own[i % n_own]);
        k += ts_intersect(&remote[i / n_own], &mine, &kept[k]);
    }
    memcpy(remote, kept, k * sizeof(*kept));
    return k;
}

uint16_t null_auth_refuses_child(struct ike_env *env, const struct ike_sa *sa, const struct ts_pair *ts,
                                 bool is_rekey, struct diag *d)
{
    const struct child_sa *c;
    size_t n = 0;
    if (!null_auth_is_guest(sa))
        return 0;
    list_each(c, &sa->children, link) n += !c->is_gone;
    if (!is_rekey && n >= GUEST_CHILDREN) {
        diag_set(d, FAIL_GENERIC, "a peer that does not prove who it is has enough children");
        diag_expected(d, "at most %d", GUEST_CHILDREN);
        return N_NO_ADDITIONAL_SAS;
    }
    if (env->host->guest_may_have(env, sa, ts, d))
        return 0;
    env->stats->selector_mismatch++;
    return N_TS_UNACCEPTABLE;
}

bool null_auth_may_roam(const struct ike_sa *sa)
{
    return !null_auth_is_guest(sa) || has_vip(sa);
}

bool null_auth_may_move(const struct ike_sa *sa, struct ip to)
{
    return null_auth_may_roam(sa) || ip_equal(sa->remote.ip, to);
}

bool null_auth_is_too_fast(struct ike_env *env, struct ike_sa *sa)
{
    if (!null_auth_is_guest(sa))
        return false;
    if (env->now.mono >= sa->requests_since + TIME_SECOND) {
        sa->requests_since = env->now.mono;
        sa->requests = 0;
    }
    if (sa->requests++ < GUEST_REQUESTS)
        return false;
    env->stats->dropped_blocked++;
    return true;
}
