/* SPDX-License-Identifier: Apache-2.0 */
/* Where a session is resumed with a peer that says nothing of NATs in IKE_SESSION_RESUME. What was known of
 * NATs is not part of a session and is found out anew (RFC 5723 section 4.3.2), but Libreswan (5.2) sends no
 * NAT_DETECTION notifies there, in neither role. Its ESP goes as protocol 50 then, and so has ours to,
 * whatever the IKE SA before did. That is good between the same two addresses where no NAT was found before
 * and nobody demands UDP. Anywhere else a full exchange has to tell. */
#include "ike/v2/path.h"
#include "ike/v2/resume.h"

struct ticket_way resume_way_of(const struct ike_sa *sa)
{
    return (struct ticket_way){.local = sa->local.ip,
                               .remote = sa->remote.ip,
                               .needs_udp =
                                   sa->has_nat_local || sa->has_nat_remote || sa->conn->encap == ENCAP_YES};
}

bool resume_way_fits(const struct ticket_way *way, const struct ike_message *m, const struct endpoint *local,
                     const struct endpoint *remote)
{
    bool is_same = ip_equal(way->local, local->ip) && ip_equal(way->remote, remote->ip);
    return remote->stream || natd_look(m, local, remote).is_told || (is_same && !way->needs_udp);
}
