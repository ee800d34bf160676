/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic classes in configurations: what children get, and which of them contradict each other. */
#include "base/time.h"
#include "conf/testing.h"
#include "model/connection.h"
#include "support/test.h"
#include <stdio.h>

static struct diag errors[8];
static size_t n_errors;

/* A connection with two children that differ in what is said. */
static struct config *load(const char *first, const char *second)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "connections { gw {\n"
             "  remote_addrs = 192.0.2.1\n"
             "  local { auth = psk }\n"
             "  remote { auth = psk\n id = moon }\n"
             "  children {\n"
             "    one { remote_ts = 10.2.0.0/16\n %s }\n"
             "    two { %s%s }\n"
             "  }\n"
             "} }\n"
             "secrets { ike { secret = x } }\n",
             first, strstr(second, "remote_ts") ? "" : "remote_ts = 10.2.0.0/16\n", second);
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", text}
    };
    struct memory_source m = {files, 1};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc"};
    memset(errors, 0, sizeof(errors));
    return conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
}

static void assert_refused(const char *first, const char *second, const char *part)
{
    char buf[2048];
    struct config *c = load(first, second);
    if (c)
        fail_msg("accepted: %s / %s", first, second);
    diag_format(&errors[0], buf, sizeof(buf));
    if (!strstr(buf, part))
        fail_msg("%s", buf);
}

static void children_with_the_same_selectors_may_have_classes(void **state)
{
    (void)state;
    struct config *c = load("dscp = ef, cs6", "");
    assert_non_null(c);
    const struct connection *conn = config_find(c, "gw");
    assert_true(connection_child(conn, "one")->dscp == (UINT64_C(1) << 46 | UINT64_C(1) << 48));
    assert_true(connection_child(conn, "two")->dscp == 0);
    uint64_t hash = conn->hash;
    config_unref(c);
    c = load("dscp = ef", "");
    assert_true(config_find(c, "gw")->hash != hash); /* a reload sees the difference */
    config_unref(c);
}

static void a_word_that_is_no_dscp_is_named(void **state)
{
    (void)state;
    assert_refused("dscp = ef, voice", "", "'voice' is no DSCP");
    assert_refused("dscp = 64", "", "'64' is no DSCP");
}

static void classes_that_cannot_be_told_apart_are_refused(void **state)
{
    (void)state;
    assert_refused("dscp = ef,cs6", "dscp = cs6,af41", "cs6 in 'one' and 'two'");
    assert_refused("dscp = ef\n reqid = 7", "reqid = 7", "the reqid of another child");
    assert_refused("dscp = ef\n priority = 7", "", "another priority");
    assert_refused("dscp = ef\n policies = no", "", "policies = yes");
}

static void children_with_other_selectors_have_nothing_to_do_with_it(void **state)
{
    (void)state;
    struct config *c = load("dscp = ef\n priority = 3", "dscp = ef\n remote_ts = 10.3.0.0/16");
    assert_non_null(c);
    config_unref(c);
    c = load("reqid = 7", "reqid = 7");
    assert_non_null(c);
    config_unref(c);
}

static struct config *load_tunnel(const char *classes)
{
    char text[512];
    snprintf(text, sizeof(text),
             "tunnel office {\n peer = 192.0.2.1\n psk = x\n remote = 10.2.0.0/16\n rekey = 30m\n"
             " classes = %s\n}\n",
             classes);
    const struct memory_file files[] = {
        {"/etc/keyway/keyway.conf", text}
    };
    struct memory_source m = {files, 1};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc"};
    memset(errors, 0, sizeof(errors));
    return conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
}

static void a_tunnel_with_classes_has_a_child_for_each(void **state)
{
    (void)state;
    struct config *c = load_tunnel("ef, cs6 | af41,42");
    assert_non_null(c);
    const struct connection *t = config_find(c, "office");
    assert_int_equal(t->n_children, 3);
    assert_string_equal(t->children[0].name, "office"); /* what is made first carries everything */
    assert_true(t->children[0].dscp == 0);
    assert_true(connection_child(t, "office-ef")->dscp == (UINT64_C(1) << 46 | UINT64_C(1) << 48));
    assert_true(connection_child(t, "office-af41")->dscp == (UINT64_C(1) << 34 | UINT64_C(1) << 42));
    for (size_t i = 1; i < 3; i++) {
        const struct child_config *k = &t->children[i];
        assert_true(child_config_is_alike(k, &t->children[0]));
        assert_int_equal(k->start_action, START_START);
        assert_int_equal(k->life.rekey_time, 30 * 60 * TIME_SECOND);
        assert_int_equal(k->replay_window, 1024);
    }
    config_unref(c);
}

static void classes_of_a_tunnel_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"ef | voice",   "'voice' is no DSCP"    },
        {"ef |",         "a class without a DSCP"},
        {"ef | af11,ef", "ef in 'office-ef'"     },
        {"ef | ef",      "ef is in two classes"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char buf[2048];
        assert_null(load_tunnel(rows[i][0]));
        diag_format(&errors[0], buf, sizeof(buf));
        if (!strstr(buf, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_with_the_same_selectors_may_have_classes),
        cmocka_unit_test(a_word_that_is_no_dscp_is_named),
        cmocka_unit_test(classes_that_cannot_be_told_apart_are_refused),
        cmocka_unit_test(children_with_other_selectors_have_nothing_to_do_with_it),
        cmocka_unit_test(a_tunnel_with_classes_has_a_child_for_each),
        cmocka_unit_test(classes_of_a_tunnel_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
