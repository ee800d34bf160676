/* SPDX-License-Identifier: Apache-2.0 */
/* A name server with one zone, signed when it starts (Ed25519, RFC 8080), that a test may have lie: UDP on
 * port 53 of the loopback of the test's network namespace. Nothing of it is Keyway's but the loops. */
#pragma once

#include "base/span.h"

#define TESTDNS_ZONE "keys.example" /* below it is TESTDNS_ZONE's and nobody else's */

enum testdns_lie {
    TESTDNS_HONEST,
    TESTDNS_SPOILED,  /* a signature is wrong */
    TESTDNS_EXPIRED,  /* it was good */
    TESTDNS_UNSIGNED, /* there is none */
    TESTDNS_ALTERED,  /* another key under the signature */
    TESTDNS_SILENT,
    TESTDNS_SERVFAIL,
};

struct testdns_record {
    const char *name;  /* "moon": below the zone; "moon.": nowhere in it, and not signed */
    struct span rdata; /* of an IPSECKEY record */
    unsigned ttl;
};

/* Until testdns_stop(). records stay the caller's. */
void testdns_start(const struct testdns_record *records, size_t n);
void testdns_stop(void);
void testdns_lie(enum testdns_lie how);
unsigned testdns_questions(void); /* for IPSECKEY records, so far */
/* A file of one trust anchor: the zone's DNSKEY. */
void testdns_write_anchor(const char *path);
