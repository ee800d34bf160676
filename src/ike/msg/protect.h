/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted payloads: SK (RFC 7296 section 3.14, RFC 5282 for AEAD) and the Encrypted Fragments SKF
 * (RFC 7383). The ICV is checked before anything inside is looked at, for every fragment by itself. Nothing
 * here knows which message IDs are expected: window.h. */
#pragma once

#include "crypto/cipher.h"
#include "ike/msg/decode.h"

/* One direction of sending: the cipher and the counter that makes explicit IVs of counter modes unique. */
struct sealer {
    struct cipher *cipher; /* owned; see sealer_deinit() */
    uint64_t next_iv;
};
void sealer_init(struct sealer *s, struct cipher *cipher /* taken */);
void sealer_deinit(struct sealer *s);

struct datagrams { /* one message: one datagram, or its fragments in order */
    struct span *v;
    size_t n;
};

/* No more than this many fragments are sent or accepted for a message. */
#define SKF_MAX_FRAGMENTS 128
/* Do not choose a max_datagram below this (IP payload bytes without UDP header) [RFC7383#2.5.1]. */
#define SKF_MIN_DATAGRAM 256

/* Seals a chain (build_begin() without header, its b.first and its bytes) under header into one SK message,
 * or into SKF fragments when that would be longer than max_datagram bytes (0: never fragment). The header's
 * next payload and length are ignored. out lives in a. False when the cipher fails, more than
 * SKF_MAX_FRAGMENTS would be needed, or the message would exceed 65535 bytes. */
bool protect_seal(struct arena *a, struct sealer *s, const struct ike_header *header, uint8_t first,
                  struct span chain, size_t max_datagram, struct datagrams *out);

/* Opens m->sk when it is an SK payload: checks the ICV, decrypts a copy in a, and appends the inner payloads
 * to m (m->is_opened). DECODE_BAD_ICV: not the peer's message; drop it. DECODE_MALFORMED with m->is_opened:
 * authentic but wrong inside; without: broken outside. */
enum decode_status protect_open(struct arena *a, struct cipher *c, struct ike_message *m, struct diag *d);

/* What a message says, however it was sealed and cut: from the IKE header to the generic header of SK, then
 * the inner payloads, with lengths that fit [RFC9242#3.3.2]. In a; empty when a is full or m is not opened. m
 * as it came: its raw bytes and SK payload are needed. Of fragments those payloads that stand before SKF are
 * left out: we send none, and know of nobody who does. */
struct span protect_content(struct arena *a, const struct ike_message *m);
/* The same of a message that protect_seal() makes of these. */
struct span protect_content_sent(struct arena *a, const struct ike_header *header, uint8_t first,
                                 struct span chain);

/* RFC 7383 section 2.6: collecting fragments of one message, bounded in number and bytes. Zeroed = empty. */
struct reassembly {
    struct arena *arena; /* holds the pieces; NULL when empty */
    uint32_t message_id;
    uint8_t exchange, flags;
    uint8_t first, flags_of_first; /* the first two bytes of the first fragment's payload */
    uint16_t total, have;
    size_t bytes;
    struct span *piece; /* as many as total, in arena: an IKE SA has two of these, mostly empty */
};

enum reassembly_status {
    REASSEMBLY_MORE,      /* taken (or a duplicate): wait for the rest */
    REASSEMBLY_DONE,      /* m now holds the whole message's inner payloads and is_opened; r is reset */
    REASSEMBLY_BAD_ICV,   /* not the peer's: nothing changed */
    REASSEMBLY_REFUSED,   /* number or total out of range, fewer in total than before, or too large: nothing
                             changed */
    REASSEMBLY_MALFORMED, /* complete and authentic but wrong inside; m->bad_payload set when critical */
    REASSEMBLY_CRITICAL,
};

/* Opens the fragment m->sk (an SKF payload) and adds it. Fragments of another message than r holds replace
 * them: the caller admits only those of a message ID that it waits for. max_bytes bounds the sum of the
 * plaintexts. a holds m's memory. */
enum reassembly_status reassembly_add(struct reassembly *r, struct arena *a, struct cipher *c,
                                      struct ike_message *m, size_t max_bytes, struct diag *d);
/* Forgets, wiping. */
void reassembly_reset(struct reassembly *r);
