/* SPDX-License-Identifier: Apache-2.0 */
/* Path MTUs: what an unauthenticated ICMP error can and cannot do. */
#include "base/time.h"
#include "esp/pmtu.h"
#include "support/test.h"

static const int64_t start = 1000 * TIME_SECOND;

static void only_known_peers_and_only_reductions_count(void **state)
{
    (void)state;
    struct pmtu m;
    struct ip peer = ip4(192, 0, 2, 2);
    pmtu_init(&m, 1500);
    pmtu_learn(&m, peer, 1400, start); /* unknown: nothing is remembered */
    struct path *p = pmtu_path_ref(&m, peer);
    assert_int_equal(pmtu_current(&m, p, start), 1500);
    pmtu_learn(&m, peer, 1600, start);
    assert_int_equal(pmtu_current(&m, p, start), 1500);
    pmtu_learn(&m, peer, 1400, start);
    pmtu_learn(&m, peer, 1450, start);
    assert_int_equal(pmtu_current(&m, p, start), 1400);
    pmtu_learn(&m, peer, 1300, start);
    assert_int_equal(pmtu_current(&m, p, start), 1300);
    pmtu_path_unref(&m, p);
    pmtu_deinit(&m);
}

static void there_is_a_floor_for_each_family(void **state)
{
    (void)state;
    struct pmtu m;
    struct ip six;
    assert_true(ip_parse("2001:db8::1", &six));
    pmtu_init(&m, 1500);
    struct path *p4 = pmtu_path_ref(&m, ip4(192, 0, 2, 2)), *p6 = pmtu_path_ref(&m, six);
    pmtu_learn(&m, p4->peer, 0, start);
    pmtu_learn(&m, p6->peer, 0, start);
    assert_int_equal(pmtu_current(&m, p4, start), 576);
    assert_int_equal(pmtu_current(&m, p6, start), 1280);
    pmtu_path_unref(&m, p4);
    pmtu_path_unref(&m, p6);
    pmtu_deinit(&m);
}

static void what_was_learned_is_forgotten_after_ten_minutes(void **state)
{
    (void)state;
    struct pmtu m;
    pmtu_init(&m, 1500);
    struct path *p = pmtu_path_ref(&m, ip4(192, 0, 2, 2));
    pmtu_learn(&m, p->peer, 1400, start);
    assert_int_equal(pmtu_current(&m, p, start + 600 * TIME_SECOND), 1400);
    assert_int_equal(pmtu_current(&m, p, start + 601 * TIME_SECOND), 1500);
    pmtu_path_unref(&m, p);
    pmtu_deinit(&m);
}

static void sas_with_one_peer_share_its_path(void **state)
{
    (void)state;
    struct pmtu m;
    pmtu_init(&m, 1500);
    struct path *a = pmtu_path_ref(&m, ip4(192, 0, 2, 2)), *b = pmtu_path_ref(&m, ip4(192, 0, 2, 2));
    assert_ptr_equal(a, b);
    pmtu_path_unref(&m, a);
    assert_int_equal(m.paths.count, 1);
    pmtu_path_unref(&m, b);
    assert_int_equal(m.paths.count, 0);
    pmtu_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_known_peers_and_only_reductions_count),
        cmocka_unit_test(there_is_a_floor_for_each_family),
        cmocka_unit_test(what_was_learned_is_forgotten_after_ten_minutes),
        cmocka_unit_test(sas_with_one_peer_share_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
