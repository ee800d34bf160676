/* SPDX-License-Identifier: Apache-2.0 */
/* What a reload changes: the connections, children and policies that differ from one snapshot to the next, in
 * words for who asked for it. */
#pragma once

#include "model/connection.h"

#define CONFIG_CHANGES_MAX 200

struct config_changes {
    struct arena *arena; /* of the texts */
    const char *v[CONFIG_CHANGES_MAX];
    size_t n, n_more; /* those that have no place in v */
};

/* Does now go on with the IKE SAs of old, which has another name? */
bool connection_is_renamed(const struct connection *old, const struct connection *now);
/* was NULL: nothing was loaded. */
void config_changes(struct config_changes *c, const struct config *was, const struct config *is);
void config_changes_free(struct config_changes *c);
