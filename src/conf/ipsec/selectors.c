/* SPDX-License-Identifier: Apache-2.0 */
/* What is protected: subnets, protocols and ports of both ends, and virtual addresses, asked for and given.
 * subnets= makes a child for each pair of networks, left's and right's: NAME/1x1 and so on, with 0 for an end
 * that has one subnet= or none. */
#include "conf/ipsec/ipsec.h"
#include <stdio.h>

#define PAIRS_MAX 256

/* ---- protocols and ports: "udp/l2tp", "17/%any", "tcp" to "udp/l2tp", "17", "tcp" */

static const char *restriction(struct ipsec_conn *c, const char *text)
{
    const char *slash = strchr(text, '/');
    if (!slash || strcasecmp(slash + 1, "%any") == 0 || strcmp(slash + 1, "0") == 0)
        return arena_strndup(c->b->scratch, text, slash ? (size_t)(slash - text) : strlen(text));
    const char *port = slash[1] == '%' ? slash + 2 : slash + 1;
    if (strcasecmp(port, "l2tp") == 0)
        port = "1701";
    return arena_printf(c->b->scratch, "%.*s/%s", (int)(slash - text), text, port);
}

static const char *protoport(struct ipsec_conn *c, bool is_local)
{
    const struct setting *s = ipsec_end(c, is_local, "protoport");
    const char *r = s ? restriction(c, s->value) : "";
    return *r && strcmp(r, "0") != 0 && strcasecmp(r, "%any") != 0 ? arena_printf(c->b->scratch, "[%s]", r)
                                                                   : "";
}

/* Libreswan's "net/bits/proto/port" is "net/bits[proto/port]". */
static const char *one_selector(struct ipsec_conn *c, const char *word, const char *ports)
{
    const char *slash = strchr(word, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    if (strcasecmp(word, "%dynamic") == 0)
        return arena_printf(c->b->scratch, "dynamic%s", ports);
    if (strncasecmp(word, "%dynamic[", 9) == 0)
        return word + 1;
    if (strchr(word, '['))
        return word;
    if (second)
        return arena_printf(c->b->scratch, "%.*s[%s]", (int)(second - word), word,
                            restriction(c, second + 1));
    return arena_printf(c->b->scratch, "%s%s", word, ports);
}

/* By commas, and in Libreswan's by blanks, too. */
static const char **words_of(struct ipsec_conn *c, const struct setting *s, size_t *n)
{
    char *text = arena_strdup(c->b->scratch, s->value);
    for (char *p = text; *p; p++)
        *p = *p == ' ' || *p == '\n' || *p == '\t' ? ',' : *p;
    return value_list(c->b->scratch, text, n);
}

static const char *joined(struct ipsec_conn *c, const char *const *words, size_t n, const char *ports)
{
    size_t cap = 1;
    for (size_t i = 0; i < n; i++)
        cap += strlen(words[i]) + strlen(ports) + 16;
    struct text t = {.buf = arena_alloc(c->b->scratch, cap), .cap = cap};
    for (size_t i = 0; i < n; i++)
        text_printf(&t, "%s%s", i ? ", " : "", one_selector(c, words[i], ports));
    return t.buf;
}

/* ---- virtual addresses */

static const char *all_of(const struct setting *subnet)
{
    return subnet && (strcmp(subnet->value, "::/0") == 0 || strcmp(subnet->value, "0.0.0.0/0") == 0)
               ? subnet->value
               : NULL;
}

static bool says(const struct setting *s)
{
    bool yes = false;
    return s && ipsec_bool(s->value, &yes) && yes;
}

/* Do we ask for an address? Our selectors are then that address, whatever leftsubnet allows it to be. */
static bool put_vips(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_end(c, true, "sourceip"), *client = ipsec_end(c, true, "modecfgclient");
    if (says(client)) {
        bool is_v6 = strchr(ipsec_end(c, false, "subnet") ? ipsec_end(c, false, "subnet")->value : "", ':');
        ipsec_put(c, "vips", client, is_v6 ? "::" : "0.0.0.0");
        return true;
    }
    if (!s || c->dialect == DIALECT_LIBRESWAN)
        return false;
    size_t n = 0;
    const char **words = words_of(c, s, &n);
    const char *list = "";
    for (size_t i = 0; i < n; i++) {
        static const char *const any[] = {"%config", "%config4", "%cfg", "%cfg4", "%modeconfig", "%modecfg"};
        const char *word =
            strcasecmp(words[i], "%config6") == 0 || strcasecmp(words[i], "%cfg6") == 0 ? "::" : words[i];
        for (size_t k = 0; k < ARRAY_LEN(any); k++)
            word = strcasecmp(words[i], any[k]) == 0 ? "0.0.0.0" : word;
        list = arena_printf(c->b->scratch, "%s%s%s", list, *list ? ", " : "", word);
    }
    ipsec_put(c, "vips", s, list);
    return true;
}

static void put_pool_key(struct ipsec_conn *c, struct setting *pool, const char *key, const struct setting *s,
                         const char *value)
{
    if (s)
        build_put(c->b, pool, &c->section->s, c->name, key, s, value);
}

static const char *comma_list(struct ipsec_conn *c, const struct setting *s)
{
    size_t n = 0;
    const char **words = s ? words_of(c, s, &n) : NULL;
    return s ? joined(c, words, n, "") : NULL;
}

static bool has_pool(const struct ipsec_conn *c, const char *name)
{
    for (size_t i = 0; i < c->b->config->n_pools; i++) {
        if (strcmp(c->b->config->pools[i].name, name) == 0)
            return true;
    }
    return false;
}

static void make_pool(struct ipsec_conn *c, const struct setting *from, const char *name, const char *addrs)
{
    struct settings_tree *tree = c->b->tree;
    const struct setting *dns = ipsec_given(c, "modecfgdns"), *domains = ipsec_given(c, "modecfgdomains");
    dns = dns ? dns : ipsec_end(c, false, "dns");
    struct setting *made = settings_add(tree, tree->root, "\001pools", 6, true);
    struct setting *pool = made ? settings_add(tree, made, name, strlen(name), true) : NULL;
    if (!pool)
        return;
    pool->file = from->file;
    pool->line = from->line;
    pool->column = from->column;
    put_pool_key(c, pool, "addrs", from, addrs);
    if (!c->n_pools) { /* once for the connection */
        put_pool_key(c, pool, "dns", dns, comma_list(c, dns));
        put_pool_key(c, pool, "domains", domains, comma_list(c, domains));
    }
    c->pools[c->n_pools++] = pool;
}

/* [strongSwan] each is a pool by the name of what is said, of all connections that say the same. */
static void make_shared_pools(struct ipsec_conn *c, const struct setting *addrs)
{
    size_t n = 0;
    const char **words = words_of(c, addrs, &n), *list = "";
    if (n > ARRAY_LEN(c->pools)) {
        build_error(c->b, addrs, "more than %zu pools", ARRAY_LEN(c->pools));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        list = arena_printf(c->b->scratch, "%s%s%s", list, *list ? ", " : "", words[i]);
        if (!has_pool(c, words[i]))
            make_pool(c, addrs, words[i], words[i]);
    }
    ipsec_put(c, "pools", addrs, list);
}

/* Does the peer get one? */
static bool put_pools(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_end(c, false, "addresspool");
    if (!s && c->dialect == DIALECT_STRONGSWAN)
        s = ipsec_end(c, false, "sourceip");
    if (!s)
        return false;
    if (strcasecmp(s->value, "%dhcp") == 0 || strcasecmp(s->value, "%radius") == 0)
        ipsec_needs(c, s, "pools of DHCP and RADIUS servers");
    else if (strncasecmp(s->value, "%config", 7) == 0 || strncasecmp(s->value, "%modecfg", 8) == 0)
        return true; /* whatever the peer asks for */
    else if (s->value[0] == '%' && has_pool(c, s->value + 1))
        ipsec_put(c, "pools", s, s->value + 1);
    else if (s->value[0] == '%')
        ipsec_leave_out(c, s, "there is no such pool in swanctl.conf or keyway.conf");
    else if (c->dialect == DIALECT_STRONGSWAN)
        make_shared_pools(c, s);
    else {
        make_pool(c, s, c->name, comma_list(c, s));
        ipsec_put(c, "pools", s, c->name);
    }
    return true;
}

/* ---- children */

static void put_side(struct ipsec_conn *c, bool is_local, bool has_virtual)
{
    const struct setting *s = ipsec_end(c, is_local, "subnet");
    const char *ports = protoport(c, is_local),
               *path = is_local ? "children.*.local_ts" : "children.*.remote_ts";
    size_t n = 0;
    if (s && (strncasecmp(s->value, "vhost:", 6) == 0 || strncasecmp(s->value, "vnet:", 5) == 0))
        ipsec_needs(c, s, "virtual subnets (vhost, vnet)");
    if (s && has_virtual && (c->dialect == DIALECT_LIBRESWAN || all_of(s)))
        s = NULL;
    if (!s && !has_virtual && c->dialect == DIALECT_LIBRESWAN)
        s = ipsec_end(c, is_local, "sourceip"); /* that host is the network, where none is said */
    if (!s) {
        const struct setting *from = ipsec_end(c, is_local, "protoport");
        if (*ports)
            ipsec_put(c, path, from, arena_printf(c->b->scratch, "dynamic%s", ports));
        return;
    }
    const char **words = words_of(c, s, &n);
    ipsec_put(c, path, s, joined(c, words, n, ports));
}

static void put_selector(struct ipsec_conn *c, struct setting *child, bool is_local, const struct setting *s,
                         const char *word)
{
    if (s && word)
        build_put(c->b, child, &c->section->s, c->name, is_local ? "local_ts" : "remote_ts", s,
                  one_selector(c, word, protoport(c, is_local)));
}

struct net_list {
    const struct setting *s;
    const char **words;
    size_t n;
};

static struct net_list subnets_of(struct ipsec_conn *c, bool is_local)
{
    struct net_list l = {.s = ipsec_end(c, is_local, "subnets")};
    if (!l.s)
        l.s = ipsec_end(c, is_local, "subnet");
    if (l.s)
        l.words = words_of(c, l.s, &l.n);
    return l;
}

static void put_pairs(struct ipsec_conn *c)
{
    struct net_list local = subnets_of(c, true), remote = subnets_of(c, false);
    size_t n_local = local.n ? local.n : 1, n_remote = remote.n ? remote.n : 1;
    struct setting *children = settings_add(c->b->tree, c->to, "children", 8, true);
    if (n_local * n_remote > PAIRS_MAX) {
        build_error(c->b, local.s ? local.s : remote.s, "more than %d pairs of networks", PAIRS_MAX);
        return;
    }
    /* left's number, then right's; 0: that end has no subnets= */
    bool is_swapped = c->local[0] == 'r', has_local = ipsec_end(c, true, "subnets"),
         has_remote = ipsec_end(c, false, "subnets");
    for (size_t i = 0; i < n_local * n_remote && children; i++) {
        size_t l = i / n_remote, r = i % n_remote, no_l = has_local ? l + 1 : 0,
               no_r = has_remote ? r + 1 : 0;
        const char *name = arena_printf(c->b->scratch, "%s/%zux%zu", c->name, is_swapped ? no_r : no_l,
                                        is_swapped ? no_l : no_r);
        struct setting *child = settings_add(c->b->tree, children, name, strlen(name), true);
        if (!child)
            return;
        child->file = c->section->s.file;
        child->line = c->section->s.line;
        child->column = c->section->s.column;
        put_selector(c, child, true, local.s, local.n ? local.words[l] : NULL);
        put_selector(c, child, false, remote.s, remote.n ? remote.words[r] : NULL);
    }
}

void ipsec_put_selectors(struct ipsec_conn *c)
{
    bool asks = put_vips(c), gives = put_pools(c);
    if (ipsec_end(c, true, "subnets") || ipsec_end(c, false, "subnets")) {
        put_pairs(c);
        return;
    }
    struct setting *children = settings_add(c->b->tree, c->to, "children", 8, true);
    struct setting *child =
        children ? settings_add(c->b->tree, children, c->name, strlen(c->name), true) : NULL;
    if (child && !child->file) {
        child->file = c->section->s.file;
        child->line = c->section->s.line;
        child->column = c->section->s.column;
    }
    put_side(c, true, asks);
    put_side(c, false, gives);
}
