/* SPDX-License-Identifier: Apache-2.0 */
/* The control loop's socket on the NAT traversal port goes on to be watched after an ICMP error, in a network
 * namespace of the test's own. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/loop_impl.h"
#include <sys/socket.h>

static void a_shut_port_of_a_peer_does_not_make_deaf(void **state)
{
    (void)state;
    static struct loop loop;
    struct diag d = {0};
    struct udp_watch *w = &loop.natt[0];
    struct endpoint nobody = {.ip = ip4(127, 0, 0, 1), .port = 4599};
    netns_run("ip link set lo up");
    assert_int_equal(uv_loop_init(&loop.uv), 0);
    w->is_natt = true;
    assert_true(sock_open_udp(&w->sock, 4, 4500, true, &d));
    loop_watch_socket(&loop, w);
    for (int i = 0; i < 3; i++) {
        assert_true(sock_send(&w->sock, nobody.ip, &nobody, 0, span_of("", 0), span_str("anybody?")));
        int error = 0;
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        socklen_t len = sizeof(error);
        assert_int_equal(getsockopt(w->sock.fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
        assert_true(uv_is_active((uv_handle_t *)&w->poll));
    }
    uv_close((uv_handle_t *)&w->poll, NULL);
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop.uv), 0);
    sock_close(&w->sock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_shut_port_of_a_peer_does_not_make_deaf)};
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
