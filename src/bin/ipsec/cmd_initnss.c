/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec initnss`: makes an empty key store, where there is none. */
#include "bin/ipsec/commands.h"

enum { EXIT_IS_THERE = 42 }; /* which scripts look for */

static int run(struct ipsec_run *r)
{
    if (!keystore_is_there(r->folder))
        return ipsec_store_make(r);
    printf("NSS database already initialised - aborted\n"
           "To wipe the old NSS database, issue: rm %s/*.db\n",
           r->folder);
    return EXIT_IS_THERE;
}

const struct ipsec_command ipsec_cmd_initnss = {
    .name = "initnss",
    .doc = "make an empty key store",
    .run = run,
    .has_store = true,
    .usage_code = 1,
    .manual = "The exit code is 42 when there is one already, which then stays as it is. To start afresh,\n"
              "remove what it has: \\fBrm /var/lib/ipsec/nss/*db\\fR, which removes the private keys.",
};
