/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to IKE_AUTH is lost (RFC 7296 sections 2.1, 2.3), and the responder, which is up, begins
 * something in that IKE SA: the initiator hears by it that it has to ask again, and does so at once. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static struct {
    unsigned lost; /* so many answers to IKE_AUTH are */
    bool spoils;   /* what the responder begins is not authentic */
    unsigned asked;
    struct pair_packet begun; /* by the responder, the last one */
    unsigned n_begun;
} net;

static bool lose(void *ctx, struct pair_packet *k)
{
    bool is_response = rogue_is_response(k);
    (void)ctx;
    net.asked += k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !is_response;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && is_response && net.lost) {
        net.lost--;
        return false;
    }
    if (k->from != 1 || is_response)
        return true;
    k->bytes[k->len - 1] ^= net.spoils;
    net.begun = *k;
    net.n_begun++;
    return true;
}

/* The responder asks after dpd seconds whether the initiator lives. */
static void begin(unsigned lost, int64_t dpd)
{
    const struct pair_spec a = {0}, b = {.dpd_delay = dpd * TIME_SECOND};
    memset(&net, 0, sizeof(net));
    net.lost = lost;
    p.filter = lose;
    up(&a, &b);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 1);
}

static void expect_up(void)
{
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
}

static void what_the_responder_begins_has_the_initiator_ask_again(void **state)
{
    (void)state;
    begin(1, 1);
    pair_advance(&p, 2 * TIME_SECOND); /* by itself it would have waited for 4 s */
    expect_up();
    assert_int_equal(net.asked, 2);
    assert_true(pair_logged(&p, 0, "the peer has answered, and we have not heard it"));
}

/* What was begun meanwhile was not taken: it is repeated, and answered then. */
static void what_was_begun_is_answered_later(void **state)
{
    (void)state;
    begin(1, 1);
    pair_advance(&p, 60 * TIME_SECOND);
    expect_up();
    assert_true(net.n_begun > 1);
    assert_int_equal(pair_ikes(&p, 1), 1); /* it was not taken for dead */
}

static void each_repetition_has_it_ask_once_more(void **state)
{
    (void)state;
    begin(3, 1);
    pair_advance(&p, 3500 * TIME_MS);
    expect_up();
}

static void what_is_not_authentic_has_no_effect(void **state)
{
    (void)state;
    begin(1, 1);
    net.spoils = true;
    pair_advance(&p, 3500 * TIME_MS);
    assert_true(net.n_begun > 1);
    assert_int_equal(net.asked, 1);
}

static void inject(void)
{
    pair_input(&p, 0,
               &(struct input){
                   .kind = INPUT_DATAGRAM,
                   .datagram = {.local = net.begun.dst,
                                .remote = net.begun.src,
                                .is_natt = net.begun.is_natt,
                                .bytes = span_of(net.begun.bytes, net.begun.len)}
    });
}

/* Nor does its own schedule suffer. */
static void a_message_that_is_replayed_draws_two_a_second(void **state)
{
    (void)state;
    begin(100, 1);
    pair_advance(&p, 1100 * TIME_MS);
    assert_int_equal(net.asked, 2);
    for (int i = 0; i < 1000; i++) {
        inject();
        pair_run(&p);
        pair_advance(&p, 1 * TIME_MS);
    }
    assert_in_range(net.asked, 3, 5);
}

static unsigned attempts; /* of side 0 */

/* The first attempt gets as far as IKE_AUTH, which nobody answers. */
static bool lose_first_attempt(void *ctx, struct pair_packet *k)
{
    bool is_request = k->from == 0 && !rogue_is_response(k);
    (void)ctx;
    attempts += is_request && k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT;
    return !is_request || k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_AUTH || attempts > 1;
}

/* The peer's own IKE SA served for a while, and the peer took it down, as it does with one too many. */
static void an_attempt_that_fails_is_made_again_though_the_peers_came_up_meanwhile(void **state)
{
    (void)state;
    const struct pair_spec spec = {0};
    attempts = 0;
    p.filter = lose_first_attempt;
    load(&spec, &spec);
    pair_command(&p, 1, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    expect_up();
    assert_int_equal(attempts, 1);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 0);
    pair_advance(&p, 300 * TIME_SECOND);
    expect_up();
    assert_int_equal(attempts, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_the_responder_begins_has_the_initiator_ask_again),
        T(what_was_begun_is_answered_later),
        T(each_repetition_has_it_ask_once_more),
        T(what_is_not_authentic_has_no_effect),
        T(a_message_that_is_replayed_draws_two_a_second),
        cmocka_unit_test_setup_teardown(
            an_attempt_that_fails_is_made_again_though_the_peers_came_up_meanwhile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
