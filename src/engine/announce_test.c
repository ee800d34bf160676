/* SPDX-License-Identifier: Apache-2.0 */
/* SUPPORTED_AUTH_METHODS (RFC 9593) between two engines: certificate and way by what the peer announced, and
 * refusals that say so. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static struct testca_cert *ca, *rsa, *ec;

static int make_certificates(void **state)
{
    (void)state;
    ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    rsa = testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon", .key = TESTCA_RSA2048},
                       ca);
    ec = testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon", .key = TESTCA_P256}, ca);
    return 0;
}

static int free_certificates(void **state)
{
    (void)state;
    testca_free(ec);
    testca_free(rsa);
    testca_free(ca);
    return 0;
}

static int demanding; /* the side that takes ECDSA alone */
static enum auth_method ways[2], expected[2];
static bool has_both;

static void add_second(struct config *c, struct connection *conn)
{
    struct diag d;
    struct cert **v = arena_calloc(c->arena, 2, sizeof(*v));
    struct private_key *keys = arena_calloc(c->arena, 2, sizeof(*keys));
    diag_clear(&d);
    v[0] = conn->local.certs.v[0];
    v[1] = cert_load(testca_der(ec), &d);
    conn->local.certs = (struct cert_list){.v = v, .n = 2};
    keys[0] = c->keys[0];
    keys[1].key = pkey_load_private(testca_key_der(ec), span_of(NULL, 0), &d);
    c->keys = keys;
    c->n_keys = 2;
}

/* Two certificates for one name, RSA first, and both keys. */
static void set_up(struct config *c, struct connection *conn, struct child_config *children)
{
    static const struct sig_scheme ecdsa[] = {
        {PKEY_ECDSA, HASH_SHA256, false}
    };
    int side = conn->local_addrs[0].from.b[3] - 1;
    (void)children;
    conn->local.method = ways[side];
    conn->remote.method = expected[side];
    c->secrets = arena_calloc(c->arena, 1, sizeof(*c->secrets));
    c->secrets[0].secret = secret_copy(span_str("secret"));
    c->n_secrets = 1;
    if (side == demanding) {
        conn->remote.schemes = ecdsa;
        conn->remote.n_schemes = 1;
    }
    if (has_both)
        add_second(c, conn);
}

static void go(enum auth_method i, enum auth_method i_expects, enum auth_method r, enum auth_method r_expects)
{
    struct pair_spec s = {.cert = rsa, .ca = ca, .local_id = "moon", .remote_id = "moon", .tweak = set_up};
    ways[0] = i;
    ways[1] = r;
    expected[0] = i_expects;
    expected[1] = r_expects;
    up(&s, &s);
}

static void again(void)
{
    pair_deinit(&p);
    pair_init(&p);
}

static int setup_test(void **state)
{
    demanding = -1;
    has_both = true;
    return setup(state);
}

static void each_side_takes_the_certificate_that_the_other_can_verify(void **state)
{
    (void)state;
    for (demanding = 0; demanding < 2; demanding++) {
        go(AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY);
        assert_int_equal(pair_children(&p, 0), 1);
        assert_int_equal(pair_children(&p, 1), 1);
        int other = 1 - demanding;
        assert_true(pair_logged(&p, demanding, "of moon with ECDSA_WITH_SHA256_DER successful"));
        assert_true(pair_logged(&p, other, "of moon with RSA_EMSA_PSS"));
        assert_true(pair_logged(&p, other, "the peer takes ECDSA_WITH_SHA256_DER, ECDSA-256 signature"));
        again();
    }
}

static void expect_refused(int by, const char *words)
{
    for (int side = 0; side < 2; side++)
        assert_int_equal(p.side[side].n_sas, 0);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    if (!pair_logged(&p, by, words))
        fail_msg("%s", p.side[by].log);
}

static void a_key_that_the_peer_does_not_take_is_not_tried(void **state)
{
    (void)state;
    has_both = false; /* RSA alone */
    demanding = 1;
    go(AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY);
    expect_refused(0, "the peer takes no signature of our RSA key; expected what it announced: "
                      "ECDSA_WITH_SHA256_DER, ECDSA-256 signature; got RSA key of 2048 bits");
    again();
    demanding = 0;
    go(AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY);
    expect_refused(1, "the peer takes no signature of our RSA key");
}

static void a_way_that_the_peer_does_not_take_is_not_tried(void **state)
{
    (void)state;
    has_both = false;
    go(AUTH_PUBKEY, AUTH_PSK, AUTH_PSK, AUTH_PSK);
    expect_refused(0, "the peer does not take a signature; expected what it announced: pre-shared key; got a "
                      "signature, as connection net has it");
    again();
    go(AUTH_PSK, AUTH_PSK, AUTH_PUBKEY, AUTH_PSK);
    expect_refused(1, "the peer does not take a signature; expected what it announced: pre-shared key");
}

/* What the peer announced is told, too, when it refuses for another reason. */
static void a_refusal_says_what_the_peer_takes(void **state)
{
    (void)state;
    struct pair_spec a = {.psk = "one"}, b = {.psk = "another"};
    up(&a, &b);
    expect_refused(0, "with a pre-shared key; it takes pre-shared key");
}

static unsigned lists;
static bool hides;

static void look_for_list(void *ctx, const struct chain *c)
{
    uint8_t next = c->first;
    (void)ctx;
    for (size_t at = 0; next; at += (size_t)c->at[at + 2] << 8 | c->at[at + 3]) {
        lists += next == PAYLOAD_NOTIFY && (c->at[at + 6] << 8 | c->at[at + 7]) == N_SUPPORTED_AUTH_METHODS;
        next = c->at[at];
    }
}

static bool count_lists(void *ctx, struct pair_packet *k)
{
    if (hides && k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT)
        rogue_hide_announcements(ctx, k);
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        rogue_open(&p, k, look_for_list, NULL);
    return true;
}

/* [RFC9593#3.1] the initiator answers only one who does this. */
static void who_has_not_announced_is_told_nothing(void **state)
{
    (void)state;
    struct pair_spec s = {.dpd_delay = 0};
    for (int i = 0; i < 2; i++) {
        p.filter = count_lists;
        p.ctx = &p;
        lists = 0;
        hides = i == 1;
        up(&s, &s);
        assert_int_equal(lists, !hides);
        again();
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_test, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_side_takes_the_certificate_that_the_other_can_verify),
        T(a_key_that_the_peer_does_not_take_is_not_tried),
        T(a_way_that_the_peer_does_not_take_is_not_tried),
        T(a_refusal_says_what_the_peer_takes),
        T(who_has_not_announced_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
