/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back, authenticating with raw public keys (RFC 7670): each kind of key, what goes over
 * the wire, and who is refused. */
#include "support/engine_pair.h"
#include "support/keys.h"
#include "support/test.h"

static struct pair p;

/* What the two sides have, set by each test. */
static struct {
    const char *own;         /* file of the private key */
    const char *accepted[2]; /* files of private keys whose public ones are accepted */
    bool is_silent;          /* neither asks nor sends */
} sides[2];

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    memset(sides, 0, sizeof(sides));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static void use_raw_keys(struct config *c, struct connection *conn, struct child_config *children)
{
    const int side = span_equal(conn->local.id.data, span_str("sun.example"));
    (void)children;
    conn->local.method = conn->remote.method = AUTH_PUBKEY;
    c->keys = arena_calloc(c->arena, 1, sizeof(*c->keys));
    c->keys[c->n_keys++].key = key_private(sides[side].own, "");
    conn->local.pubkeys.v = arena_calloc(c->arena, 1, sizeof(struct pkey *));
    conn->local.pubkeys.v[conn->local.pubkeys.n++] = key_public(sides[side].own);
    conn->remote.pubkeys.v = arena_calloc(c->arena, 2, sizeof(struct pkey *));
    for (size_t i = 0; i < 2 && sides[side].accepted[i]; i++)
        conn->remote.pubkeys.v[conn->remote.pubkeys.n++] = key_public(sides[side].accepted[i]);
    if (sides[side].is_silent) {
        conn->send_cert = SEND_CERT_NEVER;
        conn->sends_certreq = false;
    }
}

static void load(int side)
{
    struct pair_spec s = {.local_id = side ? "sun.example" : "moon.example",
                          .remote_id = side ? "moon.example" : "sun.example",
                          .tweak = use_raw_keys};
    pair_load(&p, side, &s);
}

static void up(void)
{
    load(0);
    load(1);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

static void expect_up(const char *scheme)
{
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    assert_true(pair_logged(&p, 0, scheme));
    assert_true(pair_logged(&p, 1, scheme));
}

static void use(const char *moon, const char *sun)
{
    sides[0].own = sides[1].accepted[0] = moon;
    sides[1].own = sides[0].accepted[0] = sun;
}

static void every_kind_of_raw_key_authenticates(void **state)
{
    (void)state;
    static const struct {
        const char *file, *scheme;
    } kinds[] = {
        {"rsa.pkcs8.pem", "RSA"    },
        {"p256.sec1.pem", "ECDSA"  },
        {"p384.sec1.pem", "ECDSA"  },
        {"p521.sec1.pem", "ECDSA"  },
        {"ed25519.pem",   "ED25519"},
        {"ed448.pem",     "ED448"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        use(kinds[i].file, kinds[i].file);
        up();
        expect_up(kinds[i].scheme);
        pair_restart(&p, 0);
        pair_restart(&p, 1);
    }
}

static void the_sides_may_have_different_kinds(void **state)
{
    (void)state;
    use("ed25519.pem", "p256.sec1.pem");
    up();
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_true(pair_logged(&p, 0, "ECDSA"));
    assert_true(pair_logged(&p, 1, "ED25519"));
}

/* As strongSwan and Libreswan have it: nothing is asked for, nothing is sent. */
static void keys_that_are_not_sent_are_found_by_trying(void **state)
{
    (void)state;
    use("ed25519.pem", "p256.sec1.pem");
    sides[0].is_silent = sides[1].is_silent = true;
    sides[0].accepted[0] = "p384.sec1.pem";
    sides[0].accepted[1] = "p256.sec1.pem";
    up();
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void another_key_than_the_configured_one_is_refused(void **state)
{
    (void)state;
    use("ed25519.pem", "p256.sec1.pem");
    sides[1].accepted[0] = "ed448.pem";
    up();
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_true(pair_logged(&p, 1, "the peer's raw public key is not the configured one"));
}

static void another_key_that_is_not_sent_is_refused_as_well(void **state)
{
    (void)state;
    use("ed25519.pem", "p256.sec1.pem");
    sides[0].is_silent = sides[1].is_silent = true;
    sides[1].accepted[0] = "ed448.pem";
    up();
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "the signature of moon.example does not verify"));
}

static void the_initiator_refuses_another_key_too(void **state)
{
    (void)state;
    use("ed25519.pem", "p256.sec1.pem");
    sides[0].accepted[0] = "p384.sec1.pem";
    sides[0].accepted[1] = "rsa.pkcs8.pem";
    up();
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_true(pair_logged(&p, 0, "raw public key is not among those that are configured"));
}

static void lose_own_key(struct config *c, struct connection *conn, struct child_config *children)
{
    use_raw_keys(c, conn, children);
    pkey_unref(c->keys[0].key);
    c->n_keys = 0;
}

static void without_the_private_key_nothing_begins(void **state)
{
    (void)state;
    use("ed25519.pem", "p256.sec1.pem");
    struct pair_spec s = {.local_id = "moon.example", .remote_id = "sun.example", .tweak = lose_own_key};
    pair_load(&p, 0, &s);
    load(1);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_true(pair_logged(&p, 0, "no raw public key of ours with a private key"));
}

static void demand_384_bits(struct config *c, struct connection *conn, struct child_config *children)
{
    use_raw_keys(c, conn, children);
    conn->remote.min_ecdsa_bits = 384;
}

static void constraints_hold_for_raw_keys(void **state)
{
    (void)state;
    use("p256.sec1.pem", "ed25519.pem");
    struct pair_spec s = {.local_id = "sun.example", .remote_id = "moon.example", .tweak = demand_384_bits};
    load(0);
    pair_load(&p, 1, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_int_equal(pair_children(&p, 0), 0);
}

/* The folder of public keys: a peer that is called by the id of its key needs no entry of its own. */
static void trust_the_folder(struct config *c, struct connection *conn, struct child_config *children)
{
    uint8_t keyid[20];
    use_raw_keys(c, conn, children);
    c->pubkeys = conn->remote.pubkeys;
    conn->remote.pubkeys = (struct pkey_list){0};
    pkey_keyid(c->pubkeys.v[0], keyid);
    const struct identity id = {.type = ID_KEY_ID, .data = span_of(keyid, sizeof(keyid))};
    conn->remote.id = identity_dup(c->arena, &id);
}

static void be_called_by_the_key(struct config *c, struct connection *conn, struct child_config *children)
{
    uint8_t keyid[20];
    use_raw_keys(c, conn, children);
    pkey_keyid(conn->local.pubkeys.v[0], keyid);
    const struct identity id = {.type = ID_KEY_ID, .data = span_of(keyid, sizeof(keyid))};
    conn->local.id = identity_dup(c->arena, &id);
}

static void a_peer_called_by_its_key_id_is_found_in_the_folder(void **state)
{
    (void)state;
    use("ed25519.pem", "p256.sec1.pem");
    struct pair_spec moon = {
        .local_id = "moon.example", .remote_id = "sun.example", .tweak = be_called_by_the_key};
    struct pair_spec sun = {
        .local_id = "sun.example", .remote_id = "moon.example", .tweak = trust_the_folder};
    pair_load(&p, 0, &moon);
    pair_load(&p, 1, &sun);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 1), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_raw_key_authenticates),
        TEST(the_sides_may_have_different_kinds),
        TEST(keys_that_are_not_sent_are_found_by_trying),
        TEST(another_key_than_the_configured_one_is_refused),
        TEST(another_key_that_is_not_sent_is_refused_as_well),
        TEST(the_initiator_refuses_another_key_too),
        TEST(without_the_private_key_nothing_begins),
        TEST(constraints_hold_for_raw_keys),
        TEST(a_peer_called_by_its_key_id_is_found_in_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
