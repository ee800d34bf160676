/* SPDX-License-Identifier: Apache-2.0 */
/* One batch sealed or opened by several workers: its owner and others take small parts of it until none is
 * left, and the owner goes on when all are done. So a single flow gets more than one processor and keeps its
 * order, because only the crypto is shared: numbers, windows and sending stay with the owner. */
#pragma once

#include "crypto/bulk.h"
#include <stdatomic.h>

#define ASSIST_PART 32 /* packets */
#define ASSIST_MIN  48 /* a smaller batch is done before anybody has come */

/* What one worker offers. */
struct assist {
    /* generation << 32 | end << 16 | next: one word, so that a part of a batch that is over cannot be taken
     */
    _Atomic uint64_t parts;
    atomic_uint done; /* packets of the present batch */
    struct bulk_op *ops;
    bool is_seal;
};

/* The owner's: returns when all n packets are done, with the help of whoever came. */
void assist_run(struct assist *a, struct bulk_worker *own, struct bulk_op *ops, size_t n, bool is_seal);
/* A helper's: does parts of the present batch; false when there was none. */
bool assist_help(struct assist *a, struct bulk_worker *own);
bool assist_has_work(struct assist *a);
