/* SPDX-License-Identifier: Apache-2.0 */
/* Redirection (RFC 5685) in IKE_SA_INIT, IKE_AUTH and established IKE SAs, as client and as gateway. The
 * other gateway is the same engine behind another address. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

enum { REDIRECT_SUPPORTED = 16406, REDIRECTED_FROM = 16408 };

static struct {
    struct ip other;         /* the second address of side 1 */
    unsigned to_other;       /* messages of side 0 to it */
    unsigned said_supported; /* in its first messages */
    unsigned said_from;      /* IKE SAs: repetitions do not count */
    uint8_t spi[8];          /* of the last of them */
    unsigned redirects;      /* how often the first gateway answers IKE_SA_INIT with REDIRECT */
    bool has_wrong_nonce;
    unsigned inits;
    bool is_circle;  /* from one address to the other, and back */
    bool has_second; /* the second gateway has a configuration of its own: */
    struct gateway second;
} net;

static const uint8_t *notify_in(const struct pair_packet *k, uint16_t type, size_t *len)
{
    size_t at = 28;
    for (uint8_t next = k->bytes[AT_FIRST]; next && at + 4 <= k->len;) {
        size_t n = (size_t)k->bytes[at + 2] << 8 | k->bytes[at + 3];
        if (next == PAYLOAD_NOTIFY && (k->bytes[at + 6] << 8 | k->bytes[at + 7]) == type) {
            *len = n - 8;
            return &k->bytes[at + 8];
        }
        next = k->bytes[at];
        at += n;
    }
    return NULL;
}

static const uint8_t *nonce_in(const struct pair_packet *k, size_t *len)
{
    size_t at = 28;
    for (uint8_t next = k->bytes[AT_FIRST]; next && at + 4 <= k->len;) {
        size_t n = (size_t)k->bytes[at + 2] << 8 | k->bytes[at + 3];
        if (next == PAYLOAD_NONCE) {
            *len = n - 4;
            return &k->bytes[at + 4];
        }
        next = k->bytes[at];
        at += n;
    }
    return NULL;
}

/* The request becomes its own answer, from where it was sent to. */
static void answer_with_redirect(struct pair_packet *k)
{
    uint8_t data[2 + 4 + 256] = {1, 4};
    size_t n = 0;
    const uint8_t *nonce = nonce_in(k, &n);
    struct build b;
    struct span bytes;
    struct endpoint src = k->src;
    struct ike_header h = {.major = 2, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    assert_non_null(nonce);
    for (size_t i = 0; i < 8; i++)
        h.spi_i = h.spi_i << 8 | k->bytes[i];
    memcpy(data + 2, net.other.b, 4);
    memcpy(data + 6, nonce, n);
    data[6] ^= net.has_wrong_nonce;
    build_begin(&b, k->bytes, sizeof(k->bytes), &h);
    build_notify(&b, N_REDIRECT, PROTO_NONE, span_of(NULL, 0), span_of(data, 6 + n));
    assert_true(build_end(&b, &bytes));
    k->len = bytes.len;
    k->src = k->dst;
    k->dst = src;
    k->from = 1;
}

static void become_second(void);

static bool two_gateways(void *ctx, struct pair_packet *k)
{
    size_t n;
    (void)ctx;
    bool is_init = k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT;
    if (k->from == 0 && is_init) {
        net.inits++;
        net.said_supported += notify_in(k, REDIRECT_SUPPORTED, &n) != NULL;
        const uint8_t *from = notify_in(k, REDIRECTED_FROM, &n);
        if (from) {
            static const uint8_t want[] = {1, 4, 192, 0, 2};
            assert_int_equal(n, sizeof(want) + 1);
            assert_memory_equal(from, want, sizeof(want));
            net.said_from += memcmp(net.spi, k->bytes, sizeof(net.spi)) != 0;
            memcpy(net.spi, k->bytes, sizeof(net.spi));
            if (net.has_second)
                become_second();
        }
    }
    if (k->from == 0 && ip_equal(k->dst.ip, net.other))
        net.to_other++;
    if (k->from == 0 && is_init && net.redirects) {
        net.redirects--;
        answer_with_redirect(k);
        if (net.is_circle)
            net.other = ip4(192, 0, 2, net.other.b[3] == 9 ? 2 : 9);
    }
    return true;
}

static struct gateway sends_to;
static enum redirect_when sends_when;
static bool follows, breaks_first, is_mobile;
static enum tcp_mode tcp;

/* Side 1 is there under any address. */
static void tweak(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)children;
    conn->tcp = tcp;
    conn->tcp_port = 443;
    c->settings.follows_redirects = follows;
    c->settings.makes_before_break = !breaks_first;
    conn->does_mobike = is_mobile;
    if (conn->local_addrs[0].from.b[3] != 2)
        return;
    ((struct host_spec *)(uintptr_t)conn->local_addrs)[0].is_any = true;
    ((struct host_spec *)(uintptr_t)conn->remote_addrs)[0].is_any = true;
    conn->redirect = sends_to;
    conn->redirect_when = sends_when;
}

static void become_second(void)
{
    static const struct pair_spec side = {.tweak = tweak, .hash = 2};
    net.has_second = false;
    sends_to = net.second;
    pair_load(&p, 1, &side);
}

static int begin(void **state)
{
    setup(state);
    memset(&net, 0, sizeof(net));
    net.other = ip4(192, 0, 2, 9);
    p.filter = two_gateways;
    sends_to = (struct gateway){0};
    sends_when = REDIRECT_INIT;
    follows = true;
    breaks_first = is_mobile = false;
    tcp = TCP_NO;
    return 0;
}

static void connect_both(void)
{
    static const struct pair_spec side = {.tweak = tweak};
    up(&side, &side);
    pair_advance(&p, 5 * TIME_SECOND);
}

static void redirect_by_b(struct command c)
{
    c.kind = COMMAND_REDIRECT;
    c.id = 77;
    if (!c.gateway.name && !c.gateway.ip.family)
        c.gateway.ip = net.other;
    p.side[1].is_done = false;
    pair_input(&p, 1, &(struct input){.kind = INPUT_COMMAND, .command = c});
    assert_true(p.side[1].is_done);
}

/* Both ends know who sent the client there; family 0: nobody. */
static void expect_sent_by(struct ip gateway)
{
    struct ike_view v;
    for (int i = 0; i < 2; i++) {
        assert_true(engine_ike_at(p.side[i].e, 0, &v));
        assert_true(ip_equal(v.redirected_from, gateway));
    }
}

static void expect_up_at(struct ip gateway)
{
    struct ike_view v;
    pair_advance(&p, 60 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 1);
        assert_int_equal(pair_children(&p, i), 1);
        assert_int_equal(p.side[i].n_sas, 2);
    }
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    assert_true(ip_equal(v.remote.ip, gateway));
    assert_true(pair_traffic_fits(&p));
}

#define FIRST ip4(192, 0, 2, 2)

static void a_client_says_that_it_may_be_redirected(void **state)
{
    (void)state;
    connect_both();
    assert_int_equal(net.said_supported, 1);
    assert_int_equal(net.said_from, 0);
    expect_up_at(FIRST);
    expect_sent_by((struct ip){0});
}

/* ---- IKE_SA_INIT */

static void a_client_is_redirected_by_the_first_answer(void **state)
{
    (void)state;
    sends_to.ip = net.other;
    connect_both();
    expect_up_at(net.other);
    assert_int_equal(net.inits, 2);
    assert_int_equal(net.said_from, 1);
    assert_int_equal(net.said_supported, 1); /* not again [RFC5685#3] */
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

static void the_answer_holds_what_the_rfc_says(void **state)
{
    (void)state;
    static const uint8_t want[] = {1, 4, 192, 0, 2, 9};
    uint8_t mine[NONCE_MAX];
    size_t n = 0, len = 0;
    p.is_cut = false;
    sends_to.ip = net.other;
    static const struct pair_spec side = {.tweak = tweak};
    load(&side, &side);
    const uint8_t *nonce = nonce_in(&p.wire[0], &n);
    memcpy(mine, nonce, n);
    assert_true(pair_deliver(&p));
    const struct pair_packet *k = &p.wire[0];
    const uint8_t *data = notify_in(k, N_REDIRECT, &len);
    assert_non_null(data);
    assert_int_equal(len, sizeof(want) + n);
    assert_memory_equal(data, want, sizeof(want));
    assert_memory_equal(data + sizeof(want), mine, n);
    for (size_t i = 8; i < 16; i++)
        assert_int_equal(k->bytes[i], 0); /* no SPI of the gateway */
    assert_int_equal(pair_ikes(&p, 1), 0);
}

static void a_gateway_may_be_of_the_other_family_or_have_a_name(void **state)
{
    (void)state;
    assert_true(ip_parse("2001:db8::9", &net.other));
    sends_to.ip = net.other;
    connect_both();
    expect_up_at(net.other);
    teardown(state);
    begin(state);
    sends_to.name = "gw9.example.org";
    net.has_second = true; /* and serves them */
    p.side[0].named = net.other;
    connect_both();
    expect_up_at(net.other);
    assert_true(pair_logged(&p, 0, "192.0.2.2 redirects us to gw9.example.org"));
}

static void a_name_without_an_address_fails_the_attempt(void **state)
{
    (void)state;
    sends_to.name = "nowhere.example.org";
    connect_both();
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    assert_non_null(strstr(p.side[0].done.what, "the name has no address"));
    assert_int_equal(pair_ikes(&p, 0), 0);
}

static void a_name_server_that_does_not_answer_fails_the_attempt(void **state)
{
    (void)state;
    sends_to.name = "slow.example.org";
    p.side[0].holds_answers = true;
    p.side[0].named = net.other;
    connect_both();
    pair_advance(&p, 10 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    pair_answer_resolve(&p, 0); /* of an IKE SA that is no more */
    assert_int_equal(pair_ikes(&p, 0), 0);
}

static void a_redirect_with_another_nonce_is_not_followed(void **state)
{
    (void)state;
    net.redirects = 1;
    net.has_wrong_nonce = true;
    connect_both();
    expect_up_at(FIRST); /* the request is repeated, and the gateway's answer believed */
    assert_int_equal(net.to_other, 0);
}

static void a_circle_of_gateways_ends(void **state)
{
    (void)state;
    net.redirects = 1000;
    net.is_circle = true;
    connect_both();
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(net.said_from, 5);
    assert_int_equal(net.inits, 6);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    assert_non_null(strstr(p.side[0].done.what, "too often"));
    net.redirects = 0;
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    expect_up_at(FIRST); /* the configured one's turn */
}

static void who_is_sent_where_it_is_stays_down(void **state)
{
    (void)state;
    net.redirects = 1000;
    net.other = FIRST;
    connect_both();
    assert_true(p.side[0].is_done);
    assert_non_null(strstr(p.side[0].done.what, "that is where we are"));
    assert_int_equal(net.inits, 1);
}

static void who_comes_from_there_is_served(void **state)
{
    (void)state;
    sends_to.ip = net.other;
    net.has_second = true; /* and sends them back to the first */
    net.second.ip = FIRST;
    connect_both();
    expect_up_at(net.other);
    assert_int_equal(net.inits, 2);
}

/* ---- IKE_AUTH */

static void a_client_is_redirected_when_it_has_proved_who_it_is(void **state)
{
    (void)state;
    sends_when = REDIRECT_AUTH;
    sends_to.ip = net.other;
    connect_both();
    expect_up_at(net.other);
    assert_int_equal(net.inits, 2);
    assert_int_equal(net.said_from, 1);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(p.side[0].ike_ups, 1); /* the redirected one was none */
    assert_int_equal(p.side[0].ups, 1);
    assert_int_equal(p.side[1].ups, 1);
}

static void a_name_without_an_address_in_ike_auth_fails_the_attempt(void **state)
{
    (void)state;
    sends_when = REDIRECT_AUTH;
    sends_to.name = "nowhere.example.org";
    connect_both();
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pair_ikes(&p, i), 0); /* and the gateway is told */
}

static void a_redirected_client_that_stays_is_closed(void **state)
{
    (void)state;
    sends_when = REDIRECT_AUTH;
    sends_to.name = "slow.example.org";
    p.side[0].holds_answers = true;
    connect_both();
    assert_int_equal(pair_ikes(&p, 1), 1);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 0);
}

/* ---- established */

static void a_client_is_redirected_in_an_established_sa(void **state)
{
    (void)state;
    connect_both();
    redirect_by_b((struct command){.connection = "net"});
    assert_int_equal(p.side[1].done.class, FAIL_NONE);
    expect_up_at(net.other);
    assert_int_equal(net.said_from, 1);
    assert_int_equal(p.side[0].ups, 2);
}

static void the_old_child_goes_after_the_new_one_has_come(void **state)
{
    (void)state;
    connect_both();
    redirect_by_b((struct command){.connection = "net"});
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 2);
    assert_int_equal(p.side[0].downs, 0);
    expect_up_at(net.other);
}

static void a_client_that_breaks_first_is_redirected_too(void **state)
{
    (void)state;
    breaks_first = true;
    connect_both();
    redirect_by_b((struct command){.connection = "net"});
    expect_up_at(net.other);
    assert_int_equal(net.said_from, 1);
}

static void a_name_is_followed_in_an_established_sa(void **state)
{
    (void)state;
    connect_both();
    redirect_by_b((struct command){.connection = "net", .gateway.name = "nowhere.example.org"});
    expect_up_at(FIRST);
    assert_true(pair_logged(&p, 0, "the name has no address"));
    p.side[0].named = net.other;
    redirect_by_b((struct command){.connection = "net", .gateway.name = "gw9.example.org"});
    expect_up_at(net.other);
}

static bool loses_other(void *ctx, struct pair_packet *k)
{
    bool is_other = k->from == 0 && ip_equal(k->dst.ip, net.other);
    return two_gateways(ctx, k) && !is_other;
}

static void a_gateway_that_does_not_answer_is_tried_again_while_the_old_one_serves(void **state)
{
    (void)state;
    connect_both();
    p.filter = loses_other;
    redirect_by_b((struct command){.connection = "net"});
    pair_advance(&p, 170 * TIME_SECOND); /* the attempt fails */
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(net.said_from, 1);
    p.filter = two_gateways;
    expect_up_at(net.other);
    assert_int_equal(net.said_from, 2);
}

static void a_gateway_that_never_answers_is_not_tried_for_ever(void **state)
{
    (void)state;
    connect_both();
    p.filter = loses_other;
    redirect_by_b((struct command){.connection = "net"});
    pair_advance(&p, 1200 * TIME_SECOND);
    assert_int_equal(net.said_from, 3);
    expect_up_at(FIRST);
}

static void a_redirect_meets_a_rekeying_of_the_ike_sa(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        connect_both();
        pair_command(&p, side, COMMAND_REKEY, "net", NULL);
        redirect_by_b((struct command){.connection = "net"});
        expect_up_at(net.other);
        teardown(state);
        begin(state);
    }
    connect_both();
    redirect_by_b((struct command){.connection = "net"});
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    expect_up_at(net.other);
}

static void a_rekeyed_client_may_still_be_redirected(void **state)
{
    (void)state;
    connect_both();
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 5 * TIME_SECOND);
    redirect_by_b((struct command){.connection = "net"});
    assert_int_equal(p.side[1].done.class, FAIL_NONE);
    expect_up_at(net.other);
    expect_sent_by(FIRST);
    for (int side = 0; side < 2; side++) {
        pair_command(&p, side, COMMAND_REKEY, "net", NULL);
        expect_up_at(net.other);
        expect_sent_by(FIRST);
    }
}

/* ---- TCP [RFC9329#7.2] */

static bool is_in_tcp(void)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    return v.remote.stream != 0;
}

static void the_next_gateway_is_asked_for_udp_first(void **state)
{
    (void)state;
    tcp = TCP_FALLBACK;
    p.is_udp_shut = true;
    connect_both();
    pair_advance(&p, 10 * TIME_SECOND);
    assert_true(is_in_tcp());
    p.is_udp_shut = false;
    redirect_by_b((struct command){.connection = "net"});
    expect_up_at(net.other);
    assert_false(is_in_tcp());
    assert_int_equal(p.n_links, 1);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    expect_up_at(FIRST);
    assert_true(is_in_tcp()); /* what was found there still holds */
}

static void the_next_gateway_may_be_deaf_over_udp_too(void **state)
{
    (void)state;
    for (int is_in_auth = 0; is_in_auth < 2; is_in_auth++) {
        tcp = TCP_FALLBACK;
        p.is_udp_shut = true;
        sends_to.ip = net.other;
        sends_when = is_in_auth ? REDIRECT_AUTH : REDIRECT_INIT;
        connect_both();
        pair_advance(&p, 7 * TIME_SECOND); /* UDP and then TCP with the first, UDP with the second */
        assert_int_equal(pair_ikes(&p, 0), 0);
        assert_int_equal(p.n_links, 1);
        expect_up_at(net.other);
        assert_true(is_in_tcp());
        assert_int_equal(p.n_links, 2);
        teardown(state);
        begin(state);
    }
}

static void always_holds_for_the_next_gateway(void **state)
{
    (void)state;
    tcp = TCP_ALWAYS;
    p.is_udp_shut = true;
    sends_to.ip = net.other;
    connect_both();
    expect_up_at(net.other);
    assert_true(is_in_tcp());
}

static bool was_asked_about(struct ip ip)
{
    bool was = false;
    for (uint8_t i = 0; i < p.side[0].query.n_remote; i++)
        was |= ip_equal(p.side[0].query.remote[i], ip);
    return was;
}

/* MOBIKE would take it back to a gateway that knows nothing of it. */
static void who_was_redirected_roams_around_the_new_gateway_only(void **state)
{
    (void)state;
    const struct ip mine = ip4(192, 0, 2, 1);
    is_mobile = true;
    connect_both();
    pair_addresses(&p, 0, &mine, 1);
    assert_true(was_asked_about(FIRST));
    redirect_by_b((struct command){.connection = "net"});
    expect_up_at(net.other);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 5 * TIME_SECOND);
    pair_addresses(&p, 0, &mine, 1);
    assert_true(was_asked_about(net.other));
    assert_false(was_asked_about(FIRST));
    expect_up_at(net.other);
}

static void a_client_does_not_redirect_its_gateway(void **state)
{
    (void)state;
    connect_both();
    p.side[0].is_done = false;
    pair_input(
        &p, 0,
        &(struct input){
            .kind = INPUT_COMMAND,
            .command = {.kind = COMMAND_REDIRECT, .id = 5, .connection = "net", .gateway.ip = net.other}
    });
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
    expect_up_at(FIRST);
}

static void clients_are_chosen_by_address_and_identity(void **state)
{
    (void)state;
    const struct ip low = ip4(192, 0, 2, 0), high = ip4(192, 0, 2, 255), far = ip4(192, 0, 2, 200);
    connect_both();
    const struct command name = {.connection = "other"}, number = {.ike_id = 99},
                         place = {.peer_from = far, .peer_to = high}, id = {.peer_id = "192.0.2.77"},
                         both = {.peer_id = "192.0.2.1", .peer_from = far, .peer_to = high};
    const struct command *misses[] = {&name, &number, &place, &id, &both};
    for (size_t i = 0; i < ARRAY_LEN(misses); i++) {
        redirect_by_b(*misses[i]);
        assert_int_equal(p.side[1].done.class, FAIL_NOT_FOUND);
    }
    expect_up_at(FIRST);
    redirect_by_b((struct command){.peer_id = "192.0.2.1", .peer_from = low, .peer_to = high});
    assert_int_equal(p.side[1].done.class, FAIL_NONE);
    expect_up_at(net.other);
}

/* ---- who does not follow */

static void who_does_not_follow_does_not_say_so_and_is_served(void **state)
{
    static const struct {
        const char *to;
        enum redirect_when when;
        unsigned forged;
    } rows[] = {
        {NULL,              REDIRECT_INIT, 1},
        {"gw9.example.org", REDIRECT_INIT, 0},
        {"gw9.example.org", REDIRECT_AUTH, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        follows = false;
        sends_to.name = rows[i].to;
        sends_when = rows[i].when;
        net.redirects = rows[i].forged; /* all the same: dropped */
        connect_both();
        expect_up_at(FIRST);
        assert_int_equal(net.said_supported, 0);
        redirect_by_b((struct command){.connection = "net"});
        assert_int_equal(p.side[1].done.class, FAIL_NOT_FOUND);
        expect_up_at(FIRST);
        assert_int_equal(net.to_other, 0);
        teardown(state);
        begin(state);
    }
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_client_says_that_it_may_be_redirected),
        T(a_client_is_redirected_by_the_first_answer),
        T(the_answer_holds_what_the_rfc_says),
        T(a_gateway_may_be_of_the_other_family_or_have_a_name),
        T(a_name_without_an_address_fails_the_attempt),
        T(a_name_server_that_does_not_answer_fails_the_attempt),
        T(a_redirect_with_another_nonce_is_not_followed),
        T(a_circle_of_gateways_ends),
        T(who_is_sent_where_it_is_stays_down),
        T(who_comes_from_there_is_served),
        T(a_client_is_redirected_when_it_has_proved_who_it_is),
        T(a_name_without_an_address_in_ike_auth_fails_the_attempt),
        T(a_redirected_client_that_stays_is_closed),
        T(a_client_is_redirected_in_an_established_sa),
        T(the_old_child_goes_after_the_new_one_has_come),
        T(a_client_that_breaks_first_is_redirected_too),
        T(a_name_is_followed_in_an_established_sa),
        T(a_gateway_that_does_not_answer_is_tried_again_while_the_old_one_serves),
        T(a_gateway_that_never_answers_is_not_tried_for_ever),
        T(a_redirect_meets_a_rekeying_of_the_ike_sa),
        T(a_rekeyed_client_may_still_be_redirected),
        T(the_next_gateway_is_asked_for_udp_first),
        T(the_next_gateway_may_be_deaf_over_udp_too),
        T(always_holds_for_the_next_gateway),
        T(who_was_redirected_roams_around_the_new_gateway_only),
        T(a_client_does_not_redirect_its_gateway),
        T(clients_are_chosen_by_address_and_identity),
        T(who_does_not_follow_does_not_say_so_and_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
