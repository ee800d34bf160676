/* SPDX-License-Identifier: Apache-2.0 */
/* See keys.h. */
#include "support/keys.h"
#include "support/test.h"
#include <stdio.h>

struct span key_file(const char *name)
{
    static uint8_t buf[4][16384];
    static unsigned next;
    uint8_t *b = buf[next++ % 4];
    char path[256];
    snprintf(path, sizeof(path), "tests/vectors/keys/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing", path);
    size_t n = fread(b, 1, sizeof(buf[0]), f);
    fclose(f);
    return span_of(b, n);
}

struct pkey *key_private(const char *name, const char *passphrase)
{
    struct diag d = {0};
    struct pkey *k = pkey_load_private(key_file(name), span_str(passphrase), &d);
    if (!k) {
        char text[512];
        fail_msg("%s: %s", name, diag_format(&d, text, sizeof(text)));
    }
    return k;
}

struct pkey *key_public(const char *name)
{
    struct diag d = {0};
    struct pkey *k = key_private(name, ""), *pub = pkey_load_public(pkey_spki(k), &d);
    pkey_unref(k);
    assert_non_null(pub);
    return pub;
}
