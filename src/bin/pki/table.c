/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the pki tool, in the order of its help, and the options that each of them has. */
#include "bin/pki/commands.h"

/* clang-format off */
static const struct pki_command *const commands[] = {
    &pki_cmd_acert,
    &pki_cmd_dn,
    &pki_cmd_est,
    &pki_cmd_estca,
    &pki_cmd_gen,
    &pki_cmd_issue,
    &pki_cmd_keyid,
    &pki_cmd_ocsp,
    &pki_cmd_pkcs12,
    &pki_cmd_pkcs7,
    &pki_cmd_print,
    &pki_cmd_pub,
    &pki_cmd_req,
    &pki_cmd_scep,
    &pki_cmd_scepca,
    &pki_cmd_self,
    &pki_cmd_signcrl,
    &pki_cmd_verify,
};
/* clang-format on */

static const struct pki_option common[] = {
    {"help",    'h', PKI_SWITCH, NULL,    NULL, "show usage information",              0, 0},
    {"debug",   'v', PKI_TEXT,   "level", "1",  "how much to say on stderr, -1 to 4",  0, 0},
    {"options", '+', PKI_TEXT,   "file",  NULL, "read command line options from file", 0, 0},
};

const struct pki_command *pki_command_at(size_t index)
{
    return index < ARRAY_LEN(commands) ? commands[index] : NULL;
}

const struct pki_option *pki_common_at(size_t index)
{
    return index < ARRAY_LEN(common) ? &common[index] : NULL;
}
