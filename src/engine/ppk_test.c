/* SPDX-License-Identifier: Apache-2.0 */
/* Postquantum preshared keys (RFC 8784): every row of its table 1 and what follows from it, downgrades by
 * somebody on the path, and what a rekey keeps. Pads: ppk_pad_test.c. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

struct side_ppk {
    const char *id, *name, *secret; /* ppk_id; the PPK that there is, and its value */
    bool required;
};
static struct side_ppk ppks[2];

static void give_ppk(struct config *c, struct connection *conn, struct child_config *children)
{
    const struct side_ppk *s = &ppks[conn->local_addrs[0].from.b[3] - 1];
    struct identity *id = arena_calloc(c->arena, 2, sizeof(*id));
    const char *why;
    (void)children;
    if (s->id) {
        assert_true(identity_parse(c->arena, s->id, &id[0], &why));
        conn->ppk_id = &id[0];
    }
    conn->ppk_required = s->required;
    if (!s->name)
        return;
    assert_true(identity_parse(c->arena, s->name, &id[1], &why));
    c->ppks = arena_calloc(c->arena, 1, sizeof(*c->ppks));
    c->ppks[0] = (struct ppk){.ids = &id[1], .n_ids = 1, .secret = secret_copy(span_str(s->secret))};
    c->n_ppks = 1;
}

static const struct side_ppk has = {"vault", "vault", "what nobody guesses", false};
static const struct side_ppk needs = {"vault", "vault", "what nobody guesses", true};
static const struct side_ppk answers = {NULL, "vault", "what nobody guesses", false};
static const struct side_ppk has_another = {"cellar", "cellar", "what nobody guesses", false};
static const struct side_ppk needs_another = {"cellar", "cellar", "what nobody guesses", true};
static const struct side_ppk has_wrong = {"vault", "vault", "what nobody guessed", false};
static const struct side_ppk none;

static void up_with(struct side_ppk a, struct side_ppk b)
{
    struct pair_spec s = {.tweak = give_ppk};
    ppks[0] = a;
    ppks[1] = b;
    up(&s, &s);
}

static bool is_used(int side)
{
    struct ike_view v = {0};
    return engine_ike_at(p.side[side].e, 0, &v) && v.has_ppk;
}

static void expect_up(bool with_ppk)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_children(&p, side), 1);
        assert_int_equal(is_used(side), with_ppk);
        assert_true(!with_ppk || pair_logged(&p, side, "PPK vault is mixed into the keys"));
    }
    assert_true(pair_traffic_fits(&p));
}

static void expect_refused(const char *initiators, const char *responders)
{
    pair_advance(&p, 60 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
    }
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    if (!pair_logged(&p, 0, initiators) || !pair_logged(&p, 1, responders))
        fail_msg("%s\n%s", p.side[0].log, p.side[1].log);
}

static void again(void)
{
    pair_deinit(&p);
    pair_init(&p);
}

static void a_ppk_that_both_have_is_used(void **state)
{
    (void)state;
    static const struct side_ppk *const who[][2] = {
        {&has,   &has    },
        {&needs, &needs  },
        {&has,   &needs  },
        {&needs, &has    },
        {&has,   &answers},
        {&needs, &answers}
    };
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        up_with(*who[i][0], *who[i][1]);
        expect_up(true);
        again();
    }
}

static void an_optional_ppk_that_one_lacks_is_done_without(void **state)
{
    (void)state;
    up_with(has, none);
    expect_up(false);
    assert_true(pair_logged(&p, 0, "the peer uses no PPK: going on without vault"));
    again();
    up_with(none, has);
    expect_up(false);
    again();
    up_with(answers, has); /* it names none to begin with */
    expect_up(false);
}

static void an_optional_ppk_of_another_name_is_done_without_by_no_ppk_auth(void **state)
{
    (void)state;
    up_with(has, has_another);
    expect_up(false);
    assert_true(pair_logged(&p, 0, "the peer has no PPK vault"));
    assert_true(pair_logged(&p, 1, "there is no PPK vault here"));
}

static void a_ppk_that_the_initiator_requires_and_the_responder_lacks_ends_it(void **state)
{
    (void)state;
    up_with(needs, none);
    expect_refused("the peer uses no PPK, and connection net requires one", "");
    again();
    up_with(needs, has_another);
    expect_refused("got AUTHENTICATION_FAILED", "the peer requires a PPK that is not here");
    assert_true(pair_logged(&p, 0, "and PPK vault")); /* what we sent */
    assert_true(pair_logged(&p, 1, "got PPK_IDENTITY vault"));
}

static void a_ppk_that_the_responder_requires_and_the_initiator_lacks_ends_it(void **state)
{
    (void)state;
    up_with(none, needs);
    expect_refused("got AUTHENTICATION_FAILED", "the peer uses no PPK, and connection net requires it");
    again();
    up_with(has, needs_another);
    expect_refused("got AUTHENTICATION_FAILED", "a PPK that is not here");
}

/* A name that both know and another secret is no lack: there is no way back to none. */
static void a_wrong_ppk_is_refused_even_where_it_is_optional(void **state)
{
    (void)state;
    up_with(has, has_wrong);
    expect_refused("got AUTHENTICATION_FAILED", "try: the same PPK vault on both sides");
    again();
    up_with(needs, has_wrong);
    expect_refused("got AUTHENTICATION_FAILED", "try: the same PPK vault on both sides");
}

static void a_rekey_keeps_what_the_ppk_gave(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        up_with(needs, needs);
        for (int of_ike = 0; of_ike < 2; of_ike++) {
            pair_command(&p, side, COMMAND_REKEY, of_ike ? "net" : NULL, of_ike ? NULL : "net");
            pair_run(&p);
            pair_advance(&p, 30 * TIME_SECOND);
            assert_true(is_used(0) && is_used(1));
            assert_true(pair_traffic_fits(&p));
        }
        pair_command(&p, side, COMMAND_REKEY, NULL, "net"); /* of the IKE SA that replaced the first */
        pair_run(&p);
        assert_true(pair_traffic_fits(&p));
        assert_int_equal(p.side[side].child_rekeys, 2);
        assert_int_equal(p.side[side].ike_rekeys, 1);
        again();
    }
}

static void signatures_are_made_with_the_ppk_and_without_it(void **state)
{
    (void)state;
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *moon =
        testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    struct testca_cert *sun = testca_issue(&(struct testca_spec){.subject = "CN=sun", .san = "DNS:sun"}, ca);
    static const struct side_ppk *const who[][2] = {
        {&has,   &has        },
        {&needs, &needs      },
        {&has,   &has_another},
        {&has,   &none       }
    };
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        struct pair_spec a = {
            .cert = moon, .ca = ca, .local_id = "moon", .remote_id = "sun", .tweak = give_ppk};
        struct pair_spec b = {
            .cert = sun, .ca = ca, .local_id = "sun", .remote_id = "moon", .tweak = give_ppk};
        ppks[0] = *who[i][0];
        ppks[1] = *who[i][1];
        up(&a, &b);
        expect_up(i < 2);
        again();
    }
    ppks[0] = has;
    ppks[1] = has_wrong;
    struct pair_spec a = {.cert = moon, .ca = ca, .local_id = "moon", .remote_id = "sun", .tweak = give_ppk};
    struct pair_spec b = {.cert = sun, .ca = ca, .local_id = "sun", .remote_id = "moon", .tweak = give_ppk};
    up(&a, &b);
    expect_refused("got AUTHENTICATION_FAILED", "try: the same PPK vault on both sides");
    testca_free(sun);
    testca_free(moon);
    testca_free(ca);
}

/* [RFC9370#2.2.2] what IKE_INTERMEDIATE made of the keys comes first, then the PPK; AUTH covers both. */
static void a_ppk_goes_into_the_keys_of_additional_key_exchanges(void **state)
{
    (void)state;
    static const struct side_ppk *const who[][2] = {
        {&needs, &needs      },
        {&has,   &has        },
        {&has,   &has_another}
    };
    for (size_t i = 0; i < ARRAY_LEN(who); i++) {
        struct pair_spec s = {.tweak = give_ppk,
                              .ike = {"aes256gcm16-prfsha384-x25519-ke1_mlkem768"},
                              .esp = {"aes256gcm16-x25519-ke1_mlkem512"}};
        ppks[0] = *who[i][0];
        ppks[1] = *who[i][1];
        up(&s, &s);
        expect_up(i < 2);
        for (int of_ike = 0; of_ike < 2; of_ike++) {
            pair_command(&p, of_ike, COMMAND_REKEY, of_ike ? "net" : NULL, of_ike ? NULL : "net");
            pair_run(&p);
            pair_advance(&p, 30 * TIME_SECOND);
            assert_int_equal(is_used(0) && is_used(1), i < 2);
            assert_true(pair_traffic_fits(&p));
        }
        again();
    }
}

/* ---- what stands in the messages is changed on the way: a notify of one type is made another, unknown one
 */

struct hide {
    uint8_t exchange;
    bool of_response;
    uint16_t type;
    unsigned times, done;
};

static void hide_notify(void *ctx, const struct chain *c)
{
    struct hide *h = ctx;
    struct chain rest = *c;
    for (size_t len; rest.first && rest.len >= 8;) {
        len = (size_t)rest.at[2] << 8 | rest.at[3];
        if (rest.first == PAYLOAD_NOTIFY && (rest.at[6] << 8 | rest.at[7]) == h->type) {
            rest.at[6] = 0xbf;
            h->done++;
            return;
        }
        rest = (struct chain){.first = rest.at[0], .at = rest.at + len, .len = rest.len - len};
    }
}

static bool hide(void *ctx, struct pair_packet *k)
{
    struct hide *h = ctx;
    if (k->bytes[AT_EXCHANGE] != h->exchange || rogue_is_response(k) != h->of_response || h->done == h->times)
        return true;
    if (h->exchange != EXCHANGE_IKE_SA_INIT) {
        rogue_open(&p, k, hide_notify, h);
        return true;
    }
    struct chain c = {
        .first = k->bytes[AT_FIRST], .at = k->bytes + IKE_HEADER_LEN, .len = k->len - IKE_HEADER_LEN};
    hide_notify(h, &c);
    return true;
}

static void a_forged_response_without_use_ppk_does_not_end_it(void **state)
{
    (void)state;
    struct hide h = {EXCHANGE_IKE_SA_INIT, true, N_USE_PPK, 1, 0};
    p.filter = hide;
    p.ctx = &h;
    up_with(needs, has);
    assert_int_equal(h.done, 1);
    assert_true(pair_logged(&p, 0, "waiting 10 s for a better one"));
    pair_advance(&p, 8 * TIME_SECOND); /* the request is repeated, and so is the true response */
    expect_up(true);
}

/* AUTH covers IKE_SA_INIT: who hides USE_PPK from the optional initiator ends up with nothing. */
static void use_ppk_cannot_be_hidden_from_two_who_have_it(void **state)
{
    (void)state;
    for (int of_response = 0; of_response < 2; of_response++) {
        struct hide h = {EXCHANGE_IKE_SA_INIT, of_response != 0, N_USE_PPK, 9, 0};
        p.filter = hide;
        p.ctx = &h;
        up_with(has, has);
        assert_int_equal(h.done, 1);
        assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
        again();
    }
}

static void who_says_use_ppk_and_names_none_is_refused(void **state)
{
    (void)state;
    struct hide h = {EXCHANGE_IKE_AUTH, false, N_PPK_IDENTITY, 1, 0};
    p.filter = hide;
    p.ctx = &h;
    up_with(has, has);
    assert_int_equal(h.done, 1);
    expect_refused("got AUTHENTICATION_FAILED", "the peer said USE_PPK and names no PPK");
}

static void a_responder_that_hides_its_use_of_a_required_ppk_is_refused(void **state)
{
    (void)state;
    struct hide h = {EXCHANGE_IKE_AUTH, true, N_PPK_IDENTITY, 1, 0};
    p.filter = hide;
    p.ctx = &h;
    up_with(needs, has);
    assert_int_equal(h.done, 1);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 0, "the peer did not use PPK vault, and connection net requires it"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_ppk_that_both_have_is_used),
        T(an_optional_ppk_that_one_lacks_is_done_without),
        T(an_optional_ppk_of_another_name_is_done_without_by_no_ppk_auth),
        T(a_ppk_that_the_initiator_requires_and_the_responder_lacks_ends_it),
        T(a_ppk_that_the_responder_requires_and_the_initiator_lacks_ends_it),
        T(a_wrong_ppk_is_refused_even_where_it_is_optional),
        T(a_rekey_keeps_what_the_ppk_gave),
        T(a_ppk_goes_into_the_keys_of_additional_key_exchanges),
        T(signatures_are_made_with_the_ppk_and_without_it),
        T(a_forged_response_without_use_ppk_does_not_end_it),
        T(use_ppk_cannot_be_hidden_from_two_who_have_it),
        T(who_says_use_ppk_and_names_none_is_refused),
        T(a_responder_that_hides_its_use_of_a_required_ppk_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
