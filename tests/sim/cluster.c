/* SPDX-License-Identifier: Apache-2.0 */
/* See cluster.h. */
#include "cluster.h"
#include "engine/impl.h"
#include "node_impl.h"
#include "sim.h"
#include "support/member.h"
#include <stdlib.h>

#define ASK_AGAIN (500 * TIME_MS)
#define ASK_TIMES 40
/* The standby's own next ID is beyond all that the other may have used since it last told. */
#define AHEAD 64

/* ---- what the standby knows */

static const struct cluster_ids *ids_of(const struct cluster_ids *v, size_t n, const struct ike_sa *sa)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].spi_i == sa->spi_i && v[i].spi_r == sa->spi_r)
            return &v[i];
    }
    return NULL;
}

static bool is_synced(const struct ike_sa *sa)
{
    return ike_sa_is_up(sa) && !sa->is_lingering && sa->msgid_sync.is_on;
}

/* Of all that are up, in any order. */
static size_t read_ids(const struct node *n, struct cluster_ids *v)
{
    const struct ike_sa *sa;
    size_t count = 0;
    list_each(sa, &n->engine->sas, link)
    {
        if (is_synced(sa) && count < CLUSTER_SAS)
            v[count++] = (struct cluster_ids){sa->spi_i, sa->spi_r, sa->window.next_in, sa->window.next_out};
    }
    return count;
}

void cluster_learn(struct node *n)
{
    if (!cluster_is_asking(&n->cluster))
        n->cluster.n_known = read_ids(n, n->cluster.known);
}

/* ---- what it says */

static void send_to_peer(struct node *n, const struct wire *w)
{
    net_send(&n->sim->net, n->sim->now.mono, w->kind, &w->from, &w->to, span_of(w->bytes, w->len));
}

static struct wire *keep(const struct wire *w)
{
    struct wire *copy = mem_new(sizeof(*copy) + w->len);
    memcpy(copy, w, sizeof(*w) + w->len);
    return copy;
}

static struct wire *request_of(struct node *n, const struct ike_sa *sa, struct member_sync v)
{
    uint8_t buf[256];
    struct build b;
    struct arena *a = arena_new(1 << 16);
    member_begin(&b, buf, sizeof(buf), v);
    if (n->cluster.skips)
        member_skip(&b, CLUSTER_SKIP);
    n->cluster.next_iv += 1;
    struct span bytes = member_seal(a, sa, 0, (UINT64_C(1) << 40) + n->cluster.next_iv, &b);
    struct wire *w = mem_new(sizeof(*w) + bytes.len);
    *w = (struct wire){.kind = sa->has_marker ? WIRE_IKE_NATT : WIRE_IKE,
                       .from = sa->local,
                       .to = sa->remote,
                       .len = bytes.len};
    memcpy(w->bytes, bytes.ptr, bytes.len);
    arena_free(a);
    return w;
}

/* The new member has the IKE SA as it was but for the message IDs; what the other was answering is lost. */
static void take_over(struct node *n, struct ike_sa *sa, const struct cluster_ids *known)
{
    struct cluster *c = &n->cluster;
    const struct cluster_ids stale = known ? *known : (struct cluster_ids){.in = 0};
    struct member_sync v = {
        .nonce = (uint32_t)sim_rand(&n->sim->net.rng), .send = stale.out + AHEAD, .receive = stale.in};
    exchange_end(&sa->peer);
    window_sync(&sa->window, stale.in, v.send);
    c->asked[c->n_asked].nonce = v.nonce;
    c->asked[c->n_asked].send = v.send;
    c->asked[c->n_asked].receive = v.receive;
    c->asked[c->n_asked].ike_id = sa->id;
    c->asked[c->n_asked].request = request_of(n, sa, v);
    c->asked[c->n_asked].sent = 0;
    c->asked[c->n_asked].due = n->sim->now.mono;
    free(c->said[c->n_said % CLUSTER_SAID]);
    c->said[c->n_said++ % CLUSTER_SAID] = keep(c->asked[c->n_asked++].request);
}

/* Can the peer answer for it? One that it makes just now it does not have yet. */
static bool is_known_to_peer(const struct node *n, const struct ike_sa *sa)
{
    struct cluster_ids v[CLUSTER_SAS];
    size_t count = read_ids(&n->sim->node[1 - node_index(n)], v);
    return ids_of(v, count, sa) != NULL;
}

bool cluster_fail_over(struct node *n)
{
    struct cluster *c = &n->cluster;
    struct ike_sa *sa;
    list_each(sa, &n->engine->sas, link)
    {
        if (cluster_is_asking(c) || sa->own.kind != X_NONE || (is_synced(sa) && !is_known_to_peer(n, sa)))
            return false;
    }
    c->failovers++;
    list_each(sa, &n->engine->sas, link)
    {
        if (is_synced(sa) && c->n_asked < CLUSTER_SAS)
            take_over(n, sa, ids_of(c->known, c->n_known, sa));
    }
    /* [RFC6311#5.1] the members tell each other what they have said */
    c->n_known = read_ids(n, c->known);
    return c->n_asked > 0;
}

void cluster_replay(struct node *n)
{
    for (unsigned i = 0; i < CLUSTER_SAID && i < n->cluster.n_said; i++)
        send_to_peer(n, n->cluster.said[i]);
}

/* ---- what it hears */

static void drop(struct cluster *c, size_t i)
{
    free(c->asked[i].request);
    c->asked[i] = c->asked[--c->n_asked];
}

void cluster_receive(struct node *n, const struct wire *w)
{
    struct cluster *c = &n->cluster;
    struct member_sync v;
    for (size_t i = 0; i < c->n_asked; i++) {
        struct ike_sa *sa = engine_sa_by_id(n->engine, c->asked[i].ike_id);
        if (!sa || !member_hears(sa, span_of(w->bytes, w->len), &v) || v.nonce != c->asked[i].nonce)
            continue;
        if (v.receive < c->asked[i].send || v.send < c->asked[i].receive)
            sim_fail(n->sim, "%s: its peer goes on with message IDs %u and %u, lower than %u and %u", n->name,
                     v.send, v.receive, c->asked[i].receive, c->asked[i].send);
        window_sync(&sa->window, v.send, v.receive);
        drop(c, i);
        return;
    }
}

void cluster_run_due(struct node *n)
{
    struct cluster *c = &n->cluster;
    for (size_t i = c->n_asked; i--;) {
        if (c->asked[i].due > n->sim->now.mono)
            continue;
        if (c->asked[i].sent++ == ASK_TIMES) {
            drop(c, i); /* the peer has lost it meanwhile */
            continue;
        }
        c->asked[i].due = n->sim->now.mono + ASK_AGAIN;
        send_to_peer(n, c->asked[i].request);
    }
}

int64_t cluster_deadline(const struct cluster *c)
{
    int64_t at = TIME_NEVER;
    for (size_t i = 0; i < c->n_asked; i++)
        at = time_min(at, c->asked[i].due);
    return at;
}

void cluster_deinit(struct cluster *c)
{
    while (c->n_asked)
        drop(c, 0);
    for (unsigned i = 0; i < CLUSTER_SAID; i++)
        free(c->said[i]);
    *c = (struct cluster){0};
}

/* ---- the peer */

void cluster_watch_peer(struct node *peer)
{
    struct cluster *c = &peer->cluster; /* of the peer's own: what was seen last */
    const struct ike_sa *sa;
    list_each(sa, &peer->engine->sas, link)
    {
        const struct cluster_ids *was = ids_of(c->known, c->n_known, sa);
        if (was && (sa->window.next_in < was->in || sa->window.next_out < was->out))
            sim_fail(peer->sim, "%s: message IDs go back from %u and %u to %u and %u", peer->name, was->in,
                     was->out, sa->window.next_in, sa->window.next_out);
    }
    c->n_known = read_ids(peer, c->known);
}
