/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7383: fragments in any order, twice, forged, of another division, too many, too large. */
#include "base/wr.h"
#include "crypto/alg.h"
#include "ike/msg/build.h"
#include "ike/msg/dump.h"
#include "ike/msg/protect.h"
#include "support/test.h"
#include "vectors/ikev2_vectors.h"

#define MAX_BYTES 10000

static struct arena *arena;
static struct sealer sealer;
static struct reassembly r;

static const struct ike_header header = {
    .spi_i = UINT64_C(0x1122334455667788),
    .spi_r = UINT64_C(0x99aabbccddeeff01),
    .exchange = EXCHANGE_IKE_AUTH,
    .flags = IKE_FLAG_INITIATOR,
    .message_id = 1,
};

static int setup(void **state)
{
    (void)state;
    uint8_t key[36];
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    arena = arena_new(64 << 20);
    sealer_init(&sealer, cipher_new(ENCR_AES_GCM_16, 256, 0, span_of(key, 36), span_of(NULL, 0)));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reassembly_reset(&r);
    sealer_deinit(&sealer);
    arena_free(arena);
    return 0;
}

static struct datagrams sealed(size_t size, size_t max_datagram, struct span *chain)
{
    uint8_t *buf = arena_alloc(arena, size + 64), *body = arena_alloc(arena, size);
    struct build b;
    struct datagrams out;
    for (size_t i = 0; i < size; i++)
        body[i] = (uint8_t)(i * 7 + i / 256);
    build_begin(&b, buf, size + 64, NULL);
    build_cert(&b, 4, span_of(body, size));
    build_notify_empty(&b, N_MOBIKE_SUPPORTED);
    assert_true(build_end(&b, chain));
    assert_true(protect_seal(arena, &sealer, &header, b.first, *chain, max_datagram, &out));
    return out;
}

static enum reassembly_status feed(struct span datagram, struct ike_message *m)
{
    assert_int_equal(ike_decode(arena, datagram, m, NULL), DECODE_OK);
    return reassembly_add(&r, arena, sealer.cipher, m, MAX_BYTES, NULL);
}

static void assert_whole(const struct ike_message *m, struct span chain)
{
    assert_true(m->is_opened);
    assert_int_equal(m->n, 3);
    assert_span_equal(ike_find(m, PAYLOAD_CERT)->body, span_of(chain.ptr + 4, chain.len - 4 - 8));
    assert_non_null(ike_notify(m, N_MOBIKE_SUPPORTED));
    assert_null(r.arena);
}

static void fragments_of_an_independent_computation_come_together(void **state)
{
    (void)state;
    struct ike_message m;
    char line[IKE_DUMP_MAX];
    assert_int_equal(feed(hex(V_SKF_GCM16_256_2), &m), REASSEMBLY_MORE);
    assert_string_equal(ike_dump(&m, line, sizeof(line)), "IKE_AUTH request 1 [ SKF(2/2) ]");
    assert_int_equal(feed(hex(V_SKF_GCM16_256_1), &m), REASSEMBLY_DONE);
    assert_string_equal(ike_dump(&m, line, sizeof(line)),
                        "IKE_AUTH request 1 [ N(MOBIKE_SUP) N(MULT_AUTH) V ]");
}

static void no_datagram_exceeds_its_limit_and_small_messages_stay_whole(void **state)
{
    (void)state;
    for (size_t max = SKF_MIN_DATAGRAM; max < 1500; max += 97) {
        for (size_t size = 1; size < 4000; size += 333) {
            struct span chain;
            struct datagrams out = sealed(size, max, &chain);
            for (size_t i = 0; i < out.n; i++)
                assert_true(out.v[i].len <= max);
            assert_int_equal(out.n == 1, 28 + 4 + 8 + chain.len + 1 + 16 <= max);
        }
    }
}

static void any_order_with_duplicates_yields_the_message_once(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 50; seed++) {
        struct span chain;
        struct datagrams out = sealed(3000, 400 + seed, &chain);
        size_t order[64], n = 0;
        for (size_t i = 0; i < out.n; i++) { /* each twice but the last one of the shuffle */
            order[n++] = i;
            order[n++] = i;
        }
        uint32_t random = seed * 2654435761u + 1;
        for (size_t i = n - 1; i > 0; i--) {
            random = random * 1664525u + 1013904223u;
            size_t j = (random >> 8) % (i + 1), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
        struct ike_message m;
        size_t fed = 0;
        enum reassembly_status s = REASSEMBLY_MORE;
        while (s == REASSEMBLY_MORE) {
            assert_true(fed < n);
            s = feed(out.v[order[fed++]], &m);
        }
        assert_int_equal(s, REASSEMBLY_DONE);
        assert_true(fed >= out.n);
        assert_whole(&m, chain);
    }
}

static void a_forged_fragment_changes_nothing(void **state)
{
    (void)state;
    struct span chain;
    struct ike_message m;
    struct datagrams out = sealed(1500, 600, &chain);
    for (size_t i = 0; i < out.n; i++) {
        struct reassembly before = r;
        struct span forged = arena_dup(arena, out.v[i]);
        ((uint8_t *)forged.ptr)[60] ^= 1;
        assert_int_equal(feed(forged, &m), REASSEMBLY_BAD_ICV);
        /* With another total, which would replace what is there; with another message ID. */
        forged = arena_dup(arena, out.v[i]);
        ((uint8_t *)forged.ptr)[35]++;
        assert_int_equal(feed(forged, &m), REASSEMBLY_BAD_ICV);
        forged = arena_dup(arena, out.v[i]);
        ((uint8_t *)forged.ptr)[23]++;
        assert_int_equal(feed(forged, &m), REASSEMBLY_BAD_ICV);
        assert_memory_equal(&before, &r, sizeof(r));
        assert_int_equal(feed(out.v[i], &m), i + 1 < out.n ? REASSEMBLY_MORE : REASSEMBLY_DONE);
    }
    assert_whole(&m, chain);
}

static void a_finer_division_replaces_and_a_coarser_one_is_late(void **state)
{
    (void)state;
    struct span chain;
    struct ike_message m;
    struct datagrams coarse = sealed(2000, 1000, &chain), fine = sealed(2000, 500, &chain);
    assert_true(coarse.n < fine.n);
    assert_int_equal(feed(coarse.v[0], &m), REASSEMBLY_MORE);
    assert_int_equal(feed(fine.v[1], &m), REASSEMBLY_MORE);
    assert_int_equal(r.have, 1);
    assert_int_equal(feed(coarse.v[1], &m), REASSEMBLY_REFUSED);
    assert_int_equal(r.have, 1);
    for (size_t i = 0; i < fine.n; i++) {
        if (i != 1)
            assert_int_equal(feed(fine.v[i], &m), i + 1 < fine.n ? REASSEMBLY_MORE : REASSEMBLY_DONE);
    }
    assert_whole(&m, chain);
}

static void bytes_and_number_are_bounded(void **state)
{
    (void)state;
    struct span chain;
    struct ike_message m;
    struct datagrams big = sealed(MAX_BYTES + 10, 1200, &chain);
    enum reassembly_status s = REASSEMBLY_MORE;
    for (size_t i = 0; i < big.n && s == REASSEMBLY_MORE; i++) {
        s = feed(big.v[i], &m);
        assert_true(r.bytes <= MAX_BYTES);
    }
    assert_int_equal(s, REASSEMBLY_REFUSED);
    reassembly_reset(&r);
    struct datagrams out;
    uint8_t body[20000] = {0};
    assert_false(
        protect_seal(arena, &sealer, &header, PAYLOAD_VENDOR, span_of(body, sizeof(body)), 128, &out));
    assert_false(
        protect_seal(arena, &sealer, &header, PAYLOAD_VENDOR, span_of(body, sizeof(body)), 40, &out));
}

/* A fragment by hand, with an authentic header that protect_seal() would not write. */
static struct span fragment(uint16_t number, uint16_t total, struct span plain)
{
    size_t len = 36 + 8 + plain.len + 1 + 16;
    uint8_t *buf = arena_alloc(arena, len);
    struct wr w = wr_over(buf, len);
    struct ike_header h = header;
    h.next_payload = PAYLOAD_SKF;
    h.length = (uint32_t)len;
    ike_header_write(&w, &h);
    wr_u8(&w, PAYLOAD_VENDOR);
    wr_u8(&w, 0);
    wr_u16(&w, (uint16_t)(len - 28));
    wr_u16(&w, number);
    wr_u16(&w, total);
    uint8_t *iv = wr_reserve(&w, 8), *data = wr_reserve(&w, plain.len + 1), *icv = wr_reserve(&w, 16);
    memset(iv, 0xee, 8);
    if (plain.len)
        memcpy(data, plain.ptr, plain.len);
    assert_true(cipher_seal(sealer.cipher, span_of(buf, 36), iv, data, plain.len + 1, icv));
    return span_of(buf, len);
}

static void authentic_fragments_with_wrong_numbers_or_contents_are_refused(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(feed(fragment(1, SKF_MAX_FRAGMENTS + 1, span_str("x")), &m), REASSEMBLY_REFUSED);
    assert_int_equal(feed(fragment(1, UINT16_MAX, span_str("x")), &m), REASSEMBLY_REFUSED);
    assert_int_equal(feed(fragment(1, 2, span_of(NULL, 0)), &m), REASSEMBLY_REFUSED);
    assert_null(r.arena);
    assert_int_equal(ike_decode(arena, fragment(0, 2, span_str("x")), &m, NULL), DECODE_MALFORMED);
    assert_int_equal(ike_decode(arena, fragment(3, 2, span_str("x")), &m, NULL), DECODE_MALFORMED);
    assert_int_equal(feed(fragment(1, 1, span_str("nonsense")), &m), REASSEMBLY_MALFORMED);
    assert_null(r.arena);
    assert_int_equal(feed(fragment(1, 1, hex("c8800004 00800004")), &m), REASSEMBLY_CRITICAL);
    assert_int_equal(m.bad_payload, 200);
    assert_int_equal(feed(fragment(1, 1, hex("00000004")), &m), REASSEMBLY_DONE);
}

static void whole_messages_are_not_fragments(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(feed(hex(V_SK_GCM16_256), &m), REASSEMBLY_REFUSED);
    assert_int_equal(ike_decode(arena, hex(V_SKF_GCM16_256_1), &m, NULL), DECODE_OK);
    assert_int_equal(protect_open(arena, sealer.cipher, &m, NULL), DECODE_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_of_an_independent_computation_come_together),
        cmocka_unit_test(no_datagram_exceeds_its_limit_and_small_messages_stay_whole),
        cmocka_unit_test(any_order_with_duplicates_yields_the_message_once),
        cmocka_unit_test(a_forged_fragment_changes_nothing),
        cmocka_unit_test(a_finer_division_replaces_and_a_coarser_one_is_late),
        cmocka_unit_test(bytes_and_number_are_bounded),
        cmocka_unit_test(authentic_fragments_with_wrong_numbers_or_contents_are_refused),
        cmocka_unit_test(whole_messages_are_not_fragments),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
