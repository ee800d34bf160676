/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of several parts: what counts where a name comes twice, and who owns what. */
#include "model/connection.h"
#include "support/test.h"
#include "support/testca.h"
#include <stdio.h>

static struct config *part_new(void)
{
    return config_new(arena_new(1 << 20));
}

static const struct connection *add_connection(struct config *c, const char *name, int version)
{
    struct connection *conn = arena_alloc(c->arena, sizeof(*conn));
    conn->name = arena_strdup(c->arena, name);
    conn->version = version;
    const struct connection **v = arena_calloc(c->arena, c->n_connections + 1, sizeof(struct connection *));
    if (c->n_connections)
        memcpy(v, c->connections, c->n_connections * sizeof(struct connection *));
    v[c->n_connections++] = conn;
    c->connections = v;
    return conn;
}

static void add_secret(struct config *c, const char *text)
{
    c->secrets = arena_calloc(c->arena, 1, sizeof(*c->secrets));
    c->secrets[0].secret = secret_copy(span_str(text));
    c->n_secrets = 1;
}

static void add_pool(struct config *c, const char *name, size_t n_attrs)
{
    c->pools = arena_calloc(c->arena, 1, sizeof(*c->pools));
    c->pools[0].name = arena_strdup(c->arena, name);
    c->pools[0].n_attrs = n_attrs;
    c->n_pools = 1;
}

static void of_one_name_the_last_counts_in_the_place_of_the_first(void **state)
{
    (void)state;
    struct config *parts[3] = {part_new(), part_new(), part_new()};
    add_connection(parts[0], "office", 1);
    add_connection(parts[0], "lab", 1);
    add_connection(parts[1], "home", 2);
    const struct connection *last = add_connection(parts[2], "office", 3);
    struct config *c = config_merge(parts, 3, NULL);
    static const char *const names[] = {"office", "lab", "home"};
    assert_int_equal(c->n_connections, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(c->connections[i]->name, names[i]);
    assert_ptr_equal(c->connections[0], last);
    assert_ptr_equal(config_find(c, "office"), last);
    assert_int_equal(config_find(c, "lab")->version, 1);
    for (size_t i = 0; i < 3; i++)
        config_unref(parts[i]);
    assert_int_equal(c->connections[0]->version, 3); /* the parts are held */
    config_unref(c);
}

static void pools_are_found_by_name_whatever_part_they_are_of(void **state)
{
    (void)state;
    struct config *parts[3] = {part_new(), part_new(), part_new()};
    add_pool(parts[0], "phones", 1);
    add_pool(parts[1], "guests", 2);
    add_pool(parts[2], "phones", 3);
    struct config *c = config_merge(parts, 3, NULL);
    assert_int_equal(c->n_pools, 2);
    assert_int_equal(config_pool(c, "phones")->n_attrs, 3);
    assert_int_equal(config_pool(c, "guests")->n_attrs, 2);
    assert_null(config_pool(c, "laptops"));
    config_unref(c);
    for (size_t i = 0; i < 3; i++)
        config_unref(parts[i]);
}

static void credentials_of_all_parts_are_there_and_stay_their_parts_own(void **state)
{
    (void)state;
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=ca", .is_ca = true}, NULL);
    struct diag d = {0};
    struct config *parts[2] = {part_new(), part_new()};
    add_secret(parts[0], "of the first");
    add_secret(parts[1], "of the second");
    parts[1]->cas.v = arena_calloc(parts[1]->arena, 1, sizeof(struct cert *));
    parts[1]->cas.v[0] = cert_load(testca_pem(ca), &d);
    parts[1]->cas.n = 1;
    struct config *both = config_merge(parts, 2, NULL), *again = config_merge(parts, 2, NULL);
    config_unref(again); /* drops no secret and no certificate */
    config_unref(parts[0]);
    config_unref(parts[1]);
    assert_int_equal(both->n_secrets, 2);
    assert_span_equal(secret_view(&both->secrets[0].secret), span_str("of the first"));
    assert_span_equal(secret_view(&both->secrets[1].secret), span_str("of the second"));
    assert_int_equal(both->cas.n, 1);
    assert_non_null(cert_subject_text(both->cas.v[0]));
    config_unref(both);
    testca_free(ca);
}

static void settings_are_those_of_the_first_part(void **state)
{
    (void)state;
    struct config *parts[2] = {part_new(), part_new()};
    parts[0]->settings.port = 1500;
    parts[1]->settings.port = 2500;
    struct config *c = config_merge(parts, 2, NULL);
    assert_int_equal(c->settings.port, 1500);
    config_unref(c);
    config_unref(parts[0]);
    config_unref(parts[1]);
}

static void peers_are_found_in_all_parts(void **state)
{
    (void)state;
    struct config *parts[2] = {part_new(), part_new()};
    struct arena *a = arena_new(1 << 16);
    add_connection(parts[1], "office", 2);
    struct config *c = config_merge(parts, 2, NULL);
    assert_int_equal(config_peer_kinds(c, a, ip4(192, 0, 2, 1), ip4(192, 0, 2, 2)).n, 1);
    config_unref(c);
    config_unref(parts[0]);
    config_unref(parts[1]);
    arena_free(a);
}

static bool hides_lab(void *ctx, enum config_kind kind, const char *name)
{
    (*(unsigned *)ctx)++;
    return kind == CONFIG_CONNECTIONS && strcmp(name, "lab") == 0;
}

static void what_is_hidden_of_the_first_part_may_come_again(void **state)
{
    (void)state;
    unsigned calls = 0;
    struct config_filter filter = {.ctx = &calls, .hides = hides_lab};
    struct config *parts[2] = {part_new(), part_new()};
    add_connection(parts[0], "lab", 1);
    add_connection(parts[0], "office", 1);
    struct config *c = config_merge(parts, 1, &filter);
    assert_int_equal(c->n_connections, 1);
    assert_null(config_find(c, "lab"));
    assert_non_null(config_find(c, "office"));
    config_unref(c);
    add_connection(parts[1], "lab", 2);
    calls = 0;
    c = config_merge(parts, 2, &filter);
    assert_int_equal(calls, 2); /* the second part is not asked about */
    assert_int_equal(config_find(c, "lab")->version, 2);
    config_unref(c);
    config_unref(parts[0]);
    config_unref(parts[1]);
}

static void a_part_may_itself_be_merged(void **state)
{
    (void)state;
    struct config *parts[2] = {part_new(), part_new()};
    add_connection(parts[0], "a", 1);
    add_connection(parts[1], "b", 1);
    struct config *inner = config_merge(parts, 2, NULL), *outer = config_merge(&inner, 1, NULL);
    config_unref(inner);
    config_unref(parts[0]);
    config_unref(parts[1]);
    assert_int_equal(outer->n_connections, 2);
    assert_string_equal(outer->connections[1]->name, "b");
    config_unref(outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_name_the_last_counts_in_the_place_of_the_first),
        cmocka_unit_test(pools_are_found_by_name_whatever_part_they_are_of),
        cmocka_unit_test(credentials_of_all_parts_are_there_and_stay_their_parts_own),
        cmocka_unit_test(settings_are_those_of_the_first_part),
        cmocka_unit_test(peers_are_found_in_all_parts),
        cmocka_unit_test(what_is_hidden_of_the_first_part_may_come_again),
        cmocka_unit_test(a_part_may_itself_be_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
