/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's certificates: one CA with two leaves for each gateway, and one with none, made once and put
 * among the virtual files. */
#include "files.h"
#include "sim.h"
#include "support/testca.h"
#include <stdio.h>
#include <stdlib.h>

/* The public half alone, for those that know the key. */
static void put_raw_key(const char *name, struct span private_key)
{
    char path[64];
    struct diag d = {0};
    struct secret pem;
    struct pkey *k = pkey_load_private(private_key, span_of(NULL, 0), &d);
    if (!k || !pkey_encode(k, PKEY_SPKI_PEM, &pem))
        abort();
    snprintf(path, sizeof(path), "/etc/keyway/pubkey/%s.pub", name);
    sim_file_put(path, secret_view(&pem));
    secret_free(&pem);
    pkey_unref(k);
}

static void put_leaf(const char *name, const char *subject, const char *san, enum testca_key key,
                     const struct testca_cert *ca)
{
    char path[64];
    struct testca_cert *leaf =
        testca_issue(&(struct testca_spec){.subject = subject, .san = san, .key = key}, ca);
    snprintf(path, sizeof(path), "/etc/keyway/certs/%s.crt", name);
    sim_file_put(path, testca_pem(leaf));
    snprintf(path, sizeof(path), "/etc/keyway/private/%s.key", name);
    sim_file_put(path, testca_key_pem(leaf));
    put_raw_key(name, testca_key_der(leaf));
    testca_free(leaf);
}

void sim_make_certificates(void)
{
    struct testca_cert *ca =
        testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=ca", .is_ca = true}, NULL);
    sim_file_put("/etc/keyway/ca/ca.crt", testca_pem(ca));
    put_leaf("a", "C=CH, O=Keyway, CN=a.test", "DNS:a.test", TESTCA_P256, ca);
    put_leaf("a-ed", "C=CH, O=Keyway, CN=a.test", "DNS:a.test", TESTCA_ED25519, ca);
    put_leaf("b", "C=CH, O=Keyway, CN=b.test", "DNS:b.test", TESTCA_P256, ca);
    put_leaf("b-ed", "C=CH, O=Keyway, CN=b.test", "DNS:b.test", TESTCA_ED25519, ca);
    testca_free(ca);
    ca = testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=other ca", .is_ca = true}, NULL);
    sim_file_put("/etc/keyway/ca/other.crt", testca_pem(ca));
    testca_free(ca);
}
