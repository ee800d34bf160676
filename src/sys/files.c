/* SPDX-License-Identifier: Apache-2.0 */
/* Files for conf/: see files.h. Only regular files are read: a FIFO or a device would block or never end. */
#include "sys/files.h"
#include "sys/store_password.h"
#include "sys/token.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (16 << 20)

static bool refuse(struct diag *d, const char *path, const char *why)
{
    diag_set(d, FAIL_CONFIG, "cannot read %s: %s", path, why);
    return false;
}

/* A group of root's own is nobody else. */
static bool refuse_open(struct diag *d, const char *path, const struct stat *st)
{
    mode_t others = S_IRWXO | (st->st_gid == 0 ? 0 : S_IRWXG);
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        diag_set(d, FAIL_PERMISSION, "the private file %s belongs to another user (uid %u)", path,
                 (unsigned)st->st_uid);
        diag_try(d, "chown root %s", path);
        return true;
    }
    if (!(st->st_mode & others))
        return false;
    diag_set(d, FAIL_PERMISSION, "others can read the private file %s (mode %04o)", path,
             (unsigned)(st->st_mode & 07777));
    diag_try(d, "chmod 600 %s", path);
    return true;
}

static bool read_whole(int fd, bool is_private, struct arena *a, const char *path, struct span *out,
                       struct diag *d)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return refuse(d, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(d, path, "not a regular file");
    if (is_private && refuse_open(d, path, &st))
        return false;
    if (st.st_size > FILE_MAX)
        return refuse(d, path, "larger than 16 MiB");
    size_t want = (size_t)st.st_size, len = 0;
    uint8_t *buf = arena_alloc(a, want + 1); /* never an empty allocation */
    if (!buf)
        return refuse(d, path, "the configuration is too large");
    while (len < want) {
        ssize_t n = read(fd, buf + len, want - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(d, path, strerror(errno));
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out = span_of(buf, len);
    return true;
}

static bool read_path(bool is_private, struct arena *a, const char *path, struct span *out, struct diag *d)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? false : refuse(d, path, strerror(errno));
    bool ok = read_whole(fd, is_private, a, path, out, d);
    close(fd);
    return ok;
}

static bool files_read(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d)
{
    (void)ctx;
    return read_path(false, a, path, out, d);
}

static bool files_read_private(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d)
{
    (void)ctx;
    return read_path(true, a, path, out, d);
}

static size_t files_glob(void *ctx, struct arena *a, const char *pattern, const char ***paths)
{
    (void)ctx;
    glob_t g = {0};
    size_t n = 0;
    *paths = NULL;
    if (glob(pattern, 0, NULL, &g) == 0) {
        *paths = arena_calloc(a, g.gl_pathc, sizeof(**paths));
        for (size_t i = 0; *paths && i < g.gl_pathc; i++) {
            (*paths)[n] = arena_strdup(a, g.gl_pathv[i]);
            n += (*paths)[n] != NULL;
        }
    }
    globfree(&g);
    return n;
}

/* NULL with nothing in d: there is none. */
static struct keystore *open_store(const struct paths *p, const char *configured, struct diag *d)
{
    char folder[PATH_TEXT_MAX];
    diag_clear(d);
    if (!p || !keystore_is_there(keystore_folder(p, configured, folder)))
        return NULL;
    return keystore_open(folder, false, d);
}

/* What is wrong with the password was said when the certificates were read. */
static void unlock(struct keystore *s, const struct paths *p)
{
    struct store_password found;
    struct diag d;
    if (!keystore_has_password(s))
        return;
    store_password_find(p->etc, s, &found, &d);
    store_password_free(&found);
}

static struct pkey *files_store_key(void *ctx, const char *configured, struct arena *a,
                                    const struct pkey *public_key, const char **file, struct diag *d)
{
    struct keystore *s = open_store(ctx, configured, d);
    const struct keystore_key *entry = s ? keystore_find(s, public_key) : NULL;
    if (entry)
        unlock(s, ctx);
    struct pkey *k = entry ? keystore_private_key(s, entry, d) : NULL;
    if (k) {
        char leaf[KEYSTORE_LEAF_MAX];
        *file = arena_printf(a, "%s/%s", s->folder, keystore_leaf(s, entry, leaf));
    }
    keystore_close(s);
    return k;
}

/* Once for each time that a configuration is read. */
static void check_password(struct keystore *s, const struct paths *p)
{
    struct store_password found;
    struct diag d;
    if (!keystore_has_password(s))
        return;
    bool is_found = store_password_find(p->etc, s, &found, &d);
    store_password_log(&found, is_found, &d);
    store_password_free(&found);
}

static size_t files_store_certs(void *ctx, const char *configured, struct arena *a,
                                struct stored_cert **certs, struct diag *d)
{
    struct keystore *s = open_store(ctx, configured, d);
    size_t n = s ? s->n_certs : 0;
    if (s)
        check_password(s, ctx);
    *certs = arena_calloc(a, n, sizeof(**certs));
    for (size_t i = 0; i < n; i++) {
        struct span der = cert_der(s->certs[i].cert);
        uint8_t *copy = arena_alloc(a, der.len);
        memcpy(copy, der.ptr, der.len);
        (*certs)[i] = (struct stored_cert){.nickname = arena_strdup(a, s->certs[i].nickname),
                                           .der = span_of(copy, der.len),
                                           .is_trusted = keystore_is_authority(&s->certs[i])};
    }
    keystore_close(s);
    return n;
}

static bool ip_of(const struct sockaddr *sa, struct ip *out)
{
    if (sa && sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        return ip_from_bytes(span_of(&in->sin_addr, sizeof(in->sin_addr)), out);
    }
    if (sa && sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
        return ip_from_bytes(span_of(&in6->sin6_addr, sizeof(in6->sin6_addr)), out);
    }
    return false;
}

static size_t files_own_addresses(void *ctx, struct arena *a, struct ip **v)
{
    struct ifaddrs *all = NULL;
    size_t cap = 0, n = 0;
    (void)ctx;
    if (getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        cap++;
    *v = arena_calloc(a, cap, sizeof(**v));
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (ip_of(i->ifa_addr, &(*v)[n]))
            n++;
    }
    freeifaddrs(all);
    return n;
}

static const char *files_store_folder(void *ctx, const char *configured, struct arena *a)
{
    char folder[PATH_TEXT_MAX];
    return ctx ? arena_strdup(a, keystore_folder(ctx, configured, folder)) : NULL;
}

struct conf_source files_source(const struct paths *p)
{
    return (struct conf_source){.ctx = (void *)p,
                                .read = files_read,
                                .read_private = files_read_private,
                                .token_key = token_key,
                                .token_cert = token_cert,
                                .store_key = files_store_key,
                                .store_certs = files_store_certs,
                                .own_addresses = files_own_addresses,
                                .store_folder = files_store_folder,
                                .glob = files_glob};
}
