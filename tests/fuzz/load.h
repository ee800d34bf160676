/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets that load whole configurations share: one buffer as several files, and that a load gives
 * either a snapshot, which can be shown, or errors, which can be printed. Include it once. */
#pragma once

#include "conf/show.h"
#include "conf/testing.h"
#include <stdlib.h>

/* The text of the first n files: what stands between lines of "%%". */
static void cut_into_files(struct memory_file *files, size_t n, const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size;
    for (size_t i = 0; i < n && at < end; i++) {
        const uint8_t *cut = memmem(at, (size_t)(end - at), "\n%%\n", 4);
        const uint8_t *stop = cut ? cut + 1 : end;
        files[i].text = (const char *)at;
        files[i].len = (size_t)(stop - at);
        at = cut ? cut + 4 : end;
    }
}

static void swallow(void *ctx, const char *text)
{
    *(size_t *)ctx += strlen(text);
}

static void load(const struct conf_source *src, const struct conf_request *req)
{
    struct diag errors[8] = {0};
    size_t n = 0, written = 0;
    const struct conf_sink sink = {&written, swallow};
    struct config *c = conf_load(src, req, errors, ARRAY_LEN(errors), &n);
    if (!c != (n > 0))
        abort();
    for (size_t i = 0; i < n && i < ARRAY_LEN(errors); i++)
        conf_print_error(&errors[i], src, &sink);
    if (c) {
        conf_show(c, NULL, false, &sink);
        conf_show(c, NULL, true, &sink);
        config_unref(c);
    }
    if (written == 0)
        abort();
}
