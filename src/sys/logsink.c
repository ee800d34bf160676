/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines come in and wait for the writer's thread; which levels somebody wants: see logsink.h.
 *
 * What the writer is told goes the way of the lines, under one lock that is held for a few instructions: new
 * targets, to open files again, to end. So the writer alone has files and sockets, and whoever speaks never
 * waits for one. */
#include "sys/logsink.h"
#include "sys/clock.h"
#include "sys/logsink_impl.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAX      8192
#define STOP_SECONDS   2
#define VICI_LEVEL     2 /* clients may ask for as much at any time */
#define VICI_LEVEL_ENC 1 /* of what is said about each message */
#define EARLY_LEVEL    3

static struct {
    struct logsink_options o;
    struct log_targets *targets; /* what the writer has a copy of */
    struct log_targets *configured;
    log_sink *watcher; /* of lines of the first thread, which alone touches this */
    void *watcher_ctx;
    bool is_watching, has_clients;
    bool is_started, has_thread;
    pthread_t thread;
    _Atomic int8_t wanted[LOG_GROUPS]; /* by a target */
    atomic_bool hides_addresses;
    /* under the lock: what waits for the writer */
    pthread_mutex_t lock;
    pthread_cond_t more, done;
    struct log_queued *first, **end;
    size_t n;
    uint64_t n_lost;
    bool is_writing;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

/* ---- lines */

/* Counted from the one that started: 0 is the loop's. */
static unsigned thread_number(void)
{
    static atomic_uint threads;
    static _Thread_local unsigned mine;
    if (!mine)
        mine = atomic_fetch_add(&threads, 1) + 1;
    return mine - 1;
}

static struct log_queued *line_new(const struct log_entry *e)
{
    size_t text = strlen(e->text) + 1, name = e->ike_name ? strlen(e->ike_name) + 1 : 0;
    struct log_queued *q = mem_new(sizeof(*q) + text + name);
    q->r.e = *e;
    q->r.thread = thread_number();
    clock_gettime(CLOCK_REALTIME, &q->r.time);
    q->r.e.text = memcpy(q->texts, e->text, text);
    if (name)
        q->r.e.ike_name = memcpy(q->texts + text, e->ike_name, name);
    if (atomic_load(&sink.hides_addresses))
        logformat_hide_addresses(q->texts);
    return q;
}

/* Lines beyond a bound are counted in their place; orders always come through. */
static void enqueue(struct log_queued *q)
{
    pthread_mutex_lock(&sink.lock);
    bool has_room = sink.n < LINES_MAX || q->order != ORDER_LINE;
    if (has_room) {
        *sink.end = q;
        sink.end = &q->next;
        sink.n++;
    } else {
        sink.n_lost++;
    }
    pthread_cond_signal(&sink.more);
    pthread_mutex_unlock(&sink.lock);
    if (!has_room)
        free(q);
}

static void on_line(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    if (thread_number() == 0 && sink.watcher && !sink.is_watching) {
        sink.is_watching = true;
        sink.watcher(sink.watcher_ctx, e);
        sink.is_watching = false;
    }
    if (log_level_number(e->level) <= atomic_load_explicit(&sink.wanted[e->group], memory_order_relaxed))
        enqueue(line_new(e));
}

static void enqueue_order(enum log_order order, struct log_targets *t)
{
    struct log_queued *q = mem_new(sizeof(*q));
    q->order = order;
    q->targets = t;
    enqueue(q);
}

/* ---- the writer's thread */

static void tell_of_lost(struct log_writer *w, uint64_t n)
{
    char text[100];
    snprintf(text, sizeof(text), "%llu lines are left out here: they came faster than they could be written",
             (unsigned long long)n);
    log_writer_put(w, line_new(&(struct log_entry){.group = GROUP_DMN, .level = LOG_WARN, .text = text}));
}

/* Takes what waits, in its order. True: it is to end. */
static bool write_all(struct log_writer *w, struct log_queued *first, uint64_t n_lost)
{
    bool must_end = false;
    while (first) {
        struct log_queued *q = first;
        first = q->next;
        q->next = NULL;
        must_end |= q->order == ORDER_END;
        if (q->order == ORDER_LINE) {
            log_writer_put(w, q);
            continue;
        }
        if (q->order == ORDER_CHANGE)
            log_writer_change(w, q->targets);
        else if (q->order == ORDER_REOPEN)
            log_writer_reopen(w);
        free(q);
    }
    if (n_lost)
        tell_of_lost(w, n_lost);
    log_writer_flush(w);
    return must_end;
}

static void *writer_run(void *ctx)
{
    struct log_writer *w = log_writer_new();
    bool must_end = false;
    (void)ctx;
    pthread_mutex_lock(&sink.lock);
    while (!must_end || sink.first) {
        while (!sink.first)
            pthread_cond_wait(&sink.more, &sink.lock);
        struct log_queued *first = sink.first;
        uint64_t n_lost = sink.n_lost;
        sink.first = NULL;
        sink.end = &sink.first;
        sink.n = 0;
        sink.n_lost = 0;
        sink.is_writing = true;
        pthread_mutex_unlock(&sink.lock);
        must_end |= write_all(w, first, n_lost);
        pthread_mutex_lock(&sink.lock);
        sink.is_writing = false;
        pthread_cond_broadcast(&sink.done);
    }
    pthread_mutex_unlock(&sink.lock);
    log_writer_free(w);
    return NULL;
}

/* ---- what is there without a configuration */

/* systemd tells the services whose standard error is the journal which file that is. */
static bool stderr_is_the_journal(void)
{
    const char *told = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    return told && sscanf(told, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

static struct log_target own_target(void)
{
    struct log_target t = {.style = LOG_STYLE_OWN,
                           .facility = SYSLOG_DAEMON,
                           .map_level = -1,
                           .path = "stderr",
                           .time_format = "%H:%M:%S",
                           .time_digits = 3,
                           .flushes_lines = true};
    t.kind = !sink.o.is_foreground ? LOG_TO_SYSLOG : stderr_is_the_journal() ? LOG_TO_JOURNAL : LOG_TO_FILE;
    memset(t.levels.of, log_level_number(sink.o.most_verbose), sizeof(t.levels.of));
    if (sink.o.most_verbose == LOG_NOTICE) /* a line on each message is for those who ask for it */
        t.levels.of[GROUP_ENC] = t.levels.of[GROUP_NET] = 0;
    return t;
}

/* Stock files of strongSwan's name the journal, also where there is none. */
static bool is_there(const struct log_target *t)
{
    return t->kind != LOG_TO_JOURNAL ||
           access(sink.o.journal_socket ? sink.o.journal_socket : JOURNAL_SOCKET, F_OK) == 0;
}

/* Does it take the place of what is there without a configuration? A logfile of Libreswan's and the journal's
 * own section do of the journal, everything does of syslog. */
static bool replaces(const struct log_target *t, const struct log_target *own)
{
    if (own->kind == LOG_TO_SYSLOG)
        return true;
    if (own->kind == LOG_TO_JOURNAL)
        return t->kind == LOG_TO_JOURNAL || t->style == LOG_STYLE_PLUTO;
    return t->kind == LOG_TO_FILE && strcmp(t->path, own->path) == 0;
}

struct log_targets *log_targets_new(void)
{
    struct arena *a = arena_new(1u << 20);
    struct log_targets *t = arena_alloc(a, sizeof(*t));
    t->arena = a;
    return t;
}

void log_targets_free(struct log_targets *t)
{
    if (t)
        arena_free(t->arena);
}

static void add_target(struct log_targets *t, const struct log_target *from)
{
    struct log_target *to = &t->v[t->n++];
    *to = *from;
    to->path = from->path ? arena_strdup(t->arena, from->path) : NULL;
    to->time_format = from->time_format ? arena_strdup(t->arena, from->time_format) : NULL;
}

static struct log_targets *targets_of(const struct logging *l)
{
    struct log_targets *t = log_targets_new();
    struct log_target own = own_target();
    t->v = arena_calloc(t->arena, l->n + 1, sizeof(*t->v));
    t->identifier = arena_strdup(t->arena, l->identifier ? l->identifier : "keywayd");
    t->syslog_socket = sink.o.syslog_socket;
    t->journal_socket = sink.o.journal_socket;
    t->own_limit = l->has_levels ? LOG_TRACE : sink.o.most_verbose;
    if (l->has_levels)
        own.levels = l->levels;
    bool has_own = true;
    for (size_t i = 0; i < l->n; i++)
        has_own &= !is_there(&l->v[i]) || !replaces(&l->v[i], &own);
    if (has_own)
        add_target(t, &own);
    for (size_t i = 0; i < l->n; i++) {
        if (is_there(&l->v[i]))
            add_target(t, &l->v[i]);
    }
    return t;
}

static struct log_targets *targets_copy(const struct log_targets *from)
{
    struct log_targets *t = log_targets_new();
    struct arena *a = t->arena;
    *t = *from;
    t->arena = a;
    t->n = 0;
    t->v = arena_calloc(a, from->n + 1, sizeof(*t->v));
    t->identifier = arena_strdup(a, from->identifier);
    for (size_t i = 0; i < from->n; i++)
        add_target(t, &from->v[i]);
    return t;
}

/* ---- settings */

static int most_of(const struct log_targets *t, enum log_group g)
{
    int most = -1;
    for (size_t i = 0; i < t->n; i++)
        most = t->v[i].levels.of[g] > most ? t->v[i].levels.of[g] : most;
    return most;
}

static void set_wanted(const struct log_targets *t)
{
    struct log_levels made;
    for (int g = 0; g < LOG_GROUPS; g++) {
        int most = t->is_final ? most_of(t, (enum log_group)g) : EARLY_LEVEL;
        int clients = !sink.has_clients ? -1 : g == GROUP_ENC || g == GROUP_NET ? VICI_LEVEL_ENC : VICI_LEVEL;
        atomic_store(&sink.wanted[g], (int8_t)most);
        made.of[g] = (int8_t)(most > clients ? most : clients);
    }
    log_set_levels(&made);
}

/* The targets are taken; the writer gets a copy. */
static void use(struct log_targets *t)
{
    log_targets_free(sink.targets);
    sink.targets = t;
    set_wanted(t);
    enqueue_order(ORDER_CHANGE, targets_copy(t));
}

void logsink_apply(const struct logging *l)
{
    struct log_targets *t = targets_of(l);
    if (!sink.is_started) {
        log_targets_free(t);
        return;
    }
    t->is_final = true;
    log_targets_free(sink.configured);
    sink.configured = targets_copy(t);
    atomic_store(&sink.hides_addresses, l->hides_addresses);
    use(t);
}

static void change_level(enum log_group group, int level, bool only_up)
{
    if (!sink.is_started)
        return;
    struct log_targets *t = targets_copy(sink.targets);
    for (size_t i = 0; i < t->n; i++) {
        for (int g = 0; g < LOG_GROUPS; g++) {
            int8_t *now = &t->v[i].levels.of[g];
            if ((group == LOG_GROUPS || g == (int)group) && (!only_up || *now < level))
                *now = (int8_t)level;
        }
    }
    t->own_limit = LOG_TRACE;
    use(t);
}

void logsink_set_level(enum log_group group, int level)
{
    change_level(group, level, false);
}

void logsink_raise_level(enum log_group group, int level)
{
    change_level(group, level, true);
}

void logsink_restore_levels(void)
{
    if (sink.is_started && sink.configured)
        use(targets_copy(sink.configured));
}

void logsink_expect_clients(bool are_there)
{
    sink.has_clients = are_there;
    if (sink.is_started)
        set_wanted(sink.targets);
}

void logsink_watch(log_sink *watcher, void *ctx)
{
    sink.watcher = watcher;
    sink.watcher_ctx = ctx;
}

void logsink_levels(struct log_levels *out)
{
    for (int g = 0; g < LOG_GROUPS; g++)
        out->of[g] = (int8_t)(sink.is_started ? most_of(sink.targets, (enum log_group)g) : -1);
}

void logsink_reopen(void)
{
    if (sink.is_started)
        enqueue_order(ORDER_REOPEN, NULL);
}

/* ---- start and end */

void logsink_start(const struct logsink_options *o)
{
    sigset_t all, was;
    thread_number();
    sink.o = *o;
    sink.end = &sink.first;
    sink.is_started = true;
    atomic_store(&sink.hides_addresses, false);
    clock_cond_init(&sink.done);
    struct log_targets *t = targets_of(&(struct logging){0});
    if (!o->is_foreground) /* not before it is known whether it is syslog */
        t->n = 0;
    log_set_sink(on_line, NULL, LOG_TRACE);
    use(t);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    sink.has_thread = pthread_create(&sink.thread, NULL, writer_run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &was, NULL);
}

static struct timespec after_ms(unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

bool logsink_flush(unsigned ms)
{
    struct timespec until = after_ms(ms);
    int err = 0;
    pthread_mutex_lock(&sink.lock);
    while ((sink.first || sink.is_writing) && !err)
        err = pthread_cond_timedwait(&sink.done, &sink.lock, &until);
    pthread_mutex_unlock(&sink.lock);
    return !err;
}

void logsink_stop(void)
{
    struct timespec until = after_ms(STOP_SECONDS * 1000);
    if (!sink.is_started)
        return;
    if (!sink.targets->is_final)
        logsink_apply(&(struct logging){0});
    log_set_sink(NULL, NULL, LOG_ERR);
    enqueue_order(ORDER_END, NULL);
    /* stuck in a write: it is left there, with what it has */
    if (!sink.has_thread || pthread_clockjoin_np(sink.thread, NULL, CLOCK_MONOTONIC, &until) != 0)
        return;
    log_targets_free(sink.targets);
    log_targets_free(sink.configured);
    sink.targets = sink.configured = NULL;
    sink.is_started = false;
}
