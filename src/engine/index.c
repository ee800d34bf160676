/* SPDX-License-Identifier: Apache-2.0 */
/* Where SAs and children are found without looking through all of them: by connection, by who owns a child,
 * by its reqid, by the two identities, and by our identity with the peer's address. An SA's place is brought
 * up to date after each step that touched it. */
#include "engine/impl.h"

static uint64_t name_key(const char *name)
{
    return map_hash(span_str(name));
}

static uint64_t pair_key(uint64_t a, uint64_t b)
{
    return map_hash_u64(a * UINT64_C(0x9e3779b97f4a7c15) ^ b);
}

static uint64_t ids_key(const struct ike_sa *sa)
{
    return pair_key(identity_hash(rounds_local(sa)), identity_hash(rounds_remote(sa)));
}

static uint64_t peer_key(const struct ike_sa *sa)
{
    return pair_key(identity_hash(rounds_local(sa)), map_hash(ip_view(&sa->remote.ip)) + 1);
}

void index_sa(struct engine *e, struct ike_sa *sa)
{
    bag_put(&e->by_conn, &sa->by_conn, name_key(sa->conn->name));
    if (sa->local_id.type == ID_ANY)
        return; /* not known yet */
    bag_put(&e->by_ids, &sa->by_ids, ids_key(sa));
    bag_put(&e->by_peer, &sa->by_peer, peer_key(sa));
}

void index_sa_gone(struct engine *e, struct ike_sa *sa)
{
    bag_take(&e->by_conn, &sa->by_conn);
    bag_take(&e->by_ids, &sa->by_ids);
    bag_take(&e->by_peer, &sa->by_peer);
}

void index_child(struct engine *e, struct child_sa *c)
{
    bag_put(&e->children_by_owner, &c->by_owner, name_key(c->conn->name));
    bag_put(&e->children_by_reqid, &c->by_reqid, map_hash_u64(c->reqid));
}

void index_child_gone(struct engine *e, struct child_sa *c)
{
    bag_take(&e->children_by_owner, &c->by_owner);
    bag_take(&e->children_by_reqid, &c->by_reqid);
}

const struct list *index_of_conn(const struct engine *e, const char *name)
{
    return bag_list(&e->by_conn, name_key(name));
}

const struct list *index_of_owner(const struct engine *e, const char *name)
{
    return bag_list(&e->children_by_owner, name_key(name));
}

const struct list *index_of_reqid(const struct engine *e, uint32_t reqid)
{
    return bag_list(&e->children_by_reqid, map_hash_u64(reqid));
}

const struct list *index_same_ids(const struct engine *e, const struct ike_sa *sa)
{
    return bag_list(&e->by_ids, ids_key(sa));
}

const struct list *index_same_peer(const struct engine *e, const struct ike_sa *sa)
{
    return bag_list(&e->by_peer, peer_key(sa));
}
