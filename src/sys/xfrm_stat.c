/* SPDX-License-Identifier: Apache-2.0 */
/* See xfrm_stat.h. The names are those of Documentation/networking/xfrm_proc.rst; the words are ours. */
#include "sys/xfrm_stat.h"
#include <errno.h>
#include <stdlib.h>

static const struct xfrm_counter counters[];
static const size_t counter_count;

const struct xfrm_counter *xfrm_counter_find(const char *name)
{
    for (size_t i = 0; i < counter_count; i++) {
        if (strcmp(counters[i].name, name) == 0)
            return &counters[i];
    }
    return NULL;
}

const struct xfrm_counter *xfrm_counter_at(size_t index)
{
    return index < counter_count ? &counters[index] : NULL;
}

static bool parse_line(const char *at, size_t len, struct xfrm_count *out)
{
    size_t name = strcspn(at, " \t\n");
    if (name == 0 || name >= len || name >= sizeof(out->name))
        return false;
    size_t blank = strspn(at + name, " \t");
    const char *digits = at + name + blank;
    if (blank == 0 || *digits < '0' || *digits > '9')
        return false;
    char *end;
    errno = 0;
    out->value = strtoull(digits, &end, 10);
    if (errno || (size_t)(end - at) + strspn(end, " \t") != len)
        return false;
    memcpy(out->name, at, name);
    out->name[name] = '\0';
    return true;
}

size_t xfrm_stat_parse(const char *text, struct xfrm_count *out, size_t cap)
{
    size_t n = 0;
    while (*text && n < cap) {
        size_t len = strcspn(text, "\n");
        if (parse_line(text, len, &out[n]))
            n++;
        text += len + (text[len] == '\n');
    }
    return n;
}

#define KEYS_DIFFER "if it grows with the traffic, both ends have different SAs: rekey the child"

static const struct xfrm_counter counters[] = {
    {"XfrmInError",             "an inbound packet failed for a reason that the kernel does not tell",
     "look at the other counters first"                                                                                                                                                                   },
    {"XfrmInBufferError",       "no memory was left for an inbound packet, or it had been through too many SAs",
     "look at the machine's memory; a loop of tunnels does it as well"                                                                                                                                    },
    {"XfrmInHdrError",          "an inbound ESP, AH or IPComp header could not be read",
     "something on the way damages packets or cuts them"                                                                                                                                                  },
    {"XfrmInNoStates",          "an inbound packet named an SPI that no SA here has, for this address and protocol",
     "after a restart or a rekey some are normal; many: the peer uses an SA that is gone here. Marks of the "
     "SA have to match, too"                                                                                                                                                                              },
    {"XfrmInStateProtoError",   "integrity check or decryption of an inbound packet failed",                         KEYS_DIFFER                                                                          },
    {"XfrmInStateModeError",    "what was inside an inbound packet does not fit the mode of its SA",
     "compare tunnel, transport and BEET at both ends"                                                                                                                                                    },
    {"XfrmInStateSeqError",     "an inbound packet was a replay or too old for the replay window",
     "some are normal where packets overtake each other: raise replay_window"                                                                                                                             },
    {"XfrmInStateExpired",      "an inbound packet came for an SA that has reached its limit",
     "the peer did not rekey in time: compare the lifetimes"                                                                                                                                              },
    {"XfrmInStateMismatch",
     "an inbound packet came in UDP and its SA wants none, or the reverse, or another SA was meant",                 "a NAT that changed: look at encap at both ends"                                     },
    {"XfrmInStateInvalid",      "an inbound packet came for an SA that is not ready yet or is being deleted",
     "some around a rekey are normal"                                                                                                                                                                     },
    {"XfrmInTmplMismatch",
     "an inbound packet matched a policy that wants other SAs than it came through, or came in plain text",          "somebody sends plain text where a tunnel is; or the peer's selectors or mode differ"},
    {"XfrmInNoPols",            "an inbound packet came through an SA and no policy allows it",
     "selectors differ from the peer's, or a policy was deleted by somebody"                                                                                                                              },
    {"XfrmInPolBlock",          "a policy that drops matched an inbound packet",
     "wanted, where the configuration has mode = drop"                                                                                                                                                    },
    {"XfrmInPolError",          "an inbound policy could not be used",                                               "look at `ip xfrm policy`"                                                           },
    {"XfrmOutError",            "an outbound packet failed for a reason that the kernel does not tell",
     "look at the other counters first"                                                                                                                                                                   },
    {"XfrmOutBundleGenError",   "the SAs for an outbound packet could not be put together",
     "no route to the peer, or no memory"                                                                                                                                                                 },
    {"XfrmOutBundleCheckError", "what was put together for outbound packets does not fit any more",
     "routes that change all the time"                                                                                                                                                                    },
    {"XfrmOutNoStates",         "an outbound packet matched a policy that no SA serves",
     "while a tunnel comes up that is normal; else it is down: `keyway status`"                                                                                                                           },
    {"XfrmOutStateProtoError",  "an outbound packet could not be protected",
     "the kernel's crypto refused: look at its log"                                                                                                                                                       },
    {"XfrmOutStateModeError",
     "an outbound packet does not fit the mode of its SA, mostly because it is too long",                            "too big for the path with DF set: lower the MTU, or let TCP know (mss)"             },
    {"XfrmOutStateSeqError",    "an outbound SA has used all of its sequence numbers",
     "rekey earlier (life_packets), or use esn"                                                                                                                                                           },
    {"XfrmOutStateExpired",     "an outbound packet met an SA that has reached its limit",
     "rekeying fails or comes too late: `keyway status`"                                                                                                                                                  },
    {"XfrmOutPolBlock",         "a policy that drops matched an outbound packet",
     "wanted, where the configuration has mode = drop"                                                                                                                                                    },
    {"XfrmOutPolDead",          "an outbound policy was deleted while a packet used it",                             "some are normal"                                                                    },
    {"XfrmOutPolError",         "an outbound policy could not be used",                                              "look at `ip xfrm policy`"                                                           },
    {"XfrmFwdHdrError",         "a packet to be forwarded could not be read",
     "a router in front sends what is no IP packet"                                                                                                                                                       },
    {"XfrmOutStateInvalid",     "an outbound packet met an SA that is not ready yet or is being deleted",
     "some around a rekey are normal"                                                                                                                                                                     },
    {"XfrmAcquireError",        "the kernel could not ask for an SA",
     "no IKE daemon listens, or the kernel has no memory for it"                                                                                                                                          },
    {"XfrmOutStateDirError",    "an outbound packet met an SA that is for inbound ones",
     "two SAs with one SPI and address"                                                                                                                                                                   },
    {"XfrmInStateDirError",     "an inbound packet named an SA that is for outbound ones",
     "two SAs with one SPI and address"                                                                                                                                                                   },
    {"XfrmInIptfsError",        "an inbound IP-TFS payload could not be read",                                       "compare the mode at both ends"                                                      },
    {"XfrmOutNoQueueSpace",     "the queue of an IP-TFS SA was full",                                                "more traffic than its rate carries"                                                 },
};
static const size_t counter_count = ARRAY_LEN(counters);
