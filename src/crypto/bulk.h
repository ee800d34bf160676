/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk ESP crypto in batches (RFC 4303 with RFC 3602, 3686, 4106, 4309, 4543, 7634, 2404, 4868, 3566, 4494):
 * libipsec-mb where the machine has it, OpenSSL EVP elsewhere; bulk_engine_of() says which serves a key.
 * Knows the layout SPI | seq | IV | ciphertext | ICV, nothing of addresses or windows.
 *
 * A key is kept compact: some hundred bytes. Its expanded form (key schedule, powers of the hash key, MAC
 * pads: a kilobyte) is made in the worker that first runs a packet of it, and stays there while it is among
 * the last 512 or so that this worker used. Every worker has expanded forms of its own and evicts none while
 * a packet that needs it is under way; so any worker may seal or open packets of any key at any time, several
 * workers those of one key at once, without locks. The one rule: bulk_key_free() only when no call that
 * was given the key is under way. When it returns, the key and all its expanded forms are wiped. */
#pragma once

#include "base/secret.h"
#include "crypto/alg.h"

struct bulk_key;    /* one SA direction; immutable, may be shared by threads */
struct bulk_worker; /* one per thread: expanded keys, contexts and job managers */

enum bulk_status { BULK_OK, BULK_BAD_ICV, BULK_BAD_LENGTH };

struct bulk_op {
    const struct bulk_key *key;
    uint8_t *esp;    /* the SPI field; the packet is worked on in place */
    uint32_t len;    /* from the SPI to the end of the ICV */
    uint32_t seq_hi; /* high half of the extended sequence number */
    bool has_esn;    /* seq_hi takes part in AAD or ICV */
    uint8_t status;  /* out: enum bulk_status */
};

/* encr_key includes the salt. engine: NULL for the best, or "ipsec-mb" / "openssl" to force one (tests).
 * NULL when unsupported there, when a length does not fit, or when nothing would protect the packet. A key
 * made with is_seal is for bulk_seal() alone, the other for bulk_open(). */
struct bulk_key *bulk_key_new(uint16_t encr, uint16_t key_bits, uint16_t integ, struct span encr_key,
                              struct span integ_key, bool is_seal, const char *engine);
/* Wipes, in every worker. Any thread. */
void bulk_key_free(struct bulk_key *k);
const char *bulk_engine_of(const struct bulk_key *k);
size_t bulk_iv_len(const struct bulk_key *k);
size_t bulk_icv_len(const struct bulk_key *k);
/* As it was made. */
uint16_t bulk_encr(const struct bulk_key *k);
uint16_t bulk_integ(const struct bulk_key *k);
uint16_t bulk_key_bits(const struct bulk_key *k); /* of the cipher, without its salt */
size_t bulk_block(const struct bulk_key *k);      /* pad plaintext to a multiple of this, at least 4 */

#define BULK_ENGINES 2

/* Which engine serves what; see bulk_table.c. */
struct bulk_row {
    enum transform_type type;        /* ENCR or INTEG */
    uint16_t id, key_bits;           /* INTEG, and NULL encryption: 0 bits */
    const char *lacks[BULK_ENGINES]; /* NULL: the engine serves it. Else why not */
};
/* index 0.. until NULL */
const struct bulk_row *bulk_row_at(size_t index);
/* Engines in order of speed: the first that serves a key gets it. NULL after the last. */
const char *bulk_engine_name(size_t engine);
/* "1.3.0"; NULL: the library is not there. */
const char *bulk_engine_version(size_t engine);
/* Why the engine does not serve the row on this machine; NULL: it does (a key was made). */
const char *bulk_engine_lacks(size_t engine, const struct bulk_row *row);

struct bulk_worker *bulk_worker_new(void);
void bulk_worker_free(struct bulk_worker *w);
/* Seals n packets whose SPI, seq, IV and padded plaintext are in place; writes ciphertext and ICV. No
 * allocation of ours; with more busy keys than slots libcrypto allocates for those that only it serves. */
void bulk_seal(struct bulk_worker *w, struct bulk_op *ops, size_t n);
/* Verifies and decrypts n packets in place; each op's status says how it went. What a refused packet then
 * holds is unspecified. */
void bulk_open(struct bulk_worker *w, struct bulk_op *ops, size_t n);
