/* SPDX-License-Identifier: Apache-2.0 */
/* What the words for a reload say. */
#include "model/changes.h"
#include "support/test.h"
#include <stdio.h>

struct conn { /* children: one letter each, an upper-case one is the changed one of that name */
    const char *name;
    uint64_t ike;
    const char *children, *policies;
};

static struct child_config *named(struct arena *a, const char *letters, size_t *n)
{
    *n = letters ? strlen(letters) : 0;
    struct child_config *v = arena_calloc(a, *n + 1, sizeof(*v));
    for (size_t i = 0; i < *n; i++) {
        v[i].name = arena_printf(a, "%c", letters[i] | 0x20);
        v[i].hash = (uint64_t)letters[i];
    }
    return v;
}

static struct config *with(const struct conn *v)
{
    struct config *c = config_new(arena_new(1 << 20));
    c->connections = arena_calloc(c->arena, 8, sizeof(*c->connections));
    for (; v->name; v++) {
        struct connection *conn = arena_alloc(c->arena, sizeof(*conn));
        conn->name = v->name;
        conn->ike_hash = conn->hash = v->ike;
        conn->children = named(c->arena, v->children, &conn->n_children);
        conn->shunts = named(c->arena, v->policies, &conn->n_shunts);
        for (size_t i = 0; i < conn->n_children; i++)
            conn->hash = conn->hash * 31 + conn->children[i].hash;
        for (size_t i = 0; i < conn->n_shunts; i++)
            conn->hash = conn->hash * 37 + conn->shunts[i].hash;
        c->connections[c->n_connections++] = conn;
    }
    return c;
}

static void expect(const struct conn *was, const struct conn *is, const char *lines)
{
    char text[1000] = "";
    struct config_changes c;
    struct config *a = was ? with(was) : NULL, *b = with(is);
    config_changes(&c, a, b);
    for (size_t i = 0; i < c.n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\n", c.v[i]);
    assert_string_equal(text, lines);
    assert_int_equal(c.n_more, 0);
    config_changes_free(&c);
    config_unref(a);
    config_unref(b);
}

#define CONNS(...) ((const struct conn[]){__VA_ARGS__, {0}})

static void each_connection_child_and_policy_that_differs_is_named(void **state)
{
    (void)state;
    expect(NULL, CONNS({"a", 1, "k"}), "connection a is new\n");
    expect(CONNS({"a", 1, "kl", "p"}), CONNS({"a", 1, "kl", "p"}), "");
    expect(CONNS({"a", 1, "kl", "p"}), CONNS({"a", 1, "lkm", "P"}),
           "child m of connection a is new\npolicy p of connection a has changed\n");
    expect(CONNS({"a", 1, "klm"}), CONNS({"a", 1, "mK"}),
           "child k of connection a has changed\nchild l of connection a is not configured any more\n");
    expect(CONNS({"a", 1, "k"}, {"b", 1, "l"}), CONNS({"a", 2, "k"}, {"c", 1, "m"}),
           "connection a has changed\nconnection c is new\nconnection b is not configured any more\n");
}

static void a_connection_with_another_name_is_called_so(void **state)
{
    (void)state;
    expect(CONNS({"a", 1, "abc"}), CONNS({"b", 1, "bc"}),
           "connection a is called b now\nchild a of connection b is not configured any more\n");
    expect(CONNS({"b", 1, "bc"}), CONNS({"a", 1, "abc"}),
           "connection b is called a now\nchild a of connection a is new\n");
    expect(
        CONNS({"a", 1, "ab"}), CONNS({"a", 2, "a"}, {"b", 1, "b"}),
        "connection a has changed\nconnection a is called b now\nchild a of connection b is not configured "
        "any more\n");
    expect(CONNS({"a", 1, "k"}, {"b", 1, "k"}), CONNS({"b", 1, "k"}),
           "connection a is not configured any more\n");
}

static void what_there_is_no_place_for_is_counted(void **state)
{
    struct conn many[2] = {
        {"a", 1, NULL}
    };
    struct config_changes c;
    char letters[CONFIG_CHANGES_MAX + 50];
    (void)state;
    for (size_t i = 0; i < sizeof(letters) - 1; i++)
        letters[i] = (char)('a' + i % 26);
    letters[sizeof(letters) - 1] = 0;
    struct config *a = with(many);
    many[0].children = letters;
    struct config *b = with(many);
    config_changes(&c, a, b);
    assert_int_equal(c.n, CONFIG_CHANGES_MAX);
    assert_int_equal(c.n_more, 49);
    config_changes_free(&c);
    config_unref(a);
    config_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_connection_child_and_policy_that_differs_is_named),
        cmocka_unit_test(a_connection_with_another_name_is_called_so),
        cmocka_unit_test(what_there_is_no_place_for_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
