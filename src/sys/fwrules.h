/* SPDX-License-Identifier: Apache-2.0 */
/* Accept rules for the traffic of children whose connection says firewall = yes, in the firewall that the
 * machine has: at the head of every base chain of nftables that filters at the hooks forward, input or
 * output, has the priority filter (0) or a later one, or drops by its policy. An accept in a table of our own
 * would not do: the packet meets the other chains all the same. Rules match the child's selectors and by what
 * its data plane's packets are known: the tunnel's device, or the reqid of the kernel's SAs; and carry a
 * comment that begins with "keyway:"; by it those of a daemon that was killed are found. When somebody else
 * changes the ruleset, rules of ours that are gone come back, as long as the child is up.
 *
 * The old iptables with tables of its own (iptables-legacy) is not touched, which is logged. Belongs to the
 * loop's thread. */
#pragma once

#include "base/diag.h"
#include "model/action.h"
#include <uv.h>

struct fwrules;

/* NULL where the kernel has no nftables. device: kept by the caller. */
struct fwrules *fwrules_open(uv_loop_t *uv, const char *device);
/* An up adds rules, a down takes away those of its reqid. */
void fwrules_apply(struct fwrules *f, const struct updown *u);
/* Rules for the kernel's SAs do not say which from now on. False: there are none. */
bool fwrules_forget_reqids(struct fwrules *f);
/* Looks at once whether all rules are there. */
void fwrules_refresh(struct fwrules *f);
/* Takes all of them away; the memory goes when the loop runs once more. NULL is fine. */
void fwrules_close(struct fwrules *f);
/* Takes away what carries our comment, whoever added it. How many, or -1 with the reason. */
int fwrules_cleanup(struct diag *d);

/* ---- for the command `ipsec _updown`: one event, without a daemon. The rules carry a comment of their own
 * and stay until the down. */
bool fwrules_once(const char *device, const struct updown *u, struct diag *d);
