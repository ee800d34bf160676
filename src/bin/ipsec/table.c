/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `ipsec`, in the order of its help, and the options that those with a key store and those
 * that control the daemon share. */
#include "bin/ipsec/commands.h"

static const struct ipsec_command *const commands[] = {
    /* the daemon */
    &ipsec_cmd_start,
    &ipsec_cmd_stop,
    &ipsec_cmd_restart,
    &ipsec_cmd_setup,
    &ipsec_cmd_reload,
    &ipsec_cmd_update,
    &ipsec_cmd_rereadsecrets,
    &ipsec_cmd_rereadall,
    &ipsec_cmd_ready,
    /* connections */
    &ipsec_cmd_add,
    &ipsec_cmd_delete,
    &ipsec_cmd_up,
    &ipsec_cmd_down,
    &ipsec_cmd_down_srcip,
    &ipsec_cmd_auto_start,
    &ipsec_cmd_route,
    &ipsec_cmd_unroute,
    &ipsec_cmd_auto,
    &ipsec_cmd_whack,
    &ipsec_cmd_stroke,
    &ipsec_cmd_updown,
    /* what there is */
    &ipsec_cmd_status,
    &ipsec_cmd_statusall,
    &ipsec_cmd_trafficstatus,
    &ipsec_cmd_briefstatus,
    &ipsec_cmd_globalstatus,
    &ipsec_cmd_showstates,
    &ipsec_cmd_shuntstatus,
    &ipsec_cmd_connectionstatus,
    &ipsec_cmd_briefconnectionstatus,
    &ipsec_cmd_fipsstatus,
    &ipsec_cmd_processstatus,
    &ipsec_cmd_leases,
    &ipsec_cmd_listalgs,
    &ipsec_cmd_listcerts,
    &ipsec_cmd_listcacerts,
    &ipsec_cmd_listaacerts,
    &ipsec_cmd_listocspcerts,
    &ipsec_cmd_listacerts,
    &ipsec_cmd_listcrls,
    &ipsec_cmd_listpubkeys,
    &ipsec_cmd_listall,
    &ipsec_cmd_listcainfos,
    &ipsec_cmd_listgroups,
    &ipsec_cmd_listplugins,
    &ipsec_cmd_listcounters,
    &ipsec_cmd_resetcounters,
    /* what is logged */
    &ipsec_cmd_loglevel,
    &ipsec_cmd_debug,
    &ipsec_cmd_no_debug,
    /* what is to be forgotten */
    &ipsec_cmd_purgeocsp,
    &ipsec_cmd_purgecrls,
    &ipsec_cmd_purgecerts,
    &ipsec_cmd_purgeike,
    &ipsec_cmd_fetchcrls,
    /* keys */
    &ipsec_cmd_initnss,
    &ipsec_cmd_checknss,
    &ipsec_cmd_newhostkey,
    &ipsec_cmd_showhostkey,
    &ipsec_cmd_import,
    &ipsec_cmd_certutil,
    &ipsec_cmd_pk12util,
    &ipsec_cmd_crlutil,
    &ipsec_cmd_modutil,
    &ipsec_cmd_vfychain,
    &ipsec_cmd_pki,
    /* this machine */
    &ipsec_cmd_verify,
    &ipsec_cmd_look,
    &ipsec_cmd_barf,
    /* files */
    &ipsec_cmd_checkconfig,
    &ipsec_cmd_addconn,
    &ipsec_cmd_readwriteconf,
    &ipsec_cmd_algparse,
    /* this program */
    &ipsec_cmd_version,
    &ipsec_cmd_versioncode,
    &ipsec_cmd_directory,
    &ipsec_cmd_completion,
    &ipsec_cmd_help,
};

static const struct ipsec_option store_options[] = {
    {"nssdir",   "DIR",  "folder of the key store; default: STATE/ipsec/nss"},
    {"state",    "DIR",  "STATE; default: KEYWAY_STATE, or /var/lib"        },
    {"password", "TEXT",
     "the key store's password, where it has one; else the line \"NSS Certificate DB:TEXT\" of "
     "ETC/ipsec.d/nsspassword, or what is typed"                            },
};

static const struct ipsec_option control_options[] = {
    {"etc",          "DIR",   "stands for /etc; default: KEYWAY_ETC, or /etc"                            },
    {"run",          "DIR",   "where the daemon's socket is; default: KEYWAY_RUN, or /run/keyway"        },
    {"state",        "DIR",   "stands for /var/lib; default: KEYWAY_STATE, or /var/lib"                  },
    {"vici",         "PATH",  "another socket of it"                                                     },
    {"dialect",      "WHOSE", "answer as libreswan or strongswan does; default: as the connection's file"},
    {"no-prefix",    NULL,    "Libreswan's lines without their codes, as of 5.x"                         },
    {"exit-compat",  NULL,    "strongSwan's exit codes: 0 whatever became of up, down and route"         },
    {"asynchronous", NULL,    "do not wait for the end of it"                                            },
    {"remote-host",  "IP",    "taken and not used: where a connection's peer is stands in its file"      },
    {"config",       "FILE",  "taken and not used: the daemon reads the files that it was started with"  },
    {"ctlsocket",    "PATH",  "likewise: --vici"                                                         },
    {"verbose",      NULL,    "taken and not used"                                                       },
    {"utc",          NULL,    "likewise"                                                                 },
};

const struct ipsec_command *ipsec_command_at(size_t index)
{
    return index < ARRAY_LEN(commands) ? commands[index] : NULL;
}

const struct ipsec_option *ipsec_common_at(const struct ipsec_command *c, size_t index)
{
    if (c->act)
        return index < ARRAY_LEN(control_options) ? &control_options[index] : NULL;
    return c->has_store && index < ARRAY_LEN(store_options) ? &store_options[index] : NULL;
}
