/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: one or a few of a kind for each cmd_NAME.c. */
#pragma once

#include "bin/ipsec/ipsec.h"

extern const struct ipsec_command ipsec_cmd_certutil, ipsec_cmd_checknss, ipsec_cmd_import, ipsec_cmd_initnss,
    ipsec_cmd_newhostkey, ipsec_cmd_pk12util, ipsec_cmd_crlutil, ipsec_cmd_modutil, ipsec_cmd_vfychain,
    ipsec_cmd_pki, ipsec_cmd_showhostkey, ipsec_cmd_updown;

/* what controls the daemon */
extern const struct ipsec_command ipsec_cmd_start, ipsec_cmd_stop, ipsec_cmd_restart, ipsec_cmd_setup,
    ipsec_cmd_setup_status, ipsec_cmd_reload, ipsec_cmd_update, ipsec_cmd_rereadsecrets, ipsec_cmd_rereadall,
    ipsec_cmd_ready, ipsec_cmd_add, ipsec_cmd_delete, ipsec_cmd_up, ipsec_cmd_down, ipsec_cmd_auto_start,
    ipsec_cmd_route, ipsec_cmd_unroute;
extern const struct ipsec_command ipsec_cmd_status, ipsec_cmd_statusall, ipsec_cmd_trafficstatus,
    ipsec_cmd_briefstatus, ipsec_cmd_globalstatus, ipsec_cmd_showstates, ipsec_cmd_shuntstatus,
    ipsec_cmd_connectionstatus, ipsec_cmd_briefconnectionstatus, ipsec_cmd_fipsstatus,
    ipsec_cmd_processstatus, ipsec_cmd_leases, ipsec_cmd_listalgs;
extern const struct ipsec_command ipsec_cmd_auto, ipsec_cmd_whack, ipsec_cmd_version, ipsec_cmd_versioncode,
    ipsec_cmd_directory, ipsec_cmd_help, ipsec_cmd_completion;
extern const struct ipsec_command ipsec_cmd_listcerts, ipsec_cmd_listcacerts, ipsec_cmd_listaacerts,
    ipsec_cmd_listocspcerts, ipsec_cmd_listacerts, ipsec_cmd_listcrls, ipsec_cmd_listpubkeys,
    ipsec_cmd_listall;
extern const struct ipsec_command ipsec_cmd_listcounters, ipsec_cmd_resetcounters, ipsec_cmd_purgeocsp,
    ipsec_cmd_purgecrls, ipsec_cmd_purgecerts, ipsec_cmd_purgeike, ipsec_cmd_fetchcrls, ipsec_cmd_down_srcip,
    ipsec_cmd_listcainfos, ipsec_cmd_listplugins, ipsec_cmd_listgroups, ipsec_cmd_stroke, ipsec_cmd_loglevel,
    ipsec_cmd_debug, ipsec_cmd_no_debug;
extern const struct ipsec_command ipsec_cmd_checkconfig, ipsec_cmd_addconn, ipsec_cmd_readwriteconf,
    ipsec_cmd_algparse, ipsec_cmd_verify, ipsec_cmd_look, ipsec_cmd_barf;
