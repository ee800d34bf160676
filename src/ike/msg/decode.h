/* SPDX-License-Identifier: Apache-2.0 */
/* From a datagram to payloads (RFC 7296 sections 2.5, 3.1 to 3.16). Walks the chain with everything bounded:
 * at most IKE_MAX_PAYLOADS, lengths inside the message, counts checked before anything is allocated. Does not
 * judge whether a payload belongs into the message (rules.h) and opens nothing (protect.h). */
#pragma once

#include "base/diag.h"
#include "ike/msg/header.h"
#include "ike/msg/notify.h"
#include "ike/msg/payload.h"

#define IKE_MAX_PAYLOADS 64
#define IKE_MAX_MESSAGE  65535

enum decode_status {
    DECODE_OK,
    DECODE_MALFORMED,   /* peer's fault: INVALID_SYNTAX, if it may be answered at all */
    DECODE_BAD_VERSION, /* major version above 2: INVALID_MAJOR_VERSION; below: drop */
    DECODE_CRITICAL,    /* a critical payload we do not know: UNSUPPORTED_CRITICAL_PAYLOAD, see bad_payload */
    DECODE_BAD_ICV,     /* protect.h only: drop, count, change nothing */
};

struct ike_message {
    struct ike_header header;
    struct span raw; /* the message: header.length bytes */
    struct ike_payload *v;
    size_t n;
    const struct ike_payload
        *sk;             /* SK or SKF, always the last of the outer payloads; NULL when there is none */
    bool is_opened;      /* the inner payloads follow in v; the SK payload itself stays in v */
    struct span inner;   /* is_opened: what was sealed, without padding */
    uint8_t inner_first; /* is_opened: type of the first payload in it */
    uint8_t sk_flags;    /* is_opened: the second byte of SK, or of the first SKF */
    uint8_t bad_payload; /* DECODE_CRITICAL: the type to name in the answer */
};

/* Decodes what is in the clear. out's memory comes from a and views bytes. d (may be NULL) says what is wrong
 * in which payload. On DECODE_BAD_VERSION and DECODE_CRITICAL out->header is valid. */
enum decode_status ike_decode(struct arena *a, struct span bytes, struct ike_message *out, struct diag *d);
/* Decodes a chain of payloads that starts with type first (the plaintext of SK) and appends them to m. The
 * plain bytes must live as long as m. */
enum decode_status ike_decode_inner(struct arena *a, uint8_t first, struct span plain, struct ike_message *m,
                                    struct diag *d);
/* The notify that answers a status, 0 when nothing is to be sent. */
uint16_t decode_status_notify(enum decode_status s);

/* First payload of the type, or NULL. */
const struct ike_payload *ike_find(const struct ike_message *m, uint8_t type);
/* The next one of the same type after prev (NULL: the first). */
const struct ike_payload *ike_next(const struct ike_message *m, uint8_t type, const struct ike_payload *prev);
size_t ike_count(const struct ike_message *m, uint8_t type);
/* First Notify of the type, or NULL. */
const struct pl_notify *ike_notify(const struct ike_message *m, uint16_t type);
/* The next Notify of the type after prev (NULL: the first). */
const struct pl_notify *ike_notify_next(const struct ike_message *m, uint16_t type,
                                        const struct pl_notify *prev);
/* First error Notify, or NULL. */
const struct pl_notify *ike_error_notify(const struct ike_message *m);
