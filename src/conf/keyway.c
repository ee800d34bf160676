/* SPDX-License-Identifier: Apache-2.0 */
/* keyway.conf: what swanctl.conf has, the global section, and the short form
 *
 *   tunnel office {
 *     peer   = 198.51.100.20
 *     psk    = ...
 *     local  = 10.10.0.0/24
 *     remote = 10.20.0.0/24
 *   }
 *
 * A tunnel is rewritten into the section of connections {} that it stands for, by the schema's maps column,
 * and built as such; every node keeps the place and the word that the user wrote. */
#include "base/log.h"
#include "conf/schema.h"
#include "conf/value.h"
#include <strings.h>

struct tunnel {
    struct builder *b;
    const struct setting *from; /* what the user wrote */
    struct setting *to;         /* what it becomes */
    const char *name;
};

static const struct setting *given(const struct tunnel *t, const char *key)
{
    const struct setting *s = settings_key(t->b->tree, t->from, key);
    return s && s->value ? s : NULL;
}

/* from NULL: a default. */
static void put(struct tunnel *t, const char *path, const struct setting *from, const char *value)
{
    build_put(t->b, t->to, t->from, t->name, path, from, value);
}

static void put_defaults(struct tunnel *t)
{
    static const char *const defaults[][2] = {
        {"version",                  "2"      },
        {"dpd_delay",                "10s"    },
        {"children.*.dpd_action",    "restart"},
        {"children.*.replay_window", "1024"   },
        {"unique",                   "replace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        put(t, defaults[i][0], NULL, defaults[i][1]);
}

static void put_given(struct tunnel *t)
{
    for (const struct setting *key = t->from->first; key; key = key->next) {
        const struct schema_row *r = key->is_section ? NULL : schema_find(SCOPE_TUNNEL, key->name);
        if (r && r->maps && key->value && r->kind == KIND_TEXT)
            put(t, r->maps, key, key->value);
    }
}

/* ---- virtual addresses */

static void put_vip(struct tunnel *t)
{
    bool wants = false;
    const struct setting *vip = given(t, "vip");
    if (!vip)
        return;
    bool is_word = value_bool(vip->value, &wants) && strcmp(vip->value, "0") && strcmp(vip->value, "1");
    if (is_word)
        put(t, "vips", vip, wants ? "0.0.0.0, ::" : "");
    if ((!is_word || wants) && !given(t, "remote"))
        put(t, "children.*.remote_ts", NULL, "0.0.0.0/0, ::/0");
}

/* The keys of a pool that is the tunnel's own and has its name. */
static void put_pool(struct tunnel *t)
{
    static const char *const of_pool[][2] = {
        {"pool",    "addrs"  },
        {"exclude", "exclude"},
        {"dns",     "dns"    },
        {"domains", "domains"},
    };
    struct settings_tree *tree = t->b->tree;
    const struct setting *pool = given(t, "pool");
    bool is_own = pool && build_is_pool_range(t->b, pool->value);
    if (pool)
        put(t, "pools", pool, is_own ? t->name : pool->value);
    for (size_t i = 1; i < ARRAY_LEN(of_pool) && !is_own; i++) {
        const struct setting *s = given(t, of_pool[i][0]);
        if (s && !pool)
            diag_try(build_error(t->b, s, "peers are told of it with an address only"), "pool = 10.3.0.0/24");
        else if (s)
            build_error(t->b, s, "it belongs into the section of pool '%s'", pool->value);
    }
    if (!is_own)
        return;
    struct setting *made = settings_add(tree, tree->root, "\001pools", 6, true);
    struct setting *section = made ? settings_add(tree, made, t->name, strlen(t->name), true) : NULL;
    for (size_t i = 0; section && i < ARRAY_LEN(of_pool); i++) {
        const struct setting *s = given(t, of_pool[i][0]);
        if (s)
            build_put(t->b, section, t->from, t->name, of_pool[i][1], s, s->value);
    }
    if (!section)
        return;
    section->file = t->from->file;
    section->line = t->from->line;
    section->column = t->from->column;
    build_pool(t->b, section);
}

static bool is_null(const struct setting *auth)
{
    return auth && strcasecmp(auth->value, "null") == 0;
}

/* The peer's raw public key; ours is the one of key. */
static const struct setting *raw_key(const struct tunnel *t)
{
    return given(t, "cert") || given(t, "psk") ? NULL : given(t, "peer_pubkey");
}

/* Both ends prove themselves alike, with what is there. That the peer proves nothing has to be said. */
static void put_auth(struct tunnel *t)
{
    const struct setting *auth = given(t, "auth");
    const struct setting *cert = given(t, "cert") ? given(t, "cert") : raw_key(t);
    const struct setting *by = cert ? cert : given(t, "psk");
    const char *word = cert ? "pubkey" : "psk";
    if (!auth)
        put(t, "local.auth", by, word);
    if (given(t, "peer_auth"))
        return;
    put(t, "remote.auth", auth && !is_null(auth) ? auth : by, auth && !is_null(auth) ? auth->value : word);
    if (is_null(auth))
        build_expected(build_error(t->b, auth, "how does the peer prove who it is?"), auth,
                       "peer_auth as well: psk, pubkey with ca, or null");
}

static bool is_psk(const struct setting *auth)
{
    return auth && strcasecmp(auth->value, "psk") == 0;
}

static void check_auth(struct tunnel *t)
{
    const struct setting *raw = raw_key(t);
    const struct setting *psk = given(t, "psk"), *cert = given(t, "cert"), *at = psk && cert ? psk : t->from;
    const struct setting *auth = given(t, "auth"), *peer_auth = given(t, "peer_auth");
    bool needs_none = is_null(auth) && !is_psk(peer_auth) && !psk;
    if (raw && !given(t, "key"))
        diag_expected(build_error(t->b, raw, "our own key is not there"),
                      "key, whose public half the peer has");
    if (raw)
        return;
    if (!!psk != !!cert || (needs_none && !cert))
        return;
    struct diag *d = errors_add(t->b->errs, at->file, at->line, at->column, "tunnel '%s' has %s", t->name,
                                psk ? "both psk and cert" : "neither psk nor cert");
    diag_expected(d, "one of them, or key and peer_pubkey: it is how the two ends know each other");
}

/* The one address of the peer, or false: a name, several, or none. */
static bool single_address(const struct setting *peer, struct ip *out)
{
    return peer && ip_parse(peer->value, out) && !ip_is_unspecified(*out);
}

static void put_ids(struct tunnel *t)
{
    struct ip ip;
    const struct setting *peer = given(t, "peer");
    if (given(t, "peer_id") || is_null(given(t, "peer_auth")))
        return;
    if ((given(t, "psk") || raw_key(t)) && single_address(peer, &ip))
        put(t, "remote.id", peer, peer->value);
    if (given(t, "cert") || given(t, "ca"))
        log_line(
            GROUP_CFG, LOG_WARN,
            "%s:%d: tunnel %s has no peer_id: every certificate of the authority is taken for the peer's",
            t->from->file, t->from->line, t->name);
}

/* True: it begins by itself, and does not give up. */
static bool wants_start(struct tunnel *t)
{
    const struct setting *start = given(t, "start");
    const char *value = start ? start->value : "yes";
    bool is_trap = !strcmp(value, "trap"), is_both = !strcmp(value, "trap|start"), yes = true;
    if (!is_trap && !is_both && !value_bool(value, &yes))
        build_expected(build_error(t->b, start, "not a way to start"), start, "yes, no, trap or trap|start");
    const struct setting *peer = given(t, "peer");
    bool has_peer = peer && build_has_peer(t->b, peer->value);
    if (start && yes && !has_peer)
        build_error(t->b, start, "a tunnel without a peer's address cannot start");
    yes = yes && has_peer;
    put(t, "children.*.start_action", start, !yes ? "none" : is_trap || is_both ? value : "start");
    if (yes && is_trap && !given(t, "dpd_action"))
        put(t, "children.*.dpd_action", start, "trap");
    return yes && !is_trap;
}

/* The secret's text: in place, or in a file without the line end. NULL after an error. */
static const char *psk_text(struct builder *b, const struct setting *psk)
{
    static const char *const folders[] = {"private", NULL};
    struct span data = {0};
    struct diag d = {0};
    const char *path;
    if (strncmp(psk->value, "file:", 5) != 0)
        return psk->value;
    if (!build_read(b, psk->value + 5, folders, true, &data, &path, &d)) {
        build_error(b, psk, "%s: %s", diag_failed(&d) ? d.what : "no such file", psk->value + 5);
        return NULL;
    }
    while (data.len && (data.ptr[data.len - 1] == '\n' || data.ptr[data.len - 1] == '\r'))
        data.len--;
    return arena_strndup(b->scratch, (const char *)data.ptr, data.len);
}

/* Bound to the peer's identity where that is known, so that tunnels do not borrow each other's. */
static void add_psk(struct tunnel *t, const struct connection *c)
{
    const struct setting *psk = given(t, "psk");
    const char *text = psk ? psk_text(t->b, psk) : NULL;
    struct secret secret = {0};
    if (!text)
        return;
    if (!value_secret(text, &secret)) {
        build_error(t->b, psk, "the encoding is broken: hex digits follow 0x, base64 follows 0s");
        return;
    }
    if (secret.len == 0)
        build_error(t->b, psk, "an empty secret protects nothing");
    build_add_secret(t->b, psk, &secret, &c->remote.id, c->remote.id.type != ID_ANY);
    secret_free(&secret);
}

static void add_ppk(struct tunnel *t, const struct connection *c)
{
    const struct setting *ppk = given(t, "ppk");
    const char *text = ppk ? psk_text(t->b, ppk) : NULL;
    if (text && !c->ppk_id)
        diag_expected(build_error(t->b, ppk, "it has no name"), "a ppk_id, the same at both ends");
    else if (text)
        build_add_ppk(t->b, ppk, text, c->ppk_id);
}

static void build_tunnel(struct builder *b, const struct setting *from, struct setting *parent)
{
    struct tunnel t = {.b = b, .from = from, .name = from->name};
    t.to = settings_add(b->tree, parent, from->name, strlen(from->name), true);
    if (!t.to)
        return;
    t.to->file = from->file;
    t.to->line = from->line;
    t.to->column = from->column;
    schema_check(b, SCOPE_TUNNEL, from);
    for (const struct setting *s = from->first; s; s = s->next) {
        if (s->is_section)
            schema_unknown_section(b, s, (const char *const[]){NULL});
    }
    const struct setting *key = given(&t, "key"), *passphrase = given(&t, "passphrase");
    struct pkey *own = NULL;
    if (key)
        own = build_private_key(b, key, passphrase ? passphrase->value : NULL);
    else if (passphrase)
        build_error(b, passphrase, "there is no key that it could open");
    put_defaults(&t);
    put_given(&t);
    put_vip(&t);
    put_pool(&t);
    put_ids(&t);
    bool starts = wants_start(&t);
    put_auth(&t);
    b->is_tunnel = true;
    if (given(&t, "ppk") && !given(&t, "ppk_required"))
        put(&t, "ppk_required", given(&t, "ppk"), "yes");
    if (given(&t, "classes"))
        build_add_classes(b, t.to, t.name, given(&t, "classes"));
    struct connection *c = build_connection(b, t.to);
    b->is_tunnel = false;
    c->retries_forever = starts && !given(&t, "keyingtries");
    add_psk(&t, c);
    if (own && raw_key(&t))
        build_pubkey_add(b, &c->local.pubkeys, pkey_ref(own));
    add_ppk(&t, c);
    check_auth(&t);
    build_add_connection(b, c, t.to);
}

static void check_top(struct builder *b, const struct setting *root)
{
    static const char *const known[] = {"tunnel",   "connections", "secrets",     "keyway",
                                        "settings", "pools",       "authorities", NULL};
    for (const struct setting *s = root->first; s; s = s->next) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], s->name) != 0)
            i++;
        if (s->is_section && !known[i] && !s->is_base)
            schema_unknown_section(b, s, known);
        if (!s->is_section)
            errors_add(b->errs, s->file, s->line, s->column, "key '%s' stands outside of any section",
                       s->written);
    }
}

void build_keyway_settings(struct builder *b, const struct setting *root)
{
    check_top(b, root);
    const char *const globals[] = {"keyway", "settings"};
    struct settings *set = &b->config->settings;
    for (size_t i = 0; i < ARRAY_LEN(globals); i++) {
        struct origin_list l = {0};
        const struct setting *s = settings_section(b->tree, root, globals[i]);
        if (!s)
            continue;
        /* without defaults: strongswan.conf may have set some already. The newer origins come first. */
        schema_apply_keys(b, SCOPE_GLOBAL, s, set, &l, NULL, NULL);
        for (size_t k = 0; k < set->origins.n; k++)
            origin_copy(b, &l, &set->origins.v[k]);
        set->origins = (struct origins){l.v, l.n};
    }
}

void build_keyway(struct builder *b, struct setting *root)
{
    build_swanctl(b, root);
    const struct setting *tunnels = settings_section(b->tree, root, "tunnel");
    struct setting *made = settings_add(b->tree, root, "\001tunnels", 8, true);
    for (const struct setting *s = tunnels ? tunnels->first : NULL; s && made; s = s->next) {
        if (s->is_section)
            build_tunnel(b, s, made);
        else
            errors_add(b->errs, s->file, s->line, s->column,
                       "'%s' is a key where a tunnel's name is expected", s->written);
    }
}
