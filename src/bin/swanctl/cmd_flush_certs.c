/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --flush-certs`: says nothing, whatever came of it, but in --raw. */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_flush_certs = {
    .name = "flush-certs",
    .letter = 'f',
    .doc = "flush cached certificates",
    .usage = {"[--type x509|x509_ac|x509_crl|ocsp_response|pubkey]", "[--raw|--pretty]"},
    .options = {{"type", 't', OPT_TEXT, "filter by certificate type"},                                                     OPTION_RAW},
    .sent = {"type"},
    .run = swanctl_run_list,
    .vici = "flush-certs",
};
