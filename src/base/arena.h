/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is freed as one: a datagram's, an exchange's, a snapshot's. Allocations are zeroed and aligned
 * for any type. An arena has a cap, so that what a peer sends cannot grow it; past the cap arena_alloc()
 * returns NULL (and arena_failed() stays true). When the machine is out of memory the process aborts. */
#pragma once

#include "base/span.h"
#include <stdarg.h>

struct arena;

struct arena *arena_new(size_t cap);
void arena_free(struct arena *a);
/* Forgets everything allocated, wiping it; keeps one chunk for reuse. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t len);
/* count * size, checked for overflow. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* Gives back the end of the allocation made last: of its len bytes used stay. Anything else stays as it is.
 */
void arena_trim(struct arena *a, const void *p, size_t len, size_t used);
struct span arena_dup(struct arena *a, struct span s);
char *arena_strdup(struct arena *a, const char *s);
/* A NUL-terminated copy of s. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool arena_failed(const struct arena *a);
size_t arena_used(const struct arena *a);
/* Zeroed heap memory; aborts when there is none. For objects with an owner of their own. */
void *mem_new(size_t len);
