/* SPDX-License-Identifier: Apache-2.0 */
/* What the pki tool writes to stdout: DER, PEM (RFC 7468), and bytes in hex, base64 or as they are. */
#include "bin/pki/pki.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

int pki_write_bytes(const struct pki_run *r, struct span bytes)
{
    if (fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len && fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "%s --%s: cannot write to stdout: %s\n", r->program, r->command->name, strerror(errno));
    return 1;
}

int pki_write(const struct pki_run *r, const char *label, struct span der)
{
    struct secret pem = {0};
    if (!strcasecmp(pki_get(r, "outform"), "der"))
        return pki_write_bytes(r, der);
    pem_encode(der, label, &pem);
    int code = pki_write_bytes(r, secret_view(&pem));
    secret_free(&pem);
    return code;
}

void pki_colons(struct text *t, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        text_printf(t, i ? ":%02x" : "%02x", bytes.ptr[i]);
}

int pki_write_base64(const struct pki_run *r, struct span bytes, const char *end)
{
    size_t len = (bytes.len + 2) / 3 * 4;
    struct secret line = secret_new(len + 1);
    EVP_EncodeBlock(line.ptr, bytes.ptr, (int)bytes.len);
    int code = pki_write_bytes(r, span_of(line.ptr, len));
    secret_free(&line);
    return code ? code : pki_write_bytes(r, span_str(end));
}

int pki_write_format(const struct pki_run *r, const char *format, struct span bytes)
{
    if (!strcasecmp(format, "bin"))
        return pki_write_bytes(r, bytes);
    if (!strcasecmp(format, "base64"))
        return pki_write_base64(r, bytes, "\n");
    for (size_t i = 0; i < bytes.len; i++)
        printf("%02x", bytes.ptr[i]);
    return pki_write_bytes(r, span_str("\n"));
}
