/* SPDX-License-Identifier: Apache-2.0 */
/* IKE and ESP in TCP (RFC 9329): always, and when UDP is dead; connections that break at random while
 * exchanges of both sides and traffic run over them; a responder that is killed; UDP that dies under a
 * tunnel; an initiator that roams between networks that let UDP pass and such that do not. */
#include "conf.h"
#include "sim.h"

#define ALWAYS   "  tcp = always\n"
#define FALLBACK "  tcp = fallback\n"

static bool is_in_tcp(const struct node *n)
{
    struct ike_view v;
    struct child_view c;
    return engine_ike_at(n->engine, 0, &v) && engine_child_at(n->engine, v.id, 0, &c) && c.is_in_tcp &&
           tcp_is_open(n->sim, (int)(n - n->sim->node), v.remote.stream);
}

static bool up_in_tcp(struct sim *s)
{
    return sim_is_up(s, 1) && is_in_tcp(&s->node[A]) && is_in_tcp(&s->node[B]);
}

static bool up_in_udp(struct sim *s)
{
    return sim_is_up(s, 1) && !is_in_tcp(&s->node[A]) && !is_in_tcp(&s->node[B]);
}

static bool up_either_way(struct sim *s)
{
    return sim_is_up(s, 1) && is_in_tcp(&s->node[A]) == is_in_tcp(&s->node[B]);
}

static void shut_udp(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_run(s, 60 * TIME_SECOND);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

/* A connection that breaks is a rare thing beside all that goes over it, and still happens often here. */
static void break_connections(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->has_traffic = true;
    s->tcp.breaks = 1;
    /* one of them: an answer that is lost with two connections and more is late by half a minute, and what it
     * made may not be rekeyed by the other end before that */
    struct node *who = &s->node[sim_rand_below(&s->net.rng, NODES)];
    for (int i = 0; i < 6; i++) {
        node_command(who, COMMAND_REKEY, "net", i % 2 ? "net" : NULL);
        sim_run(s, 20 * TIME_SECOND);
    }
    s->tcp.breaks = 0;
    if (!s->tcp.broken || !s->tcp.cut || !s->tcp.joined)
        sim_fail(s, "%llu connections broke, %llu messages were cut, %llu joined",
                 (unsigned long long)s->tcp.broken, (unsigned long long)s->tcp.cut,
                 (unsigned long long)s->tcp.joined);
}

static void rekey_under_traffic(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->has_traffic = true;
    for (int i = 0; i < 4; i++) {
        node_command(&s->node[A], COMMAND_REKEY, "net", i % 2 ? "net" : NULL);
        node_command(&s->node[B], COMMAND_REKEY, "net", i % 2 ? NULL : "net");
        sim_run(s, 20 * TIME_SECOND);
    }
    if (s->tcp.opened != 1)
        sim_fail(s, "%llu connections for one line of rekeys", (unsigned long long)s->tcp.opened);
}

static void kill_the_responder(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->has_traffic = true;
    node_kill(&s->node[B]);
    sim_run(s, 40 * TIME_SECOND);
    node_restart(&s->node[B]);
    node_load(&s->node[B], TUNNEL_B(""));
    sim_run(s, 20 * TIME_SECOND);
}

static void udp_dies(struct sim *s)
{
    sim_establish(s, 1);
    if (!up_in_udp(s))
        sim_fail(s, "UDP passed and was not used");
    s->has_traffic = true;
    s->net.is_udp_shut = true;
    sim_run(s, 30 * TIME_SECOND);
}

static void shut_both_for_a_while(struct sim *s)
{
    s->net.is_udp_shut = s->tcp.is_shut = true;
    sim_run(s, 300 * TIME_SECOND);
    s->tcp.is_shut = false;
}

static void take_it_down(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->tcp.breaks = 20;
    node_command(&s->node[A], COMMAND_TERMINATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
    s->tcp.breaks = 0;
}

/* ---- roaming [RFC9329#7.1] */

static bool in_the_old_sa(struct sim *s)
{
    return !sim_ike_is_new(s);
}

static bool roamed_to_tcp(struct sim *s)
{
    return up_in_tcp(s) && in_the_old_sa(s);
}

static bool roamed_either_way(struct sim *s)
{
    return up_either_way(s) && in_the_old_sa(s);
}

static bool roamed_to_udp(struct sim *s)
{
    return up_in_udp(s) && in_the_old_sa(s);
}

static void roam(struct sim *s, uint8_t to, bool is_udp_shut)
{
    s->net.is_udp_shut = is_udp_shut;
    node_readdress(&s->node[A], ip4(192, 0, 2, to), NULL);
}

static void from_udp_to_tcp(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, TIME_SECOND);
    roam(s, 77, true);
    sim_run(s, 5 * TIME_SECOND);
}

static void from_tcp_to_udp(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, TIME_SECOND);
    roam(s, 77, false);
    sim_run(s, 5 * TIME_SECOND);
}

static void from_tcp_to_tcp(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, TIME_SECOND);
    roam(s, 77, true);
    sim_run(s, 5 * TIME_SECOND);
}

/* ---- UDP again, on the same network */

static void udp_comes_back(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->has_traffic = true;
    s->net.is_udp_shut = false;
    sim_run(s, 11 * 60 * TIME_SECOND);
}

static void udp_stays_dead(struct sim *s)
{
    s->net.is_udp_shut = true;
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, 32 * 60 * TIME_SECOND);
}

/* There and back, before anything has settled and after, while both ends rekey. */
static void roams_and_rekeys(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    for (int i = 0; i < 8; i++) {
        if (i % 2 == 0)
            node_command(&s->node[i / 2 % 2], COMMAND_REKEY, "net", i % 4 ? "net" : NULL);
        roam(s, (uint8_t)(77 + i), sim_chance(&s->net.rng, 50));
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 12) * TIME_SECOND);
    }
    roam(s, 66, true);
}

static bool down_and_closed(struct sim *s)
{
    bool is_any = false;
    for (size_t i = 0; i < TCP_CONNECTIONS; i++)
        is_any |= s->tcp.v[i].is_used;
    return sim_is_down(s) && !is_any;
}

#define SOON .goal_within = 300 * TIME_SECOND

const struct scenario scenarios_tcp[] = {
    IN_ALL_WEATHERS("tcp_always", .conf_a = TUNNEL_A(ALWAYS), .conf_b = TUNNEL_B(""), .run = shut_udp,
                    .goal = up_in_tcp, SOON),
    IN_ALL_WEATHERS("tcp_when_udp_is_dead", .conf_a = TUNNEL_A(FALLBACK), .conf_b = TUNNEL_B(""),
                    .run = shut_udp, .goal = up_in_tcp, .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("tcp_only_if_need_be", .conf_a = TUNNEL_A(FALLBACK), .conf_b = TUNNEL_B(""),
                    .run = let_it_start, .goal = up_either_way, SOON),
    IN_WEATHER("tcp_is_not_used_where_udp_passes", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(FALLBACK),
               .conf_b = TUNNEL_B(""), .run = let_it_start, .goal = up_in_udp, SOON),
    IN_ALL_WEATHERS("tcp_connections_break", .conf_a = TUNNEL_A(ALWAYS), .conf_b = TUNNEL_B(""),
                    .run = break_connections, .goal = up_in_tcp, SOON),
    IN_WEATHER("tcp_is_rekeyed_under_traffic", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(ALWAYS),
               .conf_b = TUNNEL_B(""), .run = rekey_under_traffic, .goal = up_in_tcp, SOON,
               .needs_lossless_traffic = true),
    IN_WEATHER("tcp_is_rekeyed_under_traffic", LOSS, "under_loss", .conf_a = TUNNEL_A(ALWAYS),
               .conf_b = TUNNEL_B(""), .run = rekey_under_traffic, .goal = up_in_tcp, SOON),
    IN_ALL_WEATHERS("tcp_survives_a_killed_responder", .conf_a = TUNNEL_A(ALWAYS), .conf_b = TUNNEL_B(""),
                    .run = kill_the_responder, .goal = up_in_tcp, SOON),
    IN_ALL_WEATHERS("tcp_takes_over_when_udp_dies", .conf_a = TUNNEL_A(FALLBACK), .conf_b = TUNNEL_B(""),
                    .run = udp_dies, .goal = up_in_tcp, .goal_within = 120 * TIME_SECOND),
    IN_WEATHER("tcp_after_both_were_shut", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(FALLBACK),
               .conf_b = TUNNEL_B(""), .run = shut_both_for_a_while, .goal = up_in_tcp, SOON),
    IN_ALL_WEATHERS("tcp_is_where_udp_users_roam_to", .conf_a = TUNNEL_A(FALLBACK), .conf_b = TUNNEL_B(""),
                    .run = from_udp_to_tcp, .goal = roamed_to_tcp, .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("tcp_is_left_by_roaming", .conf_a = TUNNEL_A(FALLBACK), .conf_b = TUNNEL_B(""),
                    .run = from_tcp_to_udp, .goal = up_either_way, .goal_within = 60 * TIME_SECOND),
    IN_WEATHER("tcp_is_left_for_udp_by_roaming", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(FALLBACK),
               .conf_b = TUNNEL_B(""), .run = from_tcp_to_udp, .goal = roamed_to_udp,
               .goal_within = 10 * TIME_SECOND),
    IN_ALL_WEATHERS("tcp_roams_to_tcp", .conf_a = TUNNEL_A(FALLBACK), .conf_b = TUNNEL_B(""),
                    .run = from_tcp_to_tcp, .goal = roamed_to_tcp, .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("tcp_always_roams", .conf_a = TUNNEL_A(ALWAYS), .conf_b = TUNNEL_B(""),
                    .run = from_udp_to_tcp, .goal = roamed_to_tcp, .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("tcp_and_udp_while_roaming_and_rekeying", .conf_a = TUNNEL_A(FALLBACK),
                    .conf_b = TUNNEL_B(""), .run = roams_and_rekeys, .goal = up_in_tcp, SOON),
    IN_WEATHER("tcp_is_left_when_udp_is_back", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(FALLBACK),
               .conf_b = TUNNEL_B(""), .run = udp_comes_back, .goal = roamed_to_udp,
               .goal_within = 10 * TIME_SECOND),
    IN_WEATHER("tcp_is_left_when_udp_is_back", LOSS, "under_loss", .conf_a = TUNNEL_A(FALLBACK),
               .conf_b = TUNNEL_B(""), .run = udp_comes_back, .goal = roamed_either_way,
               .goal_within = 60 * TIME_SECOND),
    IN_WEATHER("tcp_is_left_when_udp_is_back", ALL_OF_IT, "in_all_weathers_at_once",
               .conf_a = TUNNEL_A(FALLBACK), .conf_b = TUNNEL_B(""), .run = udp_comes_back,
               .goal = roamed_either_way, .goal_within = 60 * TIME_SECOND),
    IN_WEATHER("tcp_stays_while_udp_is_dead", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(FALLBACK),
               .conf_b = TUNNEL_B(""), .run = udp_stays_dead, .goal = roamed_to_tcp,
               .goal_within = 10 * TIME_SECOND, .needs_lossless_traffic = true),
    IN_ALL_WEATHERS("tcp_is_closed_with_the_tunnel", .conf_a = TUNNEL_A(ALWAYS), .conf_b = TUNNEL_B(""),
                    .run = take_it_down, .goal = down_and_closed, SOON),
    {0},
};
