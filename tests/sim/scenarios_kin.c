/* SPDX-License-Identifier: Apache-2.0 */
/* What may be agreed on about a child's packets: that both ends come to the same view of it in all weathers,
 * keep it over rekeys by both, and that traffic passes with it. */
#include "conf.h"
#include "sim.h"

static bool first_child(const struct node *n, struct child_view *c)
{
    struct ike_view v;
    return !n->is_dead && engine_ike_at(n->engine, 0, &v) && engine_child_at(n->engine, v.id, 0, c);
}

static bool up_and_compressing(struct sim *s)
{
    struct child_view a, b;
    return sim_is_up(s, 1) && first_child(&s->node[A], &a) && first_child(&s->node[B], &b) && a.cpi_in &&
           b.cpi_in && a.cpi_in == b.cpi_out && a.cpi_out == b.cpi_in;
}

static bool up_and_not_compressing(struct sim *s)
{
    struct child_view a, b;
    return sim_is_up(s, 1) && first_child(&s->node[A], &a) && first_child(&s->node[B], &b) && !a.cpi_in &&
           !b.cpi_in && !a.cpi_out && !b.cpi_out;
}

static bool up_and_padding(struct sim *s)
{
    struct child_view a, b;
    return sim_is_up(s, 1) && first_child(&s->node[A], &a) && first_child(&s->node[B], &b) &&
           a.tfc_padding == TFC_TO_MTU && b.tfc_padding == 300;
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void busy_and_rekeyed_by_both(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    node_command(&s->node[A], COMMAND_REKEY, "net", "net");
    node_command(&s->node[B], COMMAND_REKEY, "net", "net");
    sim_run(s, 30 * TIME_SECOND);
}

#define COMPRESSES "  ipcomp = yes\n"
#define SOON       .goal_within = 300 * TIME_SECOND

const struct scenario scenarios_kin[] = {
    IN_ALL_WEATHERS("compression", .conf_a = TUNNEL_A(COMPRESSES), .conf_b = TUNNEL_B(COMPRESSES),
                    .run = let_it_start, .goal = up_and_compressing, SOON),
    IN_ALL_WEATHERS("compression_over_rekeys", .conf_a = TUNNEL_A(COMPRESSES), .conf_b = TUNNEL_B(COMPRESSES),
                    .run = busy_and_rekeyed_by_both, .goal = up_and_compressing, SOON),
    IN_ALL_WEATHERS("compression_that_one_end_wants", .conf_a = TUNNEL_A(COMPRESSES), .conf_b = TUNNEL_B(""),
                    .run = busy_and_rekeyed_by_both, .goal = up_and_not_compressing, SOON),
    IN_ALL_WEATHERS("padding_over_rekeys", .conf_a = TUNNEL_A("  tfc_padding = mtu\n"),
                    .conf_b = TUNNEL_B("  tfc_padding = 300\n"), .run = busy_and_rekeyed_by_both,
                    .goal = up_and_padding, SOON),
    {0},
};
