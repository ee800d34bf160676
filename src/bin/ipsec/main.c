/* SPDX-License-Identifier: Apache-2.0 */
/* The program `ipsec`: the commands that users of strongSwan and Libreswan type. */
#include "bin/ipsec/ipsec.h"

static const struct ipsec_command *find(const char *word)
{
    const struct ipsec_command *c;
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        if (!strcmp(word, c->name))
            return c;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    int code = 0;
    struct ipsec_run r = {.command = find(word)};
    if (r.command && r.command->run_words)
        return r.command->run_words(argc - 1, argv + 1);
    if (r.command)
        return ipsec_options_parse(&r, argc - 1, argv + 1, &code) ? r.command->run(&r) : code;
    if (!strcmp(word, "--manual")) { /* what man/ipsec.8 is written with */
        ipsec_manual(stdout);
        return 0;
    }
    bool is_help = !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
    if (!is_help && *word)
        fprintf(stderr, "ipsec: unknown command %s\n", word);
    ipsec_overview(is_help ? stdout : stderr);
    return is_help ? 0 : 2;
}
