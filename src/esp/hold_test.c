/* SPDX-License-Identifier: Apache-2.0 */
/* Traps in the data plane: what is held, told, let go and dropped. */
#include "crypto/random.h"
#include "esp/hold.h"
#include "support/esp_pair.h"
#include "support/test.h"

static struct esp *e;
static struct esp_buffer buffer;
static struct esp_packet p;
static int64_t now;

static struct esp_policy trap(uint64_t id)
{
    struct esp_policy t = pair_policy(SIDE_A, id);
    t.is_trap = true;
    return t;
}

static int setup(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    crypto_random_seed(7);
    now = 1000 * TIME_SECOND;
    e = pair_new(&c, SIDE_A);
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_POLICY_DEL, .id = 1}, now, &(struct diag){0}));
    pair_add_policy(e, trap(2));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    esp_free(e);
    crypto_random_set_source(NULL, NULL);
    return 0;
}

static void send_len(uint32_t len, uint16_t sport)
{
    p = inner_udp(&buffer,
                  &(struct inner){.from = SIDE_A, .family = 4, .sport = sport, .dport = 53, .len = len});
    esp_outbound(e, &p, 1, now);
}

static void send(uint16_t sport)
{
    send_len(100, sport);
}

static size_t acquires(void)
{
    struct dataplane_event ev[4];
    size_t n = esp_events(e, ev, ARRAY_LEN(ev));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ev[i].kind, DP_ACQUIRE);
        assert_int_equal(ev[i].policy_id, 2);
    }
    return n;
}

static uint64_t dropped(enum esp_drop why)
{
    return esp_counters(e)->drops[why];
}

static void fail_trap(void)
{
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_TRAP_FAILED, .id = 2}, now, &(struct diag){0}));
}

static void sa_comes(void)
{
    pair_add_sa(e, pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4));
}

/* The source port of the next one, and that it can be sealed; 0: there is none. */
static unsigned next_held(void)
{
    struct span s = esp_next_held(e, now);
    if (!s.len)
        return 0;
    unsigned sport = (unsigned)(s.ptr[20] << 8 | s.ptr[21]);
    p = inner_raw(&buffer, s);
    esp_outbound(e, &p, 1, now);
    assert_int_equal(p.verdict, ESP_FORWARD);
    return sport;
}

static void the_first_packet_is_told_of_and_the_others_are_not(void **state)
{
    (void)state;
    struct dataplane_event ev[4];
    send(4000);
    assert_int_equal(p.verdict, ESP_HELD);
    assert_int_equal(esp_events(e, ev, 4), 1);
    assert_int_equal(ev[0].kind, DP_ACQUIRE);
    assert_int_equal(ev[0].policy_id, 2);
    assert_int_equal(ev[0].packet_local.proto, 17);
    assert_int_equal(ev[0].packet_local.port_from, 4000);
    assert_int_equal(ev[0].packet_local.port_to, 4000);
    assert_int_equal(ev[0].packet_remote.port_from, 53);
    assert_true(ip_equal(ev[0].packet_remote.from, ev[0].packet_remote.to));
    assert_int_equal(ev[0].packet_remote.from.b[1], 2); /* 10.2.x.x is the other side */
    send(4001);
    assert_int_equal(p.verdict, ESP_HELD);
    assert_int_equal(acquires(), 0);
}

static void what_waited_leaves_in_its_order_when_the_sa_is_there(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 5; i++)
        send((uint16_t)(4000 + i));
    assert_int_equal(next_held(), 0);
    sa_comes();
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(next_held(), 4000 + i);
    assert_int_equal(next_held(), 0);
    assert_int_equal(dropped(DROP_TRAP_FAILED) + dropped(DROP_TRAP_FULL), 0);
    assert_int_equal(esp_counters(e)->packets_out, 5);
    send(4005);
    assert_int_equal(p.verdict, ESP_FORWARD);
}

static void the_queue_of_a_trap_is_bounded_in_packets_and_bytes(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < HOLD_PACKETS; i++) {
        send((uint16_t)(4000 + i));
        assert_int_equal(p.verdict, ESP_HELD);
    }
    send(5000);
    assert_int_equal(p.verdict, ESP_DROP);
    assert_int_equal(p.drop, DROP_TRAP_FULL);
    fail_trap();
    unsigned held = 0;
    for (uint16_t i = 0; i < HOLD_PACKETS; i++) {
        send_len(9200, (uint16_t)(4000 + i));
        held += p.verdict == ESP_HELD;
    }
    assert_int_equal(held, HOLD_BYTES / 9200);
}

static void a_failed_attempt_drops_what_waited_and_the_trap_goes_on(void **state)
{
    (void)state;
    send(4000);
    send(4001);
    assert_int_equal(acquires(), 1);
    fail_trap();
    assert_int_equal(dropped(DROP_TRAP_FAILED), 2);
    send(4002);
    assert_int_equal(p.verdict, ESP_HELD);
    assert_int_equal(acquires(), 1);
    sa_comes();
    assert_int_equal(next_held(), 4002);
    assert_int_equal(next_held(), 0);
}

static void what_is_too_old_is_not_sent_and_is_asked_for_again(void **state)
{
    (void)state;
    send(4000);
    assert_int_equal(acquires(), 1);
    now += HOLD_TIME;
    send(4001);
    assert_int_equal(acquires(), 1); /* the first one may have got lost, or nothing came of it */
    assert_int_equal(dropped(DROP_TRAP_FAILED), 1);
    sa_comes();
    assert_int_equal(next_held(), 4001);
    assert_int_equal(next_held(), 0);
}

static void a_trap_that_goes_drops_what_it_holds(void **state)
{
    (void)state;
    send(4000);
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_POLICY_DEL, .id = 2}, now, &(struct diag){0}));
    assert_int_equal(dropped(DROP_TRAP_FAILED), 1);
    assert_int_equal(acquires(), 0);
    sa_comes();
    assert_int_equal(next_held(), 0);
}

static void a_trap_waits_for_its_own_sa(void **state)
{
    (void)state;
    struct esp_sa other = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    other.reqid++;
    send(4000);
    pair_add_sa(e, other);
    assert_int_equal(next_held(), 0);
}

static void the_trap_springs_again_when_the_sa_is_gone(void **state)
{
    (void)state;
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    send(4000);
    assert_int_equal(acquires(), 1);
    sa_comes();
    assert_int_equal(next_held(), 4000);
    assert_int_equal(next_held(), 0);
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, now, &(struct diag){0}));
    send(4001);
    assert_int_equal(p.verdict, ESP_HELD);
    assert_int_equal(acquires(), 1);
}

static void a_policy_without_a_trap_holds_nothing(void **state)
{
    (void)state;
    struct esp_policy plain = pair_policy(SIDE_A, 1);
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_POLICY_DEL, .id = 2}, now, &(struct diag){0}));
    pair_add_policy(e, plain);
    send(4000);
    assert_int_equal(p.drop, DROP_NO_SA);
    assert_int_equal(acquires(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_packet_is_told_of_and_the_others_are_not),
        T(what_waited_leaves_in_its_order_when_the_sa_is_there),
        T(the_queue_of_a_trap_is_bounded_in_packets_and_bytes),
        T(a_failed_attempt_drops_what_waited_and_the_trap_goes_on),
        T(what_is_too_old_is_not_sent_and_is_asked_for_again),
        T(a_trap_that_goes_drops_what_it_holds),
        T(a_trap_waits_for_its_own_sa),
        T(the_trap_springs_again_when_the_sa_is_gone),
        T(a_policy_without_a_trap_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
