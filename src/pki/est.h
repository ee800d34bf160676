/* SPDX-License-Identifier: Apache-2.0 */
/* Enrollment over Secure Transport (RFC 7030, RFC 8951): what a client says and how it reads the answers.
 * Pure: bytes in, bytes and certificates out. */
#pragma once

#include "pki/certs_only.h"

enum { EST_ANSWER_MAX = 1 << 20 };

/* Where an operation is: "https://host/.well-known/est/label/cacerts" [RFC7030#3.2.2]. label may be NULL; it
 * is one segment of a path. NULL with d. */
const char *est_url(struct arena *a, const char *base, const char *label, const char *operation,
                    struct diag *d);
/* A request as it is posted: base64 in lines [RFC8951#3.1]. */
struct span est_body(struct arena *a, struct span der);
/* The certificates of an answer of the media type: a certs-only message in base64 [RFC7030#4.1.3]. As
 * certs_only_read(). */
bool est_read(struct span body, const char *type, struct certs_only *out, struct diag *d);
