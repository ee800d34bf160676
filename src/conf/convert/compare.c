/* SPDX-License-Identifier: Apache-2.0 */
/* What two snapshots differ in: connections by name, their rounds and children in their order, pools,
 * authorities, secrets as connections find them, trust, and settings. */
#include "conf/convert/private.h"
#include <stdio.h>

struct comparison {
    const struct config *a, *b;
    struct arena *arena;
    void (*fn)(void *ctx, const struct convert_difference *d);
    void *ctx;
    size_t n;
    const char *subject;
    const struct connection *connection;
};

static void tell(struct comparison *x, const char *path, const char *value, const char *becomes,
                 const struct origin *at)
{
    x->n++;
    if (!x->fn)
        return;
    const struct convert_difference d = {.subject = x->subject,
                                         .path = path,
                                         .value = value ? value : "",
                                         .becomes = becomes ? becomes : "",
                                         .connection = x->connection,
                                         .at = at ? *at : (struct origin){0}};
    x->fn(x->ctx, &d);
}

static struct fields *new_fields(struct comparison *x, bool is_first)
{
    struct fields *f = arena_alloc(x->arena, sizeof(*f));
    f->a = x->arena;
    f->config = is_first ? x->a : x->b;
    f->is_comparing = true;
    return f;
}

static void compare_fields(struct comparison *x, const char *prefix, const struct fields *a,
                           const struct fields *b)
{
    for (size_t i = 0; i < a->n; i++) {
        const char *value = a->v[i].value ? a->v[i].value : "", *other = field_value(b, a->v[i].key);
        if (strcmp(value, other ? other : "") != 0)
            tell(x, arena_printf(x->arena, "%s%s", prefix, a->v[i].key), a->v[i].value,
                 field_value(b, a->v[i].key), a->v[i].origin);
    }
}

static void compare_sides(struct comparison *x, const struct connection *a, const struct connection *b,
                          bool is_local)
{
    const char *side = is_local ? "local" : "remote";
    size_t n_a = connection_rounds(a, is_local), n_b = connection_rounds(b, is_local);
    for (size_t i = 0; i < n_a && i < n_b; i++) {
        struct fields *f = new_fields(x, true), *g = new_fields(x, false);
        fields_of_side(f, a, connection_round(a, is_local, i), is_local);
        fields_of_side(g, b, connection_round(b, is_local, i), is_local);
        compare_fields(
            x, i ? arena_printf(x->arena, "%s-%zu.", side, i + 1) : arena_printf(x->arena, "%s.", side), f,
            g);
    }
    if (n_a != n_b)
        tell(x, arena_printf(x->arena, "%s.rounds", side), arena_printf(x->arena, "%zu", n_a),
             arena_printf(x->arena, "%zu", n_b), NULL);
}

/* All of a child counts, of a shunt what it is and when it is there. */
static void compare_child(struct comparison *x, const struct child_config *c, const struct child_config *d,
                          bool is_shunt)
{
    static const char *const of_shunts[] = {"mode", "local_ts", "remote_ts", "start_action"};
    struct fields *f = new_fields(x, true), *g = new_fields(x, false);
    const char *prefix = arena_printf(x->arena, "children.%s.", c->name);
    fields_of_child(f, c);
    fields_of_child(g, d);
    if (strcmp(c->name, d->name) != 0)
        tell(x, arena_printf(x->arena, "%sname", prefix), c->name, d->name, NULL);
    if (!is_shunt) {
        compare_fields(x, prefix, f, g);
        if (c->peer_decides != d->peer_decides)
            tell(x, arena_printf(x->arena, "%speer_decides", prefix), c->peer_decides ? "yes" : "no",
                 d->peer_decides ? "yes" : "no", NULL);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(of_shunts); i++) {
        const char *key = of_shunts[i], *a = field_value(f, key), *b = field_value(g, key);
        if (strcmp(a ? a : "", b ? b : "") != 0)
            tell(x, arena_printf(x->arena, "%s%s", prefix, key), a, b, origin_of(&c->origins, key));
    }
}

static void compare_counts(struct comparison *x, const char *path, size_t a, size_t b)
{
    if (a != b)
        tell(x, path, arena_printf(x->arena, "%zu", a), arena_printf(x->arena, "%zu", b), NULL);
}

static void compare_children(struct comparison *x, const struct connection *a, const struct connection *b)
{
    compare_counts(x, "children", a->n_children, b->n_children);
    compare_counts(x, "shunts", a->n_shunts, b->n_shunts);
    for (size_t i = 0; i < a->n_children && i < b->n_children; i++)
        compare_child(x, &a->children[i], &b->children[i], false);
    for (size_t i = 0; i < a->n_shunts && i < b->n_shunts; i++)
        compare_child(x, &a->shunts[i], &b->shunts[i], true);
}

static bool same_secret(const struct shared_secret *a, const struct shared_secret *b)
{
    return (!a && !b) || (a && b && secret_equal(secret_view(&a->secret), secret_view(&b->secret)));
}

static const struct shared_secret *secret_of(const struct config *c, const struct connection *x)
{
    const struct auth_side *l = &x->local, *r = &x->remote;
    return config_secret_for(c, l->id.type == ID_ANY ? NULL : &l->id, r->id.type == ID_ANY ? NULL : &r->id);
}

/* Of those that are alike but for what a section's name cannot have. */
static void compare_pool_names(struct comparison *x, const struct connection *a, const struct connection *b)
{
    bool is_alike = a->n_pools == b->n_pools, is_same = true;
    for (size_t i = 0; is_alike && i < a->n_pools; i++) {
        is_same &= strcmp(a->pools[i], b->pools[i]) == 0;
        is_alike = strcmp(section_name(x->arena, a->pools[i]), section_name(x->arena, b->pools[i])) == 0;
    }
    if (is_alike && !is_same)
        tell(x, "pools", text_of_list(x->arena, a->pools, a->n_pools),
             text_of_list(x->arena, b->pools, b->n_pools), origin_of(&a->origins, "pools"));
}

static void compare_connection(struct comparison *x, const struct connection *a, const struct connection *b)
{
    struct fields *f = new_fields(x, true), *g = new_fields(x, false);
    if (!connection_has_ike(a)) { /* who is not talked to has no other settings */
        compare_children(x, a, b);
        return;
    }
    fields_of_connection(f, a);
    fields_of_connection(g, b);
    compare_fields(x, "", f, g);
    compare_sides(x, a, b, true);
    compare_sides(x, a, b, false);
    compare_children(x, a, b);
    compare_pool_names(x, a, b);
    if (a->retries_forever != b->retries_forever)
        tell(x, "retries_forever", a->retries_forever ? "yes" : "no", b->retries_forever ? "yes" : "no",
             NULL);
    bool uses = a->local.method == AUTH_PSK || a->remote.method == AUTH_PSK;
    const struct shared_secret *s = secret_of(x->a, a);
    if (uses && !same_secret(s, secret_of(x->b, b)))
        tell(x, "secret", s ? "set" : "none", secret_of(x->b, b) ? "another one" : "none",
             s ? &s->origin : NULL);
}

/* strongSwan's ipsec.conf makes one of connections that are alike but for their child. One of them again. */
static const struct connection *part_of(struct comparison *x, const struct connection *c, const char *name)
{
    const struct child_config *child = connection_child(c, name);
    if (c->n_children < 2 || strcmp(c->dialect, "ipsec.conf/strongswan") != 0)
        return NULL;
    if (!child)
        child = connection_child(c, section_name(x->arena, name));
    struct connection *part = child ? arena_alloc(x->arena, sizeof(*part)) : NULL;
    if (part) {
        *part = *c;
        part->name = child->name;
        part->children = child;
        part->n_children = 1;
    }
    return part;
}

static const struct connection *by_name(struct comparison *x, const struct connection *a)
{
    const char *name = a->name, *other = section_name(x->arena, name);
    for (size_t i = 0; a->n_children == 1 && i < x->b->n_connections; i++) {
        const struct connection *part = part_of(x, x->b->connections[i], name);
        if (part)
            return part;
    }
    for (size_t i = 0; i < x->b->n_connections; i++) {
        const char *have = x->b->connections[i]->name;
        if (strcmp(have, name) == 0 || strcmp(have, other) == 0)
            return x->b->connections[i];
    }
    return NULL;
}

static void compare_connections(struct comparison *x)
{
    for (size_t i = 0; i < x->a->n_connections; i++) {
        const struct connection *a = x->a->connections[i], *b = by_name(x, a);
        x->subject = arena_printf(x->arena, "connection %s", a->name);
        x->connection = a;
        if (b && strcmp(a->name, b->name) != 0)
            tell(x, "name", a->name, b->name, NULL);
        if (b)
            compare_connection(x, a, b);
        else
            tell(x, "connection", a->name, "", NULL);
    }
    x->connection = NULL;
}

static const char *text_of_attrs(struct arena *a, const struct pool_config *p)
{
    const char *text = "";
    for (size_t i = 0; i < p->n_attrs; i++)
        text = arena_printf(a, "%s%s%s=%s", text, *text ? " " : "", p->attrs[i].key, p->attrs[i].text);
    return text;
}

static void compare_pools(struct comparison *x)
{
    for (size_t i = 0; i < x->a->n_pools; i++) {
        const struct pool_config *p = &x->a->pools[i],
                                 *q = config_pool(x->b, section_name(x->arena, p->name));
        q = q ? q : config_pool(x->b, p->name);
        x->subject = arena_printf(x->arena, "pool %s", p->name);
        const char *value = text_of_ranges(x->arena, p->ranges, p->n_ranges),
                   *attrs = text_of_attrs(x->arena, p);
        const char *other = q ? text_of_ranges(x->arena, q->ranges, q->n_ranges) : NULL;
        value = value ? value : "none";
        other = other ? other : "none";
        if (!q)
            tell(x, "pool", p->name, "", origin_of(&p->origins, "name"));
        else if (strcmp(value, other) != 0)
            tell(x, "addrs", value, other, origin_of(&p->origins, "addrs"));
        if (q && strcmp(attrs, text_of_attrs(x->arena, q)) != 0)
            tell(x, "attributes", attrs, text_of_attrs(x->arena, q), origin_of(&p->origins, "name"));
    }
}

static const char *uris_of(struct arena *a, const struct authority *v)
{
    const char *crls = text_of_list(a, v->trust.crl_uris, v->trust.n_crl_uris);
    const char *ocsps = text_of_list(a, v->trust.ocsp_uris, v->trust.n_ocsp_uris);
    return arena_printf(a, "%s; %s; %s", crls ? crls : "", ocsps ? ocsps : "",
                        v->cert_uri_base ? v->cert_uri_base : "");
}

/* One that says nothing but that it is trusted is compared with trust. */
static void compare_authorities(struct comparison *x)
{
    for (size_t i = 0; i < x->a->n_authorities; i++) {
        const struct authority *v = &x->a->authorities[i], *w = NULL;
        const char *uris = uris_of(x->arena, v);
        for (size_t k = 0; k < x->b->n_authorities; k++) {
            if (strcmp(x->b->authorities[k].name, section_name(x->arena, v->name)) == 0)
                w = &x->b->authorities[k];
        }
        x->subject = arena_printf(x->arena, "authority %s", v->name);
        if (v->trust.ca && strcmp(uris, "; ; ") != 0 && (!w || strcmp(uris, uris_of(x->arena, w)) != 0))
            tell(x, "uris", uris, w ? uris_of(x->arena, w) : "", v->origins.n ? &v->origins.v[0] : NULL);
    }
}

static bool has_cert(const struct cert_list *l, const struct cert *c)
{
    for (size_t i = 0; i < l->n; i++) {
        if (span_equal(cert_der(l->v[i]), cert_der(c)))
            return true;
    }
    return false;
}

static void compare_credentials(struct comparison *x)
{
    const struct config *a = x->a, *b = x->b;
    x->subject = "credentials";
    for (size_t i = 0; i < a->cas.n; i++) {
        const char *path = path_of_cert(a, a->cas.v[i]);
        if (!has_cert(&b->cas, a->cas.v[i]))
            tell(x, "trust", path ? path : cert_subject_text(a->cas.v[i]), "", NULL);
    }
    for (size_t i = 0; i < a->n_keys; i++) {
        const struct private_key *k = &a->keys[i];
        if (!config_key_for(b, k->key))
            tell(x, "key", k->file ? k->file : k->origin.file ? k->origin.file : "a token", "", &k->origin);
    }
}

static bool has_ppk(const struct config *c, const struct ppk *p)
{
    for (size_t i = 0; i < c->n_ppks; i++) {
        const struct ppk *q = &c->ppks[i];
        bool same = p->n_ids == q->n_ids && !p->pad == !q->pad && (!p->pad || strcmp(p->pad, q->pad) == 0) &&
                    secret_equal(secret_view(&p->secret), secret_view(&q->secret));
        for (size_t k = 0; same && k < p->n_ids; k++)
            same = span_equal(p->ids[k].data, q->ids[k].data);
        if (same)
            return true;
    }
    return false;
}

/* %any beside others says nothing. */
static size_t named_owners(const struct shared_secret *s, const struct identity *v[], size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_owners && n < cap; i++) {
        if (s->owners[i].type != ID_ANY)
            v[n++] = &s->owners[i];
    }
    return n;
}

#define OWNERS_MAX 64

static bool same_owners(const struct shared_secret *p, const struct shared_secret *q)
{
    const struct identity *v[OWNERS_MAX], *w[OWNERS_MAX];
    size_t n = named_owners(p, v, OWNERS_MAX);
    bool same = n == named_owners(q, w, OWNERS_MAX);
    for (size_t i = 0; same && i < n; i++)
        same = identity_equal(v[i], w[i]);
    return same && same_secret(p, q);
}

static void compare_secrets(struct comparison *x)
{
    x->subject = "secrets";
    for (size_t i = 0; i < x->a->n_secrets; i++) {
        bool found = false;
        for (size_t k = 0; k < x->b->n_secrets && !found; k++)
            found = same_owners(&x->a->secrets[i], &x->b->secrets[k]);
        if (!found)
            tell(x, "owners", "set", "", &x->a->secrets[i].origin);
    }
    for (size_t i = 0; i < x->a->n_ppks; i++) {
        if (!has_ppk(x->b, &x->a->ppks[i]))
            tell(x, "ppk", "set", "", &x->a->ppks[i].origin);
    }
}

static void compare_settings(struct comparison *x)
{
    struct fields *f = new_fields(x, true), *g = new_fields(x, false);
    x->subject = "settings";
    fields_of_settings(f, &x->a->settings);
    fields_of_settings(g, &x->b->settings);
    compare_fields(x, "", f, g);
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_target(const struct log_target *t, const struct log_target *u)
{
    return t->kind == u->kind && t->style == u->style && same_text(t->path, u->path) &&
           same_text(t->time_format, u->time_format) && t->appends == u->appends &&
           memcmp(&t->levels, &u->levels, sizeof(t->levels)) == 0;
}

static void compare_logging(struct comparison *x)
{
    const struct logging *l = &x->a->logging, *m = &x->b->logging;
    bool same = l->n == m->n && l->has_levels == m->has_levels && l->hides_addresses == m->hides_addresses &&
                same_text(l->identifier, m->identifier) &&
                (!l->has_levels || memcmp(&l->levels, &m->levels, sizeof(l->levels)) == 0);
    for (size_t i = 0; same && i < l->n; i++)
        same = same_target(&l->v[i], &m->v[i]);
    x->subject = "settings";
    if (!same)
        tell(x, "logging", l->n && l->v[0].path ? l->v[0].path : "as configured", "", NULL);
}

size_t convert_compare(const struct config *a, const struct config *b,
                       void (*fn)(void *ctx, const struct convert_difference *d), void *ctx)
{
    struct comparison x = {.a = a, .b = b, .arena = arena_new(SIZE_MAX / 2), .fn = fn, .ctx = ctx};
    compare_connections(&x);
    compare_pools(&x);
    compare_authorities(&x);
    compare_credentials(&x);
    compare_secrets(&x);
    compare_settings(&x);
    compare_logging(&x);
    arena_free(x.arena);
    return x.n;
}
