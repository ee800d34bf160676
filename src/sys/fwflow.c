/* SPDX-License-Identifier: Apache-2.0 */
/* See fwflow.h. The hooks are those that strongSwan's own script opens. */
#include "sys/fwflow.h"
#include "base/log.h"
#include "sys/updown.h"
#include <stdio.h>
#include <string.h>

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

static void each_of_pair(const struct updown *u, const struct updown_pair *p, struct nft_match in,
                         fwflow_cb *each, void *ctx)
{
    bool is_host =
        p->local.bits == (p->local.ip.family == 4 ? 32 : 128) && ip_equal(p->local.ip, u->local.ip);
    in.src = p->remote;
    in.dst = p->local;
    in.proto = p->proto;
    in.src_from = p->remote_ports[0];
    in.src_to = p->remote_ports[1];
    in.dst_from = p->local_ports[0];
    in.dst_to = p->local_ports[1];
    struct nft_match out = reversed(&in);
    if (!is_host) {
        each(ctx, NFT_FORWARD, &in);
        each(ctx, NFT_FORWARD, &out);
    }
    if (is_host || u->has_hostaccess) {
        each(ctx, NFT_INPUT, &in);
        each(ctx, NFT_OUTPUT, &out);
    }
}

void fwflow_each(const struct updown *u, const char *device, enum nft_way way, fwflow_cb *each, void *ctx)
{
    struct nft_match in = {.way = way, .reqid = u->reqid};
    struct updown_pair pairs[UPDOWN_PAIRS_MAX];
    size_t n;
    snprintf(in.device, sizeof(in.device), "%s", device);
    if (!updown_pairs(u, pairs, &n))
        log_line(GROUP_KNL, LOG_WARN, "%s: more than %d pairs of selectors: the firewall is opened for %zu",
                 u->connection, UPDOWN_PAIRS_MAX, n);
    for (size_t i = 0; i < n; i++)
        each_of_pair(u, &pairs[i], in, each, ctx);
}
