/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what a SCEP server answers. The first byte chooses: an answer as it comes, capabilities, CA
 * certificates, or attributes and contents that get a good signature, since with a bad one nobody looks at
 * them. What is refused is refused with a reason. */
#include "pki/scep.h"
#include "support/testscep.h"
#include <openssl/asn1.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct scep_expect expect = {.transaction = "AB", .nonce = "0123456789abcde"};
static struct testca_cert *signer;
static struct cert *recipient;
static struct pkey *key;

static void prepare(void)
{
    struct diag d = {0};
    signer = testca_issue(&(struct testca_spec){.subject = "CN=fuzz"}, NULL);
    recipient = cert_load(testca_der(signer), &d);
    key = pkey_load_private(testca_key_der(signer), span_of(NULL, 0), &d);
    if (!recipient || !key)
        abort();
}

static void look(struct span body)
{
    char buf[64];
    struct text t = TEXT_ON(buf);
    struct diag d = {0}, why = {0}, none = {0};
    struct certs_only certs;
    struct scep_answer *a = scep_answer_load(body, "x", &recipient, 1, &d);
    if (!a != diag_failed(&d))
        abort();
    if (!a)
        return;
    if (scep_answer_fits(a, &expect, &why) == diag_failed(&why) || !scep_answer_signer(a))
        abort();
    scep_answer_status(a);
    scep_answer_fail_info(a, &t);
    scep_answer_fail_text(a, &t);
    if (scep_answer_certs(a, recipient, key, &certs, &none) == diag_failed(&none))
        abort();
    certs_only_free(&certs);
    scep_answer_free(a);
}

/* Attributes as (number of its OID, type, length, value), ended by a number that is no OID's; the rest is the
 * content. */
static void look_signed(const uint8_t *at, size_t len)
{
    static const char *const oids[] = {SCEP_OID_MESSAGE_TYPE,    SCEP_OID_STATUS,         SCEP_OID_FAIL_INFO,
                                       SCEP_OID_RECIPIENT_NONCE, SCEP_OID_TRANSACTION_ID, SCEP_OID_FAIL_TEXT};
    static const int types[] = {V_ASN1_PRINTABLESTRING, V_ASN1_OCTET_STRING, V_ASN1_UTF8STRING};
    struct testscep_text attributes[8];
    size_t n = 0;
    while (len >= 3 && at[0] < ARRAY_LEN(oids) && n < ARRAY_LEN(attributes) && at[2] <= len - 3) {
        attributes[n++] =
            (struct testscep_text){oids[at[0]], types[at[1] % ARRAY_LEN(types)], span_of(at + 3, at[2])};
        len -= 3u + at[2];
        at += 3u + at[2];
    }
    struct span body = testscep_answer(
        &(struct testscep_spec){.signer = signer,
                                .attributes = attributes,
                                .n_attributes = n,
                                .content = len > 1 ? span_of(at + 1, len - 1) : span_of(NULL, 0)});
    look(body);
    free((void *)(uintptr_t)body.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct diag d = {0};
    struct certs_only certs;
    if (!signer)
        prepare();
    if (!len)
        return 0;
    struct span rest = span_of(data + 1, len - 1);
    switch (data[0]) {
    case 'c':
        scep_caps(rest);
        break;
    case 'b':
        if (scep_read_cas(rest, "x", &certs, &d) == diag_failed(&d))
            abort();
        certs_only_free(&certs);
        break;
    case 's':
        look_signed(rest.ptr, rest.len);
        break;
    default:
        look(rest);
    }
    return 0;
}
