/* SPDX-License-Identifier: Apache-2.0 */
/* Items over a base: whose word counts, what is hidden, and what a reload of the files leaves. */
#include "conf/overlay.h"
#include "conf/testing.h"
#include "support/test.h"
#include <stdio.h>

static struct config *part_of(enum conf_item_kind kind, const char *name, const char *key, const char *value)
{
    struct memory_source none = {0};
    struct conf_source src = memory_source(&none);
    struct config *around = config_new(arena_new(1 << 10));
    struct diag d[4];
    size_t n = 0;
    struct conf_item *t = conf_item_new(kind, span_str(name));
    assert_true(conf_item_value(t, span_str(key), span_str(value)));
    struct config *c = conf_item_build(t, &src, "/etc", around, d, ARRAY_LEN(d), &n);
    conf_item_free(t);
    config_unref(around);
    assert_non_null(c);
    return c;
}

static struct config *connection(const char *name, const char *local_port)
{
    return part_of(ITEM_CONNECTION, name, "local_port", local_port);
}

struct scene {
    struct overlay *o;
    struct config *base;
};

/* Files with the connections office and lab. */
static struct scene scene_new(void)
{
    struct config *parts[2] = {connection("office", "501"), connection("lab", "502")};
    struct scene s = {overlay_new(), config_merge(parts, 2, NULL)};
    config_unref(parts[0]);
    config_unref(parts[1]);
    return s;
}

static void scene_free(struct scene *s)
{
    overlay_free(s->o);
    config_unref(s->base);
}

/* "office:501 lab:502": names and ports of the whole. */
static void expect(const struct scene *s, const char *want)
{
    char got[512] = "";
    struct config *c = overlay_config(s->o, s->base);
    for (size_t i = 0, at = 0; i < c->n_connections; i++)
        at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s:%u", i ? " " : "", c->connections[i]->name,
                               c->connections[i]->local_port);
    assert_string_equal(got, want);
    config_unref(c);
}

static void an_item_takes_the_place_of_the_files(void **state)
{
    (void)state;
    struct scene s = scene_new();
    expect(&s, "office:501 lab:502");
    assert_true(overlay_put(s.o, ITEM_CONNECTION, "office", connection("office", "601")));
    assert_true(overlay_put(s.o, ITEM_CONNECTION, "home", connection("home", "602")));
    expect(&s, "office:601 lab:502 home:602");
    assert_true(overlay_put(s.o, ITEM_CONNECTION, "home", connection("home", "603")));
    expect(&s, "office:601 lab:502 home:603");
    scene_free(&s);
}

static void what_is_unloaded_is_gone_until_it_is_loaded_again(void **state)
{
    (void)state;
    struct scene s = scene_new();
    assert_true(overlay_remove(s.o, ITEM_CONNECTION, "lab", s.base));
    expect(&s, "office:501");
    assert_false(overlay_remove(s.o, ITEM_CONNECTION, "lab", s.base));
    assert_false(overlay_remove(s.o, ITEM_CONNECTION, "attic", s.base));
    assert_true(overlay_put(s.o, ITEM_CONNECTION, "lab", connection("lab", "602")));
    expect(&s, "office:501 lab:602");
    assert_true(overlay_remove(s.o, ITEM_CONNECTION, "lab", s.base)); /* not the file's instead */
    expect(&s, "office:501");
    assert_true(overlay_put(s.o, ITEM_CONNECTION, "home", connection("home", "603")));
    assert_true(overlay_remove(s.o, ITEM_CONNECTION, "home", s.base));
    assert_false(overlay_remove(s.o, ITEM_CONNECTION, "home", s.base));
    expect(&s, "office:501");
    scene_free(&s);
}

static void files_that_are_read_again_have_the_last_word(void **state)
{
    (void)state;
    struct scene s = scene_new();
    overlay_put(s.o, ITEM_CONNECTION, "office", connection("office", "601"));
    overlay_put(s.o, ITEM_CONNECTION, "home", connection("home", "602"));
    overlay_remove(s.o, ITEM_CONNECTION, "lab", s.base);
    overlay_rebase(s.o, s.base);
    expect(&s, "office:501 lab:502 home:602");
    scene_free(&s);
}

static void credentials_are_cleared_and_connections_stay(void **state)
{
    (void)state;
    struct scene s = scene_new();
    struct memory_source none = {0};
    struct conf_source src = memory_source(&none);
    struct diag d[4];
    size_t n = 0;
    struct conf_item *t = conf_item_new(ITEM_SHARED, span_str("x"));
    assert_true(conf_item_value(t, span_str("type"), span_str("IKE")));
    assert_true(conf_item_value(t, span_str("data"), span_str("a secret")));
    struct config *part = conf_item_build(t, &src, "/etc", s.base, d, ARRAY_LEN(d), &n);
    conf_item_free(t);
    overlay_put(s.o, ITEM_SHARED, "x", part);
    overlay_put(s.o, ITEM_CONNECTION, "x", connection("x", "601")); /* names are each kind's own */
    struct config *c = overlay_config(s.o, s.base);
    assert_int_equal(c->n_secrets, 1);
    config_unref(c);
    overlay_clear_credentials(s.o);
    c = overlay_config(s.o, s.base);
    assert_int_equal(c->n_secrets, 0);
    config_unref(c);
    expect(&s, "office:501 lab:502 x:601");
    scene_free(&s);
}

static void items_are_listed_by_kind_in_their_order(void **state)
{
    (void)state;
    struct scene s = scene_new();
    overlay_put(s.o, ITEM_CONNECTION, "b", connection("b", "601"));
    overlay_put(s.o, ITEM_POOL, "p", part_of(ITEM_POOL, "p", "addrs", "10.0.0.0/24"));
    overlay_put(s.o, ITEM_CONNECTION, "a", connection("a", "602"));
    overlay_remove(s.o, ITEM_CONNECTION, "lab", s.base); /* hidden: no item */
    const char *first = overlay_next(s.o, ITEM_CONNECTION, NULL);
    assert_string_equal(first, "b");
    const char *second = overlay_next(s.o, ITEM_CONNECTION, first);
    assert_string_equal(second, "a");
    assert_null(overlay_next(s.o, ITEM_CONNECTION, second));
    assert_string_equal(overlay_next(s.o, ITEM_POOL, NULL), "p");
    assert_null(overlay_next(s.o, ITEM_KEY, NULL));
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_takes_the_place_of_the_files),
        cmocka_unit_test(what_is_unloaded_is_gone_until_it_is_loaded_again),
        cmocka_unit_test(files_that_are_read_again_have_the_last_word),
        cmocka_unit_test(credentials_are_cleared_and_connections_stay),
        cmocka_unit_test(items_are_listed_by_kind_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
