/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon keeps over restarts, and what it does not believe. */
#include "support/test.h"
#include "sys/state.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static struct secret s, again;
static struct diag d;

static const char *path_of(const char *leaf)
{
    static char path[160];
    snprintf(path, sizeof(path), "%s/keyway/%s", dir, leaf);
    return path;
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/keyway-state-XXXXXX");
    diag_clear(&d);
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    secret_free(&s);
    secret_free(&again);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static void put(const char *leaf, const char *text, mode_t mode)
{
    char folder[128];
    snprintf(folder, sizeof(folder), "%s/keyway", dir);
    mkdir(folder, 0700);
    FILE *f = fopen(path_of(leaf), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path_of(leaf), mode), 0);
}

static size_t count_files(void)
{
    size_t n = 0;
    DIR *f = opendir(path_of(""));
    assert_non_null(f);
    for (struct dirent *e; (e = readdir(f));)
        n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(f);
    return n;
}

static void the_secret_is_made_once_and_stays(void **state)
{
    (void)state;
    static const uint8_t zeros[32];
    struct stat st;
    assert_true(state_secret(dir, 32, &s, &d));
    assert_int_equal(s.len, 32);
    assert_memory_not_equal(s.ptr, zeros, 32);
    assert_true(state_secret(dir, 32, &again, &d));
    assert_span_equal(secret_view(&s), secret_view(&again));
    assert_int_equal(stat(path_of("secret"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(path_of("."), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(count_files(), 1); /* nothing is left beside it */
}

static void a_folder_above_that_is_not_there_is_made(void **state)
{
    (void)state;
    char deeper[96];
    snprintf(deeper, sizeof(deeper), "%s/state", dir);
    assert_true(state_secret(deeper, 32, &s, &d));
}

static void two_folders_have_two_secrets(void **state)
{
    (void)state;
    char other[96];
    snprintf(other, sizeof(other), "%s/other", dir);
    assert_true(state_secret(dir, 32, &s, &d) && state_secret(other, 32, &again, &d));
    assert_memory_not_equal(s.ptr, again.ptr, 32);
}

static void a_secret_that_others_may_read_is_not_used(void **state)
{
    (void)state;
    put("secret", "0123456789abcdef0123456789abcdef", 0640);
    assert_false(state_secret(dir, 32, &s, &d));
    assert_non_null(strstr(d.what, "others than its owner"));
    assert_int_equal(chmod(path_of("secret"), 0600), 0);
    assert_true(state_secret(dir, 32, &s, &d));
    assert_span_equal(secret_view(&s), span_str("0123456789abcdef0123456789abcdef"));
}

static void a_damaged_secret_is_neither_used_nor_replaced(void **state)
{
    (void)state;
    static const char *const damaged[] = {"", "short", "0123456789abcdef0123456789abcdef and more"};
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        put("secret", damaged[i], 0600);
        assert_false(state_secret(dir, 32, &s, &d));
        assert_true(diag_failed(&d));
        assert_int_equal(s.len, 0);
        assert_true(state_read(dir, "secret", 100, &again, &d));
        assert_span_equal(secret_view(&again), span_str(damaged[i]));
        secret_free(&again);
    }
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    char target[96];
    put("elsewhere", "0123456789abcdef0123456789abcdef", 0600);
    snprintf(target, sizeof(target), "%s", path_of("elsewhere"));
    assert_int_equal(symlink(target, path_of("secret")), 0);
    assert_false(state_secret(dir, 32, &s, &d));
    assert_true(diag_failed(&d));
}

static void where_nothing_can_be_kept_there_is_no_secret(void **state)
{
    (void)state;
    assert_false(state_secret("/proc/keyway-has-no-place-here", 32, &s, &d));
    assert_true(diag_failed(&d));
    assert_int_equal(s.len, 0);
}

static void a_file_is_replaced_whole(void **state)
{
    (void)state;
    struct stat st;
    assert_false(state_read(dir, "tickets", 100, &s, &d));
    assert_false(diag_failed(&d)); /* absent is no error */
    assert_true(state_write(dir, "tickets", span_str("one, which is longer"), &d));
    assert_true(state_write(dir, "tickets", span_str("two"), &d));
    assert_true(state_read(dir, "tickets", 100, &s, &d));
    assert_span_equal(secret_view(&s), span_str("two"));
    assert_int_equal(stat(path_of("tickets"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(count_files(), 1);
    assert_false(state_read(dir, "tickets", 2, &again, &d));
    assert_true(diag_failed(&d));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_secret_is_made_once_and_stays),
        T(a_folder_above_that_is_not_there_is_made),
        T(two_folders_have_two_secrets),
        T(a_secret_that_others_may_read_is_not_used),
        T(a_damaged_secret_is_neither_used_nor_replaced),
        T(a_link_is_not_followed),
        T(where_nothing_can_be_kept_there_is_no_secret),
        T(a_file_is_replaced_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
