/* SPDX-License-Identifier: Apache-2.0 */
/* Accept rules in the kernel: which chains need them, adding what is missing, taking them away. See
 * fwrules.h.
 */
#include "base/log.h"
#include "sys/fwrules_impl.h"
#include <errno.h>
#include <stdlib.h>

/* ---- which chains */

static void on_chain(void *ctx, const struct nft_chain *c)
{
    struct fwrules *f = ctx;
    bool counts = c->drops || c->priority >= 0;
    if (counts && f->n_chains < CHAINS_MAX)
        f->chains[f->n_chains++] = *c;
}

void fwrules_doubt(struct fwrules *f)
{
    struct flow *w;
    list_each(w, &f->flows, link)
    {
        list_remove(&w->link);
        list_append(&f->missing, &w->link);
    }
}

static void learn_chains(struct fwrules *f)
{
    if (f->knows_chains)
        return;
    fwrules_doubt(f);
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
        map_insert(&f->by_handle, &r->by_handle, map_hash_u64(r->r.handle));
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

int fwrules_add_missing(struct fwrules *f)
{
    struct flow *w;
    int err = 0;
    learn_chains(f);
    nft_batch_begin(&f->batch, &f->nl);
    list_each(w, &f->missing, link)
    {
        if (!err)
            err = install_flow(f, w);
    }
    if (!err)
        err = send_batch(f);
    if (err)
        return err;
    list_each(w, &f->missing, link)
    {
        list_remove(&w->link);
        list_append(&f->flows, &w->link);
    }
    return 0;
}

void fwrules_install(struct fwrules *f)
{
    int err = fwrules_add_missing(f);
    if (err == ENOENT) { /* somebody changes chains just now */
        f->knows_chains = false;
        err = fwrules_add_missing(f);
    }
    if ((err == ENOENT || err == EOPNOTSUPP) && fwrules_forget_reqids(f)) { /* or nft_xfrm is not there */
        log_line(GROUP_KNL, LOG_NOTICE,
                 "firewall: nftables here cannot tell SAs apart: packets of all are accepted between a "
                 "child's selectors");
        err = fwrules_add_missing(f);
    }
    if (!err) {
        f->tries = 0;
        return;
    }
    log_line(GROUP_KNL, LOG_ERR, "firewall: cannot add accept rules: %s", strerror(err));
    fwrules_try_again(f);
}

void fwrules_remove_rule(struct fwrules *f, const struct nft_rule *r)
{
    nft_batch_begin(&f->batch, &f->nl);
    nft_batch_added(&f->batch, nft_delete_message(nft_batch_room(&f->batch), r), &f->nl);
    int err = nft_batch_send(&f->batch, &f->nl);
    if (err && err != ENOENT)
        log_line(GROUP_KNL, LOG_WARN, "firewall: cannot remove a rule from %s %s: %s", r->table, r->chain,
                 strerror(err));
}

void fwrules_rule_free(struct fwrules *f, struct rule *r)
{
    map_remove(&f->by_handle, &r->by_handle);
    list_remove(&r->link);
    free(r);
}

void fwrules_flow_free(struct fwrules *f, struct flow *w)
{
    struct rule *r;
    list_each(r, &w->rules, link) fwrules_rule_free(f, r);
    map_remove(&f->by_reqid, &w->by_reqid);
    list_remove(&w->link);
    free(w);
}

void fwrules_remove_flow(struct fwrules *f, struct flow *w)
{
    struct rule *r;
    list_each(r, &w->rules, link) fwrules_remove_rule(f, &r->r);
    fwrules_flow_free(f, w);
}
