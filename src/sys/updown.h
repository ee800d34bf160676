/* SPDX-License-Identifier: Apache-2.0 */
/* Runs updown commands: /bin/sh -c COMMAND, with what happened in PLUTO_* variables, as the scripts that
 * users of other IPsec suites have expect it. Nothing that a peer says reaches the command line, and in the
 * variables only characters that mean nothing to a shell. Several commands run at once, those of one child in
 * order. Belongs to the loop's thread. */
#pragma once

#include "model/action.h"
#include "sys/address.h"
#include <uv.h>

struct updown_runner;

/* How the commands of one event of Libreswan's style have ended, for the verbs route and up: failure is text,
 * or NULL when all went well. */
typedef void updown_ended_cb(void *ctx, const struct updown *u, const char *failure);

struct updown_options {
    unsigned max_running;   /* commands at a time; 0: 8 */
    unsigned max_waiting;   /* 0: 32768 */
    unsigned timeout_ms;    /* then it is told to end, with what it has started; 0: 60000 */
    unsigned grace_ms;      /* and killed when it has not; 0: 5000 */
    const char *device;     /* the tunnel's; kept by the caller; NULL: kw0 */
    updown_ended_cb *ended; /* may be NULL */
    void *ctx;
};

struct updown_runner *updown_new(uv_loop_t *uv, const struct updown_options *o);
/* Once for each pair of a local and a remote selector; nothing without a command. Copies u. */
void updown_run(struct updown_runner *r, const struct updown *u);
/* Commands that run or wait. */
size_t updown_pending(const struct updown_runner *r);
/* Runs the loop until all have ended, at most that long; what is left then is killed or not run, which is
 * logged. */
void updown_finish(struct updown_runner *r, unsigned ms);
/* After updown_finish(); the memory goes when the loop runs once more. NULL is fine. */
void updown_free(struct updown_runner *r);

/* ---- updown_env.c */

#define UPDOWN_PAIRS_MAX 64 /* commands that one event may cost */
#define UPDOWN_VARS      64

struct updown_pair {
    struct prefix local, remote;
    uint8_t proto;
    uint16_t local_port, remote_port;         /* 0: any, or a range */
    uint16_t local_ports[2], remote_ports[2]; /* from, to */
};

#define UPDOWN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct updown_ways {
    const char *device;             /* where the tunnel's plain packets are */
    char interface[ADDRESS_DEVICE]; /* what has our outer address */
    struct ip next_hop;             /* towards the peer; family 0: the peer itself */
};

/* updown_ways.c: asks the machine. */
void updown_ways(struct ip local, struct ip remote, struct updown_ways *out);

/* The pairs of one family; false when there are more than UPDOWN_PAIRS_MAX. */
bool updown_pairs(const struct updown *u, struct updown_pair out[UPDOWN_PAIRS_MAX], size_t *n);
/* "PLUTO_VERB=up-client", ... and NULL at the end, in a. */
char **updown_env(struct arena *a, const struct updown *u, const struct updown_pair *p,
                  const struct updown_ways *w);
char **updown_env_libreswan(struct arena *a, const struct updown *u, const struct updown_pair *p,
                            const struct updown_ways *w);
/* "up-client-v6" */
const char *updown_full_verb(struct arena *a, const struct updown *u, const struct updown_pair *p);
/* With _ for what means something to a shell. */
char *updown_safe_text(struct arena *a, const char *text);
