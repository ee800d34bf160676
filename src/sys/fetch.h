/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches one address: http, https, ldap, ldaps and, where it is allowed, file. Blocks the calling thread,
 * which is none that anything waits for; bounded in time and size. */
#pragma once

#include "base/secret.h"
#include <stdatomic.h>

/* Who is trusted at the other end of TLS, and who we are: all PEM. */
struct fetch_tls {
    struct span cas;       /* only these, and each path must end in one that is self-signed */
    struct span certs;     /* our certificate and what stands between it and its root; empty: none */
    struct span key;       /* of the first of them */
    const char *user_pass; /* "user:password" for HTTP basic authentication (RFC 7617), or NULL */
};

/* What an HTTP server said beside the contents. */
struct fetch_answer {
    long status;
    long retry_after; /* seconds; 0: it does not say */
    char type[128];   /* of the contents; empty: it does not say */
};

struct fetch {
    const char *url;
    struct span post;      /* not empty: sent by HTTP POST */
    const char *post_type; /* of what is posted: "application/ocsp-request" */
    const char *encoding;  /* its Content-Transfer-Encoding, or NULL */
    size_t max;            /* bytes that may come */
    int64_t timeout;       /* microseconds, of the whole */
    bool allows_file;
    bool is_http_only;               /* and without redirections: a stranger chose the address */
    const atomic_bool *is_cancelled; /* NULL: cannot be */
    const struct fetch_tls *tls;     /* not NULL: https only, and no redirections */
    struct fetch_answer *answer; /* not NULL: filled; every answer of a server, even an empty one, is good */
};

#define FETCH_WHY_MAX 200

/* Once, before other threads are there. */
void fetch_init(void);
/* False with the reason in why. */
bool fetch_url(const struct fetch *f, struct secret *out, char why[FETCH_WHY_MAX]);
/* The value of an attribute in what an LDAP server answers, as libcurl writes it; empty: none. Decoded in
 * place. */
struct span fetch_ldap_value(struct secret *answer, const char *attribute);
