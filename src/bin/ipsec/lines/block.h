/* SPDX-License-Identifier: Apache-2.0 */
/* One connection in Libreswan's status: see libreswan_block.c. */
#pragma once

#include "bin/ipsec/lines/lines.h"

struct block {
    const struct voice *v;
    const struct answers *a;
    const char *label, *connection; /* "net/1x1", "net" */
    json_t *conn, *child;           /* of list-conns */
    json_t *set, *kid, *pools;      /* of keyway-config-show: of it, of its child, all pools; or NULL */
    json_t *sa, *up;                /* that are up, or NULL */
    bool has_trap;
    size_t serial;
};

void block_write(const struct block *b);

/* block.c: values of keyway-config-show; "" where there is none */
const char *block_set(json_t *o, const char *key);
bool block_is_said(json_t *o, const char *key); /* by a file, and no default */
long long block_number(json_t *o, const char *key);
bool block_is(json_t *o, const char *key, const char *value);
bool text_holds(const char *text, const char *word);
/* 5.x's word for where its packets go. */
const char *block_routing(const struct block *b);
/* "psk", "null", "pubkey", or that and signature schemes; side: "local" or "remote" */
const char *block_auth(const struct block *b, const char *side);
json_t *block_proposals(const struct block *b); /* of AH where it has them, else of ESP */
bool block_has_method(const char *proposals);

/* libreswan_topology.c: the host's address as configured, or as it is with the peer; lines */
const char *block_host(const struct block *b, bool is_local, char *buf, size_t cap);
void block_title(FILE *f, const struct block *b);
void block_identities(FILE *f, const struct block *b);

/* libreswan_algorithms.c */
void block_ike_algorithms(FILE *f, const struct block *b);
void block_ike_newest(FILE *f, const struct block *b);
void block_child_algorithms(FILE *f, const struct block *b);
void block_child_newest(FILE *f, const struct block *b);
