/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go: to the standard error in the foreground (or, where that is the journal, to the
 * journal), to syslog otherwise; and to what the configuration names. A thread writes them, from a bounded
 * queue: nobody who says a line waits for a disk, a pipe or a journal, and what does not fit is counted. A
 * target that cannot be opened or written is told of in the others, and tried again.
 *
 * Lines from before the first logsink_apply() are kept for the targets that it names. */
#pragma once

#include "model/logging.h"

struct logsink_options {
    bool is_foreground;
    enum log_level most_verbose;                /* of what is there without a configuration */
    const char *syslog_socket, *journal_socket; /* NULL: the machine's */
};

void logsink_start(const struct logsink_options *o);
/* What is configured, which is copied. Levels that were set at run time are forgotten; files stay open where
 * they are configured as before. */
void logsink_apply(const struct logging *l);
/* Opens all files again: somebody has renamed them. */
void logsink_reopen(void);
/* For all targets, until the next logsink_apply(). group LOG_GROUPS: all. */
void logsink_set_level(enum log_group group, int level);
/* Raises, but does not lower. */
void logsink_raise_level(enum log_group group, int level);
/* As logsink_apply() had them. */
void logsink_restore_levels(void);
/* Gets each line that the thread of logsink_start() says, when it does; what that says itself is left out. */
void logsink_watch(log_sink *watcher, void *ctx);
/* Somebody listens beside the targets: lines up to LOG_DETAIL are made, and LOG_NOTICE of ENC and NET. */
void logsink_expect_clients(bool are_there);
/* The most that any target shows. */
void logsink_levels(struct log_levels *out);
/* Waits, for at most so many milliseconds, until what has been said is written. */
bool logsink_flush(unsigned ms);
/* Writes what waits, and ends. */
void logsink_stop(void);
