/* SPDX-License-Identifier: Apache-2.0 */
/* Postquantum preshared keys (RFC 8784): required, optional and unknown to one side, through rekeys. */
#include "conf.h"
#include "engine/engine.h"
#include "sim.h"

#define SECRET_PPK                                                                                           \
    "  ppk = 0x3f0c1d9a5e7b2846c1a3f5d7e9b0428613579bdf02468ace13579bdf02468ace\n  ppk_id = vault\n"
#define OTHER_PPK                                                                                            \
    "  ppk = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n  ppk_id = cellar\n"
#define WRONG_PPK                                                                                            \
    "  ppk = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n  ppk_id = vault\n"
#define OPTIONAL "  ppk_required = no\n"

static bool all_have_ppk(struct sim *s, bool wanted)
{
    for (int i = 0; i < 2; i++) {
        struct ike_view v;
        for (size_t k = 0; engine_ike_at(s->node[i].engine, k, &v); k++) {
            if (v.state == IKE_ESTABLISHED && v.has_ppk != wanted)
                return false;
        }
    }
    return true;
}

static bool up_with_ppk(struct sim *s)
{
    return sim_is_up(s, 1) && all_have_ppk(s, true);
}

static bool up_without_ppk(struct sim *s)
{
    return sim_is_up(s, 1) && all_have_ppk(s, false);
}

static bool refused(struct sim *s)
{
    return s->node[A].done_id == s->node[A].commands && s->node[A].done.class == FAIL_AUTH && sim_is_down(s);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void rekey_by_both(struct sim *s)
{
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, NULL, "net");
    sim_run(s, 60 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

#define PAD     "  ppk = pad:/vault.pad\n  ppk_id = vault\n"
#define PAD_END "  ppk = pad-end:/vault.pad\n  ppk_id = vault\n"

/* What the responder has overwritten the initiator had overwritten first; and what serves an IKE SA was. */
static bool pads_agree(struct sim *s, int initiator)
{
    unsigned used = 0;
    for (size_t i = 0; i < SIM_PAD_PIECES; i++) {
        if (s->node[1 - initiator].pad.is_used[i] && !s->node[initiator].pad.is_used[i])
            return false;
        used += s->node[1 - initiator].pad.is_used[i];
    }
    return used > 0;
}

static bool up_with_pad(struct sim *s)
{
    return up_with_ppk(s) && pads_agree(s, A);
}

/* Whenever it is in the way of coming up, the initiator's process dies, and sometimes the responder's. */
static void dies_while_it_starts(struct sim *s)
{
    for (int i = 0; i < 8; i++) {
        enum { EVERY = 3 };
        int who = i % EVERY == EVERY - 1 ? B : A;
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 300 * TIME_MS));
        node_kill(&s->node[who]);
        sim_run(s, TIME_SECOND);
        node_restart(&s->node[who]);
        node_load(&s->node[who], who == A ? TUNNEL_A(PAD) : TUNNEL_B(PAD_END));
    }
}

static void try_once(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

const struct scenario scenarios_ppk[] = {
    IN_ALL_WEATHERS("ppk_required_by_both", .conf_a = TUNNEL_A(SECRET_PPK), .conf_b = TUNNEL_B(SECRET_PPK),
                    .run = let_it_start, .goal = up_with_ppk, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("ppk_optional_through_rekeys", .conf_a = TUNNEL_A(SECRET_PPK OPTIONAL),
                    .conf_b = TUNNEL_B(SECRET_PPK OPTIONAL), .run = rekey_by_both, .goal = up_with_ppk,
                    .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("ppk_unknown_to_the_responder", .conf_a = TUNNEL_A(SECRET_PPK OPTIONAL),
                    .conf_b = TUNNEL_B(OTHER_PPK OPTIONAL), .run = let_it_start, .goal = up_without_ppk,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("ppk_of_a_pad", .conf_a = TUNNEL_A(PAD), .conf_b = TUNNEL_B(PAD_END),
                    .run = rekey_by_both, .goal = up_with_pad, .goal_within = 300 * TIME_SECOND),
    IN_WEATHER("ppk_of_a_pad_begun_by_both", LOSS, "under_loss", .conf_a = TUNNEL_A(PAD),
               .conf_b = TUNNEL_B_STARTS(PAD_END), .run = let_it_start, .goal = up_with_ppk,
               .goal_within = 300 * TIME_SECOND),
    IN_WEATHER("ppk_of_a_pad_begun_by_both", REORDERING, "under_reordering", .conf_a = TUNNEL_A(PAD),
               .conf_b = TUNNEL_B_STARTS(PAD_END), .run = let_it_start, .goal = up_with_ppk,
               .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("ppk_of_a_pad_survives_crashes", .conf_a = TUNNEL_A(PAD), .conf_b = TUNNEL_B(PAD_END),
                    .run = dies_while_it_starts, .goal = up_with_pad, .goal_within = 400 * TIME_SECOND),
    {.name = "ppk_that_is_wrong_is_refused",
                                                                                        .conf_a = TUNNEL_A("  start = no\n" SECRET_PPK OPTIONAL),
                                                                                        .conf_b = TUNNEL_B(WRONG_PPK OPTIONAL),
                                                                                        .run = try_once,
                                                                                        .goal = refused,
                                                                                        .goal_within = 60 * TIME_SECOND},
    {.name = "ppk_that_the_responder_requires_is_lacking",
                                                                                        .conf_a = TUNNEL_A("  start = no\n"),
                                                                                        .conf_b = TUNNEL_B(SECRET_PPK),
                                                                                        .run = try_once,
                                                                                        .goal = refused,
                                                                                        .goal_within = 60 * TIME_SECOND},
    {0                       },
};
