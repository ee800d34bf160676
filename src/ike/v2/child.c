/* SPDX-License-Identifier: Apache-2.0 */
/* Child SAs (RFC 7296 sections 1.3, 2.8, 2.17): making the two ESP SAs, switching traffic from an old pair to
 * its replacement, taking them down. Order up: inbound, outbound, policy, route; down: the reverse. */
#include "ike/v2/child.h"
#include "ike/v2/count.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/per_cpu.h"
#include "ike/v2/trace.h"
#include <stdlib.h>

int64_t child_is_unsure(const struct child_sa *c)
{
    bool has_proof = c->last_in || window_was_heard(&c->ike->window, c->asked_by);
    return has_proof ? 0 : c->unsure_until;
}

struct child_sa *child_find(const struct ike_sa *sa, uint64_t id)
{
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->id == id)
            return c;
    }
    return NULL;
}

struct child_sa *child_by_spi_out(const struct ike_sa *sa, uint8_t protocol, uint32_t spi)
{
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->spi_out == spi && c->chosen.protocol == protocol)
            return c;
    }
    return NULL;
}

struct child_sa *child_new(struct ike_env *env, struct ike_sa *sa, const struct exchange *x)
{
    struct child_sa *c = mem_new(sizeof(*c));
    c->id = env->host->new_child_id(env->ctx);
    c->ike = sa;
    c->config = config_ref(x->config);
    c->cfg = x->child_cfg;
    c->conn = x->child_conn;
    c->plane = x->plane;
    c->reqid = x->reqid;
    c->lineage = x->lineage ? x->lineage : c->id;
    c->spi_in = x->spi_in;
    c->spi_out = spi_get32(x->chosen.spi);
    c->chosen = x->chosen;
    trace_chosen(env, sa, LOG_NOTICE, &x->chosen);
    c->ts = x->ts;
    c->mode = x->mode;
    c->seen_local = x->seen_local;
    c->seen_remote = x->seen_remote;
    c->cpi_in = x->cpi_in;
    c->cpi_out = x->cpi_out;
    c->refuses_tfc = x->refuses_tfc;
    c->per_cpu = x->per_cpu;
    per_cpu_choose_port(c);
    c->refuses_fragments = x->refuses_fragments;
    c->is_ours = x->is_own;
    memcpy(c->low_nonce, nonce_lower(&x->ni, &x->nr)->b, sizeof(c->low_nonce));
    c->switch_at = c->rekey_at = c->expires_at = c->idle_at = c->yields_at = TIME_NEVER;
    list_append(&sa->children, &c->link);
    env->host->child_track(env, c, true);
    return c;
}

static void fill_limits(struct esp_sa *e, const struct lifetime *l)
{
    e->soft_bytes = (uint64_t)jittered((int64_t)l->rekey_bytes, (int64_t)l->rand_bytes);
    e->hard_bytes = l->life_bytes;
    e->soft_packets = (uint64_t)jittered((int64_t)l->rekey_packets, (int64_t)l->rand_packets);
    e->hard_packets = l->life_packets;
}

static void fill_keys(struct esp_sa *e, const struct secret *encr, const struct secret *integ)
{
    e->encr_key_len = (uint8_t)encr->len;
    if (encr->len)
        memcpy(e->encr_key, encr->ptr, encr->len);
    e->integ_key_len = (uint8_t)integ->len;
    if (integ->len)
        memcpy(e->integ_key, integ->ptr, integ->len);
}

static void fill(struct esp_sa *e, const struct child_sa *c, enum sa_direction dir)
{
    const struct ike_sa *sa = c->ike;
    const struct child_config *cfg = c->cfg;
    bool is_ah = c->chosen.protocol == PROTO_AH;
    *e = (struct esp_sa){
        .plane = c->plane,
        .direction = dir,
        .child_id = c->id,
        .spi = dir == SA_IN ? c->spi_in : c->spi_out,
        .reqid = c->reqid,
        .mode = c->mode,
        .seen_local = c->seen_local,
        .seen_remote = c->seen_remote,
        .local = sa->esp.local,
        .remote = sa->esp.remote,
        .has_encap = !is_ah && natd_has_encap(sa),
        .is_ah = is_ah,
        .encr = c->chosen.encr,
        .key_bits = c->chosen.key_bits,
        .integ = c->chosen.integ,
        .has_esn = c->chosen.has_esn,
        .replay_window = cfg->replay_window,
        .cpi = dir == SA_IN ? c->cpi_in : c->cpi_out,
        .tfc = c->refuses_tfc ? 0 : cfg->tfc_padding,
        .copies_df = cfg->copies_df,
        .copies_ecn = cfg->copies_ecn,
        .copy_dscp = cfg->copy_dscp,
        .n_local_ts = c->ts.n_local,
        .n_remote_ts = c->ts.n_remote,
    };
    per_cpu_fill(e, c);
    if (c->plane == PLANE_KERNEL)
        e->kernel = kernel_numbers(&cfg->kernel, c->reqid);
    e->kernel.iptfs.sends_whole |= c->refuses_fragments;
    if (cfg->truncates_sha256 && e->integ == INTEG_HMAC_SHA2_256_128)
        e->integ = INTEG_HMAC_SHA2_256_96;
    memcpy(e->local_ts, c->ts.local, sizeof(e->local_ts));
    memcpy(e->remote_ts, c->ts.remote, sizeof(e->remote_ts));
    fill_limits(e, &cfg->life);
}

static void emit(struct ike_env *env, const struct child_sa *c, enum action_kind kind, const struct esp_sa *e)
{
    struct arena *a = env->out->arena;
    struct esp_sa *copy = arena_alloc(a, sizeof(*copy));
    if (!copy)
        return;
    *copy = *e;
    copy->connection = arena_strdup(a, c->ike->conn->name);
    copy->child = arena_strdup(a, c->cfg->name);
    outbox_add(env->out, kind)->sa = copy;
}

static void emit_half(struct ike_env *env, const struct child_sa *c, enum action_kind kind,
                      enum sa_direction dir)
{
    struct esp_sa e;
    fill(&e, c, dir);
    emit(env, c, kind, &e);
}

static void start_lifetime(struct child_sa *c, int64_t now)
{
    const struct lifetime *l = &c->cfg->life;
    c->installed_at = c->quiet_since = now;
    c->rekey_at = l->rekey_time ? now + jittered(l->rekey_time, l->rand_time) : TIME_NEVER;
    c->expires_at = l->life_time ? now + l->life_time : TIME_NEVER;
}

int64_t child_last_use(const struct child_sa *c)
{
    int64_t last = c->last_in > c->last_out ? c->last_in : c->last_out;
    return last > c->quiet_since ? last : c->quiet_since;
}

/* A rekeying is no traffic: the time of silence goes on. */
static void start_idle_time(struct child_sa *c, const struct child_sa *old)
{
    if (old)
        c->quiet_since = child_last_use(old);
    c->idle_at = c->cfg->inactivity ? c->quiet_since + c->cfg->inactivity : TIME_NEVER;
}

bool child_install(struct ike_env *env, struct child_sa *c, const struct exchange *x, bool defers_out,
                   uint64_t old_id)
{
    struct child_keys k;
    struct esp_sa in, out;
    /* [RFC7296#2.17] keys for the initiator's direction come first; nonces are those of the exchange */
    if (!keymat_child(&c->ike->keys, &c->chosen, nonce_view(&x->ni), nonce_view(&x->nr),
                      secret_view(&x->shared), secret_view(&x->additional), &k))
        return false;
    fill(&in, c, SA_IN);
    fill(&out, c, SA_OUT);
    fill_keys(&in, c->is_ours ? &k.encr_r : &k.encr_i, c->is_ours ? &k.integ_r : &k.integ_i);
    fill_keys(&out, c->is_ours ? &k.encr_i : &k.encr_r, c->is_ours ? &k.integ_i : &k.integ_r);
    child_keys_deinit(&k);
    emit(env, c, ACTION_SA_ADD, &in);
    c->has_in = true;
    if (defers_out) {
        c->waiting = mem_new(sizeof(out));
        *c->waiting = out;
        c->switch_at = env->now.mono + CHILD_SWITCH;
    } else {
        emit(env, c, ACTION_SA_ADD, &out);
        c->has_out = true;
    }
    secret_wipe(&in, sizeof(in));
    secret_wipe(&out, sizeof(out));
    c->state = CHILD_INSTALLED;
    start_lifetime(c, env->now.mono);
    const struct child_sa *old = old_id ? child_find(c->ike, old_id) : NULL;
    start_idle_time(c, old);
    if (old) {
        c->rival = old->rival;
        c->yields_at = old->yields_at;
    }
    env->host->policy(env, c, true);
    c->holds_policy = true;
    c->was_up = true;
    env->host->child_up(env, c, old_id);
    if (!child_plane_fits(c)) /* it has moved meanwhile: see child_tick() */
        c->expires_at = env->now.mono;
    return true;
}

void child_switch(struct ike_env *env, struct child_sa *c)
{
    if (!c->waiting)
        return;
    c->waiting->local = c->ike->esp.local;
    c->waiting->remote = c->ike->esp.remote;
    c->waiting->has_encap = natd_has_encap(c->ike);
    emit(env, c, ACTION_SA_ADD, c->waiting);
    secret_wipe(c->waiting, sizeof(*c->waiting));
    free(c->waiting);
    c->waiting = NULL;
    c->has_out = true;
    c->switch_at = TIME_NEVER;
}

void child_drop_out(struct ike_env *env, struct child_sa *c)
{
    if (c->has_out)
        emit_half(env, c, ACTION_SA_DEL, SA_OUT);
    c->has_out = false;
    if (c->waiting) {
        secret_wipe(c->waiting, sizeof(*c->waiting));
        free(c->waiting);
        c->waiting = NULL;
    }
    c->switch_at = TIME_NEVER;
}

void child_free(struct child_sa *c)
{
    if (c->waiting) {
        secret_wipe(c->waiting, sizeof(*c->waiting));
        free(c->waiting);
    }
    config_unref(c->config);
    free(c);
}

void child_went_down(struct ike_env *env, struct child_sa *c)
{
    per_cpu_leave(env, c);
    env->host->child_down(env, c);
}

void child_end(struct ike_env *env, struct child_sa *c)
{
    if (c->was_up && c->state != CHILD_REKEYED)
        child_went_down(env, c);
    if (c->holds_policy)
        env->host->policy(env, c, false);
    child_drop_out(env, c);
    if (c->has_in)
        emit_half(env, c, ACTION_SA_DEL, SA_IN);
    list_remove(&c->link);
    env->host->child_track(env, c, false);
    child_free(c);
}

void child_closed_by_peer(struct ike_env *env, struct child_sa *c)
{
    sa_log(env, c->ike, LOG_NOTICE, "the peer deleted child %s", c->cfg->name);
    c->is_closed_by_peer = !twin_child_stays(c); /* else it is not missed */
    child_end(env, c);
}

static bool makes_child(const struct exchange *x)
{
    return x->kind == X_NEW_CHILD || x->kind == X_REKEY_CHILD;
}

bool child_is_in_the_making(const struct ike_sa *sa)
{
    return makes_child(&sa->own) || overlap_is_busy(sa);
}

bool child_is_being_made(const struct ike_sa *sa, const struct child_config *cfg)
{
    const struct exchange *x;
    for (size_t i = 0; (x = overlap_peek(sa, i)); i++) {
        if (makes_child(x) && x->child_cfg == cfg)
            return true;
    }
    return false;
}

void child_note_delete(struct ike_sa *sa, uint32_t spi_out)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        if (makes_child(x) && x->n_deleted < ARRAY_LEN(x->deleted))
            x->deleted[x->n_deleted++] = spi_out;
    }
}

bool child_was_deleted(const struct exchange *x, const struct child_sa *c)
{
    for (size_t i = 0; i < x->n_deleted; i++) {
        if (x->deleted[i] == c->spi_out)
            return true;
    }
    return false;
}

void child_retire(struct ike_env *env, struct child_sa *c)
{
    child_drop_out(env, c);
    if (c->holds_policy)
        env->host->policy(env, c, false);
    c->holds_policy = c->was_up = false;
    c->state = CHILD_DELETING;
    c->is_gone = true;
    c->spi_out = 0;
    c->rekey_at = TIME_NEVER;
    c->expires_at = env->now.mono + c->ike->config->settings.delete_rekeyed_delay;
}

void child_update_endpoints(struct ike_env *env, struct child_sa *c)
{
    if (c->has_in)
        emit_half(env, c, ACTION_SA_UPDATE, SA_IN);
    if (c->has_out)
        emit_half(env, c, ACTION_SA_UPDATE, SA_OUT);
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

void child_skip(struct ike_env *env, struct child_sa *c, uint64_t numbers)
{
    struct esp_sa e;
    if (c->waiting)
        c->waiting->skip = add_up(c->waiting->skip, numbers);
    if (!c->has_out)
        return;
    fill(&e, c, SA_OUT);
    e.skip = numbers;
    emit(env, c, ACTION_SA_UPDATE, &e);
}

/* The old pair goes on receiving until it is deleted; what is sent goes through the new one. */
void child_rekeyed(struct ike_env *env, struct child_sa *old)
{
    child_waits_for_delete(env, old);
    env->stats->rekeyed_child++;
    count_event(env, old->ike, COUNT_CHILD_REKEY);
}

void child_waits_for_delete(struct ike_env *env, struct child_sa *c)
{
    c->state = CHILD_REKEYED;
    c->rekey_at = TIME_NEVER;
    c->expires_at = time_min(c->expires_at, env->now.mono + CHILD_REPLACED);
}

void child_move(struct ike_env *env, struct ike_sa *from, struct ike_sa *to)
{
    struct child_sa *c;
    (void)env;
    list_each(c, &from->children, link)
    {
        list_remove(&c->link);
        c->ike = to;
        c->unsure_until = 0;
        list_append(&to->children, &c->link);
    }
}

#define REKEY_ENDS (10 * TIME_SECOND)

/* A limit of time, bytes or packets. A replacement that is under way is waited for. */
void child_expired(struct ike_env *env, struct child_sa *c)
{
    if (c->state == CHILD_REKEYING && c->ike->own.kind == X_REKEY_CHILD && c->ike->own.old_child == c->id) {
        c->expires_at = env->now.mono + REKEY_ENDS;
        return;
    }
    bool is_replaced = c->state == CHILD_REKEYED;
    sa_log(env, c->ike, is_replaced ? LOG_DETAIL : LOG_NOTICE, "child %s: %s", c->cfg->name,
           is_replaced ? "the peer does not delete what is replaced" : "its lifetime is over");
    delete_child(env, c);
}

void child_vanished(struct ike_env *env, struct child_sa *c, const char *why)
{
    if (c->state == CHILD_DELETING)
        return;
    c->is_missed = c->state != CHILD_REKEYED;
    sa_log(env, c->ike, LOG_WARN, "child %s is lost: %s", c->cfg->name, why);
    delete_child(env, c);
}

int64_t child_deadline(const struct child_sa *c)
{
    int64_t idle = c->state == CHILD_INSTALLED ? time_min(c->idle_at, c->yields_at) : TIME_NEVER;
    return time_min(time_min(c->switch_at, idle), time_min(c->rekey_at, c->expires_at));
}

static bool is_only_one(const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, &c->ike->children, link)
    {
        if (o != c && !o->is_gone && o->state != CHILD_REKEYED)
            return false;
    }
    return !child_is_in_the_making(c->ike) && !ike_sa_has_task(c->ike, X_NEW_CHILD, 0);
}

/* The inactivity setting: no traffic either way for that long. */
static bool check_idle(struct ike_env *env, struct child_sa *c)
{
    c->idle_at = child_last_use(c) + c->cfg->inactivity;
    if (per_cpu_holds_others(c)) /* which go when they are idle */
        c->idle_at = env->now.mono + c->cfg->inactivity;
    if (c->idle_at > env->now.mono)
        return false;
    c->idle_at = TIME_NEVER;
    sa_log(env, c->ike, LOG_NOTICE, "child %s: no traffic for %lld s", c->cfg->name,
           (long long)(c->cfg->inactivity / TIME_SECOND));
    if (c->ike->config->settings.inactivity_close_ike && is_only_one(c))
        c->ike->is_idle = true; /* ended by ike_sa_tick(), which goes through the children */
    else
        delete_child(env, c);
    return true;
}

void child_tick(struct ike_env *env, struct child_sa *c)
{
    int64_t now = env->now.mono;
    struct ike_sa *sa = c->ike;
    if (!child_plane_survives(env, c) || !per_cpu_survives(env, c)) {
        delete_child(env, c);
        return;
    }
    if (c->switch_at <= now)
        child_switch(env, c);
    if (c->rekey_at <= now) {
        c->rekey_at = TIME_NEVER;
        if (c->state == CHILD_INSTALLED)
            ike_sa_queue(sa, (struct task){.kind = X_REKEY_CHILD, .child_id = c->id});
    }
    if (c->yields_at <= now && c->state == CHILD_INSTALLED && twin_child_yield(env, c))
        return;
    if (c->idle_at <= now && c->state == CHILD_INSTALLED && check_idle(env, c))
        return;
    if (c->expires_at <= now) {
        c->expires_at = TIME_NEVER;
        if (c->is_gone) {
            child_end(env, c);
            return;
        }
        child_expired(env, c);
    }
}
