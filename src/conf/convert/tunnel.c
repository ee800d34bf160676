/* SPDX-License-Identifier: Apache-2.0 */
/* The short form: a connection as a tunnel, by the schema's column of what each of its keys stands for. What
 * it cannot be is seen when it is loaded: see convert.c. */
#include "conf/convert/private.h"

bool tunnel_takes_secret(const struct config *config, const struct connection *c)
{
    bool uses = c->local.method == AUTH_PSK || c->remote.method == AUTH_PSK;
    const struct shared_secret *s = tunnel_secret(config, c);
    /* one without an identity of the peer's would be anybody's */
    return !uses || (s && (c->remote.id.type != ID_ANY || !s->n_owners));
}

const struct shared_secret *tunnel_secret(const struct config *config, const struct connection *c)
{
    const struct auth_side *l = &c->local, *r = &c->remote;
    if (l->method != AUTH_PSK && r->method != AUTH_PSK)
        return NULL;
    return config_secret_for(config, l->id.type == ID_ANY ? NULL : &l->id,
                             r->id.type == ID_ANY ? NULL : &r->id);
}

struct tunnel_writer {
    struct writer *w;
    struct page *p;
    const struct connection *c;
    struct fields *conn, *local, *remote, *child;
    struct fields *plain, *plain_local, *plain_remote, *plain_child;
};

static void put(struct tunnel_writer *x, const char *key, const char *value)
{
    page_put(&x->w->main, "  %s = %s\n", key, quoted(x->w->a, value ? value : ""));
}

/* Which fields a key of a tunnel means, and by what name: "children.*.mode", "local.id", "vips". */
static const char *target(const struct tunnel_writer *x, const char *maps, const struct fields **f,
                          const struct fields **plain)
{
    static const char children[] = "children.*.";
    if (strncmp(maps, children, sizeof(children) - 1) == 0) {
        *f = x->child;
        *plain = x->plain_child;
        return maps + sizeof(children) - 1;
    }
    bool is_local = strncmp(maps, "local.", 6) == 0, is_remote = strncmp(maps, "remote.", 7) == 0;
    *f = is_local ? x->local : is_remote ? x->remote : x->conn;
    *plain = is_local ? x->plain_local : is_remote ? x->plain_remote : x->plain;
    return maps + (is_local ? 6 : is_remote ? 7 : 0);
}

static bool is_either(const char *s, const char *a, const char *b)
{
    return strcmp(s, a) == 0 || strcmp(s, b) == 0;
}

/* Those that depend on others, or that are not as they map. */
static bool is_special(const struct schema_row *r)
{
    static const char *const keys[] = {"start",     "auth",    "peer_auth",  "peer_pubkey", "cert",
                                       "vip",       "peer_id", "ca",         "rekey",       "lifetime",
                                       "ike_rekey", "reauth",  "keyingtries"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(r->key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* AH has no ESP beside it; who asks for an address takes the networks that the peer gives. */
static bool is_implied(const struct tunnel_writer *x, const char *key)
{
    if (strcmp(key, "esp_proposals") == 0)
        return !field_value(x->child, "esp_proposals");
    return strcmp(key, "remote") == 0 && x->c->children[0].peer_decides;
}

static void put_rows(struct tunnel_writer *x)
{
    size_t n;
    const struct schema_row *rows = schema_rows(SCOPE_TUNNEL, &n);
    for (size_t i = 0; i < n; i++) {
        const struct schema_row *r = &rows[i];
        const struct fields *f, *plain;
        if (r->scope != SCOPE_TUNNEL || !r->maps || is_special(r))
            continue;
        const char *key = target(x, r->maps, &f, &plain);
        const struct field as = {.value = field_value(f, key)};
        if (!field_same(&as, plain, key) && !is_implied(x, r->key))
            put(x, r->key, as.value);
    }
}

static void put_times(struct tunnel_writer *x)
{
    static const struct {
        const char *key, *of;
        bool is_child;
        const char *with;
    } rows[] = {
        {"ike_rekey", "rekey_time",  false, "reauth_time"},
        {"reauth",    "reauth_time", false, "rekey_time" },
        {"rekey",     "rekey_time",  true,  "life_time"  },
        {"lifetime",  "life_time",   true,  "rekey_time" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct fields *f = rows[i].is_child ? x->child : x->conn;
        const struct fields *plain = rows[i].is_child ? x->plain_child : x->plain;
        const struct field as = {.value = field_value(f, rows[i].of)},
                           with = {.value = field_value(f, rows[i].with)};
        if (!field_same(&as, plain, rows[i].of) || !field_same(&with, plain, rows[i].with))
            put(x, rows[i].key, as.value);
    }
}

static const char *start_of(const struct tunnel_writer *x)
{
    const char *action = field_value(x->child, "start_action");
    return strcmp(action, "none") == 0 ? "no" : strcmp(action, "start") == 0 ? "yes" : action;
}

static bool has_peer(const struct connection *c)
{
    for (size_t i = 0; i < c->n_remote_addrs; i++) {
        const struct host_spec *h = &c->remote_addrs[i];
        if (!h->is_any && (h->fqdn || ip_equal(h->from, h->to)))
            return true;
    }
    return false;
}

/* What starts by itself tries for ever, unless tries are counted. */
static void put_start(struct tunnel_writer *x)
{
    const char *start = start_of(x), *tries = field_value(x->conn, "keyingtries");
    bool starts = strcmp(start, "yes") == 0 || strcmp(start, "trap|start") == 0;
    if (has_peer(x->c) && strcmp(start, "yes") != 0)
        put(x, "start", start);
    if (starts ? !x->c->retries_forever : strcmp(tries, "1") != 0)
        put(x, "keyingtries", tries);
}

static const char *key_file(const struct tunnel_writer *x, const struct pkey *public_key)
{
    const struct config *c = x->w->config;
    for (size_t i = 0; public_key && i < c->n_keys; i++) {
        if (pkey_same(c->keys[i].key, public_key))
            return c->keys[i].file;
    }
    return NULL;
}

/* PSKs stand in files of their own: the page can then be shown. */
static void put_psk(struct tunnel_writer *x)
{
    const struct shared_secret *s = tunnel_secret(x->w->config, x->c);
    struct conversion *out = x->w->out;
    if (!s || out->n_files == CONVERT_FILES)
        return;
    const char *name = section_name(x->w->a, x->c->name);
    const char *text = text_of_secret(x->w->a, &s->secret, false);
    size_t len = strlen(text);
    if (text[0] == '"') /* a file has no quotes */
        text = arena_strndup(x->w->a, text + 1, len - 2);
    put(x, "psk", arena_printf(x->w->a, "file:%s.psk", name));
    out->files[out->n_files++] = (struct convert_file){
        .path = arena_printf(x->w->a, "keyway/private/%s.psk", name), .text = text, .is_secret = true};
}

static void put_auth(struct tunnel_writer *x)
{
    const char *auth = field_value(x->local, "auth"), *peer = field_value(x->remote, "auth");
    const char *certs = field_value(x->local, "certs"), *raw = field_value(x->remote, "pubkeys");
    const char *own = field_value(x->local, "pubkeys"), *ca = field_value(x->remote, "cacerts");
    const char *id = field_value(x->remote, "id");
    put_psk(x);
    if (certs)
        put(x, "cert", certs);
    if (raw)
        put(x, "peer_pubkey", raw);
    const struct pkey *mine = x->c->local.certs.n     ? cert_public_key(x->c->local.certs.v[0])
                              : x->c->local.pubkeys.n ? x->c->local.pubkeys.v[0]
                                                      : NULL;
    const char *file = key_file(x, mine);
    if (file && (own || certs))
        put(x, "key", file);
    if (ca)
        put(x, "ca", ca);
    put(x, "peer_id", id ? id : "%any");
    bool is_same = strcmp(auth, peer) == 0;
    if (!is_either(auth, "psk", "pubkey") || !is_same)
        put(x, "auth", auth);
    if (!is_same)
        put(x, "peer_auth", peer);
}

static void put_addresses(struct tunnel_writer *x)
{
    const char *vips = field_value(x->conn, "vips");
    const struct connection *c = x->c;
    const struct pool_config *pool =
        c->n_pools == 1 && strcmp(c->pools[0], c->name) == 0 ? config_pool(x->w->config, c->pools[0]) : NULL;
    if (vips)
        put(x, "vip", vips);
    if (pool && pool->n_ranges)
        put(x, "pool", text_of_ranges(x->w->a, pool->ranges, pool->n_ranges));
    else if (c->n_pools)
        put(x, "pool", text_of_list(x->w->a, c->pools, c->n_pools));
    for (size_t i = 0; pool && i < pool->n_attrs; i++) {
        const char *key = pool->attrs[i].key, *list = NULL;
        if ((i && strcmp(key, pool->attrs[i - 1].key) == 0) || !is_either(key, "dns", "domains"))
            continue;
        for (size_t k = i; k < pool->n_attrs && strcmp(pool->attrs[k].key, key) == 0; k++)
            list = list ? arena_printf(x->w->a, "%s, %s", list, pool->attrs[k].text) : pool->attrs[k].text;
        put(x, key, list);
    }
}

static struct fields *fields_new(struct writer *w)
{
    struct fields *f = arena_alloc(w->a, sizeof(*f));
    f->a = w->a;
    f->config = w->config;
    return f;
}

void write_tunnel(struct writer *w, const struct connection *c)
{
    struct tunnel_writer x = {.w = w,
                              .p = &w->main,
                              .c = c,
                              .conn = fields_new(w),
                              .local = fields_new(w),
                              .remote = fields_new(w),
                              .child = fields_new(w),
                              .plain = fields_new(w),
                              .plain_local = fields_new(w),
                              .plain_remote = fields_new(w),
                              .plain_child = fields_new(w)};
    static const struct child_config none = {0};
    fields_of_connection(x.conn, c);
    fields_of_side(x.local, c, &c->local, true);
    fields_of_side(x.remote, c, &c->remote, false);
    fields_of_child(x.child, c->n_children ? &c->children[0] : &none);
    /* of a tunnel, not of a section of connections */
    const struct connection *plain = w->plain_tunnel;
    fields_of_connection(x.plain, plain);
    fields_of_side(x.plain_local, plain, &plain->local, true);
    fields_of_side(x.plain_remote, plain, &plain->remote, false);
    fields_of_child(x.plain_child, &plain->children[0]);
    write_notes(w, &w->main, arena_printf(w->a, "connection %s", c->name), "");
    page_put(&w->main, "tunnel %s {\n", section_name(w->a, c->name));
    put_rows(&x);
    put_addresses(&x);
    put_auth(&x);
    put_times(&x);
    put_start(&x);
    page_put(&w->main, "}\n\n");
}
