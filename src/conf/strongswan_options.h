/* SPDX-License-Identifier: Apache-2.0 */
/* The names of all options of strongSwan's strongswan.conf, as the manuals of 5.9.8, 6.0.1 and 6.1.0 have
 * them, so that an option that means nothing to Keyway can be told from one that means nothing to anybody.
 * Those that take effect are in the schema. */
#pragma once

#include "base/text.h"

/* What is below a section: "charon.plugins.updown" has "dns_handler". Of parts, "*" is any name, "#" any
 * number; "**" is all that follows. Names stand between blanks. */
struct strongswan_options {
    const char *section, *names;
};
extern const struct strongswan_options strongswan_options[]; /* until section is NULL */
/* Each has a section of its name below charon.plugins, and load in it. Between blanks. */
extern const char strongswan_plugins[];

/* Is there such an option, or a section that has options? path is from the top: "charon.tls.suites". The
 * sections of charon's relatives (charon-systemd, charon-nm, ...) and libstrongswan have what charon has. */
bool strongswan_has_option(const char *path);
bool strongswan_has_section(const char *path);
/* The next option of that name, or path, from *at on (0 begins); its path is appended to out. False: no more.
 */
bool strongswan_next(const char *word, size_t *at, struct text *out);
/* Writes what was meant by a path that is not there: the same but for a typing error in its last part, or the
 * only option of that name elsewhere. False: there is no such thing. */
bool strongswan_suggest(const char *path, bool is_section, struct text *out);
