/* SPDX-License-Identifier: Apache-2.0 */
/* The SPD: see spd.h. */
#include "esp/spd.h"
#include "base/arena.h"

#include <stdlib.h>

#define DSCP_MASK       63u
#define PREFIXES_PER_TS 256 /* an IPv6 range needs at most 254 */

void spd_init(struct spd *s, struct sad *sad)
{
    *s = (struct spd){.sad = sad, .generation = 1};
    map_init(&s->by_id);
    map_init(&s->by_prefixes);
    holds_init(&s->holds);
    s->flows = mem_new(SPD_FLOWS * sizeof(struct flow));
}

static struct policy *policy_find(const struct spd *s, uint64_t id)
{
    for (struct map_node *n = map_first(&s->by_id, map_hash_u64(id)); n; n = map_next(n)) {
        struct policy *p = container_of(n, struct policy, by_id);
        if (p->id == id)
            return p;
    }
    return NULL;
}

static uint64_t entry_hash(struct ip remote, const struct prefix_pair *pair, struct ip local)
{
    struct prefix r = prefix_of(remote, pair->remote), l = prefix_of(local, pair->local);
    uint8_t key[3 + 2 * 16] = {remote.family, pair->remote, pair->local};
    size_t len = ip_len(remote);
    memcpy(key + 3, r.ip.b, len);
    memcpy(key + 3 + len, l.ip.b, len);
    return map_hash(span_of(key, 3 + 2 * len));
}

static struct prefix_pair *pairs_of(struct spd *s, uint8_t family, size_t **n)
{
    *n = family == 6 ? &s->n_pairs6 : &s->n_pairs4;
    return family == 6 ? s->pairs6 : s->pairs4;
}

/* The pair's place: its own one, a free one, or, when there are too many, that of (remote, 0). */
static struct prefix_pair *pair_ref(struct spd *s, uint8_t family, uint8_t remote, uint8_t local)
{
    size_t *n, used = 0;
    struct prefix_pair *all = pairs_of(s, family, &n), *free_one = NULL;
    for (size_t i = 0; i < *n; i++) {
        struct prefix_pair *p = &all[i];
        if (p->entries && p->remote == remote && p->local == local) {
            p->entries++;
            return p;
        }
        used += p->entries != 0;
        if (!p->entries && !free_one)
            free_one = p;
    }
    if (used >= SPD_PAIRS && local > 0)
        return pair_ref(s, family, remote, 0);
    if (!free_one)
        free_one = &all[(*n)++];
    *free_one = (struct prefix_pair){.remote = remote, .local = local, .entries = 1};
    return free_one;
}

static void count_classed(struct spd *s, int more)
{
    s->n_classed = (size_t)((ptrdiff_t)s->n_classed + more);
    s->tos_mask = s->n_classed ? (uint8_t)(DSCP_MASK << 2) : 0;
}

static void policy_free(struct spd *s, struct policy *p)
{
    for (size_t i = 0; i < p->n_entries; i++) {
        struct policy_entry *e = &p->entries[i];
        size_t *n;
        map_remove(&s->by_prefixes, &e->node);
        pairs_of(s, e->family, &n)[e->pair].entries--;
    }
    hold_free(&s->holds, p->hold);
    s->n_whole -= p->wants_whole;
    count_classed(s, p->classes ? -1 : 0);
    if (p->bundle)
        sad_bundle_unref(s->sad, p->bundle);
    selector_set_unref(&s->sad->selectors, p->selectors);
    free(p);
}

void spd_deinit(struct spd *s)
{
    for (size_t i = 0; i < s->by_id.size; i++) {
        for (struct map_node *n = s->by_id.buckets[i], *next; n; n = next) {
            next = n->next;
            policy_free(s, container_of(n, struct policy, by_id));
        }
    }
    map_deinit(&s->by_id);
    map_deinit(&s->by_prefixes);
    holds_deinit(&s->holds);
    free(s->flows);
}

/* How many prefixes the selectors make; 0 when one is no range of addresses. */
static size_t prefixes_count(const struct ts *ts, size_t n)
{
    struct prefix p[PREFIXES_PER_TS];
    size_t count = 0;
    if (n > SA_MAX_TS)
        return 0;
    for (size_t i = 0; i < n; i++) {
        size_t here = ts_to_prefixes(&ts[i], p, ARRAY_LEN(p));
        if (here == 0)
            return 0;
        count += here;
    }
    return count;
}

/* The longest prefix around all local selectors of a family; length 0 when there are none: then no packet
 * matches, and any place will do. */
static struct prefix local_cover(const struct selectors *s, uint8_t family)
{
    struct ip from = {.family = family}, to = from;
    bool is_first = true;
    for (size_t i = 0; i < s->n_local; i++) {
        const struct ts *t = &s->local[i];
        if (t->from.family != family)
            continue;
        from = is_first || ip_cmp(t->from, from) < 0 ? t->from : from;
        to = is_first || ip_cmp(t->to, to) > 0 ? t->to : to;
        is_first = false;
    }
    return prefix_of(from, is_first ? 0 : (uint8_t)ip_common_bits(from, to));
}

/* Puts the policy under every prefix of its remote selectors, with the one around its local selectors. */
static void policy_index(struct spd *s, struct policy *p)
{
    struct selectors sel = selector_set_view(p->selectors);
    struct prefix remote[PREFIXES_PER_TS];
    size_t *n_pairs;
    for (size_t i = 0; i < sel.n_remote; i++) {
        uint8_t family = sel.remote[i].from.family;
        struct prefix local = local_cover(&sel, family);
        size_t n = ts_to_prefixes(&sel.remote[i], remote, ARRAY_LEN(remote));
        for (size_t k = 0; k < n; k++) {
            struct policy_entry *e = &p->entries[p->n_entries++];
            struct prefix_pair *pair = pair_ref(s, family, remote[k].bits, local.bits);
            e->policy = p;
            e->family = family;
            e->pair = (uint8_t)(pair - pairs_of(s, family, &n_pairs));
            map_insert(&s->by_prefixes, &e->node, entry_hash(remote[k].ip, pair, local.ip));
        }
    }
}

bool spd_add(struct spd *s, const struct esp_policy *r, struct diag *d)
{
    if (policy_find(s, r->id)) {
        diag_set(d, FAIL_GENERIC, "a policy with id %llu exists already", (unsigned long long)r->id);
        return false;
    }
    size_t n = prefixes_count(r->remote_ts, r->n_remote_ts);
    if (n == 0 || prefixes_count(r->local_ts, r->n_local_ts) == 0) {
        diag_set(d, FAIL_SELECTORS, "policy %llu has no or unresolved traffic selectors",
                 (unsigned long long)r->id);
        diag_expected(d, "1 to %d resolved selectors on each side", SA_MAX_TS);
        return false;
    }
    struct policy *p = mem_new(sizeof(*p) + n * sizeof(*p->entries));
    struct selectors ts = {
        .local = r->local_ts, .remote = r->remote_ts, .n_local = r->n_local_ts, .n_remote = r->n_remote_ts};
    p->id = r->id;
    p->priority = r->priority;
    p->age = s->next_age++;
    p->action = r->action;
    p->wants_whole = r->wants_whole;
    s->n_whole += r->wants_whole;
    p->classes = r->action == POLICY_PROTECT ? r->dscp : 0;
    count_classed(s, p->classes ? 1 : 0);
    p->selectors = selector_set_ref(&s->sad->selectors, &ts);
    if (r->action == POLICY_PROTECT)
        p->bundle = sad_bundle_ref(s->sad, r->reqid);
    if (r->action == POLICY_PROTECT && r->is_trap)
        p->hold = hold_new(r->id, p->bundle);
    policy_index(s, p);
    map_insert(&s->by_id, &p->by_id, map_hash_u64(r->id));
    s->generation++;
    return true;
}

bool spd_del(struct spd *s, uint64_t id, struct diag *d)
{
    struct policy *p = policy_find(s, id);
    if (!p) {
        diag_set(d, FAIL_NOT_FOUND, "no policy with id %llu", (unsigned long long)id);
        return false;
    }
    map_remove(&s->by_id, &p->by_id);
    policy_free(s, p);
    s->generation++;
    return true;
}

bool spd_trap_failed(struct spd *s, uint64_t id, struct diag *d)
{
    struct policy *p = policy_find(s, id);
    if (!p || !p->hold) {
        diag_set(d, FAIL_NOT_FOUND, "no trap with id %llu", (unsigned long long)id);
        return false;
    }
    hold_fail(&s->holds, p->hold);
    return true;
}

/* What decides between policies that match a packet, lower first. */
struct rank {
    uint64_t priority;
    uint8_t step;
    uint64_t age;
};

/* Among policies of one priority: what is there serves as well as what might come, but only what is there for
 * the packet's class, or for none. */
enum class_fit { FIT_OWN, FIT_REST, FIT_OTHER };
static const uint8_t steps[][2] = {
  /* SA, trap */
    [FIT_OWN] = {0, 3},
    [FIT_REST] = {1, 2},
    [FIT_OTHER] = {4, 5},
};

static enum class_fit class_fit(const struct policy *c, uint8_t tos)
{
    if (!c->classes)
        return FIT_REST;
    return c->classes >> (tos >> 2) & 1 ? FIT_OWN : FIT_OTHER;
}

static bool is_before(const struct rank *a, const struct rank *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->step != b->step ? a->step < b->step : a->age < b->age;
}

static bool rank(const struct policy *c, const struct packet *p, bool is_outbound, uint8_t tos,
                 struct rank *out)
{
    struct selectors sel = selector_set_view(c->selectors);
    unsigned width = selectors_width(&sel, p, is_outbound);
    out->priority = c->priority ? c->priority : SPD_BY_SIZE + width;
    out->step = steps[class_fit(c, tos)][c->hold != NULL];
    out->age = c->age;
    return width != 0;
}

struct choice {
    const struct policy *policy;
    struct rank rank;
};

static void choose(struct choice *best, const struct policy *c, const struct rank *r)
{
    if (!best->policy || is_before(r, &best->rank))
        *best = (struct choice){.policy = c, .rank = *r};
}

/* Which trap has to hear of the packet though it decides nothing: that of its class. */
static const struct policy *asked(const struct choice *best, const struct choice *trap)
{
    bool is_served = best->policy == trap->policy || best->rank.step == steps[FIT_OWN][false];
    return trap->policy && !is_served && trap->rank.priority == best->rank.priority ? trap->policy : NULL;
}

/* The packet, or, reversed, the one that it quotes, seen as outbound or inbound traffic; tos: its own. */
static const struct policy *search(struct spd *s, const struct packet *p, bool is_outbound, uint8_t tos,
                                   const struct policy **asks)
{
    struct ip remote = is_outbound ? p->dst : p->src, local = is_outbound ? p->src : p->dst;
    size_t *n;
    const struct prefix_pair *pairs = pairs_of(s, remote.family, &n);
    struct choice best = {0}, trap = {0};
    struct rank r;
    for (size_t i = 0; i < *n; i++) {
        if (!pairs[i].entries)
            continue;
        struct map_node *at = map_first(&s->by_prefixes, entry_hash(remote, &pairs[i], local));
        for (; at; at = map_next(at)) {
            const struct policy *c = container_of(at, struct policy_entry, node)->policy;
            if (!rank(c, p, is_outbound, tos, &r))
                continue;
            choose(&best, c, &r);
            if (r.step == steps[FIT_OWN][true])
                choose(&trap, c, &r);
        }
    }
    *asks = asked(&best, &trap);
    return best.policy;
}

static bool any_holds(const struct ts *ts, size_t n, struct ip ip)
{
    for (size_t i = 0; i < n; i++)
        if (ts[i].from.family == ip.family && ip_cmp(ts[i].from, ip) <= 0 && ip_cmp(ip, ts[i].to) <= 0)
            return true;
    return false;
}

bool spd_wants_whole(struct spd *s, const struct packet *p)
{
    size_t *n;
    const struct prefix_pair *pairs = pairs_of(s, p->family, &n);
    for (size_t i = 0; i < *n && s->n_whole; i++) {
        if (!pairs[i].entries)
            continue;
        struct map_node *at = map_first(&s->by_prefixes, entry_hash(p->dst, &pairs[i], p->src));
        for (; at; at = map_next(at)) {
            const struct policy *c = container_of(at, struct policy_entry, node)->policy;
            struct selectors sel = selector_set_view(c->selectors);
            if (c->wants_whole && any_holds(sel.remote, sel.n_remote, p->dst) &&
                any_holds(sel.local, sel.n_local, p->src))
                return true;
        }
    }
    return false;
}

static struct flow_key flow_key_of(const struct spd *s, const struct packet *p)
{
    struct flow_key k = {.family = p->family,
                         .proto = p->proto,
                         .port_known = p->port_known,
                         .tos = p->tos & s->tos_mask,
                         .sport = p->sport,
                         .dport = p->dport};
    memcpy(k.src, p->src.b, sizeof(k.src));
    memcpy(k.dst, p->dst.b, sizeof(k.dst));
    return k;
}

const struct policy *spd_lookup(struct spd *s, const struct packet *p, struct span bytes)
{
    struct flow_key key = flow_key_of(s, p);
    struct flow *f = s->last;
    struct packet quoted;
    const struct policy *ignored;
    if (!f || f->generation != s->generation || memcmp(&f->key, &key, sizeof(key)) != 0) {
        f = &s->flows[map_hash(span_of(&key, sizeof(key))) % SPD_FLOWS];
        if (f->generation != s->generation || memcmp(&f->key, &key, sizeof(key)) != 0) {
            *f = (struct flow){.key = key, .generation = s->generation};
            f->policy = search(s, p, true, p->tos, &f->asks);
        }
        s->last = f;
    }
    if (f->policy || !p->is_icmp_error)
        return f->policy;
    /* [RFC4301#6.2] by the packet that it quotes; not cached, since every quote is another flow */
    return selectors_quoted(p, bytes, &quoted) ? search(s, &quoted, false, p->tos, &ignored) : NULL;
}
