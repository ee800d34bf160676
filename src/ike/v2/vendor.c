/* SPDX-License-Identifier: Apache-2.0 */
/* Vendor IDs (RFC 7296 section 3.12). Ours says nothing of itself; strongSwan understands its notify for BEET
 * mode only from a peer that sends strongSwan's ID (the MD5 of that word), so who has such a child sends it,
 * and who is told to (send_vendor_id). A responder cannot know yet which connection is meant: any of them.
 * What peers send is not read. */
#include "ike/v2/ike_init.h"

static const uint8_t strongswan[] = {0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc,
                                     0x22, 0x51, 0x61, 0x3b, 0x2e, 0xbe, 0x5b, 0xeb};

void vendor_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    bool wants_it = sa->config->settings.sends_vendor_id;
    wants_it |= !sa->is_initiator && config_uses_mode(sa->config, MODE_BEET);
    (void)env;
    (void)x;
    for (size_t i = 0; sa->is_initiator && i < sa->conn->n_children; i++)
        wants_it |= sa->conn->children[i].mode == MODE_BEET;
    if (wants_it)
        build_vendor(b, span_of(strongswan, sizeof(strongswan)));
}
