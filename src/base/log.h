/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines. The sink is injected: the daemon's goes to stderr, syslog or vici; a test's into an array.
 * One line per decision that an operator would ask about. Never a key, never a whole packet. */
#pragma once

enum log_level { LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_DETAIL, LOG_TRACE };

/* text is one line without its end; valid during the call only. */
typedef void log_sink(void *ctx, enum log_level level, const char *text);

void log_set_sink(log_sink *sink, void *ctx, enum log_level most_verbose);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *log_level_name(enum log_level level);
