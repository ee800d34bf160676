/* SPDX-License-Identifier: Apache-2.0 */
/* Printing a snapshot: each effective value with the line that set it. One walk for text and JSON, which
 * show_out.c writes. */
#include "conf/show.h"
#include "conf/logging.h"
#include "conf/show_out.h"
#include "net/dscp.h"
#include <stdio.h>

static void show_side(struct show_out *o, const char *name, const struct auth_side *s, bool is_local)
{
    static const char *const revocations[] = {
        [REVOCATION_RELAXED] = "relaxed", [REVOCATION_IFURI] = "ifuri", [REVOCATION_STRICT] = "strict"};
    char buf[ID_TEXT_MAX];
    show_open_block(o, name, name, "{");
    show_begin_value(o);
    text_str(&o->t, s->method == AUTH_PSK ? "psk" : s->method == AUTH_NULL ? "null" : "pubkey");
    if (s->min_rsa_bits)
        text_printf(&o->t, ", RSA of %u bits or more", s->min_rsa_bits);
    if (s->min_ecdsa_bits)
        text_printf(&o->t, ", ECDSA of %u bits or more", s->min_ecdsa_bits);
    for (size_t i = 0; i < s->n_schemes; i++)
        text_printf(&o->t, "%s%s", i ? " or " : ", ", sig_scheme_name(s->schemes[i]));
    show_field(o, &s->origins, "auth");
    if (s->cert_id) {
        show_begin_value(o);
        text_printf(&o->t, "%%%s", identity_format(s->cert_id, buf));
        show_field(o, &s->origins, "id");
    } else
        show_word_field(o, &s->origins, "id",
                        s->id.type != ID_ANY                     ? identity_format(&s->id, buf)
                        : !is_local                              ? "%any"
                        : s->method == AUTH_PUBKEY && s->certs.n ? "the certificate's subject"
                                                                 : "our address");
    show_number_field(o, &s->origins, "round", s->round);
    show_certs_field(o, &s->origins, "certs", &s->certs);
    if (s->asks_dns)
        show_word_field(o, &s->origins, "pubkeys", "those that DNS has");
    else
        show_pubkeys_field(o, &s->origins, "pubkeys", &s->pubkeys);
    if (!is_local) {
        show_certs_field(o, &s->origins, "cacerts", &s->cacerts);
        show_word_field(o, &s->origins, "ca_id", s->ca_id ? identity_format(s->ca_id, buf) : "");
        show_begin_value(o);
        for (size_t i = 0; i < s->n_cert_policy; i++)
            text_printf(&o->t, "%s%s", show_separator(o), s->cert_policy[i]);
        show_field(o, &s->origins, "cert_policy");
        show_begin_value(o);
        for (size_t i = 0; i < s->n_groups; i++)
            text_printf(&o->t, "%s%s", show_separator(o), s->groups[i]);
        show_field(o, &s->origins, "groups");
        show_word_field(o, &s->origins, "revocation", revocations[s->revocation]);
    }
    show_close_block(o, "}", true);
}

/* "local", or "local-1", "local-2" */
static void show_rounds(struct show_out *o, const struct connection *c, bool is_local)
{
    char name[32];
    size_t n = connection_rounds(c, is_local);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), n > 1 ? "%s-%zu" : "%s", is_local ? "local" : "remote", i + 1);
        show_side(o, name, connection_round(c, is_local, i), is_local);
    }
}

static void show_lifetime(struct show_out *o, const struct origins *from, const struct lifetime *l)
{
    show_time_field(o, from, "rekey_time", l->rekey_time);
    show_time_field(o, from, "life_time", l->life_time);
    show_time_field(o, from, "rand_time", l->rand_time);
    show_number_field(o, from, "rekey_bytes", l->rekey_bytes);
    show_number_field(o, from, "life_bytes", l->life_bytes);
    show_number_field(o, from, "rand_bytes", l->rand_bytes);
    show_number_field(o, from, "rekey_packets", l->rekey_packets);
    show_number_field(o, from, "life_packets", l->life_packets);
    show_number_field(o, from, "rand_packets", l->rand_packets);
}

static void show_interface(struct show_out *o, const struct origins *from, const struct kernel_interface *k)
{
    char buf[INTERFACE_ADDRESS_TEXT];
    if (k->name[0])
        show_word_field(o, from, "tunnel_interface", k->name);
    if (k->name[0] || k->kind != INTERFACE_XFRM)
        show_word_field(o, from, "tunnel_interface_kind", interface_kind_name(k->kind));
    if (k->address.family)
        show_word_field(o, from, "tunnel_interface_address", interface_address_format(k, buf));
    if (k->name[0] || origin_of(from, "tunnel_interface_routes"))
        show_bool_field(o, from, "tunnel_interface_routes", k->is_routed);
}

#define IPTFS_KEYS  7
#define IPTFS_BOOLS 2 /* of them, at the beginning */
static const char *const iptfs_of_child[IPTFS_KEYS] = {
    "iptfs_accept_fragments", "iptfs_dont_frag", "iptfs_packet_size",    "iptfs_max_queue_size",
    "iptfs_init_delay",       "iptfs_drop_time", "iptfs_reorder_window",
};
static const char *const iptfs_of_all[IPTFS_KEYS] = {
    "iptfs.accept_fragments", "iptfs.dont_frag", "iptfs.packet_size",    "iptfs.max_queue_size",
    "iptfs.init_delay",       "iptfs.drop_time", "iptfs.reorder_window",
};

/* What says nothing of the mode is shown where it is set. */
static void show_iptfs(struct show_out *o, const struct origins *from, const struct iptfs_options *k,
                       const char *const keys[IPTFS_KEYS], bool is_used)
{
    const uint32_t numbers[IPTFS_KEYS - IPTFS_BOOLS] = {k->packet_size, k->max_queue_size, k->init_delay,
                                                        k->drop_time, k->reorder_window};
    const bool bools[IPTFS_BOOLS] = {k->accepts_fragments, k->sends_whole};
    for (size_t i = 0; i < IPTFS_KEYS; i++) {
        if (!is_used && !origin_of(from, keys[i]))
            continue;
        if (i < IPTFS_BOOLS)
            show_bool_field(o, from, keys[i], bools[i]);
        else
            show_number_field(o, from, keys[i], numbers[i - IPTFS_BOOLS]);
    }
}

static void show_kernel(struct show_out *o, const struct origins *from, const struct kernel_options *k)
{
    static const char *const offloads[] = {[OFFLOAD_NO] = "no",
                                           [OFFLOAD_CRYPTO] = "crypto",
                                           [OFFLOAD_PACKET] = "packet",
                                           [OFFLOAD_AUTO] = "auto"};
    const struct {
        const char *key;
        const struct mark *mark;
        bool is_same;
    } marks[] = {
        {"mark_in",      &k->in.mark,      false                  },
        {"mark_out",     &k->out.mark,     false                  },
        {"set_mark_in",  &k->in.set_mark,  k->is_set_mark_same_in },
        {"set_mark_out", &k->out.set_mark, k->is_set_mark_same_out},
    };
    char buf[KERNEL_TEXT];
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (marks[i].mark->mask)
            show_word_field(o, from, marks[i].key, kernel_mark_format(marks[i].mark, marks[i].is_same, buf));
    }
    if (k->marks_inbound_sa)
        show_bool_field(o, from, "mark_in_sa", true);
    if (k->in.if_id)
        show_word_field(o, from, "if_id_in", kernel_id_format(k->in.if_id, buf));
    if (k->out.if_id)
        show_word_field(o, from, "if_id_out", kernel_id_format(k->out.if_id, buf));
    if (k->device[0])
        show_word_field(o, from, "interface", k->device);
    show_interface(o, from, &k->interface);
    if (k->offload || origin_of(from, "hw_offload"))
        show_word_field(o, from, "hw_offload", offloads[k->offload]);
}

static void show_child(struct show_out *o, const struct child_config *c)
{
    static const char *const dscp
        [] = {"out", "in", "yes", "no"},
    *const dpd[] = {[DPD_CLEAR] = "clear", [DPD_RESTART] = "restart", [DPD_TRAP] = "trap"},
    *const actions[] = {
        [START_NONE] = "none", [START_START] = "start", [START_TRAP] = "trap", [START_BOTH] = "trap|start"};
    char title[300], class[DSCP_SET_TEXT], ip[IP_TEXT_MAX];
    const struct origins *from = &c->origins;
    snprintf(title, sizeof(title), "child %s", c->name);
    show_open_block(o, c->name, title, "{");
    show_word_field(o, from, "mode", child_mode_name(c->mode));
    show_ts_field(o, from, "local_ts", c->local_ts, c->n_local_ts);
    show_ts_field(o, from, "remote_ts", c->remote_ts, c->n_remote_ts);
    struct proposal_list esp = {c->proposals.v + c->ah_proposals.n, c->proposals.n - c->ah_proposals.n};
    if (c->ah_proposals.n)
        show_proposals_field(o, from, "ah_proposals", &c->ah_proposals);
    if (esp.n)
        show_proposals_field(o, from, "esp_proposals", &esp);
    show_lifetime(o, from, &c->life);
    show_word_field(o, from, "start_action", actions[c->start_action]);
    show_word_field(o, from, "close_action", actions[c->close_action]);
    show_word_field(o, from, "dpd_action", dpd[c->dpd_action]);
    show_number_field(o, from, "replay_window", c->replay_window);
    show_time_field(o, from, "inactivity", c->inactivity);
    show_number_field(o, from, "reqid", c->reqid);
    show_number_field(o, from, "priority", c->priority);
    show_bool_field(o, from, "policies", c->installs_policies);
    show_bool_field(o, from, "ipcomp", c->has_ipcomp);
    if (c->per_cpu || origin_of(from, "per_cpu_sas"))
        show_word_field(o, from, "per_cpu_sas", per_cpu_name(c->per_cpu));
    if (c->tfc_padding == TFC_TO_MTU)
        show_word_field(o, from, "tfc_padding", "mtu");
    else
        show_number_field(o, from, "tfc_padding", c->tfc_padding);
    show_bool_field(o, from, "sha256_96", c->truncates_sha256);
    show_bool_field(o, from, "copy_df", c->copies_df);
    show_bool_field(o, from, "copy_ecn", c->copies_ecn);
    show_word_field(o, from, "copy_dscp", dscp[c->copy_dscp]);
    show_word_field(o, from, "dscp", dscp_format_set(c->dscp, class));
    show_word_field(o, from, "updown", c->updown ? c->updown : "");
    if (c->updown_style == UPDOWN_LIBRESWAN)
        show_word_field(o, from, "updown_style", "libreswan");
    show_bool_field(o, from, "hostaccess", c->has_hostaccess);
    if (c->opens_firewall)
        show_bool_field(o, from, "firewall", true);
    if (c->source.family)
        show_word_field(o, from, "source", ip_format(c->source, ip));
    show_bool_field(o, from, "peer_decides", c->peer_decides);
    show_kernel(o, from, &c->kernel);
    show_iptfs(o, from, &c->kernel.iptfs, iptfs_of_child, c->mode == MODE_IPTFS);
    show_close_block(o, "}", true);
}

static void show_connection(struct show_out *o, const struct connection *c)
{
    static const char
        *const send_cert
            [] = {"ifasked", "always", "never"},
   *const ocsp[] = {"never", "request", "reply", "both"}, *const frag[] = {"yes", "accept", "no"},
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
    show_open_block(o, c->name, title, "{");
    if (o->json)
        show_word_field(o, from, "dialect", c->dialect);
    show_number_field(o, from, "version", (uint64_t)c->version);
    show_hosts_field(o, from, "local_addrs", c->local_addrs, c->n_local_addrs);
    show_hosts_field(o, from, "remote_addrs", c->remote_addrs, c->n_remote_addrs);
    show_number_field(o, from, "local_port", c->local_port);
    show_number_field(o, from, "remote_port", c->remote_port);
    show_begin_value(o);
    for (size_t i = 0; i < c->n_vips; i++)
        text_printf(&o->t, "%s%s", show_separator(o), ip_format(c->vips[i], ip));
    show_field(o, from, "vips");
    show_begin_value(o);
    for (size_t i = 0; i < c->n_pools; i++)
        text_printf(&o->t, "%s%s", show_separator(o), c->pools[i]);
    show_field(o, from, "pools");
    show_proposals_field(o, from, "proposals", &c->proposals);
    show_time_field(o, from, "rekey_time", c->rekey_time);
    show_time_field(o, from, "reauth_time", c->reauth_time);
    show_time_field(o, from, "over_time", c->over_time);
    show_time_field(o, from, "rand_time", c->rand_time);
    show_time_field(o, from, "dpd_delay", c->dpd_delay);
    show_number_field(o, from, "keyingtries", c->keyingtries);
    show_word_field(o, from, "unique", unique[c->unique]);
    show_word_field(o, from, "childless", childless[c->childless]);
    show_word_field(o, from, "redirect", gateway_format(&c->redirect, ip));
    show_word_field(o, from, "redirect_when", c->redirect_when == REDIRECT_AUTH ? "auth" : "init");
    show_bool_field(o, from, "retries_forever", c->retries_forever);
    show_word_field(o, from, "encap", encap[c->encap]);
    show_word_field(o, from, "dataplane", dataplane_name(c->dataplane));
    if (c->if_id_in)
        show_word_field(o, from, "if_id_in", kernel_id_format(c->if_id_in, ip));
    if (c->if_id_out)
        show_word_field(o, from, "if_id_out", kernel_id_format(c->if_id_out, ip));
    show_bool_field(o, from, "mobike", c->does_mobike);
    show_word_field(o, from, "tcp", c->tcp == TCP_NO ? "no" : c->tcp == TCP_ALWAYS ? "always" : "fallback");
    show_number_field(o, from, "tcp_port", c->tcp_port);
    show_bool_field(o, from, "crash_detection", c->detects_crashes);
    show_bool_field(o, from, "session_resumption", c->resumes_sessions);
    show_bool_field(o, from, "message_id_sync", c->syncs_message_ids);
    show_number_field(o, from, "window", c->window);
    show_word_field(o, from, "fragmentation", frag[c->fragmentation]);
    show_word_field(o, from, "send_cert", send_cert[c->send_cert]);
    show_bool_field(o, from, "send_certreq", c->sends_certreq);
    show_word_field(o, from, "ocsp", ocsp[c->ocsp]);
    show_number_field(o, from, "dscp", c->dscp);
    if (c->ppk_id) {
        char buf[ID_TEXT_MAX];
        show_word_field(o, from, "ppk_id", identity_format(c->ppk_id, buf));
    }
    show_bool_field(o, from, "ppk_required", c->ppk_required);
    show_rounds(o, c, true);
    show_rounds(o, c, false);
    show_open_block(o, "children", NULL, "{");
    for (size_t i = 0; i < c->n_children; i++)
        show_child(o, &c->children[i]);
    for (size_t i = 0; i < c->n_shunts; i++)
        show_child(o, &c->shunts[i]);
    show_close_block(o, "}", false);
    show_close_block(o, "}", true);
}

static void ranges_field(struct show_out *o, const struct origins *from, const char *key, const char *origin,
                         const struct ip_range *v, size_t n)
{
    char a[IP_TEXT_MAX], b[IP_TEXT_MAX];
    show_begin_value(o);
    for (size_t i = 0; i < n; i++) {
        text_printf(&o->t, "%s%s", show_separator(o), ip_format(v[i].from, a));
        if (!ip_equal(v[i].from, v[i].to))
            text_printf(&o->t, "-%s", ip_format(v[i].to, b));
    }
    show_field_from(o, key, origin_of(from, origin));
}

static void show_pool(struct show_out *o, const struct pool_config *p)
{
    char title[300];
    const struct origins *from = &p->origins;
    snprintf(title, sizeof(title), "pool %s", p->name);
    show_open_block(o, p->name, title, "{");
    ranges_field(o, from, "addrs", "addrs", p->ranges, p->n_ranges);
    ranges_field(o, from, "exclude", "exclude", p->excluded, p->n_excluded);
    show_begin_value(o);
    text_printf(&o->t, "%llu", (unsigned long long)pool_ranges_size(p->ranges, p->n_ranges));
    show_field_from(o, "size", origin_of(from, "addrs"));
    for (size_t i = 0; i < p->n_attrs; i++) {
        const char *key = p->attrs[i].key;
        if (i && strcmp(key, p->attrs[i - 1].key) == 0)
            continue;
        show_begin_value(o);
        for (size_t k = i; k < p->n_attrs && strcmp(p->attrs[k].key, key) == 0; k++)
            text_printf(&o->t, "%s%s", show_separator(o), p->attrs[k].text);
        show_field(o, from, key);
    }
    show_close_block(o, "}", true);
}

static void show_secrets(struct show_out *o, const struct config *c)
{
    char buf[ID_TEXT_MAX];
    show_open_block(o, "secrets", NULL, "[");
    for (size_t i = 0; i < c->n_secrets; i++) {
        const struct shared_secret *s = &c->secrets[i];
        show_open_block(o, NULL, "secret", "{");
        show_begin_value(o);
        for (size_t k = 0; k < s->n_owners; k++)
            text_printf(&o->t, "%s%s", show_separator(o), identity_format(&s->owners[k], buf));
        if (s->n_owners == 0)
            text_str(&o->t, "%any");
        show_field_from(o, "owners", &s->origin);
        show_begin_value(o);
        text_str(&o->t, "set"); /* never the thing itself */
        show_field_from(o, "psk", &s->origin);
        show_close_block(o, "}", true);
    }
    show_close_block(o, "]", false);
}

static void show_ppks(struct show_out *o, const struct config *c)
{
    char buf[ID_TEXT_MAX];
    show_open_block(o, "ppks", NULL, "[");
    for (size_t i = 0; i < c->n_ppks; i++) {
        const struct ppk *p = &c->ppks[i];
        show_open_block(o, NULL, "ppk", "{");
        show_begin_value(o);
        for (size_t k = 0; k < p->n_ids; k++)
            text_printf(&o->t, "%s%s", show_separator(o), identity_format(&p->ids[k], buf));
        if (p->n_ids == 0)
            text_str(&o->t, "%any");
        show_field_from(o, "ids", &p->origin);
        show_begin_value(o);
        text_str(&o->t, p->pad ? p->pad : "set"); /* never the thing itself */
        show_field_from(o, p->pad ? "pad" : "secret", &p->origin);
        show_close_block(o, "}", true);
    }
    show_close_block(o, "]", false);
}

static void show_keys(struct show_out *o, const struct config *c)
{
    static const char *const types[] = {
        [PKEY_RSA] = "RSA", [PKEY_ECDSA] = "ECDSA", [PKEY_ED25519] = "Ed25519", [PKEY_ED448] = "Ed448"};
    show_open_block(o, "keys", NULL, "[");
    for (size_t i = 0; i < c->n_keys; i++) {
        uint8_t id[20];
        show_open_block(o, NULL, "private key", "{");
        show_begin_value(o);
        text_printf(&o->t, "%s %u", types[pkey_type(c->keys[i].key)], pkey_bits(c->keys[i].key));
        show_field_from(o, "type", &c->keys[i].origin);
        pkey_keyid(c->keys[i].key, id);
        show_begin_value(o);
        text_hex(&o->t, span_of(id, sizeof(id)));
        show_field_from(o, "keyid", &c->keys[i].origin);
        show_close_block(o, "}", true);
    }
    show_close_block(o, "]", false);
}

static void show_numbers(struct show_out *o, const struct settings *s)
{
    show_number_field(o, &s->origins, "reqid_base", s->reqid_base);
    show_begin_value(o);
    text_printf(&o->t, "0x%08x", s->spi_min);
    show_field(o, &s->origins, "spi_min");
    show_begin_value(o);
    text_printf(&o->t, "0x%08x", s->spi_max);
    show_field(o, &s->origins, "spi_max");
}

/* Virtual addresses: ours, and what clients are told. */
static void show_for_clients(struct show_out *o, const struct settings *s)
{
    show_bool_field(o, &s->origins, "install_virtual_ip", s->installs_vips);
    show_word_field(o, &s->origins, "install_virtual_ip_on", s->vip_device ? s->vip_device : "");
    show_begin_value(o);
    for (size_t i = 0; i < s->n_attrs; i++)
        text_printf(&o->t, "%s%u=%s", show_separator(o), s->attrs[i].type, s->attrs[i].text);
    show_field(o, &s->origins, s->n_attrs ? s->attrs[0].key : "attributes");
}

static void show_of_plugins(struct show_out *o, const struct settings *s)
{
    const struct origins *from = &s->origins;
    show_bool_field(o, from, "plugins.revocation.enable_crl", s->uses_crls);
    show_bool_field(o, from, "plugins.revocation.enable_ocsp", s->uses_ocsp);
    show_time_field(o, from, "plugins.revocation.timeout", s->revocation_timeout);
    show_iptfs(o, from, &s->iptfs, iptfs_of_all, true);
    show_number_field(o, from, "plugins.kernel-netlink.mtu", s->route_mtu);
    show_number_field(o, from, "plugins.kernel-netlink.mss", s->route_mss);
    show_bool_field(o, from, "plugins.kernel-netlink.roam_events", s->heeds_roaming);
    show_word_field(o, from, "plugins.stroke.secrets_file", s->ipsec_secrets ? s->ipsec_secrets : "");
}

static void show_settings(struct show_out *o, const struct settings *s)
{
    static const char *const esp_path[] = {
        [ESP_PATH_AUTO] = "auto", [ESP_PATH_PACKET] = "packet", [ESP_PATH_RAW] = "raw"};
    static const char *const dialects[] = {"auto", "libreswan", "strongswan"};
    const struct origins *from = &s->origins;
    show_open_block(o, "settings", "settings", "{");
    show_word_field(o, from, "dataplane", dataplane_name(s->dataplane));
    show_number_field(o, from, "dataplane_workers", s->dataplane_workers);
    show_word_field(o, from, "esp_path", esp_path[s->esp_path]);
    show_word_field(o, from, "ipsec_dialect", dialects[s->ipsec_dialect]);
    show_word_field(o, from, "key_store", s->key_store ? s->key_store : "");
    show_word_field(o, from, "resolv_conf", s->resolv_conf ? s->resolv_conf : "");
    show_word_field(o, from, "vici_socket", s->vici_socket ? s->vici_socket : "");
    show_begin_value(o);
    for (unsigned i = 0; i < s->n_tcp_ports; i++)
        text_printf(&o->t, "%s%u", show_separator(o), s->tcp_ports[i]);
    show_field(o, from, "listen_tcp");
    show_number_field(o, from, "port", s->port);
    show_number_field(o, from, "port_natt", s->port_natt);
    show_time_field(o, from, "retransmit_timeout", s->retransmit_timeout);
    show_begin_value(o);
    text_printf(&o->t, "%g", s->retransmit_base);
    show_field(o, from, "retransmit_base");
    show_number_field(o, from, "retransmit_tries", s->retransmit_tries);
    show_time_field(o, from, "retransmit_limit", s->retransmit_limit);
    show_number_field(o, from, "retransmit_jitter", s->retransmit_jitter);
    show_time_field(o, from, "half_open_timeout", s->half_open_timeout);
    show_number_field(o, from, "cookie_threshold", s->cookie_threshold);
    show_number_field(o, from, "cookie_threshold_ip", s->cookie_threshold_ip);
    show_number_field(o, from, "block_threshold", s->block_threshold);
    show_number_field(o, from, "null_auth_limit", s->null_auth_limit);
    show_number_field(o, from, "null_auth_per_address", s->null_auth_per_address);
    show_number_field(o, from, "init_limit_half_open", s->init_limit_half_open);
    show_number_field(o, from, "init_limit_job_load", s->init_limit_job_load);
    show_number_field(o, from, "ikesa_limit", s->ikesa_limit);
    show_bool_field(o, from, "inactivity_close_ike", s->inactivity_close_ike);
    show_time_field(o, from, "keep_alive", s->keep_alive);
    show_time_field(o, from, "keep_alive_dpd_margin", s->keep_alive_dpd_margin);
    show_time_field(o, from, "retry_initiate_interval", s->retry_initiate_interval);
    show_time_field(o, from, "delete_rekeyed_delay", s->delete_rekeyed_delay);
    show_numbers(o, s);
    show_number_field(o, from, "fragment_size", s->fragment_size);
    show_number_field(o, from, "max_packet", s->max_packet);
    show_number_field(o, from, "replay_window", s->replay_window);
    show_bool_field(o, from, "install_routes", s->installs_routes);
    show_for_clients(o, s);
    show_bool_field(o, from, "reuse_ikesa", s->reuses_ike_sas);
    show_bool_field(o, from, "prefer_configured_proposals", s->prefers_own_proposals);
    show_bool_field(o, from, "signature_authentication", s->announces_hashes);
    show_bool_field(o, from, "rsa_pss", s->prefers_pss);
    show_bool_field(o, from, "send_vendor_id", s->sends_vendor_id);
    show_word_field(o, from, "interfaces_use", s->interfaces_use ? s->interfaces_use : "");
    show_word_field(o, from, "interfaces_ignore", s->interfaces_ignore ? s->interfaces_ignore : "");
    show_of_plugins(o, s);
    show_bool_field(o, from, "cache_crls", s->caches_crls);
    show_bool_field(o, from, "dns_keys", s->asks_dns);
    show_begin_value(o);
    for (size_t i = 0; i < s->n_dns_trust_anchors; i++)
        text_printf(&o->t, "%s%s", show_separator(o), s->dns_trust_anchors[i]);
    show_field(o, from, "dns_trust_anchors");
    show_word_field(o, from, "dns_resolv_conf", s->dns_resolv_conf);
    show_bool_field(o, from, "hash_and_url", s->uses_hash_and_url);
    show_bool_field(o, from, "follow_redirects", s->follows_redirects);
    show_bool_field(o, from, "make_before_break", s->makes_before_break);
    show_number_field(o, from, "routing_table", (uint64_t)s->routing_table);
    show_number_field(o, from, "routing_table_prio", (uint64_t)s->routing_table_prio);
    show_close_block(o, "}", true);
}

static void show_uris(struct show_out *o, const struct authority *a, const char *key, const char *const *v,
                      size_t n)
{
    show_begin_value(o);
    for (size_t i = 0; i < n; i++)
        text_printf(&o->t, "%s%s", show_separator(o), v[i]);
    show_field(o, &a->origins, key);
}

static void show_revocation(struct show_out *o, const struct config *c)
{
    show_open_block(o, "revocation", NULL, "{");
    for (size_t i = 0; i < c->n_authorities; i++) {
        const struct authority *a = &c->authorities[i];
        show_open_block(o, a->name, a->name, "{");
        show_word_field(o, &a->origins, "cacert", a->trust.ca ? cert_subject_text(a->trust.ca) : "");
        show_uris(o, a, "crl_uris", a->trust.crl_uris, a->trust.n_crl_uris);
        show_uris(o, a, "ocsp_uris", a->trust.ocsp_uris, a->trust.n_ocsp_uris);
        show_word_field(o, &a->origins, "cert_uri_base", a->cert_uri_base ? a->cert_uri_base : "");
        show_close_block(o, "}", true);
    }
    show_close_block(o, "}", false);
}

bool conf_show(const struct config *c, const char *connection, bool json, const struct conf_sink *sink)
{
    struct show_out o = {.sink = sink, .json = json};
    const struct connection *only = connection ? config_find(c, connection) : NULL;
    const struct origins none = {0};
    if (connection && !only)
        return false;
    show_open_block(&o, NULL, NULL, "{");
    if (json) {
        show_item(&o, "schema");
        show_put(&o, "1");
    }
    show_open_block(&o, "connections", NULL, "{");
    for (size_t i = 0; i < c->n_connections; i++) {
        if (!only || only == c->connections[i])
            show_connection(&o, c->connections[i]);
    }
    show_close_block(&o, "}", false);
    if (!only) {
        show_open_block(&o, "pools", NULL, "{");
        for (size_t i = 0; i < c->n_pools; i++)
            show_pool(&o, &c->pools[i]);
        show_close_block(&o, "}", false);
        show_secrets(&o, c);
        show_ppks(&o, c);
        show_keys(&o, c);
        show_certs_field(&o, &none, "certificates", &c->certs);
        show_certs_field(&o, &none, "authorities", &c->cas);
        show_certs_field(&o, &none, "attribute authorities", &c->aas);
        show_pubkeys_field(&o, &none, "public keys", &c->pubkeys);
        show_revocation(&o, c);
        show_settings(&o, &c->settings);
        show_logging(&o, &c->logging);
    }
    show_close_block(&o, "}", false);
    show_put(&o, json ? "\n" : "");
    return true;
}
