/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_FOLLOWUP_KE between two engines: additional key exchanges of rekeys and of further children, both sides
 * rekeying at once, requests that come too late, responders that forgot, and peers that lie under good keys.
 */
#include "crypto/kex.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

#define IKE "aes256gcm16-prfsha256-x25519-ke1_mlkem768-ke3_ecp384"
#define ESP "aes256gcm16-x25519-ke2_mlkem512-ke3_ecp256"

/* Each message in one packet: they are counted and opened. */
static const struct pair_spec both = {.ike = {IKE}, .esp = {ESP}, .fragment_size = 3000};

/* What goes over the wire: requests of IKE_FOLLOWUP_KE by each side, and which packets are lost. */
static struct {
    unsigned requests[2];
    bool loses_followups, loses_create[2];
    void (*change)(void *ctx, const struct chain *c);
    bool changes_responses;
    uint8_t changes;
    unsigned changed;
} wire;

static bool watch(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    uint8_t exchange = k->bytes[AT_EXCHANGE];
    bool is_response = rogue_is_response(k);
    if (exchange == EXCHANGE_IKE_FOLLOWUP_KE) {
        wire.requests[k->from] += !is_response;
        if (wire.loses_followups)
            return false;
    }
    if (exchange == EXCHANGE_CREATE_CHILD_SA && !is_response && wire.loses_create[k->from])
        return false;
    if (wire.change && exchange == wire.changes && is_response == wire.changes_responses)
        rogue_open(&p, k, wire.change, NULL);
    return true;
}

static void start_with(const struct pair_spec *s)
{
    memset(&wire, 0, sizeof(wire));
    p.filter = watch;
    up(s, s);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

static void rekey(int side, const char *child)
{
    pair_command(&p, side, COMMAND_REKEY, child ? NULL : "net", child);
}

static void expect_settled(void)
{
    pair_advance(&p, 60 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 1);
        assert_int_equal(pair_children(&p, i), 1);
        assert_int_equal(p.side[i].n_sas, 2);
    }
    assert_true(pair_traffic_fits(&p));
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void expect_methods(const uint16_t ike[ADDKE_MAX], const uint16_t child[ADDKE_MAX])
{
    for (int i = 0; i < 2; i++) {
        struct ike_view v;
        struct child_view c;
        assert_true(engine_ike_at(p.side[i].e, 0, &v) && engine_child_at(p.side[i].e, v.id, 0, &c));
        assert_memory_equal(v.chosen.addke, ike, sizeof(v.chosen.addke));
        assert_memory_equal(c.chosen.addke, child, sizeof(c.chosen.addke));
    }
}

static const uint16_t of_ike[ADDKE_MAX] = {KE_ML_KEM_768, 0, KE_ECP_384},
                      of_child[ADDKE_MAX] = {0, KE_ML_KEM_512, KE_ECP_256}, none[ADDKE_MAX];

static void a_child_is_rekeyed_with_one_exchange_for_each_method(void **state)
{
    (void)state;
    start_with(&both);
    expect_methods(of_ike, none); /* the first child comes with IKE_AUTH */
    for (int side = 0; side < 2; side++) {
        rekey(side, "net");
        pair_run(&p);
        assert_int_equal(wire.requests[side], 2);
        expect_settled();
        expect_methods(of_ike, of_child);
        assert_int_equal(p.side[side].child_rekeys, side + 1);
    }
}

/* What the held jobs of side 0 will give, one after the other. */
static size_t note_secrets(struct secret v[3], size_t n)
{
    for (size_t i = 0; i < p.side[0].n_held; i++) {
        struct job *j = p.side[0].held[i];
        if (j->kind != JOB_KE_DERIVE)
            continue;
        assert_true(n < 3);
        assert_true(
            kex_derive(j->group, secret_view(&j->private_key), secret_view(&j->peer_public), &v[n++]));
    }
    return n;
}

/* [RFC9370#2.2.4] KEYMAT = prf+(SK_d, SK(0) | Ni | Nr | SK(1) | SK(2)) */
static void the_childs_keys_come_from_all_of_them_in_their_order(void **state)
{
    (void)state;
    struct secret shared[3] = {{0}};
    struct nonce ni = {0}, nr = {0};
    uint8_t rest[KEX_PUBLIC_MAX];
    size_t n = 0;
    start_with(&both);
    p.side[0].holds_jobs = true;
    rekey(0, "net");
    while (p.side[0].n_held || p.n_wire) {
        const struct exchange *own = &rogue_sa(&p, 0)->own;
        n = note_secrets(shared, n);
        if (n && own->kind == X_REKEY_CHILD) {
            ni = own->ni;
            nr = own->nr;
        }
        pair_release_jobs(&p, 0);
        pair_deliver(&p);
    }
    assert_int_equal(n, 3);
    struct ike_view v;
    struct child_view c;
    struct child_keys k;
    assert_true(engine_ike_at(p.side[0].e, 0, &v) && engine_child_at(p.side[0].e, v.id, 0, &c));
    memcpy(rest, shared[1].ptr, shared[1].len);
    memcpy(rest + shared[1].len, shared[2].ptr, shared[2].len);
    assert_true(keymat_child(&rogue_sa(&p, 0)->keys, &c.chosen, nonce_view(&ni), nonce_view(&nr),
                             secret_view(&shared[0]), span_of(rest, shared[1].len + shared[2].len), &k));
    const struct esp_sa *out = pair_newest_out(&p, 0);
    assert_int_equal(out->encr_key_len, k.encr_i.len);
    assert_memory_equal(out->encr_key, k.encr_i.ptr, k.encr_i.len);
    child_keys_deinit(&k);
    for (size_t i = 0; i < 3; i++)
        secret_free(&shared[i]);
}

static void an_ike_sa_is_rekeyed_with_one_exchange_for_each_method(void **state)
{
    (void)state;
    start_with(&both);
    for (int side = 0; side < 2; side++) {
        rekey(side, NULL);
        pair_run(&p);
        assert_int_equal(wire.requests[side], 2);
        expect_settled();
        expect_methods(of_ike, side ? of_child : none);
        assert_int_equal(p.side[side].ike_rekeys, side + 1);
        rekey(side, "net"); /* under the new keys */
        expect_settled();
    }
}

static void a_further_child_is_made_with_them(void **state)
{
    (void)state;
    struct pair_spec a = both, b = both;
    a.second_local_ts = b.second_remote_ts = "10.3.0.0/16";
    a.second_remote_ts = b.second_local_ts = "10.4.0.0/16";
    memset(&wire, 0, sizeof(wire));
    p.filter = watch;
    up(&a, &b);
    pair_command(&p, 0, COMMAND_INITIATE, "net", "other");
    pair_run(&p);
    assert_int_equal(wire.requests[0], 2);
    assert_int_equal(pair_children(&p, 0), 2);
    assert_int_equal(pair_children(&p, 1), 2);
    assert_true(pair_traffic_fits(&p));
}

static void a_peer_without_them_is_rekeyed_by_the_other_proposal(void **state)
{
    (void)state;
    struct pair_spec a =
                         {
                             .ike = {IKE, "aes256gcm16-prfsha256-x25519"},
                               .esp = {ESP, "aes256gcm16"                 }
    },
                     b = {.ike = {"aes256gcm16-prfsha256-x25519"}, .esp = {"aes256gcm16"}};
    memset(&wire, 0, sizeof(wire));
    p.filter = watch;
    up(&a, &b);
    for (int side = 0; side < 2; side++) {
        rekey(side, "net");
        expect_settled();
        rekey(side, NULL);
        expect_settled();
    }
    assert_int_equal(wire.requests[0] + wire.requests[1], 0);
    expect_methods(none, none);
}

/* [RFC9370#2.2.4] whose exchange held the lowest nonce just stops: it makes no IKE_FOLLOWUP_KE. */
static void of_two_child_rekeys_at_once_only_one_goes_on(void **state)
{
    (void)state;
    unsigned goes_on[2] = {0};
    start_with(&both);
    for (int i = 0; i < 8; i++) { /* either nonce may be the lowest */
        memset(wire.requests, 0, sizeof(wire.requests));
        rekey(0, "net");
        rekey(1, "net");
        assert_int_equal(p.n_wire, 2);
        do
            assert_true(pair_traffic_fits(&p));
        while (pair_deliver(&p));
        assert_int_equal(wire.requests[0] + wire.requests[1], 2);
        assert_true(wire.requests[0] == 0 || wire.requests[1] == 0);
        goes_on[wire.requests[1] > 0]++;
        expect_settled();
        assert_int_equal(wire.requests[0] + wire.requests[1], 2);
    }
    assert_int_equal(goes_on[0] + goes_on[1], 8);
}

static void of_two_ike_rekeys_at_once_only_one_goes_on(void **state)
{
    (void)state;
    start_with(&both);
    for (int i = 0; i < 8; i++) {
        memset(wire.requests, 0, sizeof(wire.requests));
        rekey(0, NULL);
        rekey(1, NULL);
        pair_run(&p);
        assert_int_equal(wire.requests[0] + wire.requests[1], 2);
        assert_true(wire.requests[0] == 0 || wire.requests[1] == 0);
        expect_settled();
        assert_int_equal(wire.requests[0] + wire.requests[1], 2);
    }
}

/* [RFC9370#2.2.4] the peer's request was lost, and comes when our IKE_FOLLOWUP_KE is under way. */
static void a_rekey_that_meets_the_peers_follow_up_waits(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++) { /* either nonce may be the lowest: it must not matter */
        const char *what = i & 1 ? "net" : NULL;
        start_with(&both);
        wire.loses_create[1] = wire.loses_followups = true;
        rekey(1, what);
        rekey(0, what);
        pair_run(&p);
        assert_int_equal(wire.requests[0], 1);
        wire.loses_create[1] = false;
        pair_advance(&p, 5 * TIME_SECOND); /* the request comes again and is refused */
        wire.loses_followups = false;
        expect_settled();
        assert_int_equal(wire.requests[1], 0);
        expect_methods(of_ike, what ? of_child : none);
        assert_int_equal(what ? p.side[0].child_rekeys : p.side[0].ike_rekeys, 1);
        pair_deinit(&p);
        pair_init(&p);
    }
}

/* [RFC9370#2.2.4] the responder waits 20 seconds; then the initiator is told, and begins anew. */
static void a_responder_that_waited_too_long_is_asked_again(void **state)
{
    (void)state;
    static const char *const what[] = {"net", NULL};
    for (size_t i = 0; i < ARRAY_LEN(what); i++) {
        start_with(&both);
        wire.loses_followups = true;
        rekey(0, what[i]);
        pair_advance(&p, 23 * TIME_SECOND);
        assert_true(pair_logged(&p, 1, "did not go on with its additional key exchanges"));
        assert_int_equal(what[i] ? p.side[0].child_rekeys : p.side[0].ike_rekeys, 0);
        wire.loses_followups = false;
        expect_settled();
        assert_true(pair_logged(&p, 1, "nothing here waits for it"));
        assert_int_equal(what[i] ? p.side[0].child_rekeys : p.side[0].ike_rekeys, 1);
        pair_deinit(&p);
        pair_init(&p);
    }
}

/* The initiator is gone in the middle: the other side can rekey by itself afterwards. */
static void a_peer_that_never_goes_on_blocks_nothing(void **state)
{
    (void)state;
    start_with(&both);
    wire.loses_followups = true;
    rekey(0, "net");
    pair_run(&p);
    rekey(1, "net"); /* is held back as long as the peer is waited for */
    pair_run(&p);
    assert_int_equal(wire.requests[1], 0);
    pair_restart(&p, 0);
    wire.loses_followups = false;
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 1), 1); /* the old one serves */
}

/* ---- under good keys */

static void spoil_link(void *ctx, const struct chain *c)
{
    (void)ctx;
    size_t len;
    uint8_t *n = chain_find(c, PAYLOAD_NOTIFY, &len);
    if (!n || (n[6] << 8 | n[7]) != N_ADDITIONAL_KEY_EXCHANGE)
        return;
    n[len - 1] ^= 1;
    wire.changed++;
}

static void hide_link(void *ctx, const struct chain *c)
{
    (void)ctx;
    size_t len;
    uint8_t *n = chain_find(c, PAYLOAD_NOTIFY, &len);
    if (!n || (n[6] << 8 | n[7]) != N_ADDITIONAL_KEY_EXCHANGE)
        return;
    n[6] = 0xa0; /* a status that nobody knows */
    wire.changed++;
}

static void change_method(void *ctx, const struct chain *c)
{
    (void)ctx;
    size_t len;
    uint8_t *ke = chain_find(c, PAYLOAD_KE, &len);
    if (!ke)
        return;
    ke[5] ^= 1;
    wire.changed++;
}

static void lie(void (*change)(void *, const struct chain *), uint8_t exchange, bool in_responses)
{
    wire.change = change;
    wire.changes = exchange;
    wire.changes_responses = in_responses;
}

/* [RFC9370#2.2.4] STATE_NOT_FOUND again and again is fatal. */
static void a_peer_that_never_finds_the_state_is_left(void **state)
{
    (void)state;
    static const char *const what[] = {"net", NULL};
    for (size_t i = 0; i < ARRAY_LEN(what); i++) {
        start_with(&both);
        lie(spoil_link, EXCHANGE_IKE_FOLLOWUP_KE, false);
        rekey(0, what[i]);
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(wire.changed, 6);
        assert_true(p.side[0].ike_downs >= 1 && p.side[1].ike_downs >= 1);
        pair_deinit(&p);
        pair_init(&p);
    }
}

static void expect_refused(uint8_t exchange, bool in_responses, void (*change)(void *, const struct chain *),
                           const char *child, int side, const char *log)
{
    start_with(&both);
    lie(change, exchange, in_responses);
    rekey(0, child);
    pair_run(&p);
    assert_int_equal(wire.changed, 1);
    if (!pair_logged(&p, side, log))
        fail_msg("'%s' is not in: %s", log, p.side[side].log);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(p.side[0].child_rekeys + p.side[0].ike_rekeys, 0);
    wire.change = NULL;
    rekey(0, child); /* once it is honest again */
    pair_advance(&p, 60 * TIME_SECOND);
    expect_settled();
    assert_int_equal(child ? p.side[0].child_rekeys : p.side[0].ike_rekeys, 1);
    pair_deinit(&p);
    pair_init(&p);
}

static void a_response_without_a_link_ends_the_rekeying(void **state)
{
    (void)state;
    static const char *const what[] = {"net", NULL};
    for (size_t i = 0; i < ARRAY_LEN(what); i++) {
        expect_refused(EXCHANGE_CREATE_CHILD_SA, true, hide_link, what[i], 0,
                       "does not link to an additional key exchange");
        expect_refused(EXCHANGE_IKE_FOLLOWUP_KE, true, hide_link, what[i], 0, "does not link to the next");
    }
}

static void another_method_than_was_chosen_ends_the_rekeying(void **state)
{
    (void)state;
    static const char *const what[] = {"net", NULL};
    for (size_t i = 0; i < ARRAY_LEN(what); i++) {
        expect_refused(EXCHANGE_IKE_FOLLOWUP_KE, false, change_method, what[i], 1,
                       "another key exchange than was chosen");
        start_with(&both); /* the peer may believe in what it answered: all is made anew */
        lie(change_method, EXCHANGE_IKE_FOLLOWUP_KE, true);
        rekey(0, what[i]);
        pair_run(&p);
        assert_int_equal(wire.changed, 1);
        assert_true(pair_logged(&p, 0, "another key exchange than was chosen"));
        assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
        assert_int_equal(p.side[0].n_sas + p.side[1].n_sas, 0);
        pair_deinit(&p);
        pair_init(&p);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_child_is_rekeyed_with_one_exchange_for_each_method),
        T(the_childs_keys_come_from_all_of_them_in_their_order),
        T(an_ike_sa_is_rekeyed_with_one_exchange_for_each_method),
        T(a_further_child_is_made_with_them),
        T(a_peer_without_them_is_rekeyed_by_the_other_proposal),
        T(of_two_child_rekeys_at_once_only_one_goes_on),
        T(of_two_ike_rekeys_at_once_only_one_goes_on),
        T(a_rekey_that_meets_the_peers_follow_up_waits),
        T(a_responder_that_waited_too_long_is_asked_again),
        T(a_peer_that_never_goes_on_blocks_nothing),
        T(a_peer_that_never_finds_the_state_is_left),
        T(a_response_without_a_link_ends_the_rekeying),
        T(another_method_than_was_chosen_ends_the_rekeying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
