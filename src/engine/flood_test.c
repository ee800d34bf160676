/* SPDX-License-Identifier: Apache-2.0 */
/* IKE SAs that strangers begin and never complete: who is asked for a cookie, what one source and all
 * together may hold, who makes room for whom, and what the log says of it. */
#include "engine/impl.h"
#include "support/pair_fixture.h"
#include "support/test.h"
#include <string.h>

#define AT_FIRST    16 /* next payload, in the header */
#define AT_LENGTH   26
#define COOKIE_PART (8 + COOKIE_LEN) /* its notify payload */

static struct pair_packet honest; /* the first request of side 0 */

static void any_address(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    conn->n_local_addrs = 0;
}

/* Side 1 takes anybody; side 0's request is on the wire, and kept. */
static void begin(struct pair_spec b)
{
    struct pair_spec a = {.local_id = "@a", .remote_id = "@b"};
    b.accepts_any_peer = true;
    b.local_id = "@b";
    b.remote_id = "@a";
    b.tweak = any_address;
    load(&a, &b);
    honest = p.wire[0];
}

static const struct engine_stats *stats(void)
{
    return engine_stats(p.side[1].e);
}

static void inject(const struct pair_packet *k)
{
    struct input in = {
        .kind = INPUT_DATAGRAM, .datagram = {.local = k->dst, .remote = k->src}
    };
    in.datagram.bytes = span_of(k->bytes, k->len);
    pair_input(&p, 1, &in);
}

/* A stranger's request, the i-th of this address; what it is answered goes nowhere. */
static struct pair_packet strange(struct ip ip, uint8_t i)
{
    struct pair_packet k = honest;
    k.src.ip = ip;
    memcpy(k.bytes, ip.b + (ip.family == 6 ? 8 : 0), 4);
    k.bytes[4] = i;
    k.bytes[5] ^= 0x55;
    return k;
}

static void stranger(struct ip ip, uint8_t i)
{
    struct pair_packet k = strange(ip, i);
    size_t before = p.n_wire;
    inject(&k);
    p.n_wire = before;
}

/* The same request with the cookie that it was asked for, if it was. */
static bool stranger_with_cookie(struct ip ip, uint8_t i)
{
    struct pair_packet k = strange(ip, i);
    size_t before = p.n_wire;
    inject(&k);
    struct pair_packet asked = p.wire[before];
    bool was_asked = p.n_wire > before && asked.bytes[AT_FIRST] == PAYLOAD_NOTIFY;
    if (was_asked) {
        memmove(k.bytes + IKE_HEADER_LEN + COOKIE_PART, k.bytes + IKE_HEADER_LEN, k.len - IKE_HEADER_LEN);
        memcpy(k.bytes + IKE_HEADER_LEN, asked.bytes + IKE_HEADER_LEN, COOKIE_PART);
        k.bytes[IKE_HEADER_LEN] = k.bytes[AT_FIRST];
        k.bytes[AT_FIRST] = PAYLOAD_NOTIFY;
        k.len += COOKIE_PART;
        k.bytes[AT_LENGTH] = (uint8_t)(k.len >> 8);
        k.bytes[AT_LENGTH + 1] = (uint8_t)k.len;
        inject(&k);
    }
    p.n_wire = before;
    return was_asked;
}

static struct ip source(uint8_t i)
{
    return ip4(198, 51, 100, i);
}

/* Requests as many as fill a table without bounds, each with its cookie, while an honest peer is at work. */
static void newcomers_take_the_place_of_the_oldest_when_all_places_are_taken(void **state)
{
    (void)state;
    begin((struct pair_spec){.init_limit_half_open = 8, .has_cookie_threshold = true, .cookie_threshold = 4});
    for (uint8_t i = 1; i <= 100; i++) {
        assert_int_equal(stranger_with_cookie(source(i), 1), i > 4);
        assert_true(stats()->half_open <= 8);
    }
    assert_int_equal(stats()->half_open, 8);
    assert_int_equal(stats()->displaced, 92);
    for (uint8_t i = 101; pair_deliver(&p); i++) /* a stranger between any two messages */
        stranger_with_cookie(source(i), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    pair_advance(&p, 31 * TIME_SECOND);
    assert_int_equal(stats()->half_open, 0);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void computing_for_strangers_does_not_pile_up(void **state)
{
    (void)state;
    begin((struct pair_spec){.init_limit_half_open = 8, .has_cookie_threshold = true});
    p.side[1].holds_jobs = true;
    for (uint8_t i = 1; i <= 14; i++)
        stranger(source(i), 1);
    assert_int_equal(p.side[1].n_held, 8);
    assert_int_equal(stats()->half_open, 8);
    assert_int_equal(stats()->dropped_blocked, 6);
    p.side[1].holds_jobs = false;
    pair_release_jobs(&p, 1);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void all_of_an_ipv6_network_is_one_source(void **state)
{
    (void)state;
    struct ip ip;
    begin((struct pair_spec){.block_threshold = 3, .has_cookie_threshold = true});
    assert_true(ip_parse("2001:db8:1:2::1", &ip));
    for (uint8_t i = 1; i <= 10; i++) {
        ip.b[8] = ip.b[15] = i;
        stranger(ip, i);
    }
    assert_int_equal(stats()->half_open, 3);
    assert_int_equal(stats()->dropped_blocked, 7);
    ip.b[7]++; /* the next /64 */
    stranger(ip, 1);
    assert_int_equal(stats()->half_open, 4);
}

static void a_source_cannot_be_shut_out_by_requests_in_its_name(void **state)
{
    (void)state;
    begin((struct pair_spec){.block_threshold = 3});
    for (uint8_t i = 1; i <= 10; i++)
        stranger(honest.src.ip, i);
    assert_int_equal(stats()->half_open, 3);
    assert_int_equal(stats()->cookies_sent, 7);
    pair_advance(
        &p,
        10 * TIME_SECOND); /* the honest one repeats its request; those that are its own would be through */
    assert_int_equal(pair_children(&p, 1), 1);
    assert_int_equal(stats()->displaced, 1);
}

static void a_source_that_proves_itself_has_its_limit_all_the_same(void **state)
{
    (void)state;
    begin((struct pair_spec){.block_threshold = 3, .has_cookie_threshold = true, .cookie_threshold = 1});
    stranger(source(200), 1);
    for (uint8_t i = 1; i <= 10; i++)
        assert_true(stranger_with_cookie(source(1), i));
    assert_int_equal(stats()->half_open, 4);
    assert_int_equal(stats()->dropped_blocked, 7);
    pair_advance(&p, 5 * TIME_SECOND);
    for (uint8_t i = 11; i <= 20; i++)
        stranger_with_cookie(source(1), i);
    assert_int_equal(stats()->displaced, 0);
}

static unsigned lines(const char *part)
{
    unsigned n = 0;
    for (const char *at = p.side[1].log; (at = strstr(at, part)); at++)
        n++;
    return n;
}

static void strangers_do_not_fill_the_log(void **state)
{
    (void)state;
    struct pair_spec a = {0}, b = {0};
    load(&a, &b); /* which knows one peer */
    honest = p.wire[0];
    p.is_cut = true;
    for (uint8_t i = 1; i <= 100; i++)
        stranger(source(i), 1);
    assert_int_equal(lines("no connection for a peer"), 10);
    pair_advance(&p, 2 * TIME_SECOND);
    stranger(source(101), 1);
    assert_int_equal(lines("no connection for a peer"), 11);
    assert_int_equal(lines("90 more lines"), 1);
}

static void an_operator_reads_when_cookies_begin_and_when_they_are_over(void **state)
{
    (void)state;
    begin((struct pair_spec){.has_cookie_threshold = true, .cookie_threshold = 4});
    p.is_cut = true;
    p.n_wire = 0;
    for (uint8_t i = 1; i <= 20; i++)
        stranger(source(i), 1);
    assert_int_equal(lines("4 IKE SAs are half-open: whoever begins one is asked for a cookie"), 1);
    pair_advance(&p, 31 * TIME_SECOND);
    stranger(source(21), 1);
    assert_int_equal(lines("0 IKE SAs are half-open: no cookies any more, 16 were asked for"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(newcomers_take_the_place_of_the_oldest_when_all_places_are_taken),
        T(computing_for_strangers_does_not_pile_up),
        T(all_of_an_ipv6_network_is_one_source),
        T(a_source_cannot_be_shut_out_by_requests_in_its_name),
        T(a_source_that_proves_itself_has_its_limit_all_the_same),
        T(strangers_do_not_fill_the_log),
        T(an_operator_reads_when_cookies_begin_and_when_they_are_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
