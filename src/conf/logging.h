/* SPDX-License-Identifier: Apache-2.0 */
/* What is logged, and where, from the words of strongswan.conf, ipsec.conf and keyway.conf to struct logging.
 */
#pragma once

#include "conf/schema.h"
#include "conf/show_out.h"

/* strongswan.conf: filelog, syslog and journal of one of its sections (charon, charon-systemd). What a later
 * section says of the same place counts. */
void build_loggers(struct builder *b, const struct setting *section);
/* Is this path of strongswan.conf read here? "charon.filelog.x.path" */
bool is_of_loggers(const char *path);
/* One more place; the same place again: in its stead. at: who asks for it. */
void logging_add(struct builder *b, const struct log_target *t, const struct setting *at);
/* ipsec.conf: charondebug, plutodebug, logfile and what goes with them, of the flat section setup. */
void build_setup_logging(struct builder *b, const struct setting *setup);
/* plutodebug's and `whack --debug`'s word: raises the levels that it stands for; false: there is no such. */
bool logging_raise(const char *word, struct log_levels *levels);
/* "2": a number from -1 to 4. */
bool logging_level(const char *text, int8_t *out);
/* "ike 2, knl 3", "ike=2,knl=3": sets the levels that it names; false with what is not understood. */
bool logging_set(const char *list, struct log_levels *levels, char bad[64]);

/* Setters of the schema's rows. dest: struct logger. */
struct logger {
    struct log_target t;
    int8_t by_default;
    bool has_level[LOG_GROUPS];
};
schema_setter set_logger_text, set_logger_bool, set_logger_level, set_logger_default, set_logger_precision,
    set_logger_map;
schema_setter set_log_levels; /* of the global section */

void show_logging(struct show_out *o, const struct logging *l);
