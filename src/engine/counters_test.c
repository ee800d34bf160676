/* SPDX-License-Identifier: Apache-2.0 */
/* Messages are counted once, where they belong: in all, and for the connection when the peer is known. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static uint64_t counted(int side, const char *connection, enum ike_counter what)
{
    const struct ike_counters *c = engine_counters(p.side[side].e, connection);
    assert_non_null(c);
    return c->v[what];
}

enum { IN_REQ, IN_RESP, OUT_REQ, OUT_RESP };

static void expect(int side, const char *connection, int exchange, unsigned in_req, unsigned in_resp,
                   unsigned out_req, unsigned out_resp)
{
    assert_int_equal(counted(side, connection, (enum ike_counter)(exchange + IN_REQ)), in_req);
    assert_int_equal(counted(side, connection, (enum ike_counter)(exchange + IN_RESP)), in_resp);
    assert_int_equal(counted(side, connection, (enum ike_counter)(exchange + OUT_REQ)), out_req);
    assert_int_equal(counted(side, connection, (enum ike_counter)(exchange + OUT_RESP)), out_resp);
}

static void begin(void)
{
    const struct pair_spec a = {0}, b = {0};
    assert_null(engine_counters(p.side[0].e, "net"));
    up(&a, &b);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void the_initiator_counts_for_its_connection_from_the_first_message_on(void **state)
{
    (void)state;
    begin();
    static const char *const names[] = {NULL, "net"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        expect(0, names[i], COUNT_IKE_INIT, 0, 1, 1, 0);
        expect(0, names[i], COUNT_IKE_AUTH, 0, 1, 1, 0);
        expect(0, names[i], COUNT_INFO, 0, 0, 0, 0);
    }
    assert_null(engine_counters(p.side[0].e, "other"));
}

static void the_responder_counts_for_a_connection_once_it_knows_who_asks(void **state)
{
    (void)state;
    begin();
    expect(1, NULL, COUNT_IKE_INIT, 1, 0, 0, 1);
    expect(1, NULL, COUNT_IKE_AUTH, 1, 0, 0, 1);
    expect(1, "net", COUNT_IKE_INIT, 0, 0, 0, 0);
    expect(1, "net", COUNT_IKE_AUTH, 0, 0, 0, 1);
}

static void rekeys_are_counted_by_who_began_them(void **state)
{
    (void)state;
    begin();
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    pair_advance(&p, 10 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(counted(side, "net", COUNT_IKE_REKEY_INIT), side == 0);
        assert_int_equal(counted(side, "net", COUNT_IKE_REKEY_RESP), side == 1);
        assert_int_equal(counted(side, "net", COUNT_CHILD_REKEY), 1);
    }
    expect(0, "net", COUNT_CREATE_CHILD, 1, 1, 1, 1);
    expect(1, "net", COUNT_CREATE_CHILD, 1, 1, 1, 1);
}

static void repetitions_are_not_counted(void **state)
{
    (void)state;
    begin();
    struct rogue_loss loss = {EXCHANGE_CREATE_CHILD_SA, true, true};
    p.filter = rogue_lose;
    p.ctx = &loss;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_advance(&p, 30 * TIME_SECOND);
    assert_false(loss.of_request || loss.of_answer);
    expect(0, "net", COUNT_CREATE_CHILD, 0, 1, 1, 0);
    expect(1, "net", COUNT_CREATE_CHILD, 1, 0, 0, 1);
}

static bool spoils;

static bool spoil(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (spoils && k->from == 0)
        k->bytes[k->len - 1] ^= 1;
    return true;
}

static void what_is_not_authentic_is_invalid(void **state)
{
    (void)state;
    begin();
    p.filter = spoil;
    spoils = true;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    spoils = false;
    assert_int_equal(counted(1, "net", COUNT_INVALID), 1);
    assert_int_equal(counted(1, NULL, COUNT_INVALID), 1);
    expect(1, "net", COUNT_CREATE_CHILD, 0, 0, 0, 0);
}

static void datagram(const char *bytes)
{
    struct input in = {
        .kind = INPUT_DATAGRAM,
        .datagram = {.local = {p.side[1].ip, 500}, .remote = {p.side[0].ip, 500}, .bytes = hex(bytes)}
    };
    pair_input(&p, 1, &in);
}

static void strangers_belong_to_no_connection(void **state)
{
    (void)state;
    begin();
    datagram("010203");
    assert_int_equal(counted(1, NULL, COUNT_INVALID), 0); /* not even a header */
    datagram("0102030405060708 0000000000000000 21202208 00000000 00000023 00000007010101");
    assert_int_equal(counted(1, NULL, COUNT_INVALID), 1);
    datagram("0102030405060708 0102030405060708 2e202508 00000005 00000030 000000141111111111111111"
             "1111111111111111");
    assert_int_equal(counted(1, NULL, COUNT_INVALID_SPI), 1);
    assert_int_equal(counted(1, "net", COUNT_INVALID), 0);
    assert_int_equal(counted(1, "net", COUNT_INVALID_SPI), 0);
}

static void reset(const char *connection, bool is_for_all)
{
    struct input in = {
        .kind = INPUT_COMMAND,
        .command = {
                    .kind = COMMAND_RESET_COUNTERS, .id = 99, .connection = connection, .is_for_all = is_for_all}
    };
    p.side[0].is_done = false;
    pair_input(&p, 0, &in);
    assert_true(p.side[0].is_done);
}

static void counters_begin_anew(void **state)
{
    (void)state;
    begin();
    reset(NULL, false);
    expect(0, NULL, COUNT_IKE_INIT, 0, 0, 0, 0);
    expect(0, "net", COUNT_IKE_INIT, 0, 1, 1, 0);
    reset("other", false);
    assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
    reset("net", false);
    assert_null(engine_counters(p.side[0].e, "net"));
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    expect(0, "net", COUNT_CREATE_CHILD, 0, 1, 1, 0);
    reset(NULL, true);
    assert_null(engine_counters(p.side[0].e, "net"));
    expect(0, NULL, COUNT_CREATE_CHILD, 0, 1, 1, 0);
}

static void a_connection_that_changes_keeps_its_counters(void **state)
{
    const struct pair_spec changed = {.hash = 77};
    (void)state;
    begin();
    pair_load(&p, 0, &changed);
    expect(0, "net", COUNT_IKE_INIT, 0, 1, 1, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_initiator_counts_for_its_connection_from_the_first_message_on),
        TEST(the_responder_counts_for_a_connection_once_it_knows_who_asks),
        TEST(rekeys_are_counted_by_who_began_them),
        TEST(repetitions_are_not_counted),
        TEST(what_is_not_authentic_is_invalid),
        TEST(strangers_belong_to_no_connection),
        TEST(counters_begin_anew),
        TEST(a_connection_that_changes_keeps_its_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
