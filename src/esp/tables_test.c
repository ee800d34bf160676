/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables show of SAs and policies, and of what packets did to them. */
#include "crypto/random.h"
#include "esp/tables.h"
#include "support/esp_pair.h"
#include "support/test.h"

static struct esp *a, *b;
static struct esp_buffer buffers[8];
static struct esp_packet packets[8];
static struct esp_tables t;

static int setup(void **state)
{
    (void)state;
    crypto_random_seed(3);
    a = pair_side(esp_suite_gcm, SIDE_A, 4, NULL);
    b = pair_side(esp_suite_gcm, SIDE_B, 4, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    esp_tables_deinit(&t);
    esp_free(a);
    esp_free(b);
    crypto_random_set_source(NULL, NULL);
    return 0;
}

static const struct sa_row *row(const struct esp *e, enum sa_direction dir, uint32_t spi)
{
    esp_tables_deinit(&t);
    esp_list(e, &t);
    for (size_t i = 0; i < t.n_sas; i++) {
        if (t.sas[i].direction == dir && t.sas[i].spi == spi)
            return &t.sas[i];
    }
    return NULL;
}

/* n packets of 100 bytes, sealed by A. */
static void seal(size_t n)
{
    for (size_t i = 0; i < n; i++)
        packets[i] = inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    esp_outbound(a, packets, n, 77);
    for (size_t i = 0; i < n; i++)
        pair_carry(&packets[i]);
}

static void an_sa_is_shown_as_its_record_was(void **state)
{
    (void)state;
    struct esp_sa r = pair_sa(esp_suite_cbc, SIDE_A, SA_OUT, 6);
    r.spi = 0x30003000;
    r.child_id = 5;
    r.reqid = 9;
    r.has_encap = r.has_esn = true;
    r.copies_df = r.copies_ecn = false;
    r.copy_dscp = DSCP_NO;
    r.cpi = 0x1234;
    r.tfc = 900;
    r.soft_bytes = 1, r.hard_bytes = 2, r.soft_packets = 3, r.hard_packets = 4;
    pair_add_sa(a, r);
    const struct sa_row *s = row(a, SA_OUT, r.spi);
    assert_non_null(s);
    assert_int_equal(t.n_sas, 3);
    assert_true(s->child_id == 5 && s->reqid == 9 && s->mode == MODE_TUNNEL && s->is_newest && !s->is_ah);
    assert_true(endpoint_equal(&s->local, &r.local) && endpoint_equal(&s->remote, &r.remote));
    assert_true(s->has_encap && s->has_esn && !s->copies_df && !s->copies_ecn && s->copy_dscp == DSCP_NO);
    assert_true(s->encr == ENCR_AES_CBC && s->key_bits == 128 && s->integ == INTEG_HMAC_SHA2_256_128);
    assert_true(s->icv_len == 16 && s->cpi == 0x1234 && s->tfc == 900);
    assert_true(s->soft_bytes == 1 && s->hard_bytes == 2 && s->soft_packets == 3 && s->hard_packets == 4);
    assert_true(s->n_local_ts == r.n_local_ts && s->n_remote_ts == r.n_remote_ts);
    for (size_t i = 0; i < r.n_local_ts; i++)
        assert_true(ts_equal(&s->local_ts[i], &r.local_ts[i]));
    for (size_t i = 0; i < r.n_remote_ts; i++)
        assert_true(ts_equal(&s->remote_ts[i], &r.remote_ts[i]));
}

static void modes_and_ah_are_told(void **state)
{
    (void)state;
    static const enum child_mode modes[] = {MODE_TUNNEL, MODE_TRANSPORT, MODE_BEET};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct esp_sa r = pair_sa(esp_suite_cbc, SIDE_A, SA_IN, 4);
        r.spi = 0x40000000 + (uint32_t)i;
        r.mode = modes[i];
        r.is_ah = i == 0;
        r.encr = r.is_ah ? 0 : r.encr;
        r.encr_key_len = r.is_ah ? 0 : r.encr_key_len;
        r.n_local_ts = r.n_remote_ts = 1;
        r.local_ts[0].to = r.local_ts[0].from;
        r.remote_ts[0].to = r.remote_ts[0].from;
        pair_add_sa(a, r);
        const struct sa_row *s = row(a, SA_IN, r.spi);
        assert_non_null(s);
        assert_int_equal(s->mode, modes[i]);
        assert_int_equal(s->is_ah, r.is_ah);
        assert_int_equal(s->encr, r.encr);
        assert_int_equal(s->reqid, r.reqid);
    }
}

static void numbers_go_on_with_the_packets(void **state)
{
    (void)state;
    seal(3);
    const struct sa_row *s = row(a, SA_OUT, SPI_A_TO_B);
    assert_true(s->seq == 3 && s->packets == 3 && s->bytes == 300 && s->last_use == 77);
    esp_inbound(b, packets, 3, 88);
    s = row(b, SA_IN, SPI_A_TO_B);
    assert_true(s->seq == 3 && s->packets == 3 && s->bytes == 300 && s->last_use == 88);
}

static void a_window_shows_what_was_seen_and_what_is_missing(void **state)
{
    (void)state;
    const struct sa_row *s = row(b, SA_IN, SPI_A_TO_B);
    assert_true(s->replay_window == 64 && s->seen[0] == 0 && s->seen[1] == 0);
    seal(5);
    struct esp_packet second = packets[1];
    packets[1] = packets[0];
    esp_inbound(b, packets + 1, 4, 88); /* all but the second */
    s = row(b, SA_IN, SPI_A_TO_B);
    assert_int_equal(s->seen[0], 0x1d);
    esp_inbound(b, &second, 1, 88);
    s = row(b, SA_IN, SPI_A_TO_B);
    assert_int_equal(s->seen[0], 0x1f);
    for (int i = 0; i < 8; i++) { /* to number 69: the first five have left the window */
        seal(8);
        esp_inbound(b, packets, 8, 99);
    }
    s = row(b, SA_IN, SPI_A_TO_B);
    assert_int_equal(s->seq, 69);
    assert_true(s->seen[0] == UINT32_MAX && s->seen[1] == UINT32_MAX);
}

static void what_is_refused_is_counted_with_its_sa(void **state)
{
    (void)state;
    seal(2);
    struct esp_buffer again = buffers[0];
    struct esp_packet twice = packets[0];
    twice.data = again.raw + (packets[0].data - buffers[0].raw);
    packets[1].data[packets[1].len - 1] ^= 1;
    esp_inbound(b, packets, 2, 88);
    esp_inbound(b, &twice, 1, 88);
    const struct sa_row *s = row(b, SA_IN, SPI_A_TO_B);
    assert_true(s->n_wrong == 1 && s->n_replayed == 1 && s->packets == 1);
}

static void after_a_rekey_the_newer_one_is_marked(void **state)
{
    (void)state;
    struct esp_sa r = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    r.spi++;
    r.child_id++;
    pair_add_sa(a, r);
    assert_false(row(a, SA_OUT, SPI_A_TO_B)->is_newest);
    assert_true(row(a, SA_OUT, SPI_A_TO_B + 1)->is_newest);
}

static void policies_are_shown(void **state)
{
    (void)state;
    struct esp_policy trap = pair_policy(SIDE_A, 44), block = pair_policy(SIDE_A, 45);
    trap.is_trap = true;
    trap.reqid = 12;
    trap.dscp = 2;
    block.action = POLICY_DISCARD;
    block.priority = 99;
    pair_add_policy(a, trap);
    pair_add_policy(a, block);
    row(a, SA_OUT, 1);
    assert_int_equal(t.n_policies, 3);
    for (size_t i = 0; i < t.n_policies; i++) {
        const struct policy_row *p = &t.policies[i];
        assert_true(ts_equal(&p->local_ts[0], &trap.local_ts[0]) && p->n_local_ts == trap.n_local_ts);
        assert_true(ts_equal(&p->remote_ts[0], &trap.remote_ts[0]) && p->n_remote_ts == trap.n_remote_ts);
        assert_int_equal(p->is_trap, p->id == 44);
        assert_int_equal(p->action, p->id == 45 ? POLICY_DISCARD : POLICY_PROTECT);
        assert_int_equal(p->priority, p->id == 45 ? 99 : trap.priority);
        assert_int_equal(p->reqid, p->id == 44 ? 12 : p->id == 45 ? 0 : PAIR_REQID);
        assert_int_equal(p->dscp, p->id == 44 ? 2 : 0);
    }
}

static void empty_tables_are_empty(void **state)
{
    (void)state;
    struct esp *none = esp_new(&(struct esp_config){0});
    assert_null(row(none, SA_IN, SPI_B_TO_A));
    assert_true(t.n_sas == 0 && t.n_policies == 0);
    esp_free(none);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_sa_is_shown_as_its_record_was),
        T(modes_and_ah_are_told),
        T(numbers_go_on_with_the_packets),
        T(a_window_shows_what_was_seen_and_what_is_missing),
        T(what_is_refused_is_counted_with_its_sa),
        T(after_a_rekey_the_newer_one_is_marked),
        T(policies_are_shown),
        T(empty_tables_are_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
