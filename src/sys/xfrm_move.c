/* SPDX-License-Identifier: Apache-2.0 */
/* SAs that go on elsewhere: other addresses, another port, in UDP or no more (MOBIKE, NATs), or with numbers
 * left out. The first way that serves and works is taken.
 *
 * Linux 7.2 moves an SA by itself (XFRM_MSG_MIGRATE_STATE), under its lock, with keys, numbers, window and
 * totals: no number is used twice, and none is skipped. An SA of IPComp's pair is not moved so, since its CPI
 * may be of several; nor one that a network card has, which the card of another address may refuse; nor one
 * of a processor, as the request has no word for it.
 *
 * Else the SA is read, deleted and added again with its counters and its window; where the SPI's owner moved,
 * the new one is there before the old one goes. What is sent between reading and deleting would use numbers
 * twice: the sender skips some.
 *
 * What older kernels have (XFRM_MSG_MIGRATE) is of policies, and not used. It is told no SPI: of two SAs of a
 * child that is rekeyed it moves the newer, and the next request fails, since the policy has moved with it
 * (seen with 6.1). It looks at no mark, wants a request for each selector and direction, and copies a sender
 * that goes on sending, whose last numbers the copy uses again. */
#include "base/log.h"
#include "sys/xfrm_impl.h"
#include <errno.h>

#define SKIP_MORE 1024 /* numbers: more packets than can leave from reading an SA to writing it */

struct place {
    struct endpoint local, remote;
    bool has_encap;
    struct ip seen_local, seen_remote;
};

static struct place place_of(const struct esp_sa *sa)
{
    return (struct place){sa->local, sa->remote, sa->has_encap, sa->seen_local, sa->seen_remote};
}

static void take_place(struct esp_sa *sa, const struct place *p)
{
    sa->local = p->local;
    sa->remote = p->remote;
    sa->has_encap = p->has_encap;
    sa->seen_local = p->seen_local;
    sa->seen_remote = p->seen_remote;
}

static bool is_same_place(const struct esp_sa *a, const struct esp_sa *b)
{
    return endpoint_equal(&a->local, &b->local) && endpoint_equal(&a->remote, &b->remote) &&
           a->has_encap == b->has_encap;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

/* Not so many, but at least so many: between the two requests packets leave, with numbers of their own. */
static int skip_numbers(struct xfrm *x, struct xfrm_state *s, uint64_t skip, struct diag *d)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct xfrm_seen_state seen;
    if (!skip || s->sa.direction != SA_OUT)
        return 0;
    int error = xfrm_state_get(&x->link, &s->id, &seen);
    if (!error) {
        s->sa.skip = add_up(skip, SKIP_MORE);
        error = xfrm_link_ask(&x->link, xfrm_counters_message(buf, &s->sa, &x->can, &seen.carry), NULL, NULL);
        s->sa.skip = 0;
    }
    if (error)
        xfrm_explain_sa(d, &s->sa, false, error, x->link.why);
    return error;
}

/* ---- by the kernel */

static bool kernel_serves(const struct xfrm *x, const struct xfrm_state *s)
{
    return x->can.migrates && !s->comp && s->sa.kernel.offload == OFFLOAD_NO && !s->sa.cpu.is_set;
}

/* The journal has the new SA before it is there. */
static int migrate(struct xfrm *x, struct xfrm_state *s, const struct esp_sa *to, struct diag *d)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    const struct place here = place_of(&s->sa), there = place_of(to);
    take_place(&s->sa, &there);
    struct xfrm_state_id id = xfrm_state_id_of(&s->sa, false);
    uint32_t slot = xfrm_sa_note(x, &id, s->sa.reqid);
    int error = xfrm_link_ask(&x->link, xfrm_migrate_message(buf, &s->id, &s->sa, &x->can), NULL, NULL);
    if (error) {
        xfrm_explain_sa(d, &s->sa, false, error, x->link.why);
        xfrm_journal_clear(x->journal, &slot);
        take_place(&s->sa, &here);
        return error;
    }
    xfrm_journal_clear(x->journal, &s->slot);
    map_remove(&x->by_id, &s->by_id);
    s->slot = slot;
    s->id = id;
    xfrm_sa_remember(x, s);
    return skip_numbers(x, s, to->skip, d);
}

/* ---- by us */

static bool we_serve(const struct xfrm *x, const struct xfrm_state *s)
{
    (void)x, (void)s;
    return true;
}

static int replace(struct xfrm *x, struct xfrm_state *s, const struct esp_sa *to, struct diag *d)
{
    struct xfrm_seen_state seen;
    struct xfrm_state old = {.id = s->id, .slot = s->slot, .comp = s->comp};
    const struct place there = place_of(to);
    int error = xfrm_state_get(&x->link, &s->id, &seen);
    if (error) {
        xfrm_explain_sa(d, &s->sa, false, error, x->link.why);
        return error;
    }
    map_remove(&x->by_id, &s->by_id);
    take_place(&s->sa, &there);
    s->sa.skip = s->sa.direction == SA_OUT ? add_up(to->skip, SKIP_MORE) : 0;
    struct xfrm_state_id id = xfrm_state_id_of(&s->sa, false);
    bool is_first = ip_equal(id.dst, old.id.dst) || s->comp; /* the old one has to make room */
    if (is_first)
        xfrm_sa_uninstall(x, &old);
    s->slot = 0;
    s->comp = NULL;
    bool is_there = xfrm_sa_install(x, s, &seen.carry, d);
    if (!is_first)
        xfrm_sa_uninstall(x, &old);
    s->sa.skip = 0;
    s->is_gone = true;
    if (is_there)
        xfrm_sa_remember(x, s);
    return is_there ? 0 : EIO;
}

/* ---- which */

static const struct way {
    const char *name;
    bool (*serves)(const struct xfrm *x, const struct xfrm_state *s);
    /* 0 or an errno with the reason; ESRCH: the kernel has the SA no more. What fails leaves it as it was, or
     * gone. */
    int (*move)(struct xfrm *x, struct xfrm_state *s, const struct esp_sa *to, struct diag *d);
} ways[] = {
    {"by the kernel itself", kernel_serves, migrate},
    {"by adding it anew",    we_serve,      replace},
};

static int move(struct xfrm *x, struct xfrm_state *s, const struct esp_sa *to, struct diag *d)
{
    char why[XFRM_WHY];
    int error = 0;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        if (!ways[i].serves(x, s))
            continue;
        diag_clear(d);
        error = ways[i].move(x, s, to, d);
        log_line(GROUP_KNL, LOG_DETAIL, "the SA with SPI %08x %s %s%s%s", s->sa.spi,
                 error ? "is not moved" : "is moved", ways[i].name, error ? ": " : "",
                 error ? diag_format(d, why, sizeof(why)) : "");
        if (!error || error == ESRCH || s->is_gone)
            break;
    }
    return error;
}

void xfrm_sa_update(struct xfrm *x, const struct esp_sa *sa)
{
    struct diag d = {0};
    struct xfrm_state *s = xfrm_sa_named(x, sa);
    if (!s || s->is_gone)
        return;
    int error = is_same_place(&s->sa, sa) ? skip_numbers(x, s, sa->skip, &d) : move(x, s, sa, &d);
    s->told_remote = (struct endpoint){0};
    if (error && error != ESRCH) /* one that is gone the next dump finds */
        xfrm_sa_failed(x, &s->sa, &d);
}
