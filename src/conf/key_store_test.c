/* SPDX-License-Identifier: Apache-2.0 */
/* Which folder the key store is looked for in: what any file says is known before the store is opened. */
#include "base/text.h"
#include "conf/conf.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/test.h"

static char asked[256]; /* folders, with who asked */

static size_t store_certs(void *ctx, const char *folder, struct arena *a, struct stored_cert **certs,
                          struct diag *d)
{
    (void)ctx;
    (void)a;
    (void)certs;
    (void)d;
    struct text t = {.buf = asked, .cap = sizeof(asked), .len = strlen(asked)};
    text_printf(&t, "certs %s;", folder ? folder : "-");
    return 0;
}

static struct pkey *store_key(void *ctx, const char *folder, struct arena *a, const struct pkey *public_key,
                              const char **file, struct diag *d)
{
    (void)ctx;
    (void)a;
    (void)public_key;
    (void)file;
    (void)d;
    struct text t = {.buf = asked, .cap = sizeof(asked), .len = strlen(asked)};
    text_printf(&t, "key %s;", folder ? folder : "-");
    return NULL;
}

static void load(const struct memory_file *files, size_t n)
{
    struct diag errors[4] = {0};
    char buf[1024];
    size_t n_errors = 0;
    struct memory_source m = {files, n};
    struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc"};
    src.store_certs = store_certs;
    src.store_key = store_key;
    asked[0] = 0;
    struct config *c = conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
    if (!c)
        fail_msg("%s", diag_format(&errors[0], buf, sizeof(buf)));
    config_unref(c);
}

static const char swanctl[] = "connections { c { local { certs = moon.pem\n } } }";

static void ipsec_conf_says_where_it_is_also_for_the_other_dialects(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {.path = "/etc/ipsec.conf",            .text = "config setup\n nssdir=sql:/srv/nss\n"},
        {.path = "/etc/swanctl/swanctl.conf",  .text = swanctl                               },
        {.path = "/etc/swanctl/x509/moon.pem", .text = test_moon                             },
    };
    load(files, 3);
    assert_string_equal(asked, "certs /srv/nss;key /srv/nss;");
    load(files + 1, 2);
    assert_string_equal(asked, "certs -;key -;");
}

static void the_last_config_setup_counts_and_an_included_one(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {.path = "/etc/ipsec.conf",     .text = "config setup\n nssdir=/srv/a\ninclude /etc/more.conf\n"},
        {.path = "/etc/more.conf",      .text = "config setup\n nssdir=/srv/b\n"                        },
        {.path = "/etc/ipsec.d/x.conf", .text = "config setup\n nssdir=/srv/c\n"                        },
    };
    load(files, 3);
    assert_string_equal(asked, "certs /srv/b;");
    load(files + 2, 1); /* read because there is no ipsec.conf */
    assert_string_equal(asked, "certs /srv/c;");
}

static void keyway_conf_counts_more_and_nss_is_not_ours(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {.path = "/etc/ipsec.conf",         .text = "config setup\n nssdir=/srv/nss\n"  },
        {.path = "/etc/keyway/keyway.conf", .text = "keyway {\n key_store = /srv/own\n}"},
    };
    const struct memory_file nss[] = {
        {.path = "/etc/ipsec.conf", .text = "config setup\n nssdir=/var/lib/ipsec/nss\n"},
    };
    load(files, 2);
    assert_string_equal(asked, "certs /srv/own;");
    load(nss, 1);
    assert_string_equal(asked, "certs -;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipsec_conf_says_where_it_is_also_for_the_other_dialects),
        cmocka_unit_test(the_last_config_setup_counts_and_an_included_one),
        cmocka_unit_test(keyway_conf_counts_more_and_nss_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
