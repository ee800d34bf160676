/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that are resumed with a ticket after a crash of the responder, or after the path was down
 * (RFC 5723): over and over, and where the ticket is no good any more by a full exchange. */
#include "conf.h"
#include "sim.h"

#define RESUMES "  session_resumption = yes\n"
#define BOTH    .conf_a = TUNNEL_A(RESUMES), .conf_b = TUNNEL_B(RESUMES)

static void restart_b(struct sim *s, const char *conf)
{
    node_kill(&s->node[B]);
    sim_run(s, 3 * TIME_SECOND);
    node_restart(&s->node[B]);
    node_load(&s->node[B], conf);
}

static bool came_back(struct sim *s)
{
    return sim_is_up(s, 1) && sim_ike_is_new(s);
}

static bool is_resumed(struct sim *s)
{
    struct ike_view v = {0};
    return came_back(s) && engine_ike_at(s->node[A].engine, 0, &v) && v.is_resumed;
}

static bool has_ticket(struct sim *s)
{
    struct ike_view v = {0};
    return !s->node[A].is_dead && engine_ike_at(s->node[A].engine, 0, &v) && v.has_ticket;
}

static void responder_crashes(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    restart_b(s, TUNNEL_B(RESUMES));
    sim_run(s, 60 * TIME_SECOND);
}

/* On a clean network no attempt fails: it was the ticket that brought the tunnel up. */
static void responder_crashes_and_is_told(struct sim *s)
{
    responder_crashes(s);
    if (!s->failure[0] && !is_resumed(s))
        sim_fail(s, "the session was not resumed");
}

static void responder_crashes_after_a_rekey(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    node_command(&s->node[(int)sim_rand_below(&s->net.rng, NODES)], COMMAND_REKEY, "net", NULL);
    sim_run_until(s, sim_ike_is_new, 120 * TIME_SECOND);
    if (!sim_run_until(s, has_ticket, 60 * TIME_SECOND))
        sim_fail(s, "there is no ticket for the IKE SA that replaced another");
    sim_mark(s);
    restart_b(s, TUNNEL_B(RESUMES));
    sim_run(s, 30 * TIME_SECOND);
}

static void responder_crashes_again_and_again(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    for (int i = 0; i < 6 && !s->failure[0]; i++) {
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 40) * TIME_SECOND);
        restart_b(s, TUNNEL_B(RESUMES));
    }
}

/* The path is down for longer than liveness checks take: the responder may still have the IKE SA. */
static void path_is_down(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    struct faults weather = s->net.faults;
    s->net.faults.loss = 100;
    sim_run(s, (15 + (int64_t)sim_rand_below(&s->net.rng, 60)) * TIME_SECOND);
    s->net.faults = weather;
    sim_run(s, 30 * TIME_SECOND);
}

static bool has_one_tunnel(struct sim *s)
{
    return sim_is_up(s, 1);
}

/* The connection has changed: its tickets are refused, and a full exchange follows. */
static void responder_is_configured_anew(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    restart_b(s, TUNNEL_B(RESUMES "  lifetime = 3h\n"));
    sim_run(s, 60 * TIME_SECOND);
    if (!s->node[B].is_dead && engine_stats(s->node[B].engine)->resumed)
        sim_fail(s, "a ticket of another configuration was taken");
}

static void responder_forgets_the_secret(struct sim *s)
{
    uint8_t other[MACHINE_SECRET] = {1};
    sim_establish(s, 1);
    sim_mark(s);
    restart_b(s, TUNNEL_B(RESUMES));
    struct node *b = &s->node[B];
    engine_step(b->engine, s->now,
                &(struct input){.kind = INPUT_SECRET, .secret = span_of(other, sizeof(other))}, &b->out);
    sim_run(s, 60 * TIME_SECOND);
    if (engine_stats(b->engine)->resumed)
        sim_fail(s, "a ticket of another secret was taken");
}

const struct scenario scenarios_resume[] = {
    IN_ALL_WEATHERS("resume_after_a_crash", BOTH, .run = responder_crashes, .goal = came_back,
                    .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("resume_after_a_rekey", BOTH, .run = responder_crashes_after_a_rekey, .goal = came_back,
                    .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("resume_again_and_again", BOTH, .run = responder_crashes_again_and_again,
                    .goal = came_back, .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("resume_when_the_path_is_back", BOTH, .run = path_is_down, .goal = has_one_tunnel,
                    .goal_within = 400 * TIME_SECOND),
    {.name = "resume_and_nothing_else",
                                      BOTH, .weather = CLEAN,
                                      .run = responder_crashes_and_is_told,
                                      .goal = is_resumed,
                                      .goal_within = 30 * TIME_SECOND},
    {.name = "resume_through_a_nat",
                                      BOTH, .weather = NATTED,
                                      .run = responder_crashes_and_is_told,
                                      .goal = is_resumed,
                                      .goal_within = 30 * TIME_SECOND},
    {.name = "resume_with_another_configuration",
                                      BOTH, .weather = LOSS,
                                      .run = responder_is_configured_anew,
                                      .goal = came_back,
                                      .goal_within = 300 * TIME_SECOND},
    {.name = "resume_with_another_secret",
                                      BOTH, .weather = LOSS,
                                      .run = responder_forgets_the_secret,
                                      .goal = came_back,
                                      .goal_within = 300 * TIME_SECOND},
    {0                             },
};
