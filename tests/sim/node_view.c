/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a gateway: what it has, and whether all of it belongs to somebody when the dust has settled. */
#include "node.h"
#include "sim.h"
#include <stdio.h>

size_t node_count_ike(const struct node *n, enum ike_state state)
{
    struct ike_view v;
    size_t count = 0;
    for (size_t i = 0; !n->is_dead && engine_ike_at(n->engine, i, &v); i++)
        count += v.state == state;
    return count;
}

size_t node_count_children(const struct node *n)
{
    struct ike_view v;
    struct child_view c;
    size_t count = 0;
    for (size_t i = 0; !n->is_dead && engine_ike_at(n->engine, i, &v); i++) {
        for (size_t k = 0; engine_child_at(n->engine, v.id, k, &c); k++)
            count += c.state == CHILD_INSTALLED;
    }
    return count;
}

size_t node_count_traps(const struct node *n)
{
    size_t count = 0;
    for (size_t i = 0; i < n->n_policies; i++)
        count += n->policies[i].is_trap;
    return count;
}

static bool engine_has_spi(const struct node *n, enum sa_direction d, uint32_t spi)
{
    struct ike_view v;
    struct child_view c;
    for (size_t i = 0; engine_ike_at(n->engine, i, &v); i++) {
        for (size_t k = 0; engine_child_at(n->engine, v.id, k, &c); k++) {
            if ((d == SA_IN ? c.spi_in : c.spi_out) == spi)
                return true;
        }
    }
    return false;
}

static bool has_reqid(const struct node *n, uint32_t reqid)
{
    for (size_t i = 0; i < n->n_sas; i++) {
        if (n->sas[i].reqid == reqid && n->sas[i].direction == SA_OUT)
            return true;
    }
    return false;
}

static bool has_vip(const struct ike_view *v, bool of_peers, struct ip ip)
{
    const struct ip *ips = of_peers ? v->remote_vips : v->local_vips;
    size_t n = of_peers ? v->n_remote_vips : v->n_local_vips;
    for (size_t i = 0; i < n; i++) {
        if (ip_equal(ips[i], ip))
            return true;
    }
    return false;
}

/* In how many SAs, of those before the limit. */
static size_t count_vip(const struct node *n, bool of_peers, struct ip ip, size_t limit)
{
    struct ike_view v;
    size_t count = 0;
    for (size_t i = 0; i < limit && engine_ike_at(n->engine, i, &v); i++)
        count += has_vip(&v, of_peers, ip);
    return count;
}

/* As many leases are in use as SAs have addresses, and the device has those of its SAs. */
static const char *leaked_addresses(const struct node *n)
{
    static char why[128];
    struct pool_view pool;
    struct ike_view v;
    size_t online = 0, held = 0;
    for (size_t i = 0; pools_at(engine_pools(n->engine), i, &pool); i++)
        online += pool.online;
    for (size_t i = 0; engine_ike_at(n->engine, i, &v); i++) {
        for (size_t k = 0; k < v.n_remote_vips; k++) /* once, though an SA and its heir both have it */
            held += !count_vip(n, true, v.remote_vips[k], i);
    }
    if (online != held) {
        snprintf(why, sizeof(why), "%s: %zu leases are in use, and SAs have %zu", n->name, online, held);
        return why;
    }
    if (n->name_servers != (n->n_addresses > 0))
        return "the name server did not come with the virtual addresses, or stays without them";
    for (size_t i = 0; i < n->n_addresses; i++) {
        if (!count_vip(n, false, n->addresses[i], SIZE_MAX))
            return "a virtual address stays on the device that no SA has";
    }
    return NULL;
}

/* Policies of the kernel find their SAs by the outer addresses. */
static bool finds_its_sa(const struct node *n, size_t policy)
{
    bool is_served = n->policies[policy].plane != PLANE_KERNEL || n->policies[policy].is_trap;
    for (size_t i = 0; !is_served && i < n->n_sas; i++)
        is_served = n->sas[i].direction == SA_OUT && n->sas[i].reqid == n->policies[policy].reqid &&
                    ip_equal(n->sas[i].local.ip, n->policies[policy].local) &&
                    ip_equal(n->sas[i].remote.ip, n->policies[policy].remote);
    return is_served;
}

const char *node_unsettled(const struct node *n)
{
    static char why[128];
    size_t tunnel_routes = 0;
    why[0] = 0;
    for (size_t i = 0; !n->is_dead && i < n->n_sas; i++) {
        if (!engine_has_spi(n, n->sas[i].direction, n->sas[i].spi))
            snprintf(why, sizeof(why), "%s: SA %08x is installed and nobody owns it", n->name, n->sas[i].spi);
    }
    for (size_t i = 0; !n->is_dead && i < n->n_policies; i++) {
        if (n->policies[i].reqid && !n->policies[i].is_trap && !has_reqid(n, n->policies[i].reqid))
            snprintf(why, sizeof(why), "%s: policy %llu has no SA left", n->name,
                     (unsigned long long)n->policies[i].id);
        else if (!finds_its_sa(n, i))
            snprintf(why, sizeof(why), "%s: policy %llu of the kernel leads elsewhere than its SA", n->name,
                     (unsigned long long)n->policies[i].id);
    }
    for (size_t i = 0; !n->is_dead && i < n->n_routes; i++)
        tunnel_routes += !n->routes[i].is_unreachable && !n->routes[i].is_exception;
    if (tunnel_routes && !n->n_policies)
        snprintf(why, sizeof(why), "%s: %zu routes lead into a tunnel without policies", n->name,
                 tunnel_routes);
    if (!n->is_dead && leaked_addresses(n))
        return leaked_addresses(n);
    return why[0] ? why : NULL;
}

void node_dump(const struct node *n)
{
    struct ike_view v;
    struct child_view c;
    if (n->is_dead)
        printf("  %s: dead\n", n->name);
    for (size_t i = 0; !n->is_dead && engine_ike_at(n->engine, i, &v); i++) {
        char local[IP_TEXT_MAX], remote[IP_TEXT_MAX];
        printf("  %s: IKE SA %llu %s spi %016llx %016llx %s === %s\n", n->name, (unsigned long long)v.id,
               ike_state_name(v.state), (unsigned long long)v.spi_i, (unsigned long long)v.spi_r,
               endpoint_format(&v.local, local), endpoint_format(&v.remote, remote));
        for (size_t k = 0; engine_child_at(n->engine, v.id, k, &c); k++)
            printf("  %s:   child %llu %s %s in %08x out %08x\n", n->name, (unsigned long long)c.id, c.name,
                   child_state_name(c.state), c.spi_in, c.spi_out);
    }
    for (size_t i = 0; i < n->n_sas; i++) {
        char local[IP_TEXT_MAX], remote[IP_TEXT_MAX];
        printf("  %s: installed %s %08x of child %llu %s === %s\n", n->name,
               n->sas[i].direction == SA_IN ? "in" : "out", n->sas[i].spi,
               (unsigned long long)n->sas[i].child_id, endpoint_format(&n->sas[i].local, local),
               endpoint_format(&n->sas[i].remote, remote));
    }
}
