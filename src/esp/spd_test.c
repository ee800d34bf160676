/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: order, actions, the flow cache, and a search by prefixes that agrees with a plain walk. */
#include "esp/spd.h"
#include "support/test.h"
#include <stdio.h>

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

static void without_a_priority_the_narrower_decides(void **state)
{
    (void)state;
    add(1, 0, POLICY_PROTECT, "10.1.0.0/16", "0.0.0.0/0");
    add(2, 0, POLICY_PROTECT, "10.1.0.0/16", "10.9.0.0/16");
    add(3, 0, POLICY_BYPASS, "10.1.0.0/16", "10.9.0.0/16[udp/53]");
    add(4, 0, POLICY_BYPASS, "10.1.0.0/16", "10.9.0.0/16[udp/1-1024]");
    add(5, 0, POLICY_BYPASS, "10.1.0.0/16", "10.9.0.0/16[udp]");
    add(6, 0, POLICY_PROTECT, "10.1.2.0/24", "0.0.0.0/0");
    add(7, 0, POLICY_PROTECT, "10.1.0.0/16", "10.9.0.0/16");
    assert_int_equal(decide("10.1.0.5", "8.8.8.8", 7), 1);
    assert_int_equal(decide("10.1.2.5", "8.8.8.8", 7), 6);
    assert_int_equal(decide("10.1.0.5", "10.9.1.1", 53), 3);
    assert_int_equal(decide("10.1.0.5", "10.9.1.1", 54), 4);
    assert_int_equal(decide("10.1.0.5", "10.9.1.1", 2000), 5);
    add(8, SPD_BY_SIZE - 1, POLICY_PROTECT, "0.0.0.0/0", "0.0.0.0/0");
    assert_int_equal(decide("10.1.0.5", "10.9.1.1", 53), 8);
    assert_true(del(8));
    add(9, SPD_BY_SIZE + SELECTORS_WIDEST + 1, POLICY_PROTECT, "10.1.0.5", "10.9.1.1[udp/53]");
    assert_int_equal(decide("10.1.0.5", "10.9.1.1", 53), 3);
}

/* Of several selectors of one policy the one that the packet meets counts. */
static void the_size_is_that_of_the_selector_that_matches(void **state)
{
    (void)state;
    struct diag d = {0};
    struct esp_policy p = {.id = 1, .action = POLICY_BYPASS, .n_local_ts = 1, .n_remote_ts = 2};
    const char *err;
    assert_true(ts_parse("10.1.0.0/16", &p.local_ts[0], &err));
    assert_true(ts_parse("10.0.0.0/8", &p.remote_ts[0], &err));
    assert_true(ts_parse("192.168.1.0/24", &p.remote_ts[1], &err));
    assert_true(spd_add(&spd, &p, &d));
    add(2, 0, POLICY_BYPASS, "10.1.0.0/16", "192.168.0.0/16");
    add(3, 0, POLICY_BYPASS, "10.1.0.0/16", "10.9.0.0/16");
    assert_int_equal(decide("10.1.0.5", "192.168.1.1", 7), 1);
    assert_int_equal(decide("10.1.0.5", "192.168.2.1", 7), 2);
    assert_int_equal(decide("10.1.0.5", "10.9.0.1", 7), 3);
    assert_int_equal(decide("10.1.0.5", "10.8.0.1", 7), 1);
}

static void add_trap(uint64_t id, uint32_t reqid, uint32_t priority, const char *remote)
{
    struct diag d = {0};
    struct esp_policy p = {
        .id = id, .reqid = reqid, .priority = priority, .is_trap = true, .n_local_ts = 1, .n_remote_ts = 1};
    const char *err;
    assert_true(ts_parse("10.1.0.0/16", &p.local_ts[0], &err));
    assert_true(ts_parse(remote, &p.remote_ts[0], &err));
    assert_true(spd_add(&spd, &p, &d));
}

static void a_trap_yields_to_what_is_as_narrow_and_takes_what_is_wider(void **state)
{
    (void)state;
    add_trap(1, 9, 0, "10.2.0.0/16");
    add_trap(2, 9, 77, "10.3.0.0/16");
    add(3, 0, POLICY_PROTECT, "10.1.0.0/16", "10.2.0.0/16");
    add(4, 0, POLICY_PROTECT, "10.1.0.0/16", "10.2.7.0/24");
    add(5, 77, POLICY_PROTECT, "10.1.0.0/16", "10.3.0.0/16");
    add(6, 0, POLICY_PROTECT, "10.1.0.0/16", "10.0.0.0/8");
    assert_int_equal(decide("10.1.0.5", "10.2.0.1", 7), 3);
    assert_int_equal(decide("10.1.0.5", "10.2.7.1", 7), 4);
    assert_int_equal(decide("10.1.0.5", "10.3.7.1", 7), 5);
    assert_true(del(3));
    assert_int_equal(decide("10.1.0.5", "10.2.0.1", 7), 1);
    assert_int_equal(decide("10.1.0.5", "10.2.7.1", 7), 4);
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

/* One flow for all DSCPs as long as nothing depends on them, and again when nothing does any more. */
static void a_flow_is_of_one_dscp_only_while_there_are_classes(void **state)
{
    (void)state;
    struct esp_policy voice = {
        .id = 9, .reqid = 9, .dscp = UINT64_C(1) << 46, .n_local_ts = 1, .n_remote_ts = 1};
    struct packet p = udp("10.1.0.5", "10.2.0.9", 7);
    struct diag d = {0};
    voice.local_ts[0] = ts("10.1.0.0/16");
    voice.remote_ts[0] = ts("10.2.0.0/16");
    add(1, 0, POLICY_PROTECT, "10.1.0.0/16", "10.2.0.0/16");
    for (size_t round = 0; round < 3; round++) {
        bool has_class = round == 1;
        if (has_class)
            assert_true(spd_add(&spd, &voice, &d));
        p.tos = 46 << 2;
        assert_int_equal(spd_lookup(&spd, &p, span_of("", 0))->id, has_class ? 9 : 1);
        const struct flow *f = spd.last;
        p.tos = 46 << 2 | 3; /* ECN is none of it */
        assert_int_equal(spd_lookup(&spd, &p, span_of("", 0))->id, has_class ? 9 : 1);
        assert_ptr_equal(spd.last, f);
        p.tos = 0;
        assert_int_equal(spd_lookup(&spd, &p, span_of("", 0))->id, 1);
        assert_true((spd.last == f) == !has_class);
        assert_true(!has_class || del(9));
    }
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
            .priority = 1 + roll(&s) % 8,
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

static struct ts random_prefix(uint64_t *s, uint8_t family)
{
    struct prefix p = {.ip = {.family = family}, .bits = (uint8_t)(roll(s) % (family == 6 ? 129 : 33))};
    for (size_t i = 0; i < ip_len(p.ip); i++)
        p.ip.b[i] = (uint8_t)(roll(s) % 8 ? 0 : 1 << roll(s) % 8);
    p = prefix_of(p.ip, p.bits);
    return ts_from_prefix(&p);
}

static const struct esp_policy *walk(const struct esp_policy *all, size_t n, const struct packet *p)
{
    const struct esp_policy *want = NULL;
    for (size_t k = 0; k < n; k++) {
        struct selectors sel = {all[k].local_ts, all[k].remote_ts, all[k].n_local_ts, all[k].n_remote_ts};
        if (all[k].id && selectors_match(&sel, p, true) && (!want || all[k].priority < want->priority))
            want = &all[k];
    }
    return want;
}

/* More pairs of prefix lengths than the index keeps apart, coming and going. */
static void any_mixture_of_prefix_lengths_is_found_and_bounded(void **state)
{
    (void)state;
    enum { POLICIES = 400 };
    static struct esp_policy all[POLICIES];
    uint64_t s = 7;
    size_t found = 0;
    for (uint32_t i = 0; i < 3 * POLICIES; i++) {
        struct esp_policy *p = &all[roll(&s) % POLICIES];
        uint8_t family = roll(&s) % 2 ? 4 : 6;
        struct diag d = {0};
        if (p->id)
            assert_true(spd_del(&spd, p->id, &d));
        *p = (struct esp_policy){.id = 0};
        if (roll(&s) % 4) {
            *p = (struct esp_policy){.id = i + 1, .priority = 1 + i * 31 % 1201, .action = POLICY_BYPASS};
            p->n_local_ts = (uint8_t)(1 + roll(&s) % 2);
            p->n_remote_ts = (uint8_t)(1 + roll(&s) % 2);
            for (size_t k = 0; k < 2; k++) {
                p->local_ts[k] = random_prefix(&s, k && roll(&s) % 2 ? 10 - family : family);
                p->remote_ts[k] = random_prefix(&s, roll(&s) % 3 ? family : 10 - family);
            }
            assert_true(spd_add(&spd, p, &d));
        }
        for (size_t k = 0; k < 10; k++) {
            struct packet q = {.family = roll(&s) % 2 ? 4 : 6, .proto = NH_UDP, .port_known = true};
            q.src = random_prefix(&s, q.family).from;
            q.dst = random_prefix(&s, q.family).from;
            const struct esp_policy *want = walk(all, POLICIES, &q);
            const struct policy *got = spd_lookup(&spd, &q, span_of("", 0));
            assert_int_equal(got ? got->id : 0, want ? want->id : 0);
            found += want != NULL;
        }
    }
    assert_true(found > 1000);
    assert_true(spd.n_pairs4 > SPD_PAIRS && spd.n_pairs6 > SPD_PAIRS); /* or it tests nothing */
    assert_true(spd.n_pairs4 <= ARRAY_LEN(spd.pairs4) && spd.n_pairs6 <= ARRAY_LEN(spd.pairs6));
    for (size_t i = 0; i < POLICIES; i++)
        assert_true(!all[i].id || del(all[i].id));
    for (size_t i = 0; i < ARRAY_LEN(spd.pairs4); i++)
        assert_int_equal(spd.pairs4[i].entries, 0);
    for (size_t i = 0; i < ARRAY_LEN(spd.pairs6); i++)
        assert_int_equal(spd.pairs6[i].entries, 0);
}

/* Policies that one packet's lookup walks: entries with one hash. */
static size_t longest_walk(void)
{
    size_t longest = 0;
    for (size_t i = 0; i < spd.by_prefixes.size; i++) {
        for (struct map_node *n = spd.by_prefixes.buckets[i]; n; n = n->next) {
            size_t walk_len = 0;
            for (struct map_node *at = map_first(&spd.by_prefixes, n->hash); at; at = map_next(at))
                walk_len++;
            longest = walk_len > longest ? walk_len : longest;
        }
    }
    return longest;
}

static void many_policies_that_differ_on_one_side_are_not_walked(void **state)
{
    (void)state;
    enum { EACH = 3000 };
    char net[32], host[32];
    for (uint32_t i = 0; i < EACH; i++) {
        snprintf(net, sizeof(net), "10.%u.%u.0/24", i >> 8, i & 255);
        snprintf(host, sizeof(host), "172.16.%u.%u", i >> 8, i & 255);
        assert_true(add(3 * i + 1, 10, POLICY_BYPASS, "192.168.0.0/16", host)); /* road warriors */
        assert_true(add(3 * i + 2, 20, POLICY_BYPASS, net, "0.0.0.0/0"));       /* the Internet for sites */
        assert_true(add(3 * i + 3, 30, POLICY_BYPASS, "192.168.7.0/24", net));  /* sites */
    }
    assert_int_equal(longest_walk(), 1);
    assert_int_equal(spd.n_pairs4, 3);
    assert_int_equal(decide("192.168.3.3", "172.16.1.7", 7), 3 * 263 + 1);
    assert_int_equal(decide("10.2.9.1", "172.16.1.7", 7), 3 * 521 + 2);
    assert_int_equal(decide("192.168.7.1", "10.1.7.77", 7), 3 * 263 + 3);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_lowest_priority_decides_and_the_older_one_among_equals),
        T(without_a_priority_the_narrower_decides),
        T(the_size_is_that_of_the_selector_that_matches),
        T(a_trap_yields_to_what_is_as_narrow_and_takes_what_is_wider),
        T(a_change_of_policies_empties_the_flow_cache),
        T(ranges_that_are_no_prefix_match_exactly),
        T(a_flow_is_of_one_dscp_only_while_there_are_classes),
        T(fragments_match_only_policies_for_any_or_opaque_ports),
        T(a_policy_is_refused_when_it_says_nothing_or_exists),
        T(the_search_agrees_with_a_walk_over_all_policies),
        T(any_mixture_of_prefix_lengths_is_found_and_bounded),
        T(many_policies_that_differ_on_one_side_are_not_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
