/* SPDX-License-Identifier: Apache-2.0 */
/* ipsec.conf and ipsec.secrets, in Libreswan's or strongSwan's dialect: config setup, conns, ca sections,
 * secrets. A conn has one child, so a connection with several becomes several conns. */
#include "base/text.h"
#include "conf/convert/private.h"
#include "conf/ipsec/ipsec.h"
#include <strings.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static enum dialect dialect_of(const struct writer *w)
{
    return w->to == FORM_LIBRESWAN ? DIALECT_LIBRESWAN : DIALECT_STRONGSWAN;
}

static void put_key(struct page *p, const char *key, const char *value)
{
    bool wants_quotes = !*value || strpbrk(value, " \t#\"\n") || value[0] == '{';
    page_put(p, wants_quotes ? "\t%s=\"%s\"\n" : "\t%s=%s\n", key, value);
}

/* ---- config setup */

/* What holds for all connections here: that of the first, where they differ. */
static const char *common(const struct writer *w, bool is_revocation)
{
    struct fields *f = arena_alloc(w->a, sizeof(*f));
    f->a = w->a;
    f->config = w->config;
    if (!w->config->n_connections)
        return NULL;
    const struct connection *c = w->config->connections[0];
    if (is_revocation)
        fields_of_side(f, c, &c->remote, false);
    else
        fields_of_connection(f, c);
    return field_value(f, is_revocation ? "revocation" : "unique");
}

static const char *dashed(struct arena *a, const char *key)
{
    char *out = arena_strdup(a, key);
    for (char *p = out; *p; p++)
        *p = *p == '_' ? '-' : *p;
    return out;
}

static const char *plain_number(struct arena *a, const struct field *x)
{
    int64_t usec;
    uint64_t bytes;
    if ((x->row->kind == KIND_TIME || x->row->kind == KIND_SECONDS) && value_seconds(x->value, &usec) &&
        usec % 1000000 == 0)
        return arena_printf(a, "%lld", (long long)(usec / 1000000));
    if (x->row->kind == KIND_BYTES && value_bytes(x->value, &bytes))
        return arena_printf(a, "%llu", (unsigned long long)bytes);
    return x->value;
}

static void write_setup(struct writer *w)
{
    struct fields *f = arena_alloc(w->a, sizeof(*f)), *plain = arena_alloc(w->a, sizeof(*plain));
    struct page p = {0};
    size_t n;
    const struct schema_row *rows = schema_ipsec_rows(&n);
    *f = *plain = (struct fields){.a = w->a, .config = w->config};
    fields_of_settings(f, &w->config->settings);
    fields_of_settings(plain, w->plain_settings);
    for (size_t i = 0; i < f->n; i++) {
        const struct field *x = &f->v[i];
        const char *file = x->origin && x->origin->file ? base_name(x->origin->file) : "";
        if (field_same(x, plain, x->key) || !x->value || strcmp(file, "strongswan.conf") == 0)
            continue;
        for (size_t k = 0; k < n; k++) {
            const struct schema_row *r = &rows[k];
            bool is_tcp = strcmp(r->key, "listen_tcp") == 0;
            if (r->scope == SCOPE_IPSEC_SETUP && r->status == EFFECTIVE && r->maps &&
                !strcmp(r->maps, x->key) && (r->dialects & dialect_of(w)))
                put_key(&p, dashed(w->a, r->key), is_tcp ? "yes" : plain_number(w->a, x));
        }
    }
    const char *unique = common(w, false), *revocation = common(w, true);
    if (unique && strcmp(unique, "replace") != 0)
        put_key(&p, "uniqueids", unique);
    bool is_strict = revocation && strcmp(revocation, "strict") == 0;
    if (w->to == FORM_LIBRESWAN && is_strict)
        put_key(&p, "crl-strict", "yes");
    if (w->to == FORM_STRONGSWAN && revocation && strcmp(revocation, "relaxed") != 0)
        put_key(&p, "strictcrlpolicy", is_strict ? "yes" : "ifuri");
    write_notes(w, &w->main, "settings", "");
    if (p.len)
        page_put(&w->main, "config setup\n%s\n", page_text(&p));
    page_free(&p);
}

/* ---- conns */

void conn_key(struct conn_writer *x, const char *key, const char *value)
{
    put_key(x->p, key, value);
}

/* left or right in front of it */
static void end_key(struct conn_writer *x, bool is_local, const char *key, const char *value)
{
    conn_key(x, arena_printf(x->w->a, "%s%s", is_local ? "left" : "right", key), value);
}

static bool is_new(const struct fields *f, const struct fields *plain, const char *key)
{
    const struct field as = {.value = field_value(f, key)};
    return !field_same(&as, plain, key);
}

static const char *first_of(struct arena *a, const char *list)
{
    return list ? arena_strndup(a, list, strcspn(list, ",")) : NULL;
}

static void write_ends(struct conn_writer *x)
{
    const char *local = field_value(&x->conn, "local_addrs"), *remote = field_value(&x->conn, "remote_addrs");
    if (x->is_libreswan) { /* one address */
        local = first_of(x->w->a, local);
        remote = first_of(x->w->a, remote);
    }
    conn_key(x, "left", strcmp(local, "%any") == 0 ? "%defaultroute" : local);
    conn_key(x, "right", remote);
    if (is_new(&x->conn, &x->plain, "local_port"))
        conn_key(x, "leftikeport", field_value(&x->conn, "local_port"));
    if (is_new(&x->conn, &x->plain, "remote_port"))
        conn_key(x, "rightikeport", field_value(&x->conn, "remote_port"));
}

/* "10.1.0.0/16[tcp/443]" */
static void write_net(struct conn_writer *x, bool is_local)
{
    const struct ts *v = is_local ? x->child->local_ts : x->child->remote_ts;
    size_t n = is_local ? x->child->n_local_ts : x->child->n_remote_ts;
    const char *list = NULL;
    struct arena *a = x->w->a;
    if (n == 1 && v[0].is_dynamic && !v[0].proto && ts_is_any_port(&v[0]))
        return;
    const char *one = text_of_ts(a, v, 1), *bracket = strchr(one, '[');
    if (n == 1 && bracket && strlen(bracket) > 2 && (x->is_libreswan || v[0].is_dynamic)) {
        const char *net = arena_strndup(a, one, (size_t)(bracket - one));
        if (strcmp(net, "dynamic") != 0)
            end_key(x, is_local, "subnet", net);
        end_key(x, is_local, "protoport", arena_strndup(a, bracket + 1, strlen(bracket) - 2));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const char *word = text_of_ts(a, &v[i], 1);
        word = v[i].is_dynamic ? arena_printf(a, "%%%s", word) : word;
        list = list ? arena_printf(a, "%s,%s", list, word) : word;
    }
    end_key(x, is_local, "subnet", list);
}

static void write_pool(struct conn_writer *x)
{
    const struct pool_config *p = config_pool(x->w->config, x->c->pools[0]);
    struct arena *a = x->w->a;
    if (!p || !p->n_ranges)
        return;
    const char *ranges = text_of_ranges(a, p->ranges, p->n_ranges);
    end_key(x, false, x->is_libreswan ? "addresspool" : "sourceip", ranges);
    for (size_t i = 0; i < p->n_attrs; i++) {
        const char *key = p->attrs[i].key, *list = NULL;
        bool is_dns = strcmp(key, "dns") == 0, is_domains = strcmp(key, "domains") == 0 && x->is_libreswan;
        if ((i && strcmp(key, p->attrs[i - 1].key) == 0) || (!is_dns && !is_domains))
            continue;
        for (size_t k = i; k < p->n_attrs && strcmp(p->attrs[k].key, key) == 0; k++)
            list = list ? arena_printf(a, "%s,%s", list, p->attrs[k].text) : p->attrs[k].text;
        if (x->is_libreswan)
            conn_key(x, is_dns ? "modecfgdns" : "modecfgdomains", list);
        else
            end_key(x, false, "dns", list);
    }
}

static void write_virtual(struct conn_writer *x)
{
    const struct connection *c = x->c;
    const char *list = NULL;
    for (size_t i = 0; i < c->n_vips; i++) {
        char buf[IP_TEXT_MAX];
        bool is_any = ip_is_unspecified(c->vips[i]);
        const char *word = !is_any                  ? arena_strdup(x->w->a, ip_format(c->vips[i], buf))
                           : c->vips[i].family == 6 ? "%config6"
                                                    : "%config4";
        list = list ? arena_printf(x->w->a, "%s,%s", list, word) : word;
    }
    if (list && x->is_libreswan)
        conn_key(x, "leftmodecfgclient", "yes");
    else if (list)
        conn_key(x, "leftsourceip", list);
    if (c->n_pools)
        write_pool(x);
}

/* A row's own word for a value of swanctl.conf; NULL: it has none. */
static const char *word_of(const struct schema_row *r, const char *value)
{
    for (const struct schema_word *w = r->words; w && w->word; w++) {
        if (!w->refused && strcmp(w->maps ? w->maps : w->word, value) == 0)
            return w->word;
    }
    return r->words ? NULL : value;
}

static bool is_special(const char *key)
{
    static const char *const keys[] = {"dpdaction", "closeaction"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

/* Keys that stand for one of swanctl.conf each. */
static void write_rows(struct conn_writer *x)
{
    static const char children[] = "children.*.";
    size_t n;
    const struct schema_row *rows = schema_ipsec_rows(&n);
    for (size_t i = 0; i < n; i++) {
        const struct schema_row *r = &rows[i];
        if (r->scope != SCOPE_IPSEC_CONN || r->status != EFFECTIVE || !r->maps || is_special(r->key) ||
            !(r->dialects & dialect_of(x->w)))
            continue;
        bool is_child = strncmp(r->maps, children, sizeof(children) - 1) == 0;
        const char *key = r->maps + (is_child ? sizeof(children) - 1 : 0);
        const struct fields *f = is_child ? &x->kid : &x->conn, *plain = is_child ? &x->plain_kid : &x->plain;
        for (size_t k = 0; k < f->n; k++) {
            if (strcmp(f->v[k].key, key) != 0 || field_same(&f->v[k], plain, key) || !f->v[k].value)
                continue;
            const char *word = word_of(r, plain_number(x->w->a, &f->v[k]));
            if (word)
                conn_key(x, dashed(x->w->a, r->key), word);
        }
    }
}

static bool is_word(const char *s, const char *word)
{
    return s && strcmp(s, word) == 0;
}

static void write_start(struct conn_writer *x)
{
    const char *start = field_value(&x->kid, "start_action"), *dpd = field_value(&x->kid, "dpd_action");
    const char *close = field_value(&x->kid, "close_action"), *delay = field_value(&x->conn, "dpd_delay");
    bool starts = is_word(start, "start") || is_word(start, "trap|start"), traps = is_word(start, "trap");
    int64_t usec = 0;
    value_seconds(delay, &usec);
    const char *seconds = arena_printf(x->w->a, "%lld", (long long)(usec / 1000000));
    conn_key(x, "auto", starts ? "start" : traps ? (x->is_libreswan ? "ondemand" : "route") : "add");
    const char *usual = starts ? "restart" : traps ? "trap" : "clear";
    const char *word = is_word(dpd, "trap") ? "hold" : dpd;
    if (x->is_libreswan) {
        if (usec)
            conn_key(x, "dpddelay", seconds);
        if (!is_word(dpd, usual))
            conn_key(x, "dpdaction", word);
        return;
    }
    if (usec || !is_word(dpd, "clear")) {
        conn_key(x, "dpdaction", word);
        if (usec != 30000000)
            conn_key(x, "dpddelay", seconds);
    }
    if (!is_word(close, "none"))
        conn_key(x, "closeaction", is_word(close, "start") ? "restart" : "hold");
}

static void write_mark(struct conn_writer *x, const char *field, const char *key)
{
    const char *value = field_value(&x->kid, field);
    if (!value || !is_new(&x->kid, &x->plain_kid, field))
        return;
    if (!x->is_libreswan || value[0] != '%')
        conn_key(x, key, value);
    else if (is_word(value, "%unique"))
        conn_key(x, key, "-1");
}

static void write_headers(struct conn_writer *x)
{
    const char *dscp = field_value(&x->kid, "copy_dscp");
    bool in = is_word(dscp, "in") || is_word(dscp, "yes"), out = is_word(dscp, "out") || is_word(dscp, "yes");
    if (x->is_libreswan && is_new(&x->kid, &x->plain_kid, "copy_dscp")) {
        conn_key(x, "decap-dscp", in ? "yes" : "no");
        conn_key(x, "encap-dscp", out ? "yes" : "no");
    }
    if (x->is_libreswan && is_new(&x->kid, &x->plain_kid, "copy_df"))
        conn_key(x, "nopmtudisc", x->child->copies_df ? "no" : "yes");
    if (x->is_libreswan && x->child->per_cpu == PER_CPU_YES)
        conn_key(x, "clones", "yes");
    write_mark(x, "mark_in", x->is_libreswan ? "mark-in" : "mark_in");
    write_mark(x, "mark_out", x->is_libreswan ? "mark-out" : "mark_out");
    if (!x->is_libreswan && x->c->encap == ENCAP_YES)
        conn_key(x, "forceencaps", "yes");
    if (is_new(&x->kid, &x->plain_kid, "tfc_padding"))
        conn_key(x, "tfc",
                 x->child->tfc_padding == TFC_TO_MTU ? "%mtu" : field_value(&x->kid, "tfc_padding"));
    if (is_new(&x->kid, &x->plain_kid, "replay_window"))
        conn_key(x, "replay-window", field_value(&x->kid, "replay_window"));
}

static void write_others(struct conn_writer *x)
{
    const char *redirect = field_value(&x->conn, "redirect"), *ppk = field_value(&x->conn, "ppk_id");
    if (x->is_libreswan && redirect && x->c->redirect_when == REDIRECT_AUTH) {
        conn_key(x, "redirect-to", redirect);
        conn_key(x, "send-redirect", "yes");
    }
    if (x->is_libreswan && (ppk || x->c->ppk_required)) {
        conn_key(x, "ppk", x->c->ppk_required ? "insist" : "yes");
        if (ppk)
            conn_key(x, "ppk-ids", ppk_name(x->w->a, x->c->ppk_id));
    }
    if (!x->is_libreswan && is_new(&x->conn, &x->plain, "version") && x->c->version == 2)
        conn_key(x, "keyexchange", "ikev2");
    if (x->child->updown)
        conn_key(x, "leftupdown", x->child->updown);
    if (!x->is_libreswan && x->child->has_hostaccess)
        conn_key(x, "lefthostaccess", "yes");
    if (!x->is_libreswan && x->child->opens_firewall && !x->child->updown)
        conn_key(x, "leftfirewall", "yes");
    if (x->is_libreswan && x->child->source.family && !x->child->local_ts[0].is_dynamic)
        conn_key(x, "leftsourceip", field_value(&x->kid, "source"));
}

static void fill(struct fields *f, const struct writer *w)
{
    *f = (struct fields){.a = w->a, .config = w->config};
}

/* What is not negotiated says no more than what it is about. */
static void write_shunt(struct conn_writer *x)
{
    const enum child_mode mode = x->child->mode;
    if (x->is_libreswan)
        conn_key(x, "authby", "never");
    conn_key(x, "type", mode == MODE_PASS ? "passthrough" : mode == MODE_DROP ? "drop" : "reject");
    conn_key(x, "auto", x->child->start_action == START_NONE ? "add" : "route");
    page_put(x->p, "\n");
}

static void write_conn(struct writer *w, const struct connection *c, const struct child_config *child,
                       const char *name)
{
    struct conn_writer *x = arena_alloc(w->a, sizeof(*x));
    const struct connection *plain = w->plain;
    *x = (struct conn_writer){.w = w,
                              .p = &w->main,
                              .c = c,
                              .child = child,
                              .plain_child = &plain->children[0],
                              .is_libreswan = w->to == FORM_LIBRESWAN};
    struct fields *all[] = {&x->conn,  &x->local,       &x->remote,       &x->kid,
                            &x->plain, &x->plain_local, &x->plain_remote, &x->plain_kid};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        fill(all[i], w);
    fields_of_connection(&x->conn, c);
    fields_of_side(&x->local, c, &c->local, true);
    fields_of_side(&x->remote, c, &c->remote, false);
    fields_of_child(&x->kid, child);
    fields_of_connection(&x->plain, plain);
    fields_of_side(&x->plain_local, plain, &plain->local, true);
    fields_of_side(&x->plain_remote, plain, &plain->remote, false);
    fields_of_child(&x->plain_kid, x->plain_child);
    page_put(&w->main, "conn %s\n", name);
    write_ends(x);
    write_net(x, true);
    write_net(x, false);
    if (child->mode >= MODE_PASS) {
        write_shunt(x);
        return;
    }
    write_virtual(x);
    conn_auth(x);
    conn_proposals(x);
    conn_times(x);
    write_rows(x);
    conn_iptfs(x);
    write_headers(x);
    write_others(x);
    write_start(x);
    page_put(&w->main, "\n");
}

static const char *conn_name(struct writer *w, const char *name)
{
    char *out = arena_strdup(w->a, name);
    for (char *p = out; *p; p++)
        *p = *p <= ' ' || *p >= 127 || strchr("=\"#", *p) ? '_' : *p;
    return out;
}

static void write_conns(struct writer *w)
{
    const struct child_config none = w->plain->children[0];
    for (size_t i = 0; i < w->config->n_connections; i++) {
        const struct connection *c = w->config->connections[i];
        size_t n = c->n_children + c->n_shunts;
        write_notes(w, &w->main, arena_printf(w->a, "connection %s", c->name), "");
        for (size_t k = 0; k < n; k++) {
            const struct child_config *child =
                k < c->n_children ? &c->children[k] : &c->shunts[k - c->n_children];
            const char *name = n == 1 ? c->name : arena_printf(w->a, "%s-%s", c->name, child->name);
            write_conn(w, c, child, conn_name(w, name));
        }
        if (!n)
            write_conn(w, c, &none, conn_name(w, c->name));
    }
}

/* ---- authorities */

static bool is_in_cacerts(struct writer *w, const char *path)
{
    const char *folder = arena_printf(w->a, "%s/ipsec.d/cacerts/", w->request->etc);
    return path && strncmp(path, folder, strlen(folder)) == 0;
}

static void write_uris(struct writer *w, const char *first, const char *second, const char *const *v,
                       size_t n)
{
    if (n > 0)
        put_key(&w->main, first, v[0]);
    if (n > 1)
        put_key(&w->main, second, v[1]);
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

static void write_authorities(struct writer *w)
{
    const struct config *c = w->config;
    for (size_t i = 0; i < c->n_authorities; i++) {
        const struct authority *v = &c->authorities[i];
        const char *path = v->trust.ca ? path_of_cert(c, v->trust.ca) : NULL;
        write_notes(w, &w->main, arena_printf(w->a, "authority %s", v->name), "");
        if (!path || w->to == FORM_LIBRESWAN)
            continue;
        page_put(&w->main, "ca %s\n", conn_name(w, v->name));
        put_key(&w->main, "cacert", is_in_cacerts(w, path) ? base_name(path) : path);
        write_uris(w, "crluri", "crluri2", v->trust.crl_uris, v->trust.n_crl_uris);
        write_uris(w, "ocspuri", "ocspuri2", v->trust.ocsp_uris, v->trust.n_ocsp_uris);
        if (v->cert_uri_base)
            put_key(&w->main, "certuribase", v->cert_uri_base);
        page_put(&w->main, "\tauto=add\n\n");
    }
    for (size_t i = 0; i < c->cas.n && w->to == FORM_STRONGSWAN; i++) {
        const char *path = path_of_cert(c, c->cas.v[i]);
        if (path && !is_told(c, c->cas.v[i]) && path[0] == '/' && !is_in_cacerts(w, path))
            page_put(&w->main, "ca trusted-%zu\n\tcacert=%s\n\tauto=add\n\n", i + 1, path);
    }
}

void write_ipsec_form(struct writer *w)
{
    page_put(&w->main, "# keyway: dialect=%s\n\n", convert_form_name(w->to));
    write_notes(w, &w->main, "credentials", "");
    write_setup(w);
    write_conns(w);
    for (size_t i = 0; i < w->config->n_pools; i++)
        write_notes(w, &w->main, arena_printf(w->a, "pool %s", w->config->pools[i].name), "");
    write_authorities(w);
    write_ipsec_secrets(w);
}

/* ---- ipsec.secrets */

const char *ipsec_id_text(struct arena *a, const struct identity *id)
{
    const char *text = text_of_identity(a, id);
    bool is_name = id->type == ID_FQDN && !strchr(text, ':') && text[0] != '@';
    return is_name ? arena_printf(a, "@%s", text) : text;
}

static void write_owner(struct writer *w, const struct identity *id)
{
    const char *text = ipsec_id_text(w->a, id);
    page_put(&w->secrets, strpbrk(text, " #") ? "\"%s\" " : "%s ", text);
}

static const char *kind_of_key(const struct pkey *k)
{
    return pkey_type(k) == PKEY_RSA ? "RSA" : pkey_type(k) == PKEY_ECDSA ? "ECDSA" : "PKCS8";
}

/* Its bytes: as what kind of identity they were written does not count. */
const char *ppk_name(struct arena *a, const struct identity *id)
{
    for (size_t i = 0; i < id->data.len; i++) {
        if (id->data.ptr[i] < 0x20 || id->data.ptr[i] > 0x7e || strchr("\",", id->data.ptr[i]))
            return text_of_identity(a, id);
    }
    return arena_strndup(a, (const char *)id->data.ptr, id->data.len);
}

void write_ipsec_secrets(struct writer *w)
{
    const struct config *c = w->config;
    struct page *p = &w->secrets;
    const char *folder = arena_printf(w->a, "%s/ipsec.d/private/", w->request->etc);
    for (size_t i = 0; i < c->n_secrets; i++) {
        for (size_t k = 0; k < c->secrets[i].n_owners; k++)
            write_owner(w, &c->secrets[i].owners[k]);
        page_put(p, ": PSK %s\n", text_of_secret(w->a, &c->secrets[i].secret, true));
    }
    for (size_t i = 0; i < c->n_ppks; i++) {
        const struct ppk *v = &c->ppks[i];
        if (!v->n_ids)
            continue;
        const char *name = ppk_name(w->a, &v->ids[0]);
        if (v->pad)
            page_put(p, ": PPKS \"%s\" \"%s:%s\"\n", name, v->is_from_end ? "pad-end" : "pad", v->pad);
        else
            page_put(p, ": PPKS \"%s\" %s\n", name, text_of_secret(w->a, &v->secret, false));
    }
    for (size_t i = 0; i < c->n_keys; i++) {
        const char *path = c->keys[i].file;
        if (path && path[0] == '/')
            page_put(p, ": %s %s\n", kind_of_key(c->keys[i].key),
                     strncmp(path, folder, strlen(folder)) == 0 ? base_name(path) : path);
    }
}
