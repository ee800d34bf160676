/* SPDX-License-Identifier: Apache-2.0 */
/* SAs for each processor (RFC 9611) between two engines: who wants them, when they are made, what keeps them
 * apart from other children, and when no more are asked for. The kernel's side of it is sys/xfrm_test.c's and
 * the lab's. */
#include "engine/impl.h"
#include "ike/v2/create_child.h"
#include "ike/v2/per_cpu.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

#define CPUS 4

static void several(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->per_cpu = PER_CPU_YES;
}

static void both_several(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k[0].per_cpu = k[1].per_cpu = PER_CPU_YES;
}

static void several_in_udp(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    conn->encap = ENCAP_YES;
    k->per_cpu = PER_CPU_ENCAP;
}

static void several_in_userspace(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    conn->dataplane = DATAPLANE_USER;
    k->per_cpu = PER_CPU_YES;
}

static const struct pair_spec wanting = {.tweak = several}, alone = {0};

static void kernels(void)
{
    for (int side = 0; side < 2; side++)
        pair_cpus(&p, side, CPUS);
}

static void up_with(const struct pair_spec *a, const struct pair_spec *b)
{
    kernels();
    up(a, b);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
}

static struct cpu cpu(uint32_t number)
{
    return (struct cpu){.is_set = true, .number = number};
}

/* The kernel has seen a packet of that processor, which has no SA of its own. */
static void sends(int side, uint32_t number)
{
    pair_input(
        &p, side,
        &(struct input){
            .kind = INPUT_DATAPLANE,
            .dataplane = {.kind = DP_ACQUIRE, .policy_id = p.side[side].last_policy.id, .cpu = cpu(number)}
    });
}

static void sends_and_gets(int side, uint32_t number)
{
    sends(side, number);
    pair_advance(&p, 2 * TIME_SECOND); /* until the responder uses it, too */
}

static struct child_sa *on(int side, uint32_t number)
{
    struct ike_sa *sa = rogue_sa(&p, side);
    return per_cpu_find(sa, &sa->conn->children[0], cpu(number));
}

static struct child_sa *first(int side)
{
    struct ike_sa *sa = rogue_sa(&p, side);
    return per_cpu_first(sa, &sa->conn->children[0]);
}

static size_t further(int side)
{
    const struct child_sa *c;
    size_t n = 0;
    list_each(c, &rogue_sa(&p, side)->children, link)
    {
        n += c->per_cpu.is_further && !c->is_gone && c->state != CHILD_DELETING;
    }
    return n;
}

static size_t bound_out(int side)
{
    size_t n = 0;
    for (size_t i = 0; i < p.side[side].n_sas; i++) {
        n += p.side[side].sas[i].cpu.is_set;
        assert_false(p.side[side].sas[i].cpu.is_set && p.side[side].sas[i].direction == SA_IN);
    }
    return n;
}

/* ---- who wants them */

static void it_takes_two_who_want_several(void **state)
{
    static const struct {
        const struct pair_spec *a, *b;
        bool is_agreed;
    } rows[] = {
        {&wanting, &wanting, true },
        {&wanting, &alone,   false},
        {&alone,   &wanting, false},
        {&alone,   &alone,   false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        teardown(state);
        setup(state);
        up_with(rows[i].a, rows[i].b);
        for (int side = 0; side < 2; side++) {
            struct child_view v;
            assert_true(engine_child_at(p.side[side].e, rogue_sa(&p, side)->id, 0, &v));
            assert_int_equal(v.is_per_cpu, rows[i].is_agreed);
            assert_false(v.cpu.is_set);
            assert_int_equal(p.side[side].last_policy.asks_per_cpu, rows[i].is_agreed);
        }
        sends_and_gets(0, 1);
        assert_int_equal(pair_children(&p, 0), rows[i].is_agreed ? 2 : 1);
        bool is_refused = rows[i].a->tweak && !rows[i].b->tweak;
        assert_int_equal(pair_logged(&p, 0, "one SA serves all processors: the peer makes no further"),
                         is_refused);
    }
}

/* ---- making them */

static void a_processor_that_sends_gets_an_sa_of_its_own(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    const uint32_t reqid = first(0)->reqid;
    sends_and_gets(0, 1);
    sends_and_gets(0, 3);
    assert_int_equal(pair_children(&p, 0), 3);
    assert_int_equal(pair_children(&p, 1), 3);
    for (uint32_t n = 1; n <= 3; n += 2) {
        assert_non_null(on(0, n));
        assert_int_equal(on(0, n)->reqid, reqid);
        assert_true(ts_pair_equal(&on(0, n)->ts, &first(0)->ts));
    }
    assert_null(on(0, 0));
    assert_true(pair_logged(&p, 1, "an SA for CPU 1; the peer calls it 00000003"));
    assert_non_null(on(1, 0)); /* the responder's own choice, which is none of ours */
    assert_non_null(on(1, 1));
    for (int side = 0; side < 2; side++) {
        assert_int_equal(bound_out(side), 2);
        assert_int_equal(p.side[side].policies, 1);
    }
    assert_true(pair_traffic_fits(&p));
}

static void it_has_the_algorithms_of_the_first_one(void **state)
{
    (void)state;
    struct pair_spec a =
                         {
                             .esp = {"aes256gcm16-aes128gcm16-x25519", "aes256-sha256"},
                               .tweak = several
    },
                     b = {.esp = {"aes128gcm16-x25519", "aes256-sha256"}, .tweak = several};
    up_with(&a, &b);
    assert_int_equal(first(0)->chosen.key_bits, 128);
    b.esp[0] = "aes256gcm16-aes128gcm16-x25519";
    b.hash = 9;
    struct ike_sa *sa = rogue_sa(&p, 1);
    struct proposal_list *l = (struct proposal_list *)&sa->conn->children[0].proposals;
    struct proposal both;
    struct diag d;
    assert_true(proposal_parse(PROTO_ESP, b.esp[0], &both, &d));
    *(struct proposal *)&l->v[0] = both; /* it would take the longer keys now */
    sends_and_gets(0, 2);
    assert_int_equal(on(0, 2)->chosen.key_bits, 128);
    assert_int_not_equal(on(0, 2)->chosen.ke, 0);
    assert_true(pair_traffic_fits(&p));
}

/* Another child with the same selectors, which is not there, is not the one that is meant. */
static void it_is_of_the_child_that_has_a_first_one(void **state)
{
    (void)state;
    struct pair_spec b = {
        .second_local_ts = "10.2.0.0/16", .second_remote_ts = "10.1.0.0/16", .tweak = both_several};
    up_with(&wanting, &b);
    sends_and_gets(0, 1);
    assert_int_equal(further(1), 1);
    assert_non_null(on(1, 0));
}

static void both_ends_may_ask_at_once(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends(0, 1);
    sends(1, 1);
    sends(1, 2);
    pair_advance(&p, 60 * TIME_SECOND); /* long after one of two twins would have gone */
    assert_int_equal(further(0), 3);
    assert_int_equal(further(1), 3);
    assert_non_null(on(0, 1));
    assert_non_null(on(1, 1));
    assert_non_null(on(1, 2));
    assert_true(pair_traffic_fits(&p));
}

static void one_that_is_asked_for_twice_is_made_once(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends(0, 1);
    sends(0, 1);
    pair_advance(&p, 2 * TIME_SECOND);
    assert_int_equal(further(0), 1);
}

static void what_the_responder_binds_is_spread(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    for (uint32_t i = 0; i < 2 * CPUS; i++)
        sends_and_gets(0, i);
    for (uint32_t i = 0; i < CPUS; i++)
        assert_non_null(on(1, i));
    assert_int_equal(bound_out(1), 2 * CPUS);
}

/* ---- their life */

static void a_rekeyed_one_stays_with_its_processor(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends_and_gets(0, 2);
    for (int side = 0; side < 2; side++) {
        uint32_t theirs = on(1, 0) ? 0 : UINT32_MAX, spi = on(0, 2)->spi_in;
        assert_int_equal(theirs, 0);
        pair_command(&p, side, COMMAND_REKEY, NULL, "net"); /* all of them */
        pair_advance(&p, 10 * TIME_SECOND);
        assert_non_null(on(0, 2));
        assert_int_not_equal(on(0, 2)->spi_in, spi);
        assert_non_null(on(1, 0));
        for (int s = 0; s < 2; s++) {
            assert_int_equal(further(s), 1);
            assert_int_equal(bound_out(s), 1);
            assert_non_null(first(s));
            assert_int_equal(pair_children(&p, s), 2);
            assert_true(p.side[s].last_policy.asks_per_cpu);
        }
    }
    assert_true(pair_traffic_fits(&p));
}

static void with_the_first_one_go_the_others(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        teardown(state);
        setup(state);
        up_with(&wanting, &wanting);
        sends_and_gets(0, 1);
        sends_and_gets(1, 3);
        struct command c = {.kind = COMMAND_TERMINATE, .id = 77, .child_id = first(side)->id};
        pair_input(&p, side, &(struct input){.kind = INPUT_COMMAND, .command = c});
        pair_advance(&p, 5 * TIME_SECOND);
        for (int s = 0; s < 2; s++) {
            assert_int_equal(pair_children(&p, s), 0);
            assert_int_equal(p.side[s].n_sas, 0);
            assert_int_equal(p.side[s].policies, 0);
        }
    }
}

static void one_of_them_goes_alone(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends_and_gets(0, 1);
    sends_and_gets(0, 2);
    struct command c = {.kind = COMMAND_TERMINATE, .id = 77, .child_id = on(0, 1)->id};
    pair_input(&p, 0, &(struct input){.kind = INPUT_COMMAND, .command = c});
    pair_advance(&p, 20 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_non_null(first(side));
        assert_int_equal(further(side), 1);
    }
    assert_null(on(0, 1)); /* nobody makes it again but the processor */
    sends_and_gets(0, 1);
    assert_non_null(on(0, 1));
}

/* That another one is up says nothing of the first. */
static void a_lost_first_one_comes_back(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends_and_gets(0, 1);
    uint64_t lost = first(0)->id;
    pair_input(&p, 0,
               &(struct input){
                   .kind = INPUT_DATAPLANE,
                   .dataplane = {.kind = DP_HARD_EXPIRE, .child_id = lost, .why = "it was flushed"}
    });
    pair_advance(&p, 30 * TIME_SECOND);
    for (int side = 0; side < 2; side++)
        assert_non_null(first(side));
    assert_int_not_equal(first(0)->id, lost);
    sends_and_gets(0, 1);
    assert_non_null(on(0, 1));
    assert_true(pair_traffic_fits(&p));
}

static void they_move_to_a_rekeyed_ike_sa(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends_and_gets(0, 1);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_non_null(on(0, 1));
    sends_and_gets(0, 2);
    assert_non_null(on(0, 2));
    assert_int_equal(further(1), 2);
}

/* The kernel prefers what was added last, and the first one may be that. */
static void a_processor_that_asks_for_what_it_has_gets_a_newer_one(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends_and_gets(0, 1);
    uint32_t spi = on(0, 1)->spi_in;
    sends(0, 1);
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(on(0, 1)->spi_in, spi); /* it asked before this one was there */
    assert_int_equal(p.side[0].traps_failed, 1);
    pair_advance(&p, 10 * TIME_SECOND);
    sends_and_gets(0, 1);
    assert_int_not_equal(on(0, 1)->spi_in, spi);
    assert_int_equal(further(0), 1);
    assert_int_equal(p.side[0].traps_failed, 1);
}

/* ---- limits */

static size_t make_all(size_t most)
{
    size_t n = 0;
    while (n < most && p.side[0].last_policy.asks_per_cpu) {
        sends_and_gets(0, 100 + (uint32_t)n);
        n++;
    }
    return n;
}

static void who_has_enough_says_so_and_is_asked_again_after_a_rekey(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    assert_int_equal(make_all(70), 64); /* beside the first one 63, and the one that is refused */
    assert_int_equal(further(0), 63);
    assert_true(pair_logged(&p, 0, "TS_MAX_QUEUE"));
    assert_true(pair_logged(&p, 1, "enough children net with the same selectors"));
    assert_non_null(first(0));
    sends_and_gets(0, 1000);
    assert_int_equal(further(0), 63);
    assert_false(pair_logged(&p, 0, "is down"));
    struct command end = {.kind = COMMAND_TERMINATE, .id = 77, .child_id = on(0, 100)->id};
    pair_input(&p, 0, &(struct input){.kind = INPUT_COMMAND, .command = end});
    struct command again = {.kind = COMMAND_REKEY, .id = 78, .child_id = first(0)->id};
    pair_input(&p, 0, &(struct input){.kind = INPUT_COMMAND, .command = again});
    pair_advance(&p, 10 * TIME_SECOND);
    assert_true(p.side[0].last_policy.asks_per_cpu);
    sends_and_gets(0, 1001);
    assert_non_null(on(0, 1001));
}

/* A processor that this kernel has not got, say. */
static void one_that_the_kernel_refuses_harms_nothing(void **state)
{
    (void)state;
    up_with(&wanting, &wanting);
    sends_and_gets(0, 9);
    const uint64_t id = first(0)->id;
    pair_input(&p, 0,
               &(struct input){
                   .kind = INPUT_DATAPLANE,
                   .dataplane = {.kind = DP_FAILED, .child_id = on(0, 9)->id, .why = "pCPU number too big"}
    });
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(first(0)->id, id);
    for (int side = 0; side < 2; side++)
        assert_int_equal(further(side), 0);
    assert_false(p.side[0].last_policy.asks_per_cpu);
}

/* As long as one of the others carries packets the first one is not idle. */
static void idle_ones_go_before_the_first(void **state)
{
    (void)state;
    const struct pair_spec idle = {.inactivity = 60 * TIME_SECOND, .tweak = several};
    up_with(&idle, &wanting);
    sends_and_gets(0, 1);
    sends_and_gets(0, 2);
    for (int i = 0; i < 10; i++) {
        pair_advance(&p, 20 * TIME_SECOND);
        pair_input(&p, 0,
                   &(struct input){
                       .kind = INPUT_DATAPLANE,
                       .dataplane = {.kind = DP_COUNTERS,
                                     .child_id = on(0, 1)->id,
                                     .spi = on(0, 1)->spi_out,
                                     .direction = SA_OUT,
                                     .bytes = 100 * (unsigned)(i + 1),
                                     .packets = (unsigned)(i + 1),
                                     .last_use = p.now.mono}
        });
    }
    assert_non_null(on(0, 1));
    assert_null(on(0, 2));
    assert_non_null(first(0));
    pair_advance(&p, 200 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
}

static bool refuses_create(void *ctx, struct pair_packet *k)
{
    unsigned *left = ctx;
    if (k->from == 0 && k->bytes[18] == EXCHANGE_CREATE_CHILD_SA && *left) {
        (*left)--;
        return false;
    }
    return true;
}

static void a_lost_request_is_repeated(void **state)
{
    (void)state;
    unsigned left = 2;
    up_with(&wanting, &wanting);
    p.filter = refuses_create;
    p.ctx = &left;
    sends(0, 1);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_non_null(on(0, 1));
    assert_int_equal(further(1), 1);
}

/* ---- where the kernel does not bind them */

static void userspace_takes_those_that_the_peer_makes(void **state)
{
    (void)state;
    const struct pair_spec user = {.tweak = several_in_userspace};
    up_with(&wanting, &user);
    assert_true(pair_logged(&p, 1, "userspace carries it, and the kernel alone binds SAs to processors"));
    assert_false(pair_logged(&p, 0, "one SA serves"));
    assert_false(p.side[1].last_policy.asks_per_cpu);
    sends_and_gets(0, 1);
    sends_and_gets(0, 2);
    assert_int_equal(further(1), 2);
    assert_int_equal(bound_out(0), 2);
    assert_int_equal(bound_out(1), 0);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(further(1), 2);
    assert_true(pair_traffic_fits(&p));
}

static void an_older_kernel_has_one_for_all(void **state)
{
    (void)state;
    pair_cpus(&p, 0, 0);
    pair_cpus(&p, 1, CPUS);
    up(&wanting, &wanting);
    assert_true(pair_logged(&p, 0, "this kernel does not bind SAs to processors; Linux 6.13 does"));
    assert_false(p.side[0].last_policy.asks_per_cpu);
    assert_true(p.side[1].last_policy.asks_per_cpu);
    sends_and_gets(1, 3);
    assert_non_null(on(1, 3));
    assert_int_equal(bound_out(1), 1);
    assert_int_equal(further(0), 1);
    assert_int_equal(bound_out(0), 0);
}

/* ---- ESP in UDP */

static void each_is_sent_from_a_port_of_its_own(void **state)
{
    (void)state;
    const struct pair_spec in_udp = {.tweak = several_in_udp};
    up_with(&in_udp, &in_udp);
    sends_and_gets(0, 1);
    sends_and_gets(0, 2);
    for (int side = 0; side < 2; side++) {
        uint16_t seen = 0;
        for (size_t i = 0; i < p.side[side].n_sas; i++) {
            const struct esp_sa *e = &p.side[side].sas[i];
            assert_true(e->has_encap);
            assert_int_equal(e->has_any_port, e->direction == SA_IN);
            assert_int_equal(e->port != 0, e->cpu.is_set);
            assert_true(!e->port || (e->port >= 49152 && e->port != seen));
            seen = e->port ? e->port : seen;
        }
    }
    uint16_t port = on(0, 1)->per_cpu.port;
    struct command again = {.kind = COMMAND_REKEY, .id = 78, .child_id = on(0, 1)->id};
    pair_input(&p, 0, &(struct input){.kind = INPUT_COMMAND, .command = again});
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(on(0, 1)->per_cpu.port, port);
}

static void tell_mapping(int side, struct endpoint e)
{
    pair_input(
        &p, side,
        &(struct input){
            .kind = INPUT_DATAPLANE,
            .dataplane = {.kind = DP_MAPPING, .child_id = first(side)->id, .direction = SA_IN, .remote = e}
    });
}

/* The peer's SAs come from ports of their own; it has not moved. */
static void another_port_is_no_move(void **state)
{
    (void)state;
    const struct pair_spec in_udp = {.tweak = several_in_udp};
    up_with(&in_udp, &in_udp);
    struct ike_sa *sa = rogue_sa(&p, 1);
    sa->has_nat_remote = true;
    struct endpoint e = sa->esp.remote;
    const struct endpoint before = e;
    e.port = 55555;
    tell_mapping(1, e);
    assert_true(endpoint_equal(&sa->esp.remote, &before));
    e.ip = ip4(198, 51, 100, 66);
    tell_mapping(1, e);
    assert_true(endpoint_equal(&sa->esp.remote, &e));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_takes_two_who_want_several),
        T(a_processor_that_sends_gets_an_sa_of_its_own),
        T(it_has_the_algorithms_of_the_first_one),
        T(it_is_of_the_child_that_has_a_first_one),
        T(both_ends_may_ask_at_once),
        T(one_that_is_asked_for_twice_is_made_once),
        T(what_the_responder_binds_is_spread),
        T(a_rekeyed_one_stays_with_its_processor),
        T(with_the_first_one_go_the_others),
        T(one_of_them_goes_alone),
        T(a_lost_first_one_comes_back),
        T(they_move_to_a_rekeyed_ike_sa),
        T(a_processor_that_asks_for_what_it_has_gets_a_newer_one),
        T(who_has_enough_says_so_and_is_asked_again_after_a_rekey),
        T(one_that_the_kernel_refuses_harms_nothing),
        T(idle_ones_go_before_the_first),
        T(a_lost_request_is_repeated),
        T(userspace_takes_those_that_the_peer_makes),
        T(an_older_kernel_has_one_for_all),
        T(each_is_sent_from_a_port_of_its_own),
        T(another_port_is_no_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
