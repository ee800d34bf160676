/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's IPsec as a data plane: SAs, policies and shunts of the records in model/action.h are
 * programmed over netlink (XFRM), and what the kernel tells of them becomes data plane events. All functions
 * are the control thread's.
 *
 * The same kernel policy may be wanted by several records (a trap and its child, two children): it is there
 * once, until the last of them goes, and is as the best of them says. What is installed is in a journal, so
 * that after a crash exactly that is removed. What others delete or flush is noticed, also when the kernel
 * has lost messages: policies are installed again, SAs are told as gone. */
#pragma once

#include "base/diag.h"
#include "model/action.h"

struct xfrm;

struct xfrm_options {
    const char *journal;      /* a file: what is installed, for whoever comes after a crash; NULL: none */
    uint32_t acquire_seconds; /* so long the kernel waits for an SA before it asks again; 0: as it is */
    bool holds_packets; /* packets that wait for an SA are held back as far as the kernel can, not dropped */
    void *ctx;
    /* DP_*; the plane is the kernel's. DP_HARD_EXPIRE with a why: not a limit, somebody took it away. Called
     * by xfrm_read() and xfrm_poll() alone. */
    void (*event)(void *ctx, const struct dataplane_event *ev);
};

/* Can this kernel do ESP? Adds one state, reads it back and deletes it. False with the reason. */
bool xfrm_probe(struct diag *why);

/* What an earlier run has left, by its journal, stays as it is until xfrm_sweep(). NULL with the reason. */
struct xfrm *xfrm_open(const struct xfrm_options *o, struct diag *d);
/* Fills in what this kernel's SAs lack, and its processors. */
void xfrm_lacks(const struct xfrm *x, struct planes *out);
/* Removes of it what nobody asked for again. Call when the configuration is in force, and routes that lead
 * past policies are gone: so there is no moment without a policy that drops. How many there were. */
size_t xfrm_sweep(struct xfrm *x);
/* Readable: call xfrm_read(). */
int xfrm_fd(const struct xfrm *x);
void xfrm_read(struct xfrm *x, int64_t now);
/* Tells the counters of SAs that moved, and what failed. Returns when to call again. */
int64_t xfrm_poll(struct xfrm *x, int64_t now);
/* Is something told by the next xfrm_poll(), whenever that is? */
bool xfrm_has_news(const struct xfrm *x);
/* ACTION_SA_*, ACTION_POLICY_*, ACTION_TRAP_FAILED, ACTION_SHUNT_* (a reject is not the kernel's IPsec's;
 * one whose local.ip has no family is for what leaves, from any address);
 * others are ignored. Keys are copied and kept as long as the SA. What fails is told as DP_FAILED by the next
 * xfrm_poll(). */
void xfrm_apply(struct xfrm *x, const struct action *a, int64_t now);
/* Is a policy with that id here? POLICY_DEL and TRAP_FAILED name no plane. */
bool xfrm_has_policy(const struct xfrm *x, uint64_t id);
/* Removes all of ours. */
void xfrm_close(struct xfrm *x);
/* The same after a crash, without a daemon: how many there were, or -1 with the reason. */
int xfrm_cleanup(const char *journal, struct diag *d);

/* What this socket sends and receives goes past all policies: IKE itself. family: 4 or 6. */
bool xfrm_bypass_socket(int fd, uint8_t family, struct diag *d);
/* ESP in UDP that comes to this socket is the kernel's. */
bool xfrm_encap_socket(int fd, struct diag *d);
