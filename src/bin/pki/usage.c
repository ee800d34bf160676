/* SPDX-License-Identifier: Apache-2.0 */
/* What the pki tool says of itself: the overview, a command's usage, its manual, all from the rows; and how
 * it refuses. The layout is the one that users of strongSwan's tool know. */
#include "bin/pki/pki.h"
#include <stdarg.h>

enum { LINE_MAX_COLUMNS = 90 };

static const struct pki_option *option_at(const struct pki_command *c, size_t index)
{
    size_t i = 0;
    for (; c->options[i].name; i++) {
        if (i == index)
            return &c->options[i];
    }
    return pki_common_at(index - i);
}

static void synopsis_word(struct text *t, const struct pki_option *o)
{
    text_printf(t, o->is_required ? "--%s" : "[--%s", o->name);
    if (o->argument)
        text_printf(t, " %s", o->argument);
    text_printf(t, o->is_required ? "%s" : "]%s", o->is_repeated ? "+" : "");
}

static void synopsis(const struct pki_run *r, FILE *to)
{
    int indent = fprintf(to, "  %s --%s", r->program, r->command->name), column = indent;
    for (size_t i = 0; r->command->options[i].name; i++) {
        char buf[200];
        struct text word = TEXT_ON(buf);
        synopsis_word(&word, &r->command->options[i]);
        if (column > indent && column + 1 + (int)word.len > LINE_MAX_COLUMNS)
            column = fprintf(to, "\n%*s", indent, "") - 1;
        column += fprintf(to, " %s", buf);
    }
    fputc('\n', to);
}

void pki_usage(const struct pki_run *r, FILE *to)
{
    fprintf(to, "Keyway PKI tool\nusage:\n");
    synopsis(r, to);
    const struct pki_option *o;
    fprintf(to, "        --%-15s (-%c)  %s\n", "help", 'h', pki_common_at(0)->doc);
    for (size_t i = 0; (o = option_at(r->command, i)); i++) {
        if (o == pki_common_at(0))
            continue;
        fprintf(to, "        --%-15s (-%c)  %s%s%s\n", o->name, o->letter, o->doc,
                o->fallback ? ", default: " : "", o->fallback ? o->fallback : "");
    }
}

void pki_overview(const char *program, FILE *to)
{
    fprintf(to, "Keyway PKI tool\nusage:\n");
    for (size_t i = 0; pki_command_at(i); i++)
        fprintf(to, "  %s --%-7s (-%c)  %s\n", program, pki_command_at(i)->name, pki_command_at(i)->letter,
                pki_command_at(i)->doc);
    fprintf(to, "  %s --%-7s (-%c)  %s\n", program, "help", 'h', pki_common_at(0)->doc);
}

int pki_refuse(const struct pki_run *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("Error: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    pki_usage(r, stderr);
    return 1;
}

int pki_fail(const struct pki_run *r, const struct diag *d)
{
    char line[2048];
    fprintf(stderr, "%s --%s: %s\n", r->program, r->command->name, diag_format(d, line, sizeof(line)));
    return 1;
}

void pki_note(const struct pki_run *r, int level, const char *fmt, ...)
{
    va_list args;
    if (r->debug < level)
        return;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

/* roff: a leading '-' of an option is a minus, a backslash stands for itself. */
static void roff(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else
            fputc(*text, to);
    }
}

static void manual_option(FILE *to, const struct pki_option *o)
{
    fprintf(to, ".TP\n\\fB\\-%c\\fR, \\fB\\-\\-", o->letter);
    roff(to, o->name);
    fputs("\\fR", to);
    if (o->argument) {
        fputs(" \\fI", to);
        roff(to, o->argument);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    roff(to, o->doc);
    if (o->fallback) {
        fputs("; default: ", to);
        roff(to, o->fallback);
    }
    fprintf(to, "%s%s\n", o->is_required ? "; required" : "", o->is_repeated ? "; may be repeated" : "");
}

static const char manual_head[] =
    ".\\\" SPDX-License-Identifier: Apache-2.0\n"
    ".\\\" Written from the table of commands by tests/pki/manual_test.py; KEYWAY_UPDATE=1 writes it anew.\n"
    ".TH PKI 1 \"\" Keyway \"Keyway manual\"\n"
    ".SH NAME\n"
    "pki \\- make, show and check keys, certificates and revocation lists\n"
    ".SH SYNOPSIS\n"
    ".B pki\n.I command\n.RI [ option \" ...]\"\n"
    ".br\n.B ipsec pki\n.I command\n.RI [ option \" ...]\"\n"
    ".br\n.B keyway pki\n.I command\n.RI [ option \" ...]\"\n"
    ".SH DESCRIPTION\n"
    "A command is written as \\fB\\-\\-gen\\fR, \\fB\\-g\\fR or \\fBgen\\fR. Input comes from stdin unless\n"
    "\\fB\\-\\-in\\fR names a file, PEM and DER alike; output goes to stdout.\n"
    ".PP\n"
    "Keys and certificates on tokens (PKCS#11) are named by their handle, the CKA_ID in hex, with 0x in "
    "front "
    "or not.\n"
    "The modules are those that p11\\-kit knows, and those that strongswan.conf, or the file that the "
    "variable\n"
    "STRONGSWAN_CONF names, has as \\fIplugins.pkcs11.modules.NAME.path\\fR in its section \\fIpki\\fR or\n"
    "\\fIlibstrongswan\\fR. The PIN is asked for on the terminal; where there is none, it is the first line "
    "of\n"
    "stdin, unless that is the input.\n"
    ".PP\n"
    "A file of \\fB\\-\\-options\\fR holds options as a command line does: separated by white space, "
    "\"quoted\" or\n"
    "\\&'quoted' where they contain some; a word that begins with # makes the rest of its line a comment.\n"
    ".SH OPTIONS OF EVERY COMMAND\n";

void pki_manual(FILE *to)
{
    const struct pki_command *c;
    fputs(manual_head, to);
    for (size_t i = 0; pki_common_at(i); i++)
        manual_option(to, pki_common_at(i));
    for (size_t i = 0; (c = pki_command_at(i)); i++) {
        fprintf(to, ".SH \"\\-\\-%s, \\-%c\"\n%s.\n", c->name, c->letter, c->doc);
        if (c->manual)
            fprintf(to, ".PP\n%s\n", c->manual);
        for (const struct pki_option *o = c->options; o->name; o++)
            manual_option(to, o);
    }
    fputs(".SH EXIT STATUS\n"
          "0 when all went well, 1 when not. \\fB\\-\\-verify\\fR has more of them.\n"
          ".SH SEE ALSO\n"
          ".BR keyway.conf (5)\n",
          to);
}
