/* SPDX-License-Identifier: Apache-2.0 */
/* What was fetched: see revoker_store.h. An entry that nobody uses gives way to a new one. CRLs on disk are
 * files crl-HASH in the state folder; whether they are still good is judged at each use, and those that have
 * ended are removed when they are read. */
#include "sys/revoker_store.h"
#include "base/text.h"
#include "crypto/random.h"
#include "pki/ocsp.h"
#include "sys/clock.h"
#include "sys/state.h"
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENTRIES_MAX = 128, KEY_LEN = 48 };

#define ONE_FETCH    INT64_C(5000000) /* microseconds */
#define AFTER_FAILED INT64_C(10000000)

struct entry {
    char key[KEY_LEN]; /* "crl-" or "ocsp-" and the hash of what was asked; empty: free */
    bool is_busy;
    unsigned waiters;
    struct crl *crl;
    struct ocsp *ocsp;
    char failure[FETCH_WHY_MAX]; /* of the last attempt; empty: it came */
    int64_t at;                  /* mono: of the last attempt */
};

struct revoker_store {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct entry v[ENTRIES_MAX];
    const char *state;
    const atomic_bool *is_ending;
    bool is_kept;
    _Atomic int64_t one_fetch; /* microseconds that one may take */
};

struct revoker_store *store_new(const char *state, const atomic_bool *is_ending)
{
    struct revoker_store *s = mem_new(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    clock_cond_init(&s->changed);
    atomic_store(&s->one_fetch, ONE_FETCH);
    s->state = state;
    s->is_ending = is_ending;
    return s;
}

static void entry_clear(struct entry *e)
{
    crl_unref(e->crl);
    ocsp_unref(e->ocsp);
    *e = (struct entry){0};
}

void store_free(struct revoker_store *s)
{
    for (size_t i = 0; i < ENTRIES_MAX; i++)
        entry_clear(&s->v[i]);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- entries; the lock is held */

static void make_key(const struct trust_fetch *f, char key[KEY_LEN])
{
    bool is_crl = f->kind == FETCH_CRL;
    struct span parts[] = {span_str(f->url), is_crl ? span_of(NULL, 0) : cert_der(f->cert),
                           is_crl ? span_of(NULL, 0) : cert_der(f->issuer)};
    uint8_t hash[20];
    struct text t = {.buf = key, .cap = KEY_LEN};
    hash_digest(HASH_SHA1, parts, ARRAY_LEN(parts), hash);
    text_str(&t, is_crl ? "crl-" : "ocsp-");
    text_hex(&t, span_of(hash, sizeof(hash)));
}

static struct entry *find(struct revoker_store *s, const char *key)
{
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        if (strcmp(s->v[i].key, key) == 0)
            return &s->v[i];
    }
    return NULL;
}

/* A free one, or that which was asked for longest ago; NULL: all are at work. */
static struct entry *make(struct revoker_store *s, const char *key)
{
    struct entry *oldest = NULL;
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        struct entry *e = &s->v[i];
        if (!e->is_busy && !e->waiters && (!oldest || !e->key[0] || (oldest->key[0] && e->at < oldest->at)))
            oldest = e;
    }
    if (!oldest)
        return NULL;
    entry_clear(oldest);
    snprintf(oldest->key, sizeof(oldest->key), "%s", key);
    return oldest;
}

static bool tell(const struct entry *e, char why[FETCH_WHY_MAX])
{
    snprintf(why, FETCH_WHY_MAX, "%s", e->failure);
    return !e->failure[0];
}

static bool wait_for(struct revoker_store *s, struct entry *e, int64_t deadline, char why[FETCH_WHY_MAX])
{
    e->waiters++;
    while (e->is_busy && clock_now().mono < deadline && !atomic_load(s->is_ending)) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
    }
    e->waiters--;
    if (!e->is_busy)
        return tell(e, why);
    snprintf(why, FETCH_WHY_MAX, "not there in time");
    return false;
}

/* ---- fetching; the lock is not held */

static struct span crl_bytes(const char *url, struct secret *body)
{
    static const char *const attributes[] = {"certificateRevocationList", "authorityRevocationList",
                                             "deltaRevocationList"};
    if (strncmp(url, "ldap", 4) != 0)
        return secret_view(body);
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        struct span value = fetch_ldap_value(body, attributes[i]);
        if (value.len)
            return value;
    }
    return span_of(NULL, 0);
}

static bool fetch_crl(const struct trust_fetch *t, struct fetch *f, struct entry *got, struct secret *raw)
{
    struct diag d = {0};
    f->max = CRL_DER_MAX + CRL_DER_MAX / 2; /* base64 */
    f->allows_file = t->is_configured;
    if (!fetch_url(f, raw, got->failure))
        return false;
    got->crl = crl_load(crl_bytes(t->url, raw), &d);
    if (!got->crl)
        snprintf(got->failure, sizeof(got->failure), "%.150s", d.what);
    return got->crl != NULL;
}

static bool fetch_ocsp(const struct trust_fetch *t, struct fetch *f, struct entry *got, struct secret *raw)
{
    uint8_t nonce[OCSP_NONCE_MAX], request[OCSP_REQUEST_MAX];
    struct span want = span_of(nonce, sizeof(nonce));
    struct diag d = {0};
    crypto_random(nonce, sizeof(nonce));
    f->post = span_of(request, ocsp_request_make(t->cert, t->issuer, want, request));
    f->post_type = "application/ocsp-request";
    f->max = OCSP_DER_MAX;
    if (!f->post.len || !fetch_url(f, raw, got->failure))
        return false;
    got->ocsp = ocsp_load(secret_view(raw), &d);
    struct span is = got->ocsp ? ocsp_nonce(got->ocsp) : span_of(NULL, 0);
    if (!got->ocsp) {
        snprintf(got->failure, sizeof(got->failure), "%.100s (%.60s)", d.what, d.got);
    } else if (is.len && !span_equal(is, want)) { /* one without is as good as its dates [RFC6960#4.4.1] */
        ocsp_unref(got->ocsp);
        got->ocsp = NULL;
        snprintf(got->failure, sizeof(got->failure), "an answer to another question (nonce)");
    }
    return got->ocsp != NULL;
}

static void write_crl(const struct revoker_store *s, const char *key, const struct crl *crl)
{
    struct diag d = {0};
    char text[512];
    if (s->state && !state_write(s->state, key, crl_der(crl), &d))
        log_line(GROUP_CFG, LOG_WARN, "a CRL of %s is not kept: %s", crl_issuer_text(crl),
                 diag_format(&d, text, sizeof(text)));
}

static void fetch(struct revoker_store *s, const struct trust_fetch *t, int64_t deadline, struct entry *got)
{
    int64_t left = deadline - clock_now().mono, one = atomic_load(&s->one_fetch);
    struct fetch f = {.url = t->url, .timeout = left < one ? left : one, .is_cancelled = s->is_ending};
    struct secret raw = {0};
    bool is_there =
        left > 0 && (t->kind == FETCH_CRL ? fetch_crl(t, &f, got, &raw) : fetch_ocsp(t, &f, got, &raw));
    secret_free(&raw);
    if (!is_there && !got->failure[0])
        snprintf(got->failure, sizeof(got->failure), "no time left");
    log_line(GROUP_CFG, is_there ? LOG_DETAIL : LOG_NOTICE, "%s %s: %s",
             t->kind == FETCH_CRL ? "CRL from" : "OCSP responder", t->url,
             !is_there  ? got->failure
             : got->crl ? crl_issuer_text(got->crl)
                        : ocsp_responder_text(got->ocsp));
}

/* Without asking again: it came just now, or failed not long ago. */
static bool answers(const struct entry *e, int64_t since)
{
    if (e->failure[0])
        return clock_now().mono < e->at + AFTER_FAILED;
    return e->at > since;
}

/* Takes what came, beside what was there before when nothing did. */
static void settle(struct revoker_store *s, struct entry *e, const struct entry *got)
{
    if (got->crl) {
        crl_unref(e->crl);
        e->crl = got->crl;
    }
    if (got->ocsp) {
        ocsp_unref(e->ocsp);
        e->ocsp = got->ocsp;
    }
    memcpy(e->failure, got->failure, sizeof(e->failure));
    e->at = clock_now().mono;
    e->is_busy = false;
    pthread_cond_broadcast(&s->changed);
}

/* The lock is held, and given back while it fetches. */
static bool fetch_into(struct revoker_store *s, struct entry *e, const struct trust_fetch *t,
                       int64_t deadline, char why[FETCH_WHY_MAX])
{
    struct entry got = {0};
    e->is_busy = true;
    pthread_mutex_unlock(&s->lock);
    fetch(s, t, deadline, &got);
    pthread_mutex_lock(&s->lock);
    settle(s, e, &got);
    if (s->is_kept && got.crl)
        write_crl(s, e->key, got.crl);
    return tell(e, why);
}

bool store_fetch(struct revoker_store *s, const struct trust_fetch *t, int64_t since, int64_t deadline,
                 char why[FETCH_WHY_MAX])
{
    char key[KEY_LEN];
    bool is_there = false;
    make_key(t, key);
    pthread_mutex_lock(&s->lock);
    struct entry *e = find(s, key);
    if (e && e->is_busy)
        is_there = wait_for(s, e, deadline, why);
    else if (e && answers(e, since))
        is_there = tell(e, why);
    else if (e || (e = make(s, key)))
        is_there = fetch_into(s, e, t, deadline, why);
    else
        snprintf(why, FETCH_WHY_MAX, "too much is fetched at once");
    pthread_mutex_unlock(&s->lock);
    return is_there;
}

struct ocsp *store_ocsp(struct revoker_store *s, const struct trust_fetch *f)
{
    char key[KEY_LEN];
    make_key(f, key);
    pthread_mutex_lock(&s->lock);
    const struct entry *e = find(s, key);
    struct ocsp *o = e && e->ocsp ? ocsp_ref(e->ocsp) : NULL;
    pthread_mutex_unlock(&s->lock);
    return o;
}

/* ---- lending */

static bool has_crl(const struct trust_request *t, const struct crl *c)
{
    for (size_t i = 0; i < t->n_crls; i++) {
        if (t->crls[i] == c)
            return true;
    }
    return false;
}

static bool has_ocsp(const struct trust_request *t, const struct ocsp *o)
{
    for (size_t i = 0; i < t->n_ocsps; i++) {
        if (t->ocsps[i] == o)
            return true;
    }
    return false;
}

void store_lend(struct revoker_store *s, struct job *j)
{
    struct trust_request *t = &j->trust;
    struct crl **crls = arena_calloc(j->arena, t->n_crls + ENTRIES_MAX, sizeof(struct crl *));
    struct ocsp **ocsps = arena_calloc(j->arena, t->n_ocsps + ENTRIES_MAX, sizeof(struct ocsp *));
    if (!crls || !ocsps)
        return;
    if (t->n_crls)
        memcpy(crls, t->crls, t->n_crls * sizeof(*crls));
    if (t->n_ocsps)
        memcpy(ocsps, t->ocsps, t->n_ocsps * sizeof(*ocsps));
    t->crls = crls;
    t->ocsps = ocsps;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        const struct entry *e = &s->v[i];
        if (e->crl && !has_crl(t, e->crl))
            crls[t->n_crls++] = crl_ref(e->crl);
        if (e->ocsp && !has_ocsp(t, e->ocsp))
            ocsps[t->n_ocsps++] = ocsp_ref(e->ocsp);
    }
    pthread_mutex_unlock(&s->lock);
}

/* ---- on disk */

static void remove_one(struct revoker_store *s, const char *name)
{
    char path[4200];
    snprintf(path, sizeof(path), "%.4000s/keyway/%.64s", s->state, name);
    unlink(path);
}

static void load_one(struct revoker_store *s, const char *name)
{
    struct secret bytes = {0};
    struct diag d = {0};
    struct crl *crl =
        state_read(s->state, name, CRL_DER_MAX, &bytes, &d) ? crl_load(secret_view(&bytes), &d) : NULL;
    secret_free(&bytes);
    if (!crl || crl_next_update(crl) < clock_now().wall) {
        remove_one(s, name);
        crl_unref(crl);
        return;
    }
    pthread_mutex_lock(&s->lock);
    struct entry *e = find(s, name) ? NULL : make(s, name);
    if (e)
        e->crl = crl_ref(crl);
    pthread_mutex_unlock(&s->lock);
    crl_unref(crl);
}

static void each_file(struct revoker_store *s, void (*each)(struct revoker_store *s, const char *name))
{
    char path[4200];
    snprintf(path, sizeof(path), "%.4000s/keyway", s->state);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, "crl-", 4) == 0 && strlen(entry->d_name) == 44)
            each(s, entry->d_name);
    }
    if (dir)
        closedir(dir);
}

unsigned store_flush(struct revoker_store *s, bool crls, bool ocsps)
{
    unsigned n = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        struct entry *e = &s->v[i];
        bool is_meant = strncmp(e->key, "crl-", 4) == 0 ? crls : ocsps;
        if (!e->key[0] || e->is_busy || e->waiters || !is_meant)
            continue;
        n += e->crl || e->ocsp;
        entry_clear(e);
    }
    if (s->state && crls)
        each_file(s, remove_one);
    pthread_mutex_unlock(&s->lock);
    return n;
}

void store_timeout(struct revoker_store *s, int64_t each)
{
    atomic_store(&s->one_fetch, each > 0 ? each : ONE_FETCH);
}

void store_keep(struct revoker_store *s, bool is_kept)
{
    pthread_mutex_lock(&s->lock);
    bool begins = is_kept && !s->is_kept && s->state;
    s->is_kept = is_kept;
    pthread_mutex_unlock(&s->lock);
    if (begins)
        each_file(s, load_one);
}
