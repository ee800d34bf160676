/* SPDX-License-Identifier: Apache-2.0 */
/* Message IDs after a failover (RFC 6311): as the peer of a cluster. */
#include "support/member_fixture.h"

static const struct pair_spec wants = {.tweak = syncs, .starts = true, .retries_forever = true};
static const struct pair_spec idle = {.tweak = syncs};

static void both_can_ask(void)
{
    pair_run(&p);
    for (int side = 0; side < 2; side++) {
        unsigned before = p.side[side].child_rekeys;
        pair_command(&p, side, COMMAND_REKEY, NULL, "net");
        pair_advance(&p, 10 * TIME_SECOND);
        assert_true(p.side[side].child_rekeys > before);
    }
    assert_true(pair_traffic_fits(&p));
    assert_int_equal(p.side[0].ike_downs + p.side[1].ike_downs, 0);
}

/* The member goes on with what it was told. */
static void goes_on(void)
{
    window_sync(&rogue_sa(&p, member)->window, answered.send, answered.receive);
    both_can_ask();
}

static void silence_after(const struct window *before)
{
    const struct window *w = window_of(peer);
    pair_run(&p);
    assert_int_equal(w->next_in, before->next_in);
    assert_int_equal(w->next_out, before->next_out);
    assert_int_equal(w->last.bytes.n, before->last.bytes.n);
}

/* ---- tests */

static void it_is_announced_where_both_ends_want_it(void **state)
{
    (void)state;
    const struct pair_spec *v[] = {&plain, &spec};
    for (int i = 0; i < 4; i++) {
        up_with(v[i & 1], v[i >> 1], 0);
        assert_int_equal(rogue_sa(&p, 0)->msgid_sync.is_on, i == 3);
        assert_int_equal(rogue_sa(&p, 1)->msgid_sync.is_on, i == 3);
        teardown(NULL);
        setup(NULL);
    }
}

static void a_cluster_that_fell_behind_gets_the_higher_values(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        up_with(&spec, &spec, who);
        uint32_t in = window_of(peer)->next_in, out = window_of(peer)->next_out;
        say_sync(in + 3, out ? out - 1 : 0);
        was_answered(1, out, in + 3);
        assert_int_equal(window_of(peer)->next_in, in + 3);
        assert_true(pair_logged(&p, peer, "failed over"));
        goes_on();
        teardown(NULL);
        setup(NULL);
    }
}

static void a_cluster_may_expect_more_than_was_sent(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        up_with(&spec, &spec, who);
        uint32_t in = window_of(peer)->next_in, out = window_of(peer)->next_out;
        say_sync(in, out + 5); /* its own next ID may be what we wait for [RFC6311#A.1] */
        was_answered(1, out + 5, in);
        goes_on();
        teardown(NULL);
        setup(NULL);
    }
}

static void a_repeated_request_gets_the_same_answer_and_does_nothing(void **state)
{
    (void)state;
    up_with(&spec, &spec, 1);
    uint32_t in = window_of(peer)->next_in, out = window_of(peer)->next_out;
    say_sync(in + 2, out + 1);
    struct window before = *window_of(peer);
    for (unsigned i = 2; i < 4; i++) {
        say_sync(in + 2, out + 1);
        was_answered(i, out + 1, in + 2);
        silence_after(&before);
    }
    p.is_cut = true; /* our next request is on its way: nor does that one end */
    pair_command(&p, peer, COMMAND_REKEY, NULL, "net");
    before = *window_of(peer);
    assert_true(rogue_sa(&p, peer)->own.out.is_pending);
    p.is_cut = false;
    say_sync(in + 2, out + 1);
    was_answered(4, out + 1, in + 2);
    silence_after(&before);
    pair_advance(&p, TIME_SECOND);
    goes_on();
}

static void a_replayed_request_is_dropped_in_silence(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        up_with(&spec, &spec, who);
        uint32_t in = window_of(peer)->next_in, out = window_of(peer)->next_out;
        say_sync(in + 1, out);
        say_sync(in + 4, out); /* a second failover */
        was_answered(2, out, in + 4);
        struct window before = *window_of(peer);
        say_sync(in + 1, out);     /* of the first one */
        say_sync(in + 4, out + 7); /* not higher, and not the same */
        silence_after(&before);
        goes_on(); /* the IDs of both ends have moved on */
        before = *window_of(peer);
        say_sync(in + 4, out);
        silence_after(&before);
        assert_int_equal(answers, 2);
        both_can_ask();
        teardown(NULL);
        setup(NULL);
    }
}

static void nothing_that_was_seen_comes_again(void **state)
{
    (void)state;
    up_with(&spec, &spec, 0);
    struct window before = *window_of(peer);
    assert_true(before.next_in > 1);
    say_sync(before.next_in - 1, before.next_out + 3);
    silence_after(&before);
    assert_int_equal(answers, 0);
    pair_advance(&p, 200 * TIME_SECOND);
    assert_int_equal(p.side[peer].ike_downs, 0);
}

static void without_the_announcement_it_means_nothing(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        up_with(who ? &plain : &spec, who ? &spec : &plain, who);
        p.filter = NULL;
        uint32_t in = window_of(peer)->next_in, out = window_of(peer)->next_out;
        say_sync(in + 3, out + 3);
        assert_true(window_of(peer)->next_in <= in + 1); /* at most a request like any other */
        assert_int_equal(window_of(peer)->next_out, out);
        assert_false(pair_logged(&p, peer, "failed over"));
        teardown(NULL);
        setup(NULL);
    }
}

static void what_is_malformed_is_dropped_in_silence(void **state)
{
    (void)state;
    up_with(&spec, &spec, 1);
    struct window before = *window_of(peer);
    uint32_t in = before.next_in, out = before.next_out;
    uint8_t buf[256], data[16] = {0};
    struct build b;
    for (size_t len = 0; len <= sizeof(data); len += 4) { /* 12 are right, with values that are not: in is */
        data[7] = (uint8_t)in;
        build_begin(&b, buf, sizeof(buf), NULL);
        build_notify(&b, N_IKEV2_MESSAGE_ID_SYNC, PROTO_NONE, span_of(NULL, 0),
                     span_of(data, len == 12 ? 11 : len));
        say(&b);
        silence_after(&before);
    }
    member_begin(&b, buf, sizeof(buf),
                 (struct member_sync){MEMBER_NONCE, in + 1, out}); /* [RFC6311#5.1] not alone */
    build_notify_empty(&b, N_TICKET_REQUEST);
    say(&b);
    member_begin(&b, buf, sizeof(buf), (struct member_sync){MEMBER_NONCE, in + 1, out});
    build_delete_child(&b, PROTO_ESP, &(uint32_t){1}, 1);
    say(&b);
    say_sync(0x80000000u, out);
    say_sync(in + 1, UINT32_MAX);
    silence_after(&before);
    assert_int_equal(answers, 0);
    member_begin(&b, buf, sizeof(buf),
                 (struct member_sync){MEMBER_NONCE, in + 1, out}); /* that one may stand there */
    build_notify(&b, N_IPSEC_REPLAY_COUNTER_SYNC, PROTO_NONE, span_of(NULL, 0), span_of(data, 4));
    say(&b);
    was_answered(1, out, in + 1);
    goes_on();
}

static void an_ordinary_request_with_id_zero_is_one(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct build b;
    up_with(&spec, &spec, 1);
    assert_int_equal(window_of(peer)->next_in, 0); /* a responder that has asked nothing yet */
    build_begin(&b, buf, sizeof(buf), NULL);
    p.filter = NULL;
    say(&b);
    assert_int_equal(window_of(peer)->next_in, 1);
    assert_true(window_of(peer)->last.bytes.n > 0);
    uint64_t sent = engine_stats(p.side[peer].e)->retransmitted;
    build_begin(&b, buf, sizeof(buf), NULL);
    say(&b); /* repeated: so is the answer */
    assert_int_equal(engine_stats(p.side[peer].e)->retransmitted, sent + 1);
}

/* The request of the peer, and what it was answered with, went down with the member. */
static void an_interrupted_exchange_begins_again(const char *connection, const char *child, const char *what)
{
    for (int who = 0; who < 2; who++) {
        up_with(&spec, &spec, who);
        p.is_cut = true;
        pair_command(&p, peer, COMMAND_REKEY, connection, child);
        assert_true(rogue_sa(&p, peer)->own.out.is_pending);
        pair_advance(&p, 2 * TIME_SECOND);
        uint32_t in = window_of(peer)->next_in, lost = rogue_sa(&p, peer)->own.out.id;
        p.is_cut = false;
        say_sync(in + 1, lost);
        was_answered(1, lost + 1, in + 1); /* it is not waited for */
        assert_true(pair_logged(&p, peer, what));
        assert_false(rogue_sa(&p, peer)->own.out.is_pending);
        window_sync(&rogue_sa(&p, member)->window, answered.send, answered.receive);
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(connection ? p.side[peer].ike_rekeys : p.side[peer].child_rekeys, 1);
        assert_int_equal(p.side[0].ike_downs + p.side[1].ike_downs, 0);
        assert_int_equal(pair_children(&p, 0), 1);
        assert_true(pair_traffic_fits(&p));
        teardown(NULL);
        setup(NULL);
    }
}

static void in_the_middle_of_a_child_rekey(void **state)
{
    (void)state;
    an_interrupted_exchange_begins_again(NULL, "net", "child rekey is asked again");
}

/* The child that is being rekeyed goes meanwhile: what is asked again is a new one, as long as it is wanted.
 */
static void in_the_middle_of_rekeying_a_child_that_the_peer_deletes(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct build b;
    up_with(&wants, &spec, 1);
    p.is_cut = true;
    pair_command(&p, peer, COMMAND_REKEY, NULL, "net");
    uint32_t in = window_of(peer)->next_in, lost = rogue_sa(&p, peer)->own.out.id,
             spi = pair_newest_out(&p, peer)->spi;
    build_begin(&b, buf, sizeof(buf), NULL);
    build_delete_child(&b, PROTO_ESP, &spi, 1);
    say_as(&b, in);
    assert_int_equal(pair_children(&p, peer), 0);
    pair_advance(&p, 2 * TIME_SECOND);
    p.is_cut = false;
    say_sync(in + 2, lost);
    was_answered(1, lost + 1, in + 2);
    window_sync(&rogue_sa(&p, member)->window, answered.send, answered.receive);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, peer), 1);
    assert_true(pair_traffic_fits(&p));
}

static void in_the_middle_of_an_ike_rekey(void **state)
{
    (void)state;
    an_interrupted_exchange_begins_again("net", NULL, "IKE SA rekey is asked again");
}

static void in_the_middle_of_a_liveness_check(void **state)
{
    (void)state;
    up_with(&spec, &idle, 1);
    p.is_cut = true;
    pair_advance(&p, 61 * TIME_SECOND);
    assert_true(rogue_sa(&p, peer)->own.out.is_pending);
    uint32_t in = window_of(peer)->next_in, lost = rogue_sa(&p, peer)->own.out.id;
    p.is_cut = false;
    say_sync(in + 1, lost);
    was_answered(1, lost + 1, in + 1);
    goes_on();
}

static void what_the_peer_asked_is_answered_first(void **state)
{
    (void)state;
    up_with(&spec, &spec, 0);
    p.side[peer].holds_jobs = true;
    pair_command(&p, member, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_true(p.side[peer].n_held > 0);
    struct window before = *window_of(peer);
    say_sync(before.next_in + 2, before.next_out);
    silence_after(&before);
    assert_int_equal(answers, 0);
    p.side[peer].holds_jobs = false;
    pair_release_jobs(&p, peer);
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(p.side[peer].ike_downs, 0);
    assert_int_equal(pair_ikes(&p, peer), 1);
}

static void the_successor_of_an_ike_sa_knows_it_too(void **state)
{
    (void)state;
    up_with(&spec, &spec, 1);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 40 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    uint32_t in = window_of(peer)->next_in, out = window_of(peer)->next_out;
    say_sync(in + 1, out);
    was_answered(1, out, in + 1);
    goes_on();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(it_is_announced_where_both_ends_want_it),
        T(a_cluster_that_fell_behind_gets_the_higher_values),
        T(a_cluster_may_expect_more_than_was_sent),
        T(a_repeated_request_gets_the_same_answer_and_does_nothing),
        T(a_replayed_request_is_dropped_in_silence),
        T(nothing_that_was_seen_comes_again),
        T(without_the_announcement_it_means_nothing),
        T(what_is_malformed_is_dropped_in_silence),
        T(an_ordinary_request_with_id_zero_is_one),
        T(in_the_middle_of_a_child_rekey),
        T(in_the_middle_of_rekeying_a_child_that_the_peer_deletes),
        T(in_the_middle_of_an_ike_rekey),
        T(in_the_middle_of_a_liveness_check),
        T(what_the_peer_asked_is_answered_first),
        T(the_successor_of_an_ike_sa_knows_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
