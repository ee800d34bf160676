/* SPDX-License-Identifier: Apache-2.0 */
/* The order of features in messages: see features.h. */
#include "ike/v2/features.h"
#include "ike/v2/crash.h"
#include "ike/v2/create_child.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"

static const struct feature_part parts[] = {
    {MSG_INIT_REQUEST,    "cookie",              init_put_cookie,     NULL              }, /* first [RFC7296#2.6] */
    {MSG_INIT_REQUEST,    "SA, KE, nonce",       init_put_request,    NULL              },
    {MSG_INIT_REQUEST,    "NAT detection",       natd_put,            natd_take         },
    {MSG_INIT_REQUEST,    "PPK",                 ppk_put_use,         ppk_take_use      },
    {MSG_INIT_REQUEST,    "fragmentation",       frag_put,            frag_take         },
    {MSG_INIT_REQUEST,    "redirect",            redirect_put,        redirect_take     },
    {MSG_INIT_REQUEST,    "signature hashes",    auth_put_hashes,     auth_take_hashes  },
    {MSG_INIT_REQUEST,    "IKE_INTERMEDIATE",    intermediate_put,    intermediate_take },
    {MSG_INIT_REQUEST,    "vendor ID",           vendor_put,          NULL              },

    {MSG_INIT_RESPONSE,   "SA, KE, nonce",       init_put_response,   NULL              },
    {MSG_INIT_RESPONSE,   "NAT detection",       natd_put,            natd_take         },
    {MSG_INIT_RESPONSE,   "PPK",                 ppk_put_use,         ppk_take_use      },
    {MSG_INIT_RESPONSE,   "certificate request", cert_put_request,    cert_take_request },
    {MSG_INIT_RESPONSE,   "cert look-up",        cert_url_ask,        cert_url_asked    },
    {MSG_INIT_RESPONSE,   "raw key request",     raw_key_ask,         raw_key_asked     },
    {MSG_INIT_RESPONSE,   "auth methods",        announce_put,        announce_take     },
    {MSG_INIT_RESPONSE,   "fragmentation",       frag_put,            frag_take         },
    {MSG_INIT_RESPONSE,   "signature hashes",    auth_put_hashes,     auth_take_hashes  },
    {MSG_INIT_RESPONSE,   "IKE_INTERMEDIATE",    intermediate_put,    intermediate_take },
    {MSG_INIT_RESPONSE,   "childless",           childless_put,       childless_take    },
    {MSG_INIT_RESPONSE,   "rounds",              rounds_put,          rounds_take       },
    {MSG_INIT_RESPONSE,   "vendor ID",           vendor_put,          NULL              },

    {MSG_RESUME_REQUEST,  "cookie",              init_put_cookie,     NULL              },
    {MSG_RESUME_REQUEST,  "nonce",               resume_put_nonce,    NULL              },
    {MSG_RESUME_REQUEST,  "ticket",              resume_put_opaque,   NULL              },
    {MSG_RESUME_REQUEST,  "NAT detection",       natd_put,            natd_take         },
    {MSG_RESUME_REQUEST,  "fragmentation",       frag_put,            frag_take         },
    {MSG_RESUME_REQUEST,  "redirect",            redirect_put,        redirect_take     },
    {MSG_RESUME_REQUEST,  "vendor ID",           vendor_put,          NULL              },

    {MSG_RESUME_RESPONSE, "nonce",               resume_put_nonce,    NULL              },
    {MSG_RESUME_RESPONSE, "NAT detection",       natd_put,            natd_take         },
    {MSG_RESUME_RESPONSE, "fragmentation",       frag_put,            frag_take         },
    {MSG_RESUME_RESPONSE, "childless",           childless_put,       childless_take    },
    {MSG_RESUME_RESPONSE, "vendor ID",           vendor_put,          NULL              },

    {MSG_AUTH_REQUEST,    "identity",            auth_put_id,         NULL              },
    {MSG_AUTH_REQUEST,    "certificate",         cert_put_own,        NULL              },
    {MSG_AUTH_REQUEST,    "attributes",          cert_put_attributes, NULL              },
    {MSG_AUTH_REQUEST,    "OCSP response",       cert_put_response,   NULL              },
    {MSG_AUTH_REQUEST,    "raw key",             raw_key_put,         NULL              },
    {MSG_AUTH_REQUEST,    "initial contact",     contact_put,         contact_take      },
    {MSG_AUTH_REQUEST,    "certificate request", cert_put_request,    NULL              }, /* read to choose who we are */
    {MSG_AUTH_REQUEST,    "cert look-up",        cert_url_ask,        NULL              }, /* likewise */
    {MSG_AUTH_REQUEST,    "raw key request",     raw_key_ask,         NULL              }, /* likewise */
    {MSG_AUTH_REQUEST,    "auth methods",        announce_put,        NULL              }, /* as above */
    {MSG_AUTH_REQUEST,    "identity asked for",  auth_put_wanted,     NULL              },
    {MSG_AUTH_REQUEST,    "AUTH",                auth_put_own,        NULL              },
    {MSG_AUTH_REQUEST,    "rounds",              rounds_put,          NULL              }, /* read to choose a connection */
    {MSG_AUTH_REQUEST,    "further round",       rounds_put_more,     NULL              },
    {MSG_AUTH_REQUEST,    "PPK",                 ppk_put_identity,    NULL              }, /* read to check AUTH */
    {MSG_AUTH_REQUEST,    "crash detection",     crash_put,           crash_take        }, /* [RFC6290#4.2] here */
    {MSG_AUTH_REQUEST,    "ticket",              resume_put_wish,     NULL              },
    {MSG_AUTH_REQUEST,    "configuration",       cfg_put_request,     cfg_take_request  }, /* before SA [RFC7296#2.19] */
    {MSG_AUTH_REQUEST,    "child",               create_child_put,    NULL              },
    {MSG_AUTH_REQUEST,    "MOBIKE",              mobike_put,          mobike_take       },
    {MSG_AUTH_REQUEST,    "message IDs",         msgid_sync_put,      msgid_sync_take   },
    {MSG_AUTH_REQUEST,    "sequence numbers",    counter_sync_put,    counter_sync_take },
    {MSG_AUTH_REQUEST,    "window size",         overlap_put,         overlap_take      },

    {MSG_AUTH_RESPONSE,   "identity",            auth_put_id,         NULL              },
    {MSG_AUTH_RESPONSE,   "certificate",         cert_put_own,        NULL              },
    {MSG_AUTH_RESPONSE,   "attributes",          cert_put_attributes, NULL              },
    {MSG_AUTH_RESPONSE,   "OCSP response",       cert_put_response,   NULL              },
    {MSG_AUTH_RESPONSE,   "raw key",             raw_key_put,         NULL              },
    {MSG_AUTH_RESPONSE,   "AUTH",                auth_put_own,        NULL              },
    {MSG_AUTH_RESPONSE,   "PPK",                 ppk_put_identity,    NULL              }, /* as above */
    {MSG_AUTH_RESPONSE,   "crash detection",     crash_put,           crash_take        },
    {MSG_AUTH_RESPONSE,   "redirect",            redirect_put_auth,   NULL              }, /* instead of a child */
    {MSG_AUTH_RESPONSE,   "ticket",              resume_put_ticket,   resume_take_ticket},
    {MSG_AUTH_RESPONSE,   "configuration",       cfg_put_reply,       cfg_take_reply    },
    {MSG_AUTH_RESPONSE,   "child",               create_child_answer, NULL              },
    {MSG_AUTH_RESPONSE,   "MOBIKE",              mobike_put,          mobike_take       },
    {MSG_AUTH_RESPONSE,   "message IDs",         msgid_sync_put,      msgid_sync_take   },
    {MSG_AUTH_RESPONSE,   "sequence numbers",    counter_sync_put,    counter_sync_take },
    {MSG_AUTH_RESPONSE,   "window size",         overlap_put,         overlap_take      },
    {MSG_AUTH_RESPONSE,   "lifetime",            lifetime_put,        lifetime_take     },

    {MSG_MORE_REQUEST,    "identity",            auth_put_id,         NULL              },
    {MSG_MORE_REQUEST,    "certificate",         cert_put_own,        NULL              },
    {MSG_MORE_REQUEST,    "attributes",          cert_put_attributes, NULL              },
    {MSG_MORE_REQUEST,    "OCSP response",       cert_put_response,   NULL              },
    {MSG_MORE_REQUEST,    "raw key",             raw_key_put,         NULL              },
    {MSG_MORE_REQUEST,    "AUTH",                auth_put_own,        NULL              },
    {MSG_MORE_REQUEST,    "further round",       rounds_put_more,     NULL              },

    {MSG_MORE_RESPONSE,   "identity",            auth_put_id,         NULL              },
    {MSG_MORE_RESPONSE,   "certificate",         cert_put_own,        NULL              },
    {MSG_MORE_RESPONSE,   "attributes",          cert_put_attributes, NULL              },
    {MSG_MORE_RESPONSE,   "OCSP response",       cert_put_response,   NULL              },
    {MSG_MORE_RESPONSE,   "raw key",             raw_key_put,         NULL              },
    {MSG_MORE_RESPONSE,   "AUTH",                auth_put_own,        NULL              },
    {MSG_MORE_RESPONSE,   "PPK",                 ppk_put_identity,    NULL              },
    {MSG_MORE_RESPONSE,   "further round",       rounds_put_more,     NULL              },
};

void features_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x,
                  enum message_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].kind == kind && parts[i].put)
            parts[i].put(env, b, sa, x);
    }
}

bool features_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    enum message_kind kind = rules_kind(m);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].kind == kind && parts[i].take && !parts[i].take(env, sa, m, d))
            return false;
    }
    return true;
}

const struct feature_part *features_at(size_t index)
{
    return index < ARRAY_LEN(parts) ? &parts[index] : NULL;
}
