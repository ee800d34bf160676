/* SPDX-License-Identifier: Apache-2.0 */
/* Key exchange values that are none (draft-ietf-ipsecme-ikev2-mlkem section 2.2, RFC 8031 section 3.2): what
 * is said about them, and what is left. A ciphertext that was tampered with is no such value: it gives other
 * keys, which the first message under them shows. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

enum { KE_DATA = 4 + 4, AT_LENGTH = 26 };

struct spoil {
    uint8_t exchange;
    bool is_response;
    void (*data)(uint8_t *data, size_t len);
    unsigned done;
    uint16_t answer; /* the notify that was answered with */
};

static void no_residue(uint8_t *data, size_t len)
{
    assert_int_equal(len, 800);
    data[0] = 0xff; /* the first coefficient becomes 4095 */
    data[1] |= 0x0f;
}

static void small_order(uint8_t *data, size_t len)
{
    assert_int_equal(len, 32);
    memset(data, 0, len);
}

static void spoil_payload(void *ctx, const struct chain *c)
{
    struct spoil *s = ctx;
    size_t len;
    uint8_t *ke = chain_find(c, PAYLOAD_KE, &len);
    assert_non_null(ke);
    s->data(ke + KE_DATA, len - KE_DATA);
    s->done++;
}

static void note_answer(void *ctx, const struct chain *c)
{
    struct spoil *s = ctx;
    size_t len;
    const uint8_t *notify = chain_find(c, PAYLOAD_NOTIFY, &len);
    if (notify)
        s->answer = (uint16_t)(notify[6] << 8 | notify[7]);
}

static bool rogue(void *ctx, struct pair_packet *k)
{
    struct spoil *s = ctx;
    bool is_clear = k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT;
    struct chain clear = {
        .first = k->bytes[AT_FIRST], .at = k->bytes + IKE_HEADER_LEN, .len = k->len - IKE_HEADER_LEN};
    void (*look)(void *, const struct chain *) = note_answer;
    if (k->bytes[AT_EXCHANGE] != s->exchange)
        return true;
    if (rogue_is_response(k) == s->is_response)
        look = spoil_payload;
    if (is_clear)
        look(s, &clear);
    else
        rogue_open(&p, k, look, s);
    return true;
}

static void a_key_that_is_none_is_answered_with_invalid_syntax_at_once(void **state)
{
    (void)state;
    struct pair_spec spec = {.ike = {"aes256gcm16-prfsha384-mlkem512"}};
    struct spoil s = {EXCHANGE_IKE_SA_INIT, false, no_residue, 0, 0};
    p.filter = rogue;
    p.ctx = &s;
    up(&spec, &spec);
    assert_int_equal(s.done, 1);
    assert_int_equal(s.answer, N_INVALID_SYNTAX);
    assert_true(list_empty(&p.side[1].e->sas)); /* nothing is kept for it */
    assert_true(pair_logged(&p, 1, "key exchange value is invalid"));
    assert_false(list_empty(&p.side[0].e->sas)); /* in the clear: not believed at once */
    pair_advance(&p, 5 * TIME_SECOND);
    assert_true(pair_logged(&p, 0, "got INVALID_SYNTAX"));
    assert_true(list_empty(&p.side[0].e->sas));
}

/* The last byte of the value is taken out of the message. */
static bool shorten(void *ctx, struct pair_packet *k)
{
    struct spoil *s = ctx;
    size_t len;
    struct chain c = {
        .first = k->bytes[AT_FIRST], .at = k->bytes + IKE_HEADER_LEN, .len = k->len - IKE_HEADER_LEN};
    if (k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_SA_INIT)
        return true;
    if (rogue_is_response(k)) {
        note_answer(s, &c);
        return true;
    }
    uint8_t *ke = chain_find(&c, PAYLOAD_KE, &len), *end = k->bytes + k->len;
    memmove(ke + len - 1, ke + len, (size_t)(end - (ke + len)));
    k->len--;
    ke[2] = (uint8_t)((len - 1) >> 8);
    ke[3] = (uint8_t)(len - 1);
    k->bytes[AT_LENGTH] = (uint8_t)(k->len >> 8);
    k->bytes[AT_LENGTH + 1] = (uint8_t)k->len;
    s->done++;
    return true;
}

static void a_key_of_another_length_is_answered_with_invalid_syntax_without_a_job(void **state)
{
    (void)state;
    static const char *const methods[] = {"aes256gcm16-prfsha384-mlkem512", "aes256gcm16-prfsha384-x25519"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct pair_spec spec = {.ike = {methods[i]}};
        struct spoil s = {0};
        p.filter = shorten;
        p.ctx = &s;
        p.side[1].holds_jobs = true;
        up(&spec, &spec);
        assert_int_equal(s.done, 1);
        assert_int_equal(s.answer, N_INVALID_SYNTAX);
        assert_int_equal(p.side[1].n_held, 0);
        assert_true(list_empty(&p.side[1].e->sas));
        pair_deinit(&p);
        pair_init(&p);
    }
}

static void a_rekey_with_a_key_that_is_none_is_refused_and_costs_nothing(void **state)
{
    (void)state;
    struct pair_spec spec = {.ike = {"aes256gcm16-prfsha384-mlkem512"}, .esp = {"aes256gcm16-mlkem512"}};
    for (int of_ike = 0; of_ike < 2; of_ike++) {
        struct spoil s = {EXCHANGE_CREATE_CHILD_SA, false, no_residue, 0, 0};
        up(&spec, &spec);
        p.filter = rogue;
        p.ctx = &s;
        pair_command(&p, 0, COMMAND_REKEY, of_ike ? "net" : NULL, of_ike ? NULL : "net");
        pair_run(&p);
        assert_int_equal(s.done, 1);
        assert_int_equal(s.answer, N_INVALID_SYNTAX);
        assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 2);
        assert_int_equal(pair_children(&p, 0) + pair_children(&p, 1), 2);
        assert_int_equal(p.side[0].child_rekeys + p.side[0].ike_rekeys, 0);
        pair_deinit(&p);
        pair_init(&p);
    }
}

/* The responder believes in what it answered with, and learns that nobody else does. */
static void an_answer_to_a_rekey_that_is_no_value_ends_the_ike_sa_at_both_ends(void **state)
{
    (void)state;
    struct pair_spec spec = {.esp = {"aes256gcm16-x25519"}, .dpd_delay = 10 * TIME_SECOND};
    for (int of_ike = 0; of_ike < 2; of_ike++) {
        struct spoil s = {EXCHANGE_CREATE_CHILD_SA, true, small_order, 0, 0};
        up(&spec, &spec);
        p.filter = rogue;
        p.ctx = &s;
        pair_command(&p, 0, COMMAND_REKEY, of_ike ? "net" : NULL, of_ike ? NULL : "net");
        pair_run(&p);
        assert_int_equal(s.done, 1);
        assert_true(pair_logged(&p, 0, "key exchange value is invalid"));
        assert_int_equal(p.side[0].ike_downs, 1);
        assert_int_equal(pair_ikes(&p, 0), 0);
        pair_advance(&p, 300 * TIME_SECOND); /* a new IKE SA that nobody else has shows itself dead */
        assert_int_equal(pair_ikes(&p, 1), 0);
        assert_int_equal(p.side[0].n_sas + p.side[1].n_sas, 0);
        pair_deinit(&p);
        pair_init(&p);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_key_that_is_none_is_answered_with_invalid_syntax_at_once),
        T(a_key_of_another_length_is_answered_with_invalid_syntax_without_a_job),
        T(a_rekey_with_a_key_that_is_none_is_refused_and_costs_nothing),
        T(an_answer_to_a_rekey_that_is_no_value_ends_the_ike_sa_at_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
