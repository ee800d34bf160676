/* SPDX-License-Identifier: Apache-2.0 */
/* keyway help: made from the table of commands. */
#include "bin/keyway/cli.h"
#include <stdio.h>

static const char options[] =
    "\noptions:\n"
    "  --json           one JSON object on stdout\n"
    "  --timeout SEC    up, down, rekey: how long to wait\n"
    "  --force          down: do not wait for the peer\n"
    "  --peer-ip ADDR, --peer-id ID, --ike-id N   redirect: clients at an address (prefix, range), with an\n"
    "                   identity (with wildcards), one IKE SA\n"
    "  -s, --statistics xfrm: like ip -s\n"
    "  --algorithms     status: which library serves each algorithm and key length\n"
    "  --running        config show: what the daemon runs with, not what the files say\n"
    "  --from FORM, --to FORM   config convert: swanctl, strongswan, libreswan (ipsec.conf) or keyway\n"
    "  --output DIR     config convert: write the files below DIR (--force: over those there), secrets 0600\n"
    "  --secrets        config convert: show the secrets, in place of the rest\n"
    "  -q, --quiet      no progress\n"
    "  --no-color       like NO_COLOR=1\n"
    "  --etc DIR, --run DIR, --state DIR   other places (KEYWAY_ETC, KEYWAY_RUN, KEYWAY_STATE)\n"
    "  --vici PATH      another socket than RUN/keyway.vici\n"
    "  --load LIST, --settings FILE        config: which files, like keywayd's\n"
    "\nexit codes: 0 ok, 1 failed, 2 usage, 3 daemon not running, 4 not found, 5 authentication failed, 6 no "
    "proposal,\n7 peer unreachable, 8 traffic selectors, 9 certificate, 77 permission, 78 configuration\n";

static void print_row(const struct cli_command *row)
{
    char head[96];
    snprintf(head, sizeof(head), "%s %s", row->name, row->arguments);
    printf("  keyway %-40s %s\n", head, row->doc);
}

int cmd_help(struct cli *c)
{
    const struct cli_command *row;
    bool is_found = false;
    for (size_t i = 0; (row = cli_command_at(i)); i++) {
        if (c->argc && strcmp(c->argv[0], row->name) != 0)
            continue;
        print_row(row);
        is_found = true;
    }
    if (!is_found)
        return cli_usage("unknown command %s", c->argv[0]);
    if (!c->argc)
        fputs(options, stdout);
    return 0;
}
