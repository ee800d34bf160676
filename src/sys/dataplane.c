/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane's thread and its rings: see dataplane.h; the packets' way is in dataplane_out.c and
 * dataplane_in.c.
 *
 * Records are taken after a batch has been received and before it is worked on. So an SA that the control
 * thread added before it sent an answer is in force for every packet that the answer can cause. */
#include "base/secret.h"
#include "sys/clock.h"
#include "sys/dataplane_impl.h"
#include "sys/dataplane_record.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define RECORDS_MAX  4096
#define MESSAGES_MAX 4096
#define REPORT_EVERY (TIME_SECOND / 4)
#define REPORT_MANY  1000 /* with more SAs than this, once a second */
#define ROUNDS_MAX   16   /* batches from one source before the others get their turn */

/* ---- messages to the control thread */

bool dataplane_tell(struct dataplane *dp, struct dataplane_message *m)
{
    dp->has_new_messages = true;
    if (ring_push(&dp->messages, m))
        return true;
    free(m);
    return false;
}

static bool tell_event(struct dataplane *dp, const struct dataplane_event *e)
{
    struct dataplane_message *m = malloc(sizeof(*m));
    if (!m)
        abort();
    m->kind = DATAPLANE_EVENT;
    m->event = *e;
    return dataplane_tell(dp, m);
}

void dataplane_note(struct dataplane *dp, const char *text)
{
    size_t len = strlen(text) + 1;
    struct dataplane_message *m = malloc(sizeof(*m) + len);
    if (!m)
        abort();
    m->kind = DATAPLANE_NOTE;
    memcpy(m->bytes, text, len);
    dataplane_tell(dp, m);
}

static void tell_failure(struct dataplane *dp, const struct diag *d)
{
    struct dataplane_message *m = malloc(sizeof(*m));
    if (!m)
        abort();
    m->kind = DATAPLANE_FAIL;
    m->diag = *d;
    dataplane_tell(dp, m);
}

/* Expiries must not be lost: what the ring has no room for waits, and nothing more is taken meanwhile. */
static void tell_events(struct dataplane *dp)
{
    for (;;) {
        size_t i = 0;
        while (i < dp->n_held && tell_event(dp, &dp->held[i]))
            i++;
        memmove(dp->held, dp->held + i, (dp->n_held - i) * sizeof(dp->held[0]));
        dp->n_held -= i;
        if (dp->n_held)
            return;
        dp->n_held = esp_events(dp->esp, dp->held, ARRAY_LEN(dp->held));
        if (!dp->n_held)
            return;
    }
}

static void report_sas(struct dataplane *dp)
{
    for (size_t i = 0; i < dp->n_known; i++) {
        struct known_sa *k = &dp->known[i];
        struct dataplane_event e;
        if (!esp_sa_counters(dp->esp, k->direction, k->spi, &e) || e.packets == k->packets)
            continue;
        if (!tell_event(dp, &e))
            return; /* the rest next time */
        k->packets = e.packets;
    }
}

static void publish_counters(struct dataplane *dp)
{
    uint64_t words[COUNTER_WORDS];
    memcpy(words, esp_counters(dp->esp), sizeof(words));
    for (size_t i = 0; i < COUNTER_WORDS; i++)
        atomic_store_explicit(&dp->counters[i], words[i], memory_order_relaxed);
}

/* ---- records from the control thread */

static void know_sa(struct dataplane *dp, const struct esp_sa *sa)
{
    if (dp->n_known == dp->cap_known) {
        dp->cap_known = dp->cap_known ? 2 * dp->cap_known : 64;
        dp->known = realloc(dp->known, dp->cap_known * sizeof(*dp->known));
        if (!dp->known)
            abort();
    }
    dp->known[dp->n_known++] = (struct known_sa){.spi = sa->spi, .direction = sa->direction};
}

static void forget_sa(struct dataplane *dp, const struct esp_sa *sa)
{
    for (size_t i = 0; i < dp->n_known; i++) {
        if (dp->known[i].spi == sa->spi && dp->known[i].direction == sa->direction) {
            dp->known[i] = dp->known[--dp->n_known];
            return;
        }
    }
}

/* The last counts of an SA that goes: bytes of a short-lived tunnel must not vanish from its totals. */
static void report_last(struct dataplane *dp, const struct esp_sa *sa)
{
    struct dataplane_event e;
    if (esp_sa_counters(dp->esp, sa->direction, sa->spi, &e) && e.packets)
        tell_event(dp, &e);
}

static void take_record(struct dataplane *dp, struct dataplane_record *r, int64_t now)
{
    struct diag d = {0};
    if (r->action.kind == ACTION_SA_DEL)
        report_last(dp, &r->sa);
    bool ok = esp_apply(dp->esp, &r->action, now, &d);
    if (r->action.kind == ACTION_SA_ADD && ok)
        know_sa(dp, &r->sa);
    if (r->action.kind == ACTION_SA_DEL)
        forget_sa(dp, &r->sa);
    if (!ok && diag_failed(&d))
        tell_failure(dp, &d);
    dataplane_record_free(r);
}

void dataplane_take_records(struct dataplane *dp, int64_t now)
{
    struct dataplane_record *r;
    while ((r = ring_pop(&dp->records)))
        take_record(dp, r, now);
}

/* ---- the thread */

static void read_source(struct dataplane *dp, void *source, uint32_t events, int64_t now)
{
    if (source == &dp->event) {
        uint64_t count;
        ssize_t n = read(dp->event, &count, sizeof(count));
        (void)n;
        return;
    }
    bool is_tun = source == &dp->o.tun;
    const struct sock *s = source;
    if (!is_tun && events & EPOLLERR)
        dataplane_read_errors(dp, s, now);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool more = is_tun    ? dataplane_from_tun(dp, now)
                    : s->port ? dataplane_from_natt(dp, s, now)
                              : dataplane_from_raw(dp, s, now);
        if (!more)
            return;
        now = clock_mono();
    }
}

static void after_packets(struct dataplane *dp, int64_t now)
{
    tell_events(dp);
    if (dp->has_traffic && now >= dp->report_at) {
        report_sas(dp);
        publish_counters(dp);
        dp->report_at = now + (dp->n_known > REPORT_MANY ? TIME_SECOND : REPORT_EVERY);
        dp->has_traffic = false;
    }
    if (dp->has_new_messages)
        dp->o.wake(dp->o.ctx);
    dp->has_new_messages = false;
}

/* Milliseconds until something is due without a packet: an idle tunnel wakes nobody. */
static int wait_for(const struct dataplane *dp)
{
    if (dp->n_held)
        return 10;
    if (!dp->has_traffic)
        return -1;
    int64_t left = dp->report_at - clock_mono();
    return left > 0 ? (int)(left / TIME_MS) + 1 : 0;
}

static void *run(void *ctx)
{
    struct dataplane *dp = ctx;
    struct epoll_event ready[16];
    while (!atomic_load(&dp->is_ending)) {
        int n = epoll_wait(dp->epoll, ready, ARRAY_LEN(ready), wait_for(dp));
        int64_t now = clock_mono();
        dataplane_take_records(dp, now);
        for (int i = 0; i < n; i++)
            read_source(dp, ready[i].data.ptr, ready[i].events, now);
        after_packets(dp, clock_mono());
    }
    return NULL;
}

/* ---- the control thread's side */

static void watch(struct dataplane *dp, int fd, void *source)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = source};
    if (fd >= 0)
        epoll_ctl(dp->epoll, EPOLL_CTL_ADD, fd, &e);
}

/* Signals belong to the control loop. */
static int start_thread(struct dataplane *dp)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&dp->thread, NULL, run, dp);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return err;
}

static void join_datagrams(struct dataplane *dp)
{
    const struct sock *const socks[] = {&dp->o.natt4, &dp->o.natt6};
    bool has_all = true;
    for (size_t i = 0; i < ARRAY_LEN(socks); i++)
        has_all = (socks[i]->fd < 0 || sock_join_datagrams(socks[i])) && has_all;
    if (!has_all)
        dataplane_note(dp, "this kernel has no UDP_GRO: datagrams arrive one by one");
    if (!dp->o.tun.has_tcp || !dp->o.tun.has_udp)
        dataplane_note(dp, dp->o.tun.has_tcp ? "this kernel's TUN has no UDP segmentation offload"
                                             : "this kernel's TUN has no segmentation offloads");
}

struct dataplane *dataplane_start(const struct dataplane_options *o, struct diag *d)
{
    struct dataplane *dp = calloc(1, sizeof(*dp));
    if (!dp)
        abort();
    dp->o = *o;
    dp->esp = esp_new(&o->esp);
    dp->epoll = epoll_create1(EPOLL_CLOEXEC);
    dp->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring_init(&dp->records, RECORDS_MAX);
    ring_init(&dp->messages, MESSAGES_MAX);
    dataplane_out_init(&dp->out);
    dataplane_in_init(&dp->in, &o->tun);
    join_datagrams(dp);
    dp->esp4_df = dp->esp6_df = (struct sock){.fd = -1};
    if (o->esp4.fd >= 0 && sock_open_esp(&dp->esp4_df, 4, false, d))
        sock_set_df(&dp->esp4_df, true);
    if (o->esp6.fd >= 0 && sock_open_esp(&dp->esp6_df, 6, false, d))
        sock_set_df(&dp->esp6_df, true);
    watch(dp, dp->event, &dp->event);
    watch(dp, o->tun.fd, &dp->o.tun);
    watch(dp, o->natt4.fd, &dp->o.natt4);
    watch(dp, o->natt6.fd, &dp->o.natt6);
    watch(dp, o->esp4.fd, &dp->o.esp4);
    watch(dp, o->esp6.fd, &dp->o.esp6);
    watch(dp, dp->esp4_df.fd, &dp->esp4_df);
    watch(dp, dp->esp6_df.fd, &dp->esp6_df);
    int err = start_thread(dp);
    if (!err)
        return dp;
    diag_set(d, FAIL_GENERIC, "cannot start the data plane's thread: %s", strerror(err));
    atomic_store(&dp->is_ending, true);
    dp->thread = 0;
    dataplane_stop(dp);
    return NULL;
}

static void wake_thread(struct dataplane *dp)
{
    uint64_t one = 1;
    ssize_t n = write(dp->event, &one, sizeof(one));
    (void)n; /* a full counter has woken it already */
}

void dataplane_stop(struct dataplane *dp)
{
    if (!dp)
        return;
    atomic_store(&dp->is_ending, true);
    wake_thread(dp);
    if (dp->thread)
        pthread_join(dp->thread, NULL);
    struct dataplane_record *r;
    while ((r = ring_pop(&dp->records)))
        dataplane_record_free(r);
    struct dataplane_message *m;
    while ((m = ring_pop(&dp->messages)))
        free(m);
    ring_deinit(&dp->records);
    ring_deinit(&dp->messages);
    struct sock *const socks[] = {&dp->o.natt4, &dp->o.natt6, &dp->o.esp4,
                                  &dp->o.esp6,  &dp->esp4_df, &dp->esp6_df};
    for (size_t i = 0; i < ARRAY_LEN(socks); i++)
        sock_close(socks[i]);
    tun_close(&dp->o.tun);
    esp_free(dp->esp);
    close(dp->epoll);
    close(dp->event);
    dataplane_out_deinit(&dp->out);
    dataplane_in_deinit(&dp->in);
    free(dp->known);
    free(dp);
}

void dataplane_apply(struct dataplane *dp, const struct action *a)
{
    struct dataplane_record *r = dataplane_record_new(a);
    if (!r)
        return;
    while (!ring_push(&dp->records, r)) { /* the thread never waits for us: it makes room soon */
        struct timespec pause = {.tv_nsec = 50000};
        wake_thread(dp);
        nanosleep(&pause, NULL);
    }
    wake_thread(dp);
}

struct dataplane_message *dataplane_next(struct dataplane *dp)
{
    return ring_pop(&dp->messages);
}

bool dataplane_send_natt(struct dataplane *dp, struct ip local, const struct endpoint *remote, uint8_t tos,
                         struct span prefix, struct span bytes)
{
    const struct sock *s = remote->ip.family == 4 ? &dp->o.natt4 : &dp->o.natt6;
    return s->fd >= 0 && sock_send(s, local, remote, tos, prefix, bytes);
}

void dataplane_counters(const struct dataplane *dp, struct esp_counters *out)
{
    uint64_t words[COUNTER_WORDS];
    for (size_t i = 0; i < COUNTER_WORDS; i++)
        words[i] = atomic_load_explicit(&dp->counters[i], memory_order_relaxed);
    memcpy(out, words, sizeof(words));
}
