/* SPDX-License-Identifier: Apache-2.0 */
/* The containers and cursors that everything stands on. */
#include "base/arena.h"
#include "base/bag.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/wr.h"
#include "support/test.h"
#include <stdlib.h>

static void reading_past_the_end_is_sticky(void **state)
{
    (void)state;
    struct rd r = rd_over(span_of("\x01\x02\x03", 3));
    assert_int_equal(rd_u16(&r), 0x0102);
    assert_int_equal(rd_u32(&r), 0);
    assert_false(rd_ok(&r));
    assert_int_equal(rd_u8(&r), 0);
    assert_false(rd_done(&r));
}

static void a_sub_cursor_cannot_leave_its_block(void **state)
{
    (void)state;
    struct rd r = rd_over(span_of("\x01\x02\x03\x04", 4));
    struct rd sub = rd_sub(&r, 2);
    rd_u32(&sub);
    assert_false(rd_ok(&sub));
    assert_int_equal(rd_u16(&r), 0x0304);
    assert_true(rd_done(&r));
}

static void writing_blocks_patches_their_length(void **state)
{
    (void)state;
    uint8_t buf[8];
    struct wr w = wr_over(buf, sizeof(buf));
    size_t mark = wr_block16_open(&w);
    wr_u32(&w, 0x01020304);
    wr_block16_close(&w, mark, 4);
    assert_memory_equal(buf, "\x00\x08\x01\x02\x03\x04", 6);
    wr_u32(&w, 1);
    assert_false(wr_ok(&w));
    assert_int_equal(w.len, 6);
}

static void an_arena_stops_at_its_cap(void **state)
{
    (void)state;
    struct arena *a = arena_new(1000);
    assert_non_null(arena_alloc(a, 900));
    assert_null(arena_alloc(a, 200));
    assert_true(arena_failed(a));
    assert_null(arena_calloc(a, SIZE_MAX, 2));
    arena_reset(a);
    assert_non_null(arena_alloc(a, 1000));
    arena_free(a);
}

struct item {
    struct map_node node;
    uint64_t key;
};

static void a_map_finds_what_was_put_in(void **state)
{
    (void)state;
    struct map m;
    map_init(&m);
    struct item *items = mem_new(1000 * sizeof(*items));
    for (uint64_t i = 0; i < 1000; i++) {
        items[i].key = i;
        map_insert(&m, &items[i].node, map_hash_u64(i));
    }
    for (uint64_t i = 0; i < 1000; i += 2)
        map_remove(&m, &items[i].node);
    for (uint64_t i = 0; i < 1000; i++) {
        struct map_node *n = map_first(&m, map_hash_u64(i));
        assert_int_equal(n != NULL, i % 2);
    }
    assert_int_equal(m.count, 500);
    map_deinit(&m);
    free(items);
}

static void a_heap_yields_deadlines_in_order(void **state)
{
    (void)state;
    struct heap h;
    heap_init(&h);
    struct heap_node n[100] = {0};
    for (size_t i = 0; i < 100; i++)
        heap_set(&h, &n[i], (int64_t)((i * 37) % 100));
    heap_set(&h, &n[50], -1);
    heap_remove(&h, &n[0]);
    int64_t last = -2;
    size_t count = 0;
    for (struct heap_node *f; (f = heap_first(&h)); count++) {
        assert_true(f->at >= last);
        last = f->at;
        heap_remove(&h, f);
    }
    assert_int_equal(count, 99);
    heap_deinit(&h);
}

static void hex_and_base64_refuse_what_is_not(void **state)
{
    (void)state;
    uint8_t out[8];
    size_t len;
    assert_true(hex_decode(span_str("00fF"), out, sizeof(out), &len));
    assert_int_equal(len, 2);
    assert_false(hex_decode(span_str("0g"), out, sizeof(out), &len));
    assert_false(hex_decode(span_str("000"), out, sizeof(out), &len));
    assert_true(base64_decode(span_str("a2V5"), out, sizeof(out), &len));
    assert_memory_equal(out, "key", 3);
    assert_true(base64_decode(span_str("a2U="), out, sizeof(out), &len));
    assert_int_equal(len, 2);
    assert_false(base64_decode(span_str("a2V$"), out, sizeof(out), &len));
}

static void secrets_compare_by_contents(void **state)
{
    (void)state;
    struct secret s = secret_copy(span_str("abc"));
    assert_true(secret_equal(secret_view(&s), span_str("abc")));
    assert_false(secret_equal(secret_view(&s), span_str("abd")));
    struct secret t = secret_take(&s);
    assert_null(s.ptr);
    secret_free(&t);
}

static void an_arena_takes_back_the_end_of_the_last_allocation(void **state)
{
    (void)state;
    struct arena *a = arena_new(200000);
    for (int i = 0; i < 1000; i++) {
        char *p = arena_alloc(a, 60000);
        assert_non_null(p);
        assert_int_equal(p[100], 0);
        memset(p, 'x', 60000);
        arena_trim(a, p, 60000, 50);
        assert_int_equal(p[49], 'x');
    }
    char *first = arena_alloc(a, 100), *second = arena_alloc(a, 100);
    size_t used = arena_used(a);
    arena_trim(a, first, 100, 1); /* not the last one */
    arena_trim(a, second, 90, 100);
    assert_int_equal(arena_used(a), used);
    assert_false(arena_failed(a));
    arena_free(a);
}

static void a_bag_holds_any_number_under_one_hash(void **state)
{
    (void)state;
    struct bag b;
    static struct bag_link m[1000];
    const struct bag_link *at;
    bag_init(&b);
    assert_true(list_empty(bag_list(&b, 1)));
    for (size_t i = 0; i < 1000; i++)
        bag_put(&b, &m[i], 1 + i % 2);
    bag_put(&b, &m[0], 3);
    bag_put(&b, &m[2], 1); /* where it is already */
    size_t n = 0;
    list_each(at, bag_list(&b, 1), link) assert_ptr_equal(at, &m[2 + 2 * n++]);
    assert_int_equal(n, 499);
    for (size_t i = 0; i < 1000; i++)
        bag_take(&b, &m[i]);
    bag_take(&b, &m[5]);
    assert_true(list_empty(bag_list(&b, 2)));
    bag_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_past_the_end_is_sticky),
        cmocka_unit_test(a_sub_cursor_cannot_leave_its_block),
        cmocka_unit_test(writing_blocks_patches_their_length),
        cmocka_unit_test(an_arena_stops_at_its_cap),
        cmocka_unit_test(an_arena_takes_back_the_end_of_the_last_allocation),
        cmocka_unit_test(a_bag_holds_any_number_under_one_hash),
        cmocka_unit_test(a_map_finds_what_was_put_in),
        cmocka_unit_test(a_heap_yields_deadlines_in_order),
        cmocka_unit_test(hex_and_base64_refuse_what_is_not),
        cmocka_unit_test(secrets_compare_by_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
