/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec checknss`: makes a key store where there is none, and says whether the one that is there is fit:
 * its index and the file of each key. A database of NSS's in the same folder is noticed, and it is said how
 * to take it over; it is not read here. */
#include "bin/ipsec/commands.h"
#include <unistd.h>

static const struct ipsec_option options[] = {
    {"settrusts",                                                                    NULL, "trust the CAs in the store: those that come in by import are trusted anyway"},
    {0},
};

static void notice_nss(const struct ipsec_run *r)
{
    char path[PATH_TEXT_MAX + sizeof("/cert9.db")];
    snprintf(path, sizeof(path), "%s/cert9.db", r->folder);
    if (access(path, F_OK) < 0)
        return;
    ipsec_refuse(r, 0,
                 "%s is a database of NSS's, which is not used; for each certificate with a key:", path);
    fprintf(stderr,
            "  pk12util -o FILE.p12 -n NICKNAME -d sql:%s\n"
            "  ipsec import FILE.p12%s%s\n",
            r->folder, r->is_default_folder ? "" : " --nssdir ", r->is_default_folder ? "" : r->folder);
}

static int run(struct ipsec_run *r)
{
    struct diag d;
    int code = 0;
    notice_nss(r);
    if (!keystore_is_there(r->folder))
        return ipsec_store_make(r);
    struct keystore *s = ipsec_store_open(r, false, &code);
    if (!s)
        return code;
    bool is_open = ipsec_store_unlock(r, s, &d);
    if (!is_open)
        code = ipsec_fail(r, &d);
    for (size_t i = 0; is_open && i < s->n_keys; i++) {
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
        "missing, or may be read by others. When NSS's own certutil or pk12util has written a cert9.db\n"
        "there, the commands that take it over are said on stderr.",
};
