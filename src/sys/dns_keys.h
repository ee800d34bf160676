/* SPDX-License-Identifier: Apache-2.0 */
/* Asks DNS for the public keys of peers (RFC 4025), with DNSSEC checked here, by libunbound: a JOB_VERIFY
 * with dns_name is given to it and comes back decided. It has a thread of its own, so that nothing waits for
 * it but the job; each answer is awaited for a bounded time, so many at once and no more, and kept as long as
 * it says. */
#pragma once

#include "model/action.h"

struct dns_keys;

#define DNS_KEYS_PATIENCE INT64_C(8000000) /* microseconds: less than a half-open SA lives */

/* patience: microseconds that an answer is awaited. done is called from any thread when a job is decided; it
 * may only wake somebody, who calls dns_keys_next().
 */
struct dns_keys *dns_keys_new(int64_t patience, void (*done)(void *ctx), void *ctx);
/* Name servers and trust anchors, from the next question on. What is the same keeps what is cached. */
void dns_keys_configure(struct dns_keys *k, const struct settings *s);
/* Takes the job. */
void dns_keys_give(struct dns_keys *k, struct job *j);
/* The next decided job, the caller's now, or NULL. */
struct job *dns_keys_next(struct dns_keys *k);
/* Waits for its thread, whose questions end at once: done is not called any more. */
void dns_keys_stop(struct dns_keys *k);
/* Frees the jobs that nobody took, too. */
void dns_keys_free(struct dns_keys *k);
