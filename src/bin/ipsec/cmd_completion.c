/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec completion bash`: words from the table of commands, names from the daemon. */
#include "bin/ipsec/commands.h"

static void print_words(const char *(*word_of)(const struct ipsec_command *c), const char *before)
{
    const struct ipsec_command *c;
    for (size_t i = 0; (c = ipsec_command_at(i)); i++) {
        const char *words = word_of(c);
        for (size_t len; words && *words; words += len + strspn(words + len, " ")) {
            len = strcspn(words, " ");
            printf(" %s%.*s", before, (int)len, words);
        }
    }
}

static const char *own(const struct ipsec_command *c)
{
    return strchr(c->name, ' ') ? NULL : c->name;
}

static const char *also(const struct ipsec_command *c)
{
    return c->also;
}

static const char *as_auto(const struct ipsec_command *c)
{
    return c->as_auto;
}

static const char *as_whack(const struct ipsec_command *c)
{
    return c->as_whack;
}

static const char *takes_names(const struct ipsec_command *c)
{
    return c->act && c->names != NAMES_NONE ? own(c) : NULL;
}

static int run(struct ipsec_run *r)
{
    if (r->n_operands != 1 || strcmp(r->operand[0], "bash") != 0)
        return ipsec_refuse(r, 2, "there is one for bash");
    fputs("_ipsec() {\n"
          "  local cur=${COMP_WORDS[COMP_CWORD]} words= named=\n"
          "  case ${COMP_WORDS[1]} in\n"
          "  auto) words='",
          stdout);
    print_words(as_auto, "--");
    fputs("' named=1 ;;\n  whack) words='--name", stdout);
    print_words(as_whack, "--");
    fputs("' named=1 ;;\n  setup) words='start stop restart status' ;;\n  *) case ' ", stdout);
    print_words(takes_names, "");
    fputs(" ' in *\" ${COMP_WORDS[1]} \"*) named=1 ;; esac ;;\n  esac\n"
          "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "    words='",
          stdout);
    print_words(own, "");
    print_words(also, "");
    fputs("'\n"
          "  elif [ \"$named\" ]; then\n"
          "    words+=\" $(keyway status --json 2>/dev/null |\n"
          "      sed -n 's/^      \"name\": \"\\(.*\\)\",$/\\1/p')\"\n"
          "  fi\n"
          "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "}\n"
          "complete -F _ipsec ipsec\n",
          stdout);
    return 0;
}

const struct ipsec_command ipsec_cmd_completion = {
    .name = "completion",
    .operands = "bash",
    .doc = "completion for a shell",
    .run = run,
    .usage_code = 2,
};
