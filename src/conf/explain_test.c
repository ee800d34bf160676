/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/explain.h"
#include "support/test.h"
#include <stdio.h>

static bool finds(const char *word, const struct schema_row *wanted)
{
    const struct schema_row *r;
    size_t at = 0;
    while ((r = explain_next(word, &at))) {
        if (r == wanted)
            return true;
    }
    return false;
}

static size_t count(const char *word)
{
    size_t at = 0, n = 0;
    while (explain_next(word, &at))
        n++;
    return n;
}

static void every_row_is_found_by_each_of_its_names(void **state)
{
    (void)state;
    const struct schema_row *r;
    char name[128], word[64];
    for (size_t i = 0; (r = schema_at(i)); i++) {
        const char *side = r->scope == SCOPE_IPSEC_END ? "right" : "";
        snprintf(name, sizeof(name), "%s%s", side, r->key);
        if (*name && !finds(name, r))
            fail_msg("%s of %s is not found", name, schema_scope_path(r->scope));
        for (const char *at = r->aliases; at && *at; at += strspn(at, " ")) {
            int n = (int)strcspn(at, " ");
            snprintf(word, sizeof(word), "%s%.*s", side, n, at);
            if (!finds(word, r))
                fail_msg("%s of %s is not found", word, schema_scope_path(r->scope));
            at += n;
        }
    }
}

static void every_row_says_what_it_takes_and_whether_it_has_an_effect(void **state)
{
    (void)state;
    const struct schema_row *r;
    struct explanation e;
    for (size_t i = 0; (r = schema_at(i)); i++) {
        explain_row(r, &e);
        if (!e.takes[0] || !e.effect[0] || !r->doc || !r->doc[0])
            fail_msg("%s of %s is not explained", r->key, schema_scope_path(r->scope));
        if (e.is_effective != (strcmp(e.effect, "yes") == 0))
            fail_msg("%s of %s: effect: %s", r->key, schema_scope_path(r->scope), e.effect);
        if (!e.is_effective && r->reason && !strstr(e.effect, r->reason))
            fail_msg("%s of %s hides why it has no effect", r->key, schema_scope_path(r->scope));
        if ((r->scope >= SCOPE_IPSEC_SETUP) != (e.whose != NULL))
            fail_msg("%s of %s: whose is it?", r->key, schema_scope_path(r->scope));
        for (const struct schema_word *w = r->words; w && w->word; w++) {
            if (!strstr(e.takes, w->word))
                fail_msg("%s of %s does not tell the word %s", r->key, schema_scope_path(r->scope), w->word);
        }
        if (strlen(e.takes) + 1 == sizeof(e.takes) || strlen(e.effect) + 1 == sizeof(e.effect))
            fail_msg("%s of %s is cut", r->key, schema_scope_path(r->scope));
    }
}

static void a_key_may_have_its_sections_in_front(void **state)
{
    (void)state;
    const struct schema_row *ts = schema_find(SCOPE_CHILD, "local_ts");
    static const char *const words[] = {"local_ts", "children.local_ts", "children.lan.local_ts",
                                        "connections.office.children.lan.local_ts", "LOCAL_TS"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!finds(words[i], ts))
            fail_msg("%s", words[i]);
    }
    assert_false(finds("pools.local_ts", ts) && finds("pools.x.local_ts", ts));
    assert_false(finds("charon.retransmit_tries.local_ts", ts));
    assert_int_equal(count("charon.retransmit_tries"), 1);
    assert_int_equal(count("keyway.retransmit_tries"), 1);
    assert_int_equal(count("retransmit_tries"), 2);
    assert_true(finds("charon.plugins.unbound.resolv_conf",
                      schema_find(SCOPE_CHARON, "plugins.unbound.resolv_conf")));
    assert_true(finds("conn.ikelifetime", schema_find(SCOPE_IPSEC_CONN, "ikelifetime")));
}

static void spellings_of_ipsec_conf_are_one(void **state)
{
    (void)state;
    const struct schema_row *dpd = schema_find(SCOPE_IPSEC_CONN, "keylife");
    assert_non_null(dpd);
    assert_true(finds("ipsec-lifetime", dpd) && finds("salifetime", dpd) && finds("KeyLife", dpd));
    const struct schema_row *subnet = schema_find(SCOPE_IPSEC_END, "subnet");
    assert_true(finds("leftsubnet", subnet) && finds("right-subnet", subnet) && finds("subnet", subnet));
    const struct schema_row *end = schema_find(SCOPE_IPSEC_END, "");
    assert_true(finds("left", end) && finds("right", end));
    assert_false(finds("", end));
    assert_int_equal(count("Local-TS"), 0); /* swanctl.conf knows no dashes */
}

static void defaults_of_both_dialects_are_told(void **state)
{
    (void)state;
    struct explanation e;
    explain_row(schema_find(SCOPE_IPSEC_CONN, "ikelifetime"), &e);
    assert_string_equal(e.def_libreswan, "28800");
    assert_string_equal(e.def_strongswan, "10800");
    assert_string_equal(e.whose, "Libreswan and strongSwan");
    explain_row(schema_find(SCOPE_IPSEC_CONN, "mobike"), &e);
    assert_string_equal(e.becomes, "connections.<conn>.mobike");
    explain_row(schema_find(SCOPE_IPSEC_CONN, "type"), &e);
    assert_string_equal(e.becomes, "connections.<conn>.children.<child>.mode");
    explain_row(schema_find(SCOPE_IPSEC_END, "ikeport"), &e);
    assert_string_equal(e.becomes, "connections.<conn>.local_port, remote_port");
    assert_string_equal(e.key, "leftikeport, rightikeport");
    explain_row(schema_find(SCOPE_CONNECTION, "window"), &e);
    assert_string_equal(e.takes, "a number from 1 to 16");
    assert_string_equal(e.def, "1");
}

static void what_nothing_is_called_by_has_neighbours(void **state)
{
    (void)state;
    const char *near[EXPLAIN_NEAR];
    size_t n = explain_near("leftsubent", near);
    assert_true(n >= 1);
    assert_string_equal(near[0], "subnet");
    n = explain_near("connections.office.propsals", near);
    assert_true(n >= 1);
    assert_string_equal(near[0], "proposals");
    assert_int_equal(count("propsals"), 0);
    assert_int_equal(explain_near("zzzzzzzzzzzz", near), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_each_of_its_names),
        cmocka_unit_test(every_row_says_what_it_takes_and_whether_it_has_an_effect),
        cmocka_unit_test(a_key_may_have_its_sections_in_front),
        cmocka_unit_test(spellings_of_ipsec_conf_are_one),
        cmocka_unit_test(defaults_of_both_dialects_are_told),
        cmocka_unit_test(what_nothing_is_called_by_has_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
