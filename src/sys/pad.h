/* SPDX-License-Identifier: Apache-2.0 */
/* One-time pads: files of random bytes, of which each piece of PAD_PIECE bytes serves one IKE SA (see
 * ike/v2/ppk.c for who takes which). A piece is used when it is all zeros. It is overwritten, and the file is
 * synced to its medium, before its bytes are given to anybody: a crash in between loses a piece and never
 * lets one be used twice. What a medium or a file system keeps of overwritten blocks is not ours to see. */
#pragma once

#include "model/action.h"

/* How the file is changed; tests watch it and let it fail. */
struct pad_io {
    /* Overwrites len bytes at offset with zeros. */
    bool (*erase)(void *ctx, int fd, uint64_t offset, size_t len);
    bool (*sync)(void *ctx, int fd);
    void *ctx;
};
extern const struct pad_io pad_io;

/* Does a JOB_PAD. Any thread, any number of them, also of several processes: they take turns. When it is not
 * ok, verdict.why says why. */
void pad_run(struct job *j, const struct pad_io *io);
