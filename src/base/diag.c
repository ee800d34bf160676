/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons as values: see diag.h. */
#include "base/diag.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>

#define FORMAT_INTO(field)                                                                                   \
    do {                                                                                                     \
        if (!d)                                                                                              \
            return;                                                                                          \
        va_list ap;                                                                                          \
        va_start(ap, fmt);                                                                                   \
        vsnprintf(d->field, sizeof(d->field), fmt, ap);                                                      \
        va_end(ap);                                                                                          \
    } while (0)

void diag_clear(struct diag *d)
{
    if (d)
        memset(d, 0, sizeof(*d));
}

void diag_set(struct diag *d, enum fail_class class, const char *fmt, ...)
{
    diag_clear(d);
    if (d)
        d->class = class;
    FORMAT_INTO(what);
}

void diag_expected(struct diag *d, const char *fmt, ...)
{
    FORMAT_INTO(expected);
}

void diag_got(struct diag *d, const char *fmt, ...)
{
    FORMAT_INTO(got);
}

void diag_where(struct diag *d, const char *file, int line, int column)
{
    if (!d || !file)
        return;
    if (column > 0)
        snprintf(d->where, sizeof(d->where), "%s:%d:%d", file, line, column);
    else if (line > 0)
        snprintf(d->where, sizeof(d->where), "%s:%d", file, line);
    else /* what has no lines */
        snprintf(d->where, sizeof(d->where), "%s", file);
}

void diag_try(struct diag *d, const char *fmt, ...)
{
    FORMAT_INTO(try);
}

const char *diag_format(const struct diag *d, char *buf, unsigned long cap)
{
    struct text t = {.buf = buf, .cap = cap};
    text_printf(&t, "%s", d->what);
    if (d->expected[0])
        text_printf(&t, "; expected %s", d->expected);
    if (d->got[0])
        text_printf(&t, "; got %s", d->got);
    if (d->where[0])
        text_printf(&t, "; at %s", d->where);
    if (d->try[0])
        text_printf(&t, "; try: %s", d->try);
    return buf;
}
