/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that is a cluster fails over, and its new member knows the message IDs of a while ago (RFC 6311):
 * the IKE SA goes on, in both roles, with either end asking, and whatever is replayed. After every failover
 * cluster.c watches that the message IDs of the peer never go back. */
#include "conf.h"
#include "engine/impl.h"
#include "sim.h"

#define SYNC  "  message_id_sync = yes\n"
#define PLAIN .conf_a = TUNNEL_A(SYNC), .conf_b = TUNNEL_B(SYNC)
/* What one end alone has of an interrupted exchange is gone after that. */
#define SHORT  "  rekey = 60s\n  lifetime = 80s\n"
#define LIVELY .conf_a = TUNNEL_A(SYNC SHORT), .conf_b = TUNNEL_B(SYNC SHORT)

static int cluster; /* which side is one */

static bool is_calm(struct sim *s)
{
    const struct ike_sa *sa;
    for (int i = 0; i < NODES; i++) {
        list_each(sa, &s->node[i].engine->sas, link)
        {
            if (sa->own.kind != X_NONE || sa->peer.kind != X_NONE)
                return false;
        }
    }
    return true;
}

static bool has_answers(struct sim *s)
{
    return !cluster_is_asking(&s->node[cluster].cluster);
}

/* The standby has heard of some of it. */
static void live(struct sim *s, unsigned deeds)
{
    for (unsigned i = 0; i < deeds && !s->failure[0]; i++) {
        node_command(&s->node[sim_rand_below(&s->net.rng, NODES)], COMMAND_REKEY, NULL, "net");
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 15) * TIME_SECOND);
        if (sim_chance(&s->net.rng, 30))
            cluster_learn(&s->node[cluster]);
    }
}

static void fail_over(struct sim *s)
{
    if (!s->failure[0] && !cluster_fail_over(&s->node[cluster]))
        sim_fail(s, "the failover was not one");
    if (!s->failure[0] && !sim_run_until(s, has_answers, 60 * TIME_SECOND))
        sim_fail(s, "the new member was not answered");
}

/* On a clean network: what is given up for the weather is another matter. */
static struct faults clear_up(struct sim *s)
{
    struct faults weather = s->net.faults;
    s->net.faults = (struct faults){.delay_min = 5 * TIME_MS, .delay_max = 5 * TIME_MS};
    return weather;
}

/* While nothing is asked: all that was agreed on is at both ends. */
static void calm_failover(struct sim *s)
{
    struct faults weather = clear_up(s);
    live(s, 3);
    if (!s->failure[0] && !sim_run_until(s, is_calm, 200 * TIME_SECOND))
        sim_fail(s, "there is no end to the exchanges");
    s->net.faults = weather;
    fail_over(s);
}

static void both_rekey(struct sim *s)
{
    sim_run(s, 5 * TIME_SECOND);
    clear_up(s);
    for (int i = 0; i < NODES; i++) {
        uint64_t ike = s->old_ike;
        sim_mark(s);
        s->old_ike = ike;
        node_command(&s->node[i], COMMAND_REKEY, NULL, "net");
        if (!s->failure[0] && !sim_run_until(s, sim_child_is_new, 200 * TIME_SECOND))
            sim_fail(s, "%s cannot rekey after the failover", s->node[i].name);
    }
}

static void failover_of(struct sim *s, int which)
{
    cluster = which;
    sim_establish(s, 1);
    cluster_learn(&s->node[cluster]);
    calm_failover(s);
    both_rekey(s);
}

static void responder_fails_over(struct sim *s)
{
    failover_of(s, B);
}

static void initiator_fails_over(struct sim *s)
{
    failover_of(s, A);
}

static bool goes_on(struct sim *s)
{
    return sim_is_up(s, 1) && !sim_ike_is_new(s);
}

/* Whoever has listened says all of it again. */
static void fails_over_and_is_replayed(struct sim *s)
{
    cluster = B;
    sim_establish(s, 1);
    cluster_learn(&s->node[cluster]);
    for (int i = 0; i < 3 && !s->failure[0]; i++) {
        calm_failover(s);
        cluster_replay(&s->node[cluster]);
        sim_run(s, 10 * TIME_SECOND);
    }
    cluster_replay(&s->node[cluster]);
    both_rekey(s);
}

/* At any moment, also in the middle of what the peer asks. */
static void fails_over_again_and_again(struct sim *s)
{
    cluster = B;
    sim_establish(s, 1);
    cluster_learn(&s->node[cluster]);
    for (int i = 0; i < 8 && !s->failure[0]; i++) {
        live(s, 1);
        if (sim_chance(&s->net.rng, 30))
            node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
        node_command(&s->node[A], COMMAND_REKEY, NULL, "net");
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 400) * TIME_MS);
        cluster_fail_over(&s->node[cluster]);
        if (!sim_run_until(s, has_answers, 60 * TIME_SECOND) && !s->failure[0])
            sim_fail(s, "the new member does not stop to ask");
    }
}

/* The numbers of A's child that the cluster has asked it to leave out, and not one more. */
static bool leaves_out(struct sim *s)
{
    struct ike_view v;
    struct child_view c;
    const struct node *a = &s->node[A];
    uint64_t skips = (uint64_t)s->node[cluster].cluster.failovers * CLUSTER_SKIP;
    if (!goes_on(s) || sim_child_is_new(s) || !engine_ike_at(a->engine, 0, &v) ||
        !engine_child_at(a->engine, v.id, 0, &c))
        return false;
    uint64_t last = node_last_number(a, c.spi_out);
    return last >= skips && last < skips + CLUSTER_SKIP;
}

static void fails_over_and_has_numbers_left_out(struct sim *s)
{
    cluster = B;
    sim_establish(s, 1);
    cluster_learn(&s->node[cluster]);
    s->has_traffic = true;
    for (int i = 0; i < 3 && !s->failure[0]; i++) {
        s->node[cluster].cluster.skips = true;
        sim_run(s, (int64_t)sim_rand_below(&s->net.rng, 10) * TIME_SECOND);
        if (!s->failure[0] && !sim_run_until(s, is_calm, 200 * TIME_SECOND))
            sim_fail(s, "there is no end to the exchanges");
        fail_over(s);
        cluster_replay(&s->node[cluster]);
    }
}

static bool is_up(struct sim *s)
{
    return sim_is_up(s, 1);
}

const struct scenario scenarios_cluster[] = {
    IN_ALL_WEATHERS("cluster_fails_over", PLAIN, .run = responder_fails_over, .goal = goes_on,
                    .goal_within = 30 * TIME_SECOND),
    IN_ALL_WEATHERS("cluster_that_began_fails_over", PLAIN, .run = initiator_fails_over, .goal = goes_on,
                    .goal_within = 30 * TIME_SECOND),
    IN_ALL_WEATHERS("cluster_is_replayed", PLAIN, .run = fails_over_and_is_replayed, .goal = goes_on,
                    .goal_within = 30 * TIME_SECOND),
    IN_ALL_WEATHERS("cluster_has_numbers_left_out", PLAIN, .run = fails_over_and_has_numbers_left_out,
                    .goal = leaves_out, .goal_within = 30 * TIME_SECOND),
    IN_ALL_WEATHERS("cluster_fails_over_again_and_again", LIVELY, .run = fails_over_again_and_again,
                    .goal = is_up, .goal_within = 200 * TIME_SECOND),
    {0},
};
