/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches certificates that peers told the address and the hash of (RFC 7296 section 3.6). Strangers choose
 * the addresses: only http is spoken, redirections are not followed, nothing of an answer is told to anybody,
 * and few are fetched at a time. What has the right hash is kept for the next time. Private to src/sys. */
#pragma once

#include "model/action.h"
#include <stdatomic.h>

struct places;

/* is_ending: cancels fetches. */
struct places *places_new(const atomic_bool *is_ending);
void places_free(struct places *p);
/* Fills the places of the job: see action.h. Any thread; blocks until deadline (mono) at most. */
void places_fetch(struct places *p, struct job *j, int64_t deadline);
