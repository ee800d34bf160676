/* SPDX-License-Identifier: Apache-2.0 */
/* The settings grammar: what parses to what, and what is refused where. */
#include "base/text.h"
#include "conf/settings/settings.h"
#include "conf/testing.h"
#include "support/test.h"
#include <stdio.h>

struct loaded {
    struct arena *arena, *names;
    struct settings_tree tree;
    struct diag v[16];
    struct errors errs;
};

static struct loaded *load(const struct memory_file *files, size_t n)
{
    static struct loaded l;
    memset(&l, 0, sizeof(l));
    l.arena = arena_new(SIZE_MAX / 2);
    l.names = arena_new(SIZE_MAX / 2);
    l.errs = (struct errors){l.v, ARRAY_LEN(l.v), 0};
    settings_init(&l.tree, l.arena, l.names);
    l.tree.allows_titles = true;
    struct memory_source m = {files, n};
    struct conf_source src = memory_source(&m);
    assert_true(settings_read(&l.tree, l.tree.root, files[0].path, &src, &l.errs));
    settings_resolve(&l.tree, &l.errs);
    return &l;
}

static void unload(struct loaded *l)
{
    settings_deinit(&l->tree);
    arena_free(l->arena);
    arena_free(l->names);
}

static struct loaded *load_text(const char *text)
{
    const struct memory_file f = {"/etc/x.conf", text};
    return load(&f, 1);
}

/* "a.b.key" */
static const struct setting *at(const struct loaded *l, const char *path)
{
    char buf[256];
    snprintf(buf, sizeof(buf), "%s", path);
    const struct setting *s = l->tree.root;
    char *save = NULL, *part = strtok_r(buf, ".", &save);
    for (char *next; part; part = next) {
        next = strtok_r(NULL, ".", &save);
        s = next ? settings_section(&l->tree, s, part) : settings_key(&l->tree, s, part);
        if (!s)
            return NULL;
    }
    return s;
}

static void assert_value(const char *text, const char *path, const char *expected)
{
    struct loaded *l = load_text(text);
    if (l->errs.n)
        fail_msg("%s: %s at %s", text, l->v[0].what, l->v[0].where);
    const struct setting *s = at(l, path);
    const char *got = s ? s->value : NULL;
    if (!expected)
        assert_null(got);
    else if (!got || strcmp(got, expected) != 0)
        fail_msg("%s: %s is '%s', not '%s'", text, path, got ? got : "(nothing)", expected);
    unload(l);
}

static void assert_error(const char *text, const char *where, const char *what)
{
    struct loaded *l = load_text(text);
    if (l->errs.n == 0)
        fail_msg("%s: accepted", text);
    if (strcmp(l->v[0].where, where) != 0 || !strstr(l->v[0].what, what))
        fail_msg("%s: '%s' at %s", text, l->v[0].what, l->v[0].where);
    unload(l);
}

static void values_are_words_joined_by_one_blank(void **state)
{
    (void)state;
    assert_value("k = a   b\tc  # comment", "k", "a b c");
    assert_value("k=v", "k", "v");
    assert_value("k = \"a   b # } { = \\\" \\n\"", "k", "a   b # } { = \" \n");
    assert_value("k = \"two\\\n lines\"", "k", "two lines");
    assert_value("k = it's 'so'", "k", "it's 'so'");
    assert_value("k = a=b {c", "k", "a=b {c");
    assert_value("k = last", "k", "last");
    assert_value("k = v\r\nj = w\r\n", "k", "v");
    assert_value("\xef\xbb\xbfk = v", "k", "v");
}

static void an_empty_value_is_no_value_unless_quoted(void **state)
{
    (void)state;
    assert_value("k =\nj = x", "k", NULL);
    assert_value("k =\nj = x", "j", "x");
    assert_value("k = \"\"", "k", "");
    assert_value("k = v\nk =", "k", NULL);
}

static void sections_nest_merge_and_may_be_dotted(void **state)
{
    (void)state;
    assert_value("a { b { c = 1 } }", "a.b.c", "1");
    assert_value("a\n{\n b { c = 1\n } }", "a.b.c", "1");
    assert_value("a.b.c = 1", "a.b.c", "1");
    assert_value("a.b { c = 1 }", "a.b.c", "1");
    assert_value("a { c = 1\n d = 2 }\na { c = 3 }", "a.c", "3");
    assert_value("a { c = 1\n d = 2 }\na { c = 3 }", "a.d", "2");
    assert_value("a = 5\na { b = 1 }", "a", "5");
    assert_value("a = 5\na { b = 1 }", "a.b", "1");
    assert_value("tunnel office { peer = x }", "tunnel.office.peer", "x");
    assert_value("includes = 1", "includes", "1");
    assert_value("include = 1", "include", "1");
}

static void positions_are_those_of_the_key_and_its_value(void **state)
{
    (void)state;
    struct loaded *l = load_text("a {\n\n  key  =  value\n}\n");
    const struct setting *s = at(l, "a.key");
    assert_string_equal(s->file, "/etc/x.conf");
    assert_int_equal(s->line, 3);
    assert_int_equal(s->column, 3);
    assert_int_equal(s->value_column, 11);
    unload(l);
}

static void references_inherit_what_is_not_set(void **state)
{
    (void)state;
    const char *text = "base { k = 1\n m = 2\n sub { x = 1\n y = 2 } }\n"
                       "other { k = 9\n z = 9 }\n"
                       "top { one : base, other { m = 3\n sub { y = 5 } }\n two : top.one { k =\n } }\n"
                       "late : later { }\nlater { k = 7 }\n";
    assert_value(text, "top.one.k", "1");
    assert_value(text, "top.one.z", "9");
    assert_value(text, "top.one.m", "3");
    assert_value(text, "top.one.sub.x", "1");
    assert_value(text, "top.one.sub.y", "5");
    assert_value(text, "top.two.k", NULL);
    assert_value(text, "top.two.sub.y", "5");
    assert_value(text, "late.k", "7");
    assert_value(text, "base.m", "2");
}

static void a_path_may_lead_through_inherited_sections(void **state)
{
    (void)state;
    assert_value("d : c.sub { }\nc : b { }\nb { sub { k = 1 } }", "d.k", "1");
}

static void references_that_lead_nowhere_or_in_circles_are_refused(void **state)
{
    (void)state;
    assert_error("a : nobody { }", "/etc/x.conf:1:5", "'nobody', which does not exist");
    assert_error("a : b { }\nb : a { }", "/etc/x.conf:2:5", "inherits from itself");
    assert_error("a : a { }", "/etc/x.conf:1:5", "inherits from itself");
    assert_error("a { b : a { } }", "/etc/x.conf:1:9", "inherits from itself");
}

static void includes_are_relative_to_their_file_and_land_in_their_section(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/x.conf",     "a {\n include d/*.conf\n k = 1\n}\ninclude none/*.conf\n"},
        {"/etc/d/1.conf",   "m = 1\ninclude more.inc\nk = 0\n"                        },
        {"/etc/d/2.conf",   "m = 2\nb { c = 3 }\n"                                    },
        {"/etc/d/more.inc", "n = 4\n"                                                 },
    };
    struct loaded *l = load(files, ARRAY_LEN(files));
    assert_int_equal(l->errs.n, 0);
    assert_string_equal(at(l, "a.m")->value, "2");
    assert_string_equal(at(l, "a.m")->file, "/etc/d/2.conf");
    assert_string_equal(at(l, "a.n")->value, "4");
    assert_string_equal(at(l, "a.b.c")->value, "3");
    assert_string_equal(at(l, "a.k")->value, "1");
    unload(l);
}

static void include_loops_are_refused(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/x.conf", "include y.conf\n"    },
        {"/etc/y.conf", "\n  include x.conf\n"},
    };
    struct loaded *l = load(files, ARRAY_LEN(files));
    assert_int_equal(l->errs.n, 1);
    assert_string_equal(l->v[0].where, "/etc/y.conf:2:11");
    assert_non_null(strstr(l->v[0].what, "includes itself"));
    unload(l);
}

static void errors_tell_line_and_column(void **state)
{
    (void)state;
    assert_error("a {\n  k v\n}", "/etc/x.conf:2:5", "neither a setting nor a section");
    assert_error("a {\n  k = 1\n", "/etc/x.conf:1:3", "not closed");
    assert_error("k = 1\n}\n", "/etc/x.conf:2:1", "nothing to close");
    assert_error("k = \"abc\nj = 2", "/etc/x.conf:1:5", "string is not closed");
    assert_error("= 1", "/etc/x.conf:1:1", "does not begin with a name");
    assert_error("a..b = 1", "/etc/x.conf:1:1", "empty part");
    assert_error("a : { }", "/etc/x.conf:1:5", "inherit from is missing");
    assert_error("word\nk = 1", "/etc/x.conf:1:5", "neither");
}

static void several_errors_are_found_in_one_run(void **state)
{
    (void)state;
    struct loaded *l = load_text("a b c\nk = 1\n= x\nz { y\n }\nm = 2");
    assert_int_equal(l->errs.n, 3);
    assert_string_equal(at(l, "k")->value, "1");
    assert_string_equal(at(l, "m")->value, "2");
    unload(l);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    static char text[20000];
    for (size_t i = 0; i < 5000; i++)
        memcpy(text + 3 * i, "a {", 3);
    struct loaded *l = load_text(text);
    assert_int_equal(l->errs.n, 2 + SETTINGS_MAX_DEPTH - 1); /* once too deep; then each open one, to 33 */
    unload(l);
}

static void inheritance_cannot_blow_up(void **state)
{
    (void)state;
    static char text[8192];
    struct text t = TEXT_ON(text);
    text_str(&t, "s0 { k0 = 1\n k1 = 1\n k2 = 1 }\n");
    for (int i = 1; i < 60; i++) /* doubles each time: 2^60 without a bound */
        text_printf(&t, "s%d { a : s%d { }\n b : s%d { }\n }\n", i, i - 1, i - 1);
    struct loaded *l = load_text(text);
    assert_true(l->tree.n_nodes <= SETTINGS_MAX_NODES);
    unload(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_words_joined_by_one_blank),
        cmocka_unit_test(an_empty_value_is_no_value_unless_quoted),
        cmocka_unit_test(sections_nest_merge_and_may_be_dotted),
        cmocka_unit_test(positions_are_those_of_the_key_and_its_value),
        cmocka_unit_test(references_inherit_what_is_not_set),
        cmocka_unit_test(a_path_may_lead_through_inherited_sections),
        cmocka_unit_test(references_that_lead_nowhere_or_in_circles_are_refused),
        cmocka_unit_test(includes_are_relative_to_their_file_and_land_in_their_section),
        cmocka_unit_test(include_loops_are_refused),
        cmocka_unit_test(errors_tell_line_and_column),
        cmocka_unit_test(several_errors_are_found_in_one_run),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(inheritance_cannot_blow_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
