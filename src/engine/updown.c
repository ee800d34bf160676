/* SPDX-License-Identifier: Apache-2.0 */
/* Updown commands. A slot (routes.c) lives as long as some child SA serves its reqid, through rekeys,
 * collisions and duplicates: the command is told up when the slot comes and down when it goes, so that each
 * up has exactly one down. A slot whose selectors change is told down with the old and up with the new ones.
 * Running the command is sys/updown.c's. */
#include "engine/impl.h"

static const char *id_text(struct arena *a, const struct identity *id)
{
    char text[ID_TEXT_MAX];
    return arena_strdup(a, identity_format(id, text));
}

static const struct ip *copy_ips(struct arena *a, const struct ip *v, uint8_t n)
{
    struct ip *copy = arena_calloc(a, n + 1u, sizeof(*copy));
    if (n)
        memcpy(copy, v, n * sizeof(*v));
    return copy;
}

static void tell_cfg(struct arena *a, struct updown *u, const struct sa_cfg *c)
{
    u->domains = "";
    if (!c)
        return;
    u->my_vips = copy_ips(a, c->local.v, u->n_my_vips = c->local.n);
    u->peer_vips = copy_ips(a, c->remote.v, u->n_peer_vips = c->remote.n);
    u->dns = copy_ips(a, c->dns, u->n_dns = c->n_dns);
    for (uint8_t i = 0; i < c->n_domains; i++)
        u->domains = arena_printf(a, "%s%s%s", u->domains, i ? " " : "", c->domains[i]);
}

void updown_tell(struct ike_env *env, const struct child_sa *c, const struct ts_pair *ts, bool is_up)
{
    struct arena *a = env->out->arena;
    const struct ike_sa *sa = c->ike;
    struct updown *u = c->cfg->updown ? arena_alloc(a, sizeof(*u)) : NULL;
    if (!u)
        return;
    *u = (struct updown){.command = arena_strdup(a, c->cfg->updown),
                         .is_up = is_up,
                         .connection = arena_strdup(a, child_owner(sa, c->cfg)->name),
                         .child = arena_strdup(a, c->cfg->name),
                         .ike_id = sa->id,
                         .reqid = c->reqid,
                         .local = sa->local,
                         .remote = sa->remote,
                         .local_id = id_text(a, &sa->local_id),
                         .remote_id = id_text(a, &sa->remote_id),
                         .has_encap = natd_has_encap(sa),
                         .has_hostaccess = c->cfg->has_hostaccess,
                         .n_local_ts = ts->n_local,
                         .n_remote_ts = ts->n_remote};
    memcpy(u->local_ts, ts->local, sizeof(u->local_ts));
    memcpy(u->remote_ts, ts->remote, sizeof(u->remote_ts));
    tell_cfg(a, u, sa->cfg);
    outbox_add(env->out, ACTION_UPDOWN)->updown = u;
}
