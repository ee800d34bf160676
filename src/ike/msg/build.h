/* SPDX-License-Identifier: Apache-2.0 */
/* Writing messages (RFC 7296 section 3): payload after payload; the Next Payload fields, payload lengths and
 * the message length are filled in here. Errors are sticky (see wr.h): check what build_end() returns. */
#pragma once

#include "ike/msg/header.h"
#include "ike/msg/notify.h"
#include "ike/msg/payload.h"

struct build {
    struct wr w;
    size_t next_at; /* offset of the Next Payload byte to patch; SIZE_MAX: it goes to first */
    bool has_header;
    uint8_t first;    /* type of the first payload; PAYLOAD_NONE when empty */
    size_t length_at; /* of the open payload */
};

/* With a header: a whole message in the clear. header NULL: only a chain of payloads, to be sealed by
 * protect_seal(). */
void build_begin(struct build *b, void *buf, size_t cap, const struct ike_header *header);
/* The finished bytes (a view into buf); false when something did not fit or was wrong. */
bool build_end(struct build *b, struct span *out);

/* A proposal's number is its own, or its place in the list when that is 0. Its spi is written as it is. */
void build_sa(struct build *b, const struct proposal *v, size_t n);
void build_ke(struct build *b, uint16_t group, struct span public_value);
/* type: PAYLOAD_IDI or PAYLOAD_IDR. */
void build_id(struct build *b, uint8_t type, const struct identity *id);
void build_cert(struct build *b, uint8_t encoding, struct span data);
/* authorities: concatenated SHA-1 hashes (ike/auth/auth.h makes them); may be empty. */
void build_certreq(struct build *b, uint8_t encoding, struct span authorities);
void build_auth(struct build *b, uint8_t method, struct span data);
void build_nonce(struct build *b, struct span nonce);
/* protocol PROTO_NONE and an empty spi unless the notify is about a child SA [RFC7296#3.10]. */
void build_notify(struct build *b, uint16_t type, uint8_t protocol, struct span spi, struct span data);
/* Without SPI and data. */
void build_notify_empty(struct build *b, uint16_t type);
void build_delete_ike(struct build *b);
/* protocol PROTO_ESP or PROTO_AH; SPIs in host order: those that we receive on [RFC7296#1.4.1]. */
void build_delete_child(struct build *b, uint8_t protocol, const uint32_t *spis, size_t n);
void build_vendor(struct build *b, struct span data);
/* type: PAYLOAD_TSI or PAYLOAD_TSR. n at most 255. */
void build_ts(struct build *b, uint8_t type, const struct ts *v, size_t n);
void build_cp(struct build *b, uint8_t cfg_type, const struct cp_attr *v, size_t n);
void build_eap(struct build *b, struct span data);
/* Any payload from its body. */
void build_raw(struct build *b, uint8_t type, bool is_critical, struct span body);
