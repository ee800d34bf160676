/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that were added or deleted at run time. */
#include "conf/choice.h"
#include "support/test.h"
#include <stdlib.h>

static void assert_names(const struct choices *c, enum choice what, const char *a, const char *b)
{
    const char **v = choices_names(c, what), *const expected[] = {a, b, NULL};
    for (size_t i = 0; i < 3 && (i == 0 || expected[i - 1]); i++) {
        if (expected[i])
            assert_string_equal(v[i], expected[i]);
        else
            assert_null(v[i]);
    }
    free(v);
}

static void what_is_said_last_of_a_name_counts(void **state)
{
    (void)state;
    struct choices c = {0};
    assert_int_equal(choices_set(&c, "a", CHOICE_ADDED), CHOICE_NONE);
    assert_int_equal(choices_set(&c, "b", CHOICE_ADDED), CHOICE_NONE);
    assert_int_equal(choices_set(&c, "c", CHOICE_DELETED), CHOICE_NONE);
    assert_names(&c, CHOICE_ADDED, "a", "b");
    assert_names(&c, CHOICE_DELETED, "c", NULL);
    assert_int_equal(choices_set(&c, "a", CHOICE_DELETED), CHOICE_ADDED);
    assert_names(&c, CHOICE_ADDED, "b", NULL);
    assert_names(&c, CHOICE_DELETED, "a", "c");
    choices_deinit(&c);
}

static void a_name_is_forgotten(void **state)
{
    (void)state;
    struct choices c = {0};
    choices_set(&c, "a", CHOICE_ADDED);
    choices_set(&c, "b", CHOICE_DELETED);
    assert_int_equal(choices_set(&c, "a", CHOICE_NONE), CHOICE_ADDED);
    assert_int_equal(choices_set(&c, "never", CHOICE_NONE), CHOICE_NONE);
    assert_names(&c, CHOICE_ADDED, NULL, NULL);
    assert_names(&c, CHOICE_DELETED, "b", NULL);
    choices_deinit(&c);
}

static void a_copy_stays_as_it_was(void **state)
{
    (void)state;
    struct choices c = {0};
    choices_set(&c, "a", CHOICE_ADDED);
    struct choices copy = choices_copy(&c);
    choices_set(&c, "a", CHOICE_NONE);
    choices_deinit(&c);
    assert_names(&copy, CHOICE_ADDED, "a", NULL);
    choices_deinit(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_last_of_a_name_counts),
        cmocka_unit_test(a_name_is_forgotten),
        cmocka_unit_test(a_copy_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
