/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of `keyway xfrm`. */
#pragma once

#include "bin/keyway/lines/xfrm.h"
#include "net/ts.h"
#include "sys/xfrm_msg.h"

#define SELECTORS_MAX 255 /* of one row on one side */

/* "" and 0 when there is none */
const char *row_text(json_t *row, const char *key);
uint64_t row_number(json_t *row, const char *key);
bool row_has(json_t *row, const char *key); /* a flag that is "yes" */
/* Those that can be read; returns how many. */
size_t row_selectors(json_t *row, const char *key, struct ts *out, size_t cap);
/* The bodies with that name, borrowed, in their order: *n of them. free() it. */
json_t **rows_named(json_t *rows, const char *name, size_t *n);
/* "src 10.1.0.0/16 dst 10.2.0.0/16 proto tcp dport 80 " */
void print_selector(FILE *to, const struct xfrm_selector *s);
/* The limits and what was used of them. row NULL: none, nothing. */
void print_lifetime(FILE *to, json_t *row);
/* A copy where what is a number is one; names as in the rest of --json: replay_window. */
json_t *row_json(json_t *row);
