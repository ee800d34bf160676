/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the input as the attributes of a configuration payload, as the reply to a request of ours and
 * as a request to us. What was taken must be within its bounds, printable where it goes to scripts, and all
 * given back in the end. */
#include "support/cfg_host.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t dns_value[] = {10, 2, 0, 53};
static const struct pool_attr attrs[] = {
    {.type = CFG_IP4_DNS, .value = {dns_value, 4}, .key = "dns", .text = "10.2.0.53"},
};
static const struct ip_range ranges[] = {
    {{4, {10, 3, 0, 1}},       {4, {10, 3, 0, 3}}      },
    {{6, {0xfd, 3, [15] = 1}}, {6, {0xfd, 3, [15] = 3}}},
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_taken(const struct sa_cfg *c)
{
    require(c->local.n <= 2 && c->n_dns <= CFG_DNS_MAX && c->n_includes <= CFG_NETS_MAX &&
            c->n_excludes <= CFG_NETS_MAX);
    for (uint8_t i = 0; i < c->n_domains; i++) {
        for (const char *at = c->domains[i]; *at; at++)
            require(*at > ' ' && *at < 127 && !strchr("\"'`$\\;&|<>(){}[]*?!#~", *at));
    }
    for (uint8_t i = 0; i < c->local.n; i++)
        require(!ip_is_unspecified(c->local.v[i]));
}

static void run(struct ike_env *env, struct ike_sa *sa, struct span input)
{
    struct ike_message m;
    struct diag d = {0};
    struct build b;
    struct exchange x = {0};
    struct span chain;
    uint8_t room[8192];
    if (cfg_host_message(sa->arena, CFG_REPLY, input, &m)) {
        cfg_begin(sa);
        cfg_take_reply(env, sa, &m, &d);
        check_taken(sa->cfg);
        cfg_release(env, sa);
    }
    if (cfg_host_message(sa->arena, CFG_REQUEST, input, &m)) {
        cfg_expect(sa, &m);
        cfg_take_request(env, sa, &m, &d);
        build_begin(&b, room, sizeof(room), NULL);
        cfg_put_reply(env, &b, sa, &x);
        require(build_end(&b, &chain));
        cfg_release(env, sa);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const names[] = {"main"};
    static const struct ip wanted[] = {{.family = 4}, {.family = 6}};
    struct pool_config pool = {.name = "main", .ranges = ranges, .n_ranges = 2, .attrs = attrs, .n_attrs = 1};
    struct config config = {.pools = &pool, .n_pools = 1};
    struct connection conn = {.name = "net", .vips = wanted, .n_vips = 2, .pools = names, .n_pools = 1};
    struct cfg_host host = {0};
    struct outbox out;
    struct pool_view v;
    struct ike_sa sa = {
        .conn = &conn, .config = &config, .arena = arena_new(1u << 22), .was_initiator = true};
    struct ike_env env = {.out = &out, .host = &cfg_host_functions, .ctx = &host};
    sa.remote_id = (struct identity){ID_FQDN, span_str("alice")};
    outbox_init(&out);
    pools_init(&host.pools);
    pools_load(&host.pools, &pool, 1);
    if (len < 60000)
        run(&env, &sa, span_of(data, len));
    require(!host.went_wrong && host.n_on_device == 0 && host.n_dns == 0);
    require(pools_at(&host.pools, 0, &v) && v.online == 0);
    pools_deinit(&host.pools);
    outbox_deinit(&out);
    arena_free(sa.arena);
    return 0;
}
