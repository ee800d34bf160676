/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the daemon: where it is, requests, events, replies; and the ways to run that commands share. */
#include "bin/swanctl/commands.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool swanctl_connect(struct swanctl_run *r, int *code)
{
    char socket[PATH_TEXT_MAX];
    struct diag d;
    paths_complete(&r->paths);
    bool is_said = r->uri;
    if (!is_said && !swanctl_socket(&r->paths, socket, &is_said, code))
        return false;
    const char *where = r->uri ? r->uri : socket;
    bool is_uri = !strncmp(where, "unix://", 7) || !strncmp(where, "tcp://", 6);
    if (is_uri)
        r->client = vici_client_open(where, &d);
    else
        errno = EINVAL;
    if (r->client)
        return true;
    *code = errno;
    if (is_uri && r->debug > 0)
        fprintf(stderr, "connecting to '%s' failed: %s\n", where, strerror(*code));
    fprintf(stderr, "Error: connecting to '%s' URI failed: %s\n", is_said ? where : "default",
            strerror(*code));
    swanctl_usage(stderr, r->command);
    return false;
}

int swanctl_broken(int code, const char *what, const char *behind)
{
    fprintf(stderr, "%s%s: %s\n", what, behind, strerror(code));
    return code;
}

void swanctl_request(struct swanctl_run *r, struct vici_writer *w, const char *vici)
{
    const struct swanctl_command *c = r->command;
    vici_write_init(w);
    vici_packet_open(w, VICI_CMD_REQUEST, vici);
    for (size_t i = 0; i < SWANCTL_SENT_MAX && c->sent[i]; i++) {
        const struct swanctl_option *o = c->options;
        while (strcmp(o->name, c->sent[i]) != 0)
            o++;
        const char *value = r->value[o - c->options];
        if (o->kind == OPT_LEVEL)
            vici_printf(w, o->name, "%d", value ? atoi(value) : 1);
        else if (o->kind == OPT_SECONDS && value && atoi(value))
            vici_printf(w, o->name, "%lld", atoi(value) * 1000LL);
        else if (o->kind != OPT_SECONDS && value)
            vici_text(w, o->name, o->kind == OPT_FLAG ? "yes" : value);
    }
}

bool swanctl_ask(struct swanctl_run *r, struct vici_writer *w, const char *vici, struct span *reply,
                 int *code)
{
    struct diag d;
    bool is_ok = vici_client_exchange(r->client, w, NULL, NULL, NULL, reply, &d);
    if (!is_ok)
        *code = swanctl_broken(errno, vici, " request failed");
    vici_write_free(w);
    return is_ok;
}

bool swanctl_is_success(struct span reply)
{
    struct span v;
    return vici_find(reply, "success", &v) && span_equal(v, span_str("yes"));
}

int swanctl_refused(const char *vici, struct span reply)
{
    fprintf(stderr, "%s failed: ", vici);
    part_print(stderr, reply, "errmsg", "", 0);
    fputc('\n', stderr);
    return 1;
}

void swanctl_dump_reply(struct swanctl_run *r, struct span reply)
{
    const struct swanctl_command *c = r->command;
    char label[64];
    snprintf(label, sizeof(label), "%s reply", c->vici);
    dump_message(stdout, c->reply_label ? c->reply_label : label, reply, r->style);
}

int swanctl_outcome(struct swanctl_run *r, struct span reply)
{
    if (r->style != DUMP_NONE) {
        swanctl_dump_reply(r, reply);
        return 0;
    }
    if (!swanctl_is_success(reply))
        return swanctl_refused(r->command->vici, reply);
    printf("%s completed successfully\n", r->command->vici);
    return 0;
}

/* ---- ways to run */

static void show_event(void *ctx, struct span body)
{
    struct swanctl_run *r = ctx;
    const struct swanctl_command *c = r->command;
    char label[64];
    snprintf(label, sizeof(label), "%s event", c->event);
    if (r->style != DUMP_NONE)
        dump_message(stdout, c->event_label ? c->event_label : label, body, r->style);
    else
        c->print(stdout, body);
    fflush(stdout);
}

/* The reply, after all its events were shown. */
static bool stream(struct swanctl_run *r, struct span *reply, int *code)
{
    const struct swanctl_command *c = r->command;
    struct vici_writer w;
    struct diag d;
    char what[64];
    snprintf(what, sizeof(what), "registering for %s", c->listing ? c->listing : "");
    if (c->event && !vici_client_register(r->client, c->event, NULL, NULL, &d)) {
        *code = swanctl_broken(errno, what, " failed");
        return false;
    }
    swanctl_request(r, &w, c->vici);
    bool is_ok = vici_client_exchange(r->client, &w, c->event, show_event, r, reply, &d);
    if (!is_ok)
        *code = swanctl_broken(errno, c->vici, " request failed");
    vici_write_free(&w);
    return is_ok;
}

int swanctl_run_print(struct swanctl_run *r)
{
    struct span reply;
    int code;
    if (!stream(r, &reply, &code))
        return code;
    if (r->style != DUMP_NONE)
        swanctl_dump_reply(r, reply);
    else
        r->command->print(stdout, reply);
    return 0;
}

int swanctl_run_list(struct swanctl_run *r)
{
    struct span reply;
    int code;
    if (!stream(r, &reply, &code))
        return code;
    if (r->style != DUMP_NONE)
        swanctl_dump_reply(r, reply);
    return 0;
}

int swanctl_run_act(struct swanctl_run *r)
{
    struct span reply;
    int code;
    return stream(r, &reply, &code) ? swanctl_outcome(r, reply) : code;
}
