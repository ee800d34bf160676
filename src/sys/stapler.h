/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses about our own certificates, for peers that ask for one in IKE (RFC 4806): fetched ahead and
 * again before they end, so that nobody waits for a responder. Private to src/sys. */
#pragma once

#include "sys/revoker_store.h"

struct stapler;

/* Microseconds. A response is fetched again when half of the time is over that it is good for, within these
 * bounds; after a failure at first after "least", then each time later. */
struct stapler_pace {
    int64_t least, most;
};

/* The store fetches. is_ending: as for store_new(). */
struct stapler *stapler_new(struct revoker_store *store, const atomic_bool *is_ending,
                            struct stapler_pace pace);
/* Waits for its thread, whose fetch ends at once when *is_ending is set. */
void stapler_stop(struct stapler *s);
void stapler_free(struct stapler *s);
/* From now on: the certificates of ours whose connections say ocsp = reply or both, where something says who
 * is to be asked. What is there already stays. */
void stapler_watch(struct stapler *s, const struct config *c);
/* All are fetched anew, now. */
void stapler_renew(struct stapler *s);
/* A response that says now that the certificate is good: a reference; or NULL. Any thread, at once. */
struct ocsp *stapler_find(struct stapler *s, const struct cert *c, int64_t wall);
