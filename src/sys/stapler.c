/* SPDX-License-Identifier: Apache-2.0 */
/* Responses about our own certificates: see stapler.h. One thread, which begins when there is something to
 * fetch. A response that is not good (revoked, of somebody who may not, out of date) is said once and not
 * kept; the one from before goes on as long as it is current. */
#include "sys/stapler.h"
#include "base/log.h"
#include "pki/ocsp.h"
#include "sys/clock.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CERTS_MAX = 64,
    URLS_MAX = 4,
    WITHOUT_END = 3600 /* seconds that a response without nextUpdate is good */
};

#define ONE_FETCH INT64_C(10000000)

struct watched {
    struct cert *cert, *issuer;
    char *urls[URLS_MAX];
    size_t n_urls;
    struct ocsp *response; /* good when it came */
    int64_t at;            /* mono: when it is to be fetched */
    int64_t pause;         /* after failures */
};

struct stapler {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread;
    struct watched v[CERTS_MAX];
    size_t n;
    uint64_t generation; /* of the list */
    struct revoker_store *store;
    const atomic_bool *is_ending;
    struct cert_list signers;
    struct stapler_pace pace;
};

struct stapler *stapler_new(struct revoker_store *store, const atomic_bool *is_ending,
                            struct stapler_pace pace)
{
    struct stapler *s = mem_new(sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    clock_cond_init(&s->changed);
    s->store = store;
    s->is_ending = is_ending;
    s->pace = pace;
    return s;
}

static void watched_clear(struct watched *w)
{
    cert_unref(w->cert);
    cert_unref(w->issuer);
    ocsp_unref(w->response);
    while (w->n_urls)
        free(w->urls[--w->n_urls]);
    *w = (struct watched){0};
}

static void signers_clear(struct stapler *s)
{
    for (size_t i = 0; i < s->signers.n; i++)
        cert_unref(s->signers.v[i]);
    free(s->signers.v);
    s->signers = (struct cert_list){0};
}

void stapler_stop(struct stapler *s)
{
    if (!s->has_thread)
        return;
    pthread_mutex_lock(&s->lock);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->has_thread = false;
}

void stapler_free(struct stapler *s)
{
    if (!s)
        return;
    stapler_stop(s);
    while (s->n)
        watched_clear(&s->v[--s->n]);
    signers_clear(s);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- one response */

/* Its dates; false with why when it does not say that the certificate is good now. */
static bool is_good(const struct ocsp *o, const struct cert *c, const struct cert *issuer,
                    const struct cert_list *signers, int64_t wall, int64_t *until, struct diag *why)
{
    struct ocsp_single one;
    if (!ocsp_find(o, c, issuer, &one)) {
        diag_set(why, FAIL_CERTIFICATE, "the response is about another certificate");
        return false;
    }
    if (!ocsp_is_signed_for(o, issuer, signers, wall, why))
        return false;
    *until = one.next_update == INT64_MAX ? one.this_update + WITHOUT_END : one.next_update;
    if (one.status != OCSP_IS_GOOD)
        diag_set(why, FAIL_CERTIFICATE,
                 one.status == OCSP_IS_REVOKED ? "our certificate is revoked"
                                               : "the responder does not know it");
    else if (wall > *until)
        diag_set(why, FAIL_CERTIFICATE, "the response is out of date");
    return !diag_failed(why);
}

struct ocsp *stapler_find(struct stapler *s, const struct cert *c, int64_t wall)
{
    struct ocsp *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n && !found; i++) {
        const struct watched *w = &s->v[i];
        struct diag why = {0};
        int64_t until;
        if (w->response && span_equal(cert_der(w->cert), cert_der(c)) &&
            is_good(w->response, w->cert, w->issuer, &s->signers, wall, &until, &why))
            found = ocsp_ref(w->response);
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* ---- the thread; the lock is held but while it fetches */

static struct watched *next_due(struct stapler *s)
{
    struct watched *first = NULL;
    for (size_t i = 0; i < s->n; i++) {
        if (!first || s->v[i].at < first->at)
            first = &s->v[i];
    }
    return first;
}

static int64_t within(const struct stapler *s, int64_t t)
{
    return t < s->pace.least ? s->pace.least : t > s->pace.most ? s->pace.most : t;
}

/* The list may have become another one meanwhile. */
static struct watched *find(struct stapler *s, const struct cert *c)
{
    for (size_t i = 0; i < s->n; i++) {
        if (span_equal(cert_der(s->v[i].cert), cert_der(c)))
            return &s->v[i];
    }
    return NULL;
}

static void take(struct stapler *s, struct watched *w, struct ocsp *o, const char *failure)
{
    struct time now = clock_now();
    struct diag why = {0};
    int64_t until = 0;
    if (o && is_good(o, w->cert, w->issuer, &s->signers, now.wall, &until, &why)) {
        log_line(GROUP_CFG, w->response ? LOG_DETAIL : LOG_NOTICE,
                 "an OCSP response about our certificate %s is at hand, of %s", cert_subject_text(w->cert),
                 ocsp_responder_text(o));
        ocsp_unref(w->response);
        w->response = ocsp_ref(o);
        w->pause = 0;
        w->at = now.mono + within(s, (until - now.wall) * 500000);
        return;
    }
    if (!w->pause)
        log_line(GROUP_CFG, LOG_WARN, "no OCSP response about our certificate %s: %.300s",
                 cert_subject_text(w->cert), o ? why.what : failure);
    w->pause = within(s, 2 * w->pause);
    w->at = now.mono + w->pause;
}

static void fetch_one(struct stapler *s, const struct watched *w)
{
    char why[FETCH_WHY_MAX] = "", url[1100];
    struct ocsp *got = NULL;
    struct cert *cert = cert_ref(w->cert), *issuer = cert_ref(w->issuer);
    uint64_t generation = s->generation;
    for (size_t i = 0; i < w->n_urls && !got && s->generation == generation && !atomic_load(s->is_ending);
         i++) {
        int64_t now = clock_now().mono;
        snprintf(url, sizeof(url), "%s", w->urls[i]);
        struct trust_fetch f = {.kind = FETCH_OCSP, .url = url, .cert = cert, .issuer = issuer};
        pthread_mutex_unlock(&s->lock);
        if (store_fetch(s->store, &f, now, now + ONE_FETCH, why))
            got = store_ocsp(s->store, &f);
        pthread_mutex_lock(&s->lock);
    }
    struct watched *still = find(s, cert);
    if (still && !atomic_load(s->is_ending))
        take(s, still, got, why);
    ocsp_unref(got);
    cert_unref(cert);
    cert_unref(issuer);
}

static void *work(void *ctx)
{
    struct stapler *s = ctx;
    pthread_mutex_lock(&s->lock);
    while (!atomic_load(s->is_ending)) {
        const struct watched *w = next_due(s);
        int64_t at = w ? w->at : INT64_MAX;
        if (w && at <= clock_now().mono) {
            fetch_one(s, w);
        } else if (w) {
            struct timespec until = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
            pthread_cond_timedwait(&s->changed, &s->lock, &until);
        } else {
            pthread_cond_wait(&s->changed, &s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- which certificates */

struct listing {
    struct watched v[CERTS_MAX];
    size_t n;
};

static struct cert *issuer_of(const struct config *c, const struct cert *of)
{
    const struct cert_list *lists[] = {&c->cas, &c->certs};
    for (size_t l = 0; l < ARRAY_LEN(lists) && !cert_is_self_signed(of); l++) {
        for (size_t i = 0; i < lists[l]->n; i++) {
            struct cert *ca = lists[l]->v[i];
            if (cert_is_ca(ca) && span_equal(cert_subject_der(ca), cert_issuer_der(of)))
                return ca;
        }
    }
    return NULL;
}

static void add_url(struct watched *w, const char *url)
{
    if (w->n_urls < URLS_MAX && strlen(url) <= 1024)
        w->urls[w->n_urls++] = strdup(url);
}

static void list_cert(struct listing *l, const struct config *c, struct cert *cert)
{
    struct cert *issuer = issuer_of(c, cert);
    struct watched w = {0};
    if (!issuer || l->n == CERTS_MAX)
        return;
    for (size_t i = 0; i < l->n; i++) {
        if (span_equal(cert_der(l->v[i].cert), cert_der(cert)))
            return;
    }
    for (size_t i = 0; i < c->n_authorities; i++) {
        const struct trust_authority *a = &c->authorities[i].trust;
        for (size_t k = 0; a->ca && k < a->n_ocsp_uris; k++) {
            if (span_equal(cert_der(a->ca), cert_der(issuer)))
                add_url(&w, a->ocsp_uris[k]);
        }
    }
    for (size_t i = 0; cert_ocsp_uri(cert, i); i++)
        add_url(&w, cert_ocsp_uri(cert, i));
    if (!w.n_urls) {
        log_line(GROUP_CFG, LOG_NOTICE, "nobody is to be asked for an OCSP response about our certificate %s",
                 cert_subject_text(cert));
        return;
    }
    w.cert = cert_ref(cert);
    w.issuer = cert_ref(issuer);
    l->v[l->n++] = w;
}

static void list_side(struct listing *l, const struct config *c, const struct auth_side *side)
{
    const struct cert_list *certs = side->certs.n ? &side->certs : &c->certs;
    for (size_t i = 0; i < certs->n && side->method == AUTH_PUBKEY; i++) {
        bool is_ours = config_key_for(c, cert_public_key(certs->v[i])) != NULL;
        if (is_ours &&
            (side->certs.n || side->id.type == ID_ANY || cert_has_identity(certs->v[i], &side->id)))
            list_cert(l, c, certs->v[i]);
    }
}

static void copy_signers(struct stapler *s, const struct cert_list *from)
{
    signers_clear(s);
    s->signers.v = mem_new((from->n + 1) * sizeof(struct cert *));
    for (size_t i = 0; i < from->n; i++)
        s->signers.v[s->signers.n++] = cert_ref(from->v[i]);
}

/* What is known of those that stay goes over to the new list. */
static void keep_known(struct stapler *s, struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct watched *old = find(s, l->v[i].cert);
        if (old && span_equal(cert_der(old->issuer), cert_der(l->v[i].issuer))) {
            l->v[i].response = old->response;
            l->v[i].at = old->at;
            old->response = NULL;
        }
    }
}

void stapler_watch(struct stapler *s, const struct config *c)
{
    struct listing *l = mem_new(sizeof(*l));
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct connection *conn = c->connections[i];
        for (size_t k = 0; k < connection_rounds(conn, true) && conn->ocsp & OCSP_TELL; k++)
            list_side(l, c, connection_round(conn, true, k));
    }
    pthread_mutex_lock(&s->lock);
    keep_known(s, l);
    for (size_t i = 0; i < s->n; i++)
        watched_clear(&s->v[i]);
    memcpy(s->v, l->v, sizeof(s->v));
    s->n = l->n;
    s->generation++;
    copy_signers(s, &c->ocsp_signers);
    if (s->n && !s->has_thread)
        s->has_thread = pthread_create(&s->thread, NULL, work, s) == 0;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    free(l);
}

void stapler_renew(struct stapler *s)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n; i++)
        s->v[i].at = 0;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}
