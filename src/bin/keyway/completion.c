/* SPDX-License-Identifier: Apache-2.0 */
/* keyway completion bash: words from the table of commands, names from the daemon. */
#include "bin/keyway/cli.h"
#include <stdio.h>

int cmd_completion(struct cli *c)
{
    const struct cli_command *row;
    if (c->argc != 1 || strcmp(c->argv[0], "bash") != 0)
        return cli_usage("keyway completion bash");
    fputs("_keyway() {\n"
          "  local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
          "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "    words='",
          stdout);
    for (size_t i = 0; (row = cli_command_at(i)); i++)
        printf("%s%s", i ? " " : "", row->name);
    puts("'\n"
         "  else\n"
         "    case ${COMP_WORDS[1]} in\n"
         "    up|down|status|rekey|trap|untrap|redirect) words=$(keyway status --json 2>/dev/null |\n"
         "      sed -n 's/^      \"name\": \"\\(.*\\)\",$/\\1/p') ;;\n"
         "    esac\n"
         "    case ${COMP_WORDS[1]} in\n"
         "    redirect) words+=' --peer-ip --peer-id --ike-id' ;;\n"
         "    config) words='check show explain convert reference --from --to --output --secrets' ;;\n"
         "    xfrm) words='state policy stat -s' ;;\n"
         "    doctor) words='net cert' ;;\n"
         "    completion) words=bash ;;\n"
         "    esac\n"
         "  fi\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "}\n"
         "complete -F _keyway keyway");
    return 0;
}
