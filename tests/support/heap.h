/* SPDX-License-Identifier: Apache-2.0 */
/* What the heap holds: for tests and benchmarks that bound memory. Under ASan every allocation is counted as
 * glibc's malloc would take it (header and rounding included, red zones not), elsewhere malloc itself is
 * asked. What alignment beyond 16 bytes wastes is seen only without ASan. */
#pragma once

#include <stddef.h>

/* Starts counting; to be called once, before what is measured. */
void heap_watch(void);
/* Bytes in use; differences between two calls mean something, absolute values do not. */
size_t heap_used(void);
