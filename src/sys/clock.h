/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that reads the clocks. */
#pragma once

#include "base/time.h"

struct time clock_now(void);
int64_t clock_mono(void);   /* microseconds, CLOCK_BOOTTIME */
int64_t clock_thread(void); /* microseconds that this thread has had a processor */
