/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back: rekeying, collisions, liveness, restarts, both ends starting at once. */
#include "ike/msg/header.h"
#include "support/pair_fixture.h"
#include "support/test.h"

static void come_up(const struct pair_spec *a, const struct pair_spec *b)
{
    up(a, b);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

/* One IKE SA, one child, its two halves and nothing else, once everything has settled. */
static void expect_settled(void)
{
    pair_advance(&p, 30 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        struct ike_view v;
        assert_true(engine_ike_at(p.side[i].e, 0, &v));
        assert_false(engine_ike_at(p.side[i].e, 1, &v));
        assert_int_equal(pair_ikes(&p, i), 1);
        assert_int_equal(pair_children(&p, i), 1);
        assert_int_equal(p.side[i].n_sas, 2);
        assert_int_equal(p.side[i].policies, 1);
        assert_int_equal(p.side[i].live_routes, 2);
    }
    assert_true(pair_traffic_fits(&p));
}

static void rekey(int side, const char *child)
{
    pair_command(&p, side, COMMAND_REKEY, child ? NULL : "net", child);
}

static void a_child_is_rekeyed_by_either_side(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    for (int side = 0; side < 2; side++) {
        uint32_t old = pair_newest_out(&p, 0)->spi;
        rekey(side, "net");
        pair_run(&p);
        assert_true(p.side[side].is_done);
        assert_int_equal(p.side[side].done.class, FAIL_NONE);
        assert_true(pair_newest_out(&p, 0)->spi != old);
        assert_true(pair_traffic_fits(&p));
        expect_settled();
    }
    assert_int_equal(p.side[0].child_rekeys, 2);
    assert_int_equal(p.side[1].child_rekeys, 2);
    assert_int_equal(p.side[0].downs, 0);
    assert_int_equal(p.side[1].downs, 0);
}

static void a_child_is_rekeyed_with_a_key_exchange_of_its_own(void **state)
{
    (void)state;
    struct pair_spec s = {.esp = {"aes256gcm16-ecp256"}};
    come_up(&s, &s);
    rekey(0, "net");
    expect_settled();
    struct ike_view v;
    struct child_view c;
    assert_true(engine_ike_at(p.side[0].e, 0, &v) && engine_child_at(p.side[0].e, v.id, 0, &c));
    assert_int_equal(c.chosen.ke, KE_ECP_256);
    assert_int_equal(p.side[0].child_rekeys, 1);
}

static void a_child_rekey_follows_invalid_ke_payload(void **state)
{
    (void)state;
    struct pair_spec a = {.esp = {"aes256gcm16-x25519-ecp256"}}, b = {.esp = {"aes256gcm16-ecp256"}};
    come_up(&a, &b);
    rekey(0, "net");
    expect_settled();
    assert_int_equal(p.side[1].child_rekeys, 1);
}

/* A KEM's answer is no key: the responder's part is another computation, in IKE_SA_INIT as in the rekeys of
 * both kinds, begun by either side. */
static void ml_kem_alone_carries_a_connection_and_its_rekeys(void **state)
{
    (void)state;
    static const char *const kems[][2] = {
        {"aes256gcm16-prfsha384-mlkem512",  "aes256gcm16-mlkem512" },
        {"aes256gcm16-prfsha384-mlkem768",  "aes256gcm16-mlkem768" },
        {"aes256gcm16-prfsha384-mlkem1024", "aes256gcm16-mlkem1024"},
    };
    for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
        struct pair_spec s = {.ike = {kems[i][0]}, .esp = {kems[i][1]}};
        struct ike_view v;
        struct child_view c;
        come_up(&s, &s);
        for (int side = 0; side < 2; side++) {
            rekey(side, "net");
            expect_settled();
            rekey(side, NULL);
            expect_settled();
            assert_true(pair_traffic_fits(&p));
        }
        assert_true(engine_ike_at(p.side[0].e, 0, &v) && engine_child_at(p.side[0].e, v.id, 0, &c));
        assert_int_equal(v.chosen.ke, KE_ML_KEM_512 + i);
        assert_int_equal(c.chosen.ke, KE_ML_KEM_512 + i);
        assert_int_equal(p.side[0].child_rekeys, 2);
        pair_deinit(&p);
        pair_init(&p);
    }
}

static void at_no_moment_of_a_rekey_is_there_traffic_without_a_receiver(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    for (int side = 0; side < 2; side++) {
        rekey(side, "net");
        do
            assert_true(pair_traffic_fits(&p));
        while (pair_deliver(&p));
        assert_true(pair_traffic_fits(&p));
    }
}

static void the_ike_sa_is_rekeyed_by_either_side_and_keeps_its_child(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    struct ike_view v, w;
    come_up(&s, &s);
    for (int side = 0; side < 2; side++) {
        uint32_t spi = pair_newest_out(&p, 0)->spi;
        assert_true(engine_ike_at(p.side[0].e, 0, &v));
        rekey(side, NULL);
        pair_run(&p);
        assert_int_equal(p.side[side].done.class, FAIL_NONE);
        expect_settled();
        assert_true(engine_ike_at(p.side[0].e, 0, &w));
        assert_true(w.spi_i != v.spi_i);
        assert_int_equal(w.is_initiator, side == 0);
        assert_int_equal(pair_newest_out(&p, 0)->spi, spi);
        rekey(1, "net"); /* the new keys work, message IDs start anew */
        expect_settled();
    }
    assert_int_equal(p.side[0].downs + p.side[1].downs + p.side[0].ike_downs, 0);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 0), 0);
}

static void two_child_rekeys_at_once_leave_one(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    for (int i = 0; i < 8; i++) { /* either nonce may be the lowest */
        rekey(0, "net");
        rekey(1, "net");
        assert_int_equal(p.n_wire, 2);
        do
            assert_true(pair_traffic_fits(&p));
        while (pair_deliver(&p));
        expect_settled();
    }
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void a_child_rekey_that_comes_after_the_peers_own_is_no_failure(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    rekey(0, "net");
    p.n_wire = 0; /* lost; comes again after four seconds */
    rekey(1, "net");
    pair_run(&p);
    assert_true(pair_traffic_fits(&p));
    expect_settled();
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

/* Packets and jobs come in any order; then everything comes to an end. */
static void shuffle(uint32_t seed)
{
    p.side[0].holds_jobs = p.side[1].holds_jobs = true;
    for (int idle = 0; idle < 8;) {
        seed = seed * 1664525 + 1013904223;
        unsigned what = seed >> 16 & 3;
        bool has_done = what < 2 ? p.side[what].n_held > 0 : p.n_wire > 0;
        if (what < 2)
            pair_release_jobs(&p, (int)what);
        else
            pair_deliver(&p);
        idle = has_done ? 0 : idle + 1;
    }
    p.side[0].holds_jobs = p.side[1].holds_jobs = false;
    pair_release_jobs(&p, 0);
    pair_release_jobs(&p, 1);
}

static void rekeyings_at_once_with_slow_jobs_leave_one(void **state)
{
    (void)state;
    struct pair_spec s = {.esp = {"aes256gcm16-ecp256"}};
    come_up(&s, &s);
    for (uint32_t seed = 0; seed < 300; seed++) {
        p.side[0].holds_jobs = p.side[1].holds_jobs = true;
        rekey(0, seed % 3 == 2 ? NULL : "net");
        rekey(1, seed % 3 ? NULL : "net");
        shuffle(seed);
        pair_advance(&p, 20 * TIME_SECOND);
        expect_settled();
    }
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void two_ike_rekeys_at_once_leave_one(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    for (int i = 0; i < 8; i++) {
        rekey(0, NULL);
        rekey(1, NULL);
        pair_run(&p);
        expect_settled();
        rekey(i & 1, "net"); /* both believe in the same SA */
        expect_settled();
    }
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void an_ike_rekey_that_comes_after_the_peers_own_is_no_failure(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    rekey(0, NULL);
    p.n_wire = 0;
    rekey(1, NULL);
    pair_run(&p);
    expect_settled();
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

/* Our rekeying and the peer's Delete of the old IKE SA got lost: its next request shows where the children
 * are. */
static void children_follow_to_the_new_ike_sa_that_the_peer_uses(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    for (int i = 0; i < 4; i++) {
        rekey(1, NULL);
        p.n_wire = 0;
        rekey(0, NULL);
        assert_true(pair_deliver(&p) && pair_deliver(&p));
        p.n_wire = 0;
        rekey(0, "net");
        pair_run(&p);
        assert_int_equal(p.side[1].child_rekeys, i + 1);
        assert_int_equal(pair_children(&p, 0), 1);
        assert_int_equal(pair_children(&p, 1), 1);
        pair_advance(&p, 60 * TIME_SECOND);
        expect_settled();
    }
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void a_child_rekey_that_meets_an_ike_rekey_waits(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    for (int i = 0; i < 4; i++) {
        rekey(i & 1, "net");
        rekey(!(i & 1), NULL);
        pair_run(&p);
        pair_advance(&p, 20 * TIME_SECOND);
        expect_settled();
    }
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void a_lost_rekey_answer_is_repeated(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    rekey(0, "net");
    assert_true(pair_deliver(&p));
    p.n_wire = 0;
    expect_settled();
    assert_int_equal(p.side[0].child_rekeys, 1);
    assert_int_equal(p.side[1].child_rekeys, 1);
}

static void lifetimes_rekey_child_and_ike_for_days(void **state)
{
    (void)state;
    struct pair_spec s = {.child_rekey = 3600 * TIME_SECOND,
                          .child_life = 3960 * TIME_SECOND,
                          .ike_rekey = 14400 * TIME_SECOND,
                          .ike_over = 1440 * TIME_SECOND,
                          .ike_rand = 1440 * TIME_SECOND};
    come_up(&s, &s);
    for (int i = 0; i < 48; i++) {
        pair_advance(&p, 3600 * TIME_SECOND);
        assert_true(pair_traffic_fits(&p));
    }
    expect_settled();
    assert_true(p.side[0].child_rekeys >= 46);
    assert_true(p.side[0].ike_rekeys >= 11);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void a_soft_limit_rekeys_and_a_hard_one_deletes(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    come_up(&s, &s);
    const struct esp_sa *out = pair_newest_out(&p, 0);
    struct input in = {
        .kind = INPUT_DATAPLANE,
        .dataplane = {.kind = DP_SOFT_EXPIRE, .child_id = out->child_id, .spi = out->spi}
    };
    pair_input(&p, 0, &in);
    expect_settled();
    assert_int_equal(p.side[0].child_rekeys, 1);
    out = pair_newest_out(&p, 0);
    in.dataplane =
        (struct dataplane_event){.kind = DP_HARD_EXPIRE, .child_id = out->child_id, .spi = out->spi};
    pair_input(&p, 0, &in);
    pair_run(&p);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[1].n_sas, 0);
}

static void a_child_without_traffic_is_closed_when_configured(void **state)
{
    (void)state;
    struct pair_spec s = {.inactivity = 60 * TIME_SECOND}, t = {0};
    come_up(&s, &t);
    pair_advance(&p, 50 * TIME_SECOND);
    const struct esp_sa *in = &p.side[0].sas[0];
    pair_input(&p, 0,
               &(struct input){
                   .kind = INPUT_DATAPLANE,
                   .dataplane = {.kind = DP_COUNTERS,
                                 .direction = in->direction,
                                 .child_id = in->child_id,
                                 .spi = in->spi,
                                 .last_use = p.now.mono}
    });
    pair_advance(&p, 50 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, 20 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
    assert_int_equal(pair_ikes(&p, 0), 1);
}

static void reauthentication_makes_everything_anew(void **state)
{
    (void)state;
    struct pair_spec s = {.ike_reauth = 600 * TIME_SECOND, .ike_over = 60 * TIME_SECOND}, t = {0};
    come_up(&s, &t);
    pair_advance(&p, 601 * TIME_SECOND);
    expect_settled();
    assert_int_equal(p.side[0].ike_ups, 2);
    assert_int_equal(p.side[0].ike_downs, 1);
}

static void break_first(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)conn;
    (void)children;
    c->settings.makes_before_break = false;
}

static void reauthentication_may_break_before_it_makes(void **state)
{
    (void)state;
    struct pair_spec s = {.ike_reauth = 600 * TIME_SECOND,
                          .ike_over = 60 * TIME_SECOND,
                          .tweak = break_first},
                     t = {0};
    come_up(&s, &t);
    pair_advance(&p, 601 * TIME_SECOND);
    assert_int_equal(p.side[0].downs, 1);
    expect_settled();
    assert_int_equal(p.side[0].ike_ups, 2);
}

static void reauthentication_leaves_no_moment_without_traffic(void **state)
{
    (void)state;
    struct pair_spec s = {.ike_reauth = 600 * TIME_SECOND, .ike_over = 60 * TIME_SECOND}, t = {0};
    come_up(&s, &t);
    pair_advance(&p, 599 * TIME_SECOND);
    for (int i = 0; i < 100; i++) {
        pair_advance(&p, 100 * TIME_MS);
        assert_true(pair_traffic_fits(&p));
    }
    expect_settled();
    assert_int_equal(p.side[0].downs, 0);
    assert_int_equal(p.side[0].ike_ups, 2);
    assert_int_equal(p.side[0].ike_downs, 1);
}

static bool no_new_ike_sa(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->bytes[18] != EXCHANGE_IKE_SA_INIT;
}

static void reauthentication_that_fails_is_tried_again_until_the_sa_ends(void **state)
{
    (void)state;
    struct pair_spec s = {.ike_reauth = 600 * TIME_SECOND, .ike_over = 400 * TIME_SECOND}, t = {0};
    come_up(&s, &t);
    p.filter = no_new_ike_sa;
    pair_advance(&p, 900 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1); /* the old one */
    assert_int_equal(p.side[0].ike_ups, 1);
    p.filter = NULL;
    pair_advance(&p, 300 * TIME_SECOND);
    expect_settled();
    assert_int_equal(p.side[0].downs, 0);
    assert_int_equal(p.side[0].ike_ups, 2);
}

static void liveness_is_checked_only_when_nothing_was_heard(void **state)
{
    (void)state;
    struct pair_spec s = {.dpd_delay = 10 * TIME_SECOND}, t = {0};
    come_up(&s, &t);
    unsigned sent = p.sent;
    pair_advance(&p, 100 * TIME_SECOND + 1);
    assert_in_range(p.sent - sent, 18, 20); /* ten checks and their answers */
    const struct esp_sa *in = &p.side[0].sas[0];
    sent = p.sent;
    for (int i = 0; i < 50; i++) { /* traffic comes in */
        pair_input(&p, 0,
                   &(struct input){
                       .kind = INPUT_DATAPLANE,
                       .dataplane = {.kind = DP_COUNTERS,
                                     .direction = SA_IN,
                                     .child_id = in->child_id,
                                     .spi = in->spi,
                                     .last_use = p.now.mono}
        });
        pair_advance(&p, 2 * TIME_SECOND);
    }
    assert_int_equal(p.sent, sent);
}

static void a_dead_peer_is_noticed_and_everything_is_removed(void **state)
{
    (void)state;
    struct pair_spec s = {.dpd_delay = 10 * TIME_SECOND};
    come_up(&s, &s);
    p.is_cut = true;
    pair_advance(&p, 30 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 0);
        assert_int_equal(p.side[i].n_sas, 0);
        assert_int_equal(p.side[i].live_routes, 1);
    }
}

static const struct pair_spec tunnel = {
    .dpd_delay = 10 * TIME_SECOND, .starts = true, .retries_forever = true, .dpd_action = DPD_RESTART};

static void a_tunnel_tries_for_ever_with_bounded_backoff(void **state)
{
    (void)state;
    p.is_cut = true;
    pair_load(&p, 0, &tunnel);
    pair_load(&p, 1, &tunnel);
    pair_advance(&p, 3600 * TIME_SECOND);
    p.is_cut = false;
    pair_advance(&p, 240 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    expect_settled();
}

static void both_ends_starting_at_once_leave_one(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        pair_load(&p, 0, &tunnel);
        pair_load(&p, 1, &tunnel);
        if (i & 1)
            pair_advance(&p, 1);
        pair_run(&p);
        assert_true(pair_traffic_fits(&p));
        expect_settled();
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static void a_restarted_peer_that_starts_brings_traffic_back_at_once(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        pair_load(&p, 0, &tunnel);
        pair_load(&p, 1, &tunnel);
        pair_advance(&p, 100 * TIME_SECOND);
        pair_restart(&p, side);
        pair_load(&p, side, &tunnel);
        pair_advance(&p, 1 * TIME_SECOND);
        assert_true(pair_traffic_fits(&p));
        expect_settled();
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static void a_restarted_peer_that_waits_gets_traffic_back_within_30_seconds(void **state)
{
    (void)state;
    struct pair_spec waits = tunnel;
    waits.starts = waits.retries_forever = false;
    pair_load(&p, 1, &waits);
    pair_load(&p, 0, &tunnel);
    pair_advance(&p, 100 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 1), 1);
    pair_restart(&p, 1);
    pair_load(&p, 1, &waits);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_true(pair_traffic_fits(&p));
    expect_settled();
}

static void a_tunnel_that_the_peer_takes_down_comes_back(void **state)
{
    (void)state;
    struct pair_spec waits = {0};
    pair_load(&p, 1, &waits);
    pair_load(&p, 0, &tunnel);
    pair_run(&p);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 0);
    pair_advance(&p, 3 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    expect_settled();
}

static bool from_us_only(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->from == 0;
}

/* The answer to the rekeying is lost again and again: in the new SA, which the peer does not have yet, it
 * cannot answer; in the old one it asks on. */
static void a_peer_that_waits_for_the_new_ike_sa_is_not_taken_for_dead(void **state)
{
    (void)state;
    pair_load(&p, 0, &(struct pair_spec){0});
    pair_load(&p, 1, &(struct pair_spec){.dpd_delay = 10 * TIME_SECOND});
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    p.filter = from_us_only;
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_advance(&p, 24 * TIME_SECOND);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(p.side[side].ike_rekeys, 1);
        assert_int_equal(p.side[side].ike_downs, 0);
        assert_int_equal(pair_ikes(&p, side), 1);
    }
    assert_true(pair_traffic_fits(&p));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_peer_that_waits_for_the_new_ike_sa_is_not_taken_for_dead),
        T(a_child_is_rekeyed_by_either_side),
        T(a_child_is_rekeyed_with_a_key_exchange_of_its_own),
        T(a_child_rekey_follows_invalid_ke_payload),
        T(ml_kem_alone_carries_a_connection_and_its_rekeys),
        T(at_no_moment_of_a_rekey_is_there_traffic_without_a_receiver),
        T(the_ike_sa_is_rekeyed_by_either_side_and_keeps_its_child),
        T(two_child_rekeys_at_once_leave_one),
        T(a_child_rekey_that_comes_after_the_peers_own_is_no_failure),
        T(rekeyings_at_once_with_slow_jobs_leave_one),
        T(two_ike_rekeys_at_once_leave_one),
        T(an_ike_rekey_that_comes_after_the_peers_own_is_no_failure),
        T(children_follow_to_the_new_ike_sa_that_the_peer_uses),
        T(a_child_rekey_that_meets_an_ike_rekey_waits),
        T(a_lost_rekey_answer_is_repeated),
        T(lifetimes_rekey_child_and_ike_for_days),
        T(a_soft_limit_rekeys_and_a_hard_one_deletes),
        T(a_child_without_traffic_is_closed_when_configured),
        T(reauthentication_makes_everything_anew),
        T(reauthentication_may_break_before_it_makes),
        T(reauthentication_leaves_no_moment_without_traffic),
        T(reauthentication_that_fails_is_tried_again_until_the_sa_ends),
        T(liveness_is_checked_only_when_nothing_was_heard),
        T(a_dead_peer_is_noticed_and_everything_is_removed),
        T(a_tunnel_tries_for_ever_with_bounded_backoff),
        T(both_ends_starting_at_once_leave_one),
        T(a_restarted_peer_that_starts_brings_traffic_back_at_once),
        T(a_restarted_peer_that_waits_gets_traffic_back_within_30_seconds),
        T(a_tunnel_that_the_peer_takes_down_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
