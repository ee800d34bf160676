/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate is called: a nickname of the key store before a file in its folder, before one of
 * ipsec.d, before a path. */
#include "base/log.h"
#include "conf/build.h"
#include "conf/errors.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/test.h"

static struct diag errors[4];
static struct errors errs;

static const char *store_folder(void *ctx, const char *folder, struct arena *a)
{
    (void)ctx;
    return arena_strdup(a, folder ? folder : "/var/lib/ipsec/nss");
}

/* "moon", "ca" or "none": which certificate the name stands for. */
static const char *named(const char *name, const struct memory_file *files, size_t n_files,
                         const char *nssdir, const char *nickname)
{
    struct memory_source m = {files, n_files};
    struct conf_source src = memory_source(&m);
    struct arena *a = arena_new(1 << 20);
    struct stored_cert stored = {.nickname = nickname, .der = span_str(test_ca)};
    const struct setting key = {.name = "leftcert",
                                .written = "leftcert",
                                .value = name,
                                .file = "/etc/ipsec.conf",
                                .line = 3,
                                .value_line = 3};
    struct config config = {.settings = {.key_store = nssdir}};
    struct builder b = {.src = &src,
                        .config = &config,
                        .errs = &errs,
                        .a = a,
                        .scratch = a,
                        .ipsec_d = "/etc/ipsec.d",
                        .stored = &stored,
                        .n_stored = nickname ? 1 : 0};
    src.store_folder = store_folder;
    memset(errors, 0, sizeof(errors));
    errs = (struct errors){errors, ARRAY_LEN(errors), 0};
    struct cert *c = build_named_cert(&b, &key, name);
    const char *word = c ? cert_is_ca(c) ? "ca" : "moon" : "none";
    cert_unref(c);
    for (size_t i = 0; i < config.n_cert_files; i++)
        cert_unref(config.cert_files[i].cert);
    arena_free(a);
    return word;
}

static void a_nickname_comes_before_files_and_the_store_before_ipsec_d(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/var/lib/ipsec/nss/east",  test_moon},
        {"/etc/ipsec.d/certs/east",  test_ca  },
        {"/srv/nss/west",            test_moon},
        {"/etc/ipsec.d/certs/north", test_moon},
        {"/root/moon.pem",           test_moon},
    };
    assert_string_equal(named("east", files, 5, NULL, "east"), "ca");
    assert_string_equal(named("east", files, 5, NULL, NULL), "moon");
    assert_string_equal(named("east", files, 5, "/srv/nss", NULL), "ca");
    assert_string_equal(named("west", files, 5, "/srv/nss", NULL), "moon");
    assert_string_equal(named("north", files, 5, NULL, "south"), "moon");
    assert_string_equal(named("/root/moon.pem", files, 5, NULL, NULL), "moon");
    assert_int_equal(errs.n, 0);
}

static void what_is_nowhere_or_no_certificate_is_an_error_where_it_is_named(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/ipsec.d/certs/bad", "rubbish"}
    };
    assert_string_equal(named("south", files, 1, NULL, NULL), "none");
    assert_string_equal(errors[0].what, "leftcert: no such certificate: south");
    assert_non_null(strstr(errors[0].where, "/etc/ipsec.conf:3"));
    assert_non_null(strstr(errors[0].expected, "/etc/ipsec.d/certs"));
    assert_string_equal(named("bad", files, 1, NULL, NULL), "none");
    assert_non_null(strstr(errors[0].what, "not a certificate in /etc/ipsec.d/certs/bad"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nickname_comes_before_files_and_the_store_before_ipsec_d),
        cmocka_unit_test(what_is_nowhere_or_no_certificate_is_an_error_where_it_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
