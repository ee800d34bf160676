/* SPDX-License-Identifier: Apache-2.0 */
/* What the responder's configuration payload holds (RFC 7296 section 3.15; RFC 8598 section 3.2): the
 * addresses that were given, and what the pools that gave them tell. */
#include "ike/v2/cfg.h"
#include "ike/v2/sa.h"

#define REPLY_MAX 160

struct reply {
    struct cp_attr v[REPLY_MAX];
    size_t n;
    bool has_dns;
};

static void put(struct reply *r, uint16_t type, struct span value)
{
    for (size_t i = 0; i < r->n; i++) {
        if (r->v[i].type == type && span_equal(r->v[i].value, value))
            return;
    }
    if (r->n < REPLY_MAX)
        r->v[r->n++] = (struct cp_attr){type, value};
    r->has_dns |= type == CFG_IP4_DNS || type == CFG_IP6_DNS;
}

static void put_address(struct reply *r, struct arena *a, struct ip ip)
{
    struct wr w = wr_over(arena_alloc(a, 17), 17);
    wr_span(&w, ip_view(&ip));
    if (ip.family == 6)
        wr_u8(&w, 128); /* this address and no network around it */
    put(r, ip.family == 4 ? CFG_IP4_ADDRESS : CFG_IP6_ADDRESS, wr_span_view(&w));
}

/* A pool speaks for the addresses that it gave, or for all when it has none itself. */
static bool speaks(const struct sa_cfg *c, const struct pool_config *p)
{
    bool gave = !p->n_ranges || !c->asked_for_address;
    for (uint8_t i = 0; i < c->remote.n; i++)
        gave |= c->from[i] && strcmp(c->from[i], p->name) == 0;
    return gave;
}

static void put_attrs(struct reply *r, const struct ike_sa *sa, bool is_domain)
{
    for (size_t i = 0; i < sa->conn->n_pools; i++) {
        const struct pool_config *p = config_pool(sa->config, sa->conn->pools[i]);
        for (size_t k = 0; p && speaks(sa->cfg, p) && k < p->n_attrs; k++) {
            uint16_t type = p->attrs[k].type;
            if (is_domain == (type == CFG_DNS_DOMAIN || type == CFG_DNSSEC_TA))
                put(r, type, p->attrs[k].value);
        }
    }
}

/* What all clients are told: strongswan.conf's dns1, plugins.attr and the like. */
static void put_attrs_of_daemon(struct reply *r, const struct ike_sa *sa)
{
    const struct settings *s = &sa->config->settings;
    for (size_t i = 0; sa->cfg->remote.n && i < s->n_attrs; i++)
        put(r, s->attrs[i].type, s->attrs[i].value);
}

void cfg_put_reply(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    const struct sa_cfg *c = sa->cfg;
    struct reply r = {0};
    (void)x;
    if (!c || !c->was_asked || c->is_full)
        return;
    for (uint8_t i = 0; i < c->remote.n; i++)
        put_address(&r, env->out->arena, c->remote.v[i]);
    put_attrs(&r, sa, false);
    put_attrs_of_daemon(&r, sa);
    if (c->asked_for_domains && r.has_dns) /* [RFC8598#3.2] */
        put_attrs(&r, sa, true);
    build_cp(b, CFG_REPLY, r.v, r.n);
}
