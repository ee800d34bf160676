/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the kernel's counters moved, out of files that stand for /proc/net/xfrm_stat. */
#include "support/test.h"
#include "sys/xfrm_moved.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/kw-moved-XXXXXX";
static struct xfrm_moved moved;
static struct xfrm_count out[XFRM_COUNTS_MAX];

static void write_file(const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void only_what_moved_is_told_by_how_much_it_did(void **state)
{
    (void)state;
    write_file("XfrmInError             \t5\nXfrmInNoStates          \t7\nXfrmInHdrError          \t0\n");
    xfrm_moved_begin(&moved, path);
    assert_int_equal(xfrm_moved_since(&moved, out), 0);
    write_file("XfrmInError             \t5\nXfrmInNoStates          \t10\nXfrmInHdrError          \t1\n");
    assert_int_equal(xfrm_moved_since(&moved, out), 2);
    assert_string_equal(out[0].name, "XfrmInNoStates");
    assert_int_equal(out[0].value, 3);
    assert_string_equal(out[1].name, "XfrmInHdrError");
    assert_int_equal(out[1].value, 1);
}

static void a_counter_that_is_new_begins_at_0_and_one_that_fell_is_left_out(void **state)
{
    (void)state;
    write_file("XfrmInError\t5\n");
    xfrm_moved_begin(&moved, path);
    write_file("XfrmInError\t2\nXfrmNew\t4\n");
    assert_int_equal(xfrm_moved_since(&moved, out), 1);
    assert_string_equal(out[0].name, "XfrmNew");
    assert_int_equal(out[0].value, 4);
}

static void without_the_file_nothing_moved(void **state)
{
    (void)state;
    unlink(path);
    xfrm_moved_begin(&moved, path);
    assert_int_equal(xfrm_moved_since(&moved, out), 0);
    moved = (struct xfrm_moved){0};
    assert_int_equal(xfrm_moved_since(&moved, out), 0);
}

static void the_kernel_s_own_file_is_read(void **state)
{
    (void)state;
    xfrm_moved_begin(&moved, XFRM_STAT_PATH);
    if (access(XFRM_STAT_PATH, R_OK) == 0)
        assert_true(moved.n >= 20);
    xfrm_moved_since(&moved, out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_moved_is_told_by_how_much_it_did),
        cmocka_unit_test(a_counter_that_is_new_begins_at_0_and_one_that_fell_is_left_out),
        cmocka_unit_test(without_the_file_nothing_moved),
        cmocka_unit_test(the_kernel_s_own_file_is_read),
    };
    close(mkstemp(path));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
