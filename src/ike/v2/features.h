/* SPDX-License-Identifier: Apache-2.0 */
/* THE table of which feature takes part in which message of IKE_SA_INIT and IKE_AUTH, and in which order. A
 * message is written by its rows from top to bottom, and read by them once it is accepted: IKE_SA_INIT when
 * its proposal, key exchange and nonce are good, IKE_AUTH when the peer has proved who it is. A feature that
 * adds a notify or a payload adds a row and two functions in its own file; init.c and auth.c do not change.
 */
#pragma once

#include "ike/v2/sa.h"

struct feature_part {
    enum message_kind kind;
    const char *feature;
    /* Writes its payloads; nothing when the feature has none to say. Errors stay in b. x: the exchange. */
    feature_put *put;
    /* Reads its payloads and commits what they say to sa. False with d: with this message there is no SA. */
    feature_take *take;
};

void features_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x,
                  enum message_kind kind);
/* The kind is that of m. False: the first row that refused has filled d; later ones were not asked. */
bool features_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d);
const struct feature_part *features_at(size_t index); /* NULL behind the last */
