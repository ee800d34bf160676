/* SPDX-License-Identifier: Apache-2.0 */
/* What a PKCS#12 container has, into the key store. */
#pragma once

#include "pki/pkcs12.h"
#include "sys/keystore.h"

/* As NSS calls a certificate that its container has no name for: "CN - O of its issuer". */
void container_nickname(const struct cert *c, char out[KEYSTORE_NICKNAME_MAX]);
/* Keys first: a certificate in the store whose key is not yet there would be of no use. Certificates that are
 * there stay as they are. is_trusting: authorities that are new are trusted, and those that are there. The
 * store is unlocked. */
bool container_take(struct keystore *s, const struct pkcs12 *p, bool is_trusting, struct diag *d);
