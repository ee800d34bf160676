/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: one for each cmd_NAME.c. */
#pragma once

#include "bin/ipsec/ipsec.h"

extern const struct ipsec_command ipsec_cmd_checknss, ipsec_cmd_import, ipsec_cmd_initnss,
    ipsec_cmd_newhostkey, ipsec_cmd_pki, ipsec_cmd_showhostkey;
