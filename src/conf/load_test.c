/* SPDX-License-Identifier: Apache-2.0 */
/* Whole configurations: which files and dialects count, how they are shown, and how their errors are. */
#include "base/text.h"
#include "base/time.h"
#include "conf/show.h"
#include "support/conf_fixture.h"
#include <jansson.h>

static void refused_secrets_are_not_printed(void **state)
{
    (void)state;
    char buf[2048];
    assert_null(load("/etc/swanctl/swanctl.conf", "secrets { eap-x { secret = hunter2\n } }"));
    assert_null(strstr(diag_format(&errors[0], buf, sizeof(buf)), "hunter2"));
    assert_null(load("/etc/keyway/keyway.conf", "tunnel t {\n peer = 192.0.2.1 psk = hunter2\n}"));
    for (size_t i = 0; i < n_errors; i++)
        assert_null(strstr(diag_format(&errors[i], buf, sizeof(buf)), "hunter2"));
}

static void every_error_of_a_file_is_told_and_nothing_is_loaded(void **state)
{
    (void)state;
    assert_null(
        load("/etc/swanctl/swanctl.conf", "connections {\n a { x = 1\n }\n b { vips = 1\n dscp = 2\n }\n}"));
    assert_int_equal(n_errors, 3);
    assert_string_equal(errors[2].where, "/etc/swanctl/swanctl.conf:5:9");
}

static void strongswan_conf_sets_what_it_can(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/strongswan.conf",      "charon {\n port = 1500\n port_nat_t = 14500\n retransmit_timeout = 2.5\n"
                                 " replay_window = 128\n threads = 16\n plugins { x { y = 1 } }\n}\n"
                                 "charon.keep_alive = 1m\nlibtls { a = b }\n"},
        {"/etc/swanctl/swanctl.conf", "connections { a { local { auth = psk\n } children { c { } } } }"      },
        {"/etc/keyway/keyway.conf",   "keyway {\n port = 600\n dataplane = user\n}\n"                        },
    };
    struct config *c = load_files(files, ARRAY_LEN(files), NULL);
    assert_non_null(c);
    assert_int_equal(c->settings.port, 600);
    assert_int_equal(c->settings.port_natt, 14500);
    assert_int_equal(c->settings.retransmit_timeout, 2500 * TIME_MS);
    assert_int_equal(c->settings.keep_alive, 60 * TIME_SECOND);
    assert_int_equal(c->settings.dataplane, DATAPLANE_USER);
    assert_int_equal(c->connections[0]->children[0].replay_window, 128);
    assert_string_equal(origin_of(&c->settings.origins, "port")->file, "/etc/keyway/keyway.conf");
    config_unref(c);
}

static void settings_alone_are_those_of_all_files_and_nothing_else(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/strongswan.conf",      "charon {\n port_nat_t = 14500\n}\n"                         },
        {"/etc/swanctl/swanctl.conf", "connections { a { no_such_key = 1\n } }"                    },
        {"/etc/keyway/keyway.conf",   "keyway {\n port = 600\n}\ntunnel t {\n no_such_key = 1\n}\n"},
    };
    struct memory_source m = {files, ARRAY_LEN(files)};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc", .is_of_settings = true};
    struct config *c = conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
    assert_non_null(c);
    assert_int_equal(c->settings.port, 600);
    assert_int_equal(c->settings.port_natt, 14500);
    assert_int_equal(c->n_connections, 0);
    config_unref(c);
}

/* Sections, or the same with dots; what the plugins' sections have beside that is without effect. */
static void plugins_of_strongswan_conf_that_ask_dns_are_ours(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/strongswan.conf",
         "charon {\n plugins {\n ipseckey {\n enable = yes\n load = yes\n }\n"
         " unbound {\n trust_anchors = /etc/a, /etc/b\n dlv_anchors = /etc/c\n }\n }\n}\n"
         "charon.plugins.unbound.resolv_conf = /etc/d\n"},
    };
    struct config *c = load_files(files, ARRAY_LEN(files), NULL);
    assert_non_null(c);
    assert_true(c->settings.asks_dns);
    assert_int_equal(c->settings.n_dns_trust_anchors, 2);
    assert_string_equal(c->settings.dns_trust_anchors[1], "/etc/b");
    assert_string_equal(c->settings.dns_resolv_conf, "/etc/d");
    const struct origin *o = origin_of(&c->settings.origins, "plugins.ipseckey.enable");
    assert_non_null(o);
    assert_int_equal(o->line, 4);
    config_unref(c);
}

static void load_says_which_dialects_count(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", "connections { s { local { auth = psk\n } } }"},
        {"/etc/keyway/keyway.conf",   "tunnel k {\n psk = x\n}"                     },
    };
    const struct {
        const char *what;
        size_t n;
    } cases[] = {
        {NULL,              2},
        {"none",            0},
        {"keyway",          1},
        {"swanctl",         1},
        {"keyway, swanctl", 2}
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config *c = load_files(files, 2, cases[i].what);
        assert_non_null(c);
        assert_int_equal(c->n_connections, cases[i].n);
        config_unref(c);
    }
    assert_null(load_files(files, 2, "l2tp"));
    assert_null(load_files(files, 2, "keywya"));
}

static void no_file_at_all_is_an_empty_configuration(void **state)
{
    (void)state;
    struct config *c = load_files(NULL, 0, NULL);
    assert_non_null(c);
    assert_int_equal(c->n_connections, 0);
    config_unref(c);
}

static void one_name_in_two_dialects_is_refused(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", "connections { x { local { auth = psk\n } } }"},
        {"/etc/keyway/keyway.conf",   "tunnel x {\n psk = y\n}"                     },
    };
    assert_null(load_files(files, 2, NULL));
    assert_non_null(strstr(errors[0].what, "there already"));
}

static void the_hash_changes_with_the_content_alone(void **state)
{
    (void)state;
    struct config *a = keyway(office);
    struct config *b = keyway("# moved\n\ntunnel office {\n remote = 10.20.0.0/24\n peer = 198.51.100.20\n"
                              " psk = another\n local = 10.10.0.0/24,10.11.0.0/24\n}\n");
    assert_true(a->connections[0]->hash == b->connections[0]->hash);
    struct config *c = keyway("tunnel office {\n remote = 10.20.0.0/24\n peer = 198.51.100.20\n"
                              " psk = another\n local = 10.10.0.0/24,10.11.0.0/25\n}\n");
    assert_true(a->connections[0]->hash != c->connections[0]->hash);
    config_unref(a);
    config_unref(b);
    config_unref(c);
}

/* ---- printing ---- */

static char printed[1 << 20];

static void collect(void *ctx, const char *text)
{
    text_str(ctx, text);
}

static void print(const struct config *c, const char *only, bool json)
{
    static struct text t;
    t = (struct text){.buf = printed, .cap = sizeof(printed)};
    printed[0] = 0;
    const struct conf_sink sink = {&t, collect};
    assert_true(conf_show(c, only, json, &sink));
}

static void showing_names_the_line_of_each_value_and_no_secret(void **state)
{
    (void)state;
    struct config *c = keyway(office);
    print(c, NULL, false);
    assert_non_null(strstr(printed, "connection office (keyway.conf)\n"));
    assert_non_null(strstr(printed, "remote_addrs      198.51.100.20  # /etc/keyway/keyway.conf:2\n"));
    assert_non_null(strstr(printed, "dpd_delay         10s  # default\n"));
    assert_non_null(strstr(printed, "psk               set  # /etc/keyway/keyway.conf:3\n"));
    assert_non_null(strstr(printed, "rekey_time        4h  # default\n"));
    assert_null(strstr(printed, "horse"));
    print(c, NULL, true);
    assert_null(strstr(printed, "horse"));
    assert_non_null(strstr(printed, "\"remote_addrs\": {\"value\": \"198.51.100.20\", \"origin\": "
                                    "\"/etc/keyway/keyway.conf:2\"}"));
    json_t *parsed = json_loads(printed, 0, NULL);
    assert_non_null(parsed);
    assert_int_equal(json_integer_value(json_object_get(parsed, "schema")), 1);
    json_decref(parsed);
    struct conf_sink sink = {.write = collect};
    assert_false(conf_show(c, "nobody", true, &sink));
    config_unref(c);
}

static void an_error_is_printed_with_its_line_and_a_caret(void **state)
{
    (void)state;
    static struct text t;
    t = (struct text){.buf = printed, .cap = sizeof(printed)};
    const struct conf_sink sink = {&t, collect};
    struct memory_file f = {"/etc/keyway/keyway.conf", "tunnel t {\n  psk = x\n  pear = 1.2.3.4\n}\n"};
    struct memory_source m = {&f, 1};
    const struct conf_source src = memory_source(&m);
    assert_null(load_files(&f, 1, NULL));
    conf_print_error(&errors[0], &src, &sink);
    assert_string_equal(printed,
                        "/etc/keyway/keyway.conf:3:3: unknown key 'pear'; expected a key of tunnel <name>\n"
                        "      pear = 1.2.3.4\n"
                        "      ^\n"
                        "    try: did you mean 'peer'?\n");
    f.text = "tunnel t {\n  psk = \"hunter2\n}\n";
    assert_null(load_files(&f, 1, NULL));
    t.len = 0;
    conf_print_error(&errors[0], &src, &sink);
    assert_null(strstr(printed, "hunter2"));
    assert_non_null(strstr(printed, "psk = (hidden)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_secrets_are_not_printed),
        cmocka_unit_test(every_error_of_a_file_is_told_and_nothing_is_loaded),
        cmocka_unit_test(strongswan_conf_sets_what_it_can),
        cmocka_unit_test(settings_alone_are_those_of_all_files_and_nothing_else),
        cmocka_unit_test(plugins_of_strongswan_conf_that_ask_dns_are_ours),
        cmocka_unit_test(load_says_which_dialects_count),
        cmocka_unit_test(no_file_at_all_is_an_empty_configuration),
        cmocka_unit_test(one_name_in_two_dialects_is_refused),
        cmocka_unit_test(the_hash_changes_with_the_content_alone),
        cmocka_unit_test(showing_names_the_line_of_each_value_and_no_secret),
        cmocka_unit_test(an_error_is_printed_with_its_line_and_a_caret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
