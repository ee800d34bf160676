/* SPDX-License-Identifier: Apache-2.0 */
/* Algorithms that nobody should use any more and that old files still are encrypted with: OpenSSL keeps them
 * in a provider of its own. */
#pragma once

struct ossl_lib_ctx_st;

/* A library context with them beside the usual ones, made at the first call and kept; NULL where OpenSSL's
 * legacy provider is not installed. For reading files alone: nothing else sees these algorithms. */
struct ossl_lib_ctx_st *crypto_legacy(void);
