/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"
#include "sys/xfrm_stat.h"
#include <stdio.h>
#include <stdlib.h>

static void a_file_of_the_kernels_is_read_in_its_order(void **state)
{
    (void)state;
    struct xfrm_count v[4];
    size_t n =
        xfrm_stat_parse("XfrmInError             \t0\nXfrmInNoStates          \t17\n", v, ARRAY_LEN(v));
    assert_int_equal(n, 2);
    assert_string_equal(v[0].name, "XfrmInError");
    assert_int_equal(v[0].value, 0);
    assert_string_equal(v[1].name, "XfrmInNoStates");
    assert_int_equal(v[1].value, 17);
}

static void lines_that_are_no_counters_are_left_out(void **state)
{
    (void)state;
    struct xfrm_count v[4];
    static const char *const bad[] = {
        "",
        "\n",
        " \t5\n",
        "XfrmInError\n",
        "XfrmInError \n",
        "XfrmInError x\n",
        "XfrmInError -5\n",
        "XfrmInError 5x\n",
        "XfrmInError 99999999999999999999999\n",
        "XfrmInAVeryLongNameThatNoKernelHasEverGivenToACounter 5\n",
        "XfrmInError\t\n7\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(xfrm_stat_parse(bad[i], v, ARRAY_LEN(v)), 0);
    assert_int_equal(xfrm_stat_parse("rubbish\nXfrmOutError 18446744073709551615", v, ARRAY_LEN(v)), 1);
    assert_true(v[0].value == UINT64_MAX);
}

static void no_more_is_read_than_there_is_room_for(void **state)
{
    (void)state;
    struct xfrm_count v[2];
    assert_int_equal(xfrm_stat_parse("XfrmA 1\nXfrmB 2\nXfrmC 3\n", v, ARRAY_LEN(v)), 2);
}

static void each_counter_has_its_words_and_stands_once(void **state)
{
    (void)state;
    const struct xfrm_counter *c;
    for (size_t i = 0; (c = xfrm_counter_at(i)); i++) {
        assert_ptr_equal(xfrm_counter_find(c->name), c);
        assert_memory_equal(c->name, "Xfrm", 4);
        assert_true(strlen(c->meaning) > 20 && strlen(c->advice) > 10);
    }
    assert_null(xfrm_counter_find("XfrmNoSuch"));
}

/* Whatever kernel runs this: all that it counts is known. */
static void this_kernels_counters_are_known(void **state)
{
    (void)state;
    char text[8192] = "";
    struct xfrm_count v[64];
    FILE *f = fopen("/proc/net/xfrm_stat", "re");
    if (!f)
        return;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    size_t n = xfrm_stat_parse(text, v, ARRAY_LEN(v));
    assert_true(n > 20);
    for (size_t i = 0; i < n; i++)
        assert_non_null(xfrm_counter_find(v[i].name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_the_kernels_is_read_in_its_order),
        cmocka_unit_test(lines_that_are_no_counters_are_left_out),
        cmocka_unit_test(no_more_is_read_than_there_is_room_for),
        cmocka_unit_test(each_counter_has_its_words_and_stands_once),
        cmocka_unit_test(this_kernels_counters_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
