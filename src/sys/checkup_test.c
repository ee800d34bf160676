/* SPDX-License-Identifier: Apache-2.0 */
/* Machines made of a few files, and what is said of each. */
#include "support/test.h"
#include "sys/checkup.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64], etc[128];

static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(full, 0600);
}

/* One on which all is well, but that the daemon does not run. */
static int make_machine(void **state)
{
    (void)state;
    strcpy(root, "/tmp/keyway-checkup-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(etc, sizeof(etc), "%s/etc", root);
    put("/dev/net/tun", "");
    put("/etc/ipsec.secrets", "");
    put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
    put("/proc/sys/net/ipv4/ip_forward", "1\n");
    put("/proc/sys/net/ipv4/conf/eth0/rp_filter", "2\n");
    put("/proc/sys/net/ipv4/conf/eth0/send_redirects", "0\n");
    put("/proc/sys/net/ipv4/conf/eth0/accept_redirects", "0\n");
    put("/proc/net/udp", "  sl  local_address rem_address\n   1: 00000000:0035 00000000:0000 07\n");
    return 0;
}

static int remove_machine(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static struct checkup result;

static void look(bool is_running, int64_t now)
{
    const struct paths p = {.etc = etc};
    static const struct diag none = {.what = "unknown key 'foo'", .where = "/etc/ipsec.conf:3"};
    struct config *c = config_new(arena_new(1 << 16));
    const struct checkup_input in = {
        .root = root, .paths = &p, .is_running = is_running, .now = now, .config = c, .error = &none};
    checkup_run(&in, &result);
    config_unref(c);
}

static const struct checkup_item *item(const char *name)
{
    for (size_t i = 0; i < result.n; i++) {
        if (strcmp(result.v[i].name, name) == 0)
            return &result.v[i];
    }
    fail_msg("%s", name);
    return NULL;
}

#define TODAY INT64_C(1795000000)

static void a_machine_without_faults_has_none(void **state)
{
    (void)state;
    put("/proc/net/udp", "  1: 00000000:01F4 00000000:0000 07\n  2: 00000000:1194 00000000:0000 07\n");
    look(true, TODAY);
    for (size_t i = 0; i < result.n; i++) {
        if (result.v[i].verdict > CHECKUP_NOTE)
            fail_msg("%s: %s", result.v[i].name, result.v[i].what);
    }
}

static void each_fault_is_found_and_has_a_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text, *name;
        enum checkup_verdict verdict;
    } faults[] = {
        {"/proc/sys/net/ipv4/conf/eth0/rp_filter",        "1\n",                                               "rp_filter",        CHECKUP_WARNING},
        {"/proc/sys/net/ipv4/conf/eth0/send_redirects",   "1\n",                                               "send_redirects",   CHECKUP_WARNING},
        {"/proc/sys/net/ipv4/conf/eth0/accept_redirects", "1\n",                                               "accept_redirects", CHECKUP_WARNING},
        {"/proc/self/status",                             "CapEff:\t0000000000000000\n",                       "rights",           CHECKUP_NOTE   },
        {"/proc/net/udp",                                 "  9: 0100007F:01F4 0 07\n",                         "port_ike",         CHECKUP_FAILED },
        {"/proc/net/udp6",                                "  9: 00000000000000000000000000000000:1194 0 07\n", "port_natt",        CHECKUP_FAILED },
    };
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        put(faults[i].path, faults[i].text);
        look(false, TODAY);
        const struct checkup_item *at = item(faults[i].name);
        if (at->verdict != faults[i].verdict || !at->try[0])
            fail_msg("%s: %s: %s", at->name, checkup_verdict_name(at->verdict), at->what);
    }
}

static void a_port_that_is_not_held_by_who_should_is_a_fault(void **state)
{
    (void)state;
    look(true, TODAY);
    assert_int_equal(item("port_ike")->verdict, CHECKUP_FAILED);
    assert_int_equal(item("daemon")->verdict, CHECKUP_OK);
    look(false, TODAY);
    assert_int_equal(item("port_ike")->verdict, CHECKUP_OK);
    assert_int_equal(item("daemon")->verdict, CHECKUP_FAILED);
}

static void secrets_that_others_read_are_a_fault(void **state)
{
    char path[256];
    (void)state;
    look(false, TODAY);
    assert_int_equal(item("secrets")->verdict, CHECKUP_OK);
    put("/etc/swanctl/private/moon.pem", "x");
    snprintf(path, sizeof(path), "%s/swanctl/private/moon.pem", etc);
    chmod(path, 0640);
    look(false, TODAY);
    assert_int_equal(item("secrets")->verdict, CHECKUP_FAILED);
    assert_non_null(strstr(item("secrets")->try, path));
}

static void a_clock_that_cannot_be_right_is_a_fault(void **state)
{
    (void)state;
    look(false, 86400);
    assert_int_equal(item("clock")->verdict, CHECKUP_FAILED);
}

static void another_daemon_is_found_when_it_lives(void **state)
{
    (void)state;
    put("/run/charon.pid", "4711\n");
    look(false, TODAY);
    assert_int_equal(item("others")->verdict, CHECKUP_OK);
    put("/proc/4711/stat", "");
    look(false, TODAY);
    assert_int_equal(item("others")->verdict, CHECKUP_FAILED);
    assert_int_equal(checkup_worst(&result), CHECKUP_FAILED);
}

static void a_missing_device_is_a_fault(void **state)
{
    char path[256];
    (void)state;
    snprintf(path, sizeof(path), "%s/dev/net/tun", root);
    unlink(path);
    look(false, TODAY);
    assert_int_equal(item("tun")->verdict, CHECKUP_FAILED);
}

#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(a_machine_without_faults_has_none),
        ON_A_MACHINE(each_fault_is_found_and_has_a_remedy),
        ON_A_MACHINE(a_port_that_is_not_held_by_who_should_is_a_fault),
        ON_A_MACHINE(secrets_that_others_read_are_a_fault),
        ON_A_MACHINE(a_clock_that_cannot_be_right_is_a_fault),
        ON_A_MACHINE(another_daemon_is_found_when_it_lives),
        ON_A_MACHINE(a_missing_device_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
