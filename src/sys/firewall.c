/* SPDX-License-Identifier: Apache-2.0 */
/* See firewall.h. nftables is asked for its generation, and for its chains when that has changed. */
#include "sys/firewall.h"
#include "sys/netlink.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_MAX 256

struct firewall {
    struct netlink nl;
    uint32_t generation; /* 0: not asked yet */
    bool has_chain;
    unsigned hook; /* of the chain that was found */
};

static struct nlmsghdr *nft_message(void *buf, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct nfgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->nfgen_family = NFPROTO_UNSPEC;
    m->version = NFNETLINK_V0;
    return h;
}

static int on_generation(const struct nlmsghdr *h, void *ctx)
{
    const struct nlattr *a;
    mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
    {
        if (mnl_attr_get_type(a) == NFTA_GEN_ID && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
            *(uint32_t *)ctx = ntohl(mnl_attr_get_u32(a));
    }
    return MNL_CB_OK;
}

static int on_chain(const struct nlmsghdr *h, void *ctx)
{
    struct firewall *f = ctx;
    const struct nfgenmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a, *b;
    if (m->nfgen_family != NFPROTO_INET && m->nfgen_family != NFPROTO_IPV4 && m->nfgen_family != NFPROTO_IPV6)
        return MNL_CB_OK;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        if (mnl_attr_get_type(a) != NFTA_CHAIN_HOOK)
            continue;
        mnl_attr_for_each_nested(b, a)
        {
            if (mnl_attr_get_type(b) != NFTA_HOOK_HOOKNUM || mnl_attr_validate(b, MNL_TYPE_U32) < 0)
                continue;
            unsigned hook = ntohl(mnl_attr_get_u32(b));
            if (hook == NF_INET_FORWARD || hook >= NF_INET_NUMHOOKS)
                continue;
            f->has_chain = true;
            f->hook = hook;
        }
    }
    return MNL_CB_OK;
}

static bool has_nft_chain(struct firewall *f)
{
    char buf[MESSAGE_MAX];
    uint32_t generation = 0;
    if (!f->nl.socket || netlink_ask(&f->nl, nft_message(buf, NFT_MSG_GETGEN, 0), on_generation, &generation))
        return false; /* this kernel has no nftables */
    if (generation && generation == f->generation)
        return f->has_chain;
    f->has_chain = false;
    int err = netlink_ask(&f->nl, nft_message(buf, NFT_MSG_GETCHAIN, NLM_F_DUMP), on_chain, f);
    f->generation = err ? 0 : generation; /* changed meanwhile: again next time */
    return f->has_chain;
}

/* The first of iptables' tables, or false: a file of names, one a line. */
static bool has_table(const char *path, char *why, size_t cap)
{
    char name[64] = "";
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool has = fscanf(file, "%63s", name) == 1;
    fclose(file);
    if (has)
        snprintf(why, cap, "iptables' table %s", name);
    return has;
}

struct firewall *firewall_open(void)
{
    struct firewall *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    netlink_open(&f->nl, NETLINK_NETFILTER, NULL); /* without it there is no nftables either */
    return f;
}

void firewall_close(struct firewall *f)
{
    if (!f)
        return;
    netlink_close(&f->nl);
    free(f);
}

bool firewall_is_there(struct firewall *f, char *why, size_t cap)
{
    static const char *const hooks[] = {"prerouting", "input", "forward", "output", "postrouting"};
    if (has_nft_chain(f)) {
        snprintf(why, cap, "a chain of nftables at the hook %s", hooks[f->hook]);
        return true;
    }
    return has_table("/proc/thread-self/net/ip_tables_names", why, cap) ||
           has_table("/proc/thread-self/net/ip6_tables_names", why, cap);
}
