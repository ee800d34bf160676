/* SPDX-License-Identifier: Apache-2.0 */
/* See state.h. */
#include "sys/state.h"
#include "crypto/random.h"
#include "sys/paths.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct diag *d, const char *path, const char *why)
{
    diag_set(d, errno == EACCES || errno == EPERM ? FAIL_PERMISSION : FAIL_GENERIC, "%s: %s", path, why);
    return false;
}

static const char *path_of(const char *state, const char *leaf, char buf[PATH_TEXT_MAX])
{
    snprintf(buf, PATH_TEXT_MAX, "%s/keyway%s%s", state, *leaf ? "/" : "", leaf);
    return buf;
}

static bool is_fit(int fd, const char *path, size_t max, size_t *len, struct diag *d)
{
    struct stat st;
    errno = 0;
    if (fstat(fd, &st) < 0)
        return fail(d, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(d, path, "it is no file");
    if (st.st_mode & 077) {
        fail(d, path, "others than its owner may read or write it");
        diag_try(d, "remove it: a new one is made when the daemon starts");
        return false;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return fail(d, path, "it is too large");
    *len = (size_t)st.st_size;
    return true;
}

bool state_read(const char *state, const char *leaf, size_t max, struct secret *out, struct diag *d)
{
    char path[PATH_TEXT_MAX];
    size_t len;
    diag_clear(d);
    int fd = open(path_of(state, leaf, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno != ENOENT && fail(d, path, strerror(errno));
    bool ok = is_fit(fd, path, max, &len, d);
    if (ok) {
        *out = secret_new(len);
        ok = read(fd, out->ptr, len) == (ssize_t)len || fail(d, path, "it cannot be read whole");
    }
    close(fd);
    if (!ok)
        secret_free(out);
    return ok;
}

static bool sync_folder(const char *state, struct diag *d)
{
    char path[PATH_TEXT_MAX];
    int fd = open(path_of(state, "", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return ok || fail(d, path, strerror(why));
}

/* The bytes in a file of another name, synced. */
static bool write_beside(const char *state, char temporary[PATH_TEXT_MAX], struct span bytes, struct diag *d)
{
    char folder[PATH_TEXT_MAX];
    mkdir(state, 0755); /* whether they are there shows in the next step */
    mkdir(path_of(state, "", folder), 0700);
    path_of(state, ".new.XXXXXX", temporary);
    int fd = mkostemp(temporary, O_CLOEXEC); /* which makes it 0600 */
    if (fd < 0)
        return fail(d, folder, strerror(errno));
    bool ok = write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len && fsync(fd) == 0;
    int why = errno;
    ok = close(fd) == 0 && ok;
    if (ok)
        return true;
    unlink(temporary);
    return fail(d, temporary, strerror(why));
}

bool state_write(const char *state, const char *leaf, struct span bytes, struct diag *d)
{
    char temporary[PATH_TEXT_MAX], path[PATH_TEXT_MAX];
    diag_clear(d);
    if (!write_beside(state, temporary, bytes, d))
        return false;
    if (rename(temporary, path_of(state, leaf, path)) == 0)
        return sync_folder(state, d);
    fail(d, path, strerror(errno));
    unlink(temporary);
    return false;
}

/* link() and not rename(): of two daemons that start at once both end up with the same secret. */
static bool make_secret(const char *state, size_t len, struct diag *d)
{
    char temporary[PATH_TEXT_MAX], path[PATH_TEXT_MAX];
    struct secret fresh = secret_new(len);
    crypto_random(fresh.ptr, len);
    bool ok = write_beside(state, temporary, secret_view(&fresh), d);
    secret_free(&fresh);
    if (!ok)
        return false;
    ok = link(temporary, path_of(state, "secret", path)) == 0 || errno == EEXIST ||
         fail(d, path, strerror(errno));
    unlink(temporary);
    return ok && sync_folder(state, d);
}

bool state_secret(const char *state, size_t len, struct secret *out, struct diag *d)
{
    char path[PATH_TEXT_MAX];
    bool ok = state_read(state, "secret", len, out, d);
    if (!ok && !diag_failed(d))
        ok = make_secret(state, len, d) && state_read(state, "secret", len, out, d);
    if (!ok || out->len == len)
        return ok;
    secret_free(out);
    errno = 0;
    fail(d, path_of(state, "secret", path), "it is damaged");
    diag_try(d, "remove it: a new one is made when the daemon starts");
    return false;
}
