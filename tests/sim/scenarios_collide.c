/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges of both sides that meet (RFC 7296 sections 2.8.1, 2.8.2, 2.25.1, 2.25.2): rekeying against
 * deleting, creating against replacing the IKE SA, and everything at once on an IKE SA with several children.
 * How far apart in time the two begin is up to the seed: from at once to when the first is over. */
#include "conf.h"
#include "sim.h"

#define CHILD(name, own, other, extra)                                                                       \
    "  " name " { local_ts = 10." own ".0.0/24\n remote_ts = 10." other ".0.0/24\n" extra " }\n"
#define CHILDREN(own, other, extra)                                                                          \
    CHILD("one", #own "0", #other "0", extra)                                                                \
    CHILD("two", #own "1", #other "1", extra)                                                                \
    CHILD("three", #own "2", #other "2", extra) CHILD("four", #own "3", #other "3", extra)
#define MANY(own, other, ends, peer, extra)                                                                  \
    "connections { net {\n version = 2\n keyingtries = 0\n dpd_delay = 10s\n" peer                           \
    " local { auth = psk\n id = " own " }\n remote { auth = psk\n id = " other                               \
    " }\n children {\n" ends extra " } } }\nsecrets { ike { secret = \"correct horse battery staple\" } }\n"
#define ALWAYS " start_action = start\n close_action = start\n dpd_action = restart\n"
#define MANY_A MANY("a.test", "b.test", CHILDREN(1, 2, ALWAYS), " remote_addrs = 198.51.100.2\n", "")
#define MANY_B MANY("b.test", "a.test", CHILDREN(2, 1, ""), "", "")
#define LATER_A                                                                                              \
    MANY("a.test", "b.test", CHILD("one", "10", "20", "") CHILD("two", "11", "21", ""),                      \
         " remote_addrs = 198.51.100.2\n", "")
#define LATER_B MANY("b.test", "a.test", CHILD("one", "20", "10", "") CHILD("two", "21", "11", ""), "", "")
#define BY_HAND .conf_a = TUNNEL_A("  start = no\n"), .conf_b = TUNNEL_B("")

static uint64_t state;

static unsigned roll(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

static void begin(struct sim *s)
{
    state = s->seed * 2654435761u + 1;
    roll(2);
}

/* Often at once, else within what a round trip takes, or later. */
static void wait(struct sim *s)
{
    static const int64_t most[] = {0, 5 * TIME_MS, 40 * TIME_MS, 200 * TIME_MS};
    int64_t limit = most[roll(4)];
    if (limit)
        sim_run(s, (int64_t)roll((unsigned)limit) + 1);
}

static void command(struct sim *s, int who, enum command_kind kind, const char *child)
{
    node_command(&s->node[who], kind, "net", child);
}

/* The seed says who begins, and which of the two comes first. */
static void meet(struct sim *s, enum command_kind k1, const char *c1, enum command_kind k2, const char *c2)
{
    begin(s);
    int first = (int)roll(2);
    bool is_turned = roll(2);
    command(s, first, is_turned ? k2 : k1, is_turned ? c2 : c1);
    wait(s);
    command(s, !first, is_turned ? k1 : k2, is_turned ? c1 : c2);
    sim_run(s, 60 * TIME_SECOND);
}

static void up_by_hand(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_establish(s, 1);
}

static void child_rekey_and_child_delete(struct sim *s)
{
    up_by_hand(s);
    meet(s, COMMAND_REKEY, "net", COMMAND_TERMINATE, "net");
}

static void ike_rekey_and_child_delete(struct sim *s)
{
    up_by_hand(s);
    meet(s, COMMAND_REKEY, NULL, COMMAND_TERMINATE, "net");
}

static void ike_rekey_and_ike_delete(struct sim *s)
{
    up_by_hand(s);
    meet(s, COMMAND_REKEY, NULL, COMMAND_TERMINATE, NULL);
}

static void child_delete_and_child_delete(struct sim *s)
{
    up_by_hand(s);
    meet(s, COMMAND_TERMINATE, "net", COMMAND_TERMINATE, "net");
}

static bool child_is_gone(struct sim *s)
{
    return sim_is_up(s, 0) || sim_is_down(s);
}

static void new_child_and_ike_rekey(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", "one");
    sim_establish(s, 1);
    begin(s);
    int first = (int)roll(2);
    for (int i = 0; i < 2; i++) {
        if (i == first)
            command(s, A, COMMAND_INITIATE, "two");
        else
            command(s, B, COMMAND_REKEY, NULL);
        wait(s);
    }
    sim_run(s, 60 * TIME_SECOND);
}

static bool both_children_in_a_new_ike_sa(struct sim *s)
{
    return sim_is_up(s, 2) && sim_ike_is_new(s);
}

static const char *any_child(void)
{
    static const char *const names[] = {"one", "two", "three", "four"};
    return names[roll(4)];
}

/* Rekeyings of anything by both, as fast as they come. Nothing may go down. */
static void rekey_all(struct sim *s)
{
    sim_establish(s, 4);
    begin(s);
    for (int i = 0; i < 40; i++) {
        command(s, (int)roll(2), COMMAND_REKEY, roll(4) ? any_child() : NULL);
        wait(s);
        if (!roll(8))
            sim_run(s, (int64_t)roll(3000) * TIME_MS);
    }
    sim_run(s, 60 * TIME_SECOND);
}

static void rekey_all_with_traffic(struct sim *s)
{
    sim_establish(s, 4);
    s->has_traffic = true;
    sim_run(s, TIME_SECOND);
    rekey_all(s);
}

/* Deletes as well; A brings back whatever goes. */
static void do_everything(struct sim *s)
{
    sim_establish(s, 4);
    begin(s);
    for (int i = 0; i < 40; i++) {
        unsigned what = roll(8);
        if (what < 5)
            command(s, (int)roll(2), COMMAND_REKEY, what < 4 ? any_child() : NULL);
        else if (what < 7)
            command(s, B, COMMAND_TERMINATE, any_child());
        else
            command(s, A, COMMAND_INITIATE, any_child());
        wait(s);
        if (!roll(8))
            sim_run(s, (int64_t)roll(3000) * TIME_MS);
    }
    command(s, B, COMMAND_TERMINATE, NULL);
    wait(s);
    command(s, A, COMMAND_REKEY, roll(2) ? any_child() : NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static bool all_children_are_up(struct sim *s)
{
    return sim_is_up(s, 4);
}

#define WITHIN .goal_within = 400 * TIME_SECOND

const struct scenario scenarios_collide[] = {
    IN_ALL_WEATHERS("child_rekey_meets_child_delete", BY_HAND, .run = child_rekey_and_child_delete,
                    .goal = child_is_gone, WITHIN),
    IN_ALL_WEATHERS("ike_rekey_meets_child_delete", BY_HAND, .run = ike_rekey_and_child_delete,
                    .goal = child_is_gone, WITHIN),
    IN_ALL_WEATHERS("ike_rekey_meets_ike_delete", BY_HAND, .run = ike_rekey_and_ike_delete,
                    .goal = sim_is_down, WITHIN),
    IN_ALL_WEATHERS("child_delete_meets_child_delete", BY_HAND, .run = child_delete_and_child_delete,
                    .goal = child_is_gone, WITHIN),
    IN_ALL_WEATHERS("new_child_meets_ike_rekey", .conf_a = LATER_A, .conf_b = LATER_B,
                    .run = new_child_and_ike_rekey, .goal = both_children_in_a_new_ike_sa, WITHIN),
    IN_ALL_WEATHERS("everything_is_rekeyed_at_once", .conf_a = MANY_A, .conf_b = MANY_B, .run = rekey_all,
                    .goal = all_children_are_up, WITHIN),
    {.name = "everything_is_rekeyed_at_once_and_loses_no_packet",
                                         .conf_a = MANY_A,
                                         .conf_b = MANY_B,
                                         .run = rekey_all_with_traffic,
                                         .goal = all_children_are_up,
                                         WITHIN, .needs_lossless_traffic = true},
    IN_ALL_WEATHERS("everything_happens_at_once", .conf_a = MANY_A, .conf_b = MANY_B, .run = do_everything,
                    .goal = all_children_are_up, WITHIN),
    {0                                           },
};
