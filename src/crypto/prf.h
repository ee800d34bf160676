/* SPDX-License-Identifier: Apache-2.0 */
/* The pseudo-random functions of IKEv2 and prf+ (RFC 7296 sections 2.13, RFC 4434, RFC 4615 for keys of other
 * lengths), and the keyed integrity transforms for one-off use. Ids: enum prf_id, enum integ_id. */
#pragma once

#include "base/secret.h"

#define PRF_MAX_LEN 64

/* Output bytes of the PRF; 0 when unknown. */
size_t prf_len(uint16_t prf);
/* prf(key, parts...): out must hold prf_len(). Any key length is accepted. False only when the PRF is
 * unknown. */
bool prf_compute(uint16_t prf, struct span key, const struct span *parts, size_t n, uint8_t *out);
/* prf+(key, seed parts...) cut to out_len (at most 255 * prf_len()). False on unknown PRF, too long an output
 * or more than 8 parts. */
bool prf_plus(uint16_t prf, struct span key, const struct span *parts, size_t n, uint8_t *out,
              size_t out_len);
/* Truncated MAC of an integrity transform over parts: writes alg icv bytes. False when integ is unknown or
 * NONE, or an AES key is not 16 bytes long. */
bool integ_compute(uint16_t integ, struct span key, const struct span *parts, size_t n, uint8_t *out);
