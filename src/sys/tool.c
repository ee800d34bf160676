/* SPDX-License-Identifier: Apache-2.0 */
/* See tool.h. The child has a session of its own, so that it finds no terminal to ask on, and dies with what
 * it started when its time is over. */
#include "sys/tool.h"
#include "base/arena.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 4 << 20, ENV_MAX = 1024 };

extern char **environ;

bool tool_find(const char *name, char buf[PATH_TEXT_MAX])
{
    const char *path = getenv("PATH");
    char places[4096];
    snprintf(places, sizeof(places), "%s:/usr/bin:/usr/local/bin:/bin", path ? path : "");
    char *rest = places, *place;
    while ((place = strsep(&rest, ":"))) {
        int n = snprintf(buf, PATH_TEXT_MAX, "%s/%s", place, name);
        if (place[0] == '/' && n < PATH_TEXT_MAX && access(buf, X_OK) == 0)
            return true;
    }
    return false;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* False: its time is over. */
static bool read_all(int fd, int64_t until_ms, struct secret *out)
{
    struct secret room = secret_new(OUTPUT_MAX);
    uint8_t surplus[4096];
    size_t len = 0;
    bool is_in_time = true;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until_ms - now_ms();
        int n = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        is_in_time = n > 0;
        bool is_full = len == room.len;
        ssize_t got =
            n > 0 ? read(fd, is_full ? surplus : room.ptr + len, is_full ? sizeof(surplus) : room.len - len)
                  : 0;
        if (got <= 0)
            break;
        len += is_full ? 0 : (size_t)got;
    }
    *out = secret_copy(span_of(room.ptr, len));
    secret_free(&room);
    return is_in_time;
}

static int spawn(char *const argv[], int stdout_fd, pid_t *child)
{
    static char locale[] = "LC_ALL=C";
    char *env[ENV_MAX + 2];
    size_t n = 0;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    for (size_t i = 0; environ[i] && n < ENV_MAX; i++) {
        if (strncmp(environ[i], "LC_ALL=", 7) != 0)
            env[n++] = environ[i];
    }
    env[n++] = locale;
    env[n] = NULL;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, stdout_fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    int why = posix_spawn(child, argv[0], &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return why;
}

int tool_run(char *const argv[], int limit_s, struct secret *out, struct diag *d)
{
    int fds[2], status = 0;
    pid_t child;
    *out = (struct secret){0};
    if (pipe2(fds, O_CLOEXEC) < 0) {
        diag_set(d, FAIL_GENERIC, "%s: %s", argv[0], strerror(errno));
        return -1;
    }
    int why = spawn(argv, fds[1], &child);
    close(fds[1]);
    if (why) {
        close(fds[0]);
        diag_set(d, FAIL_GENERIC, "%s: %s", argv[0], strerror(why));
        return -1;
    }
    bool is_in_time = read_all(fds[0], now_ms() + (int64_t)limit_s * 1000, out);
    if (!is_in_time)
        kill(-child, SIGKILL);
    close(fds[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (is_in_time && WIFEXITED(status))
        return WEXITSTATUS(status);
    secret_free(out);
    diag_set(d, FAIL_GENERIC, is_in_time ? "%s was killed" : "%s took more than %d s", argv[0], limit_s);
    return -1;
}
