/* SPDX-License-Identifier: Apache-2.0 */
/* ESP in UDP or as protocol 50: encap at either end, with traffic; a firewall that shuts UDP port 4500; and
 * that an idle tunnel sends no keepalives for a NAT that is not there. */
#include "conf.h"
#include "sim.h"

#define NO "  encap = no\n"

static bool goes_in_udp(const struct node *n)
{
    struct ike_view v;
    struct child_view c;
    return engine_ike_at(n->engine, 0, &v) && engine_child_at(n->engine, v.id, 0, &c) && c.has_encap;
}

static bool up_in_udp(struct sim *s)
{
    return sim_is_up(s, 1) && goes_in_udp(&s->node[A]) && goes_in_udp(&s->node[B]);
}

static bool up_as_protocol_50(struct sim *s)
{
    return sim_is_up(s, 1) && !goes_in_udp(&s->node[A]) && !goes_in_udp(&s->node[B]);
}

static bool up_either_way(struct sim *s)
{
    return sim_is_up(s, 1) && goes_in_udp(&s->node[A]) == goes_in_udp(&s->node[B]);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void shut_4500(struct sim *s)
{
    s->net.is_4500_shut = true;
    sim_run(s, 60 * TIME_SECOND);
}

static void keep_busy_and_rekey(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
    node_command(&s->node[B], COMMAND_REKEY, "net", "net");
    sim_run(s, 30 * TIME_SECOND);
}

static void idle_for_an_hour(struct sim *s)
{
    sim_establish(s, 1);
    sim_run(s, 3600 * TIME_SECOND);
    bool is_hidden = s->net.nat.is_on;
    if ((s->net.keepalives > 0) != is_hidden)
        sim_fail(s, "%llu keepalives in an hour %s a NAT", (unsigned long long)s->net.keepalives,
                 is_hidden ? "behind" : "without");
}

/* The responder forgets what it learnt with its process; so does the initiator. */
static void shut_4500_and_restart(struct sim *s)
{
    s->net.is_4500_shut = true;
    sim_run(s, 60 * TIME_SECOND);
    node_kill(&s->node[B]);
    node_restart(&s->node[B]);
    node_load(&s->node[B], TUNNEL_B(""));
    sim_run(s, 60 * TIME_SECOND);
}

#define SOON .goal_within = 300 * TIME_SECOND

/* encap = auto where there is no NAT: userspace asks for UDP, the kernel does not. */
static bool up_as_auto_says(struct sim *s)
{
    return sim_plane == PLANE_KERNEL ? up_as_protocol_50(s) : up_in_udp(s);
}

const struct scenario scenarios_encap[] = {
    IN_ALL_WEATHERS("encap_auto_at_both_ends", .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B(""),
                    .run = let_it_start, .goal = up_either_way, SOON),
    IN_ALL_WEATHERS("encap_no_at_both_ends", .conf_a = TUNNEL_A(NO), .conf_b = TUNNEL_B(NO),
                    .run = let_it_start, .goal = up_either_way, SOON),
    IN_WEATHER("encap_auto_is_udp", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(""), .run = let_it_start, .goal = up_as_auto_says, SOON),
    IN_WEATHER("encap_auto_is_udp", NATTED, "behind_a_nat", .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B(""),
               .run = let_it_start, .goal = up_in_udp, SOON),
    IN_WEATHER("encap_no_is_protocol_50", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(NO),
               .conf_b = TUNNEL_B(NO), .run = let_it_start, .goal = up_as_protocol_50, SOON),
    IN_WEATHER("encap_no_is_udp", NATTED, "behind_a_nat", .conf_a = TUNNEL_A(NO), .conf_b = TUNNEL_B(NO),
               .run = let_it_start, .goal = up_in_udp, SOON),
    IN_WEATHER("encap_auto_meets_no", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(NO), .run = let_it_start, .goal = up_as_auto_says, SOON),
    IN_WEATHER("encap_no_meets_auto", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(NO),
               .conf_b = TUNNEL_B(""), .run = let_it_start, .goal = up_as_auto_says, SOON),
    IN_WEATHER("encap_auto_is_rekeyed_under_traffic", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(""), .run = keep_busy_and_rekey, .goal = up_as_auto_says, SOON,
               .needs_lossless_traffic = true),
    IN_WEATHER("encap_no_is_rekeyed_under_traffic", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(NO),
               .conf_b = TUNNEL_B(NO), .run = keep_busy_and_rekey, .goal = up_as_protocol_50, SOON,
               .needs_lossless_traffic = true),
    IN_WEATHER("keepalives_of_an_idle_tunnel", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(""), .run = idle_for_an_hour, .goal = up_as_auto_says, SOON),
    IN_WEATHER("keepalives_of_an_idle_tunnel", NATTED, "behind_a_nat", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(""), .run = idle_for_an_hour, .goal = up_in_udp, SOON),
    IN_WEATHER("port_4500_is_shut", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(""), .run = shut_4500, .goal = up_as_protocol_50, SOON),
    IN_WEATHER("port_4500_is_shut", LOSS, "under_loss", .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B(""),
               .run = shut_4500, .goal = up_as_protocol_50, SOON),
    IN_WEATHER("port_4500_is_shut", DUPLICATION, "under_duplication", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(""), .run = shut_4500, .goal = up_as_protocol_50, SOON),
    IN_WEATHER("port_4500_is_shut", REORDERING, "under_reordering", .conf_a = TUNNEL_A(""),
               .conf_b = TUNNEL_B(""), .run = shut_4500, .goal = up_as_protocol_50, SOON),
    IN_WEATHER("port_4500_is_shut_for_a_peer_that_says_no", CLEAN, "on_a_clean_network",
               .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B(NO), .run = shut_4500, .goal = up_as_protocol_50,
               SOON),
    IN_WEATHER("port_4500_is_shut_for_an_initiator_that_says_no", CLEAN, "on_a_clean_network",
               .conf_a = TUNNEL_A(NO), .conf_b = TUNNEL_B(""), .run = shut_4500, .goal = up_as_protocol_50,
               SOON),
    IN_WEATHER("port_4500_is_shut_and_the_responder_restarts", CLEAN, "on_a_clean_network",
               .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B(""), .run = shut_4500_and_restart,
               .goal = up_as_protocol_50, SOON),
    {0},
};
