/* SPDX-License-Identifier: Apache-2.0 */
/* SAs for each processor (RFC 9611): see per_cpu.c. The first child serves every processor; the further ones,
 * with the same selectors, serve one each. */
#pragma once

#include "ike/v2/child.h"

/* The first one of that configuration, where both ends want several; NULL: none, or one alone. */
struct child_sa *per_cpu_first(const struct ike_sa *sa, const struct child_config *cfg);
/* The one for that processor, as far as it is there; NULL. */
struct child_sa *per_cpu_find(const struct ike_sa *sa, const struct child_config *cfg, struct cpu cpu);

/* What replaces a child is the same part. */
static inline struct per_cpu_part per_cpu_again(const struct per_cpu_part *old)
{
    struct per_cpu_part p = *old;
    p.is_full = false; /* may be asked again */
    return p;
}

/* ---- making them. x->per_cpu is what they say. */
/* Initiator: before the request of a new child. False: a further one that nothing stands beside. */
bool per_cpu_offer(const struct ike_sa *sa, struct exchange *x);
/* What is offered for a further one: what the first one has. */
void per_cpu_copy(struct exchange *x, const struct child_sa *first);
/* The notify of request or response. */
void per_cpu_put(struct build *b, const struct exchange *x);
/* Initiator: the response. */
void per_cpu_accept(struct ike_env *env, const struct ike_sa *sa, struct exchange *x);
/* Responder: the request, once child, selectors and plane are chosen. */
void per_cpu_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x);
/* Does the peer ask for one of several, and may it have them? */
bool per_cpu_is_asked(const struct ike_message *m, const struct child_config *cfg);
/* So many with the same selectors. */
size_t per_cpu_limit(const struct ike_env *env);

/* ---- the child */
void per_cpu_choose_port(struct child_sa *c);
void per_cpu_fill(struct esp_sa *e, const struct child_sa *c);
/* It is the first one, and others stand beside it. */
bool per_cpu_holds_others(const struct child_sa *c);
/* c goes down: with the first one go the further ones. */
void per_cpu_leave(struct ike_env *env, const struct child_sa *c);
/* False, and said why: it is a further one, and the first one is gone. */
bool per_cpu_survives(struct ike_env *env, struct child_sa *c);
