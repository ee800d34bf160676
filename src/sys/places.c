/* SPDX-License-Identifier: Apache-2.0 */
/* Hash-and-URL fetching: see places.h. Kept are the certificates that came last, by their hash, so that peers
 * that come again cost no request. */
#include "sys/places.h"
#include "base/arena.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/fetch.h"
#include <pthread.h>
#include <stdlib.h>

enum { KEPT_MAX = 32, AT_ONCE_MAX = 4 };

#define ONE_FETCH INT64_C(5000000) /* microseconds */

struct kept {
    uint8_t hash[CERT_PLACE_HASH];
    struct secret bytes; /* not secret; empty: free */
    int64_t used;        /* mono */
};

struct places {
    pthread_mutex_t lock;
    struct kept v[KEPT_MAX];
    unsigned n_at_work; /* threads that fetch */
    const atomic_bool *is_ending;
};

struct places *places_new(const atomic_bool *is_ending)
{
    struct places *p = mem_new(sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    p->is_ending = is_ending;
    return p;
}

void places_free(struct places *p)
{
    for (size_t i = 0; i < KEPT_MAX; i++)
        secret_free(&p->v[i].bytes);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- what is kept; a copy, so that the lock need not be held */

static struct secret recall(struct places *p, const uint8_t hash[CERT_PLACE_HASH])
{
    struct secret copy = {0};
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < KEPT_MAX && !copy.len; i++) {
        struct kept *k = &p->v[i];
        if (!k->bytes.len || memcmp(k->hash, hash, sizeof(k->hash)) != 0)
            continue;
        copy = secret_copy(secret_view(&k->bytes));
        k->used = clock_now().mono;
    }
    pthread_mutex_unlock(&p->lock);
    return copy;
}

static void keep(struct places *p, const uint8_t hash[CERT_PLACE_HASH], struct secret *bytes)
{
    pthread_mutex_lock(&p->lock);
    struct kept *to = &p->v[0];
    for (size_t i = 1; i < KEPT_MAX && to->bytes.len; i++) {
        if (!p->v[i].bytes.len || p->v[i].used < to->used)
            to = &p->v[i];
    }
    secret_free(&to->bytes);
    memcpy(to->hash, hash, sizeof(to->hash));
    to->bytes = secret_take(bytes);
    to->used = clock_now().mono;
    pthread_mutex_unlock(&p->lock);
}

/* ---- fetching */

static void fetch_one(struct places *p, struct job *j, size_t i, int64_t deadline)
{
    struct cert_place *place = &j->places[i];
    char why[FETCH_WHY_MAX];
    const int64_t left = deadline - clock_now().mono;
    struct fetch f = {.url = place->url,
                      .max = CERT_PLACE_BYTES,
                      .timeout = left < ONE_FETCH ? left : ONE_FETCH,
                      .is_http_only = true,
                      .is_cancelled = p->is_ending};
    struct secret bytes = {0};
    if (left <= 0) {
        job_place_failed(j, i, "no time left");
    } else if (!fetch_url(&f, &bytes, why)) {
        job_place_failed(j, i, why);
    } else {
        job_place_fill(j, i, secret_view(&bytes));
        if (!place->failure)
            keep(p, place->hash, &bytes);
    }
    secret_free(&bytes);
    log_line(GROUP_CFG, place->failure ? LOG_NOTICE : LOG_DETAIL, "certificate from %s: %s", place->url,
             place->failure ? place->failure : "as told by its hash");
}

static bool take_turn(struct places *p)
{
    pthread_mutex_lock(&p->lock);
    bool is_free = p->n_at_work < AT_ONCE_MAX;
    p->n_at_work += is_free;
    pthread_mutex_unlock(&p->lock);
    return is_free;
}

static void end_turn(struct places *p)
{
    pthread_mutex_lock(&p->lock);
    p->n_at_work--;
    pthread_mutex_unlock(&p->lock);
}

/* False: it has to be fetched. */
static bool is_settled(struct places *p, struct job *j, size_t i)
{
    struct secret kept = j->places[i].failure ? (struct secret){0} : recall(p, j->places[i].hash);
    if (kept.len)
        job_place_fill(j, i, secret_view(&kept));
    bool is_settled = kept.len || j->places[i].failure;
    secret_free(&kept);
    return is_settled;
}

/* Without the peer's own certificate, which comes first, the others are of no use. */
void places_fetch(struct places *p, struct job *j, int64_t deadline)
{
    bool has_turn = false, is_refused = false;
    for (size_t i = 0; i < j->n_places && (i == 0 || j->trust.leaf); i++) {
        if (is_settled(p, j, i))
            continue;
        if (!has_turn && !is_refused) {
            has_turn = take_turn(p);
            is_refused = !has_turn;
        }
        if (has_turn)
            fetch_one(p, j, i, deadline);
        else
            job_place_failed(j, i, "not asked: too many others are being fetched");
    }
    if (has_turn)
        end_turn(p);
}
