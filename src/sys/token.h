/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys and certificates on tokens (PKCS#11), through p11-kit. Calls block: for workers. */
#pragma once

#include "conf/conf.h"

/* The private key with that handle; signing goes to the token. NULL with the reason in d. */
struct pkey *token_key(void *ctx, const struct token_query *q, struct diag *d);
/* The certificate with that handle, in a's memory. */
bool token_cert(void *ctx, struct arena *a, const struct token_query *q, struct span *der, struct diag *d);
