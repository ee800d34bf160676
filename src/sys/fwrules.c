/* SPDX-License-Identifier: Apache-2.0 */
/* See fwrules.h. */
#include "base/log.h"
#include "sys/fwflow.h"
#include "sys/fwrules_impl.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COMMENT_ONCE "keyway-updown: "
#define NAME         "%.40s" /* of the child */

/* ---- flows of a child */

bool fwrules_forget_reqids(struct fwrules *f)
{
    struct flow *w;
    bool has_any = false;
    f->lacks_reqids = true;
    fwrules_doubt(f);
    list_each(w, &f->missing, link)
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
    list_append(&f->missing, &w->link);
    map_insert(&f->by_reqid, &w->by_reqid, map_hash_u64(w->reqid));
}

static enum nft_way way_of(const struct fwrules *f, const struct updown *u)
{
    if (u->plane == PLANE_USER)
        return NFT_BY_DEVICE;
    return f->lacks_reqids ? NFT_BY_IPSEC : NFT_BY_REQID;
}

struct adding {
    struct fwrules *f;
    const struct updown *u;
    const char *prefix;
};

static void add_accepted(void *ctx, enum nft_hook hook, const struct nft_match *m)
{
    const struct adding *a = ctx;
    add_flow(a->f, a->u, hook, m, a->prefix);
}

static void add_flows(struct fwrules *f, const struct updown *u, const char *prefix)
{
    struct adding a = {.f = f, .u = u, .prefix = prefix};
    fwflow_each(u, f->device, way_of(f, u), add_accepted, &a);
}

static void drop_flows(struct fwrules *f, uint32_t reqid)
{
    struct map_node *next;
    for (struct map_node *n = map_first(&f->by_reqid, map_hash_u64(reqid)); n; n = next) {
        struct flow *w = container_of(n, struct flow, by_reqid);
        next = map_next(n);
        if (w->reqid == reqid)
            fwrules_remove_flow(f, w);
    }
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

/* ---- the whole */

void fwrules_apply(struct fwrules *f, const struct updown *u)
{
    if (!f || !u->opens_firewall || (u->verb != UPDOWN_UP && u->verb != UPDOWN_DOWN))
        return;
    drop_flows(f, u->reqid);
    if (u->verb == UPDOWN_DOWN)
        return;
    fwrules_listen(f);
    tell_legacy(f);
    add_flows(f, u, FWRULES_COMMENT);
    if (f->news.socket)
        fwrules_read_news(f);
    f->knows_chains = f->knows_chains && f->news.socket && !f->has_missed;
    fwrules_install(f);
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
            fwrules_remove_rule(f, &r->r);
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
    list_init(&f->missing);
    map_init(&f->by_reqid);
    map_init(&f->by_handle);
    if (netlink_open(&f->nl, NETLINK_NETFILTER, NULL))
        return f;
    free(f);
    return NULL;
}

static void fwrules_free(struct fwrules *f)
{
    netlink_close(&f->nl);
    netlink_close(&f->news);
    map_deinit(&f->by_reqid);
    map_deinit(&f->by_handle);
    free(f);
}

struct fwrules *fwrules_open(uv_loop_t *uv, const char *device)
{
    struct fwrules *f = fwrules_new(uv, device);
    if (!f)
        return NULL;
    int n = remove_marked(f, FWRULES_COMMENT, NULL);
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
    fwrules_free(f);
}

void fwrules_close(struct fwrules *f)
{
    struct flow *w;
    if (!f)
        return;
    fwrules_doubt(f);
    list_each(w, &f->missing, link) fwrules_remove_flow(f, w);
    if (f->news.socket)
        uv_close((uv_handle_t *)&f->poll, on_closed);
    uv_close((uv_handle_t *)&f->timer, on_closed);
}

int fwrules_cleanup(struct diag *d)
{
    struct fwrules *f = fwrules_new(NULL, "");
    if (!f)
        return 0; /* no nftables */
    int n = remove_marked(f, FWRULES_COMMENT, NULL), m = n < 0 ? n : remove_marked(f, COMMENT_ONCE, NULL);
    fwrules_free(f);
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
    err = err < 0 ? -err : u->verb == UPDOWN_UP ? fwrules_add_missing(f) : 0;
    fwrules_doubt(f);
    list_each(w, &f->missing, link) fwrules_flow_free(f, w);
    fwrules_free(f);
    if (err)
        diag_set(d, err == EPERM ? FAIL_PERMISSION : FAIL_GENERIC, "cannot change the firewall's rules: %s",
                 strerror(err));
    return !err;
}
