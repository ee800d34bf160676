/* SPDX-License-Identifier: Apache-2.0 */
/* One row per vici command. A handler reads the request and fills the reply, or defers: then the connection
 * waits, and ctl_event(), ctl_reload_done() or ctl_tick() answers. */
#pragma once

#include "base/list.h"
#include "ctl/server.h"
#include "ctl/vici.h"

/* The events that clients may register for; names in server.c. */
enum ctl_event_id {
    CTL_LOG,
    CTL_CONTROL_LOG,
    CTL_LIST_SA,
    CTL_LIST_POLICY,
    CTL_LIST_CONN,
    CTL_LIST_CERT,
    CTL_LIST_AUTHORITY,
    CTL_XFRM,
    CTL_IKE_UPDOWN,
    CTL_IKE_REKEY,
    CTL_IKE_UPDATE,
    CTL_CHILD_UPDOWN,
    CTL_CHILD_REKEY,
    CTL_ALERT,
    CTL_CONFIG_TEXT,
    CTL_OWN_KEYS, /* none comes: who registers for it gets Keyway's own keys in answers, beside the protocol's
                   */
    CTL_EVENTS,
};

enum ctl_pending_kind {
    CTL_PENDING_NONE,
    CTL_PENDING_INITIATE,
    CTL_PENDING_TERMINATE,
    CTL_PENDING_REKEY,
    CTL_PENDING_INSTALL,
    CTL_PENDING_UNINSTALL,
    CTL_PENDING_REDIRECT,
    CTL_PENDING_RESET, /* of counters */
    CTL_PENDING_RELOAD,
    CTL_PENDING_SETTINGS,
    CTL_PENDING_LOAD,
    CTL_PENDING_CHOICE, /* a reload that adds or deletes a connection */
};

#define CTL_NAME_MAX 512    /* of what can be loaded */
#define CTL_NAMELESS "\001" /* begins the names of items that their clients did not name */

struct ctl_pending { /* the command that a connection waits for */
    enum ctl_pending_kind kind;
    uint64_t id;
    int64_t deadline; /* mono; TIME_NEVER */
    int64_t timeout;  /* milliseconds, for the message */
    int level;        /* most verbose control-log level that is streamed; -1 none */
    char connection[CTL_NAME_MAX], target[VICI_NAME_MAX + 1];
    bool has_child;           /* target is one */
    enum conf_item_kind item; /* LOAD: called connection */
    enum choice is, was;      /* CHOICE, of connection */
};

struct ctl_conn {
    struct list link;
    struct ctl *ctl;
    void *handle;
    struct vici_stream in;
    uint32_t registered; /* bits by enum ctl_event_id */
    struct ctl_pending pending;
    bool is_broken;
    bool is_behind; /* it lost events, and it was said */
};

struct ctl {
    struct ctl_host host;
    struct list conns;
    size_t n_conns;
    uint64_t last_command;
    bool has_listeners;       /* to log or control-log */
    int8_t shown[LOG_GROUPS]; /* up to which level log events come, beyond 1: what was set at run time */
    struct vici_writer event; /* scratch */
};

struct ctl_request {
    struct ctl *ctl;
    struct ctl_conn *conn;
    struct span body;
    struct vici_writer *reply; /* opened by the caller, closed by it too */
    bool is_deferred;          /* set by the handler: no reply now */
};

typedef void ctl_handler(struct ctl_request *r);

struct ctl_command {
    const char *name;
    ctl_handler *handler;
    const char *doc;
};

const struct ctl_command *ctl_command_find(struct span name);
/* index 0.. until NULL. */
const struct ctl_command *ctl_command_at(size_t index);

/* ---- for handlers */

const struct engine *ctl_engine(const struct ctl_request *r);
struct time ctl_now(const struct ctl *c);
/* success=yes, or success=no with errmsg. */
void ctl_reply_ok(struct vici_writer *w);
void ctl_reply_error(struct vici_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The reason as keys of Keyway's own: class what expected got where try; those that are empty are left out.
 */
void ctl_write_diag(struct vici_writer *w, const struct diag *d);
void ctl_write_errors(struct vici_writer *w, const struct diag *errors, size_t n);
/* Sends the scratch event, when the connection registered for it. */
void ctl_emit_to(struct ctl_conn *conn, enum ctl_event_id id);
/* To all that registered. */
void ctl_emit(struct ctl *c, enum ctl_event_id id);
/* Opens the scratch event for writing, for all who registered; or for one client. */
struct vici_writer *ctl_event_open(struct ctl *c, enum ctl_event_id id);
struct vici_writer *ctl_event_open_to(struct ctl_conn *conn, enum ctl_event_id id);

/* Is anybody registered for it? */
bool ctl_is_wanted(const struct ctl *c, enum ctl_event_id id);
/* cmd_log.c */
void ctl_set_log_level(struct ctl *c, enum log_group group, int level, bool only_up);
void ctl_restore_log_levels(struct ctl *c);
/* events.c: log and control-log, up and down, moved, rekeyed, alerts. */
void ctl_event_log(struct ctl *c, const struct event *e);
void ctl_event_updown(struct ctl *c, const struct event *e, enum ctl_event_id id);
void ctl_event_ike_rekey(struct ctl *c, const struct event *e);
void ctl_event_ike_update(struct ctl *c, const struct event *e);
void ctl_event_alert(struct ctl *c, const struct event *e);
void ctl_event_child_rekey(struct ctl *c, const struct event *e);

/* ---- views as vici sections (view.c) */

/* The section of an IKE SA with its children, or those that pass: by name (NULL: all) and id (0: all). */
struct ctl_sa_filter {
    const char *child;
    uint64_t child_id;
};
void ctl_write_ike(struct vici_writer *w, const struct engine *e, const struct ike_view *v, struct time now,
                   const struct ctl_sa_filter *f);
/* The keys alone, without a section around them and without children. */
void ctl_write_ike_keys(struct vici_writer *w, const struct ike_view *v, struct time now);
void ctl_write_child_keys(struct vici_writer *w, const struct child_view *v, struct time now);
/* view_conn.c */
extern const char *const ctl_mode_names[];
#define CTL_SELECTOR_TEXT (TS_TEXT_MAX + 64)
const char *ctl_selector_format(const struct ts *t, char buf[CTL_SELECTOR_TEXT]);
void ctl_write_selectors(struct vici_writer *w, const char *key, const struct ts *ts, size_t n);
void ctl_write_connection(struct vici_writer *w, const struct connection *c);
void ctl_write_trap(struct vici_writer *w, const struct trap_view *v);

/* ---- handlers, by file */

ctl_handler ctl_cmd_version, ctl_cmd_stats, ctl_cmd_reload_settings,
    ctl_cmd_get_algorithms; /* cmd_daemon.c */
ctl_handler ctl_cmd_keyway_reload, ctl_cmd_keyway_status;
ctl_handler ctl_cmd_get_counters, ctl_cmd_reset_counters;                         /* cmd_counters.c */
ctl_handler ctl_cmd_flush_certs;                                                  /* cmd_flush.c */
ctl_handler ctl_cmd_keyway_xfrm;                                                  /* cmd_xfrm.c */
ctl_handler ctl_cmd_keyway_log_level;                                             /* cmd_log.c */
ctl_handler ctl_cmd_keyway_algorithms;                                            /* cmd_algorithms.c */
ctl_handler ctl_cmd_keyway_add, ctl_cmd_keyway_delete, ctl_cmd_keyway_connection; /* cmd_choice.c */
ctl_handler ctl_cmd_keyway_config_show;                                           /* cmd_show.c */
ctl_handler ctl_cmd_list_sas, ctl_cmd_list_conns, ctl_cmd_get_conns;              /* cmd_list.c */
ctl_handler ctl_cmd_list_certs;                                                   /* cmd_certs.c */
ctl_handler ctl_cmd_get_pools;                                                    /* cmd_pools.c */
ctl_handler ctl_cmd_list_policies;
ctl_handler ctl_cmd_initiate, ctl_cmd_terminate, ctl_cmd_rekey; /* cmd_control.c */
ctl_handler ctl_cmd_install, ctl_cmd_uninstall, ctl_cmd_redirect;

ctl_handler ctl_cmd_load_conn, ctl_cmd_load_pool, ctl_cmd_load_authority; /* cmd_load.c */
ctl_handler ctl_cmd_load_shared, ctl_cmd_load_key, ctl_cmd_load_token, ctl_cmd_load_cert;
ctl_handler ctl_cmd_unload_conn, ctl_cmd_unload_pool, ctl_cmd_unload_authority; /* cmd_unload.c */
ctl_handler ctl_cmd_unload_shared, ctl_cmd_unload_key, ctl_cmd_clear_creds;
ctl_handler ctl_cmd_get_keys, ctl_cmd_get_shared, ctl_cmd_get_authorities, ctl_cmd_list_authorities;

/* Puts what was built (taken; NULL after errors) in force, and says how that went. */
void ctl_load_answer(struct ctl_conn *conn, struct config *part, const struct diag *errors, size_t n,
                     struct vici_writer *w);

/* Called for the engine's answer to a pending command and when its time is up. */
void ctl_control_done(struct ctl_conn *conn, const struct event *e, struct vici_writer *w);
/* A reload is over: whether it did what was chosen. Writes the whole reply. */
void ctl_choice_done(struct ctl_conn *conn, const struct diag *errors, size_t n, struct vici_writer *w);
void ctl_control_timeout(struct ctl_conn *conn, struct vici_writer *w);
