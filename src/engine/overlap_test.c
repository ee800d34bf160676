/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests at once (RFC 7296 section 2.3): how many children are made in parallel, what comes out of
 * order, what is repeated, and what has to wait. */
#include "ike/v2/overlap.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

#define CHILDREN 8

/* ---- connections with many children and a window */

static struct ts *one_ts(struct arena *a, bool is_first, int i)
{
    struct ts *t = arena_calloc(a, 1, sizeof(*t));
    const char *err;
    assert_true(ts_parse(arena_printf(a, "10.%d.%d.0/24", is_first ? 1 : 2, i), t, &err));
    return t;
}

static void many(struct config *c, struct connection *conn, const struct child_config *first, uint8_t window)
{
    struct arena *a = c->arena;
    bool is_a = ip_equal(conn->resolved_local, ip4(192, 0, 2, 1));
    struct child_config *v = arena_calloc(a, CHILDREN, sizeof(*v));
    for (int i = 0; i < CHILDREN; i++) {
        v[i] = first[0];
        v[i].name = arena_printf(a, "net%d", i);
        v[i].local_ts = one_ts(a, is_a, i);
        v[i].remote_ts = one_ts(a, !is_a, i);
    }
    conn->children = v;
    conn->n_children = CHILDREN;
    conn->window = window;
}

static void window_1(struct config *c, struct connection *conn, struct child_config *children)
{
    many(c, conn, children, 1);
}

static void window_2(struct config *c, struct connection *conn, struct child_config *children)
{
    many(c, conn, children, 2);
}

static void window_4(struct config *c, struct connection *conn, struct child_config *children)
{
    many(c, conn, children, 4);
}

static void window_16(struct config *c, struct connection *conn, struct child_config *children)
{
    many(c, conn, children, 16);
}

static const struct pair_spec of_1 = {.tweak = window_1}, of_2 = {.tweak = window_2},
                              of_4 = {.tweak = window_4}, of_16 = {.tweak = window_16};
/* With IKE_FOLLOWUP_KE after each CREATE_CHILD_SA */
static const struct pair_spec more_ke = {.tweak = window_4,
                                         .esp = {"aes128gcm16-x25519-ke1_mlkem768-ke2_ecp256"}};

static unsigned under_way(int side)
{
    const struct exchange *x;
    unsigned n = 0;
    for (size_t i = 0; (x = overlap_peek(rogue_sa(&p, side), i)); i++)
        n += x->out.is_pending;
    return n;
}

/* Delivers until nothing is on the wire: how many requests of the side were under way at once. */
static unsigned run_and_count(int side)
{
    unsigned most = 0;
    while (pair_deliver(&p)) {
        unsigned n = rogue_sa(&p, side) ? under_way(side) : 0;
        most = n > most ? n : most;
    }
    return most;
}

static void all_are_up(void)
{
    assert_int_equal(pair_children(&p, 0), CHILDREN);
    assert_int_equal(pair_children(&p, 1), CHILDREN);
    assert_int_equal(p.side[0].n_sas, 2 * CHILDREN);
    assert_int_equal(p.side[1].n_sas, 2 * CHILDREN);
    assert_int_equal(p.side[0].ike_downs + p.side[1].ike_downs, 0);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

/* ---- how many */

static void no_more_are_under_way_than_both_ends_announced(void **state)
{
    const struct {
        const struct pair_spec *a, *b;
        unsigned most;
    } rows[] = {
        {&of_1,    &of_1,    1},
        {&of_4,    &of_1,    1},
        {&of_1,    &of_4,    1},
        {&of_4,    &of_2,    2},
        {&of_2,    &of_4,    2},
        {&of_4,    &of_4,    4},
        {&of_16,   &of_16,   7}, /* all that there are beside the
  first */
        {&more_ke, &more_ke, 4},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        load(rows[i].a, rows[i].b);
        assert_int_equal(run_and_count(0), rows[i].most);
        all_are_up();
        teardown(NULL);
        setup(NULL);
    }
}

static void a_slow_key_exchange_holds_nobody_up_nor_breaks_the_window(void **state)
{
    (void)state;
    load(&more_ke, &more_ke);
    p.side[0].holds_jobs = true;
    for (int i = 0; i < 400 && !p.side[0].is_done; i++) {
        pair_release_jobs(&p, 0);
        assert_true(run_and_count(0) <= 4);
        assert_true(rogue_sa(&p, 0)->window.next_out - overlap_oldest(rogue_sa(&p, 0)) <= 4);
    }
    all_are_up();
}

/* ---- disorder */

static struct pair_packet aside[16];
static size_t n_aside;
static uint32_t first_aside; /* requests with this ID and no other go to aside */

static uint32_t id_of(const struct pair_packet *k)
{
    return spi_get32(k->bytes + 20);
}

static bool takes_aside(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from != 0 || rogue_is_response(k) || id_of(k) != first_aside ||
        k->bytes[AT_EXCHANGE] != EXCHANGE_CREATE_CHILD_SA)
        return true;
    if (n_aside < ARRAY_LEN(aside))
        aside[n_aside++] = *k;
    return false;
}

static void give_back(const struct pair_packet *k)
{
    pair_input(&p, 1 - k->from,
               &(struct input){
                   .kind = INPUT_DATAGRAM,
                   .datagram = {.local = k->dst,
                                .remote = k->src,
                                .is_natt = k->is_natt,
                                .bytes = span_of(k->bytes, k->len)}
    });
}

static void load_with_first_request_aside(const struct pair_spec *a, const struct pair_spec *b)
{
    n_aside = 0;
    first_aside = 2; /* after IKE_SA_INIT and IKE_AUTH */
    p.filter = takes_aside;
    load(a, b);
}

static void requests_that_come_too_early_wait_for_their_turn(void **state)
{
    (void)state;
    load_with_first_request_aside(&of_4, &of_4);
    pair_run(&p);
    assert_int_equal(n_aside, 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_int_equal(rogue_sa(&p, 1)->window.next_in, 2);
    p.filter = NULL;
    give_back(&aside[0]);
    assert_int_equal(rogue_sa(&p, 1)->window.next_in, 6); /* all four */
    pair_run(&p);
    all_are_up();
}

static void what_waits_is_bounded_and_once(void **state)
{
    (void)state;
    load_with_first_request_aside(&of_4, &of_4);
    pair_run(&p);
    uint64_t dropped = engine_stats(p.side[1].e)->dropped_replayed;
    pair_advance(&p, 5 * TIME_SECOND); /* three requests come again, and the one that is set aside */
    assert_int_equal(engine_stats(p.side[1].e)->dropped_replayed, dropped + 3);
    assert_int_equal(n_aside, 2);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    all_are_up();
}

static struct pair_packet early; /* a request that came out of order */

static bool copies_early(void *ctx, struct pair_packet *k)
{
    if (k->from == 0 && !rogue_is_response(k) && id_of(k) == first_aside + 1)
        early = *k;
    return takes_aside(ctx, k);
}

static void nothing_forged_waits(void **state)
{
    (void)state;
    load_with_first_request_aside(&of_2, &of_4); /* one early request at most */
    p.filter = copies_early;
    pair_run(&p);
    struct pair_packet forged = early;
    uint64_t bad = engine_stats(p.side[1].e)->dropped_bad_icv;
    forged.bytes[forged.len - 1] ^= 1;
    spi_put32(forged.bytes + 20, first_aside + 2);
    give_back(&forged);
    assert_int_equal(engine_stats(p.side[1].e)->dropped_bad_icv, bad + 1);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    all_are_up();
}

static bool loses_responses(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->from != 1 || !rogue_is_response(k) || k->bytes[AT_EXCHANGE] != EXCHANGE_CREATE_CHILD_SA;
}

static void every_response_of_the_window_is_repeated(void **state)
{
    (void)state;
    p.filter = loses_responses;
    load(&of_4, &of_4);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 5); /* made there, not known here */
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(under_way(0), 4);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    all_are_up();
    assert_int_equal(p.side[1].ups, CHILDREN);
}

static bool is_answer(const struct pair_packet *k)
{
    uint8_t exchange = k->bytes[AT_EXCHANGE];
    return k->from == 1 && rogue_is_response(k) &&
           (exchange == EXCHANGE_CREATE_CHILD_SA || exchange == EXCHANGE_IKE_FOLLOWUP_KE);
}

static bool drops_all_but_the_last(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !is_answer(k) || id_of(k) == 5;
}

static bool drops_the_first(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !is_answer(k) || id_of(k) != 2;
}

static bool drops_all_but_the_first(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !is_answer(k) || id_of(k) == 2;
}

/* [RFC7296#2.3] a new request waits for the oldest, however many of the others are through. */
static void the_oldest_without_an_answer_holds_the_window(void **state)
{
    (void)state;
    p.filter = drops_all_but_the_last;
    load(&of_4, &of_4);
    pair_run(&p);
    assert_int_equal(under_way(0), 3);
    assert_int_equal(rogue_sa(&p, 0)->window.next_out, 6);
    assert_int_equal(overlap_oldest(rogue_sa(&p, 0)), 2);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    all_are_up();
}

/* The next exchange of one that is through with CREATE_CHILD_SA, too. */
static void what_follows_waits_for_the_oldest(void **state)
{
    (void)state;
    p.filter = drops_the_first;
    load(&more_ke, &more_ke);
    pair_run(&p);
    assert_int_equal(under_way(0), 1);
    assert_int_equal(rogue_sa(&p, 0)->window.next_out, 6);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    all_are_up();
}

/* ---- what has to wait, and the end */

static void the_ike_sa_is_not_replaced_while_children_are_made(void **state)
{
    (void)state;
    load_with_first_request_aside(&of_4, &of_4);
    pair_run(&p);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(rogue_sa(&p, 0)->state, IKE_ESTABLISHED);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL); /* TEMPORARY_FAILURE [RFC7296#2.25.2] */
    pair_run(&p);
    assert_int_equal(p.side[0].ike_rekeys + p.side[1].ike_rekeys, 0);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    all_are_up();
    assert_true(p.side[0].ike_rekeys >= 1);
    assert_int_equal(p.side[0].ike_rekeys, p.side[1].ike_rekeys);
}

static void nor_while_only_those_beside_the_first_are_left(void **state)
{
    (void)state;
    p.filter = drops_all_but_the_first;
    load(&of_16, &of_16);
    pair_run(&p);
    assert_int_equal(rogue_sa(&p, 0)->own.kind, X_NONE);
    assert_int_equal(under_way(0), CHILDREN - 2);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(rogue_sa(&p, 0)->state, IKE_ESTABLISHED);
    assert_int_equal(rogue_sa(&p, 0)->own.kind, X_NONE);
    p.filter = NULL;
    pair_advance(&p, 60 * TIME_SECOND);
    all_are_up();
    assert_int_equal(p.side[0].ike_rekeys, 1);
}

static void an_ike_sa_that_replaces_another_begins_with_one_and_asks_for_more(void **state)
{
    (void)state;
    load(&of_4, &of_2);
    pair_run(&p);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 1);
    const struct ike_sa *a = rogue_sa(&p, 0), *b = rogue_sa(&p, 1);
    while (a->state != IKE_ESTABLISHED) {
        pair_advance(&p, TIME_SECOND);
        a = rogue_sa(&p, 0);
        b = rogue_sa(&p, 1);
    }
    assert_int_equal(a->window.size_out, 2);
    assert_int_equal(b->window.size_out, 2);
    assert_int_equal(a->window.size_in, 4);
    assert_int_equal(b->window.size_in, 2);
}

static void a_peer_that_dies_meanwhile_is_given_up_once(void **state)
{
    (void)state;
    load_with_first_request_aside(&of_4, &of_4);
    pair_run(&p);
    assert_int_equal(under_way(0), 4);
    p.is_cut = true;
    pair_advance(&p, 400 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_downs, 1);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
}

static void the_ike_sa_ends_in_good_order_while_children_are_made(void **state)
{
    static const struct pair_spec *const specs[] = {&of_2, &of_4, &of_16};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        load_with_first_request_aside(specs[i], specs[i]);
        pair_run(&p);
        pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
        p.filter = NULL;
        pair_advance(&p, 60 * TIME_SECOND);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(pair_ikes(&p, side), 0);
            assert_int_equal(p.side[side].n_sas, 0);
        }
        teardown(NULL);
        setup(NULL);
    }
}

/* Which of the two goes is up to their nonces; that one does, is not. */
static void of_a_child_made_by_both_one_goes_however_late_an_answer_is(void **state)
{
    (void)state;
    load(&of_1, &of_1);
    pair_run(&p);
    for (int round = 0; round < 8; round++) {
        pair_command(&p, 0, COMMAND_TERMINATE, NULL, "net3");
        pair_run(&p);
        assert_int_equal(pair_children(&p, 0), CHILDREN - 1);
        p.is_cut = true;
        pair_command(&p, 0, COMMAND_INITIATE, NULL, "net3");
        pair_command(&p, 1, COMMAND_INITIATE, NULL, "net3");
        p.is_cut = false;
        p.filter = loses_responses;
        pair_advance(&p, 45 * TIME_SECOND);
        p.filter = NULL;
        pair_advance(&p, 45 * TIME_SECOND);
        assert_int_equal(pair_children(&p, 0), CHILDREN);
        assert_int_equal(pair_children(&p, 1), CHILDREN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_more_are_under_way_than_both_ends_announced, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_key_exchange_holds_nobody_up_nor_breaks_the_window, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(requests_that_come_too_early_wait_for_their_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(what_waits_is_bounded_and_once, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_forged_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(every_response_of_the_window_is_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_without_an_answer_holds_the_window, setup, teardown),
        cmocka_unit_test_setup_teardown(what_follows_waits_for_the_oldest, setup, teardown),
        cmocka_unit_test_setup_teardown(the_ike_sa_is_not_replaced_while_children_are_made, setup, teardown),
        cmocka_unit_test_setup_teardown(nor_while_only_those_beside_the_first_are_left, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ike_sa_that_replaces_another_begins_with_one_and_asks_for_more,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_dies_meanwhile_is_given_up_once, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_child_made_by_both_one_goes_however_late_an_answer_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_ike_sa_ends_in_good_order_while_children_are_made, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
