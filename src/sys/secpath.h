/* SPDX-License-Identifier: Apache-2.0 */
/* Firewall rules that ask whether a packet came, or goes, through the kernel's IPsec: `meta ipsec` (secpath),
 * `rt ipsec` and `ipsec in|out` of nftables, `-m policy` of iptables. Packets of the userspace data plane
 * come from a TUN device and go into one, and of IPsec the kernel knows nothing: such a rule never matches
 * them, or always where it asks that there be none. Each is told with the form that names the device instead;
 * and the other way round, rules for the device where the kernel carries packets. Only looks. */
#pragma once

#include "base/diag.h"
#include <stddef.h>
#include <stdint.h>

enum secpath_kind {
    SECPATH_NEVER,  /* no packet of the userspace data plane is matched */
    SECPATH_ALWAYS, /* all are, those of tunnels too */
    SECPATH_DEVICE, /* names the device of tunnels: no packet of the kernel's data plane is matched */
};

struct secpath_rule {
    enum secpath_kind kind;
    char where[240]; /* "inet filter forward handle 12", "iptables filter FORWARD" */
    char rule[600];
    char form[600]; /* what to write instead */
};

#define SECPATH_RULES_MAX 64

struct secpath_found {
    struct secpath_rule v[SECPATH_RULES_MAX];
    size_t n;
    size_t n_more; /* for which there was no room */
    size_t n_read; /* rules that were looked at */
    /* Tables of iptables that were looked at as such: "ip filter"; they are left out of nftables' list. */
    char iptables[16][24];
    size_t n_iptables;
};

struct secpath_question {
    const char *device;        /* of tunnels, perhaps a pattern of nftables: "kw*" */
    bool has_user, has_kernel; /* which planes are in use */
};

/* What `nft -a list ruleset` prints. Call it after secpath_in_iptables(). */
void secpath_in_nft(const char *text, const struct secpath_question *q, struct secpath_found *out);
/* What a program of the family iptables-save prints: its family (4 or 6) and kind stand in where. */
void secpath_in_iptables(const char *text, int family, bool is_legacy, const struct secpath_question *q,
                         struct secpath_found *out);
/* Runs what is installed of these programs. False with the reason when there are rules that none can list. */
bool secpath_look(const struct secpath_question *q, struct secpath_found *out, struct diag *d);
const char *secpath_kind_name(enum secpath_kind k); /* "never" */
const char *secpath_why(enum secpath_kind k);
