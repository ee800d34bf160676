/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"
#include "ike/core/window.h"
#include "model/connection.h"
#include "support/test.h"

static const struct retransmit schedule = {.timeout = 4 * TIME_SECOND, .base = 1.8, .tries = 5};

static struct datagrams message(struct span *v, const char *text)
{
    *v = span_str(text);
    return (struct datagrams){v, 1};
}

static void a_request_is_new_once_then_a_retransmission_then_old(void **state)
{
    (void)state;
    struct window w = {0};
    struct span v;
    struct datagrams response = message(&v, "response 0");
    assert_int_equal(window_classify(&w, false, 0), WINDOW_NEW);
    assert_int_equal(window_classify(&w, false, 1), WINDOW_FUTURE);
    assert_int_equal(window_classify(&w, false, UINT32_MAX), WINDOW_FUTURE);
    window_accept(&w);
    assert_int_equal(window_classify(&w, false, 0), WINDOW_RETRANSMIT);
    assert_int_equal(window_replay(&w).n, 0);
    window_answer(&w, &response);
    assert_int_equal(window_classify(&w, false, 0), WINDOW_RETRANSMIT);
    assert_int_equal(window_replay(&w).n, 1);
    assert_span_equal(window_replay(&w).v[0], span_str("response 0"));
    window_accept(&w);
    assert_int_equal(window_classify(&w, false, 0), WINDOW_OLD);
    assert_int_equal(window_classify(&w, false, 1), WINDOW_RETRANSMIT);
    assert_int_equal(window_replay(&w).n, 0);
    window_deinit(&w);
}

static void the_kept_response_is_a_copy_with_all_its_fragments(void **state)
{
    (void)state;
    struct window w = {0};
    char one[] = "fragment one", two[] = "fragment two";
    struct span v[] = {span_str(one), span_str(two)};
    window_accept(&w);
    window_answer(&w, &(struct datagrams){v, 2});
    memset(one, 'x', sizeof(one) - 1);
    memset(two, 'x', sizeof(two) - 1);
    memset(v, 0, sizeof(v));
    assert_int_equal(window_replay(&w).n, 2);
    assert_span_equal(window_replay(&w).v[0], span_str("fragment one"));
    assert_span_equal(window_replay(&w).v[1], span_str("fragment two"));
    window_deinit(&w);
}

static void only_the_response_to_the_outstanding_request_is_new(void **state)
{
    (void)state;
    struct window w = {0};
    struct span v;
    struct datagrams request = message(&v, "request 0");
    assert_int_equal(window_classify(&w, true, 0), WINDOW_FUTURE);
    window_request(&w, 0, &schedule, &request);
    assert_int_equal(window_next_id(&w), 0);
    assert_int_equal(window_classify(&w, true, 0), WINDOW_NEW);
    assert_int_equal(window_classify(&w, true, 1), WINDOW_FUTURE);
    window_done(&w);
    assert_int_equal(window_classify(&w, true, 0), WINDOW_OLD);
    assert_int_equal(window_next_id(&w), 1);
    window_deinit(&w);
}

static void a_request_is_repeated_bit_for_bit_on_schedule_and_then_given_up(void **state)
{
    (void)state;
    static const int64_t waits[] = {4000000, 7200000, 12960000, 23328000, 41990400, 75582720};
    struct window w = {0};
    struct span v;
    struct datagrams request = message(&v, "request"), again;
    int64_t at = 1000, total = 0;
    window_request(&w, at, &schedule, &request);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        assert_in_range(window_deadline(&w), (uint64_t)(at + waits[i] - 10), (uint64_t)(at + waits[i] + 10));
        at = window_deadline(&w);
        total += waits[i];
        assert_int_equal(window_tick(&w, at - 1, &schedule, &again), TICK_NOTHING);
        enum window_tick t = window_tick(&w, at, &schedule, &again);
        assert_int_equal(t, i < 5 ? TICK_RESEND : TICK_GIVE_UP);
        if (t == TICK_RESEND)
            assert_span_equal(again.v[0], span_str("request"));
    }
    assert_true(window_deadline(&w) == TIME_NEVER);
    assert_int_equal(window_tick(&w, at + TIME_SECOND, &schedule, &again), TICK_NOTHING);
    assert_in_range(retransmit_total(&schedule), (uint64_t)(total - 10), (uint64_t)(total + 10));
    window_deinit(&w);
}

static void an_answered_request_has_no_deadline(void **state)
{
    (void)state;
    struct window w = {0};
    struct span v;
    struct datagrams request = message(&v, "request"), again;
    assert_true(window_deadline(&w) == TIME_NEVER);
    window_request(&w, 0, &schedule, &request);
    window_done(&w);
    assert_true(window_deadline(&w) == TIME_NEVER);
    assert_int_equal(window_tick(&w, INT64_MAX / 2, &schedule, &again), TICK_NOTHING);
    window_deinit(&w);
}

static void limit_and_jitter_bound_the_waits(void **state)
{
    (void)state;
    struct retransmit r = schedule;
    crypto_random_seed(1);
    r.limit = 10 * TIME_SECOND;
    assert_true(retransmit_wait(&r, 0) == 4 * TIME_SECOND);
    assert_true(retransmit_wait(&r, 4) == 10 * TIME_SECOND);
    r.jitter = 20;
    bool differs = false;
    for (int i = 0; i < 200; i++) {
        int64_t wait = retransmit_wait(&r, 0);
        assert_true(wait <= 4 * TIME_SECOND && wait >= 4 * TIME_SECOND * 80 / 100);
        differs = differs || wait != 4 * TIME_SECOND;
    }
    assert_true(differs);
}

static void absurd_settings_neither_flood_nor_overflow(void **state)
{
    (void)state;
    struct retransmit flood = {.timeout = 0, .base = 1.0, .tries = 3, .jitter = 100};
    assert_true(retransmit_wait(&flood, 0) > 0);
    struct retransmit huge = {.timeout = INT64_MAX, .base = 1e9, .tries = 100};
    assert_true(retransmit_wait(&huge, 50) > 0);
    assert_true(retransmit_total(&huge) > 0);
}

static void a_reset_window_starts_again_at_zero(void **state)
{
    (void)state;
    struct window w = {0};
    struct span v;
    struct datagrams request = message(&v, "request");
    window_request(&w, 0, &schedule, &request);
    window_done(&w);
    window_request(&w, 0, &schedule, &request);
    window_reset(&w);
    assert_int_equal(window_next_id(&w), 0);
    assert_false(w.is_pending);
    window_deinit(&w);
}

static void the_schedule_comes_from_the_settings(void **state)
{
    (void)state;
    const struct settings s = {.retransmit_timeout = 1,
                               .retransmit_base = 2.0,
                               .retransmit_tries = 3,
                               .retransmit_jitter = 4,
                               .retransmit_limit = 5};
    struct retransmit r = retransmit_from(&s);
    assert_true(r.timeout == 1 && r.base == 2.0 && r.tries == 3 && r.jitter == 4 && r.limit == 5);
}

static void a_synchronised_window_goes_on_elsewhere_and_repeats_nothing(void **state)
{
    (void)state;
    struct window w = {0};
    struct span v;
    struct datagrams d = message(&v, "message");
    window_accept(&w);
    window_answer(&w, &d);
    window_request(&w, 0, &schedule, &d);
    window_sync(&w, 1, 0); /* our ID stays: so does our request */
    assert_true(w.is_pending);
    assert_int_equal(window_replay(&w).n, 0);
    window_sync(&w, 5, 3);
    assert_int_equal(window_deadline(&w), TIME_NEVER);
    assert_int_equal(window_classify(&w, false, 4), WINDOW_RETRANSMIT); /* with nothing to say */
    assert_int_equal(window_replay(&w).n, 0);
    assert_int_equal(window_classify(&w, false, 5), WINDOW_NEW);
    assert_int_equal(window_next_id(&w), 3);
    assert_int_equal(window_classify(&w, true, 0), WINDOW_OLD); /* the answer comes after all */
    window_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_new_once_then_a_retransmission_then_old),
        cmocka_unit_test(the_kept_response_is_a_copy_with_all_its_fragments),
        cmocka_unit_test(only_the_response_to_the_outstanding_request_is_new),
        cmocka_unit_test(a_request_is_repeated_bit_for_bit_on_schedule_and_then_given_up),
        cmocka_unit_test(an_answered_request_has_no_deadline),
        cmocka_unit_test(limit_and_jitter_bound_the_waits),
        cmocka_unit_test(absurd_settings_neither_flood_nor_overflow),
        cmocka_unit_test(a_reset_window_starts_again_at_zero),
        cmocka_unit_test(a_synchronised_window_goes_on_elsewhere_and_repeats_nothing),
        cmocka_unit_test(the_schedule_comes_from_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
