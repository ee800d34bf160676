/* SPDX-License-Identifier: Apache-2.0 */
/* Children in IP-TFS mode (RFC 9347 sections 5.1 and 6.1.4): asked for, granted, declined, with what each end
 * demands of the other, kept over rekeys; and where this machine cannot. Two engines back to back. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"
#include <stdio.h>

static struct iptfs_options options[2]; /* of each side */

static void iptfs_of(int side, struct child_config *k)
{
    k[0].mode = MODE_IPTFS;
    k[0].kernel.iptfs = options[side];
}

static void iptfs_here(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    iptfs_of(0, k);
}

static void iptfs_there(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    iptfs_of(1, k);
}

static const struct pair_spec in_tunnel = {.psk = "secret"}, here = {.tweak = iptfs_here},
                              there = {.tweak = iptfs_there};

static int begin(void **state)
{
    setup(state);
    for (int side = 0; side < 2; side++) {
        pair_planes(&p, side, true, true);
        options[side] =
            (struct iptfs_options){.accepts_fragments = true, .drop_time = 7, .reorder_window = 3};
    }
    return 0;
}

static void begin_anew(void **state)
{
    teardown(state);
    begin(state);
}

static void it_is_asked_for_and_granted(void **state)
{
    (void)state;
    up(&here, &there);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_IPTFS);
    for (int side = 0; side < 2; side++) {
        const struct esp_sa *out = pair_newest_out(&p, side);
        assert_int_equal(out->plane, PLANE_KERNEL);
        assert_false(out->kernel.iptfs.sends_whole);
        assert_int_equal(out->kernel.iptfs.drop_time, 7);
    }
}

static void without_both_ends_consent_it_is_a_tunnel(void **state)
{
    up(&here, &in_tunnel);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_TUNNEL);
    assert_true(pair_logged(&p, 0, "the peer declines iptfs mode: it is a tunnel"));
    begin_anew(state);
    up(&in_tunnel, &there);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_TUNNEL);
}

static void who_takes_no_parts_of_packets_gets_none(void **state)
{
    for (int refuses = 0; refuses < 2; refuses++) {
        begin_anew(state);
        options[refuses].accepts_fragments = false;
        up(&here, &there);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        pair_mode_is(&p, MODE_IPTFS);
        assert_true(pair_newest_out(&p, !refuses)->kernel.iptfs.sends_whole);
        assert_false(pair_newest_out(&p, refuses)->kernel.iptfs.sends_whole);
        assert_true(pair_logged(&p, !refuses, "takes no parts of packets"));
        pair_command(&p, 0, COMMAND_REKEY, "net", "net");
        pair_run(&p);
        pair_command(&p, 1, COMMAND_REKEY, "net", "net");
        pair_run(&p);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        pair_mode_is(&p, MODE_IPTFS);
        assert_true(pair_newest_out(&p, !refuses)->kernel.iptfs.sends_whole);
        assert_false(pair_newest_out(&p, refuses)->kernel.iptfs.sends_whole);
    }
}

/* ---- what a peer may say */

struct lie {
    bool in_response;
    uint8_t demands;
    unsigned done;
};

static void change_demands(void *ctx, const struct chain *c)
{
    static const uint8_t notify[] = {0, 0, 9, 0, 0, N_USE_AGGFRAG >> 8, N_USE_AGGFRAG & 0xff};
    struct lie *l = ctx;
    uint8_t *found = memmem(c->at, c->len, notify, sizeof(notify));
    if (!found)
        return;
    found[sizeof(notify)] = l->demands;
    l->done++;
}

static bool lying(void *ctx, struct pair_packet *k)
{
    struct lie *l = ctx;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && rogue_is_response(k) == l->in_response)
        rogue_open(&p, k, change_demands, l);
    return true;
}

static void up_with(struct lie *l)
{
    p.filter = lying;
    p.ctx = l;
    up(&here, &there);
    assert_int_equal(l->done, 1);
}

static void a_demand_that_is_not_met_makes_a_tunnel(void **state)
{
    static const uint8_t demands[] = {0x02, 0x03, 0x80};
    for (size_t i = 0; i < ARRAY_LEN(demands); i++) {
        char got[8];
        begin_anew(state);
        up_with(&(struct lie){.demands = demands[i]});
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        pair_mode_is(&p, MODE_TUNNEL);
        snprintf(got, sizeof(got), "0x%02x", demands[i]);
        assert_true(pair_logged(&p, 1, got));
    }
    begin_anew(state);
    up_with(&(struct lie){.demands = 0x01});
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_IPTFS);
    assert_true(pair_newest_out(&p, 1)->kernel.iptfs.sends_whole);
}

/* Who answers so sends what we would not understand. */
static void an_answer_with_another_demand_is_refused(void **state)
{
    (void)state;
    up_with(&(struct lie){.in_response = true, .demands = 0x02});
    assert_int_equal(p.side[0].done.class, FAIL_GENERIC);
    assert_non_null(strstr(p.side[0].done.what, "with demands that are not met here"));
    assert_int_equal(pair_children(&p, 0), 0);
}

static bool ask_badly(void *ctx, struct pair_packet *k)
{
    const struct span *data = ctx;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && !rogue_is_response(k))
        rogue_append_notify(&p, k, N_USE_AGGFRAG, *data);
    return true;
}

static void a_request_without_one_byte_of_flags_makes_a_tunnel(void **state)
{
    const struct span data[] = {span_of("", 0), span_of("\0\0", 2)};
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        begin_anew(state);
        p.filter = ask_badly;
        p.ctx = (void *)&data[i];
        up(&in_tunnel, &there);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        pair_mode_is(&p, MODE_TUNNEL);
        assert_true(pair_logged(&p, 1, i ? "got 2 bytes" : "got 0 bytes"));
    }
}

/* ---- what this machine can */

static void must_refuse(int side, const char *what)
{
    load(&here, &there);
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, side == 0 ? FAIL_CONFIG : p.side[0].done.class);
    assert_true(p.side[0].done.class != FAIL_NONE);
    assert_int_equal(pair_children(&p, 0) + pair_children(&p, 1), 0);
    assert_true(pair_logged(&p, side, what));
}

static void a_machine_without_it_refuses_by_name(void **state)
{
    static const struct planes old = {
        .has_user = true, .has_kernel = true, .kernel = "Linux 6.1.0", .lacks = {[FEATURE_IPTFS] = true}};
    for (int side = 0; side < 2; side++) {
        begin_anew(state);
        pair_input(&p, side, &(struct input){.kind = INPUT_PLANES, .planes = &old});
        must_refuse(side, "needs IP-TFS (mode iptfs), and this kernel has none");
        begin_anew(state);
        pair_planes(&p, side, true, false);
        must_refuse(side, "needs IP-TFS (mode iptfs), which only the kernel does");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_asked_for_and_granted, begin, teardown),
        cmocka_unit_test_setup_teardown(without_both_ends_consent_it_is_a_tunnel, begin, teardown),
        cmocka_unit_test_setup_teardown(who_takes_no_parts_of_packets_gets_none, begin, teardown),
        cmocka_unit_test_setup_teardown(a_demand_that_is_not_met_makes_a_tunnel, begin, teardown),
        cmocka_unit_test_setup_teardown(an_answer_with_another_demand_is_refused, begin, teardown),
        cmocka_unit_test_setup_teardown(a_request_without_one_byte_of_flags_makes_a_tunnel, begin, teardown),
        cmocka_unit_test_setup_teardown(a_machine_without_it_refuses_by_name, begin, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
