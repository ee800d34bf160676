/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in the log, as they are written, read, sent and received: what each holds at level 1 of group ENC,
 * sizes at 2, what in it is public (proposals, selectors, identities) at 3; whence and where to at level 1 of
 * NET. Keys, nonces, and what proves anything are at no level. Costs nothing where nobody wants it. */
#pragma once

#include "ike/v2/sa.h"

/* In all of them sa NULL: no IKE SA's. */
void trace_written(struct ike_env *env, const struct ike_sa *sa, const struct ike_header *h, uint8_t first,
                   struct span chain);
/* With its header. */
void trace_written_whole(struct ike_env *env, const struct ike_sa *sa, struct span message);
void trace_read(struct ike_env *env, const struct ike_sa *sa, const struct ike_message *m);
void trace_sent(struct ike_env *env, const struct ike_sa *sa, const struct endpoint *from,
                const struct endpoint *to, size_t len);
void trace_received(struct ike_env *env, const struct ike_sa *sa, const struct endpoint *at,
                    const struct endpoint *from, size_t len);
/* The proposal that was agreed on. */
void trace_chosen(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const struct chosen *c);
