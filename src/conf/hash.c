/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers over everything that a connection does, its IKE SA and each of its children apart: a reload leaves
 * alone what did not change. Origins do not count, nor does what sys resolves. FNV-1a: nobody attacks their
 * own configuration. */
#include "conf/build.h"

#define BASIS UINT64_C(0xcbf29ce484222325)

static void mix(uint64_t *h, const void *p, size_t len)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < len; i++)
        *h = (*h ^ b[i]) * UINT64_C(0x100000001b3);
}

static void mix_u64(uint64_t *h, uint64_t v)
{
    mix(h, &v, sizeof(v));
}

static void mix_span(uint64_t *h, struct span s)
{
    mix_u64(h, s.len);
    if (s.len)
        mix(h, s.ptr, s.len);
}

static void mix_text(uint64_t *h, const char *s)
{
    mix_u64(h, s != NULL);
    if (s)
        mix_span(h, span_str(s));
}

static void mix_ip(uint64_t *h, struct ip ip)
{
    mix_u64(h, ip.family);
    mix(h, ip.b, sizeof(ip.b));
}

static void mix_hosts(uint64_t *h, const struct host_spec *v, size_t n)
{
    mix_u64(h, n);
    for (size_t i = 0; i < n; i++) {
        mix_ip(h, v[i].from);
        mix_ip(h, v[i].to);
        mix_text(h, v[i].fqdn);
        mix_u64(h, v[i].is_any);
    }
}

static void mix_proposals(uint64_t *h, const struct proposal_list *l)
{
    mix_u64(h, l->n);
    for (size_t i = 0; i < l->n; i++) {
        mix_u64(h, (uint64_t)l->v[i].protocol << 32 | l->v[i].count);
        for (size_t k = 0; k < l->v[i].count; k++)
            mix_u64(h, (uint64_t)l->v[i].t[k].type << 32 | (uint64_t)l->v[i].t[k].id << 16 |
                           l->v[i].t[k].key_bits);
    }
}

static void mix_certs(uint64_t *h, const struct cert_list *l)
{
    mix_u64(h, l->n);
    for (size_t i = 0; i < l->n; i++)
        mix_span(h, cert_der(l->v[i]));
}

static void mix_keys(uint64_t *h, const struct pkey_list *l)
{
    mix_u64(h, l->n);
    for (size_t i = 0; i < l->n; i++)
        mix_span(h, pkey_spki(l->v[i]));
}

static void mix_id(uint64_t *h, const struct identity *id)
{
    mix_u64(h, id != NULL);
    if (id) {
        mix_u64(h, id->type);
        mix_span(h, id->data);
    }
}

static void mix_side(uint64_t *h, const struct auth_side *s)
{
    mix_u64(h, s->method);
    mix_u64(h, s->round);
    mix_id(h, &s->id);
    mix_certs(h, &s->certs);
    mix_certs(h, &s->cacerts);
    mix_keys(h, &s->pubkeys);
    mix_u64(h, s->asks_dns);
    mix_id(h, s->ca_id);
    mix_id(h, s->cert_id);
    mix_u64(h, s->revocation);
    mix_u64(h, s->n_cert_policy);
    for (size_t i = 0; i < s->n_cert_policy; i++)
        mix_text(h, s->cert_policy[i]);
    mix_u64(h, s->n_groups);
    for (size_t i = 0; i < s->n_groups; i++)
        mix_text(h, s->groups[i]);
    mix_u64(h, s->n_schemes);
    for (size_t i = 0; i < s->n_schemes; i++)
        mix_u64(h, (uint64_t)s->schemes[i].type << 32 | (uint64_t)s->schemes[i].hash << 1 |
                       s->schemes[i].is_pss);
    mix_u64(h, s->min_rsa_bits);
    mix_u64(h, s->min_ecdsa_bits);
}

static void mix_ts(uint64_t *h, const struct ts *v, size_t n)
{
    mix_u64(h, n);
    for (size_t i = 0; i < n; i++) {
        mix_ip(h, v[i].from);
        mix_ip(h, v[i].to);
        mix_u64(h, (uint64_t)v[i].proto << 40 | (uint64_t)v[i].port_from << 24 | (uint64_t)v[i].port_to << 8 |
                       v[i].is_dynamic);
    }
}

static void mix_kernel_side(uint64_t *h, const struct kernel_side *s)
{
    mix_u64(h, (uint64_t)s->mark.value << 32 | s->mark.mask);
    mix_u64(h, (uint64_t)s->set_mark.value << 32 | s->set_mark.mask);
    mix_u64(h, s->if_id);
}

static void mix_kernel(uint64_t *h, const struct kernel_options *k)
{
    mix_kernel_side(h, &k->in);
    mix_kernel_side(h, &k->out);
    mix_u64(h, (uint64_t)k->offload << 3 | (uint64_t)k->marks_inbound_sa << 2 |
                   (uint64_t)k->is_set_mark_same_in << 1 | k->is_set_mark_same_out);
    const struct iptfs_options *o = &k->iptfs;
    mix_u64(h, (uint64_t)o->accepts_fragments << 1 | o->sends_whole);
    mix_u64(h, (uint64_t)o->packet_size << 32 | o->max_queue_size);
    mix_u64(h, (uint64_t)o->init_delay << 32 | o->drop_time);
    mix_u64(h, o->reorder_window);
    mix_text(h, k->device);
    mix_text(h, k->interface.name);
    mix_ip(h, k->interface.address);
    mix_u64(h, (uint64_t)k->interface.bits << 8 | (uint64_t)k->interface.kind << 1 | k->interface.is_routed);
}

static void mix_child(uint64_t *h, const struct child_config *c)
{
    mix_text(h, c->name);
    mix_ts(h, c->local_ts, c->n_local_ts);
    mix_ts(h, c->remote_ts, c->n_remote_ts);
    mix_proposals(h, &c->proposals);
    const uint64_t numbers[] = {
        (uint64_t)c->life.rekey_time,
        (uint64_t)c->life.life_time,
        (uint64_t)c->life.rand_time,
        c->life.rekey_bytes,
        c->life.life_bytes,
        c->life.rand_bytes,
        c->life.rekey_packets,
        c->life.life_packets,
        c->life.rand_packets,
        c->mode,
        c->start_action,
        c->dpd_action,
        c->close_action,
        c->replay_window,
        c->reqid,
        c->priority,
        (uint64_t)c->inactivity,
        c->copies_df,
        c->copies_ecn,
        c->copy_dscp,
        c->dscp,
        c->installs_policies,
        c->truncates_sha256,
        c->has_ipcomp,
        c->per_cpu,
        c->tfc_padding,
        c->has_hostaccess,
        c->updown_style,
        c->opens_firewall,
        c->peer_decides,
    };
    mix(h, numbers, sizeof(numbers));
    mix_kernel(h, &c->kernel);
    mix_text(h, c->updown);
    mix(h, &c->source, sizeof(c->source));
}

static uint64_t ike_hash(const struct connection *c)
{
    uint64_t h = BASIS;
    mix_hosts(&h, c->local_addrs, c->n_local_addrs);
    mix_hosts(&h, c->remote_addrs, c->n_remote_addrs);
    mix_u64(&h, c->n_vips);
    for (size_t i = 0; i < c->n_vips; i++)
        mix_ip(&h, c->vips[i]);
    mix_u64(&h, c->n_pools);
    for (size_t i = 0; i < c->n_pools; i++)
        mix_text(&h, c->pools[i]);
    mix_proposals(&h, &c->proposals);
    for (int local = 0; local < 2; local++) {
        mix_u64(&h, connection_rounds(c, local));
        for (size_t i = 0; i < connection_rounds(c, local); i++)
            mix_side(&h, connection_round(c, local, i));
    }
    mix_ip(&h, c->redirect.ip);
    mix_text(&h, c->redirect.name);
    mix_id(&h, c->ppk_id);
    mix_u64(&h, c->ppk_required);
    const uint64_t numbers[] = {
        (uint64_t)c->version,
        c->local_port,
        c->remote_port,
        (uint64_t)c->rekey_time,
        (uint64_t)c->over_time,
        (uint64_t)c->rand_time,
        (uint64_t)c->reauth_time,
        (uint64_t)c->dpd_delay,
        c->keyingtries,
        c->unique,
        c->childless,
        c->redirect_when,
        c->retries_forever,
        c->encap,
        c->does_mobike,
        c->fragmentation,
        c->send_cert,
        c->sends_certreq,
        c->ocsp,
        c->dataplane,
        c->dscp,
    };
    mix(&h, numbers, sizeof(numbers));
    mix_u64(&h, c->detects_crashes);
    mix_u64(&h, c->resumes_sessions);
    mix_u64(&h, c->syncs_message_ids);
    mix_u64(&h, c->window);
    mix_u64(&h, (uint64_t)c->tcp << 16 | c->tcp_port);
    return h;
}

uint64_t child_config_hash(const struct child_config *c)
{
    uint64_t h = BASIS;
    mix_child(&h, c);
    return h;
}

void connection_hash(struct connection *c)
{
    uint64_t h = c->ike_hash = ike_hash(c);
    mix_text(&h, c->name);
    mix_u64(&h, (uint64_t)c->if_id_in << 32 | c->if_id_out); /* which its children have already */
    mix_u64(&h, c->n_children);
    for (size_t i = 0; i < c->n_children; i++)
        mix_u64(&h, c->children[i].hash);
    for (size_t i = 0; i < c->n_shunts; i++)
        mix_u64(&h, c->shunts[i].hash);
    c->hash = h;
}
