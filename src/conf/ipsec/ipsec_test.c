/* SPDX-License-Identifier: Apache-2.0 */
/* What files of tests/conf/ipsec cannot show: connections that are added and deleted by name, which files are
 * read, bounds, how long many take, and that secrets stay secret. */
#include "base/log.h"
#include "base/text.h"
#include "conf/show.h"
#include "support/conf_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONF    "/etc/ipsec.conf"
#define SECRETS "/etc/ipsec.secrets"

static char logged[1 << 16];

static void note(void *ctx, const struct log_entry *e)
{
    size_t len = strlen(logged);
    (void)ctx;
    snprintf(logged + len, sizeof(logged) - len, "%s\n", e->text);
}

static int begin_log(void **state)
{
    (void)state;
    logged[0] = 0;
    log_set_sink(note, NULL, LOG_NOTICE);
    return 0;
}

static int end_log(void **state)
{
    (void)state;
    log_set_sink(NULL, NULL, LOG_ERR);
    return 0;
}

#define TWO_ENDS " left=192.0.2.1\n right=192.0.2.2\n authby=secret\n"

static const char three[] =
    "conn ignored\n" TWO_ENDS "conn waiting\n" TWO_ENDS " auto=add\nconn starting\n" TWO_ENDS " auto=start\n";

static struct config *load_with(const char *const *added, const char *const *deleted)
{
    const struct memory_file f = {CONF, three};
    struct memory_source m = {&f, 1};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc", .added = added, .deleted = deleted};
    struct config *c = conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
    assert_non_null(c);
    return c;
}

static void connections_are_added_and_deleted_by_name(void **state)
{
    (void)state;
    static const char *const added[] = {"ignored", "nobody", NULL}, *const deleted[] = {"starting", NULL},
                             *const both[] = {"ignored", NULL};
    struct config *c = load_with(NULL, NULL);
    assert_null(config_find(c, "ignored"));
    assert_non_null(config_find(c, "waiting"));
    assert_non_null(config_find(c, "starting"));
    config_unref(c);
    c = load_with(added, deleted);
    assert_non_null(config_find(c, "ignored"));
    assert_int_equal(config_find(c, "ignored")->children[0].start_action, START_NONE);
    assert_non_null(config_find(c, "waiting"));
    assert_null(config_find(c, "starting"));
    config_unref(c);
    c = load_with(both, both);
    assert_null(config_find(c, "ignored"));
    config_unref(c);
}

static size_t count(const struct memory_file *files, size_t n)
{
    struct config *c = load_files(files, n, NULL);
    assert_non_null(c);
    n = c->n_connections;
    config_unref(c);
    return n;
}

static void the_folder_is_read_when_ipsec_conf_says_nothing(void **state)
{
    (void)state;
    static const char in_folder[] = "conn folder\n" TWO_ENDS " auto=add\n";
    const struct {
        const char *conf;
        size_t n;
    } cases[] = {
        {"config setup\n",                                             1},
        {"",                                                           1},
        {"include ipsec.d/other.conf\n",                               0},
        {"include ipsec.d/*.conf\n",                                   1},
        {"conn main\n" TWO_ENDS " auto=add\n",                         1},
        {"conn main\n" TWO_ENDS " auto=add\ninclude ipsec.d/*.conf\n", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct memory_file files[] = {
            {CONF,                       cases[i].conf},
            {"/etc/ipsec.d/folder.conf", in_folder    },
        };
        assert_int_equal(count(files, 2), cases[i].n);
    }
    const struct memory_file alone = {"/etc/ipsec.d/folder.conf", in_folder};
    assert_int_equal(count(&alone, 1), 1);
    assert_non_null(strstr(logged, "since there is no ipsec.conf"));
    assert_non_null(strstr(logged, "neither an include nor a conn"));
}

static void secrets_are_never_logged(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {CONF,    "conn t\n" TWO_ENDS " auto=add\n"      },
        {SECRETS, "@a @b : PSK \"hunter2\"\n: PSK hunter3\n: PSK 0xhunter4\nhunter5\n@a : hunter6 x\n: RSA "
                  "hunter7.pem "
                  "hunter8\nuser : XAUTH \"hunter9\"\n: PIN card hunter10\n@a : PSK \"hunter11\n@a : PPKS "
                  "\"x\" \"hunter12\"\n"},
    };
    struct config *c = load_files(files, 2, NULL);
    char buf[2048];
    if (!c)
        fail_msg("%s", diag_format(&errors[0], buf, sizeof(buf)));
    assert_int_equal(c->n_secrets, 2);
    for (const char *p = logged; (p = strstr(p, "hunter")); p++) {
        /* a file's name is no secret, nor is a word where a kind is expected */
        if (strncmp(p, "hunter7.pem", 11) != 0)
            fail_msg("%s", logged);
    }
    config_unref(c);
}

static void collect(void *ctx, const char *text)
{
    text_str(ctx, text);
}

static void secrets_that_others_can_read_are_refused_and_not_printed(void **state)
{
    (void)state;
    static char printed[1024];
    struct text t = TEXT_ON(printed);
    const struct conf_sink sink = {&t, collect};
    const struct memory_file files[] = {
        {.path = CONF,               .text = "conn t\n" TWO_ENDS " auto=add\n"},
        { .path = SECRETS, .text = ": PSK hunter2\n",                           .is_open = true}
    };
    struct memory_source m = {files, 2};
    const struct conf_source src = memory_source(&m);
    assert_null(load_files(files, 2, NULL));
    assert_non_null(strstr(errors[0].try, "chmod"));
    conf_print_error(&errors[0], &src, &sink);
    assert_non_null(strstr(printed, "ipsec.secrets"));
    assert_null(strstr(printed, "hunter2"));
}

static void a_file_that_includes_itself_is_refused(void **state)
{
    (void)state;
    assert_refused(CONF, "include /etc/ipsec.conf\n", "/etc/ipsec.conf:1:9", "includes itself");
}

static void secrets_that_include_one_another_end(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {CONF,    "conn t\n" TWO_ENDS " auto=add\n"                       },
        {SECRETS, "include /etc/ipsec.secrets\ninclude ipsec.*\n: PSK x\n"},
    };
    struct config *c = load_files(files, 2, NULL);
    if (c)
        config_unref(c);
}

/* Chains of also= that fork at each step, and sections of one name, are walked once each. */
static void forks_of_also_take_no_time(void **state)
{
    (void)state;
    size_t cap = 1 << 16;
    struct text t = {.buf = calloc(1, cap), .cap = cap};
    for (int i = 0; i < 25; i++)
        text_printf(&t, "conn c%d\n also=c%d\n alsoflip=c%d\n", i, i + 1, i + 1);
    text_str(&t, "conn c25\n" TWO_ENDS " auto=add\n");
    for (int i = 0; i < 200; i++)
        text_str(&t, "conn same\n also=c0\n");
    clock_t before = clock();
    struct config *c = good(CONF, t.buf);
    assert_true(clock() - before < 5 * CLOCKS_PER_SEC);
    assert_int_equal(c->n_connections, 27);
    config_unref(c);
    free(t.buf);
}

static void two_thousand_connections_load_at_once(void **state)
{
    (void)state;
    size_t cap = 1 << 20;
    struct text t = {.buf = calloc(1, cap), .cap = cap};
    text_str(&t, "conn %default\n left=192.0.2.1\n authby=secret\n auto=add\n ikelifetime=2h\n");
    for (int i = 0; i < 2000; i++)
        text_printf(&t, "conn c%d\n right=10.%d.%d.1\n rightsubnet=10.%d.%d.0/24\n esp=aes256-sha2\n", i,
                    i / 250, i % 250, i / 250, i % 250);
    clock_t before = clock();
    struct config *c = good(CONF, t.buf);
    print_message("%.2f s\n", (double)(clock() - before) / CLOCKS_PER_SEC);
    assert_true(clock() - before < 10 * CLOCKS_PER_SEC); /* under sanitizers; a second without */
    assert_int_equal(c->n_connections, 2000);
    config_unref(c);
    free(t.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_added_and_deleted_by_name),
        cmocka_unit_test_setup_teardown(the_folder_is_read_when_ipsec_conf_says_nothing, begin_log, end_log),
        cmocka_unit_test_setup_teardown(secrets_are_never_logged, begin_log, end_log),
        cmocka_unit_test(secrets_that_others_can_read_are_refused_and_not_printed),
        cmocka_unit_test(a_file_that_includes_itself_is_refused),
        cmocka_unit_test(secrets_that_include_one_another_end),
        cmocka_unit_test(forks_of_also_take_no_time),
        cmocka_unit_test(two_thousand_connections_load_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
