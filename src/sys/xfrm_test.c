/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of the executor in a network namespace of the test's own: those a kernel has without ESP, too. It
 * is asked by `ip xfrm`, which shares no code with us. What SAs do is tested where there is ESP:
 * tests/interop/scenarios/xfrm.py. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/xfrm_impl.h"
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct xfrm *x;
static char journal[64];
static struct dataplane_event told[16];
static char whys[16][XFRM_WHY];
static size_t n_told;

static void on_event(void *ctx, const struct dataplane_event *e)
{
    (void)ctx;
    assert_true(n_told < ARRAY_LEN(told));
    snprintf(whys[n_told], sizeof(whys[n_told]), "%s", e->why ? e->why : "");
    told[n_told++] = *e;
}

static void open_executor(void)
{
    struct diag d = {0};
    struct xfrm_options o = {.journal = journal, .event = on_event, .holds_packets = true};
    x = xfrm_open_unprobed(&o, &d);
    assert_non_null(x);
    x->can.if_id = true;
}

static int make_namespace(void **state)
{
    (void)state;
    netns_run(
        "ip link set lo up; ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; "
        "ip addr add 10.9.0.1/24 dev v0; ip addr add 10.1.0.1/24 dev v0; "
        "ip route add 10.2.0.0/16 via 10.9.0.2; ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0");
    return 0;
}

static int begin(void **state)
{
    (void)state;
    snprintf(journal, sizeof(journal), "/tmp/kw-xfrm-%d", (int)getpid());
    n_told = 0;
    open_executor();
    return 0;
}

static int end(void **state)
{
    (void)state;
    xfrm_close(x);
    netns_run("[ -z \"$(ip xfrm policy; ip xfrm state)\" ]");
    unlink(journal);
    return 0;
}

static void apply(struct action *a)
{
    xfrm_apply(x, a, 0);
}

static struct ts ts(const char *text)
{
    struct ts out;
    const char *err;
    assert_true(ts_parse(text, &out, &err));
    return out;
}

static void add_as(uint64_t id, uint32_t reqid, const char *local, const char *remote,
                   void (*change)(struct esp_policy *))
{
    struct esp_policy p = {.plane = PLANE_KERNEL,
                           .id = id,
                           .reqid = reqid,
                           .local_ts = {ts(local)},
                           .remote_ts = {ts(remote)},
                           .n_local_ts = 1,
                           .n_remote_ts = 1,
                           .local = ip4(10, 9, 0, 1),
                           .remote = ip4(10, 9, 0, 2)};
    if (change)
        change(&p);
    apply(&(struct action){.kind = ACTION_POLICY_ADD, .policy = &p});
}

static void add(uint64_t id, uint32_t reqid, const char *local, const char *remote)
{
    add_as(id, reqid, local, remote, NULL);
}

static void as_trap(struct esp_policy *p)
{
    p->is_trap = true;
}

static void del(uint64_t id)
{
    apply(&(struct action){.kind = ACTION_POLICY_DEL, .id = id});
}

/* `ip xfrm policy` in one line for each; patterns of grep -E. */
static void assert_policies(const char *pattern, int expected)
{
    char command[600];
    snprintf(command, sizeof(command),
             "n=$(ip xfrm policy | awk '/^src/{print \"\"} {printf \"%%s \", $0}' | tr -s '\\t ' ' ' | grep "
             "-cE -- '%s'); "
             "[ \"$n\" = %d ] || { echo \"$n of %s\"; ip xfrm policy; false; } >&2",
             pattern, expected, pattern);
    netns_run(command);
}

static void hear(void)
{
    xfrm_read(x, 1);
}

/* ---- */

static void a_policy_is_in_all_directions_until_it_goes(void **state)
{
    (void)state;
    add(1, 7, "10.1.0.0/16", "10.2.0.0/16");
    assert_policies("dir", 3);
    assert_policies("src 10.1.0.0/16 dst 10.2.0.0/16 dir out .*tmpl src 10.9.0.1 dst 10.9.0.2 proto esp "
                    "reqid 7 mode tunnel",
                    1);
    assert_policies("src 10.2.0.0/16 dst 10.1.0.0/16 dir (in|fwd) .*tmpl src 10.9.0.2 dst 10.9.0.1", 2);
    assert_true(xfrm_has_policy(x, 1) && !xfrm_has_policy(x, 2));
    del(1);
    assert_policies("dir", 0);
    assert_false(xfrm_has_policy(x, 1));
}

static void records_for_the_same_packets_share_one_policy(void **state)
{
    (void)state;
    add_as(1, 7, "10.1.0.0/16", "10.2.0.0/16", as_trap);
    add(2, 7, "10.1.0.0/16", "10.2.0.0/16");
    assert_policies("dir", 3);
    assert_policies("dir in .* reqid 7 ", 1);
    add(3, 8, "10.1.0.0/16", "10.2.0.0/16"); /* a twin: what either brings is let in */
    assert_policies("dir", 3);
    assert_policies("dir (in|fwd) .* reqid 0 ", 2);
    assert_policies("dir out .* reqid 7 ", 1);
    del(2);
    assert_policies("dir out .* reqid 8 ", 1); /* a child before a trap */
    del(3);
    assert_policies("dir .* reqid 7 ", 3);
    del(1);
    assert_policies("dir", 0);
}

static void to_another_peer(struct esp_policy *p)
{
    p->remote = ip4(10, 9, 0, 3);
}

static void a_record_with_a_known_id_takes_the_place_of_the_old_one(void **state)
{
    (void)state;
    add(1, 7, "10.1.0.0/16", "10.2.0.0-10.2.2.255"); /* two prefixes */
    assert_policies("dir", 6);
    add_as(1, 7, "10.1.0.0/16", "10.2.2.0/24", to_another_peer);
    assert_policies("dir", 3);
    assert_policies("dst 10.2.2.0/24 dir out .*dst 10.9.0.3", 1);
    del(1);
}

static void in_transport(struct esp_policy *p)
{
    p->mode = MODE_TRANSPORT;
}

static void in_beet(struct esp_policy *p)
{
    p->mode = MODE_BEET;
}

static void a_record_whose_sas_come_to_be_others_says_so(void **state)
{
    (void)state;
    add_as(1, 7, "10.1.0.1/32", "10.2.0.1/32", in_transport);
    assert_policies("dir (in|out) .*reqid 7 mode transport", 2); /* nothing is forwarded through it */
    assert_policies("dir", 2);
    add_as(1, 7, "10.1.0.1/32", "10.2.0.1/32", in_beet);
    assert_policies("dir (in|out) .*reqid 7 mode beet", 2);
    assert_policies("dir", 2);
    add(1, 7, "10.1.0.1/32", "10.2.0.1/32");
    assert_policies("reqid 7 mode tunnel", 3);
    assert_policies("dir", 3);
    del(1);
}

static void marked(struct esp_policy *p)
{
    bool is_wide = p->reqid == 9; /* the same number */
    p->kernel.in.mark = p->kernel.out.mark =
        (struct mark){.value = is_wide ? 7 : p->reqid, .mask = is_wide ? 0xfff : 0xff};
}

static void policies_of_other_marks_are_others(void **state)
{
    (void)state;
    add_as(1, 7, "10.1.0.0/16", "10.2.0.0/16", marked);
    add_as(2, 8, "10.1.0.0/16", "10.2.0.0/16", marked);
    add_as(3, 9, "10.1.0.0/16", "10.2.0.0/16", marked);
    assert_policies("dir", 9);
    assert_policies("mark 0x8/0xff .* reqid 8 ", 3);
    assert_policies("mark 0x7/0xfff .* reqid 9 ", 3);
    del(1);
    del(3);
    assert_policies("reqid 8 ", 3);
    assert_policies("dir", 3);
    del(2);
}

/* Of auto nothing is known before an SA was tried. */
static void policies_are_the_cards_where_their_sas_have_to_be(void **state)
{
    (void)state;
    uint32_t device = 77;
    const struct ip ours = ip4(10, 9, 0, 1), nobodys = ip4(10, 9, 0, 99);
    assert_int_equal(xfrm_offload_of_policy(x, OFFLOAD_PACKET, ours, &device), OFFLOAD_PACKET);
    assert_int_equal(device, if_nametoindex("v0"));
    assert_int_equal(xfrm_offload_of_policy(x, OFFLOAD_AUTO, ours, &device), OFFLOAD_NO);
    assert_int_equal(xfrm_offload_of_policy(x, OFFLOAD_CRYPTO, ours, &device), OFFLOAD_NO);
    assert_int_equal(xfrm_offload_of_policy(x, OFFLOAD_NO, ours, &device), OFFLOAD_NO);
    assert_int_equal(device, 0);
    assert_int_equal(xfrm_offload_of_policy(x, OFFLOAD_PACKET, nobodys, &device), OFFLOAD_NO);
}

static void twins_of_other_peers_keep_their_own_reqid(void **state)
{
    (void)state;
    add(1, 7, "10.1.0.0/16", "10.2.0.0/16");
    add_as(2, 8, "10.1.0.0/16", "10.2.0.0/16", to_another_peer);
    assert_policies("dir .* reqid 7 ", 3);
    del(1);
    assert_policies("dir .* reqid 8 ", 3);
    assert_policies("10.9.0.3", 3);
    del(2);
}

static void one_that_fails_leaves_nothing_and_is_told(void **state)
{
    (void)state;
    netns_run("ip xfrm policy add src 10.2.0.0/16 dst 10.1.0.0/16 dir in priority 5");
    add(4, 7, "10.1.0.0/16", "10.2.0.0/16");
    assert_policies("dir", 1);
    assert_int_equal(n_told, 0); /* not within apply */
    assert_true(xfrm_has_news(x) && !xfrm_has_policy(x, 4));
    hear();
    assert_int_equal(n_told, 1);
    assert_true(told[0].kind == DP_FAILED && told[0].policy_id == 4 && !told[0].child_id);
    assert_non_null(strstr(whys[0], "not Keyway's"));
    netns_run("ip xfrm policy delete src 10.2.0.0/16 dst 10.1.0.0/16 dir in");
}

static void what_others_take_away_or_change_comes_back(void **state)
{
    (void)state;
    add(1, 7, "10.1.0.0/16", "10.2.0.0/16");
    add(2, 8, "10.1.0.0/16", "10.3.0.0/16");
    hear();
    assert_int_equal(x->scan, 0); /* our own requests are no news */
    netns_run("ip xfrm policy delete src 10.1.0.0/16 dst 10.2.0.0/16 dir out");
    hear();
    assert_policies("dir", 6);
    netns_run("ip xfrm policy flush");
    hear();
    assert_policies("dir", 6);
    netns_run("ip xfrm policy update src 10.1.0.0/16 dst 10.2.0.0/16 dir out action block");
    hear();
    assert_policies("dir out .* reqid 7 ", 1);
    int bytes = 1; /* so little room that messages are lost */
    assert_int_equal(setsockopt(xfrm_fd(x), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    netns_run("for i in 1 2 3 4 5 6 7 8; do ip xfrm policy add src 10.7.$i.0/24 dst 10.8.0.0/24 dir out; "
              "done; ip xfrm policy flush");
    assert_policies("dir", 0);
    hear();
    assert_policies("dir", 6);
    del(1);
    del(2);
}

/* Sends one datagram from 10.1.0.1, with or without luck. */
static void send_one(void)
{
    netns_run("ping -n -q -c 1 -W 0.01 -I 10.1.0.1 10.2.0.9 >/dev/null; true");
}

/* Packets that a policy has stopped in this namespace. */
static unsigned count_blocked(void)
{
    char line[80];
    unsigned n = 0;
    FILE *f = fopen("/proc/net/xfrm_stat", "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "XfrmOutPolBlock %u", &n) == 1)
            break;
    }
    fclose(f);
    return n;
}

static void wait_for_drops(unsigned n)
{
    for (int i = 0; i < 500 && count_blocked() < n; i++)
        netns_run("sleep 0.01");
    assert_true(count_blocked() >= n);
}

static void a_trap_asks_once_and_again_when_it_has_failed(void **state)
{
    (void)state;
    struct ts packet = ts("10.2.0.9[icmp/8(0)]");
    add_as(9, 7, "10.1.0.0/16", "10.2.0.0/16", as_trap);
    for (size_t round = 1; round < 4; round++) {
        assert_policies("dir out .* reqid 7 ", 1);
        send_one();
        send_one();
        hear();
        assert_int_equal(n_told, round);
        assert_true(told[round - 1].kind == DP_ACQUIRE && told[round - 1].policy_id == 9);
        assert_true(ts_equal(&told[round - 1].packet_remote, &packet));
        netns_run("ip xfrm state | grep -q 'spi 0x00000000'");
        if (round == 3)
            break;
        unsigned before = count_blocked();
        apply(&(struct action){.kind = ACTION_TRAP_FAILED, .id = 9});
        assert_policies("dir out action block", 1); /* what is held is dropped: for a moment nothing leaves */
        assert_true(xfrm_poll(x, 0) <= 20 * TIME_MS);
        wait_for_drops(before + 1); /* by a timer of the kernel's own */
        xfrm_poll(x, 20 * TIME_MS);
        netns_run("[ -z \"$(ip xfrm state)\" ]");
    }
    del(9); /* and what waits with it: see end() */
}

/* When nobody hears it the kernel asks again with the next packet: here somebody else does. */
static void a_question_that_was_lost_is_found_again(void **state)
{
    struct xfrm_link other;
    struct diag d = {0};
    (void)state;
    assert_true(xfrm_link_open(&other, true, &d));
    add_as(9, 7, "10.1.0.0/16", "10.2.0.0/16", as_trap);
    int bytes = 1;
    assert_int_equal(setsockopt(xfrm_fd(x), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    netns_run(
        "for i in 1 2 3 4 5 6 7 8; do ip xfrm policy add src 10.7.$i.0/24 dst 10.8.0.0/24 dir out; done");
    send_one();
    hear();
    assert_int_equal(n_told, 1);
    assert_true(told[0].kind == DP_ACQUIRE && told[0].policy_id == 9);
    netns_run(
        "for i in 1 2 3 4 5 6 7 8; do ip xfrm policy delete src 10.7.$i.0/24 dst 10.8.0.0/24 dir out; done");
    xfrm_link_close(&other);
    del(9);
}

static void shunts_stand_before_and_behind_all_others(void **state)
{
    (void)state;
    struct shunt drop = {.id = 1, .mode = MODE_DROP}, pass = {.id = 1, .mode = MODE_PASS, .is_last = true};
    struct shunt reject = {.id = 2, .mode = MODE_REJECT},
                 leaving = {.id = 3, .mode = MODE_DROP, .is_last = true};
    assert_true(prefix_parse("10.1.0.0/16", &drop.local) && prefix_parse("10.2.0.0/16", &drop.remote));
    pass.local = reject.local = drop.local;
    pass.remote = reject.remote = leaving.remote = drop.remote;
    add(1, 7, "10.1.0.0/16", "10.2.0.0/16");
    pass.flow = (struct route_flow){.proto = 6, .dport_from = 22, .dport_to = 22};
    apply(&(struct action){.kind = ACTION_SHUNT_ADD, .shunt = &drop});
    apply(&(struct action){.kind = ACTION_SHUNT_ADD, .shunt = &pass});
    apply(&(struct action){.kind = ACTION_SHUNT_ADD, .shunt = &reject});
    apply(&(struct action){.kind = ACTION_SHUNT_ADD, .shunt = &leaving});
    assert_policies("src 10.1.0.0/16 dst 10.2.0.0/16 dir out action block priority 2 ", 1);
    assert_policies("src 10.2.0.0/16 dst 10.1.0.0/16 dir (in|fwd) action block priority 2 ", 2);
    assert_policies("proto tcp dport 22 dir out priority 4294967294 ", 1);
    assert_policies("src 0.0.0.0/0 dst 10.2.0.0/16 dir out action block priority 4294967295 ", 1);
    assert_policies("dir", 7);
    apply(&(struct action){.kind = ACTION_SHUNT_DEL, .id = 1}); /* both */
    apply(&(struct action){.kind = ACTION_SHUNT_DEL, .id = 3});
    assert_policies("dir .* reqid 7 ", 3);
    assert_policies("dir", 3);
    del(1);
}

static void a_journal_of_a_crash_removes_what_is_still_ours(void **state)
{
    (void)state;
    struct diag d = {0};
    char copy[80], command[300];
    snprintf(copy, sizeof(copy), "%s.crash", journal);
    add(1, 7, "10.1.0.0/16", "10.2.0.0/16");
    snprintf(command, sizeof(command), "cp %s %s", journal, copy);
    netns_run(command);
    del(1);
    netns_run(
        "ip xfrm policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir out priority 99"); /* another's by now */
    add(2, 8, "10.5.0.0/16", "10.6.0.0/16");
    assert_int_equal(xfrm_cleanup(copy, &d), 0);
    assert_policies("dir", 4);
    netns_run("ip xfrm policy delete src 10.1.0.0/16 dst 10.2.0.0/16 dir out");
    snprintf(command, sizeof(command), "cp %s %s", journal, copy);
    netns_run(command);
    assert_int_equal(xfrm_cleanup(copy, &d), 3);
    assert_policies("dir", 0);
    assert_int_equal(access(copy, F_OK), -1);
    assert_int_equal(xfrm_cleanup(copy, &d), 0);
}

/* A run that was killed: what is done in it stays in the kernel. */
static void die(void (*what)(void))
{
    int status;
    xfrm_close(x);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_executor();
        what();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void left_by_a_crash(void (*what)(void))
{
    die(what);
    open_executor();
}

static void add_two_and_a_barrier(void)
{
    struct shunt drop = {.id = 3, .mode = MODE_DROP, .is_last = true};
    if (!prefix_parse("10.4.0.0/16", &drop.remote))
        _exit(1);
    add(1, 7, "10.1.0.0/16", "10.2.0.0/16");
    add(2, 8, "10.1.0.0/16", "10.3.0.0/16");
    apply(&(struct action){.kind = ACTION_SHUNT_ADD, .shunt = &drop});
}

/* The kernel's number of it: another one when it was away in between. */
static unsigned long index_of(const char *selectors)
{
    char command[200], line[40] = "";
    snprintf(command, sizeof(command), "ip -s xfrm policy list %s | grep -o 'index [0-9]*'", selectors);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    pclose(f);
    return strtoul(line + strlen("index "), NULL, 10);
}

static void what_a_crash_left_stands_until_it_is_wanted_or_swept(void **state)
{
    (void)state;
    left_by_a_crash(add_two_and_a_barrier);
    assert_policies("dir", 7);
    unsigned long was = index_of("src 10.1.0.0/16 dst 10.2.0.0/16 dir out");
    assert_true(was > 0);
    netns_run("ip xfrm policy update src 10.7.0.0/16 dst 10.8.0.0/16 dir out; ip xfrm policy delete src "
              "10.7.0.0/16 dst 10.8.0.0/16 dir out"); /* somebody else's */
    x->has_lost = true;
    hear();
    assert_policies("dir", 7);
    assert_policies("dst 10.4.0.0/16 dir out action block ", 1);
    add_as(11, 17, "10.1.0.0/16", "10.2.0.0/16", to_another_peer);
    assert_policies("dir .* reqid 17 ", 3);
    assert_policies("dir .* reqid 7 ", 0);
    assert_int_equal(index_of("src 10.1.0.0/16 dst 10.2.0.0/16 dir out"), was);
    assert_int_equal(xfrm_sweep(x), 4);
    assert_policies("dir", 3);
    assert_int_equal(xfrm_sweep(x), 0);
    del(11);
}

static void a_second_crash_before_the_sweep_loses_nothing(void **state)
{
    (void)state;
    struct diag d = {0};
    left_by_a_crash(add_two_and_a_barrier);
    assert_policies("dir", 7);
    left_by_a_crash(add_two_and_a_barrier);
    assert_int_equal(xfrm_sweep(x), 7);
    left_by_a_crash(add_two_and_a_barrier);
    xfrm_close(x); /* in good order, without a sweep */
    assert_policies("dir", 0);
    open_executor();
    assert_int_equal(xfrm_cleanup(journal, &d), 0);
}

static void do_nothing(void) {}

static void assert_drops(const char *value)
{
    char command[120];
    snprintf(command, sizeof(command), "grep -qx %s /proc/sys/net/core/xfrm_larval_drop", value);
    netns_run(command);
}

static void settings_of_the_machine_come_back_after_a_crash_too(void **state)
{
    (void)state;
    struct diag d = {0};
    assert_drops("0");
    left_by_a_crash(do_nothing);
    left_by_a_crash(do_nothing);
    assert_drops("0");
    xfrm_close(x);
    assert_drops("1");
    open_executor();
    die(do_nothing);
    assert_drops("0");
    assert_int_equal(xfrm_cleanup(journal, &d), 0); /* nobody wants the kernel's plane any more */
    assert_drops("1");
    open_executor();
    netns_run("echo 1 > /proc/sys/net/core/xfrm_larval_drop"); /* the administrator */
    left_by_a_crash(do_nothing);
    assert_drops("0");
    netns_run("echo 2 > /proc/sys/net/core/xfrm_larval_drop");
    xfrm_close(x);
    assert_drops("2");
    netns_run("echo 1 > /proc/sys/net/core/xfrm_larval_drop");
    open_executor();
}

/* The kernel asked while nobody was there, and does not ask again while that state waits. */
static void leave_a_question(void)
{
    add_as(9, 7, "10.1.0.0/16", "10.2.0.0/16", as_trap);
    send_one();
}

static void a_trap_that_sprang_before_the_crash_springs_after_it(void **state)
{
    (void)state;
    left_by_a_crash(leave_a_question);
    add_as(19, 7, "10.1.0.0/16", "10.2.0.0/16", as_trap);
    assert_int_equal(n_told, 0);
    xfrm_sweep(x);
    xfrm_poll(x, x->poll_at);
    assert_int_equal(n_told, 1);
    assert_true(told[0].kind == DP_ACQUIRE && told[0].policy_id == 19);
    del(19);
}

static void a_comparison_that_failed_is_made_again(void **state)
{
    (void)state;
    add(1, 7, "10.1.0.0/16", "10.2.0.0/16");
    netns_run("ip xfrm policy flush");
    assert_int_equal(seteuid(65534), 0); /* to whom the kernel lists nothing */
    hear();
    assert_int_equal(seteuid(0), 0);
    assert_policies("dir", 0);
    xfrm_poll(x, x->poll_at);
    assert_policies("dir", 3);
    del(1);
}

/* ---- what answers leave in memory: of SAs they show the keys */

#define STACK_BYTES (512u << 10)
#define MARK        0x4b57cafeu /* a reqid that stands in answers alone */

static int ignore(const struct nlmsghdr *h, void *ctx)
{
    (void)h, (void)ctx;
    return MNL_CB_OK;
}

static void *ask_link(void *ctx)
{
    char buf[64] XFRM_ALIGNED;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = XFRM_MSG_GETPOLICY;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    return xfrm_link_ask(ctx, h, ignore, NULL) == 0 ? ctx : NULL;
}

static void *read_link(void *ctx)
{
    return xfrm_link_read(ctx, ignore, NULL) ? ctx : NULL;
}

/* Not the sanitizer's business: nobody's frame is there any more. */
__attribute__((no_sanitize("address"))) static size_t count_marks(const uint8_t *at, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i + 4 <= len; i++) {
        uint32_t v = at[i] | at[i + 1] << 8 | at[i + 2] << 16 | (uint32_t)at[i + 3] << 24;
        n += v == MARK;
    }
    return n;
}

/* On a stack of its own, which is looked through afterwards. */
static void must_leave_nothing(void *(*run)(void *), struct xfrm_link *l)
{
    pthread_attr_t attr;
    pthread_t thread;
    void *fine = NULL;
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(stack != MAP_FAILED);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstack(&attr, stack, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attr, run, l), 0);
    assert_int_equal(pthread_join(thread, &fine), 0);
    assert_non_null(fine);
    assert_int_equal(count_marks(stack, STACK_BYTES), 0);
    pthread_attr_destroy(&attr);
    munmap(stack, STACK_BYTES);
}

static void answers_are_wiped(void **state)
{
    (void)state;
    struct xfrm_link l;
    struct diag d = {0};
    assert_true(xfrm_link_open(&l, true, &d));
    netns_run("ip xfrm policy add src 10.7.0.0/24 dst 10.8.0.0/24 dir out tmpl src 10.9.0.1 dst 10.9.0.2 "
              "proto esp reqid 1264044798 mode tunnel"); /* MARK */
    must_leave_nothing(ask_link, &l);
    must_leave_nothing(read_link, &l);
    xfrm_link_close(&l);
    netns_run("ip xfrm policy delete src 10.7.0.0/24 dst 10.8.0.0/24 dir out");
}

#define WITH(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_policy_is_in_all_directions_until_it_goes),
        WITH(records_for_the_same_packets_share_one_policy),
        WITH(a_record_with_a_known_id_takes_the_place_of_the_old_one),
        WITH(a_record_whose_sas_come_to_be_others_says_so),
        WITH(policies_of_other_marks_are_others),
        WITH(policies_are_the_cards_where_their_sas_have_to_be),
        WITH(twins_of_other_peers_keep_their_own_reqid),
        WITH(one_that_fails_leaves_nothing_and_is_told),
        WITH(what_others_take_away_or_change_comes_back),
        WITH(a_trap_asks_once_and_again_when_it_has_failed),
        WITH(a_question_that_was_lost_is_found_again),
        WITH(shunts_stand_before_and_behind_all_others),
        WITH(a_journal_of_a_crash_removes_what_is_still_ours),
        WITH(what_a_crash_left_stands_until_it_is_wanted_or_swept),
        WITH(a_second_crash_before_the_sweep_loses_nothing),
        WITH(settings_of_the_machine_come_back_after_a_crash_too),
        WITH(a_trap_that_sprang_before_the_crash_springs_after_it),
        WITH(a_comparison_that_failed_is_made_again),
        WITH(answers_are_wiped),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, make_namespace, NULL);
}
