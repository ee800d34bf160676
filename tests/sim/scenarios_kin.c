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

static bool has_protocol(const struct sim *s, uint8_t protocol)
{
    struct child_view a, b;
    return first_child(&s->node[A], &a) && first_child(&s->node[B], &b) && a.chosen.protocol == protocol &&
           b.chosen.protocol == protocol;
}

static bool up_with_ah(struct sim *s)
{
    return sim_is_up(s, 1) && has_protocol(s, PROTO_AH);
}

static bool up_with_esp(struct sim *s)
{
    return sim_is_up(s, 1) && has_protocol(s, PROTO_ESP);
}

static bool refused_for_the_nat(struct sim *s)
{
    const struct diag *d = engine_last_failure(s->node[A].engine, "net");
    return !node_count_children(&s->node[A]) && !node_count_children(&s->node[B]) &&
           strstr(d->what, "cannot pass a NAT");
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

#define AH         "  ah_proposals = sha256\n"
#define AH_OR_ESP  "  ah_proposals = sha256-esn\n  esp_proposals = aes128gcm16\n"
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
    IN_WEATHER("ah_over_rekeys", CLEAN, "on_a_clean_network", .conf_a = TUNNEL_A(AH), .conf_b = TUNNEL_B(AH),
               .run = busy_and_rekeyed_by_both, .goal = up_with_ah, SOON),
    IN_WEATHER("ah_over_rekeys", LOSS, "under_loss", .conf_a = TUNNEL_A(AH), .conf_b = TUNNEL_B(AH),
               .run = busy_and_rekeyed_by_both, .goal = up_with_ah, SOON),
    IN_WEATHER("ah_over_rekeys", DUPLICATION, "under_duplication", .conf_a = TUNNEL_A(AH),
               .conf_b = TUNNEL_B(AH), .run = busy_and_rekeyed_by_both, .goal = up_with_ah, SOON),
    IN_WEATHER("ah_over_rekeys", REORDERING, "under_reordering", .conf_a = TUNNEL_A(AH),
               .conf_b = TUNNEL_B(AH), .run = busy_and_rekeyed_by_both, .goal = up_with_ah, SOON),
    IN_WEATHER("ah_before_esp", LOSS, "under_loss", .conf_a = TUNNEL_A(AH_OR_ESP),
               .conf_b = TUNNEL_B(AH_OR_ESP), .run = busy_and_rekeyed_by_both, .goal = up_with_ah, SOON),
    IN_WEATHER("ah_gives_way_to_esp", NATTED, "behind_a_nat", .conf_a = TUNNEL_A(AH_OR_ESP),
               .conf_b = TUNNEL_B(AH_OR_ESP), .run = busy_and_rekeyed_by_both, .goal = up_with_esp, SOON),
    IN_WEATHER("ah_gives_way_to_esp", ALL_OF_IT, "in_all_weathers_at_once", .conf_a = TUNNEL_A(AH_OR_ESP),
               .conf_b = TUNNEL_B(AH_OR_ESP), .run = busy_and_rekeyed_by_both, .goal = up_with_esp, SOON),
    IN_WEATHER("ah_alone_is_refused", NATTED, "behind_a_nat", .conf_a = TUNNEL_A(AH), .conf_b = TUNNEL_B(AH),
               .run = let_it_start, .goal = refused_for_the_nat, SOON),
    {0},
};
