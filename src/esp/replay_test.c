/* SPDX-License-Identifier: Apache-2.0 */
/* The replay window against a naive model: a set of everything seen. */
#include "esp/replay.h"
#include "support/test.h"
#include <stdlib.h>

#define MODEL_SPAN 200000

/* xorshift: seeded, so that a failure repeats. */
static uint64_t roll(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

/* What RFC 4303 says, word by word: seen numbers are remembered for ever, old ones refused by distance. */
struct model {
    uint64_t base, top;
    uint32_t size;
    uint8_t *seen;
};

static bool model_accepts(const struct model *m, uint64_t seq)
{
    if (seq == 0 || (seq <= m->top && m->top - seq >= m->size))
        return false;
    return !m->seen[seq - m->base];
}

static void model_commit(struct model *m, uint64_t seq)
{
    m->seen[seq - m->base] = 1;
    if (seq > m->top)
        m->top = seq;
}

/* Sequences that jitter around the top with jumps of every size, starting at base. */
static void run_against_model(uint32_t size, bool has_esn, uint64_t base, uint64_t seed)
{
    struct model m = {.base = base, .top = base, .size = size, .seen = calloc(1, MODEL_SPAN)};
    struct replay r;
    replay_init(&r, size, has_esn);
    if (base)
        replay_commit(&r, base);
    m.seen[0] = base != 0;
    for (size_t i = 0; i < 20000; i++) {
        uint64_t kind = roll(&seed) % 100, seq = m.top;
        if (kind < 50)
            seq += 1;
        else if (kind < 90)
            seq -= roll(&seed) % (size + 8) % (m.top - base + 1);
        else if (kind < 98)
            seq += roll(&seed) % 70;
        else
            seq += roll(&seed) % (3 * size);
        if (seq - base >= MODEL_SPAN)
            break;
        uint64_t inferred;
        bool is_inferred = replay_infer(&r, (uint32_t)seq, &inferred);
        bool is_old = seq <= m.top && m.top - seq >= size;
        if (!is_old) { /* an old number may well be taken for one of the next subspace: its ICV will be wrong
                        */
            assert_true(is_inferred);
            assert_true(inferred == seq);
        }
        bool accepts = replay_check(&r, seq);
        if (accepts != model_accepts(&m, seq))
            fail_msg("window %u, number %llu, top %llu: got %d", size, (unsigned long long)seq,
                     (unsigned long long)m.top, accepts);
        if (accepts && roll(&seed) % 10) { /* one in ten fails its ICV and must leave no trace */
            replay_commit(&r, seq);
            model_commit(&m, seq);
        }
    }
    assert_true(r.top == m.top);
    replay_deinit(&r);
    free(m.seen);
}

static void every_window_agrees_with_a_naive_model(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 31, 32, 33, 63, 64, 65, 128, 1000, 4095, 4096};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            run_against_model(sizes[i], false, 0, seed * 7919);
}

static void extended_numbers_agree_with_the_model_across_two_to_the_32(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {32, 64, 128, 4096};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (uint64_t seed = 1; seed <= 4; seed++)
            run_against_model(sizes[i], true, UINT64_C(0x2fffff000), seed * 104729);
}

static void the_window_ends_exactly_at_its_size(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 32, 64, 128, 4096};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct replay r;
        replay_init(&r, sizes[i], false);
        replay_commit(&r, 10000);
        assert_false(replay_check(&r, 10000));
        assert_false(replay_check(&r, 10000 - sizes[i]));
        if (sizes[i] > 1)
            assert_true(replay_check(&r, 10000 - sizes[i] + 1));
        assert_true(replay_check(&r, 10001));
        replay_deinit(&r);
    }
}

static void number_zero_is_never_accepted(void **state)
{
    (void)state;
    struct replay r;
    replay_init(&r, 64, false);
    assert_false(replay_check(&r, 0));
    assert_true(replay_check(&r, 1));
    replay_deinit(&r);
}

static void a_huge_jump_forgets_everything_below(void **state)
{
    (void)state;
    struct replay r;
    replay_init(&r, 64, false);
    for (uint64_t s = 1; s <= 64; s++)
        replay_commit(&r, s);
    replay_commit(&r, UINT32_MAX);
    for (uint64_t s = UINT32_MAX - 63; s < UINT32_MAX; s++)
        assert_true(replay_check(&r, s));
    assert_false(replay_check(&r, 64));
    replay_deinit(&r);
}

static void without_a_window_everything_passes_and_the_top_only_rises(void **state)
{
    (void)state;
    struct replay r;
    replay_init(&r, 0, false);
    replay_commit(&r, 7);
    replay_commit(&r, 3);
    assert_true(replay_check(&r, 7));
    assert_true(r.top == 7);
    replay_deinit(&r);
}

/* The four cases of RFC 4303 appendix A2.2. */
static void the_high_half_is_inferred_by_the_rules_of_appendix_a2(void **state)
{
    (void)state;
    static const struct {
        uint64_t top;
        uint32_t low;
        uint64_t seq; /* 0: none */
    } rows[] = {
        {UINT64_C(0x500001000),        0x1001,     UINT64_C(0x500001001)}, /* case A, ahead */
        {UINT64_C(0x500001000),        0x0fc1,     UINT64_C(0x500000fc1)}, /* case A, oldest in the window */
        {UINT64_C(0x500001000),        0x0fc0,     UINT64_C(0x600000fc0)}, /* case A, below it: next subspace */
        {UINT64_C(0x500000010),        0x11,       UINT64_C(0x500000011)}, /* case B, ahead */
        {UINT64_C(0x500000010),        0xfffffff0, UINT64_C(0x4fffffff0)}, /* case B, previous subspace */
        {UINT64_C(0x5ffffffff),        0,          UINT64_C(0x600000000)},
        {0,                            1,          1                    },
        {5,                            0xffffffff, 0                    }, /* before the SA began */
        {UINT64_C(0xffffffff00001000), 1,          0                    }, /* past the end */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct replay r;
        uint64_t seq = 0;
        replay_init(&r, 64, true);
        r.top = rows[i].top;
        assert_int_equal(replay_infer(&r, rows[i].low, &seq), rows[i].seq != 0);
        assert_true(seq == rows[i].seq);
        replay_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window_agrees_with_a_naive_model),
        cmocka_unit_test(extended_numbers_agree_with_the_model_across_two_to_the_32),
        cmocka_unit_test(the_window_ends_exactly_at_its_size),
        cmocka_unit_test(number_zero_is_never_accepted),
        cmocka_unit_test(a_huge_jump_forgets_everything_below),
        cmocka_unit_test(without_a_window_everything_passes_and_the_top_only_rises),
        cmocka_unit_test(the_high_half_is_inferred_by_the_rules_of_appendix_a2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
