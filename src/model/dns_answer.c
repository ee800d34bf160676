/* SPDX-License-Identifier: Apache-2.0 */
/* Raw public keys that DNS has for a peer's name (RFC 4025): which of an answer's records a verification
 * tries, and in which words it is refused when there is none. See action.h. Not here: asking, and whether
 * DNSSEC proves the answer (src/sys/dns_keys.c); which name is asked for (src/ike/v2/dns_key.c).
 *
 * The gateway that a record names is not looked at: the peer has proved which key it has, and the key is the
 * name's. */
#include "crypto/ipseckey.h"
#include "model/action.h"

/* [RFC4025#2.2] lower precedence first; of equal ones the order does not matter. */
static void sort(struct ipseckey *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct ipseckey one = v[i];
        size_t at = i;
        for (; at > 0 && v[at - 1].precedence > one.precedence; at--)
            v[at] = v[at - 1];
        v[at] = one;
    }
}

static void fail(struct job *j, enum dns_outcome outcome, const char *detail)
{
    j->dns_outcome = outcome;
    j->dns_detail = detail ? arena_strdup(j->arena, detail) : NULL;
}

void job_dns_failed(struct job *j, enum dns_outcome outcome, const char *detail)
{
    fail(j, outcome, detail);
}

void job_dns_answer(struct job *j, const struct span *rdata, size_t n)
{
    struct ipseckey found[DNS_RECORDS_MAX];
    struct diag d = {0};
    size_t n_found = 0;
    for (size_t i = 0; i < n && n_found < DNS_RECORDS_MAX; i++)
        n_found += ipseckey_read(rdata[i], &found[n_found], &d);
    sort(found, n_found);
    for (size_t i = 0; i < n_found && j->n_peer_keys < JOB_KEYS_MAX; i++) {
        struct pkey *k = found[i].algorithm ? pkey_load_ipseckey(found[i].algorithm, found[i].key, &d) : NULL;
        if (k)
            j->peer_keys[j->n_peer_keys++] = k;
    }
    if (j->n_peer_keys)
        fail(j, DNS_SECURE, NULL);
    else
        fail(j, DNS_UNREADABLE, diag_failed(&d) ? d.what : "records without a key");
}

static const struct words {
    const char *got, *try;
} words[] = {
    [DNS_NOT_ASKED] = {"nobody here asks DNS",                           ""                                                                       },
    [DNS_SECURE] = {"a key",                                          ""                                                                       },
    [DNS_BOGUS] =
        {"an answer whose signatures do not hold (bogus)",
                       "are the zone's signatures in order, the trust anchors current, and this machine's clock right?"                           },
    [DNS_INSECURE] =
        {"an answer that nobody vouches for: the zone is not signed, or none of our trust anchors leads to "
         "it (insecure)",                         "sign the zone and have its DS in the one above it, or name the zone's own key in "
         "dns_trust_anchors"                                                                      },
    [DNS_MISSING] = {"the proof that there is none",
                       "publish the peer's key there: ipsec showhostkey --ipseckey"                                                               },
    [DNS_UNREADABLE] = {"records that cannot be used",                    "algorithm 2 (RSA), 3 (ECDSA) or 4 (EdDSA)"                              },
    [DNS_NO_ANSWER] = {"no answer",
                       "are the name servers alive that resolv.conf names, and do they pass on what "
                       "DNSSEC needs?"                                                                                                            },
    [DNS_NO_ANCHOR] = {"not asked, for want of a trust anchor",          "name a file with DS or DNSKEY records in "
                                                                "dns_trust_anchors"},
    [DNS_BUSY] = {"not asked: too many others are being asked for", "try again later"                                                        },
};

void job_dns_explain(const struct job *j, struct diag *d)
{
    const struct words *w = &words[j->dns_outcome];
    diag_set(d, FAIL_CERTIFICATE, "DNS has no public key of the peer's that can be trusted");
    diag_expected(d, "IPSECKEY records of %.255s, proved by DNSSEC", j->dns_name);
    diag_got(d, "%s%s%.300s", w->got, j->dns_detail ? ": " : "", j->dns_detail ? j->dns_detail : "");
    if (w->try[0])
        diag_try(d, "%s", w->try);
}
