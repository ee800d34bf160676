/* SPDX-License-Identifier: Apache-2.0 */
/* NULL authentication (RFC 7619) between two engines: each direction on its own, what AUTH is then made of,
 * and what a peer that is nobody does not get: another one's identity, IKE SA, selectors, or more than its
 * share. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static const enum auth_method *local_ways, *remote_ways; /* by side; NULL: pre-shared keys */
static const char *local_name;                           /* what side 0 calls itself; NULL: nobody */

static void set_ways(struct config *c, struct connection *conn, struct child_config *children)
{
    int side = conn->local_addrs[0].from.b[3] - 1;
    const char *why;
    (void)children;
    if (local_ways)
        conn->local.method = local_ways[side];
    if (remote_ways)
        conn->remote.method = remote_ways[side];
    if (conn->local.method == AUTH_NULL)
        conn->local.id = (struct identity){.type = ID_NULL};
    if (conn->local.method == AUTH_NULL && side == 0 && local_name)
        assert_true(identity_parse(c->arena, local_name, &conn->local.id, &why));
    if (conn->remote.method == AUTH_NULL)
        conn->remote.id = (struct identity){.type = ID_NULL};
}

static const enum auth_method nobody[] = {AUTH_NULL, AUTH_NULL}, i_nobody[] = {AUTH_NULL, AUTH_PSK},
                              r_nobody[] = {AUTH_PSK, AUTH_NULL}, psk[] = {AUTH_PSK, AUTH_PSK};

/* Side 0 goes to side 1, which takes anybody and asks it for its own address. */
static struct pair_spec client(void)
{
    return (struct pair_spec){.local_ts = "dynamic", .remote_ts = "10.2.0.0/16", .tweak = set_ways};
}

static struct pair_spec server(void)
{
    return (struct pair_spec){
        .local_ts = "10.2.0.0/16", .remote_ts = "0.0.0.0/0", .accepts_any_peer = true, .tweak = set_ways};
}

static void up_as(const enum auth_method *local, const enum auth_method *remote)
{
    struct pair_spec a = client(), b = server();
    local_ways = local;
    remote_ways = remote;
    up(&a, &b);
}

static int setup_test(void **state)
{
    local_ways = remote_ways = NULL;
    local_name = NULL;
    return setup(state);
}

static struct ike_view ike_at(int side, size_t i)
{
    struct ike_view v = {0};
    assert_true(engine_ike_at(p.side[side].e, i, &v));
    return v;
}

static void expect_ids(const char *i, const char *r)
{
    char buf[ID_TEXT_MAX];
    for (int side = 0; side < 2; side++) {
        struct ike_view v = ike_at(side, 0);
        assert_int_equal(pair_children(&p, side), 1);
        assert_string_equal(identity_format(side ? &v.remote_id : &v.local_id, buf), i);
        assert_string_equal(identity_format(side ? &v.local_id : &v.remote_id, buf), r);
    }
    assert_true(pair_traffic_fits(&p));
}

static void expect_none(const char *initiators, const char *responders)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
    }
    if (!pair_logged(&p, 0, initiators) || !pair_logged(&p, 1, responders))
        fail_msg("%s\n%s", p.side[0].log, p.side[1].log);
}

/* ---- each direction on its own */

static void two_that_are_nobody_come_up(void **state)
{
    (void)state;
    up_as(nobody, nobody);
    expect_ids("%null", "%null");
    assert_true(ike_at(0, 0).is_peer_unproven && ike_at(1, 0).is_peer_unproven);
    assert_true(pair_logged(&p, 1, "192.0.2.1 does not prove who it is"));
}

static void an_initiator_may_be_nobody_and_the_responder_not(void **state)
{
    (void)state;
    up_as(i_nobody, r_nobody);
    expect_ids("%null", "192.0.2.2");
    assert_false(ike_at(0, 0).is_peer_unproven);
    assert_true(ike_at(1, 0).is_peer_unproven);
}

static void a_responder_may_be_nobody_and_the_initiator_not(void **state)
{
    (void)state;
    up_as(r_nobody, i_nobody);
    expect_ids("192.0.2.1", "%null");
    assert_true(ike_at(0, 0).is_peer_unproven);
    assert_false(ike_at(1, 0).is_peer_unproven);
}

static void nobody_is_served_by_who_has_a_certificate(void **state)
{
    (void)state;
    static const enum auth_method server_proves[] = {AUTH_NULL, AUTH_PUBKEY},
                                  of_server[] = {AUTH_PUBKEY, AUTH_NULL};
    struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    struct testca_cert *sun = testca_issue(&(struct testca_spec){.subject = "CN=sun", .san = "DNS:sun"}, ca);
    struct pair_spec a = client(), b = server();
    a.cert = b.cert = sun; /* a does not use it */
    a.ca = b.ca = ca;
    a.remote_id = b.local_id = "sun";
    local_ways = server_proves;
    remote_ways = of_server;
    up(&a, &b);
    expect_ids("%null", "sun");
    testca_free(sun);
    testca_free(ca);
}

static void it_stays_up_through_rekeys_and_stays_nobody(void **state)
{
    (void)state;
    up_as(nobody, nobody);
    for (int side = 0; side < 2; side++) {
        pair_command(&p, side, COMMAND_REKEY, "net", NULL);
        pair_run(&p);
        pair_advance(&p, 40 * TIME_SECOND);
        pair_command(&p, side, COMMAND_REKEY, NULL, "net");
        pair_run(&p);
        pair_advance(&p, 40 * TIME_SECOND);
        expect_ids("%null", "%null");
        assert_true(ike_at(0, 0).is_peer_unproven && ike_at(1, 0).is_peer_unproven);
    }
    assert_int_equal(p.side[1].e->n_guests, 1);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[1].e->n_guests, 0);
}

/* ---- AUTH */

/* AUTH a second time: prf(prf(SK_p, "Key Pad for IKEv2"), message | nonce | prf(SK_p, ID)) [RFC7619#2.1] */
static void check_auth(void *ctx, const struct chain *c)
{
    struct rogue_witness *seen = ctx;
    const struct ike_sa *sa = rogue_sa(&p, seen->from);
    bool is_i = seen->from == 0;
    size_t id_len, auth_len, n = prf_len(sa->chosen.prf);
    uint8_t key[PRF_MAX_LEN], maced[PRF_MAX_LEN], own[PRF_MAX_LEN];
    uint8_t *id = chain_find(c, is_i ? PAYLOAD_IDI : PAYLOAD_IDR, &id_len);
    uint8_t *auth = chain_find(c, PAYLOAD_AUTH, &auth_len);
    if (!auth) /* a refusal */
        return;
    assert_non_null(id);
    struct span sk_p = secret_view(is_i ? &sa->keys.sk_pi : &sa->keys.sk_pr);
    struct span pad = span_str("Key Pad for IKEv2"), body = span_of(id + 4, id_len - 4);
    assert_true(prf_compute(sa->chosen.prf, sk_p, &pad, 1, key));
    assert_true(prf_compute(sa->chosen.prf, sk_p, &body, 1, maced));
    const struct span octets[] = {span_of(seen->init[seen->from], seen->init_len[seen->from]),
                                  nonce_view(is_i ? &sa->nr : &sa->ni), span_of(maced, n)};
    assert_true(prf_compute(sa->chosen.prf, span_of(key, n), octets, 3, own));
    assert_int_equal(id[4], 13); /* ID_NULL, and nothing behind */
    assert_int_equal(id_len, 8);
    assert_int_equal(auth[4], 13);
    assert_span_equal(span_of(auth + 8, auth_len - 8), span_of(own, n));
    seen->verified++;
    if (seen->spoils)
        auth[auth_len - 1] ^= 1;
}

static void auth_is_made_with_the_own_sk_p_in_place_of_a_secret(void **state)
{
    (void)state;
    struct rogue_witness seen = {.pair = &p, .look = check_auth};
    p.filter = rogue_watch_auth;
    p.ctx = &seen;
    up_as(nobody, nobody);
    assert_int_equal(seen.verified, 2);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void an_auth_that_does_not_verify_is_refused(void **state)
{
    (void)state;
    struct rogue_witness seen = {.pair = &p, .look = check_auth, .spoils = true};
    p.filter = rogue_watch_auth;
    p.ctx = &seen;
    up_as(nobody, nobody);
    expect_none("AUTHENTICATION_FAILED", "AUTH does not belong to this IKE_SA_INIT");
}

/* ---- never but where it is configured */

static void nobody_is_not_anybody(void **state)
{
    (void)state;
    p.filter = rogue_hide_announcements; /* it would not be tried */
    p.ctx = &p;
    up_as(i_nobody, psk); /* the server demands a secret of whoever it is */
    expect_none("we sent identity %null with NULL authentication", "identity %null, NULL authentication");
}

static void a_server_that_is_nobody_is_refused_by_who_expects_a_secret(void **state)
{
    (void)state;
    p.filter = rogue_hide_announcements; /* it would not be tried */
    p.ctx = &p;
    up_as(r_nobody, psk);
    expect_none("the peer authenticates in another way", "AUTHENTICATION_FAILED");
    assert_true(pair_logged(&p, 0, "got NULL authentication"));
}

static void who_has_a_secret_is_not_taken_for_nobody(void **state)
{
    (void)state;
    p.filter = rogue_hide_announcements; /* it would not be tried */
    p.ctx = &p;
    up_as(psk, r_nobody);
    expect_none("AUTHENTICATION_FAILED", "it expects another way to authenticate");
}

/* ID_NULL goes with NULL authentication and with nothing else. */
static void a_secret_does_not_make_an_identity_of_null(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    a.local_id = "%null";
    up(&a, &b);
    expect_none("AUTHENTICATION_FAILED", "no connection fits the peer %null");
}

/* ---- a server of known peers and of others */

/* "net" for who is alice.test, by a secret, and "guest" for who is nobody. */
static void load_both(struct pair_spec *s, const char *known_ts)
{
    static const enum auth_method server_is_known[] = {AUTH_NULL, AUTH_PSK};
    local_ways = server_is_known;
    remote_ways = r_nobody;
    struct config *c = pair_config(1, s);
    const struct connection **v = arena_calloc(c->arena, 2, sizeof(*v));
    struct connection *guest = (struct connection *)c->connections[0];
    struct connection *net = arena_alloc(c->arena, sizeof(*net));
    struct child_config *child = arena_alloc(c->arena, sizeof(*child));
    const char *err;
    guest->name = "guest";
    *net = *guest;
    net->name = "net";
    *child = guest->children[0];
    net->children = child;
    net->remote.method = AUTH_PSK;
    assert_true(identity_parse(c->arena, "alice.test", &net->remote.id, &err));
    struct ts *ts = arena_calloc(c->arena, 1, sizeof(*ts));
    assert_true(ts_parse(known_ts, ts, &err));
    child->remote_ts = ts;
    v[0] = net;
    v[1] = guest;
    c->connections = v;
    c->n_connections = 2;
    pair_input(&p, 1, &(struct input){.kind = INPUT_CONFIG, .config = c});
}

/* MOBIKE_SUPPORTED has as little in it as INITIAL_CONTACT. */
static void say_initial_contact(void *ctx, const struct chain *c)
{
    unsigned *done = ctx;
    uint8_t next = c->first;
    for (size_t at = 0; next; at += (size_t)c->at[at + 2] << 8 | c->at[at + 3]) {
        uint8_t *type = &c->at[at + 6];
        if (next == PAYLOAD_NOTIFY && (type[0] << 8 | type[1]) == N_MOBIKE_SUPPORTED) {
            type[0] = N_INITIAL_CONTACT >> 8;
            type[1] = N_INITIAL_CONTACT & 0xff;
            (*done)++;
        }
        next = c->at[at];
    }
}

static bool lie_about_contact(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        rogue_open(&p, k, say_initial_contact, ctx);
    return true;
}

static void nobody_ends_no_ike_sa_by_calling_itself_as_somebody(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    unsigned lies = 0;
    load_both(&b, "10.9.0.0/16");
    a.local_ts = "10.9.0.0/16";
    a.tweak = NULL;
    a.local_id = "alice.test";
    pair_load(&p, 0, &a);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 1);
    uint64_t known = ike_at(1, 0).id;
    pair_restart(&p, 0); /* somebody else now, who says to be alice */
    struct pair_spec mallory = client();
    mallory.does_mobike = true;
    local_name = "alice.test";
    local_ways = i_nobody;
    remote_ways = r_nobody;
    p.filter = lie_about_contact;
    p.ctx = &lies;
    pair_load(&p, 0, &mallory);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(lies, 1);
    pair_advance(&p, 5 * TIME_SECOND);
    if (pair_ikes(&p, 1) != 2)
        fail_msg("%s\n%s", p.side[0].log, p.side[1].log);
    assert_int_equal(ike_at(1, 0).id, known);
    assert_false(ike_at(1, 0).is_peer_unproven);
    struct ike_view guest = ike_at(1, 1);
    assert_string_equal(guest.connection, "guest");
    assert_int_equal(guest.remote_id.type, ID_NULL);
    assert_true(pair_logged(&p, 1, "it says 'alice.test', which is not believed"));
}

/* ---- selectors */

static const struct ts *remote_ts_of(int side, size_t *n)
{
    static struct child_view v;
    assert_true(engine_child_at(p.side[side].e, ike_at(side, 0).id, 0, &v));
    *n = v.n_remote_ts;
    return v.remote_ts;
}

static void who_asks_for_everything_gets_its_own_address(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    char text[TS_TEXT_MAX];
    size_t n;
    a.local_ts = "0.0.0.0/0";
    local_ways = remote_ways = nobody;
    up(&a, &b);
    const struct ts *ts = remote_ts_of(1, &n);
    assert_int_equal(n, 1);
    assert_string_equal(ts_format(ts, text), "192.0.2.1/32");
}

static void who_asks_for_another_ones_network_gets_no_child(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    a.local_ts = "10.9.0.0/16";
    local_ways = remote_ways = nobody;
    up(&a, &b);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_children(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
    }
    assert_true(pair_logged(&p, 1, "gets its own address, or one of a pool, and nothing else"));
}

/* Who begins has chosen peer and selectors. */
static void an_initiator_decides_what_goes_to_nobody(void **state)
{
    (void)state;
    char text[TS_TEXT_MAX];
    size_t n;
    up_as(r_nobody, i_nobody);
    assert_string_equal(ts_format(remote_ts_of(0, &n), text), "10.2.0.0/16");
}

static void what_is_configured_for_the_known_is_not_for_nobody(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    load_both(&b, "192.0.2.0/28");
    local_ways = i_nobody;
    remote_ways = r_nobody;
    pair_load(&p, 0, &a);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "asks for selectors that are another one's"));
    assert_true(pair_logged(&p, 1, "192.0.2.1/32"));
}

/* alice.test has that very address for herself; her network is dynamic, so that only the SA tells. */
static void what_the_known_have_is_not_for_nobody(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    load_both(&b, "dynamic");
    a.tweak = NULL;
    a.local_id = "alice.test";
    pair_load(&p, 0, &a);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
    pair_restart(&p, 0);
    struct pair_spec mallory = client();
    local_ways = i_nobody;
    remote_ways = r_nobody;
    pair_load(&p, 0, &mallory);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_false(ike_at(1, 0).is_peer_unproven);
    assert_true(pair_logged(&p, 1, "expected none that IKE SA"));
}

static uint32_t priority_in(const struct outbox *out)
{
    for (size_t i = 0; i < out->n; i++) {
        if (out->v[i].kind == ACTION_POLICY_ADD)
            return out->v[i].policy->priority;
    }
    return 1;
}

static void a_guests_policy_stands_behind_all_others(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    local_ways = remote_ways = nobody;
    pair_load(&p, 0, &a);
    pair_load(&p, 1, &b);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    while (pair_deliver(&p) && !pair_children(&p, 1))
        ;
    assert_int_equal(priority_in(&p.side[1].out), POLICY_LAST);
    pair_run(&p);
    assert_int_equal(priority_in(&p.side[0].out), 0);
}

/* ---- addresses */

static bool move_auth(void *ctx, struct pair_packet *k)
{
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        k->src.ip = *(const struct ip *)ctx;
    return true;
}

static void who_goes_on_from_another_address_is_refused(void **state)
{
    (void)state;
    struct ip victim = ip4(192, 0, 2, 77);
    p.filter = move_auth;
    p.ctx = &victim;
    up_as(nobody, nobody);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_int_equal(p.side[1].n_sas, 0);
    assert_true(pair_logged(&p, 1, "goes on from another address; expected 192.0.2.1; got 192.0.2.77"));
}

static void a_guest_does_no_mobike(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    a.does_mobike = b.does_mobike = true;
    local_ways = remote_ways = nobody;
    up(&a, &b);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_false(ike_at(0, 0).does_mobike || ike_at(1, 0).does_mobike);
    struct ike_sa *sa = rogue_sa(&p, 1);
    sa->has_nat_remote = true; /* a peer may well make us think so */
    natd_mapping(
        &(struct ike_env){.out = &p.side[1].out, .host = &engine_host, .ctx = p.side[1].e, .now = p.now}, sa,
        &(struct endpoint){.ip = ip4(192, 0, 2, 77), .port = 4500});
    assert_true(ip_equal(sa->remote.ip, ip4(192, 0, 2, 1)));
}

/* ---- limits */

static unsigned guests, guests_there; /* limits */

static void set_limits(struct config *c, struct connection *conn, struct child_config *children)
{
    set_ways(c, conn, children);
    c->settings.null_auth_limit = guests;
    c->settings.null_auth_per_address = guests_there;
}

static void expect_second_refused(const char *why)
{
    struct pair_spec a = client(), b = server();
    b.tweak = set_limits;
    local_ways = remote_ways = nobody;
    up(&a, &b);
    assert_int_equal(pair_ikes(&p, 1), 1);
    pair_restart(&p, 0);
    pair_load(&p, 0, &a);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 1);
    if (!pair_logged(&p, 1, why))
        fail_msg("%s", p.side[1].log);
    pair_advance(&p, 30 * TIME_SECOND); /* the one that is gone was asked whether it lives */
    assert_int_equal(pair_ikes(&p, 1), 0);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void there_are_only_so_many_guests(void **state)
{
    (void)state;
    guests = 1;
    guests_there = 0;
    expect_second_refused("too many peers do not prove who they are; expected at most 1");
}

static void there_are_only_so_many_guests_at_one_address(void **state)
{
    (void)state;
    guests = 0;
    guests_there = 1;
    expect_second_refused("all at 192.0.2.1; expected at most 1");
}

/* It comes back after a crash: the old SA is found to be dead by asking, not by what the new one says. */
static void a_guest_that_comes_back_replaces_itself_in_the_end(void **state)
{
    (void)state;
    struct pair_spec a = client(), b = server();
    local_ways = remote_ways = nobody;
    up(&a, &b);
    pair_restart(&p, 0);
    pair_load(&p, 0, &a);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 2);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_true(pair_traffic_fits(&p));
}

static void who_asks_too_often_is_not_heard_for_a_while(void **state)
{
    (void)state;
    up_as(nobody, nobody);
    for (int i = 0; i < 20; i++) {
        pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
        pair_run(&p);
    }
    uint64_t dropped = p.side[1].e->stats.dropped_blocked;
    assert_true(dropped > 0);
    assert_int_equal(p.side[0].e->stats.dropped_blocked, 0); /* who was chosen is heard */
    pair_advance(&p, 60 * TIME_SECOND);
    for (int side = 0; side < 2; side++)
        assert_int_equal(pair_children(&p, side), 1);
    assert_true(pair_traffic_fits(&p));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_test, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(two_that_are_nobody_come_up),
        T(an_initiator_may_be_nobody_and_the_responder_not),
        T(a_responder_may_be_nobody_and_the_initiator_not),
        T(nobody_is_served_by_who_has_a_certificate),
        T(it_stays_up_through_rekeys_and_stays_nobody),
        T(auth_is_made_with_the_own_sk_p_in_place_of_a_secret),
        T(an_auth_that_does_not_verify_is_refused),
        T(nobody_is_not_anybody),
        T(a_server_that_is_nobody_is_refused_by_who_expects_a_secret),
        T(who_has_a_secret_is_not_taken_for_nobody),
        T(a_secret_does_not_make_an_identity_of_null),
        T(nobody_ends_no_ike_sa_by_calling_itself_as_somebody),
        T(who_asks_for_everything_gets_its_own_address),
        T(who_asks_for_another_ones_network_gets_no_child),
        T(an_initiator_decides_what_goes_to_nobody),
        T(what_is_configured_for_the_known_is_not_for_nobody),
        T(what_the_known_have_is_not_for_nobody),
        T(a_guests_policy_stands_behind_all_others),
        T(who_goes_on_from_another_address_is_refused),
        T(a_guest_does_no_mobike),
        T(there_are_only_so_many_guests),
        T(there_are_only_so_many_guests_at_one_address),
        T(a_guest_that_comes_back_replaces_itself_in_the_end),
        T(who_asks_too_often_is_not_heard_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
