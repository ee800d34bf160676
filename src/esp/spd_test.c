/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: order, actions, the flow cache, and a search by prefixes that agrees with a plain walk. */
#include "esp/spd.h"
#include "support/test.h"

static struct sad sad;
static struct spd spd;

static int setup(void **state)
{
    (void)state;
    sad_init(&sad, 1500, NULL);
    spd_init(&spd, &sad);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    spd_deinit(&spd);
    sad_deinit(&sad);
    return 0;
}

static struct ts ts(const char *text)
{
    struct ts t = {0};
    const char *err = NULL;
    if (!ts_parse(text, &t, &err))
        fail_msg("%s: %s", text, err);
    return t;
}

static bool add(uint64_t id, uint32_t priority, enum policy_action action, const char *local,
                const char *remote)
{
    struct esp_policy p = {.id = id,
                           .reqid = (uint32_t)id,
                           .priority = priority,
                           .action = action,
                           .local_ts = {ts(local)},
                           .remote_ts = {ts(remote)},
                           .n_local_ts = 1,
                           .n_remote_ts = 1};
    struct diag d = {0};
    bool ok = spd_add(&spd, &p, &d);
    assert_int_equal(ok, !diag_failed(&d));
    return ok;
}

static bool del(uint64_t id)
{
    struct diag d = {0};
    return spd_del(&spd, id, &d);
}

static struct packet udp(const char *src, const char *dst, uint16_t dport)
{
    struct packet p = {.proto = NH_UDP, .port_known = true, .sport = 1000, .dport = dport};
    assert_true(ip_parse(src, &p.src));
    assert_true(ip_parse(dst, &p.dst));
    p.family = p.src.family;
    return p;
}

/* The id of the deciding policy, 0 for none. */
static uint64_t decide(const char *src, const char *dst, uint16_t dport)
{
    struct packet p = udp(src, dst, dport);
    const struct policy *found = spd_lookup(&spd, &p, span_of("", 0));
    return found ? found->id : 0;
}

static void the_lowest_priority_decides_and_the_older_one_among_equals(void **state)
{
    (void)state;
    add(1, 500, POLICY_PROTECT, "10.1.0.0/16", "0.0.0.0/0");
    add(2, 100, POLICY_BYPASS, "10.1.0.0/16", "10.9.0.0/16");
    add(3, 100, POLICY_DISCARD, "10.1.0.0/16", "10.9.9.0/24");
    add(4, 50, POLICY_DISCARD, "0.0.0.0/0", "10.9.9.9[udp/53]");
    assert_int_equal(decide("10.1.0.5", "8.8.8.8", 7), 1);
    assert_int_equal(decide("10.1.0.5", "10.9.1.1", 7), 2);
    assert_int_equal(decide("10.1.0.5", "10.9.9.1", 7), 2);
    assert_int_equal(decide("10.1.0.5", "10.9.9.9", 53), 4);
    assert_int_equal(decide("10.1.0.5", "10.9.9.9", 54), 2);
    assert_int_equal(decide("10.2.0.5", "10.9.9.1", 7), 0);
    assert_int_equal(decide("2001:db8::1", "2001:db8::2", 7), 0);
}

static void a_change_of_policies_empties_the_flow_cache(void **state)
{
    (void)state;
    assert_int_equal(decide("10.1.0.5", "10.2.0.9", 7), 0);
    add(1, 500, POLICY_PROTECT, "10.1.0.0/16", "10.2.0.0/16");
    assert_int_equal(decide("10.1.0.5", "10.2.0.9", 7), 1);
    add(2, 100, POLICY_DISCARD, "10.1.0.0/16", "10.2.0.9");
    assert_int_equal(decide("10.1.0.5", "10.2.0.9", 7), 2);
    assert_true(del(2));
    assert_int_equal(decide("10.1.0.5", "10.2.0.9", 7), 1);
    assert_true(del(1));
    assert_int_equal(decide("10.1.0.5", "10.2.0.9", 7), 0);
    assert_false(del(1));
}

static void ranges_that_are_no_prefix_match_exactly(void **state)
{
    (void)state;
    add(1, 1, POLICY_PROTECT, "10.1.0.0/16", "10.2.0.3-10.2.0.21");
    assert_int_equal(decide("10.1.0.5", "10.2.0.2", 7), 0);
    assert_int_equal(decide("10.1.0.5", "10.2.0.3", 7), 1);
    assert_int_equal(decide("10.1.0.5", "10.2.0.16", 7), 1);
    assert_int_equal(decide("10.1.0.5", "10.2.0.21", 7), 1);
    assert_int_equal(decide("10.1.0.5", "10.2.0.22", 7), 0);
}

static void fragments_match_only_policies_for_any_or_opaque_ports(void **state)
{
    (void)state;
    add(1, 1, POLICY_PROTECT, "10.1.0.0/16", "10.2.0.0/16[udp/7]");
    struct packet p = udp("10.1.0.5", "10.2.0.9", 7);
    p.port_known = false;
    p.sport = p.dport = 0;
    assert_null(spd_lookup(&spd, &p, span_of("", 0)));
    add(2, 2, POLICY_PROTECT, "10.1.0.0/16", "10.2.0.0/16[udp/opaque]");
    assert_int_equal(spd_lookup(&spd, &p, span_of("", 0))->id, 2);
    assert_int_equal(decide("10.1.0.5", "10.2.0.9", 7), 1);
}

static void a_policy_is_refused_when_it_says_nothing_or_exists(void **state)
{
    (void)state;
    struct diag d = {0};
    assert_true(add(1, 1, POLICY_PROTECT, "10.1.0.0/16", "10.2.0.0/16"));
    assert_false(add(1, 2, POLICY_PROTECT, "10.1.0.0/16", "10.3.0.0/16"));
    assert_false(add(2, 2, POLICY_PROTECT, "10.1.0.0/16", "dynamic"));
    struct esp_policy none = {.id = 3};
    assert_false(spd_add(&spd, &none, &d));
    assert_int_equal(decide("10.1.0.5", "10.3.0.9", 7), 0);
}

static uint32_t roll(uint64_t *s)
{
    *s = *s * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*s >> 33);
}

static struct ts random_range(uint64_t *s)
{
    uint32_t from = roll(s) % 64, to = from + roll(s) % (64 - from);
    struct ts t = {.from = ip4(10, 0, 0, (uint8_t)from), .to = ip4(10, 0, 0, (uint8_t)to), .port_to = 65535};
    return t;
}

static void the_search_agrees_with_a_walk_over_all_policies(void **state)
{
    (void)state;
    enum { POLICIES = 40 };
    struct esp_policy all[POLICIES];
    uint64_t s = 99;
    for (size_t i = 0; i < POLICIES; i++) {
        struct diag d = {0};
        all[i] = (struct esp_policy){
            .id = i + 1,
            .priority = roll(&s) % 8,
            .action = POLICY_BYPASS,
            .local_ts = {random_range(&s) },
            .remote_ts = { random_range(&s), random_range(&s)},
            .n_local_ts = 1,
            .n_remote_ts = 2
        };
        assert_true(spd_add(&spd, &all[i], &d));
    }
    for (size_t i = 0; i < 4000; i++) {
        struct packet p = {.family = 4, .proto = NH_UDP, .port_known = true};
        p.src = ip4(10, 0, 0, (uint8_t)(roll(&s) % 64));
        p.dst = ip4(10, 0, 0, (uint8_t)(roll(&s) % 64));
        const struct esp_policy *want = NULL;
        for (size_t k = 0; k < POLICIES; k++) {
            struct selectors sel = {all[k].local_ts, all[k].remote_ts, 1, 2};
            if (selectors_match(&sel, &p, true) && (!want || all[k].priority < want->priority))
                want = &all[k];
        }
        const struct policy *got = spd_lookup(&spd, &p, span_of("", 0));
        assert_int_equal(got ? got->id : 0, want ? want->id : 0);
    }
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_lowest_priority_decides_and_the_older_one_among_equals),
        T(a_change_of_policies_empties_the_flow_cache),
        T(ranges_that_are_no_prefix_match_exactly),
        T(fragments_match_only_policies_for_any_or_opaque_ports),
        T(a_policy_is_refused_when_it_says_nothing_or_exists),
        T(the_search_agrees_with_a_walk_over_all_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
