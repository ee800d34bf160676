/* SPDX-License-Identifier: Apache-2.0 */
/* IPSECKEY records (RFC 4025, RFC 9373): the RDATA, as DNS carries it. */
#pragma once

#include "crypto/pkey.h"

#define IPSECKEY_TYPE 45 /* IANA's number of the record type */

struct ipseckey {
    uint8_t precedence;   /* lower first */
    uint8_t gateway_type; /* 0 none, 1 IPv4, 2 IPv6, 3 a name */
    uint8_t algorithm;    /* 0: no key */
    struct span gateway;  /* as on the wire */
    struct span key;
};

/* [RFC4025#2.1] Views into rdata. False with the reason in d. The gateway is not judged. */
bool ipseckey_read(struct span rdata, struct ipseckey *out, struct diag *d);
