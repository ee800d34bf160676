/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec import`: the keys and certificates of a PKCS#12 container (RFC 7292) into the key store. A
 * certificate's nickname is its friendlyName; authorities that come along are trusted. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/container.h"
#include "bin/pki/pki.h"

static const struct ipsec_option options[] = {
    {"w",                                                                         "FILE", "the container's password is the first line of FILE; else it is asked for"},
    {0},
};

/* The first line of a file, or what is typed. */
static bool read_password(const struct ipsec_run *r, struct secret *out, struct diag *d)
{
    const char *path = ipsec_get(r, "w");
    if (!path) {
        if (pki_ask_passphrase("Enter password for PKCS12 file: ", true, out))
            return true;
        diag_set(d, FAIL_PERMISSION, "no password was given");
        return false;
    }
    return ipsec_first_line(path, out, d);
}

static bool load(const struct ipsec_run *r, struct pkcs12 *p, struct diag *d)
{
    struct secret data = {0}, password = {0};
    bool is_ok = pki_read(r->operand[0], &data, d) && read_password(r, &password, d) &&
                 pkcs12_load(secret_view(&data), secret_view(&password), 0, p, d);
    secret_free(&password);
    secret_free(&data);
    return is_ok;
}

static int run(struct ipsec_run *r)
{
    struct pkcs12 p = {0};
    struct diag d;
    int code = 0;
    if (r->n_operands != 1) {
        ipsec_usage(r->command, stderr);
        return 1;
    }
    if (!keystore_is_there(r->folder)) {
        fprintf(stderr, "ERROR: NSS database files are missing, import aborted.\n"
                        "Initialize database with command \"ipsec checknss\".\n");
        return 1;
    }
    if (!load(r, &p, &d))
        return ipsec_fail(r, &d);
    struct keystore *s = ipsec_store_open(r, true, &code);
    if (s && !(ipsec_store_unlock(r, s, &d) && container_take(s, &p, true, &d)))
        code = ipsec_fail(r, &d);
    keystore_close(s);
    pkcs12_free(&p);
    return code;
}

const struct ipsec_command ipsec_cmd_import = {
    .name = "import",
    .operands = "FILE.p12",
    .doc = "take the keys and certificates of a PKCS#12 container into the key store",
    .options = options,
    .run = run,
    .has_store = true,
    .usage_code = 1,
    .manual =
        "A certificate is called by its friendlyName in the container, or, as NSS does, by the CN of its\n"
        "subject and the O of its issuer. A connection may\n"
        "name it so (certs = NICKNAME), and finds its private key. Authorities that come along are\n"
        "trusted. The password is asked for on the terminal; where there is none it is a line of stdin.",
};
