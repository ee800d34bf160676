/* SPDX-License-Identifier: Apache-2.0 */
/* What an updown command is told: see updown.h. The variables and their forms are those of strongSwan's
 * updown plugin, or, for commands of that style, Libreswan's (updown_env_libreswan.c). A selector that is a
 * range is told as the prefixes that make it up. */
#include "net/packet.h"
#include "sys/updown.h"
#include <stdio.h>

#define PREFIXES_MAX 32

/* Identities come from peers; scripts are written without quotes. */
char *updown_safe_text(struct arena *a, const char *text)
{
    static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:@=/+-_%";
    char *copy = arena_strdup(a, text ? text : "");
    for (char *at = copy; at && *at; at++) {
        if (!strchr(fine, *at))
            *at = '_';
    }
    return copy;
}

static uint16_t port_of(const struct ts *t)
{
    return t->port_from == t->port_to ? t->port_from : 0;
}

/* [strongSwan] for ICMP ours is the type and the peer's is the code. */
static void tell_icmp(const struct ts *local, const struct ts *remote, struct updown_pair *p)
{
    uint16_t both = port_of(local) ? port_of(local) : port_of(remote);
    p->local_port = both >> 8;
    p->remote_port = both & 0xff;
}

static bool add_pairs(enum updown_style style, const struct ts *local, const struct ts *remote,
                      struct updown_pair *out, size_t *n)
{
    struct prefix l[PREFIXES_MAX], r[PREFIXES_MAX];
    size_t n_l = ts_to_prefixes(local, l, PREFIXES_MAX), n_r = ts_to_prefixes(remote, r, PREFIXES_MAX);
    if (!n_l || !n_r || n_l * n_r > UPDOWN_PAIRS_MAX - *n)
        return false;
    for (size_t i = 0; i < n_l * n_r; i++) {
        struct updown_pair *p = &out[(*n)++];
        *p = (struct updown_pair){
            .local = l[i / n_r],
            .remote = r[i % n_r],
            .proto = local->proto ? local->proto : remote->proto,
            .local_port = port_of(local),
            .remote_port = port_of(remote),
            .local_ports = {local->port_from,  local->port_to },
            .remote_ports = {remote->port_from, remote->port_to}
        };
        if (style == UPDOWN_STRONGSWAN && (p->proto == NH_ICMP || p->proto == NH_ICMPV6))
            tell_icmp(local, remote, p);
    }
    return true;
}

bool updown_pairs(const struct updown *u, struct updown_pair out[UPDOWN_PAIRS_MAX], size_t *n)
{
    *n = 0;
    for (uint8_t i = 0; i < u->n_local_ts; i++) {
        for (uint8_t k = 0; k < u->n_remote_ts; k++) {
            const struct ts *l = &u->local_ts[i], *r = &u->remote_ts[k];
            bool fits = l->from.family == r->from.family && (!l->proto || !r->proto || l->proto == r->proto);
            if (fits && !add_pairs(u->style, l, r, out, n))
                return false;
        }
    }
    return true;
}

static char *net_text(struct arena *a, const struct prefix *p)
{
    char ip[IP_TEXT_MAX];
    return arena_printf(a, "%s/%u", ip_format(p->ip, ip), p->bits);
}

/* NAME4_1=..., NAME4_2=..., NAME6_1=... */
static size_t put_numbered(struct arena *a, char **env, const char *name, const struct ip *v, uint8_t n)
{
    unsigned number[2] = {0};
    char ip[IP_TEXT_MAX];
    for (uint8_t i = 0; i < n; i++) {
        unsigned *of_family = &number[v[i].family == 6];
        env[i] = arena_printf(a, "%s%u_%u=%s", name, v[i].family, ++*of_family, ip_format(v[i], ip));
    }
    return n;
}

static size_t put_first(struct arena *a, char **env, const char *name, const struct ip *v, uint8_t n,
                        uint8_t family)
{
    char ip[IP_TEXT_MAX];
    for (uint8_t i = 0; i < n; i++) {
        if (v[i].family != family)
            continue;
        *env = arena_printf(a, "%s=%s", name, ip_format(v[i], ip));
        return 1;
    }
    return 0;
}

/* Virtual addresses and name servers: fewer than there is room for, see UPDOWN_VARS. */
static size_t put_addresses(struct arena *a, char **env, const struct updown *u, uint8_t family)
{
    size_t n = put_first(a, env, "PLUTO_MY_SOURCEIP", u->my_vips, u->n_my_vips, family);
    n += put_numbered(a, env + n, "PLUTO_MY_SOURCEIP", u->my_vips, u->n_my_vips);
    n += put_first(a, env + n, "PLUTO_PEER_SOURCEIP", u->peer_vips, u->n_peer_vips, family);
    n += put_numbered(a, env + n, "PLUTO_PEER_SOURCEIP", u->peer_vips, u->n_peer_vips);
    n += put_numbered(a, env + n, "PLUTO_DNS", u->dns, u->n_dns);
    return n;
}

const char *updown_full_verb(struct arena *a, const struct updown *u, const struct updown_pair *p)
{
    bool is_v6 = p->local.ip.family == 6;
    bool is_host = p->local.bits == (is_v6 ? 128 : 32) && ip_equal(p->local.ip, u->local.ip);
    return arena_printf(a, "%s-%s%s", updown_verb_name(u->verb), is_host ? "host" : "client",
                        is_v6 ? "-v6" : "");
}

static char **env_strongswan(struct arena *a, const struct updown *u, const struct updown_pair *p,
                             const struct updown_ways *w)
{
    char me[IP_TEXT_MAX], peer[IP_TEXT_MAX];
    char **env = arena_calloc(a, UPDOWN_VARS, sizeof(*env));
    size_t n = 0;
#define VAR(...) (n + 1 < UPDOWN_VARS ? env[n++] = arena_printf(a, __VA_ARGS__) : (char *)NULL)
    VAR("PATH=" UPDOWN_PATH);
    VAR("PLUTO_VERSION=1.1");
    VAR("PLUTO_VERB=%s", updown_full_verb(a, u, p));
    VAR("PLUTO_CONNECTION=%s", updown_safe_text(a, u->child));
    VAR("PLUTO_INTERFACE=%s", w->interface);
    VAR("PLUTO_REQID=%u", u->reqid);
    VAR("PLUTO_PROTO=%s", u->is_ah ? "ah" : "esp");
    VAR("KEYWAY_DATAPLANE=%s", plane_name(u->plane)); /* for ipsec _updown, and who else has to know */
    VAR("PLUTO_UNIQUEID=%llu", (unsigned long long)u->ike_id);
    VAR("PLUTO_ME=%s", ip_format(u->local.ip, me));
    VAR("PLUTO_MY_ID=%s", updown_safe_text(a, u->local_id));
    VAR("PLUTO_MY_CLIENT=%s", net_text(a, &p->local));
    VAR("PLUTO_MY_PORT=%u", p->local_port);
    VAR("PLUTO_MY_PROTOCOL=%u", p->proto);
    VAR("PLUTO_PEER=%s", ip_format(u->remote.ip, peer));
    VAR("PLUTO_PEER_ID=%s", updown_safe_text(a, u->remote_id));
    VAR("PLUTO_PEER_CLIENT=%s", net_text(a, &p->remote));
    VAR("PLUTO_PEER_PORT=%u", p->remote_port);
    VAR("PLUTO_PEER_PROTOCOL=%u", p->proto);
    n += put_addresses(a, env + n, u, p->local.ip.family);
    if (*(u->domains ? u->domains : ""))
        VAR("PLUTO_PEER_DOMAIN_INFO=%s", updown_safe_text(a, u->domains));
    if (u->has_encap)
        VAR("PLUTO_UDP_ENC=%u", u->remote.port);
    if (u->has_ipcomp)
        VAR("PLUTO_IPCOMP=1");
    if (u->has_hostaccess)
        VAR("PLUTO_HOST_ACCESS=1");
    if (u->kernel.in.mark.mask)
        VAR("PLUTO_MARK_IN=%u/0x%08x", u->kernel.in.mark.value, u->kernel.in.mark.mask);
    if (u->kernel.out.mark.mask)
        VAR("PLUTO_MARK_OUT=%u/0x%08x", u->kernel.out.mark.value, u->kernel.out.mark.mask);
    if (u->kernel.in.if_id)
        VAR("PLUTO_IF_ID_IN=%u", u->kernel.in.if_id);
    if (u->kernel.out.if_id)
        VAR("PLUTO_IF_ID_OUT=%u", u->kernel.out.if_id);
#undef VAR
    return env;
}

char **updown_env(struct arena *a, const struct updown *u, const struct updown_pair *p,
                  const struct updown_ways *w)
{
    return u->style == UPDOWN_LIBRESWAN ? updown_env_libreswan(a, u, p, w) : env_strongswan(a, u, p, w);
}
