/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/strongswan_options.h"
#include "support/test.h"

#define PATH_LEN 256

/* A path that the table's patterns stand for. */
static void write_path(char path[PATH_LEN], const char *section, const char *name, int len)
{
    struct text t = {.buf = path, .cap = PATH_LEN};
    path[0] = 0;
    text_printf(&t, "%s.%.*s", section, len, name);
    for (char *p = path; *p; p++)
        *p = *p == '*' ? 'x' : *p == '#' ? '5' : *p;
}

static void check_option(const char *section, const char *name, int len)
{
    char path[PATH_LEN], near[PATH_LEN];
    struct text t = TEXT_ON(near);
    write_path(path, section, name, len);
    if (!strongswan_has_option(path))
        fail_msg("%s is not there", path);
    char *dot = strrchr(path, '.');
    assert_true(strongswan_has_section(section));
    if (strpbrk(name, "*#") || len < 3)
        return;
    /* with a typing error, the next thing to it is meant */
    char typed = dot[2];
    dot[2] = '_';
    if (typed == '_' || strongswan_has_option(path))
        return;
    if (!strongswan_suggest(path, false, &t))
        fail_msg("%s is not taken for %.*s", path, len, name);
    if (len > 5 && strncmp(near, name, (size_t)len) != 0 && strlen(near) != (size_t)len)
        fail_msg("%s is taken for %s", path, near);
}

static void every_option_of_strongswan_is_known_and_found_behind_a_typing_error(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct strongswan_options *o = strongswan_options; o->section; o++) {
        for (const char *at = o->names; *at; at += strspn(at, " "), n++) {
            size_t len = strcspn(at, " ");
            check_option(o->section, at, (int)len);
            at += len;
        }
    }
    print_message("%zu options\n", n);
    assert_true(n > 500);
}

static void every_plugin_has_a_section_with_load_in_it(void **state)
{
    (void)state;
    char path[PATH_LEN];
    for (const char *at = strongswan_plugins; *at; at += strspn(at, " ")) {
        int len = (int)strcspn(at, " ");
        write_path(path, "charon.plugins", at, len);
        assert_true(strongswan_has_section(path));
        strcat(path, ".load");
        assert_true(strongswan_has_option(path));
        at += len;
    }
    assert_false(strongswan_has_section("charon.plugins.eap-raduis"));
    assert_false(strongswan_has_option("charon.plugins.eap-raduis.load"));
    assert_false(strongswan_has_option("charon.plugins.updown.load.more"));
}

static void relatives_of_charon_have_what_charon_has(void **state)
{
    (void)state;
    assert_true(strongswan_has_option("charon-systemd.plugins.updown.dns_handler"));
    assert_true(strongswan_has_option("charon-systemd.journal.ike"));
    assert_true(strongswan_has_option("charon-nm.ca_dir"));
    assert_true(strongswan_has_option("libstrongswan.integrity_test"));
    assert_true(strongswan_has_option("libtls.suites"));
    assert_true(strongswan_has_option("charon-cmd.port"));
    assert_false(strongswan_has_option("charon.ca_dir"));
    assert_false(strongswan_has_option("starter.port"));
    assert_false(strongswan_has_option("charon"));
    assert_false(strongswan_has_option("charon.plugins"));
    assert_false(strongswan_has_option("charon.tls"));
    assert_false(strongswan_has_section("charon.port"));
    assert_true(strongswan_has_option("charon.filelog./var/log/charon.log.ike"));
    assert_true(strongswan_has_option("charon.plugins.attr.25"));
    assert_false(strongswan_has_option("charon.plugins.attr.25a"));
}

static void assert_meant(const char *path, bool is_section, const char *want)
{
    char near[PATH_LEN] = "";
    struct text t = TEXT_ON(near);
    bool found = strongswan_suggest(path, is_section, &t);
    if (found != (want != NULL) || (want && strcmp(near, want) != 0))
        fail_msg("%s is taken for %s", path, found ? near : "nothing");
}

static void what_was_meant_is_beside_it_or_the_only_one_of_its_name(void **state)
{
    (void)state;
    assert_meant("charon.plugins.eap-radius.servers.main.adress", false, "address");
    assert_meant("charon.plugins.vicy", true, "vici");
    assert_meant("charno", true, "charon");
    assert_meant("charon-systemd.journel", true, "journal");
    assert_meant("dns_handler", false, "charon.plugins.updown.dns_handler");
    assert_meant("charon.dns_handler", false, "charon.plugins.updown.dns_handler");
    assert_meant("charon.fwmark", false, NULL); /* of three plugins */
    assert_meant("charon.prot", false, "port");
    assert_meant("charon.nothing_of_the_kind", false, NULL);
    assert_meant("charon.plugins.nothing_of_the_kind", true, NULL);
}

static size_t count(const char *word, const char *last)
{
    char path[PATH_LEN] = "";
    size_t at = 0, n = 0;
    for (;; n++) {
        struct text t = TEXT_ON(path);
        if (!strongswan_next(word, &at, &t))
            break;
    }
    assert_string_equal(path, last);
    return n;
}

static void options_are_found_by_name_and_by_path(void **state)
{
    (void)state;
    assert_int_equal(count("dns_handler", "charon.plugins.updown.dns_handler"), 1);
    assert_int_equal(count("charon.threads", "charon.threads"), 1);
    assert_int_equal(count("dns_handle", ""), 0);
    assert_int_equal(count("database", "sw-collector.database"), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_of_strongswan_is_known_and_found_behind_a_typing_error),
        cmocka_unit_test(every_plugin_has_a_section_with_load_in_it),
        cmocka_unit_test(relatives_of_charon_have_what_charon_has),
        cmocka_unit_test(options_are_found_by_name_and_by_path),
        cmocka_unit_test(what_was_meant_is_beside_it_or_the_only_one_of_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
