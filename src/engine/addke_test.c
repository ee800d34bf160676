/* SPDX-License-Identifier: Apache-2.0 */
/* Additional key exchanges between two engines: how many exchanges they take, what happens with peers that
 * lack them, and initiators that leave one out, make one too many or another than was chosen, under good
 * keys. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

#define CLASSIC "aes256gcm16-prfsha256-x25519"

static unsigned n_intermediate;

static bool counting(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    n_intermediate += k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_INTERMEDIATE;
    return true;
}

static void up_counted(const struct pair_spec *a, const struct pair_spec *b)
{
    n_intermediate = 0;
    p.filter = counting;
    up(a, b);
}

static void assert_up_with(const uint16_t addke[ADDKE_MAX])
{
    struct ike_view v[2];
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    for (int side = 0; side < 2; side++) {
        assert_true(engine_ike_at(p.side[side].e, 0, &v[side]));
        assert_memory_equal(v[side].chosen.addke, addke, sizeof(v[side].chosen.addke));
    }
}

static void each_chosen_one_takes_one_exchange(void **state)
{
    (void)state;
    struct pair_spec s = {.ike = {CLASSIC "-ke1_ecp256-ke3_modp2048"}};
    up_counted(&s, &s);
    assert_int_equal(n_intermediate, 4);
    assert_up_with((uint16_t[ADDKE_MAX]){KE_ECP_256, 0, KE_MODP_2048});
}

static void seven_of_them_are_made(void **state)
{
    (void)state;
    struct pair_spec s = {.ike = {CLASSIC
                                  "-ke1_ecp256-ke2_ecp384-ke3_ecp521-ke4_x448-ke5_ecp256bp-ke6_ecp384bp-"
                                  "ke7_modp2048"}};
    up_counted(&s, &s);
    assert_int_equal(n_intermediate, 14);
    assert_up_with((uint16_t[ADDKE_MAX]){KE_ECP_256, KE_ECP_384, KE_ECP_521, KE_CURVE448, KE_ECP_256BP,
                                         KE_ECP_384BP, KE_MODP_2048});
}

static void large_ones_go_in_fragments(void **state)
{
    (void)state;
    struct pair_spec s = {.ike = {CLASSIC "-ke1_modp4096"}, .fragment_size = 300};
    up_counted(&s, &s);
    assert_true(n_intermediate >= 4);
    assert_up_with((uint16_t[ADDKE_MAX]){KE_MODP_4096});
}

static void a_peer_that_lacks_them_gets_the_other_proposal_in_the_same_attempt(void **state)
{
    (void)state;
    struct pair_spec both =
                         {
                             .ike = {CLASSIC "-ke1_ecp256", CLASSIC}
    },
                     classic = {.ike = {CLASSIC}};
    up_counted(&both, &classic);
    assert_int_equal(n_intermediate, 0);
    assert_int_equal(p.sent, 4);
    assert_up_with((uint16_t[ADDKE_MAX]){0});
}

static void an_initiator_that_lacks_them_is_served_by_the_other_proposal(void **state)
{
    (void)state;
    struct pair_spec both =
                         {
                             .ike = {CLASSIC "-ke1_ecp256", CLASSIC}
    },
                     classic = {.ike = {CLASSIC}};
    up_counted(&classic, &both);
    assert_int_equal(p.sent, 4);
    assert_up_with((uint16_t[ADDKE_MAX]){0});
}

static void none_makes_one_optional(void **state)
{
    (void)state;
    struct pair_spec some = {.ike = {CLASSIC "-ke1_ecp256-ke2_ecp384-ke2_none"}},
                     one = {.ike = {CLASSIC "-ke1_ecp256"}};
    up_counted(&some, &one);
    assert_int_equal(n_intermediate, 2);
    assert_up_with((uint16_t[ADDKE_MAX]){KE_ECP_256});
}

static void who_demands_them_does_not_go_without(void **state)
{
    (void)state;
    struct pair_spec demands = {.ike = {CLASSIC "-ke1_ecp256"}}, classic = {.ike = {CLASSIC}};
    up_counted(&demands, &classic);
    assert_int_equal(p.side[0].ike_ups + p.side[1].ike_ups, 0);
    pair_deinit(&p);
    pair_init(&p);
    up_counted(&classic, &demands);
    assert_int_equal(p.side[0].ike_ups + p.side[1].ike_ups, 0);
}

static void an_ike_sa_with_them_is_rekeyed(void **state)
{
    (void)state;
    struct pair_spec s = {.ike = {CLASSIC "-ke1_ecp256"}, .esp = {"aes256gcm16-x25519-ke1_ecp256"}};
    up_counted(&s, &s);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    assert_int_equal(p.side[1].child_rekeys, 1);
    assert_true(pair_traffic_fits(&p));
}

/* ---- under good keys */

enum lie { ANOTHER_METHOD, RESERVED_BITS, LEAVES_ONE_OUT, ONE_TOO_MANY, UNANNOUNCED };

struct liar {
    enum lie lie;
    unsigned done;
};

static void change_ke(void *ctx, const struct chain *c)
{
    struct liar *l = ctx;
    size_t len;
    uint8_t *ke = chain_find(c, PAYLOAD_KE, &len);
    assert_non_null(ke);
    if (l->lie == ANOTHER_METHOD)
        ke[5] = KE_ECP_384;
    if (l->lie == RESERVED_BITS)
        ke[7] ^= 1;
    l->done++;
}

static void hide_notify(struct pair_packet *k)
{
    size_t len;
    for (uint8_t *at = k->bytes + IKE_HEADER_LEN, next = k->bytes[AT_FIRST]; next; at += len) {
        len = (size_t)at[2] << 8 | at[3];
        if (next == PAYLOAD_NOTIFY && (at[6] << 8 | at[7]) == N_INTERMEDIATE_EXCHANGE_SUPPORTED)
            at[6] = 0xa0; /* a status that nobody knows */
        next = at[0];
    }
}

static bool lying(void *ctx, struct pair_packet *k)
{
    struct liar *l = ctx;
    bool is_response = rogue_is_response(k), is_init = k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_SA_INIT;
    bool is_intermediate = k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_INTERMEDIATE;
    if (l->done)
        return true;
    if (l->lie <= RESERVED_BITS && is_intermediate && !is_response)
        rogue_open(&p, k, change_ke, l);
    if (l->lie == LEAVES_ONE_OUT && is_init && is_response) {
        rogue_sa(&p, 0)->addke_done = ADDKE_MAX;
        l->done++;
    }
    if (l->lie == ONE_TOO_MANY && is_intermediate && is_response) {
        rogue_sa(&p, 0)->chosen.addke[1] = KE_ECP_384;
        l->done++;
    }
    if (l->lie == UNANNOUNCED && is_init && is_response) {
        hide_notify(k);
        l->done++;
    }
    return true;
}

static void expect_caught(enum lie lie, int side, const char *log)
{
    struct pair_spec s = {.ike = {CLASSIC "-ke1_ecp256"}};
    struct liar l = {.lie = lie};
    p.filter = lying;
    p.ctx = &l;
    up(&s, &s);
    assert_int_equal(l.done, 1);
    assert_int_equal(p.side[0].ike_ups + p.side[1].ike_ups, 0);
    if (!pair_logged(&p, side, log))
        fail_msg("'%s' is not in: %s", log, p.side[side].log);
}

static void another_method_than_was_chosen_is_refused(void **state)
{
    (void)state;
    expect_caught(ANOTHER_METHOD, 1, "another key exchange than was chosen");
}

static void what_was_changed_under_way_fails_in_auth(void **state)
{
    (void)state;
    expect_caught(RESERVED_BITS, 1, "does not have our shared secret");
}

static void one_that_is_left_out_is_missed(void **state)
{
    (void)state;
    expect_caught(LEAVES_ONE_OUT, 1, "left out an additional key exchange");
}

static void one_too_many_is_refused(void **state)
{
    (void)state;
    expect_caught(ONE_TOO_MANY, 1, "no additional key exchange is left");
}

static void a_choice_that_nothing_could_carry_is_dropped(void **state)
{
    (void)state;
    expect_caught(UNANNOUNCED, 0, "takes no IKE_INTERMEDIATE");
}

static void propose_the_defaults(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)children;
    struct proposal *v = arena_calloc(c->arena, PROPOSAL_DEFAULTS_MAX, sizeof(*v));
    conn->proposals = (struct proposal_list){.v = v, .n = proposal_defaults(PROTO_IKE, v)};
}

/* [RFC7296#2.5] IKE_SA_INIT cannot be sent in fragments of IKE, and those of IP are lost on many ways: it has
 * to be one packet of what every way takes [RFC8200#5], with the largest cookie that a peer may ask for, too.
 */
static void the_first_request_fits_into_one_packet_wherever_it_goes(void **state)
{
    (void)state;
    const size_t ipv6_and_udp = 40 + 8, cookie = 8 + 64;
    struct pair_spec s = {.tweak = propose_the_defaults, .does_mobike = true};
    load(&s, &s);
    assert_int_equal(p.n_wire, 1);
    assert_true(p.wire[0].len > 200);
    assert_in_range(p.wire[0].len + cookie + ipv6_and_udp, 0, 1280);
    pair_run(&p);
    assert_up_with((uint16_t[ADDKE_MAX]){KE_ML_KEM_768});
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_chosen_one_takes_one_exchange),
        T(seven_of_them_are_made),
        T(large_ones_go_in_fragments),
        T(a_peer_that_lacks_them_gets_the_other_proposal_in_the_same_attempt),
        T(an_initiator_that_lacks_them_is_served_by_the_other_proposal),
        T(none_makes_one_optional),
        T(who_demands_them_does_not_go_without),
        T(an_ike_sa_with_them_is_rekeyed),
        T(another_method_than_was_chosen_is_refused),
        T(what_was_changed_under_way_fails_in_auth),
        T(one_that_is_left_out_is_missed),
        T(one_too_many_is_refused),
        T(a_choice_that_nothing_could_carry_is_dropped),
        T(the_first_request_fits_into_one_packet_wherever_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
