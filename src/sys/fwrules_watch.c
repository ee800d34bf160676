/* SPDX-License-Identifier: Apache-2.0 */
/* When others change the ruleset: rules of ours that are gone come back. See fwrules.h. */
#include "base/log.h"
#include "sys/fwrules_impl.h"
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#define REPAIR_MS 100 /* others change several things at once */
#define AGAIN_MS  1000
#define TRIES     10

static int on_news(const struct nlmsghdr *h, void *ctx)
{
    struct fwrules *f = ctx;
    switch (h->nlmsg_type & 0xff) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
    case NFT_MSG_DELRULE:
        f->has_missed = true;
    }
    return MNL_CB_OK;
}

/* What the kernel has announced; our own deletions are announced, too, and cost a look. */
void fwrules_read_news(struct fwrules *f)
{
    char buf[16384];
    for (;;) {
        ssize_t n = recv(mnl_socket_get_fd(f->news.socket), buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0 && errno == ENOBUFS)
            f->has_missed = true;
        else if (n <= 0 && errno != EINTR)
            return;
        else if (n > 0)
            mnl_cb_run(buf, (size_t)n, 0, 0, on_news, f);
    }
}

static bool is_same_rule(const struct nft_rule *a, const struct nft_rule *b)
{
    return a->handle == b->handle && a->family == b->family && !strcmp(a->table, b->table) &&
           !strcmp(a->chain, b->chain);
}

static void on_seen(void *ctx, const struct nft_rule *r)
{
    struct fwrules *f = ctx;
    for (struct map_node *n = map_first(&f->by_handle, map_hash_u64(r->handle)); n; n = map_next(n)) {
        struct rule *own = container_of(n, struct rule, by_handle);
        if (is_same_rule(&own->r, r))
            own->is_seen = true;
    }
}

static size_t forget_unseen(struct fwrules *f)
{
    struct flow *w;
    struct rule *r;
    size_t n = 0;
    list_each(w, &f->missing, link)
    {
        list_each(r, &w->rules, link)
        {
            if (r->is_seen)
                continue;
            fwrules_rule_free(f, r);
            n++;
        }
    }
    return n;
}

void fwrules_refresh(struct fwrules *f)
{
    struct flow *w;
    struct rule *r;
    f->has_missed = false;
    f->knows_chains = false;
    fwrules_doubt(f);
    list_each(w, &f->missing, link)
    {
        list_each(r, &w->rules, link) r->is_seen = false;
    }
    if (list_empty(&f->missing))
        return;
    if (nft_list_rules(&f->nl, FWRULES_COMMENT, on_seen, f)) {
        fwrules_try_again(f);
        return;
    }
    size_t n = forget_unseen(f);
    if (n)
        log_line(GROUP_KNL, LOG_NOTICE, "firewall: %zu of our accept rules were taken away, and come back",
                 n);
    fwrules_install(f); /* our own news are read, too: once more for nothing */
}

static void on_repair(uv_timer_t *timer)
{
    fwrules_refresh(timer->data);
}

void fwrules_try_again(struct fwrules *f)
{
    f->has_missed = true;
    if (f->uv && f->tries++ < TRIES)
        uv_timer_start(&f->timer, on_repair, AGAIN_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct fwrules *f = poll->data;
    (void)status;
    (void)events;
    fwrules_read_news(f);
    if (f->has_missed && !uv_is_active((uv_handle_t *)&f->timer))
        uv_timer_start(&f->timer, on_repair, REPAIR_MS, 0);
}

void fwrules_listen(struct fwrules *f)
{
    int group = NFNLGRP_NFTABLES;
    if (f->news.socket || !f->uv || !netlink_open(&f->news, NETLINK_NETFILTER, NULL))
        return;
    if (mnl_socket_setsockopt(f->news.socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ||
        uv_poll_init(f->uv, &f->poll, mnl_socket_get_fd(f->news.socket)) < 0) {
        netlink_close(&f->news);
        return;
    }
    f->poll.data = f;
    f->handles++;
    uv_poll_start(&f->poll, UV_READABLE, on_readable);
}
