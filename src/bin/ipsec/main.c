/* SPDX-License-Identifier: Apache-2.0 */
/* The program `ipsec`: the commands that users of strongSwan and Libreswan type. */
#include "bin/pki/pki.h"

struct sub_command {
    const char *name, *arguments, *doc;
    int (*run)(int argc, char **argv); /* argv[0] is the name */
};

static int run_pki(int argc, char **argv)
{
    return pki_main(argc, argv, "ipsec pki");
}

static const struct sub_command table[] = {
    {"pki", "COMMAND [OPTION...]", "make, show and check keys and certificates", run_pki},
};

static void usage(FILE *to)
{
    fprintf(to, "usage: ipsec COMMAND [ARGUMENT...]\n");
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        fprintf(to, "  ipsec %s %-24s %s\n", table[i].name, table[i].arguments, table[i].doc);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (!strcmp(word, table[i].name))
            return table[i].run(argc - 1, argv + 1);
    }
    bool is_help = !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
    if (!is_help && *word)
        fprintf(stderr, "ipsec: unknown command %s\n", word);
    usage(is_help ? stdout : stderr);
    return is_help ? 0 : 2;
}
