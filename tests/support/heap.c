/* SPDX-License-Identifier: Apache-2.0 */
/* What the heap holds: see heap.h. */
#include "support/heap.h"

#if defined(__SANITIZE_ADDRESS__)

#include <stdatomic.h>

/* gcc brings the functions without the header */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);

static atomic_size_t used;

static size_t chunk(size_t size)
{
    size_t all = (size + sizeof(size_t) + 15) & ~(size_t)15;
    return all < 32 ? 32 : all;
}

static void count_malloc(const volatile void *p, size_t size)
{
    (void)p;
    atomic_fetch_add(&used, chunk(size));
}

static void count_free(const volatile void *p)
{
    if (p)
        atomic_fetch_sub(&used, chunk(__sanitizer_get_allocated_size(p)));
}

void heap_watch(void)
{
    static int installed;
    if (!installed)
        installed = __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);
}

size_t heap_used(void)
{
    return atomic_load(&used);
}

#else

#include <malloc.h>

void heap_watch(void) {}

size_t heap_used(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

#endif
