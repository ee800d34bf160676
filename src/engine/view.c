/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the engine: views for status, vici and tests. */
#include "engine/impl.h"

const char *ike_state_name(enum ike_state s)
{
    static const char *const names[] = {
        [IKE_CREATED] = "CREATED",   [IKE_CONNECTING] = "CONNECTING", [IKE_ESTABLISHED] = "ESTABLISHED",
        [IKE_REKEYING] = "REKEYING", [IKE_REKEYED] = "REKEYED",       [IKE_DELETING] = "DELETING"};
    return names[s];
}

const char *child_state_name(enum child_state s)
{
    static const char *const names[] = {[CHILD_CREATED] = "CREATED",
                                        [CHILD_INSTALLED] = "INSTALLED",
                                        [CHILD_REKEYING] = "REKEYING",
                                        [CHILD_REKEYED] = "REKEYED",
                                        [CHILD_DELETING] = "DELETING"};
    return names[s];
}

static void view(const struct ike_sa *found, struct ike_view *out)
{
    const struct child_sa *c;
    *out = (struct ike_view){
        .id = found->id,
        .connection = found->conn->name,
        .state = found->state,
        .is_initiator = found->is_initiator,
        .spi_i = found->spi_i,
        .spi_r = found->spi_r,
        .local = found->local,
        .remote = found->remote,
        .local_id = found->local_id,
        .remote_id = found->remote_id,
        .has_nat_local = found->has_nat_local,
        .has_nat_remote = found->has_nat_remote,
        .has_fake_nat = found->has_fake_nat,
        .does_mobike = found->mobike.is_on,
        .has_ppk = found->ppk.is_used,
        .is_peer_unproven = found->is_peer_unproven,
        .is_resumed = found->is_resumed,
        .has_ticket = found->ticket.len > 0,
        .ticket_until = found->ticket_expires,
        .has_crash_token = found->crash_token.len > 0,
        .redirected_from = found->was_initiator ? found->redirected_from : found->came_from,
        .chosen = found->chosen,
        .established_at = found->established_at,
        .rekey_at = found->rekey_at,
        .reauth_at = found->reauth_at,
        .if_id_in = found->conn->if_id_in < KERNEL_UNIQUE_DIR ? found->conn->if_id_in : 0,
        .if_id_out = found->conn->if_id_out < KERNEL_UNIQUE_DIR ? found->conn->if_id_out : 0,
    };
    if (found->cfg) {
        out->local_vips = found->cfg->local.v;
        out->n_local_vips = found->cfg->local.n;
        out->remote_vips = found->cfg->remote.v;
        out->n_remote_vips = found->cfg->remote.n;
    }
    list_each(c, &found->children, link) out->n_children += !c->is_gone;
}

static bool is_shown(const struct ike_sa *sa)
{
    return !sa->is_lingering && !sa->is_dead;
}

bool engine_ike_next(const struct engine *e, struct ike_view *out)
{
    const struct ike_sa *last = out->id ? engine_sa_by_id(e, out->id) : NULL;
    const struct list *at = out->id && !last ? &e->sas : last ? last->link.next : e->sas.next;
    for (; at != &e->sas; at = at->next) {
        const struct ike_sa *sa = container_of(at, struct ike_sa, link);
        if (!is_shown(sa))
            continue;
        view(sa, out);
        return true;
    }
    return false;
}

bool engine_ike_find(const struct engine *e, uint64_t id, struct ike_view *out)
{
    const struct ike_sa *sa = engine_sa_by_id(e, id);
    if (!sa || !is_shown(sa))
        return false;
    view(sa, out);
    return true;
}

bool engine_ike_at(const struct engine *e, size_t index, struct ike_view *out)
{
    const struct ike_sa *sa;
    list_each(sa, &e->sas, link)
    {
        if (!is_shown(sa) || index-- > 0)
            continue;
        view(sa, out);
        return true;
    }
    return false;
}

static void child_view(const struct child_sa *found, struct child_view *out)
{
    const struct ike_sa *sa = found->ike;
    *out = (struct child_view){
        .id = found->id,
        .name = found->cfg->name,
        .connection = found->conn->name,
        .reqid = found->reqid,
        .state = found->state,
        .mode = found->mode,
        .plane = found->plane,
        .has_encap = found->chosen.protocol == PROTO_ESP && natd_has_encap(sa),
        .is_in_tcp = sa->esp.remote.stream != 0,
        .spi_in = found->spi_in,
        .spi_out = found->spi_out,
        .cpi_in = found->cpi_in,
        .cpi_out = found->cpi_out,
        .is_per_cpu = found->per_cpu.is_agreed,
        .cpu = found->per_cpu.cpu,
        .tfc_padding = found->refuses_tfc || found->mode != MODE_TUNNEL ? 0 : found->cfg->tfc_padding,
        .dscp = found->cfg->dscp,
        .chosen = found->chosen,
        .installed_at = found->installed_at,
        .rekey_at = found->rekey_at,
        .expires_at = found->expires_at,
        .local_ts = found->ts.local,
        .remote_ts = found->ts.remote,
        .n_local_ts = found->ts.n_local,
        .n_remote_ts = found->ts.n_remote,
        .bytes_in = found->bytes_in,
        .packets_in = found->packets_in,
        .bytes_out = found->bytes_out,
        .packets_out = found->packets_out,
        .last_in = found->last_in,
        .last_out = found->last_out,
    };
    if (found->plane == PLANE_KERNEL)
        out->kernel = kernel_numbers(&found->cfg->kernel, found->reqid);
}

static const struct ip *keep_ips(struct arena *a, const struct ip *v, size_t n)
{
    return n ? (const void *)arena_dup(a, span_of(v, n * sizeof(*v))).ptr : NULL;
}

const struct ike_view *engine_keep_ike(struct arena *a, const struct ike_sa *sa)
{
    struct ike_view *v = sa ? arena_alloc(a, sizeof(*v)) : NULL;
    if (!v)
        return NULL;
    view(sa, v);
    v->connection = arena_strdup(a, v->connection);
    v->local_id = identity_dup(a, &sa->local_id);
    v->remote_id = identity_dup(a, &sa->remote_id);
    v->local_vips = keep_ips(a, v->local_vips, v->n_local_vips);
    v->remote_vips = keep_ips(a, v->remote_vips, v->n_remote_vips);
    return v;
}

static const struct ts *keep_selectors(struct arena *a, const struct ts *v, size_t n)
{
    return n ? (const void *)arena_dup(a, span_of(v, n * sizeof(*v))).ptr : NULL;
}

const struct child_view *engine_keep_child(struct arena *a, const struct child_sa *c)
{
    struct child_view *v = c ? arena_alloc(a, sizeof(*v)) : NULL;
    if (!v)
        return NULL;
    child_view(c, v);
    v->name = arena_strdup(a, v->name);
    v->connection = arena_strdup(a, v->connection);
    v->local_ts = keep_selectors(a, v->local_ts, v->n_local_ts);
    v->remote_ts = keep_selectors(a, v->remote_ts, v->n_remote_ts);
    return v;
}

bool engine_child_find(const struct engine *e, uint64_t id, struct child_view *out)
{
    const struct child_sa *c = engine_child_by_id(e, id);
    if (!c || c->is_gone || !is_shown(c->ike))
        return false;
    child_view(c, out);
    return true;
}

bool engine_child_at(const struct engine *e, uint64_t ike_id, size_t index, struct child_view *out)
{
    const struct ike_sa *sa = engine_sa_by_id(e, ike_id);
    const struct child_sa *c, *found = NULL;
    if (!sa)
        return false;
    list_each(c, &sa->children, link)
    {
        if (!c->is_gone && index-- == 0) {
            found = c;
            break;
        }
    }
    if (!found)
        return false;
    child_view(found, out);
    return true;
}

const struct pools *engine_pools(const struct engine *e)
{
    return &e->pools;
}

const struct engine_stats *engine_stats(const struct engine *e)
{
    return &e->stats;
}

const struct config *engine_config(const struct engine *e)
{
    return e->config;
}

const struct diag *engine_last_failure(const struct engine *e, const char *connection)
{
    static const struct diag none;
    const struct conn_run *r = conn_run_find(e, connection);
    return r ? &r->last_failure : &none;
}
