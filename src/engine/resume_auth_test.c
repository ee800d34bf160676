/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH of a resumed session (RFC 5723 section 4.3.3), computed a second time here: what it covers, and what
 * becomes of peers for which that is their first message alone. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static void resumes(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    conn->resumes_sessions = conn->detects_crashes = true;
}

static const struct pair_spec client = {.tweak = resumes,
                                        .local_id = "@moon",
                                        .remote_id = "@sun",
                                        .dpd_delay = 10 * TIME_SECOND,
                                        .dpd_action = DPD_RESTART,
                                        .starts = true,
                                        .retries_forever = true},
                              gateway = {.tweak = resumes, .local_id = "@sun", .remote_id = "@moon"};

/* ---- the conversation, as somebody with all keys sees it ---- */

enum kind { NO_AUTH, LONG_AUTH, SHORT_AUTH, OTHER_AUTH };

static struct {
    uint8_t first[2][4096]; /* the last IKE_SESSION_RESUME of each side */
    size_t first_len[2];
    unsigned inits, resumptions;
    unsigned spoils;                  /* this many requests' AUTH are spoilt */
    bool shortens_answer;             /* the responder's AUTH is made over its message alone */
    const struct pair_packet *packet; /* that is looked at */
    enum kind kinds[2][8];
    size_t n_kinds[2];
} seen;

static void make(bool is_short, const struct chain *c, uint8_t *out, size_t *len)
{
    const struct ike_sa *sa = rogue_sa_of(&p, seen.packet);
    int from = seen.packet->from;
    bool is_i = from == 0;
    size_t id_len;
    uint8_t maced[PRF_MAX_LEN];
    const uint8_t *id = chain_find(c, is_i ? PAYLOAD_IDI : PAYLOAD_IDR, &id_len);
    struct span key = secret_view(is_i ? &sa->keys.sk_pi : &sa->keys.sk_pr);
    const struct span body = span_of(id + 4, id_len - 4);
    assert_non_null(id);
    assert_true(prf_compute(sa->chosen.prf, key, &body, 1, maced));
    *len = prf_len(sa->chosen.prf);
    /* [RFC7296#2.15] */
    const struct span parts[] = {span_of(seen.first[from], seen.first_len[from]),
                                 nonce_view(is_i ? &sa->nr : &sa->ni), span_of(maced, *len)};
    assert_true(prf_compute(sa->chosen.prf, key, parts, is_short ? 1 : 3, out));
}

static void look_at_auth(void *ctx, const struct chain *c)
{
    uint8_t own[PRF_MAX_LEN];
    int from = seen.packet->from;
    size_t auth_len, len;
    enum kind kind = OTHER_AUTH;
    uint8_t *auth = chain_find(c, PAYLOAD_AUTH, &auth_len);
    (void)ctx;
    if (auth) {
        assert_int_equal(auth[4], AUTH_WIRE_PSK);
        for (int is_short = 0; is_short < 2; is_short++) {
            make(is_short, c, own, &len);
            if (auth_len == 8 + len && memcmp(auth + 8, own, len) == 0)
                kind = is_short ? SHORT_AUTH : LONG_AUTH;
        }
    }
    assert_true(seen.n_kinds[from] < ARRAY_LEN(seen.kinds[0]));
    seen.kinds[from][seen.n_kinds[from]++] = auth ? kind : NO_AUTH;
    if (auth && from == 0 && seen.spoils) {
        seen.spoils--;
        auth[8] ^= 1;
    }
    if (auth && from == 1 && seen.shortens_answer) {
        make(true, c, own, &len);
        memcpy(auth + 8, own, len);
    }
}

static bool look(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    bool is_response = rogue_is_response(k);
    uint8_t exchange = k->bytes[AT_EXCHANGE];
    seen.inits += exchange == EXCHANGE_IKE_SA_INIT && !is_response;
    if (exchange == EXCHANGE_IKE_SESSION_RESUME) {
        seen.resumptions += !is_response;
        seen.first_len[k->from] = k->len;
        memcpy(seen.first[k->from], k->bytes, k->len);
    }
    seen.packet = k;
    if (exchange == EXCHANGE_IKE_AUTH && !seen.inits)
        rogue_open(&p, k, look_at_auth, NULL);
    return true;
}

static void begin(void)
{
    pair_secret(&p, 0);
    pair_secret(&p, 1);
    up(&client, &gateway);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void crash(void)
{
    memset(&seen, 0, sizeof(seen));
    p.filter = look;
    pair_restart(&p, 1);
    pair_load(&p, 1, &gateway);
}

static void expect_up(bool is_resumed)
{
    struct ike_view v = {0};
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 1);
        assert_int_equal(pair_children(&p, side), 1);
        assert_true(engine_ike_at(p.side[side].e, 0, &v));
        assert_int_equal(v.is_resumed, is_resumed);
    }
    assert_true(pair_traffic_fits(&p));
}

/* The n-th IKE_AUTH of each side, and whether it was the last. */
static void expect_auth(size_t n, enum kind request, enum kind response, bool is_last)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(seen.kinds[side][n], side ? response : request);
        assert_int_equal(seen.n_kinds[side] == n + 1, is_last);
    }
}

/* ---- tests ---- */

static void auth_of_a_resumed_session_covers_message_nonce_and_identity(void **state)
{
    (void)state;
    begin();
    crash();
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
    expect_auth(0, LONG_AUTH, LONG_AUTH, true);
}

static void who_covers_the_first_message_alone_is_answered_alike(void **state)
{
    (void)state;
    begin();
    conn_run_find(p.side[0].e, "net")->has_short_auth = true;
    crash();
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
    expect_auth(0, SHORT_AUTH, SHORT_AUTH, true);
    assert_true(conn_run_find(p.side[1].e, "net")->has_short_auth);
}

static void a_peer_that_refuses_auth_is_asked_with_the_first_message_alone(void **state)
{
    (void)state;
    begin();
    crash();
    seen.spoils = 1;
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
    assert_int_equal(seen.resumptions, 2); /* with one ticket, and no full exchange between them */
    assert_int_equal(seen.inits, 0);
    expect_auth(0, LONG_AUTH, NO_AUTH, false);
    expect_auth(1, SHORT_AUTH, SHORT_AUTH, true);
    crash(); /* and the next time at once */
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
    assert_int_equal(seen.resumptions, 1);
    expect_auth(0, SHORT_AUTH, SHORT_AUTH, true);
}

static void one_that_took_the_first_message_alone_may_have_become_another(void **state)
{
    (void)state;
    begin();
    conn_run_find(p.side[0].e, "net")->has_short_auth = true;
    crash();
    seen.spoils = 1;
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
    expect_auth(0, SHORT_AUTH, NO_AUTH, false);
    expect_auth(1, LONG_AUTH, LONG_AUTH, true);
    assert_false(conn_run_find(p.side[0].e, "net")->has_short_auth);
}

static void after_two_refusals_a_full_exchange_follows(void **state)
{
    (void)state;
    begin();
    crash();
    seen.spoils = 10;
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(false);
    assert_int_equal(seen.resumptions, 2);
    assert_int_equal(seen.inits, 1);
    crash();
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
    expect_auth(0, LONG_AUTH, LONG_AUTH, true);
}

static void the_responder_may_not_leave_out_what_the_initiator_covered(void **state)
{
    (void)state;
    begin();
    crash();
    seen.shortens_answer = true;
    pair_advance(&p, 12 * TIME_SECOND);
    assert_true(pair_logged(&p, 0, "does not have the keys of the session"));
    assert_int_equal(engine_stats(p.side[0].e)->resumed, 0);
    pair_advance(&p, 40 * TIME_SECOND);
    expect_up(false);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(auth_of_a_resumed_session_covers_message_nonce_and_identity),
        T(who_covers_the_first_message_alone_is_answered_alike),
        T(a_peer_that_refuses_auth_is_asked_with_the_first_message_alone),
        T(one_that_took_the_first_message_alone_may_have_become_another),
        T(after_two_refusals_a_full_exchange_follows),
        T(the_responder_may_not_leave_out_what_the_initiator_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
