/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to an injected sink: see log.h. Levels are read by any thread while the loop changes them: each
 * is one relaxed atomic, for nothing else depends on when a thread sees the change. */
#include "base/log.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES 1024

static _Atomic(log_sink *) the_sink;
static _Atomic(void *) the_ctx;
static _Atomic bool has_levels;
static _Atomic int8_t most[LOG_GROUPS];

void log_set_sink(log_sink *sink, void *ctx, enum log_level most_verbose)
{
    struct log_levels all;
    memset(all.of, log_level_number(most_verbose), sizeof(all.of));
    the_ctx = ctx;
    the_sink = sink;
    log_set_levels(&all);
    has_levels = sink != NULL;
}

void log_set_levels(const struct log_levels *levels)
{
    for (size_t i = 0; i < LOG_GROUPS; i++)
        atomic_store_explicit(&most[i], levels->of[i], memory_order_relaxed);
    has_levels = true;
}

bool log_wants(enum log_group group, enum log_level level)
{
    int at_first = group == GROUP_ENC || group == GROUP_NET ? 0 : 2;
    int now = atomic_load_explicit(&most[group], memory_order_relaxed);
    return log_level_number(level) <=
           (atomic_load_explicit(&has_levels, memory_order_relaxed) ? now : at_first);
}

static void put(const struct log_entry *e, char *line)
{
    struct log_entry clean = *e;
    for (char *p = line; *p; p++) {
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    }
    clean.text = line;
    log_sink *to = the_sink;
    if (to)
        to(the_ctx, &clean);
}

void log_line(enum log_group group, enum log_level level, const char *fmt, ...)
{
    if (!the_sink || !log_wants(group, level))
        return;
    char line[LINE_MAX_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    put(&(struct log_entry){.group = group, .level = level}, line);
}

void log_line_about(const struct log_entry *e)
{
    if (!the_sink || !log_wants(e->group, e->level))
        return;
    char line[LINE_MAX_BYTES];
    snprintf(line, sizeof(line), "%s", e->text);
    put(e, line);
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warning", "audit", "notice", "detail", "trace"};
    return names[level];
}

int log_level_number(enum log_level level)
{
    static const int numbers[] = {0, 0, 0, 1, 2, 3};
    return numbers[level];
}

static const char *const group_names[LOG_GROUPS] = {
    [GROUP_DMN] = "DMN", [GROUP_MGR] = "MGR", [GROUP_IKE] = "IKE", [GROUP_CHD] = "CHD", [GROUP_JOB] = "JOB",
    [GROUP_CFG] = "CFG", [GROUP_KNL] = "KNL", [GROUP_NET] = "NET", [GROUP_ASN] = "ASN", [GROUP_ENC] = "ENC",
    [GROUP_TNC] = "TNC", [GROUP_IMC] = "IMC", [GROUP_IMV] = "IMV", [GROUP_PTS] = "PTS", [GROUP_TLS] = "TLS",
    [GROUP_APP] = "APP", [GROUP_ESP] = "ESP", [GROUP_LIB] = "LIB",
};

const char *log_group_name(enum log_group group)
{
    return group_names[group];
}

bool log_group_named(const char *name, enum log_group *out)
{
    for (int g = 0; g < LOG_GROUPS; g++) {
        if (!strcasecmp(name, group_names[g])) {
            *out = (enum log_group)g;
            return true;
        }
    }
    return false;
}
