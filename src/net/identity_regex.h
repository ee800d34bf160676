/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions as identities. Private to src/net. */
#pragma once

#include "net/dn.h"
#include "net/identity.h"

/* "^...$" of a type that may be one. */
bool identity_is_regex(const struct identity *id);
/* False with a static reason. */
bool identity_regex_valid(struct span pattern, const char **err);
bool identity_regex_match(const struct identity *id, const struct identity *pattern);
