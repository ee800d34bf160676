/* SPDX-License-Identifier: Apache-2.0 */
/* Setters for values that are more than one number: addresses, proposals, selectors. */
#include "base/log.h"
#include "conf/schema.h"
#include "conf/value.h"
#include <strings.h>

#define HOSTS_MAX 64

static bool is_hostname(const char *s)
{
    size_t len = strlen(s);
    if (len == 0 || len > 253 || s[0] == '-' || s[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        bool ok = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') ||
                  (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '-' || s[i] == '.' || s[i] == '_';
        if (!ok)
            return false;
    }
    /* what ends in digits wants to be an address */
    return s[len - 1] < '0' || s[len - 1] > '9' || strspn(s, "0123456789.") != len;
}

static bool parse_range(const char *text, struct host_spec *out)
{
    char from[IP_TEXT_MAX];
    const char *dash = strchr(text, '-');
    size_t len = dash ? (size_t)(dash - text) : 0;
    if (!dash || len >= sizeof(from))
        return false;
    memcpy(from, text, len);
    from[len] = 0;
    return ip_parse(from, &out->from) && ip_parse(dash + 1, &out->to) && out->from.family == out->to.family &&
           ip_cmp(out->from, out->to) <= 0;
}

static bool parse_host(struct arena *a, const char *text, struct host_spec *out)
{
    struct prefix p;
    *out = (struct host_spec){0};
    if (strcasecmp(text, "%any") == 0 || strcasecmp(text, "0.0.0.0/0") == 0 || strcmp(text, "::/0") == 0) {
        out->is_any = true;
        return true;
    }
    if (ip_parse(text, &out->from)) {
        out->to = out->from;
        out->is_any = ip_is_unspecified(out->from);
        return true;
    }
    if (strchr(text, '/')) {
        if (!prefix_parse(text, &p))
            return false;
        out->from = p.ip;
        out->to = prefix_last(&p);
        return true;
    }
    if (parse_range(text, out))
        return true;
    if (!is_hostname(text))
        return false;
    out->fqdn = arena_strdup(a, text);
    return true;
}

bool build_has_peer(struct builder *b, const char *text)
{
    size_t n = 0;
    const char **words = value_list(b->scratch, text, &n);
    for (size_t i = 0; i < n; i++) {
        struct host_spec h;
        if (parse_host(b->scratch, words[i], &h) && !h.is_any && (h.fqdn || ip_equal(h.from, h.to)))
            return true;
    }
    return false;
}

void set_hosts(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct connection *c = dest;
    size_t n_words = 0, n = 0;
    const char **words = value_list(b->scratch, key->value, &n_words);
    struct host_spec *v = arena_calloc(b->a, n_words, sizeof(*v));
    for (size_t i = 0; i < n_words; i++) {
        if (parse_host(b->a, words[i], &v[n])) {
            n++;
            continue;
        }
        struct diag *d = build_error(b, key, "'%.*s' is not an address", build_shown(words[i]), words[i]);
        build_expected(d, key, "an IP address, a prefix, a range, a host name or %any");
    }
    if (n_words > HOSTS_MAX)
        build_expected(build_error(b, key, "too many addresses"), key, "at most 64");
    bool is_local = strcmp(row->key, "local_addrs") == 0;
    if (is_local) {
        c->local_addrs = v;
        c->n_local_addrs = n;
    } else {
        c->remote_addrs = v;
        c->n_remote_addrs = n;
    }
}

void set_redirect(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct connection *c = dest;
    struct host_spec h;
    (void)row;
    if (!key->value[0])
        return;
    if (!parse_host(b->a, key->value, &h) || h.is_any || (!h.fqdn && !ip_equal(h.from, h.to))) {
        struct diag *d = build_error(b, key, "'%.*s' is not a gateway", build_shown(key->value), key->value);
        build_expected(d, key, "one IP address, or a host name");
        return;
    }
    c->redirect = (struct gateway){.ip = h.fqdn ? (struct ip){0} : h.from, .name = h.fqdn};
}

static void warn_of_weak(const struct setting *key, const struct proposal *p)
{
    char name[64];
    for (size_t i = 0; i < p->count; i++) {
        const struct alg *a = alg_find((enum transform_type)p->t[i].type, p->t[i].id);
        if (a && a->is_weak)
            log_line(GROUP_CFG, LOG_WARN, "%s:%d: %s is weak", key->file ? key->file : "default", key->line,
                     alg_format((enum transform_type)p->t[i].type, p->t[i].id, p->t[i].key_bits, name,
                                sizeof(name)));
    }
}

/* One copy for all connections that have the defaults: there may be thousands. */
static struct proposal_list default_proposals(struct builder *b, uint8_t protocol)
{
    struct proposal_list *l = protocol == PROTO_IKE  ? &b->default_ike
                              : protocol == PROTO_AH ? &b->default_ah
                                                     : &b->default_esp;
    if (!l->n) {
        struct proposal *v = arena_calloc(b->a, PROPOSAL_DEFAULTS_MAX, sizeof(*v));
        l->n = proposal_defaults(protocol, v);
        l->v = v;
    }
    return *l;
}

static struct proposal_list parse_proposals(struct builder *b, uint8_t protocol, const struct setting *key)
{
    size_t n_words = 0, n = 0;
    if (strcasecmp(key->value, "default") == 0)
        return default_proposals(b, protocol);
    const char **words = value_list(b->scratch, key->value, &n_words);
    struct proposal v[PROPOSAL_MAX + PROPOSAL_DEFAULTS_MAX];
    for (size_t i = 0; i < n_words && n < PROPOSAL_MAX; i++) {
        struct diag d = {0};
        if (strcasecmp(words[i], "default") == 0) {
            n += proposal_defaults(protocol, &v[n]);
        } else if (proposal_parse(protocol, words[i], &v[n], &d)) {
            warn_of_weak(key, &v[n]);
            n++;
        } else {
            errors_take(b->errs, &d, key->file, key->value_line, key->value_column);
        }
    }
    if (n_words == 0)
        build_expected(build_error(b, key, "no proposal"), key, "proposals, or 'default'");
    if (n_words > PROPOSAL_MAX || n > PROPOSAL_MAX)
        build_error(b, key, "too many proposals: at most %d", PROPOSAL_MAX);
    struct proposal *kept = arena_calloc(b->a, n, sizeof(*kept));
    memcpy(kept, v, n * sizeof(*kept));
    return (struct proposal_list){kept, n};
}

void set_proposals(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct connection *c = dest;
    c->proposals = parse_proposals(b, PROTO_IKE, key);
}

void set_esp_proposals(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct child_config *c = dest;
    c->proposals = parse_proposals(b, PROTO_ESP, key);
}

void set_ah_proposals(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct child_config *c = dest;
    c->ah_proposals = parse_proposals(b, PROTO_AH, key);
}

#define TS_MAX 128

void set_ts(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct child_config *c = dest;
    size_t n_words = 0, n = 0;
    const char **words = value_list(b->scratch, key->value, &n_words);
    struct ts *v = arena_calloc(b->a, n_words, sizeof(*v));
    for (size_t i = 0; i < n_words; i++) {
        const char *why = "networks such as 10.1.0.0/16, 10.1.0.0/16[tcp/443] or dynamic";
        if (ts_parse(words[i], &v[n], &why)) {
            n++;
            continue;
        }
        build_expected(
            build_error(b, key, "'%.*s' is not a traffic selector", build_shown(words[i]), words[i]), key,
            why);
    }
    if (n_words == 0 || n_words > TS_MAX)
        build_error(b, key, "from 1 to %d selectors are possible", TS_MAX);
    if (strcmp(row->key, "local_ts") == 0) {
        c->local_ts = v;
        c->n_local_ts = n;
    } else {
        c->remote_ts = v;
        c->n_remote_ts = n;
    }
}

void set_dscp(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct connection *c = dest;
    c->dscp = 0;
    if (strlen(key->value) != 6 || strspn(key->value, "01") != 6) {
        build_expected(build_error(b, key, "not a DSCP"), key, "six binary digits, such as 101110");
        return;
    }
    for (const char *p = key->value; *p; p++)
        c->dscp = (uint8_t)(c->dscp << 1 | (*p - '0'));
}

void set_tfc_padding(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct child_config *c = dest;
    uint64_t n;
    if (strcasecmp(key->value, "mtu") == 0)
        c->tfc_padding = TFC_TO_MTU;
    else if (value_number(key->value, &n) && n <= UINT16_MAX)
        c->tfc_padding = (uint32_t)n;
    else
        build_expected(build_error(b, key, "not a size"), key, "a number of bytes up to 65535, or mtu");
}

void set_updown(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct child_config *c = dest;
    c->updown = key->value[0] ? arena_strdup(b->a, key->value) : NULL;
}

void set_source(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)row;
    struct child_config *c = dest;
    if (!ip_parse(key->value, &c->source) || ip_is_unspecified(c->source))
        build_expected(build_error(b, key, "not an address"), key, "an IP address, such as 10.1.0.1");
}

void set_key_store(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct settings *s = dest;
    const char *path = strncmp(key->value, "sql:", 4) == 0 ? key->value + 4 : key->value;
    (void)row;
    s->key_store = *path ? arena_strdup(b->a, path) : NULL;
    if (*path && *path != '/')
        build_expected(build_error(b, key, "not a path"), key, "an absolute path");
}

void set_ipsec_secrets(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct settings *s = dest;
    (void)row;
    s->ipsec_secrets = key->value[0] ? arena_strdup(b->a, key->value) : NULL;
    if (key->value[0] && key->value[0] != '/')
        build_expected(build_error(b, key, "not a path"), key, "an absolute path");
}

void set_interfaces_use(struct builder *b, const struct schema_row *row, const struct setting *key,
                        void *dest)
{
    (void)row;
    ((struct settings *)dest)->interfaces_use = arena_strdup(b->a, key->value);
}

static bool is_path(struct builder *b, const struct setting *key, const char *path)
{
    if (path[0] == '/')
        return true;
    build_expected(build_error(b, key, "'%.100s' is no absolute path", path), key, "such as /etc/keyway/x");
    return false;
}

void set_dns_anchors(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct settings *s = dest;
    size_t n = 0;
    const char **v = value_list(b->a, key->value, &n);
    (void)row;
    if (n > DNS_ANCHORS_MAX) {
        build_error(b, key, "too many files: at most %d", DNS_ANCHORS_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_path(b, key, v[i]))
            return;
    }
    s->dns_trust_anchors = v;
    s->n_dns_trust_anchors = n;
}

void set_dns_resolv_conf(struct builder *b, const struct schema_row *row, const struct setting *key,
                         void *dest)
{
    (void)row;
    if (is_path(b, key, key->value))
        ((struct settings *)dest)->dns_resolv_conf = arena_strdup(b->a, key->value);
}

void set_interfaces_ignore(struct builder *b, const struct schema_row *row, const struct setting *key,
                           void *dest)
{
    (void)row;
    ((struct settings *)dest)->interfaces_ignore = arena_strdup(b->a, key->value);
}

static bool add_tcp_port(struct settings *s, const char *word)
{
    uint64_t port;
    if (!value_number(word, &port) || port < 1 || port > 65535 || s->n_tcp_ports == TCP_PORTS_MAX)
        return false;
    for (unsigned i = 0; i < s->n_tcp_ports; i++) {
        if (s->tcp_ports[i] == port)
            return true;
    }
    s->tcp_ports[s->n_tcp_ports++] = (uint16_t)port;
    return true;
}

void set_listen_tcp(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct settings *s = dest;
    bool yes;
    size_t n;
    (void)row;
    s->n_tcp_ports = 0;
    memset(s->tcp_ports, 0, sizeof(s->tcp_ports));
    const char **words = value_list(b->scratch, key->value, &n);
    /* "1" and "0" are a yes and a no elsewhere; here they would be ports that nobody means */
    if (n == 1 && value_bool(key->value, &yes)) {
        if (yes)
            add_tcp_port(s, "4500"); /* [RFC9329#2] */
        return;
    }
    bool ok = n > 0;
    for (size_t i = 0; i < n; i++)
        ok = add_tcp_port(s, words[i]) && ok;
    if (!ok)
        build_expected(build_error(b, key, "not a list of TCP ports"), key,
                       "no, yes (port 4500), or up to eight ports, separated by commas");
}
