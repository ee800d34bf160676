/* SPDX-License-Identifier: Apache-2.0 */
/* Coming up: IKE_SA_INIT with its retries, IKE_AUTH with its methods, further children, and what must not
 * come up. */
#include "conf.h"
#include "sim.h"

static bool up_with_one_child(struct sim *s)
{
    return sim_is_up(s, 1);
}

static bool up_with_two_children(struct sim *s)
{
    return sim_is_up(s, 2);
}

/* The tunnels start by themselves; the first phase is a minute of weather. */
static void let_it_start(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

#define TWO_CHILDREN(end, own, other, peer, action)                                                          \
    "connections { net {\n version = 2\n keyingtries = 0\n" peer " local { auth = psk\n id = " own " }\n"    \
    " remote { auth = psk\n id = " other " }\n children {\n"                                                 \
    "  one { local_ts = " end "\n start_action = " action " }\n"                                             \
    "  two { local_ts = " end "[udp]\n start_action = " action " }\n } } }\n"                                \
    "secrets { ike { secret = \"correct horse battery staple\" } }\n"
#define TWO_A                                                                                                \
    TWO_CHILDREN("10.10.0.0/24\n remote_ts = 10.20.0.0/24", "a.test", "b.test",                              \
                 " remote_addrs = 198.51.100.2\n", "start")
#define TWO_B TWO_CHILDREN("10.20.0.0/24\n remote_ts = 10.10.0.0/24", "b.test", "a.test", "", "none")

static void start_two(struct sim *s)
{
    sim_run(s, 60 * TIME_SECOND);
}

/* One side has a secret, the other a certificate. */
#define MIXED(peer, own, own_auth, other, other_auth, nets, action)                                          \
    "connections { net {\n version = 2\n keyingtries = 0\n" peer " local {\n id = " own "\n" own_auth        \
    " }\n remote {\n id = " other "\n" other_auth " }\n children {\n  net { local_ts = " nets                \
    "\n start_action = " action " }\n } } }\n"                                                               \
    "secrets { ike { secret = \"correct horse battery staple\" } }\n"
#define BY_SECRET " auth = psk\n"
#define MIXED_A(own_auth, other_auth)                                                                        \
    MIXED(" remote_addrs = 198.51.100.2\n", "a.test", own_auth, "b.test", other_auth,                        \
          "10.10.0.0/24\n remote_ts = 10.20.0.0/24", "start")
#define MIXED_B(own_auth, other_auth)                                                                        \
    MIXED("", "b.test", own_auth, "a.test", other_auth, "10.20.0.0/24\n remote_ts = 10.10.0.0/24", "none")
#define BY_KEY(name)     " auth = pubkey\n certs = " name "\n"
#define BY_RAW_KEY(name) " auth = pubkey\n pubkeys = " name "\n"
#define OF_OUR_CA        " auth = pubkey\n cacerts = ca.crt\n"

/* ---- failures that must be named, and leave nothing behind
 * ----------------------------------------------------------- */

static void try_once(struct sim *s)
{
    node_command(&s->node[A], COMMAND_INITIATE, "net", NULL);
    sim_run(s, 60 * TIME_SECOND);
}

static bool failed_with(struct sim *s, enum fail_class class)
{
    return s->node[A].done_id == s->node[A].commands && s->node[A].done.class == class && sim_is_down(s);
}

static bool refused_for_authentication(struct sim *s)
{
    return failed_with(s, FAIL_AUTH);
}

static bool refused_for_the_proposal(struct sim *s)
{
    return failed_with(s, FAIL_PROPOSAL);
}

static bool refused_for_the_selectors(struct sim *s)
{
    return failed_with(s, FAIL_SELECTORS);
}

static bool found_unreachable(struct sim *s)
{
    return failed_with(s, FAIL_UNREACHABLE);
}

#define TUNNEL_B_OTHER_PSK                                                                                   \
    "tunnel net {\n  id = b.test\n  peer_id = a.test\n  psk = \"something else altogether\"\n"               \
    "  local = 10.20.0.0/24\n  remote = 10.10.0.0/24\n  start = no\n}\n"
#define TUNNEL_B_OTHER_ID                                                                                    \
    "tunnel net {\n  id = b.test\n  peer_id = c.test\n" PSK                                                  \
    "  local = 10.20.0.0/24\n  remote = 10.10.0.0/24\n  start = no\n}\n"
#define TUNNEL_B_OTHER_NETS                                                                                  \
    "tunnel net {\n  id = b.test\n  peer_id = a.test\n" PSK                                                  \
    "  local = 10.99.0.0/24\n  remote = 10.98.0.0/24\n  start = no\n}\n"

static void kill_b_and_try(struct sim *s)
{
    node_kill(&s->node[B]);
    try_once(s);
    sim_run(s, 400 * TIME_SECOND);
}

const struct scenario scenarios_setup[] = {
    IN_ALL_WEATHERS("initial_exchanges", .conf_a = TUNNEL_A(""), .conf_b = TUNNEL_B(""), .run = let_it_start,
                    .goal = up_with_one_child, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("cookie_demanded", .conf_a = TUNNEL_A(""),
                    .conf_b = "settings { cookie_threshold = 0 }\n" TUNNEL_B(""), .run = let_it_start,
                    .goal = up_with_one_child, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("invalid_ke_retried",
                    .conf_a = TUNNEL_A("  proposals = aes256gcm16-prfsha256-x25519-ecp256\n"),
                    .conf_b = TUNNEL_B("  proposals = aes256gcm16-prfsha256-ecp256\n"), .run = let_it_start,
                    .goal = up_with_one_child, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("further_child", .conf_a = TWO_A, .conf_b = TWO_B, .run = start_two,
                    .goal = up_with_two_children, .goal_within = 300 * TIME_SECOND),
    IN_ALL_WEATHERS("secret_one_way_certificate_the_other", .conf_a = MIXED_A(BY_SECRET, OF_OUR_CA),
                    .conf_b = MIXED_B(BY_KEY("b.crt"), BY_SECRET), .run = let_it_start,
                    .goal = up_with_one_child, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("certificate_one_way_secret_the_other", .conf_a = MIXED_A(BY_KEY("a.crt"), BY_SECRET),
                    .conf_b = MIXED_B(BY_SECRET, OF_OUR_CA), .run = let_it_start, .goal = up_with_one_child,
                    .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS("raw_keys_both_ways", .conf_a = MIXED_A(BY_RAW_KEY("a.pub"), BY_RAW_KEY("b.pub")),
                    .conf_b = MIXED_B(BY_RAW_KEY("b.pub"), BY_RAW_KEY("a.pub")), .run = let_it_start,
                    .goal = up_with_one_child, .goal_within = 240 * TIME_SECOND),
    IN_ALL_WEATHERS(
        "certificates_in_fragments",
        .conf_a = "settings { fragment_size = 576 }\n"
                  "tunnel net {\n  peer = 198.51.100.2\n  peer_id = b.test\n  cert = a.crt\n  key = a.key\n"
                  "  ca = ca.crt\n  local = 10.10.0.0/24\n  remote = 10.20.0.0/24\n  id = a.test\n}\n",
        .conf_b = "settings { fragment_size = 576 }\n"
                  "tunnel net {\n  peer_id = a.test\n  cert = b.crt\n  key = b.key\n  ca = ca.crt\n"
                  "  local = 10.20.0.0/24\n  remote = 10.10.0.0/24\n  start = no\n  id = b.test\n}\n",
        .run = let_it_start, .goal = up_with_one_child, .goal_within = 240 * TIME_SECOND),
    {.name = "wrong_psk_is_refused",
                                                                                      .conf_a = TUNNEL_A("  start = no\n"),
                                                                                      .conf_b = TUNNEL_B_OTHER_PSK,
                                                                                      .run = try_once,
                                                                                      .goal = refused_for_authentication,
                                                                                      .goal_within = 60 * TIME_SECOND},
    {.name = "wrong_id_is_refused",
                                                                                      .conf_a = TUNNEL_A("  start = no\n"),
                                                                                      .conf_b = TUNNEL_B_OTHER_ID,
                                                                                      .run = try_once,
                                                                                      .goal = refused_for_authentication,
                                                                                      .goal_within = 60 * TIME_SECOND},
    {.name = "no_common_ike_proposal_is_refused",
                                                                                      .conf_a = TUNNEL_A("  start = no\n  proposals = aes128-sha256-modp2048\n"),
                                                                                      .conf_b = TUNNEL_B("  proposals = aes256gcm16-prfsha256-x25519\n"),
                                                                                      .run = try_once,
                                                                                      .goal = refused_for_the_proposal,
                                                                                      .goal_within = 60 * TIME_SECOND},
    {.name = "no_common_esp_proposal_is_refused",
                                                                                      .conf_a = TUNNEL_A("  start = no\n  esp_proposals = aes128-sha256\n"),
                                                                                      .conf_b = TUNNEL_B("  esp_proposals = aes256gcm16\n"),
                                                                                      .run = try_once,
                                                                                      .goal = refused_for_the_proposal,
                                                                                      .goal_within = 60 * TIME_SECOND},
    {.name = "selectors_that_do_not_match_are_refused",
                                                                                      .conf_a = TUNNEL_A("  start = no\n"),
                                                                                      .conf_b = TUNNEL_B_OTHER_NETS,
                                                                                      .run = try_once,
                                                                                      .goal = refused_for_the_selectors,
                                                                                      .goal_within = 60 * TIME_SECOND},
    {.name = "silent_peer_is_unreachable",
                                                                                      .conf_a = TUNNEL_A("  start = no\n"),
                                                                                      .conf_b = TUNNEL_B(""),
                                                                                      .run = kill_b_and_try,
                                                                                      .goal = found_unreachable,
                                                                                      .goal_within = 60 * TIME_SECOND},
    {0     },
};
