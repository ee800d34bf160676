/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-xfrm: the SAs and policies of the userspace data plane as it has them, for who would ask `ip xfrm`
 * where the kernel carries the packets. Those of one child stand together, the newest first; addresses and
 * ports as they are in the packets of the SA's direction. No keys. */
#include "ctl/commands.h"
#include "net/dscp.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct rows {
    struct esp_tables of[CTL_TABLES_MAX];
    unsigned n_tables;
    const struct sa_row **sas;
    const struct policy_row **policies;
    size_t n_sas, n_policies;
};

static int newest_child_first(const void *a, const void *b)
{
    const struct sa_row *x = *(const struct sa_row *const *)a, *y = *(const struct sa_row *const *)b;
    if (x->child_id != y->child_id)
        return x->child_id > y->child_id ? -1 : 1;
    return (int)y->direction - (int)x->direction;
}

static int newest_policy_first(const void *a, const void *b)
{
    const struct policy_row *x = *(const struct policy_row *const *)a;
    const struct policy_row *y = *(const struct policy_row *const *)b;
    return x->id > y->id ? -1 : x->id < y->id;
}

static void *pointers(size_t n)
{
    void *p = calloc(n + 1, sizeof(void *));
    if (!p)
        abort();
    return p;
}

static void gather(struct ctl_request *r, struct rows *out)
{
    const struct ctl_host *host = &r->ctl->host;
    out->n_tables = host->tables(host->ctx, out->of);
    size_t n = 0;
    for (unsigned i = 0; i < out->n_tables; i++)
        n += out->of[i].n_sas;
    out->sas = pointers(n);
    for (unsigned i = 0; i < out->n_tables; i++) {
        for (size_t k = 0; k < out->of[i].n_sas; k++)
            out->sas[out->n_sas++] = &out->of[i].sas[k];
    }
    n = out->n_tables ? out->of[0].n_policies : 0; /* all have them all */
    out->policies = pointers(n);
    for (; out->n_policies < n; out->n_policies++)
        out->policies[out->n_policies] = &out->of[0].policies[out->n_policies];
    qsort(out->sas, out->n_sas, sizeof(*out->sas), newest_child_first);
    qsort(out->policies, out->n_policies, sizeof(*out->policies), newest_policy_first);
}

static void write_number(struct vici_writer *w, const char *key, uint64_t n)
{
    vici_printf(w, key, "%" PRIu64, n);
}

static void write_limit(struct vici_writer *w, const char *key, uint64_t n)
{
    if (n)
        write_number(w, key, n);
}

/* So that they can be read again, unlike those of list-sas, which are charon's. */
static void write_selectors(struct vici_writer *w, const char *key, const struct ts *ts, size_t n)
{
    char text[TS_TEXT_MAX];
    vici_list(w, key);
    for (size_t i = 0; i < n; i++)
        vici_item(w, ts_format(&ts[i], text));
    vici_list_end(w);
}

static void write_alg(struct vici_writer *w, const char *key, enum transform_type type, uint16_t id)
{
    const struct alg *a = alg_find(type, id);
    if (a && id)
        vici_text(w, key, a->name);
}

static void write_algs(struct vici_writer *w, const struct sa_row *s)
{
    const struct alg *encr = s->is_ah ? NULL : alg_find(TRANSFORM_ENCR, s->encr);
    if (encr)
        vici_text(w, "encr-alg", encr->name);
    if (encr && s->key_bits)
        write_number(w, "encr-keysize", s->key_bits);
    write_alg(w, "integ-alg", TRANSFORM_INTEG, s->integ);
    write_number(w, "icv-bits", 8u * s->icv_len);
    if (s->cpi)
        vici_printf(w, "cpi", "%04x", s->cpi);
}

static void write_way(struct vici_writer *w, const struct sa_row *s)
{
    const struct endpoint *from = s->direction == SA_OUT ? &s->local : &s->remote;
    const struct endpoint *to = s->direction == SA_OUT ? &s->remote : &s->local;
    char text[IP_TEXT_MAX];
    vici_text(w, "direction", s->direction == SA_OUT ? "out" : "in");
    vici_text(w, "src", ip_format(from->ip, text));
    vici_text(w, "dst", ip_format(to->ip, text));
    if (!s->has_encap)
        return;
    vici_text(w, "encap", s->remote.stream ? "tcp" : "udp");
    write_number(w, "sport", from->port);
    write_number(w, "dport", to->port);
}

/* Highest words first. */
static void write_window(struct vici_writer *w, const struct sa_row *s)
{
    char word[16];
    write_number(w, "seq", s->seq);
    if (s->direction == SA_OUT)
        return;
    write_number(w, "replay-window", s->replay_window);
    write_number(w, "replayed", s->n_replayed);
    write_number(w, "wrong-icv", s->n_wrong);
    vici_list(w, "seen");
    for (size_t i = (s->replay_window + 31) / 32; i-- > 0;) {
        snprintf(word, sizeof(word), "%08" PRIx32, s->seen[i]);
        vici_item(w, word);
    }
    vici_list_end(w);
}

static void write_flags(struct vici_writer *w, const struct sa_row *s)
{
    vici_flag(w, "esn", s->has_esn);
    vici_flag(w, "copy-df", s->copies_df);
    vici_flag(w, "copy-ecn", s->copies_ecn);
    vici_flag(w, "dscp-to-outer", s->copy_dscp == DSCP_OUT || s->copy_dscp == DSCP_YES);
    vici_flag(w, "dscp-to-inner", s->copy_dscp == DSCP_IN || s->copy_dscp == DSCP_YES);
    vici_flag(w, "newest", s->is_newest);
    vici_flag(w, "expired", s->is_expired);
    if (s->tfc)
        write_number(w, "tfc-padding", s->tfc);
}

static int64_t wall_of(int64_t mono, struct time now)
{
    return now.wall - (now.mono - mono) / TIME_SECOND;
}

static bool is_a_time(int64_t t)
{
    return t && t != TIME_NEVER;
}

/* Times are the engine's, that of the last packet is not. */
static void write_lifetime(struct vici_writer *w, const struct sa_row *s, const struct child_view *child,
                           struct time now)
{
    write_limit(w, "soft-bytes", s->soft_bytes);
    write_limit(w, "hard-bytes", s->hard_bytes);
    write_limit(w, "soft-packets", s->soft_packets);
    write_limit(w, "hard-packets", s->hard_packets);
    write_number(w, "bytes", s->bytes);
    write_number(w, "packets", s->packets);
    if (s->last_use)
        vici_printf(w, "used-at", "%" PRId64, wall_of(s->last_use, now));
    if (!child || !is_a_time(child->installed_at))
        return;
    vici_printf(w, "added-at", "%" PRId64, wall_of(child->installed_at, now));
    if (is_a_time(child->rekey_at))
        vici_printf(w, "soft-seconds", "%" PRId64, (child->rekey_at - child->installed_at) / TIME_SECOND);
    if (is_a_time(child->expires_at))
        vici_printf(w, "hard-seconds", "%" PRId64, (child->expires_at - child->installed_at) / TIME_SECOND);
}

static void tell_sa(struct ctl_request *r, const struct sa_row *s)
{
    struct child_view child = {0};
    bool is_known = engine_child_find(ctl_engine(r), s->child_id, &child);
    struct vici_writer *w = ctl_event_open_to(r->conn, CTL_XFRM);
    vici_section(w, "state");
    if (is_known) {
        if (child.connection)
            vici_text(w, "ike", child.connection);
        vici_text(w, "child", child.name);
    }
    write_number(w, "child-id", s->child_id);
    write_way(w, s);
    vici_text(w, "protocol", s->is_ah ? "ah" : "esp");
    vici_printf(w, "spi", "%08" PRIx32, s->spi);
    write_number(w, "reqid", s->reqid);
    vici_text(w, "mode", child_mode_name(s->mode));
    write_algs(w, s);
    write_flags(w, s);
    write_window(w, s);
    write_lifetime(w, s, is_known ? &child : NULL, ctl_now(r->ctl));
    write_selectors(w, "local-ts", s->local_ts, s->n_local_ts);
    write_selectors(w, "remote-ts", s->remote_ts, s->n_remote_ts);
    vici_section_end(w);
    ctl_emit_to(r->conn, CTL_XFRM);
}

static void tell_policy(struct ctl_request *r, const struct policy_row *p)
{
    static const char *const actions[] = {
        [POLICY_PROTECT] = "protect", [POLICY_BYPASS] = "bypass", [POLICY_DISCARD] = "discard"};
    struct vici_writer *w = ctl_event_open_to(r->conn, CTL_XFRM);
    char dscp[DSCP_SET_TEXT];
    vici_section(w, "policy");
    write_number(w, "id", p->id);
    vici_text(w, "action", actions[p->action]);
    if (p->action == POLICY_PROTECT)
        write_number(w, "reqid", p->reqid);
    write_number(w, "priority", p->priority);
    vici_flag(w, "trap", p->is_trap);
    if (p->dscp)
        vici_text(w, "dscp", dscp_format_set(p->dscp, dscp));
    write_selectors(w, "local-ts", p->local_ts, p->n_local_ts);
    write_selectors(w, "remote-ts", p->remote_ts, p->n_remote_ts);
    vici_section_end(w);
    ctl_emit_to(r->conn, CTL_XFRM);
}

void ctl_cmd_keyway_xfrm(struct ctl_request *r)
{
    struct rows rows = {0};
    gather(r, &rows);
    for (size_t i = 0; i < rows.n_sas; i++)
        tell_sa(r, rows.sas[i]);
    for (size_t i = 0; i < rows.n_policies; i++)
        tell_policy(r, rows.policies[i]);
    for (unsigned i = 0; i < rows.n_tables; i++)
        esp_tables_deinit(&rows.of[i]);
    free(rows.sas);
    free(rows.policies);
}
