/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that go past all tunnels or nowhere (struct shunt), as routing rules around that of the tunnels'
 * own table (route.h), whose priority is P:
 *
 *     P-5       fwmark MARK goto P+3       our own packets, always
 *     P-4       from L to R .. goto P+3    what passes
 *     P-3       from L to R .. blackhole   what is dropped (prohibit: and told so)
 *     P-2 to P  see route.h
 *     P+1       iif kw0 goto P+3           what came out of a tunnel was not meant
 *     P+1, P+2                             as P-4 and P-3, for those that are last
 *     P+3       nop
 *
 * What is dropped is dropped in both directions, as far as it is forwarded; what is sent to this machine
 * itself is looked up in the table local before all of these. Rules carry our rtm_protocol, so that what a
 * crash left is found again; without shunts there is none of them. */
#pragma once

#include "base/diag.h"
#include "model/action.h"

struct shunts;

/* priority: P, at least 6. device: kw0. Notes what an earlier run left. NULL with the reason. */
struct shunts *shunts_open(int priority, const char *device, struct diag *d);
/* False with d when the kernel refuses. */
bool shunts_add(struct shunts *s, const struct shunt *shunt, struct diag *d);
void shunts_del(struct shunts *s, uint64_t id);
/* Removes what an earlier run left and nobody asked for again. */
void shunts_sweep(struct shunts *s);
/* Removes all of ours. */
void shunts_close(struct shunts *s);
