/* SPDX-License-Identifier: Apache-2.0 */
/* What administrators are told of: alerts, and IKE SAs that have moved or are made anew. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

/* Of that side, of all kinds. */
static unsigned alerts(int side)
{
    unsigned n = 0;
    for (size_t i = 0; i < ALERTS; i++)
        n += p.side[side].alerts[i];
    return n;
}

/* The only ones of that side. */
static void expect(int side, enum alert what, unsigned n)
{
    assert_int_equal(p.side[side].alerts[what], n);
    assert_int_equal(alerts(side), n);
}

static void a_tunnel_that_comes_up_is_no_alert(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    up(&a, &b);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(alerts(0) + alerts(1), 0);
    assert_int_equal(p.side[0].moves + p.side[1].moves, 0);
}

static void who_is_not_who_it_should_be_is_told_at_both_ends(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {.psk = "other"};
    up(&a, &b);
    expect(0, ALERT_LOCAL_AUTH_FAILED, 1);
    expect(1, ALERT_PEER_AUTH_FAILED, 1);
}

static void nothing_in_common_is_told(void **state)
{
    (void)state;
    const struct pair_spec a = {.ike = {"aes256-sha256-x25519"}},
                           b = {.ike = {"aes128gcm16-prfsha384-ecp384"}};
    up(&a, &b);
    expect(1, ALERT_PROPOSAL_MISMATCH_IKE, 1);
    pair_advance(&p, 3 * TIME_SECOND); /* until the refusal is believed */
    expect(0, ALERT_PROPOSAL_MISMATCH_IKE, 1);
}

static void a_child_that_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct pair_spec a = {.esp = {"aes256gcm16"}}, b = {.esp = {"aes128-sha256"}};
    up(&a, &b);
    expect(0, ALERT_PROPOSAL_MISMATCH_CHILD, 1);
    expect(1, ALERT_PROPOSAL_MISMATCH_CHILD, 1);
}

static void selectors_that_do_not_fit_or_are_narrowed_are_told(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, other = {.local_ts = "10.9.0.0/16"}, part = {.local_ts = "10.2.7.0/24"};
    up(&a, &other);
    expect(0, ALERT_TS_MISMATCH, 1);
    expect(1, ALERT_TS_MISMATCH, 1);
    pair_deinit(&p);
    pair_init(&p);
    up(&a, &part);
    expect(0, ALERT_TS_NARROWED, 1);
    expect(1, ALERT_TS_NARROWED, 0); /* it has what it asked for */
}

static void a_peer_that_is_silent_is_told_step_by_step(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    p.is_cut = true;
    up(&a, &b);
    pair_advance(&p, 200 * TIME_SECOND);
    const unsigned *got = p.side[0].alerts;
    assert_int_equal(got[ALERT_RETRANSMIT_SEND], 5);
    assert_int_equal(got[ALERT_RETRANSMIT_SEND_TIMEOUT], 1);
    assert_int_equal(got[ALERT_PEER_INIT_UNREACHABLE], 1);
    assert_int_equal(alerts(0), 7);
}

static void an_answer_at_last_is_told(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    up(&a, &b);
    struct rogue_loss loss = {EXCHANGE_CREATE_CHILD_SA, true, true};
    p.filter = rogue_lose;
    p.ctx = &loss;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(p.side[0].alerts[ALERT_RETRANSMIT_SEND], 2);
    assert_int_equal(p.side[0].alerts[ALERT_RETRANSMIT_SEND_CLEARED], 1);
    expect(1, ALERT_RETRANSMIT_RECEIVE, 1);
}

static void datagram(const char *bytes)
{
    struct input in = {
        .kind = INPUT_DATAGRAM,
        .datagram = {.local = {p.side[1].ip, 500}, .remote = {p.side[0].ip, 500}, .bytes = hex(bytes)}
    };
    pair_input(&p, 1, &in);
}

static void strangers_cause_only_so_many(void **state)
{
    (void)state;
    const struct pair_spec b = {0};
    pair_load(&p, 1, &b);
    datagram("0102030405060708 0000000000000000 21202208 00000000 00000023 00000007010101");
    expect(1, ALERT_PARSE_ERROR_BODY, 1);
    p.side[1].alerts[ALERT_PARSE_ERROR_BODY] = 0;
    for (int i = 0; i < 200; i++)
        datagram("0102030405060708 0102030405060708 2e202508 00000005 00000038 0000001c1111111111111111"
                 "11111111111111111111111111111111");
    assert_int_equal(p.side[1].alerts[ALERT_INVALID_IKE_SPI], 49);
    pair_advance(&p, 2 * TIME_SECOND);
    datagram("0102030405060708 0102030405060708 2e202508 00000005 00000038 0000001c1111111111111111"
             "11111111111111111111111111111111");
    assert_int_equal(p.side[1].alerts[ALERT_INVALID_IKE_SPI], 50);
}

static void an_end_is_told(void **state)
{
    (void)state;
    struct input in = {.kind = INPUT_SHUTDOWN};
    pair_input(&p, 0, &in);
    expect(0, ALERT_SHUTDOWN_SIGNAL, 1);
}

static void reauthentication_on_request_makes_the_sa_anew(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    up(&a, &b);
    struct ike_view v = {0};
    engine_ike_next(p.side[0].e, &v);
    uint64_t was = v.id;
    pair_advance(&p, TIME_SECOND); /* else it is chance which of the two is the older one */
    struct input in = {
        .kind = INPUT_COMMAND,
        .command = {.kind = COMMAND_REKEY, .id = 99, .connection = "net", .reauthenticates = true}
    };
    pair_input(&p, 0, &in);
    pair_run(&p);
    pair_advance(&p, 20 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_rekeys, 0);
    assert_int_equal(p.side[0].ike_ups, 2);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    v = (struct ike_view){0};
    engine_ike_next(p.side[0].e, &v);
    assert_true(v.id != was);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done_id, 99);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tunnel_that_comes_up_is_no_alert),
        TEST(who_is_not_who_it_should_be_is_told_at_both_ends),
        TEST(nothing_in_common_is_told),
        TEST(a_child_that_does_not_fit_is_told),
        TEST(selectors_that_do_not_fit_or_are_narrowed_are_told),
        TEST(a_peer_that_is_silent_is_told_step_by_step),
        TEST(an_answer_at_last_is_told),
        TEST(strangers_cause_only_so_many),
        TEST(an_end_is_told),
        TEST(reauthentication_on_request_makes_the_sa_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
