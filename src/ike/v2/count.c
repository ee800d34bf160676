/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of messages: see count.h. */
#include "ike/v2/count.h"

/* Until the peer of an IKE SA that it began has said who it is, the connection is a guess. */
static bool is_known(const struct ike_sa *sa)
{
    return sa->was_initiator || sa->was_up || sa->remote_id.type != ID_ANY;
}

void count_event(struct ike_env *env, const struct ike_sa *sa, enum ike_counter what)
{
    env->host->count(env, sa && is_known(sa) ? sa->conn : NULL, what);
}

void count_message(struct ike_env *env, const struct ike_sa *sa, uint8_t exchange, enum count_way way,
                   bool is_response)
{
    static const struct {
        uint8_t exchange;
        enum ike_counter first;
    } rows[] = {
        {EXCHANGE_IKE_SA_INIT,        COUNT_IKE_INIT    },
        {EXCHANGE_IKE_SESSION_RESUME, COUNT_IKE_INIT    },
        {EXCHANGE_IKE_AUTH,           COUNT_IKE_AUTH    },
        {EXCHANGE_CREATE_CHILD_SA,    COUNT_CREATE_CHILD},
        {EXCHANGE_INFORMATIONAL,      COUNT_INFO        },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].exchange == exchange)
            count_event(env, sa, (enum ike_counter)((int)rows[i].first + (int)way + is_response));
    }
}
