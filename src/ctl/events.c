/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine says as vici events: log lines (to a waiting command as control-log), SAs that come, go and
 * are replaced. An SA that has gone by the time of its event has only its name and number to show. */
#include "ctl/commands.h"
#include <stdio.h>

/* ---- log lines */

static void write_log(struct vici_writer *w, const struct log_entry *e, bool has_thread)
{
    vici_text(w, "group", log_group_name(e->group));
    vici_printf(w, "level", "%d", log_level_number(e->level));
    if (has_thread)
        vici_text(w, "thread", "0");
    if (e->ike_name) {
        vici_text(w, "ikesa-name", e->ike_name);
        vici_printf(w, "ikesa-uniqueid", "%llu", (unsigned long long)e->ike_id);
    }
    vici_text(w, "msg", e->text ? e->text : "");
}

static bool belongs_to(const struct ctl_pending *p, const struct event *e)
{
    if (p->kind == CTL_PENDING_NONE || p->kind >= CTL_PENDING_RELOAD)
        return false;
    if (e->command_id)
        return e->command_id == p->id;
    return e->connection && p->connection[0] && !strcmp(e->connection, p->connection);
}

/* To the command that waits for it. */
void ctl_event_log(struct ctl *c, const struct event *e)
{
    const struct log_entry line = {.group = e->group,
                                   .level = e->level,
                                   .ike_name = e->connection,
                                   .ike_id = e->ike_id,
                                   .text = e->text};
    struct ctl_conn *conn;
    list_each(conn, &c->conns, link)
    {
        if (!belongs_to(&conn->pending, e) || log_level_number(e->level) > conn->pending.level)
            continue;
        write_log(ctl_event_open(c, CTL_CONTROL_LOG), &line, false);
        ctl_emit_to(conn, CTL_CONTROL_LOG);
    }
}

/* To everybody: level 1, or more where somebody asked for it at run time. */
void ctl_log(struct ctl *c, const struct log_entry *e)
{
    int most = c->shown[e->group] > 1 ? c->shown[e->group] : 1;
    if (log_level_number(e->level) > most || !ctl_is_wanted(c, CTL_LOG))
        return;
    write_log(ctl_event_open(c, CTL_LOG), e, true);
    ctl_emit(c, CTL_LOG);
}

/* ---- up and down */

/* One child by its event's names: all its keys, or when it has gone what is known of it. */
static void write_event_child(struct vici_writer *w, const struct ctl *c, const struct event *e)
{
    struct child_view v;
    const char *name = e->child ? e->child : "";
    char section[VICI_NAME_MAX + 1];
    snprintf(section, sizeof(section), "%s-%llu", name, (unsigned long long)e->child_id);
    vici_section(w, section);
    if (engine_child_find(c->host.engine(c->host.ctx), e->child_id, &v)) {
        ctl_write_child_keys(w, &v, ctl_now(c));
    } else {
        vici_text(w, "name", name);
        vici_printf(w, "uniqueid", "%llu", (unsigned long long)e->child_id);
    }
    vici_section_end(w);
}

void ctl_event_updown(struct ctl *c, const struct event *e, enum ctl_event_id id)
{
    if (!ctl_is_wanted(c, id))
        return;
    struct vici_writer *w = ctl_event_open(c, id);
    struct ike_view v;
    vici_flag(w, "up", e->is_up);
    vici_section(w, e->connection ? e->connection : "");
    if (engine_ike_find(c->host.engine(c->host.ctx), e->ike_id, &v))
        ctl_write_ike_keys(w, &v, ctl_now(c));
    else
        vici_printf(w, "uniqueid", "%llu", (unsigned long long)e->ike_id);
    vici_section(w, "child-sas");
    if (id == CTL_CHILD_UPDOWN)
        write_event_child(w, c, e);
    vici_section_end(w);
    vici_section_end(w);
    ctl_emit(c, id);
}

/* ---- rekeyed */

static void write_ike_in(struct vici_writer *w, const char *section, const struct ctl *c, uint64_t id)
{
    struct ike_view v;
    vici_section(w, section);
    if (engine_ike_find(c->host.engine(c->host.ctx), id, &v))
        ctl_write_ike_keys(w, &v, ctl_now(c));
    else
        vici_printf(w, "uniqueid", "%llu", (unsigned long long)id);
    vici_section_end(w);
}

void ctl_event_ike_rekey(struct ctl *c, const struct event *e)
{
    if (!ctl_is_wanted(c, CTL_IKE_REKEY))
        return;
    struct vici_writer *w = ctl_event_open(c, CTL_IKE_REKEY);
    vici_section(w, e->connection ? e->connection : "");
    write_ike_in(w, "old", c, e->old_id);
    write_ike_in(w, "new", c, e->ike_id);
    vici_section_end(w);
    ctl_emit(c, CTL_IKE_REKEY);
}

static void write_child_in(struct vici_writer *w, const char *section, const struct ctl *c, uint64_t id)
{
    struct child_view v;
    vici_section(w, section);
    if (engine_child_find(c->host.engine(c->host.ctx), id, &v))
        ctl_write_child_keys(w, &v, ctl_now(c));
    else
        vici_printf(w, "uniqueid", "%llu", (unsigned long long)id);
    vici_section_end(w);
}

void ctl_event_child_rekey(struct ctl *c, const struct event *e)
{
    if (!ctl_is_wanted(c, CTL_CHILD_REKEY))
        return;
    struct ike_view ike;
    struct vici_writer *w = ctl_event_open(c, CTL_CHILD_REKEY);
    vici_section(w, e->connection ? e->connection : "");
    if (engine_ike_find(c->host.engine(c->host.ctx), e->ike_id, &ike))
        ctl_write_ike_keys(w, &ike, ctl_now(c));
    vici_section(w, "child-sas");
    vici_section(w, e->child ? e->child : "");
    write_child_in(w, "old", c, e->old_id);
    write_child_in(w, "new", c, e->child_id);
    vici_section_end(w);
    vici_section_end(w);
    vici_section_end(w);
    ctl_emit(c, CTL_CHILD_REKEY);
}
