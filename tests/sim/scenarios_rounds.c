/* SPDX-License-Identifier: Apache-2.0 */
/* Several rounds of authentication (RFC 4739): of one side and of both, with secrets and certificates, anew
 * by reauthentication; a wrong one, and one that is missing, leave nothing behind. Sessions are resumed
 * without them (RFC 5723), and INITIAL_CONTACT clears away what the client has lost, once the last round is
 * over. */
#include "conf.h"
#include "engine/engine.h"
#include "sim.h"
#include <string.h>

/* Which secret is meant shows where it names both. */
#define SECRETS(user)                                                                                        \
    "secrets { ike-gateways { id-a = a.test\n id-b = b.test\n secret = \"correct horse battery staple\" }\n" \
    " ike-user { id-user = user\n id-a = a.test\n id-b = b.test\n secret = \"" user "\" } }\n"
#define NET(peer, rounds, nets, action, user)                                                                \
    "connections { net {\n version = 2\n" peer rounds " children {\n  net { local_ts = " nets                \
    "\n dpd_action = restart\n start_action = " action " }\n } } }\n" SECRETS(user)
#define OF_A(rounds, user)                                                                                   \
    NET(" keyingtries = 0\n remote_addrs = 198.51.100.2\n", rounds,                                          \
        "10.10.0.0/24\n remote_ts = 10.20.0.0/24", "start", user)
#define ONCE_OF_A(rounds, user)                                                                              \
    NET(" remote_addrs = 198.51.100.2\n", rounds, "10.10.0.0/24\n remote_ts = 10.20.0.0/24", "none", user)
#define OF_B(rounds, user) NET("", rounds, "10.20.0.0/24\n remote_ts = 10.10.0.0/24", "none", user)

#define SECRET(side, who) " " side " {\n auth = psk\n id = " who " }\n"
#define CERT(side, who)   " " side " {\n auth = pubkey\n id = " who ".test\n certs = " who ".crt }\n"
#define CA(side, who)     " " side " {\n auth = pubkey\n id = " who ".test\n cacerts = ca.crt }\n"

/* A: its certificate and its user's secret; B: a secret. */
#define A_TWICE CERT("local-1", "a") SECRET("local-2", "user") SECRET("remote", "b.test")
#define A_ONCE  CERT("local-1", "a") SECRET("remote", "b.test")
#define B_ONCE  SECRET("local", "b.test") CA("remote-1", "a") SECRET("remote-2", "user")
/* A: a secret; B: another, its certificate, and its user's. */
#define A_SEES_THREE                                                                                         \
    SECRET("local", "a.test") SECRET("remote-1", "b.test") CA("remote-2", "b") SECRET("remote-3", "user")
#define B_THREE                                                                                              \
    SECRET("local-1", "b.test") CERT("local-2", "b") SECRET("local-3", "user") SECRET("remote", "a.test")
/* Both twice. */
#define BOTH_A CERT("local-1", "a") SECRET("local-2", "user") SECRET("remote-1", "b.test") CA("remote-2", "b")
#define BOTH_B SECRET("local-1", "b.test") CERT("local-2", "b") CA("remote-1", "a") SECRET("remote-2", "user")

static bool peer_is_user(struct sim *s, int side)
{
    struct ike_view v;
    for (size_t i = 0; engine_ike_at(s->node[side].engine, i, &v); i++) {
        if (v.state == IKE_ESTABLISHED && !span_equal(v.remote_id.data, span_str("user")))
            return false;
    }
    return true;
}

static bool up_for_the_user(struct sim *s)
{
    return sim_is_up(s, 1) && peer_is_user(s, B);
}

static bool up_with_user_of_b(struct sim *s)
{
    return sim_is_up(s, 1) && peer_is_user(s, A);
}

static bool anew_for_the_user(struct sim *s)
{
    return up_for_the_user(s) && sim_ike_is_new(s);
}

static bool failed(struct sim *s)
{
    return s->node[A].done_id == s->node[A].commands && s->node[A].done.class != FAIL_NONE && sim_is_down(s);
}

static bool refused(struct sim *s)
{
    return failed(s) && s->node[A].done.class == FAIL_AUTH;
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void try_once(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static void reauthenticate(struct sim *s)
{
    sim_establish(s, 1);
    sim_mark(s);
    sim_run(s, 100 * TIME_SECOND);
}

#define RESUMES " session_resumption = yes\n dpd_delay = 10s\n"
/* B makes room for who has started anew, and for nothing else. */
#define MAKES_ROOM " unique = no\n dpd_delay = 0\n"

static void restart(struct sim *s, int side, const char *conf)
{
    sim_establish(s, 1);
    sim_mark(s);
    node_kill(&s->node[side]);
    sim_run(s, 3 * TIME_SECOND);
    node_restart(&s->node[side]);
    node_load(&s->node[side], conf);
    sim_run(s, 60 * TIME_SECOND);
}

#define GUESS  "somebody else's"
#define RIGHT  "that of the user"
#define REAUTH " reauth_time = 60s\n over_time = 60s\n rekey_time = 0\n"

#define CLIENT_RESUMES  OF_A(RESUMES A_TWICE, RIGHT)
#define GATEWAY_RESUMES OF_B(RESUMES B_ONCE, RIGHT)
#define GATEWAY_ROOMY   OF_B(MAKES_ROOM B_ONCE, RIGHT)

static void gateway_crashes(struct sim *s)
{
    restart(s, B, GATEWAY_RESUMES);
}

static bool is_resumed(struct sim *s)
{
    struct ike_view v = {0};
    return anew_for_the_user(s) && engine_ike_at(s->node[A].engine, 0, &v) && v.is_resumed;
}

static void client_crashes(struct sim *s)
{
    restart(s, A, OF_A(A_TWICE, RIGHT));
}

const struct scenario scenarios_rounds[] = {
    IN_ALL_WEATHERS("rounds_of_the_initiator", .conf_a = OF_A(A_TWICE, RIGHT), .conf_b = OF_B(B_ONCE, RIGHT),
                    .run = let_it_start, .goal = up_for_the_user, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("rounds_of_the_responder", .conf_a = OF_A(A_SEES_THREE, RIGHT),
                    .conf_b = OF_B(B_THREE, RIGHT), .run = let_it_start, .goal = up_with_user_of_b,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("rounds_of_both", .conf_a = OF_A(BOTH_A, RIGHT), .conf_b = OF_B(BOTH_B, RIGHT),
                    .run = let_it_start, .goal = up_for_the_user, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("rounds_again", .conf_a = OF_A(REAUTH A_TWICE, RIGHT), .conf_b = OF_B(B_ONCE, RIGHT),
                    .run = reauthenticate, .goal = anew_for_the_user, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("rounds_and_a_session", .conf_a = CLIENT_RESUMES, .conf_b = GATEWAY_RESUMES,
                    .run = gateway_crashes, .goal = anew_for_the_user, .goal_within = 300 * TIME_SECOND),
    {.name = "rounds_are_not_repeated_in_a_session",
                                                                                         .conf_a = CLIENT_RESUMES,
                                                                                         .conf_b = GATEWAY_RESUMES,
                                                                                         .run = gateway_crashes,
                                                                                         .goal = is_resumed,
                                                                                         .goal_within = 60 * TIME_SECOND},
    IN_ALL_WEATHERS("rounds_of_a_client_that_crashed", .conf_a = OF_A(A_TWICE, RIGHT),
                    .conf_b = GATEWAY_ROOMY, .run = client_crashes, .goal = anew_for_the_user,
                    .goal_within = 300 * TIME_SECOND),
 /* where messages are lost the one attempt may as well end without an answer */
    IN_ALL_WEATHERS("rounds_with_a_wrong_one", .conf_a = ONCE_OF_A(A_TWICE, GUESS),
                    .conf_b = OF_B(B_ONCE, RIGHT), .run = try_once, .goal = failed,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("rounds_with_one_missing", .conf_a = ONCE_OF_A(A_ONCE, RIGHT),
                    .conf_b = OF_B(B_ONCE, RIGHT), .run = try_once, .goal = failed,
                    .goal_within = 240 * TIME_SECOND),
    {.name = "rounds_of_a_stranger_are_refused",
                                                                                         .conf_a = ONCE_OF_A(A_TWICE, GUESS),
                                                                                         .conf_b = OF_B(B_ONCE, RIGHT),
                                                                                         .run = try_once,
                                                                                         .goal = refused,
                                                                                         .goal_within = 60 * TIME_SECOND},
    {.name = "rounds_that_are_too_few_are_refused",
                                                                                         .conf_a = ONCE_OF_A(A_ONCE, RIGHT),
                                                                                         .conf_b = OF_B(B_ONCE, RIGHT),
                                                                                         .run = try_once,
                                                                                         .goal = refused,
                                                                                         .goal_within = 60 * TIME_SECOND},
    {.name = NULL                                             },
};
