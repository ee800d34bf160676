/* SPDX-License-Identifier: Apache-2.0 */
/* What `ipsec` says of itself: the overview, a command's usage, man/ipsec.8, all from the rows; and how it
 * refuses. */
#include "bin/ipsec/commands.h"
#include <stdarg.h>

static const struct ipsec_option *option_at(const struct ipsec_command *c, size_t index)
{
    size_t i = 0;
    for (; c->options && c->options[i].name; i++) {
        if (i == index)
            return &c->options[i];
    }
    return ipsec_common_at(c, index - i);
}

static const char *dashes(const struct ipsec_option *o)
{
    return o->name[1] ? "--" : "-";
}

void ipsec_usage(const struct ipsec_command *c, FILE *to)
{
    const struct ipsec_option *o;
    fprintf(to, "usage: ipsec %s [OPTION...]%s%s\n", c->name, c->operands ? " " : "",
            c->operands ? c->operands : "");
    for (size_t i = 0; (o = option_at(c, i)); i++) {
        int n = fprintf(to, "  %s%s%s%s", dashes(o), o->name, o->argument ? " " : "",
                        o->argument ? o->argument : "");
        fprintf(to, "%*s%s\n", n < 26 ? 26 - n : 1, "", o->doc);
    }
}

void ipsec_overview(FILE *to)
{
    const struct ipsec_command *c;
    fprintf(to, "usage: ipsec COMMAND [ARGUMENT...]\n");
    for (size_t i = 0; (c = ipsec_command_at(i)); i++)
        fprintf(to, "  ipsec %-14s %s\n", c->name, c->doc);
    fprintf(to, "ipsec COMMAND --help says more.\n");
}

int ipsec_refuse(const struct ipsec_run *r, int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "ipsec %s: ", r->command->name);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

int ipsec_fail(const struct ipsec_run *r, const struct diag *d)
{
    char line[2048];
    return ipsec_refuse(r, 1, "%s", diag_format(d, line, sizeof(line)));
}

static void roff(FILE *to, const char *text)
{
    for (; *text; text++)
        fprintf(to, *text == '-' ? "\\-" : *text == '\\' ? "\\e" : "%c", *text);
}

static void manual_option(FILE *to, const struct ipsec_option *o)
{
    fputs(".TP\n\\fB", to);
    roff(to, dashes(o));
    roff(to, o->name);
    fputs("\\fR", to);
    if (o->argument)
        fprintf(to, " \\fI%s\\fR", o->argument);
    fputc('\n', to);
    roff(to, o->doc);
    fputc('\n', to);
}

/* Other ways to type it. */
static void manual_words(FILE *to, const struct ipsec_command *c)
{
    const struct {
        const char *before, *words;
    } rows[] = {
        {"ipsec ",                       c->also    },
        {"ipsec auto \\-\\-",            c->as_auto },
        {"ipsec whack \\-\\-... \\-\\-", c->as_whack},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (const char *at = rows[i].words; at && *at; at += strspn(at, " ")) {
            int len = (int)strcspn(at, " ");
            char word[64];
            snprintf(word, sizeof(word), "%.*s", len, at);
            fprintf(to, ".br\nAlso: \\fB%s", rows[i].before);
            roff(to, word);
            fputs("\\fR\n", to);
            at += len;
        }
    }
}

static const char manual_head[] =
    ".\\\" SPDX-License-Identifier: Apache-2.0\n"
    ".\\\" Written from the table of commands by tests/pki/store_test.py; KEYWAY_UPDATE=1 writes it anew.\n"
    ".TH IPSEC 8 \"\" Keyway \"Keyway manual\"\n"
    ".SH NAME\n"
    "ipsec \\- commands that users of Libreswan and strongSwan type\n"
    ".SH SYNOPSIS\n"
    ".B ipsec\n.I command\n.RI [ option \" ...]\"\n"
    ".SH DESCRIPTION\n"
    "What Libreswan's and strongSwan's users type, with the lines and exit codes that their scripts look\n"
    "for. A command that names a connection answers in the words of the dialect that the connection's\n"
    "file is of; others in those of the dialect of most that are loaded, or, without a daemon, that the\n"
    "files in \\fI/etc\\fR are of: \\fB\\-\\-dialect\\fR or \\fBIPSEC_COMPAT\\fR=\\fBlibreswan\\fR or\n"
    "\\fBstrongswan\\fR decides otherwise. Libreswan's lines are those of 4.x, which begin with three "
    "digits;\n"
    "\\fBIPSEC_COMPAT=5\\fR or \\fB\\-\\-no\\-prefix\\fR leaves them away, as 5.x does.\n"
    ".PP\n"
    "Raw keys of hosts live in a key store: a folder with an index, \\fIkeyway.db\\fR, and one file\n"
    "for each private key, all for their owner only. It takes the place of NSS's database, and NSS is\n"
    "not needed. A key is named by its CKAID, which is the one that NSS gives to the same key.\n"
    ".SH OPTIONS OF COMMANDS WITH A KEY STORE\n";

void ipsec_manual(FILE *to)
{
    const struct ipsec_command *c;
    const struct ipsec_option *o;
    fputs(manual_head, to);
    for (size_t i = 0; (o = ipsec_common_at(&ipsec_cmd_initnss, i)); i++)
        manual_option(to, o);
    fputs(".SH OPTIONS OF COMMANDS THAT ASK OR TELL THE DAEMON\n", to);
    for (size_t i = 0; (o = ipsec_common_at(&ipsec_cmd_up, i)); i++)
        manual_option(to, o);
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        fputs(".SH \"ipsec ", to);
        roff(to, c->name);
        fprintf(to, "\"\n%s.\n", c->doc);
        manual_words(to, c);
        if (c->manual)
            fprintf(to, ".PP\n%s\n", c->manual);
        for (o = c->options; o && o->name; o++)
            manual_option(to, o);
    }
    fputs(".SH FILES\n"
          "\\fI/var/lib/ipsec/nss\\fR: the key store. All names in it end in \"db\".\n"
          ".SH SEE ALSO\n"
          ".BR pki (1),\n"
          ".BR keyway.conf (5)\n",
          to);
}
