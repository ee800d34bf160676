/* SPDX-License-Identifier: Apache-2.0 */
/* What is legal when (RFC 7296 sections 1.2, 2.2, 2.3, 2.25): well-sealed requests that come too early, too
 * late, under a wrong message ID or twice. The keys of IKE_SA_INIT prove nothing: whoever begins has them. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static void come_up(void)
{
    const struct pair_spec s = {0};
    up(&s, &s);
}

/* ---- requests */

static void put_proposal(struct build *b, uint8_t protocol, const char *text, uint8_t spi_len)
{
    struct proposal v;
    struct diag d = {0};
    assert_true(proposal_parse(protocol, text, &v, &d));
    v.spi_len = spi_len;
    memset(v.spi, 0x5a, spi_len);
    build_sa(b, &v, 1);
}

static void put_ts(struct build *b)
{
    struct ts ts[2];
    const char *err;
    assert_true(ts_parse("10.1.0.0/16", &ts[0], &err) && ts_parse("10.2.0.0/16", &ts[1], &err));
    build_ts(b, PAYLOAD_TSI, &ts[0], 1);
    build_ts(b, PAYLOAD_TSR, &ts[1], 1);
}

static void put_nonce(struct build *b)
{
    static const uint8_t nonce[32] = {1, 2, 3};
    build_nonce(b, span_of(nonce, sizeof(nonce)));
}

static void new_child(struct build *b)
{
    put_proposal(b, PROTO_ESP, "aes256gcm16", 4);
    put_nonce(b);
    put_ts(b);
}

static void rekey_child(struct build *b)
{
    static const uint8_t spi[4] = {1, 2, 3, 4};
    build_notify(b, N_REKEY_SA, PROTO_ESP, span_of(spi, 4), span_of(NULL, 0));
    new_child(b);
}

static void rekey_ike(struct build *b)
{
    static const uint8_t value[32] = {9};
    put_proposal(b, PROTO_IKE, "aes256gcm16-prfsha256-x25519", 8);
    put_nonce(b);
    build_ke(b, KE_CURVE25519, span_of(value, sizeof(value)));
}

static void new_child_without_spi(struct build *b)
{
    struct proposal v;
    struct diag d = {0};
    assert_true(proposal_parse(PROTO_ESP, "aes256gcm16", &v, &d));
    v.spi_len = 4; /* four zeros: reserved */
    build_sa(b, &v, 1);
    put_nonce(b);
    put_ts(b);
}

static void delete_twice(struct build *b)
{
    const uint32_t spi = p.side[0].sas[0].direction == SA_IN ? p.side[0].sas[0].spi : p.side[0].sas[1].spi;
    const uint32_t spis[] = {spi, spi, spi};
    build_delete_child(b, PROTO_ESP, spis, 3);
    build_delete_child(b, PROTO_ESP, spis, 3);
}

static void nothing(struct build *b)
{
    (void)b;
}

static const struct request {
    uint8_t exchange;
    void (*fill)(struct build *b);
} requests[] = {
    {EXCHANGE_CREATE_CHILD_SA, new_child       },
    {EXCHANGE_CREATE_CHILD_SA, rekey_child     },
    {EXCHANGE_CREATE_CHILD_SA, rekey_ike       },
    {EXCHANGE_INFORMATIONAL,   build_delete_ike},
    {EXCHANGE_INFORMATIONAL,   nothing         },
};

/* A request of side 0 as it would seal it, to side 1. */
static void send_sealed(uint8_t exchange, uint32_t id, uint8_t first, struct span chain)
{
    const struct ike_sa *sa = rogue_sa(&p, 0);
    struct arena *a = arena_new(1u << 16);
    struct sealer s;
    struct datagrams d;
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .exchange = exchange,
                           .flags = IKE_FLAG_INITIATOR,
                           .message_id = id};
    sealer_init(&s, ike_keys_cipher(&sa->keys, &sa->chosen, true));
    s.next_iv = UINT64_C(1) << 40;
    assert_true(protect_seal(a, &s, &h, first, chain, 0, &d));
    pair_input(
        &p, 1,
        &(struct input){
            .kind = INPUT_DATAGRAM, .datagram = {.local = sa->remote, .remote = sa->local, .bytes = d.v[0]}
    });
    sealer_deinit(&s);
    arena_free(a);
}

static void send_request_as(const struct request *r, uint32_t id)
{
    uint8_t buf[2048];
    struct build b;
    struct span chain;
    build_begin(&b, buf, sizeof(buf), NULL);
    r->fill(&b);
    assert_true(build_end(&b, &chain));
    send_sealed(r->exchange, id, b.first, chain);
}

/* ---- too early, too late */

static bool drop_auth(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_AUTH;
}

static void before_authentication_nothing_but_ike_auth_is_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        pair_deinit(&p);
        pair_init(&p);
        p.filter = drop_auth;
        come_up();
        assert_int_equal(rogue_sa(&p, 1)->state, IKE_CONNECTING);
        send_request_as(&requests[i], 1);
        pair_run(&p);
        assert_int_equal(rogue_sa(&p, 1)->state, IKE_CONNECTING);
        assert_false(rogue_sa(&p, 1)->is_lingering);
        assert_int_equal(p.side[1].n_sas, 0);
        assert_int_equal(p.side[1].policies, 0);
        assert_int_equal(engine_stats(p.side[1].e)->ike_sas, 0);
        assert_int_equal(engine_stats(p.side[1].e)->child_sas, 0);
    }
}

/* That the forged requests are good is seen when their time has come. */
static void once_authenticated_a_further_child_is_served(void **state)
{
    (void)state;
    come_up();
    assert_int_equal(p.side[1].n_sas, 2);
    send_request_as(&requests[0], rogue_sa(&p, 1)->window.next_in);
    assert_int_equal(p.side[1].n_sas, 3); /* it takes over from the first one, and sends when that is safe */
    pair_advance(&p, 2 * TIME_SECOND);
    assert_int_equal(p.side[1].n_sas, 4);
}

static void a_request_ahead_of_its_turn_waits_for_ever(void **state)
{
    (void)state;
    come_up();
    send_request_as(&requests[0], rogue_sa(&p, 1)->window.next_in + 1);
    send_request_as(&requests[0], UINT32_MAX);
    assert_int_equal(p.side[1].n_sas, 2);
    assert_int_equal(engine_stats(p.side[1].e)->dropped_replayed, 2);
}

static void an_ike_sa_that_was_replaced_makes_no_child(void **state)
{
    (void)state;
    come_up();
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    assert_true(pair_deliver(&p)); /* the peer has answered and goes on with the new SA */
    struct ike_sa *old = rogue_sa(&p, 1);
    assert_int_equal(old->state, IKE_REKEYED);
    send_request_as(&requests[0], old->window.next_in);
    assert_int_equal(p.side[1].n_sas, 2);
    assert_true(list_empty(&old->children));
}

/* ---- twice */

static void an_spi_of_zero_makes_no_child(void **state)
{
    (void)state;
    come_up();
    send_request_as(&(struct request){EXCHANGE_CREATE_CHILD_SA, new_child_without_spi},
                    rogue_sa(&p, 1)->window.next_in);
    assert_int_equal(p.side[1].n_sas, 2);
}

static void a_child_that_is_named_twice_is_deleted_once(void **state)
{
    (void)state;
    come_up();
    send_request_as(&(struct request){EXCHANGE_INFORMATIONAL, delete_twice}, rogue_sa(&p, 1)->window.next_in);
    assert_int_equal(p.side[1].n_sas, 0);
    assert_int_equal(p.side[1].policies, 0);
    assert_int_equal(p.side[1].downs, 1);
    assert_int_equal(engine_stats(p.side[1].e)->child_sas, 0);
}

struct kept {
    uint8_t first, plain[2048];
    size_t len;
};

static bool keep_auth(void *ctx, struct pair_packet *k)
{
    struct kept *kept = ctx;
    struct ike_message m;
    struct diag d = {0};
    if (k->from != 0 || k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_AUTH)
        return true;
    const struct ike_sa *sa = rogue_sa(&p, 0);
    struct arena *a = arena_new(1u << 16);
    struct cipher *c = ike_keys_cipher(&sa->keys, &sa->chosen, true);
    assert_int_equal(ike_decode(a, span_of(k->bytes, k->len), &m, &d), DECODE_OK);
    kept->first = m.sk->sk.first;
    assert_int_equal(protect_open(a, c, &m, &d), DECODE_OK);
    const struct ike_payload *from = &m.v[1], *to = &m.v[m.n - 1]; /* side by side in one buffer */
    kept->len = (size_t)(to->body.ptr + to->body.len - (from->body.ptr - PAYLOAD_HEADER_LEN));
    assert_true(kept->len <= sizeof(kept->plain));
    memcpy(kept->plain, from->body.ptr - PAYLOAD_HEADER_LEN, kept->len);
    cipher_free(c);
    arena_free(a);
    return true;
}

static void nobody_authenticates_twice(void **state)
{
    (void)state;
    struct kept kept = {0};
    p.filter = keep_auth;
    p.ctx = &kept;
    come_up();
    p.filter = NULL;
    assert_true(kept.len > 0);
    struct ike_sa *sa = rogue_sa(&p, 1);
    send_sealed(EXCHANGE_IKE_AUTH, sa->window.next_in, kept.first, span_of(kept.plain, kept.len));
    assert_int_equal(sa->state, IKE_ESTABLISHED);
    assert_false(sa->is_lingering);
    assert_int_equal(p.side[1].n_sas, 2);
    assert_int_equal(p.side[1].ike_ups, 1);
    assert_int_equal(engine_stats(p.side[1].e)->auth_failed, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(before_authentication_nothing_but_ike_auth_is_served),
        T(once_authenticated_a_further_child_is_served),
        T(a_request_ahead_of_its_turn_waits_for_ever),
        T(an_ike_sa_that_was_replaced_makes_no_child),
        T(an_spi_of_zero_makes_no_child),
        T(a_child_that_is_named_twice_is_deleted_once),
        T(nobody_authenticates_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
