/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by logsink.c, which takes lines and settings, and logsink_writer.c, whose thread writes. */
#pragma once

#include "base/arena.h"
#include "sys/logformat.h"
#include "sys/logsink.h"

#define SYSLOG_SOCKET  "/dev/log"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* A copy of what is configured, with what is there without a configuration. */
struct log_targets {
    struct arena *arena;
    struct log_target *v;
    size_t n;
    const char *identifier, *syslog_socket, *journal_socket;
    enum log_level
        own_limit; /* of a target in our own style: beside its levels, which know no errors alone */
    bool is_final; /* the configuration is known: nothing need be kept for it any more */
};

struct log_targets *log_targets_new(void);
void log_targets_free(struct log_targets *t);

enum log_order { ORDER_LINE, ORDER_CHANGE, ORDER_REOPEN, ORDER_END };

/* What waits for the writer: a line, or what it is to do when those before it are written. */
struct log_queued {
    struct log_queued *next;
    enum log_order order;
    struct log_targets *targets; /* ORDER_CHANGE */
    struct log_record r;         /* ORDER_LINE */
    char texts[];                /* the line, and the name of the IKE SA */
};

/* Only the writer's thread touches what is behind this. */
struct log_writer;

struct log_writer *log_writer_new(void);
/* Closes all. */
void log_writer_free(struct log_writer *w);
/* The targets are taken. What was said before the final ones goes to those that are new, too. */
void log_writer_change(struct log_writer *w, struct log_targets *t);
void log_writer_reopen(struct log_writer *w);
/* The line is taken. */
void log_writer_put(struct log_writer *w, struct log_queued *q);
/* After the lines of one moment. */
void log_writer_flush(struct log_writer *w);
