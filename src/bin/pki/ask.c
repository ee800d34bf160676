/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases: asked for on the terminal, without an echo. */
#include "bin/pki/pki.h"
#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 1024 };

static ssize_t read_line(int fd, char line[LINE_MAX_LEN])
{
    ssize_t n, len = 0;
    while (len < LINE_MAX_LEN) { /* a byte at a time: what follows on stdin is not ours */
        n = read(fd, line + len, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return len ? len : -1;
        if (line[len] == '\n')
            break;
        len++;
    }
    return len;
}

static ssize_t ask_terminal(int tty, const char *prompt, char line[LINE_MAX_LEN])
{
    struct termios before, silent;
    if (tcgetattr(tty, &before) < 0)
        return -1;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSAFLUSH, &silent);
    dprintf(tty, "%s", prompt);
    ssize_t n = read_line(tty, line);
    tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    return n;
}

bool pki_ask_passphrase(const char *prompt, bool has_stdin, struct secret *out)
{
    char line[LINE_MAX_LEN];
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    ssize_t n = -1;
    if (tty >= 0) {
        n = ask_terminal(tty, prompt, line);
        close(tty);
    } else if (has_stdin) {
        n = read_line(STDIN_FILENO, line);
    }
    while (n > 0 && line[n - 1] == '\r')
        n--;
    if (n > 0)
        *out = secret_copy(span_of(line, (size_t)n));
    secret_wipe(line, sizeof(line));
    return n >= 0;
}
