/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that reads the clocks. */
#pragma once

#include "base/time.h"
#include <pthread.h>

struct time clock_now(void);
int64_t clock_mono(void);   /* microseconds, CLOCK_BOOTTIME */
int64_t clock_thread(void); /* microseconds that this thread has had a processor */
/* A condition whose time limits are those of CLOCK_MONOTONIC: pthread_cond_timedwait() does not see the clock
 * on the wall jump. */
void clock_cond_init(pthread_cond_t *c);
