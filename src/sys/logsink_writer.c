/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of log lines: files, /dev/log, the journal's socket. It may wait for a disk; a socket or a pipe
 * that takes nothing more loses lines, and so does a full disk: how many stands where they are missing. */
#include "sys/logsink_impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BUF_BYTES     16384
#define LINE_BYTES    4096 /* a line of 1024 in JSON, where bytes may be six characters */
#define EARLY_MAX     2000
#define RETRY_SECONDS 1

struct out {
    struct log_target t;
    int fd;
    bool was_opened; /* in this run: what is there is ours */
    bool is_failing; /* and that has been told */
    bool is_new;     /* since the last change of targets */
    uint64_t n_lost;
    time_t retry_at;
    size_t len, n_lines; /* in buf */
    char buf[BUF_BYTES];
};

struct log_writer {
    struct log_targets *targets;
    struct out *v[LOG_TARGETS_MAX + 1];
    size_t n;
    struct log_queued *early, **early_end;
    size_t n_early;
};

struct log_writer *log_writer_new(void)
{
    struct log_writer *w = mem_new(sizeof(*w));
    w->early_end = &w->early;
    return w;
}

/* ---- opening */

static int standard_stream(const struct out *o)
{
    if (o->t.kind != LOG_TO_FILE)
        return -1;
    if (strcmp(o->t.path, "stderr") == 0)
        return STDERR_FILENO;
    return strcmp(o->t.path, "stdout") == 0 ? STDOUT_FILENO : -1;
}

static void out_close(struct out *o)
{
    if (o->fd >= 0 && standard_stream(o) < 0)
        close(o->fd);
    o->fd = -1;
}

static const char *place_of(const struct log_writer *w, const struct out *o)
{
    switch (o->t.kind) {
    case LOG_TO_FILE:
        return o->t.path;
    case LOG_TO_SYSLOG:
        return w->targets->syslog_socket ? w->targets->syslog_socket : SYSLOG_SOCKET;
    case LOG_TO_JOURNAL:
        return w->targets->journal_socket ? w->targets->journal_socket : JOURNAL_SOCKET;
    }
    return "";
}

/* Not to wait for who should read a pipe. */
static int open_file(const struct out *o)
{
    int stream = standard_stream(o);
    if (stream >= 0)
        return stream;
    bool cuts = !o->t.appends && !o->was_opened;
    return open(o->t.path,
                O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (cuts ? O_TRUNC : 0),
                0640);
}

static int open_socket(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(to.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

/* Once, until it works again: in the other targets, and here when it does. */
static void tell_failure(const struct log_writer *w, struct out *o, const char *what, int err)
{
    if (!o->is_failing)
        log_line(GROUP_DMN, LOG_ERR, "%s %s for logging failed: %s", what, place_of(w, o), strerror(err));
    o->is_failing = true;
}

static bool out_open(const struct log_writer *w, struct out *o, time_t now)
{
    if (o->fd >= 0)
        return true;
    if (o->retry_at > now && o->retry_at <= now + RETRY_SECONDS)
        return false;
    o->fd = o->t.kind == LOG_TO_FILE ? open_file(o) : open_socket(place_of(w, o));
    if (o->fd < 0) {
        o->retry_at = now + RETRY_SECONDS;
        tell_failure(w, o, "opening", errno);
        return false;
    }
    o->was_opened = true;
    return true;
}

/* ---- writing */

/* A standard stream may be a terminal or a pipe of others, whose flags are not ours: it is waited for. */
static bool write_all(int fd, const char *at, size_t len)
{
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static void out_flush(const struct log_writer *w, struct out *o)
{
    if (!o->len)
        return;
    if (o->fd >= 0 && write_all(o->fd, o->buf, o->len)) {
        o->is_failing = false;
    } else {
        if (o->fd >= 0)
            tell_failure(w, o, "writing", errno);
        o->n_lost += o->n_lines;
    }
    o->len = o->n_lines = 0;
}

static void put_lost(struct out *o, const struct log_record *r)
{
    char text[64];
    struct text t = {.buf = o->buf + o->len, .cap = sizeof(o->buf) - o->len};
    struct log_record lost = {
        .time = r->time, .e = {.group = GROUP_DMN, .level = LOG_WARN, .text = text}
    };
    snprintf(text, sizeof(text), "%llu lines could not be written", (unsigned long long)o->n_lost);
    if (o->t.kind == LOG_TO_FILE && !o->t.is_json) /* the last one may be there in part */
        text_str(&t, "\n");
    logformat_line(&t, &o->t, &lost);
    o->len += t.len;
    o->n_lines += o->n_lost; /* lost again, should this be */
    o->n_lost = 0;
}

static void put_in_file(const struct log_writer *w, struct out *o, const struct log_record *r)
{
    if (sizeof(o->buf) - o->len < (size_t)2 * LINE_BYTES)
        out_flush(w, o);
    if (o->n_lost && !o->len)
        put_lost(o, r);
    struct text t = {.buf = o->buf + o->len, .cap = sizeof(o->buf) - o->len};
    logformat_line(&t, &o->t, r);
    o->len += t.len;
    o->n_lines++;
    if (o->t.flushes_lines)
        out_flush(w, o);
}

/* Who listens there may have been started anew: once more, on a new socket. */
static void put_in_socket(const struct log_writer *w, struct out *o, const struct log_record *r)
{
    char buf[LINE_BYTES] = "";
    struct text t = TEXT_ON(buf);
    if (o->t.kind == LOG_TO_SYSLOG)
        logformat_syslog(&t, &o->t, w->targets->identifier, r);
    else
        logformat_journal(&t, r);
    for (int tries = 0; tries < 2; tries++) {
        if (!out_open(w, o, r->time.tv_sec))
            return;
        if (send(o->fd, buf, t.len, MSG_NOSIGNAL) >= 0) {
            o->is_failing = false;
            return;
        }
        if (errno == EAGAIN || errno == ENOBUFS) /* full: this line is lost */
            return;
        if (tries)
            tell_failure(w, o, "writing to", errno);
        out_close(o);
    }
}

static bool shows(const struct log_writer *w, const struct out *o, const struct log_entry *e)
{
    return log_level_number(e->level) <= o->t.levels.of[e->group] &&
           (o->t.style != LOG_STYLE_OWN || e->level <= w->targets->own_limit);
}

static void out_put(const struct log_writer *w, struct out *o, const struct log_record *r)
{
    if (!shows(w, o, &r->e))
        return;
    if (o->t.kind != LOG_TO_FILE)
        put_in_socket(w, o, r);
    else if (out_open(w, o, r->time.tv_sec))
        put_in_file(w, o, r);
    else
        o->n_lost++;
}

static void keep_early(struct log_writer *w, struct log_queued *q)
{
    if (w->n_early == EARLY_MAX) {
        free(q);
        return;
    }
    *w->early_end = q;
    w->early_end = &q->next;
    w->n_early++;
}

void log_writer_put(struct log_writer *w, struct log_queued *q)
{
    for (size_t i = 0; i < w->n; i++)
        out_put(w, w->v[i], &q->r);
    if (w->targets && w->targets->is_final)
        free(q);
    else
        keep_early(w, q);
}

void log_writer_flush(struct log_writer *w)
{
    for (size_t i = 0; i < w->n; i++)
        out_flush(w, w->v[i]);
}

void log_writer_reopen(struct log_writer *w)
{
    log_writer_flush(w);
    for (size_t i = 0; i < w->n; i++) {
        out_close(w->v[i]);
        w->v[i]->retry_at = 0;
        out_open(w, w->v[i], 0);
    }
}

/* ---- other targets */

static bool is_same_place(const struct log_target *a, const struct log_target *b)
{
    if (a->kind != b->kind || a->style != b->style)
        return false;
    return a->kind == LOG_TO_FILE ? strcmp(a->path, b->path) == 0 : a->facility == b->facility;
}

/* Of the outs that are there, or a new one. */
static struct out *out_for(struct log_writer *w, const struct log_target *t)
{
    for (size_t i = 0; i < w->n; i++) {
        struct out *o = w->v[i];
        if (o && is_same_place(&o->t, t)) {
            w->v[i] = NULL;
            o->t = *t;
            o->is_new = false;
            return o;
        }
    }
    struct out *o = mem_new(sizeof(*o));
    o->t = *t;
    o->fd = -1;
    o->is_new = true;
    return o;
}

static void free_outs(struct log_writer *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->v[i])
            out_close(w->v[i]);
        free(w->v[i]);
    }
    w->n = 0;
}

static void free_early(struct log_writer *w)
{
    while (w->early) {
        struct log_queued *q = w->early;
        w->early = q->next;
        free(q);
    }
    w->early_end = &w->early;
    w->n_early = 0;
}

void log_writer_change(struct log_writer *w, struct log_targets *t)
{
    struct out *v[LOG_TARGETS_MAX + 1];
    size_t n = t->n < ARRAY_LEN(v) ? t->n : ARRAY_LEN(v);
    for (size_t i = 0; i < n; i++)
        v[i] = out_for(w, &t->v[i]);
    free_outs(w); /* those that are not named any more */
    log_targets_free(w->targets);
    w->targets = t;
    w->n = n;
    memcpy(w->v, v, sizeof(v));
    for (size_t i = 0; i < n; i++)
        out_open(w, v[i], 0);
    if (!t->is_final)
        return;
    for (const struct log_queued *q = w->early; q; q = q->next) {
        for (size_t i = 0; i < n; i++) {
            if (v[i]->is_new)
                out_put(w, v[i], &q->r);
        }
    }
    free_early(w);
}

void log_writer_free(struct log_writer *w)
{
    log_writer_flush(w);
    free_outs(w);
    free_early(w);
    log_targets_free(w->targets);
    free(w);
}
