/* SPDX-License-Identifier: Apache-2.0 */
/* Two peers behind one NAT in transport mode (RFC 7296 section 2.23.1): both are the NAT's address here.
 * Where their selectors overlap nobody could say whose a packet to that address is, and one of them would get
 * what is for the other: the second is refused. Selectors with different ports, or tunnel mode with virtual
 * addresses, are the ways out. */
#include "engine/impl.h"

static bool any_shared(const struct ts *a, uint8_t n_a, const struct ts *b, uint8_t n_b)
{
    struct ts ignored;
    for (uint8_t i = 0; i < n_a; i++) {
        for (uint8_t k = 0; k < n_b; k++) {
            if (ts_intersect(&a[i], &b[k], &ignored))
                return true;
        }
    }
    return false;
}

/* An older SA of the same peer goes as soon as the newer one stands, unless two hosts may share an identity.
 */
static bool is_replaced_by(const struct ike_sa *older, const struct ike_sa *sa)
{
    return !sa->is_peer_unproven && identity_equal(&older->remote_id, &sa->remote_id) &&
           (sa->conn->unique == UNIQUE_REPLACE || sa->has_initial_contact);
}

bool conflict_is_taken(const struct engine *e, const struct ike_sa *sa, const struct ts_pair *ts)
{
    const struct ike_sa *o;
    const struct child_sa *c;
    list_each(o, index_same_peer(e, sa), by_peer.link)
    {
        if (o == sa || o->is_dead || !ip_equal(o->remote.ip, sa->remote.ip) || is_replaced_by(o, sa))
            continue;
        list_each(c, &o->children, link)
        {
            if (!c->is_gone && c->mode == MODE_TRANSPORT &&
                any_shared(c->ts.local, c->ts.n_local, ts->local, ts->n_local) &&
                any_shared(c->ts.remote, c->ts.n_remote, ts->remote, ts->n_remote))
                return true;
        }
    }
    return false;
}
