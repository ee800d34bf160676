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

static void put(struct action *a, struct own_address address)
{
    if (a->kind == ACTION_DNS_ADD || a->kind == ACTION_DNS_DEL)
        a->name_server = address.ip;
    else
        a->address = address;
}

/* One holder more of the list's address, or one less. */
static void count(struct ike_env *env, struct list *l, struct own_address address, bool is_added,
                  enum action_kind adds, enum action_kind removes)
{
    struct vip_ref *ref, *found = NULL;
    list_each(ref, l, link)
    {
        if (ip_equal(ref->address.ip, address.ip))
            found = ref;
    }
    if (is_added && !found) {
        found = mem_new(sizeof(*found));
        found->address = address;
        list_append(l, &found->link);
        put(outbox_add(env->out, adds), address);
    }
    if (!found)
        return;
    if (is_added) {
        found->refs++;
    } else if (--found->refs == 0) {
        put(outbox_add(env->out, removes), found->address);
        list_remove(&found->link);
        free(found);
    }
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
    if (is_added)
        note(e, sa, ip);
    if (is_added && !sa->config->settings.installs_vips)
        return; /* what is not there is not taken away, either */
    struct own_address address = {.ip = ip};
    struct diag ignored;
    if (planes_of_sa(e, sa, sa->conn, &address.plane, &ignored) && address.plane == PLANE_KERNEL)
        address.outer_local = sa->local.ip;
    count(env, &e->vips, address, is_added, ACTION_ADDRESS_ADD, ACTION_ADDRESS_DEL);
}

static bool is_elsewhere(const struct engine *e, struct ip ip)
{
    for (size_t i = 0; e->knows_addresses && i < e->n_addresses; i++) {
        if (ip_equal(e->addresses[i], ip))
            return true;
    }
    return false;
}

struct ip lease_source(struct ike_env *env, const struct child_config *cfg, const struct carrier *by)
{
    struct engine *e = engine_of(env);
    struct own_address address = {.ip = cfg->source, .plane = by->plane};
    if (by->plane == PLANE_KERNEL)
        address.outer_local = by->local;
    if (!cfg->source.family || is_elsewhere(e, cfg->source))
        return (struct ip){0};
    count(env, &e->vips, address, true, ACTION_ADDRESS_ADD, ACTION_ADDRESS_DEL);
    return cfg->source;
}

void lease_source_drop(struct ike_env *env, struct ip source)
{
    if (source.family)
        count(env, &engine_of(env)->vips, (struct own_address){.ip = source}, false, ACTION_ADDRESS_ADD,
              ACTION_ADDRESS_DEL);
}

void lease_dns(struct ike_env *env, struct ip ip, bool is_added)
{
    count(env, &engine_of(env)->dns, (struct own_address){.ip = ip}, is_added, ACTION_DNS_ADD,
          ACTION_DNS_DEL);
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
    list_init(&e->dns);
}

void leases_deinit(struct engine *e)
{
    struct vip_ref *ref;
    list_each(ref, &e->vips, link) free(ref);
    list_each(ref, &e->dns, link) free(ref);
    pools_deinit(&e->pools);
}
