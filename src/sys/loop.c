/* SPDX-License-Identifier: Apache-2.0 */
/* The control loop on libuv: see loop.h. What comes in is here; what goes out is in loop_exec.c; how the
 * configuration gets in is in loop_config.c. */
#include "base/map.h"
#include "base/secret.h"
#include "crypto/random.h"
#include "sys/clock.h"
#include "sys/fetch.h"
#include "sys/logsink.h"
#include "sys/loop_impl.h"
#include "sys/state.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define STOP_WAIT_MS   2000
#define UPDOWN_WAIT_MS 5000
#define TIMER_MAX_MS   60000 /* libuv's clock stands still while the machine sleeps; ours does not */

/* ---- steps */

static void run_commands(struct loop *l)
{
    if (!list_empty(&l->commands))
        loop_apply_overlay(l);
    while (!list_empty(&l->commands)) {
        struct queued_command *q = container_of(l->commands.next, struct queued_command, link);
        list_remove(&q->link);
        loop_step(l, &(struct input){.kind = INPUT_COMMAND, .command = q->command});
        free(q);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    if (l->hooks.tick)
        l->hooks.tick(l->hooks.ctx);
    if (engine_deadline(l->engine) <= clock_mono())
        loop_step(l, &(struct input){.kind = INPUT_TICK});
    else
        loop_rearm(l);
}

void loop_rearm(struct loop *l)
{
    int64_t at = engine_deadline(l->engine);
    if (l->hooks.deadline)
        at = time_min(at, l->hooks.deadline(l->hooks.ctx));
    if (at == TIME_NEVER) {
        uv_timer_stop(&l->timer);
        return;
    }
    int64_t ms = (at - clock_mono() + TIME_MS - 1) / TIME_MS;
    ms = ms < 0 ? 0 : ms > TIMER_MAX_MS ? TIMER_MAX_MS : ms;
    uv_update_time(&l->uv);
    uv_timer_start(&l->timer, on_timer, (uint64_t)ms, 0);
}

static void finish(struct loop *l)
{
    uv_stop(&l->uv);
}

/* A peer that begins (the responder's SPI is still zero): a client that has its answer expects what it loaded
 * to be there. */
static bool begins(const struct input *in)
{
    static const uint8_t none[8];
    return in->kind == INPUT_DATAGRAM && in->datagram.bytes.len >= 16 &&
           memcmp(in->datagram.bytes.ptr + 8, none, sizeof(none)) == 0;
}

void loop_step(struct loop *l, const struct input *in)
{
    if (l->is_stepping)
        abort(); /* a listener must queue */
    if (begins(in))
        loop_apply_overlay(l);
    l->is_stepping = true;
    outbox_reset(&l->outbox);
    if (in->kind == INPUT_CONFIG) {
        revoker_keep(l->revoker, in->config->settings.caches_crls);
        revoker_timeout(l->revoker, in->config->settings.revocation_timeout);
        revoker_watch(l->revoker, in->config);
        dns_keys_configure(l->dns_keys, &in->config->settings);
        loop_open_ports(l, in->config);
        loop_tcp_listen(l->tcp, &in->config->settings);
    }
    engine_step(l->engine, clock_now(), in, &l->outbox);
    loop_execute(l, &l->outbox);
    l->is_stepping = false;
    loop_roam_answer(l);
    loop_rearm(l);
    if (l->is_stopping && engine_stats(l->engine)->ike_sas == 0)
        finish(l);
}

/* ---- what comes in */

static uint64_t count_unreadable(const struct loop *l)
{
    const struct engine_stats *s = engine_stats(l->engine);
    return s->dropped_malformed + s->dropped_bad_icv + s->dropped_unknown_spi;
}

static void take_ike(struct loop *l, const struct dataplane_message *m)
{
    uint32_t stream = m->ike.remote.stream;
    struct input in = {
        .kind = INPUT_DATAGRAM,
        .datagram = {.local = m->ike.local,
                     .remote = m->ike.remote,
                     .is_natt = true,
                     .bytes = span_of(m->bytes, m->ike.len)}
    };
    if (stream && !loop_tcp_heard(l->tcp, stream))
        return;
    uint64_t before = count_unreadable(l);
    loop_step(l, &in);
    if (stream)
        loop_tcp_judge(l->tcp, stream, count_unreadable(l) == before);
}

static void take_message(struct loop *l, const struct dataplane_message *m)
{
    struct input in;
    char text[1024];
    switch (m->kind) {
    case DATAPLANE_IKE:
        take_ike(l, m);
        break;
    case DATAPLANE_STREAM_DOWN:
        loop_tcp_down(l->tcp, m->stream, (const char *)m->bytes);
        break;
    case DATAPLANE_STREAM_BAD:
        loop_tcp_bad(l->tcp, m->stream);
        break;
    case DATAPLANE_EVENT:
        in = (struct input){.kind = INPUT_DATAPLANE, .dataplane = m->event};
        loop_step(l, &in);
        break;
    case DATAPLANE_FAIL:
        log_line(GROUP_ESP, LOG_ERR, "data plane: %s", diag_format(&m->diag, text, sizeof(text)));
        break;
    case DATAPLANE_NOTE:
        log_line(GROUP_ESP, LOG_NOTICE, "data plane: %s", (const char *)m->bytes);
        break;
    case DATAPLANE_TOO_BIG:
        dataplane_path_mtu(l->dataplane, m->too_big.peer, m->too_big.mtu);
        break;
    }
}

static void on_kick(uv_async_t *async)
{
    struct loop *l = async->data;
    struct dataplane_message *m;
    while (l->dataplane && (m = dataplane_next(l->dataplane))) {
        take_message(l, m);
        free(m);
    }
    if (l->dataplane)
        dataplane_review(l->dataplane);
    loop_take_decided(l);
    run_commands(l);
}

void loop_wake(void *ctx)
{
    struct loop *l = ctx;
    uv_async_send(&l->kick);
}

void loop_command(struct loop *l, const struct command *c)
{
    struct queued_command *q = calloc(1, sizeof(*q));
    if (!q)
        abort();
    q->command = *c;
    if (c->connection) {
        snprintf(q->connection, sizeof(q->connection), "%s", c->connection);
        q->command.connection = q->connection;
    }
    if (c->child) {
        snprintf(q->child, sizeof(q->child), "%s", c->child);
        q->command.child = q->child;
    }
    if (c->peer_id) {
        snprintf(q->peer_id, sizeof(q->peer_id), "%s", c->peer_id);
        q->command.peer_id = q->peer_id;
    }
    if (c->gateway.name) {
        snprintf(q->gateway, sizeof(q->gateway), "%s", c->gateway.name);
        q->command.gateway.name = q->gateway;
    }
    list_append(&l->commands, &q->link);
    uv_async_send(&l->kick);
}

/* ---- signals */

static void on_stop_timer(uv_timer_t *timer)
{
    finish(timer->data);
}

static void stop(struct loop *l, const char *why)
{
    if (l->is_stopping) { /* asked twice: at once */
        finish(l);
        return;
    }
    log_line(GROUP_DMN, LOG_NOTICE, "%s: stopping", why);
    l->is_stopping = true;
    uv_timer_start(&l->stop_timer, on_stop_timer, STOP_WAIT_MS, 0);
    loop_step(l, &(struct input){.kind = INPUT_SHUTDOWN});
}

static void log_status(struct loop *l)
{
    const struct engine_stats *s = engine_stats(l->engine);
    struct esp_counters c;
    dataplane_counters(l->dataplane, &c); /* ours: the kernel's are its own */
    log_line(
        GROUP_DMN, LOG_NOTICE, "%llu IKE SAs (%llu half-open), %llu child SAs; ESP packets in %llu, out %llu",
        (unsigned long long)s->ike_sas, (unsigned long long)s->half_open, (unsigned long long)s->child_sas,
        (unsigned long long)c.packets_in, (unsigned long long)c.packets_out);
}

static void on_signal(uv_signal_t *s, int number)
{
    struct loop *l = s->data;
    switch (number) {
    case SIGHUP:
        logsink_reopen();
        log_line(GROUP_DMN, LOG_NOTICE, "SIGHUP: reading the configuration");
        loop_reload(l, 0);
        break;
    case SIGUSR1:
        log_status(l);
        break;
    default:
        stop(l, number == SIGINT ? "SIGINT" : "SIGTERM");
        break;
    }
}

/* ---- start and end */

static void start_watching(struct loop *l)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    struct udp_watch *const sockets[] = {&l->ike[0], &l->ike[1], &l->natt[0], &l->natt[1]};
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
        if (sockets[i]->sock.fd >= 0)
            loop_watch_socket(l, sockets[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uv_signal_init(&l->uv, &l->signals[i]);
        l->signals[i].data = l;
        uv_signal_start(&l->signals[i], on_signal, numbers[i]);
    }
    loop_watch_addresses(l);
}

static void on_updown_ended(void *ctx, const struct updown *u, const char *failure)
{
    struct loop *l = ctx;
    struct input in = {
        .kind = INPUT_UPDOWN,
        .updown = {.reqid = u->reqid, .token = u->token, .verb = u->verb, .failure = failure}
    };
    if (l->engine)
        loop_step(l, &in);
}

static struct loop *loop_alloc(const struct loop_options *o)
{
    struct loop *l = calloc(1, sizeof(*l));
    if (!l || uv_loop_init(&l->uv) < 0)
        abort();
    l->o = *o;
    l->started = clock_now();
    list_init(&l->commands);
    outbox_init(&l->outbox);
    uv_async_init(&l->uv, &l->kick, on_kick);
    l->kick.data = l;
    uv_timer_t *const timers[] = {&l->timer,      &l->stop_timer,    &l->refresh_timer,
                                  &l->roam_timer, &l->overlay_timer, &l->xfrm_timer};
    for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
        uv_timer_init(&l->uv, timers[i]);
        timers[i]->data = l;
    }
    l->ike[0].sock.fd = l->ike[1].sock.fd = l->natt[0].sock.fd = l->natt[1].sock.fd = -1;
    l->encap[0].fd = l->encap[1].fd = -1;
    l->overlay = overlay_new();
    l->updown =
        updown_new(&l->uv, &(struct updown_options){.device = l->device, .ended = on_updown_ended, .ctx = l});
    l->tcp = loop_tcp_new(l);
    fetch_init();
    l->revoker = revoker_new(l->o.paths.state, loop_wake, l);
    l->dns_keys = dns_keys_new(DNS_KEYS_PATIENCE, loop_wake, l);
    return l;
}

/* Before the first map: a snapshot has an index. */
static void set_map_key(void)
{
    uint8_t key[16];
    crypto_random(key, sizeof(key));
    map_set_key(key);
    secret_wipe(key, sizeof(key));
}

/* Without one there is no crash detection: a daemon that can keep nothing runs all the same. */
static void give_secret(struct loop *l)
{
    struct secret s = {0};
    struct diag d;
    char text[1024];
    if (state_secret(l->o.paths.state, MACHINE_SECRET, &s, &d))
        loop_step(l, &(struct input){.kind = INPUT_SECRET, .secret = secret_view(&s)});
    else
        log_line(GROUP_IKE, LOG_WARN, "no crash detection: %s", diag_format(&d, text, sizeof(text)));
    secret_free(&s);
}

struct loop *loop_new(const struct loop_options *o, struct diag *d)
{
    struct diag errors[LOOP_ERRORS_MAX];
    size_t n = 0;
    char text[1024];
    set_map_key();
    struct config *config = loop_load(o, &(struct choices){0}, errors, &n);
    if (!config) {
        for (size_t i = 0; i < n && i < LOOP_ERRORS_MAX; i++)
            log_line(GROUP_CFG, LOG_ERR, "%s", diag_format(&errors[i], text, sizeof(text)));
        diag_set(d, FAIL_CONFIG, "the configuration has %zu error%s", n, n == 1 ? "" : "s");
        diag_try(d, "keyway config check");
        return NULL;
    }
    logsink_apply(&config->logging);
    struct loop *l = loop_alloc(o);
    if (!loop_open_world(l, config, d)) {
        config_unref(config);
        loop_free(l);
        return NULL;
    }
    l->in_force = config->settings;
    l->in_force.resolv_conf = NULL; /* lives in the snapshot */
    l->engine = engine_new();
    give_secret(l);
    loop_kernel_start(l);
    start_watching(l);
    log_line(GROUP_CFG, LOG_NOTICE, "%zu connection%s loaded", config->n_connections,
             config->n_connections == 1 ? "" : "s");
    loop_look_up_first(config);
    loop_roam_start(l, &config->settings);
    loop_take_files(l, config);
    if (l->routes)
        route_sweep(l->routes);
    shunts_sweep(l->shunts);
    loop_kernel_sweep(l); /* after the routes: one that a crash left leads past no policy */
    return l;
}

void loop_set_hooks(struct loop *l, const struct loop_hooks *h)
{
    l->hooks = *h;
}

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

static void close_handle(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    memset(&l->hooks, 0, sizeof(l->hooks));
    l->is_stopping = true;
    updown_finish(l->updown, UPDOWN_WAIT_MS); /* what the last step said is still to be heard */
    updown_free(l->updown);
    fwrules_close(l->fwrules);
    l->fwrules = NULL;
    if (l->engine)
        engine_free(l->engine);
    l->engine = NULL; /* jobs that end now are freed */
    revoker_stop(l->revoker);
    dns_keys_stop(l->dns_keys);
    loop_clean_resolv_conf(l);
    route_close(l->routes);
    shunts_close(l->shunts);
    dataplane_stop(l->dataplane);
    vips_close(&l->vips);
    l->routes = NULL;
    l->shunts = NULL;
    l->dataplane = NULL;
    loop_tcp_close(l->tcp);
    uv_walk(&l->uv, close_handle, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    loop_tcp_free(l->tcp);
    uv_loop_close(&l->uv);
    loop_kernel_close(l);
    loop_roam_close(l);
    loop_close_world(l);
    loop_close_ports(l);
    struct queued_command *q;
    list_each(q, &l->commands, link)
    {
        list_remove(&q->link);
        free(q);
    }
    revoker_free(l->revoker);
    dns_keys_free(l->dns_keys);
    overlay_free(l->overlay);
    config_unref(l->files);
    config_unref(l->read);
    choices_deinit(&l->choices);
    outbox_deinit(&l->outbox);
    free(l);
}

const struct engine *loop_engine(const struct loop *l)
{
    return l->engine;
}

unsigned loop_flush(struct loop *l, bool crls, bool ocsps)
{
    return revoker_flush(l->revoker, crls, ocsps);
}

void loop_numbers(const struct loop *l, struct loop_numbers *out)
{
    const char *size = getenv("UV_THREADPOOL_SIZE");
    unsigned workers = size ? (unsigned)atoi(size) : 4; /* libuv's own default */
    *out = (struct loop_numbers){.started = l->started,
                                 .workers = workers,
                                 .working = l->working < workers ? l->working : workers,
                                 .device = l->device,
                                 .planes = l->planes};
    dataplane_counters(l->dataplane, &out->esp);
    out->n_moved = l->xfrm ? xfrm_moved_since(&l->moved, out->moved) : 0;
}

unsigned loop_tables(const struct loop *l, struct esp_tables out[LOOP_TABLES_MAX])
{
    return dataplane_tables(l->dataplane, out);
}
