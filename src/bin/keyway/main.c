/* SPDX-License-Identifier: Apache-2.0 */
/* `keyway`: options, and the table of commands. */
#include "bin/keyway/cli.h"
#include "bin/pki/pki.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* With options in front of it: main() has taken it where there are none. */
static int cmd_pki(struct cli *c)
{
    (void)c;
    return cli_usage("pki stands first: keyway pki COMMAND [OPTION...]");
}

static const struct cli_command table[] = {
    {"up",         "NAME",                                                              "bring up a tunnel and say how it went",                cmd_up        },
    {"down",       "NAME",                                                              "take a tunnel down",                                   cmd_down      },
    {"status",     "[NAME] | --algorithms",                                             "tunnels, their state, traffic and next rekey",         cmd_status    },
    {"rekey",      "NAME",                                                              "exchange fresh keys now",                              cmd_rekey     },
    {"trap",       "NAME",                                                              "let the first packet bring a tunnel up",               cmd_trap      },
    {"untrap",     "NAME",                                                              "undo that",                                            cmd_untrap    },
    {"redirect",   "[NAME] GATEWAY",                                                    "send clients to another gateway",                      cmd_redirect  },
    {"pools",      "[NAME]",                                                            "pools of virtual addresses, and who has them",         cmd_pools     },
    {"xfrm",       "state | policy | stat",                                             "what ip xfrm would show, of the userspace data plane", cmd_xfrm      },
    {"flush",      "[crls | ocsp]",                                                     "forget CRLs and OCSP responses that came",             cmd_flush     },
    {"log",        "[levels] [--level LIST]",                                           "what the daemon says, as it says it",                  cmd_log       },
    {"reload",     "",                                                                  "read the configuration files anew",                    cmd_reload    },
    {"config",     "check | show [NAME] | explain KEY | convert --to FORM | reference",
     "check the files, show what they became, say what a key does, write them in another form",                                                 cmd_config    },
    {"pki",        "COMMAND [OPTION...]",                                               "make, show and check keys and certificates",           cmd_pki       },
    {"doctor",     "[net | cert FILE]",
     "what this machine lacks; firewall rules that do not see tunnels; which clients accept a certificate",                                     cmd_doctor    },
    {"version",    "",                                                                  "version of this program and of the daemon",            cmd_version   },
    {"completion", "bash",                                                              "completion for a shell",                               cmd_completion},
    {"help",       "[COMMAND]",                                                         "this text",                                            cmd_help      },
};

const struct cli_command *cli_command_at(size_t index)
{
    return index < ARRAY_LEN(table) ? &table[index] : NULL;
}

enum {
    OPT_ETC = 256,
    OPT_RUN,
    OPT_STATE,
    OPT_LOAD,
    OPT_VICI,
    OPT_SETTINGS,
    OPT_JSON,
    OPT_NO_COLOR,
    OPT_TIMEOUT,
    OPT_FORCE,
    OPT_RUNNING,
    OPT_ALGORITHMS,
    OPT_PEER_IP,
    OPT_PEER_ID,
    OPT_IKE_ID,
    OPT_FROM,
    OPT_TO,
    OPT_SECRETS,
    OPT_OUTPUT,
    OPT_LEVEL
};

static const struct option long_options[] = {
    {"etc",              required_argument, NULL, OPT_ETC},
    {"run",              required_argument, NULL, OPT_RUN},
    {"state",                  required_argument, NULL, OPT_STATE},
    {"load",required_argument, NULL, OPT_LOAD},
    {"vici",           required_argument, NULL, OPT_VICI},
    {"settings",            required_argument, NULL, OPT_SETTINGS},
    {"json",              no_argument, NULL, OPT_JSON},
    {"no-color",                  no_argument, NULL, OPT_NO_COLOR},
    {"timeout",              required_argument, NULL, OPT_TIMEOUT},
    {"force",          no_argument, NULL, OPT_FORCE},
    {"running",             no_argument, NULL, OPT_RUNNING},
    {"algorithms",              no_argument, NULL, OPT_ALGORITHMS},
    {"peer-ip",                  required_argument, NULL, OPT_PEER_IP},
    {"peer-id",required_argument, NULL, OPT_PEER_ID},
    {"ike-id",      required_argument, NULL, OPT_IKE_ID},
    {"from",             required_argument, NULL, OPT_FROM},
    {"to",              required_argument, NULL, OPT_TO},
    {"secrets",                  no_argument, NULL, OPT_SECRETS},
    {"output",required_argument, NULL, OPT_OUTPUT},
    {"level",      required_argument, NULL, OPT_LEVEL},
    {"statistics",          no_argument, NULL, 's'},
    {"quiet",              no_argument, NULL, 'q'},
    {"version",                  no_argument, NULL, 'V'},
    {"help",no_argument, NULL, 'h'},
    {0        },
};

static bool parse_timeout(struct cli *c, const char *arg)
{
    char *end;
    double seconds = strtod(arg, &end);
    if (end == arg || (*end && strcmp(end, "s") != 0) || !(seconds > 0 && seconds < 86400)) {
        cli_usage("--timeout wants seconds, not %s", arg);
        return false;
    }
    c->timeout_ms = (int64_t)(seconds * 1000);
    return true;
}

/* -1 to go on, or an exit code. */
static int take_option(struct cli *c, int option, const char *arg)
{
    switch (option) {
    case OPT_ETC:
        c->paths.etc = arg;
        return -1;
    case OPT_RUN:
        c->paths.run = arg;
        return -1;
    case OPT_STATE:
        c->paths.state = arg;
        return -1;
    case OPT_LOAD:
        c->load = arg;
        return -1;
    case OPT_VICI:
        c->paths.vici = arg;
        return -1;
    case OPT_SETTINGS:
        c->settings = arg;
        return -1;
    case OPT_JSON:
        c->has_json = true;
        return -1;
    case OPT_NO_COLOR:
        c->has_color = false;
        return -1;
    case OPT_TIMEOUT:
        return parse_timeout(c, arg) ? -1 : FAIL_USAGE;
    case OPT_FORCE:
        c->is_forced = true;
        return -1;
    case OPT_RUNNING:
        c->is_running = true;
        return -1;
    case OPT_ALGORITHMS:
        c->has_algorithms = true;
        return -1;
    case OPT_PEER_IP:
        c->redirect.peer_ip = arg;
        return -1;
    case OPT_PEER_ID:
        c->redirect.peer_id = arg;
        return -1;
    case OPT_IKE_ID:
        c->redirect.ike_id = arg;
        return -1;
    case OPT_FROM:
        c->convert.from = arg;
        return -1;
    case OPT_TO:
        c->convert.to = arg;
        return -1;
    case OPT_SECRETS:
        c->convert.shows_secrets = true;
        return -1;
    case OPT_OUTPUT:
        c->convert.output = arg;
        return -1;
    case OPT_LEVEL:
        c->log_levels = arg;
        return -1;
    case 's':
        c->has_statistics = true;
        return -1;
    case 'q':
        c->is_quiet = true;
        return -1;
    case 'V':
        return cmd_version(c);
    case 'h':
        return cmd_help(c);
    }
    return cli_usage("see keyway help");
}

static void look_at_terminal(struct cli *c)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM"), *forced = getenv("CLICOLOR_FORCE");
    bool is_dumb = term && !strcmp(term, "dumb");
    c->is_terminal = isatty(STDERR_FILENO) && !is_dumb;
    c->has_color = isatty(STDOUT_FILENO) && !is_dumb;
    if (forced && *forced && strcmp(forced, "0") != 0)
        c->has_color = true;
    if (no_color && *no_color)
        c->has_color = false;
}

int main(int argc, char **argv)
{
    struct cli c = {0};
    int option;
    if (argc > 1 && !strcmp(argv[1], "pki")) /* whose options are its own */
        return pki_main(argc - 1, argv + 1, "keyway pki");
    look_at_terminal(&c);
    while ((option = getopt_long(argc, argv, "sqVh", long_options, NULL)) >= 0) {
        int code = take_option(&c, option, optarg);
        if (code >= 0)
            return code;
    }
    paths_complete(&c.paths);
    if (optind == argc) {
        cmd_help(&c);
        return FAIL_USAGE;
    }
    c.argc = argc - optind - 1;
    c.argv = argv + optind + 1;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (!strcmp(argv[optind], table[i].name))
            return table[i].run(&c);
    }
    return cli_usage("unknown command %s; see keyway help", argv[optind]);
}
