/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the daemon, and its answers as JSON. */
#include "bin/ipsec/control.h"
#include <stdlib.h>
#include <time.h>

static void write_pairs(struct vici_writer *w, const char *const *pairs)
{
    for (; pairs && pairs[0]; pairs += 2) {
        if (pairs[1])
            vici_text(w, pairs[0], pairs[1]);
    }
}

/* Once: the caller frees nothing, the reply is valid until the next call. */
static bool call(struct control *c, const char *command, const char *const *pairs, const char *event,
                 vici_event_fn *fn, void *ctx, struct span *reply, struct diag *d)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, command);
    write_pairs(&w, pairs);
    bool ok = vici_client_call(c->v, &w, event, fn, ctx, reply, d) && vici_reply_ok(*reply, d);
    vici_write_free(&w);
    return ok;
}

json_t *control_ask(struct control *c, const char *command, struct diag *d)
{
    return control_ask_with(c, command, NULL, d);
}

json_t *control_ask_with(struct control *c, const char *command, const char *const *pairs, struct diag *d)
{
    struct span reply;
    if (!call(c, command, pairs, NULL, NULL, NULL, &reply, d))
        return NULL;
    json_t *j = vici_to_json(reply);
    if (!j)
        diag_set(d, FAIL_GENERIC, "the daemon sent a malformed message");
    return j;
}

bool control_stream(struct control *c, const char *command, const char *const *pairs, const char *event,
                    vici_event_fn *fn, void *ctx, struct diag *d)
{
    struct span reply;
    return call(c, command, pairs, event, fn, ctx, &reply, d);
}

static void collect(void *ctx, struct span body)
{
    json_t *section = vici_to_json(body), *all = ctx, *value;
    const char *key;
    json_object_foreach(section, key, value)
    {
        json_array_append_new(all, json_pack("{s:s,s:O}", "name", key, "body", value));
    }
    json_decref(section);
}

json_t *control_list(struct control *c, const char *command, const char *event, const char *key,
                     const char *value, struct diag *d)
{
    const char *const pairs[] = {key, value, NULL};
    struct span reply;
    json_t *all = json_array();
    if (call(c, command, pairs, event, collect, all, &reply, d))
        return all;
    json_decref(all);
    return NULL;
}

/* One connection at a time: all of them may not fit into a message. */
static void show_one(struct control *c, const char *name, json_t *all)
{
    const char *const pairs[] = {"name", name, "json", "yes", NULL};
    struct diag d;
    json_t *answer = control_ask_with(c, "keyway-config-show", pairs, &d);
    char *text = joined(member_object(answer, "text"), "");
    json_t *tree = json_loads(text, 0, NULL), *conn = member_object(member_object(tree, "connections"), name);
    if (conn)
        json_object_set(all, name, conn);
    json_decref(tree);
    json_decref(answer);
    free(text);
}

static json_t *show_all(struct control *c, json_t *conns)
{
    json_t *all = json_object(), *row;
    size_t i;
    json_array_foreach(conns, i, row) show_one(c, member(row, "name"), all);
    return all;
}

bool control_answers(struct control *c, unsigned what, struct answers *a, struct diag *d)
{
    const struct {
        unsigned bit;
        json_t **to;
        const char *command, *event;
    } rows[] = {
        {ASK_SAS,      &a->sas,      "list-sas",      "list-sa"    },
        {ASK_CONNS,    &a->conns,    "list-conns",    "list-conn"  },
        {ASK_POLICIES, &a->policies, "list-policies", "list-policy"},
        {ASK_STATUS,   &a->status,   "keyway-status", NULL         },
        {ASK_VERSION,  &a->version,  "version",       NULL         },
        {ASK_STATS,    &a->stats,    "stats",         NULL         },
        {ASK_POOLS,    &a->pools,    "get-pools",     NULL         },
    };
    *a = (struct answers){.now = (int64_t)time(NULL)};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!(what & rows[i].bit))
            continue;
        *rows[i].to = rows[i].event ? control_list(c, rows[i].command, rows[i].event, NULL, NULL, d)
                                    : control_ask(c, rows[i].command, d);
        if (!*rows[i].to)
            return false;
    }
    if (what & ASK_SHOWN)
        a->shown = show_all(c, a->conns);
    answers_index(a);
    return true;
}

bool control_tell(struct control *c, const char *command, const char *const *pairs, struct diag *d)
{
    struct span reply;
    return call(c, command, pairs, NULL, NULL, NULL, &reply, d);
}

struct watch {
    struct control *c;
    control_line_fn *line;
};

static void show(void *ctx, struct span body)
{
    struct watch *w = ctx;
    char text[1024], id[32], group[8] = "";
    vici_find_text(body, "group", group, sizeof(group));
    if (is_libreswan(w->c) && (strcmp(group, "ENC") == 0 || strcmp(group, "NET") == 0))
        return; /* messages are not told of there */
    vici_find_text(body, "msg", text, sizeof(text));
    vici_find_text(body, "ikesa-uniqueid", id, sizeof(id));
    w->line(w->c, (int)vici_find_number(body, "level", 1), id, text);
}

bool control_watch(struct control *c, const char *command, const char *const *pairs, control_line_fn *line,
                   struct diag *d)
{
    struct watch w = {.c = c, .line = line};
    struct span reply;
    return call(c, command, pairs, "control-log", show, &w, &reply, d);
}
