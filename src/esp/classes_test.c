/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic classes and several SAs for the same packets (RFC 4301 sections 4.1 and 5.1): which SA a packet
 * leaves through by its DSCP, what becomes of packets whose class has no SA, and what all that is for: that
 * reordering between classes costs no packet. */
#include "crypto/random.h"
#include "support/esp_pair.h"
#include "support/test.h"

enum { CS0 = 0, AF41 = 34, EF = 46, CS6 = 48 };
enum class { VOICE, VIDEO, REST };
#define BIT(dscp)    (UINT64_C(1) << (dscp))
#define POLICY(c)    (10 + (c))
#define TRAP(c)      (20 + (c))
#define SPI_AWAY(c)  (0x51000000u + (c))
#define WINDOW       64
#define PACKETS_MOST 128

static const uint64_t dscp[] = {[VOICE] = BIT(EF) | BIT(CS6), [VIDEO] = BIT(AF41), [REST] = 0};

static struct esp *a, *b;
static struct esp_buffer buffers[PACKETS_MOST];
static struct esp_packet p[PACKETS_MOST];
static size_t n;
static int64_t now;

static int setup(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    crypto_random_seed(11);
    now = 1000 * TIME_SECOND;
    n = 0;
    a = esp_new(&c);
    b = esp_new(&c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    esp_free(a);
    esp_free(b);
    crypto_random_set_source(NULL, NULL);
    return 0;
}

static void add_policy(enum class c, uint64_t id, bool is_trap)
{
    struct esp_policy policy = pair_policy(SIDE_A, id);
    policy.reqid = 100 + c;
    policy.dscp = dscp[c];
    policy.is_trap = is_trap;
    pair_add_policy(a, policy);
}

static struct esp_sa half(enum class c, uint32_t spi, enum sa_direction dir)
{
    struct esp_sa sa = pair_sa(esp_suite_gcm, dir == SA_OUT ? SIDE_A : SIDE_B, dir, 4);
    sa.spi = spi;
    sa.reqid = 100 + c;
    sa.child_id = spi;
    sa.replay_window = WINDOW;
    return sa;
}

static void add_sas(enum class c, uint32_t spi)
{
    pair_add_sa(a, half(c, spi, SA_OUT));
    pair_add_sa(b, half(c, spi, SA_IN));
}

static void del_out(enum class c, uint32_t spi)
{
    struct esp_sa sa = half(c, spi, SA_OUT);
    assert_true(esp_apply(a, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, now, &(struct diag){0}));
}

/* A class with its SA, as the engine tells of them: the policy comes after the SA. */
static void up(enum class c)
{
    add_sas(c, SPI_AWAY(c));
    add_policy(c, POLICY(c), false);
}

static void put(uint8_t codepoint)
{
    struct inner in = {.from = SIDE_A, .family = n % 2 ? 6 : 4, .tos = (uint8_t)(codepoint << 2), .len = 100};
    p[n] = inner_udp(&buffers[n], &in);
    n++;
}

static void seal(void)
{
    esp_outbound(a, p, n, now);
}

static uint32_t word(const struct esp_packet *x, size_t at)
{
    const uint8_t *v = x->data + at;
    return (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
}

/* The SPI by which one packet of that DSCP leaves; 0: it does not. */
static uint32_t leaves_by(uint8_t codepoint)
{
    n = 0;
    put(codepoint);
    seal();
    return p[0].verdict == ESP_FORWARD ? word(&p[0], 0) : 0;
}

/* Which traps were told of. */
static size_t asked(uint64_t ids[4])
{
    struct dataplane_event ev[4];
    size_t count = esp_events(a, ev, ARRAY_LEN(ev));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ev[i].kind, DP_ACQUIRE);
        ids[i] = ev[i].policy_id;
    }
    return count;
}

static void one_batch_leaves_by_the_sas_of_its_classes_in_its_order(void **state)
{
    (void)state;
    static const struct {
        uint8_t dscp;
        enum class class;
    } in[] = {
        {CS0,  REST },
        {EF,   VOICE},
        {CS0,  REST },
        {AF41, VIDEO},
        {CS6,  VOICE},
        {35,   REST },
        {47,   REST },
        {63,   REST },
        {EF,   VOICE},
        {AF41, VIDEO}
    };
    uint32_t next[] = {1, 1, 1};
    up(REST);
    up(VOICE);
    up(VIDEO);
    for (size_t i = 0; i < PACKETS_MOST; i++)
        put(in[i % ARRAY_LEN(in)].dscp);
    seal();
    for (size_t i = 0; i < n; i++) {
        enum class c = in[i % ARRAY_LEN(in)].class;
        assert_int_equal(p[i].verdict, ESP_FORWARD);
        assert_int_equal(word(&p[i], 0), SPI_AWAY(c));
        assert_int_equal(word(&p[i], 4), next[c]++);
        assert_int_equal(p[i].child_id, SPI_AWAY(c));
        pair_carry(&p[i]);
    }
    esp_inbound(b, p, n, now);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p[i].verdict, ESP_FORWARD);
        assert_memory_equal(p[i].data, buffers[i].copy, buffers[i].len);
    }
}

/* A queue on the way lets voice overtake everything else. */
static size_t arrived_when_voice_overtakes(void)
{
    size_t arrived = 0, sent = 0;
    n = 0;
    for (size_t i = 0; i < PACKETS_MOST; i++)
        put(i < 8 ? CS0 : EF);
    seal();
    static struct esp_packet order[PACKETS_MOST];
    for (size_t k = 0; k < PACKETS_MOST; k++)
        order[sent++] = p[(k + 8) % PACKETS_MOST];
    for (size_t k = 0; k < PACKETS_MOST; k++)
        pair_carry(&order[k]);
    esp_inbound(b, order, 120, now); /* the windows move with a batch */
    esp_inbound(b, order + 120, 8, now);
    for (size_t k = 0; k < PACKETS_MOST; k++)
        arrived += order[k].verdict == ESP_FORWARD;
    return arrived;
}

static void reordering_between_classes_costs_no_packet(void **state)
{
    (void)state;
    up(REST);
    assert_int_equal(arrived_when_voice_overtakes(), PACKETS_MOST - 8);
    assert_int_equal(esp_counters(b)->drops[DROP_REPLAY], 8);
    up(VOICE);
    assert_int_equal(arrived_when_voice_overtakes(), PACKETS_MOST);
}

static void a_class_without_an_sa_leaves_by_that_of_the_rest(void **state)
{
    (void)state;
    uint64_t ids[4];
    up(REST);
    assert_int_equal(leaves_by(EF), SPI_AWAY(REST));
    up(VOICE);
    assert_int_equal(leaves_by(EF), SPI_AWAY(VOICE));
    assert_true(esp_apply(a, &(struct action){.kind = ACTION_POLICY_DEL, .id = POLICY(VOICE)}, now,
                          &(struct diag){0}));
    del_out(VOICE, SPI_AWAY(VOICE));
    assert_int_equal(leaves_by(EF), SPI_AWAY(REST));
    assert_int_equal(asked(ids), 0);
}

static void a_class_with_a_trap_is_asked_for_once_while_its_packets_leave_by_the_rest(void **state)
{
    (void)state;
    uint64_t ids[4];
    up(REST);
    add_policy(VOICE, TRAP(VOICE), true);
    add_policy(REST, TRAP(REST), true);
    assert_int_equal(leaves_by(CS0), SPI_AWAY(REST));
    assert_int_equal(leaves_by(AF41), SPI_AWAY(REST));
    assert_int_equal(asked(ids), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(leaves_by(EF), SPI_AWAY(REST));
    assert_int_equal(asked(ids), 1);
    assert_int_equal(ids[0], TRAP(VOICE));
    now += 11 * TIME_SECOND; /* nothing came of it */
    assert_int_equal(leaves_by(EF), SPI_AWAY(REST));
    assert_int_equal(asked(ids), 1);
    up(VOICE);
    now += 11 * TIME_SECOND;
    assert_int_equal(leaves_by(EF), SPI_AWAY(VOICE));
    assert_int_equal(leaves_by(CS0), SPI_AWAY(REST));
    assert_int_equal(asked(ids), 0);
}

static void with_traps_alone_the_rest_holds_the_packet_and_both_are_asked_for(void **state)
{
    (void)state;
    uint64_t ids[4];
    add_policy(REST, TRAP(REST), true);
    add_policy(VOICE, TRAP(VOICE), true);
    assert_int_equal(leaves_by(EF), 0);
    assert_int_equal(p[0].verdict, ESP_HELD);
    assert_int_equal(asked(ids), 2);
    assert_true(ids[0] + ids[1] == TRAP(REST) + TRAP(VOICE) && ids[0] != ids[1]);
    up(REST);
    struct span held = esp_next_held(a, now);
    assert_int_equal(held.len, 100);
    n = 1;
    p[0] = inner_raw(&buffers[0], held);
    seal();
    assert_int_equal(word(&p[0], 0), SPI_AWAY(REST));
}

static void without_a_rest_every_packet_is_protected_all_the_same(void **state)
{
    (void)state;
    uint64_t ids[4];
    add_policy(VIDEO, TRAP(VIDEO), true);
    assert_int_equal(leaves_by(CS0), 0);
    assert_int_equal(p[0].verdict, ESP_HELD);
    up(VOICE);
    assert_int_equal(leaves_by(CS0), SPI_AWAY(VOICE));
    assert_int_equal(asked(ids), 1);
    assert_int_equal(leaves_by(AF41), 0); /* its own trap holds it: its SA is on its way */
    assert_int_equal(p[0].verdict, ESP_HELD);
    up(VIDEO);
    assert_int_equal(leaves_by(AF41), SPI_AWAY(VIDEO));
    assert_int_equal(leaves_by(CS0), SPI_AWAY(VOICE));
}

static void narrower_selectors_decide_before_a_class(void **state)
{
    (void)state;
    struct esp_policy host = pair_policy(SIDE_A, 50);
    const char *err;
    up(REST);
    up(VOICE);
    host.reqid = 60;
    host.priority = 0;
    assert_true(ts_parse("10.2.0.9", &host.remote_ts[0], &err));
    host.n_remote_ts = 1;
    struct esp_sa sa = half(REST, 0x60000000, SA_OUT);
    sa.reqid = 60;
    pair_add_sa(a, sa);
    pair_add_policy(a, host);
    assert_int_equal(leaves_by(EF), SPI_AWAY(VOICE)); /* priority 1000 comes before those by size */
    assert_true(esp_apply(a, &(struct action){.kind = ACTION_POLICY_DEL, .id = POLICY(VOICE)}, now,
                          &(struct diag){0}));
    assert_true(esp_apply(a, &(struct action){.kind = ACTION_POLICY_DEL, .id = POLICY(REST)}, now,
                          &(struct diag){0}));
    struct esp_policy voice = pair_policy(SIDE_A, 51);
    voice.priority = 0;
    voice.reqid = 100 + VOICE;
    voice.dscp = dscp[VOICE];
    pair_add_policy(a, voice);
    assert_int_equal(leaves_by(EF), 0x60000000);
}

/* What was cut from one super-packet has one DSCP and goes where its first packet went. */
static void a_train_stays_together(void **state)
{
    (void)state;
    up(REST);
    up(VOICE);
    for (size_t i = 0; i < 12; i++) {
        struct inner in = {.from = SIDE_A, .family = 4, .tos = i < 6 ? EF << 2 : 0, .len = 100};
        p[n] = inner_udp(&buffers[n], &in);
        p[n++].follows = i % 6 != 0;
    }
    seal();
    for (size_t i = 0; i < n; i++)
        assert_int_equal(word(&p[i], 0), SPI_AWAY(i < 6 ? VOICE : REST));
}

static void a_packet_is_handed_to_the_worker_of_its_class(void **state)
{
    (void)state;
    uint32_t reqid = 0;
    add_policy(REST, POLICY(REST), false); /* policies are everywhere, the SAs with their workers */
    add_policy(VOICE, POLICY(VOICE), false);
    add_policy(VIDEO, TRAP(VIDEO), true);
    static const struct {
        uint8_t dscp;
        enum class class;
    } want[] = {
        {EF,   VOICE},
        {AF41, REST },
        {CS0,  REST }
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        n = 0;
        put(want[i].dscp);
        assert_true(esp_outbound_reqid(a, p[0].data, p[0].len, &reqid));
        assert_int_equal(reqid, 100 + want[i].class);
    }
}

static void of_several_sas_the_newest_sends_and_all_receive(void **state)
{
    (void)state;
    enum { FIRST = 0x71000000, SECOND = 0x72000000, THIRD = 0x73000000 };
    add_policy(REST, POLICY(REST), false);
    static struct esp_packet wire[3];
    static const uint32_t spis[] = {FIRST, SECOND, THIRD};
    static struct esp_buffer own[3];
    for (size_t i = 0; i < ARRAY_LEN(spis); i++) {
        add_sas(REST, spis[i]);
        wire[i] = inner_udp(&own[i], &(struct inner){.from = SIDE_A, .family = 4, .len = 200});
        esp_outbound(a, &wire[i], 1, now);
        assert_int_equal(word(&wire[i], 0), spis[i]);
        pair_carry(&wire[i]);
    }
    del_out(REST, SECOND); /* each on its own */
    assert_int_equal(leaves_by(CS0), THIRD);
    del_out(REST, THIRD);
    assert_int_equal(leaves_by(CS0), FIRST);
    esp_inbound(b, wire, 3, now);
    for (size_t i = 0; i < ARRAY_LEN(spis); i++) {
        assert_int_equal(wire[i].verdict, ESP_FORWARD);
        assert_int_equal(wire[i].child_id, spis[i]);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_batch_leaves_by_the_sas_of_its_classes_in_its_order),
        T(reordering_between_classes_costs_no_packet),
        T(a_class_without_an_sa_leaves_by_that_of_the_rest),
        T(a_class_with_a_trap_is_asked_for_once_while_its_packets_leave_by_the_rest),
        T(with_traps_alone_the_rest_holds_the_packet_and_both_are_asked_for),
        T(without_a_rest_every_packet_is_protected_all_the_same),
        T(narrower_selectors_decide_before_a_class),
        T(a_train_stays_together),
        T(a_packet_is_handed_to_the_worker_of_its_class),
        T(of_several_sas_the_newest_sends_and_all_receive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
