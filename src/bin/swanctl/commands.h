/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `swanctl`, one file each. */
#pragma once

#include "bin/swanctl/swanctl.h"

#define OPTION_CHILD(doc)                                                                                    \
    {                                                                                                        \
        "child", 'c', OPT_TEXT, doc                                                                          \
    }
#define OPTION_IKE(doc)                                                                                      \
    {                                                                                                        \
        "ike", 'i', OPT_TEXT, doc                                                                            \
    }
#define OPTION_RAW                                                                                           \
    {"raw", 'r', OPT_FLAG, "dump raw response message"},                                                     \
    {                                                                                                        \
        "pretty", 'P', OPT_FLAG, "dump raw response message in pretty print"                                 \
    }
#define OPTION_LOGLEVEL                                                                                      \
    {                                                                                                        \
        "loglevel", 'l', OPT_LEVEL, "verbosity of redirected log"                                            \
    }
#define OPTION_TIMEOUT                                                                                       \
    {                                                                                                        \
        "timeout", 't', OPT_SECONDS, "timeout in seconds before detaching"                                   \
    }

extern const struct swanctl_command swanctl_cmd_counters;
extern const struct swanctl_command swanctl_cmd_initiate;
extern const struct swanctl_command swanctl_cmd_terminate;
extern const struct swanctl_command swanctl_cmd_rekey;
extern const struct swanctl_command swanctl_cmd_redirect;
extern const struct swanctl_command swanctl_cmd_uninstall;
extern const struct swanctl_command swanctl_cmd_install;
extern const struct swanctl_command swanctl_cmd_list_sas;
extern const struct swanctl_command swanctl_cmd_monitor_sa;
extern const struct swanctl_command swanctl_cmd_list_pols;
extern const struct swanctl_command swanctl_cmd_list_authorities;
extern const struct swanctl_command swanctl_cmd_list_conns;
extern const struct swanctl_command swanctl_cmd_list_certs;
extern const struct swanctl_command swanctl_cmd_list_pools;
extern const struct swanctl_command swanctl_cmd_list_algs;
extern const struct swanctl_command swanctl_cmd_flush_certs;
extern const struct swanctl_command swanctl_cmd_load_all;
extern const struct swanctl_command swanctl_cmd_load_authorities;
extern const struct swanctl_command swanctl_cmd_load_conns;
extern const struct swanctl_command swanctl_cmd_load_creds;
extern const struct swanctl_command swanctl_cmd_load_pools;
extern const struct swanctl_command swanctl_cmd_log;
extern const struct swanctl_command swanctl_cmd_version;
extern const struct swanctl_command swanctl_cmd_stats;
extern const struct swanctl_command swanctl_cmd_reload_settings;
extern const struct swanctl_command swanctl_cmd_help;
