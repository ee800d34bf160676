/* SPDX-License-Identifier: Apache-2.0 */
/* initiate, terminate, rekey, install, uninstall, redirect: a command for the engine, log lines while it
 * works, and its outcome, with the words that vici clients know and the reason in Keyway's own keys. */
#include "ctl/commands.h"
#include <stdarg.h>
#include <stdio.h>

struct selector { /* what the request names; texts live in the request's handler */
    char child[VICI_NAME_MAX + 1], ike[VICI_NAME_MAX + 1];
    uint64_t child_id, ike_id;
    char peer_id[ID_TEXT_MAX], gateway_name[256]; /* redirect */
    struct ip peer_from, peer_to, gateway;
};

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

static struct selector read_selector(struct span body)
{
    struct selector s = {0};
    vici_find_text(body, "child", s.child, sizeof(s.child));
    vici_find_text(body, "ike", s.ike, sizeof(s.ike));
    s.child_id = (uint64_t)vici_find_number(body, "child-id", 0);
    s.ike_id = (uint64_t)vici_find_number(body, "ike-id", 0);
    return s;
}

static bool is_empty(const struct selector *s)
{
    return !s->child[0] && !s->ike[0] && !s->child_id && !s->ike_id;
}

/* Hands the command over and lets the connection wait for it, unless timeout is -1. */
static void start(struct ctl_request *r, enum ctl_pending_kind kind, enum command_kind command,
                  const struct selector *s)
{
    struct ctl *c = r->ctl;
    struct span v;
    struct command cmd = {
        .kind = command,
        .id = ++c->last_command,
        .connection = s->ike[0] ? s->ike : NULL,
        .child = s->child[0] ? s->child : NULL,
        .ike_id = s->ike_id,
        .child_id = s->child_id,
        .gateway = {.ip = s->gateway, .name = s->gateway_name[0] ? s->gateway_name : NULL},
        .peer_from = s->peer_from,
        .peer_to = s->peer_to,
        .peer_id = s->peer_id[0] ? s->peer_id : NULL,
        .is_forced = vici_find(r->body, "force", &v) && vici_is_yes(v),
        .reauthenticates = vici_find(r->body, "reauth", &v) && vici_is_yes(v),
    };
    int64_t timeout = vici_find_number(r->body, "timeout", 0);
    if (timeout < 0) {
        ctl_reply_ok(r->reply);
    } else {
        struct ctl_pending *p = &r->conn->pending;
        *p = (struct ctl_pending){
            .kind = kind,
            .id = cmd.id,
            .timeout = timeout,
            .deadline = timeout ? ctl_now(c).mono + timeout * TIME_MS : TIME_NEVER,
            .level = (int)vici_find_number(r->body, "loglevel", 1),
            .has_child = s->child[0] != '\0',
        };
        snprintf(p->connection, sizeof(p->connection), "%s", s->ike);
        snprintf(p->target, sizeof(p->target), "%s", s->child[0] ? s->child : s->ike);
        r->is_deferred = true;
    }
    c->host.command(c->host.ctx, &cmd);
}

void ctl_cmd_initiate(struct ctl_request *r)
{
    struct selector s = read_selector(r->body);
    if (!s.child[0] && !s.ike[0]) {
        ctl_reply_error(r->reply, "missing configuration name");
        return;
    }
    start(r, CTL_PENDING_INITIATE, COMMAND_INITIATE, &s);
}

void ctl_cmd_terminate(struct ctl_request *r)
{
    struct selector s = read_selector(r->body);
    if (is_empty(&s)) {
        ctl_reply_error(r->reply, "missing terminate selector");
        return;
    }
    start(r, CTL_PENDING_TERMINATE, COMMAND_TERMINATE, &s);
}

void ctl_cmd_rekey(struct ctl_request *r)
{
    struct selector s = read_selector(r->body);
    if (is_empty(&s)) {
        ctl_reply_error(r->reply, "missing rekey selector");
        return;
    }
    start(r, CTL_PENDING_REKEY, COMMAND_REKEY, &s);
}

/* An address, a prefix, or a range. */
static bool read_peers(const char *text, struct selector *s)
{
    char from[IP_TEXT_MAX];
    struct prefix p;
    const char *dash = strchr(text, '-');
    if (dash) {
        snprintf(from, sizeof(from), "%.*s", (int)(dash - text), text);
        return ip_parse(from, &s->peer_from) && ip_parse(dash + 1, &s->peer_to) &&
               s->peer_from.family == s->peer_to.family;
    }
    if (!strchr(text, '/'))
        return ip_parse(text, &s->peer_from) && ip_parse(text, &s->peer_to);
    if (!prefix_parse(text, &p))
        return false;
    s->peer_from = p.ip;
    s->peer_to = prefix_last(&p);
    return true;
}

void ctl_cmd_redirect(struct ctl_request *r)
{
    struct selector s = read_selector(r->body);
    char gateway[256], peers[2 * IP_TEXT_MAX];
    bool has_gateway = vici_find_text(r->body, "gateway", gateway, sizeof(gateway)) && gateway[0];
    bool has_peers = vici_find_text(r->body, "peer-ip", peers, sizeof(peers)) && peers[0];
    bool has_id = vici_find_text(r->body, "peer-id", s.peer_id, sizeof(s.peer_id)) && s.peer_id[0];
    s.child[0] = 0;
    s.child_id = 0;
    if (has_gateway && !ip_parse(gateway, &s.gateway))
        snprintf(s.gateway_name, sizeof(s.gateway_name), "%s", gateway);
    if (!has_gateway)
        ctl_reply_error(r->reply, "missing target gateway");
    else if ((s.gateway.family && ip_is_unspecified(s.gateway)) ||
             strspn(s.gateway_name, NAME_CHARACTERS) != strlen(s.gateway_name))
        ctl_reply_error(r->reply, "gateway: an IP address or a host name is needed");
    else if (has_peers && !read_peers(peers, &s))
        ctl_reply_error(r->reply, "peer-ip: '%s' is neither an IP address nor a prefix nor a range", peers);
    else if (is_empty(&s) && !has_peers && !has_id)
        ctl_reply_error(r->reply, "missing redirect selector");
    else
        start(r, CTL_PENDING_REDIRECT, COMMAND_REDIRECT, &s);
}

static void on_trap(struct ctl_request *r, enum ctl_pending_kind kind, enum command_kind command)
{
    struct selector s = read_selector(r->body);
    s.child_id = s.ike_id = 0;
    if (is_empty(&s)) {
        ctl_reply_error(r->reply, "missing configuration name");
        return;
    }
    start(r, kind, command, &s);
}

void ctl_cmd_install(struct ctl_request *r)
{
    on_trap(r, CTL_PENDING_INSTALL, COMMAND_TRAP);
}

void ctl_cmd_uninstall(struct ctl_request *r)
{
    on_trap(r, CTL_PENDING_UNINSTALL, COMMAND_UNTRAP);
}

static void errmsg(struct vici_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void errmsg(struct vici_writer *w, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    vici_text(w, "errmsg", text);
}

/* vici's sentence for a failure; the reason itself follows in other keys. */
static void write_errmsg(const struct ctl_pending *p, const struct event *e, struct vici_writer *w)
{
    bool is_missing = e->diag.class == FAIL_NOT_FOUND;
    if (p->kind == CTL_PENDING_INSTALL && is_missing)
        errmsg(w, "configuration name not found");
    else if (p->kind == CTL_PENDING_INITIATE && is_missing)
        errmsg(w, "%s config '%s' not found", p->has_child ? "CHILD_SA" : "IKE_SA", p->target);
    else if (p->kind == CTL_PENDING_INITIATE)
        errmsg(w, "establishing CHILD_SA '%s' failed", p->target);
    else if (p->kind == CTL_PENDING_INSTALL)
        errmsg(w, "installing '%s' failed", p->target);
    else if (p->kind == CTL_PENDING_UNINSTALL)
        errmsg(w, "policy '%s' not found", p->target);
    else if (p->kind == CTL_PENDING_TERMINATE && is_missing)
        errmsg(w, "no matching SAs to terminate found");
    else if (p->kind == CTL_PENDING_TERMINATE)
        errmsg(w, "terminating SA failed");
    else if (is_missing)
        errmsg(w, "no matching SAs to %s found", p->kind == CTL_PENDING_REKEY ? "rekey" : "redirect");
    else
        errmsg(w, "%s", e->diag.what);
}

void ctl_control_done(struct ctl_conn *conn, const struct event *e, struct vici_writer *w)
{
    const struct ctl_pending *p = &conn->pending;
    bool is_ok = e->diag.class == FAIL_NONE || p->kind == CTL_PENDING_RESET; /* there may be none to reset */
    vici_text(w, "success", is_ok ? "yes" : "no");
    if (p->kind == CTL_PENDING_TERMINATE || p->kind == CTL_PENDING_REKEY || p->kind == CTL_PENDING_REDIRECT)
        vici_printf(w, "matches", "%u", e->matches);
    if (p->kind == CTL_PENDING_TERMINATE)
        vici_printf(w, "terminated", "%u", is_ok ? e->matches : 0);
    if (is_ok)
        return;
    write_errmsg(p, e, w);
    ctl_write_diag(w, &e->diag);
}

/* How far the attempt has come: a peer that never answered is told apart from one that does. */
static void explain_timeout(const struct engine *e, const struct ctl_pending *p, struct diag *d)
{
    struct ike_view v = {0};
    char text[IP_TEXT_MAX];
    long long ms = p->timeout;
    while (engine_ike_next(e, &v)) {
        if (strcmp(v.connection, p->connection) != 0 || v.spi_r || !v.is_initiator)
            continue;
        diag_set(d, FAIL_UNREACHABLE, "no answer from %s within %lld ms; the attempt goes on",
                 endpoint_format(&v.remote, text), ms);
        diag_try(d, "is the peer there, and are UDP ports 500 and 4500 open on the way?");
        return;
    }
    diag_set(d, FAIL_UNREACHABLE, "not established within %lld ms; the attempt goes on", ms);
    diag_try(d, "keyway status %s, or a longer --timeout", p->connection);
}

void ctl_control_timeout(struct ctl_conn *conn, struct vici_writer *w)
{
    const struct ctl_pending *p = &conn->pending;
    const struct ctl_host *host = &conn->ctl->host;
    struct diag d;
    if (p->kind == CTL_PENDING_INITIATE) {
        ctl_reply_error(w, "CHILD_SA '%s' not established after %lldms", p->target, (long long)p->timeout);
        explain_timeout(host->engine(host->ctx), p, &d);
    } else {
        ctl_reply_error(w, "terminating SA failed");
        diag_set(&d, FAIL_GENERIC, "no answer within %lld ms", (long long)p->timeout);
        diag_try(&d, "keyway down --force %s", p->target);
    }
    ctl_write_diag(w, &d);
}
