/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go and which ones, as the configuration has it: strongswan.conf's filelog, syslog and
 * journal sections, and charondebug, plutodebug, logfile and their like of ipsec.conf. src/conf/logging.c
 * makes it, src/sys/logsink.h acts by it. */
#pragma once

#include "base/log.h"

#define LOG_TARGETS_MAX 32

enum log_kind { LOG_TO_FILE, LOG_TO_SYSLOG, LOG_TO_JOURNAL };

enum log_style {
    LOG_STYLE_CHARON, /* 12[IKE] <name|id> text */
    LOG_STYLE_PLUTO,  /* "name" #id: text */
    LOG_STYLE_OWN,    /* notice  name: text */
};

enum { SYSLOG_DAEMON = 3, SYSLOG_AUTHPRIV = 10 }; /* facilities [RFC5424#6.2.1] */

struct log_target {
    enum log_kind kind;
    enum log_style style;
    struct log_levels levels;
    const char *path;        /* LOG_TO_FILE; "stdout" and "stderr" are those */
    const char *time_format; /* of strftime(3); NULL: no time */
    uint8_t time_digits;     /* of the second's fraction: 0, 3, 6 */
    uint8_t facility;        /* LOG_TO_SYSLOG */
    int8_t map_level;        /* LOG_TO_SYSLOG: the priority of level 0; -1: all are informational */
    bool appends;            /* to what an earlier run wrote */
    bool flushes_lines;      /* each is written at once, not with those that follow at the same moment */
    bool has_ike_name;
    bool has_level;
    bool is_json;
};

struct logging {
    const struct log_target *v;
    size_t n;
    const char *identifier;   /* in syslog; NULL: keywayd */
    struct log_levels levels; /* of what is there without targets, if has_levels */
    bool has_levels;
    bool hides_addresses;
};
