/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that lies about who it is: other signatures, other certificates, a secret in place of a key. AUTH is
 * computed a second time here, since two engines with one mistake would agree. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static void check_auth(void *ctx, const struct chain *c)
{
    struct rogue_witness *seen = ctx;
    const struct ike_sa *sa = rogue_sa(&p, seen->from);
    bool is_i = seen->from == 0;
    size_t id_len, auth_len, own_len;
    uint8_t own[PRF_MAX_LEN];
    const uint8_t *id = chain_find(c, is_i ? PAYLOAD_IDI : PAYLOAD_IDR, &id_len);
    const uint8_t *auth = chain_find(c, PAYLOAD_AUTH, &auth_len);
    assert_true(id && auth);
    /* [RFC7296#2.15] its own first message, the other's nonce, its own SK_p over its own identity */
    struct auth_input in = {.prf = sa->chosen.prf,
                            .message = span_of(seen->init[seen->from], seen->init_len[seen->from]),
                            .nonce = nonce_view(is_i ? &sa->nr : &sa->ni),
                            .sk_p = secret_view(is_i ? &sa->keys.sk_pi : &sa->keys.sk_pr),
                            .id_body = span_of(id + 4, id_len - 4)};
    assert_true(auth_psk(&in, span_str("secret"), own, &own_len));
    assert_int_equal(auth[4], AUTH_WIRE_PSK);
    assert_span_equal(span_of(auth + 8, auth_len - 8), span_of(own, own_len));
    seen->verified++;
}

static void auth_covers_the_own_first_message_and_the_others_nonce(void **state)
{
    (void)state;
    struct pair_spec s = {.local_id = "@moon", .remote_id = "@sun"},
                     t = {.local_id = "@sun", .remote_id = "@moon"};
    struct rogue_witness seen = {.pair = &p, .look = check_auth};
    p.filter = rogue_watch_auth;
    p.ctx = &seen;
    up(&s, &t);
    assert_int_equal(seen.verified, 2);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void spoil_signature(void *ctx, const struct chain *c)
{
    unsigned *done = ctx;
    size_t len;
    uint8_t *auth = chain_find(c, PAYLOAD_AUTH, &len);
    assert_non_null(auth);
    assert_int_equal(auth[4], AUTH_WIRE_SIGNATURE);
    auth[len - 1] ^= 1;
    (*done)++;
}

static bool rogue_initiator(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        rogue_open(&p, k, spoil_signature, ctx);
    return true;
}

static bool rogue_responder(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && rogue_is_response(k))
        rogue_open(&p, k, spoil_signature, ctx);
    return true;
}

static void expect_bad_signature_refused(bool (*filter)(void *, struct pair_packet *))
{
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *moon =
        testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    struct testca_cert *sun = testca_issue(&(struct testca_spec){.subject = "CN=sun", .san = "DNS:sun"}, ca);
    struct pair_spec a = {.cert = moon, .ca = ca, .local_id = "moon", .remote_id = "sun"};
    struct pair_spec b = {.cert = sun, .ca = ca, .local_id = "sun", .remote_id = "moon"};
    unsigned done = 0;
    p.filter = filter;
    p.ctx = &done;
    up(&a, &b);
    testca_free(sun);
    testca_free(moon);
    testca_free(ca);
    assert_int_equal(done, 1);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 0);
        assert_int_equal(p.side[i].n_sas, 0);
    }
}

static void an_initiator_whose_signature_is_wrong_is_refused(void **state)
{
    (void)state;
    expect_bad_signature_refused(rogue_initiator);
}

static void a_responder_whose_signature_is_wrong_is_refused(void **state)
{
    (void)state;
    expect_bad_signature_refused(rogue_responder);
}

/* One job of those that wait; what it leads to waits again. */
static void release_one(int side)
{
    struct pair_side *s = &p.side[side];
    assert_true(s->n_held > 0);
    struct job *j = s->held[0];
    memmove(&s->held[0], &s->held[1], --s->n_held * sizeof(s->held[0]));
    job_run(j);
    pair_input(&p, side, &(struct input){.kind = INPUT_JOB_DONE, .job = j});
    pair_run(&p);
}

/* Same key, same CA, another name: the signature is good and the path is, too. */
static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    struct diag d = {0};
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *moon =
        testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    struct testca_cert *mars =
        testca_issue(&(struct testca_spec){.subject = "CN=mars", .san = "DNS:mars", .key_of = moon}, ca);
    struct pair_spec a = {.cert = moon, .ca = ca, .local_id = "moon", .remote_id = "moon"};
    struct cert *other = cert_load(testca_der(mars), &d);
    p.side[0].holds_jobs = true;
    up(&a, &a);
    while (p.side[0].held[0]->kind != JOB_SIGN)
        release_one(0);
    rogue_sa(&p, 0)->own.cert = other;
    release_one(0);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_true(pair_logged(&p, 1, "does not carry the identity"));
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_int_equal(p.side[1].n_sas, 0);
    cert_unref(other);
    testca_free(mars);
    testca_free(moon);
    testca_free(ca);
}

static void a_certificate_beside_the_configured_one_is_refused(void **state)
{
    (void)state;
    struct diag d = {0};
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *moon =
        testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    struct testca_cert *twin =
        testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    struct pair_spec s = {.cert = moon, .ca = ca, .local_id = "moon", .remote_id = "moon"}, t = s;
    t.cert = twin;
    struct config *pins = pair_config(0, &s);
    struct cert **pinned = arena_calloc(pins->arena, 1, sizeof(struct cert *));
    pinned[0] = cert_load(testca_der(moon), &d);
    ((struct connection *)pins->connections[0])->remote.certs = (struct cert_list){.v = pinned, .n = 1};
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = pins});
    pair_load(&p, 1, &t);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_CERTIFICATE);
    assert_int_equal(p.side[0].n_sas, 0);
    testca_free(twin);
    testca_free(moon);
    testca_free(ca);
}

static void a_certificate_under_another_ca_than_the_required_one_is_refused(void **state)
{
    (void)state;
    struct diag d = {0};
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *other =
        testca_issue(&(struct testca_spec){.subject = "CN=other", .is_ca = true}, NULL);
    struct testca_cert *moon =
        testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    struct pair_spec s = {.cert = moon, .ca = ca, .local_id = "moon", .remote_id = "moon"};
    struct config *demands = pair_config(0, &s);
    struct cert **required = arena_calloc(demands->arena, 1, sizeof(struct cert *));
    required[0] = cert_load(testca_der(other), &d);
    ((struct connection *)demands->connections[0])->remote.cacerts =
        (struct cert_list){.v = required, .n = 1};
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = demands});
    pair_load(&p, 1, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_CERTIFICATE);
    assert_int_equal(p.side[0].n_sas, 0);
    testca_free(moon);
    testca_free(other);
    testca_free(ca);
}

static struct config *with_secret(struct config *c)
{
    c->secrets = arena_calloc(c->arena, 1, sizeof(*c->secrets));
    c->secrets[0].secret = secret_copy(span_str("secret"));
    c->n_secrets = 1;
    return c;
}

static void a_responder_that_uses_a_secret_in_place_of_its_key_is_refused(void **state)
{
    (void)state;
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *moon =
        testca_issue(&(struct testca_spec){.subject = "CN=moon", .san = "DNS:moon"}, ca);
    struct pair_spec s = {.cert = moon, .ca = ca, .local_id = "moon", .remote_id = "moon"};
    struct config *honest = with_secret(pair_config(0, &s)), *rogue = with_secret(pair_config(1, &s));
    ((struct connection *)rogue->connections[0])->local.method = AUTH_PSK;
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = honest});
    pair_input(&p, 1, &(struct input){.kind = INPUT_CONFIG, .config = rogue});
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(pair_ikes(&p, 0), 0);
    testca_free(moon);
    testca_free(ca);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(auth_covers_the_own_first_message_and_the_others_nonce),
        T(an_initiator_whose_signature_is_wrong_is_refused),
        T(a_responder_whose_signature_is_wrong_is_refused),
        T(a_certificate_for_another_name_is_refused),
        T(a_certificate_beside_the_configured_one_is_refused),
        T(a_certificate_under_another_ca_than_the_required_one_is_refused),
        T(a_responder_that_uses_a_secret_in_place_of_its_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
