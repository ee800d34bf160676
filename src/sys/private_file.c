/* SPDX-License-Identifier: Apache-2.0 */
/* See private_file.h. */
#include "sys/private_file.h"
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

/* False: a path that long is not ours. */
static bool path_of(const char *folder, const char *leaf, char buf[PATH_TEXT_MAX], struct diag *d)
{
    diag_clear(d);
    int n = snprintf(buf, PATH_TEXT_MAX, "%s/%s", folder, leaf);
    errno = ENAMETOOLONG;
    return (n >= 0 && n < PATH_TEXT_MAX) || fail(d, buf, strerror(errno));
}

static bool is_fit(int fd, const char *path, size_t max, const char *advice, size_t *len, struct diag *d)
{
    struct stat st;
    errno = 0;
    if (fstat(fd, &st) < 0)
        return fail(d, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(d, path, "it is no file");
    if (st.st_mode & 077) {
        fail(d, path, "others than its owner may read or write it");
        if (advice)
            diag_try(d, "%s", advice);
        return false;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return fail(d, path, "it is too large");
    *len = (size_t)st.st_size;
    return true;
}

bool private_read(const char *folder, const char *leaf, size_t max, const char *advice, struct secret *out,
                  struct diag *d)
{
    char path[PATH_TEXT_MAX];
    size_t len;
    if (!path_of(folder, leaf, path, d))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno != ENOENT && fail(d, path, strerror(errno));
    bool ok = is_fit(fd, path, max, advice, &len, d);
    if (ok) {
        *out = secret_new(len);
        ok = read(fd, out->ptr, len) == (ssize_t)len || fail(d, path, "it cannot be read whole");
    }
    close(fd);
    if (!ok)
        secret_free(out);
    return ok;
}

static bool sync_folder(const char *folder, struct diag *d)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return ok || fail(d, folder, strerror(why));
}

/* The bytes in a file of another name, synced. */
static bool write_beside(const char *folder, char temporary[PATH_TEXT_MAX], struct span bytes, struct diag *d)
{
    if (!path_of(folder, ".new.XXXXXX", temporary, d))
        return false;
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

bool private_write(const char *folder, const char *leaf, struct span bytes, struct diag *d)
{
    char temporary[PATH_TEXT_MAX], path[PATH_TEXT_MAX];
    if (!path_of(folder, leaf, path, d) || !write_beside(folder, temporary, bytes, d))
        return false;
    if (rename(temporary, path) == 0)
        return sync_folder(folder, d);
    fail(d, path, strerror(errno));
    unlink(temporary);
    return false;
}

/* link() and not rename(): of two that write at once both find the same file afterwards. */
bool private_write_once(const char *folder, const char *leaf, struct span bytes, struct diag *d)
{
    char temporary[PATH_TEXT_MAX], path[PATH_TEXT_MAX];
    if (!path_of(folder, leaf, path, d) || !write_beside(folder, temporary, bytes, d))
        return false;
    bool ok = link(temporary, path) == 0 || errno == EEXIST || fail(d, path, strerror(errno));
    unlink(temporary);
    return ok && sync_folder(folder, d);
}

bool private_remove(const char *folder, const char *leaf, struct diag *d)
{
    char path[PATH_TEXT_MAX];
    if (!path_of(folder, leaf, path, d))
        return false;
    if (unlink(path) < 0 && errno != ENOENT)
        return fail(d, path, strerror(errno));
    return sync_folder(folder, d);
}
