/* SPDX-License-Identifier: Apache-2.0 */
/* Transport and BEET mode: granted, declined, rekeyed under traffic, and through a NAT, where each end has
 * its own idea of the addresses and every checksum must hold all the same. */
#include "conf.h"
#include "sim.h"

#define HOST_A(extra)                                                                                        \
    "tunnel net {\n  peer = 198.51.100.2\n  id = a.test\n  peer_id = b.test\n" PSK extra "}\n"
#define HOST_B(extra) "tunnel net {\n  id = b.test\n  peer_id = a.test\n" PSK "  start = no\n" extra "}\n"
#define TRANSPORT     "  mode = transport\n"
#define BEET_A        "  mode = beet\n  local = 10.10.0.1/32\n  remote = 10.20.0.1/32\n"
#define BEET_B        "  mode = beet\n  local = 10.20.0.1/32\n  remote = 10.10.0.1/32\n"

/* Traffic is between the gateways themselves, and each has an address for the other. */
static void between_gateways(struct sim *s)
{
    s->node[A].inside = s->node[A].address;
    s->node[B].inside = s->node[B].address;
    s->node[A].peer = s->node[B].address;
    s->node[B].peer = s->net.nat.is_on ? s->net.nat.outside : s->node[A].address;
}

static bool is_up_in(struct sim *s, enum child_mode mode)
{
    struct ike_view v;
    struct child_view c;
    return sim_is_up(s, 1) && engine_ike_at(s->node[A].engine, 0, &v) &&
           engine_child_at(s->node[A].engine, v.id, 0, &c) && c.mode == mode;
}

static bool up_in_transport_mode(struct sim *s)
{
    return is_up_in(s, MODE_TRANSPORT);
}

static bool up_in_tunnel_mode(struct sim *s)
{
    return is_up_in(s, MODE_TUNNEL);
}

static bool up_in_beet_mode(struct sim *s)
{
    return is_up_in(s, MODE_BEET);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void start_between_gateways(struct sim *s)
{
    between_gateways(s);
    let_it_start(s);
}

/* One after the other, with time for each under loss. */
static void rekey_all(struct sim *s)
{
    s->has_traffic = true;
    node_command(&s->node[A], COMMAND_REKEY, "net", "net");
    sim_run(s, 120 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    sim_run(s, 120 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, "net", "net");
    sim_run(s, 120 * TIME_SECOND);
    s->has_traffic = false;
}

static void rekey_transport(struct sim *s)
{
    between_gateways(s);
    sim_establish(s, 1);
    rekey_all(s);
}

static void rekey_beet(struct sim *s)
{
    sim_establish(s, 1);
    rekey_all(s);
}

/* The mapping's port changes, the address stays: so do the selectors. */
static void rebind_under_traffic(struct sim *s)
{
    between_gateways(s);
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, 10 * TIME_SECOND);
    net_nat_rebind(&s->net);
    sim_run(s, 60 * TIME_SECOND);
    s->has_traffic = false;
}

#define SOON .goal_within = 300 * TIME_SECOND

const struct scenario scenarios_modes[] = {
    IN_ALL_WEATHERS("transport_mode", .conf_a = HOST_A(TRANSPORT), .conf_b = HOST_B(TRANSPORT),
                    .run = start_between_gateways, .goal = up_in_transport_mode, SOON),
    IN_ALL_WEATHERS("transport_mode_is_rekeyed", .conf_a = HOST_A(TRANSPORT), .conf_b = HOST_B(TRANSPORT),
                    .run = rekey_transport, .goal = up_in_transport_mode, SOON),
    IN_WEATHER("transport_mode_is_rekeyed_under_traffic", NATTED, "without_loss", .conf_a = HOST_A(TRANSPORT),
               .conf_b = HOST_B(TRANSPORT), .run = rekey_transport, .goal = up_in_transport_mode, SOON,
               .needs_lossless_traffic = true),
    IN_WEATHER("transport_mode_is_declined", CLEAN, "on_a_clean_network", .conf_a = HOST_A(TRANSPORT),
               .conf_b = HOST_B(""), .run = start_between_gateways, .goal = up_in_tunnel_mode, SOON),
    IN_WEATHER("transport_mode_is_declined", LOSS, "under_loss", .conf_a = HOST_A(TRANSPORT),
               .conf_b = HOST_B(""), .run = rekey_transport, .goal = up_in_tunnel_mode, SOON),
    IN_WEATHER("transport_mode_is_not_asked_for", LOSS, "under_loss", .conf_a = HOST_A(""),
               .conf_b = HOST_B(TRANSPORT), .run = start_between_gateways, .goal = up_in_tunnel_mode, SOON),
    IN_WEATHER("the_nat_rebinds_in_transport_mode", NATTED, "under_traffic", .conf_a = HOST_A(TRANSPORT),
               .conf_b = HOST_B(TRANSPORT), .run = rebind_under_traffic, .goal = up_in_transport_mode, SOON),
    IN_ALL_WEATHERS("beet_mode", .conf_a = HOST_A(BEET_A), .conf_b = HOST_B(BEET_B), .run = let_it_start,
                    .goal = up_in_beet_mode, SOON),
    IN_ALL_WEATHERS("beet_mode_is_rekeyed", .conf_a = HOST_A(BEET_A), .conf_b = HOST_B(BEET_B),
                    .run = rekey_beet, .goal = up_in_beet_mode, SOON),
    {0},
};
