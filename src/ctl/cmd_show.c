/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-config-show: the configuration that is in force, as text. Of some hundred connections it does not
 * fit into one message: it goes in events, keyway-config-text, to a client that has registered for them, and
 * to others in pieces that are items of a list. */
#include "conf/show.h"
#include "ctl/commands.h"

#define PIECE_MAX 32000

struct pieces {
    struct ctl_request *r;
    bool is_streamed;
    char buf[PIECE_MAX + 1];
    size_t len;
};

static void flush(struct pieces *p)
{
    p->buf[p->len] = '\0';
    if (p->len && p->is_streamed) {
        vici_text(ctl_event_open_to(p->r->conn, CTL_CONFIG_TEXT), "text", p->buf);
        ctl_emit_to(p->r->conn, CTL_CONFIG_TEXT);
    } else if (p->len) {
        vici_item(p->r->reply, p->buf);
    }
    p->len = 0;
}

static void take(void *ctx, const char *text)
{
    struct pieces *p = ctx;
    for (; *text; text++) {
        if (p->len == PIECE_MAX)
            flush(p);
        p->buf[p->len++] = *text;
    }
}

void ctl_cmd_keyway_config_show(struct ctl_request *r)
{
    char name[VICI_NAME_MAX + 1];
    struct span v;
    bool is_one = vici_find_text(r->body, "name", name, sizeof(name));
    bool is_json = vici_find(r->body, "json", &v) && vici_is_yes(v);
    struct pieces p = {.r = r, .is_streamed = r->conn->registered >> CTL_CONFIG_TEXT & 1};
    struct conf_sink sink = {.ctx = &p, .write = take};
    const struct config *c = engine_config(ctl_engine(r));
    if (!p.is_streamed)
        vici_list(r->reply, "text");
    bool ok = c && conf_show(c, is_one ? name : NULL, is_json, &sink);
    flush(&p);
    if (!p.is_streamed)
        vici_list_end(r->reply);
    if (ok) {
        ctl_reply_ok(r->reply);
        return;
    }
    struct diag d;
    diag_set(&d, FAIL_NOT_FOUND, "there is no tunnel %s", is_one ? name : "");
    ctl_reply_error(r->reply, "%s", d.what);
    ctl_write_diag(r->reply, &d);
}
