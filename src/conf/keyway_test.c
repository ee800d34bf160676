/* SPDX-License-Identifier: Apache-2.0 */
/* keyway.conf's short form: what its tunnels become, and what is refused where. */
#include "base/log.h"
#include "base/time.h"
#include "support/conf_fixture.h"
#include <stdio.h>

static void five_lines_make_a_tunnel(void **state)
{
    (void)state;
    char buf[ID_TEXT_MAX];
    struct config *c = keyway(office);
    assert_int_equal(c->n_connections, 1);
    const struct connection *t = config_find(c, "office");
    assert_non_null(t);
    assert_int_equal(t->version, 2);
    assert_true(ip_equal(t->remote_addrs[0].from, ip4(198, 51, 100, 20)));
    assert_true(t->local_addrs[0].is_any);
    assert_true(t->retries_forever);
    assert_int_equal(t->dpd_delay, 10 * TIME_SECOND);
    assert_int_equal(t->rekey_time, 4 * 3600 * TIME_SECOND);
    assert_int_equal(t->local.method, AUTH_PSK);
    assert_int_equal(t->local.id.type, ID_ANY);
    assert_int_equal(t->remote.method, AUTH_PSK);
    assert_string_equal(identity_format(&t->remote.id, buf), "198.51.100.20");
    assert_int_equal(t->proposals.n, 3);
    const struct child_config *k = connection_child(t, "office");
    assert_non_null(k);
    assert_int_equal(k->n_local_ts, 2);
    assert_int_equal(k->n_remote_ts, 1);
    assert_int_equal(k->start_action, START_START);
    assert_int_equal(k->dpd_action, DPD_RESTART);
    assert_int_equal(k->replay_window, 1024);
    assert_int_equal(k->life.rekey_time, 3600 * TIME_SECOND);
    assert_int_equal(k->life.life_time, 3960 * TIME_SECOND);
    assert_int_equal(k->life.rand_time, 360 * TIME_SECOND);
    assert_int_equal(c->n_secrets, 1);
    assert_span_equal(secret_view(&c->secrets[0].secret), span_str("correct horse"));
    assert_ptr_equal(config_secret_for(c, &t->remote.id, &t->remote.id), &c->secrets[0]);
    config_unref(c);
}

static void a_tunnel_remembers_which_line_decided(void **state)
{
    (void)state;
    struct config *c = keyway(office);
    const struct connection *t = config_find(c, "office");
    assert_int_equal(origin_of(&t->origins, "remote_addrs")->line, 2);
    assert_string_equal(origin_of(&t->origins, "remote_addrs")->file, "/etc/keyway/keyway.conf");
    assert_int_equal(c->secrets[0].origin.line, 3);
    assert_int_equal(origin_of(&t->children[0].origins, "local_ts")->line, 4);
    assert_int_equal(origin_of(&t->origins, "remote.id")->line, 2);
    assert_int_equal(origin_of(&t->origins, "local.auth")->line, 3);
    assert_null(origin_of(&t->origins, "dpd_delay"));
    assert_null(origin_of(&t->children[0].origins, "replay_window"));
    config_unref(c);
}

static char logged[4096];

static void keep(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s\n", e->text);
}

static void traps_in_a_secret_are_warned_of(void **state)
{
    (void)state;
    logged[0] = 0;
    log_set_sink(keep, NULL, LOG_WARN);
    config_unref(keyway("tunnel t {\n peer = 192.0.2.1\n psk = ab#cd\n}"));
    assert_string_equal(logged,
                        "/etc/keyway/keyway.conf:3: the value of psk ends before '#', a comment: quote it if "
                        "it goes on\n");
    logged[0] = 0;
    config_unref(keyway("tunnel t {\n peer = 192.0.2.1\n psk = 'ab cd'\n}"));
    assert_non_null(strstr(logged, "single quotes"));
    logged[0] = 0;
    config_unref(keyway("tunnel t {\n peer = 192.0.2.1 # a peer\n psk = \"ab#cd\" # quoted\n}"));
    assert_string_equal(logged, "");
    log_set_sink(NULL, NULL, LOG_WARN);
}

static void a_tunnel_without_a_peer_waits(void **state)
{
    (void)state;
    struct config *c = keyway("tunnel any { \n psk = x\n peer_id = sun.example\n }");
    assert_true(c->connections[0]->remote_addrs[0].is_any);
    assert_int_equal(c->connections[0]->children[0].start_action, START_NONE);
    assert_false(c->connections[0]->retries_forever);
    assert_int_equal(c->secrets[0].n_owners, 1);
    config_unref(c);
    c = keyway("tunnel any { \n psk = x\n peer = %any, 10.0.0.0/8\n }");
    assert_int_equal(c->connections[0]->children[0].start_action, START_NONE);
    config_unref(c);
    c = keyway("tunnel t {\n peer = 192.0.2.1\n psk = x\n start = trap\n}");
    assert_int_equal(c->connections[0]->children[0].start_action, START_TRAP);
    assert_int_equal(c->connections[0]->children[0].dpd_action, DPD_TRAP);
    assert_false(c->connections[0]->retries_forever);
    config_unref(c);
    c = keyway("tunnel t {\n peer = 192.0.2.1\n psk = x\n start = trap|start\n dpd_action = clear\n}");
    assert_int_equal(c->connections[0]->children[0].start_action, START_BOTH);
    assert_int_equal(c->connections[0]->children[0].dpd_action, DPD_CLEAR);
    assert_true(c->connections[0]->retries_forever);
    config_unref(c);
    c = keyway("tunnel t {\n peer = 192.0.2.1\n psk = x\n start = no\n}");
    assert_int_equal(c->connections[0]->children[0].start_action, START_NONE);
    assert_false(c->connections[0]->retries_forever);
    config_unref(c);
}

static void a_tunnel_with_certificates_finds_its_files(void **state)
{
    (void)state;
    struct config *c =
        keyway("tunnel t {\n peer = 192.0.2.1\n cert = moon.pem\n key = moon.pem\n ca = ca.pem\n"
               " id = moon.example\n peer_id = sun.example\n}");
    const struct connection *t = c->connections[0];
    assert_int_equal(t->local.method, AUTH_PUBKEY);
    assert_int_equal(t->local.certs.n, 1);
    assert_int_equal(t->remote.cacerts.n, 1);
    assert_int_equal(c->cas.n, 1);
    assert_non_null(config_key_for(c, cert_public_key(t->local.certs.v[0])));
    config_unref(c);
}

static void nobody_is_who_is_said_to_be_nobody(void **state)
{
    (void)state;
    struct config *c = keyway("tunnel t {\n peer = 192.0.2.1\n auth = null\n peer_auth = null\n}");
    const struct connection *t = c->connections[0];
    assert_int_equal(t->local.method, AUTH_NULL);
    assert_int_equal(t->remote.method, AUTH_NULL);
    assert_int_equal(t->local.id.type, ID_NULL);
    assert_int_equal(t->remote.id.type, ID_NULL);
    assert_int_equal(c->n_secrets, 0);
    config_unref(c);
    c = keyway("tunnel t {\n psk = x\n peer_auth = null\n}");
    assert_int_equal(c->connections[0]->local.method, AUTH_PSK);
    assert_int_equal(c->connections[0]->remote.method, AUTH_NULL);
    config_unref(c);
    c = keyway(
        "tunnel t {\n peer = 192.0.2.1\n auth = null\n peer_auth = pubkey\n ca = ca.pem\n peer_id = s\n}");
    assert_int_equal(c->connections[0]->local.method, AUTH_NULL);
    assert_int_equal(c->connections[0]->remote.method, AUTH_PUBKEY);
    config_unref(c);
    c = swanctl("connections { t { remote { auth = null\n } local { auth = null\n id = moon\n } } }");
    assert_int_equal(c->connections[0]->local.id.type, ID_FQDN); /* for people who look for a fault */
    assert_int_equal(c->connections[0]->remote.id.type, ID_NULL);
    assert_int_equal(c->connections[0]->dpd_delay, 60 * TIME_SECOND);
    config_unref(c);
}

static void nobody_is_not_made_by_mistake(void **state)
{
    (void)state;
#define AT(place) "/etc/keyway/keyway.conf:" place
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n auth = null\n psk = x\n}", AT("3:9"),
                      "how does the peer prove who it is?");
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n auth = null\n peer_auth = psk\n}", AT("1:1"),
                      "neither psk nor cert");
    refused_by_keyway("tunnel t {\n psk = x\n peer_auth = null\n peer_id = sun\n}", AT("4:2"),
                      "an identity that the peer does not prove");
    refused_by_keyway("tunnel t {\n psk = x\n peer_id = %null\n}", AT("3:2"), "%null is who does not prove");
    refused_by_keyway("tunnel t {\n psk = x\n peer_auth = null\n ca = ca.pem\n}", AT("4:2"),
                      "meets no demands");
}

static void a_psk_may_stand_in_a_file_or_in_hex(void **state)
{
    (void)state;
    struct config *c = keyway("tunnel a {\n peer = 192.0.2.1\n psk = file:office.psk\n}\n"
                              "tunnel b {\n peer = 192.0.2.2\n psk = 0x0102\n}\n"
                              "tunnel c {\n peer = 192.0.2.3\n psk = 0sAQI=\n}\n");
    assert_span_equal(secret_view(&c->secrets[0].secret), span_str("from a file"));
    assert_span_equal(secret_view(&c->secrets[1].secret), hex("0102"));
    assert_span_equal(secret_view(&c->secrets[2].secret), hex("0102"));
    config_unref(c);
}

static void tunnels_inherit_and_conf_d_is_read(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/keyway/keyway.conf",   "site {\n psk = x\n proposals = aes256-sha256-x25519\n}\n"},
        {"/etc/keyway/conf.d/a.conf", "tunnel a : site {\n peer = 192.0.2.1\n}\n"               },
        {"/etc/keyway/conf.d/b.conf", "tunnel b : site {\n peer = 192.0.2.2\n}\n"               },
    };
    struct config *c = load_files(files, ARRAY_LEN(files), "keyway");
    assert_non_null(c);
    assert_int_equal(c->n_connections, 2);
    assert_int_equal(c->connections[1]->proposals.n, 1);
    assert_int_equal(c->n_secrets, 2);
    assert_string_equal(origin_of(&c->connections[0]->origins, "proposals")->file, "/etc/keyway/keyway.conf");
    config_unref(c);
}

static void bad_tunnels_are_refused_by_line(void **state)
{
    (void)state;
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n}", "/etc/keyway/keyway.conf:1:1",
                      "neither psk nor cert");
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n pks = x\n}", "/etc/keyway/keyway.conf:3:2",
                      "did you mean 'psk'?");
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1 psk = x\n}", "/etc/keyway/keyway.conf:2:9",
                      "a line of its own");
    refused_by_keyway("tunnel t {\n psk = x\n start = trap\n}", "/etc/keyway/keyway.conf:3:10",
                      "without a peer");
    refused_by_keyway("tunnel t {\n psk = x\n start = yes\n}", "/etc/keyway/keyway.conf:3:10",
                      "without a peer");
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n psk = file:no\n}", "/etc/keyway/keyway.conf:3:8",
                      "no such file");
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n psk = x\n local = 10.0.0.0/40\n}",
                      "/etc/keyway/keyway.conf:4:10", "10.0.0.0/40");
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n cert = no.pem\n}", "/etc/keyway/keyway.conf:3:9",
                      "no such certificate");
    refused_by_keyway("tunel t {\n}", "/etc/keyway/keyway.conf:1:1", "did you mean 'tunnel'?");
    refused_by_keyway("tunnel t {\n psk = x\n dpd {\n }\n}", "/etc/keyway/keyway.conf:3:2",
                      "unknown section");
}

static void a_tunnels_ppk_is_required_unless_it_says_otherwise(void **state)
{
    (void)state;
    struct config *c = keyway("tunnel t {\n peer = 192.0.2.1\n psk = x\n ppk = " PPK32 "\n ppk_id = t\n }\n"
                              "tunnel u {\n peer = 192.0.2.2\n psk = x\n ppk = file:office.psk\n ppk_id = u\n"
                              " ppk_required = no\n }\n");
    const struct connection *t = config_find(c, "t"), *u = config_find(c, "u");
    assert_true(t->ppk_required && !u->ppk_required);
    assert_true(
        span_equal(secret_view(&config_ppk_for(c, u->ppk_id->data)->secret), span_str("from a file")));
    config_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tunnels_ppk_is_required_unless_it_says_otherwise),
        cmocka_unit_test(five_lines_make_a_tunnel),
        cmocka_unit_test(a_tunnel_remembers_which_line_decided),
        cmocka_unit_test(traps_in_a_secret_are_warned_of),
        cmocka_unit_test(a_tunnel_without_a_peer_waits),
        cmocka_unit_test(a_tunnel_with_certificates_finds_its_files),
        cmocka_unit_test(nobody_is_who_is_said_to_be_nobody),
        cmocka_unit_test(nobody_is_not_made_by_mistake),
        cmocka_unit_test(a_psk_may_stand_in_a_file_or_in_hex),
        cmocka_unit_test(tunnels_inherit_and_conf_d_is_read),
        cmocka_unit_test(bad_tunnels_are_refused_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
