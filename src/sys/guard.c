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

/* With a limit, memory that is locked as it comes would run out sooner than memory, and end the process. */
static bool has_no_limit(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, is;
    setrlimit(RLIMIT_MEMLOCK, &all);
    return getrlimit(RLIMIT_MEMLOCK, &is) == 0 && is.rlim_cur == RLIM_INFINITY;
}

void guard_memory(void)
{
    const struct rlimit none = {0};
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        log_line(LOG_WARN, "a core dump of this process could hold keys: %s", strerror(errno));
    if (!CRYPTO_set_mem_functions(wiped_alloc, wiped_realloc, wiped_free))
        log_line(LOG_WARN, "OpenSSL was in use already: it may leave parts of keys in freed memory");
    if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST) != 1)
        log_line(LOG_WARN, "private keys are not locked into memory: OpenSSL has no secure heap here");
    if (!has_no_limit())
        log_line(LOG_WARN,
                 "keys can reach swap space: the memory that may be locked is limited (LimitMEMLOCK)");
    else if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
        log_line(LOG_WARN, "keys can reach swap space: memory cannot be locked: %s", strerror(errno));
}
