/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `swanctl`, in the order of its help, and the options that all of them have. */
#include "bin/swanctl/commands.h"

static const struct swanctl_command *const commands[] = {
    &swanctl_cmd_counters,         &swanctl_cmd_initiate,
    &swanctl_cmd_terminate,        &swanctl_cmd_rekey,
    &swanctl_cmd_redirect,         &swanctl_cmd_uninstall,
    &swanctl_cmd_install,          &swanctl_cmd_list_sas,
    &swanctl_cmd_monitor_sa,       &swanctl_cmd_list_pols,
    &swanctl_cmd_list_authorities, &swanctl_cmd_list_conns,
    &swanctl_cmd_list_certs,       &swanctl_cmd_list_pools,
    &swanctl_cmd_list_algs,        &swanctl_cmd_flush_certs,
    &swanctl_cmd_load_all,         &swanctl_cmd_load_authorities,
    &swanctl_cmd_load_conns,       &swanctl_cmd_load_creds,
    &swanctl_cmd_load_pools,       &swanctl_cmd_log,
    &swanctl_cmd_version,          &swanctl_cmd_stats,
    &swanctl_cmd_reload_settings,  &swanctl_cmd_help,
};

static const struct swanctl_option common[] = {
    {"debug",   'v', OPT_TEXT, "set debug level, default: 1"        },
    {"options", '+', OPT_TEXT, "read command line options from file"},
    {"uri",     'u', OPT_TEXT, "service URI to connect to"          },
};

const struct swanctl_command *swanctl_command_at(size_t index)
{
    return index < ARRAY_LEN(commands) ? commands[index] : NULL;
}

const struct swanctl_option *swanctl_common_at(size_t index)
{
    return index < ARRAY_LEN(common) ? &common[index] : NULL;
}
