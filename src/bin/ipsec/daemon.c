/* SPDX-License-Identifier: Apache-2.0 */
/* The one daemon of a run directory: whether it is there, starting it, ending exactly it. Its pid file is
 * locked for as long as it lives (sys/lock.h), and the kernel's list of locks says whose the lock is: a pid
 * that was given to another process meanwhile is never taken for it. */
#include "bin/ipsec/control.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 60000, STOP_MS = 15000 };

/* ---- whose is it? */

static int read_pid(const char *path)
{
    int pid = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%d", &pid) != 1)
        pid = 0;
    fclose(f);
    return pid > 0 ? pid : 0;
}

/* A line: "1: FLOCK ADVISORY WRITE 708 08:01:1310 0 EOF". */
static bool holds_lock(int pid, uint64_t inode)
{
    char line[256], kind[16];
    bool is_held = false;
    FILE *f = fopen("/proc/locks", "re");
    while (f && !is_held && fgets(line, sizeof(line), f)) {
        int owner;
        uint64_t of;
        if (sscanf(line, "%*s %15s %*s %*s %d %*[^:]:%*[^:]:%" SCNu64, kind, &owner, &of) == 3)
            is_held = !strcmp(kind, "FLOCK") && owner == pid && of == inode;
    }
    if (f)
        fclose(f);
    return is_held;
}

int daemon_pid(const struct paths *p, bool *has_file)
{
    char path[PATH_TEXT_MAX];
    struct stat st;
    paths_run(p, "keywayd.pid", path);
    *has_file = stat(path, &st) == 0;
    int pid = *has_file ? read_pid(path) : 0;
    return pid && holds_lock(pid, (uint64_t)st.st_ino) ? pid : 0;
}

/* ---- starting */

/* Beside this program, or where it is installed. */
static const char *find_daemon(char path[PATH_TEXT_MAX])
{
    static const char *const places[] = {"keywayd", "../sbin/keywayd", "../libexec/keyway/keywayd"};
    char own[PATH_TEXT_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (strlen(own) + strlen(places[i]) + 2 > PATH_TEXT_MAX)
            break;
        strcpy(path, own);
        strcat(path, "/");
        strcat(path, places[i]);
        if (access(path, X_OK) == 0)
            return path;
    }
    return "/usr/sbin/keywayd";
}

static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Until the process of this descriptor has ended. */
static bool wait_end(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    do
        n = poll(&p, 1, ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

bool daemon_start(const struct control *c)
{
    extern char **environ;
    char path[PATH_TEXT_MAX];
    const struct paths *p = &c->run->paths;
    char *argv[12] = {(char *)find_daemon(path), "--etc", (char *)p->etc, "--run", (char *)p->run, "--state",
                      (char *)p->state};
    int n = 7, status = -1;
    pid_t pid;
    if (p->vici) {
        argv[n++] = "--vici";
        argv[n++] = (char *)p->vici;
    }
    int err = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    if (err) {
        fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(err));
        return false;
    }
    int fd = pidfd_of(pid); /* it leaves when the daemon, its child, is ready */
    if (fd >= 0 && !wait_end(fd, START_MS)) {
        fprintf(stderr, "keywayd is not ready after %d s; it goes on\n", START_MS / 1000);
        close(fd);
        return false;
    }
    if (fd >= 0)
        close(fd);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- ending */

bool daemon_stop(const struct control *c)
{
    bool has_file, is_gone = false;
    int pid = daemon_pid(&c->run->paths, &has_file), fd = pid ? pidfd_of(pid) : -1;
    /* looked up again: the descriptor now is of the process that still holds the lock */
    if (fd >= 0 && daemon_pid(&c->run->paths, &has_file) == pid) {
        is_gone = syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0 && wait_end(fd, STOP_MS);
        if (!is_gone)
            fprintf(stderr, "keywayd (pid %d) does not end: %s\n", pid,
                    errno == EPERM ? strerror(errno) : "it goes on");
    } else if (pid) {
        fprintf(stderr, "keywayd (pid %d): %s\n", pid, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return is_gone;
}
