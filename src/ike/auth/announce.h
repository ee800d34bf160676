/* SPDX-License-Identifier: Apache-2.0 */
/* SUPPORTED_AUTH_METHODS (RFC 9593): the ways to authenticate that one end takes, told before the other end
 * chooses one. An announcement is of two bytes (methods that need nothing more), of three (with a CA), or of
 * more (with a CA and the algorithm of a signature). A CA is named by its place in the sender's CERTREQs. */
#pragma once

#include "base/wr.h"
#include "ike/auth/auth.h"

#define ANNOUNCE_MAX 64 /* that are kept; the others count as not made */

struct announcement {
    uint8_t method;
    uint8_t link; /* the CA's place in the CERTREQs, from 1; 0: whatever CA */
    bool has_scheme;
    struct sig_scheme scheme;
};

struct announced {
    bool is_awaited; /* the list was promised for IKE_INTERMEDIATE */
    uint8_t n;
    const struct announcement *v;
};

/* What signatures of one kind of peer may use. */
struct announce_kind {
    const struct sig_scheme *schemes;
    size_t n;           /* 0: all but SHA-1 */
    const uint8_t *cas; /* below which of our CERTREQs' CAs, from 1 */
    size_t n_cas;       /* 0: whatever CA */
};
/* Our list: ways holds 1 << enum auth_method, v what there is of AUTH_PUBKEY. What does not hold for all CAs
 * is announced for each. */
void announce_encode(struct wr *w, unsigned ways, const struct announce_kind *v, size_t n);
/* What is not known is left out. Memory from a. False: malformed. */
bool announce_decode(struct arena *a, struct span data, struct announced *out);
/* "pre-shared key, ED25519 (CA 2)". */
const char *announce_format(const struct announced *a, char *buf, size_t cap);
/* Does the peer take that, by whatever signature? a NULL, or awaited: it has not said. */
bool announce_takes(const struct announced *a, enum auth_method way);

/* One key of ours with its certificate. */
struct announce_ask {
    const struct announced *peer; /* NULL: it has not said */
    const struct pkey *key;
    uint32_t peer_hashes;
    const struct auth_side *own; /* the configured constraints */
    bool prefers_pss;            /* where they and the peer leave it open, for RSA keys */
    /* Is the certificate below that CA of the peer's? */
    bool (*is_below)(const void *ctx, uint8_t link);
    const void *ctx;
};
/* As auth_choose(), among what the peer takes. */
bool announce_choose(const struct announce_ask *q, struct auth_choice *out, struct diag *d);
