/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's IPsec as a data plane: beginning and ending. See xfrm.h; SAs are in xfrm_sa.c, policies in
 * xfrm_policy.c, what the kernel tells in xfrm_events.c, what an earlier run left in xfrm_left.c, settings of
 * the machine in xfrm_settings.c. */
#include "base/arena.h"
#include "base/log.h"
#include "sys/xfrm_impl.h"
#include <stdio.h>
#include <stdlib.h>

void xfrm_queue(struct xfrm *x, const struct dataplane_event *e, const char *why)
{
    struct xfrm_queued *q = mem_new(sizeof(*q));
    q->event = *e;
    snprintf(q->why, sizeof(q->why), "%s", why ? why : "");
    list_append(&x->queue, &q->link);
}

bool xfrm_has_news(const struct xfrm *x)
{
    return !list_empty(&x->queue);
}

/* To which SAs can be bound. */
static uint32_t count_cpus(const struct xfrm *x)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return x->can.cpu ? (uint32_t)(n > 0 ? n : 1) : 0;
}

void xfrm_lacks(const struct xfrm *x, struct planes *out)
{
    out->lacks[FEATURE_IF_ID] = !x->can.if_id;
    out->lacks[FEATURE_SET_MARK] = !x->can.set_mark;
    out->lacks[FEATURE_CPU] = !x->can.cpu;
    out->n_cpus = count_cpus(x);
    out->lacks[FEATURE_IPTFS] = !x->can.iptfs;
}

int xfrm_fd(const struct xfrm *x)
{
    return mnl_socket_get_fd(x->link.events);
}

/* ---- life */

static struct xfrm *new_tables(const struct xfrm_options *o)
{
    struct xfrm *x = mem_new(sizeof(*x));
    x->o = *o;
    x->shut_until = TIME_NEVER;
    xfrm_settings_begin(x);
    struct map *maps[] = {&x->by_spi, &x->by_id, &x->comps, &x->records, &x->by_reqid, &x->policies};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        map_init(maps[i]);
    list_init(&x->states);
    list_init(&x->record_list);
    list_init(&x->policy_list);
    list_init(&x->queue);
    list_init(&x->left);
    return x;
}

static bool begin(struct xfrm *x, bool probes, struct diag *d)
{
    if (!xfrm_link_open(&x->link, true, d) || (probes && !xfrm_probe_link(&x->link, &x->can, d)))
        return false;
    return !x->o.journal || xfrm_left_note(x, d);
}

static struct xfrm *open_tables(const struct xfrm_options *o, bool probes, struct diag *d)
{
    struct xfrm *x = new_tables(o);
    if (!begin(x, probes, d)) {
        xfrm_close(x);
        return NULL;
    }
    xfrm_settings_change(x);
    return x;
}

struct xfrm *xfrm_open(const struct xfrm_options *o, struct diag *d)
{
    return open_tables(o, true, d);
}

struct xfrm *xfrm_open_unprobed(const struct xfrm_options *o, struct diag *d)
{
    return open_tables(o, false, d);
}

void xfrm_close(struct xfrm *x)
{
    struct xfrm_state *s;
    struct xfrm_record *r;
    struct xfrm_queued *q;
    if (!x)
        return;
    xfrm_sweep(x);
    list_each(r, &x->record_list, link) xfrm_record_free(x, r);
    list_each(s, &x->states, link) xfrm_sa_free(x, s);
    list_each(q, &x->queue, link) free(q);
    xfrm_settings_restore(x);
    xfrm_journal_close(x->journal);
    xfrm_link_close(&x->link);
    struct map *maps[] = {&x->by_spi, &x->by_id, &x->comps, &x->records, &x->by_reqid, &x->policies};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        map_deinit(maps[i]);
    free(x);
}

void xfrm_apply(struct xfrm *x, const struct action *a, int64_t now)
{
    switch (a->kind) {
    case ACTION_SA_ADD:
        xfrm_sa_add(x, a->sa);
        break;
    case ACTION_SA_UPDATE:
        xfrm_sa_update(x, a->sa);
        break;
    case ACTION_SA_DEL:
        xfrm_sa_del(x, a->sa);
        break;
    case ACTION_POLICY_ADD:
        xfrm_policy_add(x, a->policy);
        break;
    case ACTION_POLICY_DEL:
        xfrm_record_del(x, a->id, false);
        break;
    case ACTION_TRAP_FAILED:
        xfrm_trap_failed(x, a->id, now);
        break;
    case ACTION_SHUNT_ADD:
        xfrm_shunt_add(x, a->shunt);
        break;
    case ACTION_SHUNT_DEL:
        xfrm_record_del(x, a->id, true);
        break;
    default:
        break;
    }
}
