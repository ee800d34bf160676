/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the peer that an attempt begins with, and those that it goes on with. Names: as far as
 * /etc/hosts has them. */
#include "base/arena.h"
#include "support/test.h"
#include "sys/resolve.h"

static struct config *config;
static struct connection *conn;
static struct host_spec local, remote[10];

static int make_config(void **state)
{
    (void)state;
    config = config_new(arena_new(1u << 16));
    conn = arena_alloc(config->arena, sizeof(*conn));
    config->connections = arena_calloc(config->arena, 1, sizeof(*config->connections));
    config->connections[0] = conn;
    config->n_connections = 1;
    local = (struct host_spec){.is_any = true};
    memset(remote, 0, sizeof(remote));
    *conn =
        (struct connection){.name = "net", .local_addrs = &local, .n_local_addrs = 1, .remote_addrs = remote};
    return 0;
}

static int drop_config(void **state)
{
    (void)state;
    config_unref(config);
    return 0;
}

static void add(const char *address)
{
    struct host_spec *h = &remote[conn->n_remote_addrs++];
    assert_true(ip_parse(address, &h->from));
    h->to = h->from;
}

static bool is(struct ip ip, const char *text)
{
    struct ip want;
    assert_true(ip_parse(text, &want));
    return ip_equal(ip, want);
}

static void the_first_address_is_tried_first_and_the_others_after_it(void **state)
{
    (void)state;
    add("127.0.0.2");
    add("::1");
    add("127.0.0.3");
    sys_resolve_config(config);
    assert_true(is(conn->resolved_remote, "127.0.0.2"));
    assert_int_equal(conn->n_further, 2);
    assert_true(is(conn->further[0].remote, "::1"));
    assert_true(is(conn->further[1].remote, "127.0.0.3") && is(conn->further[1].local, "127.0.0.1"));
}

static void ranges_and_other_families_are_no_addresses_to_go_to(void **state)
{
    (void)state;
    add("127.0.0.2");
    remote[0].to.b[3] = 9;
    add("::1");
    add("127.0.0.3");
    local = (struct host_spec){.from = ip4(127, 0, 0, 1), .to = ip4(127, 0, 0, 1)};
    sys_resolve_config(config);
    assert_true(is(conn->resolved_remote, "127.0.0.3"));
    assert_int_equal(conn->n_further, 0);
}

static void there_is_an_end_of_them(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        add("127.0.0.2");
        remote[i].from.b[3] = remote[i].to.b[3] = (uint8_t)(2 + i);
    }
    sys_resolve_config(config);
    assert_int_equal(conn->n_further, CONNECTION_FURTHER);
}

static void a_name_keeps_the_address_that_is_in_use_first(void **state)
{
    (void)state;
    remote[0].fqdn = "peer.test";
    conn->n_remote_addrs = 1;
    struct name_lookup *l = name_lookup_new(config, false);
    assert_non_null(l);
    l->v[0].n = 2;
    l->v[0].answers[0] = ip4(127, 0, 0, 2);
    l->v[0].answers[1] = ip4(127, 0, 0, 3);
    name_lookup_apply(l, config);
    assert_true(is(conn->resolved_remote, "127.0.0.2"));
    l->v[0].answers[0] = ip4(127, 0, 0, 3);
    l->v[0].answers[1] = ip4(127, 0, 0, 2);
    name_lookup_apply(l, config);
    assert_true(is(conn->resolved_remote, "127.0.0.2"));
    assert_true(conn->n_further == 1 && is(conn->further[0].remote, "127.0.0.3"));
    l->v[0].n = 0; /* no answer: what is known stays */
    name_lookup_apply(l, config);
    assert_true(is(conn->resolved_remote, "127.0.0.2"));
    name_lookup_free(l);
}

static void a_gateway_has_the_addresses_that_it_is_named_by(void **state)
{
    (void)state;
    const struct gateway number = {.ip = ip4(127, 0, 0, 9)}, name = {.name = "127.0.0.8"};
    struct ip v[4];
    assert_int_equal(sys_addresses_of(&number, 0, v, ARRAY_LEN(v)), 1);
    assert_true(is(v[0], "127.0.0.9"));
    assert_int_equal(sys_addresses_of(&name, 4, v, ARRAY_LEN(v)), 1);
    assert_true(is(v[0], "127.0.0.8"));
    assert_int_equal(sys_addresses_of(&name, 6, v, ARRAY_LEN(v)), 0);
    assert_true(is(sys_local_for(conn, ip4(127, 0, 0, 9)), "127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_CONFIG(name) cmocka_unit_test_setup_teardown(name, make_config, drop_config)
        WITH_CONFIG(the_first_address_is_tried_first_and_the_others_after_it),
        WITH_CONFIG(ranges_and_other_families_are_no_addresses_to_go_to),
        WITH_CONFIG(there_is_an_end_of_them),
        WITH_CONFIG(a_name_keeps_the_address_that_is_in_use_first),
        WITH_CONFIG(a_gateway_has_the_addresses_that_it_is_named_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
