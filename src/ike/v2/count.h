/* SPDX-License-Identifier: Apache-2.0 */
/* Messages are counted where they come in and go out (get-counters of vici): in all, and for the connection
 * that they belong to. Repetitions are not counted, and a peer that has not said who it is belongs to none.
 */
#pragma once

#include "ike/v2/sa.h"

enum count_way { COUNT_IN = 0, COUNT_OUT = 2 };

/* sa NULL: nobody's. */
void count_event(struct ike_env *env, const struct ike_sa *sa, enum ike_counter what);
/* By its exchange; IKE_SESSION_RESUME counts as IKE_SA_INIT, for which it stands; IKE_INTERMEDIATE and
 * IKE_FOLLOWUP_KE are not counted. */
void count_message(struct ike_env *env, const struct ike_sa *sa, uint8_t exchange, enum count_way way,
                   bool is_response);
