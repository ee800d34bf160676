/* SPDX-License-Identifier: Apache-2.0 */
/* Notify types and their names, in the order of the registry: see notify.h. */
#include "ike/msg/notify.h"
#include "base/span.h"
#include <stdio.h>

static const struct notify_info infos[] = {
    {N_UNSUPPORTED_CRITICAL_PAYLOAD,        "UNSUPPORTED_CRITICAL_PAYLOAD",        "CRIT"                  },
    {N_INVALID_IKE_SPI,                     "INVALID_IKE_SPI",                     "INVAL_IKE_SPI"         },
    {N_INVALID_MAJOR_VERSION,               "INVALID_MAJOR_VERSION",               "INVAL_MAJOR"           },
    {N_INVALID_SYNTAX,                      "INVALID_SYNTAX",                      "INVAL_SYN"             },
    {N_INVALID_MESSAGE_ID,                  "INVALID_MESSAGE_ID",                  "INVAL_MID"             },
    {N_INVALID_SPI,                         "INVALID_SPI",                         "INVAL_SPI"             },
    {N_NO_PROPOSAL_CHOSEN,                  "NO_PROPOSAL_CHOSEN",                  "NO_PROP"               },
    {N_INVALID_KE_PAYLOAD,                  "INVALID_KE_PAYLOAD",                  "INVAL_KE"              },
    {N_AUTHENTICATION_FAILED,               "AUTHENTICATION_FAILED",               "AUTH_FAILED"           },
    {N_SINGLE_PAIR_REQUIRED,                "SINGLE_PAIR_REQUIRED",                "SINGLE_PAIR"           },
    {N_NO_ADDITIONAL_SAS,                   "NO_ADDITIONAL_SAS",                   "NO_ADD_SAS"            },
    {N_INTERNAL_ADDRESS_FAILURE,            "INTERNAL_ADDRESS_FAILURE",            "INT_ADDR_FAIL"         },
    {N_FAILED_CP_REQUIRED,                  "FAILED_CP_REQUIRED",                  "FAIL_CP_REQ"           },
    {N_TS_UNACCEPTABLE,                     "TS_UNACCEPTABLE",                     "TS_UNACCEPT"           },
    {N_INVALID_SELECTORS,                   "INVALID_SELECTORS",                   "INVAL_SEL"             },
    {N_UNACCEPTABLE_ADDRESSES,              "UNACCEPTABLE_ADDRESSES",              "UNACCEPT_ADDR"         },
    {N_UNEXPECTED_NAT_DETECTED,             "UNEXPECTED_NAT_DETECTED",             "UNEXPECTED_NAT"        },
    {N_USE_ASSIGNED_HOA,                    "USE_ASSIGNED_HOA",                    "USE_ASSIGNED_HOA"      },
    {N_TEMPORARY_FAILURE,                   "TEMPORARY_FAILURE",                   "TEMP_FAIL"             },
    {N_CHILD_SA_NOT_FOUND,                  "CHILD_SA_NOT_FOUND",                  "NO_CHILD_SA"           },
    {N_INVALID_GROUP_ID,                    "INVALID_GROUP_ID",                    "INVALID_GROUP_ID"      },
    {N_AUTHORIZATION_FAILED,                "AUTHORIZATION_FAILED",                "AUTHORIZATION_FAILED"  },
    {N_STATE_NOT_FOUND,                     "STATE_NOT_FOUND",                     "STATE_NOT_FOUND"       },
    {N_TS_MAX_QUEUE,                        "TS_MAX_QUEUE",                        "TS_MAX_QUEUE"          },
    {N_INITIAL_CONTACT,                     "INITIAL_CONTACT",                     "INIT_CONTACT"          },
    {N_SET_WINDOW_SIZE,                     "SET_WINDOW_SIZE",                     "WINSIZE"               },
    {N_ADDITIONAL_TS_POSSIBLE,              "ADDITIONAL_TS_POSSIBLE",              "ADD_TS_POSS"           },
    {N_IPCOMP_SUPPORTED,                    "IPCOMP_SUPPORTED",                    "IPCOMP_SUP"            },
    {N_NAT_DETECTION_SOURCE_IP,             "NAT_DETECTION_SOURCE_IP",             "NATD_S_IP"             },
    {N_NAT_DETECTION_DESTINATION_IP,        "NAT_DETECTION_DESTINATION_IP",        "NATD_D_IP"             },
    {N_COOKIE,                              "COOKIE",                              "COOKIE"                },
    {N_USE_TRANSPORT_MODE,                  "USE_TRANSPORT_MODE",                  "USE_TRANSP"            },
    {N_HTTP_CERT_LOOKUP_SUPPORTED,          "HTTP_CERT_LOOKUP_SUPPORTED",          "HTTP_CERT_LOOK"        },
    {N_REKEY_SA,                            "REKEY_SA",                            "REKEY_SA"              },
    {N_ESP_TFC_PADDING_NOT_SUPPORTED,       "ESP_TFC_PADDING_NOT_SUPPORTED",       "ESP_TFC_PAD_N"         },
    {N_NON_FIRST_FRAGMENTS_ALSO,            "NON_FIRST_FRAGMENTS_ALSO",            "NON_FIRST_FRAG"        },
    {N_MOBIKE_SUPPORTED,                    "MOBIKE_SUPPORTED",                    "MOBIKE_SUP"            },
    {N_ADDITIONAL_IP4_ADDRESS,              "ADDITIONAL_IP4_ADDRESS",              "ADD_4_ADDR"            },
    {N_ADDITIONAL_IP6_ADDRESS,              "ADDITIONAL_IP6_ADDRESS",              "ADD_6_ADDR"            },
    {N_NO_ADDITIONAL_ADDRESSES,             "NO_ADDITIONAL_ADDRESSES",             "NO_ADD_ADDR"           },
    {N_UPDATE_SA_ADDRESSES,                 "UPDATE_SA_ADDRESSES",                 "UPD_SA_ADDR"           },
    {N_COOKIE2,                             "COOKIE2",                             "COOKIE2"               },
    {N_NO_NATS_ALLOWED,                     "NO_NATS_ALLOWED",                     "NO_NATS"               },
    {N_AUTH_LIFETIME,                       "AUTH_LIFETIME",                       "AUTH_LFT"              },
    {N_MULTIPLE_AUTH_SUPPORTED,             "MULTIPLE_AUTH_SUPPORTED",             "MULT_AUTH"             },
    {N_ANOTHER_AUTH_FOLLOWS,                "ANOTHER_AUTH_FOLLOWS",                "AUTH_FOLLOWS"          },
    {N_REDIRECT_SUPPORTED,                  "REDIRECT_SUPPORTED",                  "REDIR_SUP"             },
    {N_REDIRECT,                            "REDIRECT",                            "REDIRECT"              },
    {N_REDIRECTED_FROM,                     "REDIRECTED_FROM",                     "REDIR_FROM"            },
    {N_TICKET_LT_OPAQUE,                    "TICKET_LT_OPAQUE",                    "TICKET_LT_OPAQUE"      },
    {N_TICKET_REQUEST,                      "TICKET_REQUEST",                      "TICKET_REQUEST"        },
    {N_TICKET_ACK,                          "TICKET_ACK",                          "TICKET_ACK"            },
    {N_TICKET_NACK,                         "TICKET_NACK",                         "TICKET_NACK"           },
    {N_TICKET_OPAQUE,                       "TICKET_OPAQUE",                       "TICKET_OPAQUE"         },
    {N_LINK_ID,                             "LINK_ID",                             "LINK_ID"               },
    {N_USE_WESP_MODE,                       "USE_WESP_MODE",                       "USE_WESP_MODE"         },
    {N_ROHC_SUPPORTED,                      "ROHC_SUPPORTED",                      "ROHC_SUPPORTED"        },
    {N_EAP_ONLY_AUTHENTICATION,             "EAP_ONLY_AUTHENTICATION",             "EAP_ONLY"              },
    {N_CHILDLESS_IKEV2_SUPPORTED,           "CHILDLESS_IKEV2_SUPPORTED",           "CHDLESS_SUP"           },
    {N_QUICK_CRASH_DETECTION,               "QUICK_CRASH_DETECTION",               "QCD_TOKEN"             },
    {N_IKEV2_MESSAGE_ID_SYNC_SUPPORTED,     "IKEV2_MESSAGE_ID_SYNC_SUPPORTED",     "MID_SYNC_SUP"          },
    {N_IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED", "RPL_CTR_SYN_SUP"       },
    {N_IKEV2_MESSAGE_ID_SYNC,               "IKEV2_MESSAGE_ID_SYNC",               "MID_SYNC"              },
    {N_IPSEC_REPLAY_COUNTER_SYNC,           "IPSEC_REPLAY_COUNTER_SYNC",           "RPL_CTR_SYN"           },
    {N_SECURE_PASSWORD_METHODS,             "SECURE_PASSWORD_METHODS",             "SEC_PASSWD"            },
    {N_PSK_PERSIST,                         "PSK_PERSIST",                         "PSK_PERSIST"           },
    {N_PSK_CONFIRM,                         "PSK_CONFIRM",                         "PSK_CONFIRM"           },
    {N_ERX_SUPPORTED,                       "ERX_SUPPORTED",                       "ERX_SUPPORTED"         },
    {N_IFOM_CAPABILITY,                     "IFOM_CAPABILITY",                     "IFOM_CAPABILITY"       },
    {N_SENDER_REQUEST_ID,                   "SENDER_REQUEST_ID",                   "SENDER_REQUEST_ID"     },
    {N_IKEV2_FRAGMENTATION_SUPPORTED,       "IKEV2_FRAGMENTATION_SUPPORTED",       "FRAG_SUP"              },
    {N_SIGNATURE_HASH_ALGORITHMS,           "SIGNATURE_HASH_ALGORITHMS",           "HASH_ALG"              },
    {N_CLONE_IKE_SA_SUPPORTED,              "CLONE_IKE_SA_SUPPORTED",              "CLONE_IKE_SA_SUPPORTED"},
    {N_CLONE_IKE_SA,                        "CLONE_IKE_SA",                        "CLONE_IKE_SA"          },
    {N_PUZZLE,                              "PUZZLE",                              "PUZZLE"                },
    {N_USE_PPK,                             "USE_PPK",                             "USE_PPK"               },
    {N_PPK_IDENTITY,                        "PPK_IDENTITY",                        "PPK_ID"                },
    {N_NO_PPK_AUTH,                         "NO_PPK_AUTH",                         "NO_PPK_AUTH"           },
    {N_INTERMEDIATE_EXCHANGE_SUPPORTED,     "INTERMEDIATE_EXCHANGE_SUPPORTED",     "INTERMED_SUP"          },
    {N_IP4_ALLOWED,                         "IP4_ALLOWED",                         "IP4_ALLOWED"           },
    {N_IP6_ALLOWED,                         "IP6_ALLOWED",                         "IP6_ALLOWED"           },
    {N_ADDITIONAL_KEY_EXCHANGE,             "ADDITIONAL_KEY_EXCHANGE",             "ADD_KE"                },
    {N_USE_AGGFRAG,                         "USE_AGGFRAG",                         "USE_AGGFRAG"           },
    {N_SUPPORTED_AUTH_METHODS,              "SUPPORTED_AUTH_METHODS",              "AUTH_METHODS"          },
    {N_SA_RESOURCE_INFO,                    "SA_RESOURCE_INFO",                    "SA_RES_INFO"           },
    {N_USE_BEET_MODE,                       "USE_BEET_MODE",                       "BEET_MODE"             },
};

const struct notify_info *notify_find(uint16_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        if (infos[i].type == type)
            return &infos[i];
    }
    return NULL;
}

const struct notify_info *notify_at(size_t index)
{
    return index < ARRAY_LEN(infos) ? &infos[index] : NULL;
}

const char *notify_format(uint16_t type, char *buf, size_t cap)
{
    const struct notify_info *info = notify_find(type);
    if (info)
        return info->name;
    snprintf(buf, cap, "notify %u", type);
    return buf;
}
