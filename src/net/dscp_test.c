/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of DSCP values: their text and back. */
#include "net/dscp.h"
#include "support/test.h"

#define BIT(n) (UINT64_C(1) << (n))

static void names_numbers_and_binary_digits_make_a_set(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t set;
        const char *shown;
    } rows[] = {
        {"ef",                   BIT(46),                     "ef"          },
        {"EF, cs6",              BIT(46) | BIT(48),           "ef,cs6"      },
        {"48 0x2e",              BIT(46) | BIT(48),           "ef,cs6"      },
        {"101110",               BIT(46),                     "ef"          },
        {"000001",               BIT(1),                      "le"          },
        {"1",                    BIT(1),                      "le"          },
        {"be",                   BIT(0),                      "cs0"         },
        {"df,cs0,0",             BIT(0),                      "cs0"         },
        {" af11 ,, af43\t,63, ", BIT(10) | BIT(38) | BIT(63), "af11,af43,63"},
        {"47,2,va",              BIT(2) | BIT(44) | BIT(47),  "2,va,47"     },
    };
    char text[DSCP_SET_TEXT], bad[8];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t set = 0;
        assert_true(dscp_parse_set(rows[i].text, &set, bad, sizeof(bad)));
        assert_true(set == rows[i].set);
        assert_string_equal(dscp_format_set(set, text), rows[i].shown);
    }
}

static void what_is_no_value_is_refused_and_named(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"",            ""       },
        {" , ",         ""       },
        {"64",          "64"     },
        {"ef,cs8",      "cs8"    },
        {"-1",          "-1"     },
        {"0x",          "0x"     },
        {"0x40",        "0x40"   },
        {"ef cs6x",     "cs6x"   },
        {"46-48",       "46-48"  },
        {"1011100",     "1011100"},
        {"102110",      "102110" },
        {"expeditedly", "expedit"},
        {"4294967342",  "4294967"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t set;
        char bad[8];
        assert_false(dscp_parse_set(rows[i][0], &set, bad, sizeof(bad)));
        assert_string_equal(bad, rows[i][1]);
    }
}

static void every_set_has_a_text_that_makes_it_again(void **state)
{
    (void)state;
    char text[DSCP_SET_TEXT], bad[8];
    uint64_t set = UINT64_MAX, again;
    assert_string_equal(dscp_format_set(0, text), "");
    for (unsigned i = 0; i < 2000; i++) {
        assert_true(strlen(dscp_format_set(set, text)) < DSCP_SET_TEXT - 1);
        assert_true(dscp_parse_set(text, &again, bad, sizeof(bad)));
        assert_true(again == set);
        set = set * UINT64_C(6364136223846793005) + 1442695040888963407u;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_numbers_and_binary_digits_make_a_set),
        cmocka_unit_test(what_is_no_value_is_refused_and_named),
        cmocka_unit_test(every_set_has_a_text_that_makes_it_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
