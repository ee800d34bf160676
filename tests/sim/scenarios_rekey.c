/* SPDX-License-Identifier: Apache-2.0 */
/* Rekeying: children and IKE SAs, by either side, by both at once, with and without a new key exchange, by
 * time and by volume; with traffic running nothing may be lost. */
#include "conf.h"
#include "sim.h"

static bool child_was_replaced(struct sim *s)
{
    return sim_is_up(s, 1) && sim_child_is_new(s);
}

static bool ike_was_replaced(struct sim *s)
{
    return sim_is_up(s, 1) && sim_ike_is_new(s);
}

static void rekey(struct sim *s, bool by_a, bool by_b, const char *child)
{
    sim_establish(s, 1);
    if (by_a)
        node_command(&s->node[A], COMMAND_REKEY, "net", child);
    if (by_b)
        node_command(&s->node[B], COMMAND_REKEY, "net", child);
    sim_run(s, 60 * TIME_SECOND);
}

static void child_by_a(struct sim *s)
{
    rekey(s, true, false, "net");
}

static void child_by_b(struct sim *s)
{
    rekey(s, false, true, "net");
}

static void child_by_both(struct sim *s)
{
    rekey(s, true, true, "net");
}

static void ike_by_a(struct sim *s)
{
    rekey(s, true, false, NULL);
}

static void ike_by_b(struct sim *s)
{
    rekey(s, false, true, NULL);
}

static void ike_by_both(struct sim *s)
{
    rekey(s, true, true, NULL);
}

static void child_by_a_ike_by_b(struct sim *s)
{
    sim_establish(s, 1);
    node_command(&s->node[A], COMMAND_REKEY, "net", "net");
    node_command(&s->node[B], COMMAND_REKEY, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static void with_traffic(struct sim *s, void (*what)(struct sim *))
{
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, TIME_SECOND);
    what(s);
}

static void child_by_a_with_traffic(struct sim *s)
{
    with_traffic(s, child_by_a);
}

static void child_by_b_with_traffic(struct sim *s)
{
    with_traffic(s, child_by_b);
}

static void child_by_both_with_traffic(struct sim *s)
{
    with_traffic(s, child_by_both);
}

static void ike_by_a_with_traffic(struct sim *s)
{
    with_traffic(s, ike_by_a);
}

static void ike_by_b_with_traffic(struct sim *s)
{
    with_traffic(s, ike_by_b);
}

/* Lifetimes of seconds: an hour's worth of rekeying in three minutes, traffic running. */
static void by_time(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, 180 * TIME_SECOND);
    if (engine_stats(s->node[A].engine)->rekeyed_child + engine_stats(s->node[B].engine)->rekeyed_child < 5)
        sim_fail(s, "fewer than 5 child rekeys in three minutes of 20-second lifetimes");
}

static void by_volume(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, 60 * TIME_SECOND);
    if (engine_stats(s->node[A].engine)->rekeyed_child + engine_stats(s->node[B].engine)->rekeyed_child < 2)
        sim_fail(s, "fewer than 2 child rekeys after twice the volume");
}

#define CHILD_LIFE(end, own, other, peer, action, life, ike)                                                 \
    "connections { net {\n version = 2\n keyingtries = 0\n" ike peer " local { auth = psk\n id = " own       \
    " }\n remote { auth = psk\n id = " other " }\n children { net {\n  local_ts = " end                      \
    "\n  start_action = " action "\n" life " } } } }\n"                                                      \
    "secrets { ike { secret = \"correct horse battery staple\" } }\n"
#define LIFE_A(life, ike)                                                                                    \
    CHILD_LIFE("10.10.0.0/24\n  remote_ts = 10.20.0.0/24", "a.test", "b.test",                               \
               " remote_addrs = 198.51.100.2\n", "start", life, ike)
#define LIFE_B(life, ike)                                                                                    \
    CHILD_LIFE("10.20.0.0/24\n  remote_ts = 10.10.0.0/24", "b.test", "a.test", "", "none", life, ike)
#define SECONDS     "  rekey_time = 20s\n  life_time = 40s\n  rand_time = 5s\n"
#define VOLUME      "  rekey_packets = 400\n  life_packets = 4000\n  rand_packets = 50\n"
#define IKE_SECONDS " rekey_time = 45s\n over_time = 30s\n rand_time = 5s\n"
#define PFS         "  esp_proposals = aes256gcm16-x25519\n"

#define REAUTH " rekey_time = 0\n reauth_time = 300s\n over_time = 100s\n rand_time = 0s\n dpd_delay = 10s\n"
#define BREAKS "keyway {\n make_before_break = no\n }\n"

#define CALM(n, w, r, g, ...)                                                                                \
    {                                                                                                        \
        .name = n, .weather = w, .run = r, .goal = g, .needs_lossless_traffic = true,                        \
        .goal_within = 60 * TIME_SECOND, __VA_ARGS__                                                         \
    }
#define PLAIN .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B("")

/* The second one is not due before the goal's time is over. */
static void reauthenticate(struct sim *s)
{
    sim_establish(s, 1);
    sim_run(s, 340 * TIME_SECOND);
}

static void reauthenticate_with_traffic(struct sim *s)
{
    sim_establish(s, 1);
    s->has_traffic = true;
    sim_run(s, 320 * TIME_SECOND);
    if (engine_stats(s->node[A].engine)->rekeyed_ike)
        sim_fail(s, "an IKE SA that was to be made anew was rekeyed");
}

const struct scenario scenarios_rekey[] = {
    IN_ALL_WEATHERS("reauthentication_makes_before_it_breaks", .conf_a = LIFE_A("", REAUTH),
                    .conf_b = LIFE_B("", ""), .run = reauthenticate, .goal = ike_was_replaced,
                    .goal_within = 200 * TIME_SECOND),
    IN_ALL_WEATHERS("reauthentication_breaks_before_it_makes", .conf_a = BREAKS LIFE_A("", REAUTH),
                    .conf_b = LIFE_B("", ""), .run = reauthenticate, .goal = ike_was_replaced,
                    .goal_within = 200 * TIME_SECOND),
    IN_ALL_WEATHERS("reauthentication_as_the_responder_says", .conf_a = LIFE_A("", ""),
                    .conf_b = LIFE_B("", REAUTH), .run = reauthenticate, .goal = ike_was_replaced,
                    .goal_within = 200 * TIME_SECOND),
    CALM("reauthentication_as_the_responder_says_loses_no_packet", CLEAN, reauthenticate_with_traffic,
         ike_was_replaced, .conf_a = LIFE_A("", ""), .conf_b = LIFE_B("", REAUTH)),
    CALM("reauthentication_loses_no_packet", CLEAN, reauthenticate_with_traffic, ike_was_replaced,
         .conf_a = LIFE_A("", REAUTH), .conf_b = LIFE_B("", "")),
    CALM("reauthentication_behind_a_nat_loses_no_packet", NATTED, reauthenticate_with_traffic,
         ike_was_replaced, .conf_a = LIFE_A("", REAUTH), .conf_b = LIFE_B("", "")),
    IN_ALL_WEATHERS("child_rekey_by_the_initiator", PLAIN, .run = child_by_a, .goal = child_was_replaced,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("child_rekey_by_the_responder", PLAIN, .run = child_by_b, .goal = child_was_replaced,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("child_rekey_with_a_new_key_exchange", .conf_a = LIFE_A(PFS, ""),
                    .conf_b = LIFE_B(PFS, ""), .run = child_by_a, .goal = child_was_replaced,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("child_rekey_by_both", PLAIN, .run = child_by_both, .goal = child_was_replaced,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("ike_rekey_by_the_initiator", PLAIN, .run = ike_by_a, .goal = ike_was_replaced,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("ike_rekey_by_the_responder", PLAIN, .run = ike_by_b, .goal = ike_was_replaced,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("ike_rekey_by_both", PLAIN, .run = ike_by_both, .goal = ike_was_replaced,
                    .goal_within = 400 * TIME_SECOND),
    IN_ALL_WEATHERS("child_rekey_meets_ike_rekey", PLAIN, .run = child_by_a_ike_by_b,
                    .goal = ike_was_replaced, .goal_within = 400 * TIME_SECOND),
    CALM("child_rekey_by_the_initiator_loses_no_packet", CLEAN, child_by_a_with_traffic, child_was_replaced,
         PLAIN),
    CALM("child_rekey_by_the_responder_loses_no_packet", CLEAN, child_by_b_with_traffic, child_was_replaced,
         PLAIN),
    CALM("child_rekey_by_both_loses_no_packet", CLEAN, child_by_both_with_traffic, child_was_replaced, PLAIN),
    CALM("child_rekey_behind_a_nat_loses_no_packet", NATTED, child_by_b_with_traffic, child_was_replaced,
         PLAIN),
    CALM("ike_rekey_by_the_initiator_loses_no_packet", CLEAN, ike_by_a_with_traffic, ike_was_replaced, PLAIN),
    CALM("ike_rekey_by_the_responder_loses_no_packet", CLEAN, ike_by_b_with_traffic, ike_was_replaced, PLAIN),
    CALM("children_rekeyed_by_time_lose_no_packet", CLEAN, by_time, child_was_replaced,
         .conf_a = LIFE_A(SECONDS, ""), .conf_b = LIFE_B(SECONDS, "")),
    CALM("children_rekeyed_by_volume_lose_no_packet", CLEAN, by_volume, child_was_replaced,
         .conf_a = LIFE_A(VOLUME, ""), .conf_b = LIFE_B(VOLUME, "")),
    CALM("ike_sas_and_children_rekeyed_by_time_lose_no_packet", CLEAN, by_time, ike_was_replaced,
         .conf_a = LIFE_A(SECONDS, IKE_SECONDS), .conf_b = LIFE_B(SECONDS, IKE_SECONDS)),
    {0},
};
