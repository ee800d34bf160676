/* SPDX-License-Identifier: Apache-2.0 */
/* Policies and shunts of the records in the kernel. The kernel has one policy for one selector, direction,
 * mark and interface id; records that want the same one stand in a line behind it, and it is as the first of
 * them says: shunts, then what has a lower fixed priority, then children before traps, the older first. */
#include "base/arena.h"
#include "base/log.h"
#include "sys/xfrm_impl.h"
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

/* Shunts are before and behind all that records can ask for, what passes before what is dropped. */
#define PRIORITY_PASS      1
#define PRIORITY_DROP      2
#define PRIORITY_LAST      (UINT32_MAX - 2)
#define PRIORITY_LAST_PASS (UINT32_MAX - 1)
#define PRIORITY_LAST_DROP UINT32_MAX

/* ---- kernel policies */

struct xfrm_policy *xfrm_policy_find(const struct xfrm *x, const struct xfrm_policy_key *k)
{
    for (struct map_node *n = map_first(&x->policies, xfrm_policy_key_hash(k)); n; n = map_next(n)) {
        struct xfrm_policy *p = container_of(n, struct xfrm_policy, node);
        if (xfrm_policy_key_equal(&p->key, k))
            return p;
    }
    return NULL;
}

static struct xfrm_policy *policy_ref(struct xfrm *x, const struct xfrm_policy_key *k)
{
    struct xfrm_policy *p = xfrm_policy_find(x, k);
    if (p)
        return p;
    p = mem_new(sizeof(*p));
    p->key = *k;
    list_init(&p->wants);
    map_insert(&x->policies, &p->node, xfrm_policy_key_hash(k));
    list_append(&x->policy_list, &p->link);
    return p;
}

static bool is_before(const struct xfrm_record *a, const struct xfrm_record *b)
{
    if (a->is_shunt != b->is_shunt)
        return a->is_shunt;
    uint32_t pa = a->priority ? a->priority : PRIORITY_LAST, pb = b->priority ? b->priority : PRIORITY_LAST;
    if (pa != pb)
        return pa < pb;
    return a->is_trap != b->is_trap ? b->is_trap : a->age < b->age;
}

static struct xfrm_record *best_of(const struct xfrm_policy *p)
{
    struct xfrm_record *best = NULL;
    struct xfrm_want *w;
    list_each(w, &p->wants, link)
    {
        if (!best || is_before(w->record, best))
            best = w->record;
    }
    return best;
}

/* Children of one peer with the same selectors: each of their SAs may bring what this policy lets in. */
static bool has_twins(const struct xfrm_policy *p, const struct xfrm_record *best)
{
    struct xfrm_want *w;
    list_each(w, &p->wants, link)
    {
        const struct xfrm_record *r = w->record;
        if (!r->is_shunt && r->reqid != best->reqid && ip_equal(r->local, best->local) &&
            ip_equal(r->remote, best->remote) && r->mode == best->mode && r->is_ah == best->is_ah &&
            r->has_ipcomp == best->has_ipcomp)
            return true;
    }
    return false;
}

static struct xfrm_policy_spec spec_of(struct xfrm *x, const struct xfrm_policy *p,
                                       const struct xfrm_record *r)
{
    struct xfrm_policy_spec s = {.key = p->key,
                                 .priority = r->priority ? r->priority : xfrm_priority_of(&p->key.sel),
                                 .action = r->action};
    if (r->action != POLICY_PROTECT)
        return s;
    s.reqid = p->key.dir != XFRM_POLICY_OUT && has_twins(p, r) ? 0 : r->reqid;
    s.local = r->local;
    s.remote = r->remote;
    s.mode = r->mode;
    s.is_ah = r->is_ah;
    s.has_ipcomp = r->has_ipcomp;
    s.asks_per_cpu = r->asks_per_cpu && p->key.dir == XFRM_POLICY_OUT && !p->n_waiting;
    s.offload = xfrm_offload_of_policy(x, r->kernel.offload, r->local, &s.device);
    return s;
}

static bool spec_equal(const struct xfrm_policy_spec *a, const struct xfrm_policy_spec *b)
{
    return a->priority == b->priority && a->action == b->action && a->reqid == b->reqid &&
           ip_equal(a->local, b->local) && ip_equal(a->remote, b->remote) && a->mode == b->mode &&
           a->is_ah == b->is_ah && a->has_ipcomp == b->has_ipcomp && a->asks_per_cpu == b->asks_per_cpu &&
           a->offload == b->offload && a->device == b->device;
}

static int send_policy(struct xfrm *x, const struct xfrm_policy_spec *s, bool replaces)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    return xfrm_link_ask(&x->link, xfrm_policy_message(buf, s, replaces), NULL, NULL);
}

static int send_delete(struct xfrm *x, const struct xfrm_policy_key *k)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    return xfrm_link_ask(&x->link, xfrm_policy_key_message(buf, XFRM_MSG_DELPOLICY, k), NULL, NULL);
}

/* A slot tells by the priority, which is ours as long as the policy is. */
static uint32_t note(struct xfrm *x, const struct xfrm_policy_spec *s)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    return xfrm_journal_put(x->journal, xfrm_policy_key_message(buf, XFRM_MSG_DELPOLICY, &s->key),
                            s->priority);
}

static void drop(struct xfrm *x, struct xfrm_policy *p)
{
    if (p->is_installed)
        send_delete(x, &p->key);
    xfrm_cpu_release(x, p);
    xfrm_journal_clear(x->journal, &p->slot);
    map_remove(&x->policies, &p->node);
    list_remove(&p->link);
    free(p);
}

/* Makes the kernel's policy what the records say. 0 or an errno; p may be gone afterwards. */
static int refresh(struct xfrm *x, struct xfrm_policy *p, struct diag *d)
{
    const struct xfrm_record *best = best_of(p);
    if (!best) {
        drop(x, p);
        return 0;
    }
    if (!best->asks_per_cpu)
        xfrm_cpu_release(x, p);
    struct xfrm_policy_spec s = spec_of(x, p, best);
    if (p->is_installed && !p->is_left && !p->is_shut && spec_equal(&s, &p->spec))
        return 0;
    uint32_t old = p->slot;
    p->slot = note(x, &s);
    int error = send_policy(x, &s, p->is_installed);
    if (error) {
        xfrm_explain_policy(d, &s, error, x->link.why);
        xfrm_journal_clear(x->journal, &p->slot);
        p->slot = old;
        return error;
    }
    xfrm_journal_clear(x->journal, &old);
    p->spec = s;
    p->is_installed = true;
    p->is_shut = p->is_left = false;
    p->scan = x->scan;
    return 0;
}

void xfrm_policy_refresh(struct xfrm *x, struct xfrm_policy *p)
{
    struct diag d = {0};
    char why[XFRM_WHY];
    if (refresh(x, p, &d) != 0)
        log_line(GROUP_KNL, LOG_WARN, "a policy stays as it was: %s", diag_format(&d, why, sizeof(why)));
}

void xfrm_policy_adopt(struct xfrm *x, const struct xfrm_policy_key *k, uint32_t priority, uint32_t slot)
{
    struct xfrm_policy *p = policy_ref(x, k);
    xfrm_journal_clear(x->journal, &p->slot); /* the same once more: it was just being replaced */
    p->slot = slot;
    p->spec = (struct xfrm_policy_spec){.key = *k, .priority = priority};
    p->is_installed = p->is_left = true;
}

size_t xfrm_policy_sweep(struct xfrm *x)
{
    struct xfrm_policy *p;
    size_t n = 0;
    list_each(p, &x->policy_list, link)
    {
        if (!p->is_left || !list_empty(&p->wants))
            continue;
        drop(x, p);
        n++;
    }
    return n;
}

#define SHUT_TIME (20 * TIME_MS) /* the kernel's timer of the queue runs within a tick or two */

/* The kernel looks again and again whether what it holds can go, and asks for an SA each time: a trap that
 * failed would be sprung again by the packets that sprang it. It empties the queue when the policy drops. */
void xfrm_policy_shut(struct xfrm *x, struct xfrm_record *r, int64_t now)
{
    for (size_t i = 0; i < r->n; i++) {
        struct xfrm_policy *p = r->wants[i].policy;
        struct xfrm_policy_spec s = p->spec;
        s.action = POLICY_DISCARD;
        if (p->key.dir != XFRM_POLICY_OUT || !p->is_installed || send_policy(x, &s, true) != 0)
            continue;
        p->is_shut = true;
        x->shut_until = now + SHUT_TIME;
    }
}

void xfrm_policy_open(struct xfrm *x, int64_t now)
{
    struct xfrm_policy *p;
    if (now < x->shut_until)
        return;
    x->shut_until = TIME_NEVER;
    list_each(p, &x->policy_list, link)
    {
        if (!p->is_shut)
            continue;
        p->is_shut = false;
        xfrm_policy_mend(x, p, true);
    }
}

void xfrm_policy_mend(struct xfrm *x, struct xfrm_policy *p, bool is_there)
{
    struct diag d = {0};
    char why[XFRM_WHY];
    int error = send_policy(x, &p->spec, is_there);
    if (error == EEXIST) /* somebody was faster */
        error = send_policy(x, &p->spec, true);
    if (!error)
        return;
    xfrm_explain_policy(&d, &p->spec, error, x->link.why);
    log_line(GROUP_KNL, LOG_WARN, "a policy that somebody took away is not back: %s",
             diag_format(&d, why, sizeof(why)));
}

/* ---- records */

static void failed(struct xfrm *x, const struct xfrm_record *r, const struct diag *d)
{
    char why[XFRM_WHY];
    struct dataplane_event e = {.kind = DP_FAILED, .policy_id = r->id};
    diag_format(d, why, sizeof(why));
    if (r->is_shunt)
        log_line(GROUP_KNL, LOG_ERR, "a shunt is not in the kernel: %s", why);
    else
        xfrm_queue(x, &e, why);
}

struct xfrm_record *xfrm_record_find(const struct xfrm *x, uint64_t id, bool is_shunt)
{
    for (struct map_node *n = map_first(&x->records, map_hash_u64(id)); n; n = map_next(n)) {
        struct xfrm_record *r = container_of(n, struct xfrm_record, by_id);
        if (r->id == id && r->is_shunt == is_shunt)
            return r;
    }
    return NULL;
}

static struct xfrm_record *with_reqid(struct map_node *n, uint32_t reqid)
{
    for (; n; n = map_next(n)) {
        struct xfrm_record *r = container_of(n, struct xfrm_record, by_reqid);
        if (r->reqid == reqid)
            return r;
    }
    return NULL;
}

struct xfrm_record *xfrm_record_of(const struct xfrm *x, uint32_t reqid)
{
    return with_reqid(map_first(&x->by_reqid, map_hash_u64(reqid)), reqid);
}

struct xfrm_record *xfrm_record_next(const struct xfrm_record *r)
{
    return with_reqid(map_next(&r->by_reqid), r->reqid);
}

static void index_record(struct xfrm *x, struct xfrm_record *r)
{
    map_insert(&x->records, &r->by_id, map_hash_u64(r->id));
    if (!r->is_shunt)
        map_insert(&x->by_reqid, &r->by_reqid, map_hash_u64(r->reqid));
    list_append(&x->record_list, &r->link);
}

static void unindex_record(struct xfrm *x, struct xfrm_record *r)
{
    map_remove(&x->records, &r->by_id);
    if (!r->is_shunt)
        map_remove(&x->by_reqid, &r->by_reqid);
    list_remove(&r->link);
}

bool xfrm_has_policy(const struct xfrm *x, uint64_t id)
{
    return xfrm_record_find(x, id, false) != NULL;
}

static const uint8_t directions[] = {XFRM_POLICY_IN, XFRM_POLICY_FWD, XFRM_POLICY_OUT};

/* [RFC4301#4.1] transport mode is for hosts, and BEET for one: nothing is forwarded through them. */
static bool has_direction(const struct xfrm_record *r, uint8_t dir)
{
    if (r->is_for_out)
        return dir == XFRM_POLICY_OUT;
    return dir != XFRM_POLICY_FWD || r->action != POLICY_PROTECT || child_mode_is_tunnel(r->mode);
}

static struct xfrm_record *record_new(const struct xfrm_record *from, size_t n)
{
    struct xfrm_record *r = mem_new(sizeof(*r) + n * sizeof(*r->wants));
    *r = *from;
    r->n = n;
    for (size_t i = 0; i < n; i++)
        r->wants[i].record = r;
    return r;
}

static struct xfrm_record *record_with(struct xfrm *x, const struct xfrm_record *from,
                                       const struct xfrm_pair *pairs, size_t n_pairs)
{
    uint32_t device = from->kernel.device[0] ? if_nametoindex(from->kernel.device) : 0;
    struct xfrm_record *r = record_new(from, n_pairs * ARRAY_LEN(directions));
    r->n = 0;
    for (size_t i = 0; i < n_pairs * ARRAY_LEN(directions); i++) {
        uint8_t dir = directions[i % ARRAY_LEN(directions)];
        const struct kernel_side *side = dir == XFRM_POLICY_OUT ? &r->kernel.out : &r->kernel.in;
        struct xfrm_policy_key k = {.sel = xfrm_selector_of(&pairs[i / ARRAY_LEN(directions)], dir, device),
                                    .mark = side->mark,
                                    .if_id = side->if_id,
                                    .dir = dir};
        if (!has_direction(r, dir))
            continue;
        struct xfrm_want *w = &r->wants[r->n++];
        w->policy = policy_ref(x, &k);
        list_append(&w->policy->wants, &w->link);
    }
    return r;
}

/* Two ranges of one record may have the same prefixes in them: then it wants one policy twice. */
static void let_go(struct xfrm_record *r)
{
    for (size_t i = 0; i < r->n; i++)
        list_remove(&r->wants[i].link);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (struct xfrm_policy *const *)a,
              y = (uintptr_t) * (struct xfrm_policy *const *)b;
    return x < y ? -1 : x > y;
}

/* Each once: a policy nobody wants any more is gone after the first time. */
static int refresh_all(struct xfrm *x, const struct xfrm_record *r, const struct xfrm_record *old,
                       struct diag *d)
{
    size_t n = 0, n_old = old ? old->n : 0;
    struct xfrm_policy **v = mem_new((r->n + n_old + 1) * sizeof(struct xfrm_policy *));
    for (size_t i = 0; i < r->n; i++)
        v[n++] = r->wants[i].policy;
    for (size_t i = 0; i < n_old; i++)
        v[n++] = old->wants[i].policy;
    qsort(v, n, sizeof(struct xfrm_policy *), by_address);
    int error = 0;
    for (size_t i = 0; i < n; i++) {
        struct diag mine = {0};
        int e = i > 0 && v[i] == v[i - 1] ? 0 : refresh(x, v[i], &mine);
        if (e && !error) {
            error = e;
            *d = mine;
        }
    }
    free(v);
    return error;
}

void xfrm_record_free(struct xfrm *x, struct xfrm_record *r)
{
    struct diag ignored = {0};
    unindex_record(x, r);
    let_go(r);
    refresh_all(x, r, NULL, &ignored);
    xfrm_trap_release(x, r);
    free(r);
}

/* Puts the record in force; one with its id that was there before is replaced without a gap. */
static void add(struct xfrm *x, struct xfrm_record *from, const struct xfrm_pair *pairs, size_t n_pairs,
                bool replaces)
{
    struct diag d = {0};
    struct xfrm_record *old = replaces ? xfrm_record_find(x, from->id, from->is_shunt) : NULL;
    from->age = old ? old->age : ++x->age;
    struct xfrm_record *r = record_with(x, from, pairs, n_pairs);
    if (old) {
        unindex_record(x, old);
        let_go(old);
    }
    index_record(x, r);
    int error = refresh_all(x, r, old, &d);
    free(old);
    if (!error)
        return;
    failed(x, r, &d);
    xfrm_record_free(x, r);
}

void xfrm_record_del(struct xfrm *x, uint64_t id, bool is_shunt)
{
    struct xfrm_record *r;
    while ((r = xfrm_record_find(x, id, is_shunt)))
        xfrm_record_free(x, r);
}

static bool is_possible(const struct xfrm *x, const struct esp_policy *p, struct diag *d)
{
    if ((p->kernel.in.if_id || p->kernel.out.if_id) && !x->can.if_id) {
        diag_set(d, FAIL_GENERIC,
                 "this kernel knows no interface ids of policies (if_id; Linux 4.19 has them)");
        return false;
    }
    if (p->kernel.device[0] && !if_nametoindex(p->kernel.device)) {
        diag_set(d, FAIL_NOT_FOUND, "there is no interface %s for the policy", p->kernel.device);
        return false;
    }
    return true;
}

void xfrm_policy_add(struct xfrm *x, const struct esp_policy *p)
{
    struct diag d = {0};
    struct xfrm_record from = {.id = p->id,
                               .reqid = p->reqid,
                               .priority = p->priority == POLICY_LAST ? PRIORITY_LAST : p->priority,
                               .action = p->action,
                               .is_trap = p->action == POLICY_PROTECT && p->is_trap,
                               .asks_per_cpu = p->asks_per_cpu && x->can.cpu,
                               .local = p->local,
                               .remote = p->remote,
                               .mode = p->mode,
                               .is_ah = p->is_ah,
                               .has_ipcomp = p->has_ipcomp,
                               .kernel = p->kernel};
    struct xfrm_pair *pairs = mem_new(XFRM_PAIRS_MAX * sizeof(*pairs));
    size_t n = 0;
    if (is_possible(x, p, &d))
        n = xfrm_pairs(p->local_ts, p->n_local_ts, p->remote_ts, p->n_remote_ts, pairs, XFRM_PAIRS_MAX, &d);
    if (n)
        add(x, &from, pairs, n, true);
    else
        failed(x, &from, &d);
    free(pairs);
}

static struct ts shunt_side(const struct prefix *p, uint8_t proto, uint16_t from, uint16_t to)
{
    struct ts ts = ts_from_prefix(p);
    ts.proto = proto;
    if (to) {
        ts.port_from = from;
        ts.port_to = to;
    }
    return ts;
}

void xfrm_shunt_add(struct xfrm *x, const struct shunt *s)
{
    struct diag d = {0};
    bool drops = s->mode == MODE_DROP;
    if (!drops && s->mode != MODE_PASS)
        return;
    struct xfrm_record from = {.is_shunt = true,
                               .id = s->id,
                               .is_for_out = !s->local.ip.family,
                               .action = drops ? POLICY_DISCARD : POLICY_BYPASS,
                               .priority = s->is_last ? drops ? PRIORITY_LAST_DROP : PRIORITY_LAST_PASS
                                           : drops    ? PRIORITY_DROP
                                                      : PRIORITY_PASS};
    const struct prefix any = {.ip = {.family = s->remote.ip.family}};
    struct ts local = shunt_side(s->local.ip.family ? &s->local : &any, s->flow.proto, s->flow.sport_from,
                                 s->flow.sport_to);
    struct ts remote = shunt_side(&s->remote, s->flow.proto, s->flow.dport_from, s->flow.dport_to);
    struct xfrm_pair *pairs = mem_new(XFRM_PAIRS_MAX * sizeof(*pairs));
    size_t n = xfrm_pairs(&local, 1, &remote, 1, pairs, XFRM_PAIRS_MAX, &d);
    if (n)
        add(x, &from, pairs, n, false);
    else
        failed(x, &from, &d);
    free(pairs);
}
