/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon listens: swanctl.socket of strongswan.conf, else the daemon's own socket. */
#include "bin/swanctl/settings.h"
#include "bin/swanctl/swanctl.h"
#include <stdlib.h>

enum { EXIT_NO_SETTINGS = 64 };

bool swanctl_socket(const struct paths *p, char uri[PATH_TEXT_MAX], bool *is_said, int *code)
{
    struct settings_file f;
    char path[PATH_TEXT_MAX];
    const char *said = getenv("STRONGSWAN_CONF");
    snprintf(path, sizeof(path), "%s/strongswan.conf", p->etc);
    settings_file_read(&f, p, said && *said ? said : path);
    bool is_ok = !f.n_errors && (f.is_found || !said || !*said);
    const struct setting *section = is_ok ? settings_section(&f.tree, f.tree.root, "swanctl") : NULL;
    const struct setting *socket = section ? settings_key(&f.tree, section, "socket") : NULL;
    *is_said = socket && socket->value;
    if (*is_said)
        snprintf(uri, PATH_TEXT_MAX, "%s", socket->value);
    else
        snprintf(uri, PATH_TEXT_MAX, "unix://%s/keyway.vici", p->run);
    if (!f.is_found && !is_ok)
        fprintf(stderr, "no files found matching '%s'\n", said);
    settings_file_complain(&f);
    if (!is_ok)
        fputs("abort initialization due to invalid configuration\n", stderr);
    settings_file_free(&f);
    *code = EXIT_NO_SETTINGS;
    return is_ok;
}
