/* SPDX-License-Identifier: Apache-2.0 */
/* See resolvconf.h. The file is replaced as a whole, by renaming; where that cannot be (a container's, bound
 * to its place) or must not be (a link to somebody else's file) it is written over. */
#include "sys/resolvconf.h"
#include "base/arena.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (64u << 10)
#define MARK           "   # by Keyway"

static bool fail(struct diag *d, const char *path, const char *doing)
{
    diag_set(d, errno == EACCES || errno == EPERM ? FAIL_PERMISSION : FAIL_GENERIC, "cannot %s %s: %s", doing,
             path, strerror(errno));
    return false;
}

/* The whole text, in a; "" when there is no file. NULL with d. */
static const char *read_all(struct arena *a, const char *path, struct diag *d)
{
    FILE *f = fopen(path, "re");
    if (!f && errno == ENOENT)
        return "";
    char *text = arena_alloc(a, FILE_MAX_BYTES + 2);
    size_t n = f ? fread(text, 1, FILE_MAX_BYTES + 1, f) : 0;
    bool ok = f && !ferror(f) && n <= FILE_MAX_BYTES;
    if (!ok) {
        errno = f && n > FILE_MAX_BYTES ? EFBIG : errno;
        fail(d, path, "read");
    }
    if (f)
        fclose(f);
    return ok ? text : NULL;
}

static bool write_to(const char *path, const char *head, const char *text, struct diag *d)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return fail(d, path, "write");
    bool ok = fputs(head, f) >= 0 && fputs(text, f) >= 0;
    ok = fclose(f) == 0 && ok;
    return ok || fail(d, path, "write");
}

static bool replace(const char *path, const char *head, const char *text, struct diag *d)
{
    char fresh[600];
    struct stat st;
    bool is_plain = lstat(path, &st) < 0 || S_ISREG(st.st_mode);
    int len = snprintf(fresh, sizeof(fresh), "%s.keyway", path);
    bool fits = len > 0 && (size_t)len < sizeof(fresh);
    if (is_plain && fits && write_to(fresh, head, text, d)) {
        chmod(fresh, 0644);
        if (rename(fresh, path) == 0)
            return true;
        remove(fresh);
    }
    diag_clear(d);
    return write_to(path, head, text, d);
}

static bool is_ours(const char *line, size_t len)
{
    size_t mark = strlen(MARK);
    return len >= mark && memcmp(line + len - mark, MARK, mark) == 0;
}

/* The text without our lines, or without that one of them; *n counts what went. */
static char *without(struct arena *a, const char *text, const char *only, int *n)
{
    char *out = arena_alloc(a, strlen(text) + 1), *to = out;
    *n = 0;
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n"), whole = len + (at[len] == '\n');
        bool goes = is_ours(at, len) && (!only || (strlen(only) == len && memcmp(at, only, len) == 0));
        *n += goes;
        if (!goes) {
            memcpy(to, at, whole);
            to += whole;
        }
        at += whole;
    }
    return out;
}

bool resolvconf_set(const char *path, struct ip server, bool adds, struct diag *d)
{
    char ip[IP_TEXT_MAX], line[IP_TEXT_MAX + 40], head[sizeof(line) + 1];
    int n = 0;
    struct arena *a = arena_new(4 * FILE_MAX_BYTES);
    const char *text = read_all(a, path, d);
    snprintf(line, sizeof(line), "nameserver %s" MARK, ip_format(server, ip));
    snprintf(head, sizeof(head), "%s\n", line);
    char *rest = text ? without(a, text, line, &n) : NULL;
    bool is_so = adds ? n == 1 : n == 0;
    bool ok = rest && (is_so || replace(path, adds ? head : "", rest, d));
    arena_free(a);
    return ok;
}

int resolvconf_clean(const char *path, struct diag *d)
{
    int n = 0;
    struct arena *a = arena_new(4 * FILE_MAX_BYTES);
    const char *text = read_all(a, path, d);
    char *rest = text ? without(a, text, NULL, &n) : NULL;
    bool ok = rest && (n == 0 || replace(path, "", rest, d));
    arena_free(a);
    return ok ? n : -1;
}
