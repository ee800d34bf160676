/* SPDX-License-Identifier: Apache-2.0 */
#include "pad.h"

static bool next(const struct sim_pad *pad, struct job *j)
{
    for (uint64_t i = 0; i < SIM_PAD_PIECES; i++) {
        j->piece = j->is_from_end ? SIM_PAD_PIECES - 1 - i : i;
        if (!pad->is_used[j->piece])
            return true;
    }
    return false;
}

void sim_pad_run(struct sim_pad *pad, struct job *j)
{
    uint8_t piece[PAD_PIECE];
    if (j->pad_use == PAD_TAKE && !next(pad, j))
        return;
    if (j->piece >= SIM_PAD_PIECES || pad->is_used[j->piece])
        return;
    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = (uint8_t)(1 + (j->piece * 37 + i * 11) % 255);
    pad->is_used[j->piece] = j->pad_use != PAD_READ;
    j->ok = true;
    if (j->pad_use != PAD_BURN)
        j->shared = secret_copy(span_of(piece, sizeof(piece)));
}
