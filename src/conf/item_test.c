/* SPDX-License-Identifier: Apache-2.0 */
/* What clients load one by one becomes what the same section of swanctl.conf would have become. */
#include "base/log.h"
#include "conf/item.h"
#include "conf/show.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/keys.h"
#include "support/test.h"
#include <stdio.h>

static struct memory_source no_files;

static struct span s(const char *text)
{
    return span_str(text);
}

static void put(struct conf_item *t, const char *key, const char *value)
{
    assert_true(conf_item_value(t, s(key), s(value)));
}

static void open_section(struct conf_item *t, const char *name)
{
    assert_true(conf_item_open(t, s(name)));
}

static void close_section(struct conf_item *t)
{
    assert_true(conf_item_close(t));
}

static struct config *build_beside(struct config *around, struct conf_item *t, struct diag *first)
{
    struct diag d[4] = {{0}};
    struct conf_source src = memory_source(&no_files);
    size_t n = 0;
    around->settings.replay_window = 77;
    struct config *c = conf_item_build(t, &src, "/etc", around, d, ARRAY_LEN(d), &n);
    conf_item_free(t);
    assert_int_equal(c == NULL, n > 0);
    *first = d[0];
    return c;
}

static struct config *build(struct conf_item *t, struct diag *first)
{
    struct config *around = config_new(arena_new(1 << 10));
    struct config *c = build_beside(around, t, first);
    config_unref(around);
    return c;
}

static struct config *good(struct conf_item *t)
{
    struct diag d;
    struct config *c = build(t, &d);
    if (!c)
        fail_msg("%s (%s)", d.what, d.expected);
    return c;
}

static void refused(struct conf_item *t, const char *what)
{
    struct diag d;
    assert_null(build(t, &d));
    if (!strstr(d.what, what))
        fail_msg("'%s' does not say '%s'", d.what, what);
}

static struct conf_item *site(void)
{
    struct conf_item *t = conf_item_new(ITEM_CONNECTION, s("site.one"));
    put(t, "version", "2");
    put(t, "local_addrs", "192.0.2.1");
    put(t, "remote_addrs", "192.0.2.2");
    put(t, "remote_addrs", "192.0.2.3");
    put(t, "proposals", "aes256-sha256-ecp256");
    put(t, "proposals", "default");
    open_section(t, "local-1");
    put(t, "auth", "psk");
    put(t, "id", "moon");
    close_section(t);
    open_section(t, "remote-1");
    put(t, "auth", "psk");
    close_section(t);
    open_section(t, "children");
    open_section(t, "net");
    put(t, "local_ts", "10.1.0.0/16");
    put(t, "local_ts", "10.2.0.0/16[tcp/80]");
    put(t, "start_action", "trap");
    close_section(t);
    close_section(t);
    return t;
}

static void lists_and_sections_are_those_of_swanctl_conf(void **state)
{
    (void)state;
    struct config *c = good(site());
    assert_int_equal(c->n_connections, 1);
    const struct connection *conn = c->connections[0];
    assert_string_equal(conn->name, "site.one");
    assert_string_equal(conn->dialect, "vici");
    assert_int_equal(conn->n_remote_addrs, 2);
    assert_true(conn->proposals.n > 1);
    assert_int_equal(conn->children[0].n_local_ts, 2);
    assert_int_equal(conn->children[0].start_action, START_TRAP);
    assert_int_equal(conn->children[0].replay_window, 77); /* of the settings that it came under */
    config_unref(c);
}

static void the_same_connection_has_the_same_hash(void **state)
{
    (void)state;
    struct config *a = good(site()), *b = good(site());
    struct conf_item *t = site();
    put(t, "mobike", "no");
    struct config *other = good(t);
    assert_true(a->connections[0]->hash == b->connections[0]->hash);
    assert_true(a->connections[0]->hash != other->connections[0]->hash);
    config_unref(a);
    config_unref(b);
    config_unref(other);
}

static void a_wrong_value_is_named_and_nothing_is_built(void **state)
{
    (void)state;
    struct conf_item *t = site();
    put(t, "rekey_time", "soon");
    refused(t, "rekey_time");
    t = site();
    put(t, "no_such_key", "1");
    refused(t, "unknown key 'no_such_key'");
}

static void a_blob_in_a_list_is_a_certificate(void **state)
{
    (void)state;
    struct conf_item *t = conf_item_new(ITEM_CONNECTION, s("certs"));
    open_section(t, "local");
    put(t, "auth", "pubkey");
    put(t, "certs", test_moon);
    close_section(t);
    open_section(t, "remote");
    put(t, "auth", "pubkey");
    put(t, "cacerts", test_ca);
    close_section(t);
    struct config *c = good(t);
    assert_int_equal(c->connections[0]->local.certs.n, 1);
    assert_int_equal(c->connections[0]->remote.cacerts.n, 1);
    config_unref(c);
}

static struct conf_item *shared(const char *type, const char *data)
{
    struct conf_item *t = conf_item_new(ITEM_SHARED, s("ike-1"));
    put(t, "type", type);
    put(t, "data", data);
    return t;
}

static void a_shared_secret_has_its_owners(void **state)
{
    (void)state;
    struct conf_item *t = shared("IKE", "0x6b6579776179");
    put(t, "owners", "moon.example");
    put(t, "owners", "192.0.2.1");
    struct config *c = good(t);
    assert_int_equal(c->n_secrets, 1);
    assert_int_equal(c->secrets[0].n_owners, 2);
    assert_span_equal(secret_view(&c->secrets[0].secret), s("keyway"));
    config_unref(c);
    c = good(shared("ike", "with \001 a control character"));
    assert_span_equal(secret_view(&c->secrets[0].secret), s("with \001 a control character"));
    assert_int_equal(c->secrets[0].n_owners, 0);
    config_unref(c);
    c = good(shared("PPK", "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"));
    assert_int_equal(c->n_ppks, 1);
    config_unref(c);
    refused(shared("FAX", "x"), "unknown type 'FAX'");
}

static struct conf_item *cert(const char *type, const char *flag, const char *data)
{
    struct conf_item *t = conf_item_new(ITEM_CERT, s("c"));
    put(t, "type", type);
    if (flag)
        put(t, "flag", flag);
    put(t, "data", data);
    return t;
}

static void certificates_go_where_their_flag_says(void **state)
{
    (void)state;
    struct config *c = good(cert("X509", "CA", test_ca));
    assert_int_equal(c->cas.n, 1);
    config_unref(c);
    c = good(cert("x509ca", NULL, test_ca));
    assert_int_equal(c->cas.n, 1);
    config_unref(c);
    c = good(cert("X509", "NONE", test_moon));
    assert_int_equal(c->certs.n, 1);
    config_unref(c);
    c = good(cert("X509", "AA", test_ca));
    assert_int_equal(c->aas.n, 1);
    config_unref(c);
    c = good(cert("X509", "OCSP", test_ca));
    assert_int_equal(c->ocsp_signers.n, 1);
    config_unref(c);
    refused(cert("X509", "CA", test_moon), "is not the certificate of an authority");
    refused(cert("X509", "NONE", "no certificate"), "");
    refused(cert("CARD", NULL, test_moon), "unknown type 'CARD'");
}

static void a_key_is_loaded_and_a_locked_one_is_not(void **state)
{
    (void)state;
    struct conf_item *t = conf_item_new(ITEM_KEY, s(""));
    put(t, "type", "any");
    put(t, "data", test_moon_key);
    struct config *c = good(t);
    assert_int_equal(c->n_keys, 1);
    config_unref(c);
    t = conf_item_new(ITEM_KEY, s(""));
    put(t, "data", test_moon_locked);
    refused(t, "encrypted");
    refused(conf_item_new(ITEM_KEY, s("")), "holds no data");
}

static unsigned warnings;

static void count_warnings(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    warnings += e->level == LOG_WARN;
}

static struct conf_item *with_own_certificate(const char *key, const char *value)
{
    struct conf_item *t = conf_item_new(ITEM_CONNECTION, s("own"));
    open_section(t, "local");
    put(t, "auth", "pubkey");
    put(t, key, value);
    close_section(t);
    return t;
}

static void keys_and_certificates_that_were_loaded_before_count(void **state)
{
    (void)state;
    struct diag d;
    struct conf_item *t = conf_item_new(ITEM_KEY, s(""));
    put(t, "data", test_moon_key);
    struct config *parts[2] = {good(t), good(cert("X509", "NONE", test_moon))};
    struct config *around = config_merge(parts, 2, NULL);
    log_set_sink(count_warnings, NULL, LOG_WARN);
    warnings = 0;
    struct config *c = build_beside(around, with_own_certificate("certs", test_moon), &d);
    assert_int_equal(warnings, 0);
    config_unref(c);
    c = build_beside(around, with_own_certificate("id", "C=CH, O=Keyway, CN=moon"), &d);
    assert_int_equal(warnings, 0);
    assert_int_equal(c->connections[0]->local.certs.n, 1);
    config_unref(c);
    c = good(with_own_certificate("certs", test_moon)); /* nothing stands around it */
    assert_int_equal(warnings, 1);
    config_unref(c);
    log_set_sink(NULL, NULL, LOG_WARN);
    config_unref(around);
    config_unref(parts[0]);
    config_unref(parts[1]);
}

static void pools_and_authorities_are_parts_of_their_own(void **state)
{
    (void)state;
    struct conf_item *t = conf_item_new(ITEM_POOL, s("phones"));
    put(t, "addrs", "10.3.0.0/24");
    put(t, "dns", "192.0.2.53");
    put(t, "dns", "192.0.2.54");
    struct config *c = good(t);
    assert_string_equal(c->pools[0].name, "phones");
    assert_int_equal(c->pools[0].n_attrs, 2);
    config_unref(c);
    t = conf_item_new(ITEM_AUTHORITY, s("ours"));
    put(t, "cacert", test_ca);
    put(t, "crl_uris", "http://ca.example/a.crl");
    put(t, "crl_uris", "http://ca.example/b.crl");
    c = good(t);
    assert_int_equal(c->n_authorities, 1);
    assert_int_equal(c->authorities[0].trust.n_crl_uris, 2);
    assert_int_equal(c->cas.n, 1);
    config_unref(c);
}

static void what_no_section_can_hold_is_refused_at_once(void **state)
{
    (void)state;
    struct conf_item *t = conf_item_new(ITEM_CONNECTION, s("deep"));
    unsigned depth = 0;
    while (conf_item_open(t, s("s")))
        depth++;
    assert_true(depth < 20);
    while (depth--)
        assert_true(conf_item_close(t));
    assert_false(conf_item_close(t));
    assert_false(conf_item_value(t, s(""), s("x")));
    assert_false(conf_item_value(t, span_of("a\0b", 3), s("x")));
    size_t n = 0;
    while (conf_item_value(t, s("proposals"), s("aes128-sha256-ecp256")))
        n++;
    assert_in_range(n, 1000, 10000);
    conf_item_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_sections_are_those_of_swanctl_conf),
        cmocka_unit_test(the_same_connection_has_the_same_hash),
        cmocka_unit_test(a_wrong_value_is_named_and_nothing_is_built),
        cmocka_unit_test(a_blob_in_a_list_is_a_certificate),
        cmocka_unit_test(a_shared_secret_has_its_owners),
        cmocka_unit_test(certificates_go_where_their_flag_says),
        cmocka_unit_test(a_key_is_loaded_and_a_locked_one_is_not),
        cmocka_unit_test(keys_and_certificates_that_were_loaded_before_count),
        cmocka_unit_test(pools_and_authorities_are_parts_of_their_own),
        cmocka_unit_test(what_no_section_can_hold_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
