/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests at once (RFC 7296 section 2.3): a connection with many children between two ends that
 * announce different windows. */
#include "conf.h"
#include "sim.h"

#define CHILDREN 9

#define CHILD(n, from, to, extra)                                                                            \
    "  net" #n " { local_ts = 10." #from #n ".0.0/24\n remote_ts = 10." #to #n ".0.0/24\n dpd_action = "     \
    "restart\n" extra " }\n"
#define ALL(from, to, extra)                                                                                 \
    CHILD(0, from, to, extra)                                                                                \
    CHILD(1, from, to, extra)                                                                                \
    CHILD(2, from, to, extra)                                                                                \
    CHILD(3, from, to, extra)                                                                                \
    CHILD(4, from, to, extra)                                                                                \
    CHILD(5, from, to, extra)                                                                                \
    CHILD(6, from, to, extra)                                                                                \
    CHILD(7, from, to, extra)                                                                                \
    CHILD(8, from, to, extra)
#define NET(peer, own, other, window, children)                                                              \
    "connections { net {\n version = 2\n keyingtries = 0\n dpd_delay = 10s\n window = " window "\n" peer     \
    " local { auth = psk\n id = " own " }\n remote { auth = psk\n id = " other " }\n children {\n" children  \
    " } } }\nsecrets { ike { secret = \"correct horse battery staple\" } }\n"
#define MANY_A(extra)                                                                                        \
    NET(" remote_addrs = 198.51.100.2\n", "a.test", "b.test", "4", ALL(1, 2, " start_action = start\n" extra))
#define MANY_B(window, extra) NET("", "b.test", "a.test", window, ALL(2, 1, extra))
#define TWO_KE                "  esp_proposals = aes128gcm16-x25519-ke1_ecp256\n"

static bool all_are_up(struct sim *s)
{
    return sim_is_up(s, CHILDREN);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

/* While the children are being made. */
static void rekey_meanwhile(struct sim *s)
{
    sim_run(s, 200 * TIME_MS);
    node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
    sim_run(s, 2 * TIME_SECOND);
    node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    node_command(&s->node[A], COMMAND_REKEY, NULL, "net0");
    node_command(&s->node[B], COMMAND_REKEY, NULL, "net1");
    sim_run(s, 60 * TIME_SECOND);
}

/* In the IKE SA that replaced the first, whose ends told each other their windows again. */
static void make_again_after_a_rekey(struct sim *s)
{
    sim_establish_until(s, all_are_up);
    node_command(&s->node[A], COMMAND_REKEY, "net", NULL);
    sim_run(s, 20 * TIME_SECOND);
    for (int i = 0; i < CHILDREN; i++) {
        char name[8] = {'n', 'e', 't', (char)('0' + i)};
        node_command(&s->node[i % 2 ? A : B], COMMAND_TERMINATE, NULL, name);
    }
    sim_run(s, 20 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_run(s, 400 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL); /* what gave up under loss is over by now */
}

static void b_restarts_meanwhile(struct sim *s)
{
    sim_run(s, 300 * TIME_MS);
    node_kill(&s->node[B]);
    node_restart(&s->node[B]);
    node_load(&s->node[B], MANY_B("4", ""));
    sim_run(s, 60 * TIME_SECOND);
}

static void terminate_meanwhile(struct sim *s)
{
    sim_run(s, 200 * TIME_MS);
    node_command(&s->node[A], COMMAND_TERMINATE, "net", NULL);
    sim_run(s, 300 * TIME_SECOND);
    node_command(&s->node[A], COMMAND_TERMINATE, "net", NULL); /* if it was not there yet */
}

#define LATER .goal_within = 400 * TIME_SECOND

const struct scenario scenarios_overlap[] = {
    IN_ALL_WEATHERS("overlap_equal_windows", .conf_a = MANY_A(""), .conf_b = MANY_B("4", ""),
                    .run = let_it_start, .goal = all_are_up, LATER),
    IN_ALL_WEATHERS("overlap_unequal_windows", .conf_a = MANY_A(""), .conf_b = MANY_B("2", ""),
                    .run = let_it_start, .goal = all_are_up, LATER),
    IN_ALL_WEATHERS("overlap_additional_key_exchanges", .conf_a = MANY_A(TWO_KE),
                    .conf_b = MANY_B("3", TWO_KE), .run = let_it_start, .goal = all_are_up, LATER),
    IN_ALL_WEATHERS("overlap_rekeys_meanwhile", .conf_a = MANY_A(""), .conf_b = MANY_B("16", ""),
                    .run = rekey_meanwhile, .goal = all_are_up, LATER),
    IN_ALL_WEATHERS("overlap_in_a_replaced_ike_sa", .conf_a = MANY_A(""), .conf_b = MANY_B("4", ""),
                    .run = make_again_after_a_rekey, .goal = all_are_up, LATER),
    IN_ALL_WEATHERS("overlap_the_responder_restarts_meanwhile", .conf_a = MANY_A(""),
                    .conf_b = MANY_B("4", ""), .run = b_restarts_meanwhile, .goal = all_are_up, LATER),
    IN_ALL_WEATHERS("overlap_terminated_meanwhile", .conf_a = MANY_A(""), .conf_b = MANY_B("4", ""),
                    .run = terminate_meanwhile, .goal = sim_is_down, LATER),
    {0},
};
