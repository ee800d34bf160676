/* SPDX-License-Identifier: Apache-2.0 */
/* SAs of the records in the kernel: adding, finding, deleting. Those that move: xfrm_move.c. */
#include "base/arena.h"
#include "base/secret.h"
#include "base/wr.h"
#include "sys/xfrm_impl.h"
#include <errno.h>
#include <stdlib.h>

/* ---- the tables */

static uint64_t spi_hash(enum sa_direction dir, uint32_t spi)
{
    return map_hash_u64((uint64_t)dir << 32 | spi);
}

static uint64_t id_hash(const struct xfrm_state_id *id)
{
    uint8_t bytes[24];
    struct wr w = wr_over(bytes, sizeof(bytes));
    wr_bytes(&w, id->dst.b, sizeof(id->dst.b));
    wr_u32(&w, id->spi);
    wr_u8(&w, id->proto);
    return map_hash(wr_span_view(&w));
}

static bool id_equal(const struct xfrm_state_id *a, const struct xfrm_state_id *b)
{
    return a->spi == b->spi && a->proto == b->proto && ip_equal(a->dst, b->dst);
}

struct xfrm_state *xfrm_sa_find(const struct xfrm *x, const struct xfrm_state_id *id)
{
    for (struct map_node *n = map_first(&x->by_id, id_hash(id)); n; n = map_next(n)) {
        struct xfrm_state *s = container_of(n, struct xfrm_state, by_id);
        if (id_equal(&s->id, id))
            return s;
    }
    return NULL;
}

/* Two peers may have chosen the same SPI: the child says which one is meant. */
struct xfrm_state *xfrm_sa_named(const struct xfrm *x, const struct esp_sa *sa)
{
    for (struct map_node *n = map_first(&x->by_spi, spi_hash(sa->direction, sa->spi)); n; n = map_next(n)) {
        struct xfrm_state *s = container_of(n, struct xfrm_state, by_spi);
        if (s->sa.direction == sa->direction && s->sa.spi == sa->spi &&
            (sa->direction == SA_IN || s->sa.child_id == sa->child_id))
            return s;
    }
    return NULL;
}

void xfrm_sa_failed(struct xfrm *x, const struct esp_sa *sa, const struct diag *d)
{
    char why[XFRM_WHY];
    struct dataplane_event e = {
        .kind = DP_FAILED, .child_id = sa->child_id, .spi = sa->spi, .direction = sa->direction};
    xfrm_queue(x, &e, diag_format(d, why, sizeof(why)));
}

/* ---- the kernel */

static int take_state(const struct nlmsghdr *h, void *ctx)
{
    return xfrm_state_parse(h, ctx) ? MNL_CB_OK : MNL_CB_ERROR;
}

int xfrm_state_get(struct xfrm_link *l, const struct xfrm_state_id *id, struct xfrm_seen_state *out)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    return xfrm_link_ask(l, xfrm_state_id_message(buf, XFRM_MSG_GETSA, id), take_state, out);
}

int xfrm_state_del(struct xfrm_link *l, const struct xfrm_state_id *id)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    return xfrm_link_ask(l, xfrm_state_id_message(buf, XFRM_MSG_DELSA, id), NULL, NULL);
}

uint32_t xfrm_sa_note(struct xfrm *x, const struct xfrm_state_id *id, uint32_t reqid)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    return xfrm_journal_put(x->journal, xfrm_state_id_message(buf, XFRM_MSG_DELSA, id), reqid);
}

/* ---- IPComp's own SA */

static struct xfrm_comp *comp_find(const struct xfrm *x, const struct xfrm_state_id *id)
{
    for (struct map_node *n = map_first(&x->comps, id_hash(id)); n; n = map_next(n)) {
        struct xfrm_comp *c = container_of(n, struct xfrm_comp, node);
        if (id_equal(&c->id, id))
            return c;
    }
    return NULL;
}

static struct xfrm_comp *comp_ref(struct xfrm *x, const struct esp_sa *sa, struct diag *d)
{
    struct xfrm_state_id id = xfrm_state_id_of(sa, true);
    struct xfrm_comp *c = comp_find(x, &id);
    if (c && c->reqid == sa->reqid) {
        c->refs++;
        return c;
    }
    if (c) {
        diag_set(d, FAIL_GENERIC, "the CPI 0x%x is in use by another child with this peer", sa->cpi);
        return NULL;
    }
    uint32_t slot = xfrm_sa_note(x, &id, sa->reqid);
    if (xfrm_offload_add(x, sa, true, NULL, d) != 0) {
        xfrm_journal_clear(x->journal, &slot);
        return NULL;
    }
    c = mem_new(sizeof(*c));
    *c = (struct xfrm_comp){.id = id, .reqid = sa->reqid, .refs = 1, .slot = slot};
    map_insert(&x->comps, &c->node, id_hash(&id));
    return c;
}

static void comp_unref(struct xfrm *x, struct xfrm_comp **at)
{
    struct xfrm_comp *c = *at;
    *at = NULL;
    if (!c || --c->refs)
        return;
    xfrm_state_del(&x->link, &c->id);
    xfrm_journal_clear(x->journal, &c->slot);
    map_remove(&x->comps, &c->node);
    free(c);
}

/* ---- adding, deleting */

bool xfrm_sa_install(struct xfrm *x, struct xfrm_state *s, const struct xfrm_carry *carry, struct diag *d)
{
    s->id = xfrm_state_id_of(&s->sa, false);
    if (s->sa.cpi && !(s->comp = comp_ref(x, &s->sa, d)))
        return false;
    s->slot = xfrm_sa_note(x, &s->id, s->sa.reqid);
    if (xfrm_offload_add(x, &s->sa, false, carry, d) == 0)
        return true;
    xfrm_journal_clear(x->journal, &s->slot);
    comp_unref(x, &s->comp);
    return false;
}

void xfrm_sa_uninstall(struct xfrm *x, struct xfrm_state *s)
{
    xfrm_state_del(&x->link, &s->id);
    xfrm_journal_clear(x->journal, &s->slot);
    comp_unref(x, &s->comp);
}

void xfrm_sa_remember(struct xfrm *x, struct xfrm_state *s)
{
    s->scan = x->scan;
    s->is_gone = false;
    map_insert(&x->by_id, &s->by_id, id_hash(&s->id));
}

static void forget(struct xfrm_state *s)
{
    secret_wipe(&s->sa, sizeof(s->sa));
    free(s);
}

void xfrm_sa_add(struct xfrm *x, const struct esp_sa *sa)
{
    struct diag d = {0};
    struct xfrm_state *s = mem_new(sizeof(*s));
    s->sa = *sa;
    s->sa.connection = s->sa.child = NULL;
    bool is_there = xfrm_sa_named(x, sa) != NULL;
    if (is_there)
        diag_set(&d, FAIL_GENERIC, "an SA with SPI %08x exists already", sa->spi);
    if (is_there || !xfrm_sa_install(x, s, NULL, &d)) {
        xfrm_sa_failed(x, sa, &d);
        forget(s);
        return;
    }
    s->sa.skip = 0; /* is in the kernel's number now */
    map_insert(&x->by_spi, &s->by_spi, spi_hash(sa->direction, sa->spi));
    list_append(&x->states, &s->link);
    xfrm_sa_remember(x, s);
    if (sa->cpu.is_set)
        xfrm_cpu_over(x, sa->reqid, sa->cpu);
    else if (sa->direction == SA_OUT)
        xfrm_trap_calm(x, sa->reqid);
}

void xfrm_sa_gone(struct xfrm *x, struct xfrm_state *s)
{
    if (s->is_gone)
        return;
    s->is_gone = true;
    map_remove(&x->by_id, &s->by_id);
    xfrm_journal_clear(x->journal, &s->slot);
}

void xfrm_sa_free(struct xfrm *x, struct xfrm_state *s)
{
    if (!s->is_gone) {
        xfrm_state_del(&x->link, &s->id);
        xfrm_sa_gone(x, s);
    }
    comp_unref(x, &s->comp);
    map_remove(&x->by_spi, &s->by_spi);
    list_remove(&s->link);
    forget(s);
}

void xfrm_sa_del(struct xfrm *x, const struct esp_sa *sa)
{
    struct xfrm_state *s = xfrm_sa_named(x, sa);
    if (s)
        xfrm_sa_free(x, s);
}
