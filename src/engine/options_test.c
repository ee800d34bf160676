/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the daemon that strongswan.conf has too, each by what it changes between two engines. */
#include "engine/impl.h"
#include "support/certs_fixture.h"
#include "support/pair_fixture.h"
#include "support/test.h"
#include <string.h>

/* What the side's daemon is set to: a test fills it in. */
static struct {
    void (*set)(struct settings *s, int side);
    const char *vip;
    bool has_no_address, has_many_ike_sas;
} wish;

static void tweak(struct config *c, struct connection *conn, struct child_config *children)
{
    int side = conn->local_addrs[0].from.b[3] - 1;
    (void)children;
    if (wish.set)
        wish.set(&c->settings, side);
    if (wish.has_no_address && side == 0) {
        conn->resolved_remote = (struct ip){0};
        struct host_spec *h = arena_calloc(c->arena, 1, sizeof(*h));
        h->fqdn = "gate.example";
        conn->remote_addrs = h;
        conn->n_remote_addrs = 1;
    }
    conn->unique = wish.has_many_ike_sas && side == 1 ? UNIQUE_NEVER : conn->unique;
    if (wish.vip && side == 0) {
        struct ip *v = arena_calloc(c->arena, 1, sizeof(*v));
        *v = (struct ip){.family = 4};
        conn->vips = v;
        conn->n_vips = 1;
    }
    if (wish.vip && side == 1) {
        static const char *const names[] = {"office"};
        struct ip_range *r = arena_calloc(c->arena, 1, sizeof(*r));
        assert_true(ip_parse(wish.vip, &r->from));
        r->to = r->from;
        c->pools = arena_calloc(c->arena, 1, sizeof(*c->pools));
        c->pools[0] = (struct pool_config){.name = "office", .ranges = r, .n_ranges = 1};
        c->n_pools = 1;
        conn->pools = names;
        conn->n_pools = 1;
    }
}

static struct pair_spec spec(void)
{
    return (struct pair_spec){.tweak = tweak};
}

static int begin_test(void **state)
{
    memset(&wish, 0, sizeof(wish));
    return setup(state);
}

static uint32_t inbound_spi(int side)
{
    for (size_t i = 0; i < p.side[side].n_sas; i++) {
        if (p.side[side].sas[i].direction == SA_IN)
            return p.side[side].sas[i].spi;
    }
    fail_msg("no inbound SA");
    return 0;
}

/* ---- numbers */

static void narrow_spis(struct settings *s, int side)
{
    s->spi_min = side ? 0x12340000 : 0x1000;
    s->spi_max = side ? 0x1234ffff : 0x1fff; /* too few to be had */
}

static void spis_are_of_the_range_that_is_set(void **state)
{
    (void)state;
    struct pair_spec a = spec();
    up(&a, &a);
    for (int side = 0; side < 2; side++)
        assert_in_range(inbound_spi(side), 0xc0000000, 0xcfffffff);
    wish.set = narrow_spis;
    for (int i = 0; i < 4; i++) {
        pair_restart(&p, 0);
        pair_restart(&p, 1);
        up(&a, &a);
        assert_in_range(inbound_spi(1), 0x12340000, 0x1234ffff);
        assert_true(inbound_spi(0) < 0x1000 || inbound_spi(0) > 0x1fff);
        assert_int_equal(inbound_spi(1) % (1u << SPI_STEER_BITS),
                         p.side[1].sas[0].reqid % (1u << SPI_STEER_BITS));
    }
}

static void high_reqids(struct settings *s, int side)
{
    s->reqid_base = side ? 5000 : 1;
}

static void reqids_begin_where_it_is_said(void **state)
{
    (void)state;
    struct pair_spec a = spec();
    wish.set = high_reqids;
    up(&a, &a);
    assert_int_equal(p.side[0].sas[0].reqid, 1);
    assert_int_equal(p.side[1].sas[0].reqid, 5000);
}

/* ---- limits */

static struct pair_packet first; /* the first request of side 0 */

/* The same of somebody else. */
static void stranger(uint8_t source, uint8_t i)
{
    struct pair_packet k = first;
    size_t before = p.n_wire;
    k.src.ip = ip4(198, 51, 100, source);
    k.bytes[0] ^= source;
    k.bytes[4] ^= i;
    struct input in = {
        .kind = INPUT_DATAGRAM, .datagram = {.local = k.dst, .remote = k.src}
    };
    in.datagram.bytes = span_of(k.bytes, k.len);
    pair_input(&p, 1, &in);
    p.n_wire = before;
}

static const struct engine_stats *stats(void)
{
    return engine_stats(p.side[1].e);
}

static void takes_anybody(struct pair_spec *a, struct pair_spec *b)
{
    *a = (struct pair_spec){.local_id = "@a", .remote_id = "@b", .tweak = tweak};
    *b = (struct pair_spec){
        .local_id = "@b", .remote_id = "@a", .accepts_any_peer = true, .tweak = tweak, .hash = 2};
    load(a, b);
    first = p.wire[0];
}

static void one_ike_sa(struct settings *s, int side)
{
    s->ikesa_limit = side ? 1 : 0;
}

static void no_peer_begins_beyond_the_limit_of_ike_sas(void **state)
{
    (void)state;
    struct pair_spec a, b;
    wish.set = one_ike_sa;
    takes_anybody(&a, &b);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 1);
    stranger(7, 1);
    assert_int_equal(stats()->half_open, 0);
    assert_int_equal(stats()->dropped_blocked, 1);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    stranger(7, 2);
    assert_int_equal(stats()->half_open, 1);
    stranger(8, 1); /* half-open ones count */
    assert_int_equal(stats()->half_open, 1);
}

static void two_jobs(struct settings *s, int side)
{
    s->init_limit_job_load = side ? 2 : 0;
}

static void no_peer_begins_while_there_is_too_much_to_compute(void **state)
{
    (void)state;
    struct pair_spec a, b;
    wish.set = two_jobs;
    takes_anybody(&a, &b);
    p.side[1].holds_jobs = true;
    for (uint8_t i = 1; i <= 5; i++)
        stranger(i, 1);
    assert_int_equal(p.side[1].n_held, 2);
    assert_int_equal(stats()->half_open, 2);
    assert_int_equal(stats()->dropped_blocked, 3);
    p.side[1].holds_jobs = false;
    pair_release_jobs(&p, 1);
    stranger(6, 1);
    assert_int_equal(stats()->half_open, 3);
}

static void an_address_that_begins_many_is_asked_for_a_cookie(void **state)
{
    (void)state;
    struct pair_spec a, b;
    takes_anybody(&a, &b);
    for (uint8_t i = 1; i <= 4; i++)
        stranger(1, i);
    assert_int_equal(stats()->half_open, 3);
    assert_int_equal(stats()->cookies_sent, 1);
    stranger(2, 1);
    assert_int_equal(stats()->half_open, 4);
    assert_int_equal(stats()->cookies_sent, 1);
}

/* ---- keeping alive */

static bool through_nat(void *ctx, struct pair_packet *k)
{
    struct endpoint *outside = k->from == 0 ? &k->src : &k->dst;
    (void)ctx;
    outside->ip = k->from == 0 ? ip4(203, 0, 113, 9) : ip4(192, 0, 2, 1);
    return true;
}

static void margin(struct settings *s, int side)
{
    (void)side;
    s->keep_alive_dpd_margin = 5 * TIME_SECOND;
}

static void after_the_machine_slept_the_peer_is_asked_instead_of_kept_alive(void **state)
{
    (void)state;
    struct pair_spec a, b;
    wish.set = margin;
    p.filter = through_nat;
    takes_anybody(&a, &b);
    pair_run(&p);
    pair_advance(&p, 65 * TIME_SECOND);
    unsigned alive = p.side[0].keepalives, sent = p.sent;
    assert_in_range(alive, 3, 4);
    p.now.mono += 300 * TIME_SECOND; /* nobody looked at the clock */
    pair_input(&p, 0, &(struct input){.kind = INPUT_TICK});
    pair_run(&p);
    assert_int_equal(p.side[0].keepalives, alive);
    assert_int_equal(p.sent, sent + 2); /* a question and its answer */
    pair_advance(&p, 41 * TIME_SECOND);
    assert_in_range(p.side[0].keepalives, alive + 2, alive + 3);
}

/* ---- virtual addresses */

static const struct pair_spec client = {
    .local_id = "alice", .local_ts = "dynamic", .remote_ts = "0.0.0.0/0", .tweak = tweak, .hash = 5};
static const struct pair_spec server = {.local_id = "gate",
                                        .local_ts = "10.2.0.0/16",
                                        .remote_ts = "dynamic",
                                        .accepts_any_peer = true,
                                        .tweak = tweak,
                                        .hash = 6};

static void leaves_it_to_others(struct settings *s, int side)
{
    s->installs_vips = side != 0;
}

static void a_virtual_address_may_be_left_to_others_to_install(void **state)
{
    (void)state;
    struct ike_view v;
    wish.vip = "10.3.0.1";
    wish.set = leaves_it_to_others;
    up(&client, &server);
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    assert_int_equal(v.n_local_vips, 1);
    assert_int_equal(p.side[0].n_vips, 0);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].n_vips, 0);
}

static void tells_of_a_server(struct settings *s, int side)
{
    static const uint8_t dns[] = {10, 2, 0, 53};
    static const struct pool_attr attrs[] = {
        {.type = 3, .value = {dns, 4}, .key = "dns1", .text = "10.2.0.53"}
    };
    s->attrs = side ? attrs : NULL;
    s->n_attrs = side;
}

static void every_client_that_gets_an_address_is_told_what_the_daemon_has_for_all(void **state)
{
    (void)state;
    wish.vip = "10.3.0.1";
    wish.set = tells_of_a_server;
    up(&client, &server);
    assert_int_equal(p.side[0].n_vips, 1);
    assert_int_equal(p.side[0].name_servers, 1);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].name_servers, 0);
}

/* ---- IKE SAs and children */

static void own_ike_sas(struct settings *s, int side)
{
    s->reuses_ike_sas = side != 0;
}

static void each_child_may_get_an_ike_sa_of_its_own(void **state)
{
    (void)state;
    struct pair_spec a = {
        .tweak = tweak, .second_local_ts = "10.11.0.0/16", .second_remote_ts = "10.12.0.0/16"};
    struct pair_spec b = {
        .tweak = tweak, .second_local_ts = "10.12.0.0/16", .second_remote_ts = "10.11.0.0/16"};
    struct ike_view v;
    wish.set = own_ike_sas;
    wish.has_many_ike_sas = true;
    up(&a, &b);
    pair_advance(&p, 5 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 2);
        assert_int_equal(pair_children(&p, side), 2);
        for (size_t i = 0; i < 2; i++) {
            assert_true(engine_ike_at(p.side[side].e, i, &v));
            assert_int_equal(v.n_children, 1);
        }
    }
    pair_restart(&p, 0);
    pair_restart(&p, 1);
    wish.set = NULL;
    up(&a, &b);
    pair_advance(&p, 5 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_children(&p, 0), 2);
}

static void takes_late_ones_for_long(struct settings *s, int side)
{
    s->delete_rekeyed_delay = (side ? 1 : 9) * TIME_SECOND;
}

static void late_packets_of_a_rekeyed_child_are_taken_as_long_as_it_is_said(void **state)
{
    (void)state;
    struct pair_spec a = spec();
    wish.set = takes_late_ones_for_long;
    up(&a, &a);
    pair_command(&p, 0, COMMAND_REKEY, "net", "net");
    pair_run(&p);
    assert_int_equal(p.side[0].child_rekeys, 1);
    pair_advance(&p, 8 * TIME_SECOND);
    assert_int_equal(p.side[0].n_sas, 3);
    assert_int_equal(p.side[1].n_sas, 2);
    pair_advance(&p, 3 * TIME_SECOND);
    assert_int_equal(p.side[0].n_sas, 2);
}

static void asks_again(struct settings *s, int side)
{
    s->retry_initiate_interval = side ? 0 : 10 * TIME_SECOND;
}

static unsigned lines(const char *part)
{
    unsigned n = 0;
    for (const char *at = p.side[0].log; (at = strstr(at, part)); at++)
        n++;
    return n;
}

static void a_peer_without_an_address_is_tried_again_and_again(void **state)
{
    (void)state;
    struct pair_spec a = spec();
    wish.set = asks_again;
    wish.has_no_address = true;
    pair_load(&p, 1, &a);
    pair_load(&p, 0, &a);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_advance(&p, 35 * TIME_SECOND);
    assert_int_equal(lines("has no address to go to"), 4);
    struct connection *conn = (struct connection *)engine_config(p.side[0].e)->connections[0];
    conn->resolved_remote = p.side[1].ip;
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_children(&p, 0), 1);
}

/* ---- what is agreed on */

static void peers_order(struct settings *s, int side)
{
    s->prefers_own_proposals = !side;
}

static uint16_t key_bits(void)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    return v.chosen.key_bits;
}

static void the_responders_order_counts_or_the_peers(void **state)
{
    (void)state;
    struct pair_spec a = {
        .tweak = tweak, .ike = {"aes128-aes256-sha256-x25519"},
             .esp = { "aes128gcm16",                "aes256gcm16"}
    };
    struct pair_spec b = {
        .tweak = tweak, .ike = {"aes256-aes128-sha256-x25519"},
             .esp = { "aes256gcm16",                "aes128gcm16"}
    };
    up(&a, &b);
    assert_int_equal(key_bits(), 256);
    assert_int_equal(p.side[0].sas[0].key_bits, 256);
    pair_restart(&p, 0);
    pair_restart(&p, 1);
    wish.set = peers_order;
    up(&a, &b);
    assert_int_equal(key_bits(), 128);
    assert_int_equal(p.side[0].sas[0].key_bits, 128);
}

static int without_hashes; /* which side; -1: none */

static void classic(struct settings *s, int side)
{
    s->announces_hashes = side != without_hashes;
}

/* The notify, in IKE_SA_INIT, which nothing hides. */
static bool look_for_hashes(void *ctx, struct pair_packet *k)
{
    static const uint8_t notify[] = {0, 0, 0x40, 0x2f, 0, 2, 0, 3};
    unsigned *from = ctx;
    from[k->from] += memmem(k->bytes, k->len, notify, sizeof(notify)) != NULL;
    return true;
}

static void signatures_are_those_before_rfc7427_where_it_is_said(void **state)
{
    (void)state;
    struct pair_spec a = {
        .cert = moon, .ca = ca, .local_id = "moon", .remote_id = "sun", .tweak = tweak, .hash = 8};
    struct pair_spec b = {
        .cert = sun, .ca = ca, .local_id = "sun", .remote_id = "moon", .tweak = tweak, .hash = 9};
    wish.set = classic;
    p.filter = look_for_hashes;
    for (without_hashes = -1; without_hashes < 2; without_hashes++) {
        unsigned from[2] = {0};
        p.ctx = from;
        load(&a, &b);
        struct job *job = pair_until_verify(&p, 1);
        assert_non_null(job);
        assert_int_equal(job->auth_method, without_hashes == -1 ? 14 : 9); /* ECDSA on P-256 */
        pair_go_on(&p, 1);
        assert_int_equal(pair_ikes(&p, 0), 1);
        assert_int_equal(from[0], without_hashes != 0);
        assert_int_equal(from[1], without_hashes == -1); /* only who asked is answered */
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static bool says_vendor;

static void vendor(struct settings *s, int side)
{
    s->sends_vendor_id = side && says_vendor;
}

static bool look_for_vendor(void *ctx, struct pair_packet *k)
{
    static const uint8_t id[] = {0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc};
    unsigned *from = ctx;
    from[k->from] += memmem(k->bytes, k->len, id, sizeof(id)) != NULL;
    return true;
}

static void strongswans_vendor_id_is_sent_on_request(void **state)
{
    (void)state;
    struct pair_spec a = spec();
    wish.set = vendor;
    for (int i = 0; i < 2; i++) {
        unsigned from[2] = {0};
        says_vendor = i;
        p.filter = look_for_vendor;
        p.ctx = from;
        up(&a, &a);
        assert_int_equal(from[0], 0);
        assert_int_equal(from[1], i);
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin_test, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(spis_are_of_the_range_that_is_set),
        T(reqids_begin_where_it_is_said),
        T(no_peer_begins_beyond_the_limit_of_ike_sas),
        T(no_peer_begins_while_there_is_too_much_to_compute),
        T(an_address_that_begins_many_is_asked_for_a_cookie),
        T(after_the_machine_slept_the_peer_is_asked_instead_of_kept_alive),
        T(a_virtual_address_may_be_left_to_others_to_install),
        T(every_client_that_gets_an_address_is_told_what_the_daemon_has_for_all),
        T(each_child_may_get_an_ike_sa_of_its_own),
        T(late_packets_of_a_rekeyed_child_are_taken_as_long_as_it_is_said),
        T(a_peer_without_an_address_is_tried_again_and_again),
        T(the_responders_order_counts_or_the_peers),
        T(signatures_are_those_before_rfc7427_where_it_is_said),
        T(strongswans_vendor_id_is_sent_on_request),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
