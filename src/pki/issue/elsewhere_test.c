/* SPDX-License-Identifier: Apache-2.0 */
/* What a key on a token signs is verified as what a key here signs, and is the same where signatures have
 * nothing random in them. The token is one in this process. */
#include "pki/acert.h"
#include "pki/crl.h"
#include "pki/issue/issue.h"
#include "pki/issue/request.h"
#include "support/test.h"

enum { NOW = 1700000000, DAY = 86400 };

static const uint8_t number[] = {0x7f, 1, 2, 3};
static const uint8_t cn_a[] = {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06,
                               0x03, 0x55, 0x04, 0x03, 0x13, 0x01, 'a'};

static const uint8_t cn_b[] = {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06,
                               0x03, 0x55, 0x04, 0x03, 0x13, 0x01, 'b'};

static const struct row {
    enum pkey_type type;
    unsigned size;
    const char *digest; /* NULL: the key's usual one */
    bool is_pss, is_random;
} rows[] = {
    {PKEY_RSA,     2048, NULL,     false, false},
    {PKEY_RSA,     2048, "sha384", false, false},
    {PKEY_RSA,     2048, "sha512", true,  true },
    {PKEY_RSA,     2048, "sha256", true,  true },
    {PKEY_ECDSA,   256,  NULL,     false, true },
    {PKEY_ECDSA,   384,  NULL,     false, true },
    {PKEY_ECDSA,   521,  NULL,     false, true },
    {PKEY_ED25519, 0,    NULL,     false, false},
    {PKEY_ED448,   0,    NULL,     false, false},
};

static struct pkey *rsa; /* takes its time to make */
static unsigned n_signed;

/* Tokens give ECDSA as r | s. */
static bool token_signs(void *ctx, struct sig_scheme s, struct span message, struct secret *sig)
{
    struct pkey *k = ctx;
    n_signed++;
    return s.type == PKEY_ECDSA ? pkey_sign(k, s, true, message, sig) : pkey_sign_raw(k, s, message, sig);
}

static void token_goes(void *ctx)
{
    pkey_unref(ctx);
}

struct made {
    struct span cert, request, crl, acert;
};

/* All kinds, signed by the key, in a's memory; ca has the key. */
static void make_all(struct arena *a, struct pkey *key, const struct row *row, struct cert *ca,
                     struct made *m)
{
    struct diag d = {0};
    struct issue_signer by = {.key = key, .digest = row->digest, .is_pss = row->is_pss};
    struct issue_revoked revoked = {span_of(number, sizeof(number)), NOW, CRL_KEY_COMPROMISE};
    static const char *const groups[] = {"sales"};
    struct issue_cert c = {
        .serial = span_of(number, sizeof(number)),
        .subject = span_of(cn_b, sizeof(cn_b)),
        .not_before = NOW,
        .not_after = NOW + DAY,
        .key = key,
        .flags = ISSUE_CA,
        .path_len = -1,
        .require_explicit_policy = -1,
        .inhibit_policy_mapping = -1,
        .inhibit_any_policy = -1,
    };
    struct issue_request q = {.subject = c.subject, .key = key, .password = span_str("x")};
    struct issue_crl l = {.this_update = NOW,
                          .next_update = NOW + DAY,
                          .number = c.serial,
                          .revoked = &revoked,
                          .n_revoked = 1};
    struct issue_acert ac = {.serial = c.serial,
                             .holder = ca,
                             .not_before = NOW,
                             .not_after = NOW + DAY,
                             .groups = groups,
                             .n_groups = 1};
    bool is_ok = issue_certificate(a, &c, ca, &by, &m->cert, &d) &&
                 issue_request(a, &q, &by, &m->request, &d) && issue_crl(a, &l, ca, &by, &m->crl, &d) &&
                 issue_acert(a, &ac, ca, &by, &m->acert, &d);
    if (!is_ok)
        fail_msg("%s", d.what);
}

static void verify_all(struct cert *ca, const struct made *m)
{
    struct diag d = {0};
    struct trust_verdict v;
    struct cert *cert = cert_load(m->cert, &d);
    struct trust_request req = {
        .leaf = cert, .anchors = {.v = &ca, .n = 1},
             .now = NOW + 1, .is_for_anything = true
    };
    assert_non_null(cert);
    trust_evaluate(&req, &v);
    if (!v.is_trusted)
        fail_msg("%s", v.why.what);
    struct request *request = request_load(m->request, &d);
    struct crl *crl = crl_load(m->crl, &d);
    struct acert *acert = acert_load(m->acert, &d);
    assert_true(request && crl && acert);
    assert_true(crl_is_signed_by(crl, ca, &d));
    assert_int_equal(crl_count(crl), 1);
    assert_true(acert_is_signed_by(acert, ca, &d));
    cert_unref(cert);
    request_free(request);
    crl_unref(crl);
    acert_unref(acert);
}

static struct pkey *key_of(const struct row *row)
{
    struct diag d = {0};
    struct pkey *k = row->type == PKEY_RSA ? pkey_ref(rsa) : pkey_generate(row->type, row->size, &d);
    assert_non_null(k);
    return k;
}

static struct pkey *on_token(struct pkey *k)
{
    struct diag d = {0};
    struct pkey_signer signer = {.ctx = pkey_ref(k), .sign = token_signs, .release = token_goes};
    struct pkey *t = pkey_of_signer(pkey_spki(k), &signer, &d);
    assert_true(t && pkey_is_elsewhere(t) && !pkey_is_elsewhere(k));
    return t;
}

static struct cert *ca_of(struct arena *a, struct pkey *key, const struct row *row)
{
    struct diag d = {0};
    struct span der;
    struct issue_cert c = {.serial = span_of(number, 1),
                           .subject = span_of(cn_a, sizeof(cn_a)),
                           .not_before = NOW,
                           .not_after = NOW + DAY,
                           .key = key,
                           .flags = ISSUE_CA,
                           .path_len = -1,
                           .require_explicit_policy = -1,
                           .inhibit_policy_mapping = -1,
                           .inhibit_any_policy = -1};
    struct issue_signer by = {.key = key, .digest = row->digest, .is_pss = row->is_pss};
    assert_true(issue_certificate(a, &c, NULL, &by, &der, &d));
    struct cert *ca = cert_load(der, &d);
    assert_non_null(ca);
    return ca;
}

static void what_a_token_signs_is_as_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *a = arena_new(1 << 20);
        struct made here, there;
        struct pkey *k = key_of(&rows[i]), *t = on_token(k);
        struct cert *ca = ca_of(a, t, &rows[i]);
        n_signed = 0;
        make_all(a, k, &rows[i], ca, &here);
        assert_int_equal(n_signed, 0);
        make_all(a, t, &rows[i], ca, &there);
        assert_int_equal(n_signed, 4);
        verify_all(ca, &here);
        verify_all(ca, &there);
        if (rows[i].type != PKEY_ECDSA) { /* the same scheme: the lengths of its names differ */
            assert_int_equal(here.cert.len, there.cert.len);
            assert_int_equal(here.request.len, there.request.len);
            assert_int_equal(here.crl.len, there.crl.len);
            assert_int_equal(here.acert.len, there.acert.len);
        }
        bool is_same = span_equal(here.cert, there.cert) && span_equal(here.request, there.request) &&
                       span_equal(here.crl, there.crl) && span_equal(here.acert, there.acert);
        if (is_same == rows[i].is_random)
            fail_msg("row %zu: %s", i, is_same ? "the same" : "not the same");
        cert_unref(ca);
        pkey_unref(t);
        pkey_unref(k);
        arena_free(a);
    }
}

static void digests_that_tokens_do_not_know_are_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"sha1", "sha224", "sha3_256", "md5", "none"};
    struct arena *a = arena_new(1 << 20);
    struct pkey *t = on_token(rsa);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct diag d = {0};
        struct span der;
        struct issue_request q = {.subject = span_of(cn_a, sizeof(cn_a)), .key = t};
        struct issue_signer by = {.key = t, .digest = words[i]};
        assert_false(issue_request(a, &q, &by, &der, &d));
        assert_non_null(strstr(d.what, words[i]));
    }
    pkey_unref(t);
    arena_free(a);
}

static bool token_refuses(void *ctx, struct sig_scheme s, struct span message, struct secret *sig)
{
    (void)ctx, (void)s, (void)message, (void)sig;
    return false;
}

static void a_token_that_refuses_is_told(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    struct diag d = {0};
    struct span der;
    struct pkey_signer signer = {.ctx = pkey_ref(rsa), .sign = token_refuses, .release = token_goes};
    struct pkey *t = pkey_of_signer(pkey_spki(rsa), &signer, &d);
    struct issue_request q = {.subject = span_of(cn_a, sizeof(cn_a)), .key = t};
    struct issue_signer by = {.key = t};
    assert_false(issue_request(a, &q, &by, &der, &d));
    assert_non_null(strstr(d.what, "the token does not sign"));
    pkey_unref(t);
    arena_free(a);
}

static int make_rsa(void **state)
{
    struct diag d = {0};
    (void)state;
    rsa = pkey_generate(PKEY_RSA, 2048, &d);
    return rsa ? 0 : -1;
}

static int drop_rsa(void **state)
{
    (void)state;
    pkey_unref(rsa);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_token_signs_is_as_good),
        cmocka_unit_test(digests_that_tokens_do_not_know_are_refused),
        cmocka_unit_test(a_token_that_refuses_is_told),
    };
    return cmocka_run_group_tests(tests, make_rsa, drop_rsa);
}
