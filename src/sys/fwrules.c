/* SPDX-License-Identifier: Apache-2.0 */
/* See fwrules.h. */
#include "sys/fwrules.h"
#include "base/list.h"
#include "base/log.h"
#include "sys/nft.h"
#include "sys/updown.h"
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define COMMENT      "keyway: "
#define COMMENT_ONCE "keyway-updown: "
#define NAME         "%.40s" /* of the child */
#define CHAINS_MAX   64
#define REPAIR_MS    100 /* others change several things at once */
#define AGAIN_MS     1000
#define TRIES        10

struct rule { /* one that is in the kernel */
    struct list link;
    struct nft_rule r;
    bool is_seen;
};

struct flow { /* packets that are to be accepted at a hook */
    struct list link;
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
    struct list flows;
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

/* ---- which chains */

static void on_chain(void *ctx, const struct nft_chain *c)
{
    struct fwrules *f = ctx;
    bool counts = c->drops || c->priority >= 0;
    if (counts && f->n_chains < CHAINS_MAX)
        f->chains[f->n_chains++] = *c;
}

static void learn_chains(struct fwrules *f)
{
    if (f->knows_chains)
        return;
    f->n_chains = 0;
    f->knows_chains = nft_list_chains(&f->nl, on_chain, f) == 0;
}

/* ---- rules in the kernel */

static void note_rules(struct fwrules *f)
{
    for (unsigned i = 0; i < f->batch.n; i++) {
        struct rule *r = calloc(1, sizeof(*r));
        const struct nft_chain *c = f->where[i];
        if (!r)
            abort();
        r->r = (struct nft_rule){.family = c->family, .handle = f->batch.handles[i]};
        memcpy(r->r.table, c->table, sizeof(c->table));
        memcpy(r->r.chain, c->name, sizeof(c->name));
        list_append(&f->pending[i]->rules, &r->link);
    }
}

/* 0 or an errno: ENOENT when a chain is gone meanwhile. */
static int send_batch(struct fwrules *f)
{
    int err = nft_batch_send(&f->batch, &f->nl);
    if (!err)
        note_rules(f);
    nft_batch_begin(&f->batch, &f->nl);
    return err;
}

static bool has_rule(const struct flow *w, const struct nft_chain *c)
{
    const struct rule *r;
    list_each(r, &w->rules, link)
    {
        if (r->r.family == c->family && !strcmp(r->r.table, c->table) && !strcmp(r->r.chain, c->name))
            return true;
    }
    return false;
}

static int install_flow(struct fwrules *f, struct flow *w)
{
    int err = 0;
    for (size_t i = 0; i < f->n_chains && !err; i++) {
        const struct nft_chain *c = &f->chains[i];
        if (c->hook != w->hook || has_rule(w, c))
            continue;
        struct nlmsghdr *h = nft_accept_message(nft_batch_room(&f->batch), c, &w->match, w->comment);
        if (!h)
            continue;
        f->pending[f->batch.n] = w;
        f->where[f->batch.n] = c;
        nft_batch_added(&f->batch, h, &f->nl);
        if (f->batch.n == NFT_BATCH_MAX)
            err = send_batch(f);
    }
    return err;
}

/* What is missing of all of them. */
static int install(struct fwrules *f)
{
    struct flow *w;
    int err = 0;
    learn_chains(f);
    nft_batch_begin(&f->batch, &f->nl);
    list_each(w, &f->flows, link)
    {
        if (!err)
            err = install_flow(f, w);
    }
    return err ? err : send_batch(f);
}

static void on_repair(uv_timer_t *timer);

/* Somebody else is changing the ruleset, perhaps. */
static void try_again(struct fwrules *f)
{
    f->has_missed = true;
    if (f->uv && f->tries++ < TRIES)
        uv_timer_start(&f->timer, on_repair, AGAIN_MS, 0);
}

static void install_all(struct fwrules *f)
{
    int err = install(f);
    if (err == ENOENT) { /* somebody changes chains just now */
        f->knows_chains = false;
        err = install(f);
    }
    if ((err == ENOENT || err == EOPNOTSUPP) && fwrules_forget_reqids(f)) { /* or nft_xfrm is not there */
        log_line(GROUP_KNL, LOG_NOTICE,
                 "firewall: nftables here cannot tell SAs apart: packets of all are accepted between a "
                 "child's selectors");
        err = install(f);
    }
    if (!err) {
        f->tries = 0;
        return;
    }
    log_line(GROUP_KNL, LOG_ERR, "firewall: cannot add accept rules: %s", strerror(err));
    try_again(f);
}

/* Each alone: one that somebody else has taken away is no reason to leave the others. */
static void remove_rule(struct fwrules *f, const struct nft_rule *r)
{
    nft_batch_begin(&f->batch, &f->nl);
    nft_batch_added(&f->batch, nft_delete_message(nft_batch_room(&f->batch), r), &f->nl);
    int err = nft_batch_send(&f->batch, &f->nl);
    if (err && err != ENOENT)
        log_line(GROUP_KNL, LOG_WARN, "firewall: cannot remove a rule from %s %s: %s", r->table, r->chain,
                 strerror(err));
}

static void flow_free(struct flow *w)
{
    struct rule *r;
    list_each(r, &w->rules, link) free(r);
    list_remove(&w->link);
    free(w);
}

static void remove_flow(struct fwrules *f, struct flow *w)
{
    struct rule *r;
    list_each(r, &w->rules, link) remove_rule(f, &r->r);
    flow_free(w);
}

/* ---- flows of a child */

bool fwrules_forget_reqids(struct fwrules *f)
{
    struct flow *w;
    bool has_any = false;
    f->lacks_reqids = true;
    list_each(w, &f->flows, link)
    {
        if (w->match.way != NFT_BY_REQID)
            continue;
        w->match.way = NFT_BY_IPSEC;
        has_any = true;
    }
    return has_any;
}

static void add_flow(struct fwrules *f, const struct updown *u, enum nft_hook hook, const struct nft_match *m,
                     const char *prefix)
{
    struct flow *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->reqid = u->reqid;
    w->hook = hook;
    w->match = *m;
    list_init(&w->rules);
    snprintf(w->comment, sizeof(w->comment), "%s" NAME, prefix, u->child);
    list_append(&f->flows, &w->link);
}

static struct nft_match reversed(const struct nft_match *m)
{
    struct nft_match r = {.way = m->way,
                          .reqid = m->reqid,
                          .is_out = !m->is_out,
                          .src = m->dst,
                          .dst = m->src,
                          .proto = m->proto,
                          .src_from = m->dst_from,
                          .src_to = m->dst_to,
                          .dst_from = m->src_from,
                          .dst_to = m->src_to};
    memcpy(r.device, m->device, sizeof(r.device));
    return r;
}

static enum nft_way way_of(const struct fwrules *f, const struct updown *u)
{
    if (u->plane == PLANE_USER)
        return NFT_BY_DEVICE;
    return f->lacks_reqids ? NFT_BY_IPSEC : NFT_BY_REQID;
}

/* As strongSwan's own script: what is forwarded for a network, what is received and sent for a host; with
 * hostaccess for a network's gateway, too. */
static void add_pair(struct fwrules *f, const struct updown *u, const struct updown_pair *p,
                     const char *prefix)
{
    bool is_host =
        p->local.bits == (p->local.ip.family == 4 ? 32 : 128) && ip_equal(p->local.ip, u->local.ip);
    struct nft_match in = {.way = way_of(f, u),
                           .reqid = u->reqid,
                           .src = p->remote,
                           .dst = p->local,
                           .proto = p->proto,
                           .src_from = p->remote_ports[0],
                           .src_to = p->remote_ports[1],
                           .dst_from = p->local_ports[0],
                           .dst_to = p->local_ports[1]};
    snprintf(in.device, sizeof(in.device), "%s", f->device);
    struct nft_match out = reversed(&in);
    if (!is_host) {
        add_flow(f, u, NFT_FORWARD, &in, prefix);
        add_flow(f, u, NFT_FORWARD, &out, prefix);
    }
    if (is_host || u->has_hostaccess) {
        add_flow(f, u, NFT_INPUT, &in, prefix);
        add_flow(f, u, NFT_OUTPUT, &out, prefix);
    }
}

static void add_flows(struct fwrules *f, const struct updown *u, const char *prefix)
{
    struct updown_pair pairs[UPDOWN_PAIRS_MAX];
    size_t n;
    if (!updown_pairs(u, pairs, &n))
        log_line(GROUP_KNL, LOG_WARN, "%s: more than %d pairs of selectors: the firewall is opened for %zu",
                 u->connection, UPDOWN_PAIRS_MAX, n);
    for (size_t i = 0; i < n; i++)
        add_pair(f, u, &pairs[i], prefix);
}

static size_t drop_flows(struct fwrules *f, uint32_t reqid)
{
    struct flow *w;
    size_t n = 0;
    list_each(w, &f->flows, link)
    {
        if (w->reqid != reqid)
            continue;
        remove_flow(f, w);
        n++;
    }
    return n;
}

static void tell_legacy(struct fwrules *f)
{
    static const char *const paths[] = {"/proc/thread-self/net/ip_tables_names",
                                        "/proc/thread-self/net/ip6_tables_names"};
    char name[64];
    for (size_t i = 0; i < ARRAY_LEN(paths) && !f->is_legacy_told; i++) {
        FILE *file = fopen(paths[i], "re");
        while (file && fscanf(file, "%63s", name) == 1)
            f->is_legacy_told |= strcmp(name, "filter") == 0;
        if (file)
            fclose(file);
    }
    if (f->is_legacy_told)
        log_line(GROUP_KNL, LOG_WARN,
                 "firewall: this machine has rules of iptables-legacy, which are not opened for tunnels; "
                 "use nftables, iptables-nft, or an updown command");
}

/* ---- when others change the ruleset */

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
static void read_news(struct fwrules *f)
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

static void on_seen(void *ctx, const struct nft_rule *r)
{
    struct fwrules *f = ctx;
    struct flow *w;
    struct rule *own;
    list_each(w, &f->flows, link)
    {
        list_each(own, &w->rules, link)
        {
            if (own->r.handle == r->handle && own->r.family == r->family && !strcmp(own->r.table, r->table) &&
                !strcmp(own->r.chain, r->chain))
                own->is_seen = true;
        }
    }
}

static size_t forget_unseen(struct fwrules *f)
{
    struct flow *w;
    struct rule *r;
    size_t n = 0;
    list_each(w, &f->flows, link)
    {
        list_each(r, &w->rules, link)
        {
            if (r->is_seen)
                continue;
            list_remove(&r->link);
            free(r);
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
    list_each(w, &f->flows, link)
    {
        list_each(r, &w->rules, link) r->is_seen = false;
    }
    if (list_empty(&f->flows))
        return;
    if (nft_list_rules(&f->nl, COMMENT, on_seen, f)) {
        try_again(f);
        return;
    }
    size_t n = forget_unseen(f);
    if (n)
        log_line(GROUP_KNL, LOG_NOTICE, "firewall: %zu of our accept rules were taken away, and come back",
                 n);
    install_all(f); /* our own news are read, too: once more for nothing */
}

static void on_repair(uv_timer_t *timer)
{
    fwrules_refresh(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct fwrules *f = poll->data;
    (void)status;
    (void)events;
    read_news(f);
    if (f->has_missed && !uv_is_active((uv_handle_t *)&f->timer))
        uv_timer_start(&f->timer, on_repair, REPAIR_MS, 0);
}

static void listen_for_news(struct fwrules *f)
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

/* ---- the whole */

void fwrules_apply(struct fwrules *f, const struct updown *u)
{
    if (!f || !u->opens_firewall || (u->verb != UPDOWN_UP && u->verb != UPDOWN_DOWN))
        return;
    drop_flows(f, u->reqid);
    if (u->verb == UPDOWN_DOWN)
        return;
    listen_for_news(f);
    tell_legacy(f);
    add_flows(f, u, COMMENT);
    if (f->news.socket)
        read_news(f);
    f->knows_chains = f->knows_chains && f->news.socket && !f->has_missed;
    install_all(f);
}

static void collect(void *ctx, const struct nft_rule *r)
{
    struct flow *w = ctx;
    struct rule *copy = calloc(1, sizeof(*copy));
    if (!copy)
        abort();
    copy->r = *r;
    list_append(&w->rules, &copy->link);
}

/* All rules with such a comment. How many there were. */
static int remove_marked(struct fwrules *f, const char *prefix, const char *whole)
{
    struct flow found = {0};
    struct rule *r;
    int n = 0;
    list_init(&found.rules);
    int err = nft_list_rules(&f->nl, prefix, collect, &found);
    list_each(r, &found.rules, link)
    {
        if (!whole || strcmp(r->r.comment, whole) == 0) {
            remove_rule(f, &r->r);
            n++;
        }
        free(r);
    }
    return err ? -err : n;
}

static struct fwrules *fwrules_new(uv_loop_t *uv, const char *device)
{
    struct fwrules *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->uv = uv;
    f->device = device;
    list_init(&f->flows);
    if (netlink_open(&f->nl, NETLINK_NETFILTER, NULL))
        return f;
    free(f);
    return NULL;
}

struct fwrules *fwrules_open(uv_loop_t *uv, const char *device)
{
    struct fwrules *f = fwrules_new(uv, device);
    if (!f)
        return NULL;
    int n = remove_marked(f, COMMENT, NULL);
    int m = remove_marked(f, COMMENT_ONCE, NULL);
    if (n > 0 || m > 0)
        log_line(GROUP_KNL, LOG_NOTICE, "firewall: removed %d accept rules that an earlier run left",
                 (n > 0 ? n : 0) + (m > 0 ? m : 0));
    uv_timer_init(uv, &f->timer);
    f->timer.data = f;
    f->handles = 1;
    return f;
}

static void on_closed(uv_handle_t *h)
{
    struct fwrules *f = h->data;
    if (--f->handles)
        return;
    netlink_close(&f->nl);
    netlink_close(&f->news);
    free(f);
}

void fwrules_close(struct fwrules *f)
{
    struct flow *w;
    if (!f)
        return;
    list_each(w, &f->flows, link) remove_flow(f, w);
    if (f->news.socket)
        uv_close((uv_handle_t *)&f->poll, on_closed);
    uv_close((uv_handle_t *)&f->timer, on_closed);
}

int fwrules_cleanup(struct diag *d)
{
    struct fwrules *f = fwrules_new(NULL, "");
    if (!f)
        return 0; /* no nftables */
    int n = remove_marked(f, COMMENT, NULL), m = n < 0 ? n : remove_marked(f, COMMENT_ONCE, NULL);
    netlink_close(&f->nl);
    free(f);
    if (m == -EPERM) {
        diag_set(d, FAIL_PERMISSION, "cannot list the firewall's rules: %s", strerror(EPERM));
        return -1;
    }
    return m < 0 ? 0 : n + m;
}

bool fwrules_once(const char *device, const struct updown *u, struct diag *d)
{
    char prefix[80], whole[NFT_COMMENT_MAX], a[TS_TEXT_MAX], b[TS_TEXT_MAX];
    struct fwrules *f = fwrules_new(NULL, device);
    struct flow *w;
    int err = 0;
    if (!f) {
        diag_set(d, FAIL_GENERIC, "this kernel has no nftables");
        return false;
    }
    /* one call for each pair of selectors: the comment tells them apart */
    snprintf(prefix, sizeof(prefix), "%s%.24s===%.24s %u ", COMMENT_ONCE, ts_format(&u->local_ts[0], a),
             ts_format(&u->remote_ts[0], b), u->reqid);
    snprintf(whole, sizeof(whole), "%s" NAME, prefix, u->child);
    if (u->verb == UPDOWN_DOWN)
        err = remove_marked(f, COMMENT_ONCE, whole);
    else
        add_flows(f, u, prefix);
    err = err < 0 ? -err : u->verb == UPDOWN_UP ? install(f) : 0;
    list_each(w, &f->flows, link) flow_free(w);
    netlink_close(&f->nl);
    free(f);
    if (err)
        diag_set(d, err == EPERM ? FAIL_PERMISSION : FAIL_GENERIC, "cannot change the firewall's rules: %s",
                 strerror(err));
    return !err;
}
