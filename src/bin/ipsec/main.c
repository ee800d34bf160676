/* SPDX-License-Identifier: Apache-2.0 */
/* The program `ipsec`: the commands that users of strongSwan and Libreswan type. */
#include "bin/ipsec/control.h"

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    const struct ipsec_command *command = ipsec_command_named(word);
    if (command)
        return ipsec_run_words(command, DIALECT_UNKNOWN, argc - 1, argv + 1);
    if (!strcmp(word, "--manual")) { /* what man/ipsec.8 is written with */
        ipsec_manual(stdout);
        return 0;
    }
    if (*word)
        fprintf(stderr, "ipsec: unknown command %s\n", word);
    ipsec_overview(stderr);
    return 2;
}
