/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's objects as fields, one for each row of the schema that takes effect: numbers, words and times
 * by the row itself, the others by its setter's counterpart here. A test sees that no setter is without one.
 */
#include "base/text.h"
#include "base/time.h"
#include "conf/convert/private.h"
#include "net/dscp.h"
#include <stdio.h>

/* ---- what setters made, as text; NULL: nothing */

typedef const char *format_fn(struct fields *f, const struct schema_row *r, const void *object);

static const char *put_hosts(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    bool is_local = strcmp(r->key, "local_addrs") == 0;
    return text_of_hosts(f->a, is_local ? c->local_addrs : c->remote_addrs,
                         is_local ? c->n_local_addrs : c->n_remote_addrs);
}

static const char *put_proposals(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    (void)r;
    return text_of_proposals(f->a, &c->proposals);
}

static const char *put_ah(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct child_config *c = object;
    (void)r;
    return text_of_proposals(f->a, &c->ah_proposals);
}

static const char *put_esp(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct child_config *c = object;
    const struct proposal_list l = {c->proposals.v + c->ah_proposals.n, c->proposals.n - c->ah_proposals.n};
    (void)r;
    return text_of_proposals(f->a, &l);
}

static const char *put_vips(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    const char *list = NULL;
    (void)r;
    for (size_t i = 0; i < c->n_vips; i++) {
        char buf[IP_TEXT_MAX];
        const char *word = arena_strdup(f->a, ip_format(c->vips[i], buf));
        list = list ? arena_printf(f->a, "%s, %s", list, word) : word;
    }
    return list;
}

static const char *put_pools(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    const char *list = NULL;
    (void)r;
    for (size_t i = 0; i < c->n_pools; i++) {
        const char *name = section_name(f->a, c->pools[i]);
        list = list ? arena_printf(f->a, "%s, %s", list, name) : name;
    }
    return list;
}

static const char *put_dscp(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    char *bits = arena_alloc(f->a, 7);
    (void)r;
    for (int i = 0; i < 6; i++)
        bits[i] = (c->dscp >> (5 - i)) & 1 ? '1' : '0';
    bits[6] = 0;
    return bits;
}

static const char *put_redirect(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    char buf[IP_TEXT_MAX];
    const char *text = gateway_format(&c->redirect, buf);
    (void)r;
    return text && *text ? arena_strdup(f->a, text) : NULL;
}

static const char *put_ppk_id(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    (void)r;
    return c->ppk_id ? text_of_identity(f->a, c->ppk_id) : NULL;
}

static const char *put_auth(struct fields *f, const struct schema_row *r, const void *object)
{
    (void)r;
    return text_of_auth(f->a, object);
}

static const char *put_id(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct auth_side *s = object;
    (void)r;
    if (s->cert_id)
        return arena_printf(f->a, "%%%s", text_of_identity(f->a, s->cert_id));
    return s->id.type == ID_ANY ? NULL : text_of_identity(f->a, &s->id);
}

static const char *put_ca_id(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct auth_side *s = object;
    (void)r;
    return s->ca_id ? text_of_identity(f->a, s->ca_id) : NULL;
}

static const char *hex_of(struct arena *a, struct span s)
{
    struct text t = {.buf = arena_alloc(a, 2 * s.len + 1), .cap = 2 * s.len + 1};
    t.buf[0] = 0;
    text_hex(&t, s);
    return t.buf;
}

static const char *base64_of(struct arena *a, struct span s)
{
    struct text t = {.buf = arena_alloc(a, 2 * s.len + 8), .cap = 2 * s.len + 8};
    t.buf[0] = 0;
    text_str(&t, "0s");
    text_base64(&t, s);
    return t.buf;
}

static const char *cert_word(struct fields *f, const struct cert *c)
{
    const char *path = path_of_cert(f->config, c);
    if (f->is_comparing)
        return hex_of(f->a, cert_der(c));
    return path ? path : base64_of(f->a, cert_der(c));
}

static const char *certs_text(struct fields *f, const struct cert_list *l)
{
    const char *list = NULL;
    for (size_t i = 0; i < l->n; i++)
        list = list ? arena_printf(f->a, "%s, %s", list, cert_word(f, l->v[i])) : cert_word(f, l->v[i]);
    return list;
}

static const char *put_certs(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct auth_side *s = object;
    return certs_text(f, strcmp(r->key, "certs") == 0 ? &s->certs : &s->cacerts);
}

static const char *put_pubkeys(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct auth_side *s = object;
    const char *list = NULL;
    (void)r;
    if (s->asks_dns)
        return "dns";
    for (size_t i = 0; i < s->pubkeys.n; i++) {
        const char *word =
            f->is_comparing ? hex_of(f->a, pkey_spki(s->pubkeys.v[i])) : text_of_key(f->a, s->pubkeys.v[i]);
        list = list ? arena_printf(f->a, "%s, %s", list, word) : word;
    }
    return list;
}

static const char *put_groups(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct auth_side *s = object;
    (void)r;
    return text_of_list(f->a, s->groups, s->n_groups);
}

static const char *put_policy(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct auth_side *s = object;
    (void)r;
    return text_of_list(f->a, s->cert_policy, s->n_cert_policy);
}

static const char *put_ts(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct child_config *c = object;
    bool is_local = strcmp(r->key, "local_ts") == 0;
    return text_of_ts(f->a, is_local ? c->local_ts : c->remote_ts, is_local ? c->n_local_ts : c->n_remote_ts);
}

static const char *put_source(struct fields *f, const struct schema_row *r, const void *object)
{
    char text[IP_TEXT_MAX];
    struct ip ip = ((const struct child_config *)object)->source;
    (void)r;
    return ip.family ? arena_strdup(f->a, ip_format(ip, text)) : NULL;
}

static const char *put_updown(struct fields *f, const struct schema_row *r, const void *object)
{
    (void)f;
    (void)r;
    return ((const struct child_config *)object)->updown;
}

static const char *put_tfc(struct fields *f, const struct schema_row *r, const void *object)
{
    uint32_t n = ((const struct child_config *)object)->tfc_padding;
    (void)r;
    return n == TFC_TO_MTU ? "mtu" : arena_printf(f->a, "%u", n);
}

static const char *put_class(struct fields *f, const struct schema_row *r, const void *object)
{
    char buf[DSCP_SET_TEXT];
    uint64_t set = ((const struct child_config *)object)->dscp;
    (void)r;
    return set ? arena_strdup(f->a, dscp_format_set(set, buf)) : NULL;
}

static const char *put_mark(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct kernel_options *k = &((const struct child_config *)object)->kernel;
    const struct mark *m = strcmp(r->key, "mark_in") == 0 ? &k->in.mark : &k->out.mark;
    char buf[KERNEL_TEXT];
    return m->mask ? arena_strdup(f->a, kernel_mark_format(m, false, buf)) : NULL;
}

static const char *put_set_mark(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct kernel_options *k = &((const struct child_config *)object)->kernel;
    bool is_in = strcmp(r->key, "set_mark_in") == 0;
    const struct mark *m = is_in ? &k->in.set_mark : &k->out.set_mark;
    char buf[KERNEL_TEXT];
    return m->mask ? arena_strdup(f->a, kernel_mark_format(
                                            m, is_in ? k->is_set_mark_same_in : k->is_set_mark_same_out, buf))
                   : NULL;
}

static const char *id_text_of(struct fields *f, uint32_t id)
{
    char buf[KERNEL_TEXT];
    return id ? arena_strdup(f->a, kernel_id_format(id, buf)) : NULL;
}

static const char *put_if_id(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct kernel_options *k = &((const struct child_config *)object)->kernel;
    return id_text_of(f, strcmp(r->key, "if_id_in") == 0 ? k->in.if_id : k->out.if_id);
}

static const char *put_default_if_id(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct connection *c = object;
    return f->is_comparing ? NULL /* the children have it */
                           : id_text_of(f, strcmp(r->key, "if_id_in") == 0 ? c->if_id_in : c->if_id_out);
}

static const char *put_policy_device(struct fields *f, const struct schema_row *r, const void *object)
{
    const char *device = ((const struct child_config *)object)->kernel.device;
    (void)f;
    (void)r;
    return device[0] ? device : NULL;
}

static const char *put_interface(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct kernel_interface *k = &((const struct child_config *)object)->kernel.interface;
    char buf[INTERFACE_ADDRESS_TEXT];
    if (r->set == set_interface_name)
        return k->name[0] ? k->name : NULL;
    return k->address.family ? arena_strdup(f->a, interface_address_format(k, buf)) : NULL;
}

static const char *put_tcp_ports(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct settings *s = object;
    const char *list = NULL;
    (void)r;
    for (unsigned i = 0; i < s->n_tcp_ports; i++)
        list = arena_printf(f->a, "%s%s%u", list ? list : "", list ? ", " : "", s->tcp_ports[i]);
    return list ? list : "no";
}

static const char *put_anchors(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct settings *s = object;
    (void)r;
    return text_of_list(f->a, s->dns_trust_anchors, s->n_dns_trust_anchors);
}

static const char *put_text(struct fields *f, const struct schema_row *r, const void *object)
{
    const struct settings *s = object;
    (void)f;
    return r->set == set_interfaces_use      ? s->interfaces_use
           : r->set == set_interfaces_ignore ? s->interfaces_ignore
           : r->set == set_dns_resolv_conf   ? s->dns_resolv_conf
           : r->set == set_vip_device        ? s->vip_device
           : r->set == set_key_store         ? s->key_store
           : r->set == set_vici_socket       ? s->vici_socket
                                             : s->resolv_conf;
}

static const struct {
    schema_setter *set;
    format_fn *format;
} formats[] = {
    {set_hosts,             put_hosts        },
    {set_proposals,         put_proposals    },
    {set_ah_proposals,      put_ah           },
    {set_esp_proposals,     put_esp          },
    {set_vips,              put_vips         },
    {set_pool_names,        put_pools        },
    {set_dscp,              put_dscp         },
    {set_redirect,          put_redirect     },
    {set_ppk_id,            put_ppk_id       },
    {set_auth,              put_auth         },
    {set_id,                put_id           },
    {set_ca_id,             put_ca_id        },
    {set_certs,             put_certs        },
    {set_cacerts,           put_certs        },
    {set_pubkeys,           put_pubkeys      },
    {set_groups,            put_groups       },
    {set_cert_policy,       put_policy       },
    {set_ts,                put_ts           },
    {set_updown,            put_updown       },
    {set_source,            put_source       },
    {set_tfc_padding,       put_tfc          },
    {set_class,             put_class        },
    {set_mark,              put_mark         },
    {set_set_mark,          put_set_mark     },
    {set_if_id,             put_if_id        },
    {set_default_if_id,     put_default_if_id},
    {set_policy_device,     put_policy_device},
    {set_interface_name,    put_interface    },
    {set_interface_address, put_interface    },
    {set_listen_tcp,        put_tcp_ports    },
    {set_dns_anchors,       put_anchors      },
    {set_dns_resolv_conf,   put_text         },
    {set_interfaces_use,    put_text         },
    {set_interfaces_ignore, put_text         },
    {set_resolv_conf,       put_text         },
    {set_vip_device,        put_text         },
    {set_key_store,         put_text         },
    {set_vici_socket,       put_text         },
};

/* ---- what rows store by themselves */

static uint64_t number_at(const uint8_t *p, size_t size)
{
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    switch (size) {
    case 1:
        return *p;
    case 2:
        memcpy(&u16, p, sizeof(u16));
        return u16;
    case 4:
        memcpy(&u32, p, sizeof(u32));
        return u32;
    default:
        memcpy(&u64, p, sizeof(u64));
        return u64;
    }
}

static const char *scalar(struct fields *f, const struct schema_row *r, const void *object)
{
    const uint8_t *at = (const uint8_t *)object + r->offset;
    uint64_t n = number_at(at, r->size);
    double real = 0;
    switch (r->kind) {
    case KIND_BOOL:
        return *at ? "yes" : "no";
    case KIND_TIME: /* which takes whole seconds: what is worked out from others may have parts of them */
        return text_of_time(f->a, (int64_t)n - (int64_t)n % TIME_SECOND);
    case KIND_SECONDS:
        return text_of_time(f->a, (int64_t)n);
    case KIND_REAL:
        memcpy(&real, at, sizeof(real));
        return arena_printf(f->a, "%g", real);
    case KIND_WORD:
        for (const struct schema_word *w = r->words; w->word; w++) {
            if (!w->refused && (uint64_t)(unsigned)w->value == n)
                return w->word;
        }
        return "?";
    default:
        return arena_printf(f->a, "%llu", (unsigned long long)n);
    }
}

/* ---- objects */

static const char *value_of(struct fields *f, const struct schema_row *r, const void *object)
{
    for (size_t i = 0; r->set && i < ARRAY_LEN(formats); i++) {
        if (formats[i].set == r->set)
            return formats[i].format(f, r, object);
    }
    return r->size ? scalar(f, r, object) : NULL;
}

bool field_is_known(const struct schema_row *r)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (formats[i].set == r->set)
            return true;
    }
    return r->size > 0;
}

static void add_rows(struct fields *f, enum schema_scope scope, const void *object,
                     const struct origins *from)
{
    size_t n;
    const struct schema_row *rows = schema_rows(scope, &n);
    f->n = 0;
    for (size_t i = 0; i < n && f->n < FIELDS_MAX; i++) {
        const struct schema_row *r = &rows[i];
        if (r->scope == scope && r->status == EFFECTIVE && (r->set || r->size))
            f->v[f->n++] = (struct field){
                .row = r, .key = r->key, .value = value_of(f, r, object), .origin = origin_of(from, r->key)};
    }
}

static struct field *find(struct fields *f, const char *key)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->v[i].key, key) == 0)
            return &f->v[i];
    }
    return NULL;
}

void fields_of_connection(struct fields *f, const struct connection *c)
{
    add_rows(f, SCOPE_CONNECTION, c, &c->origins);
    struct field *version = find(f, "version");
    if (f->is_comparing && version) /* there is no other */
        version->value = "2";
}

/* Ours, where nothing is said: our address, if it is known. */
static bool is_own_address(const struct connection *c, const struct auth_side *s)
{
    return s->id.type == ID_ANY && s->method != AUTH_NULL && !s->certs.n && c->n_local_addrs == 1 &&
           !c->local_addrs[0].is_any && !c->local_addrs[0].fqdn &&
           ip_equal(c->local_addrs[0].from, c->local_addrs[0].to);
}

void fields_of_side(struct fields *f, const struct connection *c, const struct auth_side *s, bool is_local)
{
    char buf[IP_TEXT_MAX];
    add_rows(f, is_local ? SCOPE_LOCAL : SCOPE_REMOTE, s, &s->origins);
    struct field *id = find(f, "id");
    if (!f->is_comparing)
        return;
    if (is_local && id && is_own_address(c, s))
        id->value = arena_strdup(f->a, ip_format(c->local_addrs[0].from, buf));
    for (size_t i = 0; s->method != AUTH_PUBKEY && i < f->n; i++) {
        bool is_for_signatures = f->v[i].row->set == set_pubkeys || f->v[i].row->set == set_certs;
        if (is_for_signatures) /* nobody asks for them */
            f->v[i].value = NULL;
    }
}

void fields_of_child(struct fields *f, const struct child_config *c)
{
    add_rows(f, SCOPE_CHILD, c, &c->origins);
}

void fields_of_settings(struct fields *f, const struct settings *s)
{
    add_rows(f, SCOPE_GLOBAL, s, &s->origins);
}

const char *field_value(const struct fields *f, const char *key)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->v[i].key, key) == 0)
            return f->v[i].value;
    }
    return NULL;
}

bool field_same(const struct field *x, const struct fields *f, const char *key)
{
    const char *other = field_value(f, key);
    return (!x->value && !other) || (x->value && other && strcmp(x->value, other) == 0);
}
