/* SPDX-License-Identifier: Apache-2.0 */
/* Which command a word means, by itself or as an option of `ipsec auto` and `ipsec whack`, and how their
 * words are put in the order that the command itself takes. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"
#include <stdlib.h>

static bool holds(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; at && len; at = *at ? at + 1 : NULL) {
        if (!strncmp(at, word, len) && (!at[len] || at[len] == ' '))
            return true;
        at = strchrnul(at, ' ');
    }
    return false;
}

const struct ipsec_command *ipsec_command_named(const char *word)
{
    const struct ipsec_command *c;
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        if (!strcmp(c->name, word) || holds(c->also, word))
            return c;
    }
    return NULL;
}

const struct ipsec_command *ipsec_command_of_auto(const char *word)
{
    const struct ipsec_command *c;
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        if (holds(c->as_auto, word))
            return c;
    }
    return NULL;
}

const struct ipsec_command *ipsec_command_of_whack(const char *word)
{
    const struct ipsec_command *c;
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        if (holds(c->as_whack, word))
            return c;
    }
    return NULL;
}

const struct ipsec_command *ipsec_command_of_stroke(const char *word)
{
    const struct ipsec_command *c;
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        if (holds(c->as_stroke, word))
            return c;
    }
    return NULL;
}

typedef const struct ipsec_command *find_fn(const char *word);

/* The first word that is an action is taken out; --name too, whose value is an operand then. */
static int reworded(const char *tool, find_fn *find, int argc, char **argv, int usage_code)
{
    const struct ipsec_command *command = NULL, *found;
    char **words = calloc((size_t)argc + 1, sizeof(*words));
    int n = 1, code = usage_code;
    if (!words)
        abort();
    for (int i = 1; i < argc; i++) {
        bool is_option = !strncmp(argv[i], "--", 2);
        if (is_option && !command && (found = find(argv[i] + 2)))
            command = found;
        else if (strcmp(argv[i], "--name") != 0)
            words[n++] = argv[i];
    }
    words[0] = argv[0];
    if (command)
        code = ipsec_run_words(command, DIALECT_LIBRESWAN, n, words);
    else
        fprintf(stderr, "ipsec %s: what to do is missing, or not known here; see man ipsec(8)\n", tool);
    free(words);
    return code;
}

/* What `auto` and `whack` take, as their usage tells. */
static void list_actions(const char *tool, bool is_whack)
{
    const struct ipsec_command *c;
    printf("usage: ipsec %s --ACTION [%sNAME]\n", tool, is_whack ? "--name " : "");
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        const char *words = is_whack ? c->as_whack : c->as_auto;
        if (words)
            printf("  --%-24s %s\n", words, c->doc);
    }
}

static bool wants_help(int argc, char **argv)
{
    return argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
}

static int run_auto(int argc, char **argv)
{
    if (!wants_help(argc, argv))
        return reworded("auto", ipsec_command_of_auto, argc, argv, RC_WHACK_PROBLEM);
    list_actions("auto", false);
    return argc < 2 ? RC_WHACK_PROBLEM : 0;
}

static int run_whack(int argc, char **argv)
{
    if (!wants_help(argc, argv))
        return reworded("whack", ipsec_command_of_whack, argc, argv, RC_WHACK_PROBLEM);
    list_actions("whack", true);
    return argc < 2 ? RC_WHACK_PROBLEM : 0;
}

const struct ipsec_command ipsec_cmd_auto = {
    .name = "auto",
    .doc = "Libreswan's older words for commands: ipsec auto --up NAME is ipsec up NAME",
    .run_words = run_auto,
};

const struct ipsec_command ipsec_cmd_whack = {
    .name = "whack",
    .doc = "the words of Libreswan's control program: ipsec whack --name NAME --initiate is ipsec up NAME",
    .run_words = run_whack,
};

/* ---- stroke */

static void list_strokes(FILE *to)
{
    const struct ipsec_command *c;
    fputs("usage: ipsec stroke WORD ...\n", to);
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        if (c->as_stroke)
            fprintf(to, "  %-26s %s\n", c->as_stroke, c->doc);
    }
}

/* up-nb, down-nb: without waiting */
static int without_waiting(const struct ipsec_command *command, int argc, char **argv)
{
    char **words = calloc((size_t)argc + 2, sizeof(*words));
    if (!words)
        abort();
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    words[argc] = (char[]){"--asynchronous"};
    int code = ipsec_run_words(command, DIALECT_STRONGSWAN, argc + 1, words);
    free(words);
    return code;
}

static int run_stroke(int argc, char **argv)
{
    char word[32];
    if (wants_help(argc, argv)) {
        list_strokes(stdout);
        return 0;
    }
    size_t len = strlen(argv[1]);
    bool is_quick = len > 3 && len < sizeof(word) && !strcmp(argv[1] + len - 3, "-nb");
    snprintf(word, sizeof(word), "%.*s", (int)(is_quick ? len - 3 : len), argv[1]);
    const struct ipsec_command *command = ipsec_command_of_stroke(word);
    if (command)
        return is_quick ? without_waiting(command, argc - 1, argv + 1)
                        : ipsec_run_words(command, DIALECT_STRONGSWAN, argc - 1, argv + 1);
    list_strokes(stderr);
    fprintf(stderr, "\nError: unknown command\n");
    return 255;
}

const struct ipsec_command ipsec_cmd_stroke = {
    .name = "stroke",
    .family = DIALECT_STRONGSWAN,
    .doc = "the words of strongSwan's control program: ipsec stroke up NAME is ipsec up NAME",
    .run_words = run_stroke,
};

/* `ipsec setup start`, `ipsec setup --start` */
static int run_setup(int argc, char **argv)
{
    static const char *const taken[] = {"start", "stop", "restart", "status"};
    const char *word = argc > 1 ? argv[1] + (strncmp(argv[1], "--", 2) ? 0 : 2) : "";
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        if (!strcmp(word, taken[i]))
            return ipsec_run_words(i == 3 ? &ipsec_cmd_setup_status : ipsec_command_named(word),
                                   DIALECT_UNKNOWN, argc - 1, argv + 1);
    }
    bool is_help = !strcmp(word, "help");
    fputs("usage: ipsec setup start|stop|restart|status\n", is_help ? stdout : stderr);
    return is_help ? 0 : 2;
}

const struct ipsec_command ipsec_cmd_setup = {
    .name = "setup",
    .doc = "start, stop, restart or status of the daemon",
    .run_words = run_setup,
};
