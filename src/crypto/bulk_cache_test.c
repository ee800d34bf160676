/* SPDX-License-Identifier: Apache-2.0 */
/* Expanded keys come and go: more busy keys than slots, keys that crowd one set inside one batch, what is
 * wiped when, and threads that use and forget keys at the same time. */
#include "base/arena.h"
#include "crypto/bulk_engine.h"
#include "crypto/random.h"
#include "support/bulk_suites.h"
#include "support/test.h"
#include <pthread.h>
#include <stdlib.h>

#define MAX_PACKET 256
#define BATCH      128
#define KEYS       (2 * BULK_CACHE_KEYS + 40)

static uint32_t roll(uint64_t *s)
{
    *s = *s * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*s >> 33);
}

struct sample { /* a key, and what libcrypto makes of the packet that is sealed with it again and again */
    struct bulk_key *seal, *open;
    size_t len;
    bool has_esn;
    uint8_t plain[MAX_PACKET], sealed[MAX_PACKET];
};

static struct bulk_op op_of(const struct sample *k, const struct bulk_key *key, uint8_t *packet)
{
    return (struct bulk_op){
        .key = key, .esp = packet, .len = (uint32_t)k->len, .seq_hi = 7, .has_esn = k->has_esn};
}

static void sample_make(struct sample *k, const struct suite *s, struct bulk_worker *w, uint64_t *dice)
{
    struct bulk_key *reference = suite_key(s, true, "openssl");
    k->seal = suite_key(s, true, NULL);
    k->open = suite_key(s, false, NULL);
    assert_non_null(reference);
    k->len = suite_packet_len(k->seal, roll(dice) % 100);
    k->has_esn = roll(dice) % 2;
    crypto_random(k->plain, k->len);
    memcpy(k->sealed, k->plain, k->len);
    struct bulk_op op = op_of(k, reference, k->sealed);
    bulk_seal(w, &op, 1);
    assert_int_equal(op.status, BULK_OK);
    bulk_key_free(reference);
}

static void sample_free(struct sample *k)
{
    bulk_key_free(k->seal);
    bulk_key_free(k->open);
}

/* One batch through both directions; which[i] is the sample of packet i. */
static void batch_check(struct bulk_worker *w, const struct sample *all, const uint32_t *which, size_t n)
{
    static uint8_t packets[BATCH][MAX_PACKET];
    struct bulk_op ops[BATCH];
    for (size_t i = 0; i < n; i++) {
        memcpy(packets[i], all[which[i]].plain, all[which[i]].len);
        ops[i] = op_of(&all[which[i]], all[which[i]].seal, packets[i]);
    }
    bulk_seal(w, ops, n);
    for (size_t i = 0; i < n; i++) {
        assert_memory_equal(packets[i], all[which[i]].sealed, all[which[i]].len);
        ops[i].key = all[which[i]].open;
    }
    bulk_open(w, ops, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ops[i].status, BULK_OK);
        assert_memory_equal(packets[i], all[which[i]].plain, ops[i].len - bulk_icv_len(ops[i].key));
    }
}

static void keys_that_were_evicted_come_back_right(void **state)
{
    (void)state;
    struct bulk_worker *w = bulk_worker_new();
    struct sample *all = mem_new(KEYS * sizeof(*all));
    uint32_t which[BATCH];
    uint64_t dice = 1;
    struct suite s;
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_true(suite_at(i % SUITES, &s));
        sample_make(&all[i], &s, w, &dice);
    }
    for (uint32_t from = 0; from + BATCH <= KEYS; from += BATCH) { /* in order: every one evicts one */
        for (uint32_t i = 0; i < BATCH; i++)
            which[i] = from + i;
        batch_check(w, all, which, BATCH);
    }
    for (size_t round = 0; round < 30; round++) {
        for (size_t i = 0; i < BATCH; i++) /* runs of one key, too */
            which[i] = i && roll(&dice) % 4 == 0 ? which[i - 1] : roll(&dice) % KEYS;
        batch_check(w, all, which, BATCH);
    }
    for (size_t i = 0; i < KEYS; i++)
        sample_free(&all[i]);
    free(all);
    bulk_worker_free(w);
}

/* All in one set of the cache: their packets are under way together when the fifth wants a slot. */
static void a_batch_whose_keys_crowd_one_set_is_sealed_right(void **state)
{
    (void)state;
    enum { CROWD = 24 };
    struct bulk_worker *w = bulk_worker_new();
    struct sample *all = mem_new(CROWD * sizeof(*all));
    struct suite s;
    uint32_t which[BATCH], n = 0;
    uint64_t dice = 2;
    size_t seal_set = 0, suite = 0;
    while (n < CROWD) {
        do { /* CBC, CTR, 3DES with MACs: jobs that run side by side */
            assert_true(suite_at(suite++ % SUITES, &s));
        } while (s.encr->is_aead);
        sample_make(&all[n], &s, w, &dice);
        if (n == 0)
            seal_set = bulk_cache_set(all[n].seal->id);
        while (bulk_cache_set(all[n].seal->id) != seal_set) {
            bulk_key_free(all[n].seal);
            all[n].seal = suite_key(&s, true, NULL);
        }
        while (bulk_cache_set(all[n].open->id) != (seal_set ^ 1)) {
            bulk_key_free(all[n].open);
            all[n].open = suite_key(&s, false, NULL);
        }
        n++;
    }
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < BATCH; i++)
            which[i] = round ? roll(&dice) % CROWD : (uint32_t)i % CROWD;
        batch_check(w, all, which, BATCH);
    }
    for (size_t i = 0; i < CROWD; i++)
        sample_free(&all[i]);
    free(all);
    bulk_worker_free(w);
}

static size_t wiped;

static void fill_wipe(void *slot)
{
    memset(slot, 0, 64);
    wiped++;
}

static uint64_t in_set(size_t set, size_t nth)
{
    for (uint64_t id = 1;; id++) {
        if (bulk_cache_set(id) == set && nth-- == 0)
            return id;
    }
}

static void *fill(struct bulk_cache *c, uint64_t id)
{
    static const uint8_t zero[64];
    void *slot = bulk_cache_claim(c, id);
    assert_non_null(slot);
    assert_memory_equal(slot, zero, 64);
    memset(slot, 0xaa, 64);
    bulk_cache_publish(c, slot, id);
    return slot;
}

static void the_least_recently_used_key_of_a_set_gives_way_and_is_wiped(void **state)
{
    (void)state;
    struct bulk_cache *c = bulk_cache_new(64, fill_wipe);
    void *slots[BULK_CACHE_WAYS];
    wiped = 0;
    for (size_t i = 0; i < BULK_CACHE_WAYS; i++) {
        bulk_cache_advance(c);
        slots[i] = fill(c, in_set(3, i));
        assert_ptr_equal(bulk_cache_find(c, in_set(3, i)), slots[i]);
    }
    bulk_cache_advance(c);
    assert_ptr_equal(bulk_cache_find(c, in_set(3, 0)), slots[0]); /* used again: 1 is the oldest */
    assert_int_equal(wiped, 0);
    assert_ptr_equal(fill(c, in_set(3, BULK_CACHE_WAYS)), slots[1]);
    assert_int_equal(wiped, 1);
    assert_null(bulk_cache_find(c, in_set(3, 1)));
    assert_null(bulk_cache_find(c, in_set(4, 0)));
    bulk_cache_free(c);
    assert_int_equal(wiped, 1 + BULK_CACHE_WAYS);
}

static void what_was_used_in_this_run_is_not_evicted(void **state)
{
    (void)state;
    struct bulk_cache *c = bulk_cache_new(64, fill_wipe);
    for (size_t i = 0; i < BULK_CACHE_WAYS; i++)
        fill(c, in_set(9, i));
    assert_null(bulk_cache_claim(c, in_set(9, BULK_CACHE_WAYS)));
    bulk_cache_advance(c);
    assert_non_null(bulk_cache_find(c, in_set(9, 2)));
    fill(c, in_set(9, 4));
    fill(c, in_set(9, 5));
    fill(c, in_set(9, 6));
    assert_null(bulk_cache_claim(c, in_set(9, 7)));
    assert_non_null(bulk_cache_find(c, in_set(9, 2)));
    bulk_cache_free(c);
}

/* Is there anything in the slots of a worker's caches? */
static bool holds_something(const struct bulk_worker *w)
{
    for (size_t e = 0; e < BULK_ENGINES; e++) {
        const struct bulk_cache *c = w->of[e].cache;
        for (size_t i = 0; c && i < BULK_CACHE_KEYS * c->slot_len; i++)
            if (c->slots[i])
                return true;
    }
    return false;
}

static void a_freed_key_leaves_nothing_in_any_worker(void **state)
{
    (void)state;
    struct bulk_worker *w[3] = {bulk_worker_new(), bulk_worker_new(), bulk_worker_new()};
    uint8_t packet[MAX_PACKET];
    struct suite s;
    for (size_t i = 0; suite_at(i, &s); i += 5) { /* a sample: the search takes its time */
        for (size_t e = 0; e < 2; e++) {
            struct bulk_key *k = suite_key(&s, true, e ? "openssl" : NULL);
            struct bulk_op op = {.key = k, .esp = packet, .len = (uint32_t)suite_packet_len(k, 40)};
            crypto_random(packet, sizeof(packet));
            bulk_seal(w[0], &op, 1);
            bulk_seal(w[2], &op, 1);
            assert_true(holds_something(w[0]));
            assert_false(holds_something(w[1]));
            bulk_key_free(k);
            if (holds_something(w[0]) || holds_something(w[2]))
                fail_msg("%s is still there", suite_name(&s));
        }
    }
    for (size_t i = 0; i < 3; i++)
        bulk_worker_free(w[i]);
}

/* Two threads with a worker each seal with keys that they share and with short-lived ones of their own; what
 * one frees is forgotten in the caches of both while the other evicts there. */
static struct sample shared[BULK_CACHE_KEYS / 2];

static void *use_and_forget(void *seed)
{
    uint64_t dice = (uintptr_t)seed;
    struct bulk_worker *w = bulk_worker_new();
    uint8_t packets[BATCH][MAX_PACKET];
    struct bulk_op ops[BATCH];
    size_t *bad = mem_new(sizeof(*bad));
    struct suite s;
    for (size_t round = 0; round < 60; round++) {
        struct bulk_key *own[BATCH] = {0};
        for (size_t i = 0; i < BATCH; i++) {
            const struct sample *k = &shared[roll(&dice) % ARRAY_LEN(shared)];
            memcpy(packets[i], k->plain, k->len);
            ops[i] = op_of(k, k->seal, packets[i]);
            if (i % 3 == 0 && suite_at(roll(&dice) % SUITES, &s)) {
                own[i] = suite_key(&s, true, NULL);
                ops[i].key = own[i];
                ops[i].len = (uint32_t)suite_packet_len(own[i], 20);
            }
        }
        bulk_seal(w, ops, BATCH);
        for (size_t i = 0; i < BATCH; i++) {
            const struct sample *k = &shared[0];
            while (!own[i] && k->seal != ops[i].key)
                k++;
            *bad += ops[i].status != BULK_OK || (!own[i] && memcmp(packets[i], k->sealed, k->len) != 0);
            bulk_key_free(own[i]);
        }
    }
    bulk_worker_free(w);
    return bad;
}

static void threads_use_and_forget_keys_at_the_same_time(void **state)
{
    (void)state;
    struct bulk_worker *w = bulk_worker_new();
    uint64_t dice = 3;
    struct suite s;
    pthread_t thread[2];
    for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
        assert_true(suite_at(i % SUITES, &s));
        sample_make(&shared[i], &s, w, &dice);
    }
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, use_and_forget, (void *)(i + 1)), 0);
    for (size_t i = 0; i < 2; i++) {
        void *bad;
        pthread_join(thread[i], &bad);
        assert_int_equal(*(size_t *)bad, 0);
        free(bad);
    }
    for (size_t i = 0; i < ARRAY_LEN(shared); i++)
        sample_free(&shared[i]);
    bulk_worker_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_were_evicted_come_back_right),
        cmocka_unit_test(a_batch_whose_keys_crowd_one_set_is_sealed_right),
        cmocka_unit_test(the_least_recently_used_key_of_a_set_gives_way_and_is_wiped),
        cmocka_unit_test(what_was_used_in_this_run_is_not_evicted),
        cmocka_unit_test(a_freed_key_leaves_nothing_in_any_worker),
        cmocka_unit_test(threads_use_and_forget_keys_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
