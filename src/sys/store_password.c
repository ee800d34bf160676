/* SPDX-License-Identifier: Apache-2.0 */
/* See store_password.h. */
#include "sys/store_password.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/nsspassword.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LEN_MAX = 65536 };

/* Users are told to write the file into a folder that only root may enter, in whatever mode. */
static bool is_open_to_others(int fd, const char *folder)
{
    struct stat file, place;
    return fstat(fd, &file) < 0 ||
           ((file.st_mode & 077) && (stat(folder, &place) < 0 || (place.st_mode & 077)));
}

static bool read_fd(int fd, const char *path, const char *folder, struct secret *out, struct diag *d)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_LEN_MAX) {
        diag_set(d, FAIL_CONFIG, "%s: it is no file, or too large", path);
        return false;
    }
    if (is_open_to_others(fd, folder)) {
        diag_set(d, FAIL_PERMISSION, "others can read the private file %s (mode %04o)", path,
                 (unsigned)(st.st_mode & 07777));
        diag_try(d, "chmod 600 %s", path);
        return false;
    }
    *out = secret_new((size_t)st.st_size);
    ssize_t n = read(fd, out->ptr, out->len);
    if (n >= 0 && (size_t)n == out->len)
        return true;
    secret_free(out);
    diag_set(d, FAIL_CONFIG, "%s: it cannot be read whole", path);
    return false;
}

static bool read_file(const char *etc, struct store_password *p, struct secret *out, struct diag *d)
{
    char folder[PATH_TEXT_MAX - 16];
    snprintf(folder, sizeof(folder), "%s/ipsec.d", etc);
    snprintf(p->path, sizeof(p->path), "%s/nsspassword", folder);
    int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            diag_set(d, FAIL_PERMISSION, "%s: %s", p->path, strerror(errno));
        return false;
    }
    bool is_ok = read_fd(fd, p->path, folder, out, d);
    close(fd);
    return is_ok;
}

bool store_password_find(const char *etc, struct keystore *s, struct store_password *p, struct diag *d)
{
    struct secret file = {0};
    struct span token, password;
    bool is_found = false;
    *p = (struct store_password){.is_cut = false};
    diag_clear(d);
    if (!read_file(etc, p, &file, d))
        return false;
    struct span rest = secret_view(&file);
    while (!is_found && nsspassword_next(&rest, &token, &password, &p->is_cut)) {
        struct text t = TEXT_ON(p->token);
        p->token[0] = 0;
        text_safe(&t, token);
        is_found = !s || keystore_unlock(s, password, d);
        if (is_found)
            p->password = secret_copy(password);
    }
    secret_free(&file);
    if (is_found)
        diag_clear(d);
    else if (diag_failed(d))
        diag_set(d, FAIL_PERMISSION, "the password in %s for token \"%s\" does not open the key store in %s",
                 p->path, p->token, s->folder);
    return is_found;
}

void store_password_free(struct store_password *p)
{
    secret_free(&p->password);
}

void store_password_log(const struct store_password *p, bool is_found, const struct diag *d)
{
    char text[1024];
    if (is_found) /* the words that an administrator is told to look for */
        log_line(GROUP_CFG, LOG_NOTICE,
                 "NSS Password from file \"%s\" for token \"%s\" with length %zu passed to NSS", p->path,
                 p->token, p->password.len);
    else if (diag_failed(d))
        log_line(GROUP_CFG, LOG_WARN, "%s", diag_format(d, text, sizeof(text)));
    else
        log_line(GROUP_CFG, LOG_WARN,
                 "the key store has a password, and %s has no line \"" NSSPASSWORD_TOKEN ":PASSWORD\"",
                 p->path);
    if (p->is_cut)
        log_line(GROUP_CFG, LOG_WARN,
                 "%s: its last line has no line feed, and is ignored: it may not be whole", p->path);
}
