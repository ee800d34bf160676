/* SPDX-License-Identifier: Apache-2.0 */
/* What interfaces.c and interfaces_msg.c share. */
#pragma once

#include "sys/interfaces.h"

#define MESSAGE_MAX    512
#define INTERFACES_MAX 4096

struct made {
    struct interface_spec spec;
    int index; /* 0: it was there before, and is not ours */
};
