/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of CRLs and OCSP responders, out of extensions. Private to src/pki. */
#pragma once

#include "base/span.h"
#include <openssl/x509v3.h>

enum { URIS_MAX = 8, URI_LEN_MAX = 1024 };

struct uri_list {
    char *v[URIS_MAX];
    size_t n;
};

/* Those of its names that are addresses; what is too many, too long or not printable is left out. */
void uris_add_points(struct uri_list *l, const CRL_DIST_POINTS *points);
void uris_add_access(struct uri_list *l, const AUTHORITY_INFO_ACCESS *access, int method_nid);
void uris_free(struct uri_list *l);
