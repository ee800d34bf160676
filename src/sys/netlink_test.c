/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a kernel that changes while it answers, in a network namespace of the test's own. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/address.h"
#include "sys/netlink.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#define MANY 600 /* addresses: more than one read gives */

static struct netlink nl;
static unsigned n_seen;

static int make_addresses(void **state)
{
    struct diag d;
    (void)state;
    assert_true(netns_enter());
    netns_run(
        "ip link set lo up; for i in $(seq 600); do echo addr add 10.7.$((i / 200)).$((i % 200))/32 dev "
        "lo; done | ip -batch -");
    assert_true(netlink_open(&nl, NETLINK_ROUTE, &d));
    return 0;
}

static int close_netlink(void **state)
{
    (void)state;
    netlink_close(&nl);
    return 0;
}

static int count_one(const struct nlmsghdr *h, void *ctx)
{
    (void)h, (void)ctx;
    n_seen++;
    return MNL_CB_OK;
}

/* Somebody takes an address away while the list is read. */
static int count_and_change(const struct nlmsghdr *h, void *ctx)
{
    struct diag d;
    if (!n_seen)
        assert_true(address_set((int)if_nametoindex("lo"), ip4(10, 7, 0, 1), false, &d));
    return count_one(h, ctx);
}

static int list_addresses(mnl_cb_t cb)
{
    char buf[64];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETADDR;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->ifa_family = AF_INET;
    n_seen = 0;
    return netlink_ask(&nl, h, cb, NULL);
}

static void a_list_that_changed_is_read_to_its_end_and_said_so(void **state)
{
    (void)state;
    assert_int_equal(list_addresses(count_one), 0);
    assert_in_range(n_seen, MANY, MANY + 1); /* and 127.0.0.1 */
    assert_int_equal(list_addresses(count_and_change), EINTR);
    assert_in_range(n_seen, MANY - 2, MANY + 1);
    assert_int_equal(list_addresses(count_one), 0); /* nothing of it is in the way of the next answer */
    assert_in_range(n_seen, MANY - 1, MANY);
}

static int give_up(const struct nlmsghdr *h, void *ctx)
{
    (void)h, (void)ctx;
    errno = ENOMEM;
    return MNL_CB_ERROR;
}

static int ask_for_loopback(void)
{
    char buf[64];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETLINK;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->ifi_index = (int)if_nametoindex("lo");
    n_seen = 0;
    return netlink_ask(&nl, h, count_one, NULL);
}

static void what_is_left_of_an_answer_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(list_addresses(give_up), ENOMEM);
    assert_int_equal(ask_for_loopback(), 0);
    assert_int_equal(n_seen, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_changed_is_read_to_its_end_and_said_so),
        cmocka_unit_test(what_is_left_of_an_answer_is_passed_over),
    };
    return cmocka_run_group_tests(tests, make_addresses, close_netlink);
}
