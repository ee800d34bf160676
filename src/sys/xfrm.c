/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's IPsec as a data plane: beginning, ending, what an earlier run left. See xfrm.h; SAs are in
 * xfrm_sa.c, policies in xfrm_policy.c, what the kernel tells in xfrm_events.c. */
#include "base/arena.h"
#include "base/log.h"
#include "sys/xfrm_impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTING_ACQUIRE "/proc/sys/net/core/xfrm_acq_expires" /* of this network namespace */
#define SETTING_DROP    "/proc/sys/net/core/xfrm_larval_drop"

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

void xfrm_lacks(const struct xfrm *x, struct planes *out)
{
    out->lacks[FEATURE_IF_ID] = !x->can.if_id;
    out->lacks[FEATURE_SET_MARK] = !x->can.set_mark;
}

int xfrm_fd(const struct xfrm *x)
{
    return mnl_socket_get_fd(x->link.events);
}

/* ---- what an earlier run left */

struct left {
    struct xfrm_link *link;
    int removed;
};

struct found {
    uint32_t tell;
    bool is_it;
};

static int look(const struct nlmsghdr *h, void *ctx)
{
    struct found *f = ctx;
    struct xfrm_seen_state state;
    struct xfrm_seen_policy policy;
    if (xfrm_state_parse(h, &state))
        f->is_it = state.reqid == f->tell;
    else if (xfrm_policy_parse(h, &policy))
        f->is_it = policy.priority == f->tell;
    return MNL_CB_OK;
}

/* Somebody else may have installed the like since: what does not carry our number stays. */
static void remove_left(void *ctx, struct nlmsghdr *del, uint32_t tell)
{
    struct left *left = ctx;
    struct found found = {.tell = tell};
    uint16_t type = del->nlmsg_type, flags = del->nlmsg_flags;
    del->nlmsg_type = type == XFRM_MSG_DELSA ? XFRM_MSG_GETSA : XFRM_MSG_GETPOLICY;
    del->nlmsg_flags = NLM_F_REQUEST;
    if (xfrm_link_ask(left->link, del, look, &found) != 0 || !found.is_it)
        return;
    del->nlmsg_type = type;
    del->nlmsg_flags = flags;
    left->removed += xfrm_link_ask(left->link, del, NULL, NULL) == 0;
}

static int remove_all_left(struct xfrm_link *l, const char *journal, struct diag *d)
{
    struct left left = {.link = l};
    if (xfrm_journal_read(journal, remove_left, &left, d) < 0)
        return -1;
    return left.removed;
}

int xfrm_cleanup(const char *journal, struct diag *d)
{
    struct xfrm_link l;
    if (access(journal, F_OK) < 0 && errno == ENOENT)
        return 0;
    if (!xfrm_link_open(&l, false, d))
        return -1;
    int n = remove_all_left(&l, journal, d);
    xfrm_link_close(&l);
    if (n >= 0)
        unlink(journal);
    return n;
}

/* ---- settings of the machine */

/* What was there; -1: cannot be read or written. */
static int set(const char *path, int value)
{
    int old = -1;
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    if (fscanf(f, "%d", &old) != 1)
        old = -1;
    fclose(f);
    f = old >= 0 && old != value ? fopen(path, "we") : NULL;
    if (!f)
        return -1;
    bool is_written = fprintf(f, "%d\n", value) > 0;
    return fclose(f) == 0 && is_written ? old : -1;
}

static void change_settings(struct xfrm *x)
{
    x->old_acquire = x->o.acquire_seconds ? set(SETTING_ACQUIRE, (int)x->o.acquire_seconds) : -1;
    x->old_drop = x->o.holds_packets ? set(SETTING_DROP, 0) : -1;
}

static void restore_settings(const struct xfrm *x)
{
    if (x->old_acquire >= 0)
        set(SETTING_ACQUIRE, x->old_acquire);
    if (x->old_drop >= 0)
        set(SETTING_DROP, x->old_drop);
}

/* ---- life */

static struct xfrm *new_tables(const struct xfrm_options *o)
{
    struct xfrm *x = mem_new(sizeof(*x));
    x->o = *o;
    x->old_acquire = x->old_drop = -1;
    x->shut_until = TIME_NEVER;
    struct map *maps[] = {&x->by_spi, &x->by_id, &x->comps, &x->records, &x->policies};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        map_init(maps[i]);
    list_init(&x->states);
    list_init(&x->record_list);
    list_init(&x->policy_list);
    list_init(&x->queue);
    return x;
}

static bool begin(struct xfrm *x, bool probes, struct diag *d)
{
    if (!xfrm_link_open(&x->link, true, d) || (probes && !xfrm_probe_link(&x->link, &x->can, d)))
        return false;
    if (!x->o.journal)
        return true;
    int n = remove_all_left(&x->link, x->o.journal, d);
    if (n < 0)
        return false;
    if (n > 0)
        log_line(GROUP_KNL, LOG_NOTICE, "%d SAs and policies of an earlier run were still in the kernel", n);
    x->journal = xfrm_journal_open(x->o.journal, d);
    return x->journal != NULL;
}

static struct xfrm *open_tables(const struct xfrm_options *o, bool probes, struct diag *d)
{
    struct xfrm *x = new_tables(o);
    if (!begin(x, probes, d)) {
        xfrm_close(x);
        return NULL;
    }
    change_settings(x);
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
    list_each(r, &x->record_list, link) xfrm_record_free(x, r);
    list_each(s, &x->states, link) xfrm_sa_free(x, s);
    list_each(q, &x->queue, link) free(q);
    restore_settings(x);
    xfrm_journal_close(x->journal);
    xfrm_link_close(&x->link);
    struct map *maps[] = {&x->by_spi, &x->by_id, &x->comps, &x->records, &x->policies};
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
