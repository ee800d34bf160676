/* SPDX-License-Identifier: Apache-2.0 */
/* What `keyway xfrm` prints: the layouts of `ip xfrm state`, `ip xfrm policy` (iproute2 6.1) and of
 * /proc/net/xfrm_stat, out of the daemon's answers, so that eyes and scripts that know the one read the
 * other. rows: an array of {"name": "state" or "policy", "body"}, as the events keyway-xfrm came. Keys are
 * not in them; XFRM_HIDDEN stands in their place. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define XFRM_HIDDEN "<hidden>"

/* has_stats: as with ip -s. Times are shown in the local zone. */
void xfrm_print_states(FILE *to, json_t *rows, bool has_stats);
void xfrm_print_policies(FILE *to, json_t *rows, bool has_stats);
/* drops: names of esp_drop_name() and counts, those that are not 0. Behind the counters of the kernel come
 * Keyway's own, for packets that the kernel has no counter for. */
void xfrm_print_stat(FILE *to, json_t *drops);

/* The same as JSON: {"states": [..]}, {"policies": [..]}, {"counters": {..}}; numbers are numbers. */
json_t *xfrm_states_json(json_t *rows);
json_t *xfrm_policies_json(json_t *rows);
json_t *xfrm_stat_json(json_t *drops);
