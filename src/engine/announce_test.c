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

static bool hides_init, hides_late, hides_intermediate;
static bool keys_change; /* between the exchanges: what they hold is not to be seen on the wire */

static int setup_test(void **state)
{
    demanding = -1;
    has_both = true;
    hides_init = hides_late = hides_intermediate = keys_change = false;
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

/* ---- which messages hold the list */

static struct {
    unsigned in_init, in_intermediate, in_auth, certreqs; /* lists; CERTREQs beside them */
    size_t in_init_len;
    unsigned intermediates; /* requests */
} seen;

static unsigned count(const struct chain *c, uint8_t type, uint16_t notify, size_t *len)
{
    uint8_t next = c->first;
    unsigned n = 0;
    for (size_t at = 0; next; at += (size_t)c->at[at + 2] << 8 | c->at[at + 3]) {
        bool is_it = next == type && (!notify || (c->at[at + 6] << 8 | c->at[at + 7]) == notify);
        n += is_it;
        if (is_it && len)
            *len = ((size_t)c->at[at + 2] << 8 | c->at[at + 3]) - 8;
        next = c->at[at];
    }
    return n;
}

static void look_at_auth(void *ctx, const struct chain *c)
{
    (void)ctx;
    seen.in_auth += count(c, PAYLOAD_NOTIFY, N_SUPPORTED_AUTH_METHODS, NULL);
}

static void look_at_intermediate(void *ctx, const struct chain *c)
{
    size_t len;
    uint8_t *n = chain_find(c, PAYLOAD_NOTIFY, &len);
    (void)ctx;
    seen.in_intermediate += count(c, PAYLOAD_NOTIFY, N_SUPPORTED_AUTH_METHODS, NULL);
    seen.certreqs += count(c, PAYLOAD_CERTREQ, 0, NULL);
    if (hides_late && n)
        n[6] = 0x9f; /* no type that anybody knows */
}

/* INTERMEDIATE_EXCHANGE_SUPPORTED of the request gets a type that nobody knows. */
static void hide_intermediate(const struct chain *c)
{
    uint8_t next = c->first;
    for (size_t at = 0; next; at += (size_t)c->at[at + 2] << 8 | c->at[at + 3]) {
        if (next == PAYLOAD_NOTIFY &&
            (c->at[at + 6] << 8 | c->at[at + 7]) == N_INTERMEDIATE_EXCHANGE_SUPPORTED)
            c->at[at + 6] = 0x9f;
        next = c->at[at];
    }
}

static bool watch(void *ctx, struct pair_packet *k)
{
    uint8_t exchange = k->bytes[AT_EXCHANGE];
    bool is_response = rogue_is_response(k);
    struct chain clear = {
        .first = k->bytes[AT_FIRST], .at = k->bytes + IKE_HEADER_LEN, .len = k->len - IKE_HEADER_LEN};
    if (exchange == EXCHANGE_IKE_SA_INIT && is_response)
        seen.in_init += count(&clear, PAYLOAD_NOTIFY, N_SUPPORTED_AUTH_METHODS, &seen.in_init_len);
    if (exchange == EXCHANGE_IKE_SA_INIT && !is_response && hides_intermediate)
        hide_intermediate(&clear);
    if (exchange == EXCHANGE_IKE_SA_INIT && hides_init)
        rogue_hide_announcements(ctx, k);
    bool is_whole = k->bytes[AT_FIRST] == PAYLOAD_SK;
    if (exchange == EXCHANGE_IKE_INTERMEDIATE && is_response && is_whole && !keys_change)
        rogue_open(&p, k, look_at_intermediate, NULL);
    seen.intermediates += exchange == EXCHANGE_IKE_INTERMEDIATE && !is_response;
    if (seen.intermediates >= 7) /* who cannot know that it was the last one may be asked again */
        rogue_sa(&p, 1)->owes_list = seen.intermediates == 8;
    if (exchange == EXCHANGE_IKE_AUTH && !is_response && is_whole)
        rogue_open(&p, k, look_at_auth, NULL);
    return true;
}

static void up_watched(const struct pair_spec *a, const struct pair_spec *b)
{
    memset(&seen, 0, sizeof(seen));
    p.filter = watch;
    p.ctx = &p;
    up(a, b);
}

/* [RFC9593#3.1] */
static void the_initiator_announces_whether_or_not_the_responder_did(void **state)
{
    (void)state;
    struct pair_spec s = {.dpd_delay = 0};
    for (int i = 0; i < 2; i++) {
        hides_init = i == 1;
        up_watched(&s, &s);
        assert_int_equal(seen.in_init, 1);
        assert_int_equal(seen.in_auth, 1);
        assert_int_equal(seen.intermediates, 0);
        again();
    }
}

/* IKE_SA_INIT would not fit into a packet of that size with a list; sealed messages are cut. */
#define SHORT 380

static struct pair_spec certified(const char *proposal, uint16_t fragment_size)
{
    return (struct pair_spec){.cert = rsa,
                              .ca = ca,
                              .local_id = "moon",
                              .remote_id = "moon",
                              .tweak = set_up,
                              .ike = {proposal},
                              .fragment_size = fragment_size};
}

static void go_long(const char *proposal, uint16_t fragment_size)
{
    struct pair_spec a = certified(proposal, 3000), b = certified(proposal, fragment_size);
    demanding = 1;
    ways[0] = ways[1] = expected[0] = expected[1] = AUTH_PUBKEY;
    up_watched(&a, &b);
}

#define CLASSIC "aes256gcm16-prfsha256-x25519"

static void the_choice_fits_the_list(void)
{
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_logged(&p, 1, "of moon with ECDSA_WITH_SHA256_DER successful"));
}

static void a_long_list_has_an_exchange_of_its_own(void **state)
{
    (void)state;
    go_long(CLASSIC, 0);
    the_choice_fits_the_list();
    assert_int_equal(seen.intermediates, 0);
    assert_true(seen.in_init_len > 0);
    again();
    go_long(CLASSIC, SHORT);
    the_choice_fits_the_list();
    assert_int_equal(seen.in_init, 1);
    assert_int_equal(seen.in_init_len, 0); /* it is still to come */
    assert_int_equal(seen.intermediates, 1);
    assert_int_equal(seen.in_intermediate, 1);
    assert_int_equal(seen.certreqs, 1);
}

static void a_long_list_comes_with_the_last_additional_key_exchange(void **state)
{
    (void)state;
    keys_change = true;
    go_long(CLASSIC "-ke1_ecp256-ke2_ecp384", SHORT);
    the_choice_fits_the_list();
    assert_int_equal(seen.in_init_len, 0);
    assert_int_equal(seen.intermediates, 2);
}

static void after_all_seven_of_them_there_is_room_for_one_more(void **state)
{
    (void)state;
    keys_change = true;
    go_long(CLASSIC "-ke1_ecp256-ke2_ecp384-ke3_ecp521-ke4_x448-ke5_ecp256bp-ke6_ecp384bp-ke7_modp2048",
            SHORT);
    the_choice_fits_the_list();
    assert_int_equal(seen.intermediates, 8);
}

static void who_signs_nothing_does_not_ask_for_it(void **state)
{
    (void)state;
    struct pair_spec a = certified(CLASSIC, 0), b = certified(CLASSIC, SHORT);
    ways[0] = expected[1] = AUTH_PSK;
    ways[1] = expected[0] = AUTH_PUBKEY;
    up_watched(&a, &b);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(seen.intermediates, 0);
}

static void a_list_that_was_promised_is_asked_for_once(void **state)
{
    (void)state;
    hides_late = true;
    go_long(CLASSIC, SHORT);
    hides_late = false;
    assert_int_equal(seen.intermediates, 1);
    assert_int_equal(seen.in_auth, 1); /* and it goes on without */
}

static void a_peer_without_that_exchange_is_promised_nothing(void **state)
{
    (void)state;
    hides_intermediate = true;
    go_long(CLASSIC, SHORT);
    hides_intermediate = false;
    assert_int_equal(seen.in_init, 0);
    assert_int_equal(seen.intermediates, 0);
}

/* A second notify at the end of the IKE_SA_INIT response, which takes NULL authentication. */
static bool announce_more(void *ctx, struct pair_packet *k)
{
    const uint8_t more[] = {
        0, 0, 0, 10, 0, 0, N_SUPPORTED_AUTH_METHODS >> 8, N_SUPPORTED_AUTH_METHODS & 0xff, 2, AUTH_WIRE_NULL};
    uint8_t *next = k->bytes + AT_FIRST;
    (void)ctx;
    if (k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_SA_INIT || !rogue_is_response(k))
        return true;
    for (size_t at = IKE_HEADER_LEN; *next; at += (size_t)k->bytes[at + 2] << 8 | k->bytes[at + 3])
        next = k->bytes + at;
    *next = PAYLOAD_NOTIFY;
    memcpy(k->bytes + k->len, more, sizeof(more));
    k->len += sizeof(more);
    k->bytes[26] = (uint8_t)(k->len >> 8);
    k->bytes[27] = (uint8_t)k->len;
    return true;
}

static void several_notifies_are_one_list(void **state)
{
    (void)state;
    struct pair_spec s = {.dpd_delay = 0};
    p.filter = announce_more;
    up(&s, &s);
    assert_true(pair_logged(&p, 0, "the peer takes pre-shared key, NULL"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_test, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_side_takes_the_certificate_that_the_other_can_verify),
        T(a_key_that_the_peer_does_not_take_is_not_tried),
        T(a_way_that_the_peer_does_not_take_is_not_tried),
        T(a_refusal_says_what_the_peer_takes),
        T(the_initiator_announces_whether_or_not_the_responder_did),
        T(several_notifies_are_one_list),
        T(a_long_list_has_an_exchange_of_its_own),
        T(a_long_list_comes_with_the_last_additional_key_exchange),
        T(after_all_seven_of_them_there_is_room_for_one_more),
        T(who_signs_nothing_does_not_ask_for_it),
        T(a_list_that_was_promised_is_asked_for_once),
        T(a_peer_without_that_exchange_is_promised_nothing),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
