/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses in cRLDistributionPoints, freshestCRL and authorityInfoAccess (RFC 5280
 * sections 4.2.1.13, 4.2.1.15 and 4.2.2.1). Which schemes are served is for whoever fetches. See uris.h. */
#include "pki/uris.h"
#include "base/arena.h"
#include "pki/cert_impl.h"
#include <stdlib.h>

static void add(struct uri_list *l, const GENERAL_NAME *g)
{
    struct span s = general_name_bytes(g);
    if (g->type != GEN_URI || !s.len || s.len > URI_LEN_MAX || l->n == URIS_MAX)
        return;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
            return;
    }
    l->v[l->n] = mem_new(s.len + 1);
    memcpy(l->v[l->n++], s.ptr, s.len);
}

void uris_add_points(struct uri_list *l, const CRL_DIST_POINTS *points)
{
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;
        const GENERAL_NAMES *full = name && name->type == 0 ? name->name.fullname : NULL;
        for (int k = 0; k < sk_GENERAL_NAME_num(full); k++)
            add(l, sk_GENERAL_NAME_value(full, k));
    }
}

void uris_add_access(struct uri_list *l, const AUTHORITY_INFO_ACCESS *access, int method_nid)
{
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(access, i);
        if (OBJ_obj2nid(a->method) == method_nid)
            add(l, a->location);
    }
}

void uris_free(struct uri_list *l)
{
    while (l->n)
        free(l->v[--l->n]);
}
