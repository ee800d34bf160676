/* SPDX-License-Identifier: Apache-2.0 */
/* The SAD at size, and the policies' actions through the whole data plane. */
#include "crypto/random.h"
#include "esp/state.h"
#include "support/esp_pair.h"
#include "support/test.h"

#define MANY 20000

static void many_sas_are_found_by_their_spi_and_chains_stay_short(void **state)
{
    (void)state;
    struct sad sad;
    struct diag d = {0};
    sad_init(&sad, 1500, "openssl");
    struct esp_sa r = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    for (uint32_t i = 0; i < MANY; i++) {
        r.spi = 0x1000 + i * 3;
        r.child_id = i + 1;
        r.remote.ip = ip4(10, 99, (uint8_t)(i >> 8), (uint8_t)i);
        assert_true(sad_add(&sad, &r, &d));
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(sad_inbound(&sad, 0x1000 + i * 3)->child_id, i + 1);
        assert_null(sad_inbound(&sad, 0x1001 + i * 3));
    }
    size_t longest = 0;
    for (size_t i = 0; i < sad.by_spi[SA_IN].size; i++) {
        size_t n = 0;
        for (struct map_node *at = sad.by_spi[SA_IN].buckets[i]; at; at = at->next)
            n++;
        longest = n > longest ? n : longest;
    }
    assert_true(longest < 16);
    for (uint32_t i = 0; i < MANY; i += 2) {
        r.spi = 0x1000 + i * 3;
        r.child_id = 0;
        assert_true(sad_del(&sad, &r, &d));
        assert_null(sad_inbound(&sad, r.spi));
    }
    assert_int_equal(sad.by_spi[SA_IN].count, MANY / 2);
    sad_deinit(&sad);
}

static void an_outbound_sa_whose_peer_moved_goes_on_where_it_was(void **state)
{
    (void)state;
    static struct esp_buffer buffer;
    struct esp *e = pair_side(esp_suite_gcm, SIDE_A, 4, NULL);
    struct esp_sa moved = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    uint8_t before[16], after[16];
    struct diag d = {0};
    struct esp_packet k = inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    esp_outbound(e, &k, 1, 1);
    memcpy(before, k.data, sizeof(before));
    moved.remote.ip = ip4(192, 0, 2, 77);
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_SA_UPDATE, .sa = &moved}, 1, &d));
    k = inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    esp_outbound(e, &k, 1, 1);
    memcpy(after, k.data, sizeof(after));
    assert_true(ip_equal(k.remote.ip, moved.remote.ip));
    assert_memory_equal(before, after, 7); /* SPI, number, IV: the number masked */
    assert_int_equal(before[7], 1);
    assert_int_equal(after[7], 2);
    assert_memory_equal(before + 8, after + 8, 7);
    assert_int_equal(before[15] ^ after[15], 1 ^ 2);
    esp_free(e);
}

static void bypass_and_discard_are_obeyed(void **state)
{
    (void)state;
    static struct esp_buffer buffer;
    struct esp *e = pair_side(esp_suite_gcm, SIDE_A, 4, NULL);
    struct esp_policy p = pair_policy(SIDE_A, 2);
    p.priority = 10;
    p.action = POLICY_BYPASS;
    pair_add_policy(e, p);
    struct esp_packet k = inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    esp_outbound(e, &k, 1, 1);
    assert_int_equal(k.verdict, ESP_BYPASS);
    assert_memory_equal(k.data, buffer.copy, 100);
    p.id = 3;
    p.priority = 5;
    p.action = POLICY_DISCARD;
    pair_add_policy(e, p);
    k = inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    esp_outbound(e, &k, 1, 1);
    assert_int_equal(k.verdict, ESP_DROP);
    assert_int_equal(k.drop, DROP_POLICY_DISCARD);
    esp_free(e);
}

static void an_sa_outlives_its_policy_and_a_policy_its_sa(void **state)
{
    (void)state;
    struct esp *e = pair_side(esp_suite_gcm, SIDE_A, 4, NULL);
    struct esp_sa sa = {.direction = SA_OUT, .spi = SPI_A_TO_B};
    struct diag d = {0};
    assert_int_equal(e->sad.bundles.count, 1);
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_POLICY_DEL, .id = 1}, 1, &d));
    assert_int_equal(e->sad.bundles.count, 1);
    pair_add_policy(e, pair_policy(SIDE_A, 1));
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, 1, &d));
    assert_int_equal(e->sad.bundles.count, 1);
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_POLICY_DEL, .id = 1}, 1, &d));
    assert_int_equal(e->sad.bundles.count, 0);
    assert_int_equal(e->sad.pmtu.paths.count, 1);                             /* of the inbound SA */
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_EVENT}, 1, &d)); /* not ours: ignored */
    esp_free(e);
}

static void every_reason_to_drop_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DROP_REASONS; i++)
        assert_non_null(esp_drop_name((enum esp_drop)i));
    assert_string_equal(esp_drop_name(DROP_REASONS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_sas_are_found_by_their_spi_and_chains_stay_short),
        cmocka_unit_test(an_outbound_sa_whose_peer_moved_goes_on_where_it_was),
        cmocka_unit_test(bypass_and_discard_are_obeyed),
        cmocka_unit_test(an_sa_outlives_its_policy_and_a_policy_its_sa),
        cmocka_unit_test(every_reason_to_drop_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
