/* SPDX-License-Identifier: Apache-2.0 */
/* Reloads of a connection with several children while packets pass: one child changes, one goes, one comes.
 * The IKE SA stays, and so do the SAs of the child that did not change, whose traffic notices nothing. */
#include "conf.h"
#include "sim.h"

#define CHILD(name, local, remote, extra)                                                                    \
    "  " name " {\n local_ts = " local "\n remote_ts = " remote "\n" extra "  }\n"
#define CONNECTION(peer, own, other, children)                                                               \
    "connections { net {\n version = 2\n keyingtries = 0\n" peer " local { auth = psk\n id = " own " }\n"    \
    " remote { auth = psk\n id = " other " }\n dpd_delay = 10s\n children {\n" children                      \
    "} } }\nsecrets { ike { secret = \"correct horse battery staple\" } }\n"
#define START            " start_action = start\n close_action = start\n dpd_action = restart\n"
#define SIDE_A(children) CONNECTION(" remote_addrs = 198.51.100.2\n", "a.test", "b.test", children)
#define SIDE_B(children) CONNECTION("", "b.test", "a.test", children)

#define A_NET            CHILD("net", "10.10.0.0/24", "10.20.0.0/24", START)
#define A_CHANGES(extra) CHILD("changes", "10.11.0.0/24", "10.21.0.0/24", START extra)
#define A_GOES           CHILD("goes", "10.12.0.0/24", "10.22.0.0/24", START)
#define A_COMES          CHILD("comes", "10.13.0.0/24", "10.23.0.0/24", START)
#define B_ALL                                                                                                \
    CHILD("net", "10.20.0.0/24", "10.10.0.0/24", "")                                                         \
    CHILD("changes", "10.21.0.0/24", "10.11.0.0/24", "")                                                     \
    CHILD("goes", "10.22.0.0/24", "10.12.0.0/24", "") CHILD("comes", "10.23.0.0/24", "10.13.0.0/24", "")

#define BEFORE SIDE_A(A_NET A_CHANGES("") A_GOES)
#define AFTER  SIDE_A(A_COMES A_CHANGES(" rekey_time = 30m\n") A_NET)

static bool is_there(const struct node *n, uint64_t ike_id, const char *name)
{
    struct child_view c;
    for (size_t i = 0; engine_child_at(n->engine, ike_id, i, &c); i++) {
        if (strcmp(c.name, name) == 0 && c.state == CHILD_INSTALLED)
            return true;
    }
    return false;
}

/* What is configured is there, in the IKE SA that was there, and nothing else. */
static bool only_what_changed_was_touched(struct sim *s)
{
    struct ike_view v;
    if (!sim_is_up(s, 3) || sim_ike_is_new(s) || sim_child_is_new(s))
        return false;
    return engine_ike_at(s->node[A].engine, 0, &v) && is_there(&s->node[A], v.id, "net") &&
           is_there(&s->node[A], v.id, "changes") && is_there(&s->node[A], v.id, "comes");
}

static bool up_with_three(struct sim *s)
{
    return sim_is_up(s, 3);
}

static void busy_while_it_reloads(struct sim *s)
{
    sim_establish(s, 3);
    sim_mark(s);
    s->has_traffic = true;
    sim_run(s, 5 * TIME_SECOND);
    node_load(&s->node[A], AFTER);
    sim_run(s, 60 * TIME_SECOND);
}

/* There and back, and each time before the last one is through, with rekeyings of what changes. */
static void reloads_again_and_again(struct sim *s)
{
    sim_establish(s, 3);
    s->has_traffic = true;
    for (int i = 0; i < 5; i++) {
        node_command(&s->node[i & 1 ? A : B], COMMAND_REKEY, "net", i & 2 ? "net" : "changes");
        sim_run(s, (int64_t)(s->seed % 7) * TIME_SECOND / 3);
        node_load(&s->node[A], i & 1 ? BEFORE : AFTER);
        sim_run(s, (int64_t)(s->seed % 5) * TIME_SECOND / 2);
    }
    sim_run(s, 60 * TIME_SECOND);
}

/* While both sides are replacing the IKE SA. */
static void reloads_while_the_ike_sa_is_rekeyed(struct sim *s)
{
    sim_establish(s, 3);
    s->has_traffic = true;
    node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
    if (s->seed % 2)
        node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    sim_run(s, (int64_t)(s->seed % 10) * TIME_MS * 20);
    node_load(&s->node[A], AFTER);
    sim_run(s, 60 * TIME_SECOND);
}

/* While it comes up. */
static void reloads_at_once(struct sim *s)
{
    s->has_traffic = true;
    sim_run(s, (int64_t)(s->seed % 20) * TIME_MS * 10);
    node_load(&s->node[A], AFTER);
    sim_run(s, 60 * TIME_SECOND);
}

#define SIDES .conf_a = BEFORE, .conf_b = SIDE_B(B_ALL)
#define SOON  .goal_within = 300 * TIME_SECOND

const struct scenario scenarios_reload[] = {
    IN_ALL_WEATHERS("children_change", SIDES, .run = busy_while_it_reloads,
                    .goal = only_what_changed_was_touched, SOON),
    IN_WEATHER("children_change_often", CLEAN, "on_a_clean_network", SIDES, .run = reloads_again_and_again,
               .goal = up_with_three, SOON),
    IN_WEATHER("children_change_often", ALL_OF_IT, "in_all_weathers_at_once", SIDES,
               .run = reloads_again_and_again, .goal = up_with_three, SOON),
    IN_WEATHER("children_change_in_a_rekeying", CLEAN, "on_a_clean_network", SIDES,
               .run = reloads_while_the_ike_sa_is_rekeyed, .goal = up_with_three, SOON),
    IN_WEATHER("children_change_in_a_rekeying", ALL_OF_IT, "in_all_weathers_at_once", SIDES,
               .run = reloads_while_the_ike_sa_is_rekeyed, .goal = up_with_three, SOON),
    IN_WEATHER("children_change_at_once", CLEAN, "on_a_clean_network", SIDES, .run = reloads_at_once,
               .goal = up_with_three, SOON),
    IN_WEATHER("children_change_at_once", LOSS, "under_loss", SIDES, .run = reloads_at_once,
               .goal = up_with_three, SOON),
    {0},
};
