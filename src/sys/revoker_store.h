/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs and OCSP responses that were fetched, by address, for all threads: each address is fetched by one
 * thread at a time, the others wait for it; one that failed is left alone for a while. Private to src/sys. */
#pragma once

#include "model/action.h"
#include "sys/fetch.h"

struct revoker_store;

/* state may be NULL: nothing is kept on disk. is_ending: cancels fetches. */
struct revoker_store *store_new(const char *state, const atomic_bool *is_ending);
void store_free(struct revoker_store *s);
/* CRLs on disk: those that are there are loaded, those that come are written. */
void store_keep(struct revoker_store *s, bool is_kept);
/* Fetches it, or waits for whoever does; what came after since is as good. False with the reason. since,
 * deadline: mono. */
void store_timeout(struct revoker_store *s, int64_t each);
bool store_fetch(struct revoker_store *s, const struct trust_fetch *f, int64_t since, int64_t deadline,
                 char why[FETCH_WHY_MAX]);
/* What came for it: a reference, or NULL. */
struct ocsp *store_ocsp(struct revoker_store *s, const struct trust_fetch *f);
/* Forgets CRLs, on disk too, or responses, but for what is being fetched. Returns how many. */
unsigned store_flush(struct revoker_store *s, bool crls, bool ocsps);
/* Adds all there is to what the job has at hand. */
void store_lend(struct revoker_store *s, struct job *j);
