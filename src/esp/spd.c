/* SPDX-License-Identifier: Apache-2.0 */
/* The SPD: see spd.h. */
#include "esp/spd.h"
#include "base/arena.h"

#include <stdlib.h>

#define PREFIXES_PER_TS 256 /* an IPv6 range needs at most 254 */

struct policy_prefix {
    struct map_node node;
    struct policy *policy;
    struct prefix prefix;
};

void spd_init(struct spd *s, struct sad *sad)
{
    *s = (struct spd){.sad = sad, .generation = 1};
    map_init(&s->by_id);
    map_init(&s->by_prefix);
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

static uint64_t prefix_hash(const struct prefix *p)
{
    return map_hash(span_of(p, sizeof(*p)));
}

static size_t *length_count(struct spd *s, const struct prefix *p)
{
    return p->ip.family == 6 ? &s->lengths6[p->bits] : &s->lengths4[p->bits];
}

static void policy_free(struct spd *s, struct policy *p)
{
    for (size_t i = 0; i < p->n_prefixes; i++) {
        map_remove(&s->by_prefix, &p->prefixes[i].node);
        (*length_count(s, &p->prefixes[i].prefix))--;
    }
    if (p->bundle)
        sad_bundle_unref(s->sad, p->bundle);
    free(p->prefixes);
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
    map_deinit(&s->by_prefix);
    free(s->flows);
}

static bool ts_sound(const struct ts *ts, size_t n)
{
    struct prefix p[PREFIXES_PER_TS];
    if (n < 1 || n > SA_MAX_TS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (ts_to_prefixes(&ts[i], p, ARRAY_LEN(p)) == 0)
            return false;
    return true;
}

/* Puts the policy under every prefix of its remote selectors. */
static void policy_index(struct spd *s, struct policy *p)
{
    struct prefix cover[PREFIXES_PER_TS];
    size_t n = 0;
    for (size_t i = 0; i < p->n_remote_ts; i++)
        n += ts_to_prefixes(&p->remote_ts[i], cover, ARRAY_LEN(cover));
    p->prefixes = mem_new(n * sizeof(*p->prefixes));
    for (size_t i = 0; i < p->n_remote_ts; i++) {
        size_t k = ts_to_prefixes(&p->remote_ts[i], cover, ARRAY_LEN(cover));
        for (size_t j = 0; j < k; j++) {
            struct policy_prefix *e = &p->prefixes[p->n_prefixes++];
            e->policy = p;
            e->prefix = cover[j];
            (*length_count(s, &cover[j]))++;
            map_insert(&s->by_prefix, &e->node, prefix_hash(&cover[j]));
        }
    }
}

bool spd_add(struct spd *s, const struct esp_policy *r, struct diag *d)
{
    if (policy_find(s, r->id)) {
        diag_set(d, FAIL_GENERIC, "a policy with id %llu exists already", (unsigned long long)r->id);
        return false;
    }
    if (!ts_sound(r->local_ts, r->n_local_ts) || !ts_sound(r->remote_ts, r->n_remote_ts)) {
        diag_set(d, FAIL_SELECTORS, "policy %llu has no or unresolved traffic selectors",
                 (unsigned long long)r->id);
        diag_expected(d, "1 to %d resolved selectors on each side", SA_MAX_TS);
        return false;
    }
    struct policy *p = mem_new(sizeof(*p));
    p->id = r->id;
    p->priority = r->priority;
    p->age = s->next_age++;
    p->action = r->action;
    p->n_local_ts = r->n_local_ts;
    p->n_remote_ts = r->n_remote_ts;
    memcpy(p->local_ts, r->local_ts, sizeof(p->local_ts));
    memcpy(p->remote_ts, r->remote_ts, sizeof(p->remote_ts));
    if (r->action == POLICY_PROTECT)
        p->bundle = sad_bundle_ref(s->sad, r->reqid);
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

static bool is_before(const struct policy *a, const struct policy *b)
{
    if (!b || a->priority != b->priority)
        return !b || a->priority < b->priority;
    return a->age < b->age;
}

/* key: the packet (or, reversed, the one that it quotes) seen as outbound or inbound traffic. */
static const struct policy *search(struct spd *s, const struct packet *p, bool is_outbound)
{
    struct ip remote = is_outbound ? p->dst : p->src;
    const size_t *lengths = remote.family == 6 ? s->lengths6 : s->lengths4;
    size_t max = remote.family == 6 ? 128 : 32;
    const struct policy *best = NULL;
    for (size_t bits = 0; bits <= max; bits++) {
        if (!lengths[bits])
            continue;
        struct prefix key = prefix_of(remote, (uint8_t)bits);
        for (struct map_node *n = map_first(&s->by_prefix, prefix_hash(&key)); n; n = map_next(n)) {
            const struct policy_prefix *e = container_of(n, struct policy_prefix, node);
            const struct policy *c = e->policy;
            struct selectors sel = {.local = c->local_ts,
                                    .remote = c->remote_ts,
                                    .n_local = c->n_local_ts,
                                    .n_remote = c->n_remote_ts};
            if (is_before(c, best) && selectors_match(&sel, p, is_outbound))
                best = c;
        }
    }
    return best;
}

static struct flow_key flow_key_of(const struct packet *p)
{
    struct flow_key k = {.family = p->family,
                         .proto = p->proto,
                         .port_known = p->port_known,
                         .sport = p->sport,
                         .dport = p->dport};
    memcpy(k.src, p->src.b, sizeof(k.src));
    memcpy(k.dst, p->dst.b, sizeof(k.dst));
    return k;
}

const struct policy *spd_lookup(struct spd *s, const struct packet *p, struct span bytes)
{
    struct flow_key key = flow_key_of(p);
    struct flow *f = s->last;
    struct packet quoted;
    if (!f || f->generation != s->generation || memcmp(&f->key, &key, sizeof(key)) != 0) {
        f = &s->flows[map_hash(span_of(&key, sizeof(key))) % SPD_FLOWS];
        if (f->generation != s->generation || memcmp(&f->key, &key, sizeof(key)) != 0)
            *f = (struct flow){.key = key, .generation = s->generation, .policy = search(s, p, true)};
        s->last = f;
    }
    if (f->policy || !p->is_icmp_error)
        return f->policy;
    /* [RFC4301#6.2] by the packet that it quotes; not cached, since every quote is another flow */
    return selectors_quoted(p, bytes, &quoted) ? search(s, &quoted, false) : NULL;
}
