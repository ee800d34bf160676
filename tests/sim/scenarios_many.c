/* SPDX-License-Identifier: Apache-2.0 */
/* Two tunnels between the same two gateways: the same addresses, identities and secret, and nothing but the
 * networks to tell them by. */
#include "conf.h"
#include "sim.h"

#define ONE_OF(name, ids, local, remote, extra)                                                              \
    "tunnel " name " {\n" ids PSK "  local = " local "\n  remote = " remote "\n" extra "}\n"
#define IDS_A "  peer = 198.51.100.2\n  id = a.test\n  peer_id = b.test\n"
#define IDS_B "  id = b.test\n  peer_id = a.test\n"
/* The other way round at B: the order of a file decides nothing. */
#define TWO_A(extra)                                                                                         \
    ONE_OF("one", IDS_A, "10.10.0.0/24", "10.20.0.0/24", extra)                                              \
    ONE_OF("two", IDS_A, "10.11.0.0/24", "10.21.0.0/24", extra)
#define TWO_B(peer, extra)                                                                                   \
    ONE_OF("two", peer IDS_B, "10.21.0.0/24", "10.11.0.0/24", extra)                                         \
    ONE_OF("one", peer IDS_B, "10.20.0.0/24", "10.10.0.0/24", extra)
#define WAITS  TWO_B("", "  start = no\n")
#define STARTS TWO_B("  peer = 192.0.2.1\n", "")

static bool both_are_up(struct sim *s)
{
    return sim_are_up(s, 2);
}

static bool one_is_up(struct sim *s)
{
    return sim_are_up(s, 1);
}

static void let_them_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void one_by_one(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "one", NULL);
    sim_run(s, 20 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "two", NULL);
    sim_run(s, 400 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "one", NULL); /* what gave up under loss is over by now */
    node_command(&s->node[A], COMMAND_INITIATE, "two", NULL);
}

/* One connection at A, two at B: as peers ask that make further children in an IKE SA which they have. */
#define BOTH_IN_ONE_A                                                                                        \
    "connections { net {\n version = 2\n keyingtries = 0\n remote_addrs = 198.51.100.2\n"                    \
    " local { auth = psk\n id = a.test }\n remote { auth = psk\n id = b.test }\n children {\n"               \
    "  one { local_ts = 10.10.0.0/24\n remote_ts = 10.20.0.0/24\n start_action = start\n dpd_action = "      \
    "restart }\n"                                                                                            \
    "  two { local_ts = 10.11.0.0/24\n remote_ts = 10.21.0.0/24\n start_action = start\n dpd_action = "      \
    "restart }\n } } }\n"                                                                                    \
    "secrets { ike { secret = \"correct horse battery staple\" } }\n"

static bool both_in_one(struct sim *s)
{
    return sim_is_up(s, 2);
}

static void rekey_in_one(struct sim *s)
{
    sim_establish_until(s, both_in_one);
    node_command(&s->node[B], COMMAND_REKEY, "two", "two");
    node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static void a_restarts(struct sim *s)
{
    sim_establish_until(s, both_are_up);
    node_kill(&s->node[A]);
    node_restart(&s->node[A]);
    node_load(&s->node[A], TWO_A(""));
    sim_run(s, 5 * TIME_SECOND);
}

static void b_restarts(struct sim *s)
{
    sim_establish_until(s, both_are_up);
    node_kill(&s->node[B]);
    node_restart(&s->node[B]);
    node_load(&s->node[B], WAITS);
    sim_run(s, 5 * TIME_SECOND);
}

static void delete_two(struct sim *s)
{
    sim_establish_until(s, both_are_up);
    node_command(&s->node[A], COMMAND_TERMINATE, "two", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static void rekey_both(struct sim *s)
{
    sim_establish_until(s, both_are_up);
    node_command(&s->node[A], COMMAND_REKEY, "one", NULL);
    node_command(&s->node[B], COMMAND_REKEY, "two", NULL);
    sim_run(s, 60 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, "one", "one");
    node_command(&s->node[A], COMMAND_REKEY, "two", "two");
    sim_run(s, 60 * TIME_SECOND);
}

#define LATER .goal_within = 300 * TIME_SECOND

const struct scenario scenarios_many[] = {
    IN_ALL_WEATHERS("two_tunnels_come_up", .conf_a = TWO_A(""), .conf_b = WAITS, .run = let_them_start,
                    .goal = both_are_up, LATER),
    IN_ALL_WEATHERS("two_tunnels_one_by_one", .conf_a = TWO_A("  start = no\n"), .conf_b = WAITS,
                    .run = one_by_one, .goal = both_are_up, LATER),
    IN_ALL_WEATHERS("two_tunnels_delete_of_one_leaves_the_other", .conf_a = TWO_A(""), .conf_b = WAITS,
                    .run = delete_two, .goal = one_is_up, LATER),
    IN_ALL_WEATHERS("two_tunnels_are_rekeyed", .conf_a = TWO_A(""), .conf_b = WAITS, .run = rekey_both,
                    .goal = both_are_up, LATER),
    IN_ALL_WEATHERS("two_tunnels_the_initiator_restarts", .conf_a = TWO_A(""), .conf_b = WAITS,
                    .run = a_restarts, .goal = both_are_up, LATER),
    IN_ALL_WEATHERS("two_tunnels_the_responder_restarts", .conf_a = TWO_A(""), .conf_b = WAITS,
                    .run = b_restarts, .goal = both_are_up, LATER),
    IN_WEATHER("two_tunnels_both_sides_start", CLEAN, "on_a_clean_network", .conf_a = TWO_A(""),
               .conf_b = STARTS, .run = let_them_start, .goal = both_are_up, LATER),
    IN_WEATHER("two_tunnels_both_sides_start", LOSS, "under_loss", .conf_a = TWO_A(""), .conf_b = STARTS,
               .run = let_them_start, .goal = both_are_up, LATER),
    IN_WEATHER("two_tunnels_both_sides_start", DUPLICATION, "under_duplication", .conf_a = TWO_A(""),
               .conf_b = STARTS, .run = let_them_start, .goal = both_are_up, LATER),
    IN_WEATHER("two_tunnels_both_sides_start", REORDERING, "under_reordering", .conf_a = TWO_A(""),
               .conf_b = STARTS, .run = let_them_start, .goal = both_are_up, LATER),
    IN_ALL_WEATHERS("two_connections_serve_one_ike_sa", .conf_a = BOTH_IN_ONE_A, .conf_b = WAITS,
                    .run = let_them_start, .goal = both_in_one, LATER),
    IN_ALL_WEATHERS("two_connections_serve_one_ike_sa_rekeyed", .conf_a = BOTH_IN_ONE_A, .conf_b = WAITS,
                    .run = rekey_in_one, .goal = both_in_one, LATER),
    {0},
};
