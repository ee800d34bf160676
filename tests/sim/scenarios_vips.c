/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses: A is three clients, each with an identity of its own, and B has the pool. In every
 * seed: no address belongs to two identities at once (node.c looks after each step), and in the end as many
 * are in use as SAs have, on both sides. */
#include "conf.h"
#include "sim.h"

#define CLIENT(name, extra)                                                                                  \
    "tunnel " name " {\n  peer = 198.51.100.2\n  id = " name ".test\n  peer_id = b.test\n" PSK               \
    "  vip = 0.0.0.0\n" extra "}\n"
#define CLIENTS(extra) CLIENT("one", extra) CLIENT("two", extra) CLIENT("three", extra)
#define SERVER(pool)                                                                                         \
    "tunnel net {\n  id = b.test\n" PSK "  local = 10.20.0.0/24\n  pool = " pool "\n  dns = 10.20.0.53\n}\n"

static const char *const names[] = {"one", "two", "three"};

/* How many of A's SAs have an address, which is B's lease for that identity. */
static size_t count_good(struct sim *s)
{
    struct ike_view a, b;
    struct child_view c;
    size_t good = 0;
    for (size_t i = 0; engine_ike_at(s->node[A].engine, i, &a); i++) {
        bool is_good = false;
        for (size_t k = 0; engine_ike_at(s->node[B].engine, k, &b); k++) {
            if (a.spi_i != b.spi_i || a.n_local_vips != 1 || b.n_remote_vips != 1)
                continue;
            is_good = ip_equal(a.local_vips[0], b.remote_vips[0]) &&
                      engine_child_at(s->node[A].engine, a.id, 0, &c) &&
                      ip_equal(c.local_ts[0].from, a.local_vips[0]) &&
                      ip_equal(c.local_ts[0].to, a.local_vips[0]) &&
                      engine_child_at(s->node[B].engine, b.id, 0, &c) &&
                      ip_equal(c.remote_ts[0].from, b.remote_vips[0]);
        }
        good += is_good;
    }
    return good;
}

static bool all_have_one(struct sim *s)
{
    struct pool_view v;
    if (s->node[A].is_dead || s->node[B].is_dead)
        return false;
    return count_good(s) == 3 && node_count_ike(&s->node[A], IKE_ESTABLISHED) == 3 &&
           node_count_ike(&s->node[B], IKE_ESTABLISHED) == 3 && s->node[A].n_addresses == 3 &&
           pools_at(engine_pools(s->node[B].engine), 0, &v) && v.online == 3;
}

/* Two of three, and the third one stays without anything. */
static bool two_have_one(struct sim *s)
{
    struct pool_view v;
    return count_good(s) == 2 && s->node[A].n_addresses == 2 && node_count_children(&s->node[A]) == 2 &&
           pools_at(engine_pools(s->node[B].engine), 0, &v) && v.online == 2;
}

/* Logins, ends, new keys and crashes, at random. */
static void come_and_go(struct sim *s)
{
    static const enum command_kind kinds[] = {COMMAND_INITIATE, COMMAND_TERMINATE, COMMAND_REKEY};
    for (int i = 0; i < 30 && !s->failure[0]; i++) {
        uint64_t dice = sim_rand_below(&s->net.rng, 100);
        const char *name = names[sim_rand_below(&s->net.rng, 3)];
        if (dice < 4) {
            node_kill(&s->node[A]);
            sim_run(s, TIME_SECOND);
            node_restart(&s->node[A]);
            node_load(&s->node[A], CLIENTS(""));
        } else {
            node_command(&s->node[A], kinds[dice % 3], name, NULL);
        }
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 4 * TIME_SECOND));
    }
    for (int i = 0; i < 3 && !s->failure[0]; i++)
        node_command(&s->node[A], COMMAND_INITIATE, names[i], NULL);
}

static void let_them_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

/* Both sides replace the IKE SAs at the same time; then one of them does. */
static void rekey_from_both_sides(struct sim *s)
{
    sim_establish_until(s, all_have_one);
    for (int k = 0; k < 3; k++)
        node_command(&s->node[A], COMMAND_REKEY, names[k], NULL);
    node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    sim_run(s, 90 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    sim_run(s, 30 * TIME_SECOND);
}

/* The SAs are made anew: the clients keep their addresses. The next time is after the end. */
static void authenticate_again(struct sim *s)
{
    struct ip before[3];
    sim_establish_until(s, all_have_one);
    memcpy(before, s->node[A].addresses, sizeof(before));
    sim_run(s, 230 * TIME_SECOND);
    for (size_t i = 0; i < s->node[A].n_addresses; i++) {
        bool is_old = false;
        for (size_t k = 0; k < 3; k++)
            is_old |= ip_equal(before[k], s->node[A].addresses[i]);
        if (!is_old)
            sim_fail(s, "authenticating again brought another address");
    }
}

const struct scenario scenarios_vips[] = {
    IN_ALL_WEATHERS("virtual_addresses", .conf_a = CLIENTS(""), .conf_b = SERVER("10.30.0.1-10.30.0.3"),
                    .run = let_them_start, .goal = all_have_one, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("virtual_addresses_come_and_go", .conf_a = CLIENTS(""),
                    .conf_b = SERVER("10.30.0.1-10.30.0.3"), .run = come_and_go, .goal = all_have_one,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("virtual_addresses_rekeyed", .conf_a = CLIENTS(""),
                    .conf_b = SERVER("10.30.0.1-10.30.0.3"), .run = rekey_from_both_sides,
                    .goal = all_have_one, .goal_within = 300 * TIME_SECOND),
    IN_WEATHER("virtual_addresses_of_a_full_pool", LOSS, "under_loss", .conf_a = CLIENTS(""),
               .conf_b = SERVER("10.30.0.1-10.30.0.2"), .run = let_them_start, .goal = two_have_one,
               .goal_within = 300 * TIME_SECOND),
    /* an IKE_AUTH to a peer that has forgotten the half-open SA takes 165 s to give up */
    IN_ALL_WEATHERS("virtual_addresses_after_reauthentication", .conf_a = CLIENTS("  reauth = 200s\n"),
                    .conf_b = SERVER("10.30.0.1-10.30.0.3"), .run = authenticate_again, .goal = all_have_one,
                    .goal_within = 240 * TIME_SECOND),
    {0},
};
