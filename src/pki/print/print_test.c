/* SPDX-License-Identifier: Apache-2.0 */
/* Printed credentials, without the real pki beside them (tests/pki/print_test.py has it): whole texts of a
 * certificate, a CRL and an attribute certificate; dates; and what is refused. */
#include "pki/print/print.h"
#include "pki/print/print_impl.h"
#include "support/acerts.h"
#include "support/test.h"
#include "support/testca.h"
#include "support/testcrl.h"
#include <stdio.h>
#include <stdlib.h>

static char buf[1 << 20];
static const struct print_env env = {.now = TESTCA_NOW};

static struct text fresh(void)
{
    buf[0] = '\0';
    return TEXT_ON(buf);
}

/* The text has this line; words is the rest of it behind the two spaces. */
static void assert_line(const char *words)
{
    char line[1024];
    snprintf(line, sizeof(line), "  %s\n", words);
    if (!strstr(buf, line))
        fail_msg("no line \"%s\" in:\n%s", words, buf);
}

static void print_spec(const struct testca_spec *spec)
{
    struct text t = fresh();
    struct diag d = {0};
    struct testca_cert *c = testca_issue(spec, NULL);
    if (!print_cert(&t, testca_der(c), &env, &d))
        fail_msg("%s", d.what);
    testca_free(c);
}

static void a_certificate_is_printed_in_whole(void **state)
{
    (void)state;
    static const char want[] = "  subject:  \"C=CH, O=Keyway, CN=moon\"\n"
                               "  issuer:   \"C=CH, O=Keyway, CN=AA\"\n"
                               "  validity:  not before Jan 01 00:00:00 2025, ok\n"
                               "             not after  Jan 01 00:00:00 2045, ok (expires in 6789 days)\n"
                               "  serial:    80:aa\n"
                               "  flags:     \n"
                               "  authkeyId: ca:c4:5a:cb:60:c9:3c:c0:ad:68:7c:6f:4c:2c:19:1b:ab:8f:df:5d\n"
                               "  subjkeyId: 5d:9d:55:8b:9d:f1:f2:57:2d:fb:33:0d:06:52:f4:25:36:77:49:3c\n"
                               "  pubkey:    ED25519 256 bits\n"
                               "  keyid:     73:0b:45:cf:20:bc:5b:e1:dc:b7:f9:e2:52:b7:5d:a6:f7:ba:e7:15\n"
                               "  subjkey:   5d:9d:55:8b:9d:f1:f2:57:2d:fb:33:0d:06:52:f4:25:36:77:49:3c\n";
    struct text t = fresh();
    struct diag d = {0};
    assert_true(print_cert(&t, span_str(acert_holder), &env, &d));
    assert_string_equal(buf, want);
    assert_int_equal(t.len, strlen(want));
}

static void an_attribute_certificate_is_printed_in_whole(void **state)
{
    (void)state;
    static const char want[] = "  subject:  \"C=CH, O=Keyway, CN=moon\"\n"
                               "  issuer:   \"C=CH, O=Keyway, CN=AA\"\n"
                               "  validity:  not before Jan 01 00:00:00 2025, ok\n"
                               "             not after  Jan 01 00:00:00 2045, ok (expires in 6789 days)\n"
                               "  serial:    07\n"
                               "  hissuer:  \"C=CH, O=Keyway, CN=AA\"\n"
                               "  hserial:   80:aa\n"
                               "  groups:    sales\n"
                               "             x y\n"
                               "  authkey:  ca:c4:5a:cb:60:c9:3c:c0:ad:68:7c:6f:4c:2c:19:1b:ab:8f:df:5d\n";
    struct text t = fresh();
    struct diag d = {0};
    assert_true(print_attribute_cert(&t, span_str(acert_groups), &env, &d));
    assert_string_equal(buf, want);
}

static void extensions_have_their_lines(void **state)
{
    (void)state;
    print_spec(&(struct testca_spec){.subject = "CN=x",
                                     .is_ca = true,
                                     .has_pathlen = true,
                                     .pathlen = 2,
                                     .ext_key_usage = "clientAuth,serverAuth,1.3.6.1.5.5.8.2.2",
                                     .san = "DNS:a.b,IP:10.0.0.1,IP:fe80::1,email:c@d,RID:1.2.3",
                                     .san_dir = "C=CH, CN=y",
                                     .name_constraints = "permitted;IP:10.0.0.0/255.0.0.0,excluded;DNS:x.y",
                                     .policies = "1.2.3,2.5.29.32.0",
                                     .policy_mappings = "1.2.3:1.2.4",
                                     .inhibit_any = "1"});
    assert_line("altNames:  a.b, 10.0.0.1, fe80::1, c@d, C=CH, CN=y");
    assert_line("flags:     CA CRLSign serverAuth clientAuth ikeIntermediate self-signed ");
    assert_line("pathlen:   2");
    assert_line("permitted nameConstraints:\n           10.0.0.0/8");
    assert_line("excluded nameConstraints:\n           x.y");
    assert_line("certificatePolicies:\n             1.2.3\n             2.5.29.32.0");
    assert_line("policyMappings:\n           1.2.3 => 1.2.4");
    assert_line("policyConstraints:\n           inhibitAnyPolicy: 1");
    assert_line("pubkey:    ECDSA 256 bits");
}

static void a_forged_self_signature_has_no_flag(void **state)
{
    (void)state;
    print_spec(&(struct testca_spec){.subject = "CN=x", .has_wrong_signature = true});
    assert_line("flags:     ");
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
    (void)state;
    struct text t = fresh();
    /* CN = ESC ] a DEL e-acute */
    assert_true(print_dn(&t, hex("3011310f300d0603550403 0c06 1b5d617fc3a9")));
    assert_string_equal(buf, "CN=?]a???");
    t = fresh();
    assert_true(print_dn(&t, hex("300e310c300a060355040f 0c03 613d62"))); /* a type without a name */
    assert_string_equal(buf, "55:04:0f=a=b");
    assert_false(print_dn(&t, hex("300e310c300a060355040f 0c03 613d")));
    assert_false(print_dn(&t, span_of(NULL, 0)));
}

static void distances_take_the_unit_of_which_there_are_more_than_two(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0,        "0 seconds"  },
        {1,        "1 second"   },
        {120,      "120 seconds"},
        {121,      "2 minutes"  },
        {7200,     "120 minutes"},
        {7201,     "2 hours"    },
        {172800,   "48 hours"   },
        {172801,   "2 days"     },
        {86400000, "1000 days"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text t = fresh();
        print_span_of_time(&t, 1000, 1000 + rows[i].seconds);
        assert_string_equal(buf, rows[i].text);
        t = fresh();
        print_span_of_time(&t, 1000, 1000 - rows[i].seconds);
        assert_string_equal(buf, rows[i].text);
    }
}

static int64_t east(int64_t t)
{
    return t < 1000 ? 3600 : 7200;
}

static void dates_say_whether_they_hold(void **state)
{
    (void)state;
    struct print_env at = {.now = 1000, .zone_offset = east};
    struct text t = fresh();
    print_validity(&t, &print_validity_cert, 999, 1000, &at);
    assert_string_equal(buf, "  validity:  not before Jan 01 01:16:39 1970, ok\n"
                             "             not after  Jan 01 02:16:40 1970, ok (expires in 0 seconds)\n");
    t = fresh();
    print_validity(&t, &print_validity_update, 1001, 999, &at);
    assert_string_equal(buf, "  update:    this on Jan 01 02:16:41 1970, not valid yet (valid in 1 second)\n"
                             "             next on Jan 01 01:16:39 1970, expired (1 second ago)\n");
}

static void a_revocation_list_is_printed_in_whole(void **state)
{
    (void)state;
    struct testca_cert *ca =
        testca_issue(&(struct testca_spec){.subject = "CN=ca", .is_ca = true, .has_no_key_ids = true}, NULL);
    struct testcrl_entry entries[] = {
        {.serial = 5,        .date = 951782400},
        { .serial = 0x80, .date = 951782400,       .reason = 2},
        { .serial = 7, .date = 951782400,      .reason = 11},
    };
    struct testcrl_spec spec = {.entries = entries,
                                .n = ARRAY_LEN(entries),
                                .this_update = TESTCA_NOW - 86400,
                                .next_update = TESTCA_NOW + 86400,
                                .number = "128",
                                .base = "3",
                                .freshest = "URI:http://x/delta",
                                .has_no_key_ids = true};
    struct span der = testcrl_make(&spec, ca);
    struct text t = fresh();
    struct diag d = {0};
    if (!print_crl(&t, der, &env, &d))
        fail_msg("%s", d.what);
    assert_string_equal(buf, "  issuer:   \"CN=ca\"\n"
                             "  update:    this on May 31 00:00:00 2026, ok\n"
                             "             next on Jun 02 00:00:00 2026, ok (expires in 24 hours)\n"
                             "  serial:    80\n"
                             "  delta CRL: for serial 03\n"
                             "  authKeyId: \n"
                             "  freshest:  http://x/delta\n"
                             "  3 revoked certificates:\n"
                             "    05: Feb 29 00:00:00 2000, unspecified\n"
                             "    80: Feb 29 00:00:00 2000, key compromise\n"
                             "    07: Feb 29 00:00:00 2000, (10)\n");
    testcrl_free(der);
    spec = (struct testcrl_spec){.next_update = -1};
    der = testcrl_make(&spec, ca);
    t = fresh();
    assert_true(print_crl(&t, der, &env, &d));
    assert_line("update:    this on May 31 00:00:00 2026, ok\n  serial:    ");
    assert_line("0 revoked certificates");
    testcrl_free(der);
    testca_free(ca);
}

/* What openssl's ocsp command made: a request with a nonce. */
static void an_ocsp_request_is_printed_in_whole(void **state)
{
    (void)state;
    static const char want[] =
        "  subject:  \"(null)\"\n"
        "  nonce:     06:6d:8c:ca:fd:fe:f9:17:6d:ee:d9:b1:fd:b0:8b:67\n"
        "  serial:    12:57:08:09:45:01:76:93\n"
        "  issuer:    keyHash:  ca:c4:5a:cb:60:c9:3c:c0:ad:68:7c:6f:4c:2c:19:1b:ab:8f:df:5d\n"
        "             nameHash: c0:64:73:e6:82:03:61:2d:c9:c3:b1:24:57:5a:6c:93:33:26:ca:58\n"
        "  serial:    05\n"
        "  issuer:    keyHash:  ca:c4:5a:cb:60:c9:3c:c0:ad:68:7c:6f:4c:2c:19:1b:ab:8f:df:5d\n"
        "             nameHash: c0:64:73:e6:82:03:61:2d:c9:c3:b1:24:57:5a:6c:93:33:26:ca:58\n";
    struct text t = fresh();
    struct diag d = {0};
    assert_true(
        print_ocsp_request(&t,
                           hex("3081ae3081ab308183"
                               "3043 3041300906052b0e03021a0500 0414c06473e68203612dc9c3b124575a6c933326ca58"
                               "0414cac45acb60c93cc0ad687c6f4c2c191bab8fdf5d 02081257080945017693"
                               "303c 303a300906052b0e03021a0500 0414c06473e68203612dc9c3b124575a6c933326ca58"
                               "0414cac45acb60c93cc0ad687c6f4c2c191bab8fdf5d 020105"
                               "a2233021301f06092b060105050730010204120410066d8ccafdfef9176deed9b1fdb08b67"),
                           &d));
    assert_string_equal(buf, want);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    char small[200];
    struct text t = TEXT_ON(small);
    struct diag d = {0};
    small[0] = '\0';
    assert_false(print_cert(&t, span_str(acert_holder), &env, &d));
    assert_non_null(strstr(d.what, "longer than 200 bytes"));
    assert_true(t.len < sizeof(small));
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char key[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    struct span bad[] = {span_of(NULL, 0), span_str("x"), span_str(key), hex("3003020105"), hex("30820100")};
    struct text t = fresh();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (int kind = 0; kind < 5; kind++) {
            struct diag d = {0};
            bool is_ok = kind == 0   ? print_cert(&t, bad[i], &env, &d)
                         : kind == 1 ? print_crl(&t, bad[i], &env, &d)
                         : kind == 2 ? print_attribute_cert(&t, bad[i], &env, &d)
                         : kind == 3 ? print_ocsp_request(&t, bad[i], &d)
                                     : print_ocsp_response(&t, bad[i], &env, &d);
            assert_false(is_ok);
            assert_true(diag_failed(&d));
        }
    }
}

static void an_unknown_critical_extension_is_named(void **state)
{
    (void)state;
    struct testca_cert *c = testca_issue(
        &(struct testca_spec){.subject = "CN=x", .unknown_oid = "1.2.3.4", .unknown_is_critical = true},
        NULL);
    struct text t = fresh();
    struct diag d = {0};
    assert_false(print_cert(&t, testca_der(c), &env, &d));
    assert_string_equal(d.what, "found unsupported critical X.509 extension: 1.2.3.4");
    testca_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_printed_in_whole),
        cmocka_unit_test(an_attribute_certificate_is_printed_in_whole),
        cmocka_unit_test(extensions_have_their_lines),
        cmocka_unit_test(a_forged_self_signature_has_no_flag),
        cmocka_unit_test(control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(distances_take_the_unit_of_which_there_are_more_than_two),
        cmocka_unit_test(dates_say_whether_they_hold),
        cmocka_unit_test(a_revocation_list_is_printed_in_whole),
        cmocka_unit_test(an_ocsp_request_is_printed_in_whole),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(an_unknown_critical_extension_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
