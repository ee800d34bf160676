/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's way into the engine: files are read and names are looked up on a worker; a bad
 * configuration changes nothing. */
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/logsink.h"
#include "sys/loop_impl.h"
#include "sys/resolve.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct config *load_settings(const struct loop_options *o, struct diag *errors, size_t *n_errors)
{
    struct conf_source files = files_source(&o->paths);
    struct conf_request req = {
        .etc = o->paths.etc, .load = o->load, .settings = o->settings, .is_of_settings = true};
    return conf_load(&files, &req, errors, LOOP_ERRORS_MAX, n_errors);
}

struct config *loop_load(const struct loop_options *o, const struct choices *choices, struct diag *errors,
                         size_t *n_errors)
{
    struct conf_source files = files_source(&o->paths);
    const char **added = choices_names(choices, CHOICE_ADDED),
               **deleted = choices_names(choices, CHOICE_DELETED);
    struct conf_request req = {
        .etc = o->paths.etc, .load = o->load, .settings = o->settings, .added = added, .deleted = deleted};
    struct config *c = conf_load(&files, &req, errors, LOOP_ERRORS_MAX, n_errors);
    free(added);
    free(deleted);
    if (c)
        sys_resolve_config(c);
    return c;
}

void loop_read_routing(const struct loop_options *o, int *table, int *priority)
{
    struct diag errors[LOOP_ERRORS_MAX];
    struct settings s;
    size_t n = 0;
    settings_defaults(&s);
    struct config *c = loop_load(o, &(struct choices){0}, errors, &n);
    if (c)
        s = c->settings;
    *table = s.routing_table;
    *priority = s.routing_table_prio;
    if (c)
        config_unref(c);
}

/* ---- names before the first attempt */

#define FIRST_LOOKUP_S 3

struct first_lookup {
    struct name_lookup *names;
    atomic_uint owners; /* the last one of thread and waiter frees */
};

static void first_lookup_drop(struct first_lookup *f)
{
    if (atomic_fetch_sub(&f->owners, 1) > 1)
        return;
    name_lookup_free(f->names);
    free(f);
}

static void *first_lookup_run(void *ctx)
{
    struct first_lookup *f = ctx;
    name_lookup_run(f->names);
    first_lookup_drop(f);
    return NULL;
}

void loop_look_up_first(const struct config *c)
{
    struct first_lookup *f = calloc(1, sizeof(*f));
    struct timespec until;
    pthread_t thread;
    if (!f)
        abort();
    atomic_init(&f->owners, 2);
    f->names = name_lookup_new(c, false);
    if (!f->names || pthread_create(&thread, NULL, first_lookup_run, f) != 0) {
        name_lookup_free(f->names);
        free(f);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FIRST_LOOKUP_S;
    if (pthread_timedjoin_np(thread, NULL, &until) == 0)
        name_lookup_apply(f->names, c);
    else
        pthread_detach(thread); /* the answers of a slow server come with the next refresh */
    first_lookup_drop(f);
}

/* ---- reload */

struct load_work {
    uv_work_t req;
    struct loop *loop;
    struct choices choices;
    uint64_t tokens[LOOP_RELOADS_MAX];
    size_t n_tokens;
    bool is_of_settings; /* connections and credentials stay as they are */
    struct config *config;
    struct diag errors[LOOP_ERRORS_MAX];
    size_t n_errors;
};

static void on_load(uv_work_t *req)
{
    struct load_work *w = container_of(req, struct load_work, req);
    if (w->is_of_settings) {
        w->config = load_settings(&w->loop->o, w->errors, &w->n_errors);
        return;
    }
    w->config = loop_load(&w->loop->o, &w->choices, w->errors, &w->n_errors);
    struct name_lookup *names = w->config ? name_lookup_new(w->config, false) : NULL;
    if (!names)
        return;
    name_lookup_run(names);
    name_lookup_apply(names, w->config);
    name_lookup_free(names);
}

static void log_errors(const struct diag *errors, size_t n)
{
    char text[1024];
    for (size_t i = 0; i < n && i < LOOP_ERRORS_MAX; i++)
        log_line(GROUP_CFG, LOG_ERR, "%s", diag_format(&errors[i], text, sizeof(text)));
    log_line(GROUP_CFG, LOG_ERR, "the configuration is refused (%zu error%s); the running one stays", n,
             n == 1 ? "" : "s");
}

/* Sockets and routing table are opened once. */
static void warn_of_restart(const struct settings *was, const struct settings *is)
{
    const struct {
        const char *key;
        bool differs;
    } rows[] = {
        {"port",                               was->port != is->port                            },
        {"port_nat_t",                         was->port_natt != is->port_natt                  },
        {"routing_table",                      was->routing_table != is->routing_table          },
        {"routing_table_prio",                 was->routing_table_prio != is->routing_table_prio},
        {"dataplane_workers",                  was->dataplane_workers != is->dataplane_workers  },
        {"esp_path",                           was->esp_path != is->esp_path                    },
        {"plugins.kernel-netlink.mtu and mss",
         was->route_mtu != is->route_mtu || was->route_mss != is->route_mss                     },
        {"install_routes",                     was->installs_routes != is->installs_routes      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].differs)
            log_line(GROUP_CFG, LOG_WARN, "%s has changed: it takes effect when keywayd is restarted",
                     rows[i].key);
    }
}

static void load_for_waiting(struct loop *l);

static void tell_loaded(const struct load_work *w, size_t connections)
{
    if (w->is_of_settings)
        log_line(GROUP_CFG, LOG_NOTICE, "settings loaded; connections and credentials stay as they are");
    else
        log_line(GROUP_CFG, LOG_NOTICE, "configuration loaded: %zu connection%s", connections,
                 connections == 1 ? "" : "s");
}

static void on_loaded(uv_work_t *req, int status)
{
    struct load_work *w = container_of(req, struct load_work, req);
    struct loop *l = w->loop;
    size_t connections = w->config ? w->config->n_connections : 0;
    struct config *was = config_ref((struct config *)engine_config(l->engine));
    struct config_changes changes = {0};
    bool is_in_force = false;
    l->is_reloading = false;
    if (status == 0 && !l->is_stopping) {
        if (w->config) {
            logsink_apply(&w->config->logging);
            tell_loaded(w, connections);
            warn_of_restart(&l->in_force, &w->config->settings);
            if (w->is_of_settings)
                loop_take_settings(l, w->config);
            else
                loop_take_files(l, w->config);
            w->config = NULL;
            is_in_force = true;
            config_changes(&changes, was, engine_config(l->engine));
            loop_roam_tell(l, &engine_config(l->engine)->settings);
        } else {
            log_errors(w->errors, w->n_errors);
        }
        size_t n = w->n_errors < LOOP_ERRORS_MAX ? w->n_errors : LOOP_ERRORS_MAX;
        for (size_t i = 0; i < w->n_tokens && l->hooks.reloaded; i++)
            l->hooks.reloaded(l->hooks.ctx, w->tokens[i], w->errors, n, connections,
                              is_in_force ? &changes : NULL);
    }
    config_changes_free(&changes);
    config_unref(was);
    if (w->config)
        config_unref(w->config);
    choices_deinit(&w->choices);
    free(w);
    if (l->n_waiting && !l->is_stopping)
        load_for_waiting(l);
}

/* One load for all who wait: of everything, when one of them wants that. */
static void load_for_waiting(struct loop *l)
{
    struct load_work *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->loop = l;
    w->choices = choices_copy(&l->choices);
    memcpy(w->tokens, l->waiting, sizeof(w->tokens));
    w->n_tokens = l->n_waiting;
    w->is_of_settings = !l->is_all_wanted;
    l->is_all_wanted = false;
    l->n_waiting = 0;
    l->is_reloading = true;
    uv_queue_work(&l->uv, &w->req, on_load, on_loaded);
}

void loop_reload_settings(struct loop *l, uint64_t token)
{
    if (l->n_waiting < LOOP_RELOADS_MAX)
        l->waiting[l->n_waiting++] = token;
    if (!l->is_reloading) /* else once more, after it: the files may have changed since it began */
        load_for_waiting(l);
}

void loop_reload(struct loop *l, uint64_t token)
{
    l->is_all_wanted = true;
    loop_reload_settings(l, token);
}

enum choice loop_choose(struct loop *l, const char *connection, enum choice what)
{
    return choices_set(&l->choices, connection, what);
}

/* ---- addresses that change */

#define REFRESH_MS     10000
#define LOOKUP_EVERY_N 6 /* refreshes: names that are known are looked up once a minute */

struct lookup_work {
    uv_work_t req;
    struct loop *loop;
    struct name_lookup *names;
};

static void on_lookup(uv_work_t *req)
{
    name_lookup_run(container_of(req, struct lookup_work, req)->names);
}

static void on_looked_up(uv_work_t *req, int status)
{
    struct lookup_work *w = container_of(req, struct lookup_work, req);
    struct loop *l = w->loop;
    l->is_looking_up = false;
    if (status == 0 && !l->is_stopping) {
        name_lookup_apply(w->names, engine_config(l->engine));
        loop_step(l, &(struct input){.kind = INPUT_TICK});
    }
    name_lookup_free(w->names);
    free(w);
}

static void look_up_names(struct loop *l, bool only_unknown)
{
    struct name_lookup *names =
        l->is_looking_up ? NULL : name_lookup_new(engine_config(l->engine), only_unknown);
    if (!names)
        return;
    struct lookup_work *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->loop = l;
    w->names = names;
    l->is_looking_up = true;
    uv_queue_work(&l->uv, &w->req, on_lookup, on_looked_up);
}

/* ---- where a gateway sends us */

struct resolve_work {
    uv_work_t req;
    struct loop *loop;
    uint64_t ike_id;
    char connection[256], name[256];
    struct gateway host;
    uint8_t family;
    struct ip found[1 + CONNECTION_FURTHER];
    size_t n;
};

static void on_resolve(uv_work_t *req)
{
    struct resolve_work *w = container_of(req, struct resolve_work, req);
    w->n = sys_addresses_of(&w->host, w->family, w->found, ARRAY_LEN(w->found));
}

/* Only those that a route leads to. */
static void on_resolved(uv_work_t *req, int status)
{
    struct resolve_work *w = container_of(req, struct resolve_work, req);
    struct loop *l = w->loop;
    struct ip_pair v[ARRAY_LEN(w->found)];
    size_t n = 0;
    const struct connection *c = l->engine ? config_find(engine_config(l->engine), w->connection) : NULL;
    for (size_t i = 0; c && i < w->n; i++) {
        struct ip local = sys_local_for(c, w->found[i]);
        if (local.family)
            v[n++] = (struct ip_pair){.local = local, .remote = w->found[i]};
    }
    if (status == 0 && l->engine)
        loop_step(l, &(struct input){
                         .kind = INPUT_RESOLVED, .resolved = {.ike_id = w->ike_id, .v = v, .n = n}
        });
    l->working--;
    free(w);
}

void loop_resolve(struct loop *l, const struct resolve_query *q)
{
    struct resolve_work *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    const struct connection *c = config_find(engine_config(l->engine), q->connection);
    w->loop = l;
    w->ike_id = q->ike_id;
    w->host = q->host;
    w->family = c ? sys_local_family(c) : 0;
    snprintf(w->connection, sizeof(w->connection), "%s", q->connection);
    if (q->host.name) {
        snprintf(w->name, sizeof(w->name), "%s", q->host.name);
        w->host.name = w->name;
    }
    l->working++;
    uv_queue_work(&l->uv, &w->req, on_resolve, on_resolved);
}

static void on_refresh(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    const struct config *c = engine_config(l->engine);
    for (size_t i = 0; i < c->n_connections; i++)
        sys_refresh_local((struct connection *)c->connections[i]);
    look_up_names(l, l->refreshes++ % LOOKUP_EVERY_N != 0);
}

void loop_watch_addresses(struct loop *l)
{
    uv_timer_start(&l->refresh_timer, on_refresh, 0, REFRESH_MS);
}
