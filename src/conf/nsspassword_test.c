/* SPDX-License-Identifier: Apache-2.0 */
/* Which passwords a nsspassword file has for the key store. */
#include "base/text.h"
#include "conf/nsspassword.h"
#include "support/test.h"

/* "password|password|", and "cut" when the last line is not whole. */
static const char *passwords_of(const char *file)
{
    static char buf[256];
    struct text t = TEXT_ON(buf);
    struct span rest = span_str(file), token, password;
    bool is_cut = false;
    buf[0] = 0;
    while (nsspassword_next(&rest, &token, &password, &is_cut))
        text_printf(&t, "%.*s|", (int)password.len, (const char *)password.ptr);
    text_str(&t, is_cut ? "cut" : "");
    return buf;
}

static void lines_of_the_store_are_taken_and_those_of_other_tokens_are_not(void **state)
{
    (void)state;
    assert_string_equal(passwords_of("NSS Certificate DB:MyStrongPasswordHere\n"), "MyStrongPasswordHere|");
    assert_string_equal(passwords_of("Card:1\nNSS FIPS 140-2 Certificate DB:2\nNSS Certificate DB:3\n"),
                        "2|3|");
    assert_string_equal(passwords_of("NSS FIPS 140-3 Certificate DB:x\n"), "x|");
    assert_string_equal(passwords_of("NSS Certificate DB 2:x\nNSS Certificate:y\nNSS FIPS:z\n:w\n"), "");
}

static void what_follows_the_first_colon_is_the_password_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(passwords_of("NSS Certificate DB: a:b \n"), " a:b |");
    assert_string_equal(passwords_of("NSS Certificate DB:\n# NSS Certificate DB:a\n\nNSS Certificate DB\n"),
                        "");
}

static void a_last_line_without_its_line_feed_is_not_taken(void **state)
{
    (void)state;
    assert_string_equal(passwords_of("NSS Certificate DB:a\nNSS Certificate DB:b"), "a|cut");
    assert_string_equal(passwords_of("NSS Certificate DB:MyStrong"), "cut");
    assert_string_equal(passwords_of(""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_the_store_are_taken_and_those_of_other_tokens_are_not),
        cmocka_unit_test(what_follows_the_first_colon_is_the_password_as_it_is),
        cmocka_unit_test(a_last_line_without_its_line_feed_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
