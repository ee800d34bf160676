/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-config-show: the configuration that is in force, as text, in pieces that fit into list items. */
#include "conf/show.h"
#include "ctl/commands.h"

#define PIECE_MAX 32000

struct pieces {
    struct vici_writer *w;
    char buf[PIECE_MAX + 1];
    size_t len;
};

static void flush(struct pieces *p)
{
    p->buf[p->len] = '\0';
    if (p->len)
        vici_item(p->w, p->buf);
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
    struct pieces p = {.w = r->reply};
    struct conf_sink sink = {.ctx = &p, .write = take};
    const struct config *c = engine_config(ctl_engine(r));
    vici_list(r->reply, "text");
    bool ok = c && conf_show(c, is_one ? name : NULL, is_json, &sink);
    flush(&p);
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
