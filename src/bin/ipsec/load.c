/* SPDX-License-Identifier: Apache-2.0 */
/* See load.h. */
#include "bin/ipsec/load.h"
#include "base/log.h"
#include "sys/files.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { ERRORS_MAX = 64, EXIT_BAD = 1, EXIT_NO_FILE = 3 };

static void put_line(void *ctx, const struct log_entry *e)
{
    const bool *verbose = ctx;
    if (*verbose || e->level == LOG_ERR)
        fprintf(stderr, "%s: %s\n", log_level_name(e->level), e->text);
}

struct config *ipsec_load(const struct paths *p, const char *file, bool is_alone, bool verbose, int *code)
{
    struct conf_source src = files_source(p);
    const char *const files[] = {file, NULL};
    const struct conf_request req = {
        .etc = p->etc, .load = file || is_alone ? "ipsec" : NULL, .files = file ? files : NULL};
    struct diag *errors = calloc(ERRORS_MAX, sizeof(*errors));
    char text[2048];
    size_t n = 0;
    if (!errors)
        abort();
    if (file && access(file, R_OK) != 0) {
        fprintf(stderr, "cannot load config file '%s': %s\n", file, strerror(errno));
        free(errors);
        *code = EXIT_NO_FILE;
        return NULL;
    }
    log_set_sink(put_line, &verbose, LOG_NOTICE);
    struct config *c = conf_load(&src, &req, errors, ERRORS_MAX, &n);
    log_set_sink(NULL, NULL, LOG_ERR);
    for (size_t i = 0; i < n && i < ERRORS_MAX; i++)
        fprintf(stderr, "%s\n", diag_format(&errors[i], text, sizeof(text)));
    free(errors);
    *code = c ? 0 : EXIT_BAD;
    return c;
}
