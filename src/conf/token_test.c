/* SPDX-License-Identifier: Apache-2.0 */
/* What of a configuration reaches the token, and what is refused before it does. Real tokens: the lab's rows.
 */
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/keys.h"
#include "support/test.h"

static struct diag errors[8];
static size_t n_errors;

/* The last query, and what stands on the token. */
static struct {
    struct token_query q;
    uint8_t handle[8];
    char pin[16], module[64];
    unsigned asked;
} token;

static void note(const struct token_query *q)
{
    token.q = *q;
    token.asked++;
    memcpy(token.handle, q->handle.ptr, q->handle.len < 8 ? q->handle.len : 8);
    strncpy(token.pin, q->pin ? q->pin : "", sizeof(token.pin) - 1);
    strncpy(token.module, q->module ? q->module : "", sizeof(token.module) - 1);
}

static struct pkey *key_there(void *ctx, const struct token_query *q, struct diag *d)
{
    (void)ctx;
    note(q);
    if (q->pin && strcmp(q->pin, "1234") == 0)
        return pkey_load_private(span_str(test_moon_key), span_of(NULL, 0), d);
    diag_set(d, FAIL_CONFIG, "the token in slot 1: the PIN is wrong");
    return NULL;
}

static bool cert_there(void *ctx, struct arena *a, const struct token_query *q, struct span *der,
                       struct diag *d)
{
    (void)ctx;
    (void)a;
    (void)d;
    note(q);
    *der = span_str(test_moon);
    return true;
}

static struct config *load(const char *text, bool has_tokens)
{
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", text}
    };
    struct memory_source m = {files, 1};
    struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc"};
    memset(errors, 0, sizeof(errors));
    memset(&token, 0, sizeof(token));
    if (has_tokens) {
        src.token_key = key_there;
        src.token_cert = cert_there;
    }
    return conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
}

static void a_key_on_a_token_is_asked_for_by_its_handle(void **state)
{
    (void)state;
    struct config *c = load(
        "secrets {\n token-x {\n handle = a1b2\n slot = 7\n module = opensc\n pin = 1234\n }\n}\n", true);
    assert_non_null(c);
    assert_int_equal(c->n_keys, 1);
    assert_int_equal(token.asked, 1);
    assert_int_equal(token.q.slot, 7);
    assert_int_equal(token.q.handle.len, 2);
    assert_memory_equal(token.handle, "\xa1\xb2", 2);
    assert_string_equal(token.pin, "1234");
    assert_string_equal(token.module, "opensc");
    config_unref(c);
}

static void a_certificate_on_a_token_is_one_of_ours(void **state)
{
    (void)state;
    struct config *c =
        load("connections {\n moon {\n local {\n cert-x {\n handle = 0xa1\n }\n }\n remote {\n id = sun\n"
             " }\n } }\nsecrets {\n token-x {\n handle = a1\n pin = 1234\n }\n}\n",
             true);
    assert_non_null(c);
    const struct connection *moon = config_find(c, "moon");
    assert_int_equal(moon->local.certs.n, 1);
    assert_non_null(config_key_for(c, cert_public_key(moon->local.certs.v[0])));
    assert_int_equal(token.q.slot, -1);
    config_unref(c);
}

static void what_cannot_be_on_a_token_is_refused_before_it_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
        unsigned asked;
    } rows[] = {
        {"secrets {\n token-x {\n handle = moon\n pin = 1234\n }\n}\n",              "not an object's handle", 0},
        {"secrets {\n token-x {\n handle = a1\n slot = first\n pin = 1234\n }\n}\n", "not a slot",             0},
        {"secrets {\n token-x {\n pin = 1234\n }\n}\n",                              "has no handle",          0},
        {"secrets {\n token-x {\n handle = a1\n pin = 4321\n }\n}\n",                "the PIN is wrong",       1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[1024];
        assert_null(load(rows[i].text, true));
        if (!strstr(errors[0].what, rows[i].what))
            fail_msg("%s", errors[0].what);
        assert_int_equal(token.asked, rows[i].asked);
        assert_null(strstr(diag_format(&errors[0], text, sizeof(text)), "4321"));
    }
}

static void without_tokens_the_key_is_refused(void **state)
{
    (void)state;
    assert_null(load("secrets {\n token-x {\n handle = a1\n pin = 1234\n }\n}\n", false));
    assert_non_null(strstr(errors[0].what, "there are no tokens here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_on_a_token_is_asked_for_by_its_handle),
        cmocka_unit_test(a_certificate_on_a_token_is_one_of_ours),
        cmocka_unit_test(what_cannot_be_on_a_token_is_refused_before_it_is_asked),
        cmocka_unit_test(without_tokens_the_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
