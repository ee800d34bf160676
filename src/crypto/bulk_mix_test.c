/* SPDX-License-Identifier: Apache-2.0 */
/* Both engines on the same random batches: packets of all suites in one call, of any length and alignment,
 * with and without ESN, good and spoilt. One seals, the other opens; both write the same bytes and nothing
 * beside them. bulk_test.c runs each suite by itself. */
#include "crypto/random.h"
#include "support/bulk_suites.h"
#include "support/test.h"

#define BATCH  150
#define ROUNDS 60
#define ROOM   9600
#define GUARD  64

enum { MB, OPENSSL, ENGINES };

struct both {
    struct bulk_key *seal[ENGINES], *open[ENGINES];
};

static const char *const engines[] = {"ipsec-mb", "openssl"};
static struct both suites[SUITES];
static size_t n_suites;
static uint8_t sent[BATCH][ROOM], sealed[ENGINES][BATCH][ROOM];
static struct bulk_op ops[ENGINES][BATCH];
static const struct both *suite_of[BATCH];

static uint32_t below(uint32_t n)
{
    uint32_t r;
    crypto_random(&r, sizeof(r));
    return r % n;
}

static int make_keys(void **state)
{
    (void)state;
    struct suite one;
    crypto_random_seed(3);
    for (size_t i = 0; suite_at(i, &one); i++) {
        struct both *s = &suites[n_suites];
        for (int e = 0; e < ENGINES; e++) {
            s->seal[e] = suite_key(&one, true, engines[e]);
            s->open[e] = suite_key(&one, false, engines[e]);
        }
        assert_non_null(s->seal[OPENSSL]);
        if (s->seal[MB]) {
            n_suites++;
            continue;
        }
        bulk_key_free(s->seal[OPENSSL]);
        bulk_key_free(s->open[OPENSSL]);
    }
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_suites; i++) {
        for (int e = 0; e < ENGINES; e++) {
            bulk_key_free(suites[i].seal[e]);
            bulk_key_free(suites[i].open[e]);
        }
    }
    return 0;
}

/* Packet i of the round: the same for both engines. */
static void lay_out(size_t i)
{
    const struct both *s = &suites[below((uint32_t)n_suites)];
    size_t block = bulk_block(s->seal[OPENSSL]), limit = below(20) ? 1500 : 9000;
    size_t text = (2 + below((uint32_t)limit) + block - 1) / block * block;
    struct bulk_op op = {
        .len = (uint32_t)(8 + bulk_iv_len(s->seal[OPENSSL]) + text + bulk_icv_len(s->seal[OPENSSL])),
        .seq_hi = below(1u << 31),
        .has_esn = below(2)};
    size_t offset = GUARD + below(64);
    suite_of[i] = s;
    crypto_random(sent[i], ROOM);
    for (int e = 0; e < ENGINES; e++) {
        memcpy(sealed[e][i], sent[i], ROOM);
        ops[e][i] = op;
        ops[e][i].esp = sealed[e][i] + offset;
        ops[e][i].key = s->seal[e];
    }
}

static void check_sealed(size_t i)
{
    const struct bulk_op *op = &ops[MB][i];
    size_t from = (size_t)(op->esp - sealed[MB][i]), to = from + op->len;
    assert_int_equal(ops[MB][i].status, BULK_OK);
    assert_int_equal(ops[OPENSSL][i].status, BULK_OK);
    assert_memory_equal(sealed[MB][i], sealed[OPENSSL][i], ROOM);
    assert_memory_equal(sealed[MB][i], sent[i], from + 8); /* SPI and sequence number stay */
    assert_memory_equal(sealed[MB][i] + to, sent[i] + to, ROOM - to);
    assert_memory_not_equal(sealed[MB][i] + to - 8, sent[i] + to - 8, 8); /* the ICV */
}

/* Each opens what the other sealed; some of it spoilt. Returns whether packet i is. */
static bool prepare_opening(size_t i)
{
    bool is_bad = !below(8);
    uint32_t bit = below(ops[MB][i].len * 8);
    for (int e = 0; e < ENGINES; e++) {
        ops[e][i].key = suite_of[i]->open[e == MB ? OPENSSL : MB];
        if (is_bad)
            ops[e][i].esp[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    return is_bad;
}

static void check_opened(size_t i, bool is_bad)
{
    for (int e = 0; e < ENGINES; e++) {
        const struct bulk_op *op = &ops[e][i];
        size_t from = (size_t)(op->esp - sealed[e][i]), to = from + op->len;
        assert_int_equal(op->status, is_bad ? BULK_BAD_ICV : BULK_OK);
        assert_memory_equal(sealed[e][i], sent[i], from);
        assert_memory_equal(sealed[e][i] + to, sent[i] + to, ROOM - to);
        if (!is_bad)
            assert_memory_equal(op->esp, sent[i] + from, op->len - bulk_icv_len(op->key));
    }
}

static void mixed_batches_are_the_same_in_both_engines(void **state)
{
    (void)state;
    struct bulk_worker *w = bulk_worker_new();
    size_t packets = 0;
    for (int round = 0; round < ROUNDS && n_suites; round++) {
        bool is_bad[BATCH];
        size_t n = 1 + below(BATCH);
        for (size_t i = 0; i < n; i++)
            lay_out(i);
        bulk_seal(w, ops[MB], n);
        bulk_seal(w, ops[OPENSSL], n);
        for (size_t i = 0; i < n; i++)
            check_sealed(i);
        for (size_t i = 0; i < n; i++)
            is_bad[i] = prepare_opening(i);
        bulk_open(w, ops[MB], n);
        bulk_open(w, ops[OPENSSL], n);
        for (size_t i = 0; i < n; i++)
            check_opened(i, is_bad[i]);
        packets += n;
    }
    print_message("%zu suites in both engines, %zu packets\n", n_suites, packets);
    bulk_worker_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed_batches_are_the_same_in_both_engines),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
