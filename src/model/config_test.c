/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in a snapshot: connections by peer address, secrets by identities. */
#include "model/connection.h"
#include "support/test.h"

static struct host_spec host(struct ip from, struct ip to)
{
    return (struct host_spec){.from = from, .to = to};
}

static void a_concrete_peer_beats_a_range_beats_any(void **state)
{
    (void)state;
    const struct host_spec any = {.is_any = true};
    const struct host_spec net = host(ip4(192, 0, 2, 0), ip4(192, 0, 2, 255));
    const struct host_spec one = host(ip4(192, 0, 2, 7), ip4(192, 0, 2, 7));
    struct connection v[4] = {
        {.name = "any",  .remote_addrs = &any, .n_remote_addrs = 1},
        {.name = "net",  .remote_addrs = &net, .n_remote_addrs = 1},
        {.name = "one",  .remote_addrs = &one, .n_remote_addrs = 1},
        {.name = "any2", .remote_addrs = &any, .n_remote_addrs = 1},
    };
    const struct connection *list[4] = {&v[0], &v[1], &v[2], &v[3]};
    const struct config c = {.connections = list, .n_connections = 4};
    const char *const expected[] = {"one", "net", "any", "any2"};
    const struct connection *at = NULL;
    for (size_t i = 0; i < 4; i++) {
        at = config_match_peer(&c, ip4(198, 51, 100, 1), ip4(192, 0, 2, 7), at);
        assert_non_null(at);
        assert_string_equal(at->name, expected[i]);
    }
    assert_null(config_match_peer(&c, ip4(198, 51, 100, 1), ip4(192, 0, 2, 7), at));
    at = config_match_peer(&c, ip4(198, 51, 100, 1), ip4(203, 0, 113, 1), NULL);
    assert_string_equal(at->name, "any");
}

static void a_local_address_that_differs_rules_out(void **state)
{
    (void)state;
    const struct host_spec one = host(ip4(192, 0, 2, 7), ip4(192, 0, 2, 7));
    struct connection v = {.name = "x", .local_addrs = &one, .n_local_addrs = 1};
    const struct connection *list[1] = {&v};
    const struct config c = {.connections = list, .n_connections = 1};
    assert_null(config_match_peer(&c, ip4(192, 0, 2, 8), ip4(1, 2, 3, 4), NULL));
    assert_non_null(config_match_peer(&c, ip4(192, 0, 2, 7), ip4(1, 2, 3, 4), NULL));
}

static struct identity id(enum id_type type, const char *text)
{
    return (struct identity){.type = type, .data = span_str(text)};
}

static void the_secret_that_names_both_wins(void **state)
{
    (void)state;
    struct identity moon = id(ID_FQDN, "moon.example"), sun = id(ID_FQDN, "sun.example");
    struct identity carol = id(ID_FQDN, "carol.example");
    struct identity both[] = {moon, sun}, mine[] = {moon}, theirs[] = {sun};
    struct shared_secret s[4] = {
        {.owners = NULL},
        { .owners = mine, .n_owners = 1},
        { .owners = both, .n_owners = 2},
        { .owners = theirs, .n_owners = 1},
    };
    struct config c = {.secrets = s, .n_secrets = 4};
    assert_ptr_equal(config_secret_for(&c, &moon, &sun), &s[2]);
    s[2].n_owners = 0;
    assert_ptr_equal(config_secret_for(&c, &moon, &sun), &s[3]);
    assert_ptr_equal(config_secret_for(&c, &moon, &carol), &s[1]);
    assert_ptr_equal(config_secret_for(&c, &carol, &carol), &s[0]);
    struct config none = {.secrets = &s[1], .n_secrets = 1};
    assert_null(config_secret_for(&none, &carol, &sun));
}

static void names_find_connections_children_and_origins(void **state)
{
    (void)state;
    const struct child_config kids[2] = {{.name = "net"}, {.name = "dmz"}};
    const struct origin o[1] = {
        {.key = "proposals", .file = "/etc/x", .line = 3}
    };
    struct connection v = {
        .name = "gw", .children = kids, .n_children = 2, .origins = {o, 1}
    };
    const struct connection *list[1] = {&v};
    const struct config c = {.connections = list, .n_connections = 1};
    assert_ptr_equal(config_find(&c, "gw"), &v);
    assert_null(config_find(&c, "gw2"));
    assert_null(config_find(&c, NULL));
    assert_ptr_equal(connection_child(&v, "dmz"), &kids[1]);
    assert_int_equal(origin_of(&v.origins, "proposals")->line, 3);
    assert_null(origin_of(&v.origins, "version"));
}

static void a_snapshot_lives_until_its_last_reference(void **state)
{
    (void)state;
    struct config *c = config_new(arena_new(1 << 16));
    assert_int_equal(c->settings.port_natt, 4500);
    c->secrets = arena_calloc(c->arena, 1, sizeof(*c->secrets));
    c->n_secrets = 1;
    c->secrets[0].secret = secret_copy(span_str("key"));
    config_ref(c);
    config_unref(c);
    assert_int_equal(c->secrets[0].secret.len, 3);
    config_unref(c); /* a leak would fail under the address sanitizer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_concrete_peer_beats_a_range_beats_any),
        cmocka_unit_test(a_local_address_that_differs_rules_out),
        cmocka_unit_test(the_secret_that_names_both_wins),
        cmocka_unit_test(names_find_connections_children_and_origins),
        cmocka_unit_test(a_snapshot_lives_until_its_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
