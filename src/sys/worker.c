/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's thread: see worker.h; the packets' way is in worker_out.c, worker_in.c and worker_tcp.c.
 *
 * Records are taken after a batch has been received and before it is worked on. So an SA that the control
 * thread added before it sent an answer is in force for every packet that the answer can cause.
 *
 * Sleeping: a worker says so (is_idle), looks once more at its rings, and only then waits; whoever pushes
 * looks at is_idle after the push. One of the two sees the other. */
#include "sys/worker.h"
#include "sys/clock.h"
#include "sys/steer.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RECORDS_MAX  4096
#define MESSAGES_MAX 4096
#define REPORT_EVERY (TIME_SECOND / 4)
#define REPORT_MANY  1000 /* with more SAs than this, once a second */
#define ROUNDS_MAX   16   /* batches from one source before the others get their turn */

/* ---- messages to the control thread */

bool worker_tell(struct worker *w, struct dataplane_message *m)
{
    w->has_new_messages = true;
    if (ring_push(&w->messages, m))
        return true;
    free(m);
    return false;
}

static struct dataplane_message *message_new(enum dataplane_message_kind kind, size_t room)
{
    struct dataplane_message *m = malloc(sizeof(*m) + room);
    if (!m)
        abort();
    m->kind = kind;
    return m;
}

static bool tell_event(struct worker *w, const struct dataplane_event *e)
{
    struct dataplane_message *m = message_new(DATAPLANE_EVENT, 0);
    m->event = *e;
    return worker_tell(w, m);
}

void worker_note(struct worker *w, const char *text)
{
    size_t len = strlen(text) + 1;
    struct dataplane_message *m = message_new(DATAPLANE_NOTE, len);
    memcpy(m->bytes, text, len);
    worker_tell(w, m);
}

static void tell_failure(struct worker *w, const struct diag *d)
{
    struct dataplane_message *m = message_new(DATAPLANE_FAIL, 0);
    m->diag = *d;
    worker_tell(w, m);
}

void worker_read_errors(struct worker *w, const struct sock *s, int64_t now)
{
    struct ip peer;
    uint32_t mtu;
    for (int budget = 64; budget && sock_next_too_big(s, &peer, &mtu); budget--) {
        esp_path_mtu(w->esp, peer, mtu, now);
        if (w->dp->n == 1)
            continue;
        struct dataplane_message *m = message_new(DATAPLANE_TOO_BIG, 0);
        m->too_big.peer = peer;
        m->too_big.mtu = mtu;
        worker_tell(w, m);
    }
}

/* Expiries must not be lost: what the ring has no room for waits, and nothing more is taken meanwhile. */
static void tell_events(struct worker *w)
{
    for (;;) {
        size_t i = 0;
        while (i < w->n_held && tell_event(w, &w->held[i]))
            i++;
        memmove(w->held, w->held + i, (w->n_held - i) * sizeof(w->held[0]));
        w->n_held -= i;
        if (w->n_held)
            return;
        w->n_held = esp_events(w->esp, w->held, ARRAY_LEN(w->held));
        if (!w->n_held)
            return;
    }
}

static void report_sas(struct worker *w)
{
    for (size_t i = 0; i < w->n_known; i++) {
        struct known_sa *k = &w->known[i];
        struct dataplane_event e;
        if (!esp_sa_counters(w->esp, k->direction, k->spi, &e) || e.packets == k->packets)
            continue;
        if (!tell_event(w, &e))
            return; /* the rest next time */
        k->packets = e.packets;
    }
}

static void publish_counters(struct worker *w)
{
    uint64_t words[COUNTER_WORDS];
    memcpy(words, esp_counters(w->esp), sizeof(words));
    for (size_t i = 0; i < COUNTER_WORDS; i++)
        atomic_store_explicit(&w->counters[i], words[i], memory_order_relaxed);
}

/* ---- records from the control thread */

static void know_sa(struct worker *w, const struct esp_sa *sa)
{
    if (w->n_known == w->cap_known) {
        w->cap_known = w->cap_known ? 2 * w->cap_known : 64;
        w->known = realloc(w->known, w->cap_known * sizeof(*w->known));
        if (!w->known)
            abort();
    }
    w->known[w->n_known++] = (struct known_sa){.spi = sa->spi, .direction = sa->direction};
}

static void forget_sa(struct worker *w, const struct esp_sa *sa)
{
    for (size_t i = 0; i < w->n_known; i++) {
        if (w->known[i].spi == sa->spi && w->known[i].direction == sa->direction) {
            w->known[i] = w->known[--w->n_known];
            return;
        }
    }
}

/* The last counts of an SA that goes: bytes of a short-lived tunnel must not vanish from its totals. */
static void report_last(struct worker *w, const struct esp_sa *sa)
{
    struct dataplane_event e;
    if (esp_sa_counters(w->esp, sa->direction, sa->spi, &e) && e.packets)
        tell_event(w, &e);
}

static void take_action(struct worker *w, struct dataplane_record *r, int64_t now)
{
    struct diag d = {0};
    if (r->action.kind == ACTION_SA_DEL)
        report_last(w, &r->sa);
    bool ok = esp_apply(w->esp, &r->action, now, &d);
    if (r->action.kind == ACTION_SA_ADD && ok)
        know_sa(w, &r->sa);
    if (r->action.kind == ACTION_SA_ADD && ok && r->sa.direction == SA_IN)
        early_sa_added(&w->early, r->sa.spi, now);
    if (r->action.kind == ACTION_SA_DEL)
        forget_sa(w, &r->sa);
    if (!ok && diag_failed(&d))
        tell_failure(w, &d);
}

static void tell_tables(struct worker *w, struct dataplane_record *r)
{
    esp_list(w->esp, r->tables);
    sem_post(r->is_done);
}

void worker_take_records(struct worker *w, int64_t now)
{
    struct dataplane_record *r;
    while ((r = ring_pop(&w->records))) {
        if (r->kind == RECORD_ACTION)
            take_action(w, r, now);
        else if (r->kind == RECORD_PATH_MTU)
            esp_path_mtu(w->esp, r->peer, r->mtu, now);
        else if (r->kind == RECORD_TABLES)
            tell_tables(w, r);
        else
            worker_tcp_take(w, r);
        dataplane_record_free(r);
    }
}

/* ---- the thread */

static void read_source(struct worker *w, void *from, uint32_t events, int64_t now)
{
    if (from == &w->event) {
        uint64_t count;
        ssize_t n = read(w->event, &count, sizeof(count));
        (void)n;
        return;
    }
    if (from == &w->tcp) {
        worker_from_streams(w, now);
        return;
    }
    struct source *s = from;
    bool is_ring = from == w->ring4 || from == w->ring6;
    if (from != &w->tun && !is_ring && events & EPOLLERR)
        worker_read_errors(w, &s->sock, now);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool more = from == &w->tun ? worker_from_tun(w, now)
                    : is_ring       ? worker_from_ring(w, from, now)
                    : s->is_ah      ? worker_from_ah(w, s, now)
                    : s->sock.port  ? worker_from_natt(w, s, now)
                                    : worker_from_raw(w, s, now);
        if (!more)
            return;
        now = clock_mono();
    }
}

static void count_lost(struct worker *w)
{
    struct linkring *const rings[] = {w->ring4, w->ring6};
    for (size_t i = 0; i < ARRAY_LEN(rings); i++) {
        if (rings[i])
            esp_count_drop(w->esp, DROP_QUEUE_FULL, linkring_lost(rings[i]));
    }
}

static void after_packets(struct worker *w, int64_t now)
{
    worker_tcp_settle(w, now);
    worker_open_early(w, now);
    worker_send_parcels(w, false);
    worker_send_held(w, now);
    tell_events(w);
    if (w->has_traffic && now >= w->report_at) {
        report_sas(w);
        count_lost(w);
        publish_counters(w);
        w->report_at = now + (w->n_known > REPORT_MANY ? TIME_SECOND : REPORT_EVERY);
        w->has_traffic = false;
    }
    if (w->has_new_messages)
        w->dp->o.wake(w->dp->o.ctx);
    w->has_new_messages = false;
}

/* Milliseconds until something is due without a packet: an idle tunnel wakes nobody. */
static int wait_for(const struct worker *w)
{
    if (w->n_held || worker_tcp_is_waiting(w))
        return 10;
    if (!w->has_traffic)
        return -1;
    int64_t left = w->report_at - clock_mono();
    return left > 0 ? (int)(left / TIME_MS) + 1 : 0;
}

static int sleep_until_ready(struct worker *w, struct epoll_event *ready, int n, bool has_more)
{
    int wait = has_more ? 0 : wait_for(w);
    if (wait != 0 && worker_has_open_parcels(w)) {
        int found = epoll_wait(w->epoll, ready, n, 0);
        if (found > 0)
            return found;
        worker_send_parcels(w, true);
    }
    if (wait != 0) {
        atomic_store(&w->is_idle, true);
        if (worker_has_parcels(w) || !ring_is_empty(&w->records) || atomic_load(&w->dp->is_ending))
            wait = 0;
    }
    n = epoll_wait(w->epoll, ready, n, wait);
    atomic_store_explicit(&w->is_idle, false, memory_order_relaxed);
    return n;
}

static void *run(void *ctx)
{
    struct worker *w = ctx;
    struct epoll_event ready[16];
    bool has_more = false;
    while (!atomic_load(&w->dp->is_ending)) {
        int n = sleep_until_ready(w, ready, ARRAY_LEN(ready), has_more);
        int64_t now = clock_mono();
        worker_take_records(w, now);
        has_more = worker_take_parcels(w, now);
        for (int i = 0; i < n; i++)
            read_source(w, ready[i].data.ptr, ready[i].events, now);
        after_packets(w, clock_mono());
        worker_judge_load(w, now);
        worker_help_others(w);
    }
    return NULL;
}

/* ---- start and end */

void worker_wake(struct worker *w)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_exchange(&w->is_idle, false))
        return;
    uint64_t one = 1;
    ssize_t n = write(w->event, &one, sizeof(one));
    (void)n; /* a full counter has woken it already */
}

static void watch(struct worker *w, int fd, void *from)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = from};
    if (fd >= 0)
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e);
}

struct worker *worker_new(struct dataplane *dp, unsigned index)
{
    const struct dataplane_options *o = &dp->o;
    struct worker *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
    if (!w)
        abort();
    memset(w, 0, sizeof(*w));
    w->dp = dp;
    w->index = index;
    w->tun = o->tun.queues[index];
    w->natt4.sock = o->natt4[index];
    w->natt6.sock = o->natt6[index];
    w->esp4.sock = o->esp4;
    w->esp6.sock = o->esp6;
    struct esp_config config = o->esp;
    if (dp->n > 1) {
        config.crypto = worker_run_crypto;
        config.crypto_ctx = w;
    }
    w->ring4 = linkpath_ring(dp->linkpath, index, 4);
    w->ring6 = linkpath_ring(dp->linkpath, index, 6);
    w->link = linkpath_sender(dp->linkpath, index);
    w->esp = esp_new(&config);
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring_init(&w->records, RECORDS_MAX);
    ring_init(&w->messages, MESSAGES_MAX);
    if (dp->n > 1)
        handover_init(&w->handover, dp->n);
    worker_tcp_init(w);
    outgoing_init(&w->out);
    wholes_init(&w->wholes);
    incoming_init(&w->in, &o->tun);
    watch(w, w->event, &w->event);
    watch(w, w->tun, &w->tun);
    watch(w, w->natt4.sock.fd, &w->natt4);
    watch(w, w->natt6.sock.fd, &w->natt6);
    if (w->ring4)
        watch(w, linkring_fd(w->ring4), w->ring4);
    if (w->ring6)
        watch(w, linkring_fd(w->ring6), w->ring6);
    if (index == 0) {
        watch(w, w->esp4.sock.fd, &w->esp4);
        watch(w, w->esp6.sock.fd, &w->esp6);
        watch(w, dp->esp4_df.sock.fd, &dp->esp4_df);
        watch(w, dp->esp6_df.sock.fd, &dp->esp6_df);
        watch(w, dp->ah4.sock.fd, &dp->ah4);
        watch(w, dp->ah6.sock.fd, &dp->ah6);
        watch(w, dp->ah4_df.sock.fd, &dp->ah4_df);
        watch(w, dp->ah6_df.sock.fd, &dp->ah6_df);
    }
    return w;
}

/* Signals belong to the control loop. */
bool worker_start(struct worker *w, struct diag *d)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err)
        diag_set(d, FAIL_GENERIC, "cannot start a thread of the data plane: %s", strerror(err));
    w->has_thread = !err;
    return !err;
}

void worker_free(struct worker *w)
{
    struct dataplane_record *r;
    while ((r = ring_pop(&w->records)))
        dataplane_record_free(r);
    struct dataplane_message *m;
    while ((m = ring_pop(&w->messages)))
        free(m);
    ring_deinit(&w->records);
    ring_deinit(&w->messages);
    if (w->handover.parcels)
        handover_deinit(&w->handover);
    esp_free(w->esp);
    worker_tcp_deinit(w);
    close(w->epoll);
    close(w->event);
    outgoing_deinit(&w->out);
    wholes_deinit(&w->wholes);
    incoming_deinit(&w->in);
    early_deinit(&w->early);
    free(w->known);
    free(w);
}
