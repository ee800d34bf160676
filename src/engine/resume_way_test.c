/* SPDX-License-Identifier: Apache-2.0 */
/* Where sessions are resumed (RFC 5723): with a peer that says nothing of NATs in IKE_SESSION_RESUME, as
 * Libreswan, only where that is good; NATs are found anew where they are spoken of; and who resumes may be
 * redirected (RFC 5685). */
#include "ike/v2/resume.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static void resumes(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)children;
    c->settings.follows_redirects = true;
    conn->resumes_sessions = conn->detects_crashes = true;
}

static void follows_none(struct config *c, struct connection *conn, struct child_config *children)
{
    resumes(c, conn, children);
    c->settings.follows_redirects = false;
}

static enum redirect_when redirects;

static void sends_away(struct config *c, struct connection *conn, struct child_config *children)
{
    resumes(c, conn, children);
    ((struct host_spec *)(uintptr_t)conn->local_addrs)[0].is_any = true;
    conn->redirect.ip = ip4(192, 0, 2, 9);
    conn->redirect_when = redirects;
}

static const struct pair_spec client = {.tweak = resumes,
                                        .encap = ENCAP_AUTO,
                                        .dpd_delay = 10 * TIME_SECOND,
                                        .dpd_action = DPD_RESTART,
                                        .starts = true,
                                        .retries_forever = true},
                              gateway = {.tweak = resumes, .encap = ENCAP_AUTO, .accepts_any_peer = true};

/* ---- the network ---- */

static struct {
    unsigned inits, resumptions, nacks;
    bool is_silent[2]; /* this side says nothing of NATs in IKE_SESSION_RESUME */
    struct ip outside; /* where side 0 is seen, of a NAT in front of it; family 0: none */
} net;

static void hide_notifies(struct pair_packet *k)
{
    uint8_t next = k->bytes[AT_FIRST];
    size_t len;
    for (size_t at = IKE_HEADER_LEN; next && at + 8 <= k->len; at += len) {
        uint16_t type = (uint16_t)(k->bytes[at + 6] << 8 | k->bytes[at + 7]);
        len = (size_t)k->bytes[at + 2] << 8 | k->bytes[at + 3];
        if (next == PAYLOAD_NOTIFY &&
            (type == N_NAT_DETECTION_SOURCE_IP || type == N_NAT_DETECTION_DESTINATION_IP))
            k->bytes[at + 6] = 0xa0; /* of private use */
        next = k->bytes[at];
    }
}

/* As if it had been sent so: AUTH covers it. */
static void say_nothing(struct pair_packet *k)
{
    uint64_t spi_i;
    struct ike_sa *sa;
    struct rd r = rd_over(span_of(k->bytes, k->len));
    spi_i = rd_u64(&r);
    hide_notifies(k);
    list_each(sa, &p.side[k->from].e->sas, link)
    {
        struct secret *own = k->from ? &sa->init_response : &sa->init_request;
        if (sa->spi_i != spi_i)
            continue;
        sa->does_natt = sa->has_fake_nat = sa->has_nat_local = sa->has_nat_remote =
            false; /* nor does it listen */
        secret_free(own);
        *own = secret_copy(span_of(k->bytes, k->len));
    }
}

static bool pass(void *ctx, struct pair_packet *k)
{
    bool is_response = rogue_is_response(k);
    uint8_t exchange = k->bytes[AT_EXCHANGE];
    (void)ctx;
    net.inits += exchange == EXCHANGE_IKE_SA_INIT && !is_response;
    if (exchange == EXCHANGE_IKE_SESSION_RESUME) {
        net.resumptions += !is_response;
        net.nacks += is_response && k->bytes[AT_FIRST] == PAYLOAD_NOTIFY;
        if (net.is_silent[k->from] && k->bytes[AT_FIRST] == PAYLOAD_NONCE)
            say_nothing(k);
    }
    if (k->from == 0 && net.outside.family)
        k->src.ip = net.outside;
    if (k->from == 1)
        k->dst.ip = p.side[0].ip;
    return true;
}

static void begin(const struct pair_spec *a, const struct pair_spec *b, struct ip outside)
{
    memset(&net, 0, sizeof(net));
    net.outside = outside;
    p.filter = pass;
    pair_secret(&p, 0);
    pair_secret(&p, 1);
    up(a, b);
    assert_int_equal(pair_children(&p, 0), 1);
    net.inits = 0;
}

static void restart(const struct pair_spec *b)
{
    pair_restart(&p, 1);
    pair_load(&p, 1, b);
    pair_advance(&p, 15 * TIME_SECOND);
}

static struct ike_view expect_up(int side, bool is_resumed)
{
    struct ike_view v = {0};
    assert_int_equal(pair_ikes(&p, side), 1);
    assert_int_equal(pair_children(&p, side), 1);
    assert_true(pair_traffic_fits(&p));
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    assert_int_equal(v.is_resumed, is_resumed);
    assert_int_equal(net.resumptions, 1);
    assert_int_equal(net.inits, !is_resumed);
    return v;
}

#define NOWHERE                                                                                              \
    (struct ip)                                                                                              \
    {                                                                                                        \
        0                                                                                                    \
    }
#define OUTSIDE ip4(203, 0, 113, 7)

/* ---- tests ---- */

/* [RFC5723#4.3.2] */
static void a_nat_is_found_anew_when_a_session_is_resumed(void **state)
{
    (void)state;
    begin(&client, &gateway, NOWHERE);
    net.outside = OUTSIDE; /* the machine went elsewhere */
    restart(&gateway);
    struct ike_view a = expect_up(0, true), b = expect_up(1, true);
    assert_true(a.has_nat_local && b.has_nat_remote);
    assert_true(pair_newest_out(&p, 0)->has_encap && pair_newest_out(&p, 1)->has_encap);
}

static void without_a_word_of_nats_esp_goes_as_protocol_50_where_there_was_none(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        begin(&client, &gateway, NOWHERE);
        assert_true(pair_newest_out(&p, 0)->has_encap); /* by choice */
        net.is_silent[silent] = true;
        restart(&gateway);
        expect_up(!silent, true);
        assert_false(pair_newest_out(&p, !silent)->has_encap);
        assert_true(pair_logged(&p, !silent, "the peer says nothing of NATs, and there was none"));
        assert_false(pair_logged(&p, !silent, "does no NAT traversal"));
        teardown(NULL);
        setup(NULL);
    }
}

static void expect_full_in_udp(void)
{
    for (int side = 0; side < 2; side++) {
        expect_up(side, false);
        assert_true(pair_newest_out(&p, side)->has_encap);
    }
}

static void a_silent_client_behind_a_nat_is_asked_for_a_full_exchange(void **state)
{
    (void)state;
    begin(&client, &gateway, OUTSIDE);
    net.is_silent[0] = true;
    restart(&gateway);
    expect_full_in_udp();
    assert_int_equal(net.nacks, 1);
    assert_true(pair_logged(&p, 1, "says nothing of NATs, and the session went another way"));
}

static void a_silent_client_from_elsewhere_is_asked_for_a_full_exchange(void **state)
{
    (void)state;
    begin(&client, &gateway, NOWHERE);
    net.is_silent[0] = true;
    net.outside = OUTSIDE;
    restart(&gateway);
    expect_full_in_udp();
    assert_int_equal(net.nacks, 1);
}

static void behind_a_nat_a_silent_gateway_is_asked_for_a_full_exchange(void **state)
{
    (void)state;
    begin(&client, &gateway, OUTSIDE);
    net.is_silent[1] = true;
    restart(&gateway);
    expect_full_in_udp();
    assert_int_equal(net.nacks, 0);
    assert_true(pair_logged(&p, 0, "says nothing of NATs, and the session went another way"));
}

static void who_demands_udp_does_not_resume_without_it(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        struct pair_spec one = client, two = gateway;
        (silent ? &one : &two)->encap = ENCAP_YES;
        begin(&one, &two, NOWHERE);
        net.is_silent[silent] = true;
        restart(&two);
        expect_full_in_udp();
        assert_int_equal(net.nacks, silent == 0);
        teardown(NULL);
        setup(NULL);
    }
}

/* ---- redirects [RFC5685] ---- */

/* The new gateway may not know the ticket. */
static void who_resumes_is_redirected_as_anybody(void **state)
{
    struct pair_spec away = gateway;
    struct ike_view v = {0};
    (void)state;
    away.tweak = sends_away;
    for (redirects = REDIRECT_INIT; redirects <= REDIRECT_AUTH; redirects++) {
        begin(&client, &gateway, NOWHERE);
        restart(&away);
        pair_advance(&p, 5 * TIME_SECOND);
        for (int side = 0; side < 2; side++)
            v = expect_up(side, false);
        assert_true(engine_ike_at(p.side[0].e, 0, &v));
        assert_true(ip_equal(v.remote.ip, ip4(192, 0, 2, 9)));
        assert_int_equal(net.nacks, redirects == REDIRECT_INIT); /* a notify comes first there, too */
        teardown(NULL);
        setup(NULL);
    }
}

static void who_resumes_and_follows_none_is_served(void **state)
{
    struct pair_spec away = gateway, stays = client;
    (void)state;
    away.tweak = sends_away;
    stays.tweak = follows_none;
    for (redirects = REDIRECT_INIT; redirects <= REDIRECT_AUTH; redirects++) {
        begin(&stays, &gateway, NOWHERE);
        restart(&away);
        expect_up(0, true);
        expect_up(1, true);
        teardown(NULL);
        setup(NULL);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_nat_is_found_anew_when_a_session_is_resumed),
        T(without_a_word_of_nats_esp_goes_as_protocol_50_where_there_was_none),
        T(a_silent_client_behind_a_nat_is_asked_for_a_full_exchange),
        T(a_silent_client_from_elsewhere_is_asked_for_a_full_exchange),
        T(behind_a_nat_a_silent_gateway_is_asked_for_a_full_exchange),
        T(who_demands_udp_does_not_resume_without_it),
        T(who_resumes_is_redirected_as_anybody),
        T(who_resumes_and_follows_none_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
