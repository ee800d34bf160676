/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back, authenticating with certificates: each kind of key, chains, refusals. */
#include "pki/ocsp.h"
#include "support/engine_pair.h"
#include "support/rogue.h"
#include "support/test.h"
#include "support/testcrl.h"
#include "support/testocsp.h"
#include <stdio.h>

static struct pair p;
static struct testca_cert *ca, *intermediate, *moon, *sun;

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    ca = testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=root", .is_ca = true}, NULL);
    intermediate = moon = sun = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    struct testca_cert *const all[] = {ca, intermediate, moon, sun};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i])
            testca_free(all[i]);
    }
    return 0;
}

static struct testca_cert *leaf(const char *name, enum testca_key key, const struct testca_cert *issuer)
{
    char subject[64], san[64];
    snprintf(subject, sizeof(subject), "C=CH, O=Keyway, CN=%s", name);
    snprintf(san, sizeof(san), "DNS:%s.example", name);
    return testca_issue(&(struct testca_spec){.subject = subject, .san = san, .key = key}, issuer);
}

static struct pair_spec spec(int side)
{
    return (struct pair_spec){.cert = side ? sun : moon,
                              .ca = ca,
                              .local_id = side ? "sun.example" : "moon.example",
                              .remote_id = side ? "moon.example" : "sun.example"};
}

static void up(const struct pair_spec *a, const struct pair_spec *b)
{
    pair_load(&p, 0, a);
    pair_load(&p, 1, b);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

static void expect_up(const char *scheme)
{
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    assert_true(pair_logged(&p, 0, scheme));
    assert_true(pair_logged(&p, 1, scheme));
}

static void every_kind_of_key_authenticates(void **state)
{
    (void)state;
    static const struct {
        enum testca_key key;
        const char *scheme;
    } kinds[] = {
        {TESTCA_P256,    "ECDSA"  },
        {TESTCA_P384,    "ECDSA"  },
        {TESTCA_P521,    "ECDSA"  },
        {TESTCA_ED25519, "ED25519"},
        {TESTCA_ED448,   "ED448"  },
        {TESTCA_RSA2048, "RSA"    }
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        moon = leaf("moon", kinds[i].key, ca);
        sun = leaf("sun", kinds[i].key, ca);
        struct pair_spec a = spec(0), b = spec(1);
        up(&a, &b);
        expect_up(kinds[i].scheme);
        pair_restart(&p, 0);
        pair_restart(&p, 1);
        testca_free(moon);
        testca_free(sun);
        moon = sun = NULL;
    }
}

static bool hide_hashes(void *ctx, struct pair_packet *k)
{
    unsigned *hidden = ctx;
    for (size_t i = 36; k->bytes[18] == 34 && i + 8 < k->len; i++) {
        /* N(SIGNATURE_HASH_ALGORITHMS) to a status notify that nobody knows; those two bytes alone may be of
         * a nonce */
        bool is_notify = !k->bytes[i - 4] && !k->bytes[i - 2] && !k->bytes[i - 1];
        if (is_notify && k->bytes[i] == 0x40 && k->bytes[i + 1] == 0x2f) {
            k->bytes[i] = 0x9f;
            (*hidden)++;
        }
    }
    return true;
}

static void without_hash_announcement_the_signature_covers_what_was_seen(void **state)
{
    (void)state;
    /* A man in the middle hides the announcement: both sides sign other octets than the other saw. */
    unsigned hidden = 0;
    p.filter = hide_hashes;
    p.ctx = &hidden;
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    struct pair_spec a = spec(0), b = spec(1);
    up(&a, &b);
    assert_true(hidden > 0);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
}

static void an_intermediate_is_sent_along_and_large_messages_are_fragmented(void **state)
{
    (void)state;
    intermediate =
        testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=middle", .is_ca = true}, ca);
    moon = leaf("moon", TESTCA_RSA3072, intermediate);
    sun = leaf("sun", TESTCA_P256, ca);
    struct pair_spec a = spec(0), b = spec(1);
    a.intermediate = intermediate;
    a.fragment_size = b.fragment_size = 576;
    up(&a, &b);
    expect_up("authentication of");
    assert_true(p.sent > 6);
}

static void without_its_intermediate_a_path_is_refused_with_the_peers_class(void **state)
{
    (void)state;
    intermediate =
        testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=middle", .is_ca = true}, ca);
    moon = leaf("moon", TESTCA_P256, intermediate);
    sun = leaf("sun", TESTCA_P256, ca);
    struct pair_spec a = spec(0), b = spec(1);
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH); /* the peer refused ours */
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "moon"));
}

static void an_expired_certificate_of_the_responder_is_refused_by_us(void **state)
{
    (void)state;
    moon = leaf("moon", TESTCA_P256, ca);
    sun = testca_issue(&(struct testca_spec){.subject = "CN=sun",
                                             .san = "DNS:sun.example",
                                             .not_before = TESTCA_NOW - 2000000,
                                             .not_after = TESTCA_NOW - 1000000},
                       ca);
    struct pair_spec a = spec(0), b = spec(1);
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_CERTIFICATE);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 0); /* told */
    assert_int_equal(p.side[1].n_sas, 0);
}

static void a_certificate_that_does_not_name_the_id_is_refused(void **state)
{
    (void)state;
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    struct testca_cert *mars = leaf("mars", TESTCA_P256, ca);
    struct pair_spec a = spec(0), b = spec(1);
    a.local_id = "mars.example"; /* another name than its certificate says */
    b.remote_id = "mars.example";
    up(&a, &b);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    testca_free(mars);
}

static void a_stolen_certificate_without_its_key_is_refused(void **state)
{
    (void)state;
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    struct testca_cert *other_ca =
        testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=root", .is_ca = true}, NULL);
    struct testca_cert *forged = leaf("moon", TESTCA_P256, other_ca);
    struct pair_spec a = spec(0), b = spec(1);
    a.cert = forged;
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_int_equal(pair_children(&p, 1), 0);
    testca_free(forged);
    testca_free(other_ca);
}

static void the_subject_is_the_default_identity(void **state)
{
    (void)state;
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    struct pair_spec a = spec(0), b = spec(1);
    a.local_id = NULL;
    b.remote_id = "C=CH, O=Keyway, CN=moon";
    up(&a, &b);
    expect_up("ECDSA");
}

static void a_certificate_is_not_sent_when_never(void **state)
{
    (void)state;
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    struct pair_spec a = spec(0), b = spec(1);
    a.send_cert = SEND_CERT_NEVER;
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_true(pair_logged(&p, 1, "no certificate of the peer"));
}

/* ---- several certificates of ours */

static struct testca_cert *second_ca, *second_moon;

static struct cert *loaded(const struct testca_cert *t)
{
    struct diag d = {0};
    struct cert *c = cert_load(testca_der(t), &d);
    assert_non_null(c);
    return c;
}

/* Side 0 has a certificate of another CA in front of the one that side 1 trusts. */
static void put_another_first(struct config *c, struct connection *conn, struct child_config *children)
{
    struct diag d = {0};
    (void)children;
    struct cert **certs = arena_calloc(c->arena, 2, sizeof(*certs));
    struct cert **cas = arena_calloc(c->arena, 2, sizeof(*cas));
    struct private_key *keys = arena_calloc(c->arena, 2, sizeof(*keys));
    certs[0] = loaded(second_moon);
    certs[1] = conn->local.certs.v[0];
    cas[0] = loaded(second_ca);
    cas[1] = c->cas.v[0];
    keys[0].key = pkey_load_private(testca_key_der(second_moon), span_of(NULL, 0), &d);
    keys[1] = c->keys[0];
    conn->local.certs = (struct cert_list){.v = certs, .n = 2};
    c->cas = (struct cert_list){.v = cas, .n = 2};
    c->keys = keys;
    c->n_keys = 2;
}

static void the_cas_that_the_peer_names_choose_our_certificate(void **state)
{
    (void)state;
    second_ca =
        testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=elsewhere", .is_ca = true}, NULL);
    second_moon = leaf("moon", TESTCA_P256, second_ca);
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    for (int starter = 0; starter < 2; starter++) {
        struct pair_spec a = spec(0), b = spec(1);
        a.tweak = put_another_first;
        pair_restart(&p, 0);
        pair_restart(&p, 1);
        pair_load(&p, 0, &a);
        pair_load(&p, 1, &b);
        pair_command(&p, starter, COMMAND_INITIATE, "net", NULL);
        pair_run(&p);
        assert_int_equal(pair_children(&p, 0), 1);
        assert_int_equal(pair_children(&p, 1), 1);
    }
    testca_free(second_ca);
    testca_free(second_moon);
}

/* ---- which line a refusal points at */

static const char *const *lines_set;

static void revoke_sun(struct config *c, struct connection *conn, struct child_config *children)
{
    const struct testcrl_entry entry = {.cert = sun};
    struct diag d = {0};
    (void)children;
    struct origin *o = arena_calloc(c->arena, 4, sizeof(*o));
    size_t n = 0;
    for (; lines_set[n]; n++)
        o[n] = (struct origin){.key = lines_set[n], .file = "test.conf", .line = 5 + (int)n};
    conn->remote.origins = (struct origins){o, n};
    struct span der = testcrl_make(&(struct testcrl_spec){.entries = &entry, .n = 1}, ca);
    c->crls = arena_calloc(c->arena, 1, sizeof(*c->crls));
    c->crls[0] = crl_load(der, &d);
    assert_non_null(c->crls[0]);
    c->n_crls = 1;
    testcrl_free(der);
}

static void a_refusal_for_revocation_points_at_the_line_that_decided(void **state)
{
    (void)state;
    static const struct {
        const char *set[4], *where;
    } rows[] = {
        {{"id", "auth", "cacerts", "revocation"}, "test.conf:8"},
        {{"id", "auth", "cacerts"},               "test.conf:7"},
        {{"id", "auth"},                          "test.conf:6"},
        {{"id"},                                  ""           },
    };
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *set[5] = {rows[i].set[0], rows[i].set[1], rows[i].set[2], rows[i].set[3]};
        struct pair_spec a = spec(0), b = spec(1);
        lines_set = set;
        a.tweak = revoke_sun;
        up(&a, &b);
        assert_int_equal(p.side[0].done.class, FAIL_CERTIFICATE);
        assert_non_null(strstr(p.side[0].done.what, "CN=sun was revoked at 2026-01-01"));
        assert_string_equal(p.side[0].done.where, rows[i].where);
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static unsigned ocsp_requests, ocsp_responses;

static void look_for_request(void *ctx, const struct chain *c)
{
    uint8_t next = c->first;
    (void)ctx;
    for (size_t at = 0; next; at += (size_t)c->at[at + 2] << 8 | c->at[at + 3]) {
        ocsp_requests += next == PAYLOAD_CERTREQ && c->at[at + 4] == CERT_OCSP_CONTENT;
        ocsp_responses += next == PAYLOAD_CERT && c->at[at + 4] == CERT_OCSP_CONTENT;
        next = c->at[at];
    }
}

static bool count_requests(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        rogue_open(&p, k, look_for_request, NULL);
    return true;
}

/* [RFC4806#3.2] */
static void the_peer_is_asked_for_an_ocsp_response_where_that_is_wanted(void **state)
{
    (void)state;
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    struct pair_spec a = spec(0), b = spec(1);
    p.filter = count_requests;
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        ocsp_requests = 0;
        a.ocsp = wanted ? OCSP_ASK : OCSP_TELL;
        up(&a, &b);
        expect_up("ECDSA");
        assert_int_equal(ocsp_requests, wanted);
        pair_deinit(&p);
        pair_init(&p);
        p.filter = count_requests;
    }
}

static struct ocsp *response_about(const struct testca_cert *t)
{
    struct diag d = {0};
    struct span der = testocsp_make(&(struct testocsp_spec){.issuer = ca, .cert = t});
    struct ocsp *o = ocsp_load(der, &d);
    assert_non_null(o);
    testocsp_free(der);
    return o;
}

static void demand_strict(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c, (void)children;
    conn->remote.revocation = REVOCATION_STRICT;
}

/* [RFC4806#3] each side has a response about itself, and asks, or not, or does not answer. Who is strict
 * needs it. */
static void a_response_about_our_certificate_is_sent_to_whoever_asks(void **state)
{
    (void)state;
    static const struct {
        uint8_t moons, suns;
        bool has_moons, has_suns;
        unsigned sent; /* by moon */
        bool is_up;    /* with the asking side strict */
    } rows[] = {
        {OCSP_ASK,             OCSP_TELL,            true, true,  0, true },
        {OCSP_TELL,            OCSP_ASK,             true, true,  1, true },
        {OCSP_ASK | OCSP_TELL, OCSP_ASK | OCSP_TELL, true, true,  1, true },
        {OCSP_ASK,             OCSP_TELL,            true, false, 0, false}, /* none at hand: not waited for */
        {OCSP_ASK,             OCSP_ASK,             true, true,  0, false},
        {OCSP_TELL,            OCSP_TELL,            true, true,  0, true },
    };
    moon = leaf("moon", TESTCA_P256, ca);
    sun = leaf("sun", TESTCA_P256, ca);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair_spec a = spec(0), b = spec(1);
        p.filter = count_requests;
        ocsp_responses = 0;
        a.fragment_size = b.fragment_size = 8000; /* to be looked into */
        a.ocsp = rows[i].moons;
        b.ocsp = rows[i].suns;
        a.tweak = a.ocsp & OCSP_ASK ? demand_strict : NULL;
        b.tweak = b.ocsp & OCSP_ASK ? demand_strict : NULL;
        p.response[0] = rows[i].has_moons ? response_about(moon) : NULL;
        p.response[1] = rows[i].has_suns ? response_about(sun) : NULL;
        up(&a, &b);
        assert_int_equal(ocsp_responses, rows[i].sent);
        assert_int_equal(pair_children(&p, 0), rows[i].is_up);
        ocsp_unref(p.response[0]);
        ocsp_unref(p.response[1]);
        pair_deinit(&p);
        pair_init(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_kind_of_key_authenticates),
        T(without_hash_announcement_the_signature_covers_what_was_seen),
        T(an_intermediate_is_sent_along_and_large_messages_are_fragmented),
        T(without_its_intermediate_a_path_is_refused_with_the_peers_class),
        T(an_expired_certificate_of_the_responder_is_refused_by_us),
        T(a_certificate_that_does_not_name_the_id_is_refused),
        T(a_stolen_certificate_without_its_key_is_refused),
        T(the_subject_is_the_default_identity),
        T(a_certificate_is_not_sent_when_never),
        T(the_cas_that_the_peer_names_choose_our_certificate),
        T(a_refusal_for_revocation_points_at_the_line_that_decided),
        T(a_response_about_our_certificate_is_sent_to_whoever_asks),
        T(the_peer_is_asked_for_an_ocsp_response_where_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
