/* SPDX-License-Identifier: Apache-2.0 */
/* Which payload may stand in which message, how often, in the clear or encrypted (RFC 7296 sections 1.2
 * to 1.5, 2.21, appendix C; RFC 7383 section 2.3; RFC 9242 section 3.2;
 * RFC 9370 sections 2.2.2 and 2.2.4): as data. What is not in the table is denied; payloads of
 * unknown type (not critical) and unknown notifies pass, up to the limits of the decoder. */
#pragma once

#include "ike/msg/decode.h"

enum message_kind {
    MSG_INIT_REQUEST,
    MSG_INIT_RESPONSE,
    MSG_INTERMEDIATE_REQUEST, /* RFC 9242 */
    MSG_INTERMEDIATE_RESPONSE,
    MSG_AUTH_REQUEST,
    MSG_AUTH_RESPONSE,
    MSG_NEW_CHILD_REQUEST,
    MSG_REKEY_CHILD_REQUEST, /* CREATE_CHILD_SA with N(REKEY_SA) */
    MSG_REKEY_IKE_REQUEST,   /* CREATE_CHILD_SA whose proposals are for IKE */
    MSG_CHILD_RESPONSE,      /* to either of the first two; also an error without SA */
    MSG_REKEY_IKE_RESPONSE,
    MSG_FOLLOWUP_REQUEST, /* IKE_FOLLOWUP_KE: RFC 9370 section 2.2.4 */
    MSG_FOLLOWUP_RESPONSE,
    MSG_INFO_REQUEST,
    MSG_INFO_RESPONSE,
    MSG_RESUME_REQUEST, /* IKE_SESSION_RESUME: RFC 5723 section 4.3.2 */
    MSG_RESUME_RESPONSE,
    MSG_KINDS,
    MSG_UNKNOWN = MSG_KINDS,
    /* As they are written; read, they are like the first request and the last response, and only who knows
     * what came before can tell: IKE_AUTH that goes on [RFC4739#2]. */
    MSG_MORE_REQUEST,
    MSG_MORE_RESPONSE,
};

struct payload_rule {
    uint8_t kind;      /* enum message_kind */
    uint8_t payload;   /* enum payload_type */
    uint8_t min, max;  /* min does not bind a response that carries an error or N(COOKIE) */
    bool is_encrypted; /* must come from SK; false: must be in the clear */
};

struct notify_rule {
    uint16_t notify;
    uint8_t max;    /* a repetition beyond this is an error */
    uint32_t kinds; /* bit 1 << kind: where it means something; elsewhere it is to be ignored */
};

/* By exchange, direction and contents; call it once a protected message is opened. MSG_UNKNOWN for exchanges
 * that we do not speak. */
enum message_kind rules_kind(const struct ike_message *m);
const char *message_kind_name(enum message_kind k);
/* DECODE_OK, or DECODE_MALFORMED with what stands there wrongly in d (may be NULL). A protected exchange
 * whose message is not opened is malformed. */
enum decode_status rules_check(const struct ike_message *m, struct diag *d);
/* Does the notify mean something in this kind of message? Unknown types: no. */
bool rules_notify_expected(enum message_kind k, uint16_t notify);
/* NULL when the payload is not allowed there. */
const struct payload_rule *rules_find(enum message_kind k, uint8_t payload);
/* Iteration for tests and listings: index 0.. until NULL. */
const struct payload_rule *rules_payload_at(size_t index);
const struct notify_rule *rules_notify_at(size_t index);
