/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a configuration file, and what does not. */
#include "support/test.h"
#include "sys/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/keyway-files-XXXXXX";
static struct arena *arena;
static struct conf_source source;

static const char *path_of(const char *leaf)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, leaf);
    return path;
}

static void put(const char *leaf, const char *text)
{
    FILE *f = fopen(path_of(leaf), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(1 << 20);
    source = files_source(NULL);
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const leaves[] = {"a.conf", "b.conf", "c.txt", "empty", "fifo"};
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
        unlink(path_of(leaves[i]));
    arena_free(arena);
    return rmdir(dir);
}

static void a_file_is_read_whole(void **state)
{
    (void)state;
    struct span s;
    struct diag d = {0};
    put("a.conf", "tunnel x {\n}\n");
    put("empty", "");
    assert_true(source.read(source.ctx, arena, path_of("a.conf"), &s, &d));
    assert_span_equal(s, span_str("tunnel x {\n}\n"));
    assert_true(source.read(source.ctx, arena, path_of("empty"), &s, &d));
    assert_int_equal(s.len, 0);
}

static void a_private_file_that_others_can_read_is_refused(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        gid_t group;
        bool is_taken;
    } rows[] = {
        {0600, 0, true },
        {0400, 0, true },
        {0640, 0, true }, /* root's own group is nobody else */
        {0640, 7, false},
        {0620, 7, false},
        {0644, 0, false},
        {0604, 0, false},
        {0602, 0, false},
    };
    put("a.conf", "key");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span s;
        struct diag d = {0};
        if (rows[i].group && geteuid() != 0)
            continue; /* only root can give a file to another group */
        assert_int_equal(chown(path_of("a.conf"), (uid_t)-1, geteuid() ? getegid() : rows[i].group), 0);
        assert_int_equal(chmod(path_of("a.conf"), rows[i].mode), 0);
        if (geteuid() != 0 && (rows[i].mode & 077) == 040)
            continue;
        assert_int_equal(source.read_private(source.ctx, arena, path_of("a.conf"), &s, &d), rows[i].is_taken);
        if (rows[i].is_taken)
            continue;
        assert_int_equal(d.class, FAIL_PERMISSION);
        assert_non_null(strstr(d.what, "others can read"));
        assert_true(strncmp(d.try, "chmod 600 /tmp/keyway-files-", 28) == 0);
        assert_true(source.read(source.ctx, arena, path_of("a.conf"), &s, &d)); /* what is not private */
    }
}

static void a_private_file_of_another_user_is_refused(void **state)
{
    (void)state;
    struct span s;
    struct diag d = {0};
    put("a.conf", "key");
    assert_int_equal(chmod(path_of("a.conf"), 0600), 0);
    if (geteuid() != 0) {
        print_message("not root: files cannot be given away\n");
        return;
    }
    assert_int_equal(chown(path_of("a.conf"), 1, 0), 0);
    assert_false(source.read_private(source.ctx, arena, path_of("a.conf"), &s, &d));
    assert_non_null(strstr(d.what, "belongs to another user"));
    assert_int_equal(chown(path_of("a.conf"), 0, 0), 0);
}

static void an_absent_file_is_no_error(void **state)
{
    (void)state;
    struct span s;
    struct diag d = {0};
    assert_false(source.read(source.ctx, arena, path_of("none"), &s, &d));
    assert_false(diag_failed(&d));
}

static void what_is_no_regular_file_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct span s;
    struct diag d = {0};
    assert_false(source.read(source.ctx, arena, dir, &s, &d));
    assert_true(diag_failed(&d));
    diag_clear(&d);
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0); /* must not block */
    assert_false(source.read(source.ctx, arena, path_of("fifo"), &s, &d));
    assert_true(diag_failed(&d));
}

static void globbed_paths_are_sorted(void **state)
{
    (void)state;
    const char **paths;
    put("b.conf", "");
    put("a.conf", "");
    put("c.txt", "");
    assert_int_equal(source.glob(source.ctx, arena, path_of("*.conf"), &paths), 2);
    assert_string_equal(paths[0], path_of("a.conf"));
    assert_string_equal(paths[1], path_of("b.conf"));
    assert_int_equal(source.glob(source.ctx, arena, path_of("*.none"), &paths), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(a_private_file_that_others_can_read_is_refused),
        cmocka_unit_test(a_private_file_of_another_user_is_refused),
        cmocka_unit_test(an_absent_file_is_no_error),
        cmocka_unit_test(what_is_no_regular_file_is_refused_with_a_reason),
        cmocka_unit_test(globbed_paths_are_sorted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
