/* SPDX-License-Identifier: Apache-2.0 */
/* Clients on real sockets: several at once, over a path and over TCP; one that does not read. */
#include "support/test.h"
#include "sys/stream.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static uv_loop_t loop;
static struct stream_client *clients[4];
static size_t n_clients, n_closed, queued;
static char heard[64];

static void *opened(void *ctx, struct stream_client *c)
{
    (void)ctx;
    if (n_clients == ARRAY_LEN(clients))
        return NULL;
    clients[n_clients] = c;
    return &clients[n_clients++];
}

static void received(void *user, struct span bytes)
{
    (void)user;
    snprintf(heard, sizeof(heard), "%.*s", (int)bytes.len, (const char *)bytes.ptr);
}

static void closed(void *user)
{
    *(struct stream_client **)user = NULL;
    n_closed++;
}

static struct stream_server *server;

static void serve(const char *where)
{
    struct stream_handler h = {.opened = opened, .received = received, .closed = closed, .queued = &queued};
    struct diag d = {0};
    memset(clients, 0, sizeof(clients));
    n_clients = n_closed = queued = 0;
    heard[0] = '\0';
    assert_int_equal(uv_loop_init(&loop), 0);
    server = stream_listen(&loop, where, 0640, &h, &d);
    if (!server)
        fail_msg("%s", d.what);
}

static void end(void)
{
    stream_stop(server);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(queued, 0);
}

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static const char *path(void)
{
    static char text[64];
    snprintf(text, sizeof(text), "/tmp/keyway-stream-test-%d", (int)getpid());
    return text;
}

static int come(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path());
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    turn();
    return fd;
}

/* All that there is; its length. */
static size_t drain(int fd)
{
    static char buf[1 << 20];
    size_t all = 0;
    for (;;) {
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n <= 0)
            return all;
        all += (size_t)n;
        turn();
    }
}

static void clients_come_and_go(void **state)
{
    (void)state;
    char where[80];
    struct stat st;
    snprintf(where, sizeof(where), "unix://%s", path());
    serve(where);
    assert_int_equal(stat(path(), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_false(stream_is_open_to_others(server));
    int fds[5];
    for (size_t i = 0; i < 5; i++)
        fds[i] = come();
    assert_int_equal(n_clients, 4);
    char c;
    assert_int_equal(read(fds[4], &c, 1), 0); /* one too many is closed */
    assert_int_equal(write(fds[2], "hello", 5), 5);
    turn();
    assert_string_equal(heard, "hello");
    stream_write(clients[1], span_str("answer"));
    turn();
    assert_int_equal(drain(fds[1]), 6);
    assert_int_equal(drain(fds[0]), 0);
    close(fds[3]);
    turn();
    assert_int_equal(n_closed, 1);
    end();
    assert_int_equal(n_closed, 4);
    assert_int_equal(stat(path(), &st), -1);
    for (size_t i = 0; i < 5; i++)
        close(fds[i == 3 ? 4 : i]);
}

/* Its queue is told, and bounded; others get what is theirs. */
static void one_that_does_not_read_is_closed_and_others_are_not(void **state)
{
    (void)state;
    static uint8_t block[1 << 20];
    serve(path());
    int slow = come(), good = come();
    size_t told = 0;
    for (int i = 0; i < 64 && clients[0]; i++) {
        stream_write(clients[0], span_of(block, sizeof(block)));
        if (clients[0] && stream_queued(clients[0]) > told)
            told = stream_queued(clients[0]);
        stream_write(clients[1], span_of(block, 1000));
        turn();
        assert_int_equal(drain(good), 1000);
    }
    assert_null(clients[0]);
    assert_int_equal(n_closed, 1);
    assert_true(told > STREAM_QUEUE_MAX - 2 * sizeof(block) && told <= STREAM_QUEUE_MAX);
    assert_int_equal(queued, 0);
    close(slow);
    close(good);
    turn();
    end();
}

/* Four that are slow: each below its bound, all together not. */
static void all_together_are_bounded(void **state)
{
    (void)state;
    static uint8_t block[1 << 20];
    int fds[4];
    serve(path());
    for (size_t i = 0; i < 4; i++)
        fds[i] = come();
    size_t most = 0;
    for (int n = 0; n < 30; n++) {
        for (size_t i = 0; i < 4; i++) {
            if (clients[i])
                stream_write(clients[i], span_of(block, sizeof(block)));
            most = queued > most ? queued : most;
        }
        turn();
    }
    assert_true(most <= STREAM_TOTAL_MAX);
    assert_true(n_closed > 0 && n_closed < 4);
    end();
    for (size_t i = 0; i < 4; i++)
        close(fds[i]);
}

/* One that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static void tcp_is_served_where_it_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool is_open;
    } rows[] = {
        {"127.0.0.1", false},
        {"0.0.0.0",   true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        char where[64];
        int port = free_port();
        sa.sin_port = htons((uint16_t)port);
        snprintf(where, sizeof(where), "tcp://%s:%d", rows[i].host, port);
        serve(where);
        assert_int_equal(stream_is_open_to_others(server), rows[i].is_open);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        turn();
        assert_int_equal(n_clients, 1);
        assert_int_equal(write(fd, "hello", 5), 5);
        turn();
        assert_string_equal(heard, "hello");
        stream_write(clients[0], span_str("answer"));
        turn();
        assert_int_equal(drain(fd), 6);
        close(fd);
        turn();
        end();
    }
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"tcp://",
                                      "tcp://:4502",
                                      "tcp://[::1",
                                      "tcp://127.0.0.1:",
                                      "tcp://127.0.0.1:port",
                                      "tcp://127.0.0.1:123456",
                                      "tcp://192.0.2.1:4502",
                                      "/nonexistent/folder/socket"};
    assert_int_equal(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct stream_handler h = {.opened = opened, .received = received, .closed = closed};
        struct diag d = {0};
        assert_null(stream_listen(&loop, bad[i], 0600, &h, &d));
        assert_true(diag_failed(&d) && d.what[0]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_come_and_go),
        cmocka_unit_test(one_that_does_not_read_is_closed_and_others_are_not),
        cmocka_unit_test(all_together_are_bounded),
        cmocka_unit_test(tcp_is_served_where_it_is_said),
        cmocka_unit_test(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
