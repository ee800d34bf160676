/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an IKE SA: making, keys, establishing, the end (RFC 7296 section 2). Its timers are in
 * sa_timers.c, what waits for its turn in tasks.c, and what the exchanges do in the files named after them.
 */
#include "crypto/random.h"
#include "ike/v2/child.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/followup.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/resume.h"
#include <stdlib.h>

#define SA_ARENA 65536

int64_t jittered(int64_t span, int64_t jitter)
{
    if (span <= 0 || jitter <= 0)
        return span;
    uint64_t r;
    crypto_random(&r, sizeof(r));
    return span - (int64_t)(r % (uint64_t)(jitter < span ? jitter + 1 : span));
}

bool ike_sa_set_conn(struct ike_env *env, struct ike_sa *sa, const struct connection *conn, struct diag *d)
{
    struct diag ignored;
    sa->conn = conn;
    return env->host->plane(env->ctx, sa, conn, &sa->plane, d ? d : &ignored);
}

struct ike_sa *ike_sa_new(struct ike_env *env, const struct connection *conn, bool is_initiator)
{
    struct ike_sa *sa = mem_new(sizeof(*sa));
    sa->id = env->host->new_id(env->ctx);
    sa->generation = 1;
    sa->config = config_ref(env->config);
    ike_sa_set_conn(env, sa, conn, NULL);
    sa->arena = arena_new(SA_ARENA);
    sa->state = IKE_CREATED;
    sa->is_initiator = sa->was_initiator = is_initiator;
    sa->own.is_own = true;
    sa->schedule = retransmit_from(&sa->config->settings);
    list_init(&sa->children);
    list_init(&sa->followups);
    list_init(&sa->held);
    sa->created_at = sa->last_in = sa->last_out = env->now.mono;
    sa->rekey_at = sa->reauth_at = sa->expires_at = sa->give_up_at = sa->auth_ends_at = TIME_NEVER;
    sa->dpd_at = sa->keepalive_at = sa->duplicate_at = sa->ticket_at = TIME_NEVER;
    return sa;
}

void exchange_begin(struct ike_sa *sa, struct exchange *x, enum exchange_kind kind)
{
    (void)sa;
    x->kind = kind;
    if (!x->tx)
        x->tx = arena_new(EXCHANGE_CAP);
}

void exchange_end(struct exchange *x)
{
    bool is_own = x->is_own;
    outstanding_done(&x->out);
    reassembly_reset(&x->frags);
    arena_free(x->tx);
    arena_free(x->rx);
    secret_free(&x->ke_private);
    secret_free(&x->ke_public);
    secret_free(&x->shared);
    secret_free(&x->additional);
    secret_free(&x->first);
    secret_free(&x->auth_data);
    secret_free(&x->crash_token);
    config_unref(x->config);
    memset(x, 0, sizeof(*x));
    x->is_own = is_own;
}

void ike_sa_free(struct ike_sa *sa)
{
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        list_remove(&c->link);
        child_free(c);
    }
    followup_drop_all(sa);
    overlap_end(sa);
    free(sa->more);
    overlap_forget(sa);
    exchange_end(&sa->peer);
    reassembly_reset(&sa->in_request);
    window_deinit(&sa->window);
    sealer_deinit(&sa->sealer);
    cipher_free(sa->opener);
    ike_keys_deinit(&sa->keys);
    ppk_deinit(&sa->ppk);
    secret_free(&sa->init_request);
    secret_free(&sa->init_response);
    secret_free(&sa->cookie);
    secret_free(&sa->crash_token);
    secret_free(&sa->ticket);
    resumption_free(sa->resume);
    arena_free(sa->rounds.rx);
    arena_free(sa->arena);
    config_unref(sa->config);
    secret_wipe(sa, sizeof(*sa));
    free(sa);
}

bool ike_sa_is_up(const struct ike_sa *sa)
{
    return !sa->is_dead && (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING);
}

bool ike_sa_set_keys(struct ike_sa *sa, struct ike_keys *keys, const struct chosen *chosen)
{
    struct cipher *ours = ike_keys_cipher(keys, chosen, sa->is_initiator);
    struct cipher *theirs = ike_keys_cipher(keys, chosen, !sa->is_initiator);
    if (!ours || !theirs) {
        cipher_free(ours);
        cipher_free(theirs);
        ike_keys_deinit(keys);
        return false;
    }
    ike_keys_deinit(&sa->keys);
    sealer_deinit(&sa->sealer);
    cipher_free(sa->opener);
    sa->keys = *keys;
    memset(keys, 0, sizeof(*keys));
    sa->chosen = *chosen;
    sealer_init(&sa->sealer, ours);
    sa->opener = theirs;
    return true;
}

void ike_sa_established(struct ike_env *env, struct ike_sa *sa, uint64_t old_id)
{
    const struct connection *conn = sa->conn;
    int64_t now = env->now.mono;
    sa->state = IKE_ESTABLISHED;
    sa->was_up = true;
    sa->established_at = sa->last_in = now;
    sa->give_up_at = TIME_NEVER;
    sa->esp = sa->mobike.target = path_of(sa);
    sa->mobike.found_at = now;
    if (!sa->mobike.udp_at) /* else it is what replaces another */
        tcp_stays(env, sa);
    if (conn->rekey_time)
        sa->rekey_at = now + jittered(conn->rekey_time, conn->rand_time);
    if (!old_id)
        lifetime_begin(sa, now);
    resume_established(env, sa);
    int64_t soft = time_min(sa->rekey_at, sa->reauth_at);
    if (soft != TIME_NEVER && conn->over_time)
        sa->expires_at = time_min(sa->rekey_at, sa->reauth_at) + conn->over_time + conn->rand_time;
    sa->expires_at = time_min(sa->expires_at, sa->auth_ends_at);
    if (conn->dpd_delay)
        sa->dpd_at = now + conn->dpd_delay;
    if (sa->has_nat_local && sa->config->settings.keep_alive)
        sa->keepalive_at = now + sa->config->settings.keep_alive;
    secret_free(&sa->init_request);
    secret_free(&sa->init_response);
    secret_free(&sa->cookie);
    secret_wipe(&sa->int_auth, sizeof(sa->int_auth));
    arena_free(sa->rounds.rx);
    sa->rounds.rx = NULL;
    env->host->ike_up(env, sa, old_id);
}

static void end_children(struct ike_env *env, struct ike_sa *sa)
{
    struct child_sa *c;
    list_each(c, &sa->children, link) child_end(env, c);
}

static void stop(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    static const struct diag none;
    rekey_ike_inherit(env, sa); /* while ours had no answer the peer's replacement came */
    if (!sa->is_lingering && sa->state != IKE_DELETING && sa->state != IKE_REKEYED)
        env->host->ike_down(env, sa, why ? why : &none);
    if (sa->state != IKE_DELETING)
        rekey_ike_ends(env, sa, false);
    end_children(env, sa);
    cfg_release(env, sa);
    followup_drop_all(sa);
    sa->n_tasks = 0;
}

void ike_sa_end(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    if (sa->is_dead)
        return;
    stop(env, sa, why);
    sa->state = IKE_DELETING;
    sa->is_dead = true;
}

void ike_sa_linger(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    if (sa->is_dead || sa->is_lingering)
        return;
    stop(env, sa, why);
    sa->state = IKE_DELETING;
    sa->is_lingering = true;
    overlap_end(sa);
    sa->give_up_at = env->now.mono + LINGER;
}
