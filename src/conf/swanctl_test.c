/* SPDX-License-Identifier: Apache-2.0 */
/* swanctl.conf: what its connections and secrets become, and what is refused where. */
#include "base/time.h"
#include "support/conf_fixture.h"
#include <stdio.h>

static const char gateway[] =
    "conn-base {\n"
    "  version = 2\n"
    "  local { auth = pubkey\n certs = moon.pem\n id = moon.example\n }\n"
    "}\n"
    "connections {\n"
    "  gw : conn-base {\n"
    "    remote_addrs = 192.0.2.2, 198.51.100.0/24, 10.0.0.1-10.0.0.9, sun.example\n"
    "    mobike = no\n"
    "    proposals = aes256-sha256-x25519, default\n"
    "    remote { auth = ike:rsa/pss-sha256-ecdsa-256-sha384\n id = sun.example\n"
    "             cacerts = ca.pem\n }\n"
    "    children {\n"
    "      net { local_ts = 10.1.0.0/16[tcp/443]\n remote_ts = 10.2.0.0/16\n"
    "            esp_proposals = aes256gcm16-x25519-none\n life_time = 66m\n"
    "            rekey_bytes = 1g\n }\n"
    "      host { }\n"
    "    }\n"
    "  }\n"
    "}\n"
    "secrets {\n"
    "  ike-1 { secret = \"a # b\"\n id-a = moon.example\n id-b = sun.example\n }\n"
    "  ike-2 { secret = other\n }\n"
    "}\n";

static void a_swanctl_connection_becomes_the_same_model(void **state)
{
    (void)state;
    struct config *c = swanctl(gateway);
    const struct connection *gw = config_find(c, "gw");
    assert_int_equal(gw->version, 2);
    assert_int_equal(gw->n_remote_addrs, 4);
    assert_string_equal(gw->remote_addrs[3].fqdn, "sun.example");
    assert_true(ip_equal(gw->remote_addrs[1].to, ip4(198, 51, 100, 255)));
    assert_int_equal(gw->proposals.n, 4);
    assert_int_equal(gw->over_time, 24 * 60 * TIME_SECOND);
    assert_int_equal(gw->rand_time, 24 * 60 * TIME_SECOND);
    assert_int_equal(gw->keyingtries, 1);
    assert_false(gw->retries_forever);
    assert_int_equal(gw->local.certs.n, 1);
    assert_int_equal(gw->remote.n_schemes, 2);
    assert_true(gw->remote.schemes[0].is_pss);
    assert_int_equal(gw->remote.schemes[1].hash, HASH_SHA384);
    assert_int_equal(gw->remote.min_ecdsa_bits, 256);
    assert_int_equal(gw->remote.cacerts.n, 1);
    assert_int_equal(gw->n_children, 2);
    const struct child_config *net = connection_child(gw, "net");
    assert_int_equal(net->life.rekey_time, 60 * 60 * TIME_SECOND);
    assert_int_equal(net->life.rekey_bytes, 1 << 30);
    assert_int_equal(net->life.life_bytes, (1u << 30) + (1u << 30) / 10);
    assert_int_equal(net->local_ts[0].port_from, 443);
    assert_int_equal(net->replay_window, 32);
    assert_true(connection_child(gw, "host")->local_ts[0].is_dynamic);
    assert_int_equal(origin_of(&gw->origins, "version")->line, 2);
    assert_int_equal(origin_of(&gw->origins, "remote.id")->line, 14);
    assert_int_equal(origin_of(&gw->remote.origins, "id")->line, 14);
    assert_span_equal(secret_view(&c->secrets[0].secret), span_str("a # b"));
    assert_int_equal(c->secrets[0].n_owners, 2);
    assert_int_equal(c->secrets[1].n_owners, 0);
    assert_int_equal(c->n_keys, 1);
    assert_int_equal(c->cas.n, 1);
    assert_int_equal(c->certs.n, 1);
    config_unref(c);
}

static void an_identity_may_be_what_the_certificate_has_to_say(void **state)
{
    (void)state;
    struct config *c = swanctl("connections {\n"
                               "  a { remote { id = %vpn.example\n auth = pubkey\n } }\n"
                               "  b { remote { id = %192.0.2.7\n auth = psk\n } }\n"
                               "  c { remote { id = %any\n } } }");
    const struct auth_side *a = &config_find(c, "a")->remote, *b = &config_find(c, "b")->remote;
    assert_int_equal(a->id.type, ID_ANY);
    assert_int_equal(a->cert_id->type, ID_FQDN);
    assert_span_equal(a->cert_id->data, span_str("vpn.example"));
    assert_null(b->cert_id); /* without a certificate it is the peer's own */
    assert_int_equal(b->id.type, ID_IPV4_ADDR);
    assert_null(config_find(c, "c")->remote.cert_id);
    config_unref(c);
}

static void children_that_pass_or_drop_are_no_children(void **state)
{
    (void)state;
    struct config *c = swanctl("connections {\n"
                               "  lan { children {\n"
                               "    clear { mode = pass\n local_ts = 10.1.0.0/16\n start_action = trap\n }\n"
                               "    never { mode = drop\n remote_ts = 10.9.0.0/16[udp/53]\n }\n } }\n"
                               "  gw { children { a { mode = pass\n }\n b { }\n } } }");
    const struct connection *lan = config_find(c, "lan"), *gw = config_find(c, "gw");
    assert_int_equal(lan->n_children, 0);
    assert_int_equal(lan->n_shunts, 2);
    assert_false(connection_has_ike(lan));
    assert_int_equal(lan->shunts[0].mode, MODE_PASS);
    assert_int_equal(lan->shunts[0].start_action, START_TRAP);
    assert_int_equal(connection_shunt(lan, "never")->mode, MODE_DROP);
    assert_null(connection_child(lan, "never"));
    assert_true(connection_has_ike(gw));
    assert_string_equal(gw->children[0].name, "b");
    struct arena *a = arena_new(1 << 16); /* nobody who comes is it */
    const struct identity who = {.type = ID_FQDN, .data = span_str("sun.example")};
    assert_int_equal(config_peers(c, a, ip4(192, 0, 2, 1), ip4(192, 0, 2, 2), &who).n, 1);
    arena_free(a);
    config_unref(c);
}

static void a_certificate_is_found_by_its_identity(void **state)
{
    (void)state;
    struct config *c = swanctl("connections { a { local { id = moon.example\n } } }");
    assert_int_equal(c->connections[0]->local.certs.n, 1);
    config_unref(c);
    c = swanctl("connections { a { local { id = other.example\n } } }");
    assert_int_equal(c->connections[0]->local.certs.n, 0);
    config_unref(c);
}

static void a_passphrase_opens_a_key_file(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf",   "secrets { private-moon { file = moon.pem\n secret = sesame\n } }"},
        {"/etc/swanctl/pkcs8/moon.pem", test_moon_locked                                                  },
    };
    struct config *c = load_files(files, 2, NULL);
    assert_non_null(c);
    assert_int_equal(c->n_keys, 1);
    config_unref(c);
    const struct memory_file locked[] = {
        {"/etc/swanctl/swanctl.conf", ""},
        files[1]
    };
    assert_null(load_files(locked, 2, NULL));
    assert_string_equal(errors[0].where, "/etc/swanctl/pkcs8/moon.pem:1:1");
}

static void modes_of_children_are_taken_in_both_files(void **state)
{
    (void)state;
    struct config *c = swanctl(
        "connections { a { remote_addrs = 192.0.2.1\n local { auth = psk\n }\n remote { auth = psk\n }\n "
        "children { c { mode = transport\n }\n d { mode = beet\n }\n e { } } } }\n "
        "secrets { ike { secret = x\n } }");
    const struct connection *a = config_find(c, "a");
    assert_int_equal(connection_child(a, "c")->mode, MODE_TRANSPORT);
    assert_int_equal(connection_child(a, "d")->mode, MODE_BEET);
    assert_int_equal(connection_child(a, "e")->mode, MODE_TUNNEL);
    config_unref(c);
    const struct memory_file file = {
        "/etc/keyway/keyway.conf",
        "tunnel l2tp {\n peer = 192.0.2.1\n psk = x\n mode = transport\n remote = dynamic[udp/1701]\n}\n"};
    c = load_files(&file, 1, NULL);
    assert_non_null(c);
    assert_int_equal(config_find(c, "l2tp")->children[0].mode, MODE_TRANSPORT);
    assert_true(config_find(c, "l2tp")->children[0].local_ts[0].is_dynamic);
    config_unref(c);
}

static void actions_of_a_swanctl_connection_are_taken(void **state)
{
    (void)state;
    struct config *c = swanctl("connections { a {\n remote_addrs = 192.0.2.1\n keyingtries = %forever\n "
                               "unique = keep\n local { auth = psk\n }\n remote { auth = psk\n }\n "
                               "children { c { start_action = trap|start\n close_action = trap\n "
                               "dpd_action = trap\n }\n d { } } } }\n secrets { ike { secret = x\n } }");
    const struct connection *a = config_find(c, "a");
    const struct child_config *k = connection_child(a, "c"), *d = connection_child(a, "d");
    assert_int_equal(a->keyingtries, 0);
    assert_int_equal(a->unique, UNIQUE_KEEP);
    assert_int_equal(k->start_action, START_BOTH);
    assert_int_equal(k->close_action, START_TRAP);
    assert_int_equal(k->dpd_action, DPD_TRAP);
    assert_int_equal(d->start_action, START_NONE);
    assert_int_equal(d->close_action, START_NONE);
    assert_int_equal(d->dpd_action, DPD_CLEAR);
    config_unref(c);
    c = swanctl("connections { a { remote_addrs = 192.0.2.1\n local { auth = psk\n }\n remote { auth = psk\n "
                "} } }\n secrets { ike { secret = x\n } }");
    assert_int_equal(config_find(c, "a")->unique, UNIQUE_NO);
    config_unref(c);
}

static void childless_of_a_swanctl_connection_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum childless want;
    } rows[] = {
        {"",                     CHILDLESS_ALLOW },
        {"childless = allow\n",  CHILDLESS_ALLOW },
        {"childless = prefer\n", CHILDLESS_PREFER},
        {"childless = force\n",  CHILDLESS_FORCE },
        {"childless = never\n",  CHILDLESS_NEVER },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[400];
        snprintf(text, sizeof(text),
                 "connections { a { remote_addrs = 192.0.2.1\n %s local { auth = psk\n }\n remote { auth = "
                 "psk\n } "
                 "} }\n secrets { ike { secret = x\n } }",
                 rows[i].line);
        struct config *c = swanctl(text);
        assert_int_equal(config_find(c, "a")->childless, rows[i].want);
        config_unref(c);
    }
    refused_by_swanctl("connections { a { childless = sometimes\n } }", "/etc/swanctl/swanctl.conf:1:31",
                       "childless");
}

static void redirect_of_a_swanctl_connection_is_taken(void **state)
{
    (void)state;
#define REDIRECTING(lines)                                                                                   \
    "connections { a {\n " lines "\n local { auth = psk\n }\n remote { auth = psk\n } } }\n"                 \
    "secrets { ike { secret = x\n } }"
    struct config *c = swanctl(REDIRECTING(""));
    assert_false(config_find(c, "a")->redirect.name || config_find(c, "a")->redirect.ip.family);
    config_unref(c);
    c = swanctl(REDIRECTING("redirect = 2001:db8::9\n redirect_when = auth"));
    assert_int_equal(config_find(c, "a")->redirect.ip.family, 6);
    assert_int_equal(config_find(c, "a")->redirect_when, REDIRECT_AUTH);
    config_unref(c);
    c = swanctl(REDIRECTING("redirect = gw9.example.org"));
    assert_string_equal(config_find(c, "a")->redirect.name, "gw9.example.org");
    assert_int_equal(config_find(c, "a")->redirect_when, REDIRECT_INIT);
    config_unref(c);
    refused_by_swanctl("connections { a { redirect = 10.0.0.0/8\n } }", "/etc/swanctl/swanctl.conf:1:30",
                       "is not a gateway");
    refused_by_swanctl("connections { a { redirect = %any\n } }", "/etc/swanctl/swanctl.conf:1:30",
                       "is not a gateway");
}

static void rounds_of_authentication_are_in_their_order(void **state)
{
    (void)state;
    char text[ID_TEXT_MAX];
    struct config *c =
        swanctl("connections { a {\n local-user {\n auth = psk\n id = user\n round = 2\n }\n"
                " local {\n auth = psk\n id = moon\n round = 1\n }\n"
                " remote-b {\n auth = psk\n id = b\n }\n remote-c {\n auth = psk\n id = c\n }\n"
                " remote-a {\n auth = psk\n id = a\n }\n } }\n secrets { ike { secret = x\n } }");
    const struct connection *a = config_find(c, "a");
    assert_int_equal(connection_rounds(a, true), 2);
    assert_string_equal(identity_format(&connection_round(a, true, 0)->id, text), "moon");
    assert_string_equal(identity_format(&connection_round(a, true, 1)->id, text), "user");
    assert_int_equal(connection_round(a, true, 1)->method, AUTH_PSK);
    assert_int_equal(origin_of(&connection_round(a, true, 1)->origins, "id")->line, 4);
    assert_int_equal(connection_rounds(a, false), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(identity_format(&connection_round(a, false, i)->id, text), i == 0   ? "b"
                                                                                       : i == 1 ? "c"
                                                                                                : "a");
    assert_true(config_has_rounds(c));
    config_unref(c);
}

static void bad_connections_are_refused_by_line(void **state)
{
    (void)state;
    const char *at = "/etc/swanctl/swanctl.conf:1:19";
    refused_by_swanctl("connections { a { aggressive = yes\n } }", at, "'aggressive' is not supported");
    refused_by_swanctl("connections { a { remote_adrs = 1.2.3.4\n } }", at, "did you mean 'remote_addrs'?");
    refused_by_swanctl("connections { a { version = 1\n } }", "/etc/swanctl/swanctl.conf:1:29", "IKEv1");
    refused_by_swanctl(
        "connections { a {\n remote1 { }\n remote2 { }\n remote3 { }\n remote4 { }\n remote5 { }\n } }",
        "/etc/swanctl/swanctl.conf:6:2", "'remote5' is one round of authentication too many");
    refused_by_swanctl(
        "connections { a { local-1 { }\n local-2 {\n auth = null\n }\n remote { auth = psk\n } } }\n",
        "/etc/swanctl/swanctl.conf:3:2", "several rounds of authentication proves who it is in each");
    refused_by_swanctl("connections { a { local-1 { }\n local-2 {\n round = x\n }\n } }",
                       "/etc/swanctl/swanctl.conf:3:10", "round");
    refused_by_swanctl("connections { a { children { c { start_action = start\n } } } }",
                       "/etc/swanctl/swanctl.conf:1:34", "cannot start");
    refused_by_swanctl("connections { a { local { auth = eap-mschapv2\n } } }",
                       "/etc/swanctl/swanctl.conf:1:34", "EAP");
    refused_by_swanctl("connections { a { children { c { start_action = trap|start\n } } } }",
                       "/etc/swanctl/swanctl.conf:1:34", "cannot start");
    refused_by_swanctl("connections { a { children { c { mode = transport_proxy\n } } } }",
                       "/etc/swanctl/swanctl.conf:1:41", "mobile IPv6 proxies are not supported");
    refused_by_swanctl("connections { a { children { c { close_action = trap|start\n } } } }",
                       "/etc/swanctl/swanctl.conf:1:49", "close_action");
    refused_by_swanctl("connections { a { remote { auth = psk\n groups = sales\n } } }",
                       "/etc/swanctl/swanctl.conf:2:2", "asks for a group, and not for a certificate");
    refused_by_swanctl("connections { a { remote { auth = null\n groups = sales\n } } }",
                       "/etc/swanctl/swanctl.conf:2:2", "meets no demands");
    refused_by_swanctl("connections { a { local { groups = sales\n } } }", "/etc/swanctl/swanctl.conf:1:27",
                       "put it into the remote section");
    refused_by_swanctl("connections { a { unique = %forever\n } }", "/etc/swanctl/swanctl.conf:1:28",
                       "unique");
    refused_by_swanctl("connections { a { keyingtries = %never\n } }", "/etc/swanctl/swanctl.conf:1:33",
                       "not a number");
    refused_by_swanctl("connections { a { local_port = %forever\n } }", "/etc/swanctl/swanctl.conf:1:32",
                       "not a number");
    refused_by_swanctl("connections { a { rekey_time = 4hours\n } }", "/etc/swanctl/swanctl.conf:1:32",
                       "not a time");
    refused_by_swanctl("connections { a { proposals = aes256-sha2-x25519\n } }",
                       "/etc/swanctl/swanctl.conf:1:31", "unknown algorithm 'sha2'");
    refused_by_swanctl("secrets { eap-x { secret = y\n } }", "/etc/swanctl/swanctl.conf:1:19", "EAP");
    refused_by_swanctl("secrets { ike { secret = 0xzz\n } }", "/etc/swanctl/swanctl.conf:1:26", "encoding");
    refused_by_swanctl("secrets { ike { id = a\n } }", "/etc/swanctl/swanctl.conf:1:11", "no secret");
    refused_by_swanctl("conections { }", "/etc/swanctl/swanctl.conf:1:1", "did you mean 'connections'?");
}

static void keys_that_dns_has_need_a_name_to_ask_for(void **state)
{
    (void)state;
    static const char *const good[] = {"id = sun.example", "id = 192.0.2.1", "id = 2001:db8::1",
                                       "id = *.example", "id = %any"};
    static const char *const bad[] = {"", "id = sun@example.org", "id = \"C=CH, CN=sun\"", "id = \"@#0102\""};
    char text[160];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        snprintf(text, sizeof(text), "connections { a { remote {\n pubkeys = dns\n %s\n } } }", good[i]);
        struct config *c = swanctl(text);
        assert_non_null(c);
        assert_true(c->connections[0]->remote.asks_dns);
        assert_int_equal(c->connections[0]->remote.pubkeys.n, 0);
        config_unref(c);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof(text), "connections { a { remote {\n pubkeys = dns\n %s\n } } }", bad[i]);
        refused_by_swanctl(text, "/etc/swanctl/swanctl.conf:2:12",
                           "whose public key is DNS to be asked for?");
    }
    refused_by_swanctl("connections { a { local {\n pubkeys = dns\n } } }", "/etc/swanctl/swanctl.conf:2:12",
                       "our own public key is not asked of DNS");
}

static void a_tunnel_takes_the_key_that_dns_has(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/keyway/keyway.conf",
         "tunnel t {\n peer = 192.0.2.1\n key = moon.pem\n peer_pubkey = dns\n}\n"},
        {"/etc/keyway/private/moon.pem", test_moon_key                            },
    };
    struct config *c = load_files(files, ARRAY_LEN(files), NULL);
    assert_non_null(c);
    const struct auth_side *remote = &c->connections[0]->remote;
    assert_true(remote->asks_dns);
    assert_int_equal(remote->method, AUTH_PUBKEY);
    assert_int_equal(remote->id.type, ID_IPV4_ADDR);
    config_unref(c);
}

/* [RFC7296#3.6] peers may use no other scheme. */
static void certificates_of_an_authority_are_told_to_be_at_http_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {"https://ca.example/", "file:///tmp/", "ca.example/certs/",
                                      "\"http://a b/\""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char text[128];
        snprintf(text, sizeof(text), "authorities { a { cert_uri_base = %s\n } }", bad[i]);
        refused_by_swanctl(text, "/etc/swanctl/swanctl.conf:1:35", "is no address that peers can use");
    }
}

static void ppks_are_found_by_name(void **state)
{
    (void)state;
    struct config *c =
        swanctl("connections { vault {\n ppk_id = vault\n ppk_required = yes\n remote_addrs = 192.0.2.1\n }\n"
                " plain { remote_addrs = 192.0.2.2\n } }\n"
                "secrets { ppk-1 {\n secret = " PPK32 "\n id = vault\n id-2 = cellar@example.org\n }\n"
                " ppk-2 { secret = 0sAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9A\n } }\n");
    const struct connection *vault = config_find(c, "vault"), *plain = config_find(c, "plain");
    assert_int_equal(c->n_ppks, 2);
    assert_true(vault->ppk_required && !plain->ppk_required);
    assert_null(plain->ppk_id);
    assert_ptr_equal(config_ppk_for(c, vault->ppk_id->data), &c->ppks[0]);
    assert_ptr_equal(config_ppk_for(c, span_str("cellar@example.org")), &c->ppks[0]);
    assert_ptr_equal(config_ppk_for(c, span_str("else")), &c->ppks[1]);
    assert_int_equal(c->ppks[0].secret.len, 32);
    assert_int_equal(c->ppks[0].secret.ptr[31], 0x1f);
    assert_int_equal(c->ppks[1].secret.len, 33);
    config_unref(c);
}

static void a_pad_is_a_ppk(void **state)
{
    (void)state;
    struct config *c = swanctl("secrets { ppk-1 {\n pad = /a.pad\n id = a\n }\n"
                               " ppk-2 {\n pad = /b.pad\n pad_from = end\n id = b\n } }\n");
    assert_string_equal(c->ppks[0].pad, "/a.pad");
    assert_string_equal(c->ppks[1].pad, "/b.pad");
    assert_true(!c->ppks[0].is_from_end && c->ppks[1].is_from_end);
    config_unref(c);
    c = keyway("tunnel t {\n peer = 192.0.2.1\n psk = x\n ppk = pad-end:/c.pad\n ppk_id = t\n }\n");
    assert_string_equal(c->ppks[0].pad, "/c.pad");
    assert_true(c->ppks[0].is_from_end && !c->ppks[0].secret.len);
    assert_true(span_equal(c->ppks[0].ids[0].data, span_str("t")));
    config_unref(c);
}

static void a_ppk_that_is_none_is_refused(void **state)
{
    (void)state;
    refused_by_swanctl("connections { c {\n ppk_id = vault\n } }\n", "/etc/swanctl/swanctl.conf:2:2",
                       "there is no PPK 'vault'");
    refused_by_swanctl("connections { c {\n ppk_required = yes\n } }\n", "/etc/swanctl/swanctl.conf:2:2",
                       "there is no PPK");
    refused_by_swanctl("secrets { ppk {\n secret = 0xabc\n } }\n", "/etc/swanctl/swanctl.conf:2:11",
                       "the encoding is broken");
    refused_by_swanctl("secrets { ppk {\n secret = 0x\n } }\n", "/etc/swanctl/swanctl.conf:2:11",
                       "protects nothing");
    refused_by_swanctl("secrets { ppk {\n id = a\n } }\n", "/etc/swanctl/swanctl.conf:1:11",
                       "neither a secret nor a pad");
    refused_by_swanctl("secrets { ppk {\n secret = " PPK32 "\n pad = /x\n } }\n",
                       "/etc/swanctl/swanctl.conf:1:11", "both a secret and a pad");
    refused_by_swanctl("secrets { ppk {\n pad = /x\n pad_from = middle\n } }\n",
                       "/etc/swanctl/swanctl.conf:3:13", "not an end of the pad");
    refused_by_swanctl("secrets { ppk {\n pad = x.pad\n } }\n", "/etc/swanctl/swanctl.conf:2:8",
                       "a pad needs its whole path");
    refused_by_keyway("tunnel t {\n peer = 192.0.2.1\n psk = x\n ppk = " PPK32 "\n }\n",
                      "/etc/keyway/keyway.conf:4:8", "it has no name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_dns_has_need_a_name_to_ask_for),
        cmocka_unit_test(a_tunnel_takes_the_key_that_dns_has),
        cmocka_unit_test(certificates_of_an_authority_are_told_to_be_at_http_addresses),
        cmocka_unit_test(ppks_are_found_by_name),
        cmocka_unit_test(a_pad_is_a_ppk),
        cmocka_unit_test(a_ppk_that_is_none_is_refused),
        cmocka_unit_test(a_swanctl_connection_becomes_the_same_model),
        cmocka_unit_test(a_certificate_is_found_by_its_identity),
        cmocka_unit_test(a_passphrase_opens_a_key_file),
        cmocka_unit_test(modes_of_children_are_taken_in_both_files),
        cmocka_unit_test(actions_of_a_swanctl_connection_are_taken),
        cmocka_unit_test(childless_of_a_swanctl_connection_is_taken),
        cmocka_unit_test(an_identity_may_be_what_the_certificate_has_to_say),
        cmocka_unit_test(children_that_pass_or_drop_are_no_children),
        cmocka_unit_test(redirect_of_a_swanctl_connection_is_taken),
        cmocka_unit_test(bad_connections_are_refused_by_line),
        cmocka_unit_test(rounds_of_authentication_are_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
