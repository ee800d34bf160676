/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --dn`: the subject of a certificate as its bytes: for configurations, where a text would be encoded
 * otherwise than its issuer did. */
#include "bin/pki/commands.h"
#include "pki/cert.h"

static const struct pki_option options[] = {
    {"in",      'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"format", 'f', PKI_CHOICE, "config|hex|base64|bin", "config", "output format", 0, 0},
    {0    },
};

static int run(struct pki_run *r)
{
    struct diag d = {0};
    const char *format = pki_get(r, "format");
    int code = 0;
    struct cert *c = pki_certificate(pki_get(r, "in"), &d);
    if (!c)
        return pki_fail(r, &d);
    struct span dn = cert_subject_der(c);
    if (!strcasecmp(format, "config")) {
        printf("\"asn1dn:#");
        for (size_t i = 0; i < dn.len; i++)
            printf("%02x", dn.ptr[i]);
        code = pki_write_bytes(r, span_str("\"\n"));
    } else {
        code = pki_write_format(r, format, dn);
    }
    cert_unref(c);
    return code;
}

const struct pki_command pki_cmd_dn = {
    .name = "dn",
    .letter = 'd',
    .doc = "extract the subject DN of an X.509 certificate",
    .options = options,
    .run = run,
};
