/* SPDX-License-Identifier: Apache-2.0 */
/* Several rounds of authentication between two engines (RFC 4739): each side with as many as it likes, what a
 * round too few or too many leads to, who the peer is in the end, and what waits until the last round. */
#include "support/rounds_fixture.h"

/* ---- what works ---- */

/* [RFC4739#2.3], but for EAP */
static void a_machine_proves_itself_and_then_its_user(void **state)
{
    (void)state;
    up_with(machine_and_user, expects_both);
    expect_up();
    assert_true(pair_logged(&p, 1, "authentication of moon with"));
    assert_true(pair_logged(&p, 1, "round 2 of 2: the peer is user"));
    expect_ids(0, "user", "sun");
    expect_ids(1, "sun", "user");
}

static void two_secrets_one_after_the_other(void **state)
{
    (void)state;
    up_with(
        (struct plan){
            .local = {SECRET("moon"), SECRET("user")},
              .remote = {SECRET("sun")             }
    },
        (struct plan){.local = {SECRET("sun")}, .remote = {SECRET("moon"), SECRET("user")}});
    expect_up();
    assert_int_equal(p.sent, 6); /* IKE_SA_INIT and two of IKE_AUTH */
}

/* [RFC4739#2.5] */
static void a_responder_proves_itself_twice(void **state)
{
    (void)state;
    up_with(
        (struct plan){
            .local = {SECRET("moon") },
              .remote = { KEY("sun"), SECRET("user")}
    },
        (struct plan){.local = {KEY("sun"), SECRET("user")}, .remote = {SECRET("moon")}});
    expect_up();
    expect_ids(0, "moon", "user");
    expect_ids(1, "user", "moon");
    assert_int_equal(p.sent, 6);
}

static void both_prove_themselves_twice_at_the_same_time(void **state)
{
    (void)state;
    up_with(
        (struct plan){
            .local = {SECRET("moon"), KEY("moon")   },
              .remote = {KEY("sun"),     SECRET("user")}
    },
        (struct plan){.local = {KEY("sun"), SECRET("user")}, .remote = {SECRET("moon"), KEY("moon")}});
    expect_up();
    assert_int_equal(p.sent, 6);
}

static void one_side_may_have_more_rounds_than_the_other(void **state)
{
    (void)state;
    struct plan a = {
        .local = {SECRET("one"), SECRET("two"), SECRET("three"), KEY("moon")},
        .remote = {SECRET("sun"),  KEY("sun")              }
    };
    struct plan b = {
        .local = {SECRET("sun"),    KEY("sun") },
        .remote = { SECRET("one"), SECRET("two"), SECRET("three"), KEY("moon")}
    };
    up_with(a, b);
    expect_up();
    assert_int_equal(p.sent, 10);
    expect_ids(1, "sun", "moon");
}

static void a_responder_may_have_more_rounds_than_the_initiator(void **state)
{
    (void)state;
    struct plan a = {
        .local = {SECRET("moon")},
          .remote = { SECRET("one"), SECRET("two"), KEY("sun")}
    };
    struct plan b = {
        .local = {SECRET("one"), SECRET("two"), KEY("sun")},
          .remote = {SECRET("moon")  }
    };
    up_with(a, b);
    expect_up();
    assert_int_equal(p.sent, 8);
    expect_ids(0, "moon", "sun");
}

static void a_ppk_goes_into_all_rounds(void **state)
{
    (void)state;
    struct plan a = machine_and_user, b = expects_both;
    a.ppk = b.ppk = true;
    up_with(a, b);
    expect_up();
    struct ike_view v;
    assert_true(engine_ike_at(p.side[1].e, 0, &v) && v.has_ppk);
}

static void an_ike_sa_of_several_rounds_is_rekeyed_like_any_other(void **state)
{
    (void)state;
    up_with(machine_and_user, expects_both);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_advance(&p, 40 * TIME_SECOND);
    expect_up();
    assert_int_equal(p.side[0].ike_rekeys + p.side[0].child_rekeys, 1);
    expect_ids(1, "sun", "user");
}

/* INITIAL_CONTACT would take the old IKE SA down, and is not said. */
static void reauthentication_with_several_rounds_leaves_no_moment_without_traffic(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.reauth_time = 600 * TIME_SECOND;
    up_with(a, expects_both);
    pair_advance(&p, 599 * TIME_SECOND);
    for (int i = 0; i < 100; i++) {
        pair_advance(&p, 100 * TIME_MS);
        assert_true(pair_traffic_fits(&p));
    }
    expect_up();
    assert_int_equal(p.side[0].ike_ups, 2);
    assert_int_equal(p.side[0].downs, 0);
    assert_false(pair_logged(&p, 1, "has started anew"));
}

/* ---- which connection ---- */

static void a_later_round_decides_which_connection_is_meant(void **state)
{
    (void)state;
    struct plan b = {
        .local = {SECRET("sun")   },
        .remote = { SECRET("moon"),  SECRET("user")},
        .other = { SECRET("moon"), SECRET("guest")}
    };
    up_with(
        (struct plan){
            .local = {SECRET("moon"), SECRET("user")},
              .remote = {SECRET("sun")             }
    },
        b);
    expect_up();
    struct ike_view v;
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_string_equal(v.connection, "net");
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    plans[0].local[1].id = "guest";
    load_side(0, moon);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    expect_up();
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_string_equal(v.connection, "other");
}

/* What was asked of the peer in the first round was asked for "other", whose first round is weaker. */
static void no_connection_is_reached_with_another_ones_first_round(void **state)
{
    (void)state;
    struct plan b = {
        .local = {SECRET("sun")   },
        .remote = { KEY("moon"),  SECRET("user")},
        .other = { SECRET("moon"), SECRET("guest")}
    };
    up_with(
        (struct plan){
            .local = {SECRET("moon"), SECRET("user")},
              .remote = {SECRET("sun")             }
    },
        b);
    expect_refused(1, "does not fit round 2 of connection other");
}

static void who_has_one_round_finds_its_connection_beside_one_with_two(void **state)
{
    (void)state;
    struct plan b = {
        .local = {SECRET("sun")},
          .remote = {              SECRET("moon")            },
          .other = { SECRET("moon"),             SECRET("user")}
    };
    up_with((struct plan){.local = {SECRET("moon")}, .remote = {SECRET("sun")}}, b);
    expect_up();
    struct ike_view v;
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_string_equal(v.connection, "net");
}

/* ---- what is refused ---- */

static void a_wrong_second_round_is_refused(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.user_secret = "guessed";
    up_with(a, expects_both);
    expect_refused(1, "the peer user does not have our shared secret");
    assert_true(pair_logged(&p, 0, "in round 2 of authentication"));
}

static void a_second_round_of_somebody_else_is_refused(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.local[1].id = "stranger";
    up_with(a, expects_both);
    expect_refused(1, "expected round 2 of 2: identity user, a pre-shared key");
}

static void a_second_round_by_another_method_is_refused(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.local[1] = (struct round)KEY("moon");
    struct plan b = expects_both;
    b.remote[1] = (struct round)SECRET("moon");
    up_with(a, b);
    expect_refused(1, "expected round 2 of 2: identity moon, a pre-shared key");
}

static void a_responders_wrong_second_round_is_refused(void **state)
{
    (void)state;
    struct plan b = {
        .local = {KEY("sun"), SECRET("user")},
          .remote = {SECRET("moon")         },
          .user_secret = "guessed"
    };
    up_with(
        (struct plan){
            .local = {SECRET("moon") },
              .remote = { KEY("sun"), SECRET("user")}
    },
        b);
    expect_refused(0, "the peer user does not have our shared secret");
}

static void a_responders_second_round_of_somebody_else_is_refused(void **state)
{
    (void)state;
    struct plan b = {
        .local = {KEY("sun"), SECRET("stranger")},
          .remote = {SECRET("moon")         }
    };
    up_with(
        (struct plan){
            .local = {SECRET("moon") },
              .remote = { KEY("sun"), SECRET("user")}
    },
        b);
    expect_refused(0, "the peer has another identity");
}

static void an_initiator_that_has_one_round_is_told_which_is_missing(void **state)
{
    (void)state;
    up_with((struct plan){.local = {KEY("moon")}, .remote = {KEY("sun")}}, expects_both);
    expect_refused(1, "expected round 2 of 2: identity user, a pre-shared key");
}

static void an_initiator_with_a_round_too_few_is_told_which(void **state)
{
    (void)state;
    struct plan b = expects_both;
    b.remote[2] = (struct round)SECRET("third");
    up_with(machine_and_user, b);
    expect_refused(
        1, "expected round 3 of 3: identity third, a pre-shared key; got no ANOTHER_AUTH_FOLLOWS in round 2");
    assert_true(pair_logged(&p, 1, "it expects a further round of authentication"));
}

static void an_initiator_with_a_round_too_many_is_refused(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.local[2] = (struct round)SECRET("third");
    up_with(a, expects_both);
    expect_refused(1, "it expects no further round of authentication");
}

static void a_responder_with_a_round_too_few_is_told_which(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.remote[1] = (struct round)SECRET("third");
    up_with(a, expects_both);
    expect_refused(0, "the peer leaves out a round of authentication");
    assert_true(pair_logged(&p, 0, "expected round 2 of 2: identity third, a pre-shared key"));
}

static void a_responder_with_a_round_too_many_is_refused(void **state)
{
    (void)state;
    struct plan b = expects_both;
    b.local[1] = (struct round)SECRET("third");
    up_with(machine_and_user, b);
    expect_refused(0, "the peer wants to authenticate itself once more");
}

/* The responder has no connection with several rounds, and does not say that it takes them. */
static void rounds_with_a_peer_that_does_not_speak_of_them_are_not_begun(void **state)
{
    (void)state;
    up_with(machine_and_user, (struct plan){.local = {KEY("sun")}, .remote = {KEY("moon")}});
    expect_refused(0, "the peer does not take several rounds of authentication");
    assert_int_equal(p.sent, 2);
}

static void one_round_is_said_without_a_word_about_several(void **state)
{
    (void)state;
    up_with((struct plan){.local = {KEY("moon")}, .remote = {KEY("sun")}},
            (struct plan){.local = {KEY("sun")}, .remote = {KEY("moon")}});
    expect_up();
    assert_int_equal(p.sent, 4);
    assert_false(pair_logged(&p, 1, "round 1"));
}

/* ---- what waits until the end ---- */

static unsigned n_auth;

static bool lose_second_round(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_AUTH || rogue_is_response(k) || ++n_auth < 2;
}

static void nothing_is_made_of_a_first_round_alone(void **state)
{
    (void)state;
    n_auth = 0;
    p.filter = lose_second_round;
    up_with(machine_and_user, expects_both);
    assert_true(pair_logged(&p, 1, "round 1 of 2: the peer is moon"));
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
        assert_int_equal(p.side[side].policies, 0);
        assert_int_equal(p.side[side].ike_ups, 0);
    }
    pair_advance(&p, 31 * TIME_SECOND);
    assert_true(pair_logged(&p, 1, "the peer did not go on after a round of authentication"));
    assert_true(list_empty(&p.side[1].e->sas));
}

static void the_second_round_may_come_late(void **state)
{
    (void)state;
    n_auth = 0;
    p.filter = lose_second_round;
    up_with(machine_and_user, expects_both);
    p.filter = NULL;
    pair_advance(&p, 10 * TIME_SECOND);
    expect_up();
}

/* ---- lies ---- */

static int rewrite_from;
static uint16_t rewrite_notify;
static unsigned n_rewritten;

static void hide_notify(void *ctx, const struct chain *c)
{
    (void)ctx;
    uint8_t next = c->first;
    for (size_t at = 0; next && at + 8 <= c->len;) {
        uint8_t *type = c->at + at + 6;
        if (next == PAYLOAD_NOTIFY && (type[0] << 8 | type[1]) == rewrite_notify) {
            type[0] = 0xbf; /* a private status, which is ignored */
            n_rewritten++;
        }
        next = c->at[at];
        at += (size_t)c->at[at + 2] << 8 | c->at[at + 3];
    }
}

static bool hides(void *ctx, struct pair_packet *k)
{
    if (k->from == rewrite_from && k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH)
        rogue_open(&p, k, hide_notify, ctx);
    return true;
}

static void up_hiding(int from, uint16_t notify, struct plan a, struct plan b)
{
    rewrite_from = from;
    rewrite_notify = notify;
    n_rewritten = 0;
    p.filter = hides;
    up_with(a, b);
    p.filter = NULL;
    assert_int_equal(n_rewritten, 1);
}

static void a_first_round_that_announces_no_other_is_refused(void **state)
{
    (void)state;
    up_hiding(0, N_ANOTHER_AUTH_FOLLOWS, machine_and_user, expects_both);
    expect_refused(1, "expected round 2 of 2: identity user, a pre-shared key");
    assert_true(pair_logged(&p, 1, "got no ANOTHER_AUTH_FOLLOWS in round 1"));
}

static void a_responders_first_round_that_announces_no_other_is_refused(void **state)
{
    (void)state;
    up_hiding(1, N_ANOTHER_AUTH_FOLLOWS,
              (struct plan){
                  .local = {SECRET("moon") },
                    .remote = { KEY("sun"), SECRET("user")}
    },
              (struct plan){.local = {KEY("sun"), SECRET("user")}, .remote = {SECRET("moon")}});
    expect_refused(0, "the peer leaves out a round of authentication");
}

static void an_initiator_that_does_not_say_that_it_takes_rounds_is_refused(void **state)
{
    (void)state;
    up_hiding(0, N_MULTIPLE_AUTH_SUPPORTED, machine_and_user, expects_both);
    expect_refused(1, "the peer does not say that it takes them");
}

static struct seen {
    uint8_t init[2][4096];
    size_t init_len[2];
    int from;
    unsigned rounds;
} seen;

/* AUTH again, apart from the engine: each round over its own ID payload [RFC4739#2.1]. */
static void check_round(void *ctx, const struct chain *c)
{
    (void)ctx;
    const struct ike_sa *sa = rogue_sa(&p, seen.from);
    size_t id_len, auth_len, own_len;
    uint8_t own[PRF_MAX_LEN];
    const uint8_t *id = chain_find(c, PAYLOAD_IDI, &id_len);
    const uint8_t *auth = chain_find(c, PAYLOAD_AUTH, &auth_len);
    assert_true(id && auth);
    bool is_user = span_equal(span_of(id + 8, id_len - 8), span_str("user"));
    assert_int_equal(is_user, seen.rounds == 1);
    struct auth_input in = {.prf = sa->chosen.prf,
                            .message = span_of(seen.init[0], seen.init_len[0]),
                            .nonce = nonce_view(&sa->nr),
                            .sk_p = secret_view(&sa->keys.sk_pi),
                            .id_body = span_of(id + 4, id_len - 4)};
    assert_true(auth_psk(&in, span_str(is_user ? "that of the user" : "that of the machine"), own, &own_len));
    assert_span_equal(span_of(auth + 8, auth_len - 8), span_of(own, own_len));
    seen.rounds++;
}

static bool watch(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT) {
        memcpy(seen.init[k->from], k->bytes, k->len);
        seen.init_len[k->from] = k->len;
    }
    seen.from = k->from;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && k->from == 0)
        rogue_open(&p, k, check_round, ctx);
    return true;
}

static void each_round_is_over_its_own_identity(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    p.filter = watch;
    up_with(
        (struct plan){
            .local = {SECRET("moon"), SECRET("user")},
              .remote = {SECRET("sun")             }
    },
        (struct plan){.local = {SECRET("sun")}, .remote = {SECRET("moon"), SECRET("user")}});
    assert_int_equal(seen.rounds, 2);
    expect_up();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_machine_proves_itself_and_then_its_user),
        T(two_secrets_one_after_the_other),
        T(a_responder_proves_itself_twice),
        T(both_prove_themselves_twice_at_the_same_time),
        T(one_side_may_have_more_rounds_than_the_other),
        T(a_responder_may_have_more_rounds_than_the_initiator),
        T(a_ppk_goes_into_all_rounds),
        T(an_ike_sa_of_several_rounds_is_rekeyed_like_any_other),
        T(reauthentication_with_several_rounds_leaves_no_moment_without_traffic),
        T(a_later_round_decides_which_connection_is_meant),
        T(no_connection_is_reached_with_another_ones_first_round),
        T(who_has_one_round_finds_its_connection_beside_one_with_two),
        T(a_wrong_second_round_is_refused),
        T(a_second_round_of_somebody_else_is_refused),
        T(a_second_round_by_another_method_is_refused),
        T(a_responders_wrong_second_round_is_refused),
        T(a_responders_second_round_of_somebody_else_is_refused),
        T(an_initiator_that_has_one_round_is_told_which_is_missing),
        T(an_initiator_with_a_round_too_few_is_told_which),
        T(an_initiator_with_a_round_too_many_is_refused),
        T(a_responder_with_a_round_too_few_is_told_which),
        T(a_responder_with_a_round_too_many_is_refused),
        T(rounds_with_a_peer_that_does_not_speak_of_them_are_not_begun),
        T(one_round_is_said_without_a_word_about_several),
        T(nothing_is_made_of_a_first_round_alone),
        T(the_second_round_may_come_late),
        T(a_first_round_that_announces_no_other_is_refused),
        T(a_responders_first_round_that_announces_no_other_is_refused),
        T(an_initiator_that_does_not_say_that_it_takes_rounds_is_refused),
        T(each_round_is_over_its_own_identity),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
