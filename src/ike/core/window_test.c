/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"
#include "ike/core/window.h"
#include "model/connection.h"
#include "support/test.h"
#include <stdio.h>

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
    assert_int_equal(window_classify(&w, 0), WINDOW_NEW);
    assert_int_equal(window_classify(&w, 1), WINDOW_FUTURE);
    assert_int_equal(window_classify(&w, UINT32_MAX), WINDOW_FUTURE);
    window_accept(&w);
    assert_int_equal(window_classify(&w, 0), WINDOW_RETRANSMIT);
    assert_int_equal(window_replay(&w, 0).n, 0);
    window_answer(&w, &response);
    assert_int_equal(window_classify(&w, 0), WINDOW_RETRANSMIT);
    assert_int_equal(window_replay(&w, 0).n, 1);
    assert_span_equal(window_replay(&w, 0).v[0], span_str("response 0"));
    window_accept(&w);
    assert_int_equal(window_classify(&w, 0), WINDOW_OLD);
    assert_int_equal(window_classify(&w, 1), WINDOW_RETRANSMIT);
    assert_int_equal(window_replay(&w, 1).n, 0);
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
    assert_int_equal(window_replay(&w, 0).n, 2);
    assert_span_equal(window_replay(&w, 0).v[0], span_str("fragment one"));
    assert_span_equal(window_replay(&w, 0).v[1], span_str("fragment two"));
    window_deinit(&w);
}

static void answer_next(struct window *w)
{
    char text[16];
    struct span v;
    snprintf(text, sizeof(text), "response %u", w->next_in);
    window_accept(w);
    window_answer(w, &(struct datagrams){(v = span_str(text), &v), 1});
}

static void assert_kept(const struct window *w, uint32_t id)
{
    char text[16];
    snprintf(text, sizeof(text), "response %u", id);
    assert_int_equal(window_classify(w, id), WINDOW_RETRANSMIT);
    assert_int_equal(window_replay(w, id).n, 1);
    assert_span_equal(window_replay(w, id).v[0], span_str(text));
}

static void as_many_responses_are_kept_as_were_promised(void **state)
{
    (void)state;
    for (uint32_t before = 0; before < 4; before++) { /* promised after so many requests */
        struct window w = {0};
        for (uint32_t i = 0; i < before; i++)
            answer_next(&w);
        window_promise(&w, 3);
        for (uint32_t i = before; i < 10; i++) {
            assert_int_equal(window_classify(&w, i), WINDOW_NEW);
            assert_int_equal(window_classify(&w, i + 1), WINDOW_AHEAD);
            assert_int_equal(window_classify(&w, i + 2), WINDOW_AHEAD);
            assert_int_equal(window_classify(&w, i + 3), WINDOW_FUTURE);
            answer_next(&w);
            for (uint32_t k = 0; k < 3 && k <= i - (before ? before - 1 : 0); k++)
                assert_kept(&w, i - k);
            if (i >= 3)
                assert_int_equal(window_classify(&w, i - 3), WINDOW_OLD);
        }
        window_deinit(&w);
    }
}

static void a_promise_grows_and_never_shrinks(void **state)
{
    (void)state;
    struct window w = {0};
    window_promise(&w, 2);
    for (int i = 0; i < 5; i++)
        answer_next(&w);
    window_promise(&w, 5);
    assert_kept(&w, 3);
    assert_kept(&w, 4);
    for (int i = 0; i < 6; i++)
        answer_next(&w);
    window_promise(&w, 1);
    for (uint32_t id = 6; id < 11; id++)
        assert_kept(&w, id);
    window_promise(&w, 1000);
    assert_int_equal(w.size_in, WINDOW_MAX);
    assert_kept(&w, 6);
    window_deinit(&w);
}

static void a_response_was_heard_when_the_peer_went_on_beyond_the_window(void **state)
{
    (void)state;
    struct window w = {0};
    answer_next(&w);
    assert_false(window_was_heard(&w, 0));
    answer_next(&w);
    assert_true(window_was_heard(&w, 0));
    window_promise(&w, 3);
    assert_false(window_was_heard(&w, 0)); /* 1 and 2 may have been sent without it */
    answer_next(&w);
    answer_next(&w);
    assert_true(window_was_heard(&w, 0));
    window_deinit(&w);
}

static void requests_have_ids_of_their_own_and_wait_for_room(void **state)
{
    (void)state;
    struct window w = {0};
    struct outstanding a = {0}, b = {0};
    struct span v;
    struct datagrams request = message(&v, "request");
    assert_true(window_has_room(&w, 0));
    window_request(&w, &a, 0, &schedule, &request);
    assert_int_equal(a.id, 0);
    assert_true(a.is_pending);
    assert_int_equal(window_next_id(&w), 1);
    assert_false(window_has_room(&w, a.id));
    w.size_out = 2;
    assert_true(window_has_room(&w, a.id));
    window_request(&w, &b, 0, &schedule, &request);
    assert_int_equal(b.id, 1);
    assert_false(window_has_room(&w, a.id));
    outstanding_done(&b);
    assert_false(window_has_room(&w, a.id)); /* [RFC7296#2.3] up through X-N */
    outstanding_done(&a);
    assert_true(window_has_room(&w, window_next_id(&w)));
    window_deinit(&w);
}

static void a_request_is_repeated_bit_for_bit_on_schedule_and_then_given_up(void **state)
{
    (void)state;
    static const int64_t waits[] = {4000000, 7200000, 12960000, 23328000, 41990400, 75582720};
    struct window w = {0};
    struct outstanding o = {0};
    struct span v;
    struct datagrams request = message(&v, "request"), again;
    int64_t at = 1000, total = 0;
    window_request(&w, &o, at, &schedule, &request);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        assert_in_range(outstanding_deadline(&o), (uint64_t)(at + waits[i] - 10),
                        (uint64_t)(at + waits[i] + 10));
        at = outstanding_deadline(&o);
        total += waits[i];
        assert_int_equal(outstanding_tick(&o, at - 1, &schedule, &again), TICK_NOTHING);
        enum window_tick t = outstanding_tick(&o, at, &schedule, &again);
        assert_int_equal(t, i < 5 ? TICK_RESEND : TICK_GIVE_UP);
        if (t == TICK_RESEND)
            assert_span_equal(again.v[0], span_str("request"));
    }
    assert_true(outstanding_deadline(&o) == TIME_NEVER);
    assert_int_equal(outstanding_tick(&o, at + TIME_SECOND, &schedule, &again), TICK_NOTHING);
    assert_in_range(retransmit_total(&schedule), (uint64_t)(total - 10), (uint64_t)(total + 10));
    outstanding_done(&o);
    window_deinit(&w);
}

static void a_request_may_be_hurried_beside_its_schedule(void **state)
{
    (void)state;
    struct window w = {0};
    struct outstanding o = {0};
    struct span v;
    struct datagrams request = message(&v, "request"), again;
    assert_int_equal(outstanding_hurry(&o, TIME_SECOND, 0).n, 0);
    window_request(&w, &o, 0, &schedule, &request);
    assert_int_equal(outstanding_hurry(&o, TIME_SECOND - 1, TIME_SECOND).n, 0);
    again = outstanding_hurry(&o, TIME_SECOND, TIME_SECOND);
    assert_span_equal(again.v[0], span_str("request"));
    assert_int_equal(outstanding_hurry(&o, 2 * TIME_SECOND - 1, TIME_SECOND).n, 0);
    assert_true(outstanding_deadline(&o) == 4 * TIME_SECOND); /* as before */
    assert_int_equal(outstanding_tick(&o, 4 * TIME_SECOND, &schedule, &again), TICK_RESEND);
    assert_int_equal(outstanding_hurry(&o, 5 * TIME_SECOND - 1, TIME_SECOND).n, 0);
    outstanding_done(&o);
    assert_int_equal(outstanding_hurry(&o, 9 * TIME_SECOND, TIME_SECOND).n, 0);
    window_deinit(&w);
}

static void an_answered_request_has_no_deadline(void **state)
{
    (void)state;
    struct window w = {0};
    struct outstanding o = {0};
    struct span v;
    struct datagrams request = message(&v, "request"), again;
    assert_true(outstanding_deadline(&o) == TIME_NEVER);
    window_request(&w, &o, 0, &schedule, &request);
    outstanding_done(&o);
    assert_true(outstanding_deadline(&o) == TIME_NEVER);
    assert_int_equal(outstanding_tick(&o, INT64_MAX / 2, &schedule, &again), TICK_NOTHING);
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
    struct outstanding o = {0};
    struct span v;
    struct datagrams request = message(&v, "request");
    window_request(&w, &o, 0, &schedule, &request);
    outstanding_done(&o);
    window_request(&w, &o, 0, &schedule, &request);
    assert_int_equal(window_next_id(&w), 2);
    window_reset(&w);
    assert_int_equal(window_next_id(&w), 0);
    outstanding_done(&o);
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
    window_promise(&w, 3);
    answer_next(&w);
    answer_next(&w);
    window_sync(&w, 5, 3);
    for (uint32_t id = 0; id < 5; id++)
        assert_int_equal(window_replay(&w, id).n, 0);
    assert_int_equal(window_classify(&w, 4), WINDOW_RETRANSMIT); /* with nothing to say */
    assert_int_equal(window_classify(&w, 5), WINDOW_NEW);
    assert_int_equal(window_next_id(&w), 3);
    answer_next(&w);
    assert_kept(&w, 5);
    window_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_new_once_then_a_retransmission_then_old),
        cmocka_unit_test(the_kept_response_is_a_copy_with_all_its_fragments),
        cmocka_unit_test(as_many_responses_are_kept_as_were_promised),
        cmocka_unit_test(a_promise_grows_and_never_shrinks),
        cmocka_unit_test(a_response_was_heard_when_the_peer_went_on_beyond_the_window),
        cmocka_unit_test(requests_have_ids_of_their_own_and_wait_for_room),
        cmocka_unit_test(a_request_is_repeated_bit_for_bit_on_schedule_and_then_given_up),
        cmocka_unit_test(a_request_may_be_hurried_beside_its_schedule),
        cmocka_unit_test(an_answered_request_has_no_deadline),
        cmocka_unit_test(limit_and_jitter_bound_the_waits),
        cmocka_unit_test(absurd_settings_neither_flood_nor_overflow),
        cmocka_unit_test(a_reset_window_starts_again_at_zero),
        cmocka_unit_test(a_synchronised_window_goes_on_elsewhere_and_repeats_nothing),
        cmocka_unit_test(the_schedule_comes_from_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
