/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "support/test.h"
#include <stdio.h>
#include <string.h>

static char heard[4096];

static void keep(void *ctx, const struct log_entry *e)
{
    size_t at = strlen(heard);
    (void)ctx;
    snprintf(heard + at, sizeof(heard) - at, "%s%d %s|%llu %s\n", log_group_name(e->group),
             log_level_number(e->level), e->ike_name ? e->ike_name : "", (unsigned long long)e->ike_id,
             e->text);
}

static void say_one_of_each_level(enum log_group group)
{
    for (int l = LOG_ERR; l <= LOG_TRACE; l++)
        log_line(group, (enum log_level)l, "%s", log_level_name((enum log_level)l));
}

static void each_group_is_heard_up_to_its_own_level(void **state)
{
    struct log_levels levels;
    (void)state;
    memset(levels.of, 1, sizeof(levels.of));
    levels.of[GROUP_KNL] = 3;
    levels.of[GROUP_NET] = -1;
    levels.of[GROUP_ENC] = 0;
    heard[0] = 0;
    log_set_sink(keep, NULL, LOG_NOTICE);
    log_set_levels(&levels);
    say_one_of_each_level(GROUP_IKE);
    say_one_of_each_level(GROUP_NET);
    say_one_of_each_level(GROUP_ENC);
    say_one_of_each_level(GROUP_KNL);
    assert_string_equal(heard, "IKE0 |0 error\nIKE0 |0 warning\nIKE0 |0 audit\nIKE1 |0 notice\n"
                               "ENC0 |0 error\nENC0 |0 warning\nENC0 |0 audit\n"
                               "KNL0 |0 error\nKNL0 |0 warning\nKNL0 |0 audit\nKNL1 |0 notice\n"
                               "KNL2 |0 detail\nKNL3 |0 trace\n");
    assert_true(log_wants(GROUP_KNL, LOG_TRACE));
    assert_false(log_wants(GROUP_NET, LOG_ERR));
    log_set_sink(NULL, NULL, LOG_ERR);
}

static void a_line_says_which_ike_sa_it_is_about_and_stays_one_line(void **state)
{
    (void)state;
    heard[0] = 0;
    log_set_sink(keep, NULL, LOG_NOTICE);
    log_line_about(&(struct log_entry){.group = GROUP_CHD,
                                       .level = LOG_NOTICE,
                                       .ike_name = "home",
                                       .ike_id = 7,
                                       .text = "50%s\nof\x1b[31m it"});
    assert_string_equal(heard, "CHD1 home|7 50%s of [31m it\n");
    log_set_sink(NULL, NULL, LOG_ERR);
}

static void groups_have_names_that_are_found_again(void **state)
{
    enum log_group g;
    (void)state;
    for (int i = 0; i < LOG_GROUPS; i++) {
        assert_non_null(log_group_name((enum log_group)i));
        assert_true(log_group_named(log_group_name((enum log_group)i), &g));
        assert_int_equal(g, i);
    }
    assert_true(log_group_named("knl", &g));
    assert_int_equal(g, GROUP_KNL);
    assert_false(log_group_named("kn", &g));
    assert_false(log_group_named("", &g));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_group_is_heard_up_to_its_own_level),
        cmocka_unit_test(a_line_says_which_ike_sa_it_is_about_and_stays_one_line),
        cmocka_unit_test(groups_have_names_that_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
