/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetimes and events: see lifetime.h. */
#include "esp/lifetime.h"

static void report(struct sad *s, struct sa *sa, enum sa_event event)
{
    sa->events |= (uint8_t)event;
    if (!list_linked(&sa->pending))
        list_append(&s->pending, &sa->pending);
}

static void expire_soft(struct sad *s, struct sa *sa)
{
    if (sa->is_soft_expired)
        return;
    sa->is_soft_expired = true;
    report(s, sa, SA_EVENT_SOFT);
}

static void expire_hard(struct sad *s, struct sa *sa)
{
    if (sa->is_expired)
        return;
    sa->is_expired = true;
    report(s, sa, SA_EVENT_HARD);
}

static bool reached(uint64_t value, uint64_t limit)
{
    return limit && value >= limit;
}

void lifetime_account(struct sad *s, struct sa *sa, uint32_t bytes, int64_t now)
{
    sa->bytes += bytes;
    sa->packets++;
    sa->last_use = now;
    if (reached(sa->bytes, sa->hard_bytes) || reached(sa->packets, sa->hard_packets))
        expire_hard(s, sa);
    else if (reached(sa->bytes, sa->soft_bytes) || reached(sa->packets, sa->soft_packets))
        expire_soft(s, sa);
}

bool lifetime_take_seq(struct sad *s, struct sa *sa, uint64_t *seq)
{
    uint64_t last = sa->has_esn ? UINT64_MAX : UINT32_MAX;
    if (sa->seq == last) {
        expire_hard(s, sa);
        return false;
    }
    *seq = ++sa->seq;
    if (*seq >= last - SEQ_SOFT_MARGIN)
        expire_soft(s, sa);
    return true;
}

void lifetime_report_mapping(struct sad *s, struct sa *sa, const struct endpoint *remote)
{
    if (endpoint_equal(&sa->mapped, remote))
        return;
    sa->mapped = *remote;
    report(s, sa, SA_EVENT_MAPPING);
}

void lifetime_retract_mapping(struct sa *sa)
{
    sa->mapped = (struct endpoint){0};
    sa->events &= (uint8_t)~SA_EVENT_MAPPING;
}

void sa_describe(const struct sa *sa, enum dataplane_kind kind, struct dataplane_event *out)
{
    *out = (struct dataplane_event){.kind = kind,
                                    .child_id = sa->child_id,
                                    .spi = sa->spi,
                                    .direction = sa->direction,
                                    .remote = kind == DP_MAPPING ? sa->mapped : sa->remote,
                                    .bytes = sa->bytes,
                                    .packets = sa->packets,
                                    .last_use = sa->last_use};
}

static const struct {
    uint8_t event;
    enum dataplane_kind kind;
} kinds[] = {
    {SA_EVENT_SOFT,    DP_SOFT_EXPIRE},
    {SA_EVENT_HARD,    DP_HARD_EXPIRE},
    {SA_EVENT_MAPPING, DP_MAPPING    },
};

size_t lifetime_take_events(struct sad *s, struct dataplane_event *ev, size_t cap)
{
    struct sa *sa;
    size_t n = 0;
    list_each(sa, &s->pending, pending)
    {
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
            if (!(sa->events & kinds[i].event))
                continue;
            if (n == cap)
                return n;
            sa_describe(sa, kinds[i].kind, &ev[n++]);
            sa->events &= (uint8_t)~kinds[i].event;
        }
        list_remove(&sa->pending);
    }
    return n;
}
