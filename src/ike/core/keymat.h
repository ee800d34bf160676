/* SPDX-License-Identifier: Apache-2.0 */
/* Keying material: of the IKE SA (RFC 7296 section 2.14), of one that replaces another (2.18), of children
 * (2.17), with additional key exchanges (RFC 9370 sections 2.2.2 and 2.2.4), with a postquantum preshared
 * key (RFC 8784). Pure functions of negotiated algorithms, nonces and shared secrets. */
#pragma once

#include "base/secret.h"
#include "crypto/cipher.h"
#include "model/proposal.h"

struct ike_keys { /* i: the original initiator's sending direction, r: the responder's */
    uint16_t prf;
    struct secret sk_d, sk_ai, sk_ar, sk_ei, sk_er, sk_pi, sk_pr;
};

/* First IKE SA. ni and nr are the nonces' contents, shared is g^ir in its fixed length, SPIs in host order.
 * False when an algorithm is unknown or does not fit. out is overwritten, not freed. */
bool keymat_ike(const struct chosen *c, struct span ni, struct span nr, struct span shared, uint64_t spi_i,
                uint64_t spi_r, struct ike_keys *out);
/* The next keys of an IKE SA in the making: shared is what an additional key exchange gave, all else is that
 * of the first keys. */
bool keymat_ike_update(const struct ike_keys *now, const struct chosen *c, struct span ni, struct span nr,
                       struct span shared, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);
/* An IKE SA that resumes one that is gone, of which SK_d is left [RFC5723#5.1]; the algorithms are those of
 * that one. */
bool keymat_ike_resume(const struct chosen *c, struct span sk_d, struct span ni, struct span nr,
                       uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);
/* An IKE SA that replaces old: SKEYSEED comes from old's PRF and SK_d, all else from the new algorithms,
 * nonces and SPIs. additional: what additional key exchanges gave, one after the other; may be empty. */
bool keymat_ike_rekey(const struct ike_keys *old, const struct chosen *c, struct span ni, struct span nr,
                      struct span shared, struct span additional, uint64_t spi_i, uint64_t spi_r,
                      struct ike_keys *out);
/* [RFC8784#3] Runs SK_d, SK_pi and SK_pr through prf+ with a postquantum preshared key. What they were
 * without it goes to plain, which is overwritten; its other keys are empty. False when the PRF is unknown:
 * nothing has changed. */
bool keymat_mix_ppk(struct ike_keys *k, struct span ppk, struct ike_keys *plain);
/* Puts the three keys of plain back; plain is empty then. */
void keymat_take_back(struct ike_keys *k, struct ike_keys *plain);
/* Wipes. */
void ike_keys_deinit(struct ike_keys *k);
/* The cipher for messages that the initiator (or the responder) sends; NULL when unsupported. */
struct cipher *ike_keys_cipher(const struct ike_keys *k, const struct chosen *c, bool is_from_initiator);

struct child_keys { /* i: traffic from the initiator of the exchange that made the child, r: towards it */
    struct secret encr_i, integ_i, encr_r, integ_r; /* encr includes the salt; integ empty for AEAD */
};

/* shared is empty without a key exchange of the child's own [RFC7296#2.17]; additional as above. */
bool keymat_child(const struct ike_keys *ike, const struct chosen *c, struct span ni, struct span nr,
                  struct span shared, struct span additional, struct child_keys *out);
void child_keys_deinit(struct child_keys *k);
