/* SPDX-License-Identifier: Apache-2.0 */
/* See errors.h. */
#include "conf/errors.h"
#include <stdarg.h>
#include <stdio.h>

static struct diag *next_slot(struct errors *e)
{
    return e->n++ < e->cap ? &e->v[e->n - 1] : NULL;
}

struct diag *errors_add(struct errors *e, const char *file, int line, int column, const char *fmt, ...)
{
    struct diag *d = next_slot(e);
    if (!d)
        return NULL;
    char what[sizeof(d->what)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    diag_set(d, FAIL_CONFIG, "%s", what);
    diag_where(d, file, line, column);
    return d;
}

void errors_take(struct errors *e, const struct diag *from, const char *file, int line, int column)
{
    struct diag *d = next_slot(e);
    if (!d)
        return;
    *d = *from;
    d->class = FAIL_CONFIG;
    if (!d->where[0])
        diag_where(d, file, line, column);
}
