/* SPDX-License-Identifier: Apache-2.0 */
/* The SAD (RFC 4301 section 4.4.2): security associations by SPI, and bundles: all outbound SAs that serve
 * one reqid, of which the newest is used. One thread owns it all. Inbound SPIs are ours and unique; outbound
 * ones were chosen by many peers and are told apart by child id too. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "crypto/bulk.h"
#include "esp/ipcomp.h"
#include "esp/iv.h"
#include "esp/pmtu.h"
#include "esp/replay.h"
#include "esp/selectors.h"
#include "model/action.h"

#define ESP_HEADER  8 /* SPI, sequence number */
#define ESP_TRAILER 2 /* pad length, next header */

/* Outbound SAs with one reqid, newest last. Lives as long as an SA or a policy refers to it. */
struct bundle {
    struct map_node node;
    uint32_t reqid;
    struct list sas;
    size_t refs;
};

struct mode;

enum sa_event { SA_EVENT_SOFT = 1, SA_EVENT_HARD = 2, SA_EVENT_MAPPING = 4 };

/* One direction of one child. A gateway has tens of thousands that are idle: what only one direction needs
 * shares its place, and what several SAs have in common is kept once. */
struct sa {
    struct map_node by_spi;
    uint32_t spi;
    uint8_t direction; /* enum sa_direction */
    uint8_t events;    /* enum sa_event, not yet taken */
    uint8_t iv_len, icv_len, block;
    uint8_t copy_dscp; /* enum copy_dscp */
    uint16_t cpi;      /* IPComp; 0: none */
    bool has_encap, has_esn, copies_df, copies_ecn;
    bool has_dress; /* outbound: compressed or padded */
    bool is_ah;
    bool is_soft_expired, is_expired;
    uint8_t saved;    /* bytes of a packet's IP header that are not carried: see mode.h. 0: it is a tunnel */
    uint16_t sum_fix; /* what checksums of transport mode lack; 0: nothing */
    uint32_t reqid;
    uint64_t child_id;
    const struct mode *mode;
    struct bulk_key *key;
    struct selector_set *selectors;
    struct path *path;
    uint32_t mtu, inner_mtu; /* inner_mtu was computed for mtu */
    uint32_t tfc, pad_to;    /* as configured; as far as inner_mtu allows. [RFC4303#2.7] */
    struct endpoint local, remote;
    union {
        struct { /* outbound */
            struct bundle *bundle;
            struct list sibling;
            uint64_t seq; /* last one used */
            struct iv iv;
            struct ipcomp_pace pace;
        };
        struct { /* inbound */
            struct replay replay;
            struct endpoint mapped;       /* last reported; family 0: none */
            uint32_t n_replayed, n_wrong; /* packets outside the window or twice; with a wrong ICV */
        };
    };
    struct list pending; /* in the queue of SAs with events */
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
    uint64_t bytes, packets;
    int64_t last_use;
};

struct sad {
    struct map by_spi[2]; /* by enum sa_direction */
    struct map bundles;
    struct map selectors; /* of SAs and policies */
    struct list pending;  /* SAs with events */
    struct pmtu pmtu;
    struct iv_pool ivs;
    bool has_tfc; /* some SA pads, or did */
    const char *engine;
    struct sa *last_inbound; /* what the last lookup found: trains of packets share an SA */
};

void sad_init(struct sad *s, uint32_t path_mtu, const char *engine);
void sad_deinit(struct sad *s);
/* Copies the record. False with d when it cannot be executed. */
bool sad_add(struct sad *s, const struct esp_sa *r, struct diag *d);
/* New endpoints and encapsulation, and numbers that are left out. False when unknown. */
bool sad_update(struct sad *s, const struct esp_sa *r, struct diag *d);
bool sad_del(struct sad *s, const struct esp_sa *r, struct diag *d);
struct sa *sad_inbound(struct sad *s, uint32_t spi);
/* child_id 0: any. */
struct sa *sad_find(const struct sad *s, enum sa_direction dir, uint32_t spi, uint64_t child_id);
/* The bundle of a reqid, made if need be; to be given back. */
struct bundle *sad_bundle_ref(struct sad *s, uint32_t reqid);
void sad_bundle_unref(struct sad *s, struct bundle *b);
/* NULL when no outbound SA serves it. */
struct sa *bundle_newest(const struct bundle *b);

/* The largest inner packet that one outer packet of the present path MTU carries. */
uint32_t sa_inner_mtu(struct sad *s, struct sa *sa, int64_t now);
uint32_t sa_inner_mtu_for(const struct sa *sa, uint32_t mtu);
/* Bytes from the SPI to the end of the ICV around an inner packet; *pad gets the padding bytes. */
uint32_t sa_sealed_len(const struct sa *sa, uint32_t inner, uint32_t *pad);
/* Does a packet belong to the SA? Outbound: source local. ICMP errors also by the packet that they quote. */
bool sa_allows(const struct sa *sa, const struct packet *p, struct span bytes);
