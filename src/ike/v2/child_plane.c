/* SPDX-License-Identifier: Apache-2.0 */
/* Who carries the packets of a child: the kernel, or threads of this daemon (model/plane.h). It is decided
 * when the child's SPI is, and rekeys keep it. What is in TCP (RFC 9329) is userspace's: a child that the
 * kernel carries ends when its IKE SA moves into a TCP connection, and comes back as the other's. */
#include "ike/v2/child.h"

bool child_plane_choose(struct ike_env *env, const struct ike_sa *sa, struct exchange *x,
                        const struct child_config *cfg, struct diag *d)
{
    const struct child_sa *old = child_find(sa, x->old_child);
    const struct connection *conn = old && old->cfg == cfg ? old->conn : child_owner(sa, cfg);
    if (!env->host->plane(env->ctx, sa, conn, &x->plane, d))
        return false;
    if (old && old->plane == PLANE_USER)
        x->plane = PLANE_USER;
    return true;
}

bool child_plane_fits(const struct child_sa *c)
{
    return c->plane != PLANE_KERNEL || !c->ike->esp.remote.stream;
}

bool child_plane_survives(struct ike_env *env, struct child_sa *c)
{
    if (child_plane_fits(c) || c->is_gone || c->state == CHILD_DELETING)
        return true;
    c->is_missed = c->state != CHILD_REKEYED;
    sa_log(env, c->ike, LOG_NOTICE,
           "child %s ends: the kernel carries its packets, and cannot do so in TCP, where its IKE SA is now",
           c->cfg->name);
    return false;
}
