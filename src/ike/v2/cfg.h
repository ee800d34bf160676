/* SPDX-License-Identifier: Apache-2.0 */
/* What configuration payloads gave, one way or the other (RFC 7296 section 3.15). An IKE SA has one of these
 * only when it asked, or was asked. */
#pragma once

#include "ike/v2/exchange.h"

#define VIPS_MAX        4 /* addresses in one request */
#define CFG_DNS_MAX     8
#define CFG_DOMAINS_MAX 16
#define CFG_NETS_MAX    32

enum cfg_attr { /* [RFC7296#3.15.1] [RFC8598#7], and Cisco's */
                CFG_IP4_ADDRESS = 1,
                CFG_IP4_NETMASK = 2,
                CFG_IP4_DNS = 3,
                CFG_IP4_NBNS = 4,
                CFG_IP6_ADDRESS = 8,
                CFG_IP6_DNS = 10,
                CFG_IP4_SUBNET = 13,
                CFG_IP6_SUBNET = 15,
                CFG_DNS_DOMAIN = 25,
                CFG_DNSSEC_TA = 26,
                CFG_SPLIT_INCLUDE = 28676,
                CFG_SPLIT_EXCLUDE = 28679,
};

struct vips {
    struct ip v[VIPS_MAX];
    uint8_t n;
};

struct sa_cfg {
    struct vips local, remote; /* our virtual addresses; those that the peer has from our pools */
    /* Families whose addresses are being asked for, bits by VIPS_OF(): until the answer is there, "dynamic"
     * is any address of them. */
    uint8_t local_asked, remote_asked;
    /* the peer's request */
    const char *from[VIPS_MAX]; /* pools that gave remote.v */
    bool was_asked, asked_for_address, asked_for_domains, is_full;
    /* the peer's reply, in the SA's arena */
    struct ip dns[CFG_DNS_MAX];
    const char *domains[CFG_DOMAINS_MAX];
    struct prefix includes[CFG_NETS_MAX], excludes[CFG_NETS_MAX];
    uint8_t n_dns, n_domains, n_includes, n_excludes;
};

#define VIPS_OF(family) ((family) == 4 ? 1u : (family) == 6 ? 2u : 0u)

feature_put cfg_put_request, cfg_put_reply;
feature_take cfg_take_request, cfg_take_reply;
/* Responder, before the connection is known: which addresses the peer asks for. */
void cfg_expect(struct ike_sa *sa, const struct ike_message *m);
/* Initiator, before its child is offered. */
void cfg_begin(struct ike_sa *sa);
/* With a reason: addresses were asked of us, and there are none. */
bool cfg_refuses_child(const struct ike_sa *sa, struct diag *d);
/* With a reason: we need an address, and got none. */
bool cfg_lacks_address(const struct ike_sa *sa, struct diag *d);
/* The SA that replaces old has its addresses, too. */
void cfg_inherit(struct ike_env *env, struct ike_sa *heir, const struct ike_sa *old);
/* sa->conn is of another snapshot now. */
void cfg_follow(struct ike_sa *sa);
/* The SA is going, and its children are gone. */
void cfg_release(struct ike_env *env, struct ike_sa *sa);
