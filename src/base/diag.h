/* SPDX-License-Identifier: Apache-2.0 */
/* Why something failed, in the words that a user gets: what, expected, got, which line decided it, what to
 * try. Filled where the decision is made and carried up as a value. The class gives the exit code of `keyway
 * up`. */
#pragma once

#include <stdbool.h>

enum fail_class { /* the values are the exit codes that the command line promises */
                  FAIL_NONE = 0,
                  FAIL_GENERIC = 1,
                  FAIL_USAGE = 2,
                  FAIL_NO_DAEMON = 3,
                  FAIL_NOT_FOUND = 4,
                  FAIL_AUTH = 5,
                  FAIL_PROPOSAL = 6,
                  FAIL_UNREACHABLE = 7,
                  FAIL_SELECTORS = 8,
                  FAIL_CERTIFICATE = 9,
                  FAIL_PERMISSION = 77,
                  FAIL_CONFIG = 78,
};

struct diag {
    enum fail_class class;
    char what[640];     /* long enough for a difference between two proposals */
    char expected[512]; /* these may be empty */
    char got[512];
    char where[192]; /* file:line[:column] */
    char try[256];
};

void diag_clear(struct diag *d);
/* Starts a diag: its class and its what. The rest is added by the functions below. Null-safe: d may be NULL.
 */
void diag_set(struct diag *d, enum fail_class class, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void diag_expected(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_got(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_where(struct diag *d, const char *file, int line, int column); /* column 0: unknown */
void diag_try(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline bool diag_failed(const struct diag *d)
{
    return d->class != FAIL_NONE;
}
/* "what; expected ...; got ...; at FILE:LINE; try: ..." in buf, cut to cap. Returns buf. */
const char *diag_format(const struct diag *d, char *buf, unsigned long cap);
