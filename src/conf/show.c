/* SPDX-License-Identifier: Apache-2.0 */
/* Printing a snapshot: each effective value with the line that set it, as text or as JSON. One walk for both.
 */
#include "conf/show.h"
#include "base/text.h"
#include "base/time.h"
#include <stdio.h>

struct out {
    const struct conf_sink *sink;
    bool json, has_item[16];
    unsigned depth;
    char text[2048]; /* of the value being built */
    struct text t;
};

static void put(struct out *o, const char *s)
{
    o->sink->write(o->sink->ctx, s);
}

static void put_json_string(struct out *o, const char *s)
{
    char piece[8];
    put(o, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            snprintf(piece, sizeof(piece), "\\%c", c);
        else if (c < 0x20 || c > 0x7e) /* what is not ASCII is shown byte by byte */
            snprintf(piece, sizeof(piece), "\\u%04x", c);
        else
            snprintf(piece, sizeof(piece), "%c", c);
        put(o, piece);
    }
    put(o, "\"");
}

static void put_plain(struct out *o, const char *s)
{
    char safe[sizeof(o->text) * 4];
    struct text t = TEXT_ON(safe);
    safe[0] = 0;
    text_safe(&t, span_str(s));
    put(o, safe);
}

static void indent(struct out *o)
{
    for (unsigned i = 0; i < o->depth; i++)
        put(o, "  ");
}

static void item(struct out *o, const char *name)
{
    if (!o->json)
        return;
    if (o->has_item[o->depth])
        put(o, ",");
    o->has_item[o->depth] = true;
    if (o->depth)
        put(o, "\n");
    indent(o);
    if (name) {
        put_json_string(o, name);
        put(o, ": ");
    }
}

/* An object ('{') or array ('['); title is how text calls it, NULL for nothing. */
static void open_block(struct out *o, const char *name, const char *title, const char *bracket)
{
    item(o, name);
    if (o->json)
        put(o, bracket);
    if (!o->json && title) {
        indent(o);
        put_plain(o, title);
        put(o, "\n");
    }
    if (o->json || title)
        o->depth++;
    o->has_item[o->depth] = false;
}

static void close_block(struct out *o, const char *bracket, bool had_title)
{
    if (o->json || had_title)
        o->depth--;
    if (!o->json)
        return;
    put(o, "\n");
    indent(o);
    put(o, bracket);
}

static void begin_value(struct out *o)
{
    o->text[0] = 0;
    o->t = (struct text){.buf = o->text, .cap = sizeof(o->text)};
}

static void put_origin(struct out *o, const struct origin *at)
{
    char where[512] = "default";
    if (at && at->file)
        snprintf(where, sizeof(where), "%s:%d", at->file, at->line);
    if (o->json) {
        put(o, ", \"origin\": ");
        put_json_string(o, where);
        return;
    }
    put(o, "  # ");
    put_plain(o, where);
}

/* The value that was built in o->t. at NULL: the default. */
static void field_from(struct out *o, const char *key, const struct origin *at)
{
    item(o, key);
    if (o->json) {
        put(o, "{\"value\": ");
        put_json_string(o, o->text);
        put_origin(o, at);
        put(o, "}");
        return;
    }
    char name[64];
    indent(o);
    snprintf(name, sizeof(name), "%-17s ", key);
    put(o, name);
    put_plain(o, o->text[0] ? o->text : "-");
    put_origin(o, at);
    put(o, "\n");
}

static void field(struct out *o, const struct origins *origins, const char *key)
{
    field_from(o, key, origin_of(origins, key));
}

static void time_field(struct out *o, const struct origins *origins, const char *key, int64_t usec)
{
    begin_value(o);
    static const struct {
        int64_t seconds;
        char letter;
    } units[] = {
        {86400, 'd'},
        {3600,  'h'},
        {60,    'm'},
        {1,     's'}
    };
    int64_t seconds = usec / TIME_SECOND;
    size_t u = o->json || seconds == 0 ? 3 : 0; /* programs get seconds always */
    while (seconds % units[u].seconds)
        u++;
    if (usec % TIME_SECOND)
        text_printf(&o->t, "%.3fs", (double)usec / (double)TIME_SECOND);
    else
        text_printf(&o->t, "%lld%c", (long long)(seconds / units[u].seconds), units[u].letter);
    field(o, origins, key);
}

static void number_field(struct out *o, const struct origins *origins, const char *key, uint64_t v)
{
    begin_value(o);
    text_printf(&o->t, "%llu", (unsigned long long)v);
    field(o, origins, key);
}

static void word_field(struct out *o, const struct origins *origins, const char *key, const char *word)
{
    begin_value(o);
    text_str(&o->t, word);
    field(o, origins, key);
}

static void bool_field(struct out *o, const struct origins *origins, const char *key, bool v)
{
    word_field(o, origins, key, v ? "yes" : "no");
}

static const char *separator(const struct out *o)
{
    return o->t.len ? ", " : "";
}

static void hosts_field(struct out *o, const struct origins *origins, const char *key,
                        const struct host_spec *v, size_t n)
{
    char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
    begin_value(o);
    for (size_t i = 0; i < n; i++) {
        if (v[i].is_any)
            text_printf(&o->t, "%s%%any", separator(o));
        else if (v[i].fqdn)
            text_printf(&o->t, "%s%s", separator(o), v[i].fqdn);
        else if (ip_equal(v[i].from, v[i].to))
            text_printf(&o->t, "%s%s", separator(o), ip_format(v[i].from, from));
        else
            text_printf(&o->t, "%s%s-%s", separator(o), ip_format(v[i].from, from), ip_format(v[i].to, to));
    }
    field(o, origins, key);
}

static void proposals_field(struct out *o, const struct origins *origins, const char *key,
                            const struct proposal_list *l)
{
    char buf[PROPOSAL_TEXT_MAX];
    begin_value(o);
    for (size_t i = 0; i < l->n; i++)
        text_printf(&o->t, "%s%s", separator(o), proposal_format(&l->v[i], buf));
    field(o, origins, key);
}

static void ts_field(struct out *o, const struct origins *origins, const char *key, const struct ts *v,
                     size_t n)
{
    char buf[TS_TEXT_MAX];
    begin_value(o);
    for (size_t i = 0; i < n; i++)
        text_printf(&o->t, "%s%s", separator(o), ts_format(&v[i], buf));
    field(o, origins, key);
}

static void certs_field(struct out *o, const struct origins *origins, const char *key,
                        const struct cert_list *l)
{
    begin_value(o);
    for (size_t i = 0; i < l->n; i++)
        text_printf(&o->t, "%s%s", i ? "; " : "", cert_subject_text(l->v[i]));
    field(o, origins, key);
}

static void show_side(struct out *o, const char *name, const struct auth_side *s, bool is_local)
{
    char buf[ID_TEXT_MAX];
    open_block(o, name, name, "{");
    begin_value(o);
    text_str(&o->t, s->method == AUTH_PSK ? "psk" : s->method == AUTH_NULL ? "null" : "pubkey");
    if (s->min_rsa_bits)
        text_printf(&o->t, ", RSA of %u bits or more", s->min_rsa_bits);
    if (s->min_ecdsa_bits)
        text_printf(&o->t, ", ECDSA of %u bits or more", s->min_ecdsa_bits);
    for (size_t i = 0; i < s->n_schemes; i++)
        text_printf(&o->t, "%s%s", i ? " or " : ", ", sig_scheme_name(s->schemes[i]));
    field(o, &s->origins, "auth");
    word_field(o, &s->origins, "id",
               s->id.type != ID_ANY                     ? identity_format(&s->id, buf)
               : !is_local                              ? "%any"
               : s->method == AUTH_PUBKEY && s->certs.n ? "the certificate's subject"
                                                        : "our address");
    number_field(o, &s->origins, "round", s->round);
    certs_field(o, &s->origins, "certs", &s->certs);
    if (!is_local) {
        certs_field(o, &s->origins, "cacerts", &s->cacerts);
        word_field(o, &s->origins, "ca_id", s->ca_id ? identity_format(s->ca_id, buf) : "");
        begin_value(o);
        for (size_t i = 0; i < s->n_cert_policy; i++)
            text_printf(&o->t, "%s%s", separator(o), s->cert_policy[i]);
        field(o, &s->origins, "cert_policy");
    }
    close_block(o, "}", true);
}

/* "local", or "local-1", "local-2" */
static void show_rounds(struct out *o, const struct connection *c, bool is_local)
{
    char name[32];
    size_t n = connection_rounds(c, is_local);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), n > 1 ? "%s-%zu" : "%s", is_local ? "local" : "remote", i + 1);
        show_side(o, name, connection_round(c, is_local, i), is_local);
    }
}

static void show_lifetime(struct out *o, const struct origins *from, const struct lifetime *l)
{
    time_field(o, from, "rekey_time", l->rekey_time);
    time_field(o, from, "life_time", l->life_time);
    time_field(o, from, "rand_time", l->rand_time);
    number_field(o, from, "rekey_bytes", l->rekey_bytes);
    number_field(o, from, "life_bytes", l->life_bytes);
    number_field(o, from, "rand_bytes", l->rand_bytes);
    number_field(o, from, "rekey_packets", l->rekey_packets);
    number_field(o, from, "life_packets", l->life_packets);
    number_field(o, from, "rand_packets", l->rand_packets);
}

static void show_child(struct out *o, const struct child_config *c)
{
    static const char *const dscp
        [] = {"out", "in", "yes", "no"},
    *const dpd[] = {[DPD_CLEAR] = "clear", [DPD_RESTART] = "restart", [DPD_TRAP] = "trap"},
    *const actions[] = {
        [START_NONE] = "none", [START_START] = "start", [START_TRAP] = "trap", [START_BOTH] = "trap|start"};
    char title[300];
    const struct origins *from = &c->origins;
    snprintf(title, sizeof(title), "child %s", c->name);
    open_block(o, c->name, title, "{");
    word_field(o, from, "mode", child_mode_name(c->mode));
    ts_field(o, from, "local_ts", c->local_ts, c->n_local_ts);
    ts_field(o, from, "remote_ts", c->remote_ts, c->n_remote_ts);
    struct proposal_list esp = {c->proposals.v + c->ah_proposals.n, c->proposals.n - c->ah_proposals.n};
    if (c->ah_proposals.n)
        proposals_field(o, from, "ah_proposals", &c->ah_proposals);
    if (esp.n)
        proposals_field(o, from, "esp_proposals", &esp);
    show_lifetime(o, from, &c->life);
    word_field(o, from, "start_action", actions[c->start_action]);
    word_field(o, from, "close_action", actions[c->close_action]);
    word_field(o, from, "dpd_action", dpd[c->dpd_action]);
    number_field(o, from, "replay_window", c->replay_window);
    time_field(o, from, "inactivity", c->inactivity);
    number_field(o, from, "reqid", c->reqid);
    number_field(o, from, "priority", c->priority);
    bool_field(o, from, "policies", c->installs_policies);
    bool_field(o, from, "ipcomp", c->has_ipcomp);
    if (c->tfc_padding == TFC_TO_MTU)
        word_field(o, from, "tfc_padding", "mtu");
    else
        number_field(o, from, "tfc_padding", c->tfc_padding);
    bool_field(o, from, "sha256_96", c->truncates_sha256);
    bool_field(o, from, "copy_df", c->copies_df);
    bool_field(o, from, "copy_ecn", c->copies_ecn);
    word_field(o, from, "copy_dscp", dscp[c->copy_dscp]);
    word_field(o, from, "updown", c->updown ? c->updown : "");
    bool_field(o, from, "hostaccess", c->has_hostaccess);
    bool_field(o, from, "peer_decides", c->peer_decides);
    close_block(o, "}", true);
}

static void show_connection(struct out *o, const struct connection *c)
{
    static const char
        *const send_cert
            [] = {"ifasked", "always", "never"},
   *const frag[] = {"yes", "accept", "no"},
   *const encap[] = {[ENCAP_NO] = "no", [ENCAP_AUTO] = "auto", [ENCAP_YES] = "yes"},
   *const unique[] =
        {[UNIQUE_REPLACE] = "replace", [UNIQUE_KEEP] = "keep", [UNIQUE_NO] = "no", [UNIQUE_NEVER] = "never"},
   *const childless[] = {[CHILDLESS_ALLOW] = "allow",
                         [CHILDLESS_NEVER] = "never",
                         [CHILDLESS_PREFER] = "prefer",
                         [CHILDLESS_FORCE] = "force"};
    char title[400], ip[IP_TEXT_MAX];
    const struct origins *from = &c->origins;
    snprintf(title, sizeof(title), "connection %s (%s)", c->name, c->dialect);
    open_block(o, c->name, title, "{");
    if (o->json)
        word_field(o, from, "dialect", c->dialect);
    number_field(o, from, "version", (uint64_t)c->version);
    hosts_field(o, from, "local_addrs", c->local_addrs, c->n_local_addrs);
    hosts_field(o, from, "remote_addrs", c->remote_addrs, c->n_remote_addrs);
    number_field(o, from, "local_port", c->local_port);
    number_field(o, from, "remote_port", c->remote_port);
    begin_value(o);
    for (size_t i = 0; i < c->n_vips; i++)
        text_printf(&o->t, "%s%s", separator(o), ip_format(c->vips[i], ip));
    field(o, from, "vips");
    begin_value(o);
    for (size_t i = 0; i < c->n_pools; i++)
        text_printf(&o->t, "%s%s", separator(o), c->pools[i]);
    field(o, from, "pools");
    proposals_field(o, from, "proposals", &c->proposals);
    time_field(o, from, "rekey_time", c->rekey_time);
    time_field(o, from, "reauth_time", c->reauth_time);
    time_field(o, from, "over_time", c->over_time);
    time_field(o, from, "rand_time", c->rand_time);
    time_field(o, from, "dpd_delay", c->dpd_delay);
    number_field(o, from, "keyingtries", c->keyingtries);
    word_field(o, from, "unique", unique[c->unique]);
    word_field(o, from, "childless", childless[c->childless]);
    word_field(o, from, "redirect", gateway_format(&c->redirect, ip));
    word_field(o, from, "redirect_when", c->redirect_when == REDIRECT_AUTH ? "auth" : "init");
    bool_field(o, from, "retries_forever", c->retries_forever);
    word_field(o, from, "encap", encap[c->encap]);
    bool_field(o, from, "mobike", c->does_mobike);
    word_field(o, from, "tcp", c->tcp == TCP_NO ? "no" : c->tcp == TCP_ALWAYS ? "always" : "fallback");
    number_field(o, from, "tcp_port", c->tcp_port);
    bool_field(o, from, "crash_detection", c->detects_crashes);
    bool_field(o, from, "session_resumption", c->resumes_sessions);
    word_field(o, from, "fragmentation", frag[c->fragmentation]);
    word_field(o, from, "send_cert", send_cert[c->send_cert]);
    bool_field(o, from, "send_certreq", c->sends_certreq);
    number_field(o, from, "dscp", c->dscp);
    if (c->ppk_id) {
        char buf[ID_TEXT_MAX];
        word_field(o, from, "ppk_id", identity_format(c->ppk_id, buf));
    }
    bool_field(o, from, "ppk_required", c->ppk_required);
    show_rounds(o, c, true);
    show_rounds(o, c, false);
    open_block(o, "children", NULL, "{");
    for (size_t i = 0; i < c->n_children; i++)
        show_child(o, &c->children[i]);
    close_block(o, "}", false);
    close_block(o, "}", true);
}

static void ranges_field(struct out *o, const struct origins *from, const char *key, const char *origin,
                         const struct ip_range *v, size_t n)
{
    char a[IP_TEXT_MAX], b[IP_TEXT_MAX];
    begin_value(o);
    for (size_t i = 0; i < n; i++) {
        text_printf(&o->t, "%s%s", separator(o), ip_format(v[i].from, a));
        if (!ip_equal(v[i].from, v[i].to))
            text_printf(&o->t, "-%s", ip_format(v[i].to, b));
    }
    field_from(o, key, origin_of(from, origin));
}

static void show_pool(struct out *o, const struct pool_config *p)
{
    char title[300];
    const struct origins *from = &p->origins;
    snprintf(title, sizeof(title), "pool %s", p->name);
    open_block(o, p->name, title, "{");
    ranges_field(o, from, "addrs", "addrs", p->ranges, p->n_ranges);
    ranges_field(o, from, "exclude", "exclude", p->excluded, p->n_excluded);
    begin_value(o);
    text_printf(&o->t, "%llu", (unsigned long long)pool_ranges_size(p->ranges, p->n_ranges));
    field_from(o, "size", origin_of(from, "addrs"));
    for (size_t i = 0; i < p->n_attrs; i++) {
        const char *key = p->attrs[i].key;
        if (i && strcmp(key, p->attrs[i - 1].key) == 0)
            continue;
        begin_value(o);
        for (size_t k = i; k < p->n_attrs && strcmp(p->attrs[k].key, key) == 0; k++)
            text_printf(&o->t, "%s%s", separator(o), p->attrs[k].text);
        field(o, from, key);
    }
    close_block(o, "}", true);
}

static void show_secrets(struct out *o, const struct config *c)
{
    char buf[ID_TEXT_MAX];
    open_block(o, "secrets", NULL, "[");
    for (size_t i = 0; i < c->n_secrets; i++) {
        const struct shared_secret *s = &c->secrets[i];
        open_block(o, NULL, "secret", "{");
        begin_value(o);
        for (size_t k = 0; k < s->n_owners; k++)
            text_printf(&o->t, "%s%s", separator(o), identity_format(&s->owners[k], buf));
        if (s->n_owners == 0)
            text_str(&o->t, "%any");
        field_from(o, "owners", &s->origin);
        begin_value(o);
        text_str(&o->t, "set"); /* never the thing itself */
        field_from(o, "psk", &s->origin);
        close_block(o, "}", true);
    }
    close_block(o, "]", false);
}

static void show_ppks(struct out *o, const struct config *c)
{
    char buf[ID_TEXT_MAX];
    open_block(o, "ppks", NULL, "[");
    for (size_t i = 0; i < c->n_ppks; i++) {
        const struct ppk *p = &c->ppks[i];
        open_block(o, NULL, "ppk", "{");
        begin_value(o);
        for (size_t k = 0; k < p->n_ids; k++)
            text_printf(&o->t, "%s%s", separator(o), identity_format(&p->ids[k], buf));
        if (p->n_ids == 0)
            text_str(&o->t, "%any");
        field_from(o, "ids", &p->origin);
        begin_value(o);
        text_str(&o->t, p->pad ? p->pad : "set"); /* never the thing itself */
        field_from(o, p->pad ? "pad" : "secret", &p->origin);
        close_block(o, "}", true);
    }
    close_block(o, "]", false);
}

static void show_keys(struct out *o, const struct config *c)
{
    static const char *const types[] = {
        [PKEY_RSA] = "RSA", [PKEY_ECDSA] = "ECDSA", [PKEY_ED25519] = "Ed25519", [PKEY_ED448] = "Ed448"};
    open_block(o, "keys", NULL, "[");
    for (size_t i = 0; i < c->n_keys; i++) {
        uint8_t id[20];
        open_block(o, NULL, "private key", "{");
        begin_value(o);
        text_printf(&o->t, "%s %u", types[pkey_type(c->keys[i].key)], pkey_bits(c->keys[i].key));
        field_from(o, "type", &c->keys[i].origin);
        pkey_keyid(c->keys[i].key, id);
        begin_value(o);
        text_hex(&o->t, span_of(id, sizeof(id)));
        field_from(o, "keyid", &c->keys[i].origin);
        close_block(o, "}", true);
    }
    close_block(o, "]", false);
}

static void show_settings(struct out *o, const struct settings *s)
{
    static const char *const esp_path[] = {
        [ESP_PATH_AUTO] = "auto", [ESP_PATH_PACKET] = "packet", [ESP_PATH_RAW] = "raw"};
    const struct origins *from = &s->origins;
    open_block(o, "settings", "settings", "{");
    word_field(o, from, "dataplane", s->dataplane);
    number_field(o, from, "dataplane_workers", s->dataplane_workers);
    word_field(o, from, "esp_path", esp_path[s->esp_path]);
    word_field(o, from, "resolv_conf", s->resolv_conf ? s->resolv_conf : "");
    begin_value(o);
    for (unsigned i = 0; i < s->n_tcp_ports; i++)
        text_printf(&o->t, "%s%u", separator(o), s->tcp_ports[i]);
    field(o, from, "listen_tcp");
    number_field(o, from, "port", s->port);
    number_field(o, from, "port_natt", s->port_natt);
    time_field(o, from, "retransmit_timeout", s->retransmit_timeout);
    begin_value(o);
    text_printf(&o->t, "%g", s->retransmit_base);
    field(o, from, "retransmit_base");
    number_field(o, from, "retransmit_tries", s->retransmit_tries);
    time_field(o, from, "retransmit_limit", s->retransmit_limit);
    number_field(o, from, "retransmit_jitter", s->retransmit_jitter);
    time_field(o, from, "half_open_timeout", s->half_open_timeout);
    number_field(o, from, "cookie_threshold", s->cookie_threshold);
    number_field(o, from, "block_threshold", s->block_threshold);
    number_field(o, from, "null_auth_limit", s->null_auth_limit);
    number_field(o, from, "null_auth_per_address", s->null_auth_per_address);
    number_field(o, from, "init_limit_half_open", s->init_limit_half_open);
    bool_field(o, from, "inactivity_close_ike", s->inactivity_close_ike);
    time_field(o, from, "keep_alive", s->keep_alive);
    number_field(o, from, "fragment_size", s->fragment_size);
    number_field(o, from, "max_packet", s->max_packet);
    number_field(o, from, "replay_window", s->replay_window);
    bool_field(o, from, "install_routes", s->installs_routes);
    word_field(o, from, "interfaces_use", s->interfaces_use ? s->interfaces_use : "");
    word_field(o, from, "interfaces_ignore", s->interfaces_ignore ? s->interfaces_ignore : "");
    bool_field(o, from, "follow_redirects", s->follows_redirects);
    bool_field(o, from, "make_before_break", s->makes_before_break);
    number_field(o, from, "routing_table", (uint64_t)s->routing_table);
    number_field(o, from, "routing_table_prio", (uint64_t)s->routing_table_prio);
    close_block(o, "}", true);
}

bool conf_show(const struct config *c, const char *connection, bool json, const struct conf_sink *sink)
{
    struct out o = {.sink = sink, .json = json};
    const struct connection *only = connection ? config_find(c, connection) : NULL;
    const struct origins none = {0};
    if (connection && !only)
        return false;
    open_block(&o, NULL, NULL, "{");
    if (json) {
        item(&o, "schema");
        put(&o, "1");
    }
    open_block(&o, "connections", NULL, "{");
    for (size_t i = 0; i < c->n_connections; i++) {
        if (!only || only == c->connections[i])
            show_connection(&o, c->connections[i]);
    }
    close_block(&o, "}", false);
    if (!only) {
        open_block(&o, "pools", NULL, "{");
        for (size_t i = 0; i < c->n_pools; i++)
            show_pool(&o, &c->pools[i]);
        close_block(&o, "}", false);
        show_secrets(&o, c);
        show_ppks(&o, c);
        show_keys(&o, c);
        certs_field(&o, &none, "certificates", &c->certs);
        certs_field(&o, &none, "authorities", &c->cas);
        show_settings(&o, &c->settings);
    }
    close_block(&o, "}", false);
    put(&o, json ? "\n" : "");
    return true;
}
