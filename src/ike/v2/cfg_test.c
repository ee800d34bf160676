/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration payloads, attribute by attribute: what a peer may say, and what it may not. */
#include "base/text.h"
#include "support/cfg_host.h"
#include "support/test.h"
#include <stdio.h>

static struct arena *a;
static struct cfg_host host;
static struct outbox out;
static struct ike_env env;
static struct ike_sa sa;
static struct connection conn;
static struct config config;
static struct diag d;

static const uint8_t dns_value[] = {10, 2, 0, 53};
static const struct pool_attr attrs[] = {
    {.type = CFG_IP4_DNS,    .value = {dns_value, 4}, .key = "dns", .text = "10.2.0.53"},
    {.type = CFG_DNS_DOMAIN,
     .value = {(const uint8_t *)"corp.example", 12},
     .key = "domains",
     .text = "corp.example"                                                            },
};
static const struct ip_range range = {
    {4, {10, 3, 0, 1}},
    {4, {10, 3, 0, 9}}
};
static struct pool_config pool = {
    .name = "main", .ranges = &range, .n_ranges = 1, .attrs = attrs, .n_attrs = 2};
static const char *const pool_names[] = {"main"};
static const struct ip wanted[] = {{.family = 4}, {.family = 6}};

static int setup(void **state)
{
    (void)state;
    a = arena_new(1u << 20);
    memset(&host, 0, sizeof(host));
    pools_init(&host.pools);
    pools_load(&host.pools, &pool, 1);
    outbox_init(&out);
    config = (struct config){.pools = &pool, .n_pools = 1};
    conn = (struct connection){
        .name = "net", .vips = wanted, .n_vips = 2, .pools = pool_names, .n_pools = 1, .unique = UNIQUE_NO};
    sa = (struct ike_sa){.conn = &conn, .config = &config, .arena = a, .was_initiator = true};
    sa.remote_id = (struct identity){ID_FQDN, span_str("alice")};
    env = (struct ike_env){.out = &out, .host = &cfg_host_functions, .ctx = &host};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cfg_release(&env, &sa);
    assert_false(host.went_wrong);
    assert_int_equal(host.n_on_device, 0);
    assert_int_equal(host.n_dns, 0);
    pools_deinit(&host.pools);
    outbox_deinit(&out);
    arena_free(a);
    return 0;
}

static struct ike_message message(uint8_t type, const char *hex)
{
    uint8_t *bytes = arena_alloc(a, 4096);
    struct ike_message m;
    size_t len = 0;
    assert_true(hex_decode(span_str(hex), bytes, 4096, &len));
    assert_true(cfg_host_message(a, type, span_of(bytes, len), &m));
    return m;
}

static void take_reply(const char *hex)
{
    struct ike_message m = message(CFG_REPLY, hex);
    cfg_begin(&sa);
    assert_true(cfg_take_reply(&env, &sa, &m, &d));
}

/* The attributes of our reply to this request, in hex; "" when there is no reply. */
static const char *reply_to(const char *hex)
{
    static char text[512];
    uint8_t room[512];
    struct build b;
    struct span chain;
    struct exchange x = {0};
    struct text t = TEXT_ON(text);
    struct ike_message m = message(CFG_REQUEST, hex);
    text[0] = 0;
    cfg_expect(&sa, &m);
    assert_true(cfg_take_request(&env, &sa, &m, &d));
    build_begin(&b, room, sizeof(room), NULL);
    cfg_put_reply(&env, &b, &sa, &x);
    assert_true(build_end(&b, &chain));
    if (chain.len > 8)
        text_hex(&t, span_of(chain.ptr + 8, chain.len - 8));
    return text;
}

#define V4(hex) "00010004" hex

static void address_and_name_servers_are_taken(void **state)
{
    (void)state;
    take_reply(V4("0a030001") "00080011fd03000000000000000000000000000180"
                              "000300040a020035"
                              "0019000c636f72702e6578616d706c65");
    assert_int_equal(sa.cfg->local.n, 2);
    assert_int_equal(host.n_on_device, 2);
    assert_int_equal(host.n_dns, 1);
    assert_string_equal(sa.cfg->domains[0], "corp.example");
    assert_false(cfg_lacks_address(&sa, &d));
}

static void addresses_that_cannot_be_are_not_taken(void **state)
{
    static const char *const bad[] = {
        V4("00000000"),
        V4("7f000001"),
        V4("e0000001"),
        V4("ffffffff"),
        "00010000",
        "000100030a0300",
        "00080010ff020000000000000000000000000001",
        "0008001000000000000000000000000000000001",
        "00080010fe800000000000000000000000000001",
        "00080010000000000000000000000000000000",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad) - 1; i++) {
        take_reply(bad[i]);
        assert_int_equal(sa.cfg->local.n, 0);
        assert_true(cfg_lacks_address(&sa, &d));
    }
}

static void no_more_addresses_are_taken_than_were_asked_for(void **state)
{
    (void)state;
    take_reply(V4("0a030001") V4("0a030002") V4("0a030001"));
    assert_int_equal(sa.cfg->local.n, 1);
    assert_int_equal(host.n_on_device, 1);
}

static void nothing_is_taken_that_was_not_asked_for(void **state)
{
    (void)state;
    struct ike_message m = message(CFG_REPLY, V4("0a030001"));
    conn.n_vips = 0;
    cfg_begin(&sa);
    assert_true(cfg_take_reply(&env, &sa, &m, &d));
    assert_null(sa.cfg);
    conn.n_vips = 2;
    take_reply(V4("0a030001"));
    m = message(CFG_REPLY, V4("0a030002")); /* a second reply, which nobody asked for */
    assert_true(cfg_take_reply(&env, &sa, &m, &d));
    assert_int_equal(sa.cfg->local.n, 1);
    assert_int_equal(host.n_on_device, 1);
}

static void name_servers_without_an_address_are_not_used(void **state)
{
    (void)state;
    take_reply("000300040a020035");
    assert_int_equal(host.n_dns, 0);
    take_reply(V4("0a030001") "000300040a020035"
                              "000300040a020035"
                              "000300047f000001"
                              "000300052020202020");
    assert_int_equal(sa.cfg->n_dns, 1);
}

/* What updown commands and files get [RFC8598#3.2]. */
static void domains_are_names_and_come_with_name_servers(void **state)
{
    (void)state;
    take_reply(V4("0a030001") "00190004612e622e");
    assert_int_equal(sa.cfg->n_domains, 0); /* no name server */
    cfg_release(&env, &sa);
    take_reply(V4("0a030001") "000300040a020035"
                              "00190000"
                              "00190003613b62"
                              "001900036120"
                              "62"
                              "00190003610a62"
                              "001900042d612e62"
                              "00190003612e62");
    assert_int_equal(sa.cfg->n_domains, 1);
    assert_string_equal(sa.cfg->domains[0], "a.b");
}

static void networks_have_masks_without_holes(void **state)
{
    (void)state;
    char text[IP_TEXT_MAX];
    take_reply(V4("0a030001") "000d00080a010000ff00ff00"
                              "000d00080a01020000000000"
                              "000d00080a010203ffff0000"
                              "000d00040a010000"
                              "000f0011fd01000000000000000000000000000081"
                              "000f0011fd01000000000000000000000000000010"
                              "7004001c0a080000ff0000000000000000000a090000ffff0000000000000000"
                              "700700080a0a0000ffff0000");
    assert_int_equal(sa.cfg->n_includes, 5);
    assert_string_equal(prefix_format(&sa.cfg->includes[0], text), "0.0.0.0/0");
    assert_string_equal(prefix_format(&sa.cfg->includes[1], text), "10.1.0.0/16");
    assert_string_equal(prefix_format(&sa.cfg->includes[2], text), "fd01::/16");
    assert_string_equal(prefix_format(&sa.cfg->includes[4], text), "10.9.0.0/16");
    assert_int_equal(sa.cfg->n_excludes, 1);
}

static void lists_are_bounded(void **state)
{
    (void)state;
    char hex[4096] = V4("0a030001");
    for (unsigned i = 0; i < 60; i++)
        snprintf(hex + strlen(hex), sizeof(hex) - strlen(hex),
                 "000300040a0200%02x0019000161000d00080a%02x0000ffff0000", i + 1, i);
    take_reply(hex);
    assert_int_equal(sa.cfg->n_dns, CFG_DNS_MAX);
    assert_int_equal(sa.cfg->n_domains, CFG_DOMAINS_MAX);
    assert_int_equal(sa.cfg->n_includes, CFG_NETS_MAX);
}

static void replies_hold_what_pools_tell(void **state)
{
    (void)state;
    assert_string_equal(reply_to("00010000"), V4("0a030001") "000300040a020035");
}

/* [RFC8598#3.1] the absence of INTERNAL_DNS_DOMAIN in the request */
static void domains_are_told_to_who_asks_for_them(void **state)
{
    (void)state;
    assert_string_equal(reply_to("00010000"
                                 "00190000"),
                        V4("0a030001") "000300040a020035"
                                       "0019000c636f72702e6578616d706c65");
}

static void without_pools_there_is_no_reply(void **state)
{
    (void)state;
    conn.n_pools = 0;
    assert_string_equal(reply_to("00010000"), "");
    assert_false(cfg_refuses_child(&sa, &d));
}

static void family_without_a_pool_is_ignored_beside_another(void **state)
{
    (void)state;
    assert_string_equal(reply_to("00080000"
                                 "00010000"),
                        V4("0a030001") "000300040a020035");
    assert_false(cfg_refuses_child(&sa, &d));
}

static void requests_for_many_addresses_are_bounded(void **state)
{
    (void)state;
    struct pool_view v;
    reply_to("0001000000010000000100000001000000010000000100000001000000010000");
    assert_int_equal(sa.cfg->remote.n, VIPS_MAX);
    assert_true(pools_at(&host.pools, 0, &v));
    assert_int_equal(v.online, VIPS_MAX);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(address_and_name_servers_are_taken),
        T(addresses_that_cannot_be_are_not_taken),
        T(no_more_addresses_are_taken_than_were_asked_for),
        T(nothing_is_taken_that_was_not_asked_for),
        T(name_servers_without_an_address_are_not_used),
        T(domains_are_names_and_come_with_name_servers),
        T(networks_have_masks_without_holes),
        T(lists_are_bounded),
        T(replies_hold_what_pools_tell),
        T(domains_are_told_to_who_asks_for_them),
        T(without_pools_there_is_no_reply),
        T(family_without_a_pool_is_ignored_beside_another),
        T(requests_for_many_addresses_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
