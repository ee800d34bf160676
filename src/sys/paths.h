/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are: --etc, --run and --state, else KEYWAY_ETC, KEYWAY_RUN and KEYWAY_STATE, else the defaults
 * /etc, /run/keyway and /var/lib. */
#pragma once

#define PATH_TEXT_MAX 512

struct paths {
    const char *etc, *run, *state; /* NULL until paths_complete() where no option said */
    const char *vici;              /* a socket beside RUN/keyway.vici, or NULL */
    const char *nssdir;            /* folder of the key store, or NULL: not said (keystore.h) */
};

void paths_complete(struct paths *p);
/* "RUN/leaf" in buf. */
const char *paths_run(const struct paths *p, const char *leaf, char buf[PATH_TEXT_MAX]);
