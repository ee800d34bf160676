/* SPDX-License-Identifier: Apache-2.0 */
/* Each side authenticates in its own way: a shared secret one way, a certificate the other (RFC 7296 section
 * 2.15 asks for nothing else), and neither in place of the other. */
#include "support/certs_fixture.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static struct {
    enum auth_method local, remote;
} methods[2];

static void mix(struct config *c, struct connection *conn, struct child_config *children)
{
    int side = conn->local_addrs[0].from.b[3] - 1;
    (void)children;
    conn->local.method = methods[side].local;
    conn->remote.method = methods[side].remote;
    c->secrets = arena_calloc(c->arena, 1, sizeof(*c->secrets));
    c->secrets[0].secret = secret_copy(span_str("secret"));
    c->n_secrets = 1;
}

/* How side 0 and side 1 authenticate, and what each of them expects of the other. */
static void up_with(enum auth_method a, enum auth_method a_expects, enum auth_method b,
                    enum auth_method b_expects)
{
    struct pair_spec s = {.cert = moon, .ca = ca, .local_id = "moon", .remote_id = "sun", .tweak = mix};
    struct pair_spec t = {.cert = sun, .ca = ca, .local_id = "sun", .remote_id = "moon", .tweak = mix};
    methods[0].local = a;
    methods[0].remote = a_expects;
    methods[1].local = b;
    methods[1].remote = b_expects;
    up(&s, &t);
}

static void expect_up(void)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 1);
        assert_int_equal(pair_children(&p, side), 1);
    }
    assert_true(pair_traffic_fits(&p));
}

static void expect_refused(int by, const char *why)
{
    pair_advance(&p, 60 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
    }
    assert_true(pair_logged(&p, by, why));
}

static void the_initiator_has_a_secret_and_the_responder_a_certificate(void **state)
{
    (void)state;
    up_with(AUTH_PSK, AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PSK);
    expect_up();
    assert_true(pair_logged(&p, 0, "authentication of sun with"));   /* a signature */
    assert_false(pair_logged(&p, 1, "authentication of moon with")); /* none */
}

static void the_initiator_has_a_certificate_and_the_responder_a_secret(void **state)
{
    (void)state;
    up_with(AUTH_PUBKEY, AUTH_PSK, AUTH_PSK, AUTH_PUBKEY);
    expect_up();
    assert_true(pair_logged(&p, 1, "authentication of moon with"));
    assert_false(pair_logged(&p, 0, "authentication of sun with"));
}

static void an_initiators_secret_is_no_certificate(void **state)
{
    (void)state;
    p.filter = rogue_hide_announcements; /* it would not be tried */
    p.ctx = &p;
    up_with(AUTH_PSK, AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY);
    expect_refused(1, "it expects another way to authenticate");
}

static void an_initiators_certificate_is_no_secret(void **state)
{
    (void)state;
    p.filter = rogue_hide_announcements; /* it would not be tried */
    p.ctx = &p;
    up_with(AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PUBKEY, AUTH_PSK);
    expect_refused(1, "it expects another way to authenticate");
}

static void a_responders_secret_is_no_certificate(void **state)
{
    (void)state;
    p.filter = rogue_hide_announcements; /* it would not be tried */
    p.ctx = &p;
    up_with(AUTH_PSK, AUTH_PUBKEY, AUTH_PSK, AUTH_PSK);
    expect_refused(0, "the peer authenticates in another way");
}

static void a_responders_certificate_is_no_secret(void **state)
{
    (void)state;
    p.filter = rogue_hide_announcements; /* it would not be tried */
    p.ctx = &p;
    up_with(AUTH_PSK, AUTH_PSK, AUTH_PUBKEY, AUTH_PSK);
    expect_refused(0, "the peer authenticates in another way");
}

/* ---- NULL authentication (RFC 7619) is nobody's way here ---- */

static int nameless; /* the side that says so */

static void say_null(void *ctx, const struct chain *c)
{
    unsigned *n = ctx;
    size_t len;
    uint8_t *auth = chain_find(c, PAYLOAD_AUTH, &len);
    if (!auth)
        return;
    auth[4] = AUTH_WIRE_NULL; /* over what is otherwise good */
    (*n)++;
}

static bool says_null(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && k->from == nameless)
        rogue_open(&p, k, say_null, ctx);
    return true;
}

static void expect_null_refused(int side, enum auth_method method, const char *why)
{
    unsigned n = 0;
    nameless = side;
    p.filter = says_null;
    p.ctx = &n;
    up_with(method, method, method, method);
    expect_refused(1 - side, why);
    assert_true(n > 0);
    p.filter = NULL;
}

static void null_is_no_secret_of_the_initiator(void **state)
{
    (void)state;
    expect_null_refused(0, AUTH_PSK, "it expects another way to authenticate");
}

static void null_is_no_certificate_of_the_initiator(void **state)
{
    (void)state;
    expect_null_refused(0, AUTH_PUBKEY, "it expects another way to authenticate");
}

static void null_is_no_secret_of_the_responder(void **state)
{
    (void)state;
    expect_null_refused(1, AUTH_PSK, "the peer authenticates in another way");
}

static void null_is_no_certificate_of_the_responder(void **state)
{
    (void)state;
    expect_null_refused(1, AUTH_PUBKEY, "the peer authenticates in another way");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_initiator_has_a_secret_and_the_responder_a_certificate),
        T(the_initiator_has_a_certificate_and_the_responder_a_secret),
        T(an_initiators_secret_is_no_certificate),
        T(an_initiators_certificate_is_no_secret),
        T(a_responders_secret_is_no_certificate),
        T(a_responders_certificate_is_no_secret),
        T(null_is_no_secret_of_the_initiator),
        T(null_is_no_certificate_of_the_initiator),
        T(null_is_no_secret_of_the_responder),
        T(null_is_no_certificate_of_the_responder),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
