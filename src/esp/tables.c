/* SPDX-License-Identifier: Apache-2.0 */
/* See tables.h. Two walks over the maps: one that counts, so that each kind is one allocation, and one that
 * copies. */
#include "esp/tables.h"
#include "base/arena.h"
#include "esp/mode.h"
#include "esp/state.h"
#include <stdlib.h>

struct sizes {
    size_t sas, policies, selectors, words;
};

static size_t words_of(const struct sa *sa)
{
    return sa->direction == SA_IN ? (sa->replay.size + 31) / 32 : 0;
}

typedef void visit_sa(void *ctx, const struct sa *sa);
typedef void visit_policy(void *ctx, const struct policy *p);

static void each_sa(const struct esp *e, visit_sa *visit, void *ctx)
{
    for (size_t dir = 0; dir < ARRAY_LEN(e->sad.by_spi); dir++) {
        const struct map *m = &e->sad.by_spi[dir];
        for (size_t i = 0; i < m->size; i++) {
            for (const struct map_node *n = m->buckets[i]; n; n = n->next)
                visit(ctx, container_of(n, struct sa, by_spi));
        }
    }
}

static void each_policy(const struct esp *e, visit_policy *visit, void *ctx)
{
    const struct map *m = &e->spd.by_id;
    for (size_t i = 0; i < m->size; i++) {
        for (const struct map_node *n = m->buckets[i]; n; n = n->next)
            visit(ctx, container_of(n, struct policy, by_id));
    }
}

static size_t selectors_of(const struct selector_set *set)
{
    return (size_t)set->n_local + set->n_remote;
}

static void measure_sa(void *ctx, const struct sa *sa)
{
    struct sizes *s = ctx;
    s->sas++;
    s->selectors += selectors_of(sa->selectors);
    s->words += words_of(sa);
}

static void measure_policy(void *ctx, const struct policy *p)
{
    struct sizes *s = ctx;
    s->policies++;
    s->selectors += selectors_of(p->selectors);
}

struct copying {
    struct esp_tables *out;
    struct ts *ts;
    uint32_t *words;
};

static const struct ts *copy_selectors(struct copying *c, const struct selector_set *set)
{
    struct ts *to = c->ts;
    memcpy(to, set->ts, selectors_of(set) * sizeof(*to));
    c->ts += selectors_of(set);
    return to;
}

static const uint32_t *copy_window(struct copying *c, const struct replay *r)
{
    uint32_t *to = c->words;
    for (uint64_t back = 0; back < r->size && back < r->top; back++) {
        uint64_t seq = r->top - back, bit = (seq - 1) % r->size;
        if (!replay_check(r, seq))
            to[bit / 32] |= UINT32_C(1) << (bit % 32);
    }
    c->words += (r->size + 31) / 32;
    return to;
}

static void copy_inbound(struct copying *c, const struct sa *sa, struct sa_row *row)
{
    row->seq = sa->replay.top;
    row->replay_window = sa->replay.size;
    row->seen = copy_window(c, &sa->replay);
    row->n_replayed = sa->n_replayed;
    row->n_wrong = sa->n_wrong;
}

static void copy_sa(void *ctx, const struct sa *sa)
{
    struct copying *c = ctx;
    struct sa_row *row = &c->out->sas[c->out->n_sas++];
    const struct ts *ts = copy_selectors(c, sa->selectors);
    *row = (struct sa_row){
        .direction = (enum sa_direction)sa->direction,
        .child_id = sa->child_id,
        .spi = sa->spi,
        .reqid = sa->reqid,
        .mode = mode_of(sa),
        .local = sa->local,
        .remote = sa->remote,
        .is_ah = sa->is_ah,
        .has_encap = sa->has_encap,
        .has_esn = sa->has_esn,
        .copies_df = sa->copies_df,
        .copies_ecn = sa->copies_ecn,
        .is_expired = sa->is_expired,
        .copy_dscp = (enum copy_dscp)sa->copy_dscp,
        .encr = sa->is_ah ? 0 : bulk_encr(sa->key),
        .key_bits = bulk_key_bits(sa->key),
        .integ = bulk_integ(sa->key),
        .icv_len = sa->icv_len,
        .cpi = sa->cpi,
        .tfc = sa->tfc,
        .soft_bytes = sa->soft_bytes,
        .hard_bytes = sa->hard_bytes,
        .soft_packets = sa->soft_packets,
        .hard_packets = sa->hard_packets,
        .bytes = sa->bytes,
        .packets = sa->packets,
        .last_use = sa->last_use,
        .local_ts = ts,
        .remote_ts = ts + sa->selectors->n_local,
        .n_local_ts = sa->selectors->n_local,
        .n_remote_ts = sa->selectors->n_remote,
    };
    if (sa->direction == SA_IN) {
        copy_inbound(c, sa, row);
        return;
    }
    row->seq = sa->seq;
    row->is_newest = bundle_newest(sa->bundle) == sa;
}

static void copy_policy(void *ctx, const struct policy *p)
{
    struct copying *c = ctx;
    const struct ts *ts = copy_selectors(c, p->selectors);
    c->out->policies[c->out->n_policies++] = (struct policy_row){
        .id = p->id,
        .reqid = p->bundle ? p->bundle->reqid : 0,
        .priority = p->priority,
        .action = p->action,
        .is_trap = p->hold != NULL,
        .dscp = p->classes,
        .local_ts = ts,
        .remote_ts = ts + p->selectors->n_local,
        .n_local_ts = p->selectors->n_local,
        .n_remote_ts = p->selectors->n_remote,
    };
}

void esp_list(const struct esp *e, struct esp_tables *out)
{
    struct sizes s = {0};
    each_sa(e, measure_sa, &s);
    each_policy(e, measure_policy, &s);
    *out = (struct esp_tables){
        .sas = mem_new((s.sas + 1) * sizeof(*out->sas)),
        .policies = mem_new((s.policies + 1) * sizeof(*out->policies)),
        .selectors = mem_new((s.selectors + 1) * sizeof(*out->selectors)),
        .words = mem_new((s.words + 1) * sizeof(*out->words)),
    };
    struct copying c = {.out = out, .ts = out->selectors, .words = out->words};
    each_sa(e, copy_sa, &c);
    each_policy(e, copy_policy, &c);
}

void esp_tables_deinit(struct esp_tables *t)
{
    free(t->sas);
    free(t->policies);
    free(t->selectors);
    free(t->words);
    *t = (struct esp_tables){0};
}
