/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/logsink.h"
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* One write for a line, so that lines of several threads and processes do not mix. */
static void to_stderr(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    char line[1200], stamp[32];
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
    int n = snprintf(line, sizeof(line), "%s.%03ld %-7s %s\n", stamp, now.tv_nsec / 1000000,
                     log_level_name(level), text);
    if (n >= (int)sizeof(line)) {
        n = sizeof(line) - 1;
        line[n - 1] = '\n';
    }
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);
    (void)written; /* nowhere to complain */
}

static void to_syslog(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    static const int priorities[] = {3, 4, 5, 6,
                                     7}; /* err .. debug; syslog.h's macros hide our enum's names */
    syslog(priorities[level], "%s", text);
}

void logsink_stderr(enum log_level most_verbose)
{
    log_set_sink(to_stderr, NULL, most_verbose);
}

void logsink_syslog(enum log_level most_verbose)
{
    openlog("keywayd", LOG_PID, LOG_DAEMON);
    log_set_sink(to_syslog, NULL, most_verbose);
}
