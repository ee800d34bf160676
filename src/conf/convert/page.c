/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows. It may hold secrets: what is left behind is wiped. */
#include "conf/convert/private.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void grow(struct page *p, size_t more)
{
    size_t cap = p->cap ? p->cap : 1024;
    while (cap - p->len <= more)
        cap *= 2;
    if (cap == p->cap)
        return;
    char *buf = mem_new(cap);
    if (p->len)
        memcpy(buf, p->buf, p->len);
    if (p->buf)
        secret_wipe(p->buf, p->cap);
    free(p->buf);
    p->buf = buf;
    p->cap = cap;
}

void page_put(struct page *p, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0) {
        grow(p, (size_t)n + 1);
        vsnprintf(p->buf + p->len, p->cap - p->len, fmt, again);
        p->len += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

const char *page_text(const struct page *p)
{
    return p->len ? p->buf : "";
}

void page_free(struct page *p)
{
    if (p->buf)
        secret_wipe(p->buf, p->cap);
    free(p->buf);
    *p = (struct page){0};
}
