/* SPDX-License-Identifier: Apache-2.0 */
/* Whole configurations: what they become, and what is refused where. */
#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "conf/show.h"
#include "conf/test_credentials.h"
#include "conf/testing.h"
#include "support/test.h"
#include <jansson.h>
#include <stdio.h>

static struct diag errors[16];
static size_t n_errors;

static struct config *load_files(const struct memory_file *files, size_t n, const char *what)
{
    struct memory_source m = {files, n};
    const struct conf_source src = memory_source(&m);
    const struct conf_request req = {.etc = "/etc", .load = what};
    memset(errors, 0, sizeof(errors));
    return conf_load(&src, &req, errors, ARRAY_LEN(errors), &n_errors);
}

static struct config *load(const char *path, const char *text)
{
    const struct memory_file files[] = {
        {path,                           text           },
        {"/etc/swanctl/x509/moon.pem",   test_moon      },
        {"/etc/swanctl/x509ca/ca.pem",   test_ca        },
        {"/etc/swanctl/ecdsa/moon.pem",  test_moon_key  },
        {"/etc/keyway/moon.pem",         test_moon      },
        {"/etc/keyway/ca/ca.pem",        test_ca        },
        {"/etc/keyway/private/moon.pem", test_moon_key  },
        {"/etc/keyway/office.psk",       "from a file\n"},
    };
    return load_files(files, ARRAY_LEN(files), NULL);
}

static struct config *good(const char *path, const char *text)
{
    struct config *c = load(path, text);
    char buf[2048];
    if (!c)
        fail_msg("%s\n%s", text, diag_format(&errors[0], buf, sizeof(buf)));
    return c;
}

static struct config *keyway(const char *text)
{
    return good("/etc/keyway/keyway.conf", text);
}

static struct config *swanctl(const char *text)
{
    return good("/etc/swanctl/swanctl.conf", text);
}

static void assert_refused(const char *path, const char *text, const char *where, const char *what)
{
    char buf[2048];
    struct config *c = load(path, text);
    if (c)
        fail_msg("accepted: %s", text);
    diag_format(&errors[0], buf, sizeof(buf));
    if (strcmp(errors[0].where, where) != 0 || !strstr(buf, what))
        fail_msg("%s\n%s", text, buf);
    assert_int_equal(errors[0].class, FAIL_CONFIG);
}

static void refused_by_swanctl(const char *text, const char *where, const char *what)
{
    assert_refused("/etc/swanctl/swanctl.conf", text, where, what);
}

static void refused_by_keyway(const char *text, const char *where, const char *what)
{
    assert_refused("/etc/keyway/keyway.conf", text, where, what);
}

static const char office[] = "tunnel office {\n"
                             "  peer   = 198.51.100.20\n"
                             "  psk    = correct horse\n"
                             "  local  = 10.10.0.0/24, 10.11.0.0/24\n"
                             "  remote = 10.20.0.0/24\n"
                             "}\n";

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

static void keep(void *ctx, enum log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    snprintf(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s\n", text);
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

static void refused_secrets_are_not_printed(void **state)
{
    (void)state;
    char buf[2048];
    assert_null(load("/etc/swanctl/swanctl.conf", "secrets { eap-x { secret = hunter2\n } }"));
    assert_null(strstr(diag_format(&errors[0], buf, sizeof(buf)), "hunter2"));
    assert_null(load("/etc/keyway/keyway.conf", "tunnel t {\n peer = 192.0.2.1 psk = hunter2\n}"));
    for (size_t i = 0; i < n_errors; i++)
        assert_null(strstr(diag_format(&errors[i], buf, sizeof(buf)), "hunter2"));
}

static void every_error_of_a_file_is_told_and_nothing_is_loaded(void **state)
{
    (void)state;
    assert_null(
        load("/etc/swanctl/swanctl.conf", "connections {\n a { x = 1\n }\n b { vips = 1\n dscp = 2\n }\n}"));
    assert_int_equal(n_errors, 3);
    assert_string_equal(errors[2].where, "/etc/swanctl/swanctl.conf:5:9");
}

static void strongswan_conf_sets_what_it_can(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/strongswan.conf",      "charon {\n port = 1500\n port_nat_t = 14500\n retransmit_timeout = 2.5\n"
                                 " replay_window = 128\n threads = 16\n plugins { x { y = 1 } }\n}\n"
                                 "charon.keep_alive = 1m\nlibtls { a = b }\n"},
        {"/etc/swanctl/swanctl.conf", "connections { a { local { auth = psk\n } children { c { } } } }"      },
        {"/etc/keyway/keyway.conf",   "keyway {\n port = 600\n dataplane = user\n}\n"                        },
    };
    struct config *c = load_files(files, ARRAY_LEN(files), NULL);
    assert_non_null(c);
    assert_int_equal(c->settings.port, 600);
    assert_int_equal(c->settings.port_natt, 14500);
    assert_int_equal(c->settings.retransmit_timeout, 2500 * TIME_MS);
    assert_int_equal(c->settings.keep_alive, 60 * TIME_SECOND);
    assert_string_equal(c->settings.dataplane, "user");
    assert_int_equal(c->connections[0]->children[0].replay_window, 128);
    assert_string_equal(origin_of(&c->settings.origins, "port")->file, "/etc/keyway/keyway.conf");
    config_unref(c);
}

static void load_says_which_dialects_count(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", "connections { s { local { auth = psk\n } } }"},
        {"/etc/keyway/keyway.conf",   "tunnel k {\n psk = x\n}"                     },
    };
    const struct {
        const char *what;
        size_t n;
    } cases[] = {
        {NULL,              2},
        {"none",            0},
        {"keyway",          1},
        {"swanctl",         1},
        {"keyway, swanctl", 2}
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config *c = load_files(files, 2, cases[i].what);
        assert_non_null(c);
        assert_int_equal(c->n_connections, cases[i].n);
        config_unref(c);
    }
    assert_null(load_files(files, 2, "l2tp"));
    assert_null(load_files(files, 2, "keywya"));
}

static void no_file_at_all_is_an_empty_configuration(void **state)
{
    (void)state;
    struct config *c = load_files(NULL, 0, NULL);
    assert_non_null(c);
    assert_int_equal(c->n_connections, 0);
    config_unref(c);
}

static void one_name_in_two_dialects_is_refused(void **state)
{
    (void)state;
    const struct memory_file files[] = {
        {"/etc/swanctl/swanctl.conf", "connections { x { local { auth = psk\n } } }"},
        {"/etc/keyway/keyway.conf",   "tunnel x {\n psk = y\n}"                     },
    };
    assert_null(load_files(files, 2, NULL));
    assert_non_null(strstr(errors[0].what, "there already"));
}

static void the_hash_changes_with_the_content_alone(void **state)
{
    (void)state;
    struct config *a = keyway(office);
    struct config *b = keyway("# moved\n\ntunnel office {\n remote = 10.20.0.0/24\n peer = 198.51.100.20\n"
                              " psk = another\n local = 10.10.0.0/24,10.11.0.0/24\n}\n");
    assert_true(a->connections[0]->hash == b->connections[0]->hash);
    struct config *c = keyway("tunnel office {\n remote = 10.20.0.0/24\n peer = 198.51.100.20\n"
                              " psk = another\n local = 10.10.0.0/24,10.11.0.0/25\n}\n");
    assert_true(a->connections[0]->hash != c->connections[0]->hash);
    config_unref(a);
    config_unref(b);
    config_unref(c);
}

/* ---- printing ---- */

static char printed[1 << 20];

static void collect(void *ctx, const char *text)
{
    text_str(ctx, text);
}

static void print(const struct config *c, const char *only, bool json)
{
    static struct text t;
    t = (struct text){.buf = printed, .cap = sizeof(printed)};
    printed[0] = 0;
    const struct conf_sink sink = {&t, collect};
    assert_true(conf_show(c, only, json, &sink));
}

static void showing_names_the_line_of_each_value_and_no_secret(void **state)
{
    (void)state;
    struct config *c = keyway(office);
    print(c, NULL, false);
    assert_non_null(strstr(printed, "connection office (keyway.conf)\n"));
    assert_non_null(strstr(printed, "remote_addrs      198.51.100.20  # /etc/keyway/keyway.conf:2\n"));
    assert_non_null(strstr(printed, "dpd_delay         10s  # default\n"));
    assert_non_null(strstr(printed, "psk               set  # /etc/keyway/keyway.conf:3\n"));
    assert_non_null(strstr(printed, "rekey_time        4h  # default\n"));
    assert_null(strstr(printed, "horse"));
    print(c, NULL, true);
    assert_null(strstr(printed, "horse"));
    assert_non_null(strstr(printed, "\"remote_addrs\": {\"value\": \"198.51.100.20\", \"origin\": "
                                    "\"/etc/keyway/keyway.conf:2\"}"));
    json_t *parsed = json_loads(printed, 0, NULL);
    assert_non_null(parsed);
    assert_int_equal(json_integer_value(json_object_get(parsed, "schema")), 1);
    json_decref(parsed);
    struct conf_sink sink = {.write = collect};
    assert_false(conf_show(c, "nobody", true, &sink));
    config_unref(c);
}

static void an_error_is_printed_with_its_line_and_a_caret(void **state)
{
    (void)state;
    static struct text t;
    t = (struct text){.buf = printed, .cap = sizeof(printed)};
    const struct conf_sink sink = {&t, collect};
    struct memory_file f = {"/etc/keyway/keyway.conf", "tunnel t {\n  psk = x\n  pear = 1.2.3.4\n}\n"};
    struct memory_source m = {&f, 1};
    const struct conf_source src = memory_source(&m);
    assert_null(load_files(&f, 1, NULL));
    conf_print_error(&errors[0], &src, &sink);
    assert_string_equal(printed,
                        "/etc/keyway/keyway.conf:3:3: unknown key 'pear'; expected a key of tunnel <name>\n"
                        "      pear = 1.2.3.4\n"
                        "      ^\n"
                        "    try: did you mean 'peer'?\n");
    f.text = "tunnel t {\n  psk = \"hunter2\n}\n";
    assert_null(load_files(&f, 1, NULL));
    t.len = 0;
    conf_print_error(&errors[0], &src, &sink);
    assert_null(strstr(printed, "hunter2"));
    assert_non_null(strstr(printed, "psk = (hidden)"));
}

#define PPK32 "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

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
        cmocka_unit_test(ppks_are_found_by_name),
        cmocka_unit_test(a_tunnels_ppk_is_required_unless_it_says_otherwise),
        cmocka_unit_test(a_pad_is_a_ppk),
        cmocka_unit_test(a_ppk_that_is_none_is_refused),
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
        cmocka_unit_test(a_swanctl_connection_becomes_the_same_model),
        cmocka_unit_test(a_certificate_is_found_by_its_identity),
        cmocka_unit_test(a_passphrase_opens_a_key_file),
        cmocka_unit_test(modes_of_children_are_taken_in_both_files),
        cmocka_unit_test(actions_of_a_swanctl_connection_are_taken),
        cmocka_unit_test(childless_of_a_swanctl_connection_is_taken),
        cmocka_unit_test(redirect_of_a_swanctl_connection_is_taken),
        cmocka_unit_test(bad_connections_are_refused_by_line),
        cmocka_unit_test(rounds_of_authentication_are_in_their_order),
        cmocka_unit_test(refused_secrets_are_not_printed),
        cmocka_unit_test(every_error_of_a_file_is_told_and_nothing_is_loaded),
        cmocka_unit_test(strongswan_conf_sets_what_it_can),
        cmocka_unit_test(load_says_which_dialects_count),
        cmocka_unit_test(no_file_at_all_is_an_empty_configuration),
        cmocka_unit_test(one_name_in_two_dialects_is_refused),
        cmocka_unit_test(the_hash_changes_with_the_content_alone),
        cmocka_unit_test(showing_names_the_line_of_each_value_and_no_secret),
        cmocka_unit_test(an_error_is_printed_with_its_line_and_a_caret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
