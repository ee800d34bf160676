/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: options, the lock on its run directory, the control loop, and the vici service on its sockets.
 */
#include "ctl/server.h"
#include "sys/clock.h"
#include "sys/fwrules.h"
#include "sys/guard.h"
#include "sys/interfaces.h"
#include "sys/lock.h"
#include "sys/logsink.h"
#include "sys/loop.h"
#include "sys/nss_database.h"
#include "sys/route.h"
#include "sys/shunt.h"
#include "sys/stream.h"
#include "sys/vips.h"
#include "sys/xfrm.h"
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    struct loop_options loop;
    enum log_level level;
    bool is_foreground, is_cleanup;
};

struct daemon {
    struct loop *loop;
    struct ctl *ctl;
    struct stream_server *listeners[3]; /* our own, that of the command line, that of the files */
    size_t queued;                      /* for all their clients */
};

/* ---- the vici service's world is the loop, and the loop's listener is the vici service */

static struct time host_now(void *ctx)
{
    (void)ctx;
    return clock_now();
}

static const struct engine *host_engine(void *ctx)
{
    struct daemon *d = ctx;
    loop_apply_overlay(d->loop);
    return loop_engine(d->loop);
}

static void host_command(void *ctx, const struct command *c)
{
    struct daemon *d = ctx;
    loop_command(d->loop, c);
    loop_rearm(d->loop); /* its time limit */
}

static void host_reload(void *ctx, uint64_t token)
{
    loop_reload(((struct daemon *)ctx)->loop, token);
}

static void host_reload_settings(void *ctx, uint64_t token)
{
    loop_reload_settings(((struct daemon *)ctx)->loop, token);
}

static void host_build(void *ctx, uint64_t token, struct conf_item *item)
{
    loop_build(((struct daemon *)ctx)->loop, token, item);
}

static const struct overlay *host_overlay(void *ctx)
{
    return loop_overlay(((struct daemon *)ctx)->loop);
}

static bool host_put(void *ctx, enum conf_item_kind kind, const char *name, struct config *part)
{
    return loop_put(((struct daemon *)ctx)->loop, kind, name, part);
}

static bool host_remove(void *ctx, enum conf_item_kind kind, const char *name)
{
    return loop_remove(((struct daemon *)ctx)->loop, kind, name);
}

static void host_clear_credentials(void *ctx)
{
    loop_clear_credentials(((struct daemon *)ctx)->loop);
}

static enum choice host_choose(void *ctx, const char *connection, enum choice what)
{
    return loop_choose(((struct daemon *)ctx)->loop, connection, what);
}

static void host_write(void *ctx, void *handle, struct span bytes)
{
    (void)ctx;
    stream_write(handle, bytes);
}

static size_t host_queued(void *ctx, void *handle)
{
    (void)ctx;
    return stream_queued(handle);
}

static void host_close(void *ctx, void *handle)
{
    (void)ctx;
    stream_close(handle);
}

static unsigned host_flush(void *ctx, bool crls, bool ocsps)
{
    return loop_flush(((struct daemon *)ctx)->loop, crls, ocsps);
}

static const char *planes_name(const struct planes *p)
{
    return !p->has_kernel ? "user" : p->has_user ? "kernel and user" : "kernel";
}

static void host_numbers(void *ctx, struct ctl_numbers *out)
{
    static struct loop_numbers n;
    static const char *drop_names[DROP_REASONS];
    for (int i = 0; i < DROP_REASONS; i++)
        drop_names[i] = esp_drop_name((enum esp_drop)i);
    struct mallinfo2 memory = mallinfo2();
    loop_numbers(((struct daemon *)ctx)->loop, &n);
    *out = (struct ctl_numbers){
        .started = n.started,
        .workers = n.workers,
        .working = n.working,
        .dataplane = planes_name(&n.planes),
        .device = n.device,
        .packets_in = n.esp.packets_in,
        .bytes_in = n.esp.bytes_in,
        .packets_out = n.esp.packets_out,
        .bytes_out = n.esp.bytes_out,
        .memory = {memory.arena, memory.hblkhd, memory.uordblks, memory.fordblks},
        .drop_names = drop_names,
        .drops = n.esp.drops,
        .n_drops = DROP_REASONS,
    };
    for (; out->n_moved < n.n_moved && out->n_moved < CTL_MOVED_MAX; out->n_moved++)
        out->moved[out->n_moved] =
            (struct ctl_count){n.moved[out->n_moved].name, n.moved[out->n_moved].value};
}

static unsigned host_tables(void *ctx, struct esp_tables out[CTL_TABLES_MAX])
{
    _Static_assert(LOOP_TABLES_MAX <= CTL_TABLES_MAX, "there is room for all threads");
    return loop_tables(((struct daemon *)ctx)->loop, out);
}

static void host_set_log_level(void *ctx, enum log_group group, int level, bool only_up)
{
    (void)ctx;
    (only_up ? logsink_raise_level : logsink_set_level)(group, level);
}

static void host_restore_log_levels(void *ctx)
{
    (void)ctx;
    logsink_restore_levels();
}

static void host_log_levels(void *ctx, struct log_levels *out)
{
    (void)ctx;
    logsink_levels(out);
}

static void host_log_listeners(void *ctx, bool are_there)
{
    (void)ctx;
    logsink_expect_clients(are_there);
}

static void hook_log(void *ctx, const struct log_entry *e)
{
    ctl_log(((struct daemon *)ctx)->ctl, e);
}

static void hook_event(void *ctx, const struct event *e)
{
    ctl_event(((struct daemon *)ctx)->ctl, e);
}

static void hook_reloaded(void *ctx, uint64_t token, const struct diag *errors, size_t n, size_t connections,
                          const struct config_changes *changes)
{
    ctl_reload_done(((struct daemon *)ctx)->ctl, token, errors, n, connections, changes);
}

static void hook_built(void *ctx, uint64_t token, struct config *part, const struct diag *errors, size_t n)
{
    ctl_built(((struct daemon *)ctx)->ctl, token, part, errors, n);
}

static int64_t hook_deadline(void *ctx)
{
    return ctl_deadline(((struct daemon *)ctx)->ctl);
}

static void hook_tick(void *ctx)
{
    ctl_tick(((struct daemon *)ctx)->ctl);
}

static void *client_opened(void *ctx, struct stream_client *c)
{
    return ctl_open(((struct daemon *)ctx)->ctl, c);
}

static void client_received(void *user, struct span bytes)
{
    ctl_input(user, bytes);
}

static void client_closed(void *user)
{
    ctl_closed(user);
}

/* The two that are asked for beside our own one may be the same. */
static bool is_same(const char *a, const char *b)
{
    const size_t n = strlen("unix://");
    a += strncmp(a, "unix://", n) == 0 ? n : 0;
    b += strncmp(b, "unix://", n) == 0 ? n : 0;
    return strcmp(a, b) == 0;
}

static bool listen_all(struct daemon *d, const struct paths *p, struct diag *diag)
{
    char own[PATH_TEXT_MAX];
    const char *of_files = engine_config(loop_engine(d->loop))->settings.vici_socket;
    const char *where[] = {paths_run(p, "keyway.vici", own), p->vici, of_files};
    struct stream_handler h = {.ctx = d,
                               .opened = client_opened,
                               .received = client_received,
                               .closed = client_closed,
                               .queued = &d->queued};
    for (size_t i = 0; i < ARRAY_LEN(where); i++) {
        bool is_there = false;
        for (size_t k = 0; k < i && where[i]; k++)
            is_there |= where[k] && is_same(where[k], where[i]);
        if (!where[i] || is_there)
            continue;
        d->listeners[i] = stream_listen(loop_uv(d->loop), where[i], 0660, &h, diag);
        if (!d->listeners[i])
            return false;
        if (stream_is_open_to_others(d->listeners[i]))
            log_line(
                GROUP_CFG, LOG_WARN,
                "vici listens on %s: it has no authentication, and whoever reaches it commands this daemon",
                where[i]);
    }
    return true;
}

/* ---- running */

/* What NSS's tools have written into the key store's folder since the last start. */
static void take_nss_database(const struct paths *p)
{
    char folder[PATH_TEXT_MAX], text[1024];
    struct nss_taken t;
    struct diag d;
    bool is_ok = nss_database_take(keystore_folder(p, NULL, folder), p->etc, &t, &d);
    if (!is_ok)
        log_line(GROUP_CFG, LOG_WARN, "the database of NSS's in %s is not taken over: %s", folder,
                 diag_format(&d, text, sizeof(text)));
    else if (t.is_there && !t.has_tools)
        log_line(GROUP_CFG, LOG_WARN, "the database of NSS's in %s is not used; try: ipsec checknss", folder);
    else if (t.is_there)
        log_line(GROUP_CFG, LOG_NOTICE,
                 "taken over from the database of NSS's in %s: keys %zu, certificates %zu, left %zu", folder,
                 t.n_keys, t.n_certs, t.n_left);
}

/* ready: told once all is open; the parent of a daemon in the background waits for it. */
static bool run(const struct options *o, void (*ready)(void), struct diag *diag)
{
    struct ctl_host host = {
        .now = host_now,
        .engine = host_engine,
        .command = host_command,
        .reload = host_reload,
        .reload_settings = host_reload_settings,
        .build = host_build,
        .overlay = host_overlay,
        .put = host_put,
        .remove = host_remove,
        .clear_credentials = host_clear_credentials,
        .choose = host_choose,
        .write = host_write,
        .queued = host_queued,
        .close = host_close,
        .numbers = host_numbers,
        .tables = host_tables,
        .flush = host_flush,
        .set_log_level = host_set_log_level,
        .restore_log_levels = host_restore_log_levels,
        .log_levels = host_log_levels,
        .log_listeners = host_log_listeners,
    };
    struct daemon d = {0};
    guard_memory();
    take_nss_database(&o->loop.paths);
    d.loop = loop_new(&o->loop, diag);
    if (!d.loop)
        return false;
    host.ctx = &d;
    d.ctl = ctl_new(&host);
    struct loop_hooks hooks = {.ctx = &d,
                               .event = hook_event,
                               .reloaded = hook_reloaded,
                               .built = hook_built,
                               .deadline = hook_deadline,
                               .tick = hook_tick};
    loop_set_hooks(d.loop, &hooks);
    logsink_watch(hook_log, &d);
    bool ok = listen_all(&d, &o->loop.paths, diag);
    if (ok) {
        ready();
        loop_run(d.loop);
        service_notify("STOPPING=1");
        log_line(GROUP_DMN, LOG_NOTICE, "stopped");
    }
    logsink_watch(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(d.listeners); i++)
        stream_stop(d.listeners[i]);
    loop_free(d.loop);
    ctl_free(d.ctl);
    return ok;
}

static int ready_pipe = -1;

static void ready_to_service(void)
{
    log_line(GROUP_DMN, LOG_NOTICE, "keywayd %s is ready", KEYWAY_VERSION);
    service_notify("READY=1");
    if (ready_pipe >= 0) {
        uint8_t ok = 0;
        ssize_t n = write(ready_pipe, &ok, 1);
        (void)n;
        close(ready_pipe);
        ready_pipe = -1;
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd <= 2 && null >= 0; fd++)
            dup2(null, fd);
        if (null > 2)
            close(null);
    }
}

static void explain(const struct diag *d)
{
    char text[1024];
    fprintf(stderr, "keywayd: %s\n", diag_format(d, text, sizeof(text)));
}

/* In the background the parent leaves when the child is ready, or with the child's exit code. */
static void go_to_background(void)
{
    int fds[2];
    if (pipe(fds) < 0)
        return;
    pid_t child = fork();
    if (child > 0) {
        uint8_t code = FAIL_GENERIC;
        close(fds[1]);
        ssize_t n = read(fds[0], &code, 1);
        _exit(n == 1 ? code : FAIL_GENERIC);
    }
    close(fds[0]);
    ready_pipe = fds[1];
    setsid();
}

static int fail(const struct diag *d)
{
    explain(d);
    log_line(GROUP_DMN, LOG_ERR, "%s", d->what);
    if (ready_pipe >= 0) {
        uint8_t code = (uint8_t)d->class;
        ssize_t n = write(ready_pipe, &code, 1);
        (void)n;
    }
    return d->class;
}

static int run_locked(const struct options *o)
{
    struct diag d = {0};
    char path[PATH_TEXT_MAX];
    mkdir(o->loop.paths.run, 0750); /* whether it is there shows in the next step */
    int lock = lock_take(paths_run(&o->loop.paths, "keywayd.pid", path), &d);
    if (lock < 0)
        return fail(&d);
    bool ok;
    if (o->is_cleanup) {
        int table, priority;
        loop_read_routing(&o->loop, &table, &priority);
        char journal[PATH_TEXT_MAX], addresses[PATH_TEXT_MAX];
        struct vips vips;
        vips_open(&vips, paths_run(&o->loop.paths, LOOP_ADDRESSES, addresses));
        int n = xfrm_cleanup(paths_run(&o->loop.paths, LOOP_JOURNAL, journal), &d);
        int links = interfaces_cleanup(o->loop.paths.run);
        if (links)
            fprintf(stderr, "keywayd: removed %d interface%s\n", links, links == 1 ? "" : "s");
        if (n > 0)
            fprintf(stderr, "keywayd: removed %d SAs and policies of the kernel\n", n);
        if (n >= 0)
            n = fwrules_cleanup(&d) < 0 ? -1 : route_cleanup(table, priority, &d);
        struct shunts *left = n < 0 ? NULL : shunts_open(priority, "", &d);
        ok = left != NULL;
        shunts_close(left);
        if (ok)
            fprintf(stderr, "keywayd: removed %d route%s\n", n, n == 1 ? "" : "s");
    } else {
        ok = run(o, ready_to_service, &d);
    }
    lock_release(lock, path);
    return ok ? 0 : fail(&d);
}

/* ---- options */

static const char usage[] =
    "usage: keywayd [options]\n"
    "  --foreground       stay in the foreground, log to stderr\n"
    "  --etc DIR          stands for /etc (KEYWAY_ETC)\n"
    "  --run DIR          socket and pid file, /run/keyway (KEYWAY_RUN)\n"
    "  --state DIR        stands for /var/lib (KEYWAY_STATE)\n"
    "  --nssdir DIR       folder of the key store, STATE/ipsec/nss\n"
    "  --load LIST        which files to load: keyway,swanctl,ipsec or none; all that exist\n"
    "  --vici PATH        a second vici socket, e.g. /var/run/charon.vici or tcp://127.0.0.1:4502\n"
    "  --settings FILE    the strongswan.conf to read\n"
    "  --log LEVEL        error, warning, notice, detail or trace\n"
    "  --cleanup          remove the routes and firewall rules that a crash left, and end\n"
    "  --version, --help\n";

enum {
    OPT_ETC = 256,
    OPT_RUN,
    OPT_STATE,
    OPT_NSSDIR,
    OPT_LOAD,
    OPT_VICI,
    OPT_SETTINGS,
    OPT_LOG,
    OPT_CLEANUP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"foreground",       no_argument, NULL, 'f'},
    {"etc",              required_argument, NULL, OPT_ETC},
    {"run",                  required_argument, NULL, OPT_RUN},
    {"state",required_argument, NULL, OPT_STATE},
    {"nssdir",           required_argument, NULL, OPT_NSSDIR},
    {"load",              required_argument, NULL, OPT_LOAD},
    {"vici",              required_argument, NULL, OPT_VICI},
    {"settings",                  required_argument, NULL, OPT_SETTINGS},
    {"log",              required_argument, NULL, OPT_LOG},
    {"cleanup",         no_argument, NULL, OPT_CLEANUP},
    {"version",           no_argument, NULL, OPT_VERSION},
    {"help",              no_argument, NULL, 'h'},
    {0                 },
};

static bool parse_level(const char *word, enum log_level *out)
{
    for (int l = LOG_ERR; l <= LOG_TRACE; l++) {
        if (!strcmp(word, log_level_name((enum log_level)l))) {
            *out = (enum log_level)l;
            return true;
        }
    }
    fprintf(stderr, "keywayd: unknown log level %s\n", word);
    return false;
}

/* -1 to go on, or an exit code. */
static int take_option(struct options *o, int option, const char *arg)
{
    switch (option) {
    case 'f':
        o->is_foreground = true;
        return -1;
    case OPT_ETC:
        o->loop.paths.etc = arg;
        return -1;
    case OPT_RUN:
        o->loop.paths.run = arg;
        return -1;
    case OPT_STATE:
        o->loop.paths.state = arg;
        return -1;
    case OPT_NSSDIR:
        o->loop.paths.nssdir = arg;
        return -1;
    case OPT_LOAD:
        o->loop.load = arg;
        return -1;
    case OPT_VICI:
        o->loop.paths.vici = arg;
        return -1;
    case OPT_SETTINGS:
        o->loop.settings = arg;
        return -1;
    case OPT_LOG:
        return parse_level(arg, &o->level) ? -1 : FAIL_USAGE;
    case OPT_CLEANUP:
        o->is_cleanup = true;
        return -1;
    case OPT_VERSION:
        puts("keywayd " KEYWAY_VERSION);
        return 0;
    case 'h':
        fputs(usage, stdout);
        return 0;
    }
    fputs(usage, stderr);
    return FAIL_USAGE;
}

/* libuv's pool has 4 threads whatever the machine: signatures want one for each core. */
static void size_workers(void)
{
    char text[16];
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(text, sizeof(text), "%ld", n < 2 ? 2 : n > 64 ? 64 : n);
    setenv("UV_THREADPOOL_SIZE", text, 0);
}

int main(int argc, char **argv)
{
    struct options o = {.level = LOG_NOTICE};
    int option, code;
    while ((option = getopt_long(argc, argv, "fh", long_options, NULL)) >= 0) {
        code = take_option(&o, option, optarg);
        if (code >= 0)
            return code;
    }
    if (optind < argc) {
        fprintf(stderr, "keywayd: unexpected argument %s\n%s", argv[optind], usage);
        return FAIL_USAGE;
    }
    paths_complete(&o.loop.paths);
    size_workers();
    signal(SIGPIPE, SIG_IGN); /* a client that goes while it is written to */
    umask(0027);
    bool is_foreground = o.is_foreground || o.is_cleanup;
    if (!is_foreground)
        go_to_background();
    logsink_start(&(struct logsink_options){.is_foreground = is_foreground, .most_verbose = o.level});
    code = run_locked(&o);
    logsink_stop();
    return code;
}
