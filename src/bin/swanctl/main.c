/* SPDX-License-Identifier: Apache-2.0 */
/* The program `swanctl`: which command, and from there on it is the command's. */
#include "bin/swanctl/commands.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { COMMANDS_MAX = 32 };

/* The first word that is an option: --list-sas, an unambiguous beginning of it, or -l. Who asks for nothing
 * gets the overview; NULL: said. */
static const struct swanctl_command *find(int argc, char **argv)
{
    struct option words[COMMANDS_MAX] = {0};
    char letters[COMMANDS_MAX + 1] = "";
    const struct swanctl_command *c;
    if (argc < 2)
        return &swanctl_cmd_help;
    for (size_t i = 0; i + 1 < COMMANDS_MAX && (c = swanctl_command_at(i)); i++) {
        words[i] = (struct option){c->name, no_argument, NULL, (unsigned char)c->letter};
        letters[i] = c->letter;
    }
    int letter = getopt_long(argc, argv, letters, words, NULL);
    for (size_t i = 0; (c = swanctl_command_at(i)); i++) {
        if (letter == (unsigned char)c->letter)
            return c;
    }
    fputs("Error: invalid operation\n", stderr);
    swanctl_overview(stderr);
    return NULL;
}

static int run(struct swanctl_run *r, int argc, char **argv)
{
    bool wants_help;
    int code;
    if (r->command->is_without_daemon) /* nor options */
        return r->command->run(r);
    if (!swanctl_options_parse(r, argc, argv, &wants_help, &code) || !swanctl_connect(r, &code))
        return code;
    if (wants_help) {
        swanctl_usage(stdout, r->command);
        return 0;
    }
    return r->command->run(r);
}

/* What users of strongSwan's program do not type. */
static bool is_about_itself(int argc, char **argv)
{
    static const struct {
        const char *word;
        void (*print)(FILE *to);
    } rows[] = {
        {"--manual",     swanctl_manual    }, /* what man/swanctl.8 is written with */
        {"--completion", swanctl_completion},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (argc != 2 || strcmp(argv[1], rows[i].word) != 0)
            continue;
        rows[i].print(stdout);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    if (is_about_itself(argc, argv))
        return 0;
    struct swanctl_run r = {.command = find(argc, argv), .debug = 1};
    if (!r.command)
        return 1;
    int code = run(&r, argc, argv);
    vici_client_close(r.client);
    swanctl_options_free(&r);
    return code;
}
