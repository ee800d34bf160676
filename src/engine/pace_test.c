/* SPDX-License-Identifier: Apache-2.0 */
/* Many connections that start at once: how many first requests go to one address, in what order, and who does
 * not wait. One engine, with the wire cut or another engine that answers. */
#include "engine/impl.h"
#include "support/pair_fixture.h"
#include "support/test.h"
#include <stdio.h>

enum { N = 30 };

/* N connections to one peer, alike but for their names; they start by themselves. */
static void load_many(bool starts)
{
    static char names[N][16];
    struct pair_spec s = {.starts = starts};
    struct config *c = pair_config(0, &s);
    const struct connection *one = c->connections[0];
    c->connections = arena_calloc(c->arena, N, sizeof(*c->connections));
    c->n_connections = N;
    for (size_t i = 0; i < N; i++) {
        struct connection *copy = arena_alloc(c->arena, sizeof(*copy));
        snprintf(names[i], sizeof(names[i]), "c%zu", i);
        *copy = *one;
        copy->name = names[i];
        copy->hash = i + 1;
        c->connections[i] = copy;
    }
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = c});
}

static void no_more_than_five_are_begun_to_one_peer(void **state)
{
    (void)state;
    p.is_cut = true;
    load_many(true);
    assert_int_equal(p.sent, 5);
    assert_int_equal(p.side[0].e->pace.n_waiting, N - 5);
}

/* Those that wait for an answer are out of the way after a moment: dead peers hold up nobody for long. */
static void those_without_an_answer_make_place(void **state)
{
    (void)state;
    p.is_cut = true;
    load_many(true);
    pair_advance(&p, 4 * TIME_SECOND);
    assert_int_equal(p.side[0].e->pace.n_waiting, N - 10);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(p.side[0].e->pace.n_waiting, 0);
}

static void a_command_does_not_wait_in_line(void **state)
{
    (void)state;
    p.is_cut = true;
    load_many(true);
    pair_command(&p, 0, COMMAND_INITIATE, "c15", NULL);
    assert_int_equal(p.sent, 6);
    assert_int_equal(p.side[0].e->pace.n_waiting, N - 6);
}

static void a_connection_that_goes_leaves_the_line(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    p.is_cut = true;
    load_many(true);
    pair_load(&p, 0, &s); /* none of them is configured any more */
    assert_int_equal(p.side[0].e->pace.n_waiting, 0);
    pair_advance(&p, 400 * TIME_SECOND);
    assert_int_equal(p.side[0].e->pace.n_begun, 0);
    assert_int_equal(p.side[0].e->pace.peers.count, 0);
}

/* The peer takes the same five at a time for honest, and sees each request once. */
static void all_of_them_come_through_without_a_repetition(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    pair_load(&p, 1, &s);
    load_many(true);
    pair_run(&p);
    assert_int_equal(engine_stats(p.side[1].e)->dropped_blocked, 0);
    assert_int_equal(engine_stats(p.side[0].e)->retransmitted, 0);
    assert_int_equal(p.side[0].e->pace.n_waiting, 0);
    assert_int_equal(p.side[0].e->pace.n_begun, 0);
    assert_true(p.side[0].ike_ups >= N);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(no_more_than_five_are_begun_to_one_peer),
        T(those_without_an_answer_make_place),
        T(a_command_does_not_wait_in_line),
        T(a_connection_that_goes_leaves_the_line),
        T(all_of_them_come_through_without_a_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
