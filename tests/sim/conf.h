/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration files that scenarios share, as a user would write them. */
#pragma once

#define PSK "  psk = \"correct horse battery staple\"\n"

/* A starts; B waits for anybody who is a.test. Extra lines go into the tunnel. */
#define TUNNEL_A(extra)                                                                                      \
    "tunnel net {\n  peer = 198.51.100.2\n  id = a.test\n  peer_id = b.test\n" PSK                           \
    "  local = 10.10.0.0/24\n  remote = 10.20.0.0/24\n" extra "}\n"
#define TUNNEL_B(extra)                                                                                      \
    "tunnel net {\n  id = b.test\n  peer_id = a.test\n" PSK                                                  \
    "  local = 10.20.0.0/24\n  remote = 10.10.0.0/24\n  start = no\n" extra "}\n"
/* B knows where A is and starts too. */
#define TUNNEL_B_STARTS(extra)                                                                               \
    "tunnel net {\n  peer = 192.0.2.1\n  id = b.test\n  peer_id = a.test\n" PSK                              \
    "  local = 10.20.0.0/24\n  remote = 10.10.0.0/24\n" extra "}\n"

/* The same scenario in each kind of weather: one row each. */
#define IN_WEATHER(base, w, suffix, ...)                                                                     \
    {                                                                                                        \
        .name = base "_" suffix, .weather = w, .has_siblings = true, __VA_ARGS__                             \
    }
#define IN_ALL_WEATHERS(base, ...)                                                                           \
    IN_WEATHER(base, CLEAN, "on_a_clean_network", __VA_ARGS__),                                              \
        IN_WEATHER(base, LOSS, "under_loss", __VA_ARGS__),                                                   \
        IN_WEATHER(base, DUPLICATION, "under_duplication", __VA_ARGS__),                                     \
        IN_WEATHER(base, REORDERING, "under_reordering", __VA_ARGS__),                                       \
        IN_WEATHER(base, NATTED, "behind_a_nat", __VA_ARGS__),                                               \
        IN_WEATHER(base, ALL_OF_IT, "in_all_weathers_at_once", __VA_ARGS__)
