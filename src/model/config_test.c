/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in a snapshot: connections by peer address, secrets by identities. */
#include "model/connection.h"
#include "model/lookup.h"
#include "support/test.h"
#include "support/testca.h"
#include <stdio.h>

static void forget(struct config *c)
{
    config_index_free(c->index);
    c->index = NULL;
}

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
    struct config c = {.connections = list, .n_connections = 4};
    const char *const expected[] = {"one", "net", "any", "any2"};
    struct arena *a = arena_new(1 << 16);
    struct identity id = {.type = ID_FQDN, .data = span_str("x")};
    struct connection_set set = config_peers(&c, a, ip4(198, 51, 100, 1), ip4(192, 0, 2, 7), &id);
    assert_int_equal(set.n, 4);
    for (size_t i = 0; i < set.n; i++)
        assert_string_equal(set.v[i]->name, expected[i]);
    set = config_peers(&c, a, ip4(198, 51, 100, 1), ip4(203, 0, 113, 1), &id);
    assert_int_equal(set.n, 2);
    assert_string_equal(set.v[0]->name, "any");
    arena_free(a);
    forget(&c);
}

static void a_local_address_that_differs_rules_out(void **state)
{
    (void)state;
    const struct host_spec one = host(ip4(192, 0, 2, 7), ip4(192, 0, 2, 7));
    struct connection v = {.name = "x", .local_addrs = &one, .n_local_addrs = 1};
    const struct connection *list[1] = {&v};
    struct config c = {.connections = list, .n_connections = 1};
    struct arena *a = arena_new(1 << 16);
    assert_int_equal(config_peer_kinds(&c, a, ip4(192, 0, 2, 8), ip4(1, 2, 3, 4)).n, 0);
    assert_int_equal(config_peer_kinds(&c, a, ip4(192, 0, 2, 7), ip4(1, 2, 3, 4)).n, 1);
    arena_free(a);
    forget(&c);
}

static struct cert *make_ca(const char *subject)
{
    struct diag d = {0};
    struct testca_cert *made = testca_issue(&(struct testca_spec){.subject = subject, .is_ca = true}, NULL);
    struct cert *c = cert_load(testca_der(made), &d);
    testca_free(made);
    assert_non_null(c);
    return c;
}

/* One connection stands for others that demand the same of the peer, but for their CAs. */
static void it_is_known_whether_a_kind_has_one_list_of_cas(void **state)
{
    (void)state;
    struct cert *first[] = {make_ca("CN=1")}, *second[] = {make_ca("CN=2")};
    struct connection v[] = {{.name = "x"}, {.name = "y"}, {.name = "z"}};
    const struct connection *list[] = {&v[0], &v[1], &v[2]};
    struct arena *a = arena_new(1 << 16);
    for (size_t i = 0; i < 3; i++)
        v[i].remote.cacerts = (struct cert_list){.v = first, .n = 1};
    for (int differs = 0; differs < 2; differs++) {
        struct config c = {.connections = list, .n_connections = 3};
        if (differs)
            v[2].remote.cacerts.v = second;
        struct connection_set set = config_peer_kinds(&c, a, ip4(192, 0, 2, 8), ip4(1, 2, 3, 4));
        assert_int_equal(set.n, 1);
        assert_int_equal(config_kind_has_one_ca(&c, set.v[0]), !differs);
        forget(&c);
    }
    arena_free(a);
    cert_unref(first[0]);
    cert_unref(second[0]);
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
    forget(&c);
    assert_ptr_equal(config_secret_for(&c, &moon, &sun), &s[3]);
    assert_ptr_equal(config_secret_for(&c, &moon, &carol), &s[1]);
    assert_ptr_equal(config_secret_for(&c, &carol, &carol), &s[0]);
    struct config none = {.secrets = &s[1], .n_secrets = 1};
    assert_null(config_secret_for(&none, &carol, &sun));
    struct identity pattern[] = {id(ID_FQDN, "*.moon.example")}, dark = id(ID_FQDN, "dark.moon.example");
    struct shared_secret wild = {.owners = pattern, .n_owners = 1};
    struct config guarded = {.secrets = &wild, .n_secrets = 1};
    assert_null(config_secret_for(&guarded, &carol, &sun));
    assert_ptr_equal(config_secret_for(&guarded, &carol, &dark), &wild);
    forget(&guarded);
    forget(&c);
    forget(&none);
}

/* Against looking at every connection: nobody whom the peer may mean is left out, nobody else's addresses
 * come in, and the order is that of the configuration. */
static void the_index_finds_what_a_search_through_all_finds(void **state)
{
    (void)state;
    enum { N = 600 };
    static struct connection v[N];
    static const struct connection *list[N];
    static struct host_spec remote[N], local[N];
    static char names[N][24];
    static const char *const patterns[] = {"*.example", "*", "p1.example"};
    for (int i = 0; i < N; i++) {
        struct ip ip = ip4(192, 0, 2, (uint8_t)(i % 7));
        remote[i] = i % 5 == 0   ? (struct host_spec){.is_any = true}
                    : i % 5 == 1 ? (struct host_spec){.fqdn = "peer.example"}
                    : i % 5 == 2 ? host(ip4(192, 0, 2, 0), ip4(192, 0, 2, 255))
                                 : host(ip, ip);
        local[i] =
            i % 3 ? (struct host_spec){.is_any = true} : host(ip4(198, 51, 100, 1), ip4(198, 51, 100, 1));
        snprintf(names[i], sizeof(names[i]), "%c%d.example", i % 2 ? 'p' : 'P', i / 4);
        v[i] = (struct connection){.name = names[i],
                                   .remote_addrs = &remote[i],
                                   .n_remote_addrs = 1,
                                   .local_addrs = &local[i],
                                   .n_local_addrs = 1};
        v[i].remote.id = i % 11 == 0   ? (struct identity){.type = ID_ANY}
                         : i % 11 == 1 ? id(ID_FQDN, patterns[i % 3])
                                       : id(ID_FQDN, names[i]);
        list[i] = &v[i];
    }
    struct config c = {.connections = list, .n_connections = N};
    struct arena *a = arena_new(1 << 20);
    for (int k = 0; k < N; k++) {
        struct ip mine = ip4(198, 51, 100, (uint8_t)(1 + k % 2)), theirs = ip4(192, 0, 2, (uint8_t)(k % 9));
        struct identity who = id(ID_FQDN, names[k]);
        arena_reset(a);
        struct connection_set set = config_peers(&c, a, mine, theirs, &who);
        size_t wanted = 0, seen = 0;
        for (int i = 0; i < N; i++) {
            bool fits = (local[i].is_any || mine.b[3] == 1) &&
                        (remote[i].is_any || remote[i].fqdn ||
                         (ip_cmp(remote[i].from, theirs) <= 0 && ip_cmp(theirs, remote[i].to) <= 0));
            bool is_in = false;
            for (size_t at = 0; at < set.n && !is_in; at++)
                is_in = set.v[at] == &v[i];
            wanted += fits && identity_match(&who, &v[i].remote.id);
            seen += is_in && identity_match(&who, &v[i].remote.id);
            assert_false(is_in && !fits);
        }
        assert_int_equal(seen, wanted);
        for (size_t at = 1; at < set.n; at++) { /* of equal closeness, by position */
            if (set.v[at]->remote_addrs->is_any && set.v[at - 1]->remote_addrs->is_any &&
                set.v[at]->local_addrs->is_any == set.v[at - 1]->local_addrs->is_any)
                assert_true(set.v[at] > set.v[at - 1]);
        }
        assert_string_equal(config_find(&c, names[k])->name, names[k]);
    }
    /* they differ in nothing that a first request could tell: one of each group of addresses is enough */
    assert_in_range(config_peer_kinds(&c, a, ip4(198, 51, 100, 1), ip4(192, 0, 2, 1)).n, 1, 8);
    arena_free(a);
    forget(&c);
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
    struct config c = {.connections = list, .n_connections = 1};
    assert_ptr_equal(config_find(&c, "gw"), &v);
    assert_null(config_find(&c, "gw2"));
    assert_null(config_find(&c, NULL));
    forget(&c);
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
        cmocka_unit_test(it_is_known_whether_a_kind_has_one_list_of_cas),
        cmocka_unit_test(the_secret_that_names_both_wins),
        cmocka_unit_test(the_index_finds_what_a_search_through_all_finds),
        cmocka_unit_test(names_find_connections_children_and_origins),
        cmocka_unit_test(a_snapshot_lives_until_its_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
