/* SPDX-License-Identifier: Apache-2.0 */
/* Session resumption (RFC 5723): who comes back with a ticket, who does not and comes back all the same. */
#include "ike/v2/resume.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static uint64_t hash_of_b;
static const char *psk_of_b;

static void resumes(struct config *c, struct connection *conn, struct child_config *children)
{
    bool is_b = conn->local_addrs[0].from.b[3] == 2;
    (void)children;
    conn->resumes_sessions = conn->detects_crashes = true;
    if (is_b && hash_of_b)
        conn->hash = hash_of_b;
    if (is_b && psk_of_b) {
        secret_free(&c->secrets[0].secret);
        c->secrets[0].secret = secret_copy(span_str(psk_of_b));
    }
}

static struct pair_spec client = {.tweak = resumes,
                                  .dpd_delay = 10 * TIME_SECOND,
                                  .dpd_action = DPD_RESTART,
                                  .starts = true,
                                  .retries_forever = true};
static const struct pair_spec gateway = {.tweak = resumes};

/* ---- what passes */

static unsigned inits, resumptions, nacks;
static struct pair_packet last_resumption;

static bool look(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    bool is_response = rogue_is_response(k);
    inits += k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT && !is_response;
    if (k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_SESSION_RESUME)
        return true;
    resumptions += !is_response;
    nacks += is_response && k->bytes[AT_FIRST] == PAYLOAD_NOTIFY;
    if (!is_response)
        last_resumption = *k;
    return true;
}

static void watch(void)
{
    inits = resumptions = nacks = 0;
    p.filter = look;
}

static void begin(const struct pair_spec *a, const struct pair_spec *b)
{
    hash_of_b = 0;
    psk_of_b = NULL;
    pair_secret(&p, 0);
    pair_secret(&p, 1);
    up(a, b);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void crash(void)
{
    watch();
    pair_restart(&p, 1);
    pair_load(&p, 1, &gateway);
}

static void expect_up(bool is_resumed)
{
    struct ike_view v = {0};
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    for (int side = 0; side < 2; side++) {
        assert_true(engine_ike_at(p.side[side].e, 0, &v));
        assert_int_equal(v.is_resumed, is_resumed);
    }
}

static bool has_ticket(void)
{
    struct ike_view v = {0};
    if (!engine_ike_at(p.side[0].e, 0, &v) || !v.has_ticket)
        return false;
    int64_t held = v.ticket_until;
    assert_true(held > p.now.mono);
    assert_true(engine_ike_at(p.side[1].e, 0, &v) && !v.has_ticket);
    assert_int_equal(v.ticket_until, held);
    return true;
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

/* ---- it works */

static void a_session_is_resumed_after_the_responders_crash(void **state)
{
    (void)state;
    begin(&client, &gateway);
    assert_true(has_ticket());
    crash();
    pair_advance(&p, 11 * TIME_SECOND);
    expect_up(true);
    assert_int_equal(inits, 0);
    assert_int_equal(resumptions, 1);
    assert_true(pair_logged(&p, 0, "resumes a session") && pair_logged(&p, 1, "resumes a session"));
    assert_int_equal(engine_stats(p.side[0].e)->resumed, 1);
}

static void it_is_resumed_again_and_again(void **state)
{
    (void)state;
    begin(&client, &gateway);
    for (int i = 0; i < 4; i++) {
        crash();
        pair_advance(&p, 12 * TIME_SECOND);
        expect_up(true);
        assert_int_equal(inits, 0);
        assert_true(has_ticket());
    }
}

static void it_is_resumed_after_rekeys_by_either_side(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        begin(&client, &gateway);
        pair_command(&p, who, COMMAND_REKEY, "net", NULL);
        pair_run(&p);
        pair_advance(&p, TIME_SECOND);
        assert_true(has_ticket()); /* of the new IKE SA: asked for again */
        crash();
        pair_advance(&p, 12 * TIME_SECOND);
        expect_up(true);
        teardown(NULL);
        setup(NULL);
    }
}

/* The path was down: the responder still has the old IKE SA, which goes without a word. */
static void a_resumed_session_takes_the_old_ones_place(void **state)
{
    (void)state;
    begin(&client, &gateway);
    p.is_cut = true;
    pair_advance(&p, 26 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 1);
    p.is_cut = false;
    watch();
    pair_advance(&p, 60 * TIME_SECOND);
    expect_up(true);
    assert_int_equal(p.side[1].ike_downs, 1);
}

static void keys_of_certificates_are_resumed_without_certificates(void **state)
{
    (void)state;
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *a = testca_issue(&(struct testca_spec){.subject = "CN=a", .san = "DNS:a.test"}, ca);
    struct testca_cert *b = testca_issue(&(struct testca_spec){.subject = "CN=b", .san = "DNS:b.test"}, ca);
    struct pair_spec one = client, two = gateway;
    one.cert = a;
    two.cert = b;
    one.ca = two.ca = ca;
    one.local_id = two.remote_id = "a.test";
    two.local_id = one.remote_id = "b.test";
    begin(&one, &two);
    watch();
    pair_restart(&p, 1);
    pair_load(&p, 1, &two);
    unsigned before = p.sent;
    pair_advance(&p, 11 * TIME_SECOND);
    expect_up(true);
    assert_int_equal(inits, 0);
    assert_true(p.sent - before <= 8);
    testca_free(a);
    testca_free(b);
    testca_free(ca);
}

static void a_cookie_is_asked_for_and_given(void **state)
{
    (void)state;
    struct pair_spec strict = gateway;
    strict.has_cookie_threshold = true;
    begin(&client, &gateway);
    watch();
    pair_restart(&p, 1);
    pair_load(&p, 1, &strict);
    pair_advance(&p, 11 * TIME_SECOND);
    expect_up(true);
}

static void a_ticket_is_renewed_before_it_expires(void **state)
{
    (void)state;
    begin(&client, &gateway);
    struct secret first = secret_copy(secret_view(&rogue_sa(&p, 0)->ticket));
    pair_advance(&p, 50 * 60 * TIME_SECOND);
    assert_true(has_ticket());
    assert_false(span_equal(secret_view(&first), secret_view(&rogue_sa(&p, 0)->ticket)));
    pair_advance(&p, 3 * 60 * 60 * TIME_SECOND);
    secret_free(&first);
    crash();
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
}

/* ---- it does not, and the tunnel comes back all the same */

static void expect_full(void)
{
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(false);
    assert_int_equal(resumptions, 1);
    assert_int_equal(nacks, 1);
    assert_int_equal(inits, 1);
}

static void another_secret_of_the_machine_opens_no_ticket(void **state)
{
    (void)state;
    uint8_t other[MACHINE_SECRET] = {1};
    begin(&client, &gateway);
    crash();
    pair_input(&p, 1, &(struct input){.kind = INPUT_SECRET, .secret = span_of(other, sizeof(other))});
    pair_advance(&p, 40 * TIME_SECOND); /* nor is the crash proven */
    expect_up(false);
    assert_int_equal(nacks, 1);
}

static void a_changed_connection_takes_no_ticket(void **state)
{
    (void)state;
    begin(&client, &gateway);
    hash_of_b = 99;
    crash();
    expect_full();
}

static void a_changed_preshared_key_takes_no_ticket(void **state)
{
    (void)state;
    begin(&client, &gateway);
    psk_of_b = "changed";
    crash();
    pair_advance(&p, 12 * TIME_SECOND);
    assert_int_equal(nacks, 1);
    assert_int_equal(pair_ikes(&p, 0), 0); /* the full exchange fails for it, too */
}

static void a_connection_that_resumes_nothing_takes_no_ticket(void **state)
{
    (void)state;
    struct pair_spec plain = gateway;
    begin(&client, &gateway);
    watch();
    pair_restart(&p, 1);
    plain.tweak = NULL;
    pair_load(&p, 1, &plain);
    pair_advance(&p, 40 * TIME_SECOND);
    expect_up(false);
    assert_int_equal(nacks, 1);
    assert_false(has_ticket());
}

static void a_ticket_of_long_ago_is_not_presented(void **state)
{
    (void)state;
    begin(&client, &gateway);
    p.is_cut = true;
    watch();
    pair_advance(&p, 2 * 60 * 60 * TIME_SECOND);
    resumptions = inits = 0;
    p.is_cut = false;
    pair_advance(&p, 300 * TIME_SECOND);
    expect_up(false);
    assert_int_equal(resumptions, 0);
}

static void a_deleted_session_is_not_resumed(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        begin(&client, &gateway);
        watch();
        pair_command(&p, who, COMMAND_TERMINATE, "net", NULL);
        pair_run(&p);
        assert_int_equal(pair_ikes(&p, 0), 0);
        pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
        pair_run(&p);
        pair_advance(&p, 10 * TIME_SECOND);
        expect_up(false);
        assert_int_equal(resumptions, 0);
        teardown(NULL);
        setup(NULL);
    }
}

/* Every other attempt is a full one: what does not answer may not know what it is asked. */
static void without_an_answer_a_full_exchange_follows(void **state)
{
    (void)state;
    begin(&client, &gateway);
    p.is_cut = true;
    watch();
    pair_advance(&p, 25 * TIME_SECOND); /* found dead */
    assert_int_equal(pair_ikes(&p, 0), 0);
    p.is_cut = false;
    pair_restart(&p, 1); /* nobody is there */
    pair_advance(&p, 300 * TIME_SECOND);
    assert_true(resumptions > 0 && inits > 0);
    pair_load(&p, 1, &gateway);
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
}

/* ---- attacks */

/* Up, crashed, resumed; the IKE_SESSION_RESUME is in last_resumption. */
static void resume_once(void)
{
    begin(&client, &gateway);
    crash();
    pair_advance(&p, 11 * TIME_SECOND);
    expect_up(true);
}

static void present(uint64_t spi)
{
    struct pair_packet k = last_resumption;
    memcpy(k.bytes, &spi, sizeof(spi));
    nacks = 0;
    inject(1, &k);
}

static void a_ticket_is_good_once(void **state)
{
    (void)state;
    resume_once();
    present(0x4242424242424242);
    assert_int_equal(nacks, 1);
    assert_int_equal(engine_stats(p.side[1].e)->half_open, 0);
}

static void the_ticket_of_a_deleted_session_is_refused(void **state)
{
    (void)state;
    begin(&client, &gateway);
    crash();
    p.filter = NULL;
    pair_restart(&p, 1);
    pair_load(&p, 1, &gateway);
    watch();
    pair_advance(&p, 11 * TIME_SECOND);
    expect_up(true);
    /* The peer keeps the ticket of this one though the gateway's operator ends it. */
    struct resumption *kept = resume_keep(rogue_sa(&p, 0), p.now.mono);
    assert_non_null(kept);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 0);
    struct pair_packet k = last_resumption;
    struct build b;
    struct span bytes;
    uint8_t nonce[32] = {9};
    struct ike_header h = {.spi_i = 77, .exchange = EXCHANGE_IKE_SESSION_RESUME, .flags = IKE_FLAG_INITIATOR};
    build_begin(&b, k.bytes, sizeof(k.bytes), &h);
    build_nonce(&b, span_of(nonce, sizeof(nonce)));
    build_notify(&b, N_TICKET_OPAQUE, PROTO_NONE, span_of(NULL, 0), secret_view(&kept->opaque));
    assert_true(build_end(&b, &bytes));
    k.len = bytes.len;
    nacks = 0;
    inject(1, &k);
    assert_int_equal(nacks, 1);
    resumption_free(kept);
}

/* Whoever presents a ticket without SK_d does not get past IKE_AUTH, and takes nothing down. */
static void without_the_old_keys_nobody_gets_in(void **state)
{
    (void)state;
    begin(&client, &gateway);
    rogue_sa(&p, 0)->keys.sk_d.ptr[0] ^= 1; /* what is kept of it is wrong */
    p.is_cut = true;
    pair_advance(&p, 26 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    p.is_cut = false;
    watch();
    uint64_t old = rogue_sa(&p, 1)->id;
    for (int i = 0; i < 200 && !resumptions; i++)
        pair_advance(&p, 100 * TIME_MS);
    assert_int_equal(resumptions, 1);
    assert_int_equal(rogue_sa(&p, 1)->id, old);
    assert_true(ike_sa_is_up(rogue_sa(&p, 1)));
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(engine_stats(p.side[1].e)->resumed, 0);
}

static bool change_ticket(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    look(NULL, k);
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SESSION_RESUME && !rogue_is_response(k))
        k->bytes[28 + 36 + 8 + 60] ^= 1; /* behind the nonce, in the ticket */
    return true;
}

static void a_changed_ticket_is_refused(void **state)
{
    (void)state;
    begin(&client, &gateway);
    crash();
    p.filter = change_ticket;
    expect_full();
}

static bool change_answer(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    look(NULL, k);
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SESSION_RESUME && rogue_is_response(k))
        k->bytes[k->len - 1] ^= 1; /* in the last notify */
    return true;
}

/* AUTH covers both messages. */
static void a_changed_message_is_noticed(void **state)
{
    (void)state;
    begin(&client, &gateway);
    crash();
    p.filter = change_answer;
    pair_advance(&p, 15 * TIME_SECOND);
    assert_int_equal(engine_stats(p.side[0].e)->resumed, 0);
    expect_up(false); /* by the full exchange */
}

/* ---- limits */

static void no_ticket_outlives_the_authentication(void **state)
{
    (void)state;
    struct pair_spec one = client, two = gateway;
    two.ike_reauth = 600 * TIME_SECOND;
    two.accepts_any_peer = true;
    begin(&one, &two);
    assert_true(rogue_sa(&p, 0)->ticket_expires <= p.now.mono + 600 * TIME_SECOND);
    pair_advance(&p, 100 * TIME_SECOND);
    watch();
    pair_restart(&p, 1);
    pair_load(&p, 1, &two);
    int64_t was = p.now.mono;
    pair_advance(&p, 12 * TIME_SECOND);
    expect_up(true);
    assert_true(rogue_sa(&p, 1)->auth_ends_at <= was + 501 * TIME_SECOND);
    assert_true(rogue_sa(&p, 0)->ticket_expires <= was + 501 * TIME_SECOND);
}

static void who_did_not_ask_gets_no_ticket(void **state)
{
    (void)state;
    struct pair_spec plain = client;
    plain.tweak = NULL;
    begin(&plain, &gateway);
    assert_false(has_ticket());
    assert_int_equal(rogue_sa(&p, 1)->ticket_given[0] | rogue_sa(&p, 1)->ticket_given[1], 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_session_is_resumed_after_the_responders_crash),
        T(it_is_resumed_again_and_again),
        T(it_is_resumed_after_rekeys_by_either_side),
        T(a_resumed_session_takes_the_old_ones_place),
        T(keys_of_certificates_are_resumed_without_certificates),
        T(a_cookie_is_asked_for_and_given),
        T(a_ticket_is_renewed_before_it_expires),
        T(another_secret_of_the_machine_opens_no_ticket),
        T(a_changed_connection_takes_no_ticket),
        T(a_changed_preshared_key_takes_no_ticket),
        T(a_connection_that_resumes_nothing_takes_no_ticket),
        T(a_ticket_of_long_ago_is_not_presented),
        T(a_deleted_session_is_not_resumed),
        T(without_an_answer_a_full_exchange_follows),
        T(a_ticket_is_good_once),
        T(the_ticket_of_a_deleted_session_is_refused),
        T(without_the_old_keys_nobody_gets_in),
        T(a_changed_ticket_is_refused),
        T(a_changed_message_is_noticed),
        T(no_ticket_outlives_the_authentication),
        T(who_did_not_ask_gets_no_ticket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
