/* SPDX-License-Identifier: Apache-2.0 */
/* What the vici service lists and tells as events: which, to whom, and in which order of keys. */
#include "ctl/commands.h"
#include "support/acerts.h"
#include "support/ctl_fixture.h"

static void listed_sas_go_to_the_asking_client_alone_in_the_order_of_the_protocol(void **state)
{
    (void)state;
    static const char *const order[] = {
        "office",          "uniqueid",        "version",      "state",
        "local-host",      "local-port",      "local-id",     "remote-host",
        "remote-port",     "remote-id",       "initiator",    "initiator-spi",
        "responder-spi",   "encr-alg",        "encr-keysize", "prf-alg",
        "dh-group",        "crash-detection", "ticket",       "ticket-time",
        "redirected-from", "established",     "rekey-time",   "remote-vips",
        "child-sas",       "lan-3",           "name",         "uniqueid",
        "reqid",           "state",           "mode",         "protocol",
        "encap",           "spi-in",          "spi-out",      "mark-in",
        "mark-mask-in",    "mark-out",        "if-id-out",    "dataplane",
        "encr-alg",        "encr-keysize",    "esn",          "bytes-in",
        "packets-in",      "bytes-out",       "packets-out",  "rekey-time",
        "install-time",    "local-ts",        "remote-ts",
    };
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0;
    extend(0);
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    send_packet(1, VICI_EVENT_REGISTER, "list-sa");
    next(0, &p);
    next(1, &p);
    request(0, "list-sas", NULL, NULL);
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT);
    assert_span_equal(p.name, span_str("list-sa"));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e)) {
        if (!e.name.len)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n]));
        if (n == 11)
            assert_span_equal(e.value, span_str("0102030405060708"));
        if (n == 19)
            assert_span_equal(e.value, span_str("60")); /* as seconds, that are left */
        if (n == 20)
            assert_span_equal(e.value, span_str("192.0.2.9"));
        if (n == 21)
            assert_span_equal(e.value, span_str("30")); /* established, in seconds */
        if (n == 33)
            assert_span_equal(e.value, span_str("00c0ffee"));
        if (n == 35)
            assert_span_equal(e.value, span_str("0000002a"));
        if (n == 39)
            assert_span_equal(e.value, span_str("kernel"));
        n++;
    }
    assert_int_equal(n, ARRAY_LEN(order));
    assert_int_equal(reply(0).len, 0);
    assert_int_equal(fake.len[1], 0);
}

static bool lists(const char *key)
{
    struct vici_packet p;
    struct vici_element e;
    bool found = false;
    request(0, "list-sas", NULL, NULL);
    assert_true(next(0, &p));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e))
        found |= span_equal(e.name, span_str(key));
    reply(0);
    return found;
}

static void a_ticket_is_held_or_given_and_runs_out(void **state)
{
    static const struct {
        bool is_giver;
        int64_t now;
        bool is_held, is_given;
    } rows[] = {
        {false, 40,  true,  false},
        {true,  40,  false, true },
        {false, 100, false, false},
        {true,  100, false, false},
    };
    struct vici_packet p;
    (void)state;
    extend(0);
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    next(0, &p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        is_giver = rows[i].is_giver;
        fake.now = rows[i].now * TIME_SECOND;
        assert_int_equal(lists("ticket"), rows[i].is_held);
        assert_int_equal(lists("ticket-given"), rows[i].is_given);
        assert_int_equal(lists("ticket-time"), rows[i].is_held || rows[i].is_given);
    }
    is_giver = false;
}

static void pools_tell_their_leases_when_asked(void **state)
{
    (void)state;
    static const char *const order[] = {"office", "base",    "size",     "online",   "offline",
                                        "leases", "0",       "address",  "identity", "status",
                                        "1",      "address", "identity", "status"};
    static const char *const values[] = {"", "10.3.0.1", "9",         "1",         "1",
                                         "", "",         "10.3.0.2",  "b.example", "online",
                                         "", "10.3.0.1", "a.example", "offline"};
    static const char *const names[] = {"office"};
    const struct ip_range range = {ip4(10, 3, 0, 1), ip4(10, 3, 0, 9)};
    const struct pool_config c = {.name = "office", .ranges = &range, .n_ranges = 1};
    const struct identity a = {ID_FQDN, span_str("a.example")}, b = {ID_FQDN, span_str("b.example")};
    struct vici_element e;
    size_t n = 0;
    pools_load(&pools, &c, 1);
    pools_ask(&pools, &(struct lease_request){.pools = names, .n_pools = 1, .owner = &a, .family = 4});
    pools_ask(&pools, &(struct lease_request){.pools = names, .n_pools = 1, .owner = &b, .family = 4});
    pools_release(&pools, ip4(10, 3, 0, 1));
    request(0, "get-pools", "leases", "yes");
    struct span body = reply(0);
    struct vici_reader r = vici_read(body);
    while (vici_next(&r, &e)) {
        if (!e.name.len)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n]));
        assert_span_equal(e.value, span_str(values[n]));
        n++;
    }
    assert_int_equal(n, ARRAY_LEN(order));
    request(0, "get-pools", NULL, NULL);
    assert_true(reply(0).len < body.len);
    request(0, "get-pools", "name", "other");
    assert_int_equal(reply(0).len, 0);
}

static void filters_select_sas(void **state)
{
    (void)state;
    struct vici_packet p;
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    next(0, &p);
    request(0, "list-sas", "ike", "other");
    assert_int_equal(reply(0).len, 0);
    static const struct {
        const char *key, *value;
        bool has_child;
    } rows[] = {
        {"child",    "other", false},
        {"child",    "lan",   true },
        {"child-id", "3",     true },
        {"child-id", "4",     false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) { /* the IKE SA is there in any case */
        struct vici_element e;
        unsigned children = 0;
        request(0, "list-sas", rows[i].key, rows[i].value);
        assert_true(next(0, &p));
        assert_int_equal(p.type, VICI_EVENT);
        struct vici_reader r = vici_read(p.body);
        while (vici_next(&r, &e))
            children += e.kind == VICI_SECTION_START && span_equal(e.name, span_str("lan-3"));
        assert_int_equal(children, rows[i].has_child);
        assert_int_equal(reply(0).len, 0);
    }
}

static void selectors_have_names_and_types(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"10.1.0.0/24",              "10.1.0.0/24"               },
        {"10.1.0.4-10.1.0.9[6]",     "10.1.0.4..10.1.0.9[tcp]"   },
        {"10.1.0.0/24[tcp/80]",      "10.1.0.0/24[tcp/http]"     },
        {"dynamic[17/53]",           "dynamic[udp/domain]"       },
        {"10.1.0.0/24[tcp/1-80]",    "10.1.0.0/24[tcp/1-80]"     },
        {"10.1.0.0/24[253]",         "10.1.0.0/24[253]"          },
        {"10.1.0.0/24[tcp/64999]",   "10.1.0.0/24[tcp/64999]"    },
        {"10.1.0.0/24[/64999]",      "10.1.0.0/24[0/64999]"      },
        {"10.1.0.0/24[udp/opaque]",  "10.1.0.0/24[udp/OPAQUE]"   },
        {"10.1.0.0/24[icmp/8]",      "10.1.0.0/24[icmp/8]"       },
        {"10.1.0.0/24[icmp/2049]",   "10.1.0.0/24[icmp/8(1)]"    },
        {"10.1.0.0/24[icmp/1-1023]", "10.1.0.0/24[icmp/1-3(255)]"},
    };
    char buf[CTL_SELECTOR_TEXT];
    const char *err;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ts t;
        assert_true(ts_parse(rows[i][0], &t, &err));
        assert_string_equal(ctl_selector_format(&t, buf), rows[i][1]);
    }
}

static void connections_have_the_keys_of_the_protocol_in_its_order(void **state)
{
    (void)state;
    static const char *const order[] = {
        "office",      "local_addrs",  "remote_addrs", "local_port",   "remote_port", "version",
        "reauth_time", "rekey_time",   "unique",       "ppk_required", "local-1",     "class",
        "groups",      "cert_policy",  "certs",        "cacerts",      "remote-1",    "id",
        "class",       "revocation",   "groups",       "cert_policy",  "certs",       "cacerts",
        "children",    "lan",          "mode",         "rekey_time",   "rekey_bytes", "rekey_packets",
        "dpd_action",  "close_action", "local-ts",     "remote-ts",
    };
    const struct host_spec hosts[] = {
        {.from = ip4(10, 9, 0, 0), .to = ip4(10, 9, 0, 255)},
        {.from = ip4(10, 9, 1, 1), .to = ip4(10, 9, 1, 9)  }
    };
    static const char *const shown[] = {"%any", "10.9.0.0/24", "10.9.1.1-10.9.1.9"};
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0, n_hosts = 0;
    conn.remote_addrs = hosts;
    conn.n_remote_addrs = 2;
    conn.ppk_required = true;
    conn.remote.id = (struct identity){ID_FQDN, span_str("b.example")};
    conn.remote.revocation = REVOCATION_STRICT;
    send_packet(0, VICI_EVENT_REGISTER, "list-conn");
    next(0, &p);
    request(0, "list-conns", NULL, NULL);
    assert_true(next(0, &p));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_LIST_ITEM && n <= 3)
            assert_span_equal(e.value, span_str(shown[n_hosts++]));
        if (!e.name.len)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n++]));
    }
    assert_int_equal(n, ARRAY_LEN(order));
    assert_int_equal(n_hosts, ARRAY_LEN(shown));
    conn.remote_addrs = NULL;
    conn.n_remote_addrs = 0;
    conn.ppk_required = false;
    conn.remote = (struct auth_side){0};
}

static void traps_are_listed_as_policies(void **state)
{
    (void)state;
    static const char *const order[] = {"office/lan", "child", "ike", "mode", "local-ts", "remote-ts"};
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0;
    send_packet(0, VICI_EVENT_REGISTER, "list-policy");
    next(0, &p);
    request(0, "list-policies", "trap", "yes");
    assert_true(next(0, &p));
    assert_span_equal(p.name, span_str("list-policy"));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e)) {
        if (!e.name.len)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n++]));
    }
    assert_int_equal(n, ARRAY_LEN(order));
    assert_int_equal(reply(0).len, 0);
    request(0, "list-policies", "drop", "yes");
    assert_int_equal(reply(0).len, 0);
    request(0, "list-policies", "child", "other");
    assert_int_equal(reply(0).len, 0);
}

/* So many list-cert events before the reply. */
static unsigned listed_certs(const char *key, const char *value)
{
    struct vici_packet p;
    struct vici_writer w;
    unsigned n = 0;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "list-certs");
    if (key && !strcmp(key, "flag of X509"))
        vici_text(&w, "type", "X509");
    if (key)
        vici_text(&w, strncmp(key, "flag", 4) == 0 ? "flag" : key, value);
    ctl_input(client[0], vici_packet_close(&w));
    vici_write_free(&w);
    while (next(0, &p) && p.type == VICI_EVENT) {
        assert_text(p.body, "type", "X509");
        n++;
    }
    return n;
}

static void certificates_are_listed_once_by_what_they_are_for(void **state)
{
    (void)state;
    struct diag d;
    struct vici_packet p;
    struct cert *cert = cert_load(span_str(acert_authority), &d),
                *again = cert_load(span_str(acert_authority), &d);
    assert_non_null(cert);
    config.certs = (struct cert_list){&cert, 1};
    conn.local.certs = (struct cert_list){&again, 1};
    config.cas = (struct cert_list){&again, 1};
    send_packet(0, VICI_EVENT_REGISTER, "list-cert");
    next(0, &p);
    assert_int_equal(listed_certs(NULL, NULL), 1);
    assert_int_equal(listed_certs("flag of X509", "CA"), 1);
    assert_int_equal(listed_certs("flag of X509", "AA"), 0);
    assert_int_equal(listed_certs("flag", "AA"), 1); /* of any type: nothing is told apart */
    assert_int_equal(listed_certs("type", "x509_crl"), 0);
    assert_int_equal(listed_certs("subject", cert_subject_text(cert)), 1);
    assert_int_equal(listed_certs("subject", "CN=somebody"), 0);
    config.certs = config.cas = conn.local.certs = (struct cert_list){0};
    cert_unref(cert);
    cert_unref(again);
}

static void an_up_down_event_reaches_those_that_registered(void **state)
{
    (void)state;
    struct vici_packet p;
    send_packet(1, VICI_EVENT_REGISTER, "child-updown");
    next(1, &p);
    struct ike_view ike;
    engine_ike_at(the_engine, 0, &ike);
    struct event up = {.kind = EVENT_CHILD_UPDOWN,
                       .ike = &ike,
                       .is_up = true,
                       .ike_id = 7,
                       .child_id = 3,
                       .connection = "office"};
    ctl_event(service, &up);
    assert_int_equal(fake.len[0], 0);
    assert_true(next(1, &p));
    assert_text(p.body, "up", "yes");
}

static void an_sa_that_moved_is_told_with_where_it_was(void **state)
{
    (void)state;
    static const char *const order[] = {"local-host", "local-port", "remote-host", "remote-port",
                                        "office",     "uniqueid",   "version",     "state",
                                        "local-host", "local-port", "local-id",    "remote-host"};
    static const char *const values[] = {"192.0.2.1", "500", "192.0.2.2", "500",
                                         "",          "7",   "2",         "ESTABLISHED",
                                         "192.0.2.1", "500", "a.example", "192.0.2.77"};
    struct vici_packet p;
    struct vici_element e;
    struct ike_view ike;
    engine_ike_at(the_engine, 0, &ike);
    send_packet(1, VICI_EVENT_REGISTER, "ike-update");
    next(1, &p);
    struct event moved = {.kind = EVENT_IKE_UPDATE, .ike = &ike, .ike_id = 7, .connection = "office"};
    moved.old_local = ike.local;
    moved.old_remote = (struct endpoint){ip4(192, 0, 2, 77), 4500};
    ctl_event(service, &moved);
    assert_true(next(1, &p));
    struct vici_reader r = vici_read(p.body);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_true(vici_next(&r, &e));
        assert_span_equal(e.name, span_str(order[i]));
        assert_span_equal(e.value, span_str(values[i]));
    }
}

static void alerts_have_a_type_and_perhaps_an_sa(void **state)
{
    (void)state;
    static const char *const order[] = {"type", "ike-sa", "office", "uniqueid"};
    struct vici_packet p;
    struct vici_element e;
    struct ike_view ike;
    engine_ike_at(the_engine, 0, &ike);
    send_packet(1, VICI_EVENT_REGISTER, "alert");
    next(1, &p);
    for (int what = 0; what < ALERTS; what++) { /* each has a name */
        char type[64];
        struct event about_none = {.kind = EVENT_ALERT, .alert = (enum alert)what};
        ctl_event(service, &about_none);
        assert_true(next(1, &p));
        assert_true(vici_find_text(p.body, "type", type, sizeof(type)) && type[0]);
    }
    assert_text(p.body, "type", "cert-policy-violation");
    struct event alert = {
        .kind = EVENT_ALERT, .alert = ALERT_PEER_AUTH_FAILED, .ike = &ike, .connection = "office"};
    ctl_event(service, &alert);
    assert_true(next(1, &p));
    assert_text(p.body, "type", "peer-auth-failed");
    struct vici_reader r = vici_read(p.body);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_true(vici_next(&r, &e));
        assert_span_equal(e.name, span_str(order[i]));
    }
    while (vici_next(&r, &e))
        assert_false(span_equal(e.name, span_str("child-sas")));
}

static void who_does_not_read_loses_events_and_nobody_else(void **state)
{
    (void)state;
    struct vici_packet p;
    struct event alert = {.kind = EVENT_ALERT, .alert = ALERT_INVALID_IKE_SPI};
    for (int who = 0; who < 2; who++) {
        send_packet(who, VICI_EVENT_REGISTER, "alert");
        next(who, &p);
    }
    static const struct {
        size_t queued;
        bool is_told;
    } rows[] = {
        {0,                      true },
        {CTL_EVENTS_MAX,         true },
        {CTL_EVENTS_MAX + 1,     false},
        {CTL_EVENTS_MAX,         false}, /* it has to catch up */
        {CTL_EVENTS_MAX / 2 + 1, false},
        {CTL_EVENTS_MAX / 2,     true },
        {CTL_EVENTS_MAX,         true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.queued[0] = rows[i].queued;
        ctl_event(service, &alert);
        assert_int_equal(next(0, &p), rows[i].is_told);
        assert_true(next(1, &p));
    }
    fake.queued[0] = 2 * CTL_EVENTS_MAX;
    request(0, "version", NULL, NULL); /* answers come in any case */
    assert_true(reply(0).len > 0);
}

static void a_child_that_has_gone_is_still_named(void **state)
{
    (void)state;
    struct vici_packet p;
    struct vici_element e;
    bool is_named = false;
    send_packet(1, VICI_EVENT_REGISTER, "child-updown");
    next(1, &p);
    struct event down = {
        .kind = EVENT_CHILD_UPDOWN, .ike_id = 7, .child_id = 99, .connection = "office", .child = "lan"};
    ctl_event(service, &down);
    assert_true(next(1, &p));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e))
        is_named |= e.kind == VICI_SECTION_START && span_equal(e.name, span_str("lan-99"));
    assert_true(is_named);
}

static void a_rekeyed_child_is_shown_old_and_new(void **state)
{
    (void)state;
    static const char *const order[] = {"child-sas", "lan", "old", "new"};
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0;
    send_packet(1, VICI_EVENT_REGISTER, "child-rekey");
    next(1, &p);
    struct event rekeyed = {.kind = EVENT_CHILD_REKEY,
                            .ike_id = 7,
                            .child_id = 3,
                            .old_id = 2, /* gone already */
                            .connection = "office",
                            .child = "lan"};
    ctl_event(service, &rekeyed);
    assert_true(next(1, &p));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e)) {
        if (e.kind != VICI_SECTION_START || r.depth < 2)
            continue;
        assert_true(n < ARRAY_LEN(order));
        assert_span_equal(e.name, span_str(order[n++]));
    }
    assert_int_equal(n, ARRAY_LEN(order));
}

/* The value at a path of sections. */
static void assert_at(struct span message, const char *const path[3], const char *expected)
{
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    size_t deep = 0, last = path[2] ? 2 : 1;
    unsigned skipped = 0;
    while (vici_next(&r, &e)) {
        bool is_next = e.kind != VICI_SECTION_END && !skipped && span_equal(e.name, span_str(path[deep]));
        if (e.kind == VICI_SECTION_END && skipped)
            skipped--;
        else if (e.kind == VICI_SECTION_START && is_next && deep < last)
            deep++;
        else if (e.kind == VICI_SECTION_START)
            skipped++;
        else if (e.kind == VICI_KEY_VALUE && is_next && deep == last) {
            assert_true(span_equal(e.value, span_str(expected)));
            return;
        }
    }
    fail_msg("%s.%s is not there", path[0], path[1]);
}

static void algorithms_have_the_protocols_form_and_ours(void **state)
{
    (void)state;
    request(0, "get-algorithms", NULL, NULL);
    struct span theirs = reply(0);
    assert_at(theirs, (const char *const[3]){"aead", "AES_GCM_16"}, "openssl");
    assert_at(theirs, (const char *const[3]){"ke", "CURVE_25519"}, "openssl");
    request(0, "keyway-algorithms", NULL, NULL);
    struct span ours = reply(0);
    assert_at(ours, (const char *const[3]){"encryption", "AES_CCM_16_192", "esp"}, "openssl");
    assert_at(ours, (const char *const[3]){"encryption", "AES_CCM_16_192", "but"}, "ipsec-mb");
    assert_at(ours, (const char *const[3]){"integrity", "HMAC_SHA2_256_128", "ike"}, "openssl");
    assert_at(ours, (const char *const[3]){"key-exchange", "MODP_1024", "weak"}, "yes");
    assert_at(ours, (const char *const[3]){"signature", "ED25519", "ike"}, "openssl");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(listed_sas_go_to_the_asking_client_alone_in_the_order_of_the_protocol),
        TEST(pools_tell_their_leases_when_asked),
        TEST(filters_select_sas),
        TEST(selectors_have_names_and_types),
        TEST(connections_have_the_keys_of_the_protocol_in_its_order),
        TEST(a_ticket_is_held_or_given_and_runs_out),
        TEST(traps_are_listed_as_policies),
        TEST(certificates_are_listed_once_by_what_they_are_for),
        TEST(an_up_down_event_reaches_those_that_registered),
        TEST(an_sa_that_moved_is_told_with_where_it_was),
        TEST(alerts_have_a_type_and_perhaps_an_sa),
        TEST(who_does_not_read_loses_events_and_nobody_else),
        TEST(a_child_that_has_gone_is_still_named),
        TEST(a_rekeyed_child_is_shown_old_and_new),
        TEST(algorithms_have_the_protocols_form_and_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
