/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to an injected sink: see log.h. */
#include "base/log.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static log_sink *the_sink;
static void *the_ctx;
static enum log_level most;

void log_set_sink(log_sink *sink, void *ctx, enum log_level most_verbose)
{
    the_sink = sink;
    the_ctx = ctx;
    most = most_verbose;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (!the_sink || level > most)
        return;
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    for (char *p = line; *p; p++) {
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    }
    the_sink(the_ctx, level, line);
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warning", "notice", "detail", "trace"};
    return names[level];
}
