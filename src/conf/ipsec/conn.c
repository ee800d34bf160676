/* SPDX-License-Identifier: Apache-2.0 */
/* A conn of ipsec.conf to a connection: which of them are loaded, and the keys that stand for one of
 * swanctl.conf each. Those that take more thought are in the files beside this one. A connection that needs
 * what Keyway has not got is left out with a word; the others are loaded. */
#include "conf/ipsec/ipsec.h"
#include <stdarg.h>
#include <stdio.h>

const struct setting *ipsec_given(const struct ipsec_conn *c, const char *key)
{
    const struct setting *s = settings_key(c->b->tree, c->from, key);
    return s && s->value ? s : NULL;
}

const struct setting *ipsec_end(const struct ipsec_conn *c, bool is_local, const char *key)
{
    char name[64];
    snprintf(name, sizeof(name), "%s%s", is_local ? c->local : c->remote, key);
    return ipsec_given(c, name);
}

bool ipsec_says(const struct ipsec_conn *c, const char *key, bool def)
{
    const struct setting *s = ipsec_given(c, key);
    bool yes = def;
    return s && ipsec_bool(s->value, &yes) ? yes : def;
}

/* "children.*." is every child there is: see selectors.c. */
void ipsec_put(struct ipsec_conn *c, const char *path, const struct setting *from, const char *value)
{
    static const char children[] = "children.*.";
    const size_t len = sizeof(children) - 1;
    if (strncmp(path, children, len) != 0) {
        build_put(c->b, c->to, &c->section->s, c->name, path, from, value);
        return;
    }
    struct setting *section = settings_section(c->b->tree, c->to, "children");
    for (struct setting *child = section ? section->first : NULL; child; child = child->next)
        build_put(c->b, child, &c->section->s, c->name, path + len, from, value);
}

void ipsec_leave_out(struct ipsec_conn *c, const struct setting *key, const char *why)
{
    if (c->out)
        return;
    c->out = why;
    c->out_key = key;
}

void ipsec_needs(struct ipsec_conn *c, const struct setting *key, const char *part)
{
    ipsec_leave_out(c, key, arena_printf(c->b->scratch, "it asks for what is not built yet: %s", part));
}

void ipsec_warn(struct ipsec_conn *c, const struct setting *at, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    at = at ? at : &c->section->s;
    log_line(GROUP_CFG, LOG_WARN, "%s:%d: connection %s: %s", at->file, at->line, c->name, what);
}

/* ---- keys that map by themselves */

static const char *mapped_value(struct ipsec_conn *c, const struct schema_row *r, const char *value)
{
    bool yes;
    int64_t time;
    uint64_t n;
    const struct schema_word *w = ipsec_word(r, value);
    switch (r->kind) {
    case KIND_BOOL:
        return ipsec_bool(value, &yes) && yes ? "yes" : "no";
    case KIND_TIME:
        return ipsec_time(value, &time)
                   ? arena_printf(c->b->scratch, "%llu", (unsigned long long)(time / 1000000))
                   : value;
    case KIND_BYTES:
        return ipsec_bytes(value, &n) ? arena_printf(c->b->scratch, "%llu", (unsigned long long)n) : value;
    case KIND_WORD:
        return w && w->maps ? w->maps : value;
    default:
        return value;
    }
}

static void put_end_row(struct ipsec_conn *c, const struct schema_row *r, const struct setting *key)
{
    char path[64];
    bool is_local = strncmp(key->name, c->local, strlen(c->local)) == 0;
    snprintf(path, sizeof(path), "%s%s", is_local ? "local" : "remote", r->maps + 1);
    ipsec_put(c, path, key, mapped_value(c, r, key->value));
}

static void put_rows(struct ipsec_conn *c)
{
    size_t n;
    const struct schema_row *rows = schema_ipsec_rows(&n);
    for (size_t i = 0; i < n; i++) {
        const struct schema_row *r = &rows[i];
        const char *def = c->dialect == DIALECT_LIBRESWAN ? r->def_libreswan : r->def_strongswan;
        if (r->scope == SCOPE_IPSEC_CONN && r->maps && def)
            ipsec_put(c, r->maps, NULL, def);
    }
    for (const struct setting *key = c->from->first; key; key = key->next) {
        size_t end_len = 0;
        const struct schema_row *r = key->value ? ipsec_row(IPSEC_CONN, key->name, &end_len) : NULL;
        if (!r)
            continue;
        const struct schema_word *w = ipsec_word(r, key->value);
        if (w && w->refused)
            ipsec_needs(c, key, w->refused);
        if (r->status == UNBUILT && !ipsec_accepts(r, key->value))
            ipsec_needs(c, key, r->reason);
        if (r->status != EFFECTIVE || !r->maps || (w && w->refused))
            continue;
        if (end_len)
            put_end_row(c, r, key);
        else
            ipsec_put(c, r->maps, key, mapped_value(c, r, key->value));
    }
}

/* ---- keys that depend on one another, or that say the reverse */

static void put_headers(struct ipsec_conn *c)
{
    const struct setting *decap = ipsec_given(c, "decap_dscp"), *encap = ipsec_given(c, "encap_dscp");
    const struct setting *nopmtu = ipsec_given(c, "nopmtudisc"), *tfc = ipsec_given(c, "tfc");
    bool in = ipsec_says(c, "decap_dscp", false), out = ipsec_says(c, "encap_dscp", true);
    if (decap || encap)
        ipsec_put(c, "children.*.copy_dscp", encap ? encap : decap,
                  in && out ? "yes"
                  : in      ? "in"
                  : out     ? "out"
                            : "no");
    if (nopmtu)
        ipsec_put(c, "children.*.copy_df", nopmtu, ipsec_says(c, "nopmtudisc", false) ? "no" : "yes");
    const struct setting *force = ipsec_given(c, "forceencaps");
    if (force && ipsec_says(c, "forceencaps", false))
        ipsec_put(c, "encap", force, "yes");
    if (tfc)
        ipsec_put(c, "children.*.tfc_padding", tfc, strcasecmp(tfc->value, "%mtu") == 0 ? "mtu" : tfc->value);
}

/* [Libreswan] so many SAs; here those that send get one. */
static void put_clones(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "clones");
    bool is_word = false, yes = false;
    if (!s)
        return;
    is_word = ipsec_bool(s->value, &yes);
    bool is_number = s->value[0] && strspn(s->value, "0123456789") == strlen(s->value);
    if (is_number)
        yes = strspn(s->value, "0") != strlen(s->value);
    ipsec_put(c, "children.*.per_cpu_sas", s, is_word || is_number ? (yes ? "yes" : "no") : s->value);
}

/* [Libreswan] -1 is a mark of its own for each child. */
static const char *mark_value(struct ipsec_conn *c, const char *text)
{
    bool is_own =
        c->dialect == DIALECT_LIBRESWAN && strncmp(text, "-1", 2) == 0 && (!text[2] || text[2] == '/');
    return is_own ? arena_printf(c->b->scratch, "%%unique%s", text + 2) : text;
}

static void put_marks(struct ipsec_conn *c)
{
    const struct setting *both = ipsec_given(c, "mark"), *in = ipsec_given(c, "mark_in"),
                         *out = ipsec_given(c, "mark_out");
    in = in ? in : both;
    out = out ? out : both;
    if (in)
        ipsec_put(c, "children.*.mark_in", in, mark_value(c, in->value));
    if (out)
        ipsec_put(c, "children.*.mark_out", out, mark_value(c, out->value));
}

static void put_interface_of(struct ipsec_conn *c, const struct setting *s, const char *name,
                             const char *kind, const char *address_key)
{
    const struct setting *address = ipsec_end(c, true, address_key);
    ipsec_put(c, "children.*.tunnel_interface", s, name);
    ipsec_put(c, "children.*.tunnel_interface_kind", s, kind);
    if (address)
        ipsec_put(c, "children.*.tunnel_interface_address", address, address->value);
}

/* [Libreswan] yes is 1; where interfaces are somebody else's, the number is all there is. */
static void put_interface(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "ipsec_interface"), *vti = ipsec_given(c, "vti_interface"),
                         *routing = ipsec_given(c, "vti_routing");
    bool yes = false, is_managed = true;
    const char *id = s ? s->value : "no";
    if (ipsec_bool(id, &yes) && strcmp(id, "1") != 0)
        id = yes ? "1" : NULL;
    if (c->t->managed)
        ipsec_bool(c->t->managed->value, &is_managed);
    if (id) {
        ipsec_put(c, "children.*.if_id_in", s, id);
        ipsec_put(c, "children.*.if_id_out", s, id);
    }
    if (id && is_managed)
        put_interface_of(c, s, arena_printf(c->b->scratch, "ipsec%s", id), "xfrm", "interface_ip");
    if (id || !vti)
        return;
    const struct setting *mark = ipsec_given(c, "mark"), *in = ipsec_given(c, "mark_in"),
                         *out = ipsec_given(c, "mark_out");
    in = in ? in : mark;
    out = out ? out : mark;
    if (!in || !out || in->value[0] == '-' || out->value[0] == '-') {
        ipsec_leave_out(c, vti, "a VTI needs mark, or mark-in and mark-out, that are numbers");
        return;
    }
    put_interface_of(c, vti, vti->value, "vti", "vti");
    /* [Libreswan] the manual of 4.10 and 5.2 says yes; both have no, and lead nothing to it */
    ipsec_put(c, "children.*.tunnel_interface_routes", routing ? routing : vti,
              ipsec_says(c, "vti_routing", false) ? "yes" : "no");
}

static void put_redirect(struct ipsec_conn *c)
{
    const struct setting *to = ipsec_given(c, "redirect_to"), *send = ipsec_given(c, "send_redirect");
    if (!to || !send || !ipsec_says(c, "send_redirect", strcasecmp(send->value, "auto") == 0))
        return;
    ipsec_put(c, "redirect", to, to->value);
    ipsec_put(c, "redirect_when", send, "auth");
}

/* "ipsec _updown" with its words, or a path that ends so: what it does is built in. */
static bool is_built_in(const char *command)
{
    static const char name[] = "ipsec _updown";
    size_t len = strcspn(command, "\"'`$;|&<>()");
    const char *at = strstr(command, name);
    bool is_plain = !command[len] && at && (at == command || at[-1] == '/') &&
                    !memchr(command, ' ', (size_t)(at - command));
    return is_plain && (!at[sizeof(name) - 1] || at[sizeof(name) - 1] == ' ');
}

/* [strongSwan] firewall=yes is short for updown="ipsec _updown iptables", and one of both is written. */
static void put_firewall(struct ipsec_conn *c, const struct setting *updown)
{
    const struct setting *s = ipsec_end(c, true, "firewall");
    bool yes = false;
    if (updown && is_built_in(updown->value) && strstr(updown->value, " iptables"))
        ipsec_put(c, "children.*.firewall", updown, "yes");
    else if (s && updown && updown->value[0])
        ipsec_warn(c, s, "%s is without effect beside %s, which counts", s->written, updown->written);
    else if (s && ipsec_bool(s->value, &yes) && yes)
        ipsec_put(c, "children.*.firewall", s, "yes");
}

static void put_updown(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_end(c, true, "updown"), *access = ipsec_end(c, true, "hostaccess"),
                         *source = ipsec_end(c, true, "sourceip");
    bool yes = false, is_libreswan = c->dialect == DIALECT_LIBRESWAN;
    if (access && ipsec_bool(access->value, &yes))
        ipsec_put(c, "children.*.hostaccess", access, yes ? "yes" : "no");
    if (is_libreswan && source && source->value[0])
        ipsec_put(c, "children.*.source", source, source->value);
    if (!is_libreswan)
        put_firewall(c, s);
    if (!s || !s->value[0] || strcasecmp(s->value, "%disabled") == 0)
        return;
    if (is_built_in(s->value))
        return;
    ipsec_put(c, "children.*.updown", s, s->value);
    if (is_libreswan)
        ipsec_put(c, "children.*.updown_style", s, "libreswan");
}

static void put_window(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "replay_window");
    if (!s && c->dialect == DIALECT_LIBRESWAN)
        ipsec_put(c, "children.*.replay_window", NULL, "128");
    /* [strongSwan] the daemon's */
    bool is_daemons = s && c->dialect == DIALECT_STRONGSWAN && strcmp(s->value, "-1") == 0;
    if (s && !is_daemons)
        ipsec_put(c, "children.*.replay_window", s, s->value);
}

/* ---- how it begins */

static bool is_word(const struct setting *s, const char *word)
{
    return s && strcasecmp(s->value, word) == 0;
}

static void put_start(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "auto"), *action = ipsec_given(c, "dpdaction");
    const struct setting *peer = ipsec_end(c, false, "");
    bool has_peer = peer && !ipsec_is_any(peer->value) &&
                    build_has_peer(c->b, peer->value[0] == '%' ? peer->value + 1 : peer->value);
    bool starts = is_word(s, "start") || is_word(s, "up"),
         traps = is_word(s, "route") || is_word(s, "ondemand");
    bool keeps = is_word(s, "keep"), is_libreswan = c->dialect == DIALECT_LIBRESWAN;
    if ((starts || traps || keeps) && !has_peer) {
        ipsec_warn(c, s, "it cannot begin by itself: it has no peer's address");
        starts = traps = keeps = false;
    }
    if (s)
        ipsec_put(c, "children.*.start_action", s, starts ? "start" : traps ? "trap" : "none");
    const char *after = starts || keeps ? "restart" : traps ? "trap" : "clear";
    const struct schema_word *w =
        action ? ipsec_word(schema_find(SCOPE_IPSEC_CONN, "dpdaction"), action->value) : NULL;
    if (w && w->maps && strcmp(w->maps, "clear") != 0 && !has_peer)
        w = NULL; /* nothing can be begun again */
    if (w)
        ipsec_put(c, "children.*.dpd_action", action, w->maps ? w->maps : w->word);
    else if (is_libreswan)
        ipsec_put(c, "children.*.dpd_action", NULL, after);
    /* what is to be up is revived when the peer closes it */
    if (is_libreswan && !ipsec_given(c, "closeaction") && (starts || keeps || traps))
        ipsec_put(c, "children.*.close_action", NULL, traps ? "trap" : "start");
    /* [strongSwan] without an action the peer is not checked */
    const struct setting *delay = ipsec_given(c, "dpddelay");
    bool checks = is_libreswan || (action && strcasecmp(action->value, "none") != 0);
    int64_t usec = is_libreswan ? 0 : 30000000;
    if (delay)
        ipsec_time(delay->value, &usec);
    ipsec_put(c, "dpd_delay", delay ? delay : action,
              arena_printf(c->b->scratch, "%llu", checks ? (unsigned long long)(usec / 1000000) : 0));
}

static void put_unique(struct ipsec_conn *c)
{
    const struct setting *u = c->t->uniqueids, *r = c->t->revocation;
    const struct schema_word *w =
        u ? ipsec_word(schema_find(SCOPE_IPSEC_SETUP, "uniqueids"), u->value) : NULL;
    bool yes = false;
    ipsec_put(c, "unique", u, w ? (w->maps ? w->maps : w->word) : "replace");
    if (r)
        ipsec_put(c, "remote.revocation", r,
                  strcasecmp(r->value, "ifuri") == 0  ? "ifuri"
                  : ipsec_bool(r->value, &yes) && yes ? "strict"
                                                      : "relaxed");
}

static void put_version(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_given(c, "keyexchange");
    s = s ? s : ipsec_given(c, "ikev2");
    /* strongSwan's "ike" answers to IKEv1, too */
    bool is_both = c->dialect == DIALECT_STRONGSWAN && (!s || strcasecmp(s->value, "ike") == 0);
    ipsec_put(c, "version", s, is_both ? "0" : "2");
}

static void put_all(struct ipsec_conn *c)
{
    ipsec_put_ends(c);
    ipsec_put_selectors(c);
    put_rows(c);
    put_version(c);
    ipsec_put_auth(c);
    ipsec_put_proposals(c);
    ipsec_put_times(c);
    put_headers(c);
    ipsec_put_iptfs(c);
    put_marks(c);
    put_clones(c);
    put_interface(c);
    put_redirect(c);
    put_updown(c);
    put_window(c);
    put_start(c);
    put_unique(c);
}

/* ---- which of them */

static bool is_in(const char *const *names, const char *name)
{
    for (; names && *names; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

static bool is_loaded(const struct ipsec_conn *c, const struct conf_request *req)
{
    const struct setting *s = ipsec_given(c, "auto");
    if (is_in(req->deleted, c->name))
        return false;
    return is_in(req->added, c->name) || (s && strcasecmp(s->value, "ignore") != 0);
}

static const char *dialect_of(enum dialect d)
{
    return d == DIALECT_STRONGSWAN ? "ipsec.conf/strongswan" : "ipsec.conf/libreswan";
}

static void tell_left_out(struct ipsec_conn *c)
{
    const struct setting *k = c->out_key ? c->out_key : &c->section->s;
    bool is_shown = k->value && strlen(k->value) < 40;
    log_line(GROUP_CFG, LOG_WARN, "%s:%d: connection %s is left out: %s%s%s: %s", k->file, k->line, c->name,
             k->written, is_shown ? "=" : "", is_shown ? k->value : "", c->out);
}

/* What is wrong with one connection leaves that one out: the others are loaded, as both daemons do. */
static void take_errors(struct ipsec_conn *c, size_t n_before)
{
    ipsec_log_errors(c->b, n_before);
    log_line(GROUP_CFG, LOG_ERR, "%s:%d: connection %s is left out", c->section->s.file, c->section->s.line,
             c->name);
}

static void build_from(struct ipsec_conn *c, size_t n_errors)
{
    struct config *cfg = c->b->config;
    struct connection *built = build_connection(c->b, c->to);
    ipsec_finish_auth(c, built);
    build_add_connection(c->b, built, c->to);
    for (size_t i = 0; i < c->n_pools && c->b->errs->n == n_errors; i++)
        build_pool(c->b, c->pools[i]);
    if (c->b->errs->n == n_errors && !ipsec_merge(c, built))
        return;
    connection_drop(built);
    cfg->n_connections--;
}

static void build_conn(struct ipsec_conn *c)
{
    size_t n_errors = c->b->errs->n;
    c->b->dialect = dialect_of(c->dialect);
    c->local = "left";
    c->remote = "right";
    if (c->t->bad)
        ipsec_leave_out(c, c->t->bad, "it cannot be");
    else if (ipsec_is_shunt(c))
        ipsec_put_shunt(c);
    else
        put_all(c);
    if (c->b->errs->n == n_errors && !c->out)
        build_from(c, n_errors);
    if (c->b->errs->n > n_errors)
        take_errors(c, n_errors);
    else if (c->out)
        tell_left_out(c);
    else
        return;
    c->b->config->n_left_out++;
}

static bool same_keys(const struct ipsec_section *a, const struct ipsec_section *b)
{
    const struct setting *k = a->s.first, *m = b->s.first;
    for (; k && m; k = k->next, m = m->next) {
        bool has_both = k->value && m->value;
        if (strcmp(k->name, m->name) != 0 || !!k->value != !!m->value ||
            (has_both && strcmp(k->value, m->value) != 0))
            return false;
    }
    return !k && !m;
}

/* Is the section part of an earlier one of its name? */
static bool is_second(struct ipsec_tree *t, const struct ipsec_section *s)
{
    const struct ipsec_section *first = ipsec_find(t, s->kind, s->s.name);
    if (first == s)
        return false;
    if (s->file->dialect == DIALECT_LIBRESWAN && !same_keys(first, s))
        log_line(GROUP_CFG, LOG_WARN, "%s:%d: connection %s is there already, in %s:%d, which counts",
                 s->s.file, s->s.line, s->s.name, first->s.file, first->s.line);
    return true;
}

void ipsec_build_conns(struct ipsec_tree *t, const struct conf_request *req)
{
    struct settings_tree *tree = t->b->tree;
    struct setting *flat = settings_add(tree, tree->root, "\001flat", 5, true);
    struct setting *made = settings_add(tree, tree->root, "\001made", 5, true);
    for (struct ipsec_section *s = t->first; s && flat && made; s = s->next) {
        if (s->kind != IPSEC_CONN || strcmp(s->s.name, "%default") == 0 || is_second(t, s))
            continue;
        size_t len = strlen(s->s.name);
        struct setting *from = settings_add(tree, flat, s->s.name, len, true);
        struct setting *to = settings_add(tree, made, s->s.name, len, true);
        if (!from || !to)
            return;
        to->file = s->s.file;
        to->line = s->s.line;
        to->column = s->s.column;
        struct ipsec_conn c = {.t = t,
                               .b = t->b,
                               .section = s,
                               .from = from,
                               .to = to,
                               .name = s->s.name,
                               .dialect = s->file->dialect};
        ipsec_flatten(t, s, from);
        if (is_loaded(&c, req))
            build_conn(&c);
        else
            t->b->config->n_ignored++;
    }
    ipsec_finish_merging(t);
}
