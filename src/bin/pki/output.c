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

/* Base64 in lines of the width, 0 for one line; the caller frees it. */
static struct secret base64(struct span bytes, size_t width)
{
    size_t len = (bytes.len + 2) / 3 * 4, at = 0;
    struct secret flat = secret_new(len + 1), out = secret_new(len + (width ? len / width : 0) + 2);
    EVP_EncodeBlock(flat.ptr, bytes.ptr, (int)bytes.len);
    for (size_t i = 0; i < len; i++) {
        out.ptr[at++] = flat.ptr[i];
        if (i + 1 == len || (width && (i + 1) % width == 0))
            out.ptr[at++] = '\n';
    }
    out.len = at;
    secret_free(&flat);
    return out;
}

int pki_write(const struct pki_run *r, const char *label, struct span der)
{
    if (!strcasecmp(pki_get(r, "outform"), "der"))
        return pki_write_bytes(r, der);
    struct secret lines = base64(der, 64);
    printf("-----BEGIN %s-----\n", label);
    fwrite(lines.ptr, 1, lines.len, stdout);
    printf("-----END %s-----\n", label);
    secret_free(&lines);
    return pki_write_bytes(r, span_of("", 0));
}

void pki_colons(struct text *t, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        text_printf(t, i ? ":%02x" : "%02x", bytes.ptr[i]);
}

int pki_write_format(const struct pki_run *r, const char *format, struct span bytes)
{
    if (!strcasecmp(format, "bin"))
        return pki_write_bytes(r, bytes);
    if (!strcasecmp(format, "hex")) {
        for (size_t i = 0; i < bytes.len; i++)
            printf("%02x", bytes.ptr[i]);
        return pki_write_bytes(r, span_str("\n"));
    }
    struct secret line = base64(bytes, 0);
    int code = pki_write_bytes(r, secret_view(&line));
    secret_free(&line);
    return code;
}
