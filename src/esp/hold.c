/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that wait for an SA: see hold.h. */
#include "esp/hold.h"
#include "base/arena.h"
#include "esp/sad.h"
#include <stdlib.h>

struct held_packet {
    struct list link;
    int64_t until;
    size_t len;
    uint8_t bytes[];
};

void holds_init(struct holds *h)
{
    *h = (struct holds){0};
    list_init(&h->holding);
    list_init(&h->news);
}

void holds_deinit(struct holds *h)
{
    free(h->lent);
    h->lent = NULL;
}

struct hold *hold_new(uint64_t policy_id, const struct bundle *bundle)
{
    struct hold *one = mem_new(sizeof(*one));
    one->policy_id = policy_id;
    one->bundle = bundle;
    list_init(&one->packets);
    return one;
}

static void lose(struct holds *h, uint64_t n)
{
    if (h->lost)
        *h->lost += n;
}

static struct held_packet *first(const struct hold *one)
{
    return list_empty(&one->packets) ? NULL : container_of(one->packets.next, struct held_packet, link);
}

static struct held_packet *take(struct holds *h, struct hold *one)
{
    struct held_packet *p = first(one);
    list_remove(&p->link);
    one->n--;
    one->bytes -= p->len;
    h->bytes -= p->len;
    if (!one->n)
        list_remove(&one->holding);
    return p;
}

static void drop_old(struct holds *h, struct hold *one, int64_t now)
{
    while (one->n && first(one)->until <= now) {
        free(take(h, one));
        lose(h, 1);
    }
}

void hold_fail(struct holds *h, struct hold *one)
{
    drop_old(h, one, INT64_MAX);
    list_remove(&one->news);
    one->is_told = false;
}

void hold_free(struct holds *h, struct hold *one)
{
    if (!one)
        return;
    hold_fail(h, one);
    free(one);
}

static struct ts exactly(struct ip ip, const struct packet *p, uint16_t port)
{
    /* one type of ICMP message would be no use to anybody: the answer has another */
    bool has_port = p->port_known && p->proto != NH_ICMP && p->proto != NH_ICMPV6;
    return (struct ts){.from = ip,
                       .to = ip,
                       .proto = p->proto,
                       .port_from = has_port ? port : 0,
                       .port_to = has_port ? port : UINT16_MAX};
}

void hold_ask(struct holds *h, struct hold *one, const struct packet *ip, int64_t now)
{
    if (one->is_told && now - one->told_at < HOLD_TIME)
        return;
    one->is_told = true;
    one->told_at = now;
    one->packet_local = exactly(ip->src, ip, ip->sport);
    one->packet_remote = exactly(ip->dst, ip, ip->dport);
    if (!list_linked(&one->news))
        list_append(&h->news, &one->news);
}

static bool has_room(const struct holds *h, const struct hold *one, size_t len)
{
    return one->n < HOLD_PACKETS && one->bytes + len <= HOLD_BYTES && h->bytes + len <= HOLD_BYTES_TOTAL;
}

bool hold_packet(struct holds *h, struct hold *one, const struct packet *ip, struct span bytes, int64_t now)
{
    struct hold *other;
    size_t len = ip->len;
    hold_ask(h, one, ip, now);
    drop_old(h, one, now);
    if (h->bytes + len > HOLD_BYTES_TOTAL) {
        list_each(other, &h->holding, holding) drop_old(h, other, now);
    }
    if (!has_room(h, one, len))
        return false;
    struct held_packet *p = malloc(sizeof(*p) + len);
    if (!p)
        return false;
    memcpy(p->bytes, bytes.ptr, len);
    p->len = len;
    p->until = now + HOLD_TIME;
    p->link = (struct list){0};
    list_append(&one->packets, &p->link);
    one->bytes += len;
    h->bytes += len;
    if (!one->n++)
        list_append(&h->holding, &one->holding);
    return true;
}

size_t holds_take_events(struct holds *h, struct dataplane_event *ev, size_t cap)
{
    size_t n = 0;
    while (n < cap && !list_empty(&h->news)) {
        struct hold *one = container_of(h->news.next, struct hold, news);
        list_remove(&one->news);
        ev[n++] = (struct dataplane_event){.kind = DP_ACQUIRE,
                                           .direction = SA_OUT,
                                           .policy_id = one->policy_id,
                                           .packet_local = one->packet_local,
                                           .packet_remote = one->packet_remote};
    }
    return n;
}

struct span holds_next(struct holds *h, int64_t now)
{
    struct hold *one;
    free(h->lent);
    h->lent = NULL;
    if (!h->is_due)
        return span_of(NULL, 0);
    list_each(one, &h->holding, holding)
    {
        if (!bundle_newest(one->bundle))
            continue;
        one->is_told = false; /* when this SA goes, the next packet asks again at once */
        drop_old(h, one, now);
        if (!one->n)
            continue;
        h->lent = take(h, one);
        return span_of(h->lent->bytes, h->lent->len);
    }
    h->is_due = false;
    return span_of(NULL, 0);
}
