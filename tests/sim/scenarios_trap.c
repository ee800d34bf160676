/* SPDX-License-Identifier: Apache-2.0 */
/* Traps: tunnels that come with the first packet, which waits for them; and what close_action and dpd_action
 * ask for. */
#include "conf.h"
#include "sim.h"

#define CONNECTION(peer, own, other, local, remote, extra)                                                   \
    "connections { net {\n version = 2\n" peer " local { auth = psk\n id = " own " }\n"                      \
    " remote { auth = psk\n id = " other " }\n"                                                              \
    " dpd_delay = 10s\n children { net {\n local_ts = " local "\n remote_ts = " remote "\n" extra            \
    " } } } }\nsecrets { ike { secret = \"correct horse battery staple\" } }\n"
#define SIDE_A(extra)                                                                                        \
    CONNECTION(" remote_addrs = 198.51.100.2\n", "a.test", "b.test", "10.10.0.0/24", "10.20.0.0/24", extra)
#define SIDE_B(extra)                                                                                        \
    CONNECTION(" remote_addrs = 192.0.2.1\n", "b.test", "a.test", "10.20.0.0/24", "10.10.0.0/24", extra)
#define START_A(extra)                                                                                       \
    CONNECTION(" remote_addrs = 198.51.100.2\n keyingtries = 0\n", "a.test", "b.test", "10.10.0.0/24",       \
               "10.20.0.0/24", " start_action = start\n" extra)
#define WAITING_B  CONNECTION("", "b.test", "a.test", "10.20.0.0/24", "10.10.0.0/24", "")
#define TRAP       " start_action = trap\n"
#define TRAP_START " start_action = trap|start\n"

static bool up_with_one_child(struct sim *s)
{
    return sim_is_up(s, 1);
}

/* What a trap held has left, or was counted as lost. */
static void check_held(struct sim *s)
{
    for (int i = 0; i < NODES; i++) {
        const struct node *n = &s->node[i];
        if (n->is_dead)
            continue;
        uint64_t lost = esp_counters(n->esp)->drops[DROP_TRAP_FAILED];
        if (n->traffic_held != n->held_sent + lost)
            sim_fail(s, "%s: %llu packets were held, %llu of them sent, %llu counted as lost", n->name,
                     (unsigned long long)n->traffic_held, (unsigned long long)n->held_sent,
                     (unsigned long long)lost);
    }
}

static bool up_and_accounted_for(struct sim *s)
{
    if (!sim_is_up(s, 1))
        return false;
    check_held(s);
    return true;
}

static bool up_and_nothing_lost(struct sim *s)
{
    const struct node *a = &s->node[A];
    if (!up_and_accounted_for(s))
        return false;
    if (!a->traffic_held || a->held_sent != a->traffic_held)
        sim_fail(s, "of %llu packets that sprang the trap %llu left", (unsigned long long)a->traffic_held,
                 (unsigned long long)a->held_sent);
    return true;
}

static void a_few_packets(struct sim *s)
{
    sim_run(s, 10 * TIME_SECOND);
    for (int i = 0; i < 5; i++) {
        node_send_traffic(&s->node[A], &s->node[B]);
        sim_run(s, TIME_MS);
    }
    sim_run(s, 60 * TIME_SECOND);
}

static void traffic_from_both(struct sim *s)
{
    sim_run(s, 10 * TIME_SECOND);
    s->has_traffic = true;
    sim_run(s, 60 * TIME_SECOND);
}

static void nothing_is_sent(struct sim *s)
{
    sim_run(s, 600 * TIME_SECOND);
    if (s->net.sent)
        sim_fail(s, "%llu datagrams were sent though no packet asked", (unsigned long long)s->net.sent);
}

static bool only_the_trap(struct sim *s)
{
    return node_count_traps(&s->node[A]) == 1 && s->node[A].n_policies == 1 && s->node[A].n_sas == 0 &&
           node_count_ike(&s->node[A], IKE_ESTABLISHED) == 0;
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

/* B does not answer: the attempt fails, and what waited is dropped. Then B is there, and traffic goes on. */
static void peer_is_down(struct sim *s)
{
    node_kill(&s->node[B]);
    s->has_traffic = true;
    sim_run(s, 400 * TIME_SECOND);
    if (!esp_counters(s->node[A].esp)->drops[DROP_TRAP_FAILED])
        sim_fail(s, "nothing that waited for a dead peer is counted as lost");
    if (node_count_traps(&s->node[A]) != 1)
        sim_fail(s, "the trap is gone after a failed attempt");
    node_restart(&s->node[B]);
    node_load(&s->node[B], WAITING_B);
}

static void reload_while_it_comes(struct sim *s)
{
    sim_run(s, TIME_SECOND);
    s->has_traffic = true;
    sim_run(s, 2 * TIME_MS);
    node_load(&s->node[A], SIDE_A(TRAP));
    sim_run(s, 20 * TIME_MS);
    node_load(&s->node[A], SIDE_A(TRAP " inactivity = 1h\n"));
    sim_run(s, 60 * TIME_SECOND);
}

/* ---- the other actions */

static void b_closes(struct sim *s)
{
    sim_establish(s, 1);
    node_command(&s->node[B], COMMAND_TERMINATE, "net", "net");
    sim_run(s, 60 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_TERMINATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static bool ike_was_replaced(struct sim *s)
{
    return sim_is_up(s, 1) && sim_ike_is_new(s);
}

static void b_dies_and_traffic_waits(struct sim *s)
{
    sim_establish(s, 1);
    node_kill(&s->node[B]);
    sim_run(s, 200 * TIME_SECOND);
    if (node_count_traps(&s->node[A]) != 1)
        sim_fail(s, "dpd_action = trap has set none");
    node_restart(&s->node[B]);
    node_load(&s->node[B], WAITING_B);
    s->has_traffic = true;
}

#define WITHOUT_NAT(base, ...)                                                                               \
    IN_WEATHER(base, CLEAN, "on_a_clean_network", __VA_ARGS__),                                              \
        IN_WEATHER(base, LOSS, "under_loss", __VA_ARGS__),                                                   \
        IN_WEATHER(base, DUPLICATION, "under_duplication", __VA_ARGS__),                                     \
        IN_WEATHER(base, REORDERING, "under_reordering", __VA_ARGS__)

const struct scenario scenarios_trap[] = {
    {.name = "trap_says_nothing_until_a_packet_comes",
     .conf_a = SIDE_A(TRAP),
     .conf_b = WAITING_B,
     .run = nothing_is_sent,
     .goal = only_the_trap,
     .goal_within = TIME_SECOND},
    IN_WEATHER("trap_loses_no_packet_that_sprang_it", CLEAN, "on_a_clean_network", .conf_a = SIDE_A(TRAP),
               .conf_b = WAITING_B, .run = a_few_packets, .goal = up_and_nothing_lost,
               .goal_within = 10 * TIME_SECOND, .needs_lossless_traffic = true),
    IN_WEATHER("trap_loses_no_packet_that_sprang_it", DUPLICATION, "under_duplication",
               .conf_a = SIDE_A(TRAP), .conf_b = WAITING_B, .run = a_few_packets, .goal = up_and_nothing_lost,
               .goal_within = 10 * TIME_SECOND),
    IN_WEATHER("trap_loses_no_packet_that_sprang_it", REORDERING, "under_reordering", .conf_a = SIDE_A(TRAP),
               .conf_b = WAITING_B, .run = a_few_packets, .goal = up_and_nothing_lost,
               .goal_within = 10 * TIME_SECOND),
    IN_WEATHER("trap_loses_no_packet_that_sprang_it", NATTED, "behind_a_nat", .conf_a = SIDE_A(TRAP),
               .conf_b = WAITING_B, .run = a_few_packets, .goal = up_and_nothing_lost,
               .goal_within = 10 * TIME_SECOND, .needs_lossless_traffic = true),
    IN_ALL_WEATHERS("trap_springs", .conf_a = SIDE_A(TRAP), .conf_b = WAITING_B, .run = traffic_from_both,
                    .goal = up_and_accounted_for, .goal_within = 240 * TIME_SECOND),
    WITHOUT_NAT("traps_of_both_spring_at_once", .conf_a = SIDE_A(TRAP), .conf_b = SIDE_B(TRAP),
                .run = traffic_from_both, .goal = up_and_accounted_for, .goal_within = 240 * TIME_SECOND),
    WITHOUT_NAT("trap_and_start_on_both_sides", .conf_a = SIDE_A(TRAP_START), .conf_b = SIDE_B(TRAP_START),
                .run = traffic_from_both, .goal = up_and_accounted_for, .goal_within = 240 * TIME_SECOND),
    IN_WEATHER("trap_and_start_without_traffic", CLEAN, "on_a_clean_network", .conf_a = SIDE_A(TRAP_START),
               .conf_b = WAITING_B, .run = let_it_start, .goal = up_with_one_child,
               .goal_within = 10 * TIME_SECOND),
    IN_ALL_WEATHERS("trap_outlives_a_peer_that_is_down", .conf_a = SIDE_A(TRAP), .conf_b = WAITING_B,
                    .run = peer_is_down, .goal = up_and_accounted_for, .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("trap_is_reloaded_while_its_tunnel_comes", .conf_a = SIDE_A(TRAP), .conf_b = WAITING_B,
                    .run = reload_while_it_comes, .goal = up_with_one_child,
                    .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("close_action_brings_back_what_the_peer_closed",
                    .conf_a = START_A(" close_action = start\n dpd_action = restart\n"), .conf_b = WAITING_B,
                    .run = b_closes, .goal = ike_was_replaced, .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("dpd_action_sets_a_trap", .conf_a = START_A(" dpd_action = trap\n"), .conf_b = WAITING_B,
                    .run = b_dies_and_traffic_waits, .goal = up_with_one_child,
                    .goal_within = 300 * TIME_SECOND),
    {0                             },
};
