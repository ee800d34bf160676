/* SPDX-License-Identifier: Apache-2.0 */
/* What of the kernel's IPsec is ours, in a file that outlives kill -9: a slot for each object with the
 * message that deletes it, written before the object is there and cleared when it has gone. The file is of
 * one boot and one network namespace; of another it says nothing. */
#pragma once

#include "base/diag.h"
#include <stddef.h>
#include <stdint.h>

#define XFRM_JOURNAL_KEPT 2 /* places for settings */

struct nlmsghdr;
struct xfrm_journal;

/* A setting of the machine: what it was, and what it is made to be. old < 0: nothing. */
struct xfrm_kept {
    int32_t old, ours;
};

/* The one that an earlier run left goes on, if it is of this boot and namespace; damaged slots are empty.
 * Otherwise it is a new one, whatever was there. NULL with the reason. */
struct xfrm_journal *xfrm_journal_open(const char *path, struct diag *d);
/* tell: by which of its numbers the object is known to be the same one (a reqid, a priority). Returns the
 * slot, or 0: there is no room. j may be NULL. */
uint32_t xfrm_journal_put(struct xfrm_journal *j, const struct nlmsghdr *del, uint32_t tell);
/* *slot becomes 0. */
void xfrm_journal_clear(struct xfrm_journal *j, uint32_t *slot);
typedef void xfrm_journal_note(void *ctx, struct nlmsghdr *del, uint32_t tell, uint32_t slot);
/* All that is in it; del is the callee's to change, and slots may be cleared meanwhile. How many. */
size_t xfrm_journal_each(struct xfrm_journal *j, xfrm_journal_note *note, void *ctx);
/* Settings that are changed as long as the journal is there: noted before they are. where: below
 * XFRM_JOURNAL_KEPT; j may be NULL. */
void xfrm_journal_keep(struct xfrm_journal *j, size_t where, struct xfrm_kept kept);
struct xfrm_kept xfrm_journal_kept(const struct xfrm_journal *j, size_t where);
/* And removes the file. */
void xfrm_journal_close(struct xfrm_journal *j);
