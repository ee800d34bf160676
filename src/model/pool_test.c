/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of virtual addresses: what is in them, who gets what, what happens when they are full or change. */
#include "base/arena.h"
#include "model/pool.h"
#include "support/heap.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

static struct arena *a;
static struct pools p;

static int setup(void **state)
{
    (void)state;
    a = arena_new(1u << 24);
    pools_init(&p);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pools_deinit(&p);
    arena_free(a);
    return 0;
}

static struct ip addr(const char *text)
{
    struct ip ip;
    if (!ip_parse(text, &ip))
        fail_msg("%s", text);
    return ip;
}

static struct ip_range range(const char *from, const char *to)
{
    return (struct ip_range){addr(from), addr(to)};
}

static struct identity who(const char *name)
{
    return (struct identity){.type = ID_FQDN, .data = span_str(arena_strdup(a, name))};
}

static void load(const char *name, struct ip_range r)
{
    struct ip_range *v = arena_alloc(a, sizeof(*v));
    *v = r;
    struct pool_config c = {.name = arena_strdup(a, name), .ranges = v, .n_ranges = 1};
    pools_load(&p, &c, 1);
}

static const char *const office[] = {"office"};

static struct lease_answer ask_wanted(const char *name, const char *wanted, bool replaces)
{
    struct identity id = who(name);
    struct lease_request r = {.pools = office, .n_pools = 1, .owner = &id, .family = 4, .replaces = replaces};
    if (wanted)
        r.wanted = addr(wanted);
    return pools_ask(&p, &r);
}

static struct lease_answer ask(const char *name)
{
    return ask_wanted(name, NULL, false);
}

static void assert_given(struct lease_answer got, const char *want)
{
    char text[IP_TEXT_MAX];
    assert_int_equal(got.status, LEASE_GIVEN);
    assert_string_equal(ip_format(got.ip, text), want);
}

static void assert_ranges(const struct ip_range *v, size_t n, const char *want)
{
    char got[512] = "", from[IP_TEXT_MAX], to[IP_TEXT_MAX];
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%s-%s", i ? " " : "",
                                ip_format(v[i].from, from), ip_format(v[i].to, to));
    assert_string_equal(got, want);
}

/* RFC 7619: whoever is nobody asks, it is not the one who was nobody before. */
static void nobody_takes_no_address_that_is_in_use(void **state)
{
    (void)state;
    struct identity nobody = {.type = ID_NULL};
    struct lease_request r = {.pools = office,
                              .n_pools = 1,
                              .owner = &nobody,
                              .family = 4,
                              .wanted = addr("10.0.0.1"),
                              .replaces = true};
    load("office", range("10.0.0.1", "10.0.0.2"));
    assert_given(pools_ask(&p, &r), "10.0.0.1");
    assert_given(pools_ask(&p, &r), "10.0.0.2");
    assert_int_equal(pools_ask(&p, &r).status, LEASE_FULL);
    pools_release(&p, addr("10.0.0.2"));
    assert_given(pools_ask(&p, &r), "10.0.0.2");
}

static void exclusions_cut_ranges(void **state)
{
    (void)state;
    const struct ip_range one[] = {range("10.0.0.1", "10.0.0.20")};
    const struct ip_range holes[] = {range("10.0.0.5", "10.0.0.6"), range("10.0.0.1", "10.0.0.1"),
                                     range("10.0.0.6", "10.0.0.9"), range("10.0.0.20", "10.0.0.30")};
    struct ip_range out[8];
    size_t n = pool_ranges(one, 1, holes, 4, out);
    assert_ranges(out, n, "10.0.0.2-10.0.0.4 10.0.0.10-10.0.0.19");
    assert_int_equal(pool_ranges_size(out, n), 13);
    const struct ip_range all[] = {range("10.0.0.0", "10.0.0.255")};
    assert_int_equal(pool_ranges(one, 1, all, 1, out), 0);
}

static void overlapping_ranges_count_once(void **state)
{
    (void)state;
    const struct ip_range two[] = {range("10.0.0.10", "10.0.0.30"), range("10.0.0.1", "10.0.0.15"),
                                   range("10.0.0.12", "10.0.0.13"), range("fd00::1", "fd00::2")};
    const struct ip_range hole[] = {range("10.0.0.14", "10.0.0.20")};
    struct ip_range out[8];
    size_t n = pool_ranges(two, 4, hole, 1, out);
    assert_ranges(out, n, "10.0.0.1-10.0.0.13 10.0.0.21-10.0.0.30 fd00::1-fd00::2");
}

static void ranges_reach_the_last_address_there_is(void **state)
{
    (void)state;
    const struct ip_range top[] = {range("255.255.255.250", "255.255.255.255")};
    const struct ip_range hole[] = {range("255.255.255.252", "255.255.255.255")};
    const struct ip_range huge[] = {range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")};
    struct ip_range out[4];
    assert_ranges(out, pool_ranges(top, 1, NULL, 0, out), "255.255.255.250-255.255.255.255");
    assert_ranges(out, pool_ranges(top, 1, hole, 1, out), "255.255.255.250-255.255.255.251");
    assert_int_equal(pool_ranges_size(out, pool_ranges(huge, 1, NULL, 0, out)), UINT64_MAX);
}

static void each_identity_gets_its_own_address(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.3"));
    assert_given(ask("alice"), "10.0.0.1");
    assert_given(ask("bob"), "10.0.0.2");
}

static void who_returns_gets_the_same_address(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.9"));
    assert_given(ask("alice"), "10.0.0.1");
    assert_given(ask("bob"), "10.0.0.2");
    pools_release(&p, addr("10.0.0.1"));
    pools_release(&p, addr("10.0.0.2"));
    assert_given(ask("carol"), "10.0.0.3");
    assert_given(ask("bob"), "10.0.0.2");
    assert_given(ask("ALICE"), "10.0.0.1"); /* the same name */
}

static void full_pools_refuse_and_say_how_full(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.2"));
    ask("alice");
    ask("bob");
    struct lease_answer full = ask("carol");
    assert_int_equal(full.status, LEASE_FULL);
    assert_string_equal(full.pool, "office");
    assert_int_equal(full.size, 2);
    assert_int_equal(full.online, 2);
    pools_release(&p, addr("10.0.0.1"));
    assert_given(ask("carol"), "10.0.0.1");
}

static void longest_away_loses_its_address_first(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.3"));
    ask("alice");
    ask("bob");
    ask("carol");
    pools_release(&p, addr("10.0.0.2"));
    pools_release(&p, addr("10.0.0.1"));
    assert_given(ask("dave"), "10.0.0.2");
    assert_given(ask("alice"), "10.0.0.1");
    assert_int_equal(ask("bob").status, LEASE_FULL);
}

static void two_devices_of_one_identity_get_two_addresses(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.9"));
    assert_given(ask("alice"), "10.0.0.1");
    assert_given(ask("alice"), "10.0.0.2");
    pools_release(&p, addr("10.0.0.2"));
    assert_given(ask("alice"), "10.0.0.2");
}

static void authenticating_again_keeps_the_address(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.9"));
    ask("alice");
    assert_given(ask_wanted("alice", "10.0.0.1", false), "10.0.0.1");
    pools_release(&p, addr("10.0.0.1")); /* the old IKE SA goes */
    assert_given(ask("alice"), "10.0.0.2");
    pools_release(&p, addr("10.0.0.1"));
    assert_given(ask("alice"), "10.0.0.1");
}

static void login_that_replaces_others_takes_their_address(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.9"));
    ask("alice");
    assert_given(ask_wanted("alice", NULL, true), "10.0.0.1");
    struct pool_view v;
    assert_true(pools_at(&p, 0, &v));
    assert_int_equal(v.online, 1);
}

static void addresses_of_others_cannot_be_asked_for(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.9"));
    ask("alice");
    ask("bob");
    pools_release(&p, addr("10.0.0.2"));
    assert_given(ask_wanted("mallory", "10.0.0.1", true), "10.0.0.3");
    assert_given(ask_wanted("trudy", "10.0.0.2", true), "10.0.0.4");
    assert_given(ask_wanted("eve", "10.0.0.200", true), "10.0.0.5");
    assert_given(ask_wanted("carol", "10.0.0.7", false), "10.0.0.7");
}

static void what_was_asked_for_by_name_is_not_given_again(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.3"));
    assert_given(ask_wanted("alice", "10.0.0.2", false), "10.0.0.2");
    assert_given(ask("bob"), "10.0.0.1");
    assert_given(ask("carol"), "10.0.0.3");
    assert_int_equal(ask("dave").status, LEASE_FULL);
}

static void one_request_for_two_addresses_gets_two(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.9"));
    struct identity id = who("alice");
    struct lease_request r = {.pools = office, .n_pools = 1, .owner = &id, .family = 4, .replaces = true};
    assert_given(pools_ask(&p, &r), "10.0.0.1");
    r.except[r.n_except++] = addr("10.0.0.1");
    assert_given(pools_ask(&p, &r), "10.0.0.2");
}

static void families_do_not_mix(void **state)
{
    (void)state;
    load("office", range("fd00::1", "fd00::9"));
    assert_int_equal(ask("alice").status, LEASE_NONE);
    struct identity id = who("alice");
    struct lease_request r = {.pools = office, .n_pools = 1, .owner = &id, .family = 6};
    assert_given(pools_ask(&p, &r), "fd00::1");
}

static void pools_are_asked_in_their_order(void **state)
{
    (void)state;
    const struct ip_range r1 = range("10.0.0.1", "10.0.0.1"), r2 = range("10.9.0.1", "10.9.0.9");
    const struct pool_config c[] = {
        {.name = "first",  .ranges = &r1, .n_ranges = 1},
        {.name = "second", .ranges = &r2, .n_ranges = 1}
    };
    const char *const names[] = {"first", "missing", "second"};
    struct identity alice = who("alice"), bob = who("bob");
    struct lease_request r = {.pools = names, .n_pools = 3, .owner = &alice, .family = 4};
    pools_load(&p, c, 2);
    assert_given(pools_ask(&p, &r), "10.0.0.1");
    r.owner = &bob;
    assert_given(pools_ask(&p, &r), "10.9.0.1");
    pools_release(&p, addr("10.0.0.1"));
    pools_release(&p, addr("10.9.0.1"));
    assert_given(pools_ask(&p, &r), "10.9.0.1"); /* what it had, though the first pool has room now */
}

static void overlapping_pools_lease_an_address_once(void **state)
{
    (void)state;
    const struct ip_range r1 = range("10.0.0.1", "10.0.0.2"), r2 = range("10.0.0.1", "10.0.0.3");
    const struct pool_config c[] = {
        {.name = "office", .ranges = &r1, .n_ranges = 1},
        {.name = "other",  .ranges = &r2, .n_ranges = 1}
    };
    const char *const other[] = {"other"};
    struct identity bob = who("bob");
    struct lease_request r = {.pools = other, .n_pools = 1, .owner = &bob, .family = 4};
    pools_load(&p, c, 2);
    assert_given(ask("alice"), "10.0.0.1");
    assert_given(pools_ask(&p, &r), "10.0.0.2");
    assert_int_equal(ask("carol").status, LEASE_FULL);
}

static void reload_keeps_leases_that_fit(void **state)
{
    (void)state;
    load("office", range("10.0.0.1", "10.0.0.9"));
    ask("alice");
    ask("bob");
    ask("carol");
    pools_release(&p, addr("10.0.0.3"));
    pools_release(&p, addr("10.0.0.1"));
    load("office", range("10.0.0.3", "10.0.0.20")); /* alice is away and outside, bob is here and outside */
    assert_given(ask("carol"), "10.0.0.3");
    assert_given(ask("alice"), "10.0.0.4");
    pools_release(&p, addr("10.0.0.2"));
    assert_given(ask("bob"), "10.0.0.5");
}

static void unloaded_pools_stay_until_the_last_address_is_back(void **state)
{
    (void)state;
    struct pool_view v;
    load("office", range("10.0.0.1", "10.0.0.9"));
    ask("alice");
    ask("bob");
    pools_release(&p, addr("10.0.0.2"));
    pools_load(&p, NULL, 0);
    assert_true(pools_at(&p, 0, &v));
    assert_false(v.is_loaded);
    assert_int_equal(v.online, 1);
    assert_int_equal(v.offline, 0);
    assert_int_equal(ask("carol").status, LEASE_NONE);
    pools_release(&p, addr("10.0.0.1"));
    assert_false(pools_at(&p, 0, &v));
}

static void hundred_thousand_addresses_cost_nothing_idle(void **state)
{
    (void)state;
    const struct ip_range r = range("10.0.0.0", "10.1.134.159");
    const struct pool_config c = {.name = "office", .ranges = &r, .n_ranges = 1};
    heap_watch();
    size_t before = heap_used();
    pools_load(&p, &c, 1);
    assert_true(heap_used() - before < 4096);
    struct pool_view v;
    assert_true(pools_at(&p, 0, &v));
    assert_int_equal(v.size, 100000);
}

static void hundred_thousand_identities_get_as_many_addresses(void **state)
{
    (void)state;
    char name[32];
    load("office", range("10.0.0.0", "10.1.134.159"));
    uint8_t *seen = mem_new(100000);
    struct ip first = addr("10.0.0.0");
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        struct identity id = {.type = ID_FQDN, .data = span_str(name)};
        struct lease_request r = {.pools = office, .n_pools = 1, .owner = &id, .family = 4};
        struct lease_answer got = pools_ask(&p, &r);
        uint64_t at = ip_distance(first, got.ip);
        if (got.status != LEASE_GIVEN || at >= 100000 || seen[at]++)
            fail_msg("lease %d", i);
    }
    free(seen);
    assert_int_equal(ask("one too many").status, LEASE_FULL);
}

static bool count(void *ctx, const struct lease_view *v)
{
    size_t *n = ctx;
    n[v->is_online]++;
    return true;
}

static void views_count_leases(void **state)
{
    (void)state;
    struct pool_view v;
    size_t n[2] = {0};
    load("office", range("10.0.0.1", "10.0.0.9"));
    ask("alice");
    ask("bob");
    pools_hold(&p, addr("10.0.0.1")); /* its IKE SA is being replaced */
    pools_release(&p, addr("10.0.0.1"));
    pools_release(&p, addr("10.0.0.2"));
    pools_release(&p, addr("10.0.0.2")); /* once too often: nothing happens */
    assert_true(pools_at(&p, 0, &v));
    assert_int_equal(v.online, 1);
    assert_int_equal(v.offline, 1);
    assert_true(ip_equal(v.base, addr("10.0.0.1")));
    pools_leases(&p, 0, count, n);
    assert_int_equal(n[true], 1);
    assert_int_equal(n[false], 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(exclusions_cut_ranges),
        T(nobody_takes_no_address_that_is_in_use),
        T(overlapping_ranges_count_once),
        T(ranges_reach_the_last_address_there_is),
        T(each_identity_gets_its_own_address),
        T(who_returns_gets_the_same_address),
        T(full_pools_refuse_and_say_how_full),
        T(longest_away_loses_its_address_first),
        T(two_devices_of_one_identity_get_two_addresses),
        T(authenticating_again_keeps_the_address),
        T(login_that_replaces_others_takes_their_address),
        T(addresses_of_others_cannot_be_asked_for),
        T(what_was_asked_for_by_name_is_not_given_again),
        T(one_request_for_two_addresses_gets_two),
        T(families_do_not_mix),
        T(pools_are_asked_in_their_order),
        T(overlapping_pools_lease_an_address_once),
        T(reload_keeps_leases_that_fit),
        T(unloaded_pools_stay_until_the_last_address_is_back),
        T(hundred_thousand_addresses_cost_nothing_idle),
        T(hundred_thousand_identities_get_as_many_addresses),
        T(views_count_leases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
