/* SPDX-License-Identifier: Apache-2.0 */
/* A settings file and what it includes, as `swanctl` reads strongswan.conf and swanctl.conf. */
#pragma once

#include "conf/settings/settings.h"
#include "sys/paths.h"

enum { SWANCTL_ERRORS_MAX = 16 };

struct settings_file {
    struct settings_tree tree;
    struct arena *arena;
    struct diag errors[SWANCTL_ERRORS_MAX];
    size_t n_errors;
    bool is_found;
};

/* Free it in any case. paths: complete. */
void settings_file_read(struct settings_file *f, const struct paths *paths, const char *path);
void settings_file_free(struct settings_file *f);
/* Says on stderr what is wrong with it. */
void settings_file_complain(const struct settings_file *f);
