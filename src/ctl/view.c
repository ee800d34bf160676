/* SPDX-License-Identifier: Apache-2.0 */
/* SAs as vici sections. Scripts grep the order of keys: it is the protocol's. Connections: view_conn.c. */
#include "ctl/commands.h"
#include "net/dscp.h"
#include <inttypes.h>
#include <stdio.h>

static void write_seconds(struct vici_writer *w, const char *key, int64_t microseconds)
{
    int64_t s = microseconds / TIME_SECOND;
    vici_printf(w, key, "%" PRId64, s > 0 ? s : 0);
}

/* Seconds until a moment that may be off. */
static void write_until(struct vici_writer *w, const char *key, int64_t at, int64_t now)
{
    if (at != TIME_NEVER && at != 0)
        write_seconds(w, key, at - now);
}

static void write_alg(struct vici_writer *w, const char *key, enum transform_type type, uint16_t id)
{
    const struct alg *a = alg_find(type, id);
    if (a)
        vici_text(w, key, a->name);
    else
        vici_printf(w, key, "%u", id);
}

static void write_encr_integ(struct vici_writer *w, const struct chosen *c)
{
    if (c->encr) {
        write_alg(w, "encr-alg", TRANSFORM_ENCR, c->encr);
        if (c->key_bits)
            vici_printf(w, "encr-keysize", "%u", c->key_bits);
    }
    if (c->integ)
        write_alg(w, "integ-alg", TRANSFORM_INTEG, c->integ);
}

/* ake1 to ake7, as far as they were made */
static void write_additional(struct vici_writer *w, const struct chosen *c)
{
    char key[8];
    for (unsigned i = 0; i < ADDKE_MAX; i++) {
        snprintf(key, sizeof(key), "ake%u", i + 1);
        if (c->addke[i])
            write_alg(w, key, TRANSFORM_KE, c->addke[i]);
    }
}

static void write_traffic(struct vici_writer *w, const struct child_view *v, int64_t now)
{
    vici_printf(w, "bytes-in", "%" PRIu64, v->bytes_in);
    vici_printf(w, "packets-in", "%" PRIu64, v->packets_in);
    if (v->last_in)
        write_seconds(w, "use-in", now - v->last_in);
    vici_printf(w, "bytes-out", "%" PRIu64, v->bytes_out);
    vici_printf(w, "packets-out", "%" PRIu64, v->packets_out);
    if (v->last_out)
        write_seconds(w, "use-out", now - v->last_out);
}

/* Keyway's own keys. */
static void write_class(struct vici_writer *w, uint64_t dscp)
{
    char text[DSCP_SET_TEXT];
    if (dscp)
        vici_text(w, "dscp", dscp_format_set(dscp, text));
}

static void write_tfc(struct vici_writer *w, uint32_t tfc_padding)
{
    if (tfc_padding == TFC_TO_MTU)
        vici_text(w, "tfc-padding", "mtu");
    else if (tfc_padding)
        vici_printf(w, "tfc-padding", "%" PRIu32, tfc_padding);
}

static void write_mark(struct vici_writer *w, const char *key, const char *mask, const struct mark *m)
{
    if (!m->mask)
        return;
    vici_printf(w, key, "%08" PRIx32, m->value);
    if (m->mask != UINT32_MAX)
        vici_printf(w, mask, "%08" PRIx32, m->mask);
}

static void write_if_ids(struct vici_writer *w, uint32_t in, uint32_t out)
{
    if (in)
        vici_printf(w, "if-id-in", "%08" PRIx32, in);
    if (out)
        vici_printf(w, "if-id-out", "%08" PRIx32, out);
}

static void write_kernel(struct vici_writer *w, const struct kernel_options *k)
{
    write_mark(w, "mark-in", "mark-mask-in", &k->in.mark);
    write_mark(w, "mark-out", "mark-mask-out", &k->out.mark);
    write_if_ids(w, k->in.if_id, k->out.if_id);
}

void ctl_write_child_keys(struct vici_writer *w, const struct child_view *v, struct time at)
{
    int64_t now = at.mono;
    vici_text(w, "name", v->name);
    vici_printf(w, "uniqueid", "%" PRIu64, v->id);
    vici_printf(w, "reqid", "%" PRIu32, v->reqid);
    vici_text(w, "state", child_state_name(v->state));
    vici_text(w, "mode", ctl_mode_names[v->mode]);
    if (v->state != CHILD_CREATED) {
        vici_text(w, "protocol", v->chosen.protocol == PROTO_AH ? "AH" : "ESP");
        vici_flag(w, "encap", v->has_encap && !v->is_in_tcp);
        vici_own_flag(w, "tcp", v->is_in_tcp);
        vici_printf(w, "spi-in", "%08" PRIx32, v->spi_in);
        vici_printf(w, "spi-out", "%08" PRIx32, v->spi_out);
        if (v->cpi_in) {
            vici_printf(w, "cpi-in", "%04x", v->cpi_in);
            vici_printf(w, "cpi-out", "%04x", v->cpi_out);
        }
        write_kernel(w, &v->kernel);
        vici_flag(w, "per-cpu-sas", v->is_per_cpu);
        if (v->cpu.is_set)
            vici_printf(w, "cpu", "%" PRIu32, v->cpu.number);
        if (w->is_extended)
            vici_text(w, "dataplane", plane_name(v->plane));
        write_encr_integ(w, &v->chosen);
        if (v->chosen.ke)
            write_alg(w, "dh-group", TRANSFORM_KE, v->chosen.ke);
        write_additional(w, &v->chosen);
        if (v->chosen.has_esn)
            vici_text(w, "esn", "1");
        if (w->is_extended) {
            write_tfc(w, v->tfc_padding);
            write_class(w, v->dscp);
        }
        write_traffic(w, v, now);
        write_until(w, "rekey-time", v->rekey_at, now);
        write_until(w, "life-time", v->expires_at, now);
        write_seconds(w, "install-time", now - v->installed_at);
    }
    ctl_write_selectors(w, "local-ts", v->local_ts, v->n_local_ts);
    ctl_write_selectors(w, "remote-ts", v->remote_ts, v->n_remote_ts);
}

static void write_side(struct vici_writer *w, const char *side, const struct endpoint *ep,
                       const struct identity *id)
{
    char key[32], text[IP_TEXT_MAX], id_text[ID_TEXT_MAX];
    snprintf(key, sizeof(key), "%s-host", side);
    vici_text(w, key, ip_format(ep->ip, text));
    snprintf(key, sizeof(key), "%s-port", side);
    vici_printf(w, key, "%u", ep->port);
    snprintf(key, sizeof(key), "%s-id", side);
    vici_text(w, key, identity_format(id, id_text));
}

static void write_ike_crypto(struct vici_writer *w, const struct ike_view *v)
{
    if (!v->chosen.encr)
        return; /* nothing is agreed on yet */
    write_encr_integ(w, &v->chosen);
    write_alg(w, "prf-alg", TRANSFORM_PRF, v->chosen.prf);
    write_alg(w, "dh-group", TRANSFORM_KE, v->chosen.ke);
    write_additional(w, &v->chosen);
}

static void write_vips(struct vici_writer *w, const char *key, const struct ip *v, size_t n)
{
    char text[IP_TEXT_MAX];
    if (!n)
        return;
    vici_list(w, key);
    for (size_t i = 0; i < n; i++)
        vici_item(w, ip_format(v[i], text));
    vici_list_end(w);
}

/* Keyway's own keys: a ticket that we hold, or that the peer has of us, and for how many seconds. */
static void write_ticket(struct vici_writer *w, const struct ike_view *v, int64_t now)
{
    if (v->ticket_until <= now)
        return;
    vici_text(w, v->has_ticket ? "ticket" : "ticket-given", "yes");
    write_until(w, "ticket-time", v->ticket_until, now);
}

void ctl_write_ike_keys(struct vici_writer *w, const struct ike_view *v, struct time now)
{
    char from[IP_TEXT_MAX];
    vici_printf(w, "uniqueid", "%" PRIu64, v->id);
    vici_text(w, "version", "2");
    vici_text(w, "state", ike_state_name(v->state));
    write_side(w, "local", &v->local, &v->local_id);
    write_side(w, "remote", &v->remote, &v->remote_id);
    vici_flag(w, "initiator", v->is_initiator);
    vici_printf(w, "initiator-spi", "%016" PRIx64, v->spi_i);
    vici_printf(w, "responder-spi", "%016" PRIx64, v->spi_r);
    vici_own_flag(w, "tcp", v->remote.stream != 0);
    vici_flag(w, "nat-local", v->has_nat_local);
    vici_flag(w, "nat-remote", v->has_nat_remote);
    vici_flag(w, "nat-fake", v->has_fake_nat && !v->has_nat_local && !v->has_nat_remote);
    vici_flag(w, "nat-any", v->has_nat_local || v->has_nat_remote || v->has_fake_nat);
    vici_own_flag(w, "mobike", v->does_mobike);
    write_if_ids(w, v->if_id_in, v->if_id_out);
    write_ike_crypto(w, v);
    vici_flag(w, "ppk", v->has_ppk);
    vici_own_flag(w, "remote-unproven", v->is_peer_unproven);
    vici_own_flag(w, "crash-detection", v->has_crash_token);
    vici_own_flag(w, "resumed", v->is_resumed);
    if (w->is_extended)
        write_ticket(w, v, now.mono);
    if (v->redirected_from.family)
        vici_own_text(w, "redirected-from", ip_format(v->redirected_from, from));
    if (v->state == IKE_ESTABLISHED) {
        write_seconds(w, "established", now.mono - v->established_at);
        write_until(w, "rekey-time", v->rekey_at, now.mono);
        write_until(w, "reauth-time", v->reauth_at, now.mono);
    }
    write_vips(w, "local-vips", v->local_vips, v->n_local_vips);
    write_vips(w, "remote-vips", v->remote_vips, v->n_remote_vips);
}

void ctl_write_ike(struct vici_writer *w, const struct engine *e, const struct ike_view *v, struct time now,
                   const struct ctl_sa_filter *f)
{
    char section[VICI_NAME_MAX + 1];
    vici_section(w, v->connection);
    ctl_write_ike_keys(w, v, now);
    vici_section(w, "child-sas");
    struct child_view child;
    for (size_t i = 0; engine_child_at(e, v->id, i, &child); i++) {
        if ((f->child && strcmp(child.name, f->child) != 0) || (f->child_id && child.id != f->child_id))
            continue;
        snprintf(section, sizeof(section), "%s-%" PRIu64, child.name, child.id);
        vici_section(w, section);
        ctl_write_child_keys(w, &child, now);
        if (child.connection && strcmp(child.connection, v->connection) != 0)
            vici_own_text(w, "connection", child.connection);
        vici_section_end(w);
    }
    vici_section_end(w);
    vici_section_end(w);
}
