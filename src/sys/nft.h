/* SPDX-License-Identifier: Apache-2.0 */
/* Accept rules in the base chains of others, over nftables' netlink: the messages, sending them in batches,
 * listing chains and rules. iptables as nftables has them (iptables-nft) is chains like others here. Which
 * rules, and when, is fwrules.c's. */
#pragma once

#include "net/ip.h"
#include "sys/netlink.h"
#include <net/if.h>

#define NFT_NAME_MAX    128 /* tables and chains with longer names are left alone */
#define NFT_COMMENT_MAX 128
#define NFT_RULE_MAX    1536 /* bytes of one message */

enum nft_hook { NFT_FORWARD, NFT_INPUT, NFT_OUTPUT };

struct nft_chain {  /* a base chain that filters */
    uint8_t family; /* NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 */
    char table[NFT_NAME_MAX], name[NFT_NAME_MAX];
    enum nft_hook hook;
    int32_t priority;
    bool drops; /* by its policy */
};

/* By what a tunnel's packets are known: the device that they leave by or come from; the kernel's SA that they
 * go into or came out of, by its reqid; or that it is some SA of the kernel's, where it cannot say which. */
enum nft_way { NFT_BY_DEVICE, NFT_BY_REQID, NFT_BY_IPSEC };

struct nft_match { /* packets that are accepted */
    enum nft_way way;
    char device[IFNAMSIZ];
    uint32_t reqid;
    bool is_out; /* that leave; else: that come */
    struct prefix src, dst;
    uint8_t proto;                               /* 0: any */
    uint16_t src_from, src_to, dst_from, dst_to; /* ports; 0 to 65535: any */
};

struct nft_rule { /* one that is there */
    uint8_t family;
    char table[NFT_NAME_MAX], chain[NFT_NAME_MAX];
    uint64_t handle;
    char comment[NFT_COMMENT_MAX];
};

/* A rule at the head of the chain; buf: NFT_RULE_MAX. NULL: no packet of that chain's family is meant. */
struct nlmsghdr *nft_accept_message(void *buf, const struct nft_chain *c, const struct nft_match *m,
                                    const char *comment);
struct nlmsghdr *nft_delete_message(void *buf, const struct nft_rule *r);

/* All base chains that filter what is forwarded, received or sent. 0 or an errno. */
typedef void nft_chain_cb(void *ctx, const struct nft_chain *c);
int nft_list_chains(struct netlink *nl, nft_chain_cb *cb, void *ctx);
/* All rules with a comment that begins so. */
typedef void nft_rule_cb(void *ctx, const struct nft_rule *r);
int nft_list_rules(struct netlink *nl, const char *prefix, nft_rule_cb *cb, void *ctx);

/* Messages that take effect together, or not at all. */
#define NFT_BATCH_MAX 64
struct nft_batch {
    unsigned n, first; /* sequence number of the first */
    size_t len;
    _Alignas(8) char bytes[(NFT_BATCH_MAX + 2) * NFT_RULE_MAX];
    uint64_t handles[NFT_BATCH_MAX]; /* what the rules that were added are called, by their place */
};

void nft_batch_begin(struct nft_batch *b, struct netlink *nl);
/* Where the next message is written; then nft_batch_added(). Only when n < NFT_BATCH_MAX. */
void *nft_batch_room(struct nft_batch *b);
void nft_batch_added(struct nft_batch *b, struct nlmsghdr *h, struct netlink *nl);
/* 0 or an errno. */
int nft_batch_send(struct nft_batch *b, struct netlink *nl);
