/* SPDX-License-Identifier: Apache-2.0 */
/* Several children with the same selectors: traffic classes, each through an SA of its own, and children that
 * a peer makes several times of what is one for the other end. Each is rekeyed and deleted on its own. */
#include "conf.h"
#include "sim.h"

#define CHILD(name, local, remote, extra)                                                                    \
    "  " name " {\n local_ts = " local "\n remote_ts = " remote "\n" extra "  }\n"
#define CONNECTION(peer, own, other, children)                                                               \
    "connections { net {\n version = 2\n keyingtries = 0\n" peer " local { auth = psk\n id = " own " }\n"    \
    " remote { auth = psk\n id = " other " }\n dpd_delay = 10s\n children {\n" children                      \
    "} } }\nsecrets { ike { secret = \"correct horse battery staple\" } }\n"
#define A_CHILD(name, extra) CHILD(name, "10.10.0.0/24", "10.20.0.0/24", extra)
#define B_CHILD(name, extra) CHILD(name, "10.20.0.0/24", "10.10.0.0/24", extra)
#define CLASSES(child, extra)                                                                                \
    child("voice", " dscp = ef,cs6\n" extra) child("video", " dscp = af41\n" extra) child("rest", extra)
#define SIDE_A(children)    CONNECTION(" remote_addrs = 198.51.100.2\n", "a.test", "b.test", children)
#define SIDE_B(children)    CONNECTION(" remote_addrs = 192.0.2.1\n", "b.test", "a.test", children)
#define WAITING_B(children) CONNECTION("", "b.test", "a.test", children)
#define START               " start_action = start\n close_action = start\n dpd_action = restart\n"
#define TRAP                " start_action = trap\n"

enum { CS0 = 0, CS1 = 8, AF41 = 34, EF = 46, CS6 = 48 };
static const uint8_t in_use[] = {CS0, EF, CS1, AF41, EF, CS6};

/* The packet of that DSCP leaves by the child of its class. */
static bool is_sorted(struct node *n, const struct node *to, uint8_t dscp)
{
    struct ike_view ike;
    struct child_view c;
    n->dscps = &dscp;
    n->n_dscps = 1;
    bool is_sent = node_send_traffic(n, to), is_right = false;
    n->dscps = in_use;
    n->n_dscps = ARRAY_LEN(in_use);
    engine_ike_at(n->engine, 0, &ike);
    uint64_t class = dscp == CS0 || dscp == CS1 ? 0 : UINT64_C(1) << dscp; /* those are the rest's */
    for (size_t i = 0; is_sent && engine_child_at(n->engine, ike.id, i, &c); i++)
        is_right |= c.spi_out == n->last_spi && (class ? (c.dscp & class) != 0 : !c.dscp);
    return is_right;
}

static bool up_and_sorted(struct sim *s)
{
    if (!sim_is_up(s, 3))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(in_use); i++) {
        if (!is_sorted(&s->node[A], &s->node[B], in_use[i]) ||
            !is_sorted(&s->node[B], &s->node[A], in_use[i]))
            return false;
    }
    return true;
}

static bool up_with_two(struct sim *s)
{
    return sim_is_up(s, 2);
}

static void send_all_classes(struct sim *s)
{
    for (int i = 0; i < NODES; i++) {
        s->node[i].dscps = in_use;
        s->node[i].n_dscps = ARRAY_LEN(in_use);
    }
    s->has_traffic = true;
}

static void busy_while_they_come(struct sim *s)
{
    sim_run(s, 5 * TIME_SECOND);
    send_all_classes(s);
    sim_run(s, 120 * TIME_SECOND);
}

static void busy_and_each_rekeyed(struct sim *s)
{
    sim_establish(s, 3);
    send_all_classes(s);
    node_command(&s->node[A], COMMAND_REKEY, "net", "voice");
    node_command(&s->node[B], COMMAND_REKEY, "net", "rest");
    sim_run(s, 5 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_REKEY, "net", "video");
    node_command(&s->node[B], COMMAND_REKEY, "net", "video");
    sim_run(s, 40 * TIME_SECOND);
}

/* Without it the rest carries its packets; then it comes back. */
static void a_class_goes_and_comes(struct sim *s)
{
    sim_establish(s, 3);
    send_all_classes(s);
    node_command(&s->node[A], COMMAND_TERMINATE, "net", "voice");
    sim_run(s, 60 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "net", "voice");
    sim_run(s, 10 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "net", "voice"); /* should the first have come to nothing */
    sim_run(s, 60 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "net", "voice");
}

/* B makes three of what is one for A; all are rekeyed, by both; one is deleted. */
static void made_three_times_and_rekeyed(struct sim *s)
{
    sim_establish(s, 3);
    s->has_traffic = true;
    node_command(&s->node[A], COMMAND_REKEY, "net", "net");
    sim_run(s, 2 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, "net", "a1");
    node_command(&s->node[B], COMMAND_REKEY, "net", "a2");
    sim_run(s, 30 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_TERMINATE, "net", "a1");
    sim_run(s, 60 * TIME_SECOND);
}

#define SOON .goal_within = 300 * TIME_SECOND
#define THREE                                                                                                \
    SIDE_B(B_CHILD("a0", " start_action = start\n") B_CHILD("a1", " start_action = start\n")                 \
               B_CHILD("a2", " start_action = start\n"))
#define ONE CONNECTION("", "a.test", "b.test", A_CHILD("net", ""))

const struct scenario scenarios_alike[] = {
    IN_ALL_WEATHERS("traffic_classes", .conf_a = SIDE_A(CLASSES(A_CHILD, START)),
                    .conf_b = WAITING_B(CLASSES(B_CHILD, "")), .run = busy_while_they_come,
                    .goal = up_and_sorted, SOON),
    IN_WEATHER("classes_begun_by_both", CLEAN, "on_a_clean_network",
               .conf_a = SIDE_A(CLASSES(A_CHILD, START)), .conf_b = SIDE_B(CLASSES(B_CHILD, START)),
               .run = busy_while_they_come, .goal = up_and_sorted, SOON),
    IN_WEATHER("classes_begun_by_both", LOSS, "under_loss", .conf_a = SIDE_A(CLASSES(A_CHILD, START)),
               .conf_b = SIDE_B(CLASSES(B_CHILD, START)), .run = busy_while_they_come, .goal = up_and_sorted,
               SOON),
    IN_WEATHER("classes_begun_by_both", REORDERING, "under_reordering",
               .conf_a = SIDE_A(CLASSES(A_CHILD, START)), .conf_b = SIDE_B(CLASSES(B_CHILD, START)),
               .run = busy_while_they_come, .goal = up_and_sorted, SOON),
    IN_ALL_WEATHERS("classes_spring_traps", .conf_a = SIDE_A(CLASSES(A_CHILD, TRAP)),
                    .conf_b = WAITING_B(CLASSES(B_CHILD, "")), .run = busy_while_they_come,
                    .goal = up_and_sorted, SOON),
    IN_ALL_WEATHERS("classes_over_rekeys", .conf_a = SIDE_A(CLASSES(A_CHILD, START)),
                    .conf_b = WAITING_B(CLASSES(B_CHILD, "")), .run = busy_and_each_rekeyed,
                    .goal = up_and_sorted, SOON),
    IN_ALL_WEATHERS("a_class_goes_and_comes", .conf_a = SIDE_A(CLASSES(A_CHILD, START)),
                    .conf_b = WAITING_B(CLASSES(B_CHILD, "")), .run = a_class_goes_and_comes,
                    .goal = up_and_sorted, SOON),
    IN_WEATHER("made_three_times", CLEAN, "on_a_clean_network", .conf_a = ONE, .conf_b = THREE,
               .run = made_three_times_and_rekeyed, .goal = up_with_two, SOON),
    IN_WEATHER("made_three_times", LOSS, "under_loss", .conf_a = ONE, .conf_b = THREE,
               .run = made_three_times_and_rekeyed, .goal = up_with_two, SOON),
    IN_WEATHER("made_three_times", DUPLICATION, "under_duplication", .conf_a = ONE, .conf_b = THREE,
               .run = made_three_times_and_rekeyed, .goal = up_with_two, SOON),
    IN_WEATHER("made_three_times", REORDERING, "under_reordering", .conf_a = ONE, .conf_b = THREE,
               .run = made_three_times_and_rekeyed, .goal = up_with_two, SOON),
    {0},
};
