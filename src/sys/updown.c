/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of updown commands and their processes: see updown.h. A command is a session of its own, so that
 * killing it kills what it has started; its standard input is empty, its output goes to the log line by
 * line. It ends when its shell does: a helper that it leaves in the background is not waited for. */
#include "sys/updown.h"
#include "base/list.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256
#define LINES_MAX      32 /* of one command's output that are logged */
#define RUN_ARENA      (64u << 10)
#define GROUP_ARENA    (8u << 10)

/* One event, which may be several commands. */
struct group {
    struct arena *arena; /* strings below */
    struct updown u;     /* without lists of addresses */
    unsigned refs;
    bool is_silent; /* its end is of no interest any more */
    const char *failure;
    struct list link; /* of those that are over and not told yet */
};

struct run {
    struct list link; /* waiting or running */
    struct group *group;
    struct updown_runner *owner;
    struct arena *arena; /* strings below */
    const char *command, *name, *verb;
    char **env;
    char *key; /* runs with the same one go in order */
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t timer;
    bool is_output_open;
    unsigned handles; /* not closed yet */
    unsigned lines;
    size_t line_len;
    char line[LINE_MAX_BYTES], buf[1024];
};

struct updown_runner {
    uv_loop_t *uv;
    struct updown_options o;
    struct list waiting, running;
    size_t n_waiting, n_running;
    bool is_closed, is_late;
    uv_timer_t timer; /* of updown_finish() */
    uv_timer_t teller;
    struct list over;
    unsigned handles;
};

static void start_waiting(struct updown_runner *r);

/* ---- events */

static struct group *group_new(const struct updown *u)
{
    struct group *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    g->arena = arena_new(GROUP_ARENA);
    g->u = (struct updown){.style = u->style,
                           .verb = u->verb,
                           .token = u->token,
                           .reqid = u->reqid,
                           .ike_id = u->ike_id,
                           .connection = arena_strdup(g->arena, u->connection),
                           .where = u->where ? arena_strdup(g->arena, u->where) : NULL};
    return g;
}

/* Told from the loop itself: who asks for a command is in the middle of something. */
static void on_over(uv_timer_t *timer)
{
    struct updown_runner *r = timer->data;
    while (!list_empty(&r->over)) {
        struct group *g = container_of(r->over.next, struct group, link);
        list_remove(&g->link);
        if (r->o.ended && !r->is_closed)
            r->o.ended(r->o.ctx, &g->u, g->failure);
        arena_free(g->arena);
        free(g);
    }
}

static bool decides(const struct group *g)
{
    return g->u.style == UPDOWN_LIBRESWAN && g->u.ike_id &&
           (g->u.verb == UPDOWN_UP || g->u.verb == UPDOWN_ROUTE);
}

static void group_drop(struct updown_runner *r, struct group *g)
{
    if (--g->refs)
        return;
    if (decides(g) && !g->is_silent) {
        list_append(&r->over, &g->link);
        uv_timer_start(&r->teller, on_over, 0, 0);
        return;
    }
    arena_free(g->arena);
    free(g);
}

static void run_free(struct run *run)
{
    arena_free(run->arena);
    free(run);
}

/* What a failed child was still to hear: it does not come up. */
static void forget_rest(struct updown_runner *r, const struct group *g)
{
    struct run *run;
    list_each(run, &r->waiting, link)
    {
        if (run->group->u.token != g->u.token || run->group->u.verb > UPDOWN_UP)
            continue;
        list_remove(&run->link);
        r->n_waiting--;
        run->group->is_silent = run->group != g;
        group_drop(r, run->group);
        run_free(run);
    }
}

static void fail_group(struct updown_runner *r, struct group *g, const char *failure)
{
    if (!decides(g) || r->is_closed || g->failure)
        return;
    g->failure = arena_strdup(g->arena, failure);
    forget_rest(r, g);
}

/* ---- output */

static void log_output_line(struct run *run)
{
    for (size_t i = 0; i < run->line_len; i++) {
        if ((unsigned char)run->line[i] < 0x20 || run->line[i] == 0x7f)
            run->line[i] = '?';
    }
    if (run->line_len && run->lines < LINES_MAX)
        log_line(GROUP_CHD, LOG_NOTICE, "%s: updown: %.*s", run->name, (int)run->line_len, run->line);
    if (run->line_len && run->lines++ == LINES_MAX)
        log_line(GROUP_CHD, LOG_NOTICE, "%s: updown: more output is not logged", run->name);
    run->line_len = 0;
}

static void take_output(struct run *run, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n' || run->line_len == sizeof(run->line))
            log_output_line(run);
        if (bytes[i] != '\n')
            run->line[run->line_len++] = bytes[i];
    }
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct run *run = h->data;
    (void)suggested;
    *out = uv_buf_init(run->buf, sizeof(run->buf));
}

static void on_output(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    if (n > 0)
        take_output(s->data, buf->base, (size_t)n);
    if (n < 0)
        uv_read_stop(s);
}

/* What the shell wrote just before it ended; bounded, as a helper in the background may write for ever. */
static void drain_output(struct run *run)
{
    uv_os_fd_t fd;
    if (!run->is_output_open || uv_fileno((uv_handle_t *)&run->output, &fd) < 0)
        return;
    for (int i = 0; i < 64; i++) {
        ssize_t n = read(fd, run->buf, sizeof(run->buf));
        if (n <= 0)
            break;
        take_output(run, run->buf, (size_t)n);
    }
    log_output_line(run);
}

/* ---- one command */

static void on_closed(uv_handle_t *h)
{
    struct run *run = h->data;
    if (--run->handles)
        return;
    run_free(run);
}

static void end(struct run *run)
{
    struct updown_runner *r = run->owner;
    list_remove(&run->link);
    r->n_running--;
    if (run->is_output_open)
        uv_close((uv_handle_t *)&run->output, on_closed);
    uv_close((uv_handle_t *)&run->timer, on_closed);
    uv_close((uv_handle_t *)&run->process, on_closed);
    group_drop(r, run->group);
}

/* What its shell says of a command that is not there, or that cannot be run. */
static bool is_missing(int64_t status)
{
    return status == 127 || status == 126;
}

static const char *ended_text(int64_t status, int sig, char *out, size_t cap)
{
    if (sig)
        snprintf(out, cap, "was ended by signal %d", sig);
    else
        snprintf(out, cap, "ended with status %lld", (long long)status);
    return out;
}

static void on_exit_of(uv_process_t *process, int64_t status, int sig)
{
    struct run *run = process->data;
    struct updown_runner *r = run->owner;
    char text[64];
    const char *where = run->group->u.where;
    drain_output(run);
    if (sig || status)
        log_line(GROUP_CHD, LOG_WARN, "%s: updown command (%s) %s", run->name, run->verb,
                 ended_text(status, sig, text, sizeof(text)));
    if (!sig && is_missing(status))
        log_line(GROUP_CHD, LOG_ERR, "%s: updown%s%s: '%.200s' cannot be run: %s", run->name,
                 where ? ", " : "", where ? where : "", run->command,
                 status == 127 ? "it, or a part of it, is not there" : "it is not executable");
    if (sig || status)
        fail_group(r, run->group, ended_text(status, sig, text, sizeof(text)));
    end(run);
    start_waiting(r);
}

static void kill_run(struct run *run, int sig)
{
    if (run->process.pid > 0)
        kill(-run->process.pid, sig); /* it leads a session, and so a group, of its own */
}

static void on_grace_over(uv_timer_t *timer)
{
    struct run *run = timer->data;
    log_line(GROUP_CHD, LOG_WARN, "%s: updown command (%s) is killed: it does not heed being told to end",
             run->name, run->verb);
    kill_run(run, SIGKILL);
}

static void on_timeout(uv_timer_t *timer)
{
    struct run *run = timer->data;
    log_line(GROUP_CHD, LOG_WARN, "%s: updown command (%s) is told to end: it did not within %u s", run->name,
             run->verb, run->owner->o.timeout_ms / 1000);
    kill_run(run, SIGTERM);
    uv_timer_start(timer, on_grace_over, run->owner->o.grace_ms, 0);
}

static bool open_output(struct run *run, int *write_end)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return false;
    uv_pipe_init(run->owner->uv, &run->output, 0);
    run->output.data = run;
    run->handles++;
    run->is_output_open = true;
    if (uv_pipe_open(&run->output, fds[0]) < 0)
        close(fds[0]);
    else
        uv_read_start((uv_stream_t *)&run->output, on_alloc, on_output);
    *write_end = fds[1];
    return true;
}

/* Where it cannot be, others may have been taken off the queue. */
static void start(struct run *run)
{
    struct updown_runner *r = run->owner;
    char *args[] = {"/bin/sh", "-c", (char *)run->command, NULL};
    int out = -1;
    bool has_output = open_output(run, &out);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        { .flags = has_output ? UV_INHERIT_FD : UV_IGNORE,    .data.fd = out},
        { .flags = has_output ? UV_INHERIT_FD : UV_IGNORE,    .data.fd = out},
    };
    uv_process_options_t o = {.file = args[0],
                              .args = args,
                              .env = run->env,
                              .cwd = "/",
                              .flags = UV_PROCESS_DETACHED,
                              .stdio_count = 3,
                              .stdio = stdio,
                              .exit_cb = on_exit_of};
    uv_timer_init(r->uv, &run->timer);
    run->handles += 2;
    run->timer.data = run->process.data = run;
    list_append(&r->running, &run->link);
    r->n_running++;
    int err = uv_spawn(r->uv, &run->process, &o);
    if (out >= 0)
        close(out);
    if (err < 0) {
        log_line(GROUP_CHD, LOG_ERR, "%s: cannot run the updown command (%s): %s", run->name, run->verb,
                 uv_strerror(err));
        run->process.pid = 0;
        fail_group(r, run->group, uv_strerror(err));
        end(run);
        return;
    }
    log_line(GROUP_CHD, LOG_DETAIL, "%s: updown command (%s) runs as process %d", run->name, run->verb,
             run->process.pid);
    uv_timer_start(&run->timer, on_timeout, r->o.timeout_ms, 0);
}

/* ---- the queue */

static bool is_busy(const struct updown_runner *r, const char *key)
{
    const struct run *run;
    list_each(run, &r->running, link)
    {
        if (strcmp(run->key, key) == 0)
            return true;
    }
    return false;
}

/* In order for each key: a run that has to wait holds back all later ones of its key, because they find the
 * same one running. False when there is none that may begin. */
static bool start_one(struct updown_runner *r)
{
    struct run *run;
    list_each(run, &r->waiting, link)
    {
        if (is_busy(r, run->key))
            continue;
        list_remove(&run->link);
        r->n_waiting--;
        start(run);
        return true;
    }
    return false;
}

static void start_waiting(struct updown_runner *r)
{
    while (!r->is_closed && r->n_running < r->o.max_running && start_one(r))
        continue;
}

static void queue(struct updown_runner *r, struct group *g, const struct updown *u,
                  const struct updown_pair *p, const struct updown_ways *w)
{
    struct run *run = calloc(1, sizeof(*run));
    if (!run)
        abort();
    run->owner = r;
    run->arena = arena_new(RUN_ARENA);
    run->command = arena_strdup(run->arena, u->command);
    run->name = arena_strdup(run->arena, u->connection);
    run->verb = updown_full_verb(run->arena, u, p);
    run->group = g;
    run->key = arena_printf(run->arena, "%u", u->reqid);
    run->env = updown_env(run->arena, u, p, w);
    if (arena_failed(run->arena)) { /* a command of 64 kB */
        log_line(GROUP_CHD, LOG_ERR, "%s: the updown command is too long", u->connection);
        run_free(run);
        return;
    }
    g->refs++;
    list_append(&r->waiting, &run->link);
    r->n_waiting++;
}

static void queue_all(struct updown_runner *r, struct group *g, const struct updown *u)
{
    struct updown_pair pairs[UPDOWN_PAIRS_MAX];
    struct updown_ways ways = {.device = r->o.device};
    size_t n;
    if (!updown_pairs(u, pairs, &n))
        log_line(GROUP_CHD, LOG_WARN,
                 "%s: more than %d pairs of selectors: the updown command hears of the first %zu",
                 u->connection, UPDOWN_PAIRS_MAX, n);
    if (r->n_waiting + n > r->o.max_waiting) {
        log_line(GROUP_CHD, LOG_ERR, "%s: %zu updown commands wait already: this one (%s) is not run",
                 u->connection, r->n_waiting, updown_verb_name(u->verb));
        return;
    }
    updown_ways(u->local.ip, u->remote.ip, &ways);
    for (size_t i = 0; i < n; i++)
        queue(r, g, u, &pairs[i], &ways);
}

void updown_run(struct updown_runner *r, const struct updown *u)
{
    if (!u->command)
        return;
    struct group *g = group_new(u);
    g->refs = 1; /* until all are in the queue */
    queue_all(r, g, u);
    start_waiting(r);
    group_drop(r, g);
}

struct updown_runner *updown_new(uv_loop_t *uv, const struct updown_options *o)
{
    struct updown_runner *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->uv = uv;
    r->o = o ? *o : (struct updown_options){0};
    r->o.max_running = r->o.max_running ? r->o.max_running : 8;
    r->o.max_waiting = r->o.max_waiting ? r->o.max_waiting : 32768;
    r->o.timeout_ms = r->o.timeout_ms ? r->o.timeout_ms : 60000;
    r->o.grace_ms = r->o.grace_ms ? r->o.grace_ms : 5000;
    r->o.device = r->o.device ? r->o.device : "kw0";
    list_init(&r->waiting);
    list_init(&r->running);
    list_init(&r->over);
    uv_timer_init(uv, &r->timer);
    uv_timer_init(uv, &r->teller);
    r->timer.data = r->teller.data = r;
    r->handles = 2;
    return r;
}

size_t updown_pending(const struct updown_runner *r)
{
    return r->n_waiting + r->n_running;
}

static void on_too_late(uv_timer_t *timer)
{
    struct updown_runner *r = timer->data;
    r->is_late = true;
}

static void give_up(struct updown_runner *r)
{
    struct run *run;
    log_line(GROUP_CHD, LOG_WARN, "updown: %zu commands are killed and %zu not run: the daemon ends",
             r->n_running, r->n_waiting);
    r->is_closed = true;
    list_each(run, &r->waiting, link)
    {
        list_remove(&run->link);
        group_drop(r, run->group);
        run_free(run);
    }
    r->n_waiting = 0;
    list_each(run, &r->running, link) kill_run(run, SIGKILL);
    while (r->n_running)
        uv_run(r->uv, UV_RUN_ONCE);
}

void updown_finish(struct updown_runner *r, unsigned ms)
{
    r->is_late = false;
    uv_update_time(r->uv);
    uv_timer_start(&r->timer, on_too_late, ms, 0);
    while (updown_pending(r) && !r->is_late)
        uv_run(r->uv, UV_RUN_ONCE);
    uv_timer_stop(&r->timer);
    if (updown_pending(r))
        give_up(r);
}

static void on_runner_closed(uv_handle_t *h)
{
    struct updown_runner *r = h->data;
    if (--r->handles == 0)
        free(r);
}

void updown_free(struct updown_runner *r)
{
    if (!r)
        return;
    r->is_closed = true;
    on_over(&r->teller);
    uv_close((uv_handle_t *)&r->timer, on_runner_closed);
    uv_close((uv_handle_t *)&r->teller, on_runner_closed);
}
