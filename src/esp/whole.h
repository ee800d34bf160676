/* SPDX-License-Identifier: Apache-2.0 */
/* Whole datagrams of the fragments that the machine's own kernel made of them on their way into the TUN, for
 * transport and BEET mode, which carry no fragments (RFC 4303 section 3.3.4; RFC 791, RFC 8200 section 4.5).
 * The kernel fragments in order and without gaps, and a datagram's fragments come by one queue: what comes
 * otherwise is refused. Fragments of others that arrive in ESP are no matter of this file. */
#pragma once

#include "net/packet.h"

#define WHOLES    4 /* datagrams in the making */
#define WHOLE_MAX 65535

enum whole_result {
    WHOLE_HELD,    /* more is to come */
    WHOLE_DONE,    /* *out is the datagram, until the next call */
    WHOLE_REFUSED, /* it fits nothing; what it would have belonged to is forgotten */
};

struct whole {
    bool is_busy;
    uint8_t family, proto;
    struct ip src, dst;
    uint32_t id, head, len; /* bytes of the header, and of all that is there */
    int64_t since;
    uint8_t *bytes; /* WHOLE_MAX of them, from the first use on */
};

struct wholes {
    struct whole v[WHOLES];
    uint64_t forgotten; /* datagrams that had to make room, or whose next fragment was another one */
};

void wholes_init(struct wholes *w);
void wholes_deinit(struct wholes *w);
/* Is it a fragment at all? A look at two places, for every packet. */
static inline bool whole_is_wanted_for(struct span packet)
{
    if (packet.len < 40 && (packet.len < 20 || packet.ptr[0] >> 4 == 6))
        return false;
    return packet.ptr[0] >> 4 == 6 ? packet.ptr[6] == 44 : (packet.ptr[6] & 0x3f) || packet.ptr[7];
}
/* One fragment, described by ip. now: mono. */
enum whole_result wholes_take(struct wholes *w, struct span packet, const struct packet *ip, int64_t now,
                              struct span *out);
