/* SPDX-License-Identifier: Apache-2.0 */
/* Many tunnels: what an idle one costs in memory, 100,000 of them added, found and removed again, and more
 * busy ones than there are slots for expanded keys. */
#include "esp/state.h"
#include "support/esp_many.h"
#include "support/heap.h"
#include "support/test.h"

#define IDLE_PAIR_MAX 2048 /* bytes of heap for two SAs and their policy */
#define PAIRS         100000
#define BUSY          1500

static void add_idle(struct esp *e, const struct esp_suite *s, uint32_t window, bool has_esn, uint32_t i)
{
    struct esp_sa in = many_sa(s, SIDE_A, SA_IN, i), out = many_sa(s, SIDE_A, SA_OUT, i);
    in.replay_window = window;
    in.has_esn = out.has_esn = has_esn;
    pair_add_policy(e, many_policy(SIDE_A, i));
    pair_add_sa(e, in);
    pair_add_sa(e, out);
}

static size_t idle_pair(const struct esp_suite *s, const char *engine, uint32_t window, bool has_esn)
{
    enum { TUNNELS = 300 }; /* the maps have just doubled */
    struct esp *e = esp_new(&(struct esp_config){.engine = engine});
    add_idle(e, s, window, has_esn, TUNNELS); /* what libraries make once */
    size_t before = heap_used();
    for (uint32_t i = 0; i < TUNNELS; i++)
        add_idle(e, s, window, has_esn, i);
    size_t each = (heap_used() - before + TUNNELS - 1) / TUNNELS;
    esp_free(e);
    return each;
}

static void an_idle_pair_of_sas_takes_at_most_two_kibibytes(void **state)
{
    (void)state;
    static const uint32_t windows[] = {32, 64, 1024};
    static const char *const engines[] = {NULL, "openssl"};
    size_t most = 0, least = SIZE_MAX;
    for (size_t i = 0; i < esp_suites_count; i++) {
        for (size_t k = 0; k < 2 * ARRAY_LEN(windows); k++) {
            size_t each = idle_pair(&esp_suites[i], engines[k % 2], windows[k / 2], k / 2 == i % 3);
            if (each > IDLE_PAIR_MAX)
                fail_msg("%s with a window of %u takes %zu bytes", esp_suites[i].name, windows[k / 2], each);
            most = each > most ? each : most;
            least = each < least ? each : least;
        }
    }
    print_message("%zu to %zu bytes\n", least, most);
    assert_true(least > 400); /* else nothing was counted */
}

static void a_policy_takes_at_most_a_quarter_kibibyte_in_every_worker(void **state)
{
    (void)state;
    struct sad sad;
    struct spd spd;
    struct diag d = {0};
    sad_init(&sad, 1500, NULL);
    spd_init(&spd, &sad);
    struct esp_policy p = many_policy(SIDE_A, 1000);
    p.reqid = 7; /* its bundle is counted with the SAs */
    struct bundle *b = sad_bundle_ref(&sad, 7);
    for (uint32_t i = 0; i < 16; i++) /* the maps have room */
        assert_true(spd_add(&spd,
                            &(struct esp_policy){.id = i + 1,
                                                 .reqid = 7,
                                                 .local_ts = {ts_any(4)},
                                                 .remote_ts = {many_policy(SIDE_A, i).remote_ts[0]},
                                                 .n_local_ts = 1,
                                                 .n_remote_ts = 1},
                            &d));
    assert_true(spd_del(&spd, 1, &d));
    size_t before = heap_used();
    assert_true(spd_add(&spd, &p, &d));
    assert_in_range(heap_used() - before, 64, 256);
    spd_deinit(&spd);
    sad_bundle_unref(&sad, b);
    sad_deinit(&sad);
}

static void selectors_are_kept_once_for_a_policy_and_all_its_sas(void **state)
{
    (void)state;
    struct esp *e = esp_new(&(struct esp_config){0});
    for (uint32_t i = 0; i < 3; i++)
        many_add(e, esp_suite_gcm, SIDE_A, i);
    assert_int_equal(e->sad.selectors.count, 3);
    struct esp_sa next = many_sa(esp_suite_gcm, SIDE_A, SA_OUT, 1); /* a rekey */
    next.spi = 0x7777;
    next.child_id = 77;
    pair_add_sa(e, next);
    assert_int_equal(e->sad.selectors.count, 3);
    next.spi++;
    next.local_ts[0].proto = 17;
    pair_add_sa(e, next);
    assert_int_equal(e->sad.selectors.count, 4);
    many_del(e, SIDE_A, 1);
    assert_int_equal(e->sad.selectors.count, 4);
    pair_add_policy(e, many_policy(SIDE_A, 1));
    esp_free(e);
}

static size_t longest_chain(const struct map *m)
{
    size_t longest = 0;
    for (size_t i = 0; i < m->size; i++) {
        size_t n = 0;
        for (const struct map_node *at = m->buckets[i]; at; at = at->next)
            n++;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static void a_hundred_thousand_pairs_are_added_found_and_removed(void **state)
{
    (void)state;
    size_t before = heap_used();
    struct esp *e = esp_new(&(struct esp_config){0});
    struct packet p = {.family = 4, .proto = NH_UDP, .port_known = true, .src = ip4(10, 1, 0, 5)};
    for (uint32_t i = 0; i < PAIRS; i++)
        many_add(e, esp_suite_gcm, SIDE_A, i);
    assert_true(longest_chain(&e->sad.by_spi[SA_IN]) < 16);
    assert_true(longest_chain(&e->sad.by_spi[SA_OUT]) < 16);
    assert_true(longest_chain(&e->sad.bundles) < 16);
    assert_true(longest_chain(&e->sad.selectors) < 16);
    assert_true(longest_chain(&e->sad.pmtu.paths) < 16);
    assert_true(longest_chain(&e->spd.by_prefixes) < 16);
    for (uint32_t i = 0; i < PAIRS; i += 7) {
        p.dst = many_inner(i);
        const struct policy *found = spd_lookup(&e->spd, &p, span_of("", 0));
        assert_non_null(found);
        assert_int_equal(found->id, i + 1);
        assert_int_equal(bundle_newest(found->bundle)->child_id, i + 1);
        assert_int_equal(sad_inbound(&e->sad, SPI_B_TO_A + i * 3)->child_id, i + 1);
        assert_null(sad_inbound(&e->sad, SPI_B_TO_A + i * 3 + 1));
    }
    for (uint32_t i = 0; i < PAIRS; i++)
        many_del(e, SIDE_A, i);
    assert_int_equal(e->sad.by_spi[SA_IN].count + e->sad.by_spi[SA_OUT].count, 0);
    assert_int_equal(e->sad.bundles.count + e->sad.selectors.count + e->sad.pmtu.paths.count, 0);
    assert_int_equal(e->spd.by_id.count + e->spd.by_prefixes.count, 0);
    p.dst = many_inner(7);
    assert_null(spd_lookup(&e->spd, &p, span_of("", 0)));
    esp_free(e);
    assert_true(heap_used() < before + 65536); /* an allocator may keep some; not 32 bytes for each */
}

static void more_busy_tunnels_than_slots_for_keys_lose_nothing(void **state)
{
    (void)state;
    static struct esp_buffer buffers[ESP_BATCH];
    struct esp_packet packets[ESP_BATCH];
    struct esp *hub = esp_new(&(struct esp_config){0}), *spokes = esp_new(&(struct esp_config){0});
    for (uint32_t i = 0; i < BUSY; i++) {
        many_add(hub, &esp_suites[i % esp_suites_count], SIDE_A, i);
        many_add(spokes, &esp_suites[i % esp_suites_count], SIDE_B, i);
    }
    for (uint32_t at = 0; at < 4 * BUSY; at += ESP_BATCH) {
        for (uint32_t i = 0; i < ESP_BATCH; i++)
            packets[i] = many_packet(&buffers[i], SIDE_A, (at + i) * 7919 % BUSY, 100);
        esp_outbound(hub, packets, ESP_BATCH, 1);
        for (uint32_t i = 0; i < ESP_BATCH; i++) {
            assert_int_equal(packets[i].verdict, ESP_FORWARD);
            pair_carry(&packets[i]);
        }
        esp_inbound(spokes, packets, ESP_BATCH, 1);
        for (uint32_t i = 0; i < ESP_BATCH; i++) {
            if (packets[i].verdict != ESP_FORWARD)
                fail_msg("dropped: %s", esp_drop_name(packets[i].drop));
            assert_int_equal(packets[i].child_id, (at + i) * 7919 % BUSY + 1);
            assert_int_equal(packets[i].len, 100);
            assert_memory_equal(packets[i].data, buffers[i].copy, 100);
        }
    }
    esp_free(hub);
    esp_free(spokes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_pair_of_sas_takes_at_most_two_kibibytes),
        cmocka_unit_test(a_policy_takes_at_most_a_quarter_kibibyte_in_every_worker),
        cmocka_unit_test(selectors_are_kept_once_for_a_policy_and_all_its_sas),
        cmocka_unit_test(a_hundred_thousand_pairs_are_added_found_and_removed),
        cmocka_unit_test(more_busy_tunnels_than_slots_for_keys_lose_nothing),
    };
    heap_watch();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
