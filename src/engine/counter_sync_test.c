/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence numbers of children after a failover of the peer (RFC 6311 section 5.2). */
#include "ike/v2/child.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/overlap.h"
#include "support/member_fixture.h"

#define MANY (1u << 30)

static const struct pair_spec short_numbers = {.tweak = syncs, .esp = {"aes128gcm16"}};

/* Of the newest outbound SA. */
static uint64_t skipped(int side)
{
    return pair_newest_out(&p, side)->skip;
}

static void begin(struct build *b, uint8_t *buf, size_t cap, uint32_t delta)
{
    build_begin(b, buf, cap, NULL);
    member_skip(b, delta);
}

/* As a request like any other. */
static void say_skip(uint32_t delta)
{
    uint8_t buf[64];
    struct build b;
    begin(&b, buf, sizeof(buf), delta);
    say_as(&b, window_of(peer)->next_in);
}

static void say_both(uint32_t send, uint32_t receive, uint32_t delta)
{
    uint8_t buf[256];
    struct build b;
    member_begin(&b, buf, sizeof(buf), (struct member_sync){MEMBER_NONCE, send, receive});
    member_skip(&b, delta);
    say(&b);
}

static void alone_it_is_a_request_like_any_other(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        up_with(&spec, &spec, who);
        uint32_t in = window_of(peer)->next_in;
        say_skip(1000);
        assert_int_equal(skipped(peer), 1000);
        assert_int_equal(skipped(member), 0);
        assert_int_equal(window_of(peer)->next_in, in + 1);
        assert_true(window_of(peer)->last.bytes.n > 0);
        uint8_t buf[64];
        struct build b;
        begin(&b, buf, sizeof(buf), 1000);
        say_as(&b, in); /* repeated */
        assert_int_equal(skipped(peer), 1000);
        teardown(NULL);
        setup(NULL);
    }
}

static void beside_message_ids_it_is_done_once(void **state)
{
    (void)state;
    up_with(&spec, &spec, 1);
    uint32_t in = window_of(peer)->next_in, out = window_of(peer)->next_out;
    say_both(in + 2, out, 500);
    was_answered(1, out, in + 2);
    assert_int_equal(skipped(peer), 500);
    say_both(in + 2, out, 500); /* again: its answer may have been lost */
    was_answered(2, out, in + 2);
    assert_int_equal(skipped(peer), 500);
    say_both(in + 1, out, 70); /* [RFC6311#5.2] a replay, all of it */
    assert_int_equal(answers, 2);
    assert_int_equal(skipped(peer), 500);
    say_both(in + 9, out, 70); /* the next failover */
    assert_int_equal(skipped(peer), 570);
}

static void every_child_leaves_them_out(void **state)
{
    (void)state;
    struct pair_spec two = spec;
    two.second_local_ts = "10.3.0.0/16";
    two.second_remote_ts = "10.4.0.0/16";
    struct pair_spec mirror = spec;
    mirror.second_local_ts = "10.4.0.0/16";
    mirror.second_remote_ts = "10.3.0.0/16";
    member = 1;
    peer = 0;
    up(&two, &mirror);
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(pair_children(&p, peer), 2);
    say_skip(9);
    unsigned n = 0;
    for (size_t i = 0; i < p.side[peer].n_sas; i++) {
        if (p.side[peer].sas[i].direction == SA_OUT) {
            assert_int_equal(p.side[peer].sas[i].skip, 9);
            n++;
        } else
            assert_int_equal(p.side[peer].sas[i].skip, 0);
    }
    assert_int_equal(n, 2);
}

/* Its outbound half waits for the end of the one that it replaces. */
static void a_child_that_is_about_to_send_does_so_too(void **state)
{
    (void)state;
    up_with(&spec, &spec, 1);
    rogue_sa(&p, member)->is_dead = true; /* the member goes down before it deletes the old one */
    struct child_sa *c = container_of(rogue_sa(&p, peer)->children.next, struct child_sa, link);
    struct esp_sa *old = mem_new(sizeof(*old));
    *old = *pair_newest_out(&p, peer);
    old->spi ^= 1;
    c->waiting = old;
    c->switch_at = p.now.mono + TIME_SECOND;
    c->has_out = false;
    say_skip(44);
    assert_int_equal(c->waiting->skip, 44);
    rogue_sa(&p, member)->is_dead = false;
}

static void without_the_announcement_nothing_is_left_out(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        up_with(who ? &plain : &spec, who ? &spec : &plain, who);
        say_skip(1000);
        assert_int_equal(skipped(peer), 0);
        teardown(NULL);
        setup(NULL);
    }
}

static void what_is_malformed_leaves_nothing_out(void **state)
{
    (void)state;
    uint8_t buf[64], data[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct build b;
    up_with(&spec, &spec, 1);
    for (size_t len = 0; len <= sizeof(data); len++) {
        build_begin(&b, buf, sizeof(buf), NULL);
        build_notify(&b, N_IPSEC_REPLAY_COUNTER_SYNC, PROTO_NONE, span_of(NULL, 0), span_of(data, len));
        say_as(&b, window_of(peer)->next_in);
        assert_int_equal(skipped(peer), len < 4 ? 0 : len < 8 ? 0x01010101 : 0x0101010102020202);
    }
    assert_true(pair_logged(&p, peer, "malformed"));
}

/* [RFC6311#5.2] */
static void who_leaves_out_many_of_few_rekeys_soon(void **state)
{
    (void)state;
    for (int is_short = 0; is_short < 2; is_short++) {
        up_with(is_short ? &short_numbers : &spec, is_short ? &short_numbers : &spec, 1);
        say_skip(MANY - 1);
        pair_advance(&p, TIME_SECOND);
        assert_int_equal(p.side[peer].child_rekeys, 0);
        window_sync(&rogue_sa(&p, member)->window, overlap_oldest(rogue_sa(&p, peer)),
                    window_of(peer)->next_in);
        say_skip(MANY);
        window_sync(&rogue_sa(&p, member)->window, overlap_oldest(rogue_sa(&p, peer)),
                    window_of(peer)->next_in);
        pair_advance(&p, TIME_SECOND);
        assert_int_equal(p.side[peer].child_rekeys, is_short);
        assert_int_equal(skipped(peer), is_short ? 0 : 2ull * MANY - 1);
        teardown(NULL);
        setup(NULL);
    }
}

static void the_successor_of_an_ike_sa_knows_it_too(void **state)
{
    (void)state;
    up_with(&spec, &spec, 1);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 40 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    say_skip(12);
    assert_int_equal(skipped(peer), 12);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(alone_it_is_a_request_like_any_other),
        T(beside_message_ids_it_is_done_once),
        T(every_child_leaves_them_out),
        T(a_child_that_is_about_to_send_does_so_too),
        T(without_the_announcement_nothing_is_left_out),
        T(what_is_malformed_leaves_nothing_out),
        T(who_leaves_out_many_of_few_rekeys_soon),
        T(the_successor_of_an_ike_sa_knows_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
