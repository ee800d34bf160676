/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration snapshot: its life, and the look-ups that the engine makes in it. Building one is conf/'s
 * work. */
#include "model/connection.h"
#include <limits.h>
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
        .block_threshold = 5,
        .keep_alive = 20 * INT64_C(1000000),
        .fragment_size = 1280,
        .max_packet = 10000,
        .replay_window = 32,
        .routing_table = 220,
        .routing_table_prio = 220,
        .installs_routes = true,
        .dataplane = "auto",
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

static void list_unref(const struct cert_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        cert_unref(l->v[i]);
}

void config_unref(struct config *c)
{
    if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < c->n_secrets; i++)
        secret_free(&c->secrets[i].secret);
    for (size_t i = 0; i < c->n_keys; i++)
        pkey_unref(c->keys[i].key);
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct connection *conn = c->connections[i];
        list_unref(&conn->local.certs);
        list_unref(&conn->local.cacerts);
        list_unref(&conn->remote.certs);
        list_unref(&conn->remote.cacerts);
    }
    list_unref(&c->cas);
    list_unref(&c->certs);
    arena_free(c->arena);
    free(c);
}

const struct connection *config_find(const struct config *c, const char *name)
{
    for (size_t i = 0; name && i < c->n_connections; i++) {
        if (strcmp(c->connections[i]->name, name) == 0)
            return c->connections[i];
    }
    return NULL;
}

const struct child_config *connection_child(const struct connection *c, const char *name)
{
    for (size_t i = 0; name && i < c->n_children; i++) {
        if (strcmp(c->children[i].name, name) == 0)
            return &c->children[i];
    }
    return NULL;
}

const struct origin *origin_of(const struct origins *o, const char *key)
{
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->v[i].key, key) == 0)
            return &o->v[i];
    }
    return NULL;
}

static int owner_match(const struct shared_secret *s, const struct identity *id)
{
    int best = 0;
    for (size_t i = 0; id && i < s->n_owners; i++) {
        int m = identity_match(id, &s->owners[i]);
        best = m > best ? m : best;
    }
    return best;
}

/* Classes first (both named, the peer named, we named, nobody named), closeness of the match within one. */
static int64_t secret_score(const struct shared_secret *s, const struct identity *local,
                            const struct identity *remote)
{
    if (s->n_owners == 0)
        return 1;
    int64_t mine = owner_match(s, local), theirs = owner_match(s, remote);
    if (!mine && !theirs)
        return 0;
    int64_t class = mine && theirs ? 4 : theirs ? 3 : 2;
    return class << 40 | (mine + theirs);
}

const struct shared_secret *config_secret_for(const struct config *c, const struct identity *local,
                                              const struct identity *remote)
{
    const struct shared_secret *best = NULL;
    int64_t best_score = 0;
    for (size_t i = 0; i < c->n_secrets; i++) {
        int64_t score = secret_score(&c->secrets[i], local, remote);
        if (score > best_score) {
            best = &c->secrets[i];
            best_score = score;
        }
    }
    return best;
}

struct pkey *config_key_for(const struct config *c, const struct pkey *public_key)
{
    for (size_t i = 0; public_key && i < c->n_keys; i++) {
        if (pkey_same(c->keys[i].key, public_key))
            return c->keys[i].key;
    }
    return NULL;
}

/* How many leading bits a range leaves fixed: 32 or 128 for one address. */
static int fixed_bits(const struct host_spec *h)
{
    int bits = h->from.family == 4 ? 32 : 128;
    for (int i = 0; i < bits; i++) {
        if ((h->from.b[i / 8] ^ h->to.b[i / 8]) >> (7 - i % 8) & 1)
            return i;
    }
    return bits;
}

/* 0: no. A name counts as %any: it may stand for any address until it is resolved. */
static int hosts_score(const struct host_spec *v, size_t n, struct ip ip)
{
    int best = n == 0 ? 1 : 0;
    for (size_t i = 0; i < n; i++) {
        int score = 0;
        if (v[i].is_any || v[i].fqdn)
            score = 1;
        else if (v[i].from.family == ip.family && ip_cmp(v[i].from, ip) <= 0 && ip_cmp(ip, v[i].to) <= 0)
            score = 2 + fixed_bits(&v[i]);
        best = score > best ? score : best;
    }
    return best;
}

static int peer_score(const struct connection *c, struct ip local, struct ip remote)
{
    int l = hosts_score(c->local_addrs, c->n_local_addrs, local);
    int r = hosts_score(c->remote_addrs, c->n_remote_addrs, remote);
    return l && r ? l + r : 0;
}

/* Candidates are ordered by falling score, then by position: prev tells how far the caller has come. */
const struct connection *config_match_peer(const struct config *c, struct ip local, struct ip remote,
                                           const struct connection *prev)
{
    int prev_score = prev ? peer_score(prev, local, remote) : INT_MAX;
    const struct connection *best = NULL;
    int best_score = 0;
    bool after_prev = !prev;
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct connection *conn = c->connections[i];
        int score = peer_score(conn, local, remote);
        bool is_later = score < prev_score || (score == prev_score && after_prev);
        if (conn != prev && is_later && score > best_score) {
            best = conn;
            best_score = score;
        }
        after_prev |= conn == prev;
    }
    return best;
}
