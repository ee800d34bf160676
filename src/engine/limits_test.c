/* SPDX-License-Identifier: Apache-2.0 */
/* What the data plane is told of a child, and when it ends: a child with its lifetime, a barrier only with
 * its connection. Two engines back to back. */
#include "engine/impl.h"
#include "support/pair_fixture.h"
#include "support/test.h"

static const struct esp_policy *policy_in(const struct outbox *out)
{
    for (size_t i = 0; i < out->n; i++) {
        if (out->v[i].kind == ACTION_POLICY_ADD)
            return out->v[i].policy;
    }
    return NULL;
}

static void expect_ts(const struct ts *ts, uint8_t n, const char *text)
{
    char buf[TS_TEXT_MAX];
    assert_int_equal(n, 1);
    assert_string_equal(ts_format(ts, buf), text);
}

static void the_records_of_a_child_say_what_was_agreed(void **state)
{
    (void)state;
    struct pair_spec s = {.esp = {"aes256gcm16-esn"}};
    struct config *c = pair_config(0, &s);
    struct child_config *cfg = (struct child_config *)c->connections[0]->children;
    cfg->replay_window = 256;
    cfg->priority = 7;
    cfg->life.rekey_bytes = 1000;
    cfg->life.life_bytes = 2000;
    cfg->life.rekey_packets = 10;
    cfg->life.life_packets = 20;
    pair_load(&p, 1, &s);
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = c});
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].n_sas, 2);
    for (int i = 0; i < 2; i++) {
        const struct esp_sa *sa = &p.side[0].sas[i];
        assert_true(sa->has_esn);
        assert_int_equal(sa->encr, ENCR_AES_GCM_16);
        assert_int_equal(sa->key_bits, 256);
        assert_int_equal(sa->replay_window, 256);
        assert_int_equal(sa->soft_bytes, 1000);
        assert_int_equal(sa->hard_bytes, 2000);
        assert_int_equal(sa->soft_packets, 10);
        assert_int_equal(sa->hard_packets, 20);
        expect_ts(sa->local_ts, sa->n_local_ts, "10.1.0.0/16");
        expect_ts(sa->remote_ts, sa->n_remote_ts, "10.2.0.0/16");
    }
    /* the answer to IKE_AUTH was the last that came */
    const struct esp_policy *policy = policy_in(&p.side[0].out);
    assert_non_null(policy);
    assert_int_equal(policy->action, POLICY_PROTECT);
    assert_int_equal(policy->reqid, p.side[0].sas[0].reqid);
    assert_int_equal(policy->priority, 7);
    expect_ts(policy->local_ts, policy->n_local_ts, "10.1.0.0/16");
    expect_ts(policy->remote_ts, policy->n_remote_ts, "10.2.0.0/16");
}

static void a_child_that_is_not_rekeyed_ends_with_its_lifetime(void **state)
{
    (void)state;
    struct pair_spec a = {.child_life = 600 * TIME_SECOND}, b = {0};
    up(&a, &b);
    pair_advance(&p, 599 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, 2 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_children(&p, i), 0);
        assert_int_equal(p.side[i].n_sas, 0);
        assert_int_equal(p.side[i].policies, 0);
    }
}

static void an_ike_sa_that_cannot_be_rekeyed_ends_with_its_overtime(void **state)
{
    (void)state;
    struct pair_spec a = {.ike_rekey = 600 * TIME_SECOND, .ike_over = 60 * TIME_SECOND}, b = {0};
    up(&a, &b);
    pair_advance(&p, 599 * TIME_SECOND);
    p.is_cut = true; /* nobody answers the rekeying */
    pair_advance(&p, 61 * TIME_SECOND + 13 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(p.side[0].n_sas, 0);
}

static void what_is_over_is_forgotten(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_true(list_empty(&p.side[0].e->sas));
    pair_advance(&p, 15 * TIME_SECOND); /* repetitions of the Delete would have been answered */
    assert_true(list_empty(&p.side[1].e->sas));
    assert_true(engine_deadline(p.side[1].e) == TIME_NEVER);
}

static void a_connection_that_is_not_configured_any_more_goes(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    struct config *empty = pair_config(0, &s);
    empty->n_connections = 0;
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = empty});
    pair_run(&p);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 0);
        assert_int_equal(p.side[i].n_sas, 0);
    }
    assert_int_equal(p.side[0].live_routes, 0); /* its barrier, too */
    assert_int_equal(p.side[1].live_routes, 1);
}

static void a_rekeyed_child_keeps_its_reqid_on_both_sides(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    uint32_t reqids[] = {p.side[0].sas[0].reqid, p.side[1].sas[0].reqid};
    for (int i = 0; i < 2; i++) {
        pair_command(&p, i, COMMAND_REKEY, NULL, "net");
        pair_run(&p);
        pair_advance(&p, 10 * TIME_SECOND);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(p.side[side].n_sas, 2);
            assert_int_equal(p.side[side].sas[0].reqid, reqids[side]);
            assert_int_equal(p.side[side].sas[1].reqid, reqids[side]);
        }
    }
}

static size_t barriers(int side)
{
    size_t n = 0;
    for (size_t i = 0; i < p.side[side].n_routes; i++)
        n += p.side[side].routes[i].is_live && p.side[side].routes[i].route.is_unreachable;
    return n;
}

static void the_barrier_stands_before_during_and_after_the_tunnel(void **state)
{
    (void)state;
    struct pair_spec s = {.dpd_delay = 10 * TIME_SECOND};
    pair_load(&p, 0, &s);
    assert_int_equal(barriers(0), 1);
    p.is_cut = true; /* an attempt that fails */
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(barriers(0), 1);
    p.is_cut = false;
    up(&s, &s);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(barriers(0), 1);
    p.is_cut = true; /* the peer dies */
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(barriers(0), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_records_of_a_child_say_what_was_agreed),
        T(a_child_that_is_not_rekeyed_ends_with_its_lifetime),
        T(an_ike_sa_that_cannot_be_rekeyed_ends_with_its_overtime),
        T(what_is_over_is_forgotten),
        T(a_connection_that_is_not_configured_any_more_goes),
        T(a_rekeyed_child_keeps_its_reqid_on_both_sides),
        T(the_barrier_stands_before_during_and_after_the_tunnel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
