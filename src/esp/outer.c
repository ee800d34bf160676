/* SPDX-License-Identifier: Apache-2.0 */
/* DSCP and ECN across the tunnel: see outer.h. */
#include "esp/outer.h"

#define ECN_DROP 0xff

/* [RFC6040#4.2] figure 4: rows inner, columns outer, both by codepoint (Not-ECT, ECT(1), ECT(0), CE). */
static const uint8_t egress[4][4] = {
    [ECN_NOT_ECT] = {ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT, ECN_DROP},
    [ECN_ECT1] = {ECN_ECT1,    ECN_ECT1,    ECN_ECT1,    ECN_CE  },
    [ECN_ECT0] = {ECN_ECT0,    ECN_ECT1,    ECN_ECT0,    ECN_CE  },
    [ECN_CE] = {ECN_CE,      ECN_CE,      ECN_CE,      ECN_CE  },
};

uint8_t outer_tos(uint8_t inner, enum copy_dscp dscp, bool copies_ecn)
{
    uint8_t tos = 0;
    if (dscp == DSCP_OUT || dscp == DSCP_YES)
        tos |= inner & TOS_DSCP;
    if (copies_ecn) /* else compatibility mode: the tunnel is not ECN-capable [RFC6040#4.1] */
        tos |= inner & TOS_ECN;
    return tos;
}

bool outer_decapsulate_tos(uint8_t outer, uint8_t inner, enum copy_dscp dscp, bool copies_ecn, uint8_t *out)
{
    uint8_t tos = inner;
    if (copies_ecn) {
        uint8_t ecn = egress[inner & TOS_ECN][outer & TOS_ECN];
        if (ecn == ECN_DROP)
            return false;
        tos = (uint8_t)((tos & TOS_DSCP) | ecn);
    }
    if (dscp == DSCP_IN || dscp == DSCP_YES)
        tos = (uint8_t)((outer & TOS_DSCP) | (tos & TOS_ECN));
    *out = tos;
    return true;
}
