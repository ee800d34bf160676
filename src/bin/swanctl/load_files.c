/* SPDX-License-Identifier: Apache-2.0 */
/* Files of folders, whole: see load.h. */
#include "base/text.h"
#include "bin/swanctl/load.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool load_read(const char *path, struct secret *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct secret s = secret_new(VICI_SEGMENT_MAX);
    size_t len = 0;
    ssize_t n = -1;
    while (fd >= 0 && len < s.len && (n = read(fd, s.ptr + len, s.len - len)) > 0)
        len += (size_t)n;
    int err = len == s.len ? EFBIG : errno;
    bool is_ok = fd >= 0 && n == 0;
    if (is_ok)
        *out = secret_copy(span_of(s.ptr, len));
    secret_free(&s);
    if (fd >= 0)
        close(fd);
    errno = err;
    return is_ok;
}

void load_folder(struct loader *l, const char *folder, load_file_fn *fn, const void *row)
{
    char path[2 * PATH_TEXT_MAX];
    struct dirent *e;
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", l->folder, folder);
    DIR *d = opendir(path);
    if (!d && l->run->debug > 0)
        fprintf(stderr, "opening directory '%s' failed: %s\n", path, strerror(errno));
    while (d && (e = readdir(d))) {
        struct secret data;
        snprintf(path, sizeof(path), "%s/%s/%s", l->folder, folder, e->d_name);
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (!load_read(path, &data)) {
            fprintf(stderr, "reading '%s' failed: %s, skipped\n", path, strerror(errno));
            continue;
        }
        fn(l, row, path, e->d_name, secret_view(&data));
        secret_free(&data);
    }
    if (d)
        closedir(d);
}

/* An odd number of digits has a zero in front. What is no digit ends it. */
static struct secret decode_hex(const char *text)
{
    size_t n = strspn(text, "0123456789abcdefABCDEF"), len = (n + 1) / 2, got = 0;
    struct secret padded = secret_new(2 * len), out = secret_new(len);
    memset(padded.ptr, '0', padded.len);
    memcpy(padded.ptr + padded.len - n, text, n);
    hex_decode(secret_view(&padded), out.ptr, out.len, &got);
    secret_free(&padded);
    return out;
}

struct secret load_decode(const char *text)
{
    if (!strncmp(text, "0x", 2) && text[2])
        return decode_hex(text + 2);
    if (strncmp(text, "0s", 2) != 0 && strncmp(text, "0x", 2) != 0)
        return secret_copy(span_str(text));
    struct secret buffer = secret_new(strlen(text));
    size_t len = 0;
    if (!base64_decode(span_str(text + 2), buffer.ptr, buffer.len, &len))
        len = 0;
    struct secret out = secret_copy(span_of(buffer.ptr, len));
    secret_free(&buffer);
    return out;
}
