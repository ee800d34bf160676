/* SPDX-License-Identifier: Apache-2.0 */
/* keyway-xfrm: what is told of the data plane's SAs and policies, in which order. */
#include "base/arena.h"
#include "support/ctl_fixture.h"

static struct sa_row sa(enum sa_direction dir, uint64_t child_id, uint32_t spi)
{
    return (struct sa_row){
        .direction = dir,
        .child_id = child_id,
        .spi = spi,
        .reqid = 5,
        .mode = MODE_TUNNEL,
        .local = {ip4(192, 0, 2, 1), 4500},
        .remote = {ip4(192, 0, 2, 2), 4501},
        .has_encap = true,
        .encr = ENCR_AES_CBC,
        .key_bits = 128,
        .integ = INTEG_HMAC_SHA2_256_128,
        .icv_len = 16,
        .copies_df = true,
        .copy_dscp = DSCP_IN,
        .seq = 7,
        .soft_bytes = 1000,
        .bytes = 90,
        .packets = 2,
        .last_use = 30 * TIME_SECOND,
        .local_ts = &local_ts,
        .remote_ts = &remote_ts,
        .n_local_ts = 1,
        .n_remote_ts = 1
    };
}

/* Two threads: one has child 3, the other a newer one; both have the policies. */
static void fill(void)
{
    static const uint32_t words[] = {0x7, 0x80000000};
    for (int i = 0; i < 2; i++) {
        fake_of[i].sas = mem_new(2 * sizeof(struct sa_row));
        fake_of[i].policies = mem_new(2 * sizeof(struct policy_row));
        fake_of[i].n_policies = 2;
        for (unsigned k = 0; k < 2; k++)
            fake_of[i].policies[k] = (struct policy_row){.id = 10 + k,
                                                         .reqid = 5,
                                                         .priority = 40,
                                                         .action = k ? POLICY_PROTECT : POLICY_DISCARD,
                                                         .is_trap = k,
                                                         .local_ts = &local_ts,
                                                         .remote_ts = &remote_ts,
                                                         .n_local_ts = 1,
                                                         .n_remote_ts = 1};
    }
    fake_of[0].sas[0] = sa(SA_IN, 3, 0x100);
    fake_of[0].sas[1] = sa(SA_OUT, 3, 0x200);
    fake_of[0].sas[0].replay_window = 64;
    fake_of[0].sas[0].seen = words;
    fake_of[0].sas[0].n_wrong = 4;
    fake_of[0].n_sas = 2;
    fake_of[1].sas[0] = sa(SA_OUT, 8, 0x300);
    fake_of[1].n_sas = 1;
}

/* The next event as JSON-like text: "state key=value ... list=a,b" */
static const char *event(void)
{
    static char text[4096];
    struct vici_packet p;
    struct vici_element e;
    size_t n = 0;
    assert_true(next(0, &p));
    if (p.type == VICI_CMD_RESPONSE)
        return "reply";
    assert_int_equal(p.type, VICI_EVENT);
    assert_span_equal(p.name, span_str("keyway-xfrm"));
    struct vici_reader r = vici_read(p.body);
    while (vici_next(&r, &e) && n < sizeof(text) - 1) {
        if (e.kind == VICI_KEY_VALUE)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %.*s=%.*s", (int)e.name.len, e.name.ptr,
                                  (int)e.value.len, e.value.ptr);
        else if (e.kind == VICI_LIST_ITEM)
            n += (size_t)snprintf(text + n, sizeof(text) - n, ",%.*s", (int)e.value.len, e.value.ptr);
        else if (e.name.len)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %.*s", (int)e.name.len, e.name.ptr);
    }
    return text;
}

static void ask(void)
{
    fill();
    request(0, "keyway-xfrm", NULL, NULL);
}

static void listen(void)
{
    struct vici_packet p;
    send_packet(0, VICI_EVENT_REGISTER, "keyway-xfrm");
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT_CONFIRM);
}

static void everything_of_an_sa_is_told_as_its_packets_are(void **state)
{
    (void)state;
    listen();
    ask();
    event();
    assert_string_equal(
        event(), " state child=lan child-id=3 direction=out src=192.0.2.1 dst=192.0.2.2 encap=udp sport=4500"
                 " dport=4501 protocol=esp spi=00000200 reqid=5 mode=tunnel encr-alg=AES_CBC encr-keysize=128"
                 " integ-alg=HMAC_SHA2_256_128 icv-bits=128 copy-df=yes dscp-to-inner=yes seq=7"
                 " soft-bytes=1000 bytes=90 packets=2 used-at=-10 added-at=-20 soft-seconds=80"
                 " local-ts,10.1.0.0/16 remote-ts,10.2.0.0/16");
    const char *in = event();
    assert_non_null(strstr(in, " direction=in src=192.0.2.2 dst=192.0.2.1 encap=udp sport=4501 dport=4500 "));
    assert_non_null(strstr(in, " seq=7 replay-window=64 replayed=0 wrong-icv=4 seen,80000000,00000007 "));
}

static void the_newest_come_first_and_policies_once(void **state)
{
    (void)state;
    static const char *const order[] = {"spi=00000300", "spi=00000200", "spi=00000100", " policy id=11 ",
                                        " policy id=10 "};
    listen();
    ask();
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        assert_non_null(strstr(event(), order[i]));
    assert_string_equal(event(), "reply");
    assert_int_equal(fake.len[0], 0);
}

static void policies_say_what_they_do(void **state)
{
    (void)state;
    listen();
    ask();
    for (int i = 0; i < 3; i++)
        event();
    assert_string_equal(event(),
                        " policy id=11 action=protect reqid=5 priority=40 trap=yes local-ts,10.1.0.0/16"
                        " remote-ts,10.2.0.0/16");
    assert_string_equal(
        event(), " policy id=10 action=discard priority=40 local-ts,10.1.0.0/16 remote-ts,10.2.0.0/16");
}

static void who_does_not_listen_gets_the_reply_alone(void **state)
{
    (void)state;
    ask();
    assert_string_equal(event(), "reply");
}

static void the_status_has_the_kernel_s_counters_that_moved(void **state)
{
    (void)state;
    struct vici_element e;
    bool is_inside = false;
    uint64_t sum = 0;
    request(0, "keyway-status", NULL, NULL);
    struct vici_reader r = vici_read(reply(0));
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_SECTION_START && span_equal(e.name, span_str("kernel-counters")))
            is_inside = true;
        else if (e.kind == VICI_SECTION_END)
            is_inside = false;
        else if (is_inside && span_equal(e.name, span_str("XfrmInNoStates")))
            sum += span_equal(e.value, span_str("3")) ? 3 : 100;
        else if (is_inside && span_equal(e.name, span_str("XfrmOutNoStates")))
            sum += span_equal(e.value, span_str("1")) ? 1 : 100;
    }
    assert_int_equal(sum, 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(everything_of_an_sa_is_told_as_its_packets_are),
        T(the_newest_come_first_and_policies_once),
        T(policies_say_what_they_do),
        T(who_does_not_listen_gets_the_reply_alone),
        T(the_status_has_the_kernel_s_counters_that_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
