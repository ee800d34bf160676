/* SPDX-License-Identifier: Apache-2.0 */
/* Settings files: see settings.h. */
#include "bin/swanctl/settings.h"
#include "sys/files.h"
#include <stdio.h>

enum { ARENA_MAX = 256 << 20 };

void settings_file_read(struct settings_file *f, const struct paths *paths, const char *path)
{
    struct conf_source source = files_source(paths);
    struct errors errors = {.v = f->errors, .cap = SWANCTL_ERRORS_MAX};
    f->arena = arena_new(ARENA_MAX);
    settings_init(&f->tree, f->arena, f->arena);
    f->is_found = settings_read(&f->tree, f->tree.root, path, &source, &errors);
    if (!errors.n)
        settings_resolve(&f->tree, &errors);
    f->n_errors = errors.n < SWANCTL_ERRORS_MAX ? errors.n : SWANCTL_ERRORS_MAX;
}

void settings_file_free(struct settings_file *f)
{
    settings_deinit(&f->tree);
    arena_reset(f->arena); /* wiped: secrets may be in it */
    arena_free(f->arena);
}

void settings_file_complain(const struct settings_file *f)
{
    char line[2048];
    for (size_t i = 0; i < f->n_errors; i++)
        fprintf(stderr, "%s\n", diag_format(&f->errors[i], line, sizeof(line)));
}
