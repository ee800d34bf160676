/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways that crash and are back at once: with crash detection (RFC 6290) the other end is told so at its
 * first question, and does not wait until its liveness checks time out. In every step of every scenario
 * node.c watches that no token of an IKE SA that is there is shown. */
#include "conf.h"
#include "sim.h"

#define BY_HAND .conf_a = TUNNEL_A("  start = no\n"), .conf_b = TUNNEL_B("")
#define PLAIN   .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B("")

static void restart(struct sim *s, int which, const char *conf)
{
    node_kill(&s->node[which]);
    sim_run(s, 3 * TIME_SECOND);
    node_restart(&s->node[which]);
    node_load(&s->node[which], conf);
}

static bool has_proof(struct sim *s, int which)
{
    return !s->node[which].is_dead && engine_stats(s->node[which].engine)->crashes_detected > 0;
}

static bool a_knows(struct sim *s)
{
    return has_proof(s, A);
}

static bool b_knows(struct sim *s)
{
    return has_proof(s, B);
}

/* The first question goes out 10 s after the last answer, and is repeated for 14 s. */
#define ASKED_WITHIN (10 * TIME_SECOND)
#define TOLD_WITHIN  (14 * TIME_SECOND)

static void must_know(struct sim *s, bool (*knows)(struct sim *))
{
    if (!s->failure[0] && !sim_run_until(s, knows, ASKED_WITHIN + TOLD_WITHIN))
        sim_fail(s, "the crash was not detected");
}

static void responder_crashes(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    restart(s, B, TUNNEL_B(""));
    must_know(s, a_knows);
}

static bool came_back(struct sim *s)
{
    return sim_is_up(s, 1) && sim_ike_is_new(s);
}

/* It begins nothing by itself: without its proof the other end would keep the SAs for a while. */
static void initiator_crashes(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
    restart(s, A, TUNNEL_A("  start = no\n"));
    must_know(s, b_knows);
}

/* The token for an IKE SA that replaced another has to arrive, too: its owner sends it again until it does.
 */
static void crash_after_rekey(struct sim *s, int rekeys)
{
    sim_establish(s, 1);
    sim_mark(s);
    node_command(&s->node[rekeys], COMMAND_REKEY, "net", NULL);
    bool is_rekeyed = sim_run_until(s, sim_ike_is_new, 120 * TIME_SECOND);
    sim_run(s, 20 * TIME_SECOND);
    restart(s, B, TUNNEL_B(""));
    if (is_rekeyed) /* else the rekeying goes on, and nothing else is asked until it is given up */
        must_know(s, a_knows);
}

static void responder_crashes_after_a_rekey(struct sim *s)
{
    crash_after_rekey(s, A);
}

static void responder_crashes_after_its_own_rekey(struct sim *s)
{
    crash_after_rekey(s, B);
}

/* Tokens are not bound to addresses. */
static void responder_crashes_after_the_initiator_roamed(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    node_readdress(&s->node[A], ip4(192, 0, 2, 77), NULL);
    sim_run(s, 30 * TIME_SECOND);
    restart(s, B, TUNNEL_B(""));
    must_know(s, a_knows);
}

static void responder_crashes_behind_a_nat_that_rebinds(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    net_nat_rebind(&s->net);
    restart(s, B, TUNNEL_B(""));
    net_nat_rebind(&s->net);
    must_know(s, a_knows);
}

/* Over and over, while the other end rekeys. */
static void responder_crashes_again_and_again(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    for (int i = 0; i < 6 && !s->failure[0]; i++) {
        node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 20) * TIME_SECOND);
        restart(s, B, TUNNEL_B(""));
        sim_run(s, 10 * TIME_SECOND);
    }
}

/* Whose secret is lost with the crash proves nothing, and is found dead as always. */
static void responder_crashes_and_loses_its_secret(struct sim *s)
{
    uint8_t other[MACHINE_SECRET] = {1};
    sim_establish(s, 1);
    sim_mark(s);
    restart(s, B, TUNNEL_B(""));
    struct node *b = &s->node[B];
    engine_step(b->engine, s->now,
                &(struct input){.kind = INPUT_SECRET, .secret = span_of(other, sizeof(other))}, &b->out);
    sim_run(s, 60 * TIME_SECOND);
    if (has_proof(s, A))
        sim_fail(s, "a token of another secret was believed");
}

const struct scenario scenarios_crash[] = {
    IN_ALL_WEATHERS("crash_of_the_responder", PLAIN, .run = responder_crashes, .goal = came_back,
                    .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("crash_of_the_initiator", BY_HAND, .run = initiator_crashes, .goal = sim_is_down,
                    .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("crash_after_a_rekey", PLAIN, .run = responder_crashes_after_a_rekey, .goal = came_back,
                    .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("crash_after_a_rekey_of_its_own", PLAIN, .run = responder_crashes_after_its_own_rekey,
                    .goal = came_back, .goal_within = 60 * TIME_SECOND),
    IN_ALL_WEATHERS("crash_again_and_again", PLAIN, .run = responder_crashes_again_and_again,
                    .goal = came_back, .goal_within = 400 * TIME_SECOND),
    {.name = "crash_after_the_initiator_roamed",
                                                         PLAIN, .weather = LOSS,
                                                         .run = responder_crashes_after_the_initiator_roamed,
                                                         .goal = came_back,
                                                         .goal_within = 60 * TIME_SECOND},
    {.name = "crash_behind_a_nat_that_rebinds",
                                                         PLAIN, .weather = NATTED,
                                                         .run = responder_crashes_behind_a_nat_that_rebinds,
                                                         .goal = came_back,
                                                         .goal_within = 60 * TIME_SECOND},
    {.name = "crash_that_loses_the_secret",
                                                         PLAIN, .weather = LOSS,
                                                         .run = responder_crashes_and_loses_its_secret,
                                                         .goal = came_back,
                                                         .goal_within = 60 * TIME_SECOND},
    {0                                         },
};
