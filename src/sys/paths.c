/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/paths.h"
#include <stdio.h>
#include <stdlib.h>

static void complete(const char **path, const char *variable, const char *fallback)
{
    if (*path)
        return;
    const char *v = getenv(variable);
    *path = v && *v ? v : fallback;
}

void paths_complete(struct paths *p)
{
    complete(&p->etc, "KEYWAY_ETC", "/etc");
    complete(&p->run, "KEYWAY_RUN", "/run/keyway");
    complete(&p->state, "KEYWAY_STATE", "/var/lib");
}

const char *paths_run(const struct paths *p, const char *leaf, char buf[PATH_TEXT_MAX])
{
    snprintf(buf, PATH_TEXT_MAX, "%s/%s", p->run, leaf);
    return buf;
}
