/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration payloads in IKE_AUTH, both roles (RFC 7296 sections 2.19, 3.15; RFC 8598): virtual addresses,
 * name servers and what else pools tell. Where addresses come from is the owner's (engine/lease.c), what
 * becomes of them on the machine its executor's. They last as long as the IKE SA and what replaces it, and
 * "dynamic" selectors mean them (ts.c).
 *
 * Not here: CFG_SET, which has no use [RFC7296#3.15.1]; requests in other exchanges, which are ignored;
 * DNSSEC trust anchors of peers, which nobody asked for. */
#include "ike/v2/cfg.h"
#include "ike/v2/sa.h"

static struct sa_cfg *cfg_of(struct ike_sa *sa)
{
    if (!sa->cfg)
        sa->cfg = arena_alloc(sa->arena, sizeof(*sa->cfg));
    return sa->cfg;
}

static bool add_vip(struct vips *l, struct ip ip)
{
    for (uint8_t i = 0; i < l->n; i++) {
        if (ip_equal(l->v[i], ip))
            return false;
    }
    if (l->n == VIPS_MAX)
        return false;
    l->v[l->n++] = ip;
    return true;
}

static uint8_t family_of(uint16_t attr)
{
    return attr == CFG_IP4_ADDRESS ? 4 : attr == CFG_IP6_ADDRESS ? 6 : 0;
}

/* An address attribute's value: none, or the address, in IPv6 with a prefix length behind it. */
static struct ip address_in(const struct cp_attr *a)
{
    struct ip ip = {0};
    size_t len = a->type == CFG_IP4_ADDRESS ? 4 : 16;
    if (a->value.len == len || (len == 16 && a->value.len == 17))
        ip_from_bytes(span_of(a->value.ptr, len), &ip);
    return ip;
}

static const struct pl_cp *find_cp(const struct ike_message *m, enum cfg_type type)
{
    const struct ike_payload *p = ike_find(m, PAYLOAD_CP);
    return p && p->cp.type == type ? &p->cp : NULL;
}

/* ---- responder: the request */

void cfg_expect(struct ike_sa *sa, const struct ike_message *m)
{
    const struct pl_cp *cp = find_cp(m, CFG_REQUEST);
    struct cp_attr a;
    for (struct span at = cp ? cp->attrs : (struct span){0}; cp_next(&at, &a);) {
        if (family_of(a.type))
            cfg_of(sa)->remote_asked |= (uint8_t)VIPS_OF(family_of(a.type));
    }
}

static const char *pool_named(const struct connection *conn, const char *name)
{
    for (size_t i = 0; name && i < conn->n_pools; i++) {
        if (strcmp(conn->pools[i], name) == 0)
            return conn->pools[i];
    }
    return NULL;
}

static void say_full(struct ike_env *env, const struct ike_sa *sa, const struct lease_answer *a)
{
    char id[ID_TEXT_MAX];
    struct diag d;
    diag_set(&d, FAIL_GENERIC, "pool %s has no address left for %s: %llu of %llu in use", a->pool,
             identity_format(&sa->remote_id, id), (unsigned long long)a->online, (unsigned long long)a->size);
    const struct pool_config *p = config_pool(sa->config, a->pool);
    if (p)
        diag_where_of(&d, &p->origins, "addrs");
    diag_try(&d, "more addresses in the pool's addrs, another pool behind it in the connection's pools, or "
                 "dpd_delay, so that peers that are gone give theirs back");
    sa_log_diag(env, sa, LOG_WARN, &d);
}

static void ask_for(struct ike_env *env, struct ike_sa *sa, uint8_t family, struct ip wanted)
{
    struct sa_cfg *c = sa->cfg;
    char ip[IP_TEXT_MAX], id[ID_TEXT_MAX];
    struct lease_request r = {.pools = sa->conn->pools,
                              .n_pools = sa->conn->n_pools,
                              .owner = &sa->remote_id,
                              .family = family,
                              .wanted = ip_is_unspecified(wanted) ? (struct ip){0} : wanted,
                              .replaces = sa->has_initial_contact || sa->conn->unique == UNIQUE_REPLACE};
    if (c->remote.n == VIPS_MAX)
        return;
    for (; r.n_except < c->remote.n; r.n_except++)
        r.except[r.n_except] = c->remote.v[r.n_except];
    struct lease_answer a = env->host->lease_ask(env, &r);
    if (a.status == LEASE_FULL)
        say_full(env, sa, &a);
    if (a.status != LEASE_GIVEN) {
        env->host->alert(env, sa, ALERT_VIP_FAILURE);
        return;
    }
    c->from[c->remote.n] = pool_named(sa->conn, a.pool);
    add_vip(&c->remote, a.ip);
    sa_log(env, sa, LOG_NOTICE, "%s gets the virtual address %s of pool %s",
           identity_format(&sa->remote_id, id), ip_format(a.ip, ip), a.pool);
}

bool cfg_take_request(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    const struct pl_cp *cp = find_cp(m, CFG_REQUEST);
    struct cp_attr a;
    (void)d;
    if (sa->cfg)
        sa->cfg->remote_asked = 0;
    if (!cp || !sa->conn->n_pools ||
        sa->is_redirected) /* who has no pools does not support it [RFC7296#3.15.4] */
        return true;
    struct sa_cfg *c = cfg_of(sa);
    c->was_asked = true;
    for (struct span at = cp->attrs; cp_next(&at, &a);) {
        c->asked_for_domains |= a.type == CFG_DNS_DOMAIN || a.type == CFG_DNSSEC_TA;
        if (!family_of(a.type))
            continue;
        c->asked_for_address = true;
        ask_for(env, sa, family_of(a.type), address_in(&a));
    }
    /* [RFC7296#3.15.4] only if no addresses can be assigned */
    c->is_full = c->asked_for_address && c->remote.n == 0;
    return true;
}

bool cfg_refuses_child(const struct ike_sa *sa, struct diag *d)
{
    if (!sa->cfg || !sa->cfg->is_full)
        return false;
    diag_set(d, FAIL_GENERIC, "no virtual address for the peer, and so no child");
    diag_where_of(d, &sa->conn->origins, "pools");
    return true;
}

/* ---- initiator: the request */

void cfg_begin(struct ike_sa *sa)
{
    for (size_t i = 0; i < sa->conn->n_vips; i++)
        cfg_of(sa)->local_asked |= (uint8_t)VIPS_OF(sa->conn->vips[i].family);
}

void cfg_put_request(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    struct cp_attr v[VIPS_MAX + 4];
    struct ip wanted[VIPS_MAX];
    size_t n = 0;
    (void)x;
    for (size_t i = 0; i < sa->conn->n_vips && i < VIPS_MAX; i++) {
        bool is_v4 = sa->conn->vips[i].family == 4;
        wanted[i] = env->host->vip_wanted(env->ctx, sa, i);
        struct wr w = wr_over(arena_alloc(env->out->arena, 17), 17);
        wr_span(&w, ip_view(&wanted[i]));
        if (!is_v4)
            wr_u8(&w, 128);
        v[n++] = (struct cp_attr){is_v4 ? CFG_IP4_ADDRESS : CFG_IP6_ADDRESS,
                                  ip_is_unspecified(wanted[i]) ? (struct span){0} : wr_span_view(&w)};
    }
    if (!n)
        return;
    if (sa->cfg->local_asked & VIPS_OF(4))
        v[n++] = (struct cp_attr){.type = CFG_IP4_DNS};
    if (sa->cfg->local_asked & VIPS_OF(6))
        v[n++] = (struct cp_attr){.type = CFG_IP6_DNS};
    v[n++] = (struct cp_attr){.type = CFG_DNS_DOMAIN}; /* [RFC8598#3.1] */
    build_cp(b, CFG_REQUEST, v, n);
}

/* ---- initiator: the reply */

/* What a host on the inside may have. */
static bool is_usable(struct ip ip)
{
    static const uint8_t loopback[16] = {[15] = 1};
    if (!ip.family || ip_is_unspecified(ip))
        return false;
    if (ip.family == 6)
        return ip.b[0] != 0xff && memcmp(ip.b, loopback, 16) != 0 &&
               !(ip.b[0] == 0xfe && (ip.b[1] & 0xc0) == 0x80);
    return ip.b[0] != 0 && ip.b[0] != 127 && ip.b[0] < 224;
}

static unsigned wanted_of(const struct connection *conn, uint8_t family)
{
    unsigned n = 0;
    for (size_t i = 0; i < conn->n_vips; i++)
        n += conn->vips[i].family == family;
    return n;
}

static void take_address(struct ike_env *env, struct ike_sa *sa, const struct cp_attr *a)
{
    char text[IP_TEXT_MAX];
    struct ip ip = address_in(a);
    unsigned have = 0;
    for (uint8_t i = 0; i < sa->cfg->local.n; i++)
        have += sa->cfg->local.v[i].family == ip.family;
    if (!is_usable(ip) || have >= wanted_of(sa->conn, ip.family)) {
        sa_log(env, sa, LOG_WARN, "the peer gives the virtual address %s, which cannot be: it is not used",
               ip.family ? ip_format(ip, text) : "(malformed)");
        return;
    }
    if (add_vip(&sa->cfg->local, ip))
        env->host->vip(env, sa, ip, true);
}

/* Only what is safe in files and scripts: letters, digits, hyphens, dots. */
static void take_domain(struct ike_sa *sa, struct span name)
{
    struct sa_cfg *c = sa->cfg;
    bool ok = name.len > 0 && name.len < 254 && c->n_domains < CFG_DOMAINS_MAX && name.ptr[0] != '-' &&
              name.ptr[0] != '.';
    for (size_t i = 0; ok && i < name.len; i++) {
        uint8_t ch = name.ptr[i];
        ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' ||
             ch == '_' || ch == '.';
    }
    if (ok)
        c->domains[c->n_domains++] = arena_strndup(sa->arena, (const char *)name.ptr, name.len);
}

static void take_dns(struct sa_cfg *c, struct span value)
{
    struct ip ip;
    if (!ip_from_bytes(value, &ip) || !is_usable(ip))
        return;
    for (uint8_t i = 0; i < c->n_dns; i++) {
        if (ip_equal(c->dns[i], ip))
            return;
    }
    if (c->n_dns < CFG_DNS_MAX)
        c->dns[c->n_dns++] = ip;
}

/* Bits of a mask; -1: it has holes. */
static int mask_bits(struct span mask)
{
    int bits = 0;
    uint32_t m = 0;
    for (size_t i = 0; i < mask.len; i++)
        m = m << 8 | mask.ptr[i];
    while (bits < 32 && m >> (31 - bits) & 1)
        bits++;
    return bits == 32 || (uint32_t)(m << bits) == 0 ? bits : -1;
}

static void take_net4(struct span value, struct prefix *v, uint8_t *n)
{
    struct ip ip;
    int bits = mask_bits(span_of(value.ptr + 4, 4));
    if (bits >= 0 && *n < CFG_NETS_MAX && ip_from_bytes(span_of(value.ptr, 4), &ip))
        v[(*n)++] = prefix_of(ip, (uint8_t)bits);
}

/* Networks with masks, one or more, each with padding behind it in Cisco's attributes. */
static void take_nets(struct span value, size_t size, struct prefix *v, uint8_t *n)
{
    for (; value.len >= size; value = span_of(value.ptr + size, value.len - size))
        take_net4(value, v, n);
}

static void take_attr(struct ike_env *env, struct ike_sa *sa, const struct cp_attr *a)
{
    struct sa_cfg *c = sa->cfg;
    struct ip ip;
    switch (a->type) {
    case CFG_IP4_ADDRESS:
    case CFG_IP6_ADDRESS:
        take_address(env, sa, a);
        break;
    case CFG_IP4_DNS:
    case CFG_IP6_DNS:
        if (a->value.len == (a->type == CFG_IP4_DNS ? 4u : 16u))
            take_dns(c, a->value);
        break;
    case CFG_DNS_DOMAIN:
        take_domain(sa, a->value);
        break;
    case CFG_IP4_SUBNET:
        if (a->value.len == 8)
            take_net4(a->value, c->includes, &c->n_includes);
        break;
    case CFG_IP6_SUBNET:
        if (a->value.len == 17 && a->value.ptr[16] <= 128 && c->n_includes < CFG_NETS_MAX &&
            ip_from_bytes(span_of(a->value.ptr, 16), &ip))
            c->includes[c->n_includes++] = prefix_of(ip, a->value.ptr[16]);
        break;
    case CFG_SPLIT_INCLUDE:
        take_nets(a->value, a->value.len % 14 ? 8 : 14, c->includes, &c->n_includes);
        break;
    case CFG_SPLIT_EXCLUDE:
        take_nets(a->value, a->value.len % 14 ? 8 : 14, c->excludes, &c->n_excludes);
        break;
    }
}

bool cfg_take_reply(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    const struct pl_cp *cp = find_cp(m, CFG_REPLY);
    struct cp_attr a;
    char ip[IP_TEXT_MAX];
    (void)d;
    if (!sa->cfg || !sa->cfg->local_asked)
        return true;
    sa->cfg->local_asked = 0;
    for (struct span at = cp ? cp->attrs : (struct span){0}; cp_next(&at, &a);)
        take_attr(env, sa, &a);
    if (!sa->cfg->n_dns) /* [RFC8598#3.2] domains are for name servers that came with them */
        sa->cfg->n_domains = 0;
    if (!sa->cfg->local.n)
        sa->cfg->n_dns = 0;
    for (uint8_t i = 0; i < sa->cfg->n_dns; i++)
        env->host->dns(env, sa->cfg->dns[i], true);
    for (uint8_t i = 0; i < sa->cfg->local.n; i++)
        sa_log(env, sa, LOG_NOTICE, "our virtual address is %s", ip_format(sa->cfg->local.v[i], ip));
    return true;
}

bool cfg_lacks_address(const struct ike_sa *sa, struct diag *d)
{
    if (!sa->conn->n_vips || !sa->was_initiator || (sa->cfg && (sa->cfg->local.n || sa->cfg->local_asked)))
        return false;
    diag_set(d, FAIL_GENERIC, "the peer gave no virtual address");
    diag_where_of(d, &sa->conn->origins, "vips");
    diag_try(d, "a pool for this connection at the peer, or no vips here");
    return true;
}

/* ---- both */

void cfg_inherit(struct ike_env *env, struct ike_sa *heir, const struct ike_sa *old)
{
    if (!old->cfg)
        return;
    struct sa_cfg *c = cfg_of(heir);
    *c = *old->cfg;
    for (uint8_t i = 0; i < c->n_domains; i++)
        c->domains[i] = arena_strdup(heir->arena, c->domains[i]);
    for (uint8_t i = 0; i < c->remote.n; i++)
        env->host->lease_hold(env, c->remote.v[i]);
    for (uint8_t i = 0; i < c->local.n; i++)
        env->host->vip(env, heir, c->local.v[i], true);
    for (uint8_t i = 0; i < c->n_dns; i++)
        env->host->dns(env, c->dns[i], true);
}

void cfg_follow(struct ike_sa *sa)
{
    for (uint8_t i = 0; sa->cfg && i < sa->cfg->remote.n; i++)
        sa->cfg->from[i] = pool_named(sa->conn, sa->cfg->from[i]);
}

void cfg_release(struct ike_env *env, struct ike_sa *sa)
{
    struct sa_cfg *c = sa->cfg;
    if (!c)
        return;
    for (uint8_t i = 0; i < c->remote.n; i++)
        env->host->lease_release(env, c->remote.v[i]);
    for (uint8_t i = 0; i < c->local.n; i++)
        env->host->vip(env, sa, c->local.v[i], false);
    for (uint8_t i = 0; i < c->n_dns; i++)
        env->host->dns(env, c->dns[i], false);
    c->remote.n = c->local.n = c->n_dns = 0;
}
