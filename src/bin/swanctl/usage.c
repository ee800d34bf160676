/* SPDX-License-Identifier: Apache-2.0 */
/* What `swanctl` says of itself: the overview, a command's usage. man/swanctl.8: manual.c. */
#include "bin/swanctl/commands.h"

void swanctl_banner(FILE *to)
{
    fprintf(to, "Keyway %s swanctl\n", KEYWAY_VERSION);
}

void swanctl_overview(FILE *to)
{
    const struct swanctl_command *c;
    swanctl_banner(to);
    fputs("loaded plugins: openssl\nusage:\n",
          to); /* who does its cryptography, where strongSwan's lists plugins */
    for (size_t i = 0; (c = swanctl_command_at(i)); i++)
        fprintf(to, "  swanctl --%-16s (-%c)  %s\n", c->name, c->letter, c->doc);
}

static void print_option(FILE *to, const char *name, char letter, const char *doc)
{
    fprintf(to, "           --%-15s (-%c)  %s\n", name, letter, doc);
}

void swanctl_usage(FILE *to, const struct swanctl_command *c)
{
    const struct swanctl_option *o;
    swanctl_banner(to);
    fprintf(to, "usage:\n  swanctl --%s %s\n", c->name, c->usage[0]);
    for (size_t i = 1; i < ARRAY_LEN(c->usage) && c->usage[i]; i++)
        fprintf(to, "                 %s\n", c->usage[i]);
    print_option(to, "help", 'h', "show usage information");
    for (o = c->options; o->name; o++)
        print_option(to, o->name, o->letter, o->doc);
    for (size_t i = 0; (o = swanctl_common_at(i)); i++)
        print_option(to, o->name, o->letter, o->doc);
}
