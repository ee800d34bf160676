/* SPDX-License-Identifier: Apache-2.0 */
/* man/swanctl.8 and the completion for bash, from the rows. */
#include "bin/swanctl/commands.h"

static void roff(FILE *to, const char *text)
{
    for (; *text; text++)
        fprintf(to, *text == '-' ? "\\-" : *text == '\\' ? "\\e" : "%c", *text);
}

static void option(FILE *to, const char *name, char letter, bool has_value, const char *doc)
{
    fputs(".TP\n\\fB\\-\\-", to);
    roff(to, name);
    fprintf(to, "\\fR, \\fB\\-%c\\fR%s\n", letter, has_value ? " \\fIVALUE\\fR" : "");
    roff(to, doc);
    fputc('\n', to);
}

static void command(FILE *to, const struct swanctl_command *c)
{
    fputs(".SH \"swanctl --", to);
    fprintf(to, "%s, -%c\"\n", c->name, c->letter);
    roff(to, c->doc);
    fputs(".\n", to);
    if (c->manual)
        fprintf(to, ".PP\n%s\n", c->manual);
    for (const struct swanctl_option *o = c->options; o->name; o++)
        option(to, o->name, o->letter, o->kind != OPT_FLAG, o->doc);
}

static const char head[] =
    ".\\\" SPDX-License-Identifier: Apache-2.0\n"
    ".\\\" Written from the table of commands by tests/swanctl/options_test.py; KEYWAY_UPDATE=1 writes it "
    "anew.\n"
    ".TH SWANCTL 8 \"\" Keyway \"Keyway manual\"\n"
    ".SH NAME\nswanctl \\- configure, control and watch the IKE daemon over vici\n"
    ".SH SYNOPSIS\n.B swanctl\n.BI \\-\\- command\n.RI [ option \" ...]\"\n"
    ".SH DESCRIPTION\n"
    "What users of strongSwan type, for machines without strongSwan: commands, options, what is printed and "
    "how\n"
    "it ends are those of strongSwan's program, and either one can be used with either daemon. Where its\n"
    "versions 5.9.8 and 6.0.1 differ, this one is as 6.0.1.\n"
    ".PP\n"
    "The daemon is found at \\fBswanctl.socket\\fR of \\fIstrongswan.conf\\fR (which \\fBSTRONGSWAN_CONF\\fR "
    "names),\n"
    "else at its own socket in \\fBKEYWAY_RUN\\fR, which is \\fI/run/keyway\\fR unless something else is "
    "said.\n"
    ".PP\n"
    "A command's name may be shortened as long as it is clear which one is meant.\n"
    ".SH OPTIONS OF ALL COMMANDS\n";

static const char tail[] =
    ".SH EXIT STATUS\n"
    "0 when the daemon did what was asked, and always with \\fB\\-\\-raw\\fR and \\fB\\-\\-pretty\\fR, whose "
    "text says "
    "how it went;\n"
    "1 when it refused, or the command line is wrong; 64 when \\fIstrongswan.conf\\fR is; else the number of "
    "the "
    "system's error:\n"
    "2 where nobody listens, the daemon does not know the command, or \\fB\\-\\-file\\fR is not there, 111 "
    "where it refuses connections, 104 "
    "when it "
    "hung up, 22 for\n"
    "a \\fB\\-\\-uri\\fR that is none, a \\fIswanctl.conf\\fR that cannot be read, and when something was "
    "not loaded.\n"
    ".SH DIFFERENCES\n"
    "From strongSwan 6.0.1:\n"
    ".IP \\(bu 2\nThe first lines of usages, and \\fB\\-\\-version\\fR, name this program and its version.\n"
    ".IP \\(bu 2\nA \\fB\\-\\-uri\\fR that is none exits with 22, where that one exits with 0.\n"
    ".IP \\(bu 2\n\\fB\\-\\-log\\fR and \\fB\\-\\-monitor\\-sa\\fR end when the daemon does.\n"
    ".IP \\(bu 2\n\\fB\\-\\-list\\-certs \\-\\-pem\\fR writes raw public keys and OCSP responses, too.\n"
    ".IP \\(bu 2\nA \\fIswanctl.conf\\fR that cannot be read, or a \\fB\\-\\-file\\fR that is not there, is "
    "an error and "
    "changes nothing: that one\ntakes it for an empty file, unloads everything, and exits with 0.\n"
    ".IP \\(bu 2\nWith \\fB\\-\\-raw\\fR and \\fB\\-\\-pretty\\fR a key that is loaded again stays: that one "
    "unloads it. Both print the\nsame, a reply to \\fBunload\\-key\\fR for each key that the daemon had "
    "before.\n"
    ".IP \\(bu 2\nThere is no second reason, by a library's name, when a certificate cannot be read.\n"
    ".PP\n5.9.8 differs from 6.0.1 in these:\n"
    ".IP \\(bu 2\nIt does not show the additional key exchanges of an SA.\n"
    ".IP \\(bu 2\nWhen the daemon hangs up, it says \\(lqSuccess\\(rq and exits with 0.\n"
    ".IP \\(bu 2\nIt does not understand certificates with constraints and policies.\n"
    ".IP \\(bu 2\nIt looks for the folder \\fIbliss\\fR, too, and says when it is missing.\n"
    ".IP \\(bu 2\nIt asks again for the passphrase of PKCS#12 that nobody typed.\n"
    ".SH SEE ALSO\n.BR ipsec (8),\n.BR pki (1),\n.BR keyway.conf (5)\n";

void swanctl_manual(FILE *to)
{
    const struct swanctl_option *o;
    const struct swanctl_command *c;
    fputs(head, to);
    option(to, "help", 'h', false, "show a command's usage: the daemon has to run, as for the command");
    for (size_t i = 0; (o = swanctl_common_at(i)); i++)
        option(to, o->name, o->letter, true, o->doc);
    for (size_t i = 0; (c = swanctl_command_at(i)); i++)
        command(to, c);
    fputs(tail, to);
}

void swanctl_completion(FILE *to)
{
    const struct swanctl_option *o;
    const struct swanctl_command *c;
    fputs("_swanctl() {\n  local cur=${COMP_WORDS[COMP_CWORD]} words=\n  case ${COMP_WORDS[1]} in\n", to);
    for (size_t i = 0; (c = swanctl_command_at(i)); i++) {
        fprintf(to, "  --%s|-%c) words='--help", c->name, c->letter);
        for (o = c->options; o->name; o++)
            fprintf(to, " --%s", o->name);
        for (size_t k = 0; (o = swanctl_common_at(k)); k++)
            fprintf(to, " --%s", o->name);
        fputs("' ;;\n", to);
    }
    fputs("  esac\n  [ \"$COMP_CWORD\" = 1 ] && words='", to);
    for (size_t i = 0; (c = swanctl_command_at(i)); i++)
        fprintf(to, "%s--%s", i ? " " : "", c->name);
    fputs("'\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n"
          "complete -o default -F _swanctl swanctl\n",
          to);
}
