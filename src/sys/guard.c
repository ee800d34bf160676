/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets at rest: see guard.h. The whole process is locked into memory, page by page as they are used,
 * because secrets are everywhere in it: in keys' objects, in snapshots, on stacks. It leaves no core dump and
 * cannot be read by others of its user. OpenSSL keeps the private numbers of keys in a heap of its own,
 * between guard pages. Wiping is secret.h's and arena.h's. */
#include "sys/guard.h"
#include "base/log.h"
#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Room for some 300 RSA keys of 4096 bits; a full one fails the loading of keys. */
enum { SECURE_HEAP = 1 << 20, SECURE_LEAST = 16 };

/* ---- OpenSSL wipes most of what was secret, but not all that its decoders made of a key: here what it gives
 * back is wiped, whatever it was. */

static void *wiped_alloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return len ? malloc(len) : NULL;
}

static void wiped_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *wiped_realloc(void *p, size_t len, const char *file, int line)
{
    size_t had = p ? malloc_usable_size(p) : 0;
    void *bigger = wiped_alloc(len, file, line);
    if (bigger && had)
        memcpy(bigger, p, had < len ? had : len);
    if (bigger || !len)
        wiped_free(p, file, line);
    return bigger;
}

/* With a limit, memory that is locked as it comes would run out sooner than memory, and end the process.
 * Whether the limit is ours to exceed is seen by exceeding it. */
static bool has_no_limit(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, is;
    setrlimit(RLIMIT_MEMLOCK, &all);
    if (getrlimit(RLIMIT_MEMLOCK, &is) < 0)
        return false;
    if (is.rlim_cur == RLIM_INFINITY)
        return true;
    size_t len = (size_t)is.rlim_cur + (size_t)sysconf(_SC_PAGESIZE);
    void *probe = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool may = probe != MAP_FAILED && mlock2(probe, len, MLOCK_ONFAULT) == 0;
    if (probe != MAP_FAILED)
        munmap(probe, len);
    return may;
}

/* The leak checker of sanitized builds does not look into OpenSSL's secure heap by itself, and its random
 * generators live there. */
void __lsan_register_root_region(const void *from, size_t len) __attribute__((weak));

static void tell_leak_checker(void)
{
    char *somewhere = __lsan_register_root_region ? OPENSSL_secure_malloc(SECURE_LEAST) : NULL;
    if (!somewhere)
        return;
    __lsan_register_root_region(somewhere - SECURE_HEAP, 2 * SECURE_HEAP);
    OPENSSL_secure_free(somewhere);
}

void guard_memory(void)
{
    const struct rlimit none = {0};
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        log_line(GROUP_LIB, LOG_WARN, "a core dump of this process could hold keys: %s", strerror(errno));
    if (!CRYPTO_set_mem_functions(wiped_alloc, wiped_realloc, wiped_free))
        log_line(GROUP_LIB, LOG_WARN,
                 "OpenSSL was in use already: it may leave parts of keys in freed memory");
    if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST) != 1)
        log_line(GROUP_LIB, LOG_WARN,
                 "private keys are not locked into memory: OpenSSL has no secure heap here");
    tell_leak_checker();
    if (!has_no_limit())
        log_line(GROUP_LIB, LOG_WARN,
                 "keys can reach swap space: the memory that may be locked is limited (LimitMEMLOCK)");
    else if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
        log_line(GROUP_LIB, LOG_WARN, "keys can reach swap space: memory cannot be locked: %s",
                 strerror(errno));
}
