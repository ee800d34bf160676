/* SPDX-License-Identifier: Apache-2.0 */
/* One DNS question for IPSECKEY records, answered with what DNSSEC says of it. Around libunbound's context,
 * which has threads and a cache of its own. Private to src/sys; one thread. */
#pragma once

#include "model/action.h"

/* Whom to ask and what to believe: copies. */
struct dns_sources;
struct dns_sources *dns_sources_new(const struct settings *s);
void dns_sources_free(struct dns_sources *s);

struct dns_answer {
    enum dns_outcome outcome;
    const char *detail;                 /* or NULL */
    struct span rdata[DNS_RECORDS_MAX]; /* DNS_SECURE */
    size_t n;
};
typedef void dns_answered(void *ctx, const struct dns_answer *a);

struct dns_resolver;
struct dns_resolver *dns_resolver_new(void);
void dns_resolver_free(struct dns_resolver *r);
/* Takes the sources (NULL: they have not changed). They are used when no question is under way any more. */
void dns_resolver_configure(struct dns_resolver *r, struct dns_sources *s);
/* answered is called once: from here, or from dns_resolver_process(), unless it is cancelled. */
void dns_resolver_ask(struct dns_resolver *r, const char *name, dns_answered *answered, void *ctx, int *id);
void dns_resolver_cancel(struct dns_resolver *r, int id);
/* Readable when there is something to process; -1: nothing was asked yet. */
int dns_resolver_fd(const struct dns_resolver *r);
void dns_resolver_process(struct dns_resolver *r);
