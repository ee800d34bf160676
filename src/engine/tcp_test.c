/* SPDX-License-Identifier: Apache-2.0 */
/* TCP encapsulation (RFC 9329) as the engine sees it: who opens and closes connections, when, and what goes
 * over which. Two engines back to back; the connections are those of the fixture. */
#include "engine/impl.h"
#include "ike/msg/header.h"
#include "support/pair_fixture.h"
#include "support/test.h"

static void always(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    conn->tcp = TCP_ALWAYS;
    conn->tcp_port = 443;
}

static void fallback(struct config *c, struct connection *conn, struct child_config *children)
{
    always(c, conn, children);
    conn->tcp = TCP_FALLBACK;
}

static const struct pair_spec in_tcp = {.tweak = always, .encap = ENCAP_AUTO},
                              in_tcp_alive = {.tweak = always, .dpd_delay = 10 * TIME_SECOND},
                              falls_back = {.tweak = fallback, .retries_forever = true, .starts = true},
                              plain = {.encap = ENCAP_AUTO};

static struct ike_view view(int side)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    return v;
}

static void assert_in_tcp(void)
{
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    const struct pair_link *l = pair_newest_link(&p);
    for (int side = 0; side < 2; side++) {
        const struct esp_sa *out = pair_newest_out(&p, side);
        assert_int_equal(out->remote.stream, l->handle[side]);
        assert_true(out->has_encap);
        assert_int_equal(view(side).remote.stream, l->handle[side]);
        assert_int_equal(view(side).local.port, l->end[side].port);
        assert_int_equal(view(side).remote.port, l->end[1 - side].port);
    }
}

static void always_means_that_no_datagram_leaves(void **state)
{
    (void)state;
    p.is_udp_shut = true;
    up(&in_tcp, &plain);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_in_tcp();
    assert_int_equal(p.n_links, 1);
    assert_int_equal(p.links[0].end[1].port, 443);
    assert_int_equal(p.kept, 1); /* by the responder, when it knew the peer */
    assert_int_equal(p.released, 0);
}

/* [RFC9329#6.5] the hashes are over the ports of the connection: no NAT is seen, and none is feigned. */
static void no_nat_is_seen_where_there_is_none(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    for (int side = 0; side < 2; side++)
        assert_false(view(side).has_nat_local || view(side).has_nat_remote || view(side).has_fake_nat);
}

static void a_refused_connection_fails_the_attempt_with_the_reason(void **state)
{
    (void)state;
    p.is_tcp_shut = true;
    up(&in_tcp, &plain);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    assert_non_null(strstr(p.side[0].done.what, "no TCP connection to"));
    assert_int_equal(p.side[0].e->streams.ours.count, 0);
}

static void the_end_of_the_last_sa_closes_the_connection(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_false(pair_newest_link(&p)->is_up);
    assert_int_equal(p.side[0].e->streams.ours.count, 0);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(p.released, 2); /* each side once */
}

static void a_rekeyed_sa_goes_on_over_the_same_connection(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    for (int side = 0; side < 2; side++) {
        pair_command(&p, side, COMMAND_REKEY, "net", NULL);
        pair_advance(&p, 60 * TIME_SECOND);
        assert_in_tcp();
    }
    assert_int_equal(p.n_links, 1);
    assert_int_equal(p.released, 0);
}

/* [RFC9329#6.1] whoever began the first IKE SA opens the connection, whoever rekeyed it last. */
static void the_originator_opens_a_broken_connection_again_at_once(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 60 * TIME_SECOND);
    pair_break_link(&p);
    pair_run(&p);
    assert_int_equal(p.n_links, 2);
    assert_true(pair_newest_link(&p)->handle[0] & STREAM_OURS);
    assert_in_tcp(); /* the responder, too: a liveness check has shown it the way */
    assert_int_equal(pair_newest_link(&p)->handle[0], p.links[0].handle[0]);
    assert_int_equal(p.side[0].ike_downs + p.side[1].ike_downs, 0);
}

static void opening_again_is_bounded(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    pair_advance(&p, 60 * TIME_SECOND);
    p.is_tcp_shut = true;
    pair_break_link(&p);
    size_t refused = p.side[0].log_len;
    pair_advance(&p, 600 * TIME_SECOND);
    unsigned tries = 0;
    for (const char *at = p.side[0].log + refused; (at = strstr(at, "no TCP connection")); at++)
        tries++;
    assert_in_range(tries, 20, 40);
    assert_int_equal(pair_ikes(&p, 0), 1); /* nobody asked whether the peer lives */
    p.is_tcp_shut = false;
    pair_advance(&p, 40 * TIME_SECOND);
    assert_in_tcp();
}

/* [RFC9329#6.4] nobody else can have said it. */
static void an_error_is_believed_at_once(void **state)
{
    static const struct pair_spec other = {.ike = {"aes128-sha1-modp2048"}},
                                  ours = {.tweak = always, .ike = {"aes256gcm16-prfsha384-ecp384"}};
    (void)state;
    up(&ours, &other);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_PROPOSAL);
}

/* [RFC9329#6.2] */
static void a_request_is_repeated_at_once_on_a_new_connection(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    pair_advance(&p, 60 * TIME_SECOND);
    pair_command(&p, 0, COMMAND_REKEY, "net", "net");
    p.n_wire = 0; /* the request is lost with the connection */
    unsigned before = p.sent;
    pair_advance(&p, 4 * TIME_SECOND);
    assert_int_equal(p.sent, before);
    pair_break_link(&p);
    pair_run(&p);
    assert_int_equal(p.side[0].child_rekeys, 1);
    assert_in_tcp();
}

/* The peer may have been busy with the keys of the SA, and have dropped it. */
static void a_request_that_the_peer_dropped_is_repeated_late(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    pair_advance(&p, 60 * TIME_SECOND);
    for (unsigned side = 0; side < 2; side++) {
        pair_command(&p, side, COMMAND_REKEY, "net", "net");
        p.n_wire = 0;
        pair_advance(&p, 6 * TIME_SECOND);
        assert_int_equal(p.side[side].child_rekeys, side + 1);
        assert_int_equal(p.n_links, 1);
    }
    assert_in_tcp();
}

static void a_responders_request_is_repeated_when_the_peer_comes_back(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    pair_advance(&p, 60 * TIME_SECOND);
    pair_command(&p, 1, COMMAND_REKEY, "net", "net");
    p.n_wire = 0;
    pair_break_link(&p);
    pair_run(&p);
    assert_int_equal(p.side[1].child_rekeys, 1);
    assert_in_tcp();
}

static void a_peer_that_is_gone_is_noticed(void **state)
{
    (void)state;
    up(&in_tcp_alive, &plain);
    p.is_cut = true;
    pair_break_link(&p);
    pair_advance(&p, 45 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(p.side[0].e->streams.ours.count, 0);
}

/* [RFC9329#6.6] */
static void no_keepalives_are_sent(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    for (int side = 0; side < 2; side++) {
        struct ike_sa *sa = container_of(p.side[side].e->sas.next, struct ike_sa, link);
        sa->has_nat_local = true;
        sa->keepalive_at = p.now.mono;
        engine_touch(p.side[side].e, sa);
    }
    pair_input(&p, 0, &(struct input){.kind = INPUT_TICK});
    pair_input(&p, 1, &(struct input){.kind = INPUT_TICK});
    pair_advance(&p, 120 * TIME_SECOND);
    assert_int_equal(p.side[0].keepalives + p.side[1].keepalives, 0);
}

/* [RFC9329#7.5] */
static void nothing_is_sent_in_fragments(void **state)
{
    static const struct pair_spec small = {.tweak = always, .fragment_size = 300},
                                  small_too = {.fragment_size = 300};
    (void)state;
    up(&small, &small_too);
    assert_in_tcp();
    assert_int_equal(p.sent, 4);
}

/* [RFC9329#6.3] */
static void no_cookie_is_asked_for_over_tcp(void **state)
{
    static const struct pair_spec wary = {.has_cookie_threshold = true, .cookie_threshold = 1};
    (void)state;
    pair_load(&p, 0, &in_tcp);
    pair_load(&p, 1, &wary);
    p.side[1].e->stats.half_open = 5;
    pair_command(&p, 0, COMMAND_INITIATE, "net", "net");
    pair_run(&p);
    assert_int_equal(engine_stats(p.side[1].e)->cookies_sent, 0);
    assert_int_equal(pair_ikes(&p, 0), 1);
}

/* [RFC9329#5.1] */
static void a_dead_udp_is_given_up_for_tcp(void **state)
{
    (void)state;
    p.is_udp_shut = true;
    pair_load(&p, 1, &plain);
    pair_load(&p, 0, &falls_back);
    pair_run(&p);
    assert_int_equal(p.n_links, 0);
    struct ike_view first = view(0);
    pair_advance(&p, 7900 * TIME_MS);
    assert_int_equal(p.n_links, 0);
    assert_int_equal(p.sent, 4);
    pair_advance(&p, 400 * TIME_MS);
    assert_int_equal(p.n_links, 1);
    assert_in_tcp();
    assert_true(view(0).spi_i != first.spi_i);
}

static void udp_that_answers_is_preferred(void **state)
{
    (void)state;
    pair_load(&p, 1, &plain);
    pair_load(&p, 0, &falls_back);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(p.n_links, 0);
}

/* What was found of UDP holds for the network where it was found. */
static void a_new_network_is_asked_for_udp_first(void **state)
{
    (void)state;
    p.is_udp_shut = true;
    pair_load(&p, 1, &plain);
    pair_load(&p, 0, &falls_back);
    pair_advance(&p, 20 * TIME_SECOND);
    p.is_udp_shut = false;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(view(0).remote.stream != 0, true);
        pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
        pair_run(&p);
        if (round)
            pair_addresses(&p, 0, &p.side[0].ip, 1);
        pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
        pair_run(&p);
    }
    assert_int_equal(view(0).remote.stream, 0);
}

static void tcp_that_fails_too_leads_back_to_udp(void **state)
{
    (void)state;
    p.is_udp_shut = p.is_tcp_shut = true;
    pair_load(&p, 1, &plain);
    pair_load(&p, 0, &falls_back);
    pair_advance(&p, 120 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    p.is_udp_shut = false;
    pair_advance(&p, 90 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(view(0).remote.stream, 0);
}

/* Forged or old messages on a connection of somebody else move nothing. */
static void only_new_authentic_messages_choose_the_connection(void **state)
{
    (void)state;
    static struct pair_packet request;
    up(&in_tcp, &plain);
    pair_advance(&p, 60 * TIME_SECOND);
    pair_command(&p, 0, COMMAND_REKEY, "net", "net");
    request = p.wire[0];
    pair_run(&p);
    uint32_t own = view(1).remote.stream;
    struct endpoint other = {.ip = p.side[0].ip, .port = 55555, .stream = 77};
    struct input in = {
        .kind = INPUT_DATAGRAM,
        .datagram = {.local = view(1).local,
                     .remote = other,
                     .is_natt = true,
                     .bytes = span_of(request.bytes, request.len)}
    };
    pair_input(&p, 1, &in); /* a repetition */
    p.n_wire = 0;
    assert_int_equal(view(1).remote.stream, own);
    request.bytes[23]++; /* the message ID: next, and not authentic */
    pair_input(&p, 1, &in);
    assert_int_equal(view(1).remote.stream, own);
}

/* Both IKE and ESP of the peer show where it is; a datagram is no reason to leave TCP [RFC9329#5]. */
static void esp_on_another_connection_moves_the_sa_and_esp_in_udp_does_not(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    const struct esp_sa *out = pair_newest_out(&p, 1);
    struct endpoint other = {.ip = p.side[0].ip, .port = 55555};
    struct input in = {
        .kind = INPUT_DATAPLANE,
        .dataplane = {.kind = DP_MAPPING, .child_id = out->child_id, .remote = other}
    };
    uint32_t own = view(1).remote.stream;
    pair_input(&p, 1, &in);
    assert_int_equal(view(1).remote.stream, own);
    in.dataplane.remote.stream = 77;
    unsigned released = p.released;
    pair_input(&p, 1, &in);
    assert_int_equal(view(1).remote.stream, 77);
    assert_int_equal(pair_newest_out(&p, 1)->remote.stream, 77);
    assert_int_equal(p.released, released + 1);
    assert_int_equal(p.kept, 2);
}

static void the_originator_is_not_led_to_another_connection(void **state)
{
    (void)state;
    up(&in_tcp, &plain);
    const struct esp_sa *out = pair_newest_out(&p, 0);
    struct endpoint other = {.ip = p.side[1].ip, .port = 443, .stream = 77};
    uint32_t own = view(0).remote.stream;
    struct input in = {
        .kind = INPUT_DATAPLANE,
        .dataplane = {.kind = DP_MAPPING, .child_id = out->child_id, .remote = other}
    };
    pair_input(&p, 0, &in);
    assert_int_equal(view(0).remote.stream, own);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(always_means_that_no_datagram_leaves),
        T(no_nat_is_seen_where_there_is_none),
        T(a_refused_connection_fails_the_attempt_with_the_reason),
        T(the_end_of_the_last_sa_closes_the_connection),
        T(a_rekeyed_sa_goes_on_over_the_same_connection),
        T(the_originator_opens_a_broken_connection_again_at_once),
        T(opening_again_is_bounded),
        T(an_error_is_believed_at_once),
        T(a_request_is_repeated_at_once_on_a_new_connection),
        T(a_request_that_the_peer_dropped_is_repeated_late),
        T(a_responders_request_is_repeated_when_the_peer_comes_back),
        T(a_peer_that_is_gone_is_noticed),
        T(no_keepalives_are_sent),
        T(nothing_is_sent_in_fragments),
        T(no_cookie_is_asked_for_over_tcp),
        T(a_dead_udp_is_given_up_for_tcp),
        T(udp_that_answers_is_preferred),
        T(a_new_network_is_asked_for_udp_first),
        T(tcp_that_fails_too_leads_back_to_udp),
        T(only_new_authentic_messages_choose_the_connection),
        T(esp_on_another_connection_moves_the_sa_and_esp_in_udp_does_not),
        T(the_originator_is_not_led_to_another_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
