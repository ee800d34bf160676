/* SPDX-License-Identifier: Apache-2.0 */
/* Payload types and their decoded forms (RFC 7296 section 3). Everything variable is a view into the datagram
 * (or, for proposals and selectors, an array in the arena that decoding was given): valid as long as those.
 */
#pragma once

#include "model/proposal.h"
#include "net/identity.h"
#include "net/ts.h"

enum payload_type {
    PAYLOAD_NONE = 0,
    PAYLOAD_SA = 33,
    PAYLOAD_KE = 34,
    PAYLOAD_IDI = 35,
    PAYLOAD_IDR = 36,
    PAYLOAD_CERT = 37,
    PAYLOAD_CERTREQ = 38,
    PAYLOAD_AUTH = 39,
    PAYLOAD_NONCE = 40,
    PAYLOAD_NOTIFY = 41,
    PAYLOAD_DELETE = 42,
    PAYLOAD_VENDOR = 43,
    PAYLOAD_TSI = 44,
    PAYLOAD_TSR = 45,
    PAYLOAD_SK = 46,
    PAYLOAD_CP = 47,
    PAYLOAD_EAP = 48,
    PAYLOAD_SKF = 53,
};

#define PAYLOAD_HEADER_LEN 4
#define NONCE_MIN          16 /* [RFC7296#2.10] */
#define NONCE_MAX          256
#define SPI_MAX            8

enum cert_encoding {
    CERT_X509_SIGNATURE = 4,
    CERT_CRL = 7,
    CERT_ATTRIBUTE = 10,
    CERT_HASH_AND_URL = 12,
    CERT_HASH_AND_URL_BUNDLE = 13,
    CERT_OCSP_CONTENT = 14, /* [RFC4806#3.1] */
    CERT_RAW_PUBLIC_KEY = 15,
};

enum cfg_type { CFG_REQUEST = 1, CFG_REPLY = 2, CFG_SET = 3, CFG_ACK = 4 };

struct pl_sa {
    struct proposal_list proposals; /* transforms sorted by type 1 3 2 4 5, unknown types last */
};
struct pl_ke {
    uint16_t group;
    struct span data;
};
struct pl_id {
    struct identity id; /* type is the wire's number even when unknown */
    struct span body;   /* type | reserved | data: what AUTH covers, byte for byte */
};
struct pl_cert { /* CERT; for CERTREQ data are the certification authorities */
    uint8_t encoding;
    struct span data;
};
struct pl_auth {
    uint8_t method;
    struct span data;
};
struct pl_nonce {
    struct span data; /* NONCE_MIN to NONCE_MAX bytes */
};
struct pl_notify {
    uint8_t protocol;
    uint16_t type;
    struct span spi; /* at most SPI_MAX bytes */
    struct span data;
};
struct pl_delete {
    uint8_t protocol;
    uint8_t spi_len; /* 0 for IKE, 4 for ESP and AH */
    uint16_t count;
    struct span spis; /* count * spi_len bytes */
};
struct pl_vendor {
    struct span data;
};
struct pl_ts { /* TSi and TSr: those of known type (IPv4 and IPv6 ranges); others are skipped */
    const struct ts *v;
    size_t n;
};
struct pl_cp {
    uint8_t type;      /* enum cfg_type */
    struct span attrs; /* checked; walk with cp_next() */
};
struct pl_eap {
    struct span data;
};
struct pl_sk {              /* SK and SKF, still closed */
    uint8_t first;          /* type of the first payload inside; 0 in SKF after the first fragment */
    uint16_t number, total; /* SKF; 1 of 1 in SK */
    size_t aad_len;         /* bytes of the message before the IV */
    struct span body;       /* IV | ciphertext | ICV */
};

struct ike_payload {
    uint8_t type; /* enum payload_type, or unknown (and not critical) */
    bool is_critical;
    bool is_encrypted; /* came out of SK or SKF */
    struct span body;  /* without the generic header */
    union {
        struct pl_sa sa;
        struct pl_ke ke;
        struct pl_id id;
        struct pl_cert cert;
        struct pl_auth auth;
        struct pl_nonce nonce;
        struct pl_notify notify;
        struct pl_delete del;
        struct pl_vendor vendor;
        struct pl_ts ts;
        struct pl_cp cp;
        struct pl_eap eap;
        struct pl_sk sk;
    };
};

/* "SA", "IDi", "N": as dumps write them; NULL when unknown. */
const char *payload_name(uint8_t type);
bool payload_is_known(uint8_t type);
/* The i-th SPI of a Delete payload for ESP or AH, host order. i < count. */
uint32_t delete_spi(const struct pl_delete *d, size_t i);
/* Walks configuration attributes: at is set to cp->attrs by the caller first. False at the end. */
struct cp_attr {
    uint16_t type;
    struct span value;
};
bool cp_next(struct span *at, struct cp_attr *out);
