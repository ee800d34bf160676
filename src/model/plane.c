/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plane.h"

const char *plane_name(enum plane p)
{
    return p == PLANE_KERNEL ? "kernel" : "user";
}
