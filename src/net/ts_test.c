/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic selectors: the text forms of swanctl.conf, and the set arithmetic that narrowing, policies and
 * routes stand on. */
#include "net/ts.h"
#include "support/test.h"

static struct ts ts(const char *text)
{
    struct ts t = {0};
    const char *err = NULL;
    if (!ts_parse(text, &t, &err))
        fail_msg("%s: %s", text, err);
    return t;
}

static struct ip ip(const char *text)
{
    struct ip v;
    assert_true(ip_parse(text, &v));
    return v;
}

static void selectors_print_as_they_are_understood(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"10.1.0.0/16",                 "10.1.0.0/16"                },
        {"10.1.2.3/16",                 "10.1.0.0/16"                },
        {"10.1.2.3",                    "10.1.2.3/32"                },
        {"10.0.0.0-10.0.0.255",         "10.0.0.0/24"                },
        {"10.0.0.1-10.0.0.6",           "10.0.0.1..10.0.0.6"         },
        {"10.0.0.1..10.0.0.6",          "10.0.0.1..10.0.0.6"         },
        {"2001:db8::/32[udp]",          "2001:db8::/32[udp]"         },
        {"0.0.0.0/0[tcp/80]",           "0.0.0.0/0[tcp/80]"          },
        {"0.0.0.0/0[TCP/http]",         "0.0.0.0/0[tcp/80]"          },
        {"0.0.0.0/0[17/1024-65535]",    "0.0.0.0/0[udp/1024-65535]"  },
        {"0.0.0.0/0[0/500]",            "0.0.0.0/0[any/500]"         },
        {"0.0.0.0/0[any/any]",          "0.0.0.0/0"                  },
        {"0.0.0.0/0[/53]",              "0.0.0.0/0[any/53]"          },
        {"0.0.0.0/0[tcp/opaque]",       "0.0.0.0/0[tcp/opaque]"      },
        {"0.0.0.0/0[icmp/2048]",        "0.0.0.0/0[icmp/8(0)]"       },
        {"0.0.0.0/0[icmp/8]",           "0.0.0.0/0[icmp/8(0)]"       },
        {"0.0.0.0/0[icmp/3-5(1)]",      "0.0.0.0/0[icmp/3(0)-5(1)]"  },
        {"0.0.0.0/0[icmp/8(0)-8(255)]", "0.0.0.0/0[icmp/8(0)-8(255)]"},
        {"::/0[icmpv6]",                "::/0[ipv6-icmp]"            },
        {"0.0.0.0/0[253]",              "0.0.0.0/0[253]"             },
        {"dynamic",                     "dynamic"                    },
        {"dynamic[tcp/22]",             "dynamic[tcp/22]"            },
    };
    char buf[TS_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ts t = ts(rows[i][0]);
        assert_string_equal(ts_format(&t, buf), rows[i][1]);
        struct ts again = ts(buf);
        assert_true(ts_equal(&t, &again));
    }
}

static void bad_selectors_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "10.0.0.0/33",
        "10.0.0.9-10.0.0.1",
        "10.0.0.1-::1",
        "10.0.0.1-",
        "10.0.0.0/8[tcp",
        "10.0.0.0/8[nosuch]",
        "10.0.0.0/8[256]",
        "10.0.0.0/8[tcp/65536]",
        "10.0.0.0/8[tcp/9-8]",
        "10.0.0.0/8[tcp/80x]",
        "10.0.0.0/8[tcp/8(0)]",
        "10.0.0.0/8[icmp/256(0)]",
        "10.0.0.0/8[tcp/80]x",
        "host.example",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct ts t;
        const char *err = NULL;
        if (ts_parse(texts[i], &t, &err))
            fail_msg("accepted: %s", texts[i]);
        assert_non_null(err);
    }
}

static void intersection_is_the_common_part(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"10.0.0.0/8",          "10.1.0.0/16",            "10.1.0.0/16"          },
        {"10.0.0.0-10.0.0.9",   "10.0.0.5-10.0.1.0",      "10.0.0.5..10.0.0.9"   },
        {"0.0.0.0/0[tcp]",      "10.0.0.0/8[tcp/80]",     "10.0.0.0/8[tcp/80]"   },
        {"0.0.0.0/0[tcp/1-80]", "10.0.0.0/8[0/70-90]",    "10.0.0.0/8[tcp/70-80]"},
        {"0.0.0.0/0[tcp]",      "0.0.0.0/0[tcp/opaque]",  "0.0.0.0/0[tcp/opaque]"},
        {"::/0",                "2001:db8::/32",          "2001:db8::/32"        },
        {"10.0.0.0/8",          "11.0.0.0/8",             NULL                   },
        {"10.0.0.0/8[tcp]",     "10.0.0.0/8[udp]",        NULL                   },
        {"10.0.0.0/8[tcp/80]",  "10.0.0.0/8[tcp/81]",     NULL                   },
        {"10.0.0.0/8[tcp/80]",  "10.0.0.0/8[tcp/opaque]", NULL                   },
        {"0.0.0.0/0",           "::/0",                   NULL                   },
        {"dynamic",             "0.0.0.0/0",              NULL                   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ts a = ts(rows[i][0]), b = ts(rows[i][1]), ab, ba;
        bool is_common = ts_intersect(&a, &b, &ab);
        assert_int_equal(is_common, rows[i][2] != NULL);
        assert_int_equal(ts_intersect(&b, &a, &ba), is_common);
        if (!is_common)
            continue;
        char buf[TS_TEXT_MAX];
        assert_string_equal(ts_format(&ab, buf), rows[i][2]);
        assert_true(ts_equal(&ab, &ba));
        assert_true(ts_contains(&a, &ab));
        assert_true(ts_contains(&b, &ab));
    }
}

static void containment_needs_address_protocol_and_ports(void **state)
{
    (void)state;
    struct ts net = ts("10.0.0.0/8"), web = ts("10.0.0.0/8[tcp/80]"), opaque = ts("10.1.0.0/16[tcp/opaque]");
    assert_true(ts_contains(&net, &web));
    assert_false(ts_contains(&web, &net));
    assert_true(ts_contains(&net, &opaque));
    assert_false(ts_contains(&web, &opaque));
    assert_false(ts_contains(&opaque, &web));
    struct ts six = ts("::/0");
    assert_false(ts_contains(&six, &net));
}

static void packets_without_ports_match_any_and_opaque_only(void **state)
{
    (void)state;
    struct ts any = ts("10.0.0.0/8"), web = ts("10.0.0.0/8[tcp/80]"), opaque = ts("10.0.0.0/8[tcp/opaque]");
    assert_true(ts_matches(&any, ip("10.9.9.9"), 6, 0, false));
    assert_false(ts_matches(&web, ip("10.9.9.9"), 6, 80, false));
    assert_true(ts_matches(&opaque, ip("10.9.9.9"), 6, 0, false));
    assert_true(ts_matches(&web, ip("10.9.9.9"), 6, 80, true));
    assert_false(ts_matches(&opaque, ip("10.9.9.9"), 6, 80, true));
    assert_false(ts_matches(&web, ip("10.9.9.9"), 17, 80, true));
    assert_false(ts_matches(&web, ip("11.9.9.9"), 6, 80, true));
    assert_false(ts_matches(&any, ip("a09:909::"), 6, 80, true));
}

static void matching_addresses_agrees_with_their_order(void **state)
{
    (void)state;
    static const char *const texts[] = {"::",
                                        "2001:db8::",
                                        "2001:db8::1",
                                        "2001:db8::ffff:ffff:ffff:ffff",
                                        "2001:db8:0:1::",
                                        "2001:db8:0:1::7",
                                        "ffff::",
                                        "0.0.0.0",
                                        "10.0.0.255",
                                        "10.0.1.0",
                                        "255.255.255.255"};
    for (size_t f = 0; f < ARRAY_LEN(texts); f++) {
        for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
            struct ts range = {.from = ip(texts[f]), .to = ip(texts[t]), .port_to = 65535};
            for (size_t i = 0; i < ARRAY_LEN(texts) && range.from.family == range.to.family; i++) {
                struct ip at = ip(texts[i]);
                bool want = ip_cmp(range.from, at) <= 0 && ip_cmp(at, range.to) <= 0;
                assert_int_equal(ts_matches(&range, at, 6, 1, true), want);
            }
        }
    }
}

static void a_dynamic_selector_becomes_the_host(void **state)
{
    (void)state;
    struct ts t = ts("dynamic[tcp/22]"), fixed = ts("10.0.0.0/8");
    char buf[TS_TEXT_MAX];
    struct ts r = ts_resolve_dynamic(&t, ip("2001:db8::7"));
    assert_string_equal(ts_format(&r, buf), "2001:db8::7/128[tcp/22]");
    r = ts_resolve_dynamic(&fixed, ip("192.0.2.1"));
    assert_true(ts_equal(&r, &fixed));
}

static void ranges_become_prefixes_that_cover_exactly_them(void **state)
{
    (void)state;
    static const struct {
        const char *ts;
        const char *cover;
    } rows[] = {
        {"10.0.0.0/8",                      "10.0.0.0/8"                                     },
        {"0.0.0.0/0",                       "0.0.0.0/0"                                      },
        {"::/0",                            "::/0"                                           },
        {"10.0.0.1-10.0.0.6",               "10.0.0.2/31 10.0.0.4/31 10.0.0.1/32 10.0.0.6/32"},
        {"0.0.0.1-255.255.255.255",         NULL                                             },
        {"2001:db8::-2001:db8::1:ffff",     "2001:db8::/111"                                 },
        {"255.255.255.254-255.255.255.255", "255.255.255.254/31"                             },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ts t = ts(rows[i].ts);
        struct prefix p[64];
        char got[512] = "", one[IP_TEXT_MAX];
        size_t n = ts_to_prefixes(&t, p, ARRAY_LEN(p));
        for (size_t j = 0; j < n; j++) {
            strcat(got, j ? " " : "");
            strcat(got, prefix_format(&p[j], one));
        }
        if (rows[i].cover)
            assert_string_equal(got, rows[i].cover);
        else
            assert_int_equal(n, 32);
    }
    struct ts t = ts("10.0.0.1-10.0.0.6");
    struct prefix p[3];
    assert_int_equal(ts_to_prefixes(&t, p, 3), 0);
    assert_false(ts_to_prefix(&t, p));
}

static void every_small_range_is_covered_without_overlap(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 32; from++) {
        for (unsigned to = from; to < 32; to++) {
            struct ts t = {
                .from = ip4(10, 0, 0, (uint8_t)from), .to = ip4(10, 0, 0, (uint8_t)to), .port_to = 65535};
            struct prefix p[16];
            size_t n = ts_to_prefixes(&t, p, ARRAY_LEN(p));
            assert_true(n > 0);
            for (unsigned a = 0; a < 32; a++) {
                unsigned hits = 0;
                for (size_t i = 0; i < n; i++)
                    hits += prefix_contains(&p[i], ip4(10, 0, 0, (uint8_t)a));
                assert_int_equal(hits, a >= from && a <= to);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_print_as_they_are_understood),
        cmocka_unit_test(bad_selectors_are_refused_with_a_reason),
        cmocka_unit_test(intersection_is_the_common_part),
        cmocka_unit_test(containment_needs_address_protocol_and_ports),
        cmocka_unit_test(packets_without_ports_match_any_and_opaque_only),
        cmocka_unit_test(matching_addresses_agrees_with_their_order),
        cmocka_unit_test(a_dynamic_selector_becomes_the_host),
        cmocka_unit_test(ranges_become_prefixes_that_cover_exactly_them),
        cmocka_unit_test(every_small_range_is_covered_without_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
