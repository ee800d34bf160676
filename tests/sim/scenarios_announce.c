/* SPDX-License-Identifier: Apache-2.0 */
/* Announced ways to authenticate (RFC 9593): each gateway has two certificates for its name, and the other
 * one takes the kind that it would not choose by itself. With the list in IKE_SA_INIT, in IKE_AUTH, in
 * IKE_INTERMEDIATE beside additional key exchanges and for the list alone; and with nothing in common. */
#include "conf.h"
#include "sim.h"

#define NET(peer, rounds, nets, action)                                                                      \
    "connections { net {\n version = 2\n" peer rounds " children {\n  net { local_ts = " nets                \
    "\n start_action = " action " }\n } } }\n"
#define OF_A(more)                                                                                           \
    NET(" keyingtries = 0\n remote_addrs = 198.51.100.2\n", more, "10.10.0.0/24\n remote_ts = 10.20.0.0/24", \
        "start")
#define ONCE_OF_A(more)                                                                                      \
    NET(" remote_addrs = 198.51.100.2\n", more, "10.10.0.0/24\n remote_ts = 10.20.0.0/24", "none")
#define OF_B(more) NET("", more, "10.20.0.0/24\n remote_ts = 10.10.0.0/24", "none")

#define HAS(who, certs)  " local {\n auth = pubkey\n id = " who ".test\n certs = " certs " }\n"
#define BOTH(who)        HAS(who, who "-ed.crt, " who ".crt")
#define TAKES(who, auth) " remote {\n auth = " auth "\n id = " who ".test\n cacerts = ca.crt }\n"
#define ECDSA            "ecdsa-sha256"

#define CLASSIC " proposals = aes256gcm16-prfsha256-x25519\n"
#define HYBRID  " proposals = aes256gcm16-prfsha256-x25519-ke1_mlkem768\n"
/* No room for a list in IKE_SA_INIT. */
#define SHORT "settings { fragment_size = 380 }\n"

/* B takes Ed25519, too, but of others, below another CA: what it announces is linked to each. */
#define OF_B_AND_OTHERS                                                                                      \
    "connections { net {\n version = 2\n" BOTH("b")                                                          \
        TAKES("a", ECDSA) " children {\n  net { local_ts = 10.20.0.0/24\n remote_ts = 10.10.0.0/24 }\n } "   \
                          "}\n other {\n version = 2\n" BOTH(                                                \
                              "b") " remote {\n auth = ed25519\n id = other.test\n cacerts = other.crt }\n"  \
                                   " children {\n  other { local_ts = 10.20.0.0/24\n remote_ts = "           \
                                   "10.30.0.0/24 }\n } } }\n"

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void try_once(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static bool is_up(struct sim *s)
{
    return sim_is_up(s, 1);
}

static bool refused(struct sim *s)
{
    return s->node[A].done_id == s->node[A].commands && s->node[A].done.class == FAIL_AUTH && sim_is_down(s);
}

/* Where messages are lost the one attempt may as well end without an answer. */
static bool failed(struct sim *s)
{
    return s->node[A].done_id == s->node[A].commands && s->node[A].done.class != FAIL_NONE && sim_is_down(s);
}

#define UP .run = let_it_start, .goal = is_up, .goal_within = 240 * TIME_SECOND

const struct scenario scenarios_announce[] = {
    IN_ALL_WEATHERS("announced_by_both", .conf_a = OF_A(BOTH("a") TAKES("b", ECDSA)),
                    .conf_b = OF_B(BOTH("b") TAKES("a", ECDSA)), UP),
    IN_ALL_WEATHERS("announced_in_an_exchange_of_its_own",
                    .conf_a = OF_A(CLASSIC BOTH("a") TAKES("b", ECDSA)),
                    .conf_b = SHORT OF_B(CLASSIC BOTH("b") TAKES("a", ECDSA)), UP),
    IN_ALL_WEATHERS("announced_with_the_last_key_exchange",
                    .conf_a = OF_A(HYBRID BOTH("a") TAKES("b", ECDSA)),
                    .conf_b = SHORT OF_B(HYBRID BOTH("b") TAKES("a", ECDSA)), UP),
    IN_ALL_WEATHERS("announced_for_each_ca", .conf_a = OF_A(BOTH("a") TAKES("b", ECDSA)),
                    .conf_b = OF_B_AND_OTHERS, UP),
    IN_ALL_WEATHERS("announced_for_each_ca_in_an_exchange_of_its_own",
                    .conf_a = OF_A(CLASSIC BOTH("a") TAKES("b", ECDSA)), .conf_b = SHORT OF_B_AND_OTHERS, UP),
    IN_ALL_WEATHERS("announced_with_nothing_in_common",
                    .conf_a = ONCE_OF_A(HAS("a", "a-ed.crt") TAKES("b", ECDSA)),
                    .conf_b = OF_B(BOTH("b") TAKES("a", ECDSA)), .run = try_once, .goal = failed,
                    .goal_within = 240 * TIME_SECOND),
    {.name = "announced_late_with_nothing_in_common",
                                      .conf_a = ONCE_OF_A(HAS("a", "a-ed.crt") TAKES("b", ECDSA)),
                                      .conf_b = SHORT OF_B(BOTH("b") TAKES("a", ECDSA)),
                                      .run = try_once,
                                      .goal = refused,
                                      .goal_within = 60 * TIME_SECOND},
    {0                         },
};
