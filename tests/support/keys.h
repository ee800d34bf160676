/* SPDX-License-Identifier: Apache-2.0 */
/* The key files of tests/vectors/keys. */
#pragma once

#include "crypto/pkey.h"

/* The bytes of a file: good until four further calls. Fails the test when it is missing. */
struct span key_file(const char *name);
/* The private key in it; fails the test with the reason when there is none. */
struct pkey *key_private(const char *name, const char *passphrase);
/* Its public half alone. */
struct pkey *key_public(const char *name);
