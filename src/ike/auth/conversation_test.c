/* SPDX-License-Identifier: Apache-2.0 */
/* A recorded conversation of another implementation, read from the first message to the last: every message
 * decodes, opens under the keys that we derive, obeys the rules; both AUTH values verify; all keys are those
 * that the peer logged. */
#include "base/wr.h"
#include "crypto/alg.h"
#include "ike/auth/auth.h"
#include "ike/core/keymat.h"
#include "ike/core/natd.h"
#include "ike/msg/dump.h"
#include "ike/msg/protect.h"
#include "ike/msg/rules.h"
#include "support/test.h"
#include "vectors/strongswan_psk.h"

struct sa {
    struct chosen chosen;
    struct ike_keys keys;
    struct cipher *from_i, *from_r;
};

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct ike_message read_message(const char *text, struct sa *sa, const char *expected)
{
    struct ike_message m;
    struct diag d = {0};
    char line[IKE_DUMP_MAX];
    if (ike_decode(arena, hex(text), &m, &d) != DECODE_OK)
        fail_msg("%s", d.what);
    if (sa &&
        protect_open(arena, ike_is_from_initiator(&m.header) ? sa->from_i : sa->from_r, &m, &d) != DECODE_OK)
        fail_msg("%s", d.what);
    assert_string_equal(ike_dump(&m, line, sizeof(line)), expected);
    if (rules_check(&m, &d) != DECODE_OK)
        fail_msg("%s", d.what);
    return m;
}

static struct span nonce_of(const struct ike_message *m)
{
    return ike_find(m, PAYLOAD_NONCE)->nonce.data;
}

static struct chosen chosen_of(const struct ike_message *offer, const struct ike_message *answer)
{
    struct chosen c = {0};
    struct diag d = {0};
    if (!proposal_accept_choice(&ike_find(offer, PAYLOAD_SA)->sa.proposals,
                                &ike_find(answer, PAYLOAD_SA)->sa.proposals.v[0], &c, &d))
        fail_msg("%s; expected %s; got %s", d.what, d.expected, d.got);
    return c;
}

static void assert_secrets(const struct secret *const *v, size_t n, const char *expected)
{
    uint8_t buf[512];
    struct wr w = wr_over(buf, sizeof(buf));
    for (size_t i = 0; i < n; i++)
        wr_span(&w, secret_view(v[i]));
    assert_span_equal(wr_span_view(&w), hex(expected));
}

static void assert_ike_keys(struct sa *sa, const char *expected)
{
    const struct ike_keys *k = &sa->keys;
    const struct secret *const v[] = {&k->sk_d,  &k->sk_ai, &k->sk_ar, &k->sk_ei,
                                      &k->sk_er, &k->sk_pi, &k->sk_pr};
    assert_secrets(v, ARRAY_LEN(v), expected);
    sa->from_i = ike_keys_cipher(k, &sa->chosen, true);
    sa->from_r = ike_keys_cipher(k, &sa->chosen, false);
}

static void assert_child_keys(const struct sa *sa, const struct chosen *c, struct span ni, struct span nr,
                              struct span shared, const char *expected)
{
    struct child_keys k;
    assert_true(keymat_child(&sa->keys, c, ni, nr, shared, span_of(NULL, 0), &k));
    const struct secret *const v[] = {&k.encr_i, &k.integ_i, &k.encr_r, &k.integ_r};
    assert_secrets(v, ARRAY_LEN(v), expected);
    child_keys_deinit(&k);
}

static void sa_deinit(struct sa *sa)
{
    cipher_free(sa->from_i);
    cipher_free(sa->from_r);
    ike_keys_deinit(&sa->keys);
}

static void assert_auth(const struct auth_input *in, const struct ike_message *m, const char *octets)
{
    const struct pl_auth *auth = &ike_find(m, PAYLOAD_AUTH)->auth;
    struct secret own = auth_octets(in);
    assert_span_equal(secret_view(&own), hex(octets));
    secret_free(&own);
    assert_int_equal(auth->method, AUTH_WIRE_PSK);
    assert_true(auth_psk_verify(in, span_str("Keyway captured secret"), auth->data));
    assert_false(auth_psk_verify(in, span_str("Keyway another secret"), auth->data));
}

/* This peer has no kernel ESP: it hides its own address, so that a NAT is seen and ESP goes in UDP. */
static void assert_fake_nat(const struct ike_message *m, uint64_t spi_r, struct endpoint from,
                            struct endpoint to)
{
    uint64_t spi_i = m->header.spi_i;
    assert_true(natd_matches(spi_i, spi_r, &to, ike_notify(m, N_NAT_DETECTION_DESTINATION_IP)->data));
    assert_false(natd_matches(spi_i, spi_r, &from, ike_notify(m, N_NAT_DETECTION_SOURCE_IP)->data));
}

static void a_recorded_conversation_is_understood_from_end_to_end(void **state)
{
    (void)state;
    const struct endpoint a = {ip4(10, 99, 0, 1), 500}, b = {ip4(10, 99, 0, 2), 500};
    struct sa first = {0}, second = {0};
    struct ike_message q, p, init_i, init_r;

    init_i = read_message(
        S_MESSAGE_0, NULL,
        "IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(REDIR_SUP) ]");
    init_r = read_message(S_MESSAGE_1, NULL,
                          "IKE_SA_INIT response 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) "
                          "N(HASH_ALG) N(CHDLESS_SUP) N(MULT_AUTH) ]");
    uint64_t spi_i = init_r.header.spi_i, spi_r = init_r.header.spi_r;
    assert_fake_nat(&init_i, 0, a, b);
    assert_fake_nat(&init_r, spi_r, b, a);
    assert_true(auth_hashes_decode(ike_notify(&init_i, N_SIGNATURE_HASH_ALGORITHMS)->data) != 0);
    first.chosen = chosen_of(&init_i, &init_r);
    assert_true(keymat_ike(&first.chosen, nonce_of(&init_i), nonce_of(&init_r), hex(S_FIRST_SHARED), spi_i,
                           spi_r, &first.keys));
    assert_ike_keys(&first, S_FIRST_KEYS);

    q = read_message(S_MESSAGE_2, &first,
                     "IKE_AUTH request 1 [ IDi N(INIT_CONTACT) IDr AUTH SA TSi TSr N(MOBIKE_SUP) "
                     "N(NO_ADD_ADDR) N(MULT_AUTH) N(EAP_ONLY) N(MID_SYNC_SUP) ]");
    p = read_message(S_MESSAGE_3, &first,
                     "IKE_AUTH response 1 [ IDr AUTH SA TSi TSr N(MOBIKE_SUP) N(NO_ADD_ADDR) ]");
    struct auth_input in = {PRF_HMAC_SHA2_256,
                            init_i.raw,
                            nonce_of(&init_r),
                            secret_view(&first.keys.sk_pi),
                            ike_find(&q, PAYLOAD_IDI)->id.body,
                            span_of(NULL, 0)};
    assert_auth(&in, &q, S_OCTETS_I);
    in = (struct auth_input){PRF_HMAC_SHA2_256,
                             init_r.raw,
                             nonce_of(&init_i),
                             secret_view(&first.keys.sk_pr),
                             ike_find(&p, PAYLOAD_IDR)->id.body,
                             span_of(NULL, 0)};
    assert_auth(&in, &p, S_OCTETS_R);
    struct chosen child = chosen_of(&q, &p);
    assert_child_keys(&first, &child, nonce_of(&init_i), nonce_of(&init_r), span_of(NULL, 0),
                      S_FIRST_CHILD_KEYS);

    q = read_message(S_MESSAGE_4, &first, "CREATE_CHILD_SA request 2 [ SA No KE ]");
    p = read_message(S_MESSAGE_5, &first, "CREATE_CHILD_SA response 2 [ SA No KE ]");
    assert_int_equal(rules_kind(&q), MSG_REKEY_IKE_REQUEST);
    assert_int_equal(rules_kind(&p), MSG_REKEY_IKE_RESPONSE);
    second.chosen = chosen_of(&q, &p);
    struct rd spi = rd_over(span_of(ike_find(&q, PAYLOAD_SA)->sa.proposals.v[0].spi, 8));
    spi_i = rd_u64(&spi);
    spi = rd_over(span_of(second.chosen.spi, 8));
    spi_r = rd_u64(&spi);
    assert_true(keymat_ike_rekey(&first.keys, &second.chosen, nonce_of(&q), nonce_of(&p),
                                 hex(S_SECOND_SHARED), span_of(NULL, 0), spi_i, spi_r, &second.keys));
    assert_ike_keys(&second, S_SECOND_KEYS);
    read_message(S_MESSAGE_6, &first, "INFORMATIONAL request 3 [ D ]");
    read_message(S_MESSAGE_7, &first, "INFORMATIONAL response 3 [ ]");

    q = read_message(S_MESSAGE_8, &second, "CREATE_CHILD_SA request 0 [ N(REKEY_SA) SA No KE TSi TSr ]");
    p = read_message(S_MESSAGE_9, &second, "CREATE_CHILD_SA response 0 [ SA No KE TSi TSr ]");
    assert_int_equal(rules_kind(&q), MSG_REKEY_CHILD_REQUEST);
    assert_true(q.header.spi_i == spi_i && q.header.spi_r == spi_r);
    child = chosen_of(&q, &p);
    assert_child_keys(&second, &child, nonce_of(&q), nonce_of(&p), hex(S_CHILD_SHARED), S_SECOND_CHILD_KEYS);
    read_message(S_MESSAGE_10, &second, "INFORMATIONAL request 1 [ D ]");
    read_message(S_MESSAGE_11, &second, "INFORMATIONAL response 1 [ D ]");
    read_message(S_MESSAGE_12, &second, "INFORMATIONAL request 0 [ N(NO_ADD_ADDR) ]");
    read_message(S_MESSAGE_13, &second, "INFORMATIONAL response 0 [ ]");
    sa_deinit(&first);
    sa_deinit(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_conversation_is_understood_from_end_to_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
