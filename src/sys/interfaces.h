/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that children want (tunnel_interface, ipsec-interface, vti-interface): XFRM interfaces and VTIs,
 * there as long as a connection that names them is loaded. What is ours has an alias that says whose it is:
 * by it the next start knows what a crash left, and nobody else's is touched. An interface of that name that
 * is there already is used, and left. All functions are the control thread's. */
#pragma once

#include "base/diag.h"
#include "model/connection.h"
#include "sys/netlink.h"

#define INTERFACE_OWNER 128

struct interface_spec {
    char name[KERNEL_DEVICE];
    enum interface_kind kind;
    uint32_t if_id;          /* INTERFACE_XFRM */
    struct ip local, remote; /* INTERFACE_VTI; unspecified: whoever */
    uint32_t ikey, okey;     /* likewise */
    struct ip address;       /* family 0: none */
    uint8_t bits;
};

struct interfaces {
    char owner[INTERFACE_OWNER]; /* the alias; empty: not open */
    struct netlink nl;
    struct made *v;
    size_t n, cap;
};

/* run: the daemon's folder, which is one daemon's alone. Removes what an earlier run left. */
void interfaces_open(struct interfaces *t, const char *run);
/* Before the configuration is in force: what it wants and is not there, or not any more. p hears which kinds
 * there are not. */
void interfaces_make(struct interfaces *t, const struct config *c, struct planes *p);
/* And after: what it does not want any more. */
void interfaces_drop(struct interfaces *t, const struct config *c);
/* Removes all of ours. */
void interfaces_close(struct interfaces *t);
/* After a crash, without a daemon: how many there were. */
int interfaces_cleanup(const char *run);

/* ---- pure: for tests */

/* What a configuration wants, each name once; an array that is the caller's. Children that share a VTI and
 * have different peers get one for any peer. */
struct interface_spec *interfaces_wanted(const struct config *c, size_t *n);
/* Into buf, of at least 512 bytes. */
struct nlmsghdr *interface_message(void *buf, const struct interface_spec *s);
struct nlmsghdr *interface_up_message(void *buf, int index, const char *alias);
struct nlmsghdr *interface_del_message(void *buf, int index);
