/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's IPsec counters (/proc/net/xfrm_stat) since a moment: they count from the boot, for all who use
 * IPsec in this network namespace, and what is of interest is what has moved. What each means: xfrm_stat.h.
 */
#pragma once

#include "sys/xfrm_stat.h"

#define XFRM_COUNTS_MAX 64
#define XFRM_STAT_PATH  "/proc/thread-self/net/xfrm_stat"

struct xfrm_moved {
    const char *path;
    struct xfrm_count began[XFRM_COUNTS_MAX];
    size_t n;
};

/* Reads them. path: kept. */
void xfrm_moved_begin(struct xfrm_moved *m, const char *path);
/* Those that are higher now, by how much, in the file's order. One that was not there counted from 0. */
size_t xfrm_moved_since(const struct xfrm_moved *m, struct xfrm_count out[XFRM_COUNTS_MAX]);
