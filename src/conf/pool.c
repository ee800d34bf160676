/* SPDX-License-Identifier: Apache-2.0 */
/* pools {}, and what connections say about virtual addresses: vips, pools. Attributes are put into the form
 * in which a configuration payload has them (RFC 7296 section 3.15.1, RFC 8598 section 4, RFC 7651; Cisco's
 * and Microsoft's private ones as those write them). */
#include "base/text.h"
#include "base/wr.h"
#include "conf/schema.h"
#include "conf/value.h"
#include <stdlib.h>
#include <strings.h>

#define RANGES_MAX 256
#define ATTRS_MAX  64
#define VIPS_MAX   4

struct draft {
    struct pool_config c;
    struct ip_range ranges[RANGES_MAX], excluded[RANGES_MAX];
    size_t n_ranges, n_excluded;
    struct pool_attr attrs[ATTRS_MAX];
};

/* ---- addresses */

static bool parse_prefix(const char *text, bool is_whole, struct ip_range *out)
{
    char head[IP_TEXT_MAX];
    struct prefix p;
    struct ip ip;
    size_t len = strcspn(text, "/");
    if (len >= sizeof(head) || !prefix_parse(text, &p))
        return false;
    memcpy(head, text, len);
    head[len] = 0;
    if (!ip_parse(head, &ip))
        return false;
    *out = (struct ip_range){p.ip, prefix_last(&p)};
    if (is_whole)
        return true;
    /* the network itself, for routers to be called by [RFC4291#2.6.1], and IPv4's broadcast */
    unsigned host_bits = (ip.family == 4 ? 32u : 128u) - p.bits;
    out->from = host_bits > 1 && ip_equal(ip, p.ip) ? ip_add(ip, 1) : ip;
    if (host_bits > 1 && ip.family == 4)
        out->to = ip_add(out->to, UINT64_MAX);
    return ip_cmp(out->from, out->to) <= 0;
}

static bool parse_range(const char *text, bool is_whole, struct ip_range *out)
{
    char from[IP_TEXT_MAX];
    size_t len = strcspn(text, "-");
    if (strchr(text, '/'))
        return parse_prefix(text, is_whole, out);
    if (!text[len])
        return ip_parse(text, &out->from) && ip_parse(text, &out->to);
    if (len >= sizeof(from))
        return false;
    memcpy(from, text, len);
    from[len] = 0;
    return ip_parse(from, &out->from) && ip_parse(text + len + 1, &out->to) &&
           out->from.family == out->to.family && ip_cmp(out->from, out->to) <= 0;
}

bool build_is_pool_range(struct builder *b, const char *text)
{
    struct ip_range ignored;
    size_t n = 0;
    const char **words = value_list(b->scratch, text, &n);
    return n && parse_range(words[0], false, &ignored);
}

/* A prefix is written with its network's address, which nobody gets. */
static struct ip base_of(const char *word, struct ip first)
{
    char head[IP_TEXT_MAX];
    struct ip ip;
    size_t len = strcspn(word, "/");
    if (!word[len] || len >= sizeof(head))
        return first;
    memcpy(head, word, len);
    head[len] = 0;
    return ip_parse(head, &ip) ? ip : first;
}

void set_pool_addrs(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct draft *d = dest;
    bool is_hole = strcmp(row->key, "exclude") == 0;
    struct ip_range *v = is_hole ? d->excluded : d->ranges;
    size_t *n = is_hole ? &d->n_excluded : &d->n_ranges, n_words = 0;
    const char **words = value_list(b->scratch, key->value, &n_words);
    *n = 0;
    for (size_t i = 0; i < n_words; i++) {
        if (*n == RANGES_MAX) {
            build_error(b, key, "too many ranges: at most %d", RANGES_MAX);
            return;
        }
        if (parse_range(words[i], is_hole, &v[*n])) {
            if (!is_hole && !*n)
                d->c.base = base_of(words[i], v[0].from);
            ++*n;
        } else
            build_expected(
                build_error(b, key, "'%.*s' is not a range of addresses", build_shown(words[i]), words[i]),
                key, "a prefix such as 10.3.0.0/24, a range such as 10.3.0.10-10.3.0.99, or an address");
    }
}

void set_vips(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct connection *c = dest;
    size_t n_words = 0;
    const char **words = value_list(b->scratch, key->value, &n_words);
    struct ip *v = arena_calloc(b->a, VIPS_MAX, sizeof(*v));
    (void)row;
    c->vips = v;
    c->n_vips = 0;
    for (size_t i = 0; i < n_words; i++) {
        const char *word = strcasecmp(words[i], "%any") == 0    ? "0.0.0.0"
                           : strcasecmp(words[i], "%any6") == 0 ? "::"
                                                                : words[i];
        if (c->n_vips == VIPS_MAX) {
            build_error(b, key, "too many virtual addresses: at most %d", VIPS_MAX);
            return;
        }
        if (ip_parse(word, &v[c->n_vips]))
            c->n_vips++;
        else
            build_expected(build_error(b, key, "'%.*s' is not an address", build_shown(words[i]), words[i]),
                           key, "0.0.0.0 and :: for any of the family, or addresses");
    }
}

void set_resolv_conf(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct settings *s = dest;
    (void)row;
    s->resolv_conf = key->value[0] ? arena_strdup(b->a, key->value) : NULL;
    if (key->value[0] && key->value[0] != '/')
        build_expected(build_error(b, key, "not a path"), key, "a path such as /etc/resolv.conf");
}

void set_vici_socket(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    static const char *const begins[] = {"unix:///", "tcp://", "/"};
    struct settings *s = dest;
    bool is_known = false;
    (void)row;
    for (size_t i = 0; i < ARRAY_LEN(begins); i++)
        is_known |= strncmp(key->value, begins[i], strlen(begins[i])) == 0;
    s->vici_socket = key->value[0] ? arena_strdup(b->a, key->value) : NULL;
    if (key->value[0] && !is_known)
        build_expected(build_error(b, key, "not a socket"), key, "unix:///PATH or tcp://ADDRESS:PORT");
}

void set_pool_names(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct connection *c = dest;
    (void)row;
    c->pools = value_list(b->a, key->value, &c->n_pools);
}

/* ---- attributes */

enum attr_form { FORM_ADDRESS, FORM_SUBNET, FORM_UNITY, FORM_DOMAIN, FORM_ANY };

static const struct attr_word {
    const char *key;
    enum attr_form form;
    uint16_t v4, v6; /* 0: there is none */
} attr_words[] = {
    {"dns",           FORM_ADDRESS, 3,     10   },
    {"nbns",          FORM_ADDRESS, 4,     0    },
    {"dhcp",          FORM_ADDRESS, 6,     12   },
    {"netmask",       FORM_ADDRESS, 2,     0    },
    {"server",        FORM_ADDRESS, 23456, 23457},
    {"p_cscf",        FORM_ADDRESS, 20,    21   },
    {"subnet",        FORM_SUBNET,  13,    15   },
    {"split_include", FORM_UNITY,   28676, 0    },
    {"split_exclude", FORM_UNITY,   28679, 0    },
    {"domains",       FORM_DOMAIN,  25,    0    },
};

static struct span put_subnet(struct arena *a, const struct prefix *p, size_t padding)
{
    static const struct ip ones = {
        4, {255, 255, 255, 255}
    };
    struct wr w = wr_over(arena_alloc(a, 32), 32);
    wr_span(&w, ip_view(&p->ip));
    if (p->ip.family == 6) { /* [RFC7296#3.15.1] a length here, a mask there */
        wr_u8(&w, p->bits);
    } else {
        struct ip mask = prefix_of(ones, p->bits).ip;
        wr_span(&w, ip_view(&mask));
    }
    wr_zero(&w, padding);
    return wr_span_view(&w);
}

static bool is_domain(const char *s)
{
    size_t len = strlen(s);
    static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return len > 0 && len < 254 && strspn(s, fine) == len && s[0] != '.' && s[0] != '-' && !strstr(s, "..");
}

static bool encode_any(struct arena *a, const char *word, struct pool_attr *out)
{
    struct prefix p;
    struct ip ip;
    bool ok = true;
    if (value_blob(a, word, &out->value, &ok))
        return ok;
    if (ip_parse(word, &ip))
        out->value = arena_dup(a, ip_view(&ip));
    else if (strchr(word, '/') && prefix_parse(word, &p))
        out->value = put_subnet(a, &p, 0);
    else
        out->value = span_str(arena_strdup(a, word));
    return true;
}

static bool encode(struct arena *a, const struct attr_word *w, const char *word, struct pool_attr *out)
{
    struct prefix p;
    size_t len = strlen(word);
    if (w->form == FORM_ANY)
        return encode_any(a, word, out);
    if (w->form == FORM_DOMAIN) {
        out->type = w->v4;
        out->value = span_of(arena_strdup(a, word), len && word[len - 1] == '.' ? len - 1 : len);
        return is_domain(word);
    }
    if (!prefix_parse(word, &p) || (w->form == FORM_ADDRESS && strchr(word, '/')))
        return false;
    out->type = p.ip.family == 4 ? w->v4 : w->v6;
    out->value = w->form == FORM_ADDRESS  ? arena_dup(a, ip_view(&p.ip))
                 : w->form == FORM_SUBNET ? put_subnet(a, &p, 0)
                                          : put_subnet(a, &p, 6); /* protocol and ports: any */
    return out->type != 0;
}

static bool find_word(const struct schema_row *row, const char *key, struct attr_word *out)
{
    uint64_t number;
    for (size_t i = 0; i < ARRAY_LEN(attr_words); i++) {
        if (strcmp(attr_words[i].key, row->key) == 0) {
            *out = attr_words[i];
            return true;
        }
    }
    bool is_number = key[strspn(key, "0123456789")] == 0 && value_number(key, &number) && number < 0x8000;
    *out = (struct attr_word){.key = key, .form = FORM_ANY, .v4 = is_number ? (uint16_t)number : 0};
    return is_number && number > 0 && number != 1 && number != 8; /* addresses are not the same for all */
}

/* One more? */
static bool put_attr(struct builder *b, const struct setting *key, const struct attr_word *w,
                     const char *word, struct pool_attr *at)
{
    *at = (struct pool_attr){
        .type = w->v4, .key = arena_strdup(b->a, key->name), .text = arena_strdup(b->a, word)};
    if (encode(b->a, w, word, at) && at->value.len)
        return true;
    build_expected(build_error(b, key, "'%.*s' cannot be told to clients", build_shown(word), word), key,
                   w->form == FORM_DOMAIN             ? "domains such as corp.example"
                   : w->form == FORM_SUBNET           ? "networks such as 10.1.0.0/16"
                   : w->form == FORM_UNITY            ? "IPv4 networks such as 10.1.0.0/16"
                   : w->form == FORM_ADDRESS && w->v6 ? "addresses"
                   : w->form == FORM_ADDRESS          ? "IPv4 addresses"
                                                      : "addresses, networks, 0x hex or text");
    return false;
}

void set_pool_attr(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct draft *d = dest;
    struct attr_word w;
    size_t n = 0;
    if (!find_word(row, key->name, &w)) {
        struct diag *diag =
            errors_add(b->errs, key->file, key->line, key->column, "unknown key '%s'", key->written);
        const char *near = schema_suggest(SCOPE_POOL, key->name);
        diag_expected(diag, "a key of %s, or the number of an attribute", schema_scope_path(SCOPE_POOL));
        if (near)
            diag_try(diag, "did you mean '%s'?", near);
        return;
    }
    const char **words = value_list(b->scratch, key->value, &n);
    for (size_t i = 0; i < n; i++) {
        struct pool_attr *at = &d->attrs[d->c.n_attrs];
        if (d->c.n_attrs == ATTRS_MAX) {
            build_error(b, key, "too many attributes: at most %d", ATTRS_MAX);
            return;
        }
        d->c.n_attrs += put_attr(b, key, &w, words[i], at);
    }
}

/* The words of strongswan.conf: "dns1", "plugins.attr.split-include", "plugins.attr.25". */
static bool daemon_word(struct builder *b, const char *key, struct attr_word *out)
{
    static const char plugin[] = "plugins.attr.";
    bool is_plugins = strncmp(key, plugin, sizeof(plugin) - 1) == 0;
    char *name = arena_strdup(b->scratch, is_plugins ? key + sizeof(plugin) - 1 : key);
    size_t len = strlen(name);
    if (!is_plugins && len) /* dns1 is one of dns */
        name[len - 1] = 0;
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : *p;
    const struct schema_row row = {.key = name};
    return find_word(&row, name, out);
}

void set_daemon_attr(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct settings *s = dest;
    struct attr_word w;
    size_t n = 0;
    (void)row;
    if (!daemon_word(b, key->name, &w)) {
        build_error(b, key, "not an attribute that can be told to all clients alike");
        return;
    }
    const char **words = value_list(b->scratch, key->value, &n);
    struct pool_attr *v = arena_calloc(b->a, s->n_attrs + n, sizeof(*v));
    if (s->n_attrs)
        memcpy(v, s->attrs, s->n_attrs * sizeof(*v));
    for (size_t i = 0; i < n; i++)
        s->n_attrs += put_attr(b, key, &w, words[i], &v[s->n_attrs]);
    s->attrs = v;
}

void set_vip_device(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct settings *s = dest;
    (void)row;
    s->vip_device = key->value[0] ? arena_strdup(b->a, key->value) : NULL;
}

/* ---- pools */

void build_pool(struct builder *b, const struct setting *section)
{
    struct config *cfg = b->config;
    struct origin_list l = {0};
    struct draft *d = arena_alloc(b->scratch, sizeof(*d));
    schema_apply(b, SCOPE_POOL, section, d, &l, NULL, NULL);
    for (const struct setting *s = section->first; s; s = s->next) {
        if (s->is_section)
            schema_unknown_section(b, s, (const char *const[]){NULL});
    }
    struct ip_range *ranges = arena_calloc(b->a, d->n_ranges + d->n_excluded, sizeof(*ranges));
    d->c.n_ranges = pool_ranges(d->ranges, d->n_ranges, d->excluded, d->n_excluded, ranges);
    if (d->n_ranges && !d->c.n_ranges)
        build_error(b, section, "no address is left in pool '%s'", section->name);
    struct span kept = arena_dup(b->a, span_of(d->attrs, d->c.n_attrs * sizeof(d->attrs[0])));
    d->c.attrs = (const struct pool_attr *)(const void *)kept.ptr;
    kept = arena_dup(b->a, span_of(d->excluded, d->n_excluded * sizeof(d->excluded[0])));
    d->c.excluded = (const struct ip_range *)(const void *)kept.ptr;
    d->c.n_excluded = d->n_excluded;
    d->c.ranges = ranges;
    d->c.name = arena_strdup(b->a, section->name);
    origin_copy(b, &l, &(struct origin){"name", section->file, section->line, section->column});
    d->c.origins = (struct origins){l.v, l.n};
    if (cfg->n_pools == b->cap_pools) {
        size_t cap = b->cap_pools ? 2 * b->cap_pools : 8;
        struct pool_config *v = arena_calloc(b->a, cap, sizeof(*v));
        if (cfg->n_pools)
            memcpy(v, cfg->pools, cfg->n_pools * sizeof(*v));
        cfg->pools = v;
        b->cap_pools = cap;
    }
    d->c.place = cfg->n_pools;
    cfg->pools[cfg->n_pools++] = d->c;
}

void build_pools(struct builder *b, const struct setting *section)
{
    for (const struct setting *s = section ? section->first : NULL; s; s = s->next) {
        if (s->is_section) {
            build_pool(b, s);
            continue;
        }
        struct diag *d = errors_add(b->errs, s->file, s->line, s->column,
                                    "'%s' is a key where a section is expected", s->written);
        diag_expected(d, "name { ... }");
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct pool_config *)a)->name, ((const struct pool_config *)b)->name);
}

static struct diag *error_about(struct builder *b, const struct origin *o, const char *what, const char *name)
{
    return errors_add(b->errs, o ? o->file : NULL, o ? o->line : 0, o ? o->column : 0, "%s '%s'", what, name);
}

static void check_names(struct builder *b, const struct connection *c)
{
    for (size_t i = 0; i < c->n_pools; i++) {
        const char *name = c->pools[i];
        bool is_other = strcmp(name, "dhcp") == 0 || strcmp(name, "radius") == 0;
        if (config_pool(b->config, name))
            continue;
        struct diag *d = error_about(b, origin_of(&c->origins, "pools"), "there is no pool", name);
        if (is_other)
            diag_expected(d, "a pool in memory: pools of DHCP and RADIUS servers are not built yet");
        diag_try(d, "pools { %s { addrs = 10.3.0.0/24 } }", name);
    }
}

void build_finish_pools(struct builder *b)
{
    struct config *cfg = b->config;
    if (cfg->n_pools)
        qsort(cfg->pools, cfg->n_pools, sizeof(*cfg->pools), by_name);
    for (size_t i = 1; i < cfg->n_pools; i++) {
        if (by_name(&cfg->pools[i - 1], &cfg->pools[i]) == 0)
            error_about(b, origin_of(&cfg->pools[i].origins, "name"), "there is already a pool",
                        cfg->pools[i].name);
    }
    for (size_t i = 0; i < cfg->n_connections; i++)
        check_names(b, cfg->connections[i]);
}
