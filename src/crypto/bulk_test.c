/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk crypto on whole ESP packets: every ENCR with every INTEG, both engines against each other, bad
 * packets. The vectors of RFCs are in bulk_vectors_test.c. */
#include "crypto/alg.h"
#include "crypto/bulk.h"
#include "crypto/random.h"
#include "support/bulk_suites.h"
#include "support/test.h"
#include <pthread.h>

#define MAX_PACKET 1600
#define BATCH      64

static const char *const engines[] = {"ipsec-mb", "openssl"};

/* The lengths of the test: 0 to 200 bytes of payload and some full packets. */
#define LENGTHS 208
static size_t payload_at(size_t i)
{
    return i < 201 ? i : 1394 + i - 201;
}

static uint8_t plain[LENGTHS][MAX_PACKET], sealed[2][LENGTHS][MAX_PACKET];

static void ops_fill(struct bulk_op *ops, const struct bulk_key *k, uint8_t packets[][MAX_PACKET], size_t n)
{
    for (size_t i = 0; i < n; i++)
        ops[i] = (struct bulk_op){
            .key = k,
            .esp = packets[i],
            .len = (uint32_t)suite_packet_len(k, payload_at(i)),
            .seq_hi = (uint32_t)i * 0x01020304,
            .has_esn = i % 2,
        };
}

static size_t round_trip(const struct suite *s, struct bulk_worker *w)
{
    static struct bulk_op ops[LENGTHS];
    static uint8_t opened[LENGTHS][MAX_PACKET];
    struct bulk_key *seal[2] = {suite_key(s, true, engines[0]), suite_key(s, true, engines[1])};
    struct bulk_key *open[2] = {suite_key(s, false, engines[0]), suite_key(s, false, engines[1])};
    size_t served = 0;
    if (!seal[1])
        fail_msg("%s: the openssl engine must serve everything", suite_name(s));
    crypto_random(plain, sizeof(plain));
    memcpy(sealed[0], plain, sizeof(plain));
    memcpy(sealed[1], plain, sizeof(plain));
    for (size_t e = 0; e < 2; e++) {
        if (!seal[e])
            continue;
        served++;
        ops_fill(ops, seal[e], sealed[e], LENGTHS);
        bulk_seal(w, ops, LENGTHS);
    }
    if (seal[0] && memcmp(sealed[0], sealed[1], sizeof(sealed[0])) != 0)
        fail_msg("%s: the engines write different bytes", suite_name(s));
    for (size_t e = 0; e < 2; e++) {
        if (!open[e])
            continue;
        memcpy(opened, sealed[1], sizeof(opened));
        ops_fill(ops, open[e], opened, LENGTHS);
        bulk_open(w, ops, LENGTHS);
        for (size_t i = 0; i < LENGTHS; i++) {
            size_t clear = ops[i].len - bulk_icv_len(open[e]);
            if (ops[i].status != BULK_OK)
                fail_msg("%s, %s: packet %zu refused (%u)", engines[e], suite_name(s), i, ops[i].status);
            if (memcmp(opened[i], plain[i], clear) != 0)
                fail_msg("%s, %s: packet %zu opens to something else", engines[e], suite_name(s), i);
        }
    }
    for (size_t e = 0; e < 2; e++) {
        bulk_key_free(seal[e]);
        bulk_key_free(open[e]);
    }
    return served;
}

static void both_engines_write_the_same_bytes_and_read_them_back(void **state)
{
    (void)state;
    struct suite s;
    struct bulk_worker *w = bulk_worker_new();
    size_t count = 0, twice = 0;
    for (size_t i = 0; suite_at(i, &s); i++) {
        count++;
        if (round_trip(&s, w) == 2)
            twice++;
    }
    print_message("%zu combinations, %zu of them by both engines\n", count, twice);
    /* GCM and CCM 9 each, GMAC 3, ChaCha 1; CBC 3, CTR 3, 3DES 1, NULL 1 with 8 MACs */
    assert_int_equal(count, 9 + 9 + 3 + 1 + (3 + 3 + 1 + 1) * 8);
    /* Intel's library lacks AES-192-CCM */
    if (twice)
        assert_int_equal(twice, count - 3);
    bulk_worker_free(w);
}

/* Where a packet is spoilt: in the SPI, the sequence number, the IV, the ciphertext, the ICV. */
static void spoil(const struct bulk_key *k, uint8_t *esp, size_t len, size_t where)
{
    size_t iv = bulk_iv_len(k), icv = bulk_icv_len(k);
    const size_t at[] = {3, 7, iv ? 8 + iv - 1 : 7, 8 + iv, len - icv - 1, len - icv, len - 1};
    esp[at[where % ARRAY_LEN(at)]] ^= 1;
}

static void a_changed_bit_is_refused_and_its_neighbours_are_not(void **state)
{
    (void)state;
    struct suite s;
    struct bulk_worker *w = bulk_worker_new();
    static uint8_t packets[28][MAX_PACKET];
    struct bulk_op ops[28];
    for (size_t c = 0; suite_at(c, &s); c++) {
        for (size_t e = 0; e < 2; e++) {
            struct bulk_key *seal = suite_key(&s, true, engines[e]), *open = suite_key(&s, false, engines[e]);
            if (!seal)
                continue;
            crypto_random(packets, sizeof(packets));
            ops_fill(ops, seal, packets, 28);
            bulk_seal(w, ops, 28);
            ops_fill(ops, open, packets, 28);
            for (size_t i = 0; i < 28; i += 2)
                spoil(open, packets[i], ops[i].len, i / 2);
            ops[27].seq_hi ^= 0x80; /* odd ones have ESN */
            ops[25].has_esn = false;
            bulk_open(w, ops, 28);
            for (size_t i = 0; i < 28; i++) {
                bool is_bad = i % 2 == 0 || i >= 25;
                if (ops[i].status != (is_bad ? BULK_BAD_ICV : BULK_OK))
                    fail_msg("%s, %s: packet %zu gave %u", engines[e], suite_name(&s), i, ops[i].status);
            }
            bulk_key_free(seal);
            bulk_key_free(open);
        }
    }
    bulk_worker_free(w);
}

static void packets_of_impossible_length_are_refused_untouched(void **state)
{
    (void)state;
    struct suite s;
    struct bulk_worker *w = bulk_worker_new();
    static uint8_t packet[MAX_PACKET], before[MAX_PACKET];
    for (size_t c = 0; suite_at(c, &s); c++) {
        struct bulk_key *open = suite_key(&s, false, NULL);
        size_t around = 8 + bulk_iv_len(open) + bulk_icv_len(open);
        crypto_random(packet, sizeof(packet));
        memcpy(before, packet, sizeof(packet));
        for (size_t len = 0; len < around + 2; len++) {
            struct bulk_op op = {.key = open, .esp = packet, .len = (uint32_t)len};
            bulk_open(w, &op, 1);
            assert_int_equal(op.status, BULK_BAD_LENGTH);
        }
        if (s.encr->block > 1) {
            struct bulk_op op = {.key = open, .esp = packet, .len = (uint32_t)(around + s.encr->block + 1)};
            bulk_open(w, &op, 1);
            assert_int_equal(op.status, BULK_BAD_LENGTH);
        }
        struct bulk_op huge = {.key = open, .esp = packet, .len = 65536 + 64};
        bulk_open(w, &huge, 1);
        assert_int_equal(huge.status, BULK_BAD_LENGTH);
        assert_memory_equal(packet, before, sizeof(packet));
        bulk_key_free(open);
    }
    bulk_worker_free(w);
}

static void combinations_that_protect_nothing_are_refused(void **state)
{
    (void)state;
    uint8_t key[64] = {1};
    const struct {
        uint16_t encr, bits, integ, encr_len, integ_len;
    } bad[] = {
        {ENCR_AES_CBC,           128, INTEG_NONE,              16, 0 }, /* no integrity */
        {ENCR_NULL,              0,   INTEG_NONE,              0,  0 },
        {ENCR_AES_GCM_16,        128, INTEG_HMAC_SHA2_256_128, 20, 32}, /* AEAD has its own */
        {ENCR_AES_GCM_16,        128, INTEG_NONE,              16, 0 }, /* salt missing */
        {ENCR_AES_GCM_16,        160, INTEG_NONE,              24, 0 },
        {ENCR_AES_GCM_16,        0,   INTEG_NONE,              0,  0 },
        {ENCR_AES_CBC,           128, INTEG_HMAC_SHA1_96,      16, 16}, /* short MAC key */
        {ENCR_CHACHA20_POLY1305, 128, INTEG_NONE,              20, 0 },
        {77,                     128, INTEG_NONE,              16, 0 },
        {ENCR_AES_CBC,           128, 77,                      16, 16},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct bulk_key *k =
            bulk_key_new(bad[i].encr, bad[i].bits, bad[i].integ, span_of(key, bad[i].encr_len),
                         span_of(key, bad[i].integ_len), true, NULL);
        assert_null(k);
    }
}

/* One batch with a packet of every combination, seal and open, good and too short ones next to each other. */
static void a_batch_may_mix_keys_of_every_kind(void **state)
{
    (void)state;
    static uint8_t at[LENGTHS][MAX_PACKET], before[LENGTHS][MAX_PACKET];
    static struct bulk_op ops[LENGTHS];
    struct bulk_key *seal[LENGTHS] = {0}, *open[LENGTHS] = {0};
    struct bulk_worker *w = bulk_worker_new();
    struct suite s;
    size_t n = 0;
    crypto_random(at, sizeof(at));
    memcpy(before, at, sizeof(at));
    for (size_t c = 0; suite_at(c * 5 % SUITES, &s) && n < 172; c++, n++) { /* each twice, in a mixed order */
        const char *engine = c % 7 == 3 ? "openssl" : NULL;
        seal[n] = suite_key(&s, true, engine);
        open[n] = suite_key(&s, false, engine);
        ops[n] =
            (struct bulk_op){.key = seal[n], .esp = at[n], .len = (uint32_t)suite_packet_len(seal[n], n)};
        if (n % 11 == 10)
            ops[n].len = 9;
    }
    bulk_seal(w, ops, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ops[i].status, i % 11 == 10 ? BULK_BAD_LENGTH : BULK_OK);
        ops[i].key = open[i];
        if (i % 13 == 12)
            at[i][ops[i].len - 1] ^= 1;
    }
    bulk_open(w, ops, n);
    for (size_t i = 0; i < n; i++) {
        unsigned expected = i % 11 == 10 ? BULK_BAD_LENGTH : i % 13 == 12 ? BULK_BAD_ICV : BULK_OK;
        assert_int_equal(ops[i].status, expected);
        if (expected == BULK_OK)
            assert_memory_equal(at[i], before[i], ops[i].len - bulk_icv_len(open[i]));
        bulk_key_free(seal[i]);
        bulk_key_free(open[i]);
    }
    bulk_worker_free(w);
}

/* Two keys, two threads, one of the keys shared: what a data plane with several threads does. */
struct thread_job {
    struct bulk_key *shared, *own;
    uint8_t packets[BATCH][MAX_PACKET];
};

static void *thread_seal(void *arg)
{
    struct thread_job *t = arg;
    struct bulk_worker *w = bulk_worker_new();
    struct bulk_op ops[BATCH];
    for (int round = 0; round < 20; round++) {
        memset(t->packets, 0x5a, sizeof(t->packets));
        for (size_t i = 0; i < BATCH; i++) {
            const struct bulk_key *k = i % 3 ? t->shared : t->own;
            ops[i] =
                (struct bulk_op){.key = k, .esp = t->packets[i], .len = (uint32_t)suite_packet_len(k, i)};
        }
        bulk_seal(w, ops, BATCH);
    }
    bulk_worker_free(w);
    return NULL;
}

static void two_threads_share_a_key(void **state)
{
    (void)state;
    static struct thread_job jobs[2];
    struct suite s;
    for (size_t e = 0; e < 2; e++) {
        assert_true(suite_at(22, &s)); /* AES-CBC with HMAC-SHA-256 */
        assert_false(s.encr->is_aead);
        struct bulk_key *shared = suite_key(&s, true, engines[e]), *own = suite_key(&s, true, engines[e]);
        if (!shared)
            continue;
        pthread_t other;
        jobs[0].shared = jobs[1].shared = shared;
        jobs[0].own = jobs[1].own = own;
        assert_int_equal(pthread_create(&other, NULL, thread_seal, &jobs[1]), 0);
        thread_seal(&jobs[0]);
        pthread_join(other, NULL);
        assert_memory_equal(jobs[0].packets, jobs[1].packets, sizeof(jobs[0].packets));
        bulk_key_free(shared);
        bulk_key_free(own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_engines_write_the_same_bytes_and_read_them_back),
        cmocka_unit_test(a_changed_bit_is_refused_and_its_neighbours_are_not),
        cmocka_unit_test(packets_of_impossible_length_are_refused_untouched),
        cmocka_unit_test(combinations_that_protect_nothing_are_refused),
        cmocka_unit_test(a_batch_may_mix_keys_of_every_kind),
        cmocka_unit_test(two_threads_share_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
