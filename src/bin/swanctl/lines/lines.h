/* SPDX-License-Identifier: Apache-2.0 */
/* What `swanctl` prints: pure functions from the daemon's messages to text, byte for byte as strongSwan's
 * swanctl prints them, whose lines scripts look for. Each takes a message of vici, well-formed or not (what
 * cannot be read ends it), and prints whatever the message has: nothing here knows which keys exist. */
#pragma once

#include "ctl/vici.h"
#include "pki/print/print.h"
#include <stdio.h>

/* ---- a message's parts (parts.c) */

/* The next section at this level with its contents. False at the end. Keys and lists between are passed by.
 */
bool part_next_section(struct vici_reader *r, struct span *name, struct span *body);
/* Past the section that just began, whose contents are body. */
bool part_take_section(struct vici_reader *r, struct span *body);
bool part_section(struct span message, const char *name, struct span *body);
/* A key's value when it is printable text. */
bool part_text(struct span message, const char *key, struct span *value);
/* That, or the fallback, right-aligned to width (left-aligned to a negative one). */
void part_print(FILE *to, struct span message, const char *key, const char *fallback, int width);
/* The value with what stands around it; nothing where there is none. */
void part_print_if(FILE *to, struct span message, const char *before, const char *key, const char *behind);
bool part_is_yes(struct span message, const char *key);
/* A list's items with blanks between. False: there is none, or it is empty. */
bool part_print_list(FILE *to, struct span message, const char *key);
/* The list with what stands around it, where there is one that is not empty. */
void part_print_list_if(FILE *to, struct span message, const char *before, const char *key,
                        const char *behind);
void print_span(FILE *to, struct span s);
/* Has no byte but printable ASCII. */
bool is_printable(struct span s);

/* ---- --raw and --pretty (dump.c) */

enum dump_style { DUMP_NONE, DUMP_RAW, DUMP_PRETTY };
/* "LABEL {key=value section {...} list=[a b]}" on one line, or on lines of their own. */
void dump_message(FILE *to, const char *label, struct span message, enum dump_style style);

/* ---- answers in words */

typedef void lines_fn(FILE *to, struct span message);

lines_fn lines_sas;         /* list-sa, ike-updown, child-updown */
lines_fn lines_connections; /* list-conn */
lines_fn lines_policies;    /* list-policy; and the others: lists.c */
lines_fn lines_authorities; /* list-authority */
lines_fn lines_pools;       /* get-pools */
lines_fn lines_algorithms;  /* get-algorithms */
lines_fn lines_counters;    /* get-counters */
lines_fn lines_stats;       /* stats */
lines_fn lines_version;     /* version */
lines_fn lines_control_log; /* control-log */
lines_fn lines_log;         /* log */

/* ---- list-certs (certs.c) */

struct certs_style {
    struct print_env env; /* has_private_key is set for each */
    bool is_pem;
};
/* What was printed before this one: only a change of kind has a heading. */
struct certs_state {
    const char *heading;
};
/* False with the reason: nothing was printed of it. */
bool lines_cert(FILE *to, struct span message, const struct certs_style *style, struct certs_state *state,
                struct diag *d);
