/* SPDX-License-Identifier: Apache-2.0 */
/* Records for the data plane are deep copies: the engine's arena is gone when they are read. */
#include "support/test.h"
#include "sys/dataplane_record.h"

static void an_sa_is_copied_with_its_keys_and_names(void **state)
{
    (void)state;
    char name[] = "office";
    struct esp_sa sa = {.spi = 0x1234, .encr_key_len = 4, .encr_key = "key", .connection = name};
    struct action a = {.kind = ACTION_SA_ADD, .sa = &sa};
    struct dataplane_record *r = dataplane_record_new(&a);
    memset(&sa, 0xff, sizeof(sa));
    memset(name, 'x', sizeof(name) - 1);
    assert_int_equal(r->action.kind, ACTION_SA_ADD);
    assert_int_equal(r->action.sa->spi, 0x1234);
    assert_memory_equal(r->action.sa->encr_key, "key", 4);
    assert_string_equal(r->action.sa->connection, "office");
    assert_null(r->action.sa->child);
    dataplane_record_free(r);
}

static void a_policy_is_copied_and_its_removal_carries_the_id(void **state)
{
    (void)state;
    struct esp_policy p = {.id = 7, .reqid = 3};
    struct action add = {.kind = ACTION_POLICY_ADD, .policy = &p}, del = {.kind = ACTION_POLICY_DEL, .id = 7};
    struct dataplane_record *r = dataplane_record_new(&add), *s = dataplane_record_new(&del);
    p.id = 0;
    assert_int_equal(r->action.policy->id, 7);
    assert_int_equal(s->action.id, 7);
    dataplane_record_free(r);
    dataplane_record_free(s);
}

static void other_actions_are_not_the_data_planes(void **state)
{
    (void)state;
    struct action a = {.kind = ACTION_SEND};
    assert_null(dataplane_record_new(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sa_is_copied_with_its_keys_and_names),
        cmocka_unit_test(a_policy_is_copied_and_its_removal_carries_the_id),
        cmocka_unit_test(other_actions_are_not_the_data_planes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
