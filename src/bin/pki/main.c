/* SPDX-License-Identifier: Apache-2.0 */
/* The pki tool: which command, and running it. A command is written as --gen, -g or gen. */
#include "bin/pki/pki.h"
#include <time.h>

enum { RUN_MEMORY_MAX = 256 << 20 };

static const struct pki_command *find(const char *word)
{
    for (size_t i = 0; pki_command_at(i); i++) {
        const struct pki_command *c = pki_command_at(i);
        bool is_letter = word[0] == '-' && word[1] == c->letter && !word[2];
        if (is_letter || !strcmp(word, c->name) || (!strncmp(word, "--", 2) && !strcmp(word + 2, c->name)))
            return c;
    }
    return NULL;
}

int pki_main(int argc, char **argv, const char *program)
{
    const char *word = argc > 1 ? argv[1] : "--help";
    int code = 0;
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        pki_overview(program, stdout);
        return 0;
    }
    if (!strcmp(word, "--manual")) { /* what man/pki.1 is written with */
        pki_manual(stdout);
        return 0;
    }
    struct pki_run r = {.command = find(word), .program = program, .debug = 1, .now = (int64_t)time(NULL)};
    if (!r.command) {
        fprintf(stderr, "Error: invalid operation %s\n", word);
        pki_overview(program, stderr);
        return 1;
    }
    r.arena = arena_new(RUN_MEMORY_MAX);
    if (pki_options_parse(&r, argc - 1, argv + 1, &code))
        code = r.command->run(&r);
    arena_free(r.arena);
    return code;
}
