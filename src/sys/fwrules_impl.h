/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of fwrules.h share: flows that are to be accepted, and their rules in the kernel. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "sys/fwrules.h"
#include "sys/nft.h"

#define FWRULES_COMMENT "keyway: "
#define CHAINS_MAX      64

struct rule { /* one that is in the kernel */
    struct list link;
    struct map_node by_handle;
    struct nft_rule r;
    bool is_seen;
};

struct flow { /* packets that are to be accepted at a hook */
    struct list link;
    struct map_node by_reqid;
    uint32_t reqid;
    enum nft_hook hook;
    struct nft_match match;
    char comment[NFT_COMMENT_MAX];
    struct list rules;
};

struct fwrules {
    uv_loop_t *uv;
    const char *device;
    struct netlink nl, news;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles;
    struct list flows, missing; /* that have a rule in each chain they need; that may lack one */
    struct map by_reqid, by_handle;
    struct nft_chain chains[CHAINS_MAX];
    size_t n_chains;
    bool knows_chains, has_missed;
    bool is_legacy_told;
    bool lacks_reqids; /* this nftables cannot ask which of the kernel's SAs */
    unsigned tries;    /* to repair in vain */
    struct nft_batch batch;
    struct flow *pending[NFT_BATCH_MAX]; /* whose rules the batch adds, */
    const struct nft_chain *where[NFT_BATCH_MAX];
};

/* ---- fwrules_install.c: rules in the kernel. Those that give an int give 0 or an errno. */

/* Each flow may lack a rule from now on. */
void fwrules_doubt(struct fwrules *f);
/* What is missing; ENOENT when a chain is gone meanwhile. */
int fwrules_add_missing(struct fwrules *f);
/* The same, tried as often as it makes sense; what fails is logged. */
void fwrules_install(struct fwrules *f);
/* Each alone: one that somebody else has taken away is no reason to leave the others. */
void fwrules_remove_rule(struct fwrules *f, const struct nft_rule *r);
void fwrules_remove_flow(struct fwrules *f, struct flow *w);
/* Without the kernel. */
void fwrules_rule_free(struct fwrules *f, struct rule *r);
void fwrules_flow_free(struct fwrules *f, struct flow *w);

/* ---- fwrules_watch.c: when others change the ruleset */

void fwrules_listen(struct fwrules *f);
/* What the kernel has announced. */
void fwrules_read_news(struct fwrules *f);
/* Somebody else is changing the ruleset, perhaps. */
void fwrules_try_again(struct fwrules *f);
