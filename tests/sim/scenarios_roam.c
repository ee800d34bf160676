/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways that move while their tunnel lives: with MOBIKE (RFC 4555) by one end or the other, over paths
 * that die without a word, in and out of NATs, from IPv4 to IPv6; without MOBIKE as far as RFC 7296 section
 * 2.23 goes; and an attacker on the way who writes other source addresses into what passes. The IKE SA has to
 * live on wherever the RFC lets it, and in the end both ends and all their ESP SAs agree about where they
 * are. */
#include "conf.h"
#include "sim.h"

#define NO_MOBIKE "  mobike = no\n"

static const struct ip *ips(void)
{
    static struct ip v[8];
    v[0] = ip4(192, 0, 2, 77);    /* A's next */
    v[1] = ip4(192, 0, 2, 78);    /* A's second */
    v[2] = ip4(198, 51, 100, 77); /* B's next */
    v[3] = ip4(10, 9, 9, 9);      /* A's behind a NAT */
    ip_parse("2001:db8:a::1", &v[4]);
    ip_parse("2001:db8:b::2", &v[5]);
    v[6] = ip4(203, 0, 113, 66); /* the victim */
    v[7] = ip4(203, 0, 113, 8);  /* another NAT */
    return v;
}
enum { A_NEXT, A_SECOND, B_NEXT, A_HIDDEN, A_SIX, B_SIX, VICTIM, NAT_NEXT };
#define IP(x) (ips()[x])

/* ---- agreement */

static bool sas_follow(const struct node *n, const struct ike_view *v)
{
    bool follow = n->n_sas > 0;
    for (size_t i = 0; i < n->n_sas; i++)
        follow = follow && endpoint_equal(&n->sas[i].local, &v->local) &&
                 endpoint_equal(&n->sas[i].remote, &v->remote);
    return follow;
}

static bool is_seen_at(const struct net *net, const struct endpoint *own, const struct endpoint *seen)
{
    if (!net->nat.is_on || !ip_equal(own->ip, net->nat.inside))
        return endpoint_equal(own, seen);
    for (size_t i = 0; i < net->nat.n; i++) {
        if (net->nat.map[i].in == own->port && net->nat.map[i].out == seen->port)
            return ip_equal(seen->ip, net->nat.outside);
    }
    return false;
}

static bool agree(struct sim *s)
{
    struct ike_view a, b;
    if (!sim_is_up(s, 1) || !engine_ike_at(s->node[A].engine, 0, &a) ||
        !engine_ike_at(s->node[B].engine, 0, &b))
        return false;
    return node_has_address(&s->node[A], a.local.ip) && node_has_address(&s->node[B], b.local.ip) &&
           is_seen_at(&s->net, &a.local, &b.remote) && endpoint_equal(&b.local, &a.remote) &&
           sas_follow(&s->node[A], &a) && sas_follow(&s->node[B], &b);
}

/* The very IKE SA that was there when it began. */
static bool agree_in_the_old_sa(struct sim *s)
{
    return agree(s) && !sim_ike_is_new(s);
}

static void begin(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, TIME_SECOND);
}

/* ---- one end moves */

static void initiator_roams(struct sim *s)
{
    begin(s);
    for (int i = 0; i < 5; i++) {
        node_readdress(&s->node[A], IP(i % 2 ? A_SECOND : A_NEXT), NULL);
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 8) * TIME_SECOND);
    }
}

static void responder_roams(struct sim *s)
{
    begin(s);
    node_readdress(&s->node[B], IP(B_NEXT), NULL);
    sim_run(s, 20 * TIME_SECOND);
}

/* Away for less than what requests wait. */
static void away_and_back(struct sim *s)
{
    begin(s);
    struct ip home = s->node[A].address;
    node_readdress(&s->node[A], (struct ip){0}, NULL);
    sim_run(s, 100 * TIME_SECOND);
    node_readdress(&s->node[A], sim_chance(&s->net.rng, 50) ? home : IP(A_NEXT), NULL);
    sim_run(s, 5 * TIME_SECOND);
}

static void moves_during_rekeys(struct sim *s)
{
    begin(s);
    for (int i = 0; i < 4; i++) {
        node_command(&s->node[i == 1], COMMAND_REKEY, "net", i < 2 ? NULL : "net");
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 30) * TIME_MS);
        node_readdress(&s->node[A], IP(i % 2 ? A_SECOND : A_NEXT), NULL);
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 4) * TIME_SECOND);
    }
}

/* There and back before anybody has got used to it, while both ends rekey. */
static void darts_about_during_rekeys(struct sim *s)
{
    begin(s);
    for (int i = 0; i < 12; i++) {
        if (i % 3 == 0)
            node_command(&s->node[i % 2], COMMAND_REKEY, "net", NULL);
        node_readdress(&s->node[A], i % 2 ? ip4(192, 0, 2, 1) : IP(A_NEXT), NULL);
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 400) * TIME_MS);
    }
}

/* ---- paths that die */

static void second_addresses(struct sim *s)
{
    struct ip a = IP(A_NEXT), b = IP(B_NEXT);
    node_readdress(&s->node[A], s->node[A].address, &a);
    node_readdress(&s->node[B], s->node[B].address, &b);
    sim_run(s, 5 * TIME_SECOND);
}

static void kill_address(struct sim *s, struct ip ip)
{
    s->net.dead[s->net.n_dead++] = ip;
}

static void path_of_the_initiator_dies(struct sim *s)
{
    begin(s);
    second_addresses(s);
    kill_address(s, s->node[A].address);
    sim_run(s, 60 * TIME_SECOND);
}

static void path_of_the_responder_dies(struct sim *s)
{
    begin(s);
    second_addresses(s);
    kill_address(s, s->node[B].address);
    sim_run(s, 60 * TIME_SECOND);
}

static void both_paths_die(struct sim *s)
{
    begin(s);
    second_addresses(s);
    kill_address(s, s->node[A].address);
    kill_address(s, s->node[B].address);
    sim_run(s, 60 * TIME_SECOND);
}

static void four_to_six(struct sim *s)
{
    begin(s);
    struct ip a = IP(A_SIX), b = IP(B_SIX);
    node_readdress(&s->node[A], s->node[A].address, &a);
    node_readdress(&s->node[B], s->node[B].address, &b);
    sim_run(s,
            30 * TIME_SECOND); /* each has heard of the other's: without that nobody could know where to go */
    node_readdress(&s->node[A], a, NULL);
    sim_run(s, 40 * TIME_SECOND);
}

/* ---- NATs */

static void behind_a_nat_and_out(struct sim *s)
{
    begin(s);
    struct ip home = s->node[A].address;
    s->net.nat.is_on = true;
    s->net.nat.inside = IP(A_HIDDEN);
    s->net.nat.outside = ip4(203, 0, 113, 7);
    node_readdress(&s->node[A], IP(A_HIDDEN), NULL);
    sim_run(s, 30 * TIME_SECOND);
    if (sim_chance(&s->net.rng, 50))
        node_readdress(&s->node[A], home, NULL);
    sim_run(s, 10 * TIME_SECOND);
}

static void nat_rebinds_and_moves(struct sim *s)
{
    begin(s);
    net_nat_rebind(&s->net);
    sim_run(s, 20 * TIME_SECOND);
    net_nat_rebind(&s->net);
    s->net.nat.outside = IP(NAT_NEXT);
    sim_run(s, 20 * TIME_SECOND);
}

static void address_behind_the_nat_changes(struct sim *s)
{
    begin(s);
    net_nat_rebind(&s->net);
    s->net.nat.inside = IP(A_HIDDEN);
    node_readdress(&s->node[A], IP(A_HIDDEN), NULL);
    sim_run(s, 20 * TIME_SECOND);
}

/* ---- the attacker */

static void attacked(struct sim *s)
{
    begin(s);
    s->net.victim = IP(VICTIM);
    s->net.rewritten = 20;
    for (int i = 0; i < 4; i++) {
        if (i % 2)
            node_readdress(&s->node[A], IP(i % 4 == 1 ? A_NEXT : A_SECOND), NULL);
        sim_run(s, 10 * TIME_SECOND);
    }
    s->net.rewritten = 0;
}

/* Nothing but the requests that ask who is there, and answers to where a request seemed to come from. */
static bool agree_and_the_victim_was_spared(struct sim *s)
{
    if (s->net.esp_to_victim)
        sim_fail(s, "%llu ESP packets went to somebody who never asked",
                 (unsigned long long)s->net.esp_to_victim);
    if (s->net.ike_to_victim > 200)
        sim_fail(s, "%llu IKE packets went to somebody who never asked",
                 (unsigned long long)s->net.ike_to_victim);
    return agree(s);
}

#define SOON         .goal_within = 120 * TIME_SECOND
#define PAIR         .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B("")
#define PAIR_WITHOUT .conf_a = TUNNEL_A(NO_MOBIKE), .conf_b = TUNNEL_B(NO_MOBIKE)
/* Without the NAT, which a gateway leaves when it moves. */
#define IN_OPEN_WEATHERS(base, ...)                                                                          \
    IN_WEATHER(base, CLEAN, "on_a_clean_network", __VA_ARGS__),                                              \
        IN_WEATHER(base, LOSS, "under_loss", __VA_ARGS__),                                                   \
        IN_WEATHER(base, STORM, "in_a_storm", __VA_ARGS__)
#define IN_NATTED_WEATHERS(base, ...)                                                                        \
    IN_WEATHER(base, NATTED, "behind_a_nat", __VA_ARGS__),                                                   \
        IN_WEATHER(base, ALL_OF_IT, "in_all_weathers_at_once", __VA_ARGS__)

const struct scenario scenarios_roam[] = {
    IN_OPEN_WEATHERS("the_initiator_roams", PAIR, .run = initiator_roams, .goal = agree_in_the_old_sa, SOON),
    IN_OPEN_WEATHERS("the_responder_roams", PAIR, .run = responder_roams, .goal = agree_in_the_old_sa, SOON),
    IN_OPEN_WEATHERS("the_initiator_has_no_address_for_a_while", PAIR, .run = away_and_back,
                     .goal = agree_in_the_old_sa, SOON),
    IN_OPEN_WEATHERS("the_initiator_roams_during_rekeys", PAIR, .run = moves_during_rekeys, .goal = agree,
                     SOON),
    IN_OPEN_WEATHERS("the_initiator_darts_about_during_rekeys", PAIR, .run = darts_about_during_rekeys,
                     .goal = agree, SOON),
    IN_OPEN_WEATHERS("the_path_dies_at_the_initiator", PAIR, .run = path_of_the_initiator_dies,
                     .goal = agree_in_the_old_sa, SOON),
    IN_OPEN_WEATHERS("the_path_dies_at_the_responder", PAIR, .run = path_of_the_responder_dies,
                     .goal = agree_in_the_old_sa, SOON),
    IN_OPEN_WEATHERS("the_path_dies_at_both_ends", PAIR, .run = both_paths_die, .goal = agree_in_the_old_sa,
                     SOON),
    IN_OPEN_WEATHERS("the_tunnel_moves_to_ipv6", PAIR, .run = four_to_six, .goal = agree_in_the_old_sa, SOON),
    IN_OPEN_WEATHERS("the_initiator_moves_behind_a_nat", PAIR, .run = behind_a_nat_and_out,
                     .goal = agree_in_the_old_sa, SOON),
    IN_NATTED_WEATHERS("the_nat_rebinds_and_moves", PAIR, .run = nat_rebinds_and_moves,
                       .goal = agree_in_the_old_sa, SOON),
    IN_NATTED_WEATHERS("the_nat_rebinds_and_moves_without_mobike", PAIR_WITHOUT, .run = nat_rebinds_and_moves,
                       .goal = agree_in_the_old_sa, SOON),
    IN_NATTED_WEATHERS("the_address_behind_the_nat_changes", PAIR, .run = address_behind_the_nat_changes,
                       .goal = agree_in_the_old_sa, SOON),
    IN_NATTED_WEATHERS("the_address_behind_the_nat_changes_without_mobike", PAIR_WITHOUT,
                       .run = address_behind_the_nat_changes, .goal = agree_in_the_old_sa, SOON),
    IN_OPEN_WEATHERS("sources_are_rewritten_on_the_way", PAIR, .run = attacked,
                     .goal = agree_and_the_victim_was_spared, SOON),
    {0},
};
