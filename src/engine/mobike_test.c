/* SPDX-License-Identifier: Apache-2.0 */
/* MOBIKE between two engines (RFC 4555): who decides, what is told, what has to be proved before ESP goes
 * elsewhere, and what one who cannot prove it achieves. Under loss and with traffic: tests/sim. */
#include "engine/impl.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"
#include <stdio.h>

static const struct pair_spec mobile = {.does_mobike = true, .dpd_delay = 10 * TIME_SECOND},
                              settled = {.dpd_delay = 10 * TIME_SECOND},
                              gateway = {.does_mobike = true,
                                         .accepts_any_peer = true,
                                         .dpd_delay = 10 * TIME_SECOND};

static struct ip addr(uint8_t last)
{
    return ip4(198, 51, 100, last);
}

static void roam(int side, uint8_t last)
{
    struct ip ip = addr(last);
    pair_addresses(&p, side, &ip, 1);
}

static void allow_any_address(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    ((struct host_spec *)conn->local_addrs)[0].is_any = true;
}

static void up_mobile(void)
{
    struct pair_spec a = mobile, b = gateway;
    a.tweak = b.tweak = allow_any_address;
    for (int side = 0; side < 2; side++)
        pair_addresses(&p, side, &p.side[side].ip, 1);
    up(&a, &b);
    assert_true(pair_traffic_fits(&p));
}

static struct ike_view view(int side)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    return v;
}

static void expect_esp_between(int side, struct ip local, struct ip remote)
{
    struct pair_side *s = &p.side[side];
    assert_int_equal(s->n_sas, 2);
    for (size_t i = 0; i < s->n_sas; i++) {
        assert_true(ip_equal(s->sas[i].local.ip, local));
        assert_true(ip_equal(s->sas[i].remote.ip, remote));
    }
}

static void expect_at(struct ip a, struct ip b)
{
    struct ike_view va = view(0), vb = view(1);
    assert_true(ip_equal(va.local.ip, a) && ip_equal(va.remote.ip, b));
    assert_true(ip_equal(vb.local.ip, b) && ip_equal(vb.remote.ip, a));
    expect_esp_between(0, a, b);
    expect_esp_between(1, b, a);
    assert_true(pair_traffic_fits(&p));
}

/* ---- who does it */

static void it_takes_two_and_port_4500(void **state)
{
    static const struct {
        const struct pair_spec *a, *b;
        bool is_on;
        uint16_t port;
    } rows[] = {
        {&mobile,  &gateway, true,  4500},
        {&mobile,  &settled, false, 4500}, /* which is not known before */
        {&settled, &gateway, false, 500 },
        {&settled, &settled, false, 500 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        teardown(state);
        setup(state);
        up(rows[i].a, rows[i].b);
        assert_int_equal(pair_children(&p, 0), 1);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(rogue_sa(&p, side)->mobike.is_on, rows[i].is_on);
            assert_int_equal(view(side).local.port, rows[i].port);
            assert_false(pair_newest_out(&p, side)->has_encap);
        }
    }
}

static bool not_4500(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !k->is_natt;
}

static void where_port_4500_is_shut_it_is_done_without(void **state)
{
    (void)state;
    p.filter = not_4500;
    up(&mobile, &gateway);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_false(rogue_sa(&p, 0)->mobike.is_on);
    assert_int_equal(view(0).local.port, 500);
    assert_true(pair_logged(&p, 0, "Starting again without MOBIKE"));
}

/* ---- moving */

/* A NAT in front of side 0, which is 203.0.113.9 outside. */
static bool behind_a_nat(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from == 0)
        k->src.ip = ip4(203, 0, 113, 9);
    else
        k->dst.ip = addr(7);
    return true;
}

static void ah_ends_when_a_nat_comes_in_front_of_it(void **state)
{
    (void)state;
    static const char *const why[] = {"there is one in front of us", "there is one in front of the peer"};
    struct pair_spec a = mobile, b = gateway;
    a.tweak = b.tweak = allow_any_address;
    a.ah[0] = b.ah[0] = "sha256";
    for (int side = 0; side < 2; side++)
        pair_addresses(&p, side, &p.side[side].ip, 1);
    up(&a, &b);
    assert_true(p.side[0].sas[0].is_ah);
    roam(0, 8); /* without one */
    pair_run(&p);
    expect_at(addr(8), p.side[1].ip);
    p.filter = behind_a_nat;
    roam(0, 7);
    pair_run(&p);
    for (int side = 0; side < 2; side++) {
        char line[200];
        snprintf(line, sizeof(line), "child net ends: it is AH, which cannot pass a NAT, and now %s",
                 why[side]);
        assert_true(pair_logged(&p, side, line) || pair_logged(&p, side, "the peer deleted child net"));
        assert_int_equal(pair_children(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
        assert_int_equal(pair_ikes(&p, side), 1);
    }
    assert_true(pair_logged(&p, 0, why[0]) || pair_logged(&p, 1, why[1]));
}

static void the_initiator_moves_and_takes_its_children_along(void **state)
{
    (void)state;
    up_mobile();
    struct esp_sa before = *pair_newest_out(&p, 1);
    roam(0, 7);
    pair_run(&p);
    expect_at(addr(7), p.side[1].ip);
    assert_int_equal(pair_newest_out(&p, 1)->spi, before.spi);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
    assert_true(pair_logged(&p, 1, "moved from 192.0.2.2:4500 === 192.0.2.1:4500"));
    roam(0, 8);
    pair_run(&p);
    expect_at(addr(8), p.side[1].ip);
}

/* As strongSwan does it: it goes on elsewhere, though its old address is still one of its own. */
static void a_responder_that_speaks_from_elsewhere_is_followed_there(void **state)
{
    (void)state;
    up_mobile();
    const struct ip both[] = {p.side[1].ip, addr(9)};
    pair_addresses(&p, 1, both, 2);
    pair_run(&p);
    expect_at(p.side[0].ip, p.side[1].ip);
    struct ike_sa *sa = rogue_sa(&p, 1);
    sa->local.ip = addr(9);
    assert_true(ike_sa_queue(sa, (struct task){.kind = X_ADDRESSES}));
    engine_touch(p.side[1].e, sa);
    pair_input(&p, 1, &(struct input){.kind = INPUT_TICK});
    pair_run(&p);
    expect_at(p.side[0].ip, addr(9));
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void the_responder_moves_and_the_initiator_follows(void **state)
{
    (void)state;
    up_mobile();
    roam(1, 9);
    pair_run(&p);
    pair_advance(&p, 2 * TIME_SECOND);
    expect_at(p.side[0].ip, addr(9));
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

/* Of the responder's messages only those over IPv6 arrive; of the initiator's no request does: it says
 * nothing of where it goes on. */
static bool over_ipv6_and_unsaid(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->dst.ip.family == 6 && (k->from == 1 || rogue_is_response(k));
}

static void a_responder_that_lost_its_address_goes_on_where_it_is_answered(void **state)
{
    struct ip a[2] = {ip4(192, 0, 2, 1)}, b[3] = {ip4(192, 0, 2, 2)};
    (void)state;
    ip_parse("2001:db8::a", &a[1]);
    ip_parse("2001:db8::b", &b[1]);
    b[2] = addr(9);
    up_mobile();
    pair_addresses(&p, 1, b, 2);
    pair_addresses(&p, 0, a, 2);
    pair_run(&p);
    p.filter = over_ipv6_and_unsaid;
    pair_addresses(&p, 1, &b[1], 2); /* another one of IPv4 in place of the one that went */
    pair_run(&p);
    assert_true(ip_equal(view(1).local.ip, b[1]) && ip_equal(view(1).remote.ip, a[1]));
    expect_esp_between(1, b[1], a[1]);
}

static void after_a_rekeying_it_is_still_who_began_that_decides(void **state)
{
    (void)state;
    up_mobile();
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    roam(0, 7);
    pair_run(&p);
    expect_at(addr(7), p.side[1].ip);
}

static uint8_t old_spi[8];

static bool not_in_the_old_sa(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->from == 1 || rogue_is_response(k) || memcmp(k->bytes, old_spi, sizeof(old_spi)) != 0;
}

/* The peer replaces the IKE SA while we are telling it in the old one. */
static void a_move_is_told_in_the_successor_too(void **state)
{
    struct ip both[2] = {ip4(192, 0, 2, 1), addr(7)};
    (void)state;
    up_mobile();
    pair_addresses(&p, 0, both, 2);
    pair_run(&p);
    spi_put64(old_spi, view(0).spi_i);
    p.filter = not_in_the_old_sa;
    roam(0, 7);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 9 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    expect_at(addr(7), p.side[1].ip);
}

static void from_ipv4_to_ipv6(void **state)
{
    struct ip a[2] = {ip4(192, 0, 2, 1)}, b[2] = {ip4(192, 0, 2, 2)};
    (void)state;
    ip_parse("2001:db8::a", &a[1]);
    ip_parse("2001:db8::b", &b[1]);
    up_mobile();
    pair_addresses(&p, 1, b, 2); /* tells the initiator of it */
    pair_run(&p);
    pair_addresses(&p, 0, &a[1], 1);
    pair_run(&p);
    pair_advance(&p, 2 * TIME_SECOND);
    expect_at(a[1], b[1]);
}

static void routes_follow(void **state)
{
    struct pair_spec a = mobile, b = gateway;
    (void)state;
    a.tweak = b.tweak = allow_any_address;
    a.local_ts = b.remote_ts = "0.0.0.0/0";
    up(&a, &b);
    unsigned seen = 0;
    roam(0, 7);
    pair_run(&p);
    for (size_t i = 0; i < p.side[1].n_routes; i++) {
        const struct pair_route *r = &p.side[1].routes[i];
        seen += r->is_live && r->route.is_exception && ip_equal(r->route.dst.ip, addr(7));
    }
    assert_int_equal(seen, 1);
    roam(0, 8);
    pair_run(&p);
    for (size_t i = 0; i < p.side[1].n_routes; i++) {
        const struct pair_route *r = &p.side[1].routes[i];
        assert_false(r->is_live && r->route.is_exception && ip_equal(r->route.dst.ip, addr(7)));
    }
}

/* ---- what is told */

static bool knows(int side, struct ip ip)
{
    const struct mobike *m = &rogue_sa(&p, side)->mobike;
    for (uint8_t i = 0; i < m->n_peer; i++) {
        if (ip_equal(m->peer[i], ip))
            return true;
    }
    return false;
}

static void further_addresses_are_told_and_taken_back(void **state)
{
    struct ip a[3] = {ip4(192, 0, 2, 1), addr(20), addr(21)};
    struct pair_spec sa = mobile, sb = gateway;
    (void)state;
    sa.tweak = sb.tweak = allow_any_address;
    pair_addresses(&p, 0, a, 2);
    up(&sa, &sb); /* in IKE_AUTH */
    assert_true(knows(1, addr(20)));
    assert_int_equal(rogue_sa(&p, 1)->mobike.n_peer, 1);
    pair_addresses(&p, 0, a, 3);
    pair_run(&p);
    assert_true(knows(1, addr(20)) && knows(1, addr(21)));
    pair_addresses(&p, 0, a, 1);
    pair_run(&p);
    assert_int_equal(rogue_sa(&p, 1)->mobike.n_peer, 0);
    expect_at(p.side[0].ip, p.side[1].ip);
}

static void only_addresses_that_the_connection_may_use_are_told(void **state)
{
    struct ip a[2] = {ip4(192, 0, 2, 1), addr(20)};
    (void)state;
    pair_addresses(&p, 0, a, 2);
    up(&mobile, &gateway); /* local_addrs names one */
    assert_int_equal(rogue_sa(&p, 1)->mobike.n_peer, 0);
}

/* ---- paths that die */

static struct ip dead;

static bool not_to_the_dead(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !ip_equal(k->src.ip, dead) && !ip_equal(k->dst.ip, dead);
}

static void when_a_path_dies_another_one_is_found(void **state)
{
    struct ip b[2] = {ip4(192, 0, 2, 2), addr(30)};
    (void)state;
    up_mobile();
    pair_addresses(&p, 0, &p.side[0].ip, 1);
    pair_addresses(&p, 1, b, 2);
    pair_run(&p);
    dead = b[0];
    p.filter = not_to_the_dead;
    pair_advance(&p, 15 * TIME_SECOND); /* of which 10 until somebody asks */
    expect_at(p.side[0].ip, addr(30));
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void an_initiator_without_an_address_waits_for_one(void **state)
{
    struct ip home = ip4(192, 0, 2, 1);
    (void)state;
    up_mobile();
    pair_addresses(&p, 0, NULL, 0);
    pair_advance(&p, 120 * TIME_SECOND);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
    assert_true(pair_logged(&p, 0, "no way leads to the peer"));
    pair_addresses(&p, 0, &home, 1);
    pair_run(&p);
    expect_at(home, p.side[1].ip);
}

/* Some machines answer for addresses that no interface has: a route makes them their own. */
static void an_address_that_never_was_listed_is_not_missed(void **state)
{
    struct ip other = addr(50);
    (void)state;
    up(&mobile, &gateway);
    pair_addresses(&p, 0, &other, 1);
    pair_addresses(&p, 1, &other, 1);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    expect_at(p.side[0].ip, p.side[1].ip);
}

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

static bool nat_to_5000(void *ctx, struct pair_packet *k)
{
    const uint16_t *port = ctx;
    if (k->from == 0)
        k->src.port = *port;
    else if (k->dst.port == *port)
        k->dst.port = 4500;
    else
        return false;
    return true;
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

/* Side 1 asks whether side 0 lives, at a place where it is no longer. */
static void ask_in_vain(uint16_t *port)
{
    struct pair_spec a = {.does_mobike = true}, b = gateway;
    *port = 5000;
    p.filter = nat_to_5000;
    p.ctx = port;
    up(&a, &b);
    *port = 6000;
    pair_advance(&p, 15 * TIME_SECOND);
    assert_int_equal(rogue_sa(&p, 1)->own.kind, X_LIVENESS);
}

static void what_has_no_answer_is_asked_where_the_peer_is_heard_too(void **state)
{
    uint16_t port;
    (void)state;
    ask_in_vain(&port);
    pair_command(&p, 0, COMMAND_REKEY, "net", "net");
    pair_run(&p);
    assert_int_equal(rogue_sa(&p, 1)->own.kind, X_NONE);
    assert_int_equal(view(1).remote.port, 5000); /* [RFC4555#3.8] */
}

static void an_sa_that_is_to_go_does_not_wait_for_minutes(void **state)
{
    uint16_t port;
    struct ike_view v;
    (void)state;
    ask_in_vain(&port);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    for (int i = 0; i < 20; i++) { /* which is refused, and shows that the peer is there */
        pair_command(&p, 0, COMMAND_REKEY, "net", "net");
        pair_advance(&p, 2 * TIME_SECOND);
    }
    for (int side = 0; side < 2; side++)
        assert_false(engine_ike_at(p.side[side].e, 0, &v));
}

static void an_sa_that_is_to_go_is_gone_though_nobody_is_there(void **state)
{
    uint16_t port;
    struct ike_view v;
    (void)state;
    ask_in_vain(&port);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_advance(&p, 20 * TIME_SECOND);
    assert_false(engine_ike_at(p.side[1].e, 0, &v));
}

static void an_sa_that_is_to_go_follows_each_address(void **state)
{
    (void)state;
    up_mobile();
    p.is_cut = true;
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    for (uint8_t last = 7; last <= 9; last++) {
        roam(1, last);
        pair_run(&p);
        assert_true(ip_equal(view(1).local.ip, addr(last)));
    }
    p.is_cut = false;
    pair_advance(&p, 5 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
}

/* ---- without MOBIKE */

static void without_mobike_a_lost_address_means_to_begin_anew(void **state)
{
    struct pair_spec a = {.dpd_delay = 10 * TIME_SECOND, .starts = true, .retries_forever = true};
    struct pair_spec b = {.accepts_any_peer = true, .dpd_delay = 10 * TIME_SECOND};
    struct ip ip = addr(7);
    (void)state;
    a.tweak = allow_any_address;
    pair_addresses(&p, 0, &p.side[0].ip, 1);
    up(&a, &b);
    struct connection *conn = (struct connection *)engine_config(p.side[0].e)->connections[0];
    conn->resolved_local = ip;
    pair_addresses(&p, 0, &ip, 1);
    pair_advance(&p, 5 * TIME_SECOND);
    assert_true(pair_logged(&p, 0, "our address 192.0.2.1 is gone"));
    assert_true(ip_equal(view(0).local.ip, ip));
    assert_int_equal(pair_children(&p, 0), 1);
}

/* ---- beginning */

static void two_more_addresses(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    for (uint8_t i = 0; i < 2; i++)
        conn->further[conn->n_further++] =
            (struct ip_pair){.local = conn->resolved_local, .remote = addr((uint8_t)(40 + i))};
}

static bool only_to_41(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->from == 1 || ip_equal(k->dst.ip, addr(41));
}

static void an_initiator_tries_the_peers_addresses_in_turn(void **state)
{
    struct pair_spec a = mobile, b = gateway;
    (void)state;
    a.tweak = two_more_addresses;
    b.tweak = allow_any_address;
    p.filter = only_to_41;
    up(&a, &b);
    pair_advance(&p, 40 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_true(ip_equal(view(0).remote.ip, addr(41)));
    assert_true(pair_logged(&p, 0, "trying the peer's next address"));
}

static void a_peer_that_answers_nowhere_is_one_failure(void **state)
{
    struct pair_spec a = mobile;
    (void)state;
    a.tweak = two_more_addresses;
    p.is_cut = true;
    up(&a, &gateway);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_takes_two_and_port_4500, setup, teardown),
        cmocka_unit_test_setup_teardown(where_port_4500_is_shut_it_is_done_without, setup, teardown),
        cmocka_unit_test_setup_teardown(the_initiator_moves_and_takes_its_children_along, setup, teardown),
        cmocka_unit_test_setup_teardown(ah_ends_when_a_nat_comes_in_front_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_responder_that_speaks_from_elsewhere_is_followed_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_responder_moves_and_the_initiator_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_responder_that_lost_its_address_goes_on_where_it_is_answered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(after_a_rekeying_it_is_still_who_began_that_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(a_move_is_told_in_the_successor_too, setup, teardown),
        cmocka_unit_test_setup_teardown(from_ipv4_to_ipv6, setup, teardown),
        cmocka_unit_test_setup_teardown(routes_follow, setup, teardown),
        cmocka_unit_test_setup_teardown(further_addresses_are_told_and_taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(only_addresses_that_the_connection_may_use_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(when_a_path_dies_another_one_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(an_initiator_without_an_address_waits_for_one, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_that_never_was_listed_is_not_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(esp_stays_until_the_new_address_has_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(who_rewrites_sources_moves_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(another_cookie_than_was_sent_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_that_nobody_has_is_not_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_within_the_tunnel_is_not_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(nor_is_it_told_or_used, setup, teardown),
        cmocka_unit_test_setup_teardown(nats_that_are_forbidden_are_detected, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mapping_that_answers_is_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mapping_of_another_family_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mapping_that_does_not_answer_is_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_idle_initiator_notices_that_its_nat_has_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_busy_initiator_notices_that_its_nat_has_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_answer_is_asked_where_the_peer_is_heard_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_sa_that_is_to_go_does_not_wait_for_minutes, setup, teardown),
        cmocka_unit_test_setup_teardown(an_sa_that_is_to_go_follows_each_address, setup, teardown),
        cmocka_unit_test_setup_teardown(an_sa_that_is_to_go_is_gone_though_nobody_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(without_mobike_a_lost_address_means_to_begin_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(an_initiator_tries_the_peers_addresses_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_answers_nowhere_is_one_failure, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
