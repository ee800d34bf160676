/* SPDX-License-Identifier: Apache-2.0 */
/* One row a key exchange method, and what a family of methods can do. Private to src/crypto. */
#pragma once

#include "crypto/kex.h"
#include <openssl/bn.h>

struct kex_group;
struct mlkem_set;

/* Lengths have been checked against the row. */
struct kex_family {
    /* Draws a private key of group->private_len bytes and computes the public value. */
    bool (*generate)(const struct kex_group *g, uint8_t *private_key, uint8_t *public_key);
    /* NULL with Diffie-Hellman: then it is a key pair of one's own and derive(). */
    bool (*answer)(const struct kex_group *g, const uint8_t *peer, uint8_t *answer, uint8_t *shared);
    bool (*derive)(const struct kex_group *g, const uint8_t *private_key, const uint8_t *peer,
                   uint8_t *shared);
    /* NULL: OpenSSL, if generate() works. */
    const char *(*served_by)(const struct kex_group *g);
};

struct kex_group {
    uint16_t id;
    const struct kex_family *family;
    uint16_t private_len, public_len, answer_len, shared_len;
    BIGNUM *(*prime)(BIGNUM *);  /* MODP */
    int nid;                     /* ECP */
    const char *name;            /* XDH: OpenSSL's */
    const struct mlkem_set *kem; /* ML-KEM */
};

extern const struct kex_family kex_modp, kex_ecp, kex_xdh, kex_mlkem;
