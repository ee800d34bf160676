/* SPDX-License-Identifier: Apache-2.0 */
/* Which PRF an IKE SA has that replaces another one: the same, as long as both configurations allow it. */
#include "engine/impl.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static const char *const first = "aes256gcm16-prfsha384-prfsha256-x25519",
                         *const second = "aes256gcm16-prfsha256-prfsha384-x25519";

/* An older one may linger. */
static const struct ike_sa *newest(int side)
{
    return container_of(p.side[side].e->sas.prev, struct ike_sa, link);
}

static uint16_t prf(int side)
{
    return newest(side)->chosen.prf;
}

static void rekey(int side)
{
    unsigned before = p.side[side].ike_rekeys;
    pair_command(&p, side, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[side].ike_rekeys, before + 1);
    assert_int_equal(prf(0), prf(1));
    assert_true(pair_traffic_fits(&p));
}

/* Each end prefers another one: the responder's choice would change with who begins. */
static void whoever_rekeys_the_prf_stays(void **state)
{
    struct pair_spec a = {.ike = {first}}, b = {.ike = {second}};
    (void)state;
    up(&a, &b);
    assert_int_equal(prf(0), PRF_HMAC_SHA2_256);
    for (int i = 0; i < 4; i++) {
        rekey(i & 1);
        assert_int_equal(prf(0), PRF_HMAC_SHA2_256);
    }
}

static void no_other_prf_is_offered(void **state)
{
    struct pair_spec a = {.ike = {first}}, b = {.ike = {second}};
    unsigned prfs = 0;
    (void)state;
    up(&a, &b);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    const struct proposal_list *l = &newest(0)->own.offered;
    assert_int_equal(l->n, 1);
    for (uint8_t i = 0; i < l->v[0].count; i++)
        prfs += l->v[0].t[i].type == TRANSFORM_PRF;
    assert_int_equal(prfs, 1);
}

/* As one that is not of our kind. */
static void of_all_that_a_peer_offers_the_prf_in_use_is_chosen(void **state)
{
    struct pair_spec a = {.ike = {first}}, b = {.ike = {second}};
    (void)state;
    up(&a, &b);
    ((struct ike_sa *)newest(1))->chosen.prf = 0;
    rekey(1);
    assert_int_equal(prf(0), PRF_HMAC_SHA2_256);
}

static void the_method_offered_first_is_one_of_a_proposal_with_it(void **state)
{
    struct pair_spec a =
                         {
                             .ike = {"aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha256-x25519"}
    },
                     b = {.ike = {"aes256gcm16-prfsha256-x25519"}};
    (void)state;
    up(&a, &b);
    unsigned sent = p.sent;
    rekey(0);
    assert_int_equal(newest(0)->chosen.ke, KE_CURVE25519);
    assert_int_equal(p.sent - sent, 4); /* the exchange, the Delete */
}

static void forget_the_prf(int side, const char *proposal)
{
    struct proposal *v = (struct proposal *)rogue_sa(&p, side)->conn->proposals.v;
    struct diag d;
    assert_true(proposal_parse(PROTO_IKE, proposal, v, &d));
}

/* A snapshot does not change under an SA, so this is the tables' word alone. */
static void a_prf_that_is_configured_no_longer_is_replaced(void **state)
{
    struct pair_spec a = {.ike = {second}}, b = {.ike = {second}};
    (void)state;
    up(&a, &b);
    for (int i = 0; i < 2; i++)
        forget_the_prf(i, "aes256gcm16-prfsha384-x25519");
    rekey(0);
    assert_int_equal(prf(0), PRF_HMAC_SHA2_384);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(whoever_rekeys_the_prf_stays),
        T(no_other_prf_is_offered),
        T(of_all_that_a_peer_offers_the_prf_in_use_is_chosen),
        T(the_method_offered_first_is_one_of_a_proposal_with_it),
        T(a_prf_that_is_configured_no_longer_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
