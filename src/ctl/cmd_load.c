/* SPDX-License-Identifier: Apache-2.0 */
/* load-conn, load-pool, load-authority, load-shared, load-key, load-token, load-cert: a message becomes an
 * item (src/conf/item.h), which the host builds off this thread; what came of it is put in force, and the
 * client is answered. Not here: unloading and listing (cmd_unload.c). */
#include "base/map.h"
#include "base/text.h"
#include "ctl/commands.h"
#include <inttypes.h>
#include <stdio.h>

/* ---- a message into an item */

static bool put_element(struct conf_item *t, const struct vici_element *e, struct span *list)
{
    switch (e->kind) {
    case VICI_SECTION_START:
        return conf_item_open(t, e->name);
    case VICI_SECTION_END:
        return conf_item_close(t);
    case VICI_KEY_VALUE:
        return conf_item_value(t, e->name, e->value);
    case VICI_LIST_START:
        *list = e->name;
        return true;
    case VICI_LIST_ITEM:
        return conf_item_value(t, *list, e->value);
    case VICI_LIST_END:
        return true;
    }
    return false;
}

/* The rest of the section that is open, or of the message. */
static bool put_rest(struct conf_item *t, struct vici_reader *r)
{
    struct vici_element e;
    struct span list = {0};
    unsigned outside = r->depth;
    while (vici_next(r, &e)) {
        if (e.kind == VICI_SECTION_END && r->depth < outside)
            return true;
        if (!put_element(t, &e, &list))
            return false;
    }
    return vici_read_ok(r);
}

/* ---- the commands */

/* What has no name is called by its content, so that it is there once however often it is loaded. */
static void build(struct ctl_request *r, struct conf_item *t, enum conf_item_kind kind, struct span name)
{
    struct ctl *c = r->ctl;
    struct ctl_pending *p = &r->conn->pending;
    *p = (struct ctl_pending){
        .kind = CTL_PENDING_LOAD, .id = ++c->last_command, .deadline = TIME_NEVER, .item = kind};
    if (name.len)
        snprintf(p->connection, sizeof(p->connection), "%.*s", (int)name.len, (const char *)name.ptr);
    else
        snprintf(p->connection, sizeof(p->connection), CTL_NAMELESS "%016" PRIx64, map_hash(r->body));
    r->is_deferred = true;
    c->host.build(c->host.ctx, p->id, t);
}

static void too_much(struct ctl_request *r, struct conf_item *t)
{
    conf_item_free(t);
    ctl_reply_error(r->reply, "more sections or values than anything has that can be loaded");
}

/* One section, whose name is the item's. */
static void load_section(struct ctl_request *r, enum conf_item_kind kind)
{
    struct vici_reader reader = vici_read(r->body);
    struct vici_element first, more;
    if (!vici_next(&reader, &first) || first.kind != VICI_SECTION_START) {
        ctl_reply_error(r->reply, "expected a section with a name, and got %s",
                        r->body.len ? "something else" : "nothing");
        return;
    }
    struct conf_item *t = conf_item_new(kind, first.name);
    if (!put_rest(t, &reader)) {
        too_much(r, t);
        return;
    }
    if (vici_next(&reader, &more)) {
        conf_item_free(t);
        ctl_reply_error(r->reply, "expected one section, and got more than that");
        return;
    }
    build(r, t, kind, first.name);
}

/* Keys, without a section around them. */
static void load_keys(struct ctl_request *r, enum conf_item_kind kind, struct span name)
{
    struct vici_reader reader = vici_read(r->body);
    struct conf_item *t = conf_item_new(kind, name);
    if (put_rest(t, &reader))
        build(r, t, kind, name);
    else
        too_much(r, t);
}

void ctl_cmd_load_conn(struct ctl_request *r)
{
    load_section(r, ITEM_CONNECTION);
}

void ctl_cmd_load_pool(struct ctl_request *r)
{
    load_section(r, ITEM_POOL);
}

void ctl_cmd_load_authority(struct ctl_request *r)
{
    load_section(r, ITEM_AUTHORITY);
}

void ctl_cmd_load_shared(struct ctl_request *r)
{
    struct span id = {0};
    vici_find(r->body, "id", &id);
    load_keys(r, ITEM_SHARED, id);
}

void ctl_cmd_load_key(struct ctl_request *r)
{
    load_keys(r, ITEM_KEY, span_of(NULL, 0));
}

void ctl_cmd_load_token(struct ctl_request *r)
{
    load_keys(r, ITEM_TOKEN, span_of(NULL, 0));
}

void ctl_cmd_load_cert(struct ctl_request *r)
{
    load_keys(r, ITEM_CERT, span_of(NULL, 0));
}

/* ---- what came of it */

void ctl_load_answer(struct ctl_conn *conn, struct config *part, const struct diag *errors, size_t n,
                     struct vici_writer *w)
{
    const struct ctl_host *host = &conn->ctl->host;
    struct ctl_pending *p = &conn->pending;
    char id[2 * 20 + 1] = "", text[1024];
    bool is_key = p->item == ITEM_KEY || p->item == ITEM_TOKEN;
    if (!part) {
        ctl_reply_error(w, "%s", n ? diag_format(&errors[0], text, sizeof(text)) : "nothing came of it");
        return;
    }
    if (is_key && part->n_keys) {
        uint8_t keyid[20];
        struct text t = TEXT_ON(id);
        pkey_keyid(part->keys[0].key, keyid);
        text_hex(&t, span_of(keyid, sizeof(keyid)));
    }
    if (!host->put(host->ctx, p->item, is_key ? id : p->connection, part)) {
        ctl_reply_error(w, "too much is loaded already");
        return;
    }
    ctl_reply_ok(w);
    if (is_key)
        vici_text(w, "id", id);
}
