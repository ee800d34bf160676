/* SPDX-License-Identifier: Apache-2.0 */
/* Name servers in a resolv.conf: added first, taken away again, also after a crash. */
#include "support/test.h"
#include "sys/resolvconf.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/keyway-resolv-XXXXXX", path[64];
static struct diag d;

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "%s/resolv.conf", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_file(const char *want)
{
    static char got[4096];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    got[fread(got, 1, sizeof(got) - 1, f)] = 0;
    fclose(f);
    assert_string_equal(got, want);
}

#define ETC "# mine\nsearch example\nnameserver 192.0.2.53\n"

static void servers_come_first_and_go_again(void **state)
{
    (void)state;
    struct ip six;
    assert_true(ip_parse("fd02::53", &six));
    write_file(ETC);
    assert_true(resolvconf_set(path, ip4(10, 2, 0, 53), true, &d));
    assert_true(resolvconf_set(path, ip4(10, 2, 0, 53), true, &d)); /* again */
    assert_file("nameserver 10.2.0.53   # by Keyway\n" ETC);
    assert_true(resolvconf_set(path, six, true, &d));
    assert_file("nameserver fd02::53   # by Keyway\nnameserver 10.2.0.53   # by Keyway\n" ETC);
    assert_true(resolvconf_set(path, ip4(10, 2, 0, 53), false, &d));
    assert_file("nameserver fd02::53   # by Keyway\n" ETC);
    assert_true(resolvconf_set(path, six, false, &d));
    assert_file(ETC);
}

static void what_a_crash_left_is_taken_away(void **state)
{
    (void)state;
    write_file("nameserver 10.2.0.53   # by Keyway\n" ETC "nameserver 10.2.0.54   # by Keyway");
    assert_int_equal(resolvconf_clean(path, &d), 2);
    assert_file(ETC);
    assert_int_equal(resolvconf_clean(path, &d), 0);
}

static void file_that_is_not_there_is_made(void **state)
{
    (void)state;
    assert_int_equal(resolvconf_clean(path, &d), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(resolvconf_set(path, ip4(10, 2, 0, 53), true, &d));
    assert_file("nameserver 10.2.0.53   # by Keyway\n");
}

/* As systemd-resolved and others have it: the file that it leads to is written, and the link stays. */
static void links_are_followed(void **state)
{
    (void)state;
    char target[64], where[64];
    snprintf(target, sizeof(target), "%s/target", dir);
    assert_int_equal(symlink(target, path), 0);
    assert_true(resolvconf_set(path, ip4(10, 2, 0, 53), true, &d));
    assert_int_equal(access(target, F_OK), 0);
    assert_true(readlink(path, where, sizeof(where)) > 0);
    unlink(target);
}

static void place_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    assert_false(resolvconf_set("/proc/no-such/resolv.conf", ip4(10, 2, 0, 53), true, &d));
    assert_non_null(strstr(d.what, "/proc/no-such/resolv.conf"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(servers_come_first_and_go_again),      T(what_a_crash_left_is_taken_away),
        T(file_that_is_not_there_is_made),       T(links_are_followed),
        T(place_that_cannot_be_written_is_told),
    };
    if (!mkdtemp(dir))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
