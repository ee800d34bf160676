/* SPDX-License-Identifier: Apache-2.0 */
/* Quick crash detection (RFC 6290): what a restart proves, and that nobody else can prove it; no token leaves
 * as long as its SA is there. */
#include "ike/v2/crash.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static void detects(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    conn->detects_crashes = true;
}

static const struct pair_spec starts = {.tweak = detects,
                                        .dpd_delay = 10 * TIME_SECOND,
                                        .dpd_action = DPD_RESTART,
                                        .starts = true,
                                        .retries_forever = true};
static const struct pair_spec waits = {.tweak = detects};

static void up_with_secrets(const struct pair_spec *a, const struct pair_spec *b)
{
    pair_secret(&p, 0);
    pair_secret(&p, 1);
    up(a, b);
    assert_int_equal(pair_children(&p, 0), 1);
}

static bool has_token(int side)
{
    struct ike_view v = {0};
    return engine_ike_at(p.side[side].e, 0, &v) && v.has_crash_token;
}

/* ---- what is said in the clear */

static unsigned answers, tokens; /* INVALID_IKE_SPI, and those with a token, on the wire */
static struct pair_packet last_answer;

static bool look(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->bytes[AT_FIRST] != PAYLOAD_NOTIFY || k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT)
        return true;
    answers++;
    tokens += k->bytes[28] == PAYLOAD_NOTIFY; /* a second notify follows the first */
    last_answer = *k;
    return true;
}

static void watch(void)
{
    answers = tokens = 0;
    p.filter = look;
}

static void inject(int side, const struct pair_packet *k)
{
    pair_input(&p, side,
               &(struct input){
                   .kind = INPUT_DATAGRAM,
                   .datagram = {.local = k->dst,
                                .remote = k->src,
                                .is_natt = k->is_natt,
                                .bytes = span_of(k->bytes, k->len)}
    });
}

static void lives_on(int side)
{
    assert_int_equal(pair_ikes(&p, side), 1);
    assert_int_equal(p.side[side].ike_downs, 0);
}

/* ---- tests */

static void both_ends_get_a_token(void **state)
{
    (void)state;
    up_with_secrets(&starts, &waits);
    assert_true(has_token(0) && has_token(1));
    assert_memory_not_equal(rogue_sa(&p, 0)->crash_token.ptr, rogue_sa(&p, 1)->crash_token.ptr, 32);
}

static void without_a_secret_or_the_wish_there_are_no_tokens(void **state)
{
    (void)state;
    const struct pair_spec plain = {0};
    pair_secret(&p, 0);
    up(&waits, &waits); /* side 1 has no secret */
    assert_false(has_token(0));
    assert_true(has_token(1));
    teardown(NULL);
    setup(NULL);
    up_with_secrets(&waits, &plain);
    assert_false(has_token(0) || has_token(1)); /* nor is one kept that was not wished for */
}

static void a_restarted_responder_is_noticed_at_the_first_question(void **state)
{
    (void)state;
    up_with_secrets(&starts, &waits);
    pair_restart(&p, 1);
    pair_load(&p, 1, &waits);
    watch();
    pair_advance(&p, 10 * TIME_SECOND + TIME_MS); /* the first liveness check, and no repetition of it */
    assert_int_equal(tokens, 1);
    assert_int_equal(p.side[0].ike_downs, 1);
    assert_true(pair_logged(&p, 0, "has lost IKE SA"));
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    assert_int_equal(engine_stats(p.side[0].e)->crashes_detected, 1);
}

static void a_restarted_initiator_is_noticed_too(void **state)
{
    (void)state;
    struct pair_spec watches = waits;
    watches.dpd_delay = 10 * TIME_SECOND;
    up_with_secrets(&waits, &watches);
    pair_restart(&p, 0);
    pair_load(&p, 0, &waits); /* which begins nothing by itself */
    pair_advance(&p, 10 * TIME_SECOND + TIME_MS);
    assert_int_equal(p.side[1].ike_downs, 1);
    assert_int_equal(p.side[1].n_sas, 0);
}

static void a_machine_with_another_secret_proves_nothing(void **state)
{
    (void)state;
    uint8_t other[MACHINE_SECRET] = {1};
    up_with_secrets(&starts, &waits);
    pair_restart(&p, 1);
    pair_load(&p, 1, &waits);
    pair_input(&p, 1, &(struct input){.kind = INPUT_SECRET, .secret = span_of(other, sizeof(other))});
    watch();
    pair_advance(&p, 12 * TIME_SECOND);
    assert_true(tokens > 1);
    lives_on(0);
    pair_advance(&p, 20 * TIME_SECOND); /* liveness checks find out all the same */
    assert_int_equal(p.side[0].ike_downs, 1);
}

static void the_token_goes_with_a_rekeyed_sa(int who)
{
    up_with_secrets(&starts, &waits);
    struct ike_view v = {0};
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    uint64_t before = v.spi_i;
    pair_command(&p, who, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    assert_int_not_equal(v.spi_i, before);
    assert_true(has_token(0) && has_token(1));
    pair_restart(&p, 1);
    pair_load(&p, 1, &waits);
    pair_advance(&p, 11 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_downs, 1);
    assert_int_equal(engine_stats(p.side[0].e)->crashes_detected, 1);
}

static void a_rekey_by_the_initiator_brings_new_tokens(void **state)
{
    (void)state;
    the_token_goes_with_a_rekeyed_sa(0);
}

static void a_rekey_by_the_responder_brings_new_tokens(void **state)
{
    (void)state;
    the_token_goes_with_a_rekeyed_sa(1);
}

/* A sealed request of side 0 that was not delivered. */
static struct pair_packet question(void)
{
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    assert_int_equal(p.n_wire, 1);
    struct pair_packet k = p.wire[0];
    p.n_wire = 0;
    return k;
}

static void no_token_is_shown_of_an_sa_that_is_up(void **state)
{
    (void)state;
    up_with_secrets(&waits, &waits);
    struct pair_packet k = question();
    watch();
    for (int change = 0; change < 4; change++) {
        for (int side = 0; side < 2; side++) {
            struct pair_packet forged = k;
            if (change == 1 || change == 3)
                forged.bytes[AT_FLAGS] ^= IKE_FLAG_INITIATOR; /* as if the other end had sent it */
            if (change >= 2)
                forged.bytes[27]++, forged.bytes[AT_EXCHANGE] = EXCHANGE_INFORMATIONAL;
            inject(side, &forged);
            p.n_wire = 0;
        }
    }
    assert_int_equal(tokens, 0);
    lives_on(0);
    lives_on(1);
}

/* One SPI of an SA that is up, another of the peer's: half of what is asked about is alive. */
static void no_token_is_shown_for_an_spi_that_is_in_use(void **state)
{
    (void)state;
    up_with_secrets(&waits, &waits);
    struct pair_packet k = question();
    watch();
    for (int at = 0; at < 16; at += 8) {
        for (int side = 0; side < 2; side++) {
            bool is_own = side == (at == 8);
            struct pair_packet forged = k;
            forged.bytes[at] ^= 0x80;
            if (!is_own)
                inject(side, &forged);
            p.n_wire = 0;
        }
    }
    assert_int_equal(answers, 2);
    assert_int_equal(tokens, 0);
}

/* The peer has the new IKE SA and asks something in it, before its answer to our rekeying is here. */
static void no_token_is_shown_of_an_sa_in_the_making(void **state)
{
    (void)state;
    up_with_secrets(&waits, &waits);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    assert_true(pair_deliver(&p));
    assert_int_equal(p.n_wire, 1); /* the answer to the rekeying */
    struct pair_packet answer = p.wire[0];
    p.n_wire = 0;
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net");
    assert_int_equal(p.n_wire, 1); /* in the new SA */
    watch();
    assert_true(pair_deliver(&p));
    assert_int_equal(answers, 1);
    assert_int_equal(tokens, 0);
    p.n_wire = 0;
    inject(0, &answer);
    pair_run(&p);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void what_is_gone_is_proven_without_a_restart(void **state)
{
    (void)state;
    up_with_secrets(&waits, &waits);
    struct pair_packet k = question();
    p.is_cut = true; /* the Delete is lost */
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_advance(&p, 120 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 0);
    p.is_cut = false;
    watch();
    inject(1, &k);
    assert_int_equal(tokens, 1);
}

/* ---- what is not believed */

/* Side 0 asks; the answer of a side 1 that was started anew is caught. */
static struct pair_packet catch_proof(void)
{
    up_with_secrets(&waits, &waits);
    struct pair_packet k = question();
    pair_restart(&p, 1);
    pair_load(&p, 1, &waits);
    watch();
    inject(1, &k);
    assert_int_equal(tokens, 1);
    p.n_wire = 0;
    return last_answer;
}

static void the_proof_is_believed_as_it_is(void **state)
{
    (void)state;
    struct pair_packet k = catch_proof();
    inject(0, &k);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(p.side[0].n_sas, 0);
}

static void no_changed_token_is_believed(void **state)
{
    (void)state;
    struct pair_packet k = catch_proof();
    p.is_cut = true; /* or repetitions would be answered well */
    for (size_t at = k.len - 32; at < k.len; at++) {
        struct pair_packet forged = k;
        forged.bytes[at] ^= 1;
        inject(0, &forged);
        pair_advance(&p, 200 * TIME_MS);
        assert_int_equal(pair_ikes(&p, 0), 1);
    }
    assert_true(pair_logged(&p, 0, "wrong token"));
}

static void no_shorter_token_is_believed(void **state)
{
    (void)state;
    struct pair_packet k = catch_proof();
    p.is_cut = true;
    for (uint8_t len = 0; len < 32; len++) {
        struct pair_packet forged = k;
        forged.len = k.len - 32 + len;
        forged.bytes[27] = (uint8_t)forged.len;
        forged.bytes[k.len - 32 - 5] = (uint8_t)(8 + len); /* the payload's length */
        inject(0, &forged);
        pair_advance(&p, 200 * TIME_MS);
        assert_int_equal(pair_ikes(&p, 0), 1);
    }
}

static void a_token_that_answers_nothing_is_not_believed(void **state)
{
    (void)state;
    struct pair_packet k = catch_proof();
    struct pair_packet request = k, other_id = k, other_exchange = k;
    request.bytes[AT_FLAGS] &= (uint8_t)~IKE_FLAG_RESPONSE;
    other_id.bytes[23]++;
    other_exchange.bytes[AT_EXCHANGE] = EXCHANGE_IKE_SA_INIT;
    inject(0, &request);
    inject(0, &other_id);
    inject(0, &other_exchange);
    assert_int_equal(pair_ikes(&p, 0), 1);
}

static void wrong_tokens_are_looked_at_only_so_often(void **state)
{
    (void)state;
    struct pair_packet k = catch_proof(), forged = k;
    p.is_cut = true;
    forged.bytes[k.len - 1] ^= 1;
    for (int i = 0; i < 50; i++)
        inject(0, &forged);
    inject(0, &k); /* within the same second: not looked at */
    assert_int_equal(pair_ikes(&p, 0), 1);
    pair_advance(&p, TIME_SECOND);
    inject(0, &k);
    assert_int_equal(pair_ikes(&p, 0), 0);
}

/* A token of a few bytes could be guessed. */
static void no_peer_gives_us_a_short_token(void **state)
{
    (void)state;
    struct pl_notify n = {.type = N_QUICK_CRASH_DETECTION};
    struct ike_payload v = {.type = PAYLOAD_NOTIFY};
    struct ike_message m = {.v = &v, .n = 1};
    uint8_t bytes[200] = {7};
    static const struct {
        size_t len;
        bool is_kept;
    } rows[] = {
        {0,   false},
        {1,   false},
        {15,  false},
        {16,  true },
        {128, true },
        {129, false}
    };
    up_with_secrets(&waits, &waits);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        n.data = span_of(bytes, rows[i].len);
        v.notify = n;
        struct secret got = crash_read(rogue_sa(&p, 0), &m);
        assert_int_equal(got.len, rows[i].is_kept ? rows[i].len : 0);
        secret_free(&got);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(both_ends_get_a_token),
        T(without_a_secret_or_the_wish_there_are_no_tokens),
        T(a_restarted_responder_is_noticed_at_the_first_question),
        T(a_restarted_initiator_is_noticed_too),
        T(a_machine_with_another_secret_proves_nothing),
        T(a_rekey_by_the_initiator_brings_new_tokens),
        T(a_rekey_by_the_responder_brings_new_tokens),
        T(no_token_is_shown_of_an_sa_that_is_up),
        T(no_token_is_shown_for_an_spi_that_is_in_use),
        T(no_token_is_shown_of_an_sa_in_the_making),
        T(what_is_gone_is_proven_without_a_restart),
        T(the_proof_is_believed_as_it_is),
        T(no_changed_token_is_believed),
        T(no_shorter_token_is_believed),
        T(a_token_that_answers_nothing_is_not_believed),
        T(wrong_tokens_are_looked_at_only_so_often),
        T(no_peer_gives_us_a_short_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
