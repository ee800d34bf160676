/* SPDX-License-Identifier: Apache-2.0 */
/* The mode of a child (RFC 7296 sections 1.3.1 and 2.23.1): transport is asked for by USE_TRANSPORT_MODE and
 * granted by the same; BEET by a notify of strongSwan's; IP-TFS by that of aggfrag.c. A responder that says
 * nothing has made a tunnel, and so has one of ours whose child is a tunnel, or whose selectors are not those
 * of the two hosts. An initiator that asked for another mode takes a tunnel too: it protects the same
 * packets.
 *
 * Transport mode behind a NAT. Each end means by its selectors the addresses that it knows, and the NAT makes
 * of the IKE messages' addresses what the other end knows: so selectors are taken with the latter in the
 * place of the former, which are kept for the checksums, since those cover them. */
#include "ike/v2/create_child.h"

static bool has_transport(const struct ike_message *m)
{
    return ike_notify(m, N_USE_TRANSPORT_MODE) != NULL;
}

static void put_transport(struct build *b, const struct exchange *x)
{
    (void)x;
    build_notify_empty(b, N_USE_TRANSPORT_MODE);
}

static bool has_beet(const struct ike_message *m)
{
    return ike_notify(m, N_USE_BEET_MODE) != NULL;
}

static void put_beet(struct build *b, const struct exchange *x)
{
    (void)x;
    build_notify_empty(b, N_USE_BEET_MODE);
}

static const struct {
    enum child_mode mode;
    bool (*is_in)(const struct ike_message *m);
    void (*put)(struct build *b, const struct exchange *x);
} notifies[] = {
    {MODE_TRANSPORT, has_transport, put_transport},
    {MODE_BEET,      has_beet,      put_beet     },
    {MODE_IPTFS,     aggfrag_fits,  aggfrag_put  },
};

enum child_mode child_mode_asked(const struct ike_message *m)
{
    for (size_t i = 0; i < ARRAY_LEN(notifies); i++) {
        if (notifies[i].is_in(m))
            return notifies[i].mode;
    }
    return MODE_TUNNEL;
}

void child_mode_put(struct build *b, const struct exchange *x)
{
    for (size_t i = 0; i < ARRAY_LEN(notifies); i++) {
        if (notifies[i].mode == x->mode)
            notifies[i].put(b, x);
    }
}

/* All of one address, which is put into *out. */
static bool is_host(const struct ts *ts, size_t n, struct ip *out)
{
    for (size_t i = 0; i < n; i++)
        if (!ip_equal(ts[i].from, ts[0].from) || !ip_equal(ts[i].to, ts[0].from))
            return false;
    if (n)
        *out = ts[0].from;
    return n > 0;
}

bool child_mode_allows(const struct ike_sa *sa, enum child_mode mode, const struct ts_pair *ts)
{
    struct ip local, remote;
    if (child_mode_is_tunnel(mode))
        return true;
    if (!is_host(ts->local, ts->n_local, &local) || !is_host(ts->remote, ts->n_remote, &remote) ||
        local.family != remote.family)
        return false;
    return mode == MODE_BEET || (ip_equal(local, sa->local.ip) && ip_equal(remote, sa->remote.ip));
}

/* The selectors with another address, where there is a NAT. */
static struct pl_ts substitute(const struct pl_ts *from, bool has_nat, struct ip address, struct ts *room)
{
    if (!has_nat || from->n > SA_MAX_TS || from->v[0].from.family != address.family)
        return *from;
    for (size_t i = 0; i < from->n; i++) {
        room[i] = from->v[i];
        room[i].from = room[i].to = address;
    }
    return (struct pl_ts){.v = room, .n = from->n};
}

bool child_mode_view(const struct ike_sa *sa, enum child_mode mode, const struct pl_ts *local,
                     const struct pl_ts *remote, struct mode_view *out)
{
    memset(out, 0, sizeof(*out));
    out->local = *local;
    out->remote = *remote;
    if (child_mode_is_tunnel(mode))
        return true;
    if (!is_host(local->v, local->n, &out->seen_local) || !is_host(remote->v, remote->n, &out->seen_remote))
        return false;
    if (mode == MODE_TRANSPORT) {
        out->local = substitute(local, sa->has_nat_local, sa->local.ip, out->room_local);
        out->remote = substitute(remote, sa->has_nat_remote, sa->remote.ip, out->room_remote);
    }
    return true;
}

void child_mode_ask(struct ike_env *env, const struct ike_sa *sa, struct exchange *x, enum child_mode wanted)
{
    x->mode = wanted;
    if (child_mode_allows(sa, wanted, &x->ts))
        return;
    x->mode = MODE_TUNNEL;
    sa_log(env, sa, LOG_WARN,
           "child %s: %s mode is between two hosts, and its selectors are not those: asking for a tunnel",
           x->child_cfg->name, child_mode_name(wanted));
}

bool child_mode_accept(struct ike_env *env, const struct ike_sa *sa, struct exchange *x,
                       const struct pl_ts *local, const struct pl_ts *remote, struct mode_view *view,
                       struct diag *d)
{
    enum child_mode got = child_mode_asked(&x->msg);
    if (!aggfrag_is_sound(x, d))
        return false;
    if (got != MODE_TUNNEL && got != x->mode) {
        diag_set(d, FAIL_GENERIC, "the peer made child %s in a mode that was not asked for",
                 x->child_cfg->name);
        diag_expected(d, "%s mode", child_mode_name(x->mode));
        diag_got(d, "%s mode", child_mode_name(got));
        return false;
    }
    if (got != x->mode)
        sa_log(env, sa, LOG_WARN, "child %s: the peer declines %s mode: it is a tunnel", x->child_cfg->name,
               child_mode_name(x->mode));
    x->mode = got;
    if (child_mode_view(sa, got, local, remote, view)) {
        x->seen_local = view->seen_local;
        x->seen_remote = view->seen_remote;
        return true;
    }
    diag_set(d, FAIL_SELECTORS, "the peer's traffic selectors of child %s are not those of two hosts",
             x->child_cfg->name);
    return false;
}

void child_mode_explain_taken(const struct ike_sa *sa, const struct exchange *x, struct diag *d)
{
    char a[200], b[200], address[IP_TEXT_MAX];
    diag_set(d, FAIL_SELECTORS, "another peer at %s has these selectors in transport mode",
             ip_format(sa->remote.ip, address));
    diag_got(d, "%s === %s", ts_list_format(x->ts.local, x->ts.n_local, a, sizeof(a)),
             ts_list_format(x->ts.remote, x->ts.n_remote, b, sizeof(b)));
    diag_try(d, "behind one NAT each client needs ports of its own in its selectors, or tunnel mode");
}
