/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec checknss`: makes a key store where there is none, and says whether the one that is there is fit:
 * its index and the file of each key. */
#include "bin/ipsec/commands.h"

static const struct ipsec_option options[] = {
    {"settrusts",                                                                    NULL, "trust the CAs in the store: those that come in by import are trusted anyway"},
    {0},
};

static int run(struct ipsec_run *r)
{
    struct diag d;
    int code = 0;
    if (!keystore_is_there(r->folder))
        return ipsec_store_make(r);
    struct keystore *s = ipsec_store_open(r, false, &code);
    if (!s)
        return code;
    for (size_t i = 0; i < s->n_keys; i++) {
        struct pkey *k = keystore_private_key(s, &s->keys[i], &d);
        if (!k)
            code = ipsec_fail(r, &d);
        pkey_unref(k);
    }
    keystore_close(s);
    return code;
}

const struct ipsec_command ipsec_cmd_checknss = {
    .name = "checknss",
    .doc = "make a key store if there is none, and check the one that is there",
    .options = options,
    .run = run,
    .has_store = true,
    .usage_code = 1,
    .manual =
        "Each private key is read and compared with the index. The exit code is 1 when one is damaged,\n"
        "missing, or may be read by others.",
};
