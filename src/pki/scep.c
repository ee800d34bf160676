/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP around its messages: addresses, capabilities, transaction identifiers, CA certificates (RFC 8894
 * sections 3.2.1.1, 3.3.3, 3.5, 4.1, 4.2). Messages that come back: scep_answer.c. */
#include "pki/scep.h"
#include "base/wr.h"
#include "crypto/hash.h"
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* base64 in which what has a meaning in a query is escaped [RFC8894#4.1] */
static const char *query_of(struct arena *a, struct span message)
{
    size_t cap = (message.len + 2) / 3 * 4 + 1, len = 0;
    char *plain = arena_alloc(a, cap), *out = arena_alloc(a, 3 * cap);
    struct text t = {.buf = plain, .cap = cap};
    text_base64(&t, message);
    for (const char *at = plain; *at; at++) {
        if (isalnum((unsigned char)*at)) {
            out[len++] = *at;
            continue;
        }
        struct text escape = {.buf = out + len, .cap = 4};
        text_printf(&escape, "%%%02X", (unsigned)*at);
        len += 3;
    }
    return out;
}

const char *scep_url(struct arena *a, const char *base, const char *operation, struct span message,
                     struct diag *d)
{
    size_t scheme = !strncasecmp(base, "http://", 7) ? 7 : !strncasecmp(base, "https://", 8) ? 8 : 0;
    if (!scheme || !base[scheme] || strchr(base, '#')) {
        diag_set(d, FAIL_USAGE, "not the address of a SCEP server: %s", base);
        diag_expected(d, "http://HOST[:PORT]/PATH");
        return NULL;
    }
    return arena_printf(a, "%s%coperation=%s%s%s", base, strchr(base, '?') ? '&' : '?', operation,
                        message.len ? "&message=" : "", message.len ? query_of(a, message) : "");
}

static const struct {
    const char *word;
    unsigned caps;
} words[] = {
    {"AES",              SCEP_AES                          },
    {"DES3",             SCEP_DES3                         },
    {"POSTPKIOperation", SCEP_POST                         },
    {"Renewal",          SCEP_RENEWAL                      },
    {"SCEPStandard",     SCEP_AES | SCEP_POST | SCEP_SHA256},
    {"SHA-1",            SCEP_SHA1                         },
    {"SHA-224",          SCEP_SHA224                       },
    {"SHA-256",          SCEP_SHA256                       },
    {"SHA-384",          SCEP_SHA384                       },
    {"SHA-512",          SCEP_SHA512                       },
};

static unsigned cap_of(const char *word, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strlen(words[i].word) == len && !strncasecmp(words[i].word, word, len))
            return words[i].caps;
    }
    return 0;
}

unsigned scep_caps(struct span text)
{
    unsigned caps = 0;
    const char *at = (const char *)text.ptr, *end = at + text.len;
    while (at < end) {
        const char *word = at;
        while (at < end && !isspace((unsigned char)*at))
            at++;
        caps |= cap_of(word, (size_t)(at - word));
        at += at < end;
    }
    return caps;
}

unsigned scep_digest_cap(const char *digest)
{
    static const struct {
        const char *digest;
        unsigned cap;
    } rows[] = {
        {"sha1",   SCEP_SHA1  },
        {"sha224", SCEP_SHA224},
        {"sha256", SCEP_SHA256},
        {"sha384", SCEP_SHA384},
        {"sha512", SCEP_SHA512},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!strcasecmp(rows[i].digest, digest))
            return rows[i].cap;
    }
    return 0;
}

void scep_transaction_id(const struct pkey *key, char out[SCEP_TRANSACTION_LEN + 1])
{
    uint8_t digest[20];
    struct span spki = pkey_spki(key);
    struct text t = {.buf = out, .cap = SCEP_TRANSACTION_LEN + 1};
    hash_digest(HASH_SHA1, &spki, 1, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        text_printf(&t, "%02X", digest[i]);
}

struct span scep_issuer_and_subject(struct arena *a, struct span issuer, struct span subject)
{
    enum { HEAD_MAX = 6, SEQUENCE = 0x30 };
    size_t len = issuer.len + subject.len, n_octets = 0;
    uint8_t *to = arena_alloc(a, HEAD_MAX + len);
    struct wr w = wr_over(to, HEAD_MAX + len);
    for (size_t rest = len; len > 127 && rest; rest >>= 8)
        n_octets++;
    wr_u8(&w, SEQUENCE);
    wr_u8(&w, n_octets ? (uint8_t)(0x80 | n_octets) : (uint8_t)len);
    for (size_t i = n_octets; i-- > 0;)
        wr_u8(&w, (uint8_t)(len >> (8 * i)));
    wr_span(&w, issuer);
    wr_span(&w, subject);
    return wr_ok(&w) ? wr_span_view(&w) : span_of(NULL, 0);
}

bool scep_read_cas(struct span body, const char *type, struct certs_only *out, struct diag *d)
{
    struct diag ignored = {0};
    if (body.len > SCEP_ANSWER_MAX) {
        *out = (struct certs_only){0};
        diag_set(d, FAIL_GENERIC, "the server's answer is longer than %d bytes", SCEP_ANSWER_MAX);
        return false;
    }
    struct cert *alone = cert_load(body, &ignored);
    if (alone) {
        *out = (struct certs_only){.v = {alone}, .n = 1};
        return true;
    }
    if (certs_only_read(body, out, d))
        return true;
    if (d->expected[0])
        diag_got(d, "%zu bytes of type %.100s", body.len, *type ? type : "none");
    return false;
}
