/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec pki`: the pki tool. */
#include "bin/ipsec/commands.h"
#include "bin/pki/pki.h"

static int run(int argc, char **argv)
{
    return pki_main(argc, argv, "ipsec pki");
}

const struct ipsec_command ipsec_cmd_pki = {
    .name = "pki",
    .doc = "make, show and check keys and certificates",
    .run_words = run,
    .manual = "See\n.BR pki (1).",
};
