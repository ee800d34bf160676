/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine says as vici events: log lines (to a waiting command as control-log), SAs that come, go,
 * move and are replaced, alerts. */
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

/* ---- SAs, as they were at the moment of the event */

static void write_ike(struct vici_writer *w, const struct ctl *c, const struct ike_view *v, uint64_t id)
{
    if (v)
        ctl_write_ike_keys(w, v, ctl_now(c));
    else
        vici_printf(w, "uniqueid", "%llu", (unsigned long long)id);
}

static void write_child(struct vici_writer *w, const struct ctl *c, const struct child_view *v,
                        const char *name, uint64_t id)
{
    if (v) {
        ctl_write_child_keys(w, v, ctl_now(c));
        return;
    }
    vici_text(w, "name", name);
    vici_printf(w, "uniqueid", "%llu", (unsigned long long)id);
}

static const char *name_of(const struct event *e)
{
    return e->connection ? e->connection : "";
}

/* ---- up and down, moved */

void ctl_event_updown(struct ctl *c, const struct event *e, enum ctl_event_id id)
{
    char section[VICI_NAME_MAX + 1];
    const char *child = e->child ? e->child : "";
    if (!ctl_is_wanted(c, id))
        return;
    struct vici_writer *w = ctl_event_open(c, id);
    vici_flag(w, "up", e->is_up);
    vici_section(w, name_of(e));
    write_ike(w, c, e->ike, e->ike_id);
    if (id == CTL_CHILD_UPDOWN) {
        snprintf(section, sizeof(section), "%s-%llu", child, (unsigned long long)e->child_id);
        vici_section(w, "child-sas");
        vici_section(w, section);
        write_child(w, c, e->child_sa, child, e->child_id);
        vici_section_end(w);
        vici_section_end(w);
    }
    vici_section_end(w);
    ctl_emit(c, id);
}

/* Where it is now, and then the SA as it was. */
void ctl_event_ike_update(struct ctl *c, const struct event *e)
{
    char text[IP_TEXT_MAX];
    if (!e->ike || !ctl_is_wanted(c, CTL_IKE_UPDATE))
        return;
    struct vici_writer *w = ctl_event_open(c, CTL_IKE_UPDATE);
    struct ike_view was = *e->ike;
    was.local = e->old_local;
    was.remote = e->old_remote;
    vici_text(w, "local-host", ip_format(e->ike->local.ip, text));
    vici_printf(w, "local-port", "%u", e->ike->local.port);
    vici_text(w, "remote-host", ip_format(e->ike->remote.ip, text));
    vici_printf(w, "remote-port", "%u", e->ike->remote.port);
    vici_section(w, name_of(e));
    ctl_write_ike_keys(w, &was, ctl_now(c));
    vici_section_end(w);
    ctl_emit(c, CTL_IKE_UPDATE);
}

/* ---- rekeyed */

void ctl_event_ike_rekey(struct ctl *c, const struct event *e)
{
    if (!ctl_is_wanted(c, CTL_IKE_REKEY))
        return;
    struct vici_writer *w = ctl_event_open(c, CTL_IKE_REKEY);
    vici_section(w, name_of(e));
    vici_section(w, "old");
    write_ike(w, c, e->old_ike, e->old_id);
    vici_section_end(w);
    vici_section(w, "new");
    write_ike(w, c, e->ike, e->ike_id);
    vici_section_end(w);
    vici_section_end(w);
    ctl_emit(c, CTL_IKE_REKEY);
}

void ctl_event_child_rekey(struct ctl *c, const struct event *e)
{
    const char *child = e->child ? e->child : "";
    if (!ctl_is_wanted(c, CTL_CHILD_REKEY))
        return;
    struct vici_writer *w = ctl_event_open(c, CTL_CHILD_REKEY);
    vici_section(w, name_of(e));
    write_ike(w, c, e->ike, e->ike_id);
    vici_section(w, "child-sas");
    vici_section(w, child);
    vici_section(w, "old");
    write_child(w, c, e->old_child, child, e->old_id);
    vici_section_end(w);
    vici_section(w, "new");
    write_child(w, c, e->child_sa, child, e->child_id);
    vici_section_end(w);
    vici_section_end(w);
    vici_section_end(w);
    vici_section_end(w);
    ctl_emit(c, CTL_CHILD_REKEY);
}

/* ---- alerts */

static const char *const alert_names[ALERTS] = {
    [ALERT_SHUTDOWN_SIGNAL] = "shutdown-signal",
    [ALERT_LOCAL_AUTH_FAILED] = "local-auth-failed",
    [ALERT_PEER_AUTH_FAILED] = "peer-auth-failed",
    [ALERT_PEER_ADDR_FAILED] = "peer-addr-failed",
    [ALERT_PEER_INIT_UNREACHABLE] = "peer-init-unreachable",
    [ALERT_INVALID_IKE_SPI] = "invalid-ike-spi",
    [ALERT_PARSE_ERROR_HEADER] = "parse-error-header",
    [ALERT_PARSE_ERROR_BODY] = "parse-error-body",
    [ALERT_RETRANSMIT_SEND] = "retransmit-send",
    [ALERT_RETRANSMIT_SEND_CLEARED] = "retransmit-send-cleared",
    [ALERT_RETRANSMIT_SEND_TIMEOUT] = "retransmit-send-timeout",
    [ALERT_RETRANSMIT_RECEIVE] = "retransmit-receive",
    [ALERT_HALF_OPEN_TIMEOUT] = "half-open-timeout",
    [ALERT_PROPOSAL_MISMATCH_IKE] = "proposal-mismatch-ike",
    [ALERT_PROPOSAL_MISMATCH_CHILD] = "proposal-mismatch-child",
    [ALERT_TS_MISMATCH] = "ts-mismatch",
    [ALERT_TS_NARROWED] = "ts-narrowed",
    [ALERT_INSTALL_SA_FAILED] = "install-child-sa-failed",
    [ALERT_INSTALL_POLICY_FAILED] = "install-child-policy-failed",
    [ALERT_UNIQUE_REPLACE] = "unique-replace",
    [ALERT_UNIQUE_KEEP] = "unique-keep",
    [ALERT_KEEP_ON_CHILD_FAILURE] = "keep-on-child-sa-failure",
    [ALERT_VIP_FAILURE] = "vip-failure",
    [ALERT_AUTHORIZATION_FAILED] = "authorization-failed",
    [ALERT_IKE_SA_EXPIRED] = "ike-sa-expired",
    [ALERT_CERT_EXPIRED] = "cert-expired",
    [ALERT_CERT_VALIDATION_FAILED] = "cert-validation-failed",
    [ALERT_CERT_NO_ISSUER] = "cert-no-issuer",
    [ALERT_CERT_UNTRUSTED_ROOT] = "cert-untrusted-root",
    [ALERT_CERT_POLICY_VIOLATION] = "cert-policy-violation",
};

void ctl_event_alert(struct ctl *c, const struct event *e)
{
    if (!ctl_is_wanted(c, CTL_ALERT))
        return;
    struct vici_writer *w = ctl_event_open(c, CTL_ALERT);
    vici_text(w, "type", alert_names[e->alert]);
    if (e->ike) {
        vici_section(w, "ike-sa");
        vici_section(w, name_of(e));
        ctl_write_ike_keys(w, e->ike, ctl_now(c));
        vici_section_end(w);
        vici_section_end(w);
    }
    ctl_emit(c, CTL_ALERT);
}
