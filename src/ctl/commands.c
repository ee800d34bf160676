/* SPDX-License-Identifier: Apache-2.0 */
/* THE table of vici commands. */
#include "ctl/commands.h"

static const struct ctl_command table[] = {
    {"version",            ctl_cmd_version,            "version of the daemon and the machine"                     },
    {"stats",              ctl_cmd_stats,              "uptime, workers, numbers of SAs"                           },
    {"reload-settings",    ctl_cmd_reload_settings,    "read the settings anew; connections stay as they are"      },
    {"initiate",           ctl_cmd_initiate,           "bring up a connection or a child; streams control-log"     },
    {"terminate",          ctl_cmd_terminate,          "delete SAs by name or id; streams control-log"             },
    {"rekey",              ctl_cmd_rekey,              "rekey SAs by name or id"                                   },
    {"redirect",           ctl_cmd_redirect,           "send clients to another gateway"                           },
    {"list-sas",           ctl_cmd_list_sas,           "streams one list-sa event for each IKE SA"                 },
    {"install",            ctl_cmd_install,            "set a trap: the child comes with its first packet"         },
    {"uninstall",          ctl_cmd_uninstall,          "take a trap away"                                          },
    {"list-policies",      ctl_cmd_list_policies,      "streams one list-policy event for each trap"               },
    {"list-conns",         ctl_cmd_list_conns,         "streams one list-conn event for each connection"           },
    {"list-certs",         ctl_cmd_list_certs,         "streams one list-cert event for each certificate"          },
    {"get-conns",          ctl_cmd_get_conns,          "names of the loaded connections"                           },
    {"get-pools",          ctl_cmd_get_pools,          "pools of virtual addresses, and their leases"              },
    {"load-conn",          ctl_cmd_load_conn,          "load one connection; its section's name is its own"        },
    {"unload-conn",        ctl_cmd_unload_conn,        "unload a connection; what is up of it goes down"           },
    {"load-pool",          ctl_cmd_load_pool,          "load one pool"                                             },
    {"unload-pool",        ctl_cmd_unload_pool,        "unload a pool that nobody has an address of"               },
    {"load-authority",     ctl_cmd_load_authority,     "load one certification authority"                          },
    {"unload-authority",   ctl_cmd_unload_authority,   "unload an authority"                                       },
    {"get-authorities",    ctl_cmd_get_authorities,    "names of the authorities"                                  },
    {"list-authorities",   ctl_cmd_list_authorities,   "streams one list-authority event for each"                 },
    {"load-shared",        ctl_cmd_load_shared,        "load a preshared key or a PPK"                             },
    {"unload-shared",      ctl_cmd_unload_shared,      "unload one by its id"                                      },
    {"get-shared",         ctl_cmd_get_shared,         "ids of those that were loaded"                             },
    {"load-key",           ctl_cmd_load_key,           "load a private key; answers with its key id"               },
    {"load-token",         ctl_cmd_load_token,         "load a private key of a token"                             },
    {"unload-key",         ctl_cmd_unload_key,         "unload a private key by its key id"                        },
    {"get-keys",           ctl_cmd_get_keys,           "key ids of those that were loaded"                         },
    {"load-cert",          ctl_cmd_load_cert,          "load a certificate, CRL, attribute certificate or key"     },
    {"clear-creds",        ctl_cmd_clear_creds,        "unload all credentials that were loaded"                   },
    {"flush-certs",        ctl_cmd_flush_certs,        "forget CRLs and OCSP responses that were fetched"          },
    {"get-counters",       ctl_cmd_get_counters,       "numbers of messages, in all or by connection"              },
    {"reset-counters",     ctl_cmd_reset_counters,     "they begin anew at 0"                                      },
    {"get-algorithms",     ctl_cmd_get_algorithms,     "algorithms by kind and who implements them"                },
    {"keyway-algorithms",  ctl_cmd_keyway_algorithms,  "which library serves each algorithm and key length"        },
    {"keyway-reload",      ctl_cmd_keyway_reload,      "read the configuration files anew; all errors, by line"    },
    {"keyway-add",         ctl_cmd_keyway_add,         "reload, with a connection of ipsec.conf whatever its auto="},
    {"keyway-delete",      ctl_cmd_keyway_delete,      "reload, without a connection of ipsec.conf"                },
    {"keyway-connection",  ctl_cmd_keyway_connection,
     "which connection or child a name means, and its dialect"                                                     },
    {"keyway-status",      ctl_cmd_keyway_status,
     "the daemon, its data plane, the last failure of each connection"                                             },
    {"keyway-xfrm",        ctl_cmd_keyway_xfrm,        "streams one keyway-xfrm event for each SA and policy"      },
    {"keyway-log-level",   ctl_cmd_keyway_log_level,   "what the log shows, and changes of that"                   },
    {"keyway-config-show", ctl_cmd_keyway_config_show,
     "the configuration in force, with the line that set each value"                                               },
};

const struct ctl_command *ctl_command_find(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (span_equal(name, span_str(table[i].name)))
            return &table[i];
    }
    return NULL;
}

const struct ctl_command *ctl_command_at(size_t index)
{
    return index < ARRAY_LEN(table) ? &table[index] : NULL;
}
