/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys and certificates on tokens (PKCS#11), through p11-kit. Calls block: for workers. */
#pragma once

#include "conf/conf.h"

/* A module, a library by its path, for queries that name none, beside those that p11-kit knows. False: it
 * cannot be loaded. */
bool token_add_module(const char *path);
/* The private key with that handle; signing goes to the token. NULL with the reason in d, which is
 * FAIL_PERMISSION when a PIN may help. */
struct pkey *token_key(void *ctx, const struct token_query *q, struct diag *d);
/* The certificate with that handle, in a's memory. */
bool token_cert(void *ctx, struct arena *a, const struct token_query *q, struct span *der, struct diag *d);
