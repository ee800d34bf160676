/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out what a verification lacks: a JOB_VERIFY whose verdict says what is to be fetched, or that was not
 * run yet and has places of certificates, is given to it, and comes back decided. It has threads of its own,
 * so that neither the control loop nor other jobs wait; one address is fetched once at a time, what came is
 * kept for the next verification, and CRLs, if wanted, over restarts. */
#pragma once

#include "model/action.h"

struct revoker;

#define REVOKER_PATIENCE                                                                                     \
    INT64_C(12000000) /* microseconds that a verification may take: less than a half-open SA lives */

/* done is called from any thread when a job is decided; it may only wake somebody, who calls revoker_next().
 * state: the folder of what is kept, as for state.h. */
struct revoker *revoker_new(const char *state, void (*done)(void *ctx), void *ctx);
/* Waits for its threads, whose fetches end at once: done is not called any more. */
void revoker_stop(struct revoker *r);
/* Frees the jobs that nobody took, too. */
void revoker_free(struct revoker *r);
/* Are fetched CRLs to be kept on disk, and used from there? */
void revoker_keep(struct revoker *r, bool is_kept);
/* How long fetching one thing may take, microseconds. */
void revoker_timeout(struct revoker *r, int64_t each);
/* From now on: OCSP responses about our own certificates, where connections send them to peers that ask, are
 * fetched ahead and renewed. */
void revoker_watch(struct revoker *r, const struct config *c);
/* One that is at hand goes to a job that signs and wants it. Any thread; waits for nobody. */
void revoker_staple(struct revoker *r, struct job *j);
/* Forgets CRLs, OCSP responses that were fetched, on disk too; those about our own certificates are fetched
 * anew. Returns how many there were. */
unsigned revoker_flush(struct revoker *r, bool crls, bool ocsps);
/* What has come before goes to a job that was not run yet, and it may say what else is to be fetched. Any
 * thread. */
void revoker_prepare(struct revoker *r, struct job *j);
/* Takes the job. */
void revoker_give(struct revoker *r, struct job *j);
/* The next decided job, the caller's now, or NULL. */
struct job *revoker_next(struct revoker *r);
/* How many are not decided yet. */
unsigned revoker_working(struct revoker *r);
