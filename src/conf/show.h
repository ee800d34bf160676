/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration became, for people and for programs: every effective value with the line that set it,
 * errors with the offending line under them, and the reference of all keys. Secrets are never printed. */
#pragma once

#include "conf/conf.h"

/* Takes text piece by piece; a piece is NUL-terminated and need not be a whole line. */
struct conf_sink {
    void *ctx;
    void (*write)(void *ctx, const char *text);
};

/* All connections, or the one of that name (false: there is none), then secrets, keys, certificates and
 * settings. json: one object, {"schema":1,"connections":[...],...}. */
bool conf_show(const struct config *c, const char *connection, bool json, const struct conf_sink *sink);

/* "FILE:LINE:COL: what; expected ...; got ..." and, when src has the file, that line with a caret under the
 * column, then what to try. src may be NULL. */
void conf_print_error(const struct diag *d, const struct conf_source *src, const struct conf_sink *sink);

/* man/keyway.conf.5, made from the schema. */
void conf_reference_write(const struct conf_sink *sink);
void conf_reference_write_ipsec(const struct conf_sink *sink); /* of ipsec.conf */
