/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `ipsec`, in the order of its help, and the options that those with a key store share. */
#include "bin/ipsec/commands.h"

static const struct ipsec_command *const commands[] = {
    &ipsec_cmd_initnss,     &ipsec_cmd_checknss, &ipsec_cmd_newhostkey,
    &ipsec_cmd_showhostkey, &ipsec_cmd_import,   &ipsec_cmd_pki,
};

static const struct ipsec_option store_options[] = {
    {"nssdir",   "DIR",  "folder of the key store; default: STATE/ipsec/nss"},
    {"state",    "DIR",  "STATE; default: KEYWAY_STATE, or /var/lib"        },
    {"password", "TEXT", "taken and not used: the key store has no password"},
};

const struct ipsec_command *ipsec_command_at(size_t index)
{
    return index < ARRAY_LEN(commands) ? commands[index] : NULL;
}

const struct ipsec_option *ipsec_common_at(const struct ipsec_command *c, size_t index)
{
    return c->has_store && index < ARRAY_LEN(store_options) ? &store_options[index] : NULL;
}
