/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in a snapshot by name, by a peer's addresses and identity, and of secrets: by hash, so that what
 * one exchange costs does not grow with the number of connections. Connections with the same addresses are
 * one group; in it they are found by the peer's exact identity, and those that name a pattern or nobody are
 * looked through. The index is made once and lives as long as the snapshot. */
#include "model/lookup.h"
#include "base/bag.h"
#include "model/connection.h"
#include <stdlib.h>

struct group;

struct entry { /* one connection, or the owner of a secret */
    struct bag_link link;
    union {
        const struct connection *conn;
        const struct shared_secret *secret;
    };
    const struct group *group; /* of by_id's */
    bool has_other_cas;        /* by_name's: a kind, and some of those that it stands for accept other CAs */
};

struct group { /* connections with the same addresses */
    struct bag_link by_spec, by_remote;
    const struct connection *first;
    bool is_exact; /* one remote address: only found by that */
    size_t *kinds; /* positions */
    size_t n_kinds, cap_kinds;
};

struct config_index {
    struct bag names, groups, groups_by_remote, ids, secrets;
    struct entry *by_name, *by_id, *owners;
    struct group *all;
    size_t n_groups;
    bool has_mode[MODE_IPTFS + 1];
    bool has_rounds;
};

/* Where those stand that an exact key does not find. */
enum { HASH_WIDE = 1, HASH_PATTERN = 2 };

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

bool hosts_hold(const struct host_spec *v, size_t n, struct ip ip)
{
    return hosts_score(v, n, ip) > 0;
}

static int peer_score(const struct connection *c, struct ip local, struct ip remote)
{
    int l = hosts_score(c->local_addrs, c->n_local_addrs, local);
    int r = hosts_score(c->remote_addrs, c->n_remote_addrs, remote);
    return l && r ? l + r : 0;
}

/* ---- making the index */

static uint64_t mix(uint64_t h, uint64_t v)
{
    return map_hash_u64(h ^ v * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t ip_hash(struct ip ip)
{
    return mix(map_hash(ip_view(&ip)), ip.family);
}

/* Alike for peer_score(): a name counts as any address. */
static uint64_t hosts_hash(uint64_t h, const struct host_spec *v, size_t n)
{
    h = mix(h, n);
    for (size_t i = 0; i < n; i++)
        h = v[i].is_any || v[i].fqdn ? mix(h, 1) : mix(mix(h, ip_hash(v[i].from)), ip_hash(v[i].to));
    return h;
}

static bool same_hosts(const struct host_spec *a, size_t n_a, const struct host_spec *b, size_t n_b)
{
    bool same = n_a == n_b;
    for (size_t i = 0; same && i < n_a; i++) {
        bool any_a = a[i].is_any || a[i].fqdn, any_b = b[i].is_any || b[i].fqdn;
        same = any_a == any_b && (any_a || (ip_equal(a[i].from, b[i].from) && ip_equal(a[i].to, b[i].to)));
    }
    return same;
}

static struct group *group_of(struct config_index *x, const struct connection *c)
{
    uint64_t h =
        hosts_hash(hosts_hash(3, c->local_addrs, c->n_local_addrs), c->remote_addrs, c->n_remote_addrs);
    const struct bag_link *at;
    list_each(at, bag_list(&x->groups, h), link)
    {
        struct group *g = container_of(at, struct group, by_spec);
        if (same_hosts(g->first->local_addrs, g->first->n_local_addrs, c->local_addrs, c->n_local_addrs) &&
            same_hosts(g->first->remote_addrs, g->first->n_remote_addrs, c->remote_addrs, c->n_remote_addrs))
            return g;
    }
    struct group *g = &x->all[x->n_groups++];
    const struct host_spec *r = c->remote_addrs;
    g->first = c;
    g->is_exact = c->n_remote_addrs == 1 && !r->is_any && !r->fqdn && ip_equal(r->from, r->to);
    bag_put(&x->groups, &g->by_spec, h);
    bag_put(&x->groups_by_remote, &g->by_remote, g->is_exact ? ip_hash(r->from) : HASH_WIDE);
    return g;
}

static bool same_proposals(const struct proposal_list *a, const struct proposal_list *b)
{
    if (a->v == b->v && a->n == b->n)
        return true;
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) {
        same = a->v[i].count == b->v[i].count;
        for (size_t k = 0; same && k < a->v[i].count; k++)
            same = a->v[i].t[k].type == b->v[i].t[k].type && a->v[i].t[k].id == b->v[i].t[k].id &&
                   a->v[i].t[k].key_bits == b->v[i].t[k].key_bits;
    }
    return same;
}

static bool same_schemes(const struct auth_side *a, const struct auth_side *b)
{
    bool same = a->n_schemes == b->n_schemes;
    for (size_t i = 0; same && i < a->n_schemes; i++)
        same = a->schemes[i].type == b->schemes[i].type && a->schemes[i].hash == b->schemes[i].hash &&
               a->schemes[i].is_pss == b->schemes[i].is_pss;
    return same;
}

/* What the peer has to do to prove who it is, in all rounds. */
static bool same_demands(const struct connection *a, const struct connection *b)
{
    size_t n = connection_rounds(a, false);
    bool same = n == connection_rounds(b, false);
    for (size_t i = 0; same && i < n; i++) {
        const struct auth_side *x = connection_round(a, false, i), *y = connection_round(b, false, i);
        same = x->method == y->method && same_schemes(x, y);
    }
    return same;
}

static bool same_cas(const struct connection *a, const struct connection *b)
{
    bool same = true;
    for (size_t i = 0; same && i < connection_rounds(a, false); i++) {
        const struct cert_list *x = &connection_round(a, false, i)->cacerts,
                               *y = &connection_round(b, false, i)->cacerts;
        same = x->n == y->n;
        for (size_t k = 0; same && k < x->n; k++)
            same = span_equal(cert_der(x->v[k]), cert_der(y->v[k]));
    }
    return same;
}

static void note_kind(struct config_index *x, struct group *g, const struct connection *const *all,
                      size_t position)
{
    const struct connection *c = all[position];
    for (size_t i = 0; i < g->n_kinds; i++) {
        const struct connection *k = all[g->kinds[i]];
        if (same_proposals(&k->proposals, &c->proposals) && k->sends_certreq == c->sends_certreq &&
            same_demands(k, c)) {
            x->by_name[g->kinds[i]].has_other_cas |= !same_cas(k, c);
            return;
        }
    }
    if (g->n_kinds == g->cap_kinds) {
        size_t cap = g->cap_kinds ? 2 * g->cap_kinds : 2;
        size_t *v = realloc(g->kinds, cap * sizeof(*v));
        if (!v)
            abort();
        g->kinds = v;
        g->cap_kinds = cap;
    }
    g->kinds[g->n_kinds++] = position;
}

static uint64_t id_key(const struct group *g, const struct identity *id)
{
    return mix((uint64_t)(uintptr_t)g, identity_is_pattern(id) ? HASH_PATTERN : identity_hash(id));
}

static uint64_t owner_key(const struct identity *id)
{
    return identity_is_pattern(id) ? HASH_PATTERN : identity_hash(id);
}

static void index_connections(struct config_index *x, const struct config *c)
{
    for (size_t i = 0; i < c->n_connections; i++) {
        const struct connection *conn = c->connections[i];
        x->by_name[i].conn = x->by_id[i].conn = conn;
        bag_put(&x->names, &x->by_name[i].link, map_hash(span_str(conn->name)));
        if (!connection_has_ike(conn))
            continue;
        struct group *g = group_of(x, conn);
        note_kind(x, g, c->connections, i);
        x->has_rounds |= connection_has_rounds(conn);
        x->by_id[i].group = g;
        for (size_t k = 0; k < conn->n_children; k++)
            x->has_mode[conn->children[k].mode] = true;
        bag_put(&x->ids, &x->by_id[i].link, id_key(g, &conn->remote.id));
    }
}

static void index_secrets(struct config_index *x, const struct config *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_secrets; i++)
        n += c->secrets[i].n_owners + 1;
    x->owners = mem_new((n + 1) * sizeof(*x->owners));
    n = 0;
    for (size_t i = 0; i < c->n_secrets; i++) {
        const struct shared_secret *s = &c->secrets[i];
        for (size_t k = 0; k < s->n_owners + (s->n_owners == 0); k++) {
            x->owners[n].secret = s;
            bag_put(&x->secrets, &x->owners[n++].link, s->n_owners ? owner_key(&s->owners[k]) : HASH_PATTERN);
        }
    }
}

static struct config_index *index_of(const struct config *c)
{
    if (c->index)
        return c->index;
    struct config_index *x = mem_new(sizeof(*x));
    struct bag *const bags[] = {&x->names, &x->groups, &x->groups_by_remote, &x->ids, &x->secrets};
    for (size_t i = 0; i < ARRAY_LEN(bags); i++)
        bag_init(bags[i]);
    x->by_name = mem_new((c->n_connections + 1) * sizeof(*x->by_name));
    x->by_id = mem_new((c->n_connections + 1) * sizeof(*x->by_id));
    x->all = mem_new((c->n_connections + 1) * sizeof(*x->all));
    index_connections(x, c);
    index_secrets(x, c);
    ((struct config *)c)->index = x;
    return x;
}

void config_index(const struct config *c)
{
    index_of(c);
}

void config_index_free(struct config_index *x)
{
    if (!x)
        return;
    struct bag *const bags[] = {&x->names, &x->groups, &x->groups_by_remote, &x->ids, &x->secrets};
    for (size_t i = 0; i < ARRAY_LEN(bags); i++)
        bag_deinit(bags[i]);
    for (size_t i = 0; i < x->n_groups; i++)
        free(x->all[i].kinds);
    free(x->by_name);
    free(x->by_id);
    free(x->owners);
    free(x->all);
    free(x);
}

/* ---- looking */

bool config_uses_mode(const struct config *c, enum child_mode m)
{
    return index_of(c)->has_mode[m];
}

bool config_has_rounds(const struct config *c)
{
    return index_of(c)->has_rounds;
}

const struct connection *config_find(const struct config *c, const char *name)
{
    const struct bag_link *at;
    if (!name)
        return NULL;
    list_each(at, bag_list(&index_of(c)->names, map_hash(span_str(name))), link)
    {
        const struct connection *conn = container_of(at, struct entry, link)->conn;
        if (strcmp(conn->name, name) == 0)
            return conn;
    }
    return NULL;
}

struct candidate {
    size_t position;
    int score;
};

struct candidates {
    struct candidate *v;
    size_t n, cap;
    struct arena *a;
};

static void add(struct candidates *s, size_t position, int score)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 8;
        struct candidate *v = arena_calloc(s->a, cap, sizeof(*v));
        if (!v)
            return;
        if (s->n)
            memcpy(v, s->v, s->n * sizeof(*v));
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = (struct candidate){.position = position, .score = score};
}

static int by_score(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return y->score - x->score;
    return x->position < y->position ? -1 : x->position > y->position;
}

static struct connection_set sorted(const struct config *c, struct candidates *s)
{
    struct connection_set out = {.v = arena_calloc(s->a, s->n + 1, sizeof(*out.v))};
    if (s->n)
        qsort(s->v, s->n, sizeof(*s->v), by_score);
    for (; out.v && out.n < s->n; out.n++)
        out.v[out.n] = c->connections[s->v[out.n].position];
    return out;
}

static void add_by_id(struct candidates *s, const struct config_index *x, uint64_t key, int score,
                      const struct group *g)
{
    const struct bag_link *at;
    list_each(at, bag_list(&x->ids, key), link)
    {
        const struct entry *e = container_of(at, struct entry, link);
        if (e->group == g)
            add(s, (size_t)(e - x->by_id), score);
    }
}

static struct connection_set match(const struct config *c, struct arena *a, struct ip local, struct ip remote,
                                   const struct identity *id)
{
    struct config_index *x = index_of(c);
    struct candidates s = {.a = a};
    const uint64_t where[] = {ip_hash(remote), HASH_WIDE};
    const struct bag_link *at;
    for (size_t i = 0; i < ARRAY_LEN(where); i++) {
        list_each(at, bag_list(&x->groups_by_remote, where[i]), link)
        {
            const struct group *g = container_of(at, struct group, by_remote);
            int score = peer_score(g->first, local, remote);
            if (!score)
                continue;
            for (size_t k = 0; !id && k < g->n_kinds; k++)
                add(&s, g->kinds[k], score);
            if (id && !identity_is_pattern(id))
                add_by_id(&s, x, id_key(g, id), score, g);
            if (id)
                add_by_id(&s, x, mix((uint64_t)(uintptr_t)g, HASH_PATTERN), score, g);
        }
    }
    return sorted(c, &s);
}

struct connection_set config_peer_kinds(const struct config *c, struct arena *a, struct ip local,
                                        struct ip remote)
{
    return match(c, a, local, remote, NULL);
}

bool config_kind_has_one_ca(const struct config *c, const struct connection *kind)
{
    const struct bag_link *at;
    list_each(at, bag_list(&index_of(c)->names, map_hash(span_str(kind->name))), link)
    {
        const struct entry *e = container_of(at, struct entry, link);
        if (e->conn == kind)
            return !e->has_other_cas;
    }
    return false;
}

struct connection_set config_peers(const struct config *c, struct arena *a, struct ip local, struct ip remote,
                                   const struct identity *id)
{
    return match(c, a, local, remote, id);
}

/* ---- secrets */

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
    const struct config_index *x = index_of(c);
    const struct shared_secret *best = NULL;
    int64_t best_score = 0;
    const uint64_t keys[] = {HASH_PATTERN, local ? owner_key(local) : HASH_PATTERN,
                             remote ? owner_key(remote) : HASH_PATTERN};
    const struct bag_link *at;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        list_each(at, bag_list(&x->secrets, keys[i]), link)
        {
            const struct shared_secret *s = container_of(at, struct entry, link)->secret;
            int64_t score = secret_score(s, local, remote);
            if (score > best_score || (score == best_score && best && s < best)) {
                best = s;
                best_score = score;
            }
        }
    }
    return best;
}
