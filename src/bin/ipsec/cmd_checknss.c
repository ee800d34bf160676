/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec checknss`: makes a key store where there is none, and says whether the one that is there is fit:
 * its index and the file of each key. What a database of NSS's in the same folder has is taken over. */
#include "bin/ipsec/commands.h"
#include "sys/nss_database.h"

static const struct ipsec_option options[] = {
    {"settrusts",                                                                    NULL, "trust the CAs in the store: those that come in by import are trusted anyway"},
    {0},
};

/* 0, or how to exit. */
static int take_nss(const struct ipsec_run *r)
{
    struct nss_taken t;
    struct diag d;
    bool is_ok = nss_database_take(r->folder, r->paths.etc, &t, &d);
    if (!t.is_there || !is_ok)
        return is_ok ? 0 : ipsec_fail(r, &d);
    if (t.has_tools) {
        ipsec_refuse(r, 0, "taken over from the database of NSS's in %s: %zu key%s, %zu certificate%s",
                     r->folder, t.n_keys, t.n_keys == 1 ? "" : "s", t.n_certs, t.n_certs == 1 ? "" : "s");
        if (t.n_left)
            ipsec_refuse(r, 0, "not taken over: %zu key%s, which NSS's tools do not give", t.n_left,
                         t.n_left == 1 ? "" : "s");
        return 0;
    }
    ipsec_refuse(r, 0,
                 "%s/cert9.db is a database of NSS's, which is not used; with NSS's tools installed, 'ipsec "
                 "checknss' takes it over; elsewhere, for each certificate with a key:",
                 r->folder);
    fprintf(stderr,
            "  pk12util -o FILE.p12 -n NICKNAME -d sql:%s\n"
            "  ipsec import FILE.p12%s%s\n",
            r->folder, r->is_default_folder ? "" : " --nssdir ", r->is_default_folder ? "" : r->folder);
    return 0;
}

static int run(struct ipsec_run *r)
{
    struct diag d;
    int code = 0;
    code = take_nss(r);
    if (code)
        return code;
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
        "there, what it has is taken over through those two, once for each time that it changed: the\n"
        "certificates and their trust, the private keys, with or without a certificate, and the password,\n"
        "when it is the one in nsspassword. The database stays as it is. \\fBkeywayd\\fR does the same when\n"
        "it starts.",
};
