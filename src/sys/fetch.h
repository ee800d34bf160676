/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches one address: http, https, ldap, ldaps and, where it is allowed, file. Blocks the calling thread,
 * which is none that anything waits for; bounded in time and size. */
#pragma once

#include "base/secret.h"
#include <stdatomic.h>

struct fetch {
    const char *url;
    struct span post;      /* not empty: sent by HTTP POST */
    const char *post_type; /* of what is posted: "application/ocsp-request" */
    size_t max;            /* bytes that may come */
    int64_t timeout;       /* microseconds, of the whole */
    bool allows_file;
    const atomic_bool *is_cancelled; /* NULL: cannot be */
};

#define FETCH_WHY_MAX 200

/* Once, before other threads are there. */
void fetch_init(void);
/* False with the reason in why. */
bool fetch_url(const struct fetch *f, struct secret *out, char why[FETCH_WHY_MAX]);
/* The value of an attribute in what an LDAP server answers, as libcurl writes it; empty: none. Decoded in
 * place. */
struct span fetch_ldap_value(struct secret *answer, const char *attribute);
