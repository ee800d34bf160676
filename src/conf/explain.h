/* SPDX-License-Identifier: Apache-2.0 */
/* What the schema knows of a key, for people and programs: `keyway config explain KEY`. A word may be a key's
 * own name or alias, in any dialect's spelling ("left-subnet", "keylife"), or have sections in front of it:
 * "children.local_ts", "connections.office.proposals", "charon.retransmit_tries". */
#pragma once

#include "base/text.h"
#include "conf/schema.h"

#define EXPLAIN_TEXT 1024

struct explanation {
    const struct schema_row *row;
    char key[80];                               /* as it is written in its file: "leftsubnet, rightsubnet" */
    char also[160];                             /* its other names; empty: none */
    const char *file, *whose;                   /* "ipsec.conf"; "Libreswan and strongSwan", or NULL */
    const char *section;                        /* "conn <name>" */
    const char *kind;                           /* "time" */
    char takes[EXPLAIN_TEXT];                   /* "a time: seconds, or with s, m, h or d behind it" */
    char def[EXPLAIN_TEXT];                     /* empty: none */
    char def_libreswan[64], def_strongswan[64]; /* ipsec.conf, where the dialects have their own */
    char becomes[160];         /* the key of connections {} that it stands for; empty: not one alone */
    char effect[EXPLAIN_TEXT]; /* "yes", or why it has none */
    bool is_effective;
};

/* The rows that a word may mean, from *at on; NULL: no more. */
const struct schema_row *explain_next(const char *word, size_t *at);
void explain_row(const struct schema_row *r, struct explanation *out);
#define EXPLAIN_NEAR 4
/* The names that are closest to a word that nothing is called by, the closest first; returns how many. */
size_t explain_near(const char *word, const char *near[EXPLAIN_NEAR]);
