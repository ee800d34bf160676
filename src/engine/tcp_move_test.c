/* SPDX-License-Identifier: Apache-2.0 */
/* An IKE SA that moves between UDP and TCP (RFC 9329 section 7.1): when TCP is tried, over what the same
 * request goes, what is proved and what is not, and that nothing is left open. Under loss: tests/sim. */
#include "engine/impl.h"
#include "ike/msg/header.h"
#include "support/pair_fixture.h"
#include "support/test.h"

static struct spied {
    uint32_t in_udp, in_tcp; /* message IDs of side 0's last request in UDP, and of its first one in TCP */
    bool has_tcp, shuts_udp;
    unsigned of_responder; /* its requests */
} spied;

static bool spy(void *ctx, struct pair_packet *k)
{
    uint32_t id = (uint32_t)k->bytes[22] << 8 | k->bytes[23];
    bool is_request = !(k->bytes[19] & IKE_FLAG_RESPONSE);
    (void)ctx;
    if (k->is_news || !is_request)
        return true;
    spied.of_responder += k->from;
    if (k->from)
        return true;
    if (!k->dst.stream)
        spied.in_udp = id;
    else if (!spied.has_tcp) {
        spied.in_tcp = id;
        spied.has_tcp = true;
    }
    return k->dst.stream || !spied.shuts_udp;
}

static void from_anywhere(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    ((struct host_spec *)conn->local_addrs)[0].is_any = true;
    conn->tcp_port = 443;
}

static void falls_back(struct config *c, struct connection *conn, struct child_config *children)
{
    from_anywhere(c, conn, children);
    conn->tcp = TCP_FALLBACK;
}

static void always(struct config *c, struct connection *conn, struct child_config *children)
{
    from_anywhere(c, conn, children);
    conn->tcp = TCP_ALWAYS;
}

static struct ike_view view(int side)
{
    struct ike_view v;
    assert_int_equal(pair_ikes(&p, side), 1);
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    return v;
}

static uint64_t up_with(void (*tweak)(struct config *, struct connection *, struct child_config *),
                        bool is_udp_shut)
{
    const struct pair_spec a = {.tweak = tweak, .does_mobike = true, .retries_forever = true, .starts = true},
                           b = {.tweak = from_anywhere, .does_mobike = true, .accepts_any_peer = true};
    spied = (struct spied){0};
    p.is_udp_shut = is_udp_shut;
    for (int side = 0; side < 2; side++)
        pair_addresses(&p, side, &p.side[side].ip, 1);
    pair_load(&p, 1, &b);
    pair_load(&p, 0, &a);
    pair_advance(&p, 20 * TIME_SECOND);
    assert_int_equal(view(0).remote.stream != 0, is_udp_shut || tweak == always);
    assert_true(view(0).does_mobike && view(1).does_mobike);
    p.filter = spy;
    return view(0).spi_i;
}

static void roam(uint8_t last)
{
    struct ip ip = ip4(198, 51, 100, last);
    pair_addresses(&p, 0, &ip, 1);
}

static void expect(uint64_t spi, bool is_in_tcp)
{
    const struct pair_link *l = is_in_tcp ? pair_newest_link(&p) : NULL;
    assert_int_equal(p.side[0].ike_downs + p.side[1].ike_downs, 0);
    assert_int_equal(p.side[0].e->streams.ours.count, is_in_tcp);
    for (int side = 0; side < 2; side++) {
        const struct esp_sa *out = pair_newest_out(&p, side);
        assert_int_equal(view(side).spi_i, spi);
        assert_int_equal(view(side).remote.stream, is_in_tcp ? l->handle[side] : 0);
        assert_int_equal(out->remote.stream, view(side).remote.stream);
        assert_true(ip_equal(out->local.ip, view(side).local.ip));
        assert_int_equal(out->has_encap, is_in_tcp);
    }
    assert_true(ip_equal(view(1).remote.ip, view(0).local.ip));
    assert_true(pair_traffic_fits(&p));
}

static void an_sa_whose_udp_is_dead_goes_on_in_tcp(void **state)
{
    (void)state;
    uint64_t spi = up_with(falls_back, false);
    roam(77);
    pair_advance(&p, TIME_SECOND);
    expect(spi, false);
    p.is_udp_shut = true;
    pair_command(&p, 0, COMMAND_REKEY, "net", "net");
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(p.n_links, 0);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(p.n_links, 1);
    assert_int_equal(p.side[0].child_rekeys, 1);
    expect(spi, true);
}

/* Nor is the responder's return routability check made: the connection has shown it. */
static void the_same_request_goes_over_tcp_and_the_responder_asks_nothing(void **state)
{
    (void)state;
    uint64_t spi = up_with(falls_back, false);
    spied.shuts_udp = true;
    roam(77);
    pair_advance(&p, 12 * TIME_SECOND);
    expect(spi, true);
    assert_true(spied.has_tcp);
    assert_int_equal(spied.in_tcp, spied.in_udp);
    assert_int_equal(spied.of_responder, 0);
    assert_true(ip_equal(view(1).remote.ip, ip4(198, 51, 100, 77)));
}

static void roaming_in_tcp_tries_udp_first(void **state)
{
    (void)state;
    uint64_t spi = up_with(falls_back, true);
    p.is_udp_shut = false;
    roam(77);
    pair_advance(&p, 2 * TIME_SECOND);
    expect(spi, false);
    assert_int_equal(p.n_links, 1);
    assert_int_equal(p.released, 2); /* by both */
}

static void roaming_where_udp_is_dead_makes_a_new_connection(void **state)
{
    (void)state;
    uint64_t spi = up_with(falls_back, true);
    roam(77);
    pair_advance(&p, 10 * TIME_SECOND);
    expect(spi, true);
    assert_int_equal(p.n_links, 2);
    assert_int_equal(p.released, 2);
}

static void always_means_no_datagram_when_roaming(void **state)
{
    (void)state;
    uint64_t spi = up_with(always, false);
    roam(77);
    pair_advance(&p, TIME_SECOND);
    expect(spi, true);
    assert_int_equal(p.n_links, 2);
    assert_int_equal(spied.in_udp, 0);
}

static void another_address_is_no_reason_to_leave_tcp(void **state)
{
    struct ip two[] = {p.side[0].ip, ip4(198, 51, 100, 77)};
    (void)state;
    uint64_t spi = up_with(falls_back, true);
    p.is_udp_shut = false;
    pair_addresses(&p, 0, two, 2);
    pair_advance(&p, 30 * TIME_SECOND);
    expect(spi, true);
    assert_int_equal(p.n_links, 1);
}

static void udp_that_answers_after_all_ends_the_attempt(void **state)
{
    (void)state;
    uint64_t spi = up_with(falls_back, false);
    p.is_udp_shut = p.is_tcp_shut = true;
    roam(77);
    pair_advance(&p, 7 * TIME_SECOND);
    assert_int_equal(p.side[0].e->streams.ours.count, 1);
    p.is_udp_shut = false;
    pair_advance(&p, 5 * TIME_SECOND);
    expect(spi, false);
}

static bool drop(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->is_news;
}

/* However often the connection breaks and comes back. */
static void a_peer_that_is_silent_over_tcp_too_is_given_up(void **state)
{
    (void)state;
    up_with(falls_back, false);
    p.filter = drop;
    roam(77);
    for (int i = 0; i < 9; i++) {
        pair_advance(&p, 3 * TIME_SECOND);
        if (p.n_links && pair_newest_link(&p)->is_up)
            pair_break_link(&p);
    }
    assert_true(p.n_links > 1);
    assert_int_equal(p.side[0].ike_downs, 1);
}

static void a_broken_connection_is_made_anew_with_an_update(void **state)
{
    (void)state;
    uint64_t spi = up_with(always, false);
    pair_break_link(&p);
    pair_advance(&p, 2 * TIME_SECOND);
    expect(spi, true);
    assert_int_equal(p.n_links, 2);
}

static void without_any_address_an_sa_in_tcp_waits(void **state)
{
    (void)state;
    uint64_t spi = up_with(falls_back, true);
    pair_addresses(&p, 0, NULL, 0);
    pair_command(&p, 0, COMMAND_REKEY, "net", "net");
    p.n_wire = 0;
    p.is_tcp_shut = true;
    pair_break_link(&p);
    pair_advance(&p, 250 * TIME_SECOND);
    p.is_tcp_shut = false;
    roam(77);
    pair_advance(&p, 60 * TIME_SECOND);
    expect(spi, true);
    assert_int_equal(p.side[0].child_rekeys, 1);
}

static void udp_is_tried_again_where_tcp_was_needed(void **state)
{
    (void)state;
    uint64_t spi = up_with(falls_back, true);
    p.is_udp_shut = false;
    pair_advance(&p, 6 * 60 * TIME_SECOND);
    expect(spi, true);
    assert_int_equal(spied.in_udp, 0);
    pair_advance(&p, 6 * 60 * TIME_SECOND);
    expect(spi, false);
    assert_int_equal(p.n_links, 1);
    assert_int_equal(p.released, 2);
}

static unsigned tries(void)
{
    unsigned n = 0;
    for (const char *at = p.side[0].log; (at = strstr(at, "trying UDP again")); at++)
        n++;
    return n;
}

static void udp_that_stays_dead_is_tried_ever_more_seldom(void **state)
{
    static const struct {
        int64_t minutes;
        unsigned least, most;
    } rows[] = {
        {11,      1,  1 },
        {30,      2,  2 },
        {5 * 60,  5,  8 },
        {24 * 60, 22, 34},
    };
    (void)state;
    uint64_t spi = up_with(falls_back, true);
    int64_t begun = p.now.mono;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pair_advance(&p, begun + rows[i].minutes * 60 * TIME_SECOND - p.now.mono);
        pair_advance(&p, 20 * TIME_SECOND);
        assert_in_range(tries(), rows[i].least, rows[i].most);
        expect(spi, true); /* over the very connection */
        assert_int_equal(p.n_links, 1);
    }
}

static void the_children_stay_in_tcp_until_udp_has_answered(void **state)
{
    (void)state;
    up_with(falls_back, true);
    for (int i = 0; i < 700 && !tries(); i++)
        pair_advance(&p, TIME_SECOND);
    for (int side = 0; side < 2; side++)
        assert_true(pair_newest_out(&p, side)->remote.stream);
    assert_int_equal(view(0).remote.stream, 0);
    assert_int_equal(p.released, 0);
}

static void a_rekeyed_sa_tries_udp_when_the_old_one_would_have(void **state)
{
    (void)state;
    up_with(falls_back, true);
    p.is_udp_shut = false;
    for (int i = 0; i < 13; i++) {
        pair_command(&p, i % 2, COMMAND_REKEY, "net", NULL);
        pair_advance(&p, 60 * TIME_SECOND);
    }
    assert_int_equal(tries(), 1);
    expect(view(0).spi_i, false);
}

static void nobody_else_leaves_tcp(void **state)
{
    (void)state;
    uint64_t spi = up_with(always, false);
    pair_advance(&p, 2 * 60 * 60 * TIME_SECOND);
    expect(spi, true);
    assert_int_equal(spied.in_udp, 0);
    teardown(state);
    setup(state);
    const struct pair_spec a = {.tweak = falls_back, .starts = true},
                           b = {.tweak = from_anywhere, .accepts_any_peer = true};
    p.is_udp_shut = true;
    pair_load(&p, 1, &b);
    pair_load(&p, 0, &a);
    pair_advance(&p, 20 * TIME_SECOND);
    p.is_udp_shut = false;
    pair_advance(&p, 2 * 60 * 60 * TIME_SECOND); /* [RFC9329#5] without MOBIKE */
    assert_true(view(0).remote.stream);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_sa_whose_udp_is_dead_goes_on_in_tcp),
        T(the_same_request_goes_over_tcp_and_the_responder_asks_nothing),
        T(roaming_in_tcp_tries_udp_first),
        T(roaming_where_udp_is_dead_makes_a_new_connection),
        T(always_means_no_datagram_when_roaming),
        T(another_address_is_no_reason_to_leave_tcp),
        T(udp_that_answers_after_all_ends_the_attempt),
        T(a_peer_that_is_silent_over_tcp_too_is_given_up),
        T(a_broken_connection_is_made_anew_with_an_update),
        T(without_any_address_an_sa_in_tcp_waits),
        T(udp_is_tried_again_where_tcp_was_needed),
        T(udp_that_stays_dead_is_tried_ever_more_seldom),
        T(the_children_stay_in_tcp_until_udp_has_answered),
        T(a_rekeyed_sa_tries_udp_when_the_old_one_would_have),
        T(nobody_else_leaves_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
