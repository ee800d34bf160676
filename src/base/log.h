/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: one per decision that an operator would ask about. Never a key, never a whole packet.
 *
 * A line has a group (which part of the daemon speaks), a level (to whom), and the IKE SA that it is about,
 * if any. Groups are strongSwan's, and so are the numbers of levels that files of settings, vici and `stroke
 * loglevel` use for a group: -1 silent, 0 what an auditor wants, 1 the steps, 2 their details, 3 what only
 * developers read; 4, there for what is secret, shows no more than 3 here. A line is shown where its group's
 * number is at least its level's:
 *
 *     LOG_ERR, LOG_WARN    0   what failed, what will not be as it was asked for
 *     LOG_AUDIT            0   an IKE SA or a child came up or went
 *     LOG_NOTICE           1   steps of an exchange, what was decided
 *     LOG_DETAIL           2   how it was decided
 *     LOG_TRACE            3   every payload, every timer
 *
 * The sink is injected: the daemon's goes to files, syslog, the journal (src/sys/logsink.h); a test's into an
 * array. Lines may come from any thread; the sink is called in the thread that says them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERR, LOG_WARN, LOG_AUDIT, LOG_NOTICE, LOG_DETAIL, LOG_TRACE };

enum log_group {
    GROUP_DMN, /* starting, ending, signals */
    GROUP_MGR, /* which IKE SA an input is for */
    GROUP_IKE, /* IKE SAs and the exchanges */
    GROUP_CHD, /* child SAs */
    GROUP_JOB, /* work for other threads and processes */
    GROUP_CFG, /* the configuration, credentials, proposals that are chosen by it */
    GROUP_KNL, /* SAs, policies, routes, addresses: what the kernel would do, too */
    GROUP_NET, /* datagrams, connections, fetching */
    GROUP_ASN, /* certificates and their like, as they are read */
    GROUP_ENC, /* messages and payloads, as they are written and read */
    GROUP_TNC,
    GROUP_IMC,
    GROUP_IMV,
    GROUP_PTS,
    GROUP_TLS,
    GROUP_APP, /* programs around the daemon */
    GROUP_ESP, /* the data plane */
    GROUP_LIB, /* libraries, memory, keys in memory */
    LOG_GROUPS
};

struct log_levels {
    int8_t of[LOG_GROUPS]; /* -1 .. 4 */
};

/* Valid during the call only. */
struct log_entry {
    enum log_group group;
    enum log_level level;
    const char *ike_name; /* NULL: about no IKE SA */
    uint64_t ike_id;      /* 0: not yet known which */
    const char *text;     /* one line without its end */
};

typedef void log_sink(void *ctx, const struct log_entry *e);

/* NULL: nowhere; what costs something is made as before any sink was set: up to LOG_DETAIL, but for lines
 * about each message. The level holds for every group. While other threads say lines only with the ctx that
 * was there. */
void log_set_sink(log_sink *sink, void *ctx, enum log_level most_verbose);
/* The most verbose that somebody wants of each group. At any time. */
void log_set_levels(const struct log_levels *levels);
/* Would anybody see it? For lines that cost something to make. */
bool log_wants(enum log_group group, enum log_level level);

void log_line(enum log_group group, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* text: not a format. */
void log_line_about(const struct log_entry *e);

const char *log_level_name(enum log_level level);
int log_level_number(enum log_level level);                  /* 0 .. 3 */
const char *log_group_name(enum log_group group);            /* "IKE" */
bool log_group_named(const char *name, enum log_group *out); /* in any case of letters */
