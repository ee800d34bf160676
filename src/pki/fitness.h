/* SPDX-License-Identifier: Apache-2.0 */
/* Which kinds of client accept a certificate as a gateway's or a user's, and why not: what their makers
 * demand beyond RFC 5280, as a table of rules (fitness.c). It looks at the certificate alone: its path, its
 * revocation and whether it is for the right host are found elsewhere. */
#pragma once

#include "pki/cert.h"

enum fit_client { FIT_WINDOWS, FIT_APPLE, FIT_ANDROID, FIT_STRONGSWAN, FIT_LIBRESWAN, FIT_N_CLIENTS };
enum fit_role { FIT_GATEWAY, FIT_USER, FIT_N_ROLES };
enum fit_level { FIT_NOTE, FIT_RISK, FIT_REFUSED };

struct fit_rule {
    const char *name; /* "server-auth" */
    unsigned clients; /* bit N: enum fit_client N */
    unsigned roles;   /* bit N: enum fit_role N */
    enum fit_level level;
    bool (*is_broken)(const struct cert *c, int64_t now);
    const char *why, *try; /* for users; try may be NULL */
};

const char *fit_client_name(enum fit_client client); /* "iOS and macOS" */
/* index 0.. until NULL */
const struct fit_rule *fit_rule_at(size_t index);
/* Does the rule speak of this client and role, and does the certificate break it? */
bool fit_rule_applies(const struct fit_rule *rule, enum fit_client client, enum fit_role role,
                      const struct cert *c, int64_t now);
/* The worst level of what is broken; FIT_NOTE when nothing is that matters. */
enum fit_level fit_verdict(enum fit_client client, enum fit_role role, const struct cert *c, int64_t now);
