/* SPDX-License-Identifier: Apache-2.0 */
/* Redirection (RFC 5685): b has two addresses, and sends a from one to the other, in IKE_SA_INIT, in
 * IKE_AUTH, and while the tunnel lives, alone and beside a rekeying, and with MOBIKE, which must not take a
 * back. */
#include "conf.h"
#include "engine/engine.h"
#include "sim.h"

static const struct ip first = {
    .family = 4, .b = {198, 51, 100, 2}
};
static const struct ip second = {
    .family = 4, .b = {198, 51, 100, 3}
};

static void two_addresses(struct sim *s)
{
    node_readdress(&s->node[B], first, &second);
}

static bool is_at_second(struct sim *s)
{
    struct ike_view a, b;
    return sim_is_up(s, 1) && engine_ike_at(s->node[A].engine, 0, &a) &&
           engine_ike_at(s->node[B].engine, 0, &b) && ip_equal(a.remote.ip, second) &&
           ip_equal(b.local.ip, second);
}

/* The gateway asks once. When the IKE SA with it dies before the other one stands, that is forgotten. */
static bool is_at_second_or_begun_anew(struct sim *s)
{
    return is_at_second(s) || (sim_is_up(s, 1) && sim_ike_is_new(s));
}

static void let_it_start(struct sim *s)
{
    two_addresses(s);
    sim_run(s, 60 * TIME_SECOND);
}

static bool is_up_somewhere(struct sim *s)
{
    return sim_is_up(s, 1);
}

/* An answer says how many were told: none, while the tunnel happens to be down. */
static void tell(struct sim *s)
{
    node_redirect(&s->node[B], "net", second);
}

static void redirect_in_life(struct sim *s)
{
    two_addresses(s);
    sim_establish(s, 1);
    tell(s);
    sim_run(s, 60 * TIME_SECOND);
}

/* Each side may rekey the IKE SA or the child a moment before or after. */
static void redirect_beside_a_rekeying(struct sim *s)
{
    two_addresses(s);
    sim_establish(s, 1);
    bool is_ike = sim_chance(&s->net.rng, 70), is_first = sim_chance(&s->net.rng, 50);
    struct node *n = &s->node[sim_chance(&s->net.rng, 50) ? A : B];
    if (!is_first)
        tell(s);
    sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 300 * TIME_MS));
    node_command(n, COMMAND_REKEY, "net", is_ike ? NULL : "net");
    sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 300 * TIME_MS));
    if (is_first)
        tell(s);
    sim_run(s, 60 * TIME_SECOND);
}

/* Who was redirected moves, and stays with the gateway that has the IKE SA. */
static void redirect_and_roam(struct sim *s)
{
    redirect_in_life(s);
    node_readdress(&s->node[A], ip4(192, 0, 2, 77), NULL);
    sim_run(s, 30 * TIME_SECOND);
}

/* b, who is both gateways, would tell of both addresses with MOBIKE. */
#define STAYS         "  mobike = no\n"
#define CLIENT        TUNNEL_A(STAYS)
#define GATEWAY(more) TUNNEL_B(STAYS more)
#define GOAL          .goal_within = 400 * TIME_SECOND

const struct scenario scenarios_redirect[] = {
    IN_ALL_WEATHERS("redirected_in_ike_sa_init", .conf_a = CLIENT,
                    .conf_b = GATEWAY("  redirect = 198.51.100.3\n"), .run = let_it_start,
                    .goal = is_at_second, GOAL),
    IN_ALL_WEATHERS("redirected_in_ike_auth", .conf_a = CLIENT,
                    .conf_b = GATEWAY("  redirect = 198.51.100.3\n  redirect_when = auth\n"),
                    .run = let_it_start, .goal = is_at_second, GOAL),
#define LIVES(weather, suffix, wanted)                                                                       \
    IN_WEATHER("redirected_while_it_lives", weather, suffix, .conf_a = CLIENT, .conf_b = GATEWAY(""),        \
               .run = redirect_in_life, .goal = wanted, GOAL)
    LIVES(CLEAN, "on_a_clean_network", is_at_second),
    LIVES(DUPLICATION, "under_duplication", is_at_second),
    LIVES(REORDERING, "under_reordering", is_at_second),
    LIVES(NATTED, "behind_a_nat", is_at_second),
    LIVES(LOSS, "under_loss", is_at_second_or_begun_anew),
    LIVES(ALL_OF_IT, "in_all_weathers_at_once", is_at_second_or_begun_anew),
    IN_ALL_WEATHERS("redirected_beside_a_rekeying", .conf_a = CLIENT, .conf_b = GATEWAY(""),
                    .run = redirect_beside_a_rekeying, .goal = is_up_somewhere, GOAL),
    IN_ALL_WEATHERS("redirected_and_roaming", .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B(""),
                    .run = redirect_and_roam, .goal = is_up_somewhere, GOAL),
    {0},
};
