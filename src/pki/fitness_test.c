/* SPDX-License-Identifier: Apache-2.0 */
/* Which clients accept a certificate: each rule is broken by a row and kept by the certificate that all
 * accept. */
#include "pki/fitness.h"
#include "support/test.h"
#include "support/testca.h"
#include <stdio.h>

#pragma GCC diagnostic ignored "-Woverride-init" /* a row is what is good, but for something */

#define DAY INT64_C(86400)

/* What every client accepts, as a gateway's and as a user's. */
#define GOOD                                                                                                 \
    .subject = "C=CH, O=Keyway, CN=vpn.example.com", .key = TESTCA_RSA2048, .not_before = TESTCA_NOW - DAY,  \
    .not_after = TESTCA_NOW + 700 * DAY, .san = "DNS:vpn.example.com,DNS:192.0.2.1,IP:192.0.2.1",            \
    .ext_key_usage = "serverAuth,clientAuth,1.3.6.1.5.5.8.2.2", .basic_constraints = "critical,CA:FALSE"

enum { G = 1 << FIT_GATEWAY, U = 1 << FIT_USER };

struct row {
    const char *rule, *what;
    struct testca_spec spec;
    enum fit_client client;
    unsigned roles; /* that break it */
    enum fit_level level;
};

static struct testca_cert *root;

static int make(void **state)
{
    (void)state;
    root = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    testca_free(root);
    return 0;
}

static struct cert *issue(const struct testca_spec *spec, struct testca_cert **made)
{
    struct diag d = {0};
    *made = testca_issue(spec, root);
    struct cert *c = cert_load(testca_der(*made), &d);
    if (!c)
        fail_msg("%s", d.what);
    return c;
}

static bool breaks(const struct cert *c, const char *name, enum fit_client client, enum fit_role role,
                   enum fit_level *level)
{
    const struct fit_rule *rule;
    for (size_t i = 0; (rule = fit_rule_at(i)); i++) {
        if (!strcmp(rule->name, name) && fit_rule_applies(rule, client, role, c, TESTCA_NOW)) {
            *level = rule->level;
            return true;
        }
    }
    return false;
}

static const struct row rows[] = {
    {"expired",          "expired",            {GOOD, .not_after = TESTCA_NOW - 1},                           FIT_STRONGSWAN, G | U, FIT_REFUSED},
    {"not-yet-valid",    "early",              {GOOD, .not_before = TESTCA_NOW + 1},                          FIT_LIBRESWAN,  G | U, FIT_REFUSED},
    {"unknown-critical",
     "critical",                               {GOOD, .unknown_oid = "1.2.3.4", .unknown_is_critical = true},
     FIT_ANDROID,                                                                                                             G | U,
     FIT_REFUSED                                                                                                                                },
    {"no-name",          "nameless",           {GOOD, .subject = NULL, .san = NULL},                          FIT_WINDOWS,    G | U, FIT_REFUSED},
    {"key-usage",        "encipherment",       {GOOD, .key_usage = "keyEncipherment"},                        FIT_WINDOWS,    G | U, FIT_REFUSED},
    {"key-usage",        "encipherment",       {GOOD, .key_usage = "keyEncipherment"},                        FIT_STRONGSWAN, G | U, FIT_RISK   },
    {"ca",               "a CA",               {GOOD, .is_ca = true, .basic_constraints = NULL},              FIT_STRONGSWAN, G | U, FIT_RISK   },
    {"sha1",             "SHA-1",              {GOOD, .digest = "SHA1"},                                      FIT_APPLE,      G | U, FIT_REFUSED},
    {"sha1",             "SHA-1",              {GOOD, .digest = "SHA1"},                                      FIT_LIBRESWAN,  G | U, FIT_RISK   },
    {"short-rsa",        "1024 bits",          {GOOD, .key = TESTCA_RSA1024},                                 FIT_APPLE,      G,     FIT_REFUSED},
    {"short-rsa",        "1024 bits",          {GOOD, .key = TESTCA_RSA1024},                                 FIT_WINDOWS,    G | U, FIT_RISK   },
    {"server-auth",      "clientAuth alone",   {GOOD, .ext_key_usage = "clientAuth"},                         FIT_WINDOWS,    G,     FIT_REFUSED},
    {"server-auth",      "any usage",          {GOOD, .ext_key_usage = "anyExtendedKeyUsage"},                FIT_WINDOWS,    G,     FIT_REFUSED},
    {"server-auth",      "no usage at all",    {GOOD, .ext_key_usage = NULL},                                 FIT_APPLE,      G,     FIT_REFUSED},
    {"client-auth",      "serverAuth alone",   {GOOD, .ext_key_usage = "serverAuth"},                         FIT_WINDOWS,    U,     FIT_REFUSED},
    {"ipsec-usage",      "codeSigning",        {GOOD, .ext_key_usage = "codeSigning"},                        FIT_LIBRESWAN,  G | U, FIT_REFUSED},
    {"ipsec-usage",      "codeSigning",        {GOOD, .ext_key_usage = "codeSigning"},                        FIT_ANDROID,    G | U, FIT_RISK   },
    {"ike-intermediate",
     "no ikeIntermediate",                     {GOOD, .ext_key_usage = "serverAuth,clientAuth"},
     FIT_APPLE,                                                                                                               G,
     FIT_NOTE                                                                                                                                   },
    {"host-name",        "an address of mail", {GOOD, .san = "email:a@b"},                                    FIT_APPLE,      G,     FIT_REFUSED},
    {"host-name",        "no subjectAltName",  {GOOD, .san = NULL},                                           FIT_ANDROID,    G,     FIT_REFUSED},
    {"host-name",        "no subjectAltName",  {GOOD, .san = NULL},                                           FIT_WINDOWS,    G,     FIT_RISK   },
    {"address-as-name",  "an address alone",   {GOOD, .san = "DNS:a.b,IP:192.0.2.1"},                         FIT_WINDOWS,    G,     FIT_RISK   },
    {"long-life",        "826 days",           {GOOD, .not_after = TESTCA_NOW + 826 * DAY},                   FIT_APPLE,      G,     FIT_REFUSED},
    {"key-kind",         "P-521",              {GOOD, .key = TESTCA_P521},                                    FIT_WINDOWS,    G | U, FIT_REFUSED},
    {"key-kind",         "Ed25519",            {GOOD, .key = TESTCA_ED25519},                                 FIT_WINDOWS,    G | U, FIT_REFUSED},
    {"key-kind",         "Ed448",              {GOOD, .key = TESTCA_ED448},                                   FIT_APPLE,      G | U, FIT_REFUSED},
    {"key-kind",         "Ed25519",            {GOOD, .key = TESTCA_ED25519},                                 FIT_APPLE,      G | U, FIT_RISK   },
    {"key-kind",         "P-256",              {GOOD, .key = TESTCA_P256},                                    FIT_APPLE,      G,     FIT_RISK   },
    {"key-kind",         "Ed25519",            {GOOD, .key = TESTCA_ED25519},                                 FIT_ANDROID,    G | U, FIT_REFUSED},
    {"key-kind",         "P-384",              {GOOD, .key = TESTCA_P384},                                    FIT_ANDROID,    U,     FIT_RISK   },
    {"key-kind",         "Ed25519",            {GOOD, .key = TESTCA_ED25519},                                 FIT_LIBRESWAN,  G | U, FIT_RISK   },
    {"key-kind",         "Ed448",              {GOOD, .key = TESTCA_ED448},                                   FIT_LIBRESWAN,  G | U, FIT_RISK   },
};

static void a_good_certificate_breaks_no_rule(void **state)
{
    (void)state;
    struct testca_cert *made;
    struct cert *c = issue(&(struct testca_spec){GOOD}, &made);
    const struct fit_rule *rule;
    for (size_t i = 0; (rule = fit_rule_at(i)); i++) {
        for (int client = 0; client < FIT_N_CLIENTS; client++) {
            for (int role = 0; role < FIT_N_ROLES; role++) {
                if (fit_rule_applies(rule, client, role, c, TESTCA_NOW))
                    fail_msg("%s for %s: %s", rule->name, fit_client_name(client), rule->why);
            }
        }
    }
    assert_int_equal(fit_verdict(FIT_WINDOWS, FIT_GATEWAY, c, TESTCA_NOW), FIT_NOTE);
    cert_unref(c);
    testca_free(made);
}

static void each_row_breaks_its_rule_for_its_roles_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct testca_cert *made;
        struct cert *c = issue(&row->spec, &made);
        for (int role = 0; role < FIT_N_ROLES; role++) {
            enum fit_level level = FIT_NOTE;
            bool is_broken = breaks(c, row->rule, row->client, role, &level);
            if (is_broken != (row->roles >> role & 1) || (is_broken && level != row->level))
                fail_msg("%s (%s) for %s, role %d: broken %d at %d", row->rule, row->what,
                         fit_client_name(row->client), role, is_broken, level);
            if (is_broken)
                assert_true(fit_verdict(row->client, role, c, TESTCA_NOW) >= level);
        }
        cert_unref(c);
        testca_free(made);
    }
}

static void a_refusal_outweighs_the_risks(void **state)
{
    (void)state;
    struct testca_cert *made;
    struct cert *c =
        issue(&(struct testca_spec){GOOD, .key = TESTCA_RSA1024, .ext_key_usage = "clientAuth"}, &made);
    assert_int_equal(fit_verdict(FIT_WINDOWS, FIT_GATEWAY, c, TESTCA_NOW), FIT_REFUSED);
    assert_int_equal(fit_verdict(FIT_WINDOWS, FIT_USER, c, TESTCA_NOW), FIT_RISK);
    cert_unref(c);
    testca_free(made);
}

static void every_rule_has_a_row(void **state)
{
    (void)state;
    const struct fit_rule *rule;
    for (size_t i = 0; (rule = fit_rule_at(i)); i++) {
        bool is_found = false;
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            is_found = is_found || (!strcmp(rows[k].rule, rule->name) && rows[k].level == rule->level &&
                                    rule->clients >> rows[k].client & 1);
        if (!is_found)
            fail_msg("no row for %s: %s", rule->name, rule->why);
        assert_true(rule->clients && rule->roles && strlen(rule->why) < 160);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate_breaks_no_rule),
        cmocka_unit_test(each_row_breaks_its_rule_for_its_roles_alone),
        cmocka_unit_test(a_refusal_outweighs_the_risks),
        cmocka_unit_test(every_rule_has_a_row),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
