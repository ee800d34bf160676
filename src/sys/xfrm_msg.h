/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's messages about SAs and policies (linux/xfrm.h) made of our records, and read: no socket here.
 * Addresses of a direction: an inbound SA leads from the remote end to the local one. */
#pragma once

#include "base/diag.h"
#include "model/action.h"
#include <linux/xfrm.h>

struct nlmsghdr;

/* Newer than the headers of older systems; numbers of the kernel's interface. */
#define XFRMA_MTIMER_THRESH_NR     32
#define XFRMA_SA_DIR_NR            33
#define XFRMA_SA_PCPU_NR           35
#define XFRM_POLICY_CPU_ACQUIRE_NR 4

#define XFRM_MESSAGE_MAX 4096 /* bytes of each message's buffer */
#define XFRM_ALIGNED     __attribute__((aligned(8)))

/* What this kernel takes of what older ones ignore without a word: what the probe saw come back. */
struct xfrm_can {
    bool if_id, set_mark, direction, mapping_pause, icmp, cpu, iptfs;
    bool migrates; /* XFRM_MSG_MIGRATE_STATE */
};

/* How the kernel finds an SA. */
struct xfrm_state_id {
    struct ip dst;
    uint32_t spi; /* host order; IPComp: the CPI */
    uint8_t proto;
    struct mark mark;
};

#define XFRM_WINDOW_MAX 4096 /* packets: XFRMA_REPLAY_ESN_MAX */

/* Counters of an SA that go on with the one that takes its place. */
struct xfrm_carry {
    struct xfrm_lifetime_cur used;
    uint64_t oseq, seq;
    uint32_t n_words; /* of bitmap; 0: none, or the one word of the old form */
    uint32_t bitmap[XFRM_WINDOW_MAX / 32];
};

struct xfrm_state_spec {
    const struct esp_sa *sa;
    bool is_comp; /* the IPComp SA of the pair, else that of ESP or AH */
    const struct xfrm_can *can;
    enum hw_offload offload;        /* not AUTO */
    uint32_t device;                /* with offload: index of the interface */
    const struct xfrm_carry *carry; /* or NULL */
};

/* XFRM_MSG_NEWSA. NULL with the reason why the kernel cannot have such an SA. The buffer has keys: wipe it.
 */
struct nlmsghdr *xfrm_state_message(void *buf, const struct xfrm_state_spec *s, struct diag *d);
struct xfrm_state_id xfrm_state_id_of(const struct esp_sa *sa, bool is_comp);
/* XFRM_MSG_DELSA or XFRM_MSG_GETSA. */
struct nlmsghdr *xfrm_state_id_message(void *buf, uint16_t type, const struct xfrm_state_id *id);
/* XFRM_MSG_NEWAE: oseq and the rest of a carry for an SA that stays. */
struct nlmsghdr *xfrm_counters_message(void *buf, const struct esp_sa *sa, const struct xfrm_can *can,
                                       const struct xfrm_carry *carry);
/* XFRM_MSG_MIGRATE_STATE: the SA that is `from` goes where `to` says, with all that it has. No IPComp, no
 * offload. */
struct nlmsghdr *xfrm_migrate_message(void *buf, const struct xfrm_state_id *from, const struct esp_sa *to,
                                      const struct xfrm_can *can);

/* ---- what the kernel says of a state: answers, dumps, events */

struct xfrm_seen_state {
    struct xfrm_state_id id;
    struct ip src;
    uint32_t reqid, seq;
    uint8_t mode, flags;
    struct xfrm_selector sel;
    struct xfrm_lifetime_cfg limits;
    struct xfrm_lifetime_cur used;
    uint32_t if_id, set_mark, set_mark_mask, mapping_pause;
    uint8_t direction; /* 0: not said */
    struct cpu cpu;
    bool has_offload, has_iptfs;
    struct xfrm_carry carry;
    bool is_hard; /* XFRM_MSG_EXPIRE */
};

/* NEWSA, UPDSA, DELSA and EXPIRE. False when it is none of them or is damaged. DELSA: the id alone is sure.
 */
bool xfrm_state_parse(const struct nlmsghdr *h, struct xfrm_seen_state *out);

struct xfrm_seen_mapping {
    struct xfrm_state_id id; /* no mark */
    struct endpoint remote;  /* the new one */
};
bool xfrm_mapping_parse(const struct nlmsghdr *h, struct xfrm_seen_mapping *out);

/* ---- policies */

/* One kernel policy's packets, seen from here. */
struct xfrm_pair {
    struct prefix local, remote;
    uint8_t proto;
    /* Host order, with masks. ICMP: type and code of the packet in lport and rport, in both directions. */
    uint16_t lport, lmask, rport, rmask;
};

#define XFRM_PAIRS_MAX 1024 /* of one record */

/* The pairs that are together what the selectors allow: of each local one with each remote one. Returns how
 * many, 0 with the reason. */
size_t xfrm_pairs(const struct ts *local, size_t n_local, const struct ts *remote, size_t n_remote,
                  struct xfrm_pair *out, size_t cap, struct diag *d);
/* dir: XFRM_POLICY_IN, XFRM_POLICY_OUT, XFRM_POLICY_FWD. */
struct xfrm_selector xfrm_selector_of(const struct xfrm_pair *p, uint8_t dir, uint32_t device);
/* Not in tunnel mode: the narrowest selector for all that an SA carries. */
struct xfrm_selector xfrm_selector_of_sa(const struct esp_sa *sa);

/* By size, the narrower the lower, as in esp/spd.h: SPD_BY_SIZE and what is above it. */
uint32_t xfrm_priority_of(const struct xfrm_selector *s);

/* How the kernel finds a policy. */
struct xfrm_policy_key {
    struct xfrm_selector sel;
    struct mark mark;
    uint32_t if_id;
    uint8_t dir;
};

struct xfrm_policy_spec {
    struct xfrm_policy_key key;
    uint32_t priority;
    enum policy_action action;
    /* POLICY_PROTECT: the SA's */
    uint32_t reqid;
    struct ip local, remote; /* outer; family 0: any */
    enum child_mode mode;
    bool is_ah, has_ipcomp;
    bool asks_per_cpu;       /* of packets that leave */
    enum hw_offload offload; /* PACKET or NO */
    uint32_t device;         /* with offload */
};

/* XFRM_MSG_NEWPOLICY, or XFRM_MSG_UPDPOLICY where one with this key may be there. */
struct nlmsghdr *xfrm_policy_message(void *buf, const struct xfrm_policy_spec *s, bool replaces);
/* XFRM_MSG_DELPOLICY or XFRM_MSG_GETPOLICY. */
struct nlmsghdr *xfrm_policy_key_message(void *buf, uint16_t type, const struct xfrm_policy_key *k);
bool xfrm_policy_key_equal(const struct xfrm_policy_key *a, const struct xfrm_policy_key *b);
uint64_t xfrm_policy_key_hash(const struct xfrm_policy_key *k);

struct xfrm_seen_policy {
    struct xfrm_policy_key key;
    uint32_t priority, index;
    uint8_t action; /* XFRM_POLICY_ALLOW, XFRM_POLICY_BLOCK */
    uint8_t flags;
    uint32_t reqid; /* of the last template; 0: none */
    uint8_t n_templates;
    bool is_main; /* no sub-policy */
};
/* NEWPOLICY, UPDPOLICY and DELPOLICY. */
bool xfrm_policy_parse(const struct nlmsghdr *h, struct xfrm_seen_policy *out);

struct xfrm_seen_acquire {
    struct xfrm_policy_key policy;
    struct xfrm_state_id id; /* of the state that waits; no SPI */
    struct ip src;
    uint32_t seq, reqid;
    uint8_t mode;
    struct cpu cpu;          /* that has no SA of its own, where another one serves it */
    struct ts local, remote; /* of the packet */
};
bool xfrm_acquire_parse(const struct nlmsghdr *h, struct xfrm_seen_acquire *out);
/* XFRM_MSG_ALLOCSPI for the state that waits: it becomes one that can be deleted. */
struct nlmsghdr *xfrm_larval_message(void *buf, const struct xfrm_seen_acquire *w);
/* The packet that a waiting state's selector names. */
void xfrm_packet_of(const struct xfrm_selector *s, struct ts *local, struct ts *remote);

/* ---- xfrm_iptfs.c: attributes of an SA in IP-TFS mode */

void xfrm_iptfs_put(struct nlmsghdr *h, const struct esp_sa *sa);
/* Is it one of those? */
bool xfrm_iptfs_has(uint16_t attribute);

/* ---- both */

uint8_t xfrm_mode(enum child_mode m); /* XFRM_MODE_* */

struct ip xfrm_ip(const xfrm_address_t *a, uint16_t family);
xfrm_address_t xfrm_address(struct ip ip);
uint16_t xfrm_family(struct ip ip); /* AF_INET */
void xfrm_put_mark(struct nlmsghdr *h, struct mark mark);
/* can_pause: the kernel is told how often it tells that the peer has moved. */
void xfrm_put_encap(struct nlmsghdr *h, const struct esp_sa *sa, bool can_pause);
