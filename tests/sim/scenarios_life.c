/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a tunnel: deletes by either side, liveness, restarts, both starting at once, NAT rebinding,
 * shutdown. */
#include "conf.h"
#include "sim.h"

static bool up_with_one_child(struct sim *s)
{
    return sim_is_up(s, 1);
}

static bool ike_was_replaced(struct sim *s)
{
    return sim_is_up(s, 1) && sim_ike_is_new(s);
}

static bool up_without_children(struct sim *s)
{
    return sim_is_up(s, 0);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

/* ---- deletes
 * ----------------------------------------------------------------------------------------------------------
 */

static void bring_up_and(struct sim *s, struct node *who, const char *child)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
    node_command(who, COMMAND_TERMINATE, "net", child);
    sim_run(s, 60 * TIME_SECOND);
}

static void delete_ike_by_a(struct sim *s)
{
    bring_up_and(s, &s->node[A], NULL);
}

static void delete_ike_by_b(struct sim *s)
{
    bring_up_and(s, &s->node[B], NULL);
}

static void delete_child_by_a(struct sim *s)
{
    bring_up_and(s, &s->node[A], "net");
}

static void delete_by_both(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_TERMINATE, "net", NULL);
    node_command(&s->node[B], COMMAND_TERMINATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static void delete_while_rekeying(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_REKEY, "net", "net");
    node_command(&s->node[B], COMMAND_TERMINATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

/* Either the IKE SA stands alone, or it went with its last child: both are settled. */
static bool child_is_gone(struct sim *s)
{
    return up_without_children(s) || sim_is_down(s);
}

static void shut_down(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
    node_shutdown(&s->node[A]);
    sim_run(s, 60 * TIME_SECOND);
}

/* ---- liveness and restarts
 * -------------------------------------------------------------------------------------------- */

static void idle_for_long(struct sim *s)
{
    sim_establish(s, 1);
    sim_run(s, 300 * TIME_SECOND);
}

static void b_dies_and_comes_back(struct sim *s)
{
    sim_establish(s, 1);
    node_kill(&s->node[B]);
    sim_run(s, 300 * TIME_SECOND);
    node_restart(&s->node[B]);
    node_load(&s->node[B], TUNNEL_B(""));
}

static void b_dies_for_good(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
    node_kill(&s->node[B]);
    sim_run(s, 60 * TIME_SECOND);
}

static bool a_has_let_go(struct sim *s)
{
    return s->node[A].n_sas == 0 && s->node[A].n_policies == 0 &&
           node_count_ike(&s->node[A], IKE_ESTABLISHED) == 0;
}

static void a_restarts(struct sim *s)
{
    sim_establish(s, 1);
    node_kill(&s->node[A]);
    node_restart(&s->node[A]);
    node_load(&s->node[A], TUNNEL_A(""));
    sim_run(s, 5 * TIME_SECOND);
}

static void b_restarts(struct sim *s)
{
    sim_establish(s, 1);
    node_kill(&s->node[B]);
    node_restart(&s->node[B]);
    node_load(&s->node[B], TUNNEL_B(""));
    sim_run(s, 5 * TIME_SECOND);
}

/* ---- NAT
 * --------------------------------------------------------------------------------------------------------------
 */

static void nat_rebinds(struct sim *s)
{
    sim_establish(s, 1);
    net_nat_rebind(&s->net);
    s->has_traffic = true;
    sim_run(s, 60 * TIME_SECOND);
}

static void nat_rebinds_while_idle(struct sim *s)
{
    sim_establish(s, 1);
    net_nat_rebind(&s->net);
    sim_run(s, 60 * TIME_SECOND);
}

/* ---- inactivity
 * ------------------------------------------------------------------------------------------------------- */

static void talk_and_fall_silent(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
    for (int i = 0; i < 12; i++) { /* two minutes: twice what silence may last */
        node_send_traffic(&s->node[A], &s->node[B]);
        node_send_traffic(&s->node[B], &s->node[A]);
        sim_run(s, 10 * TIME_SECOND);
        node_report_use(&s->node[A]);
        node_report_use(&s->node[B]);
    }
    if (node_count_children(&s->node[A]) != 1 || s->node[A].updown_balance != 1)
        sim_fail(s, "a child with traffic every 10 s was closed as idle after 60 s");
    sim_run(s, 30 * TIME_SECOND);
}

static bool idle_child_is_gone(struct sim *s)
{
    return child_is_gone(s) && s->node[A].updown_balance == 0 && s->node[B].updown_balance == 0;
}

/* Without liveness checks, which loss would let fail now and again. */
#define IDLES   "  inactivity = 60s\n  dpd_delay = 0\n  updown = /bin/true\n"
#define PLAIN   .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B("")
#define BY_HAND .conf_a = TUNNEL_A("  start = no\n"), .conf_b = TUNNEL_B("")

const struct scenario scenarios_life[] = {
    IN_ALL_WEATHERS("ike_delete_by_the_initiator", BY_HAND, .run = delete_ike_by_a, .goal = sim_is_down,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("ike_delete_by_the_responder", BY_HAND, .run = delete_ike_by_b, .goal = sim_is_down,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("child_delete", BY_HAND, .run = delete_child_by_a, .goal = child_is_gone,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("delete_by_both", BY_HAND, .run = delete_by_both, .goal = sim_is_down,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("delete_meets_rekey", BY_HAND, .run = delete_while_rekeying, .goal = sim_is_down,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("liveness_keeps_an_idle_tunnel", PLAIN, .run = idle_for_long, .goal = up_with_one_child,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("a_dead_peer_comes_back", PLAIN, .run = b_dies_and_comes_back, .goal = ike_was_replaced,
                    .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("shutdown_says_goodbye", BY_HAND, .run = shut_down, .goal = sim_is_down,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("idle_child_is_closed", .conf_a = TUNNEL_A("  start = no\n" IDLES),
                    .conf_b = TUNNEL_B("  dpd_delay = 0\n  updown = /bin/true\n"),
                    .run = talk_and_fall_silent, .goal = idle_child_is_gone,
                    .goal_within = 400 * TIME_SECOND),
    {.name = "a_dead_peer_is_noticed",
                                      BY_HAND, .run = b_dies_for_good,
                                      .goal = a_has_let_go,
                                      .goal_within = 240 * TIME_SECOND},
    {.name = "the_initiator_restarts",
                                      PLAIN, .run = a_restarts,
                                      .goal = up_with_one_child,
                                      .goal_within = 25 * TIME_SECOND},
    {.name = "the_responder_restarts",
                                      PLAIN, .run = b_restarts,
                                      .goal = up_with_one_child,
                                      .goal_within = 25 * TIME_SECOND},
    {.name = "both_start_at_once_on_a_clean_network",
                                      .conf_a = TUNNEL_A(""),
                                      .conf_b = TUNNEL_B_STARTS(""),
                                      .weather = CLEAN,
                                      .run = let_it_start,
                                      .goal = up_with_one_child,
                                      .goal_within = 60 * TIME_SECOND},
    {.name = "both_start_at_once_under_loss",
                                      .conf_a = TUNNEL_A(""),
                                      .conf_b = TUNNEL_B_STARTS(""),
                                      .weather = LOSS,
                                      .run = let_it_start,
                                      .goal = up_with_one_child,
                                      .goal_within = 400 * TIME_SECOND},
    {.name = "both_start_at_once_under_duplication",
                                      .conf_a = TUNNEL_A(""),
                                      .conf_b = TUNNEL_B_STARTS(""),
                                      .weather = DUPLICATION,
                                      .run = let_it_start,
                                      .goal = up_with_one_child,
                                      .goal_within = 400 * TIME_SECOND},
    {.name = "both_start_at_once_under_reordering",
                                      .conf_a = TUNNEL_A(""),
                                      .conf_b = TUNNEL_B_STARTS(""),
                                      .weather = REORDERING,
                                      .run = let_it_start,
                                      .goal = up_with_one_child,
                                      .goal_within = 400 * TIME_SECOND},
    {.name = "the_nat_rebinds_under_traffic",
                                      PLAIN, .weather = NATTED,
                                      .run = nat_rebinds,
                                      .goal = up_with_one_child,
                                      .goal_within = 60 * TIME_SECOND},
    {.name = "the_nat_rebinds_while_idle",
                                      PLAIN, .weather = NATTED,
                                      .run = nat_rebinds_while_idle,
                                      .goal = up_with_one_child,
                                      .goal_within = 60 * TIME_SECOND},
    {0},
};
