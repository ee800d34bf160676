/* SPDX-License-Identifier: Apache-2.0 */
/* Additional key exchanges (RFC 9370) in IKE_INTERMEDIATE (RFC 9242): several, in fragments, with a peer that
 * has only some of them or none, and what follows when the IKE SA is rekeyed. */
#include "conf.h"
#include "sim.h"

#define FIRST "  proposals = aes256gcm16-prfsha384-x25519"
#define THREE FIRST "-ke1_ecp256-ke2_modp2048-ke7_ecp384\n"
#define ONE   FIRST "-ke1_ecp256\n"

#define HYBRID FIRST "-ke1_mlkem768\n"
#define CHILD  "  esp_proposals = aes256gcm16-x25519-ke1_mlkem512-ke2_ecp256\n"

/* With two children, and with lifetimes; what follow-ups are about is as above. */
#define CONNECTION(own, other, more, children)                                                               \
    "connections { net {\n version = 2\n keyingtries = 0\n" more " local { auth = psk\n id = " own           \
    " }\n remote { auth = psk\n id = " other " }\n children { " children                                     \
    " } } }\nsecrets { ike { secret = \"correct horse battery staple\" } }\n"
#define END_A  "  local_ts = 10.10.0.0/24\n  remote_ts = 10.20.0.0/24\n"
#define END_B  "  local_ts = 10.20.0.0/24\n  remote_ts = 10.10.0.0/24\n"
#define MORE_A "  local_ts = 10.11.0.0/24\n  remote_ts = 10.21.0.0/24\n" CHILD
#define MORE_B "  local_ts = 10.21.0.0/24\n  remote_ts = 10.11.0.0/24\n" CHILD
#define TWO_A                                                                                                \
    CONNECTION("a.test", "b.test", " remote_addrs = 198.51.100.2\n",                                         \
               "net {\n start_action = start\n" END_A "}\n other {\n" MORE_A "}\n")
#define TWO_B CONNECTION("b.test", "a.test", "", "net {\n" END_B "}\n other {\n" MORE_B "}\n")
#define TIMES "  rekey_time = 60s\n  life_time = 300s\n  rand_time = 20s\n" CHILD
#define SAME  " rekey_time = 150s\n over_time = 300s\n rand_time = 40s\n" HYBRID
#define TIMED_A                                                                                              \
    CONNECTION("a.test", "b.test", " remote_addrs = 198.51.100.2\n" SAME,                                    \
               "net {\n start_action = start\n" END_A TIMES "}\n")
#define TIMED_B CONNECTION("b.test", "a.test", SAME, "net {\n" END_B TIMES "}\n")

static size_t n_addke(const struct node *n)
{
    struct ike_view v;
    size_t count = 0;
    for (size_t i = 0; engine_ike_at(n->engine, 0, &v) && i < ADDKE_MAX; i++)
        count += v.chosen.addke[i] != 0;
    return count;
}

static bool up_with(struct sim *s, size_t n)
{
    return sim_is_up(s, 1) && n_addke(&s->node[A]) == n && n_addke(&s->node[B]) == n;
}

static bool up_with_three(struct sim *s)
{
    return up_with(s, 3);
}

static bool up_with_one(struct sim *s)
{
    return up_with(s, 1);
}

static bool up_without(struct sim *s)
{
    return up_with(s, 0);
}

static bool ike_was_replaced(struct sim *s)
{
    return sim_is_up(s, 1) && sim_ike_is_new(s);
}

static bool refused(struct sim *s)
{
    return s->node[A].done.class == FAIL_PROPOSAL && sim_is_down(s);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void try_once(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_run(s, 30 * TIME_SECOND);
}

static bool child_was_replaced(struct sim *s)
{
    struct ike_view v;
    struct child_view c;
    return sim_is_up(s, 1) && sim_child_is_new(s) && engine_ike_at(s->node[A].engine, 0, &v) &&
           engine_child_at(s->node[A].engine, v.id, 0, &c) && c.chosen.addke[0] && c.chosen.addke[1];
}

static bool up_with_one_child(struct sim *s)
{
    return sim_is_up(s, 1);
}

static bool both_are_up(struct sim *s)
{
    return sim_is_up(s, 2);
}

/* NULL: the IKE SA */
static void rekey(struct sim *s, const char *by_a, const char *by_b)
{
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_REKEY, "net", by_a);
    node_command(&s->node[B], COMMAND_REKEY, "net", by_b);
    sim_run(s, 60 * TIME_SECOND);
}

static void ike_by_both(struct sim *s)
{
    rekey(s, NULL, NULL);
}

static void child_by_both(struct sim *s)
{
    rekey(s, "net", "net");
}

static void child_by_a_ike_by_b(struct sim *s)
{
    rekey(s, "net", NULL);
}

static void child_by_a(struct sim *s)
{
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_REKEY, "net", "net");
    sim_run(s, 60 * TIME_SECOND);
}

static void child_by_b(struct sim *s)
{
    sim_establish(s, 1);
    node_command(&s->node[B], COMMAND_REKEY, "net", "net");
    sim_run(s, 60 * TIME_SECOND);
}

static void add_child(struct sim *s)
{
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_INITIATE, "net", "other");
    sim_run(s, 60 * TIME_SECOND);
}

/* In the middle of the additional key exchanges one side is gone, and comes back without memory. */
static void restart_under_way(struct sim *s, int who, const char *conf)
{
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_REKEY, "net", "net");
    sim_run(s, 15 * TIME_MS + (int64_t)(s->seed % 40) * TIME_MS);
    node_kill(&s->node[who]);
    node_restart(&s->node[who]);
    node_load(&s->node[who], conf);
    sim_run(s, 60 * TIME_SECOND);
}

static void initiator_restarts(struct sim *s)
{
    restart_under_way(s, A, TUNNEL_A(CHILD));
}

static void responder_restarts(struct sim *s)
{
    restart_under_way(s, B, TUNNEL_B(CHILD));
}

/* Lifetimes of minutes: rekeyings of both kinds meet each other. */
static void by_time(struct sim *s)
{
    sim_establish(s, 1);
    sim_run(s, 900 * TIME_SECOND);
    if (engine_stats(s->node[A].engine)->rekeyed_child + engine_stats(s->node[B].engine)->rekeyed_child < 8)
        sim_fail(s, "fewer than 8 child rekeys in a quarter of an hour");
}

static bool has_a_child(const struct node *n)
{
    struct ike_view v;
    struct child_view c;
    for (size_t i = 0; engine_ike_at(n->engine, i, &v); i++) {
        if (engine_child_at(n->engine, v.id, 0, &c))
            return true;
    }
    return false;
}

/* Perhaps in the middle of the next rekeying. */
static bool both_live(struct sim *s)
{
    return has_a_child(&s->node[A]) && has_a_child(&s->node[B]);
}

/* Behind a NAT only one side can begin. */
#define BEGUN_BY_BOTH(w, suffix)                                                                             \
    IN_WEATHER("additional_key_exchanges_begun_by_both", w, suffix, .conf_a = TUNNEL_A(ONE),                 \
               .conf_b = TUNNEL_B_STARTS(ONE), .run = let_it_start, .goal = up_with_one,                     \
               .goal_within = 400 * TIME_SECOND)
/* Not under loss: within a quarter of an hour some request would get no answer at all, and end the SA. */
#define BY_TIME(w, suffix)                                                                                   \
    IN_WEATHER("follow_up_of_rekeys_by_time", w, suffix, .conf_a = TIMED_A, .conf_b = TIMED_B,               \
               .run = by_time, .goal = both_live, .goal_within = 120 * TIME_SECOND)
#define SMALL "settings { fragment_size = 300 }\n"

const struct scenario scenarios_addke[] = {
    IN_ALL_WEATHERS("additional_key_exchanges", .conf_a = TUNNEL_A(THREE), .conf_b = TUNNEL_B(THREE),
                    .run = let_it_start, .goal = up_with_three, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("additional_key_exchanges_in_fragments", .conf_a = SMALL TUNNEL_A(THREE),
                    .conf_b = SMALL TUNNEL_B(THREE), .run = let_it_start, .goal = up_with_three,
                    .goal_within = 240 * TIME_SECOND),
    BEGUN_BY_BOTH(CLEAN, "on_a_clean_network"),
    BEGUN_BY_BOTH(LOSS, "under_loss"),
    BEGUN_BY_BOTH(DUPLICATION, "under_duplication"),
    BEGUN_BY_BOTH(REORDERING, "under_reordering"),
    IN_ALL_WEATHERS("peer_without_additional_key_exchanges",
                    .conf_a = TUNNEL_A(FIRST "-ke1_ecp256, aes256gcm16-prfsha384-x25519\n"),
                    .conf_b = TUNNEL_B(FIRST "\n"), .run = let_it_start, .goal = up_without,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("follow_up_of_an_ike_rekey_by_both", .conf_a = TUNNEL_A(HYBRID),
                    .conf_b = TUNNEL_B(HYBRID), .run = ike_by_both, .goal = ike_was_replaced,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("follow_up_of_a_child_rekey", .conf_a = TUNNEL_A(CHILD), .conf_b = TUNNEL_B(CHILD),
                    .run = child_by_a, .goal = child_was_replaced, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("follow_up_of_a_child_rekey_by_the_responder", .conf_a = TUNNEL_A(CHILD),
                    .conf_b = TUNNEL_B(CHILD), .run = child_by_b, .goal = child_was_replaced,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("follow_up_of_a_child_rekey_by_both", .conf_a = TUNNEL_A(CHILD),
                    .conf_b = TUNNEL_B(CHILD), .run = child_by_both, .goal = child_was_replaced,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("follow_up_of_a_child_rekey_meets_that_of_an_ike_rekey", .conf_a = TUNNEL_A(HYBRID CHILD),
                    .conf_b = TUNNEL_B(HYBRID CHILD), .run = child_by_a_ike_by_b, .goal = ike_was_replaced,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("follow_up_of_a_further_child", .conf_a = TWO_A, .conf_b = TWO_B, .run = add_child,
                    .goal = both_are_up, .goal_within = 240 * TIME_SECOND),
    BY_TIME(CLEAN, "on_a_clean_network"),
    BY_TIME(DUPLICATION, "under_duplication"),
    BY_TIME(REORDERING, "under_reordering"),
    BY_TIME(NATTED, "behind_a_nat"),
    {.name = "follow_up_whose_initiator_restarts",
                              .conf_a = TUNNEL_A(CHILD),
                              .conf_b = TUNNEL_B(CHILD),
                              .run = initiator_restarts,
                              .goal = up_with_one_child,
                              .goal_within = 60 * TIME_SECOND},
    {.name = "follow_up_whose_responder_restarts",
                              .conf_a = TUNNEL_A(CHILD "  dpd_delay = 10s\n"),
                              .conf_b = TUNNEL_B(CHILD),
                              .run = responder_restarts,
                              .goal = up_with_one_child,
                              .goal_within = 120 * TIME_SECOND},
    {.name = "additional_key_exchange_that_the_peer_lacks_is_refused",
                              .conf_a = TUNNEL_A("  start = no\n" ONE),
                              .conf_b = TUNNEL_B(FIRST "\n"),
                              .run = try_once,
                              .goal = refused,
                              .goal_within = 60 * TIME_SECOND},
    {0                                           },
};
