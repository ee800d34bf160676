/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks DNS for public keys: see dns_keys.h. What is asked is in dns_question.c; here are the
 * jobs, their deadlines and the thread's turns. */
#include "sys/dns_keys.h"
#include "base/arena.h"
#include "base/list.h"
#include "sys/clock.h"
#include "sys/dns_question.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ASKED_MAX = 64 };

struct question {
    struct list link;
    struct dns_keys *keys;
    struct job *job;
    int64_t deadline; /* mono */
    int id;           /* the resolver's */
};

struct dns_keys {
    pthread_mutex_t lock;
    pthread_t thread;
    int wake; /* eventfd */
    bool is_running;
    bool is_ending; /* under the lock */
    unsigned n_open;
    struct dns_sources *sources; /* under the lock; the thread takes them */
    struct list given, decided;  /* under the lock */
    struct list asked;           /* the thread's */
    struct dns_resolver *resolver;
    int64_t patience;
    void (*done)(void *ctx);
    void *ctx;
};

/* ---- the thread */

static void decide(struct question *q)
{
    struct dns_keys *k = q->keys;
    job_run(q->job);
    pthread_mutex_lock(&k->lock);
    list_append(&k->decided, &q->link);
    k->n_open--;
    pthread_mutex_unlock(&k->lock);
    k->done(k->ctx);
}

static void on_answer(void *ctx, const struct dns_answer *a)
{
    struct question *q = ctx;
    list_remove(&q->link);
    if (a->outcome == DNS_SECURE)
        job_dns_answer(q->job, a->rdata, a->n);
    else
        job_dns_failed(q->job, a->outcome, a->detail);
    log_line(GROUP_CFG, q->job->dns_outcome == DNS_SECURE ? LOG_DETAIL : LOG_NOTICE, "IPSECKEY of %s: %s",
             q->job->dns_name,
             q->job->dns_outcome == DNS_SECURE ? "proved by DNSSEC" : "no key that can be trusted");
    decide(q);
}

/* New questions, with what is configured by now. */
static void take_given(struct dns_keys *k)
{
    struct list given;
    list_init(&given);
    pthread_mutex_lock(&k->lock);
    struct dns_sources *news = k->sources;
    k->sources = NULL;
    while (!list_empty(&k->given)) {
        struct list *first = k->given.next;
        list_remove(first);
        list_append(&given, first);
    }
    pthread_mutex_unlock(&k->lock);
    dns_resolver_configure(k->resolver, news);
    while (!list_empty(&given)) {
        struct question *q = container_of(given.next, struct question, link);
        list_remove(&q->link);
        list_append(&k->asked, &q->link);
        dns_resolver_ask(k->resolver, q->job->dns_name, on_answer, q, &q->id);
    }
}

/* How long to wait for the next thing to happen, in milliseconds; what is too late ends here. */
static int give_up(struct dns_keys *k, bool all)
{
    const int64_t now = clock_now().mono;
    int64_t next = INT64_MAX;
    struct question *q;
    list_each(q, &k->asked, link)
    {
        if (!all && q->deadline > now) {
            next = q->deadline < next ? q->deadline : next;
            continue;
        }
        list_remove(&q->link);
        dns_resolver_cancel(k->resolver, q->id);
        job_dns_failed(q->job, DNS_NO_ANSWER, all ? "the daemon ends" : "not in time");
        decide(q);
    }
    return next == INT64_MAX ? -1 : (int)((next - now) / 1000 + 1);
}

static bool is_ending(struct dns_keys *k)
{
    pthread_mutex_lock(&k->lock);
    bool is = k->is_ending;
    pthread_mutex_unlock(&k->lock);
    return is;
}

static void *work(void *ctx)
{
    struct dns_keys *k = ctx;
    k->resolver = dns_resolver_new();
    while (!is_ending(k)) {
        take_given(k);
        struct pollfd p[2] = {
            {.fd = k->wake,                      .events = POLLIN},
            {.fd = dns_resolver_fd(k->resolver), .events = POLLIN}, /* negative: not looked at */
        };
        uint64_t n;
        if (poll(p, 2, give_up(k, false)) < 0 && errno != EINTR)
            break;
        if (p[0].revents && read(k->wake, &n, sizeof(n)) < 0)
            continue;
        if (p[1].revents)
            dns_resolver_process(k->resolver);
    }
    take_given(k);
    give_up(k, true);
    dns_resolver_free(k->resolver);
    return NULL;
}

/* ---- for others */

static void wake(struct dns_keys *k)
{
    const uint64_t one = 1;
    ssize_t n = write(k->wake, &one, sizeof(one));
    (void)n; /* it can only be that it is awake already */
}

struct dns_keys *dns_keys_new(int64_t patience, void (*done)(void *ctx), void *ctx)
{
    struct dns_keys *k = mem_new(sizeof(*k));
    pthread_mutex_init(&k->lock, NULL);
    list_init(&k->given);
    list_init(&k->decided);
    list_init(&k->asked);
    k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (k->wake < 0)
        abort();
    k->patience = patience;
    k->done = done;
    k->ctx = ctx;
    return k;
}

void dns_keys_configure(struct dns_keys *k, const struct settings *s)
{
    struct dns_sources *news = dns_sources_new(s);
    pthread_mutex_lock(&k->lock);
    dns_sources_free(k->sources);
    k->sources = news;
    pthread_mutex_unlock(&k->lock);
    if (k->is_running)
        wake(k);
}

static void refuse(struct dns_keys *k, struct question *q, enum dns_outcome outcome, const char *why)
{
    pthread_mutex_lock(&k->lock);
    k->n_open++;
    pthread_mutex_unlock(&k->lock);
    job_dns_failed(q->job, outcome, why);
    decide(q);
}

void dns_keys_give(struct dns_keys *k, struct job *j)
{
    struct question *q = mem_new(sizeof(*q));
    q->keys = k;
    q->job = j;
    q->deadline = clock_now().mono + k->patience;
    if (!k->is_running)
        k->is_running = pthread_create(&k->thread, NULL, work, k) == 0;
    pthread_mutex_lock(&k->lock);
    bool is_full = k->n_open >= ASKED_MAX;
    if (k->is_running && !is_full) {
        list_append(&k->given, &q->link);
        k->n_open++;
    }
    pthread_mutex_unlock(&k->lock);
    if (!k->is_running)
        refuse(k, q, DNS_NO_ANSWER, "no thread for it");
    else if (is_full)
        refuse(k, q, DNS_BUSY, NULL);
    else
        wake(k);
}

struct job *dns_keys_next(struct dns_keys *k)
{
    struct job *j = NULL;
    pthread_mutex_lock(&k->lock);
    if (!list_empty(&k->decided)) {
        struct question *q = container_of(k->decided.next, struct question, link);
        list_remove(&q->link);
        j = q->job;
        free(q);
    }
    pthread_mutex_unlock(&k->lock);
    return j;
}

void dns_keys_stop(struct dns_keys *k)
{
    if (!k->is_running)
        return;
    pthread_mutex_lock(&k->lock);
    k->is_ending = true;
    pthread_mutex_unlock(&k->lock);
    wake(k);
    pthread_join(k->thread, NULL);
    k->is_running = false;
}

void dns_keys_free(struct dns_keys *k)
{
    struct job *j;
    if (!k)
        return;
    dns_keys_stop(k);
    while ((j = dns_keys_next(k)))
        job_free(j);
    dns_sources_free(k->sources);
    close(k->wake);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
