/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/logsink.h"
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static enum log_level most; /* what is shown; more is made for those who ask over vici */

/* One write for a line, so that lines of several threads and processes do not mix. */
static void to_stderr(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    char line[1200], stamp[32];
    struct timespec now;
    struct tm tm;
    if (e->level > most)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
    int n =
        snprintf(line, sizeof(line), "%s.%03ld %-7s %s%s%s\n", stamp, now.tv_nsec / 1000000,
                 log_level_name(e->level), e->ike_name ? e->ike_name : "", e->ike_name ? ": " : "", e->text);
    if (n >= (int)sizeof(line)) {
        n = sizeof(line) - 1;
        line[n - 1] = '\n';
    }
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);
    (void)written; /* nowhere to complain */
}

static void to_syslog(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    /* err .. debug; syslog.h's macros hide our enum's names */
    static const int priorities[] = {3, 4, 5, 5, 6, 7};
    if (e->level <= most)
        syslog(priorities[e->level], "%s%s%s", e->ike_name ? e->ike_name : "", e->ike_name ? ": " : "",
               e->text);
}

static void set(log_sink *sink, enum log_level most_verbose)
{
    static const enum log_level for_vici = 4; /* detail */
    most = most_verbose;
    log_set_sink(sink, NULL, most_verbose < for_vici ? for_vici : most_verbose);
}

void logsink_stderr(enum log_level most_verbose)
{
    set(to_stderr, most_verbose);
}

void logsink_syslog(enum log_level most_verbose)
{
    openlog("keywayd", LOG_PID, LOG_DAEMON);
    set(to_syslog, most_verbose);
}
