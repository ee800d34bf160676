/* SPDX-License-Identifier: Apache-2.0 */
/* DSCP and ECN across the tunnel, cell by cell. */
#include "esp/outer.h"
#include "support/test.h"

#define EF   0xb8
#define AF41 0x88

static void encapsulation_copies_what_it_is_told_to(void **state)
{
    (void)state;
    for (unsigned ecn = 0; ecn < 4; ecn++) {
        uint8_t inner = (uint8_t)(EF | ecn);
        assert_int_equal(outer_tos(inner, DSCP_OUT, true), inner);
        assert_int_equal(outer_tos(inner, DSCP_YES, true), inner);
        assert_int_equal(outer_tos(inner, DSCP_IN, true), ecn);
        assert_int_equal(outer_tos(inner, DSCP_NO, true), ecn);
        assert_int_equal(outer_tos(inner, DSCP_OUT, false), EF);
        assert_int_equal(outer_tos(inner, DSCP_NO, false), 0);
    }
}

/* RFC 6040 figure 4 as it is printed: Not-ECT, ECT(0), ECT(1), CE; 9 is a drop. */
static void decapsulation_follows_figure_4_of_rfc6040(void **state)
{
    (void)state;
    static const uint8_t order[4] = {ECN_NOT_ECT, ECN_ECT0, ECN_ECT1, ECN_CE};
    static const uint8_t figure[4][4] = {
        {ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT, 9     },
        {ECN_ECT0,    ECN_ECT0,    ECN_ECT1,    ECN_CE},
        {ECN_ECT1,    ECN_ECT1,    ECN_ECT1,    ECN_CE},
        {ECN_CE,      ECN_CE,      ECN_CE,      ECN_CE},
    };
    for (size_t inner = 0; inner < 4; inner++) {
        for (size_t outer = 0; outer < 4; outer++) {
            uint8_t tos = 0;
            bool ok = outer_decapsulate_tos((uint8_t)(AF41 | order[outer]), (uint8_t)(EF | order[inner]),
                                            DSCP_OUT, true, &tos);
            assert_int_equal(ok, figure[inner][outer] != 9);
            if (ok)
                assert_int_equal(tos, EF | figure[inner][outer]);
        }
    }
}

static void without_copying_the_inner_ecn_stays(void **state)
{
    (void)state;
    uint8_t tos;
    assert_true(outer_decapsulate_tos(ECN_CE, EF | ECN_NOT_ECT, DSCP_NO, false, &tos));
    assert_int_equal(tos, EF);
    assert_true(outer_decapsulate_tos(ECN_CE, EF | ECN_ECT0, DSCP_NO, false, &tos));
    assert_int_equal(tos, EF | ECN_ECT0);
}

static void the_outer_dscp_comes_in_only_when_asked_for(void **state)
{
    (void)state;
    static const struct {
        enum copy_dscp mode;
        uint8_t dscp;
    } rows[] = {
        {DSCP_OUT, EF  },
        {DSCP_NO,  EF  },
        {DSCP_IN,  AF41},
        {DSCP_YES, AF41},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t tos;
        assert_true(outer_decapsulate_tos(AF41 | ECN_CE, EF | ECN_ECT0, rows[i].mode, true, &tos));
        assert_int_equal(tos, rows[i].dscp | ECN_CE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encapsulation_copies_what_it_is_told_to),
        cmocka_unit_test(decapsulation_follows_figure_4_of_rfc6040),
        cmocka_unit_test(without_copying_the_inner_ecn_stays),
        cmocka_unit_test(the_outer_dscp_comes_in_only_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
