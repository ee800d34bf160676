/* SPDX-License-Identifier: Apache-2.0 */
/* The modes of ESP (RFC 4301 section 4.1; BEET: draft-nikander-esp-beet-mode): what of an IP packet an SA
 * carries, and how the receiver makes a packet of it again. A row for each mode, looked up when the SA is
 * added; tunnel mode, which carries all of a packet, needs no function of its own.
 *
 * Transport mode carries what follows the IP header, between the two addresses that are all that its
 * selectors allow. The receiver writes the header anew, with those addresses, the TOS of the outer header, a
 * TTL of our own and no identification. BEET is the same with addresses that are not those of the outer
 * header. Neither carries fragments [RFC4303#3.3.4]: those of our own kernel are put together before
 * (whole.h), others are dropped and counted. IPv4 options travel in BEET alone; IPv6 destination options do
 * in both, other extension headers in neither.
 *
 * Behind a NAT the two ends have different ideas of the addresses, and checksums cover them: the receiver
 * adds the difference (RFC 3948 section 3.1.2, RFC 7296 section 2.23.1). A wrong checksum stays wrong. */
#pragma once

#include "esp/esp.h"
#include "esp/sad.h"

#define MODE_HEADER_MAX 40 /* what unwrap() puts in front of the payload, at most */

struct mode {
    /* Outbound: makes of the packet that ip describes the payload, which begins *skip bytes behind p->data;
     * sets p->next_header and p->tos. DROP_NONE, or why the packet must not leave. NULL: it is all of it. */
    enum esp_drop (*wrap)(struct esp_packet *p, const struct packet *ip, const struct sa *sa, uint8_t *skip);
    /* Inbound: the packet of p's payload, into room for MODE_HEADER_MAX bytes more than p->len; p is it then.
     * NULL: the payload is the packet. */
    enum esp_drop (*unwrap)(struct esp_packet *p, const struct sa *sa, uint8_t *room);
};

/* Can the record be executed in its mode? False with d. */
bool mode_sound(const struct esp_sa *r, struct diag *d);
/* Looks the mode up, and notes what it needs of the record. */
void mode_set(struct sa *sa, const struct esp_sa *r);
enum child_mode mode_of(const struct sa *sa);
