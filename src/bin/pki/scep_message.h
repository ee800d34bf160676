/* SPDX-License-Identifier: Apache-2.0 */
/* Making the messages that a SCEP client sends (RFC 8894 section 3.2). */
#pragma once

#include "bin/pki/pki.h"
#include "pki/scep.h"

struct scep_message {
    enum scep_type type;
    const char *transaction;
    uint8_t nonce[SCEP_NONCE_LEN];
    struct span data;      /* what is encrypted: a request, or what a poll is about */
    const struct cert *to; /* for whom */
    bool is_des3;          /* by triple DES, not AES */
    const struct cert *signer;
    struct issue_signer by; /* the signer's key, digest, padding */
};

/* In memory of a. False with d. */
bool scep_message_make(struct arena *a, const struct scep_message *m, struct span *der, struct diag *d);
