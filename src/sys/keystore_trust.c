/* SPDX-License-Identifier: Apache-2.0 */
/* NSS's trust flags: p, P, c, C, T for TLS, and the same for mail and for code. NSS's store keeps, of a
 * field, only the strongest, and for TLS one for servers and one for clients; so does this one, for the sake
 * of those who compare. u (the key is here) is said of a certificate whatever is asked for, and w is of no
 * use. What counts here is whether C or T is among the first. */
#include "sys/keystore_impl.h"

/* The first of the flags that is among the given ones, or 0. */
static char strongest(const char *flags, const char *given, size_t len)
{
    while (*flags && !memchr(given, *flags, len))
        flags++;
    return *flags;
}

static void add_for_tls(struct keystore_trust *out, const char *given, size_t len)
{
    char server = strongest("CPpc", given, len), client = strongest("TPpc", given, len);
    size_t n = strlen(out->text);
    for (const char *f = "pcCTP"; *f; f++) {
        bool is_implied = *f == 'c' && (server == 'C' || client == 'T');
        if ((*f == server || *f == client) && !is_implied)
            out->text[n++] = *f;
    }
    out->text[n] = 0;
}

static void add_for_other(struct keystore_trust *out, const char *given, size_t len)
{
    char one[] = {',', strongest("CPpcT", given, len), 0};
    if (one[1] == 'T')
        one[1] = 'c';
    strcat(out->text, one);
}

bool keystore_trust_parse(const char *text, struct keystore_trust *out)
{
    *out = (struct keystore_trust){""};
    if (text[strspn(text, "pPcCTuw,")])
        return false;
    for (int i = 0; i < 3; i++) {
        size_t len = strcspn(text, ",");
        (i ? add_for_other : add_for_tls)(out, text, len);
        text += len + (text[len] == ',');
    }
    return true;
}

bool keystore_is_authority(const struct keystore_cert *c)
{
    size_t len = strcspn(c->trust.text, ",");
    return memchr(c->trust.text, 'C', len) || memchr(c->trust.text, 'T', len);
}
