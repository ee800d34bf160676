/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of legal messages and the loop that checks one against them: see rules.h. */
#include "ike/msg/rules.h"
#include <stdio.h>

static const struct payload_rule payload_rules[];
static const struct notify_rule notify_rules[];
static const size_t payload_rule_count, notify_rule_count;

const char *message_kind_name(enum message_kind k)
{
    static const char *const names[] = {
        [MSG_INIT_REQUEST] = "IKE_SA_INIT request",
        [MSG_INIT_RESPONSE] = "IKE_SA_INIT response",
        [MSG_INTERMEDIATE_REQUEST] = "IKE_INTERMEDIATE request",
        [MSG_INTERMEDIATE_RESPONSE] = "IKE_INTERMEDIATE response",
        [MSG_FOLLOWUP_REQUEST] = "IKE_FOLLOWUP_KE request",
        [MSG_FOLLOWUP_RESPONSE] = "IKE_FOLLOWUP_KE response",
        [MSG_AUTH_REQUEST] = "IKE_AUTH request",
        [MSG_AUTH_RESPONSE] = "IKE_AUTH response",
        [MSG_NEW_CHILD_REQUEST] = "CREATE_CHILD_SA request",
        [MSG_REKEY_CHILD_REQUEST] = "CREATE_CHILD_SA request that rekeys a child",
        [MSG_REKEY_IKE_REQUEST] = "CREATE_CHILD_SA request that rekeys the IKE SA",
        [MSG_CHILD_RESPONSE] = "CREATE_CHILD_SA response",
        [MSG_REKEY_IKE_RESPONSE] = "CREATE_CHILD_SA response that rekeys the IKE SA",
        [MSG_INFO_REQUEST] = "INFORMATIONAL request",
        [MSG_INFO_RESPONSE] = "INFORMATIONAL response",
        [MSG_RESUME_REQUEST] = "IKE_SESSION_RESUME request",
        [MSG_RESUME_RESPONSE] = "IKE_SESSION_RESUME response",
    };
    return (size_t)k < ARRAY_LEN(names) ? names[k] : "message of an unknown exchange";
}

static bool is_about_ike(const struct ike_message *m)
{
    const struct ike_payload *sa = ike_find(m, PAYLOAD_SA);
    return sa && sa->sa.proposals.v[0].protocol == PROTO_IKE;
}

static enum message_kind create_child_kind(const struct ike_message *m)
{
    bool is_ike = is_about_ike(m);
    if (ike_is_response(&m->header))
        return is_ike ? MSG_REKEY_IKE_RESPONSE : MSG_CHILD_RESPONSE;
    if (is_ike)
        return MSG_REKEY_IKE_REQUEST;
    return ike_notify(m, N_REKEY_SA) ? MSG_REKEY_CHILD_REQUEST : MSG_NEW_CHILD_REQUEST;
}

enum message_kind rules_kind(const struct ike_message *m)
{
    bool is_response = ike_is_response(&m->header);
    switch (m->header.exchange) {
    case EXCHANGE_IKE_SA_INIT:
        return is_response ? MSG_INIT_RESPONSE : MSG_INIT_REQUEST;
    case EXCHANGE_IKE_SESSION_RESUME:
        return is_response ? MSG_RESUME_RESPONSE : MSG_RESUME_REQUEST;
    case EXCHANGE_IKE_INTERMEDIATE:
        return is_response ? MSG_INTERMEDIATE_RESPONSE : MSG_INTERMEDIATE_REQUEST;
    case EXCHANGE_IKE_FOLLOWUP_KE:
        return is_response ? MSG_FOLLOWUP_RESPONSE : MSG_FOLLOWUP_REQUEST;
    case EXCHANGE_IKE_AUTH:
        return is_response ? MSG_AUTH_RESPONSE : MSG_AUTH_REQUEST;
    case EXCHANGE_CREATE_CHILD_SA:
        return create_child_kind(m);
    case EXCHANGE_INFORMATIONAL:
        return is_response ? MSG_INFO_RESPONSE : MSG_INFO_REQUEST;
    default:
        return MSG_UNKNOWN;
    }
}

const struct payload_rule *rules_find(enum message_kind k, uint8_t payload)
{
    for (size_t i = 0; i < payload_rule_count; i++) {
        if (payload_rules[i].kind == k && payload_rules[i].payload == payload)
            return &payload_rules[i];
    }
    return NULL;
}

static const struct notify_rule *find_notify(uint16_t notify)
{
    for (size_t i = 0; i < notify_rule_count; i++) {
        if (notify_rules[i].notify == notify)
            return &notify_rules[i];
    }
    return NULL;
}

bool rules_notify_expected(enum message_kind k, uint16_t notify)
{
    const struct notify_rule *r = find_notify(notify);
    return r && k < MSG_KINDS && r->kinds & 1u << k;
}

const struct payload_rule *rules_payload_at(size_t index)
{
    return index < payload_rule_count ? &payload_rules[index] : NULL;
}

const struct notify_rule *rules_notify_at(size_t index)
{
    return index < notify_rule_count ? &notify_rules[index] : NULL;
}

static enum decode_status wrong(struct diag *d, enum message_kind k, const char *payload, const char *why)
{
    diag_set(d, FAIL_GENERIC, "%s: %s %s", message_kind_name(k), payload, why);
    return DECODE_MALFORMED;
}

/* May the payload stand there at all, and as it came? Unknown ones pass: the decoder has refused the
 * critical. */
static enum decode_status check_payload(const struct ike_message *m, enum message_kind k,
                                        const struct ike_payload *p, struct diag *d)
{
    if (p == m->sk || !payload_is_known(p->type))
        return DECODE_OK;
    const char *name = payload_name(p->type);
    const struct payload_rule *r = rules_find(k, p->type);
    if (!r)
        return wrong(d, k, name, "does not belong there");
    if (r->is_encrypted != p->is_encrypted)
        return wrong(d, k, name, p->is_encrypted ? "must not be encrypted" : "is not protected");
    return DECODE_OK;
}

static enum decode_status check_notifies(const struct ike_message *m, enum message_kind k, struct diag *d)
{
    for (size_t i = 0; i < notify_rule_count; i++) {
        size_t n = 0;
        for (const struct pl_notify *p = NULL; (p = ike_notify_next(m, notify_rules[i].notify, p));)
            n++;
        if (n > notify_rules[i].max)
            return wrong(d, k, notify_find(notify_rules[i].notify)->name, "is repeated too often");
    }
    return DECODE_OK;
}

/* An answer that says no, or asks for another attempt, needs nothing else [RFC7296#2.21] [RFC7296#2.6]. */
static bool is_short_answer(const struct ike_message *m)
{
    bool is_redirect = ike_is_initial(&m->header) && ike_notify(m, N_REDIRECT);
    return ike_is_response(&m->header) &&
           (ike_error_notify(m) || ike_notify(m, N_COOKIE) || ike_notify(m, N_TICKET_NACK) || is_redirect);
}

static enum decode_status check_counts(const struct ike_message *m, enum message_kind k, struct diag *d)
{
    bool is_short = is_short_answer(m);
    for (size_t i = 0; i < payload_rule_count; i++) {
        const struct payload_rule *r = &payload_rules[i];
        if (r->kind != k)
            continue;
        size_t n = ike_count(m, r->payload);
        if (n > r->max)
            return wrong(d, k, payload_name(r->payload), "is repeated too often");
        if (n < r->min && !is_short)
            return wrong(d, k, payload_name(r->payload), "is missing");
    }
    return DECODE_OK;
}

enum decode_status rules_check(const struct ike_message *m, struct diag *d)
{
    enum message_kind k = rules_kind(m);
    if (k == MSG_UNKNOWN)
        return wrong(d, k, "it", "is not spoken here");
    bool is_protected = !ike_is_initial(&m->header);
    if (is_protected != (m->sk != NULL) || is_protected != m->is_opened)
        return wrong(d, k, "SK", is_protected ? "is missing or not opened" : "does not belong there");
    for (size_t i = 0; i < m->n; i++) {
        enum decode_status s = check_payload(m, k, &m->v[i], d);
        if (s != DECODE_OK)
            return s;
    }
    enum decode_status s = check_counts(m, k, d);
    return s == DECODE_OK ? check_notifies(m, k, d) : s;
}

#define CLEAR  false
#define INSIDE true
#define SOME   16 /* more than anybody sends, few enough to be walked */

/* Notify and Vendor ID may stand anywhere [RFC7296#3.12]; how often which notify: below. */
#define EVERYWHERE(kind, where)                                                                              \
    {kind, PAYLOAD_NOTIFY, 0, IKE_MAX_PAYLOADS, where},                                                      \
    {                                                                                                        \
        kind, PAYLOAD_VENDOR, 0, SOME, where                                                                 \
    }

static const struct payload_rule payload_rules[] = {
    EVERYWHERE(MSG_INIT_REQUEST, CLEAR),
    {MSG_INIT_REQUEST,          PAYLOAD_SA,      1, 1,    CLEAR },
    {MSG_INIT_REQUEST,          PAYLOAD_KE,      1, 1,    CLEAR },
    {MSG_INIT_REQUEST,          PAYLOAD_NONCE,   1, 1,    CLEAR },

    EVERYWHERE(MSG_INIT_RESPONSE, CLEAR),
    {MSG_INIT_RESPONSE,         PAYLOAD_SA,      1, 1,    CLEAR },
    {MSG_INIT_RESPONSE,         PAYLOAD_KE,      1, 1,    CLEAR },
    {MSG_INIT_RESPONSE,         PAYLOAD_NONCE,   1, 1,    CLEAR },
    {MSG_INIT_RESPONSE,         PAYLOAD_CERTREQ, 0, SOME, CLEAR },

    EVERYWHERE(MSG_RESUME_REQUEST, CLEAR),
    {MSG_RESUME_REQUEST,        PAYLOAD_NONCE,   1, 1,    CLEAR },

    EVERYWHERE(MSG_RESUME_RESPONSE, CLEAR),
    {MSG_RESUME_RESPONSE,       PAYLOAD_NONCE,   1, 1,    CLEAR },

    EVERYWHERE(MSG_INTERMEDIATE_REQUEST, INSIDE),
    {MSG_INTERMEDIATE_REQUEST,  PAYLOAD_KE,      0, 1,    INSIDE}, /* [RFC9370#2.2.2] none: for a list [RFC9593#3.1] */
    {MSG_INTERMEDIATE_REQUEST,  PAYLOAD_IDI,     0, 1,    INSIDE}, /* this one may be for nobody else */
    {MSG_INTERMEDIATE_REQUEST,  PAYLOAD_IDR,     0, 1,    INSIDE},

    EVERYWHERE(MSG_INTERMEDIATE_RESPONSE, INSIDE),
    {MSG_INTERMEDIATE_RESPONSE, PAYLOAD_KE,      0, 1,    INSIDE},
    {MSG_INTERMEDIATE_RESPONSE, PAYLOAD_CERTREQ, 0, SOME, INSIDE},

    EVERYWHERE(MSG_AUTH_REQUEST, INSIDE),
    {MSG_AUTH_REQUEST,          PAYLOAD_IDI,     0, 1,    INSIDE}, /* none: it is our turn [RFC4739#2.5] */
    {MSG_AUTH_REQUEST,          PAYLOAD_IDR,     0, 1,    INSIDE},
    {MSG_AUTH_REQUEST,          PAYLOAD_CERT,    0, SOME, INSIDE},
    {MSG_AUTH_REQUEST,          PAYLOAD_CERTREQ, 0, SOME, INSIDE},
    {MSG_AUTH_REQUEST,          PAYLOAD_AUTH,    0, 1,    INSIDE}, /* without it the peer asks for EAP [RFC7296#2.16] */
    {MSG_AUTH_REQUEST,          PAYLOAD_CP,      0, 1,    INSIDE},
    {MSG_AUTH_REQUEST,          PAYLOAD_SA,      0, 1,    INSIDE}, /* all three or none [RFC6023#5] */
    {MSG_AUTH_REQUEST,          PAYLOAD_TSI,     0, 1,    INSIDE},
    {MSG_AUTH_REQUEST,          PAYLOAD_TSR,     0, 1,    INSIDE},

    EVERYWHERE(MSG_AUTH_RESPONSE, INSIDE),
    {MSG_AUTH_RESPONSE,         PAYLOAD_IDR,     0, 1,    INSIDE}, /* in the peer's rounds, with AUTH [RFC4739#2.4] */
    {MSG_AUTH_RESPONSE,         PAYLOAD_CERT,    0, SOME, INSIDE},
    {MSG_AUTH_RESPONSE,         PAYLOAD_AUTH,    0, 1,    INSIDE},
    {MSG_AUTH_RESPONSE,         PAYLOAD_EAP,     0, 1,    INSIDE},
    {MSG_AUTH_RESPONSE,         PAYLOAD_CP,      0, 1,    INSIDE},
    {MSG_AUTH_RESPONSE,         PAYLOAD_SA,      0, 1,    INSIDE},
    {MSG_AUTH_RESPONSE,         PAYLOAD_TSI,     0, 1,    INSIDE},
    {MSG_AUTH_RESPONSE,         PAYLOAD_TSR,     0, 1,    INSIDE},

    EVERYWHERE(MSG_NEW_CHILD_REQUEST, INSIDE),
    {MSG_NEW_CHILD_REQUEST,     PAYLOAD_SA,      1, 1,    INSIDE},
    {MSG_NEW_CHILD_REQUEST,     PAYLOAD_NONCE,   1, 1,    INSIDE},
    {MSG_NEW_CHILD_REQUEST,     PAYLOAD_KE,      0, 1,    INSIDE},
    {MSG_NEW_CHILD_REQUEST,     PAYLOAD_CP,      0, 1,    INSIDE},
    {MSG_NEW_CHILD_REQUEST,     PAYLOAD_TSI,     1, 1,    INSIDE},
    {MSG_NEW_CHILD_REQUEST,     PAYLOAD_TSR,     1, 1,    INSIDE},

    EVERYWHERE(MSG_REKEY_CHILD_REQUEST, INSIDE),
    {MSG_REKEY_CHILD_REQUEST,   PAYLOAD_SA,      1, 1,    INSIDE},
    {MSG_REKEY_CHILD_REQUEST,   PAYLOAD_NONCE,   1, 1,    INSIDE},
    {MSG_REKEY_CHILD_REQUEST,   PAYLOAD_KE,      0, 1,    INSIDE},
    {MSG_REKEY_CHILD_REQUEST,   PAYLOAD_CP,      0, 1,    INSIDE},
    {MSG_REKEY_CHILD_REQUEST,   PAYLOAD_TSI,     1, 1,    INSIDE},
    {MSG_REKEY_CHILD_REQUEST,   PAYLOAD_TSR,     1, 1,    INSIDE},

    EVERYWHERE(MSG_REKEY_IKE_REQUEST, INSIDE),
    {MSG_REKEY_IKE_REQUEST,     PAYLOAD_SA,      1, 1,    INSIDE},
    {MSG_REKEY_IKE_REQUEST,     PAYLOAD_NONCE,   1, 1,    INSIDE},
    {MSG_REKEY_IKE_REQUEST,     PAYLOAD_KE,      1, 1,    INSIDE}, /* not optional here [RFC7296#1.3.2] */

    EVERYWHERE(MSG_CHILD_RESPONSE, INSIDE),
    {MSG_CHILD_RESPONSE,        PAYLOAD_SA,      1, 1,    INSIDE},
    {MSG_CHILD_RESPONSE,        PAYLOAD_NONCE,   1, 1,    INSIDE},
    {MSG_CHILD_RESPONSE,        PAYLOAD_KE,      0, 1,    INSIDE},
    {MSG_CHILD_RESPONSE,        PAYLOAD_CP,      0, 1,    INSIDE},
    {MSG_CHILD_RESPONSE,        PAYLOAD_TSI,     1, 1,    INSIDE},
    {MSG_CHILD_RESPONSE,        PAYLOAD_TSR,     1, 1,    INSIDE},

    EVERYWHERE(MSG_REKEY_IKE_RESPONSE, INSIDE),
    {MSG_REKEY_IKE_RESPONSE,    PAYLOAD_SA,      1, 1,    INSIDE},
    {MSG_REKEY_IKE_RESPONSE,    PAYLOAD_NONCE,   1, 1,    INSIDE},
    {MSG_REKEY_IKE_RESPONSE,    PAYLOAD_KE,      1, 1,    INSIDE},

    EVERYWHERE(MSG_FOLLOWUP_REQUEST, INSIDE),
    {MSG_FOLLOWUP_REQUEST,      PAYLOAD_KE,      1, 1,    INSIDE},

    EVERYWHERE(MSG_FOLLOWUP_RESPONSE, INSIDE),
    {MSG_FOLLOWUP_RESPONSE,     PAYLOAD_KE,      1, 1,    INSIDE},

    EVERYWHERE(MSG_INFO_REQUEST, INSIDE),
    {MSG_INFO_REQUEST,          PAYLOAD_DELETE,  0, SOME, INSIDE},
    {MSG_INFO_REQUEST,          PAYLOAD_CP,      0, 1,    INSIDE},

    EVERYWHERE(MSG_INFO_RESPONSE, INSIDE),
    {MSG_INFO_RESPONSE,         PAYLOAD_DELETE,  0, SOME, INSIDE},
    {MSG_INFO_RESPONSE,         PAYLOAD_CP,      0, 1,    INSIDE},
};
static const size_t payload_rule_count = ARRAY_LEN(payload_rules);

#define K(kind)    (1u << MSG_##kind)
#define RESUME     (K(RESUME_REQUEST) | K(RESUME_RESPONSE))
#define INIT       (K(INIT_REQUEST) | K(INIT_RESPONSE) | RESUME)
#define AUTH       (K(AUTH_REQUEST) | K(AUTH_RESPONSE))
#define CHILD_REQ  (K(AUTH_REQUEST) | K(NEW_CHILD_REQUEST) | K(REKEY_CHILD_REQUEST))
#define CHILD_RSP  (K(AUTH_RESPONSE) | K(CHILD_RESPONSE))
#define CREATE_RSP (K(CHILD_RESPONSE) | K(REKEY_IKE_RESPONSE))
#define INFO       (K(INFO_REQUEST) | K(INFO_RESPONSE))
#define RESPONSE                                                                                             \
    (K(INIT_RESPONSE) | K(INTERMEDIATE_RESPONSE) | K(AUTH_RESPONSE) | K(CHILD_RESPONSE) |                    \
     K(REKEY_IKE_RESPONSE) | K(FOLLOWUP_RESPONSE) | K(INFO_RESPONSE) | K(RESUME_RESPONSE))
#define FOLLOWUP (K(FOLLOWUP_REQUEST) | K(FOLLOWUP_RESPONSE))
/* [RFC7296#2.21.2] the initiator can only tell by a further request what was wrong with a response. */
#define ANSWER (RESPONSE | K(INFO_REQUEST))

/* [RFC9593#3.1] */
#define ANNOUNCES (K(INIT_RESPONSE) | K(INTERMEDIATE_RESPONSE) | K(AUTH_REQUEST))

/* [RFC5685#3][RFC5685#5][RFC5685#6], and where sessions are resumed [RFC5723#4.3.2] */
#define REDIRECTS (K(INIT_RESPONSE) | K(RESUME_RESPONSE) | K(AUTH_RESPONSE) | K(INFO_REQUEST))

static const struct notify_rule notify_rules[] = {
    {N_UNSUPPORTED_CRITICAL_PAYLOAD,        1,    ANSWER                                                  },
    {N_INVALID_IKE_SPI,                     1,    K(INFO_REQUEST)                                         },
    {N_INVALID_MAJOR_VERSION,               1,    RESPONSE                                                },
    {N_INVALID_SYNTAX,                      1,    ANSWER                                                  },
    {N_INVALID_SPI,                         1,    K(INFO_REQUEST)                                         },
    {N_NO_PROPOSAL_CHOSEN,                  1,    K(INIT_RESPONSE) | K(AUTH_RESPONSE) | CREATE_RSP        },
    {N_INVALID_KE_PAYLOAD,                  1,    K(INIT_RESPONSE) | CREATE_RSP                           },
    {N_AUTHENTICATION_FAILED,               1,    K(AUTH_RESPONSE) | K(INFO_REQUEST)                      },
    {N_SINGLE_PAIR_REQUIRED,                1,    CHILD_RSP                                               },
    {N_NO_ADDITIONAL_SAS,                   1,    CREATE_RSP                                              },
    {N_INTERNAL_ADDRESS_FAILURE,            1,    CHILD_RSP                                               },
    {N_FAILED_CP_REQUIRED,                  1,    CHILD_RSP                                               },
    {N_TS_UNACCEPTABLE,                     1,    CHILD_RSP                                               },
    {N_TEMPORARY_FAILURE,                   1,    RESPONSE                                                },
    {N_TS_MAX_QUEUE,                        1,    K(CHILD_RESPONSE)                                       },
    {N_CHILD_SA_NOT_FOUND,                  1,    CREATE_RSP                                              },
    {N_INITIAL_CONTACT,                     1,    AUTH                                                    },
    {N_SET_WINDOW_SIZE,                     1,    AUTH | INFO                                             },
    {N_ADDITIONAL_TS_POSSIBLE,              1,    CHILD_RSP                                               },
    {N_IPCOMP_SUPPORTED,                    SOME, CHILD_REQ | CHILD_RSP                                   },
    {N_NAT_DETECTION_SOURCE_IP,             SOME, INIT | INFO                                             }, /* one per address that it may come from */
    {N_NAT_DETECTION_DESTINATION_IP,        1,    INIT | INFO                                             },
    {N_COOKIE,                              1,    INIT                                                    },
    {N_HTTP_CERT_LOOKUP_SUPPORTED,          SOME, ANNOUNCES                                               }, /* wherever CERTREQ stands */
    {N_USE_TRANSPORT_MODE,                  1,    CHILD_REQ | CHILD_RSP                                   },
    {N_REKEY_SA,                            1,    K(REKEY_CHILD_REQUEST)                                  },
    {N_ESP_TFC_PADDING_NOT_SUPPORTED,       1,    CHILD_REQ | CHILD_RSP                                   },
    {N_NON_FIRST_FRAGMENTS_ALSO,            1,    CHILD_REQ | CHILD_RSP                                   },
    {N_MOBIKE_SUPPORTED,                    1,    AUTH                                                    },
    {N_ADDITIONAL_IP4_ADDRESS,              SOME, AUTH | INFO                                             },
    {N_ADDITIONAL_IP6_ADDRESS,              SOME, AUTH | INFO                                             },
    {N_NO_ADDITIONAL_ADDRESSES,             1,    AUTH | INFO                                             },
    {N_UPDATE_SA_ADDRESSES,                 1,    INFO                                                    },
    {N_COOKIE2,                             1,    INFO                                                    },
    {N_NO_NATS_ALLOWED,                     1,    AUTH | INFO                                             },
    {N_UNACCEPTABLE_ADDRESSES,              1,    K(INFO_RESPONSE)                                        },
    {N_UNEXPECTED_NAT_DETECTED,             1,    K(AUTH_RESPONSE) | K(INFO_RESPONSE)                     },
    {N_MULTIPLE_AUTH_SUPPORTED,             1,    K(INIT_RESPONSE) | K(AUTH_REQUEST)                      },
    {N_ANOTHER_AUTH_FOLLOWS,                1,    AUTH                                                    },
    {N_AUTH_LIFETIME,                       1,    K(AUTH_RESPONSE) | INFO                                 },
    {N_SUPPORTED_AUTH_METHODS,              SOME, ANNOUNCES                                               },
    {N_SA_RESOURCE_INFO,                    1,    CHILD_REQ | CHILD_RSP                                   },
    {N_IKEV2_FRAGMENTATION_SUPPORTED,       1,    INIT                                                    },
    {N_SIGNATURE_HASH_ALGORITHMS,           1,    INIT                                                    },
    {N_CHILDLESS_IKEV2_SUPPORTED,           1,    K(INIT_RESPONSE)                                        },
    {N_REDIRECT_SUPPORTED,                  1,    K(INIT_REQUEST) | K(RESUME_REQUEST)                     },
    {N_REDIRECT,                            1,    REDIRECTS                                               },
    {N_REDIRECTED_FROM,                     1,    K(INIT_REQUEST) | K(RESUME_REQUEST)                     },
    {N_TICKET_REQUEST,                      1,    K(AUTH_REQUEST) | K(INFO_REQUEST)                       },
    {N_TICKET_LT_OPAQUE,                    1,    K(AUTH_RESPONSE) | K(INFO_RESPONSE)                     },
    {N_TICKET_ACK,                          1,    K(AUTH_RESPONSE) | K(INFO_RESPONSE)                     },
    {N_TICKET_NACK,                         1,    K(AUTH_RESPONSE) | K(INFO_RESPONSE) | K(RESUME_RESPONSE)},
    {N_TICKET_OPAQUE,                       1,    K(RESUME_REQUEST)                                       },
    {N_IKEV2_MESSAGE_ID_SYNC_SUPPORTED,     1,    AUTH                                                    },
    {N_IKEV2_MESSAGE_ID_SYNC,               1,    INFO                                                    },
    {N_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED, 1,    AUTH                                                    },
    {N_IPSEC_REPLAY_COUNTER_SYNC,           1,    K(INFO_REQUEST)                                         },
    {N_QUICK_CRASH_DETECTION,               SOME, AUTH | K(REKEY_IKE_RESPONSE) | INFO                     },
    {N_USE_BEET_MODE,                       1,    CHILD_REQ | CHILD_RSP                                   },
    {N_STATE_NOT_FOUND,                     1,    K(FOLLOWUP_RESPONSE)                                    },
    {N_INTERMEDIATE_EXCHANGE_SUPPORTED,     1,    INIT                                                    },
    {N_ADDITIONAL_KEY_EXCHANGE,             1,    CREATE_RSP | FOLLOWUP                                   },
};
static const size_t notify_rule_count = ARRAY_LEN(notify_rules);
