/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests, PKCS#10 (RFC 2986): reading one. Making one: issue.h. */
#pragma once

#include "base/diag.h"
#include "crypto/pkey.h"

struct request;

/* Microsoft's certificate template name, which strongSwan calls the profile. */
#define REQUEST_PROFILE_OID "1.3.6.1.4.1.311.20.2"

/* DER. Its own signature must hold (proof that the sender has the key). NULL with the reason in d. */
struct request *request_load(struct span der, struct diag *d);
void request_free(struct request *r);
struct pkey *request_public_key(const struct request *r); /* borrowed */
struct span request_subject_der(const struct request *r); /* borrowed */
/* The DER of the GeneralNames of the subjectAltName that it asks for; empty when it asks for none. */
struct span request_names_der(const struct request *r);
/* The profile that it asks for: "server"; empty when it asks for none. */
struct span request_profile(const struct request *r);
/* The challengePassword of the request, empty when there is none. */
struct span request_password(const struct request *r);
