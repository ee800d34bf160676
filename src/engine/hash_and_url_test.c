/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back that tell each other where their certificates are (RFC 7296 section 3.6): who says
 * that it looks them up, what goes over the wire, and what becomes of what is fetched: the right one, another
 * one, none, a bundle, an address that is not asked. Fetching itself is src/sys's. */
#include "base/text.h"
#include "ike/v2/ike_auth.h"
#include "support/bundle.h"
#include "support/engine_pair.h"
#include "support/rogue.h"
#include "support/test.h"
#include "support/testcrl.h"
#include <stdio.h>

static struct pair p;
static struct testca_cert *ca, *intermediate, *moon, *sun, *pinned;
static bool looks_up[2];
static const char *base[2];

static struct testca_cert *leaf(const char *name, const struct testca_cert *issuer)
{
    char subject[64], san[64];
    snprintf(subject, sizeof(subject), "C=CH, O=Keyway, CN=%s", name);
    snprintf(san, sizeof(san), "DNS:%s.example", name);
    return testca_issue(&(struct testca_spec){.subject = subject, .san = san}, issuer);
}

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    ca = testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=root", .is_ca = true}, NULL);
    intermediate = pinned = NULL;
    moon = leaf("moon", ca);
    sun = leaf("sun", ca);
    looks_up[0] = looks_up[1] = true;
    base[0] = "http://moon.example/certs/";
    base[1] = "http://sun.example/";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    struct testca_cert *const all[] = {ca, intermediate, moon, sun, pinned};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i])
            testca_free(all[i]);
    }
    return 0;
}

static struct cert *load(const struct testca_cert *c)
{
    struct diag d = {0};
    struct cert *got = cert_load(testca_der(c), &d);
    assert_non_null(got);
    return got;
}

static void tweak(struct config *c, struct connection *conn, struct child_config *children)
{
    const int side = span_equal(conn->local.id.data, span_str("sun.example"));
    const struct testca_cert *const issuers[] = {ca, intermediate};
    (void)children;
    c->settings.uses_hash_and_url = looks_up[side];
    if (side == 1 && pinned) {
        conn->remote.certs.v = arena_calloc(c->arena, 1, sizeof(struct cert *));
        conn->remote.certs.v[conn->remote.certs.n++] = load(pinned);
    }
    c->authorities = arena_calloc(c->arena, 2, sizeof(*c->authorities));
    for (size_t i = 0; i < ARRAY_LEN(issuers) && base[side] && issuers[i]; i++) {
        struct authority *a = &c->authorities[c->n_authorities++];
        a->trust.ca = load(issuers[i]);
        a->cert_uri_base = base[side];
    }
}

static struct pair_spec spec(int side)
{
    return (struct pair_spec){.cert = side ? sun : moon,
                              .ca = ca,
                              .intermediate = side ? NULL : intermediate, /* the other does not know it */
                              .local_id = side ? "sun.example" : "moon.example",
                              .remote_id = side ? "moon.example" : "sun.example",
                              .tweak = tweak};
}

/* Until side 1 has a verification with places, which is returned; or until nothing more happens. */
static struct job *until_it_fetches(int side)
{
    struct pair_spec a = spec(0), b = spec(1);
    pair_load(&p, 0, &a);
    pair_load(&p, 1, &b);
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

static void hash_hex(const struct testca_cert *c, char out[41])
{
    uint8_t hash[20];
    struct span der = testca_der(c);
    struct text t = {.buf = out, .cap = 41};
    hash_digest(HASH_SHA1, &der, 1, hash);
    text_hex(&t, span_of(hash, sizeof(hash)));
}

static void where_the_certificate_is_goes_instead_of_it(void **state)
{
    (void)state;
    char hex[41], url[128];
    looks_up[0] = false;
    struct job *j = until_it_fetches(1);
    assert_non_null(j);
    assert_null(j->trust.leaf);
    assert_int_equal(j->n_places, 1);
    hash_hex(moon, hex);
    snprintf(url, sizeof(url), "http://moon.example/certs/%s", hex);
    assert_string_equal(j->places[0].url, url);
    assert_true(j->places[0].has_leaf);
    assert_false(j->places[0].is_bundle);
    job_place_fill(j, 0, testca_der(moon));
    assert_null(j->places[0].failure);
    pair_go_on(&p, 1);
    expect_up();
    assert_true(pair_logged(&p, 1, "authentication of moon.example with ECDSA"));
}

static void the_initiator_looks_up_as_well(void **state)
{
    (void)state;
    looks_up[1] = false;
    struct job *j = until_it_fetches(0);
    assert_int_equal(j->n_places, 1);
    job_place_fill(j, 0, testca_der(sun));
    pair_go_on(&p, 0);
    expect_up();
}

static void who_does_not_look_up_is_sent_the_certificate(void **state)
{
    (void)state;
    looks_up[0] = looks_up[1] = false;
    struct job *j = until_it_fetches(1);
    assert_int_equal(j->n_places, 0);
    assert_non_null(j->trust.leaf);
    pair_go_on(&p, 1);
    expect_up();
}

static void without_an_address_the_certificate_is_sent(void **state)
{
    (void)state;
    base[0] = base[1] = NULL;
    struct job *j = until_it_fetches(1);
    assert_int_equal(j->n_places, 0);
    pair_go_on(&p, 1);
    expect_up();
}

static void intermediates_are_told_likewise(void **state)
{
    (void)state;
    intermediate = testca_issue(&(struct testca_spec){.subject = "CN=between", .is_ca = true}, ca);
    testca_free(moon);
    moon = leaf("moon", intermediate);
    looks_up[0] = false;
    struct job *j = until_it_fetches(1);
    assert_int_equal(j->n_places, 2);
    assert_false(j->places[1].has_leaf);
    job_place_fill(j, 0, testca_der(moon));
    job_place_fill(j, 1, testca_der(intermediate));
    pair_go_on(&p, 1);
    expect_up();
}

/* ---- what comes of what is fetched */

static void refused(const char *got)
{
    pair_go_on(&p, 1);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_true(pair_logged(&p, 1, "the peer's certificate was not had from http://moon.example/certs/"));
    if (!pair_logged(&p, 1, got))
        fail_msg("no \"%s\" in %s", got, p.side[1].log);
}

static struct job *moon_tells(void)
{
    looks_up[0] = false;
    struct job *j = until_it_fetches(1);
    assert_non_null(j);
    assert_int_equal(j->n_places, 1);
    return j;
}

static void what_has_another_hash_is_not_looked_at(void **state)
{
    (void)state;
    struct testca_cert *other = leaf("moon", ca); /* good in itself */
    struct job *j = moon_tells();
    job_place_fill(j, 0, testca_der(other));
    assert_null(j->trust.leaf);
    testca_free(other);
    refused("bytes with the SHA-1 hash");
}

static void what_was_not_had_is_told(void **state)
{
    (void)state;
    struct job *j = moon_tells();
    job_place_failed(j, 0, "Connection refused");
    refused("Connection refused");
}

static void what_nobody_fetched_is_refused(void **state)
{
    (void)state;
    moon_tells();
    refused("none for the peer itself");
}

static void the_certificate_of_somebody_else_is_refused(void **state)
{
    (void)state;
    struct testca_cert *mars = leaf("mars", ca);
    struct job *j = moon_tells();
    struct span der = testca_der(mars);
    hash_digest(HASH_SHA1, &der, 1, j->places[0].hash);
    job_place_fill(j, 0, der);
    assert_non_null(j->trust.leaf);
    pair_go_on(&p, 1);
    testca_free(mars);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "moon.example"));
}

static void another_certificate_than_the_configured_one_is_refused(void **state)
{
    (void)state;
    pinned = leaf("moon", ca);
    struct job *j = moon_tells();
    job_place_fill(j, 0, testca_der(moon));
    pair_go_on(&p, 1);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "the peer's certificate is not the configured one"));
}

static void a_configured_certificate_is_not_fetched(void **state)
{
    (void)state;
    looks_up[0] = false;
    pinned = moon;
    struct job *j = until_it_fetches(1);
    pinned = NULL;
    assert_int_equal(j->n_places, 0);
    assert_span_equal(cert_der(j->trust.leaf), testca_der(moon));
    pair_go_on(&p, 1);
    expect_up();
}

/* ---- a peer that lies about where it is; AUTH does not cover CERT */

static struct {
    uint8_t encoding; /* 0: as it is */
    char scheme[8];   /* instead of "http://" */
    unsigned done;
} lie;

static void tell_a_lie(void *ctx, const struct chain *c)
{
    size_t len = 0;
    uint8_t *cert = chain_find(c, PAYLOAD_CERT, &len);
    (void)ctx;
    if (!cert)
        return;
    assert_int_equal(cert[4], CERT_HASH_AND_URL);
    cert[4] = lie.encoding ? lie.encoding : cert[4];
    memcpy(cert + 5 + CERT_PLACE_HASH, lie.scheme, 7);
    lie.done++;
}

static bool rogue(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        rogue_open(&p, k, tell_a_lie, ctx);
    return true;
}

static struct job *moon_lies(const char *scheme, uint8_t encoding)
{
    lie.encoding = encoding;
    lie.done = 0;
    snprintf(lie.scheme, sizeof(lie.scheme), "%s", scheme);
    p.filter = rogue;
    looks_up[0] = false;
    struct job *j = until_it_fetches(1);
    assert_int_equal(lie.done, 1);
    return j;
}

static void only_http_is_asked(void **state)
{
    (void)state;
    static const char *const schemes[] = {"file://", "https:/", "ftp:///", "ldap://", "http:\n/", "http:/ "};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct job *j = moon_lies(schemes[i], 0);
        assert_int_equal(j->n_places, 1);
        assert_non_null(j->places[0].failure);
        assert_null(strstr(j->places[0].url, "moon"));
        pair_go_on(&p, 1);
        assert_int_equal(pair_ikes(&p, 1), 0);
        assert_true(pair_logged(&p, 1, "not asked: it is no address that begins with http://"));
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static void a_bundle_may_be_there(void **state)
{
    (void)state;
    struct job *j = moon_lies("http://", CERT_HASH_AND_URL_BUNDLE);
    struct span crl = testcrl_make(&(struct testcrl_spec){.number = "1"}, ca);
    struct bundle_part parts[] = {
        {testca_der(moon), false},
        {testca_der(ca),   false},
        {crl,              true }
    };
    struct secret s = testbundle_make(parts, ARRAY_LEN(parts));
    struct span all = secret_view(&s);
    assert_true(j->places[0].is_bundle);
    hash_digest(HASH_SHA1, &all, 1, j->places[0].hash);
    size_t crls = j->trust.n_crls, helpers = j->trust.intermediates.n;
    job_place_fill(j, 0, all);
    assert_null(j->places[0].failure);
    assert_span_equal(cert_der(j->trust.leaf), testca_der(moon));
    assert_int_equal(j->trust.n_crls, crls + 1);
    assert_int_equal(j->trust.intermediates.n, helpers + 1);
    secret_free(&s);
    testcrl_free(crl);
    pair_go_on(&p, 1);
    expect_up();
}

static void what_is_told_unasked_is_not_fetched(void **state)
{
    (void)state;
    struct pair_spec a = spec(0), b = spec(1);
    looks_up[1] = false; /* but its peer believes that it does */
    pair_load(&p, 0, &a);
    pair_load(&p, 1, &b);
    p.side[0].holds_jobs = p.side[1].holds_jobs = true;
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    for (int i = 0; i < 20; i++) {
        pair_run(&p);
        if (!list_empty(&p.side[0].e->sas))
            rogue_sa(&p, 0)->peer_looks_up = true;
        assert_true(!p.side[1].n_held || p.side[1].held[0]->kind != JOB_VERIFY);
        pair_release_jobs(&p, 0);
        pair_release_jobs(&p, 1);
    }
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "no certificate of the peer moon.example"));
}

static void no_more_than_six_are_fetched(void **state)
{
    (void)state;
    struct job j = {.arena = arena_new(1 << 16)};
    uint8_t data[64] = {0};
    memcpy(data + CERT_PLACE_HASH, "http://a/b", 10);
    struct ike_payload c = {
        .type = PAYLOAD_CERT, .cert = {CERT_HASH_AND_URL, span_of(data, CERT_PLACE_HASH + 10)}
    };
    for (int i = 0; i < 20; i++)
        cert_url_take(&j, &c, i == 0);
    assert_int_equal(j.n_places, JOB_PLACES_MAX);
    assert_string_equal(j.places[JOB_PLACES_MAX - 1].url, "http://a/b");
    assert_true(j.places[0].has_leaf && !j.places[1].has_leaf);
    arena_free(j.arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(where_the_certificate_is_goes_instead_of_it),
        TEST(the_initiator_looks_up_as_well),
        TEST(who_does_not_look_up_is_sent_the_certificate),
        TEST(without_an_address_the_certificate_is_sent),
        TEST(intermediates_are_told_likewise),
        TEST(what_has_another_hash_is_not_looked_at),
        TEST(what_was_not_had_is_told),
        TEST(what_nobody_fetched_is_refused),
        TEST(the_certificate_of_somebody_else_is_refused),
        TEST(another_certificate_than_the_configured_one_is_refused),
        TEST(a_configured_certificate_is_not_fetched),
        TEST(only_http_is_asked),
        TEST(a_bundle_may_be_there),
        TEST(what_is_told_unasked_is_not_fetched),
        TEST(no_more_than_six_are_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
