/* SPDX-License-Identifier: Apache-2.0 */
/* Identities: text forms, DER of names against bytes that OpenSSL made, matching. */
#include "net/dn.h"
#include "net/identity.h"
#include "support/test.h"

static struct arena *a;

static struct identity id(const char *text)
{
    struct identity out = {0};
    const char *err = "";
    if (!identity_parse(a, text, &out, &err))
        fail_msg("%s: %s", text, err);
    return out;
}

static const char *shown(const char *text)
{
    static char buf[8][ID_TEXT_MAX];
    static unsigned next;
    struct identity i = id(text);
    return identity_format(&i, buf[next++ % 8]);
}

static int rank(const char *who, const char *pattern)
{
    struct identity x = id(who), y = id(pattern);
    return identity_match(&x, &y);
}

static void text_decides_the_type(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum id_type type;
        const char *shown;
    } rows[] = {
        {"%any",                    ID_ANY,         "%any"                   },
        {"0.0.0.0",                 ID_ANY,         "%any"                   },
        {"%null",                   ID_NULL,        "%null"                  },
        {"192.0.2.1",               ID_IPV4_ADDR,   "192.0.2.1"              },
        {"2001:db8::1",             ID_IPV6_ADDR,   "2001:db8::1"            },
        {"moon.keyway.test",        ID_FQDN,        "moon.keyway.test"       },
        {"moon",                    ID_FQDN,        "moon"                   },
        {"@moon",                   ID_FQDN,        "moon"                   },
        {"@192.0.2.1",              ID_FQDN,        "192.0.2.1"              },
        {"carol@keyway.test",       ID_RFC822_ADDR, "carol@keyway.test"      },
        {"@@carol",                 ID_RFC822_ADDR, "carol"                  },
        {"@#0102ff",                ID_KEY_ID,      "01:02:ff"               },
        {"@[office]",               ID_KEY_ID,      "office"                 },
        {"C=CH, O=Keyway, CN=moon", ID_DER_ASN1_DN, "C=CH, O=Keyway, CN=moon"},
        {"/C=CH/O=Keyway/CN=moon",  ID_DER_ASN1_DN, "C=CH, O=Keyway, CN=moon"},
        {"site:a",                  ID_KEY_ID,      "site:a"                 },
        {"ipv4:192.0.2.7",          ID_IPV4_ADDR,   "192.0.2.7"              },
        {"ipv6:::1",                ID_IPV6_ADDR,   "::1"                    },
        {"fqdn:10.0.0.1",           ID_FQDN,        "10.0.0.1"               },
        {"DNS:moon",                ID_FQDN,        "moon"                   },
        {"email:moon",              ID_RFC822_ADDR, "moon"                   },
        {"rfc822:a@b",              ID_RFC822_ADDR, "a@b"                    },
        {"userfqdn:a@b",            ID_RFC822_ADDR, "a@b"                    },
        {"asn1dn:CN=x",             ID_DER_ASN1_DN, "CN=x"                   },
        {"keyid:CN=x",              ID_KEY_ID,      "CN=x"                   },
        {"keyid:#00ff",             ID_KEY_ID,      "00:ff"                  },
        {"{11}:a=b",                ID_KEY_ID,      "a=b"                    },
        {"{1}:#c0000201",           ID_IPV4_ADDR,   "192.0.2.1"              },
        {"{2}:#6d6f6f6e",           ID_FQDN,        "moon"                   },
        {"asn1gn:#8204abcd",        ID_DER_ASN1_GN, "82:04:ab:cd"            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(id(rows[i].text).type, rows[i].type);
        assert_string_equal(shown(rows[i].text), rows[i].shown);
    }
}

static void nonsense_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "%fromcert",
        "CX=CH",
        "C=CH,,CN=x",
        "CN=",
        "=x",
        "ipv4:::1",
        "ipv4:moon",
        "ipv6:1.2.3.4",
        "@#abc",
        "{1}:#c00002",
        "10.0.0.0/8",
        "10.0.0.1-10.0.0.9",
        "fqdn:^moon",
        "fqdn:^(moon$",
        "email:^[$",
        "asn1dn:^CN=moon",
        "asn1gn:moon",
        "fqdn:",
        "asn1dn:#3001",
        "ipv4net:10.0.0.0/8",
        "CN=\"x",
        "CN=\"x\"y",
        "CN=x\\",
        "CN=\xff",
        "CN=#zz",
        "CN=#0c05",
        "2001:db8::/32",
        "1.2.3.=x",
        "3.1=x",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct identity out;
        const char *err = NULL;
        if (identity_parse(a, rows[i], &out, &err))
            fail_msg("accepted: %s", rows[i]);
        assert_non_null(err);
    }
}

/* The bytes are the subject of: openssl req -new -subj ... -multivalue-rdn -utf8, string_mask = MASK:0x2002
 */
static void a_name_has_the_bytes_that_openssl_writes(void **state)
{
    (void)state;
    assert_span_equal(
        id("C=CH, ST=Zurich, O=Keyway Ltd., CN=moon.keyway.test").data,
        hex("304f310b3009060355040613024348310f300d060355040813065a757269636831143012060355040a130b4b65797761"
            "79204c74642e31193017060355040313106d6f6f6e2e6b65797761792e74657374"));
    assert_span_equal(
        id("C=CH, O=K\xc3\xa4se_GmbH, CN=a*b, E=m@k.test, serialNumber=7").data,
        hex("3055310b300906035504061302434831133011060355040a0c0a4bc3a473655f476d6248310c300a06035504030c0361"
            "2a623117301506092a864886f70d01090116086d406b2e74657374310a30080603550405130137"));
    /* Attributes of one RDN are sorted by their encoding. */
    assert_span_equal(
        id("DC=org, DC=keyway, UID=x, OU=b+CN=a").data,
        hex("305631133011060a0992268993f22c64011916036f726731163014060a0992268993f22c64011916066b657977617931"
            "11300f060a0992268993f22c6401011301783114300806035504031301613008060355040b130162"));
}

static void a_formatted_name_parses_to_the_same_bytes(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "CN=a\\, b, O=c\\\"d",    "CN=\"a, b\", O=x\\+y", "O= x , CN=\\ y\\ ",      "1.2.3.4=moon, CN=x",
        "CN=#0402abcd",           "OU=b+CN=a, C=CH",      "O=K\xc3\xa4se, CN=\\#x", "CN=1+1",
        "/O=x/CN=http/moon/C=CH", "2.999.1=#130161",      "E=a@b, DC=c, T=t, D=d",  "CN=tab\\09x",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char buf[ID_TEXT_MAX];
        struct identity first = id(rows[i]);
        struct identity again = id(identity_format(&first, buf));
        assert_span_equal(again.data, first.data);
    }
    assert_string_equal(shown("CN=1+1"), "CN=1\\+1");
    assert_string_equal(shown("/O=x/CN=http/moon"), "O=x, CN=http/moon");
    assert_string_equal(shown("emailAddress=a@b, serialNumber=7, surname=s"), "E=a@b, serialNumber=7, SN=s");
}

static void what_a_peer_sends_prints_as_plain_text(void **state)
{
    (void)state;
    char buf[ID_TEXT_MAX];
    struct identity esc = {.type = ID_FQDN, .data = span_of("a\x1b[2J\nb", 7)};
    assert_string_equal(identity_format(&esc, buf), "a\\x1b[2J\\x0ab");
    struct identity bad_ip = {.type = ID_IPV4_ADDR, .data = span_of("abc", 3)};
    assert_string_equal(identity_format(&bad_ip, buf), "616263");
    struct identity bad_dn = {.type = ID_DER_ASN1_DN, .data = hex("3003 3101 00")};
    assert_string_equal(identity_format(&bad_dn, buf), "#3003310100");
    /* UTF-8 shows, but not a right-to-left override (U+202E) */
    struct identity dn = {.type = ID_DER_ASN1_DN,
                          .data = hex("3012 3110 300e 0603550403 0c07 c3a4 e280ae 78 0a")};
    assert_string_equal(identity_format(&dn, buf), "CN=\xc3\xa4\\E2\\80\\AEx\\0A");
    static uint8_t many[4000];
    memset(many, 'x', sizeof(many));
    struct identity long_id = {.type = ID_KEY_ID, .data = span_of(many, sizeof(many))};
    assert_int_equal(strlen(identity_format(&long_id, buf)), ID_TEXT_MAX - 1);
}

static bool equal(const char *x, const char *y)
{
    struct identity p = id(x), q = id(y);
    assert_int_equal(identity_equal(&p, &q), identity_equal(&q, &p));
    return identity_equal(&p, &q);
}

static void equality_folds_case_where_the_type_does(void **state)
{
    (void)state;
    assert_true(equal("Moon.Keyway.Test", "moon.keyway.test"));
    assert_true(equal("Carol@Keyway.Test", "carol@keyway.test"));
    assert_false(equal("keyid:Moon", "keyid:moon"));
    assert_false(equal("fqdn:192.0.2.1", "192.0.2.1"));
    assert_false(equal("fqdn:moon", "email:moon"));
    assert_true(equal("C=CH, CN=Moon  Base", "c=ch,cn= moon base"));
    assert_true(equal("CN=x", "CN=#0c0178")); /* PrintableString and UTF8String */
    assert_false(equal("CN=x", "CN=#040178"));
    assert_false(equal("C=CH, CN=moon", "CN=moon, C=CH"));
    assert_false(equal("C=CH, CN=moon", "C=CH"));
    assert_false(equal("CN=moonbase", "CN=moon base"));
    assert_true(equal("OU=b+CN=A", "CN=a+OU=B"));
    assert_false(equal("OU=b+CN=a", "CN=a, OU=b"));
    assert_false(equal("OU=b+CN=a", "CN=a"));
    struct identity x = {.type = ID_FQDN, .data = span_of("a\0b", 3)};
    struct identity y = {.type = ID_FQDN, .data = span_of("a\0c", 3)};
    assert_false(identity_equal(&x, &y));
}

static void a_closer_pattern_ranks_higher(void **state)
{
    (void)state;
    assert_true(rank("moon.a.example.org", "moon.a.example.org") >
                rank("moon.a.example.org", "*.a.example.org"));
    assert_true(rank("moon.a.example.org", "*.a.example.org") > rank("moon.a.example.org", "*.example.org"));
    assert_true(rank("moon.a.example.org", "*.example.org") > rank("moon.a.example.org", "%any"));
    assert_true(rank("moon.a.example.org", "%any") > 0);
    assert_int_equal(rank("%null", "%any"), 0); /* nobody is not anybody */
    assert_true(rank("%null", "%null") > 0);
    assert_int_equal(rank("moon.a.example.org", "%null"), 0);
    assert_true(rank("C=CH, O=k, CN=x", "C=CH, O=k, CN=*") > rank("C=CH, O=k, CN=x", "C=CH, O=*, CN=*"));
    assert_true(rank("C=CH, O=k, CN=x", "C=*, O=*, CN=*") > rank("C=CH, O=k, CN=x", "%any"));
    assert_true(rank("carol@example.org", "*@example.org") > 0);
    assert_true(rank("CN=a+OU=b", "CN=*+OU=b") > 0);
}

static void what_is_not_covered_does_not_match(void **state)
{
    (void)state;
    assert_int_equal(rank("example.org", "*.example.org"), 0);
    assert_int_equal(rank(".example.org", "*.example.org"), 0);
    assert_int_equal(rank("org", "*.example.org"), 0);
    assert_int_equal(rank("CN=a+OU=b", "CN=*"), 0);
    assert_int_equal(rank("evilexample.org", "*.example.org"), 0);
    assert_int_equal(rank("moon.example.com", "*.example.org"), 0);
    assert_int_equal(rank("*.example.org", "moon.example.org"), 0);
    assert_int_equal(rank("carol@example.org", "*.example.org"), 0);
    assert_int_equal(rank("C=CH, CN=x", "C=CH, O=*, CN=*"), 0);
    assert_int_equal(rank("C=CH, O=k, CN=x", "O=*, C=*, CN=*"), 0);
    assert_int_equal(rank("C=CH, CN=xy", "C=CH, CN=x*"), 0);
    assert_int_equal(rank("192.0.2.1", "192.0.2.2"), 0);
    assert_int_equal(rank("keyid:abc", "keyid:*"), 0);
    struct identity nul = {.type = ID_FQDN, .data = span_of("evil\0.example.org", 17)};
    struct identity pattern = id("*.example.org");
    assert_int_equal(identity_match(&nul, &pattern), 0);
}

static void a_subtree_is_a_prefix_of_the_name(void **state)
{
    (void)state;
    assert_true(dn_within(id("C=CH, O=k, CN=x").data, id("C=CH, O=K").data));
    assert_true(dn_within(id("C=CH").data, hex("3000")));
    assert_false(dn_within(id("C=CH").data, id("C=CH, O=k").data));
    assert_false(dn_within(id("C=CH, O=other").data, id("C=CH, O=k").data));
}

static void malformed_names_equal_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       "30",
                                       "3080",
                                       "300131",
                                       "3000 00",
                                       "3002 3100",
                                       "3004 3102 3000",
                                       "308100",
                                       "300c 310a 3008 0603550403 1302 61"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned wild;
        assert_false(dn_valid(hex(rows[i])));
        assert_false(dn_equal(hex(rows[i]), hex(rows[i])));
        assert_int_equal(dn_match(hex(rows[i]), hex(rows[i]), &wild), 0);
    }
    assert_true(dn_valid(hex("3000")));
}

static void regular_expressions_match_whole_names_without_case(void **state)
{
    (void)state;
    static const struct {
        const char *id, *pattern;
        bool is_match;
    } rows[] = {
        {"moon.example.org",        "fqdn:^(moon|sun)\\.example\\.org$",      true },
        {"SUN.Example.org",         "fqdn:^(moon|sun)\\.example\\.org$",      true },
        {"mars.example.org",        "fqdn:^(moon|sun)\\.example\\.org$",      false},
        {"amoon.example.org",       "fqdn:^moon\\.example\\.org$",            false},
        {"moon.example.orgx",       "fqdn:^moon\\.example\\.org$",            false},
        {"moonxexample.org",        "fqdn:^moon\\.example\\.org$",            false},
        {"email:moon@example.org",  "email:^[a-z]+@example\\.org$",           true },
        {"email:moon1@example.org", "email:^[a-z]+@example\\.org$",           false},
        {"email:moon@example.org",  "fqdn:^.*$",                              false}, /* another type */
        {"192.0.2.1",               "fqdn:^.*$",                              false},
        {"C=CH, O=Keyway, CN=moon", "asn1dn:^C=CH, O=Keyway, CN=(moon|sun)$", true },
        {"C=CH, O=Keyway, CN=mars", "asn1dn:^C=CH, O=Keyway, CN=(moon|sun)$", false},
        {"C=CH, O=Other, CN=moon",  "asn1dn:^C=CH, O=Keyway, CN=(moon|sun)$", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct identity id, pattern;
        const char *err = NULL;
        char text[ID_TEXT_MAX];
        assert_true(identity_parse(a, rows[i].id, &id, &err));
        if (!identity_parse(a, rows[i].pattern, &pattern, &err))
            fail_msg("%s: %s", rows[i].pattern, err);
        assert_true(identity_is_pattern(&pattern));
        assert_string_equal(identity_format(&pattern, text), strchr(rows[i].pattern, '^'));
        if ((identity_match(&id, &pattern) > 0) != rows[i].is_match)
            fail_msg("%s and %s", rows[i].id, rows[i].pattern);
    }
    /* a line of its own inside a name is no name, and %any is farther */
    struct identity any, pattern, line = {ID_FQDN, span_str("moon\nx")};
    const char *err;
    assert_true(identity_parse(a, "fqdn:^moon.*$", &pattern, &err) && identity_parse(a, "%any", &any, &err));
    assert_int_equal(identity_match(&line, &pattern), 0);
    struct identity moon = {ID_FQDN, span_str("moon")}, wild;
    assert_true(identity_match(&moon, &pattern) > identity_match(&moon, &any));
    assert_true(identity_parse(a, "*.org", &wild, &err));
    struct identity org = {ID_FQDN, span_str("moon.org")};
    assert_true(identity_match(&org, &wild) > identity_match(&org, &pattern));
}

int main(void)
{
    a = arena_new(1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_decides_the_type),
        cmocka_unit_test(nonsense_is_refused_with_a_reason),
        cmocka_unit_test(a_name_has_the_bytes_that_openssl_writes),
        cmocka_unit_test(a_formatted_name_parses_to_the_same_bytes),
        cmocka_unit_test(what_a_peer_sends_prints_as_plain_text),
        cmocka_unit_test(equality_folds_case_where_the_type_does),
        cmocka_unit_test(a_closer_pattern_ranks_higher),
        cmocka_unit_test(what_is_not_covered_does_not_match),
        cmocka_unit_test(a_subtree_is_a_prefix_of_the_name),
        cmocka_unit_test(malformed_names_equal_nothing),
        cmocka_unit_test(regular_expressions_match_whole_names_without_case),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(a);
    return rc;
}
