/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's counters of IPsec packets that went wrong (/proc/net/xfrm_stat): what each means and what to
 * do about it. Those up to Linux 6.14; what a newer kernel adds is shown by its name alone. */
#pragma once

#include "base/span.h"

struct xfrm_counter {
    const char *name;    /* "XfrmInNoStates" */
    const char *meaning; /* what happened to the packet */
    const char *advice;  /* what to look at */
};

/* NULL when the name is not known. */
const struct xfrm_counter *xfrm_counter_find(const char *name);
const struct xfrm_counter *xfrm_counter_at(size_t index); /* NULL behind the last one */

struct xfrm_count {
    char name[40];
    uint64_t value;
};
/* What the text of that file says, in its order; returns how many, at most cap. Lines that are none are left
 * out. */
size_t xfrm_stat_parse(const char *text, struct xfrm_count *out, size_t cap);
