/* SPDX-License-Identifier: Apache-2.0 */
/* Accept rules in the chains of others, in a network namespace of the test's own; nft(8) says what is there.
 */
#include "base/log.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/fwrules.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uv_loop_t uv;
static struct fwrules *fw;
static char listed[65536];

static int enter(void **state)
{
    (void)state;
    assert_true(netns_enter());
    log_set_sink(NULL, NULL, LOG_ERR);
    assert_int_equal(uv_loop_init(&uv), 0);
    fw = fwrules_open(&uv, "kw0");
    assert_non_null(fw);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    fwrules_close(fw);
    uv_run(&uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&uv), 0);
    return 0;
}

static const char *list(const char *what)
{
    char command[128];
    snprintf(command, sizeof(command), "nft list %s 2>&1", what);
    FILE *f = popen(command, "r");
    size_t n = fread(listed, 1, sizeof(listed) - 1, f);
    listed[n] = '\0';
    pclose(f);
    return listed;
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

static struct ts ts_of(const char *text)
{
    struct ts t;
    const char *err;
    assert_true(ts_parse(text, &t, &err));
    return t;
}

static struct updown child(const char *local, const char *remote, uint32_t reqid, bool is_up)
{
    struct updown u = {.verb = is_up ? UPDOWN_UP : UPDOWN_DOWN,
                       .connection = "office",
                       .child = "net",
                       .reqid = reqid,
                       .opens_firewall = true,
                       .n_local_ts = 1,
                       .n_remote_ts = 1};
    assert_true(ip_parse("192.0.2.1", &u.local.ip) && ip_parse("192.0.2.2", &u.remote.ip));
    u.local_ts[0] = ts_of(local);
    u.remote_ts[0] = ts_of(remote);
    return u;
}

static void apply(const char *local, const char *remote, uint32_t reqid, bool is_up)
{
    struct updown u = child(local, remote, reqid, is_up);
    fwrules_apply(fw, &u);
}

#define FORWARD "add table inet g; add chain inet g f { type filter hook forward priority 0; policy drop; }; "

static void both_directions_are_accepted_before_all_else_and_no_longer_after_the_down(void **state)
{
    (void)state;
    netns_run("nft '" FORWARD "add rule inet g f counter drop'");
    apply("10.1.0.0/16", "10.2.0.0/24", 1, true);
    const char *text = list("chain inet g f");
    const char *in =
        strstr(text, "iifname \"kw0\" ip saddr 10.2.0.0/24 ip daddr 10.1.0.0/16 counter packets 0 "
                     "bytes 0 accept comment \"keyway: net\"");
    const char *out =
        strstr(text, "oifname \"kw0\" ip saddr 10.1.0.0/16 ip daddr 10.2.0.0/24 counter packets 0 "
                     "bytes 0 accept comment \"keyway: net\"");
    const char *drop = strstr(text, "bytes 0 drop");
    assert_true(in && out && drop && in < drop && out < drop);
    apply("10.1.0.0/16", "10.2.0.0/24", 1, false);
    assert_int_equal(count(list("ruleset"), "keyway"), 0);
    assert_int_equal(count(listed, "drop"), 2); /* what was there is there */
}

#define ALL_HOOKS                                                                                            \
    FORWARD "add chain inet g i { type filter hook input priority 0; }; "                                    \
            "add chain inet g o { type filter hook output priority 0; }"

static void the_kernel_s_packets_are_known_by_their_sa(void **state)
{
    (void)state;
    netns_run("nft '" ALL_HOOKS "'");
    struct updown u = child("10.1.0.0/16", "10.2.0.0/24", 7, true);
    u.plane = PLANE_KERNEL;
    u.has_hostaccess = true;
    fwrules_apply(fw, &u);
    const char *text = list("chain inet g f");
    assert_non_null(strstr(text,
                           "ipsec in reqid 7 ip saddr 10.2.0.0/24 ip daddr 10.1.0.0/16 counter packets 0 "
                           "bytes 0 accept comment \"keyway: net\""));
    assert_non_null(strstr(text, "ipsec out reqid 7 ip saddr 10.1.0.0/16 ip daddr 10.2.0.0/24 counter "));
    assert_int_equal(count(list("chain inet g i"), "ipsec in reqid 7 ip saddr 10.2.0.0/24 "), 1);
    assert_int_equal(count(list("chain inet g o"), "ipsec out reqid 7 ip saddr 10.1.0.0/16 "), 1);
    assert_int_equal(count(list("ruleset"), "kw0"), 0);
    u.verb = UPDOWN_DOWN;
    fwrules_apply(fw, &u);
    assert_int_equal(count(list("ruleset"), "keyway"), 0);
}

static void children_of_both_planes_stand_beside_each_other(void **state)
{
    (void)state;
    netns_run("nft '" FORWARD "'");
    struct updown u = child("10.1.0.0/16", "10.2.0.0/24", 7, true);
    apply("10.1.0.0/16", "10.3.0.0/24", 6, true);
    u.plane = PLANE_KERNEL;
    fwrules_apply(fw, &u);
    list("chain inet g f");
    assert_true(count(listed, "\"kw0\"") == 2 && count(listed, "reqid 7") == 2 &&
                count(listed, "keyway") == 4);
    netns_run("nft flush chain inet g f");
    fwrules_refresh(fw);
    list("chain inet g f");
    assert_true(count(listed, "\"kw0\"") == 2 && count(listed, "reqid 7") == 2 &&
                count(listed, "keyway") == 4);
}

static void where_sas_cannot_be_told_apart_any_of_the_kernel_s_will_do(void **state)
{
    (void)state;
    netns_run("nft '" ALL_HOOKS "'");
    assert_false(fwrules_forget_reqids(fw)); /* nobody to be changed, but for those that come */
    struct updown u = child("fd01::/64", "fd02::/64", 7, true);
    u.plane = PLANE_KERNEL;
    u.has_hostaccess = true;
    fwrules_apply(fw, &u);
    list("chain inet g f");
    assert_int_equal(count(listed, "meta secpath exists ip6 saddr fd02::/64 ip6 daddr fd01::/64 ") +
                         count(listed, "meta ipsec exists ip6 saddr fd02::/64 ip6 daddr fd01::/64 "),
                     1);
    assert_int_equal(count(listed, "rt ipsec exists ip6 saddr fd01::/64 "), 1);
    assert_int_equal(count(list("chain inet g o"), "rt ipsec exists "), 1);
}

static void only_chains_that_may_drop_are_opened(void **state)
{
    (void)state;
    netns_run("nft 'add table ip a; add chain ip a late { type filter hook forward priority 10; }; "
              "add chain ip a mangle { type filter hook forward priority -150; }; "
              "add chain ip a raw { type filter hook forward priority -300; policy drop; }; "
              "add chain ip a in { type filter hook input priority 0; }; "
              "add chain ip a nat { type nat hook postrouting priority 100; }; add chain ip a plain; "
              "add table ip6 b; add chain ip6 b f { type filter hook forward priority 0; }'");
    apply("10.1.0.0/16", "10.2.0.0/24", 1, true);
    assert_int_equal(count(list("chain ip a late"), "keyway"), 2);
    assert_int_equal(count(list("chain ip a raw"), "keyway"), 2);
    assert_int_equal(count(list("ruleset"), "keyway"), 4);
}

static void selectors_bound_what_is_accepted(void **state)
{
    (void)state;
    netns_run("nft '" FORWARD "add chain inet g i { type filter hook input priority 0; }; "
              "add chain inet g o { type filter hook output priority 0; }'");
    apply("192.0.2.1/32[tcp/443]", "10.2.0.0/24[tcp/1000-2000]", 1, true);
    apply("fd01::/64", "fd02::/48", 2, true);
    assert_non_null(strstr(list("chain inet g i"),
                           "ip saddr 10.2.0.0/24 ip daddr 192.0.2.1 tcp sport 1000-2000 tcp "
                           "dport 443 "));
    assert_int_equal(count(listed, "keyway"), 1);
    assert_int_equal(count(list("chain inet g o"), "tcp sport 443 tcp dport 1000-2000 "), 1);
    assert_int_equal(count(list("chain inet g f"), "keyway"), 2); /* the host is not forwarded */
    assert_non_null(strstr(listed, "iifname \"kw0\" ip6 saddr fd02::/48 ip6 daddr fd01::/64 "));
    apply("192.0.2.1/32[tcp/443]", "10.2.0.0/24[tcp/1000-2000]", 1, false);
    assert_int_equal(count(list("ruleset"), "keyway"), 2);
}

static void hostaccess_opens_the_gateway_itself(void **state)
{
    (void)state;
    netns_run(
        "nft 'add table inet g; add chain inet g i { type filter hook input priority 0; policy drop; }'");
    struct updown u = child("10.1.0.0/16", "10.2.0.0/24", 1, true);
    fwrules_apply(fw, &u);
    assert_int_equal(count(list("ruleset"), "keyway"), 0);
    u.has_hostaccess = true;
    fwrules_apply(fw, &u);
    assert_int_equal(count(list("chain inet g i"), "keyway"), 1);
    u.opens_firewall = false;
    u.reqid = 2;
    fwrules_apply(fw, &u);
    assert_int_equal(count(list("ruleset"), "keyway"), 1);
}

static void what_others_take_away_comes_back(void **state)
{
    (void)state;
    netns_run("nft '" FORWARD "'");
    apply("10.1.0.0/16", "10.2.0.0/24", 1, true);
    netns_run("nft 'flush chain inet g f; add rule inet g f counter'");
    assert_int_equal(count(list("ruleset"), "keyway"), 0);
    fwrules_refresh(fw);
    assert_int_equal(count(list("ruleset"), "keyway"), 2);
    fwrules_refresh(fw);
    assert_int_equal(count(list("ruleset"), "keyway"), 2);
    netns_run("nft 'flush ruleset; " FORWARD
              "add chain inet g another { type filter hook forward priority 5; }'");
    alarm(60);
    while (count(list("ruleset"), "keyway") < 4) /* by the kernel's word */
        uv_run(&uv, UV_RUN_ONCE);
    alarm(0);
    assert_int_equal(count(list("ruleset"), "keyway"), 4);
    apply("10.1.0.0/16", "10.2.0.0/24", 1, false);
    assert_int_equal(count(list("ruleset"), "keyway"), 0);
}

static void a_chain_that_is_gone_keeps_no_other_from_its_rules(void **state)
{
    (void)state;
    netns_run("nft '" FORWARD "add table ip h; add chain ip h f { type filter hook forward priority 0; }'");
    apply("10.1.0.0/16", "10.2.0.0/24", 1, true);
    netns_run("nft 'delete table ip h'");
    apply("10.1.0.0/16", "10.3.0.0/24", 2, true);
    assert_int_equal(count(list("chain inet g f"), "keyway"), 4);
    apply("10.1.0.0/16", "10.2.0.0/24", 1, false);
    assert_int_equal(count(list("chain inet g f"), "keyway"), 2);
}

static void what_a_killed_daemon_left_is_found_by_its_comment(void **state)
{
    struct diag d;
    (void)state;
    netns_run("nft '" FORWARD
              "add rule inet g f counter accept comment \"keyway: net\"; add rule inet g f counter "
              "accept comment \"keyways\"; add rule inet g f counter accept'");
    assert_int_equal(fwrules_cleanup(&d), 1);
    assert_int_equal(count(list("ruleset"), "accept"), 2);
    assert_int_equal(fwrules_cleanup(&d), 0);
}

static void a_script_s_own_rules_go_by_their_pair(void **state)
{
    struct diag d;
    (void)state;
    netns_run("nft '" FORWARD "'");
    struct updown a = child("10.1.0.0/16", "10.2.0.0/24", 1, true),
                  b = child("10.1.0.0/16", "10.3.0.0/24", 1, true);
    assert_true(fwrules_once("kw0", &a, &d) && fwrules_once("kw0", &b, &d));
    assert_int_equal(count(list("ruleset"), "keyway-updown"), 4);
    a.verb = UPDOWN_DOWN;
    assert_true(fwrules_once("kw0", &a, &d));
    assert_int_equal(count(list("ruleset"), "keyway-updown"), 2);
    assert_int_equal(count(listed, "10.3.0.0/24"), 4); /* and in the comments */
    assert_int_equal(fwrules_cleanup(&d), 2);
}

static void many_rules_go_in_several_batches(void **state)
{
    (void)state;
    netns_run("nft '" FORWARD "'");
    for (uint32_t i = 0; i < 20; i++) {
        struct updown u = child("10.1.0.0/16", "10.2.0.0/24", i + 1, true);
        u.n_remote_ts = 4;
        for (int k = 1; k < 4; k++)
            u.remote_ts[k] = ts_of(k == 1 ? "10.3.0.0/24" : k == 2 ? "10.4.0.0/24" : "10.5.0.0/24");
        fwrules_apply(fw, &u);
    }
    assert_int_equal(count(list("ruleset"), "keyway"), 160);
    netns_run("nft flush chain inet g f");
    fwrules_refresh(fw);
    assert_int_equal(count(list("ruleset"), "keyway"), 160);
    for (uint32_t i = 0; i < 20; i++)
        apply("10.1.0.0/16", "10.2.0.0/24", i + 1, false);
    assert_int_equal(count(list("ruleset"), "keyway"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_directions_are_accepted_before_all_else_and_no_longer_after_the_down),
        T(the_kernel_s_packets_are_known_by_their_sa),
        T(children_of_both_planes_stand_beside_each_other),
        T(where_sas_cannot_be_told_apart_any_of_the_kernel_s_will_do),
        T(only_chains_that_may_drop_are_opened),
        T(selectors_bound_what_is_accepted),
        T(hostaccess_opens_the_gateway_itself),
        T(what_others_take_away_comes_back),
        T(a_chain_that_is_gone_keeps_no_other_from_its_rules),
        T(what_a_killed_daemon_left_is_found_by_its_comment),
        T(a_script_s_own_rules_go_by_their_pair),
        T(many_rules_go_in_several_batches),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
