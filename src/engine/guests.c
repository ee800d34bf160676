/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are nobody and began their IKE SA (RFC 7619), among all others: how many there may be (section
 * 3.2), which selectors are not theirs (2.5, 3.3), and finding those that are gone (2.3), as INITIAL_CONTACT
 * finds nothing. What one of them may do by itself is ike/v2/null_auth.c's.
 *
 * Selectors that a guest may not have: those of a peer that is known, be it there or only configured; and
 * those of another guest, which only one at the same address could ask for: it is another host behind the
 * same NAT, unless it is the guest itself, come back. Should somebody who is known get them later, they are
 * decided by priority: a guest's policies stand behind all others (POLICY_LAST). */
#include "engine/impl.h"
#include "ike/v2/create_child.h"
#include "ike/v2/ike_auth.h"

void guests_count(struct engine *e, struct ike_sa *sa)
{
    bool is = !sa->is_dead && !sa->is_lingering && null_auth_is_guest(sa);
    e->n_guests += (size_t)is - sa->counts_as_guest;
    sa->counts_as_guest = is;
}

static void ask_whether_alive(struct ike_env *env, struct ike_sa *sa)
{
    engine_touch(engine_of(env), sa);
    if (sa->own.kind == X_NONE)
        ike_sa_queue(sa, (struct task){.kind = X_LIVENESS});
}

static bool is_neighbour(const struct ike_sa *o, const struct ike_sa *sa)
{
    return o != sa && null_auth_is_guest(o) && ike_sa_is_up(o) && ip_equal(o->remote.ip, sa->remote.ip);
}

void guests_doubt(struct ike_env *env, struct ike_sa *fresh)
{
    struct ike_sa *o;
    list_each(o, index_same_peer(engine_of(env), fresh), by_peer.link)
    {
        if (is_neighbour(o, fresh))
            ask_whether_alive(env, o);
    }
}

bool guests_may_come(struct ike_env *env, const struct ike_sa *sa, struct diag *d)
{
    const struct engine *e = engine_of(env);
    const struct settings *s = &env->config->settings;
    struct ike_sa *o;
    size_t there = 0;
    char ip[IP_TEXT_MAX];
    list_each(o, index_same_peer(e, sa), by_peer.link) there += is_neighbour(o, sa);
    bool is_full = s->null_auth_limit && e->n_guests >= s->null_auth_limit;
    if (!is_full && (!s->null_auth_per_address || there < s->null_auth_per_address))
        return true;
    list_each(o, index_same_peer(e, sa), by_peer.link)
    {
        if (is_neighbour(o, sa))
            ask_whether_alive(env, o);
    }
    diag_set(d, FAIL_AUTH, "too many peers do not prove who they are%s%s", is_full ? "" : ": all at ",
             is_full ? "" : ip_format(sa->remote.ip, ip));
    diag_expected(d, "at most %u", is_full ? s->null_auth_limit : s->null_auth_per_address);
    diag_got(d, "one more");
    diag_where_of(d, &s->origins, is_full ? "null_auth_limit" : "null_auth_per_address");
    return false;
}

/* ---- selectors */

static bool shares(const struct ts *a, size_t n_a, const struct ts *b, size_t n_b)
{
    struct ts ignored;
    for (size_t i = 0; i < n_a; i++) {
        for (size_t k = 0; k < n_b; k++) {
            if (!a[i].is_dynamic && ts_intersect(&a[i], &b[k], &ignored))
                return true;
        }
    }
    return false;
}

static bool has_any_of(const struct child_sa *c, const struct ts_pair *ts)
{
    return !c->is_gone && shares(c->ts.local, c->ts.n_local, ts->local, ts->n_local) &&
           shares(c->ts.remote, c->ts.n_remote, ts->remote, ts->n_remote);
}

/* The same peer, as far as anybody can tell: at that address there is but one host, or it is the same port of
 * the NAT. */
static bool is_itself(const struct ike_sa *o, const struct ike_sa *sa)
{
    bool is_natted = o->has_nat_remote || sa->has_nat_remote;
    return o == sa || o->id == sa->replaces || o->id == sa->replaced_by ||
           (null_auth_is_guest(o) && ip_equal(o->remote.ip, sa->remote.ip) &&
            (!is_natted || endpoint_equal(&o->remote, &sa->remote)));
}

static const struct child_sa *find_holder(const struct engine *e, const struct ike_sa *sa,
                                          const struct ts_pair *ts)
{
    const struct ike_sa *o;
    const struct child_sa *c;
    list_each(o, &e->sas, link)
    {
        if (o->is_dead || is_itself(o, sa))
            continue;
        list_each(c, &o->children, link)
        {
            if (has_any_of(c, ts))
                return c;
        }
    }
    return NULL;
}

/* [RFC7619#3] where there may be an IKE SA with somebody who is known there is none with nobody. */
static const struct child_config *find_claim(const struct engine *e, const struct ts_pair *ts)
{
    const struct conn_run *r;
    list_each(r, &e->conns, link)
    {
        for (size_t i = 0; r->conn->remote.method != AUTH_NULL && i < r->conn->n_children; i++) {
            const struct child_config *c = &r->conn->children[i];
            if (!c->peer_decides && shares(c->remote_ts, c->n_remote_ts, ts->remote, ts->n_remote))
                return c;
        }
    }
    return NULL;
}

bool guests_may_have(struct ike_env *env, const struct ike_sa *sa, const struct ts_pair *ts, struct diag *d)
{
    const struct engine *e = engine_of(env);
    char wanted[200];
    const struct child_config *claim = find_claim(e, ts);
    const struct child_sa *holder = claim ? NULL : find_holder(e, sa, ts);
    if (!claim && !holder)
        return true;
    diag_set(d, FAIL_SELECTORS,
             "a peer that does not prove who it is asks for selectors that are another one's");
    diag_got(d, "%s", ts_list_format(ts->remote, ts->n_remote, wanted, sizeof(wanted)));
    if (claim) {
        diag_expected(d, "none that are configured for child %s, whose peer proves who it is", claim->name);
        diag_where_of(d, &claim->origins, "remote_ts");
    } else if (null_auth_is_guest(holder->ike)) {
        diag_expected(d, "none that another one behind the same NAT has");
        diag_try(d, "give such peers virtual addresses: pools here, vips there");
    } else
        diag_expected(d, "none that IKE SA %llu has", (unsigned long long)holder->ike->id);
    return false;
}
