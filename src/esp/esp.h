/* SPDX-License-Identifier: Apache-2.0 */
/* The userspace data plane's core: SAD and SPD executed on batches of packets. No I/O, no clock, no
 * allocation per packet. One struct esp belongs to one thread; records come in by esp_apply(), packets by
 * esp_outbound() and esp_inbound(). RFC 4301, 4303, 3948, 6040. */
#pragma once

#include "base/time.h"
#include "model/action.h"
#include "net/packet.h"

struct esp;

#define ESP_HEADROOM 128 /* free bytes that an input packet has before it: outer headers are built there */
#define ESP_TAILROOM 320 /* free bytes behind it: padding and ICV */
#define ESP_BATCH    128 /* packets in one call, at most */
#define AH_TAIL      32  /* free bytes behind a packet with AH that arrived: the largest ICV */

enum esp_verdict {
    ESP_FORWARD,   /* outbound: send the (sealed) packet; inbound: write the inner packet to the TUN */
    ESP_DROP,      /* counted by reason */
    ESP_BYPASS,    /* outbound: policy says in the clear */
    ESP_ICMP_BACK, /* outbound: data and len now are an ICMP "too big" or "unreachable" to write back into the
                      TUN; drop says what became of the packet itself */
    ESP_HELD,      /* outbound: a trap keeps a copy, which esp_next_held() gives when its SA is there */
};

enum esp_drop {
    DROP_NONE,
    DROP_NO_POLICY,
    DROP_POLICY_DISCARD,
    DROP_NO_SA,
    DROP_NOT_IP,
    DROP_TOO_BIG,
    DROP_SEQ_EXHAUSTED,
    DROP_EXPIRED,
    DROP_UNKNOWN_SPI,
    DROP_REPLAY,
    DROP_BAD_ICV,
    DROP_BAD_PADDING,
    DROP_SHORT,
    DROP_SELECTOR,
    DROP_WRONG_ENCAP, /* not used: RFC 7296 section 2.23 wants both forms accepted at any time */
    DROP_ECN,
    DROP_FRAGMENT,    /* transport and BEET mode carry none [RFC4303#3.3.4] */
    DROP_HEADERS,     /* they cannot carry these options or extension headers */
    DROP_TRAP_FULL,   /* a trap's queue has no room: its tunnel is on its way */
    DROP_TRAP_FAILED, /* waited in a trap, and the tunnel did not come */
    DROP_COMPRESSION, /* an IPComp packet with another CPI, or nothing that can be restored */
    /* the I/O layer's, see esp_count_drop() */
    DROP_QUEUE_FULL,  /* the kernel's receive queue overflowed */
    DROP_BUSY_IN,     /* ESP for another worker, which has too much to do */
    DROP_BUSY_OUT,    /* a packet to be sealed by such a one */
    DROP_NOT_SENT,    /* the kernel refused to send it */
    DROP_TUN,         /* the TUN device refused it */
    DROP_STREAM_FULL, /* the TCP connection to the peer is slower than what is sent into it */
    DROP_NO_STREAM,   /* there is none at the moment */
    DROP_TUN_QUEUE,   /* the TUN device's queue overflowed before we read it */
    DROP_REASONS,
};

struct esp_packet {
    uint8_t *data; /* in: packet start, in a buffer with room on both sides. out: start of what to send */
    uint32_t len;
    uint32_t room;   /* outbound, in: free bytes behind the packet beyond ESP_TAILROOM: for esp_pad_to() */
    uint8_t verdict; /* out: enum esp_verdict */
    uint8_t drop;    /* out: enum esp_drop */
    uint8_t next_header; /* out: outbound, what is sealed; inbound, what the packet is (4, 41) */
    bool has_encap; /* outbound, out: payload of a UDP datagram rather than of an IP packet of protocol 50.
                       inbound, in: that is how it came */
    bool is_ah; /* a whole IP packet with AH. inbound, in: with AH_TAIL free bytes behind it; outbound, out */
    uint8_t tos;         /* outbound, out: outer TOS / traffic class. inbound, in: that of the outer header */
    bool has_df;         /* outbound, out: set DF on the outer IPv4 header */
    bool was_fragmented; /* outbound, in: by its sender; so may its outer packet be */
    bool follows; /* outbound, in: cut from the same super-packet as the one before it: the headers differ in
                     lengths, identification, sequence number, flags and checksums alone */
    struct endpoint local,
        remote;        /* outbound, out: outer addresses. inbound, in: where it came from and to */
    uint64_t child_id; /* out: 0 when no SA was found */
};

struct esp_counters {
    uint64_t packets_in, bytes_in, packets_out, bytes_out; /* bytes of inner packets */
    uint64_t drops[DROP_REASONS];
    uint64_t icmp_sent, mss_clamped;
};

struct bulk_op;
struct bulk_worker;

struct esp_config {
    uint16_t path_mtu; /* of the outer path until learned: 1500 */
    bool clamps_mss;
    const char *engine; /* bulk crypto: NULL = best */
    /* Runs the crypto of a batch and returns when all of it is done, perhaps with the help of other threads;
     * NULL: bulk_seal() or bulk_open() with esp_crypto(). */
    void (*crypto)(void *ctx, struct bulk_op *ops, size_t n, bool is_seal);
    void *crypto_ctx;
};

struct esp *esp_new(const struct esp_config *c);
void esp_free(struct esp *e);
struct bulk_worker *esp_crypto(struct esp *e);

/* SA_ADD, SA_UPDATE, SA_DEL, POLICY_ADD, TRAP_FAILED, POLICY_DEL; others are ignored. Keys are copied; wiping
 * those of the record is for whoever holds it. Outbound SPIs are chosen by peers and may collide: SA_UPDATE
 * and SA_DEL go by child_id too unless it is 0. SA_UPDATE changes the one direction that it names. False with
 * d when it cannot. */
bool esp_apply(struct esp *e, const struct action *a, int64_t now, struct diag *d);

/* Packets from the TUN (whole IP packets, checksums complete) to ESP packets (from the SPI on; the I/O layer
 * adds outer IP or UDP). n at most ESP_BATCH. now: mono microseconds. Order is kept. An inner IPv4 packet
 * without DF that is larger than esp_inner_mtu() is sealed whole, and its outer packet must be fragmented:
 * has_df is false then. */
void esp_outbound(struct esp *e, struct esp_packet *p, size_t n, int64_t now);
/* ESP packets (from the SPI on, outer fragments reassembled), and packets with AH, to inner IP packets. ESP
 * in UDP and bare ESP are both taken whatever the SA has_encap says. A dummy packet (RFC 4303 section 2.6)
 * ends as ESP_DROP with DROP_NONE. They are opened where they lie and need no room around them. */
void esp_inbound(struct esp *e, struct esp_packet *p, size_t n, int64_t now);

/* A packet that a trap held and whose SA has come since: for the next batch of esp_outbound(). Empty when
 * there is none; valid until the next call. To be asked after records were applied. */
struct span esp_next_held(struct esp *e, int64_t now);
/* What the packets caused: soft and hard expiry, mappings, acquires. Returns how many were written to ev. */
size_t esp_events(struct esp *e, struct dataplane_event *ev, size_t cap);
/* DP_COUNTERS for one SA; false when unknown. */
bool esp_sa_counters(const struct esp *e, enum sa_direction dir, uint32_t spi, struct dataplane_event *out);
const struct esp_counters *esp_counters(const struct esp *e);
const char *esp_drop_name(enum esp_drop d);
/* Some SA pads packets to at most so many bytes: packets from the TUN that are shorter need room for it. */
uint32_t esp_pad_to(const struct esp *e);
/* Packets that were lost outside. */
void esp_count_drop(struct esp *e, enum esp_drop why, uint64_t n);
/* The reqid whose SA an outbound packet needs; false when no policy protects it. For spreading packets over
 * several struct esp: policies are in all of them, an SA is in one. */
bool esp_outbound_reqid(struct esp *e, const uint8_t *packet, uint32_t len, uint32_t *reqid);
/* Must this fragment be put together with the others (whole.h) before it is given to esp_outbound()? Fills
 * ip. */
bool esp_wants_whole(struct esp *e, struct span packet, struct packet *ip);
/* The largest inner packet that fits the path to this SA's peer, or 0. For the TUN's MTU. */
uint32_t esp_inner_mtu(const struct esp *e, uint32_t spi_out);
/* An ICMP "too big" from the path to a peer: lowers the path MTU after a check against our own SAs. */
void esp_path_mtu(struct esp *e, struct ip peer, uint32_t mtu, int64_t now);
