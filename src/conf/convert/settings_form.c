/* SPDX-License-Identifier: Apache-2.0 */
/* swanctl.conf, and what keyway.conf has in common with it: connections, pools, authorities, secrets. What
 * equals the form's own default is not written; of values that depend on one another, all are as soon as one
 * is not the default. */
#include "base/text.h"
#include "conf/convert/private.h"

/* ---- keys that are written together */

static const struct {
    enum schema_scope scope;
    unsigned group;
    const char *key;
} groups[] = {
    {SCOPE_CONNECTION, 1, "rekey_time"   },
    {SCOPE_CONNECTION, 1, "reauth_time"  },
    {SCOPE_CONNECTION, 1, "over_time"    },
    {SCOPE_CONNECTION, 1, "rand_time"    },
    {SCOPE_CHILD,      1, "rekey_time"   },
    {SCOPE_CHILD,      1, "life_time"    },
    {SCOPE_CHILD,      1, "rand_time"    },
    {SCOPE_CHILD,      2, "rekey_bytes"  },
    {SCOPE_CHILD,      2, "life_bytes"   },
    {SCOPE_CHILD,      2, "rand_bytes"   },
    {SCOPE_CHILD,      3, "rekey_packets"},
    {SCOPE_CHILD,      3, "life_packets" },
    {SCOPE_CHILD,      3, "rand_packets" },
};

static unsigned group_of(const struct schema_row *r)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (groups[i].scope == r->scope && strcmp(groups[i].key, r->key) == 0)
            return groups[i].group;
    }
    return 0;
}

static bool is_news(const struct writer *w, const struct fields *f, const struct fields *plain, size_t i)
{
    const struct field *x = &f->v[i];
    unsigned group = group_of(x->row);
    if (!field_same(x, plain, x->key))
        return true;
    /* the daemon's own decides where there is none */
    if (strcmp(x->key, "replay_window") == 0 && x->row->scope == SCOPE_CHILD)
        return w->config->settings.replay_window != w->plain_settings->replay_window;
    if (strncmp(x->key, "iptfs_", 6) == 0 && x->row->scope == SCOPE_CHILD)
        return !iptfs_same(&w->config->settings.iptfs, &w->plain_settings->iptfs);
    for (size_t k = 0; group && k < f->n; k++) {
        if (group_of(f->v[k].row) == group && !field_same(&f->v[k], plain, f->v[k].key))
            return true;
    }
    return false;
}

static void write_fields(struct writer *w, const char *indent, const struct fields *f,
                         const struct fields *plain, const char *but)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct field *x = &f->v[i];
        if (is_news(w, f, plain, i) && (!but || strcmp(but, x->key) != 0))
            page_put(&w->main, "%s%s = %s\n", indent, x->key, x->value ? quoted(w->a, x->value) : "");
    }
}

static struct fields *fields_new(struct writer *w)
{
    struct fields *f = arena_alloc(w->a, sizeof(*f));
    f->a = w->a;
    f->config = w->config;
    return f;
}

/* ---- connections */

static void write_sides(struct writer *w, const struct connection *c, bool is_local, const char *indent)
{
    size_t n = connection_rounds(c, is_local);
    for (size_t i = 0; i < n; i++) {
        struct fields *f = fields_new(w), *plain = fields_new(w);
        const struct auth_side *s = connection_round(c, is_local, i);
        fields_of_side(f, c, s, is_local);
        fields_of_side(plain, w->plain, is_local ? &w->plain->local : &w->plain->remote, is_local);
        page_put(&w->main, "%s  %s", indent, is_local ? "local" : "remote");
        if (n > 1)
            page_put(&w->main, "-%zu", i + 1);
        page_put(&w->main, " {\n%s    auth = %s\n", indent, field_value(f, "auth"));
        write_fields(w, arena_printf(w->a, "%s    ", indent), f, plain, "auth");
        page_put(&w->main, "%s  }\n", indent);
    }
}

static void write_child(struct writer *w, const struct child_config *c, const char *indent)
{
    struct fields *f = fields_new(w), *plain = fields_new(w);
    fields_of_child(f, c);
    fields_of_child(plain, &w->plain->children[0]);
    page_put(&w->main, "%s    %s {\n", indent, section_name(w->a, c->name));
    /* ESP's defaults are not there beside AH */
    bool is_ah_alone = c->ah_proposals.n && c->proposals.n == c->ah_proposals.n;
    write_fields(w, arena_printf(w->a, "%s      ", indent), f, plain, is_ah_alone ? "esp_proposals" : NULL);
    bool has_both = c->ah_proposals.n && !is_ah_alone;
    if (has_both &&
        field_same(&(struct field){.value = field_value(f, "esp_proposals")}, plain, "esp_proposals"))
        page_put(&w->main, "%s      esp_proposals = default\n", indent);
    page_put(&w->main, "%s    }\n", indent);
}

void write_sections(struct writer *w, const struct connection *c, const char *indent)
{
    struct fields *f = fields_new(w), *plain = fields_new(w);
    fields_of_connection(f, c);
    fields_of_connection(plain, w->plain);
    write_notes(w, &w->main, arena_printf(w->a, "connection %s", c->name), indent);
    page_put(&w->main, "%s%s {\n", indent, section_name(w->a, c->name));
    write_fields(w, arena_printf(w->a, "%s  ", indent), f, plain, NULL);
    write_sides(w, c, true, indent);
    write_sides(w, c, false, indent);
    if (c->n_children + c->n_shunts) {
        page_put(&w->main, "%s  children {\n", indent);
        for (size_t i = 0; i < c->n_children; i++)
            write_child(w, &c->children[i], indent);
        for (size_t i = 0; i < c->n_shunts; i++)
            write_child(w, &c->shunts[i], indent);
        page_put(&w->main, "%s  }\n", indent);
    }
    page_put(&w->main, "%s}\n", indent);
}

static void write_connections(struct writer *w)
{
    bool is_open = false;
    for (size_t i = 0; i < w->config->n_connections; i++) {
        if (w->to == FORM_KEYWAY && !w->long_why[i]) {
            page_put(&w->main, "%s", is_open ? "}\n\n" : "");
            is_open = false;
            write_tunnel(w, w->config->connections[i]);
            continue;
        }
        page_put(&w->main, "%s", is_open ? "" : "connections {\n");
        is_open = true;
        if (w->to == FORM_KEYWAY)
            page_put(&w->main, "  # in full: %s\n", w->long_why[i]);
        write_sections(w, w->config->connections[i], "  ");
    }
    page_put(&w->main, "%s", is_open ? "}\n\n" : "");
}

/* ---- pools and authorities */

static bool is_of_tunnel(const struct writer *w, const char *pool)
{
    for (size_t i = 0; w->to == FORM_KEYWAY && i < w->config->n_connections; i++) {
        const struct connection *c = w->config->connections[i];
        if (!w->long_why[i] && c->n_pools == 1 && strcmp(c->pools[0], pool) == 0 &&
            strcmp(c->name, pool) == 0)
            return true;
    }
    return false;
}

static void write_pool(struct writer *w, const struct pool_config *p)
{
    const char *ranges = text_of_ranges(w->a, p->ranges, p->n_ranges);
    write_notes(w, &w->main, arena_printf(w->a, "pool %s", p->name), "  ");
    page_put(&w->main, "  %s {\n", section_name(w->a, p->name));
    if (ranges)
        page_put(&w->main, "    addrs = %s\n", ranges);
    for (size_t i = 0; i < p->n_attrs; i++) {
        const char *key = p->attrs[i].key, *list = NULL;
        if (i && strcmp(key, p->attrs[i - 1].key) == 0)
            continue;
        for (size_t k = i; k < p->n_attrs && strcmp(p->attrs[k].key, key) == 0; k++)
            list = list ? arena_printf(w->a, "%s, %s", list, p->attrs[k].text) : p->attrs[k].text;
        page_put(&w->main, "    %s = %s\n", key, quoted(w->a, list));
    }
    page_put(&w->main, "  }\n");
}

static void write_pools(struct writer *w)
{
    bool is_open = false;
    for (size_t i = 0; i < w->config->n_pools; i++) {
        if (is_of_tunnel(w, w->config->pools[i].name))
            continue;
        page_put(&w->main, "%s", is_open ? "" : "pools {\n");
        is_open = true;
        write_pool(w, &w->config->pools[i]);
    }
    page_put(&w->main, "%s", is_open ? "}\n\n" : "");
}

static void write_list(struct writer *w, const char *key, const char *const *v, size_t n)
{
    const char *list = text_of_list(w->a, v, n);
    if (list)
        page_put(&w->main, "    %s = %s\n", key, quoted(w->a, list));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_told(const struct config *c, const struct cert *ca)
{
    for (size_t i = 0; i < c->n_authorities; i++) {
        const struct cert *have = c->authorities[i].trust.ca;
        if (have && span_equal(cert_der(have), cert_der(ca)))
            return true;
    }
    return false;
}

/* Authorities that lie in folders of another form. */
static void write_trust(struct writer *w, bool *is_open)
{
    const struct config *c = w->config;
    const char *own =
        arena_printf(w->a, "%s/%s/", w->request->etc, w->to == FORM_KEYWAY ? "keyway" : "swanctl");
    for (size_t i = 0; i < c->cas.n; i++) {
        const char *path = path_of_cert(c, c->cas.v[i]);
        if (!path || is_told(c, c->cas.v[i]) || strncmp(path, own, strlen(own)) == 0)
            continue;
        page_put(&w->main, "%s", *is_open ? "" : "authorities {\n");
        *is_open = true;
        page_put(&w->main, "  trusted-%zu-%s {\n    cacert = %s\n  }\n", i + 1,
                 section_name(w->a, base_name(path)), quoted(w->a, path));
    }
}

static void write_authorities(struct writer *w)
{
    const struct config *c = w->config;
    struct fields *f = fields_new(w);
    bool is_open = false;
    for (size_t i = 0; i < c->n_authorities; i++) {
        const struct authority *v = &c->authorities[i];
        if (!v->trust.ca)
            continue; /* it says nothing */
        f->n = 0;
        const char *path = path_of_cert(c, v->trust.ca);
        page_put(&w->main, "%s", is_open ? "" : "authorities {\n");
        is_open = true;
        write_notes(w, &w->main, arena_printf(w->a, "authority %s", v->name), "  ");
        page_put(&w->main, "  %s {\n", section_name(w->a, v->name));
        if (path)
            page_put(&w->main, "    cacert = %s\n", quoted(w->a, path));
        write_list(w, "crl_uris", v->trust.crl_uris, v->trust.n_crl_uris);
        write_list(w, "ocsp_uris", v->trust.ocsp_uris, v->trust.n_ocsp_uris);
        if (v->cert_uri_base)
            page_put(&w->main, "    cert_uri_base = %s\n", quoted(w->a, v->cert_uri_base));
        page_put(&w->main, "  }\n");
    }
    write_trust(w, &is_open);
    page_put(&w->main, "%s", is_open ? "}\n\n" : "");
}

/* ---- secrets */

static void write_owners(struct writer *w, const struct identity *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        page_put(&w->secrets, "    id-%zu = %s\n", i + 1, quoted(w->a, text_of_identity(w->a, &v[i])));
}

/* Is it in a tunnel of its own? */
static bool is_inlined(const struct writer *w, const struct shared_secret *s)
{
    for (size_t i = 0; w->to == FORM_KEYWAY && i < w->config->n_connections; i++) {
        if (!w->long_why[i] && tunnel_secret(w->config, w->config->connections[i]) == s)
            return true;
    }
    return false;
}

void write_secrets_section(struct writer *w)
{
    const struct config *c = w->config;
    struct page *p = &w->secrets;
    bool is_open = false;
    for (size_t i = 0; i < c->n_secrets; i++) {
        if (is_inlined(w, &c->secrets[i]))
            continue;
        page_put(p, "%s  ike-%zu {\n", is_open ? "" : "secrets {\n", i + 1);
        is_open = true;
        write_owners(w, c->secrets[i].owners, c->secrets[i].n_owners);
        page_put(p, "    secret = %s\n  }\n", text_of_secret(w->a, &c->secrets[i].secret, false));
    }
    for (size_t i = 0; i < c->n_ppks; i++) {
        const struct ppk *v = &c->ppks[i];
        page_put(p, "%s  ppk-%zu {\n", is_open ? "" : "secrets {\n", i + 1);
        is_open = true;
        write_owners(w, v->ids, v->n_ids);
        if (v->pad)
            page_put(p, "    pad = %s\n    pad_from = %s\n", quoted(w->a, v->pad),
                     v->is_from_end ? "end" : "start");
        else
            page_put(p, "    secret = %s\n", text_of_secret(w->a, &v->secret, false));
        page_put(p, "  }\n");
    }
    page_put(p, "%s", is_open ? "}\n" : "");
}

/* ---- settings */

static bool is_of_strongswan_conf(const struct origin *at)
{
    const char *name = at && at->file ? base_name(at->file) : "";
    return strcmp(name, "strongswan.conf") == 0;
}

static const struct schema_row *row_of(const struct fields *f, size_t i, enum schema_scope scope)
{
    const char *key = f->v[i].key;
    if (scope == SCOPE_CHARON && strcmp(key, "port_natt") == 0)
        key = "port_nat_t";
    return schema_find(scope, key);
}

/* What strongswan.conf says stays there. */
static void write_settings(struct writer *w, struct page *p, enum schema_scope scope, const char *title)
{
    struct fields *f = fields_new(w), *plain = fields_new(w);
    bool is_open = false;
    fields_of_settings(f, &w->config->settings);
    fields_of_settings(plain, w->plain_settings);
    write_notes(w, p, "settings", "");
    for (size_t i = 0; i < f->n; i++) {
        const struct schema_row *r = row_of(f, i, scope);
        if (field_same(&f->v[i], plain, f->v[i].key) || is_of_strongswan_conf(f->v[i].origin) || !r ||
            strcmp(r->key, "ipsec_dialect") == 0)
            continue;
        page_put(p, "%s", is_open ? "" : arena_printf(w->a, "%s {\n", title));
        is_open = true;
        page_put(p, "  %s = %s\n", r->key, f->v[i].value ? quoted(w->a, f->v[i].value) : "");
    }
    page_put(p, "%s", is_open ? "}\n\n" : "");
}

void write_charon(struct writer *w)
{
    struct page p = {0};
    write_settings(w, &p, SCOPE_CHARON, "charon");
    if (p.len)
        w->out->files[w->out->n_files++] =
            (struct convert_file){.path = "strongswan.conf", .text = arena_strdup(w->a, page_text(&p))};
    page_free(&p);
}

void write_settings_form(struct writer *w)
{
    if (w->to == FORM_KEYWAY)
        write_settings(w, &w->main, SCOPE_GLOBAL, "keyway");
    write_connections(w);
    write_pools(w);
    write_authorities(w);
    write_secrets_section(w);
}
