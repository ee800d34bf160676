/* SPDX-License-Identifier: Apache-2.0 */
/* A responder that lies under good keys: about selectors, ciphers, methods. Who it is: rogue_auth_test.c.
 * What needs no keys: forgery_test.c. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

struct change { /* one byte of a payload of the IKE_AUTH response */
    uint8_t type;
    size_t at;
    uint8_t from, to;
    unsigned done;
};

static void change_byte(void *ctx, const struct chain *c)
{
    struct change *change = ctx;
    size_t len;
    uint8_t *payload = chain_find(c, change->type, &len);
    assert_non_null(payload);
    assert_int_equal(payload[change->at], change->from);
    payload[change->at] = change->to;
    change->done++;
}

static bool rogue_auth_response(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && rogue_is_response(k))
        rogue_open(&p, k, change_byte, ctx);
    return true;
}

static void expect_refused_child(struct change change, enum fail_class class)
{
    struct pair_spec s = {0};
    p.filter = rogue_auth_response;
    p.ctx = &change;
    up(&s, &s);
    assert_int_equal(change.done, 1);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, class);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[0].policies, 0);
}

/* Where a selector's last address begins: two headers, its own, its first address. */
enum { TS_LAST = 4 + 4 + 8 + 4 };

static void a_responder_that_widens_its_own_selectors_is_refused(void **state)
{
    (void)state;
    expect_refused_child((struct change){PAYLOAD_TSR, TS_LAST + 1, 2, 9, 0}, FAIL_SELECTORS);
}

static void a_responder_that_widens_our_selectors_is_refused(void **state)
{
    (void)state;
    expect_refused_child((struct change){PAYLOAD_TSI, TS_LAST + 1, 1, 3, 0}, FAIL_SELECTORS);
}

/* The first transform's id: payload header, proposal's with the SPI, type. */
static void a_responder_that_chooses_another_cipher_for_the_child_is_refused(void **state)
{
    (void)state;
    expect_refused_child((struct change){PAYLOAD_SA, 4 + 8 + 4 + 7, ENCR_AES_GCM_16, ENCR_AES_GCM_12, 0},
                         FAIL_PROPOSAL);
}

/* One transform of the answer to IKE_SA_INIT, which is in the clear. */
struct init_change {
    uint8_t from, to;
    unsigned done;
};

static bool rogue_init_response(void *ctx, struct pair_packet *k)
{
    struct init_change *change = ctx;
    size_t len;
    struct chain c = {
        .first = k->bytes[AT_FIRST], .at = k->bytes + IKE_HEADER_LEN, .len = k->len - IKE_HEADER_LEN};
    if (k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_SA_INIT || !rogue_is_response(k))
        return true;
    uint8_t *sa = chain_find(&c, PAYLOAD_SA, &len);
    for (size_t at = 4 + 8; at + 8 <= len; at += (size_t)sa[at + 2] << 8 | sa[at + 3]) {
        if (sa[at + 7] != change->from)
            continue;
        sa[at + 7] = change->to;
        change->done++;
    }
    return true;
}

static void expect_init_response_dropped(struct init_change change)
{
    struct pair_spec s = {.ike = {"aes256gcm16-prfsha256-x25519-ecp256"}};
    p.filter = rogue_init_response;
    p.ctx = &change;
    up(&s, &s);
    assert_int_equal(change.done, 1);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(engine_stats(p.side[0].e)->dropped_malformed, 1);
    p.filter = NULL;
    pair_advance(&p, 5 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1); /* the good answer to the repetition counts */
}

static void a_choice_for_the_ike_sa_that_we_did_not_offer_is_dropped(void **state)
{
    (void)state;
    expect_init_response_dropped((struct init_change){ENCR_AES_GCM_16, ENCR_AES_GCM_12, 0});
}

static void a_choice_of_another_method_than_the_key_exchange_was_made_with_is_dropped(void **state)
{
    (void)state;
    expect_init_response_dropped((struct init_change){KE_CURVE25519, KE_ECP_256, 0});
}

/* One transform, or the method that INVALID_KE_PAYLOAD names, in the answer to CREATE_CHILD_SA. */
static void change_transform(void *ctx, const struct chain *c)
{
    struct init_change *change = ctx;
    size_t len;
    uint8_t *sa = chain_find(c, PAYLOAD_SA, &len), *notify = chain_find(c, PAYLOAD_NOTIFY, &len);
    if (notify && notify[9] == change->from) {
        notify[9] = change->to;
        change->done++;
    }
    if (!sa)
        return;
    chain_find(c, PAYLOAD_SA, &len);
    for (size_t at = 4 + 8 + sa[4 + 6]; at + 8 <= len; at += (size_t)sa[at + 2] << 8 | sa[at + 3]) {
        if (sa[at + 7] != change->from)
            continue;
        sa[at + 7] = change->to;
        change->done++;
    }
}

static bool rogue_rekey_response(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_CREATE_CHILD_SA && rogue_is_response(k))
        rogue_open(&p, k, change_transform, ctx);
    return true;
}

static void expect_rekey_refused(const char *child, struct init_change change, struct pair_spec a,
                                 struct pair_spec b)
{
    up(&a, &b);
    uint32_t spi = pair_newest_out(&p, 0)->spi;
    uint64_t ike = rogue_sa(&p, 0)->spi_i;
    p.filter = rogue_rekey_response;
    p.ctx = &change;
    unsigned sent = p.sent;
    pair_command(&p, 0, COMMAND_REKEY, child ? NULL : "net", child);
    pair_run(&p);
    assert_int_equal(change.done, 1);
    assert_int_equal(p.sent, sent + 2); /* neither tried again otherwise, nor deleted */
    assert_true(p.side[0].done.class != FAIL_NONE);
    assert_int_equal(p.side[0].child_rekeys + p.side[0].ike_rekeys, 0);
    assert_int_equal(pair_newest_out(&p, 0)->spi, spi);
    assert_true(rogue_sa(&p, 0)->spi_i == ike);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void a_rekeyed_ike_sa_has_a_cipher_that_we_offered(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    expect_rekey_refused(NULL, (struct init_change){ENCR_AES_GCM_16, ENCR_AES_GCM_12, 0}, s, s);
}

static void a_rekeyed_ike_sa_has_the_method_that_its_key_exchange_was_made_with(void **state)
{
    (void)state;
    struct pair_spec s = {.ike = {"aes256gcm16-prfsha256-x25519-ecp256"}};
    expect_rekey_refused(NULL, (struct init_change){KE_CURVE25519, KE_ECP_256, 0}, s, s);
}

static void a_rekeyed_child_has_the_method_that_its_key_exchange_was_made_with(void **state)
{
    (void)state;
    struct pair_spec s = {.esp = {"aes256gcm16-x25519-ecp256"}};
    expect_rekey_refused("net", (struct init_change){KE_CURVE25519, KE_ECP_256, 0}, s, s);
}

static void a_peer_cannot_ask_for_a_method_that_the_child_has_not(void **state)
{
    (void)state;
    struct pair_spec a = {.esp = {"aes256gcm16-x25519-ecp256"}}, b = {.esp = {"aes256gcm16-ecp256"}};
    expect_rekey_refused("net", (struct init_change){KE_ECP_256, KE_MODP_768, 0}, a, b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_responder_that_widens_its_own_selectors_is_refused),
        T(a_responder_that_widens_our_selectors_is_refused),
        T(a_responder_that_chooses_another_cipher_for_the_child_is_refused),
        T(a_choice_for_the_ike_sa_that_we_did_not_offer_is_dropped),
        T(a_choice_of_another_method_than_the_key_exchange_was_made_with_is_dropped),
        T(a_rekeyed_ike_sa_has_a_cipher_that_we_offered),
        T(a_rekeyed_ike_sa_has_the_method_that_its_key_exchange_was_made_with),
        T(a_rekeyed_child_has_the_method_that_its_key_exchange_was_made_with),
        T(a_peer_cannot_ask_for_a_method_that_the_child_has_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
