/* SPDX-License-Identifier: Apache-2.0 */
/* SAs of processors: how messages say it, and what becomes of a policy that asks for them while some wait. In
 * a network namespace of the test's own, whose kernel has policies; what it makes of the SAs is the lab's. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/xfrm_impl.h"
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
static struct xfrm *x;
static struct dataplane_event told[16];
static size_t n_told;

static struct cpu cpu(uint32_t n)
{
    return (struct cpu){.is_set = true, .number = n};
}

/* ---- messages */

static struct esp_sa sa_of(enum sa_direction dir)
{
    return (struct esp_sa){
        .plane = PLANE_KERNEL,
        .direction = dir,
        .spi = 0xc0000001,
        .reqid = 7,
        .mode = MODE_TUNNEL,
        .local = {.ip = ip4(10, 9, 0, 1), .port = 4500},
        .remote = {.ip = ip4(10, 9, 0, 2), .port = 1024},
        .has_encap = true,
        .encr = ENCR_AES_GCM_16,
        .key_bits = 128,
        .encr_key_len = 20
    };
}

static const struct nlattr *attribute(const struct nlmsghdr *h, size_t head, uint16_t type)
{
    const struct nlattr *a;
    mnl_attr_for_each(a, h, head)
    {
        if (mnl_attr_get_type(a) == type)
            return a;
    }
    return NULL;
}

static const struct nlattr *of_state(const struct esp_sa *sa, uint16_t type)
{
    static const struct xfrm_can can = {.cpu = true};
    struct diag d = {0};
    const struct xfrm_state_spec s = {.sa = sa, .can = &can};
    const struct nlmsghdr *h = xfrm_state_message(buf, &s, &d);
    assert_non_null(h);
    return attribute(h, sizeof(struct xfrm_usersa_info), type);
}

static void an_sa_says_its_processor(void **state)
{
    (void)state;
    struct esp_sa sa = sa_of(SA_OUT);
    assert_null(of_state(&sa, 35));
    sa.cpu = cpu(0); /* which is one, too */
    assert_int_equal(mnl_attr_get_u32(of_state(&sa, 35)), 0);
    sa.cpu = cpu(3);
    assert_int_equal(mnl_attr_get_u32(of_state(&sa, 35)), 3);
    struct xfrm_seen_state seen;
    assert_true(xfrm_state_parse((struct nlmsghdr *)buf, &seen));
    assert_true(seen.cpu.is_set && seen.cpu.number == 3);
}

static void a_kernel_that_would_forget_it_is_not_asked(void **state)
{
    (void)state;
    static const struct xfrm_can can = {.if_id = true};
    struct diag d = {0};
    struct esp_sa sa = sa_of(SA_OUT);
    sa.cpu = cpu(1);
    assert_null(xfrm_state_message(buf, &(struct xfrm_state_spec){.sa = &sa, .can = &can}, &d));
    assert_non_null(strstr(d.what, "Linux 6.13"));
}

static void ports_are_those_of_the_sa(void **state)
{
    (void)state;
    struct esp_sa out = sa_of(SA_OUT), in = sa_of(SA_IN);
    out.port = 50000;
    const struct xfrm_encap_tmpl *e = mnl_attr_get_payload(of_state(&out, XFRMA_ENCAP));
    assert_true(ntohs(e->encap_sport) == 50000 && ntohs(e->encap_dport) == 1024);
    in.has_any_port = true;
    e = mnl_attr_get_payload(of_state(&in, XFRMA_ENCAP));
    assert_true(ntohs(e->encap_sport) == 0 && ntohs(e->encap_dport) == 4500);
}

static struct xfrm_seen_acquire acquire(struct cpu of, uint32_t seq)
{
    return (struct xfrm_seen_acquire){
        .id = {.dst = ip4(10, 9, 0, 2), .proto = IPPROTO_ESP},
        .src = ip4(10, 9, 0, 1),
        .seq = seq,
        .reqid = 7,
        .cpu = of
    };
}

/* By its number and its processor: two may wait. */
static void a_state_that_waits_is_found_with_its_processor(void **state)
{
    (void)state;
    struct xfrm_seen_acquire w = acquire(cpu(2), 5);
    const struct nlattr *a = attribute(xfrm_larval_message(buf, &w), sizeof(struct xfrm_userspi_info), 35);
    assert_int_equal(mnl_attr_get_u32(a), 2);
    w.cpu.is_set = false;
    assert_null(attribute(xfrm_larval_message(buf, &w), sizeof(struct xfrm_userspi_info), 35));
}

static void a_question_says_its_processor(void **state)
{
    (void)state;
    struct xfrm_seen_acquire seen;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = XFRM_MSG_ACQUIRE;
    mnl_nlmsg_put_extra_header(h, sizeof(struct xfrm_user_acquire));
    assert_true(xfrm_acquire_parse(h, &seen));
    assert_false(seen.cpu.is_set);
    mnl_attr_put_u32(h, 35, 6);
    assert_true(xfrm_acquire_parse(h, &seen));
    assert_true(seen.cpu.is_set && seen.cpu.number == 6);
}

/* ---- a policy that asks */

static void on_event(void *ctx, const struct dataplane_event *e)
{
    (void)ctx;
    assert_true(n_told < ARRAY_LEN(told));
    told[n_told++] = *e;
}

static int begin(void **state)
{
    (void)state;
    struct diag d = {0};
    struct xfrm_options o = {.event = on_event};
    n_told = 0;
    x = xfrm_open_unprobed(&o, &d);
    assert_non_null(x);
    x->can.cpu = true;
    return 0;
}

static int end(void **state)
{
    (void)state;
    xfrm_close(x);
    netns_run("[ -z \"$(ip xfrm policy; ip xfrm state)\" ]");
    return 0;
}

static void add(uint64_t id, bool asks_per_cpu, bool is_trap)
{
    const char *err;
    struct esp_policy p = {.plane = PLANE_KERNEL,
                           .id = id,
                           .reqid = 7,
                           .is_trap = is_trap,
                           .asks_per_cpu = asks_per_cpu,
                           .n_local_ts = 1,
                           .n_remote_ts = 1,
                           .local = ip4(10, 9, 0, 1),
                           .remote = ip4(10, 9, 0, 2)};
    assert_true(ts_parse("10.1.0.0/16", &p.local_ts[0], &err));
    assert_true(ts_parse("10.2.0.0/16", &p.remote_ts[0], &err));
    xfrm_apply(x, &(struct action){.kind = ACTION_POLICY_ADD, .policy = &p}, 0);
}

static void del(uint64_t id)
{
    xfrm_apply(x, &(struct action){.kind = ACTION_POLICY_DEL, .id = id}, 0);
}

static void failed(uint64_t id)
{
    xfrm_apply(x, &(struct action){.kind = ACTION_TRAP_FAILED, .id = id}, 0);
}

static bool asks(void)
{
    netns_run("[ $(ip xfrm policy | grep -c 'dir out') = 1 ]");
    netns_run("! ip xfrm policy | grep -A1 'dir \\(in\\|fwd\\)' | grep -q flag");
    return system("ip xfrm policy | grep 'dir out' -A1 | grep -qE 'flag .*(4|cpu)'") == 0;
}

/* As the kernel would, for what leaves. */
static void sends(uint32_t number, uint32_t seq)
{
    struct xfrm_policy *p;
    list_each(p, &x->policy_list, link)
    {
        if (p->key.dir != XFRM_POLICY_OUT)
            continue;
        struct xfrm_seen_acquire a = acquire(cpu(number), seq);
        a.policy = p->key;
        xfrm_trap_acquire(x, &a);
        break;
    }
    xfrm_poll(x, 0);
}

static void one_that_waits_quiets_the_policy(void **state)
{
    (void)state;
    add(5, true, false);
    assert_true(asks());
    sends(1, 11);
    assert_int_equal(n_told, 1);
    assert_true(told[0].kind == DP_ACQUIRE && told[0].policy_id == 5);
    assert_true(told[0].cpu.is_set && told[0].cpu.number == 1);
    assert_false(asks());
    sends(0, 12); /* it was quicker than we */
    assert_int_equal(n_told, 2);
    assert_int_equal(told[1].cpu.number, 0);
    xfrm_cpu_over(x, 7, cpu(1));
    assert_false(asks());
    xfrm_cpu_over(x, 8, cpu(0)); /* another's */
    assert_false(asks());
    xfrm_cpu_over(x, 7, cpu(0));
    assert_true(asks());
    del(5);
}

static void after_a_failure_it_asks_again(void **state)
{
    (void)state;
    add(5, true, false);
    sends(1, 11);
    failed(5);
    assert_true(asks());
    sends(1, 12);
    assert_int_equal(n_told, 2);
    add(5, false, false); /* no more are wanted */
    assert_false(asks());
    add(5, true, false);
    assert_true(asks()); /* nobody is waited for any more */
    del(5);
}

/* A trap and its child have one policy of the kernel's: the child's record asks. */
static void the_child_asks_and_not_its_trap(void **state)
{
    (void)state;
    add(4, false, true);
    assert_false(asks());
    add(5, true, false);
    assert_true(asks());
    sends(3, 11);
    assert_int_equal(told[0].policy_id, 5);
    del(5);
    assert_false(asks());
    sends(3, 12); /* late */
    assert_int_equal(n_told, 1);
    del(4);
}

static void where_the_kernel_forgets_processors_nobody_asks(void **state)
{
    (void)state;
    x->can.cpu = false;
    add(5, true, false);
    assert_false(asks());
    struct planes p = {.n_cpus = 9};
    xfrm_lacks(x, &p);
    assert_true(p.lacks[FEATURE_CPU] && p.n_cpus == 0);
    x->can.cpu = true;
    xfrm_lacks(x, &p);
    assert_true(!p.lacks[FEATURE_CPU] && p.n_cpus > 0);
    x->can.cpu = false;
    del(5);
}

#define WITH(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sa_says_its_processor),
        cmocka_unit_test(a_kernel_that_would_forget_it_is_not_asked),
        cmocka_unit_test(ports_are_those_of_the_sa),
        cmocka_unit_test(a_state_that_waits_is_found_with_its_processor),
        cmocka_unit_test(a_question_says_its_processor),
        WITH(one_that_waits_quiets_the_policy),
        WITH(after_a_failure_it_asks_again),
        WITH(the_child_asks_and_not_its_trap),
        WITH(where_the_kernel_forgets_processors_nobody_asks),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
