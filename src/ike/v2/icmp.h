/* SPDX-License-Identifier: Apache-2.0 */
/* What ICMP says of our requests: see icmp.c. */
#pragma once

#include "ike/v2/sa.h"

/* A datagram for `to` did not arrive, says `from`: why is a text. */
void icmp_take(struct ike_env *env, struct ike_sa *sa, const struct endpoint *to, struct ip from,
               const char *why);
