/* SPDX-License-Identifier: Apache-2.0 */
/* What the outer header says of the inner one, and back: DSCP and DF (RFC 4301 section 5.1.2), ECN in normal
 * mode (RFC 6040 sections 4.1 and 4.2). TTLs are the forwarding kernel's: it decrements on both sides of the
 * TUN. */
#pragma once

#include "model/connection.h"

#define TOS_ECN  0x03
#define TOS_DSCP 0xfc

enum ecn { ECN_NOT_ECT, ECN_ECT1, ECN_ECT0, ECN_CE };

/* The outer TOS or traffic class for an inner one. */
uint8_t outer_tos(uint8_t inner, enum copy_dscp dscp, bool copies_ecn);
/* The inner TOS after decapsulation; false when the packet must be dropped (CE on a packet that cannot carry
 * it). */
bool outer_decapsulate_tos(uint8_t outer, uint8_t inner, enum copy_dscp dscp, bool copies_ecn, uint8_t *out);
