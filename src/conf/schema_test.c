/* SPDX-License-Identifier: Apache-2.0 */
/* Walks THE table: every key takes effect or is refused by name and line; and the manual page is the table's.
 * Set KEYWAY_UPDATE=1 to rewrite man/keyway.conf.5. */
#include "base/log.h"
#include "base/text.h"
#include "conf/schema.h"
#include "conf/show.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

#define KEYWAY_CONF  "/etc/keyway/keyway.conf"
#define SWANCTL_CONF "/etc/swanctl/swanctl.conf"

/* Where a scope's key stands: the text around it. The key is on line 3 always. */
static const struct {
    const char *path, *before, *after;
} frames[SCOPE_COUNT] = {
    [SCOPE_CONNECTION] = {SWANCTL_CONF,           "connections { c { local { auth = psk\n }\n",
                          "} }\npools { main { } }"                                                                         },
    [SCOPE_LOCAL] = {SWANCTL_CONF,           "connections { c { remote { id = a\n } local {\n",               "} } }"  },
    [SCOPE_REMOTE] = {SWANCTL_CONF,           "connections { c { local { auth = psk\n } remote {\n",           "} } }"  },
    [SCOPE_CERT] = {SWANCTL_CONF,           "connections { c {\n local { cert1 {\n",                         "} } } }"},
    [SCOPE_CACERT] = {SWANCTL_CONF,           "connections { c {\n remote { cacert1 {\n",                      "} } } }"},
    [SCOPE_CHILD] = {SWANCTL_CONF,           "connections { c { remote_addrs = 192.0.2.1\n children { n {\n",
                          "} } } }"                                                                                         },
    [SCOPE_PPK] = {SWANCTL_CONF,           "secrets {\n ppk-x {\n",                                         "} }"    },
    [SCOPE_EAP] = {SWANCTL_CONF,           "secrets {\n eap-x {\n",                                         "} }"    },
    [SCOPE_PKCS12] = {SWANCTL_CONF,           "secrets {\n pkcs12-x {\n",                                      "} }"    },
    [SCOPE_TOKEN] = {SWANCTL_CONF,           "secrets {\n token-x {\n",                                       "} }"    },
    [SCOPE_POOL] = {SWANCTL_CONF,           "pools {\n p {\n",                                               "} }"    },
    [SCOPE_AUTHORITY] = {SWANCTL_CONF,           "authorities {\n a {\n",                                         "} }"    },
    [SCOPE_TUNNEL] = {KEYWAY_CONF,            "tunnel t {\n\n",                                                "}"      },
    [SCOPE_GLOBAL] = {KEYWAY_CONF,            "keyway {\n\n",                                                  "}"      },
    [SCOPE_CHARON] = {"/etc/strongswan.conf", "charon {\n\n",                                                  "}"      },
    [SCOPE_FILELOG] = {"/etc/strongswan.conf", "charon { filelog { x {\n\n",                                    "} } }"  },
    [SCOPE_SYSLOG] = {"/etc/strongswan.conf", "charon { syslog { daemon {\n\n",                                "} } }"  },
    [SCOPE_JOURNAL] = {"/etc/strongswan.conf", "charon-systemd { journal {\n\n",                                "} }"    },
};

static struct diag errors[16];
static size_t n_errors;

static struct config *load(const char *path, const char *text)
{
    const struct memory_file files[] = {
        {path,                        text            },
        {"/etc/swanctl/x509/x.pem",   test_moon       },
        {"/etc/swanctl/x509ca/x.pem", test_ca         },
        {"/etc/ipsec.d/certs/x.pem",  test_moon       },
        {"/etc/keyway/x.pem",         test_moon       },
        {"/etc/keyway/ca/x.pem",      test_ca         },
        {"/root/x.pem",               test_moon_key   },
        {"/etc/keyway/locked.pem",    test_moon_locked},
    };
    struct memory_source m = {files, ARRAY_LEN(files)};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc"};
    memset(errors, 0, sizeof(errors));
    return conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
}

static void collect(void *ctx, const char *text)
{
    text_str(ctx, text);
}

/* A snapshot without its origins, as text: what "changes nothing" is measured by. */
static char *picture(const struct config *c)
{
    size_t cap = 1 << 20;
    struct text t = {.buf = calloc(1, cap), .cap = cap};
    const struct conf_sink sink = {&t, collect};
    conf_show(c, NULL, false, &sink);
    char *to = t.buf;
    for (char *from = t.buf; *from; from++) {
        if (strncmp(from, "  # ", 4) == 0)
            from += strcspn(from, "\n");
        *to++ = *from;
    }
    *to = 0;
    t.len = (size_t)(to - t.buf);
    for (size_t i = 0; i < c->n_secrets; i++)
        text_hex(&t, secret_view(&c->secrets[i].secret));
    return t.buf;
}

/* The scope's frame with the key on line 3, and what the rest needs to be sound. value NULL: without it. */
static struct config *load_key(const struct schema_row *r, const char *value)
{
    char text[2048] = "";
    struct text t = TEXT_ON(text);
    char numbered[64];
    const char *key = r->key[0] ? r->key : r->scope == SCOPE_POOL ? "25" : "ike";
    if (strcmp(key, "plugins.attr.") == 0) {
        snprintf(numbered, sizeof(numbered), "%s25", key);
        key = numbered;
    }
    text_str(&t, frames[r->scope].before);
    if (value)
        text_printf(&t, "%s = %s\n", key, value);
    if (r->scope == SCOPE_TUNNEL) {
        bool is_auth = strcmp(key, "psk") == 0 || strcmp(key, "cert") == 0;
        bool is_of_certs = strcmp(key, "groups") == 0;
        text_str(&t, is_of_certs ? "cert = x.pem\n" : is_auth && value ? "" : "psk = x\n");
        text_str(&t, strcmp(key, "peer") == 0 && value ? "" : "peer = 192.0.2.200\n");
        bool is_of_pool =
            strcmp(key, "exclude") == 0 || strcmp(key, "dns") == 0 || strcmp(key, "domains") == 0;
        text_str(&t, is_of_pool ? "pool = 10.3.0.0/28\n" : "");
    }
    text_str(&t, frames[r->scope].after);
    return load(frames[r->scope].path, text);
}

static void check_effective(const struct schema_row *r)
{
    char buf[2048];
    if (!r->example)
        fail_msg("%s.%s has no example", schema_scope_path(r->scope), r->key);
    const char *value = r->example;
    if (strcmp(value, "0x00") == 0)
        value = "x.pem"; /* certificates: a file that is there */
    struct config *with = load_key(r, value);
    if (!with)
        fail_msg("%s.%s = %s: %s", schema_scope_path(r->scope), r->key, value,
                 diag_format(&errors[0], buf, sizeof(buf)));
    struct config *without = load_key(r, NULL);
    if (!without)
        fail_msg("%s without %s: %s", schema_scope_path(r->scope), r->key,
                 diag_format(&errors[0], buf, sizeof(buf)));
    char *a = picture(with), *b = picture(without);
    bool same_hash = with->n_connections == 0 || with->connections[0]->hash == without->connections[0]->hash;
    if (strcmp(a, b) == 0)
        fail_msg("%s.%s = %s changes nothing that is shown", schema_scope_path(r->scope), r->key, value);
    bool is_of_connection = r->scope <= SCOPE_CHILD || (r->scope == SCOPE_TUNNEL && r->maps);
    if (is_of_connection && same_hash && strcmp(r->key, "ca") != 0)
        fail_msg("%s.%s = %s does not change the hash", schema_scope_path(r->scope), r->key, value);
    free(a);
    free(b);
    config_unref(with);
    config_unref(without);
}

static bool accepts(const struct schema_row *r, const char *word)
{
    return r->accepts && strstr(r->accepts, word);
}

static void check_refused(const struct schema_row *r)
{
    const char *value = accepts(r, "no") ? "yes" : accepts(r, "yes") ? "no" : "77";
    char name[64];
    struct config *c = load_key(r, value);
    if (c)
        fail_msg("%s.%s = %s is accepted without effect", schema_scope_path(r->scope), r->key, value);
    snprintf(name, sizeof(name), "'%s'", r->key[0] ? r->key : "dns");
    const char *line = strstr(errors[0].where, ":3:");
    if (n_errors != 1 || !strstr(errors[0].what, name) || !line || !strstr(errors[0].what, r->reason))
        fail_msg("%s.%s: '%s' at %s", schema_scope_path(r->scope), r->key, errors[0].what, errors[0].where);
    char first[64] = "";
    if (r->accepts)
        snprintf(first, sizeof(first), "%.*s", (int)strcspn(r->accepts, ","), r->accepts);
    c = r->accepts ? load_key(r, first) : NULL;
    if (r->accepts && !c)
        fail_msg("%s.%s = %s is refused", schema_scope_path(r->scope), r->key, first);
    if (c)
        config_unref(c);
}

static void every_key_takes_effect_or_is_refused_by_name_and_line(void **state)
{
    (void)state;
    size_t effective = 0, refused = 0;
    for (size_t i = 0; schema_at(i); i++) {
        const struct schema_row *r = schema_at(i);
        bool elsewhere = r->scope == SCOPE_IKE || r->scope == SCOPE_PRIVATE || r->scope == SCOPE_PKCS12 ||
                         r->scope == SCOPE_TOKEN || (r->scope == SCOPE_CERT && strcmp(r->key, "file") != 0) ||
                         r->scope == SCOPE_PPK || strncmp(r->key, "ppk", 3) == 0; /* load_test.c has them */
        bool is_passphrase = r->scope == SCOPE_TUNNEL && strcmp(r->key, "passphrase") == 0;
        if (r->scope >= SCOPE_IPSEC_SETUP)
            continue; /* below */
        if (r->status == EFFECTIVE && !elsewhere && !is_passphrase)
            check_effective(r);
        if (r->status == REFUSED)
            check_refused(r);
        effective += r->status == EFFECTIVE;
        refused += r->status == REFUSED;
    }
    print_message("%zu keys take effect, %zu are refused by name\n", effective, refused);
}

/* ---- ipsec.conf */

static char warnings[8192];

static void note(void *ctx, const struct log_entry *e)
{
    size_t len = strlen(warnings);
    (void)ctx;
    if (e->level == LOG_WARN)
        snprintf(warnings + len, sizeof(warnings) - len, "%s\n", e->text);
}

/* The key with its value, or none, among what makes a file of one connection. */
static struct config *load_ipsec(const struct schema_row *r, enum dialect d, const char *value)
{
    char text[2048] = "", line[512] = "";
    struct text t = TEXT_ON(text);
    bool is_setup = r->scope == SCOPE_IPSEC_SETUP, is_end = r->scope == SCOPE_IPSEC_END;
    bool is_own = strcmp(r->key, "cert") == 0 || strcmp(r->key, "updown") == 0;
    if (value)
        snprintf(line, sizeof(line), " %s%s%s=%s\n", is_end ? (is_own ? "left" : "right") : "", r->key,
                 r->has_suffix ? "x" : "", value);
    bool is_of_logfile = strcmp(r->key, "logappend") == 0 || strcmp(r->key, "logtime") == 0;
    text_printf(&t, "# keyway: dialect=%s\nconfig setup\n%s%s",
                d == DIALECT_STRONGSWAN ? "strongswan" : "libreswan", is_setup ? line : "",
                is_of_logfile ? " logfile=/var/log/pluto.log\n" : "");
    text_printf(&t, "conn t\n%s", is_setup ? "" : line);
    text_str(&t, " left=192.0.2.1\n right=192.0.2.2\n");
    text_str(&t, value && strcmp(r->key, "auto") == 0 ? "" : " auto=add\n");
    if (strncmp(r->key, "margin", 6) == 0)
        text_str(&t, " lifebytes=2000000\n lifepackets=2000000\n");
    text_str(&t, strcmp(r->key, "redirect_to") == 0 ? " send-redirect=yes\n" : "");
    text_str(&t, "conn base\n rekeymargin=2m\n");
    warnings[0] = 0;
    log_set_sink(note, NULL, LOG_WARN);
    struct config *c = load("/etc/ipsec.conf", text);
    log_set_sink(NULL, NULL, LOG_ERR);
    char buf[2048];
    if (!c)
        fail_msg("%s\n%s", text, diag_format(&errors[0], buf, sizeof(buf)));
    return c;
}

static size_t n_silent;

static void check_ipsec_row(const struct schema_row *r, enum dialect d)
{
    if (r->status == EFFECTIVE && strcmp(r->example, "@") == 0)
        return; /* tests/conf/ipsec has them */
    const char *value = r->example             ? r->example
                        : r->kind == KIND_BOOL ? (r->accepts && strstr(r->accepts, "yes") ? "no" : "yes")
                        : r->kind == KIND_WORD ? r->words[0].word
                                               : "77";
    struct config *with = load_ipsec(r, d, value);
    struct config *without = load_ipsec(r, d, NULL);
    char *a = picture(with), *b = picture(without);
    config_unref(with);
    with = load_ipsec(r, d, value); /* its warnings */
    if (r->status == EFFECTIVE && strcmp(a, b) == 0)
        n_silent++, print_message("%s.%s=%s changes nothing that is shown\n", schema_scope_path(r->scope),
                                  r->key, value);
    if (r->status == IGNORED && strcmp(a, b) != 0)
        n_silent++, print_message("%s.%s=%s changes something\n", schema_scope_path(r->scope), r->key, value);
    bool is_told = strstr(warnings, r->key) && (r->status == UNBUILT || strstr(warnings, "without effect"));
    bool may_be_silent = r->status == EFFECTIVE || !r->reason[0] || (r->accepts && strstr(r->accepts, value));
    if (!is_told && !may_be_silent)
        n_silent++, print_message("%s.%s=%s is silently without effect: %s\n", schema_scope_path(r->scope),
                                  r->key, value, warnings);
    if (r->status == UNBUILT && with->n_connections != 0)
        n_silent++, print_message("%s is taken\n", r->key);
    free(a);
    free(b);
    config_unref(with);
    config_unref(without);
}

static void every_key_of_ipsec_conf_takes_effect_or_says_that_it_has_none(void **state)
{
    (void)state;
    size_t n;
    const struct schema_row *rows = schema_ipsec_rows(&n);
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].dialects != 0);
        if (rows[i].scope == SCOPE_IPSEC_CA)
            continue;
        if (rows[i].dialects & DIALECT_LIBRESWAN)
            check_ipsec_row(&rows[i], DIALECT_LIBRESWAN);
        if ((rows[i].dialects & DIALECT_STRONGSWAN) && strcmp(rows[i].key, "pfs") != 0)
            check_ipsec_row(&rows[i], DIALECT_STRONGSWAN);
        for (const struct schema_word *w = rows[i].words; w && w->word; w++) {
            struct config *c = w->refused
                                   ? load_ipsec(&rows[i],
                                                rows[i].dialects & DIALECT_LIBRESWAN ? DIALECT_LIBRESWAN
                                                                                     : DIALECT_STRONGSWAN,
                                                w->word)
                                   : NULL;
            if (!c)
                continue;
            assert_int_equal(c->n_connections, 0);
            assert_non_null(strstr(warnings, w->refused));
            config_unref(c);
        }
    }
    assert_int_equal(n_silent, 0);
}

static void a_tunnels_passphrase_opens_its_key(void **state)
{
    (void)state;
    struct config *c =
        load(KEYWAY_CONF, "tunnel t {\n cert = x.pem\n key = locked.pem\n passphrase = sesame\n}");
    assert_non_null(c);
    assert_int_equal(c->n_keys, 1);
    config_unref(c);
    assert_null(load(KEYWAY_CONF, "tunnel t {\n cert = x.pem\n key = locked.pem\n passphrase = wrong\n}"));
}

static void no_key_is_there_twice_and_each_has_words_for_the_manual(void **state)
{
    (void)state;
    for (size_t i = 0; schema_at(i); i++) {
        const struct schema_row *r = schema_at(i);
        assert_non_null(r->doc);
        if (r->status == REFUSED)
            assert_non_null(r->reason);
        for (size_t k = 0; k < i; k++) {
            if (schema_at(k)->scope == r->scope && strcmp(schema_at(k)->key, r->key) == 0)
                fail_msg("%s.%s is there twice", schema_scope_path(r->scope), r->key);
        }
    }
}

static void refused_words_are_refused_with_their_reason(void **state)
{
    (void)state;
    for (size_t i = 0; schema_at(i); i++) {
        if (schema_at(i)->scope >= SCOPE_IPSEC_SETUP)
            continue; /* above */
        for (const struct schema_word *w = schema_at(i)->words; w && w->word; w++) {
            struct config *c = load_key(schema_at(i), w->word);
            if (!c != !!w->refused)
                fail_msg("%s = %s", schema_at(i)->key, w->word);
            if (c)
                config_unref(c);
        }
    }
}

static void the_schema_and_the_model_have_the_same_defaults(void **state)
{
    (void)state;
    struct settings model;
    settings_defaults(&model);
    struct config *c = load("/etc/strongswan.conf", "charon { }");
    c->settings.origins = (struct origins){0};
    assert_memory_equal(&c->settings, &model, sizeof(model));
    config_unref(c);
}

static void check_page(const char *path, void (*write_page)(const struct conf_sink *sink))
{
    size_t cap = 1 << 20;
    struct text t = {.buf = calloc(1, cap), .cap = cap};
    const struct conf_sink sink = {&t, collect};
    write_page(&sink);
    bool update = getenv("KEYWAY_UPDATE") != NULL;
    FILE *f = fopen(path, update ? "w+" : "r");
    if (!f)
        fail_msg("%s is missing: run this test with KEYWAY_UPDATE=1", path);
    if (update)
        fwrite(t.buf, 1, t.len, f);
    rewind(f);
    char *have = calloc(1, cap);
    size_t n = fread(have, 1, cap - 1, f);
    fclose(f);
    if (n != t.len || memcmp(have, t.buf, n) != 0)
        fail_msg("%s is not up to date: run this test with KEYWAY_UPDATE=1", path);
    free(have);
    free(t.buf);
}

static void the_manual_pages_are_what_the_schema_says(void **state)
{
    (void)state;
    check_page("man/keyway.conf.5", conf_reference_write);
    check_page("man/ipsec.conf.5", conf_reference_write_ipsec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_takes_effect_or_is_refused_by_name_and_line),
        cmocka_unit_test(every_key_of_ipsec_conf_takes_effect_or_says_that_it_has_none),
        cmocka_unit_test(a_tunnels_passphrase_opens_its_key),
        cmocka_unit_test(no_key_is_there_twice_and_each_has_words_for_the_manual),
        cmocka_unit_test(refused_words_are_refused_with_their_reason),
        cmocka_unit_test(the_schema_and_the_model_have_the_same_defaults),
        cmocka_unit_test(the_manual_pages_are_what_the_schema_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
