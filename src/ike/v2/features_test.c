/* SPDX-License-Identifier: Apache-2.0 */
/* The table of features: each row does something, in a message that it may take part in, once. */
#include "ike/v2/features.h"
#include "support/test.h"

static void each_row_has_a_message_a_name_and_a_function(void **state)
{
    (void)state;
    for (size_t i = 0; features_at(i); i++) {
        const struct feature_part *p = features_at(i);
        assert_true(p->kind == MSG_INIT_REQUEST || p->kind == MSG_INIT_RESPONSE ||
                    p->kind == MSG_RESUME_REQUEST || p->kind == MSG_RESUME_RESPONSE ||
                    p->kind == MSG_AUTH_REQUEST || p->kind == MSG_AUTH_RESPONSE ||
                    p->kind == MSG_MORE_REQUEST || p->kind == MSG_MORE_RESPONSE);
        assert_true(p->feature && p->feature[0]);
        assert_true(p->put || p->take);
    }
}

static void a_feature_stands_once_in_a_message(void **state)
{
    (void)state;
    for (size_t i = 0; features_at(i); i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(features_at(i)->kind == features_at(k)->kind &&
                         strcmp(features_at(i)->feature, features_at(k)->feature) == 0);
    }
}

/* [RFC7296#2.6] */
static void the_cookie_comes_first(void **state)
{
    (void)state;
    assert_string_equal(features_at(0)->feature, "cookie");
    assert_int_equal(features_at(0)->kind, MSG_INIT_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_a_message_a_name_and_a_function),
        cmocka_unit_test(a_feature_stands_once_in_a_message),
        cmocka_unit_test(the_cookie_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
