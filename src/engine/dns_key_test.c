/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back, of which one takes the other's raw public key from DNS (RFC 4025): which name is
 * asked for, what becomes of each answer, and of peers whose identity is no name. Asking itself is src/sys's.
 */
#include "support/engine_pair.h"
#include "support/keys.h"
#include "support/test.h"
#include <stdio.h>

static struct pair p;
static const char *moon_id; /* what the initiator is called */
static bool is_by_setting;  /* dns_keys of the daemon, and nothing in the connection */
static bool has_pattern;    /* the connection is for many */
static bool asks_both;      /* the initiator asks DNS, too */

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    moon_id = "moon.example";
    is_by_setting = has_pattern = asks_both = false;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static const char *const own[] = {"ed25519.pem", "p256.sec1.pem"};

static void tweak(struct config *c, struct connection *conn, struct child_config *children)
{
    const int side = span_equal(conn->local.id.data, span_str("sun.example"));
    (void)children;
    conn->local.method = conn->remote.method = AUTH_PUBKEY;
    c->keys = arena_calloc(c->arena, 1, sizeof(*c->keys));
    c->keys[c->n_keys++].key = key_private(own[side], "");
    conn->local.pubkeys.v = arena_calloc(c->arena, 1, sizeof(struct pkey *));
    conn->local.pubkeys.v[conn->local.pubkeys.n++] = key_public(own[side]);
    if (side == 0 && !asks_both) {
        conn->remote.pubkeys.v = arena_calloc(c->arena, 1, sizeof(struct pkey *));
        conn->remote.pubkeys.v[conn->remote.pubkeys.n++] = key_public(own[1]);
        return;
    }
    conn->remote.asks_dns = !is_by_setting;
    c->settings.asks_dns = is_by_setting;
    if (side == 1 && has_pattern)
        conn->remote.id = (struct identity){.type = ID_ANY};
}

static struct job *until_it_asks(int side)
{
    for (int i = 0; i < 2; i++) {
        struct pair_spec s = {.local_id = i ? "sun.example" : moon_id,
                              .remote_id = i ? moon_id : "sun.example",
                              .tweak = tweak};
        pair_load(&p, i, &s);
    }
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    return pair_until_verify(&p, side);
}

static void expect_up(void)
{
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
}

/* A gateway of each kind before the key: none, IPv4, IPv6, "gw.example". */
static struct span record(const char *file, uint8_t precedence, uint8_t algorithm, uint8_t gateway,
                          uint8_t buf[512])
{
    static const uint8_t gateways[4][16] = {
        [3] = {2, 'g', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e'},
    };
    static const size_t sizes[] = {0, 4, 16, 12};
    struct pkey *k = key_public(file);
    struct secret key = {0};
    assert_true(pkey_encode(k, PKEY_IPSECKEY, &key));
    memcpy(buf, (uint8_t[]){precedence, gateway, algorithm}, 3);
    memcpy(buf + 3, gateways[gateway], sizes[gateway]);
    memcpy(buf + 3 + sizes[gateway], key.ptr, key.len);
    struct span s = span_of(buf, 3 + sizes[gateway] + key.len);
    secret_free(&key);
    pkey_unref(k);
    return s;
}

static void the_key_of_the_peers_name_is_asked_of_dns(void **state)
{
    (void)state;
    for (uint8_t gateway = 0; gateway <= 3; gateway++) {
        uint8_t buf[512];
        struct job *j = until_it_asks(1);
        assert_non_null(j);
        assert_string_equal(j->dns_name, "moon.example");
        assert_int_equal(j->n_peer_keys, 0);
        struct span r = record("ed25519.pem", 10, 4, gateway, buf);
        job_dns_answer(j, &r, 1);
        pair_go_on(&p, 1);
        expect_up();
        assert_true(pair_logged(&p, 1, "authentication of moon.example with ED25519 successful"));
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static void the_initiator_asks_as_well(void **state)
{
    (void)state;
    uint8_t buf[512];
    asks_both = true;
    p.side[0].holds_jobs = true;
    struct job *j = until_it_asks(1);
    for (int i = 0; !j && i < 20; i++) {
        pair_release_jobs(&p, 0);
        pair_run(&p);
        j = p.side[1].n_held && p.side[1].held[0]->kind == JOB_VERIFY ? p.side[1].held[0] : NULL;
        if (!j)
            pair_release_jobs(&p, 1);
    }
    assert_non_null(j);
    struct span r = record("ed25519.pem", 10, 4, 0, buf);
    job_dns_answer(j, &r, 1);
    pair_go_on(&p, 1);
    j = p.side[0].n_held ? p.side[0].held[0] : NULL;
    assert_true(j && j->kind == JOB_VERIFY);
    assert_string_equal(j->dns_name, "sun.example");
    r = record("p256.sec1.pem", 10, 3, 0, buf);
    job_dns_answer(j, &r, 1);
    pair_go_on(&p, 0);
    expect_up();
}

static void an_address_is_asked_for_by_its_reverse_name(void **state)
{
    (void)state;
    static const struct {
        const char *id, *name;
    } rows[] = {
        {"192.0.2.38",       "38.2.0.192.in-addr.arpa"                                                 },
        {"2001:db8:1::ab:1", "1.0.0.0.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        moon_id = rows[i].id;
        struct job *j = until_it_asks(1);
        assert_non_null(j);
        assert_string_equal(j->dns_name, rows[i].name);
        pair_go_on(&p, 1);
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static void whoever_is_no_host_is_not_asked_for(void **state)
{
    (void)state;
    char longest[260] = "fqdn:";
    for (size_t i = 0; i < 254; i++)
        longest[5 + i] = i % 50 == 49 ? '.' : 'a';
    const char *const ids[] = {
        "moon@example.org",
        "C=CH, CN=moon",
        "@#0102",
        "fqdn:moon..example",
        "fqdn:.moon",
        "fqdn:moon example",
        "fqdn:moon/x",
        "fqdn:moon\\.x",
        longest,
        "fqdn:a234567890123456789012345678901234567890123456789012345678901234.example"};
    has_pattern = true;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        moon_id = ids[i];
        struct job *j = until_it_asks(1);
        if (j)
            fail_msg("%s: %s", ids[i], j->dns_name ? j->dns_name : "");
        assert_int_equal(pair_ikes(&p, 1), 0);
        assert_true(pair_logged(&p, 1, "no public key can be asked of DNS for the peer"));
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static void with_the_daemons_setting_not_just_anybody_may_come(void **state)
{
    (void)state;
    is_by_setting = true;
    struct job *j = until_it_asks(1);
    assert_string_equal(j->dns_name, "moon.example");
    pair_go_on(&p, 1);
    pair_restart(&p, 0);
    pair_restart(&p, 1);
    has_pattern = true;
    assert_null(until_it_asks(1));
    assert_true(pair_logged(&p, 1, "no certificate of the peer moon.example"));
}

/* ---- answers */

static void refused(const char *got)
{
    pair_go_on(&p, 1);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    if (!pair_logged(&p, 1, got))
        fail_msg("no \"%s\" in %s", got, p.side[1].log);
    pair_restart(&p, 0);
    pair_restart(&p, 1);
}

static void every_failure_has_its_words(void **state)
{
    (void)state;
    static const struct {
        enum dns_outcome outcome;
        const char *detail, *words;
    } rows[] = {
        {DNS_NOT_ASKED, NULL,                "nobody here asks DNS"                                  },
        {DNS_BOGUS,     "signature expired", "signatures do not hold (bogus): signature expired; try"},
        {DNS_INSECURE,  NULL,                "(insecure); try: sign the zone"                        },
        {DNS_MISSING,   NULL,                "the proof that there is none; try: publish"            },
        {DNS_NO_ANSWER, "SERVFAIL",          "no answer: SERVFAIL; try"                              },
        {DNS_NO_ANCHOR, "x: cannot be read", "for want of a trust anchor: x: cannot be read; try"    },
        {DNS_BUSY,      NULL,                "too many others are being asked for; try"              },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct job *j = until_it_asks(1);
        if (rows[i].outcome != DNS_NOT_ASKED)
            job_dns_failed(j, rows[i].outcome, rows[i].detail);
        refused(rows[i].words);
    }
}

static void another_key_is_refused(void **state)
{
    (void)state;
    uint8_t buf[512];
    struct job *j = until_it_asks(1);
    struct span r = record("ed448.pem", 10, 4, 0, buf);
    job_dns_answer(j, &r, 1);
    refused("expected one made with the key that DNS has for moon.example");
}

static void records_that_are_none_are_refused(void **state)
{
    (void)state;
    uint8_t buf[512];
    static const uint8_t rows[][8] = {
        {10 }, /* cut short */
        {    10,  4, 4, 1, 2, 3, 4, 5}, /* an unknown kind of gateway */
        {    10,      1, 4, 192, 0}, /* a gateway that is cut short */
        {    10,       3, 4, 64, 'a', 'b', 0}, /* a label that is too long */
        {   10,3, 4, 5, 'a', 'b'}, /* one without an end */
        { 10,0, 9, 1, 2, 3, 4, 5}, /* an unknown algorithm */
        { 10, 0, 0}, /* no key */
    };
    static const size_t sizes[] = {1, 8, 5, 7, 6, 8, 3};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct job *j = until_it_asks(1);
        struct span r = span_of(rows[i], sizes[i]);
        job_dns_answer(j, &r, 1);
        assert_int_equal(j->dns_outcome, DNS_UNREADABLE);
        refused("records that cannot be used");
    }
    struct job *j = until_it_asks(1); /* a good key behind a gateway's name that is none */
    struct span r = record("ed25519.pem", 10, 4, 0, buf);
    memmove(buf + 3 + 66, buf + 3, r.len - 3);
    memset(buf + 3, 'a', 65);
    buf[1] = 3;
    buf[3] = 64;
    buf[3 + 65] = 0;
    r.len += 66;
    job_dns_answer(j, &r, 1);
    refused("records that cannot be used");
    j = until_it_asks(1);
    struct span mixed[DNS_RECORDS_MAX + 8];
    for (size_t i = 0; i < ARRAY_LEN(mixed); i++)
        mixed[i] = span_of(rows[i % ARRAY_LEN(rows)], sizes[i % ARRAY_LEN(rows)]);
    mixed[5] = record("ed25519.pem", 200, 4, 0, buf); /* beside a good one they do no harm */
    job_dns_answer(j, mixed, ARRAY_LEN(mixed));
    assert_int_equal(j->n_peer_keys, 1);
    pair_go_on(&p, 1);
    expect_up();
}

static void no_more_keys_are_tried_than_there_is_room_for(void **state)
{
    (void)state;
    uint8_t buf[DNS_RECORDS_MAX][512];
    struct span all[DNS_RECORDS_MAX];
    struct job *j = until_it_asks(1);
    for (size_t i = 0; i < DNS_RECORDS_MAX; i++)
        all[i] =
            record(i == DNS_RECORDS_MAX - 1 ? "ed25519.pem" : "ed448.pem", (uint8_t)(200 - i), 4, 0, buf[i]);
    job_dns_answer(j, all, DNS_RECORDS_MAX);
    assert_int_equal(j->n_peer_keys, JOB_KEYS_MAX);
    pair_go_on(&p, 1);
    expect_up(); /* the last one has the lowest precedence number, and is tried first */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_key_of_the_peers_name_is_asked_of_dns),
        TEST(the_initiator_asks_as_well),
        TEST(an_address_is_asked_for_by_its_reverse_name),
        TEST(whoever_is_no_host_is_not_asked_for),
        TEST(with_the_daemons_setting_not_just_anybody_may_come),
        TEST(every_failure_has_its_words),
        TEST(another_key_is_refused),
        TEST(records_that_are_none_are_refused),
        TEST(no_more_keys_are_tried_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
