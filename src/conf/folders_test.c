/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials from the folders that swanctl, keyway and ipsec have, and raw public keys in configurations. */
#include "base/log.h"
#include "conf/show.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/acerts.h"
#include "support/keys.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

static struct diag errors[16];
static size_t n_errors;
static char lines[16][1024];
static size_t n_lines;

static void keep(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    if (n_lines < ARRAY_LEN(lines))
        snprintf(lines[n_lines++], sizeof(lines[0]), "%s", e->text);
}

/* A key store with the test's key alone, when it has one. */
static const char *stored;

static struct pkey *store_key(void *ctx, const char *folder, struct arena *a, const struct pkey *public_key,
                              const char **file, struct diag *d)
{
    (void)ctx;
    (void)folder;
    (void)a;
    *file = "/var/lib/ipsec/nss/x.key.db";
    struct pkey *k = stored ? pkey_load_private(span_str(stored), span_of(NULL, 0), d) : NULL;
    if (!k || pkey_same(k, public_key))
        return k;
    pkey_unref(k);
    return NULL;
}

static struct stored_cert stored_certs[2];
static size_t n_stored_certs;

static size_t store_certs(void *ctx, const char *folder, struct arena *a, struct stored_cert **certs,
                          struct diag *d)
{
    (void)ctx;
    (void)folder;
    (void)a;
    diag_clear(d);
    *certs = stored_certs;
    return n_stored_certs;
}

static struct config *load(const struct memory_file *files, size_t n)
{
    struct memory_source m = {files, n};
    struct conf_source src = memory_source(&m);
    src.store_key = store_key;
    src.store_certs = store_certs;
    const struct conf_request req = {.etc = "/etc"};
    memset(errors, 0, sizeof(errors));
    n_lines = 0;
    log_set_sink(keep, NULL, LOG_NOTICE);
    struct config *c = conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
    log_set_sink(NULL, NULL, LOG_WARN);
    return c;
}

static struct config *good(const struct memory_file *files, size_t n)
{
    struct config *c = load(files, n);
    char buf[2048];
    if (!c)
        fail_msg("%s", diag_format(&errors[0], buf, sizeof(buf)));
    return c;
}

static const char *line_with(const char *part)
{
    for (size_t i = 0; i < n_lines; i++) {
        if (strstr(lines[i], part))
            return lines[i];
    }
    return NULL;
}

/* A file of tests/vectors, kept until the test ends. */
static struct memory_file vector(const char *path, const char *name)
{
    struct span s = key_file(name);
    char *copy = test_malloc(s.len + 1);
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return (struct memory_file){path, copy, s.len, false};
}

#define RAW_25519 "0sAAAAC3NzaC1lZDI1NTE5AAAAID3cidexkT4JyvzvqWL94VFJhKgFeIVSCCjjFSNcCvzW"

static void swanctls_folders_are_loaded(void **state)
{
    (void)state;
    static const char conf[] = "secrets {\n pkcs12-moon {\n file = moon.p12\n secret = moonlight\n }\n"
                               " ecdsa-locked {\n file = locked.pem\n secret = sesame\n }\n}\n";
    struct memory_file p12 = vector("/etc/swanctl/pkcs12/moon.p12", "../pkcs12/modern.p12");
    struct memory_file pub = vector("/etc/swanctl/pubkey/sun.pub", "ed25519-2.openssh.pub");
    struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",     conf            },
        {"/etc/swanctl/x509/moon.pem",    test_moon       },
        {"/etc/swanctl/x509ca/ca.pem",    test_ca         },
        {"/etc/swanctl/x509aa/aa.pem",    test_ca         },
        {"/etc/swanctl/x509ac/moon.pem",  acert_groups    },
        {"/etc/swanctl/ecdsa/locked.pem", test_moon_locked},
        {"p12",                           ""              },
        {"pub",                           ""              },
    };
    files[6] = p12;
    files[7] = pub;
    struct config *c = good(files, ARRAY_LEN(files));
    assert_int_equal(c->n_keys, 2);
    assert_int_equal(c->certs.n, 2); /* moon.pem and the container's */
    assert_int_equal(c->cas.n, 2);   /* likewise */
    assert_int_equal(c->aas.n, 1);
    assert_int_equal(c->n_acerts, 1);
    assert_int_equal(c->pubkeys.n, 1);
    assert_int_equal(pkey_type(c->pubkeys.v[0]), PKEY_ED25519);
    for (size_t i = 0; i < c->certs.n; i++)
        assert_non_null(config_key_for(c, cert_public_key(c->certs.v[i])));
    config_unref(c);
    test_free((void *)p12.text);
    test_free((void *)pub.text);
}

static void a_container_without_its_passphrase_says_what_to_write(void **state)
{
    (void)state;
    struct memory_file p12 = vector("/etc/swanctl/pkcs12/moon.p12", "../pkcs12/modern.p12");
    struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", ""},
        {"p12",                       ""}
    };
    files[1] = p12;
    assert_null(load(files, ARRAY_LEN(files)));
    assert_non_null(strstr(errors[0].where, "/etc/swanctl/pkcs12/moon.p12"));
    assert_non_null(strstr(errors[0].what, "the passphrase does not open"));
    assert_string_equal(errors[0].try,
                        "a section pkcs12-NAME of secrets with file = moon.p12 and its secret");
    test_free((void *)p12.text);
}

static void a_private_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"/etc/swanctl/private/moon.pem", "/etc/swanctl/rsa/moon.pem",
                                        "/etc/swanctl/pkcs12/moon.p12"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct memory_file files[] = {
            {"/etc/swanctl/swanctl.conf", ""           },
            {paths[i],                    test_moon_key},
        };
        files[1].is_open = true;
        char want[128];
        snprintf(want, sizeof(want), "chmod 600 %s", paths[i]);
        assert_null(load(files, ARRAY_LEN(files)));
        assert_int_equal(n_errors, 1);
        assert_non_null(strstr(errors[0].what, "others can read"));
        assert_string_equal(errors[0].try, want);
    }
    static const char tunnel[] = "tunnel t {\n peer = 192.0.2.1\n cert = x.pem\n key = /root/x.key\n}\n";
    struct memory_file named[] = {
        {"/etc/keyway/keyway.conf", tunnel       },
        {"/etc/keyway/x.pem",       test_moon    },
        {"/root/x.key",             test_moon_key},
    };
    named[2].is_open = true;
    assert_null(load(named, ARRAY_LEN(named)));
    assert_string_equal(errors[0].try, "chmod 600 /root/x.key");
}

static void a_configuration_with_a_secret_that_others_can_read_is_refused(void **state)
{
    (void)state;
    static const char *const confs[][2] = {
        {"/etc/swanctl/swanctl.conf", "secrets {\n ike-a {\n secret = x\n }\n}\n"                        },
        {"/etc/swanctl/swanctl.conf", "secrets {\n rsa-a {\n secret = x\n file = y\n }\n}\n"             },
        {"/etc/keyway/keyway.conf",   "tunnel t {\n peer = 192.0.2.1\n psk = x\n}\n"                     },
        {"/etc/keyway/keyway.conf",   "tunnel t {\n peer = 192.0.2.1\n psk = file:/etc/keyway/x.psk\n}\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(confs); i++) {
        struct memory_file files[] = {
            {confs[i][0],         confs[i][1]},
            {"/etc/keyway/x.psk", "x"        },
        };
        char want[128], where[128];
        const bool is_elsewhere = i == 3;
        files[0].is_open = true;
        snprintf(want, sizeof(want), "chmod 600 %s", confs[i][0]);
        snprintf(where, sizeof(where), "%s:3:", confs[i][0]);
        struct config *c = load(files, ARRAY_LEN(files));
        assert_int_equal(c != NULL, is_elsewhere);
        config_unref(c);
        if (is_elsewhere)
            continue;
        assert_int_equal(n_errors, 1);
        assert_non_null(strstr(errors[0].what, "a secret stands here: others can read"));
        assert_string_equal(errors[0].try, want);
        assert_non_null(strstr(errors[0].where, where));
    }
}

#define NAMES_MOON                                                                                           \
    "connections {\n moon {\n remote_addrs = 192.0.2.1\n local {\n certs = /etc/ipsec.d/certs/moon.pem\n "   \
    "}\n"                                                                                                    \
    " remote {\n id = sun\n }\n } }\n"

static void a_key_in_ipsec_d_is_found_for_a_certificate_that_is_named(void **state)
{
    (void)state;
    struct memory_file other = vector("/etc/ipsec.d/private/another.pem", "p256.sec1.pem");
    struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",           NAMES_MOON      },
        {"/etc/ipsec.d/certs/moon.pem",         test_moon       },
        {"/etc/ipsec.d/cacerts/ca.pem",         test_ca         },
        {"/etc/ipsec.d/aacerts/aa.pem",         test_ca         },
        {"/etc/ipsec.d/acerts/moon.pem",        acert_groups    },
        {"/etc/ipsec.d/private/locked.pem",     test_moon_locked},
        {"another",                             ""              },
        {"/etc/ipsec.d/private/vpnHostKey.pem", test_moon_key   },
        {"/etc/ipsec.d/reqs/moon.req",          "not looked at" },
    };
    files[6] = other;
    struct config *c = good(files, ARRAY_LEN(files));
    assert_int_equal(c->n_keys, 1);
    assert_int_equal(c->cas.n, 1);
    assert_int_equal(c->aas.n, 1);
    assert_int_equal(c->n_acerts, 1);
    assert_int_equal(n_lines, 1);
    assert_non_null(line_with("connection moon: the private key of C=CH, O=Keyway, CN=moon is in "
                              "/etc/ipsec.d/private/vpnHostKey.pem"));
    assert_non_null(line_with("': ECDSA vpnHostKey.pem' in ipsec.secrets"));
    assert_string_equal(c->keys[0].origin.file, "/etc/ipsec.d/private/vpnHostKey.pem");
    config_unref(c);
    test_free((void *)other.text);
}

static void a_key_in_ipsec_d_that_nobody_needs_stays_there(void **state)
{
    (void)state;
    static const char conf[] =
        "connections {\n moon {\n local {\n auth = psk\n } remote {\n auth = psk\n } } }";
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",           conf         },
        {"/etc/ipsec.d/certs/moon.pem",         test_moon    },
        {"/etc/ipsec.d/private/vpnHostKey.pem", test_moon_key},
    };
    struct config *c = good(files, ARRAY_LEN(files));
    assert_int_equal(c->n_keys, 0);
    assert_int_equal(c->certs.n, 1);
    assert_int_equal(n_lines, 0);
    config_unref(c);
}

static void a_key_in_ipsec_d_that_others_can_read_is_not_taken(void **state)
{
    (void)state;
    struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",           NAMES_MOON   },
        {"/etc/ipsec.d/certs/moon.pem",         test_moon    },
        {"/etc/ipsec.d/private/vpnHostKey.pem", test_moon_key},
    };
    files[2].is_open = true;
    struct config *c = good(files, ARRAY_LEN(files));
    assert_int_equal(c->n_keys, 0);
    assert_non_null(line_with("try: chmod 600 /etc/ipsec.d/private/vpnHostKey.pem"));
    assert_non_null(line_with("no private key for certificate"));
    config_unref(c);
}

static void a_key_that_no_folder_has_is_found_in_the_key_store(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",           NAMES_MOON   },
        {"/etc/ipsec.d/certs/moon.pem",         test_moon    },
        {"/etc/ipsec.d/private/vpnHostKey.pem", test_moon_key},
    };
    stored = test_moon_key;
    struct config *c = good(files, 2);
    assert_int_equal(c->n_keys, 1);
    assert_int_equal(n_lines, 1);
    assert_non_null(
        line_with("connection moon: the private key of C=CH, O=Keyway, CN=moon is in the key store: "
                  "/var/lib/ipsec/nss/x.key.db"));
    assert_string_equal(c->keys[0].origin.file, "/var/lib/ipsec/nss/x.key.db");
    config_unref(c);
    c = good(files, ARRAY_LEN(files)); /* the folder comes first */
    assert_string_equal(c->keys[0].origin.file, "/etc/ipsec.d/private/vpnHostKey.pem");
    config_unref(c);
    stored = "rubbish";
    c = good(files, 2);
    assert_int_equal(c->n_keys, 0);
    assert_non_null(line_with("the key store is passed over: "));
    assert_non_null(line_with("no private key for certificate"));
    config_unref(c);
    stored = NULL;
}

static void a_certificate_of_the_key_store_is_named_by_its_nickname(void **state)
{
    (void)state;
    static const char conf[] =
        "connections {\n moon {\n remote_addrs = 192.0.2.1\n local {\n certs = \"the moon\"\n "
        "} remote {\n auth = pubkey\n } } }";
    const struct memory_file file = {"/etc/swanctl/swanctl.conf", conf};
    stored = test_moon_key;
    stored_certs[0] = (struct stored_cert){.nickname = "the moon", .der = span_str(test_moon)};
    stored_certs[1] = (struct stored_cert){.nickname = "CA", .der = span_str(test_ca), .is_trusted = true};
    n_stored_certs = 2;
    struct config *c = good(&file, 1);
    assert_string_equal(cert_subject_text(config_find(c, "moon")->local.certs.v[0]),
                        "C=CH, O=Keyway, CN=moon");
    assert_int_equal(c->n_keys, 1);
    assert_int_equal(c->cas.n, 1);
    assert_true(cert_is_ca(c->cas.v[0]));
    config_unref(c);
    stored_certs[1].is_trusted = false;
    c = good(&file, 1);
    assert_int_equal(c->cas.n, 0);
    config_unref(c);
    n_stored_certs = 0;
    stored = NULL;
    assert_null(load(&file, 1));
    assert_non_null(strstr(errors[0].what, "no such certificate file"));
    assert_non_null(strstr(errors[0].expected, "a nickname of the key store"));
}

static void rubbish_in_ipsec_d_is_passed_over(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",   ""                    },
        {"/etc/ipsec.d/cacerts/README", "certificates go here"},
        {"/etc/ipsec.d/cacerts/ca.pem", test_ca               },
    };
    struct config *c = good(files, ARRAY_LEN(files));
    assert_int_equal(c->cas.n, 1);
    assert_non_null(line_with("/etc/ipsec.d/cacerts/README is passed over"));
    config_unref(c);
}

static void raw_public_keys_come_from_files_and_values(void **state)
{
    (void)state;
    static const char conf[] = "connections {\n moon {\n local {\n pubkeys = moon.pub\n id = moon\n }\n"
                               " remote {\n id = sun\n pubkeys = " RAW_25519 ", moon.pub\n }\n } }\n";
    struct memory_file own = vector("/etc/swanctl/private/moon.key", "p256.sec1.pem");
    struct memory_file pub = vector("/etc/swanctl/pubkey/moon.pub", "p256.spki.der");
    struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", conf},
        {"own",                       ""  },
        {"pub",                       ""  },
    };
    files[1] = own;
    files[2] = pub;
    struct config *c = good(files, ARRAY_LEN(files));
    const struct connection *moon = config_find(c, "moon");
    assert_int_equal(moon->local.pubkeys.n, 1);
    assert_int_equal(moon->remote.pubkeys.n, 2);
    assert_int_equal(pkey_type(moon->remote.pubkeys.v[0]), PKEY_ED25519);
    assert_non_null(config_key_for(c, moon->local.pubkeys.v[0]));
    assert_int_equal(n_lines, 0);
    config_unref(c);
    test_free((void *)own.text);
    test_free((void *)pub.text);
}

static void a_tunnel_of_raw_keys_is_five_lines(void **state)
{
    (void)state;
    static const char conf[] =
        "tunnel office {\n peer = 198.51.100.20\n key = moon.key\n peer_pubkey = sun.pub\n"
        " local = 10.1.0.0/24\n remote = 10.2.0.0/24\n}\n";
    struct memory_file pub = vector("/etc/keyway/pubkey/sun.pub", "ed25519-2.openssh.pub");
    struct memory_file files[] = {
        {"/etc/keyway/keyway.conf",      conf         },
        {"/etc/keyway/private/moon.key", test_moon_key},
        {"pub",                          ""           },
    };
    files[2] = pub;
    struct config *c = good(files, ARRAY_LEN(files));
    const struct connection *office = config_find(c, "office");
    assert_int_equal(office->local.method, AUTH_PUBKEY);
    assert_int_equal(office->remote.method, AUTH_PUBKEY);
    assert_int_equal(office->local.pubkeys.n, 1);
    assert_ptr_equal(config_key_for(c, office->local.pubkeys.v[0]), c->keys[0].key);
    assert_int_equal(office->remote.pubkeys.n, 1);
    assert_int_equal(pkey_type(office->remote.pubkeys.v[0]), PKEY_ED25519);
    assert_int_equal(office->remote.id.type, ID_IPV4_ADDR);
    config_unref(c);
    test_free((void *)pub.text);
    files[0].text = "tunnel office {\n peer = 198.51.100.20\n peer_pubkey = " RAW_25519 "\n}\n";
    assert_null(load(files, 1));
    assert_non_null(strstr(errors[0].what, "our own key is not there"));
}

static void what_is_no_public_key_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *value, *what;
    } rows[] = {
        {"absent.pub", "no such public key file"                        },
        {"0sAAAA",     "not a public key in the value"                  },
        {"bad.pub",    "not a public key in /etc/swanctl/pubkey/bad.pub"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        snprintf(text, sizeof(text), "connections {\n moon {\n remote {\n pubkeys = %s\n }\n } }\n",
                 rows[i].value);
        const struct memory_file files[] = {
            {"/etc/swanctl/swanctl.conf",   text     },
            {"/etc/swanctl/pubkey/bad.pub", "rubbish"},
        };
        assert_null(load(files, ARRAY_LEN(files)));
        bool is_told = false;
        for (size_t k = 0; k < n_errors; k++)
            is_told |= strstr(errors[k].what, rows[i].what) && strstr(errors[k].where, ":4:");
        assert_true(is_told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swanctls_folders_are_loaded),
        cmocka_unit_test(a_container_without_its_passphrase_says_what_to_write),
        cmocka_unit_test(a_private_key_that_others_can_read_is_refused),
        cmocka_unit_test(a_configuration_with_a_secret_that_others_can_read_is_refused),
        cmocka_unit_test(a_key_in_ipsec_d_is_found_for_a_certificate_that_is_named),
        cmocka_unit_test(a_key_in_ipsec_d_that_nobody_needs_stays_there),
        cmocka_unit_test(a_key_in_ipsec_d_that_others_can_read_is_not_taken),
        cmocka_unit_test(a_key_that_no_folder_has_is_found_in_the_key_store),
        cmocka_unit_test(a_certificate_of_the_key_store_is_named_by_its_nickname),
        cmocka_unit_test(rubbish_in_ipsec_d_is_passed_over),
        cmocka_unit_test(raw_public_keys_come_from_files_and_values),
        cmocka_unit_test(a_tunnel_of_raw_keys_is_five_lines),
        cmocka_unit_test(what_is_no_public_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
