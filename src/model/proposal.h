/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals: what is configured, offered, chosen (RFC 7296 sections 2.7, 3.3), and the text forms of both. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "crypto/alg.h"

enum protocol_id {
    PROTO_NONE = 0,
    PROTO_IKE = 1,
    PROTO_AH = 2,
    PROTO_ESP = 3,
};

struct transform {
    uint8_t type; /* enum transform_type */
    uint16_t id;
    uint16_t key_bits; /* 0: attribute absent */
};

#define PROPOSAL_MAX_TRANSFORMS 64
#define PROPOSAL_MAX            32 /* proposals in one SA payload */
#define PROPOSAL_TEXT_MAX       512

struct proposal {
    uint8_t protocol; /* enum protocol_id */
    uint8_t number;   /* on the wire; 0 when configured */
    uint8_t spi_len;
    uint8_t spi[8]; /* wire order */
    uint8_t count;
    struct transform
        t[PROPOSAL_MAX_TRANSFORMS]; /* by type in the order 1 3 2 4 5 6 to 12, preference first */
};

struct proposal_list {
    const struct proposal *v;
    size_t n;
};

/* One transform of each type that applies. */
struct chosen {
    uint8_t protocol, number;
    uint8_t spi_len, spi[8];                 /* the peer's */
    uint16_t encr, key_bits, prf, integ, ke; /* 0: none */
    bool has_esn;
    uint16_t addke[ADDKE_MAX]; /* additional key exchanges 1 to 7, all different [RFC9370#2.2.2] */
};

/* "aes256-sha256-x25519", "aes128gcm16-prfsha256-ecp256", "default" is the caller's. ESP: groups optional,
 * esn/noesn, a prf keyword is accepted and dropped. "ke1_ecp384" to "ke7_none" are additional key exchanges;
 * none lets the peer go without. False with the reason (which word, what is missing) in d.
 */
bool proposal_parse(uint8_t protocol, const char *text, struct proposal *out, struct diag *d);
#define PROPOSAL_DEFAULTS_MAX 3
/* The defaults, strongest and fastest first: an AEAD proposal and a CBC one; for IKE before them the AEAD one
 * with ML-KEM-768 as an additional key exchange. Returns their count. */
size_t proposal_defaults(uint8_t protocol, struct proposal out[PROPOSAL_DEFAULTS_MAX]);
const char *
proposal_format(const struct proposal *p,
                char buf[PROPOSAL_TEXT_MAX]);         /* "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_256/CURVE_25519" */
const char *proposal_protocol_name(uint8_t protocol); /* "IKE", "AH", "ESP" */
const char *chosen_format(const struct chosen *c, char buf[PROPOSAL_TEXT_MAX]);

struct select_options {
    bool prefers_peer_order; /* default: ours */
    bool ignores_ah;         /* where it cannot be: behind a NAT */
    bool ignores_ke;         /* ESP in IKE_AUTH: KE transforms, additional too, are not negotiated there */
    bool skips_addke;        /* additional key exchanges cannot be made: only their absence can be chosen */
};
/* Picks from the peer's offer by our configuration. On false d holds, per transform type, what was expected
 * and got. */
bool proposal_select(const struct proposal_list *ours, const struct proposal_list *offered,
                     struct select_options o, struct chosen *out, struct diag *d);
/* Is what the responder chose one of what we offered, complete, one transform a type? offered is what was
 * sent: in IKE_AUTH that is without KE (proposal_strip_ke()). */
bool proposal_accept_choice(const struct proposal_list *offered, const struct proposal *choice,
                            struct chosen *out, struct diag *d);
/* The chosen transforms as a proposal with one transform of each type. */
void chosen_to_proposal(const struct chosen *c, struct proposal *out);
/* Removes all KE transforms, additional ones too: what is offered for a child in IKE_AUTH. */
void proposal_strip_ke(struct proposal *p);
/* Removes the additional ones only. */
void proposal_strip_addke(struct proposal *p);
/* Does any of them name an additional key exchange other than none? */
bool proposal_has_addke(const struct proposal_list *l);
/* The first additional key exchange at or after place *at (0 is type 6); *at is its place then. 0: no more.
 */
uint16_t chosen_addke(const struct chosen *c, uint8_t *at);
/* First KE method of the list (what the first KE payload is made for), or 0. */
uint16_t proposal_first_ke(const struct proposal_list *l);
bool proposal_has_ke(const struct proposal_list *l, uint16_t ke);
