/* SPDX-License-Identifier: Apache-2.0 */
/* A one-time pad on a node's disk, which outlives the process: what src/sys/pad.c does to a file. */
#pragma once

#include "model/action.h"

#define SIM_PAD_PIECES 256

struct sim_pad {
    bool is_used[SIM_PAD_PIECES];
};

/* Does a JOB_PAD at once: a process that dies before it hears of it has lost the piece. */
void sim_pad_run(struct sim_pad *pad, struct job *j);
