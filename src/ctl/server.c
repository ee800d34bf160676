/* SPDX-License-Identifier: Apache-2.0 */
/* Clients, dispatch and events of the vici service: see server.h. A connection has one command outstanding:
 * what it sends meanwhile waits in its stream, which is bounded. */
#include "ctl/commands.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const event_names[CTL_EVENTS] = {
    [CTL_LOG] = "log",
    [CTL_CONTROL_LOG] = "control-log",
    [CTL_LIST_SA] = "list-sa",
    [CTL_LIST_POLICY] = "list-policy",
    [CTL_LIST_CONN] = "list-conn",
    [CTL_LIST_CERT] = "list-cert",
    [CTL_LIST_AUTHORITY] = "list-authority",
    [CTL_XFRM] = "keyway-xfrm",
    [CTL_IKE_UPDOWN] = "ike-updown",
    [CTL_IKE_REKEY] = "ike-rekey",
    [CTL_IKE_UPDATE] = "ike-update",
    [CTL_CHILD_UPDOWN] = "child-updown",
    [CTL_CHILD_REKEY] = "child-rekey",
    [CTL_ALERT] = "alert",
    [CTL_CONFIG_TEXT] = "keyway-config-text",
    [CTL_OWN_KEYS] = "keyway-keys",
};

struct ctl *ctl_new(const struct ctl_host *host)
{
    struct ctl *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->host = *host;
    list_init(&c->conns);
    return c;
}

void ctl_free(struct ctl *c)
{
    if (!c)
        return;
    struct ctl_conn *conn;
    list_each(conn, &c->conns, link) ctl_closed(conn);
    vici_write_free(&c->event);
    free(c);
}

struct ctl_conn *ctl_open(struct ctl *c, void *handle)
{
    if (c->n_conns >= CTL_CLIENTS_MAX)
        return NULL;
    struct ctl_conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        abort();
    conn->ctl = c;
    conn->handle = handle;
    conn->pending.deadline = TIME_NEVER;
    list_append(&c->conns, &conn->link);
    c->n_conns++;
    return conn;
}

static void tell_listeners(struct ctl *c);

void ctl_closed(struct ctl_conn *conn)
{
    list_remove(&conn->link);
    conn->ctl->n_conns--;
    tell_listeners(conn->ctl);
    vici_stream_free(&conn->in);
    free(conn);
}

const struct engine *ctl_engine(const struct ctl_request *r)
{
    return r->ctl->host.engine(r->ctl->host.ctx);
}

struct time ctl_now(const struct ctl *c)
{
    return c->host.now(c->host.ctx);
}

/* ---- answers */

static void send_segment(struct ctl_conn *conn, struct vici_writer *w)
{
    struct span s = vici_packet_close(w);
    if (s.len && !conn->is_broken)
        conn->ctl->host.write(conn->ctl->host.ctx, conn->handle, s);
}

static void send_bare(struct ctl_conn *conn, enum vici_type type)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, type, NULL);
    send_segment(conn, &w);
    vici_write_free(&w);
}

/* A reply too large for a segment must still be answered, or the client waits for ever. */
static void send_reply(struct ctl_conn *conn, struct vici_writer *w)
{
    if (!vici_packet_close(w).len) {
        vici_packet_open(w, VICI_CMD_RESPONSE, NULL);
        ctl_reply_error(w, "the answer does not fit into one message");
    }
    send_segment(conn, w);
}

void ctl_reply_ok(struct vici_writer *w)
{
    vici_text(w, "success", "yes");
}

void ctl_reply_error(struct vici_writer *w, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    vici_text(w, "success", "no");
    vici_text(w, "errmsg", text);
}

void ctl_write_diag(struct vici_writer *w, const struct diag *d)
{
    const struct {
        const char *key, *text;
    } rows[] = {
        {"what",     d->what    },
        {"expected", d->expected},
        {"got",      d->got     },
        {"where",    d->where   },
        {"try",      d->try     },
    };
    if (!w->is_extended)
        return;
    vici_printf(w, "class", "%d", (int)d->class);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].text[0])
            vici_text(w, rows[i].key, rows[i].text);
    }
}

void ctl_write_errors(struct vici_writer *w, const struct diag *errors, size_t n)
{
    char name[24], first[512];
    if (!w->is_extended) {
        ctl_reply_error(w, "%s", diag_format(&errors[0], first, sizeof(first)));
        return;
    }
    ctl_reply_error(w, "the configuration has %zu error%s; the running one stays", n, n > 1 ? "s" : "");
    vici_section(w, "errors");
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%zu", i + 1);
        vici_section(w, name);
        ctl_write_diag(w, &errors[i]);
        vici_section_end(w);
    }
    vici_section_end(w);
}

/* ---- requests */

static bool wants_own_keys(const struct ctl_conn *conn)
{
    return conn->registered >> CTL_OWN_KEYS & 1;
}

static void run_command(struct ctl_conn *conn, const struct vici_packet *p)
{
    const struct ctl_command *row = ctl_command_find(p->name);
    if (!row) {
        send_bare(conn, VICI_CMD_UNKNOWN);
        return;
    }
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_RESPONSE, NULL);
    w.is_extended = wants_own_keys(conn) || strncmp(row->name, "keyway-", 7) == 0;
    struct ctl_request r = {.ctl = conn->ctl, .conn = conn, .body = p->body, .reply = &w};
    if (vici_is_valid(p->body))
        row->handler(&r);
    else
        ctl_reply_error(&w, "malformed message");
    if (!r.is_deferred)
        send_reply(conn, &w);
    vici_write_free(&w);
}

/* Lines that nobody gets are not made. */
static void tell_listeners(struct ctl *c)
{
    bool are_there = ctl_is_wanted(c, CTL_LOG) || ctl_is_wanted(c, CTL_CONTROL_LOG);
    if (are_there != c->has_listeners)
        c->host.log_listeners(c->host.ctx, are_there);
    c->has_listeners = are_there;
}

static void set_registered(struct ctl_conn *conn, struct span name, bool on)
{
    for (unsigned i = 0; i < CTL_EVENTS; i++) {
        if (!span_equal(name, span_str(event_names[i])))
            continue;
        conn->registered = on ? conn->registered | 1u << i : conn->registered & ~(1u << i);
        send_bare(conn, VICI_EVENT_CONFIRM);
        tell_listeners(conn->ctl);
        return;
    }
    send_bare(conn, VICI_EVENT_UNKNOWN);
}

static bool run_packet(struct ctl_conn *conn, struct span payload)
{
    struct vici_packet p;
    if (!vici_packet_parse(payload, &p))
        return false;
    switch (p.type) {
    case VICI_CMD_REQUEST:
        run_command(conn, &p);
        return true;
    case VICI_EVENT_REGISTER:
    case VICI_EVENT_UNREGISTER:
        set_registered(conn, p.name, p.type == VICI_EVENT_REGISTER);
        return true;
    default:
        return false;
    }
}

static void break_conn(struct ctl_conn *conn)
{
    conn->is_broken = true;
    conn->ctl->host.close(conn->ctl->host.ctx, conn->handle);
}

static void run_stream(struct ctl_conn *conn)
{
    struct span payload;
    while (!conn->is_broken && conn->pending.kind == CTL_PENDING_NONE) {
        enum vici_stream_state s = vici_stream_next(&conn->in, &payload);
        if (s == VICI_STREAM_MORE)
            return;
        if (s == VICI_STREAM_BROKEN || !run_packet(conn, payload))
            break_conn(conn);
    }
}

void ctl_input(struct ctl_conn *conn, struct span bytes)
{
    if (conn->is_broken)
        return;
    if (!vici_stream_feed(&conn->in, bytes)) {
        break_conn(conn);
        return;
    }
    run_stream(conn);
}

/* ---- events */

struct vici_writer *ctl_event_open(struct ctl *c, enum ctl_event_id id)
{
    vici_packet_open(&c->event, VICI_EVENT, event_names[id]);
    c->event.is_extended = false;
    return &c->event;
}

struct vici_writer *ctl_event_open_to(struct ctl_conn *conn, enum ctl_event_id id)
{
    struct vici_writer *w = ctl_event_open(conn->ctl, id);
    w->is_extended = wants_own_keys(conn);
    return w;
}

void ctl_emit_to(struct ctl_conn *conn, enum ctl_event_id id)
{
    if (conn->registered & 1u << id)
        send_segment(conn, &conn->ctl->event);
}

/* It loses what comes now: *is_news when it begins to. */
static bool is_behind(struct ctl_conn *conn, bool *is_news)
{
    const struct ctl_host *host = &conn->ctl->host;
    size_t queued = host->queued(host->ctx, conn->handle);
    bool was_behind = conn->is_behind;
    conn->is_behind = queued > (was_behind ? CTL_EVENTS_MAX / 2 : CTL_EVENTS_MAX);
    *is_news |= conn->is_behind && !was_behind;
    return conn->is_behind;
}

void ctl_emit(struct ctl *c, enum ctl_event_id id)
{
    struct ctl_conn *conn;
    bool is_news = false;
    list_each(conn, &c->conns, link)
    {
        if (conn->registered & 1u << id && !is_behind(conn, &is_news))
            ctl_emit_to(conn, id);
    }
    if (is_news) /* last: the line may be an event itself */
        log_line(GROUP_CFG, LOG_WARN,
                 "a client of vici does not read its events: it loses those that come now");
}

bool ctl_is_wanted(const struct ctl *c, enum ctl_event_id id)
{
    const struct ctl_conn *conn;
    list_each(conn, &c->conns, link)
    {
        if (conn->registered & 1u << id)
            return true;
    }
    return false;
}

static void open_answer(const struct ctl_conn *conn, struct vici_writer *w)
{
    enum ctl_pending_kind kind = conn->pending.kind;
    vici_write_init(w);
    vici_packet_open(w, VICI_CMD_RESPONSE, NULL);
    w->is_extended = wants_own_keys(conn) || kind == CTL_PENDING_RELOAD || kind == CTL_PENDING_CHOICE;
}

/* Sends what the connection waited for, and goes on with what the client sent meanwhile. */
static void close_answer(struct ctl_conn *conn, struct vici_writer *w)
{
    conn->pending = (struct ctl_pending){.deadline = TIME_NEVER};
    send_reply(conn, w);
    vici_write_free(w);
    run_stream(conn);
}

static void answer_pending(struct ctl_conn *conn, const struct event *e)
{
    struct vici_writer w;
    open_answer(conn, &w);
    if (e)
        ctl_control_done(conn, e, &w);
    else
        ctl_control_timeout(conn, &w);
    close_answer(conn, &w);
}

/* Who waits for something of that kind with that id, or NULL: it went meanwhile. */
static struct ctl_conn *find_waiting(struct ctl *c, enum ctl_pending_kind kind, uint64_t id)
{
    struct ctl_conn *conn;
    list_each(conn, &c->conns, link)
    {
        if (conn->pending.kind == kind && conn->pending.id == id)
            return conn;
    }
    return NULL;
}

static void command_done(struct ctl *c, const struct event *e)
{
    struct ctl_conn *conn;
    list_each(conn, &c->conns, link)
    {
        if (conn->pending.kind != CTL_PENDING_NONE && conn->pending.kind < CTL_PENDING_RELOAD &&
            conn->pending.id == e->command_id) {
            answer_pending(conn, e);
            return;
        }
    }
}

void ctl_event(struct ctl *c, const struct event *e)
{
    switch (e->kind) {
    case EVENT_LOG:
        ctl_event_log(c, e);
        break;
    case EVENT_IKE_UPDOWN:
    case EVENT_IKE_FAILED:
        ctl_event_updown(c, e, CTL_IKE_UPDOWN);
        break;
    case EVENT_CHILD_UPDOWN:
        ctl_event_updown(c, e, CTL_CHILD_UPDOWN);
        break;
    case EVENT_IKE_REKEY:
        ctl_event_ike_rekey(c, e);
        break;
    case EVENT_CHILD_REKEY:
        ctl_event_child_rekey(c, e);
        break;
    case EVENT_COMMAND_DONE:
        command_done(c, e);
        break;
    case EVENT_IKE_UPDATE:
        ctl_event_ike_update(c, e);
        break;
    case EVENT_ALERT:
        ctl_event_alert(c, e);
        break;
    }
}

static void write_changes(struct vici_writer *w, const struct config_changes *c)
{
    if (!c)
        return;
    vici_list(w, "changes");
    for (size_t i = 0; i < c->n; i++)
        vici_item(w, c->v[i]);
    if (c->n_more) {
        char more[64];
        snprintf(more, sizeof(more), "and %zu more", c->n_more);
        vici_item(w, more);
    }
    vici_list_end(w);
}

void ctl_reload_done(struct ctl *c, uint64_t token, const struct diag *errors, size_t n, size_t connections,
                     const struct config_changes *changes)
{
    static const enum ctl_pending_kind kinds[] = {CTL_PENDING_RELOAD, CTL_PENDING_SETTINGS,
                                                  CTL_PENDING_CHOICE};
    struct ctl_conn *conn = NULL;
    struct vici_writer w;
    if (!n) /* the files say what is logged */
        memset(c->shown, 0, sizeof(c->shown));
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !conn; i++)
        conn = find_waiting(c, kinds[i], token);
    if (!conn)
        return;
    open_answer(conn, &w);
    if (conn->pending.kind == CTL_PENDING_CHOICE) {
        ctl_choice_done(conn, errors, n, &w);
    } else if (n) {
        ctl_write_errors(&w, errors, n);
    } else {
        ctl_reply_ok(&w);
        if (conn->pending.kind == CTL_PENDING_RELOAD)
            vici_printf(&w, "connections", "%zu", connections);
        if (conn->pending.kind == CTL_PENDING_RELOAD)
            write_changes(&w, changes);
    }
    close_answer(conn, &w);
}

void ctl_built(struct ctl *c, uint64_t token, struct config *part, const struct diag *errors, size_t n)
{
    struct ctl_conn *conn = find_waiting(c, CTL_PENDING_LOAD, token);
    struct vici_writer w;
    if (!conn) { /* nobody knows whether it was to be: a client that gave up may do something else */
        config_unref(part);
        return;
    }
    open_answer(conn, &w);
    ctl_load_answer(conn, part, errors, n, &w);
    close_answer(conn, &w);
}

int64_t ctl_deadline(const struct ctl *c)
{
    int64_t at = TIME_NEVER;
    const struct ctl_conn *conn;
    list_each(conn, &c->conns, link) at = time_min(at, conn->pending.deadline);
    return at;
}

void ctl_tick(struct ctl *c)
{
    int64_t now = ctl_now(c).mono;
    struct ctl_conn *conn;
    list_each(conn, &c->conns, link)
    {
        if (conn->pending.kind != CTL_PENDING_NONE && conn->pending.deadline <= now)
            answer_pending(conn, NULL);
    }
}
