/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-add, keyway-delete: a reload that loads a connection of ipsec.conf whatever its auto= says, or
 * leaves it out; what did not work is taken back, so that the next reload knows nothing of it.
 * keyway-connection: what a name that somebody typed means. */
#include "ctl/commands.h"
#include <stdio.h>

static void choose(struct ctl_request *r, enum choice what)
{
    struct ctl *c = r->ctl;
    struct ctl_pending *p = &r->conn->pending;
    char name[sizeof(p->connection)];
    struct span v;
    if (!vici_find(r->body, "name", &v) || !v.len || v.len >= sizeof(name)) {
        ctl_reply_error(r->reply, "missing connection name, or one that is too long");
        return;
    }
    vici_find_text(r->body, "name", name, sizeof(name));
    *p = (struct ctl_pending){
        .kind = CTL_PENDING_CHOICE, .id = ++c->last_command, .deadline = TIME_NEVER, .is = what};
    snprintf(p->connection, sizeof(p->connection), "%s", name);
    p->was = c->host.choose(c->host.ctx, name, what);
    r->is_deferred = true;
    c->host.reload(c->host.ctx, p->id);
}

void ctl_cmd_keyway_add(struct ctl_request *r)
{
    choose(r, CHOICE_ADDED);
}

void ctl_cmd_keyway_delete(struct ctl_request *r)
{
    choose(r, CHOICE_DELETED);
}

static void explain(const struct ctl_pending *p, const struct connection *found, struct diag *d)
{
    if (p->is == CHOICE_ADDED) {
        diag_set(d, FAIL_NOT_FOUND, "no file has a connection %s", p->connection);
        diag_try(d, "keyway config check");
        return;
    }
    diag_set(d, FAIL_GENERIC, "connection %s is of %s: it is deleted there", p->connection, found->dialect);
    diag_try(d, "remove it from the file, then ipsec reload");
}

void ctl_choice_done(struct ctl_conn *conn, const struct diag *errors, size_t n, struct vici_writer *w)
{
    const struct ctl_pending *p = &conn->pending;
    const struct ctl_host *host = &conn->ctl->host;
    struct diag d;
    const struct connection *found =
        n ? NULL : config_find(engine_config(host->engine(host->ctx)), p->connection);
    if (!n && (p->is == CHOICE_ADDED) == (found != NULL)) {
        ctl_reply_ok(w);
        if (found)
            vici_text(w, "dialect", found->dialect);
        return;
    }
    host->choose(host->ctx, p->connection, p->was);
    if (n) {
        ctl_write_errors(w, errors, n);
        ctl_write_diag(w, &errors[0]);
        return;
    }
    explain(p, found, &d);
    ctl_reply_error(w, "%s", d.what);
    ctl_write_diag(w, &d);
}

/* ---- names */

struct hit {
    const struct connection *conn;
    const struct child_config *child; /* NULL: all of it */
    size_t others;                    /* that have a child of that name, too */
};

/* A connection's name, CONNECTION/CHILD, or a child that one connection has. One of strongSwan's ipsec.conf
 * may have got the children of others, which its name does not mean. */
static struct hit find(const struct config *c, const char *name)
{
    struct hit h = {.conn = config_find(c, name)};
    if (h.conn && h.conn->n_children > 1 && strcmp(h.conn->dialect, "ipsec.conf/strongswan") == 0)
        h.child = connection_child(h.conn, name);
    const char *slash = strchr(name, '/');
    char head[128];
    if (h.conn)
        return h;
    if (slash) {
        snprintf(head, sizeof(head), "%.*s", (int)(slash - name), name);
        h.conn = config_find(c, head);
        h.child = h.conn ? connection_child(h.conn, slash + 1) : NULL;
        if (h.child)
            return h;
    }
    h = (struct hit){0};
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct child_config *child = connection_child(c->connections[i], name);
        h.others += child && h.conn;
        if (child && !h.conn)
            h = (struct hit){.conn = c->connections[i], .child = child};
    }
    return h;
}

static void write_children(struct vici_writer *w, const struct hit *h)
{
    vici_list(w, "children");
    for (size_t i = 0; i < h->conn->n_children; i++) {
        if (!h->child || h->child == &h->conn->children[i])
            vici_item(w, h->conn->children[i].name);
    }
    vici_list_end(w);
}

void ctl_cmd_keyway_connection(struct ctl_request *r)
{
    const struct config *c = engine_config(ctl_engine(r));
    char name[256];
    struct diag d;
    vici_find_text(r->body, "name", name, sizeof(name));
    struct hit h = c ? find(c, name) : (struct hit){0};
    if (!h.conn || h.others) {
        if (h.others) {
            diag_set(&d, FAIL_NOT_FOUND, "%zu connections have a child %s", h.others + 1, name);
            diag_try(&d, "CONNECTION/%s", name);
        } else {
            diag_set(&d, FAIL_NOT_FOUND, "no connection or child named %s is loaded", name);
        }
        ctl_reply_error(r->reply, "%s", d.what);
        ctl_write_diag(r->reply, &d);
        return;
    }
    ctl_reply_ok(r->reply);
    vici_text(r->reply, "connection", h.conn->name);
    if (h.child)
        vici_text(r->reply, "child", h.child->name);
    vici_text(r->reply, "dialect", h.conn->dialect);
    vici_text(r->reply, "version", h.conn->version == 1 ? "1" : "2");
    write_children(r->reply, &h);
}
