/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that fetch CRLs, ask OCSP responders, and fetch certificates that peers told the address of, for
 * verifications: see revoker.h. What to fetch is src/pki's to say (revoke.c), and whether what came is any
 * good, too; here it is only fetched, read and kept. */
#include "sys/revoker.h"
#include "base/list.h"
#include "pki/ocsp.h"
#include "sys/clock.h"
#include "sys/places.h"
#include "sys/revoker_store.h"
#include "sys/stapler.h"
#include <pthread.h>
#include <stdlib.h>

#define STAPLE_LEAST INT64_C(60000000)        /* microseconds */
#define STAPLE_MOST  INT64_C(12) * 3600000000 /* twelve hours */

enum { THREADS_MAX = 8, WAITING_MAX = 256, ROUNDS_MAX = 12 };

struct waiting {
    struct list link;
    struct job *job;
    int64_t deadline; /* mono */
};

struct revoker {
    struct revoker_store *store;
    struct places *places;
    struct stapler *stapler;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t threads[THREADS_MAX];
    unsigned n_threads, n_idle, n_waiting, n_working;
    struct list waiting, decided;
    atomic_bool is_ending;
    void (*done)(void *ctx);
    void *ctx;
};

/* ---- one verification */

static void note_tried(struct job *j, const char *url, const char *failure)
{
    struct trust_request *t = &j->trust;
    struct trust_tried *all = arena_calloc(j->arena, t->n_tried + 1, sizeof(*all));
    if (!all)
        return;
    if (t->n_tried)
        memcpy(all, t->tried, t->n_tried * sizeof(*all));
    all[t->n_tried].url = arena_strdup(j->arena, url);
    all[t->n_tried].failure = failure ? arena_strdup(j->arena, failure) : NULL;
    t->tried = all;
    t->n_tried++;
}

static void run(struct job *j)
{
    j->ok = false;
    job_run(j);
}

/* Others may have fetched it while the job waited: at each turn what there is comes first. */
static void decide(struct revoker *r, struct waiting *w)
{
    struct job *j = w->job;
    if (j->n_places) {
        places_fetch(r->places, j, w->deadline);
        revoker_prepare(r, j);
        run(j);
    }
    for (unsigned round = 0; j->verdict.n_fetch; round++) {
        int64_t since = clock_now().mono;
        bool is_late = round == ROUNDS_MAX || atomic_load(&r->is_ending) || since >= w->deadline;
        store_lend(r->store, j);
        j->trust.can_fetch = !is_late && !arena_failed(j->arena);
        run(j);
        for (size_t i = 0; i < j->verdict.n_fetch; i++) {
            char why[FETCH_WHY_MAX];
            const struct trust_fetch *f = &j->verdict.fetch[i];
            bool is_there = store_fetch(r->store, f, since, w->deadline, why);
            note_tried(j, f->url, is_there ? NULL : why);
        }
    }
}

/* ---- threads */

static void *work(void *ctx)
{
    struct revoker *r = ctx;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (list_empty(&r->waiting) && !atomic_load(&r->is_ending)) {
            r->n_idle++;
            pthread_cond_wait(&r->work, &r->lock);
            r->n_idle--;
        }
        if (list_empty(&r->waiting))
            break;
        struct waiting *w = container_of(r->waiting.next, struct waiting, link);
        list_remove(&w->link);
        r->n_waiting--;
        pthread_mutex_unlock(&r->lock);
        decide(r, w);
        pthread_mutex_lock(&r->lock);
        list_append(&r->decided, &w->link);
        r->done(r->ctx);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

struct revoker *revoker_new(const char *state, void (*done)(void *ctx), void *ctx)
{
    struct revoker *r = mem_new(sizeof(*r));
    r->store = store_new(state, &r->is_ending);
    r->places = places_new(&r->is_ending);
    r->stapler = stapler_new(r->store, &r->is_ending, (struct stapler_pace){STAPLE_LEAST, STAPLE_MOST});
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work, NULL);
    list_init(&r->waiting);
    list_init(&r->decided);
    r->done = done;
    r->ctx = ctx;
    return r;
}

void revoker_stop(struct revoker *r)
{
    atomic_store(&r->is_ending, true);
    pthread_mutex_lock(&r->lock);
    pthread_cond_broadcast(&r->work);
    pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < r->n_threads; i++)
        pthread_join(r->threads[i], NULL);
    r->n_threads = 0;
    stapler_stop(r->stapler);
}

void revoker_free(struct revoker *r)
{
    struct job *j;
    if (!r)
        return;
    revoker_stop(r);
    while ((j = revoker_next(r)))
        job_free(j);
    stapler_free(r->stapler);
    store_free(r->store);
    places_free(r->places);
    pthread_cond_destroy(&r->work);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void revoker_keep(struct revoker *r, bool is_kept)
{
    store_keep(r->store, is_kept);
}

void revoker_timeout(struct revoker *r, int64_t each)
{
    store_timeout(r->store, each);
}

void revoker_watch(struct revoker *r, const struct config *c)
{
    stapler_watch(r->stapler, c);
}

void revoker_staple(struct revoker *r, struct job *j)
{
    if (j->own)
        j->response = stapler_find(r->stapler, j->own, clock_now().wall);
}

unsigned revoker_flush(struct revoker *r, bool crls, bool ocsps)
{
    unsigned n = store_flush(r->store, crls, ocsps);
    if (ocsps)
        stapler_renew(r->stapler);
    return n;
}

void revoker_prepare(struct revoker *r, struct job *j)
{
    if (!j->trust.leaf)
        return; /* a raw key's, or one that was not had */
    store_lend(r->store, j);
    j->trust.can_fetch = true;
}

/* More than can wait, or without a thread, are decided without asking anybody. */
void revoker_give(struct revoker *r, struct job *j)
{
    struct waiting *w = mem_new(sizeof(*w));
    w->job = j;
    w->deadline = clock_now().mono + REVOKER_PATIENCE;
    pthread_mutex_lock(&r->lock);
    r->n_working++;
    if (!r->n_idle && r->n_threads < THREADS_MAX &&
        pthread_create(&r->threads[r->n_threads], NULL, work, r) == 0)
        r->n_threads++;
    bool can_wait = r->n_threads && r->n_waiting < WAITING_MAX;
    if (can_wait) {
        list_append(&r->waiting, &w->link);
        r->n_waiting++;
        pthread_cond_signal(&r->work);
    }
    pthread_mutex_unlock(&r->lock);
    if (can_wait)
        return;
    w->deadline = 0;
    decide(r, w);
    pthread_mutex_lock(&r->lock);
    list_append(&r->decided, &w->link);
    pthread_mutex_unlock(&r->lock);
    r->done(r->ctx);
}

struct job *revoker_next(struct revoker *r)
{
    struct job *j = NULL;
    pthread_mutex_lock(&r->lock);
    if (!list_empty(&r->decided)) {
        struct waiting *w = container_of(r->decided.next, struct waiting, link);
        list_remove(&w->link);
        r->n_working--;
        j = w->job;
        free(w);
    }
    pthread_mutex_unlock(&r->lock);
    return j;
}

unsigned revoker_working(struct revoker *r)
{
    pthread_mutex_lock(&r->lock);
    unsigned n = r->n_working;
    pthread_mutex_unlock(&r->lock);
    return n;
}
