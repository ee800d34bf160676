/* SPDX-License-Identifier: Apache-2.0 */
/* IKE SAs without a first child (RFC 6023): the child comes in an exchange of its own. */
#include "conf.h"
#include "engine/engine.h"
#include "sim.h"

#define SIDE(how, peer, own, other, local, remote, start, life)                                              \
    "connections { net {\n version = 2\n keyingtries = 0\n childless = " how "\n" life peer                  \
    " local { auth = psk\n id = " own " }\n remote { auth = psk\n id = " other " }\n"                        \
    " children { net { local_ts = " local "\n remote_ts = " remote "\n" start " } } } }\n"                   \
    "secrets { ike { secret = \"correct horse battery staple\" } }\n"
#define SIDE_A(how, life) STARTING(how, life, " start_action = start\n")
#define STARTING(how, life, action)                                                                          \
    SIDE(how, " remote_addrs = 198.51.100.2\n", "a.test", "b.test", "10.10.0.0/24", "10.20.0.0/24",          \
         action " esp_proposals = aes256gcm16-x25519\n", life)
#define SIDE_B(how)                                                                                          \
    SIDE(how, "", "b.test", "a.test", "10.20.0.0/24", "10.10.0.0/24",                                        \
         " esp_proposals = aes256gcm16-x25519\n", "")
#define REAUTH " rekey_time = 0\n reauth_time = 300s\n over_time = 100s\n rand_time = 0s\n dpd_delay = 10s\n"

static bool child_has_own_exchange(struct sim *s, bool wanted)
{
    for (int i = 0; i < NODES; i++) {
        struct ike_view v;
        struct child_view c;
        for (size_t k = 0; engine_ike_at(s->node[i].engine, k, &v); k++) {
            for (size_t n = 0; v.state == IKE_ESTABLISHED && engine_child_at(s->node[i].engine, v.id, n, &c);
                 n++) {
                if ((c.chosen.ke != 0) != wanted)
                    return false;
            }
        }
    }
    return true;
}

static bool up_after_childless(struct sim *s)
{
    return sim_is_up(s, 1) && child_has_own_exchange(s, true);
}

static bool up_with_the_first_child(struct sim *s)
{
    return sim_is_up(s, 1) && child_has_own_exchange(s, false);
}

static bool renewed_childless(struct sim *s)
{
    return up_after_childless(s) && sim_ike_is_new(s);
}

static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

static void reauthenticate(struct sim *s)
{
    sim_establish(s, 1);
    sim_run(s, 340 * TIME_SECOND);
}

static void try_once(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

/* Unreachable: the responder forgot the attempt while its messages were lost. */
static bool was_refused(struct sim *s)
{
    const struct node *a = &s->node[A];
    return a->done_id == a->commands && sim_is_down(s) && !a->ikes_made &&
           (a->done.class == FAIL_CONFIG || a->done.class == FAIL_UNREACHABLE);
}

const struct scenario scenarios_childless[] = {
    IN_ALL_WEATHERS("childless_by_both", .conf_a = SIDE_A("force", ""), .conf_b = SIDE_B("force"),
                    .run = let_it_start, .goal = up_after_childless, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("childless_is_preferred_and_not_taken", .conf_a = SIDE_A("prefer", ""),
                    .conf_b = SIDE_B("never"), .run = let_it_start, .goal = up_with_the_first_child,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("childless_reauthentication", .conf_a = SIDE_A("prefer", REAUTH),
                    .conf_b = SIDE_B("allow"), .run = reauthenticate, .goal = renewed_childless,
                    .goal_within = 200 * TIME_SECOND),
    IN_WEATHER("childless_is_demanded_and_refused", LOSS, "under_loss", .conf_a = STARTING("force", "", ""),
               .conf_b = SIDE_B("never"), .run = try_once, .goal = was_refused,
               .goal_within = 240 * TIME_SECOND),
    {0},
};
