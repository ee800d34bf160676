/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration snapshot: its life, and small look-ups in it; those by name, address and identity are in
 * lookup.c. Building one is conf/'s work. */
#include "model/connection.h"
#include "model/lookup.h"
#include "pki/acert.h"
#include "pki/crl.h"
#include <stdlib.h>

void settings_defaults(struct settings *s)
{
    *s = (struct settings){
        .port = 500,
        .port_natt = 4500,
        .retransmit_timeout = 4000 * INT64_C(1000),
        .retransmit_base = 1.8,
        .retransmit_tries = 5,
        .half_open_timeout = 30 * INT64_C(1000000),
        .cookie_threshold = 30,
        .cookie_threshold_ip = 3,
        .block_threshold = 5,
        .null_auth_limit = 1000,
        .null_auth_per_address = 5,
        .init_limit_half_open = 500,
        .keep_alive = 20 * INT64_C(1000000),
        .delete_rekeyed_delay = 5 * INT64_C(1000000),
        .reqid_base = 1,
        .spi_min = 0xc0000000,
        .spi_max = 0xcfffffff,
        .fragment_size = 1280,
        .max_packet = 10000,
        .replay_window = 32,
        .iptfs = {.accepts_fragments = true,
                  .max_queue_size = 1048576,
                  .drop_time = 1000000,
                  .reorder_window = 3},
        .routing_table = 220,
        .routing_table_prio = 220,
        .uses_crls = true,
        .uses_ocsp = true,
        .revocation_timeout = 5 * INT64_C(1000000),
        .heeds_roaming = true,
        .installs_routes = true,
        .installs_vips = true,
        .reuses_ike_sas = true,
        .prefers_own_proposals = true,
        .announces_hashes = true,
        .prefers_pss = true,
        .follows_redirects = true,
        .makes_before_break = true,
        .dns_resolv_conf = "/etc/resolv.conf",
    };
}

struct config *config_new(struct arena *a)
{
    struct config *c = mem_new(sizeof(*c));
    c->arena = a;
    c->refs = 1;
    settings_defaults(&c->settings);
    return c;
}

struct config *config_ref(struct config *c)
{
    if (c)
        __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
    return c;
}

size_t connection_rounds(const struct connection *c, bool is_local)
{
    return 1 + (is_local ? c->more_local.n : c->more_remote.n);
}

const struct auth_side *connection_round(const struct connection *c, bool is_local, size_t round)
{
    if (is_local)
        return round ? &c->more_local.v[round - 1] : &c->local;
    return round ? &c->more_remote.v[round - 1] : &c->remote;
}

bool connection_has_rounds(const struct connection *c)
{
    return c->more_local.n || c->more_remote.n;
}

static void list_unref(const struct cert_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        cert_unref(l->v[i]);
}

static void keys_unref(const struct pkey_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        pkey_unref(l->v[i]);
}

static void sides_unref(const struct connection *conn, bool is_local)
{
    for (size_t i = 0; i < connection_rounds(conn, is_local); i++) {
        list_unref(&connection_round(conn, is_local, i)->certs);
        list_unref(&connection_round(conn, is_local, i)->cacerts);
        keys_unref(&connection_round(conn, is_local, i)->pubkeys);
    }
}

void connection_drop(const struct connection *c)
{
    sides_unref(c, true);
    sides_unref(c, false);
}

static void drop_contents(struct config *c)
{
    for (size_t i = 0; i < c->n_secrets; i++)
        secret_free(&c->secrets[i].secret);
    for (size_t i = 0; i < c->n_ppks; i++)
        secret_free(&c->ppks[i].secret);
    for (size_t i = 0; i < c->n_keys; i++)
        pkey_unref(c->keys[i].key);
    for (size_t i = 0; i < c->n_connections; i++)
        connection_drop(c->connections[i]);
    list_unref(&c->cas);
    list_unref(&c->certs);
    list_unref(&c->aas);
    for (size_t i = 0; i < c->n_cert_files; i++)
        cert_unref(c->cert_files[i].cert);
    for (size_t i = 0; i < c->n_acerts; i++)
        acert_unref(c->acerts[i]);
    keys_unref(&c->pubkeys);
    list_unref(&c->ocsp_signers);
    for (size_t i = 0; i < c->n_crls; i++)
        crl_unref(c->crls[i]);
    for (size_t i = 0; i < c->n_authorities; i++)
        cert_unref(c->authorities[i].trust.ca);
}

void config_unref(struct config *c)
{
    if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (!c->parts)
        drop_contents(c);
    for (size_t i = 0; i < c->n_parts; i++)
        config_unref(c->parts[i]);
    config_index_free(c->index);
    arena_free(c->arena);
    free(c);
}

static int by_pool_name(const void *name, const void *pool)
{
    return strcmp(name, ((const struct pool_config *)pool)->name);
}

const struct pool_config *config_pool(const struct config *c, const char *name)
{
    return c->n_pools ? bsearch(name, c->pools, c->n_pools, sizeof(*c->pools), by_pool_name) : NULL;
}

static bool same_ts(const struct ts *a, size_t n_a, const struct ts *b, size_t n_b)
{
    bool same = n_a == n_b;
    for (size_t i = 0; same && i < n_a; i++)
        same = ts_equal(&a[i], &b[i]);
    return same;
}

bool child_config_is_alike(const struct child_config *a, const struct child_config *b)
{
    return same_ts(a->local_ts, a->n_local_ts, b->local_ts, b->n_local_ts) &&
           same_ts(a->remote_ts, a->n_remote_ts, b->remote_ts, b->n_remote_ts);
}

static const struct child_config *named(const struct child_config *v, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (strcmp(v[i].name, name) == 0)
            return &v[i];
    }
    return NULL;
}

const struct child_config *connection_child(const struct connection *c, const char *name)
{
    return named(c->children, c->n_children, name);
}

const struct child_config *connection_shunt(const struct connection *c, const char *name)
{
    return named(c->shunts, c->n_shunts, name);
}

static const struct child_config *same_in(const struct child_config *v, size_t n,
                                          const struct child_config *old)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i].hash == old->hash && strcmp(v[i].name, old->name) == 0)
            return &v[i];
    }
    return NULL;
}

const struct child_config *connection_same_child(const struct connection *c, const struct child_config *old)
{
    return same_in(c->children, c->n_children, old);
}

const struct child_config *connection_same_shunt(const struct connection *c, const struct child_config *old)
{
    return same_in(c->shunts, c->n_shunts, old);
}

bool connection_has_ike(const struct connection *c)
{
    return c->n_children || !c->n_shunts;
}

const struct origin *origin_of(const struct origins *o, const char *key)
{
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->v[i].key, key) == 0)
            return &o->v[i];
    }
    return NULL;
}

const struct ppk *config_ppk_for(const struct config *c, struct span id)
{
    const struct ppk *any = NULL;
    for (size_t i = 0; i < c->n_ppks; i++) {
        const struct ppk *p = &c->ppks[i];
        for (size_t k = 0; k < p->n_ids; k++) {
            if (span_equal(p->ids[k].data, id))
                return p;
        }
        if (p->n_ids == 0 && !any)
            any = p;
    }
    return any;
}

struct pkey *config_key_for(const struct config *c, const struct pkey *public_key)
{
    for (size_t i = 0; public_key && i < c->n_keys; i++) {
        if (pkey_same(c->keys[i].key, public_key))
            return c->keys[i].key;
    }
    return NULL;
}

const char *child_mode_name(enum child_mode m)
{
    static const char *const names[] = {
        [MODE_TUNNEL] = "tunnel", [MODE_TRANSPORT] = "transport", [MODE_BEET] = "beet",
        [MODE_IPTFS] = "iptfs",   [MODE_PASS] = "pass",           [MODE_DROP] = "drop",
        [MODE_REJECT] = "reject",
    };
    return names[m];
}

bool child_mode_is_tunnel(enum child_mode m)
{
    return m == MODE_TUNNEL || m == MODE_IPTFS;
}

const char *gateway_format(const struct gateway *g, char *buf)
{
    if (g->name)
        return g->name;
    return g->ip.family ? ip_format(g->ip, buf) : "";
}
