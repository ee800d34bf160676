/* SPDX-License-Identifier: Apache-2.0 */
/* One daemon for each run directory. */
#include "support/test.h"
#include "sys/lock.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/keyway-lock-%d.pid", (int)getpid());
    return 0;
}

static void the_second_is_refused_and_told_who_holds_it(void **state)
{
    (void)state;
    struct diag d;
    char pid[16];
    int first = lock_take(path, &d);
    assert_true(first >= 0);
    assert_int_equal(lock_take(path, &d), -1);
    snprintf(pid, sizeof(pid), "pid %d ", (int)getpid());
    assert_non_null(strstr(d.what, pid));
    lock_release(first, path);
    assert_int_equal(access(path, F_OK), -1);
}

static void what_a_crash_left_does_not_hold_it(void **state)
{
    (void)state;
    struct diag d;
    FILE *f = fopen(path, "w");
    fputs("1\n", f); /* a pid that is alive, but holds no lock */
    fclose(f);
    int fd = lock_take(path, &d);
    assert_true(fd >= 0);
    lock_release(fd, path);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    struct diag d;
    assert_int_equal(symlink("/tmp/keyway-lock-elsewhere", path), 0);
    assert_int_equal(lock_take(path, &d), -1);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_is_refused_and_told_who_holds_it),
        cmocka_unit_test(what_a_crash_left_does_not_hold_it),
        cmocka_unit_test(a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
