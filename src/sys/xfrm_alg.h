/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel calls the ciphers and integrity algorithms of ESP and AH. */
#pragma once

#include "crypto/alg.h"

struct xfrm_alg {
    enum transform_type type;
    uint16_t id;
    const char *name;    /* the kernel's crypto API's; NULL: there is none */
    const char *modules; /* what to look for where the kernel does not have it */
    const char *why_not; /* name NULL: the reason */
};

/* NULL when the id is not one of ESP's or AH's. */
const struct xfrm_alg *xfrm_alg_find(enum transform_type type, uint16_t id);
