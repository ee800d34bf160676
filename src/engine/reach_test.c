/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be proved before ESP goes elsewhere (RFC 4555 sections 3.7 to 3.9), what one who cannot prove
 * it achieves, and NATs that are there, forbidden, or change. */
#include "engine/impl.h"
#include "support/mobike_fixture.h"
#include "support/rogue.h"

/* ---- what has to be proved */

static bool no_requests_of_the_responder(void *ctx, struct pair_packet *k)
{
    unsigned *dropped = ctx;
    bool is_asked = k->from == 1 && !rogue_is_response(k);
    *dropped += is_asked;
    return !is_asked;
}

static void esp_stays_until_the_new_address_has_answered(void **state)
{
    unsigned dropped = 0;
    (void)state;
    up_mobile();
    struct ip old = p.side[0].ip;
    p.filter = no_requests_of_the_responder;
    p.ctx = &dropped;
    roam(0, 7);
    pair_run(&p);
    assert_true(dropped > 0);
    assert_true(ip_equal(view(1).remote.ip, addr(7))); /* where IKE goes */
    expect_esp_between(1, p.side[1].ip, old);
    p.filter = NULL;
    pair_advance(&p, TIME_SECOND);
    expect_at(addr(7), p.side[1].ip);
}

/* All that the initiator sends seems to come from somewhere else. */
static bool from_elsewhere(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from == 0)
        k->src.ip = addr(66);
    return !ip_equal(k->dst.ip, addr(66));
}

static void who_rewrites_sources_moves_nobody(void **state)
{
    (void)state;
    up_mobile();
    rogue_sa(&p, 1)->has_nat_remote = true; /* whom RFC 7296 would follow */
    p.filter = from_elsewhere;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    assert_true(ip_equal(view(1).remote.ip, p.side[0].ip));
    assert_true(ip_equal(pair_newest_out(&p, 1)->remote.ip, p.side[0].ip));
    roam(0, 7); /* UPDATE_SA_ADDRESSES itself */
    pair_advance(&p, 9 * TIME_SECOND);
    for (size_t i = 0; i < p.side[1].n_sas; i++)
        assert_false(ip_equal(p.side[1].sas[i].remote.ip, addr(66)));
    p.filter = NULL;
    pair_advance(&p, 30 * TIME_SECOND);
    expect_at(addr(7), p.side[1].ip);
}

struct cookie_change {
    int of_side;
    unsigned done;
};

static void spoil_cookie(void *ctx, const struct chain *c)
{
    struct cookie_change *change = ctx;
    uint8_t next = c->first;
    for (size_t at = 0; next && at + 8 <= c->len;) {
        if (next == PAYLOAD_NOTIFY && (c->at[at + 6] << 8 | c->at[at + 7]) == N_COOKIE2) {
            c->at[at + 8] ^= 1;
            change->done++;
        }
        next = c->at[at];
        at += (size_t)c->at[at + 2] << 8 | c->at[at + 3];
    }
}

static bool spoils_cookies(void *ctx, struct pair_packet *k)
{
    const struct cookie_change *change = ctx;
    if (k->from == change->of_side && rogue_is_response(k))
        rogue_open(&p, k, spoil_cookie, ctx);
    return true;
}

/* [RFC4555#3.7] the IKE SA MUST be closed */
static void another_cookie_than_was_sent_ends_it(void **state)
{
    for (int side = 0; side < 2; side++) {
        struct cookie_change change = {.of_side = side};
        teardown(state);
        setup(state);
        up_mobile();
        p.filter = spoils_cookies;
        p.ctx = &change;
        roam(0, 7);
        pair_run(&p);
        assert_true(change.done > 0);
        assert_true(pair_logged(&p, 1 - side, "a COOKIE2 that we did not send"));
        assert_int_equal(pair_ikes(&p, 0), 0);
        assert_int_equal(p.side[0].n_sas, 0);
    }
}

static bool from_loopback(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from == 0 && !rogue_is_response(k))
        k->src.ip = ip4(127, 0, 0, 1);
    return true;
}

static void an_address_that_nobody_has_is_not_accepted(void **state)
{
    (void)state;
    up_mobile();
    p.filter = from_loopback;
    roam(0, 7);
    pair_run(&p);
    assert_true(pair_logged(&p, 0, "UNACCEPTABLE_ADDRESSES"));
    assert_true(ip_equal(view(1).remote.ip, p.side[0].ip));
    expect_esp_between(1, p.side[1].ip, p.side[0].ip);
}

static bool from_inside(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from == 0 && !rogue_is_response(k))
        k->src.ip = ip4(10, 1, 0, 9);
    return true;
}

/* The way to it would be kept out of the tunnel, and with it what the tunnel is for. */
static void an_address_within_the_tunnel_is_not_accepted(void **state)
{
    (void)state;
    up_mobile();
    p.filter = from_inside;
    roam(0, 7);
    pair_run(&p);
    assert_true(pair_logged(&p, 0, "UNACCEPTABLE_ADDRESSES"));
    expect_esp_between(1, p.side[1].ip, p.side[0].ip);
}

static void nor_is_it_told_or_used(void **state)
{
    struct ip b[3] = {ip4(192, 0, 2, 2), ip4(10, 2, 0, 1), addr(31)};
    (void)state;
    up_mobile();
    pair_addresses(&p, 1, b, 3);
    pair_run(&p);
    assert_true(knows(0, addr(31)));
    assert_false(knows(0, b[1]));
    struct mobike *m = &rogue_sa(&p, 0)->mobike; /* as another program would have told it */
    m->peer[1] = m->peer[0];
    m->peer[0] = b[1];
    m->n_peer = 2;
    dead = b[0];
    p.filter = not_to_the_dead;
    pair_advance(&p, 15 * TIME_SECOND);
    expect_at(p.side[0].ip, addr(31));
}

/* The initiator's COOKIE2 as the peer reads it: what it was sent from and to, which it was not. */
static void forbid_nats(void *ctx, const struct chain *c)
{
    uint8_t next = c->first;
    (void)ctx;
    for (size_t at = 0; next && at + 8 <= c->len;) {
        if (next == PAYLOAD_NOTIFY && (c->at[at + 6] << 8 | c->at[at + 7]) == N_COOKIE2)
            c->at[at + 7] = N_NO_NATS_ALLOWED & 0xff;
        next = c->at[at];
        at += (size_t)c->at[at + 2] << 8 | c->at[at + 3];
    }
}

static bool forbids_nats(void *ctx, struct pair_packet *k)
{
    if (k->from == 0 && !rogue_is_response(k))
        rogue_open(&p, k, forbid_nats, ctx);
    return true;
}

static void nats_that_are_forbidden_are_detected(void **state)
{
    (void)state;
    up_mobile();
    p.filter = forbids_nats;
    roam(0, 7);
    pair_run(&p);
    assert_true(pair_logged(&p, 0, "UNEXPECTED_NAT_DETECTED"));
    expect_esp_between(1, p.side[1].ip, p.side[0].ip);
}

/* ---- NATs that change their mind */

static void esp_comes_from(struct endpoint e)
{
    const struct esp_sa *out = pair_newest_out(&p, 1);
    pair_input(&p, 1,
               &(struct input){
                   .kind = INPUT_DATAPLANE,
                   .dataplane = {.kind = DP_MAPPING, .child_id = out->child_id, .remote = e}
    });
}

static bool only_from_4501(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from == 0)
        k->src.port = 4501;
    return k->from == 0 || k->dst.port == 4501;
}

static void a_mapping_that_answers_is_followed(void **state)
{
    (void)state;
    up_mobile();
    rogue_sa(&p, 1)->has_nat_remote = true;
    struct endpoint fresh = {.ip = p.side[0].ip, .port = 4501};
    p.filter = only_from_4501;
    esp_comes_from(fresh);
    assert_int_equal(pair_newest_out(&p, 1)->remote.port, 4500);
    pair_run(&p);
    assert_int_equal(pair_newest_out(&p, 1)->remote.port, 4501);
    assert_int_equal(view(1).remote.port, 4501);
}

static void a_mapping_of_another_family_is_none(void **state)
{
    struct endpoint six = {.port = 4500};
    (void)state;
    up_mobile();
    rogue_sa(&p, 1)->has_nat_remote = true;
    ip_parse("2001:db8::a", &six.ip);
    esp_comes_from(six);
    pair_run(&p);
    expect_at(p.side[0].ip, p.side[1].ip);
}

static void a_mapping_that_does_not_answer_is_not_followed(void **state)
{
    (void)state;
    up_mobile();
    rogue_sa(&p, 1)->has_nat_remote = true;
    dead = addr(66);
    p.filter = not_to_the_dead;
    esp_comes_from((struct endpoint){.ip = dead, .port = 4500});
    pair_advance(&p, 60 * TIME_SECOND);
    assert_true(pair_logged(&p, 1, "the peer does not receive at 198.51.100.66:4500"));
    expect_at(p.side[0].ip, p.side[1].ip);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void an_idle_initiator_notices_that_its_nat_has_changed(void **state)
{
    uint16_t port = 5000;
    (void)state;
    p.filter = nat_to_5000;
    p.ctx = &port;
    up_mobile();
    assert_int_equal(view(1).remote.port, 5000);
    assert_true(view(0).has_nat_local && view(1).has_nat_remote);
    pair_advance(&p, 25 * TIME_SECOND);
    port = 6000;
    pair_advance(&p, 25 * TIME_SECOND);
    assert_int_equal(view(1).remote.port, 6000);
    assert_int_equal(pair_newest_out(&p, 1)->remote.port, 6000);
    assert_true(p.side[0].keepalives > 0);
}

/* It gets answers to all that it begins, and only to that. */
static void a_busy_initiator_notices_that_its_nat_has_changed(void **state)
{
    uint16_t port = 5000;
    (void)state;
    p.filter = nat_to_5000;
    p.ctx = &port;
    up_mobile();
    port = 6000;
    for (int i = 0; i < 10; i++) {
        pair_command(&p, 0, COMMAND_REKEY, "net", "net");
        pair_advance(&p, 3 * TIME_SECOND);
    }
    assert_int_equal(p.side[0].child_rekeys, 10);
    assert_int_equal(view(1).remote.port, 6000);
    assert_int_equal(pair_newest_out(&p, 1)->remote.port, 6000);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(esp_stays_until_the_new_address_has_answered),
        T(who_rewrites_sources_moves_nobody),
        T(another_cookie_than_was_sent_ends_it),
        T(an_address_that_nobody_has_is_not_accepted),
        T(an_address_within_the_tunnel_is_not_accepted),
        T(nor_is_it_told_or_used),
        T(nats_that_are_forbidden_are_detected),
        T(a_mapping_that_answers_is_followed),
        T(a_mapping_of_another_family_is_none),
        T(a_mapping_that_does_not_answer_is_not_followed),
        T(an_idle_initiator_notices_that_its_nat_has_changed),
        T(a_busy_initiator_notices_that_its_nat_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
