/* SPDX-License-Identifier: Apache-2.0 */
/* Time is an argument. mono drives every timer; wall is read only by certificate dates, tickets and logs, and
 * a jump of wall moves no timer. */
#pragma once

#include <stdint.h>

struct time {
    int64_t mono; /* microseconds, CLOCK_BOOTTIME */
    int64_t wall; /* seconds since 1970-01-01 UTC */
};

#define TIME_SECOND INT64_C(1000000)
#define TIME_MS     INT64_C(1000)
#define TIME_NEVER  INT64_MAX

static inline int64_t time_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
