/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts about certificates that are waited for, as when CRLs are fetched: IKE_AUTH pauses for seconds on
 * either side, while requests are repeated and answers get lost. With verdicts that come in time, and with
 * such that at first come when the half-open SA is gone. */
#include "conf.h"
#include "sim.h"

#define NET(peer, nets, action)                                                                              \
    "connections { net {\n version = 2\n" peer " children {\n  net { local_ts = " nets                       \
    "\n start_action = " action " }\n } } }\n"
#define HAS(who)   " local {\n auth = pubkey\n id = " who ".test\n certs = " who ".crt }\n"
#define TAKES(who) " remote {\n auth = pubkey\n id = " who ".test\n cacerts = ca.crt }\n"
#define OF_A                                                                                                 \
    NET(" keyingtries = 0\n remote_addrs = 198.51.100.2\n" HAS("a") TAKES("b"),                              \
        "10.10.0.0/24\n remote_ts = 10.20.0.0/24", "start")
#define OF_B NET(HAS("b") TAKES("a"), "10.20.0.0/24\n remote_ts = 10.10.0.0/24", "none")
/* Both begin, and one of the two IKE SAs goes: who does not hear of it learns it from liveness checks, or
 * from the attempt that the other one makes then. */
#define EAGER     " keyingtries = 0\n unique = replace\n"
#define LIVELY    EAGER " dpd_delay = 10s\n"
#define RESTARTED "start\n dpd_action = restart\n close_action = start"
#define A_BEGINS(keys, action)                                                                               \
    NET(keys " remote_addrs = 198.51.100.2\n" HAS("a") TAKES("b"),                                           \
        "10.10.0.0/24\n remote_ts = 10.20.0.0/24", action)
#define B_BEGINS(keys, action)                                                                               \
    NET(keys " remote_addrs = 192.0.2.1\n" HAS("b") TAKES("a"), "10.20.0.0/24\n remote_ts = 10.10.0.0/24",   \
        action)

/* As long as the revoker has patience. */
static void wait_for_verdicts(struct sim *s)
{
    s->verdicts_after = 12 * TIME_SECOND;
    sim_run(s, 60 * TIME_SECOND);
}

/* Longer than a half-open SA lives. */
static void have_late_verdicts(struct sim *s)
{
    s->verdicts_after = 50 * TIME_SECOND;
    sim_run(s, 120 * TIME_SECOND);
    s->verdicts_after = 2 * TIME_SECOND;
}

static bool is_up(struct sim *s)
{
    return sim_is_up(s, 1);
}

#define UP .goal = is_up, .goal_within = 300 * TIME_SECOND

const struct scenario scenarios_verdict[] = {
    IN_WEATHER("verdicts_are_waited_for", CLEAN, "on_a_clean_network", .conf_a = OF_A, .conf_b = OF_B,
               .run = wait_for_verdicts, UP),
    IN_WEATHER("verdicts_are_waited_for", LOSS, "under_loss", .conf_a = OF_A, .conf_b = OF_B,
               .run = wait_for_verdicts, UP),
    IN_WEATHER("verdicts_are_waited_for", ALL_OF_IT, "in_all_weathers_at_once", .conf_a = OF_A,
               .conf_b = OF_B, .run = wait_for_verdicts, UP),
    IN_WEATHER("verdicts_are_waited_for_by_both_who_begin", LOSS, "under_loss",
               .conf_a = A_BEGINS(LIVELY, RESTARTED), .conf_b = B_BEGINS(LIVELY, RESTARTED),
               .run = wait_for_verdicts, UP),
    IN_WEATHER("verdicts_are_waited_for_by_both_who_begin_without_liveness", LOSS, "under_loss",
               .conf_a = A_BEGINS(EAGER, "start"), .conf_b = B_BEGINS(EAGER, "start"),
               .run = wait_for_verdicts, UP),
    IN_WEATHER("verdicts_that_come_too_late", LOSS, "under_loss", .conf_a = OF_A, .conf_b = OF_B,
               .run = have_late_verdicts, UP),
    {0},
};
