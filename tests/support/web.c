/* SPDX-License-Identifier: Apache-2.0 */
/* See web.h. */
#include "support/web.h"
#include "support/test.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, PATIENCE_MS = 30000 };

static struct {
    int fd, stop[2];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned clients;
    web_serve *serve;
    void *ctx;
} web = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool put(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n <= 0)
            return false; /* the client has had enough */
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static void put_head(int fd, const char *status, const char *location, size_t length)
{
    char head[512];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s%s%s\r\n", status, length,
                     location ? "Location: " : "", location ? location : "", location ? "\r\n" : "");
    put(fd, head, (size_t)n);
}

static void hold(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    (void)poll(&p, 1, PATIENCE_MS);
}

static void drip(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    put_head(fd, "200 OK", NULL, 100000);
    while (put(fd, "0", 1) && poll(&p, 1, 200) == 0)
        ;
}

static void pour(int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    static const uint8_t zeros[1 << 16];
    bool goes_on = put(fd, head, sizeof(head) - 1);
    for (int i = 0; goes_on && i < 1 << 10; i++) /* 64 MB */
        goes_on = put(fd, zeros, sizeof(zeros));
}

static void answer(int fd, const char *path, struct web_answer a)
{
    char there[128];
    switch (a.how) {
    case WEB_WELL:
    case WEB_CUT:
        put_head(fd, "200 OK", NULL, a.body.len + (a.how == WEB_CUT));
        put(fd, a.body.ptr, a.body.len);
        break;
    case WEB_NOT_FOUND:
        put_head(fd, "404 Not Found", NULL, 0);
        break;
    case WEB_BROKEN:
        put_head(fd, "500 Internal Server Error", NULL, 0);
        break;
    case WEB_CLOSES:
        break;
    case WEB_SILENT:
        hold(fd);
        break;
    case WEB_DRIPS:
        drip(fd);
        break;
    case WEB_HUGE:
        put_head(fd, "200 OK", NULL, 100000000);
        hold(fd);
        break;
    case WEB_ENDLESS:
        pour(fd);
        break;
    case WEB_LOOP:
        put_head(fd, "302 Found", path, 0);
        break;
    case WEB_MOVED:
        snprintf(there, sizeof(there), "%.100s-there", path);
        put_head(fd, "301 Moved Permanently", there, 0);
        break;
    case WEB_TO_FILE:
        put_head(fd, "302 Found", "file:///etc/passwd", 0);
        break;
    }
}

/* The path, and *body; NULL: no request that can be read. */
static const char *read_request(int fd, char in[REQUEST_MAX], struct span *body)
{
    size_t len = 0, want = 0;
    char *end = NULL;
    while (len < REQUEST_MAX - 1 && (!end || len < (size_t)(end - in) + want)) {
        ssize_t n = read(fd, in + len, REQUEST_MAX - 1 - len);
        if (n <= 0)
            return NULL;
        len += (size_t)n;
        in[len] = 0;
        end = memmem(in, len, "\r\n\r\n", 4);
        end = end ? end + 4 : NULL;
        const char *length = end ? strstr(in, "Content-Length: ") : NULL;
        want = length ? strtoul(length + 16, NULL, 10) : 0;
    }
    char *path = end ? strchr(in, ' ') : NULL, *stop = path ? strchr(path + 1, ' ') : NULL;
    if (!stop)
        return NULL;
    *stop = 0;
    *body = span_of(end, want);
    return path + 1;
}

static void *serve_one(void *ctx)
{
    int fd = (int)(intptr_t)ctx;
    char in[REQUEST_MAX];
    struct span body;
    const char *path = read_request(fd, in, &body);
    if (path) {
        struct web_answer a = web.serve(web.ctx, path, body);
        answer(fd, path, a);
        free((void *)(uintptr_t)a.body.ptr);
    }
    close(fd);
    pthread_mutex_lock(&web.lock);
    web.clients--;
    pthread_cond_signal(&web.changed);
    pthread_mutex_unlock(&web.lock);
    return NULL;
}

static void *serve_all(void *ctx)
{
    (void)ctx;
    for (;;) {
        struct pollfd p[2] = {
            {.fd = web.fd,      .events = POLLIN},
            {.fd = web.stop[0], .events = POLLIN}
        };
        pthread_t one;
        if (poll(p, 2, -1) < 0 || p[1].revents)
            return NULL;
        int fd = accept(web.fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        pthread_mutex_lock(&web.lock);
        web.clients++;
        pthread_mutex_unlock(&web.lock);
        assert_int_equal(pthread_create(&one, NULL, serve_one, (void *)(intptr_t)fd), 0);
        pthread_detach(one);
    }
}

int web_start(web_serve *serve, void *ctx)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    signal(SIGPIPE, SIG_IGN);
    web.serve = serve;
    web.ctx = ctx;
    web.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(web.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(web.fd, 128), 0);
    assert_int_equal(getsockname(web.fd, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(pipe(web.stop), 0);
    assert_int_equal(pthread_create(&web.thread, NULL, serve_all, NULL), 0);
    return ntohs(a.sin_port);
}

void web_stop(void)
{
    if (write(web.stop[1], "x", 1) != 1)
        abort();
    pthread_join(web.thread, NULL);
    pthread_mutex_lock(&web.lock);
    while (web.clients)
        pthread_cond_wait(&web.changed, &web.lock);
    pthread_mutex_unlock(&web.lock);
    close(web.fd);
    close(web.stop[0]);
    close(web.stop[1]);
}
