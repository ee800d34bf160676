/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what is legal when (RFC 7296 sections 1.2 to 1.4, 2.25; RFC 9242; RFC 9370): our exchanges
 * with their priority and the states they may start in, and the peer's requests with the states they are
 * taken in. Default deny. */
#include "ike/v2/exchanges.h"
#include "ike/v2/crash.h"
#include "ike/v2/create_child.h"
#include "ike/v2/followup.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"

#define S(x)    (1u << IKE_##x)
#define S_UP    (S(ESTABLISHED) | S(REKEYING))
#define S_KEYED (S_UP | S(REKEYED) | S(DELETING))
#define S_MOVE  (S_UP | S(REKEYED)) /* a peer that does not know of the successor listens in the old one */

/* Deleting first; liveness last: any other exchange proves the same. */
static const struct own_exchange own[X_KINDS] = {
    [X_INIT] = {"IKE_SA_INIT",           EXCHANGE_IKE_SA_INIT,      0, S(CREATED),    NULL,               NULL                },
    [X_INTERMEDIATE] = {"IKE_INTERMEDIATE",      EXCHANGE_IKE_INTERMEDIATE, 0, S(CONNECTING), NULL,
                intermediate_on_response                                                                                      },
    [X_AUTH] = {"IKE_AUTH",              EXCHANGE_IKE_AUTH,         0, S(CONNECTING), auth_start,         auth_on_response    },
    [X_AUTH_FAILED] = {"refusal of the peer",   EXCHANGE_INFORMATIONAL,    1, S(DELETING),   auth_failed_start,
                delete_ike_on_response                                                                                        },
    [X_DELETE_IKE] = {"IKE SA delete",         EXCHANGE_INFORMATIONAL,    1, S_KEYED,       delete_ike_start,
                delete_ike_on_response                                                                                        },
    [X_DELETE_CHILD] = {"child delete",          EXCHANGE_INFORMATIONAL,    2, S_UP,          delete_child_start,
                delete_child_on_response                                                                                      },
    [X_REKEY_CHILD] = {"child rekey",           EXCHANGE_CREATE_CHILD_SA,  3, S_UP,          rekey_child_start,
                create_child_on_response                                                                                      },
    [X_NEW_CHILD] = {"child creation",        EXCHANGE_CREATE_CHILD_SA,  4, S_UP,          create_child_start,
                create_child_on_response                                                                                      },
    [X_REKEY_IKE] = {"IKE SA rekey",          EXCHANGE_CREATE_CHILD_SA,  5, S_UP,          rekey_ike_start,
                rekey_ike_on_response                                                                                         },
    [X_UPDATE_ADDRESSES] = {"address update",        EXCHANGE_INFORMATIONAL,    2, S_MOVE,        update_start,
                update_on_response                                                                                            },
    [X_ROUTABILITY] = {"reachability check",    EXCHANGE_INFORMATIONAL,    2, S_UP,          reach_start,        reach_on_response   },
    [X_ADDRESSES] = {"list of addresses",     EXCHANGE_INFORMATIONAL,    2, S_MOVE,        addresses_start,
                addresses_on_response                                                                                         },
    [X_TICKET] = {"request for a ticket",  EXCHANGE_INFORMATIONAL,    6, S_UP,          resume_start,       resume_on_response  },
    [X_CRASH_TOKEN] = {"crash detection token", EXCHANGE_INFORMATIONAL,    6, S_UP,          crash_start,
                crash_on_response                                                                                             },
    [X_WINDOW_SIZE] = {"window size",           EXCHANGE_INFORMATIONAL,    6, S_UP,          overlap_start,      overlap_on_response },
    [X_REDIRECT] = {"redirection",           EXCHANGE_INFORMATIONAL,    2, S_UP,          redirect_start,     redirect_on_response},
    [X_LIVENESS] = {"liveness check",        EXCHANGE_INFORMATIONAL,    6, S_UP,          liveness_start,     liveness_on_response},
};

/* [RFC7296#2.25.2] what meets an SA that is replaced or going gets TEMPORARY_FAILURE. */
static const struct peer_exchange peer[] = {
    {MSG_INTERMEDIATE_REQUEST, X_INTERMEDIATE, S(CONNECTING), 0,                   intermediate_on_request },
    {MSG_AUTH_REQUEST,         X_AUTH,         S(CONNECTING), 0,                   auth_on_request         },
    {MSG_NEW_CHILD_REQUEST,    X_NEW_CHILD,    S_UP,          N_TEMPORARY_FAILURE, create_child_on_request },
    {MSG_REKEY_CHILD_REQUEST,  X_REKEY_CHILD,  S_UP,          N_TEMPORARY_FAILURE, rekey_child_on_request  },
    {MSG_REKEY_IKE_REQUEST,    X_REKEY_IKE,    S_UP,          N_TEMPORARY_FAILURE, rekey_ike_on_request    },
    {MSG_FOLLOWUP_REQUEST,     X_FOLLOWUP,     S_UP,          N_STATE_NOT_FOUND,   followup_on_request     },
    {MSG_INFO_REQUEST,         X_INFO,         S_KEYED,       0,                   informational_on_request},
};

const struct own_exchange *exchange_own(enum exchange_kind kind)
{
    return &own[kind];
}

const struct peer_exchange *exchange_peer(enum message_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(peer); i++) {
        if (peer[i].kind == kind)
            return &peer[i];
    }
    return NULL;
}

const char *exchange_kind_name(enum exchange_kind kind)
{
    return own[kind].name ? own[kind].name : "exchange";
}
