/* SPDX-License-Identifier: Apache-2.0 */
/* strongSwan's listcounters: its names for what vici counts, in its order. */
#include "base/span.h"
#include "bin/ipsec/lines/lines.h"

static const char *const counters_of[][2] = {
    {"ikeInitRekey",     "ike-rekey-init"       },
    {"ikeRspRekey",      "ike-rekey-resp"       },
    {"ikeChildSaRekey",  "child-rekey"          },
    {"ikeInInvalid",     "invalid"              },
    {"ikeInInvalidSpi",  "invalid-spi"          },
    {"ikeInInitReq",     "ike-init-in-req"      },
    {"ikeInInitRsp",     "ike-init-in-resp"     },
    {"ikeOutInitReq",    "ike-init-out-req"     },
    {"ikeOutInitRsp",    "ike-init-out-resp"    },
    {"ikeInAuthReq",     "ike-auth-in-req"      },
    {"ikeInAuthRsp",     "ike-auth-in-resp"     },
    {"ikeOutAuthReq",    "ike-auth-out-req"     },
    {"ikeOutAuthRsp",    "ike-auth-out-resp"    },
    {"ikeInCrChildReq",  "create-child-in-req"  },
    {"ikeInCrChildRsp",  "create-child-in-resp" },
    {"ikeOutCrChildReq", "create-child-out-req" },
    {"ikeOutCrChildRsp", "create-child-out-resp"},
    {"ikeInInfoReq",     "info-in-req"          },
    {"ikeInInfoRsp",     "info-in-resp"         },
    {"ikeOutInfoReq",    "info-out-req"         },
    {"ikeOutInfoRsp",    "info-out-resp"        },
};

void strongswan_counters(FILE *to, json_t *counters, const char *name)
{
    json_t *v = json_object_get(counters, name ? name : "");
    if (!v) {
        fprintf(to, "No IKE counters found for '%s'\n", name ? name : "");
        return;
    }
    fprintf(to, name ? "\nList of IKE counters for '%s':\n\n" : "\nList of IKE counters:\n\n", name);
    for (size_t i = 0; i < ARRAY_LEN(counters_of); i++)
        fprintf(to, "%-18s %12s\n", counters_of[i][0], member(v, counters_of[i][1]));
}
