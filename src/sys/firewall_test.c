/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules count as a firewall, in a network namespace of the test's own, with nft. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/firewall.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET_INFO 64 /* IPT_SO_GET_INFO */

static struct firewall *fw;
static char why[96];

static int enter(void **state)
{
    (void)state;
    assert_true(netns_enter());
    fw = firewall_open();
    return 0;
}

static int leave(void **state)
{
    (void)state;
    firewall_close(fw);
    return 0;
}

static bool is_there(void)
{
    return firewall_is_there(fw, why, sizeof(why));
}

static void a_chain_counts_from_its_first_to_its_last_moment(void **state)
{
    (void)state;
    assert_false(is_there());
    netns_run("nft 'add table inet f; add chain inet f in { type filter hook input priority 0; }'");
    assert_true(is_there());
    assert_string_equal(why, "a chain of nftables at the hook input");
    assert_true(is_there());
    netns_run("nft 'delete table inet f'");
    assert_false(is_there());
}

static void every_hook_of_local_packets_counts(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "nft 'add table ip f; add chain ip f c { type nat hook postrouting priority 100; }'",
        "nft 'add table ip6 f; add chain ip6 f c { type filter hook output priority 0; }'",
        "nft 'add table inet f; add chain inet f c { type filter hook prerouting priority -300; }'",
    };
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        netns_run(commands[i]);
        assert_true(is_there());
        netns_run("nft flush ruleset");
        assert_false(is_there());
    }
}

static void what_packet_sockets_do_not_pass_by_does_not_count(void **state)
{
    (void)state;
    netns_run("nft 'add table inet f; add chain inet f c { type filter hook forward priority 0; }; "
              "add chain inet f only_jumped_to; "
              "add table netdev n; add chain netdev n c { type filter hook ingress device lo priority 0; }'");
    assert_false(is_there());
}

static bool has_iptables;

/* The table appears when somebody asks about it, as iptables does first of all. */
static void a_table_of_iptables_counts(void **state)
{
    (void)state;
    char info[84] = "filter"; /* struct ipt_getinfo, whose header does not go with the others */
    socklen_t len = sizeof(info);
    int s = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    assert_true(s >= 0);
    has_iptables = getsockopt(s, IPPROTO_IP, GET_INFO, info, &len) == 0;
    close(s);
    if (!has_iptables) /* see main() */
        return;
    assert_true(is_there());
    assert_string_equal(why, "iptables' table filter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_chain_counts_from_its_first_to_its_last_moment, enter, leave),
        cmocka_unit_test_setup_teardown(every_hook_of_local_packets_counts, enter, leave),
        cmocka_unit_test_setup_teardown(what_packet_sockets_do_not_pass_by_does_not_count, enter, leave),
        cmocka_unit_test_setup_teardown(a_table_of_iptables_counts, enter, leave),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed || has_iptables ? failed : NETNS_SKIP; /* counted as not run, not as passed */
}
