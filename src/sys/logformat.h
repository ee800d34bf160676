/* SPDX-License-Identifier: Apache-2.0 */
/* A log line as a target writes it: strongSwan's way in the files and the syslog of strongswan.conf, as JSON,
 * Libreswan's way in its logfile, our own on the standard error; the fields of a line in the journal. */
#pragma once

#include "base/text.h"
#include "model/logging.h"
#include <time.h>

struct log_record {
    struct timespec time; /* CLOCK_REALTIME */
    unsigned thread;
    struct log_entry e;
};

/* Appends the line, with its end. */
void logformat_line(struct text *t, const struct log_target *to, const struct log_record *r);
/* Appends the datagram for /dev/log [RFC3164#4.1]: no host, as local ones are. */
void logformat_syslog(struct text *t, const struct log_target *to, const char *identifier,
                      const struct log_record *r);
/* Appends the datagram for the journal: a field on each line. */
void logformat_journal(struct text *t, const struct log_record *r);
/* Puts what looks like an address out of sight, in place. */
void logformat_hide_addresses(char *line);
