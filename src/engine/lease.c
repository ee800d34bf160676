/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses (RFC 7296 section 2.19): those that peers have from our pools, and those that peers gave
 * us. Each is held by as many IKE SAs as have it: one, or two while one replaces the other. One that is ours
 * goes to the device with its first holder and from it with its last, so that a login that takes over the
 * address of another one does not take it away for a moment. */
#include "engine/impl.h"
#include <stdlib.h>

struct lease_answer lease_ask(struct ike_env *env, const struct lease_request *r)
{
    return pools_ask(&engine_of(env)->pools, r);
}

void lease_hold(struct ike_env *env, struct ip ip)
{
    pools_hold(&engine_of(env)->pools, ip);
}

void lease_release(struct ike_env *env, struct ip ip)
{
    pools_release(&engine_of(env)->pools, ip);
}

static struct vip_ref *find(const struct engine *e, struct ip ip)
{
    struct vip_ref *ref;
    list_each(ref, &e->vips, link)
    {
        if (ip_equal(ref->ip, ip))
            return ref;
    }
    return NULL;
}

/* Into the first place of its family that holds another one, so that it is asked for the next time. */
static void note(struct engine *e, const struct ike_sa *sa, struct ip ip)
{
    struct conn_run *r = conn_run_of(e, sa->conn);
    size_t place = VIPS_MAX, nth = 0;
    for (uint8_t i = 0; i < sa->cfg->local.n && !ip_equal(sa->cfg->local.v[i], ip); i++)
        nth += sa->cfg->local.v[i].family == ip.family;
    for (size_t i = 0; i < sa->conn->n_vips && i < VIPS_MAX; i++) {
        if (sa->conn->vips[i].family == ip.family && nth-- == 0) {
            place = i;
            break;
        }
    }
    if (r && place < VIPS_MAX)
        r->vips[place] = ip;
}

void lease_vip(struct ike_env *env, const struct ike_sa *sa, struct ip ip, bool is_added)
{
    struct engine *e = engine_of(env);
    struct vip_ref *ref = find(e, ip);
    if (is_added) {
        note(e, sa, ip);
        if (!ref) {
            ref = mem_new(sizeof(*ref));
            ref->ip = ip;
            list_append(&e->vips, &ref->link);
            outbox_add(env->out, ACTION_ADDRESS_ADD)->address = ip;
        }
        ref->refs++;
    } else if (ref && --ref->refs == 0) {
        outbox_add(env->out, ACTION_ADDRESS_DEL)->address = ip;
        list_remove(&ref->link);
        free(ref);
    }
}

struct ip lease_vip_wanted(void *ctx, const struct ike_sa *sa, size_t i)
{
    const struct conn_run *r = conn_run_of(ctx, sa->conn);
    struct ip configured = sa->conn->vips[i];
    bool is_free = ip_is_unspecified(configured);
    return is_free && r && r->vips[i].family == configured.family ? r->vips[i] : configured;
}

void leases_init(struct engine *e)
{
    pools_init(&e->pools);
    list_init(&e->vips);
}

void leases_deinit(struct engine *e)
{
    struct vip_ref *ref;
    list_each(ref, &e->vips, link) free(ref);
    pools_deinit(&e->pools);
}
