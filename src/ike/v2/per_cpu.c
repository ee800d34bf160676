/* SPDX-License-Identifier: Apache-2.0 */
/* Several SAs of one child, each for a processor (RFC 9611), so that none waits for another's sequence
 * numbers. The first one is asked for with SA_RESOURCE_INFO, and where the answer has it, too, both ends may
 * make further ones with the same selectors: as initiator for a processor that sends (engine/per_cpu.c), as
 * responder for the one that has fewest. Which one that is, is nobody else's business: what the peer says of
 * its own is logged and not used [RFC9611#4].
 *
 * The first one serves what has no SA of its own, and is what is meant by the child being up: it is rekeyed
 * and deleted like any other, and with it the further ones go. Rekeyings say nothing and keep the processor.
 * A peer that asks for too many gets TS_MAX_QUEUE [RFC9611#5.2]; one that says so is not asked again before
 * the first one is rekeyed. */
#include "ike/v2/per_cpu.h"
#include "crypto/random.h"
#include "ike/v2/create_child.h"
#include <stdio.h>

#define CPUS_EXPECTED 32 /* of a peer, at least: it may have more than we have */
#define PORT_FIRST    49152
#define HINT_SHOWN    8 /* bytes of a peer's identifier in the log */

static bool is_standing(const struct child_sa *c)
{
    return c->state == CHILD_INSTALLED || c->state == CHILD_REKEYING;
}

struct child_sa *per_cpu_first(const struct ike_sa *sa, const struct child_config *cfg)
{
    struct child_sa *c, *newest = NULL; /* of two, one replaces the other */
    list_each(c, &sa->children, link)
    {
        if (c->cfg == cfg && c->per_cpu.is_agreed && !c->per_cpu.is_further && is_standing(c))
            newest = c;
    }
    return newest;
}

struct child_sa *per_cpu_find(const struct ike_sa *sa, const struct child_config *cfg, struct cpu cpu)
{
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        const struct cpu *its = &c->per_cpu.cpu;
        if (c->cfg == cfg && is_standing(c) && its->is_set && cpu.is_set && its->number == cpu.number)
            return c;
    }
    return NULL;
}

/* ---- making them */

bool per_cpu_offer(const struct ike_sa *sa, struct exchange *x)
{
    if (x->kind == X_REKEY_CHILD)
        return true;
    if (x->per_cpu.is_further)
        return per_cpu_first(sa, x->child_cfg) != NULL;
    x->per_cpu = (struct per_cpu_part){.is_agreed = x->child_cfg->per_cpu != PER_CPU_NO};
    return true;
}

static bool is_alike(const struct transform *t, const struct chosen *c)
{
    switch (t->type) {
    case TRANSFORM_ENCR:
        return t->id == c->encr && (!t->key_bits || t->key_bits == c->key_bits);
    case TRANSFORM_INTEG:
        return t->id == c->integ;
    case TRANSFORM_ESN:
        return (t->id != 0) == c->has_esn;
    default:
        return true; /* keys are each one's own */
    }
}

static bool has_type(const struct proposal *p, uint8_t type)
{
    for (uint8_t i = 0; i < p->count; i++) {
        if (p->t[i].type == type)
            return true;
    }
    return false;
}

/* Those of the first one's algorithms, and nothing else. */
static bool narrow(struct proposal *p, const struct chosen *c)
{
    const struct proposal all = *p;
    p->count = 0;
    for (uint8_t i = 0; i < all.count; i++) {
        if (is_alike(&all.t[i], c))
            p->t[p->count++] = all.t[i];
    }
    static const uint8_t types[] = {TRANSFORM_ENCR, TRANSFORM_INTEG, TRANSFORM_ESN};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (has_type(&all, types[i]) && !has_type(p, types[i]))
            return false;
    }
    return all.protocol == c->protocol;
}

/* [RFC9611#4] with identical properties */
void per_cpu_copy(struct exchange *x, const struct child_sa *first)
{
    struct proposal *v = arena_alloc(x->tx, (x->offered.n + 1) * sizeof(*v));
    size_t n = 0;
    for (size_t i = 0; v && i < x->offered.n; i++) {
        v[n] = x->offered.v[i];
        if (narrow(&v[n], &first->chosen))
            n++;
    }
    for (size_t i = 0; i < n; i++)
        v[i].number = (uint8_t)(i + 1);
    x->offered = (struct proposal_list){v, n};
    x->ts = first->ts;
    x->has_packet = false; /* nobody has to choose */
}

void per_cpu_put(struct build *b, const struct exchange *x)
{
    uint8_t data[4];
    size_t len = 0;
    if (!x->per_cpu.is_agreed || x->kind == X_REKEY_CHILD)
        return;
    if (x->per_cpu.cpu.is_set) {
        spi_put32(data, x->per_cpu.cpu.number);
        len = sizeof(data);
    }
    build_notify(b, N_SA_RESOURCE_INFO, PROTO_NONE, span_of(NULL, 0), span_of(data, len));
}

static const char *hint_of(const struct exchange *x, char *buf /* 2 * HINT_SHOWN + 3 */)
{
    const struct pl_notify *n = ike_notify(&x->msg, N_SA_RESOURCE_INFO);
    size_t len = n ? n->data.len : 0;
    buf[0] = 0;
    for (size_t i = 0; i < len && i < HINT_SHOWN; i++)
        snprintf(buf + 2 * i, 3, "%02x", n->data.ptr[i]);
    return len ? buf : "nothing";
}

void per_cpu_accept(struct ike_env *env, const struct ike_sa *sa, struct exchange *x)
{
    struct per_cpu_part *p = &x->per_cpu;
    char hint[2 * HINT_SHOWN + 3];
    if (!p->is_agreed || x->kind == X_REKEY_CHILD)
        return;
    bool says_so = ike_notify(&x->msg, N_SA_RESOURCE_INFO) != NULL;
    if (p->is_further)
        sa_log(env, sa, LOG_DETAIL, "child %s: an SA for CPU %u; the peer calls it %s", x->child_cfg->name,
               p->cpu.number, hint_of(x, hint));
    else if (!says_so) {
        p->is_agreed = false;
        sa_log(env, sa, LOG_NOTICE, "child %s: one SA serves all processors: the peer makes no further ones",
               x->child_cfg->name);
    }
}

bool per_cpu_is_asked(const struct ike_message *m, const struct child_config *cfg)
{
    return cfg->per_cpu && ike_notify(m, N_SA_RESOURCE_INFO);
}

static size_t count_on(const struct ike_sa *sa, const struct child_config *cfg, uint32_t number)
{
    const struct child_sa *c;
    size_t n = 0;
    list_each(c, &sa->children, link)
    {
        n += c->cfg == cfg && is_standing(c) && c->per_cpu.cpu.is_set && c->per_cpu.cpu.number == number;
    }
    return n;
}

/* The processor that has fewest. */
static struct cpu choose_cpu(const struct ike_sa *sa, const struct child_config *cfg, uint32_t n_cpus)
{
    struct cpu best = {.is_set = n_cpus > 0};
    size_t fewest = SIZE_MAX;
    for (uint32_t i = 0; i < n_cpus && fewest; i++) {
        size_t n = count_on(sa, cfg, i);
        if (n < fewest) {
            fewest = n;
            best.number = i;
        }
    }
    return best;
}

/* [RFC9611#6] at the very least twice as many as there are processors: rekeyings, and both ends make some */
size_t per_cpu_limit(const struct ike_env *env)
{
    uint32_t n_cpus = env->host->cpus(env->ctx);
    return 2 * (size_t)(n_cpus > CPUS_EXPECTED ? n_cpus : CPUS_EXPECTED);
}

void per_cpu_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x)
{
    struct per_cpu_part *p = &x->per_cpu;
    char hint[2 * HINT_SHOWN + 3];
    if (x->kind == X_REKEY_CHILD)
        return;
    *p = (struct per_cpu_part){.is_agreed = per_cpu_is_asked(&x->msg, x->child_cfg)};
    const struct child_sa *first = per_cpu_first(sa, x->child_cfg);
    p->is_further = p->is_agreed && first && ts_pair_equal(&first->ts, &x->ts);
    if (!p->is_further || x->plane != PLANE_KERNEL)
        return;
    p->cpu = choose_cpu(sa, x->child_cfg, env->host->cpus(env->ctx));
    if (p->cpu.is_set)
        sa_log(env, sa, LOG_DETAIL, "child %s: an SA for CPU %u; the peer calls it %s", x->child_cfg->name,
               p->cpu.number, hint_of(x, hint));
}

/* ---- the child */

static bool uses_port(const struct ike_sa *sa, uint16_t port)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->per_cpu.port == port)
            return true;
    }
    return false;
}

/* Nobody listens there: what comes back goes to where IKE is. */
void per_cpu_choose_port(struct child_sa *c)
{
    struct per_cpu_part *p = &c->per_cpu;
    if (c->cfg->per_cpu != PER_CPU_ENCAP || !p->cpu.is_set || p->port)
        return;
    uint16_t port;
    do
        crypto_random(&port, sizeof(port));
    while (port < PORT_FIRST || uses_port(c->ike, port));
    p->port = port;
}

void per_cpu_fill(struct esp_sa *e, const struct child_sa *c)
{
    if (e->direction == SA_OUT) {
        e->cpu = c->per_cpu.cpu;
        e->port = c->per_cpu.port;
    } else {
        e->has_any_port = c->per_cpu.is_agreed;
    }
}

bool per_cpu_holds_others(const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, &c->ike->children, link)
    {
        if (o->cfg == c->cfg && o->per_cpu.is_further && is_standing(o) && !c->per_cpu.is_further)
            return true;
    }
    return false;
}

static bool has_other_first(const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, &c->ike->children, link)
    {
        if (o != c && o->cfg == c->cfg && !o->per_cpu.is_further && is_standing(o))
            return true;
    }
    return false;
}

void per_cpu_leave(struct ike_env *env, const struct child_sa *c)
{
    struct child_sa *o;
    if (!c->per_cpu.is_agreed || c->per_cpu.is_further || has_other_first(c))
        return;
    list_each(o, &c->ike->children, link)
    {
        if (o->cfg != c->cfg || !o->per_cpu.is_further || !is_standing(o))
            continue;
        o->per_cpu.is_left = true;
        o->expires_at = env->now.mono;
    }
}

bool per_cpu_survives(struct ike_env *env, struct child_sa *c)
{
    if (!c->per_cpu.is_left || !is_standing(c) || c->expires_at > env->now.mono)
        return true;
    if (ike_sa_is_full(c->ike)) { /* its Delete would not be sent */
        c->expires_at = env->now.mono + TIME_SECOND;
        return true;
    }
    sa_log(env, c->ike, LOG_DETAIL, "child %s: an SA goes with the first one", c->cfg->name);
    return false;
}
