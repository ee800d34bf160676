/* SPDX-License-Identifier: Apache-2.0 */
/* IntAuth: what AUTH covers of the IKE_INTERMEDIATE exchanges before it (RFC 9242 section 3.3.2). A chain of
 * PRF values for each side; the messages' contents are protect_content()'s. Keeps no key. */
#pragma once

#include "crypto/prf.h"

/* One for each additional key exchange [RFC9370#2.2.2], one for a list of ways to authenticate [RFC9593#3.1].
 */
#define INT_AUTH_ROUNDS_MAX 8

struct int_auth { /* zeroed: no exchange took place */
    uint8_t rounds;
    bool has_request;                   /* of the round under way */
    uint8_t value[2 * PRF_MAX_LEN + 4]; /* IntAuth_i | IntAuth_r | message ID of IKE_AUTH */
};

/* The n-th exchange: first its request, then its response, each with the sender's SK_p of that moment. prf is
 * the IKE SA's, the same all the time. False when it is unknown, the content empty, or the order wrong. */
bool int_auth_request(struct int_auth *a, uint16_t prf, struct span sk_pi, struct span content);
bool int_auth_response(struct int_auth *a, uint16_t prf, struct span sk_pr, struct span content);
/* What both sides append to their signed octets; empty before the first exchange is complete. A view. */
struct span int_auth_view(const struct int_auth *a, uint16_t prf);
