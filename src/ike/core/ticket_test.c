/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed tickets: what comes back, and that nothing else does. */
#include "crypto/alg.h"
#include "ike/core/ticket.h"
#include "support/test.h"

#define NOW INT64_C(1764000000)

static const uint8_t secret[32] = {1, 2, 3}, other[32] = {1, 2, 4};
static uint8_t sealed[TICKET_MAX], room[TICKET_MAX];

static struct ticket usual(void)
{
    return (struct ticket){
        .expires = NOW + 3600,
        .auth_ends = NOW + 7200,
        .old_id = 7,
        .old_spi_i = 0x0102030405060708,
        .old_spi_r = 0x1112131415161718,
        .conn_hash = 42,
        .credential = "fifteen letters",
        .chosen = {.encr = ENCR_AES_GCM_16,
                   .key_bits = 256,
                   .prf = PRF_HMAC_SHA2_256,
                   .ke = KE_CURVE25519,
                   .addke = {KE_ML_KEM_768}},
        .has_ppk = true,
        .way = {.local = {.family = 4, .b = {192, 0, 2, 2}},
                   .remote = {.family = 6, .b = {0x20, 1, 0xd, 0xb8}},
                   .needs_udp = true},
        .sk_d = span_str("thirty-two bytes of SK_d are here"),
        .conn = span_str("office"),
        .local_id = {.type = ID_FQDN, .data = span_str("b.test")},
        .remote_id = {.type = ID_RFC822_ADDR,                                           .data = span_str("someone@a.test")                                 },
    };
}

static size_t seal(struct ticket t)
{
    return ticket_seal(span_of(secret, 32), NOW, &t, sealed);
}

static bool opens(size_t len, int64_t wall, struct ticket *t)
{
    return ticket_open(span_of(secret, 32), wall, span_of(sealed, len), room, t);
}

static void a_ticket_gives_back_what_it_holds(void **state)
{
    (void)state;
    struct ticket want = usual(), got;
    size_t len = ticket_seal(span_of(secret, 32), NOW, &want, sealed);
    assert_true(len > 0 && len < TICKET_MAX);
    assert_true(opens(len, NOW + 1, &got));
    assert_int_equal(got.expires, want.expires);
    assert_int_equal(got.auth_ends, want.auth_ends);
    assert_int_equal(got.old_id, want.old_id);
    assert_int_equal(got.old_spi_i, want.old_spi_i);
    assert_int_equal(got.old_spi_r, want.old_spi_r);
    assert_int_equal(got.conn_hash, want.conn_hash);
    assert_memory_equal(got.credential, want.credential, TICKET_CREDENTIAL);
    assert_int_equal(got.chosen.encr, want.chosen.encr);
    assert_int_equal(got.chosen.key_bits, want.chosen.key_bits);
    assert_int_equal(got.chosen.prf, want.chosen.prf);
    assert_int_equal(got.chosen.ke, want.chosen.ke);
    assert_memory_equal(got.chosen.addke, want.chosen.addke, sizeof(want.chosen.addke));
    assert_true(got.has_ppk && got.way.needs_udp);
    assert_true(ip_equal(got.way.local, want.way.local) && ip_equal(got.way.remote, want.way.remote));
    assert_span_equal(got.sk_d, want.sk_d);
    assert_span_equal(got.conn, want.conn);
    assert_true(identity_equal(&got.local_id, &want.local_id));
    assert_true(identity_equal(&got.remote_id, &want.remote_id));
    assert_memory_equal(got.id, want.id, TICKET_ID_LEN);
}

static void nothing_of_it_can_be_read(void **state)
{
    (void)state;
    size_t len = seal(usual());
    assert_null(memmem(sealed, len, "thirty-two bytes", 16));
    assert_null(memmem(sealed, len, "a.test", 6));
    assert_null(memmem(sealed, len, "office", 6));
}

static void two_tickets_of_the_same_have_nothing_in_common(void **state)
{
    (void)state;
    uint8_t first[TICKET_MAX];
    size_t len = seal(usual()), same = 0;
    memcpy(first, sealed, len);
    assert_int_equal(seal(usual()), len);
    for (size_t i = 5; i < len; i++)
        same += first[i] == sealed[i];
    assert_true(same < len / 8); /* as many as chance makes equal, and some */
}

static void a_changed_bit_is_found(void **state)
{
    (void)state;
    struct ticket got;
    size_t len = seal(usual());
    for (size_t i = 0; i < len; i++) {
        sealed[i] ^= 0x10;
        assert_false(opens(len, NOW, &got));
        sealed[i] ^= 0x10;
    }
    assert_true(opens(len, NOW, &got));
}

static void no_other_length_is_taken(void **state)
{
    (void)state;
    struct ticket got;
    size_t len = seal(usual());
    for (size_t shorter = 0; shorter < len; shorter++)
        assert_false(opens(shorter, NOW, &got));
    assert_false(opens(len + 1, NOW, &got));
    assert_false(opens(TICKET_MAX, NOW, &got));
}

static void another_machine_cannot_open_it(void **state)
{
    (void)state;
    struct ticket got;
    size_t len = seal(usual());
    assert_false(ticket_open(span_of(other, 32), NOW, span_of(sealed, len), room, &got));
    assert_false(ticket_open(span_of(NULL, 0), NOW, span_of(sealed, len), room, &got));
    struct ticket t = usual();
    assert_int_equal(ticket_seal(span_of(NULL, 0), NOW, &t, sealed), 0);
}

static void it_expires(void **state)
{
    (void)state;
    struct ticket got;
    size_t len = seal(usual());
    assert_true(opens(len, NOW + 3599, &got));
    assert_false(opens(len, NOW + 3600, &got));
}

static void keys_go_with_their_period(void **state)
{
    (void)state;
    struct ticket t = usual(), got;
    t.expires = INT64_MAX;
    size_t len = seal(t);
    int64_t begins = NOW / TICKET_KEY_PERIOD * TICKET_KEY_PERIOD;
    assert_true(opens(len, begins + 2 * TICKET_KEY_PERIOD - 1, &got));
    assert_false(opens(len, begins + 2 * TICKET_KEY_PERIOD, &got));
    assert_false(opens(len, begins - 1, &got)); /* from the future */
}

static void what_is_too_large_gets_no_ticket(void **state)
{
    (void)state;
    static uint8_t large[TICKET_MAX];
    struct ticket t = usual();
    t.remote_id.data = span_of(large, sizeof(large));
    assert_int_equal(seal(t), 0);
    t.remote_id.data = span_of(large, TICKET_MAX - 300);
    assert_int_not_equal(seal(t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_gives_back_what_it_holds),
        cmocka_unit_test(nothing_of_it_can_be_read),
        cmocka_unit_test(two_tickets_of_the_same_have_nothing_in_common),
        cmocka_unit_test(a_changed_bit_is_found),
        cmocka_unit_test(no_other_length_is_taken),
        cmocka_unit_test(another_machine_cannot_open_it),
        cmocka_unit_test(it_expires),
        cmocka_unit_test(keys_go_with_their_period),
        cmocka_unit_test(what_is_too_large_gets_no_ticket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
