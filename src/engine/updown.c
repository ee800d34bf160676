/* SPDX-License-Identifier: Apache-2.0 */
/* Updown commands. A slot (routes.c) lives as long as some child SA serves its reqid, through rekeys,
 * collisions and duplicates: the command is told up when the slot comes and down when it goes, so that each
 * up has exactly one down. A slot whose selectors change is told down with the old and up with the new ones.
 *
 * Commands of Libreswan's style hear of traps as well: a child or its trap, whichever comes first, is
 * prepared and routed; it is unrouted when neither is left. Each up is prepared. When route or up fails for a
 * child it is closed, and that counts as an attempt that failed. Running the command is sys/updown.c's. */
#include "engine/impl.h"

static const char *id_text(struct arena *a, const struct identity *id, enum updown_style style)
{
    char text[ID_TEXT_MAX];
    bool has_mark = style == UPDOWN_LIBRESWAN && id->type == ID_FQDN;
    return arena_printf(a, "%s%s", has_mark ? "@" : "", identity_format(id, text));
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
    u->is_client = c->local.n > 0;
    u->is_server = c->remote.n > 0;
    u->my_vips = copy_ips(a, c->local.v, u->n_my_vips = c->local.n);
    u->peer_vips = copy_ips(a, c->remote.v, u->n_peer_vips = c->remote.n);
    u->dns = copy_ips(a, c->dns, u->n_dns = c->n_dns);
    for (uint8_t i = 0; i < c->n_domains; i++)
        u->domains = arena_printf(a, "%s%s%s", u->domains, i ? " " : "", c->domains[i]);
}

static const char *place(struct arena *a, const struct child_config *cfg)
{
    for (size_t i = 0; i < cfg->origins.n; i++) {
        const struct origin *o = &cfg->origins.v[i];
        if (strcmp(o->key, "updown") == 0 && o->file)
            return arena_printf(a, "%s:%d", o->file, o->line);
    }
    return NULL;
}

static bool has_pfs(const struct child_config *cfg)
{
    for (size_t i = 0; i < cfg->proposals.n; i++) {
        for (uint8_t k = 0; k < cfg->proposals.v[i].count; k++) {
            if (cfg->proposals.v[i].t[k].type == TRANSFORM_KE)
                return true;
        }
    }
    return false;
}

static const char *policy_text(struct arena *a, const struct connection *conn, const struct child_config *cfg,
                               const struct child_run *run)
{
    static const char *const auth[] = {
        [AUTH_PSK] = "PSK", [AUTH_PUBKEY] = "RSASIG+ECDSA+RSASIG_v1_5", [AUTH_NULL] = "AUTH_NULL"};
    return arena_printf(a, "IKEv2+%s+%s%s%s%s%s%s%s%s+ESN_NO+ESN_YES", auth[conn->local.method],
                        cfg->ah_proposals.n ? "AUTHENTICATE" : "ENCRYPT", cfg->has_ipcomp ? "+COMPRESS" : "",
                        child_mode_is_tunnel(cfg->mode) ? "+TUNNEL" : "", has_pfs(cfg) ? "+PFS" : "",
                        run && run->trap ? "+ROUTE" : "", run && run->is_wanted ? "+UP" : "",
                        conn->does_mobike ? "+MOBIKE" : "",
                        conn->fragmentation == FRAG_NO ? "" : "+IKE_FRAG_ALLOW");
}

/* What the configuration says, with an event in the outbox. */
static struct updown *tell(struct ike_env *env, const struct connection *conn, const struct child_config *cfg,
                           const struct child_run *run, const struct ts_pair *ts, enum updown_verb verb)
{
    struct arena *a = env->out->arena;
    struct updown *u = arena_alloc(a, sizeof(*u));
    bool is_libreswan = cfg->updown_style == UPDOWN_LIBRESWAN;
    *u = (struct updown){.command = cfg->updown ? arena_strdup(a, cfg->updown) : NULL,
                         .where = place(a, cfg),
                         .style = cfg->updown_style,
                         .verb = verb,
                         .connection = arena_strdup(a, conn->name),
                         .child = arena_strdup(a, cfg->name),
                         .mode = cfg->mode,
                         .is_ah = cfg->ah_proposals.n > 0,
                         .has_hostaccess = cfg->has_hostaccess,
                         .opens_firewall = cfg->opens_firewall,
                         .has_instances = !conn_is_single(conn),
                         .policy = is_libreswan ? policy_text(a, conn, cfg, run) : "",
                         .source = cfg->source,
                         .n_local_ts = ts->n_local,
                         .n_remote_ts = ts->n_remote};
    memcpy(u->local_ts, ts->local, sizeof(u->local_ts));
    memcpy(u->remote_ts, ts->remote, sizeof(u->remote_ts));
    outbox_add(env->out, ACTION_UPDOWN)->updown = u;
    return u;
}

static void tell_child(struct ike_env *env, const struct slot *s, const struct child_sa *c,
                       const struct child_run *run, enum updown_verb verb)
{
    struct arena *a = env->out->arena;
    const struct ike_sa *sa = c->ike;
    struct updown *u = tell(env, c->conn, c->cfg, run, &s->ts, verb);
    u->token = s->token;
    u->ike_id = sa->id;
    u->reqid = c->reqid;
    u->local = sa->local;
    u->remote = sa->remote;
    u->local_id = id_text(a, &sa->local_id, u->style);
    u->remote_id = id_text(a, &sa->remote_id, u->style);
    u->has_encap = natd_has_encap(sa);
    u->has_ipcomp = c->cpi_in && c->cpi_out;
    u->is_ah = c->chosen.protocol == PROTO_AH;
    u->mode = c->mode;
    u->plane = c->plane;
    if (c->plane == PLANE_KERNEL)
        u->kernel = kernel_numbers(&c->cfg->kernel, c->reqid);
    u->spi_in = c->spi_in;
    u->spi_out = c->spi_out;
    u->bytes_in = c->bytes_in;
    u->bytes_out = c->bytes_out;
    u->added = verb == UPDOWN_PREPARE ? 0 : env->now.wall - (env->now.mono - c->installed_at) / TIME_SECOND;
    tell_cfg(a, u, sa->cfg);
    if (!u->source.family && u->n_my_vips)
        u->source = u->my_vips[0];
}

static bool is_told(const struct child_config *cfg)
{
    return cfg->updown || cfg->opens_firewall;
}

static bool hears_all(const struct child_config *cfg)
{
    return cfg->updown && cfg->updown_style == UPDOWN_LIBRESWAN;
}

void updown_slot(struct ike_env *env, struct slot *s, const struct child_sa *c, bool is_up)
{
    struct engine *e = engine_of(env);
    struct child_run *run = NULL;
    bool is_trapped = conn_run_of_child(e, c->ike, c->cfg, &run) && run->trap, all = hears_all(c->cfg);
    if (!is_told(c->cfg))
        return;
    if (is_up) {
        s->token = ++e->next_id;
        s->awaits_command = all;
    }
    if (all && is_up)
        tell_child(env, s, c, run, UPDOWN_PREPARE);
    if (all && is_up && !is_trapped)
        tell_child(env, s, c, run, UPDOWN_ROUTE);
    tell_child(env, s, c, run, is_up ? UPDOWN_UP : UPDOWN_DOWN);
    if (all && !is_up && !is_trapped)
        tell_child(env, s, c, run, UPDOWN_UNROUTE);
}

static const char *id_configured(struct arena *a, const struct auth_side *side, struct ip host)
{
    char text[IP_TEXT_MAX];
    return side->id.type == ID_ANY ? arena_strdup(a, ip_format(host, text))
                                   : id_text(a, &side->id, UPDOWN_LIBRESWAN);
}

static void tell_trap(struct ike_env *env, const struct trap *t, enum updown_verb verb)
{
    const struct connection *conn = t->run->conn;
    const struct child_run *run = &t->run->children[t->child];
    struct arena *a = env->out->arena;
    struct updown *u = tell(env, conn, &conn->children[t->child], run, &t->ts, verb);
    u->reqid = run->reqid;
    u->plane = t->by.plane;
    if (u->plane == PLANE_KERNEL)
        u->kernel = kernel_numbers(&conn->children[t->child].kernel, run->reqid);
    u->local.ip = conn->resolved_local;
    u->remote.ip = conn->resolved_remote;
    u->local_id = id_configured(a, &conn->local, conn->resolved_local);
    u->remote_id = id_configured(a, &conn->remote, conn->resolved_remote);
    tell_cfg(a, u, NULL);
}

/* What is up is routed. */
void updown_trap(struct ike_env *env, const struct trap *t, bool is_up)
{
    const struct child_run *run = &t->run->children[t->child];
    if (!hears_all(&t->run->conn->children[t->child]) || slot_find(engine_of(env), run->reqid))
        return;
    if (is_up)
        tell_trap(env, t, UPDOWN_PREPARE);
    tell_trap(env, t, is_up ? UPDOWN_ROUTE : UPDOWN_UNROUTE);
}

/* [Libreswan] a child whose command fails does not come up. */
void updown_ended(struct ike_env *env, const char *failure, uint32_t reqid, uint64_t token,
                  enum updown_verb verb)
{
    struct engine *e = engine_of(env);
    struct slot *s = slot_find(e, reqid);
    struct child_sa *c;
    struct diag d;
    if (!s || s->token != token || !s->awaits_command)
        return;
    if (!failure) {
        s->awaits_command = verb != UPDOWN_UP;
        return;
    }
    s->awaits_command = false;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "the updown command (%s) %s", updown_verb_name(verb), failure);
    while ((c = slot_child(e, s))) {
        struct ike_sa *sa = c->ike;
        const struct child_config *cfg = c->cfg;
        sa_log(env, sa, LOG_ERR, "child %s is closed: %s", cfg->name, d.what);
        engine_touch(e, sa);
        delete_child(env, c);
        host_child_failed(env, sa, cfg, &d);
        if (!(s = slot_find(e, reqid)) || s->token != token)
            return;
    }
}

bool updown_is_awaited(const struct engine *e, const struct connection *conn, const struct child_config *cfg)
{
    const struct child_sa *c;
    const struct slot *s;
    if (!hears_all(cfg))
        return false;
    list_each(c, index_of_owner(e, conn->name), by_owner.link)
    {
        bool is_it = c->holds_policy && strcmp(c->cfg->name, cfg->name) == 0;
        if (is_it && (s = slot_find(e, c->reqid)) && s->awaits_command)
            return true;
    }
    return false;
}
