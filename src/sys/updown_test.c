/* SPDX-License-Identifier: Apache-2.0 */
/* Updown commands, run by a real shell in a real loop: what they are told, in which order, and that neither a
 * peer's name nor a command that hangs does harm. */
#include "base/log.h"
#include "support/test.h"
#include "sys/updown.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uv_loop_t uv;
static char dir[64], lines[16384];

static void sink(void *ctx, const struct log_entry *e)
{
    size_t at = strlen(lines);
    (void)ctx;
    snprintf(lines + at, sizeof(lines) - at, "%s\n", e->text);
}

static int setup(void **state)
{
    (void)state;
    lines[0] = '\0';
    log_set_sink(sink, NULL, LOG_DETAIL);
    snprintf(dir, sizeof(dir), "/tmp/updown-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return uv_loop_init(&uv);
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    uv_run(&uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&uv), 0); /* no handle is left */
    log_set_sink(NULL, NULL, LOG_ERR);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static const char *contents(const char *name)
{
    static char buf[16384];
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;
    buf[n] = '\0';
    if (f)
        fclose(f);
    return buf;
}

static bool exists(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static struct ts ts_of(const char *text)
{
    struct ts t;
    const char *err;
    assert_true(ts_parse(text, &t, &err));
    return t;
}

static struct updown child(const char *command, bool is_up)
{
    struct updown u = {.command = command,
                       .verb = is_up ? UPDOWN_UP : UPDOWN_DOWN,
                       .connection = "office",
                       .child = "net",
                       .ike_id = 7,
                       .reqid = 3,
                       .local_id = "moon.example",
                       .remote_id = "C=CH, O=Keyway, CN=sun",
                       .n_local_ts = 1,
                       .n_remote_ts = 1};
    assert_true(ip_parse("127.0.0.1", &u.local.ip) && ip_parse("192.0.2.2", &u.remote.ip));
    u.local.port = u.remote.port = 500;
    u.local_ts[0] = ts_of("10.1.0.0/16");
    u.remote_ts[0] = ts_of("10.2.0.0/16");
    return u;
}

static void run_all(struct updown_runner *r)
{
    updown_finish(r, 20000);
    assert_int_equal(updown_pending(r), 0);
    uv_run(&uv, UV_RUN_NOWAIT); /* what is still to be told */
    updown_free(r);
}

/* "cd DIR; WHAT" */
static const char *in_dir(const char *what)
{
    static char command[4][512];
    static unsigned at;
    char *out = command[at++ % 4];
    snprintf(out, sizeof(command[0]), "cd %s; %s", dir, what);
    return out;
}

static void assert_has_line(const char *text, const char *line)
{
    size_t n = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++) {
        if ((at == text || at[-1] == '\n') && (at[n] == '\n' || at[n] == '\0'))
            return;
    }
    fail_msg("no line '%s' in:\n%s", line, text);
}

static void the_command_is_told_what_scripts_expect(void **state)
{
    static const char *const want[] = {"PLUTO_VERSION=1.1",
                                       "PLUTO_VERB=up-client",
                                       "PLUTO_CONNECTION=net",
                                       "PLUTO_INTERFACE=lo",
                                       "PLUTO_REQID=3",
                                       "PLUTO_PROTO=esp",
                                       "PLUTO_UNIQUEID=7",
                                       "PLUTO_ME=127.0.0.1",
                                       "PLUTO_MY_ID=moon.example",
                                       "PLUTO_MY_CLIENT=10.1.0.0/16",
                                       "PLUTO_MY_PORT=0",
                                       "PLUTO_MY_PROTOCOL=0",
                                       "PLUTO_PEER=192.0.2.2",
                                       "PLUTO_PEER_ID=C=CH, O=Keyway, CN=sun",
                                       "PLUTO_PEER_CLIENT=10.2.0.0/16",
                                       "PLUTO_PEER_PORT=0",
                                       "PLUTO_PEER_PROTOCOL=0",
                                       "KEYWAY_DATAPLANE=user"};
    (void)state;
    setenv("KEYWAY_TEST_SECRET", "of the daemon", 1);
    struct updown_runner *r = updown_new(&uv, NULL);
    struct updown u = child(in_dir("env > env"), true);
    updown_run(r, &u);
    run_all(r);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_has_line(contents("env"), want[i]);
    assert_null(strstr(contents("env"), "PLUTO_UDP_ENC"));
    assert_null(strstr(contents("env"), "PLUTO_HOST_ACCESS"));
    assert_null(strstr(contents("env"), "KEYWAY_TEST_SECRET")); /* the daemon's own is not passed on */
}

static void virtual_addresses_and_name_servers_are_told(void **state)
{
    static const char *const want[] = {
        "PLUTO_MY_SOURCEIP=10.3.0.1",
        "PLUTO_MY_SOURCEIP4_1=10.3.0.1",
        "PLUTO_MY_SOURCEIP6_1=fd03::1",
        "PLUTO_PEER_SOURCEIP=10.4.0.1",
        "PLUTO_PEER_SOURCEIP4_1=10.4.0.1",
        "PLUTO_DNS4_1=10.2.0.53",
        "PLUTO_DNS4_2=10.2.0.54",
        "PLUTO_DNS6_1=fd02::53",
        "PLUTO_PEER_DOMAIN_INFO=corp.example lab.example",
    };
    (void)state;
    struct ip mine[2] = {ip4(10, 3, 0, 1)}, theirs[1] = {ip4(10, 4, 0, 1)};
    struct ip dns[3] = {ip4(10, 2, 0, 53), ip4(10, 2, 0, 54)};
    assert_true(ip_parse("fd03::1", &mine[1]) && ip_parse("fd02::53", &dns[2]));
    struct updown_runner *r = updown_new(&uv, NULL);
    struct updown u = child(in_dir("env > env"), true);
    u.my_vips = mine;
    u.n_my_vips = 2;
    u.peer_vips = theirs;
    u.n_peer_vips = 1;
    u.dns = dns;
    u.n_dns = 3;
    u.domains = "corp.example lab.example";
    updown_run(r, &u);
    run_all(r);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_has_line(contents("env"), want[i]);
}

static void hosts_encapsulation_ports_and_ipv6_are_told_apart(void **state)
{
    (void)state;
    struct updown_runner *r = updown_new(&uv, NULL);
    struct updown u = child(in_dir("env | grep PLUTO > $PLUTO_VERB"), false);
    u.has_encap = u.has_hostaccess = true;
    u.remote.port = 4501;
    u.n_local_ts = u.n_remote_ts = 2;
    u.local_ts[0] = ts_of("127.0.0.1/32[tcp/443]");
    u.local_ts[1] = ts_of("2001:db8:1::/48");
    u.remote_ts[0] = ts_of("10.2.0.0/16[tcp/1000-2000]");
    u.remote_ts[1] = ts_of("2001:db8:2::/48");
    updown_run(r, &u);
    assert_int_equal(updown_pending(r), 2); /* families do not mix */
    run_all(r);
    assert_has_line(contents("down-host"), "PLUTO_MY_PORT=443");
    assert_has_line(contents("down-host"), "PLUTO_MY_PROTOCOL=6");
    assert_has_line(contents("down-host"), "PLUTO_PEER_PORT=0");
    assert_has_line(contents("down-host"), "PLUTO_UDP_ENC=4501");
    assert_has_line(contents("down-host"), "PLUTO_HOST_ACCESS=1");
    assert_has_line(contents("down-client-v6"), "PLUTO_PEER_CLIENT=2001:db8:2::/48");
}

static void marks_and_interface_ids_are_told(void **state)
{
    static const char *const want[] = {"PLUTO_MARK_IN=42/0xffffffff", "PLUTO_MARK_OUT=7/0x000000ff",
                                       "PLUTO_IF_ID_IN=3", "PLUTO_IF_ID_OUT=4"};
    (void)state;
    struct updown_runner *r = updown_new(&uv, NULL);
    struct updown u = child(in_dir("env > env"), true);
    u.plane = PLANE_KERNEL;
    u.kernel.in = (struct kernel_side){
        .mark = {42, UINT32_MAX},
          .if_id = 3
    };
    u.kernel.out = (struct kernel_side){
        .mark = {7, 0xff},
          .if_id = 4
    };
    updown_run(r, &u);
    run_all(r);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_has_line(contents("env"), want[i]);
}

static void an_interface_of_the_child_is_told_in_libreswans_way(void **state)
{
    static const char *const of_xfrm[] = {"PLUTO_VIRT_INTERFACE=ipsec1", "PLUTO_XFRMI_ROUTE=yes",
                                          "VTI_IFACE=", "VTI_ROUTING=no"},
                             *const of_vti[] = {"PLUTO_VIRT_INTERFACE=vti0",
                                                "PLUTO_XFRMI_ROUTE=", "VTI_IFACE=vti0", "VTI_ROUTING=yes"};
    (void)state;
    for (int is_vti = 0; is_vti < 2; is_vti++) {
        struct updown_runner *r = updown_new(&uv, NULL);
        struct updown u = child(in_dir("env > env"), true);
        u.style = UPDOWN_LIBRESWAN;
        u.verb = UPDOWN_ROUTE;
        u.plane = PLANE_KERNEL;
        u.kernel.interface =
            (struct kernel_interface){.kind = is_vti ? INTERFACE_VTI : INTERFACE_XFRM, .is_routed = true};
        snprintf(u.kernel.interface.name, KERNEL_DEVICE, "%s", is_vti ? "vti0" : "ipsec1");
        updown_run(r, &u);
        run_all(r);
        for (size_t i = 0; i < ARRAY_LEN(of_vti); i++)
            assert_has_line(contents("env"), (is_vti ? of_vti : of_xfrm)[i]);
    }
}

static void a_peers_name_means_nothing_to_a_shell(void **state)
{
    (void)state;
    struct updown_runner *r = updown_new(&uv, NULL);
    /* a careless script: no quotes, and eval */
    struct updown u = child(in_dir("eval echo $PLUTO_PEER_ID > id"), true);
    u.remote_id =
        "x; touch bad1 `touch bad2` $(touch bad3) | touch bad4 & touch bad5 > bad6\ntouch bad7 '\"\\*?";
    updown_run(r, &u);
    run_all(r);
    assert_has_line(contents("id"), "x_ touch bad1 _touch bad2_ __touch bad3_ _ touch bad4 _ touch bad5 _ "
                                    "bad6_touch bad7 _____");
    for (char name[] = "bad1"; name[3] <= '7'; name[3]++)
        assert_false(exists(name));
}

static void commands_of_one_child_run_in_order(void **state)
{
    char want[256] = "";
    (void)state;
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.max_running = 4});
    /* the first waits for the other child's, so that a later one would overtake it if it could */
    struct updown slow = child(in_dir("while [ ! -e go ]; do :; done; echo first >> order"), true);
    struct updown down = child(in_dir("echo $PLUTO_VERB >> order"), false);
    struct updown other = child(in_dir("touch go"), true);
    other.reqid = 4;
    updown_run(r, &slow);
    snprintf(want, sizeof(want), "first\n");
    for (int i = 0; i < 5; i++) {
        down.verb = i % 2 ? UPDOWN_UP : UPDOWN_DOWN;
        updown_run(r, &down);
        strcat(want, i % 2 ? "up-client\n" : "down-client\n");
    }
    updown_run(r, &other); /* queued last, and yet it gets its turn */
    run_all(r);
    assert_string_equal(contents("order"), want);
}

static void only_so_many_run_at_once(void **state)
{
    (void)state;
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.max_running = 2});
    /* mkdir fails when a third one is there */
    struct updown u =
        child(in_dir("mkdir a 2>/dev/null && d=a || { mkdir b && d=b || touch crowd; }; "
                     "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; rmdir $d; echo x >> all"),
              true);
    for (u.reqid = 1; u.reqid <= 8; u.reqid++)
        updown_run(r, &u);
    run_all(r);
    assert_false(exists("crowd"));
    assert_string_equal(contents("all"), "x\nx\nx\nx\nx\nx\nx\nx\n");
}

/* Everything that the command starts holds the pipe open: its end is theirs. False: killed before it had
 * started anything. */
static bool hangs_and_is_killed(unsigned timeout_ms)
{
    char script[64], byte[8];
    int fds[2];
    assert_int_equal(pipe(fds), 0); /* inherited, unlike all that the daemon opens */
    snprintf(script, sizeof(script), "sleep 60 & echo >/dev/fd/%d; wait", fds[1]);
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.timeout_ms = timeout_ms});
    struct updown u = child(script, true);
    updown_run(r, &u);
    run_all(r);
    close(fds[1]);
    bool has_started = read(fds[0], byte, sizeof(byte)) == 1;
    assert_true(!has_started || read(fds[0], byte, sizeof(byte)) == 0); /* else this waits for sleep's end */
    close(fds[0]);
    return has_started;
}

static void a_command_that_hangs_is_killed_with_what_it_started(void **state)
{
    (void)state;
    unsigned ms = 200;
    alarm(30);
    while (!hangs_and_is_killed(ms)) /* on a busy machine a shell takes its time */
        assert_true((ms *= 2) < 20000);
    alarm(0);
    assert_non_null(strstr(lines, "office: updown command (up-client) is told to end"));
    assert_non_null(strstr(lines, "was ended by signal 15"));
}

static void a_command_that_does_not_heed_that_is_killed(void **state)
{
    (void)state;
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.timeout_ms = 300, .grace_ms = 100});
    struct updown u = child("trap : TERM; while :; do sleep 60; done", true);
    updown_run(r, &u);
    run_all(r);
    /* on a busy machine the first signal comes before the trap is set */
    assert_non_null(strstr(lines, "was ended by signal "));
    assert_true(strstr(lines, "(up-client) is killed: it does not heed") || strstr(lines, "signal 15"));
}

static void output_and_failures_are_logged(void **state)
{
    (void)state;
    struct updown_runner *r = updown_new(&uv, NULL);
    struct updown u = child("echo rule added; printf 'no \\033newline' >&2; exit 3", true);
    struct updown loud = child("i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i of many; done", true);
    struct updown missing = child("/nonexistent/script up", false);
    missing.where = "/etc/ipsec.conf:7";
    loud.connection = "loud";
    loud.reqid = 9;
    updown_run(r, &u);
    updown_run(r, &loud);
    updown_run(r, &missing);
    run_all(r);
    assert_non_null(strstr(lines, "office: updown: rule added\n"));
    assert_non_null(strstr(lines, "office: updown: no ?newline\n"));
    assert_non_null(strstr(lines, "office: updown command (up-client) ended with status 3\n"));
    assert_non_null(strstr(lines, "loud: updown: line 32 of many\n"));
    assert_null(strstr(lines, "line 33 of many"));
    assert_non_null(strstr(lines, "loud: updown: more output is not logged\n"));
    assert_non_null(strstr(lines, "office: updown command (down-client) ended with status 127\n"));
    assert_non_null(
        strstr(lines, "office: updown, /etc/ipsec.conf:7: '/nonexistent/script up' cannot be run"));
}

/* ---- Libreswan's style */

static char ends[512];

static void note_end(void *ctx, const struct updown *u, const char *failure)
{
    size_t at = strlen(ends);
    (void)ctx;
    snprintf(ends + at, sizeof(ends) - at, "%s %u: %s;", updown_verb_name(u->verb), u->reqid,
             failure ? failure : "well");
}

static struct updown of_libreswan(const char *command, enum updown_verb verb, uint64_t token)
{
    struct updown u = child(command, true);
    u.style = UPDOWN_LIBRESWAN;
    u.verb = verb;
    u.token = token;
    return u;
}

static void libreswans_scripts_are_told_what_they_expect(void **state)
{
    static const char *const want[] = {
        "PLUTO_VERB=route-client",
        "PLUTO_CONNECTION=net",
        "PLUTO_CONNECTION_TYPE=tunnel",
        "PLUTO_VIRT_INTERFACE=kw0",
        "PLUTO_INTERFACE=lo",
        "PLUTO_NEXT_HOP=192.0.2.2",
        "PLUTO_CLIENT_FAMILY=ipv4",
        "PLUTO_CONN_ADDRFAMILY=ipv4",
        "PLUTO_MY_SOURCEIP=10.1.0.9",
        "PLUTO_ME=127.0.0.1",
        "PLUTO_MY_ID=moon.example",
        "PLUTO_MY_CLIENT=10.1.0.0/16",
        "PLUTO_MY_CLIENT_NET=10.1.0.0",
        "PLUTO_MY_CLIENT_MASK=255.255.0.0",
        "PLUTO_MY_PORT=0",
        "PLUTO_MY_PROTOCOL=0",
        "PLUTO_PEER=192.0.2.2",
        "PLUTO_PEER_ID=C=CH, O=Keyway, CN=sun",
        "PLUTO_PEER_CLIENT=10.2.0.0/16",
        "PLUTO_PEER_CLIENT_NET=10.2.0.0",
        "PLUTO_PEER_CLIENT_MASK=255.255.0.0",
        "PLUTO_PEER_PORT=0",
        "PLUTO_PEER_PROTOCOL=0",
        "PLUTO_SA_REQID=3",
        "PLUTO_SA_TYPE=ESP",
        "PLUTO_ADDTIME=1700000000",
        "PLUTO_INBYTES=12",
        "PLUTO_OUTBYTES=34",
        "SPI_IN=0x2b",
        "SPI_OUT=0x1a",
        "PLUTO_CONN_POLICY=IKEv2+PSK",
        "PLUTO_CONN_KIND=CK_PERMANENT",
        "PLUTO_STACK=xfrm",
        "PLUTO_PEER_DNS_INFO=10.2.0.53",
        "PLUTO_PEER_DOMAIN_INFO=corp.example",
        "PLUTO_CFG_SERVER=0",
        "PLUTO_CFG_CLIENT=1",
    };
    struct ip dns[1] = {ip4(10, 2, 0, 53)};
    (void)state;
    struct updown_runner *r = updown_new(&uv, NULL);
    struct updown u = of_libreswan(in_dir("env > env"), UPDOWN_ROUTE, 1);
    u.spi_in = 0x1a;
    u.spi_out = 0x2b;
    u.bytes_in = 12;
    u.bytes_out = 34;
    u.added = 1700000000;
    u.policy = "IKEv2+PSK";
    u.source = ip4(10, 1, 0, 9);
    u.dns = dns;
    u.n_dns = 1;
    u.domains = "corp.example";
    u.is_client = true;
    updown_run(r, &u);
    run_all(r);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_has_line(contents("env"), want[i]);
}

static void of_a_trap_there_is_no_sa_to_tell(void **state)
{
    (void)state;
    ends[0] = '\0';
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.ended = note_end});
    struct updown u = of_libreswan(in_dir("env > env; false"), UPDOWN_ROUTE, 0);
    u.ike_id = 0;
    updown_run(r, &u);
    run_all(r);
    assert_has_line(contents("env"), "PLUTO_SA_TYPE=none");
    assert_has_line(contents("env"), "SPI_IN=0x0");
    assert_null(strstr(contents("env"), "PLUTO_INBYTES"));
    assert_non_null(strstr(lines, "ended with status 1"));
    assert_string_equal(ends, ""); /* there is nothing that could be closed */
}

static void how_route_and_up_end_is_told_once_for_all_pairs(void **state)
{
    (void)state;
    ends[0] = '\0';
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.ended = note_end});
    struct updown prepare = of_libreswan("exit 1", UPDOWN_PREPARE, 1);
    struct updown route = of_libreswan("true", UPDOWN_ROUTE, 1), up = of_libreswan("true", UPDOWN_UP, 1);
    up.n_remote_ts = 2;
    up.remote_ts[1] = ts_of("10.3.0.0/16");
    updown_run(r, &prepare);
    updown_run(r, &route);
    updown_run(r, &up);
    assert_int_equal(updown_pending(r), 4);
    run_all(r);
    assert_string_equal(ends, "route 3: well;up 3: well;"); /* preparing may fail */
}

static void after_a_failure_the_rest_of_the_child_s_start_is_not_run(void **state)
{
    (void)state;
    ends[0] = '\0';
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.ended = note_end});
    struct updown route = of_libreswan(in_dir("echo $PLUTO_VERB >> all; exit 3"), UPDOWN_ROUTE, 1);
    struct updown up = of_libreswan(in_dir("echo $PLUTO_VERB >> all"), UPDOWN_UP, 1);
    struct updown down = of_libreswan(up.command, UPDOWN_DOWN, 1);
    struct updown again = of_libreswan(in_dir("echo again >> all"), UPDOWN_UP, 2);
    route.n_remote_ts = 2;
    route.remote_ts[1] = ts_of("10.3.0.0/16");
    updown_run(r, &route);
    updown_run(r, &up);
    updown_run(r, &down);
    updown_run(r, &again);
    run_all(r);
    assert_string_equal(ends, "route 3: ended with status 3;up 3: well;");
    assert_string_equal(contents("all"), "route-client\ndown-client\nagain\n");
}

static void at_the_end_what_hangs_is_given_up(void **state)
{
    (void)state;
    struct updown_runner *r = updown_new(&uv, NULL);
    struct updown u = child("sleep 60", true), later = child(in_dir("touch later"), false);
    updown_run(r, &u);
    updown_run(r, &later);
    updown_finish(r, 100);
    assert_int_equal(updown_pending(r), 0);
    updown_free(r);
    assert_non_null(strstr(lines, "1 commands are killed and 1 not run"));
    assert_false(exists("later"));
}

static void what_would_be_too_much_is_refused_and_logged(void **state)
{
    (void)state;
    struct updown_runner *r = updown_new(&uv, &(struct updown_options){.max_running = 1, .max_waiting = 3});
    struct updown u = child(in_dir("echo x >> all"), true);
    for (int i = 0; i < 6; i++)
        updown_run(r, &u);
    u.n_local_ts = u.n_remote_ts = SA_MAX_TS;
    for (int i = 0; i < SA_MAX_TS; i++)
        u.local_ts[i] = u.remote_ts[i] = ts_of("10.0.0.0/8");
    struct updown_pair pairs[UPDOWN_PAIRS_MAX];
    size_t n;
    assert_false(updown_pairs(&u, pairs, &n));
    assert_int_equal(n, UPDOWN_PAIRS_MAX);
    run_all(r);
    assert_non_null(strstr(lines, "office: 3 updown commands wait already"));
    assert_string_equal(contents("all"), "x\nx\nx\nx\n"); /* one ran, three waited */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_command_is_told_what_scripts_expect),
        T(virtual_addresses_and_name_servers_are_told),
        T(hosts_encapsulation_ports_and_ipv6_are_told_apart),
        T(marks_and_interface_ids_are_told),
        T(an_interface_of_the_child_is_told_in_libreswans_way),
        T(a_peers_name_means_nothing_to_a_shell),
        T(commands_of_one_child_run_in_order),
        T(only_so_many_run_at_once),
        T(a_command_that_hangs_is_killed_with_what_it_started),
        T(a_command_that_does_not_heed_that_is_killed),
        T(output_and_failures_are_logged),
        T(libreswans_scripts_are_told_what_they_expect),
        T(of_a_trap_there_is_no_sa_to_tell),
        T(how_route_and_up_end_is_told_once_for_all_pairs),
        T(after_a_failure_the_rest_of_the_child_s_start_is_not_run),
        T(at_the_end_what_hangs_is_given_up),
        T(what_would_be_too_much_is_refused_and_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
