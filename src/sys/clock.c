/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/clock.h"
#include <time.h>

int64_t clock_mono(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec * TIME_SECOND + ts.tv_nsec / 1000;
}

struct time clock_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct time){.mono = clock_mono(), .wall = ts.tv_sec};
}

int64_t clock_thread(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * TIME_SECOND + ts.tv_nsec / 1000;
}

void clock_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}
