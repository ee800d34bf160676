/* SPDX-License-Identifier: Apache-2.0 */
/* What an IKE SA asks of its owner (struct ike_host): numbers, tables, policies. What it tells its owner is
 * in host_events.c. */
#include "crypto/random.h"
#include "engine/impl.h"

#define SPI_RANGE_LEAST 0xffff
#define SPI_LOOKS       1000

uint64_t engine_init_hash(const struct ike_sa *sa);

static uint64_t new_id(void *ctx)
{
    return ++((struct engine *)ctx)->last_ike_id;
}

static uint64_t new_child_id(void *ctx)
{
    return ++((struct engine *)ctx)->last_child_id;
}

static bool spi_in_use(const struct engine *e, uint32_t spi)
{
    for (struct map_node *n = map_first(&e->children_by_spi, map_hash_u64(spi)); n; n = map_next(n)) {
        if (container_of(n, struct child_sa, by_spi)->spi_in == spi)
            return true;
    }
    return false;
}

/* The configured one, unless it is so narrow, or so full, that nothing is found in it. */
static void spi_range(const struct settings *s, unsigned looks, uint32_t *min, uint32_t *max)
{
    bool is_wide = s->spi_max > s->spi_min && s->spi_max - s->spi_min >= SPI_RANGE_LEAST;
    bool counts = is_wide && looks < SPI_LOOKS;
    *min = counts ? s->spi_min : 256;
    *max = counts ? s->spi_max : UINT32_MAX;
}

static uint32_t new_child_spi(void *ctx, uint32_t reqid, enum plane plane)
{
    const struct engine *e = ctx;
    const uint32_t steering = (1u << SPI_STEER_BITS) - 1;
    const uint32_t carrier = plane == PLANE_KERNEL ? SPI_KERNEL : 0;
    uint32_t spi, min = 256, max = UINT32_MAX; /* [RFC4303#2.1] */
    for (unsigned looks = 0;; looks++) {
        if (e->config)
            spi_range(&e->config->settings, looks, &min, &max);
        crypto_random(&spi, sizeof(spi));
        spi = min + (uint32_t)(spi % ((uint64_t)max - min + 1));
        spi = (spi & ~(steering | SPI_KERNEL)) | (reqid & steering) | carrier;
        if (spi >= min && spi <= max && !spi_in_use(e, spi))
            return spi;
    }
}

static uint64_t new_ike_spi(void *ctx)
{
    uint64_t spi;
    (void)ctx; /* 64 random bits do not meet again */
    do
        crypto_random(&spi, sizeof(spi));
    while (spi == 0);
    return spi;
}

/* One that is new. like: with the same low bits, so that one worker of the data plane has both; 0: any. */
static uint32_t new_reqid(struct engine *e, uint32_t like)
{
    const uint32_t steering = (1u << SPI_STEER_BITS) - 1;
    e->next_reqid++;
    if (e->config && e->next_reqid < e->config->settings.reqid_base)
        e->next_reqid = e->config->settings.reqid_base;
    if (like)
        e->next_reqid += (like - e->next_reqid) & steering;
    return e->next_reqid;
}

/* Children with the same selectors take over for each other, as traffic classes do: packets that meet one
 * after it has gone, or before it is known everywhere, are where the other is. */
uint32_t host_child_reqid(struct engine *e, struct conn_run *r, size_t child)
{
    const struct child_config *cfg = &r->conn->children[child];
    struct child_run *run = &r->children[child];
    uint32_t like = 0;
    if (cfg->reqid)
        return cfg->reqid;
    for (size_t i = 0; i < r->conn->n_children && !run->reqid && !like; i++) {
        if (i != child && child_config_is_alike(cfg, &r->conn->children[i]))
            like = r->conn->children[i].reqid ? r->conn->children[i].reqid : r->children[i].reqid;
    }
    if (!run->reqid)
        run->reqid = new_reqid(e, like);
    return run->reqid;
}

static uint32_t reqid_for(void *ctx, const struct ike_sa *sa, const struct child_config *cfg)
{
    struct engine *e = ctx;
    const struct child_sa *c;
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(e, sa, cfg, &run);
    if (cfg->reqid)
        return cfg->reqid;
    if (r && (conn_is_single(r->conn) || run->trap))
        return host_child_reqid(e, r, (size_t)(run - r->children));
    uint32_t like = 0;
    list_each(c, &sa->children, link)
    {
        if (c->cfg == cfg)
            return c->reqid;
        if (child_config_is_alike(c->cfg, cfg))
            like = c->reqid;
    }
    return new_reqid(e, like);
}

static uint32_t cpus(void *ctx)
{
    const struct engine *e = ctx;
    return e->planes.has_kernel ? e->planes.n_cpus : 0;
}

static void adopt(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    list_append(&e->sas, &sa->link);
    map_insert(&e->by_id, &sa->by_id, map_hash_u64(sa->id));
    map_insert(&e->by_spi, &sa->by_spi, map_hash_u64(ike_sa_own_spi(sa)));
    sa->init_remote = sa->remote;
    if (!sa->was_initiator)
        map_insert(&e->by_init, &sa->by_init, engine_init_hash(sa));
    path_note_source(env, sa);
    index_sa(e, sa);
    engine_touch(e, sa);
    engine_count_half_open(e, sa);
}

static struct ike_sa *find(void *ctx, uint64_t id)
{
    struct ike_sa *sa = engine_sa_by_id(ctx, id);
    if (sa)
        engine_touch(ctx, sa);
    return sa;
}

static void child_track(struct ike_env *env, struct child_sa *c, bool is_added)
{
    struct engine *e = engine_of(env);
    if (is_added) {
        map_insert(&e->children_by_id, &c->by_id, map_hash_u64(c->id));
        map_insert(&e->children_by_spi, &c->by_spi, map_hash_u64(c->spi_in));
        index_child(e, c);
        e->stats.child_sas++;
    } else {
        map_remove(&e->children_by_id, &c->by_id);
        map_remove(&e->children_by_spi, &c->by_spi);
        index_child_gone(e, c);
        e->stats.child_sas--;
    }
}

static bool is_served(void *ctx, const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, index_of_reqid(ctx, c->reqid), by_reqid.link)
    {
        bool is_used = o->has_out && o->state != CHILD_DELETING && ike_sa_is_up(o->ike);
        if (o != c && is_used && o->reqid == c->reqid)
            return true;
    }
    return false;
}

/* Not a replacement of another one with the same selectors. */
static bool takes_over(const struct child_sa *o, const struct child_sa *from)
{
    return o->lineage == from->lineage || o->lineage == o->id;
}

/* What waits to take over from this one sends from now on. */
static void hand_over_out(struct ike_env *env, const struct child_sa *from)
{
    struct child_sa *o;
    list_each(o, index_of_reqid(engine_of(env), from->reqid), by_reqid.link)
    {
        if (o != from && o->waiting && o->reqid == from->reqid && from->has_out && takes_over(o, from))
            child_switch(env, o);
    }
}

static void policy(struct ike_env *env, struct child_sa *c, bool is_added)
{
    if (is_added) {
        slot_add(env, c);
        return;
    }
    hand_over_out(env, c);
    slot_drop(env, c);
}

static bool renew(struct ike_env *env, struct ike_sa *sa)
{
    return conn_renew(env, sa);
}

/* A peer that came over port 4500 shows that it passes. Addresses are few and the array small: it is looked
 * through. */
void host_note_udp(struct ike_env *env, struct ip peer, bool passes)
{
    struct engine *e = engine_of(env);
    struct blocked *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(e->blocked) && !found; i++) {
        if (ip_equal(e->blocked[i].peer, peer))
            found = &e->blocked[i];
    }
    if (passes) {
        if (found)
            *found = (struct blocked){0};
        return;
    }
    if (!found)
        found = &e->blocked[e->next_blocked++ % ARRAY_LEN(e->blocked)];
    *found = (struct blocked){.peer = peer, .until = env->now.mono + UDP_BLOCKED};
}

static bool is_udp_blocked(void *ctx, int64_t now, struct ip peer)
{
    const struct engine *e = ctx;
    for (size_t i = 0; i < ARRAY_LEN(e->blocked); i++) {
        if (e->blocked[i].until > now && ip_equal(e->blocked[i].peer, peer))
            return true;
    }
    return false;
}

static bool has_other(void *ctx, const struct ike_sa *sa)
{
    return unique_has_other(ctx, sa);
}

static bool keeps_other(struct ike_env *env, const struct ike_sa *sa)
{
    return unique_keeps_other(env, sa);
}

static bool packet_for(void *ctx, const struct ike_sa *sa, const struct child_config *cfg, struct ts *local,
                       struct ts *remote)
{
    struct child_run *run;
    return conn_run_of_child(ctx, sa, cfg, &run) && trap_packet(run, local, remote);
}

static bool is_taken(void *ctx, const struct ike_sa *sa, const struct ts_pair *ts)
{
    return conflict_is_taken(ctx, sa, ts);
}

static bool awaits_contact(void *ctx, const struct ike_sa *sa)
{
    return unique_awaits_contact(ctx, sa);
}

static bool try_next(struct ike_env *env, const struct ike_sa *sa)
{
    struct conn_run *r = conn_run_of(engine_of(env), sa->conn);
    if (sa->redirected_from.family) /* where it is was not one of those */
        return false;
    bool has_next = r && r->path < r->conn->n_further;
    if (r)
        r->path = has_next ? r->path + 1 : 0;
    return has_next;
}

static const struct ip *addresses(void *ctx, size_t *n)
{
    const struct engine *e = ctx;
    *n = e->n_addresses;
    return e->knows_addresses ? e->addresses : NULL;
}

static void moved(struct ike_env *env, struct ike_sa *sa)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->holds_policy)
            slot_follow(env, c);
    }
}

/* The one that is there goes with the IKE SA that this one renews. */
static bool takes_over_child(const struct engine *e, const struct ike_sa *sa, const struct child_config *cfg)
{
    const struct ike_sa *old = sa->renews ? engine_sa_by_id(e, sa->renews) : NULL;
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->cfg == cfg && !c->per_cpu.is_further && c->state != CHILD_DELETING)
            return false;
    }
    return old && ike_sa_is_up(old);
}

static bool needs_child(void *ctx, const struct ike_sa *sa, const struct child_config *cfg)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(ctx, sa, cfg, &run);
    return !r || conn_lacks_child(ctx, r, run) || takes_over_child(ctx, sa, cfg);
}

const struct ike_host engine_host = {
    .new_id = new_id,
    .new_child_id = new_child_id,
    .new_child_spi = new_child_spi,
    .new_ike_spi = new_ike_spi,
    .plane = planes_of_sa,
    .cpus = cpus,
    .reqid_for = reqid_for,
    .adopt = adopt,
    .find = find,
    .child_track = child_track,
    .policy = policy,
    .is_udp_blocked = is_udp_blocked,
    .note_udp = host_note_udp,
    .open_stream = streams_open,
    .may_complain = host_may_complain,
    .lease_ask = lease_ask,
    .lease_hold = lease_hold,
    .lease_release = lease_release,
    .vip = lease_vip,
    .dns = lease_dns,
    .vip_wanted = lease_vip_wanted,
    .has_other = has_other,
    .is_taken = is_taken,
    .is_ticket_used = session_is_ticket_used,
    .use_ticket = session_use_ticket,
    .keeps_other = keeps_other,
    .packet_for = packet_for,
    .awaits_contact = awaits_contact,
    .renew = renew,
    .is_served = is_served,
    .guest_may_come = guests_may_come,
    .guest_may_have = guests_may_have,
    .ike_up = host_ike_up,
    .redirect = redirect_ask,
    .try_next = try_next,
    .addresses = addresses,
    .moved = moved,
    .ike_down = host_ike_down,
    .child_up = host_child_up,
    .child_down = host_child_down,
    .needs_child = needs_child,
    .child_failed = host_child_failed,
    .cpu_refused = per_cpu_refused,
    .rekey_failed = host_rekey_failed,
    .log = host_log,
    .count = counters_count,
    .alert = host_alert,
};
