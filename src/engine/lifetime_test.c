/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH_LIFETIME between two engines (RFC 4478): who says it, who obeys, what a rekey keeps, and peers that
 * ignore it, say it without right, or say nonsense. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static const struct pair_spec plain;
static const struct pair_spec limits = {
    .ike_reauth = 600 * TIME_SECOND, .ike_over = 60 * TIME_SECOND, .accepts_any_peer = true};

static int64_t seconds_until_reauth(int side)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    return v.reauth_at == TIME_NEVER ? -1 : (v.reauth_at - p.now.mono) / TIME_SECOND;
}

static void the_initiator_authenticates_again_in_the_responders_time(void **state)
{
    (void)state;
    up(&plain, &limits);
    assert_in_range(seconds_until_reauth(0), 480, 540); /* a tenth or two of the time is left */
    assert_int_equal(seconds_until_reauth(1), -1);      /* it could not begin */
    for (int i = 0; i < 590; i++) {
        pair_advance(&p, TIME_SECOND);
        assert_true(pair_traffic_fits(&p));
    }
    for (int side = 0; side < 2; side++) {
        assert_int_equal(p.side[side].ike_ups, 2);
        assert_int_equal(p.side[side].ike_downs, 1);
        assert_int_equal(pair_ikes(&p, side), 1);
        assert_int_equal(pair_children(&p, side), 1);
    }
    assert_int_equal(p.side[0].downs, 0);
}

static void nothing_is_said_without_reauth_time(void **state)
{
    (void)state;
    up(&plain, &plain);
    assert_int_equal(seconds_until_reauth(0), -1);
    assert_false(pair_logged(&p, 0, "authenticate again"));
}

/* [RFC4478#5] */
static void an_own_time_that_is_earlier_stays(void **state)
{
    (void)state;
    struct pair_spec a = {.ike_reauth = 100 * TIME_SECOND, .ike_over = 60 * TIME_SECOND};
    up(&a, &limits);
    assert_int_equal(seconds_until_reauth(0), 100);
}

static void an_own_time_that_is_later_gives_way(void **state)
{
    (void)state;
    struct pair_spec a = {.ike_reauth = 9000 * TIME_SECOND, .ike_over = 60 * TIME_SECOND};
    up(&a, &limits);
    assert_in_range(seconds_until_reauth(0), 480, 540);
}

static void only_who_answers_says_it(void **state)
{
    (void)state;
    struct pair_spec a = {.ike_reauth = 600 * TIME_SECOND, .ike_over = 60 * TIME_SECOND};
    up(&a, &plain);
    assert_int_equal(seconds_until_reauth(0), 600);
    assert_int_equal(seconds_until_reauth(1), -1);
    assert_false(pair_logged(&p, 1, "authenticate again"));
}

/* ---- a peer that does not know it ---- */

static unsigned n_hidden;

static void hide(void *ctx, const struct chain *c)
{
    (void)ctx;
    uint8_t next = c->first;
    for (size_t at = 0; next && at + 8 <= c->len;) {
        uint8_t *at_type = c->at + at + 6;
        if (next == PAYLOAD_NOTIFY && (at_type[0] << 8 | at_type[1]) == N_AUTH_LIFETIME) {
            at_type[0] = 0xbf; /* a private status, which is ignored */
            n_hidden++;
        }
        next = c->at[at];
        at += (size_t)c->at[at + 2] << 8 | c->at[at + 3];
    }
}

static bool hides_lifetime(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && rogue_is_response(k))
        rogue_open(&p, k, hide, ctx);
    return true;
}

static void up_deaf(void)
{
    n_hidden = 0;
    p.filter = hides_lifetime;
    up(&plain, &limits);
    p.filter = NULL;
    assert_int_equal(n_hidden, 1);
    assert_int_equal(pair_children(&p, 0), 1);
}

/* [RFC4478#2] */
static void who_does_not_come_back_is_closed(void **state)
{
    (void)state;
    up_deaf();
    assert_int_equal(seconds_until_reauth(0), -1);
    pair_advance(&p, 655 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 1);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_int_equal(pair_ikes(&p, 0), 0); /* told by a Delete */
    assert_true(pair_logged(&p, 1, "has not authenticated again, as it was told to"));
    assert_true(pair_logged(&p, 1, "a new IKE SA within 600 s"));
    assert_true(pair_logged(&p, 1, "RFC 4478"));
}

static void the_limit_is_inherited_when_the_ike_sa_is_rekeyed(void **state)
{
    (void)state;
    up_deaf();
    pair_advance(&p, 300 * TIME_SECOND);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 355 * TIME_SECOND);
    assert_int_equal(p.side[1].ike_rekeys, 1);
    assert_int_equal(pair_ikes(&p, 1), 1);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 0);
}

static void what_the_initiator_was_told_outlives_a_rekey(void **state)
{
    (void)state;
    up(&plain, &limits);
    int64_t before = seconds_until_reauth(0);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    assert_int_equal(seconds_until_reauth(0), before);
}

/* ---- INFORMATIONAL: the Delete of a child on the wire becomes a notify, which is as long ---- */

struct said {
    struct pair_packet *k;
    uint32_t seconds;
    bool is_empty; /* no seconds at all */
    unsigned n;
};

static void say(void *ctx, const struct chain *c)
{
    struct said *s = ctx;
    size_t len;
    uint8_t *at = chain_find(c, PAYLOAD_DELETE, &len);
    if (!at || len != 12 || c->first != PAYLOAD_DELETE)
        return;
    s->n++;
    s->k->bytes[IKE_HEADER_LEN] = PAYLOAD_NOTIFY;
    at[4] = s->is_empty ? PROTO_ESP : PROTO_NONE;
    at[5] = s->is_empty ? 4 : 0; /* what follows is an SPI then */
    at[6] = N_AUTH_LIFETIME >> 8;
    at[7] = N_AUTH_LIFETIME & 0xff;
    for (int i = 0; i < 4; i++)
        at[8 + i] = (uint8_t)(s->seconds >> (24 - 8 * i));
}

static bool says_lifetime(void *ctx, struct pair_packet *k)
{
    struct said *s = ctx;
    s->k = k;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_INFORMATIONAL && !rogue_is_response(k) && !s->n)
        rogue_open(&p, k, say, s);
    return true;
}

static void say_from(int side, struct said *s)
{
    p.filter = says_lifetime;
    p.ctx = s;
    pair_command(&p, side, COMMAND_TERMINATE, "net", "net");
    pair_run(&p);
    p.filter = NULL;
    assert_int_equal(s->n, 1);
}

static void it_may_be_said_later(void **state)
{
    (void)state;
    struct said s = {.seconds = 100};
    up(&plain, &plain);
    say_from(1, &s);
    assert_in_range(seconds_until_reauth(0), 80, 90);
}

static void a_later_one_makes_it_no_later(void **state)
{
    (void)state;
    struct said s = {.seconds = 5000};
    up(&plain, &limits);
    int64_t before = seconds_until_reauth(0);
    say_from(1, &s);
    assert_int_equal(seconds_until_reauth(0), before);
}

/* [RFC4478#2] zero: at once, but not again and again */
static void zero_means_now_after_ten_seconds(void **state)
{
    (void)state;
    struct said s = {.seconds = 0};
    up(&plain, &plain);
    say_from(1, &s);
    assert_int_equal(seconds_until_reauth(0), 10);
}

static void the_initiator_has_no_say_in_it(void **state)
{
    (void)state;
    struct said s = {.seconds = 100};
    up(&plain, &plain);
    say_from(0, &s);
    assert_int_equal(seconds_until_reauth(1), -1);
}

static void one_without_a_time_is_ignored_and_told(void **state)
{
    (void)state;
    struct said s = {.is_empty = true};
    up(&plain, &plain);
    say_from(1, &s);
    assert_int_equal(seconds_until_reauth(0), -1);
    assert_true(pair_logged(&p, 0, "an AUTH_LIFETIME of the peer cannot be read"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_initiator_authenticates_again_in_the_responders_time),
        T(nothing_is_said_without_reauth_time),
        T(an_own_time_that_is_earlier_stays),
        T(an_own_time_that_is_later_gives_way),
        T(only_who_answers_says_it),
        T(who_does_not_come_back_is_closed),
        T(the_limit_is_inherited_when_the_ike_sa_is_rekeyed),
        T(what_the_initiator_was_told_outlives_a_rekey),
        T(it_may_be_said_later),
        T(a_later_one_makes_it_no_later),
        T(zero_means_now_after_ten_seconds),
        T(the_initiator_has_no_say_in_it),
        T(one_without_a_time_is_ignored_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
