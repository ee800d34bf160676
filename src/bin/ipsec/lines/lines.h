/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that scripts of Libreswan and strongSwan look for, out of the daemon's answers: pure functions,
 * from vici messages as JSON to text. Libreswan's are those of 4.x, whose lines begin with a three-digit
 * code, or those of 5.x, which have none. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- Libreswan's codes: what a line is, and how a command ends that says it */
enum {
    RC_PLAIN = 0,
    RC_LOG = 2,
    RC_SERIOUS = 3,
    RC_SUCCESS = 4,
    RC_INFORMATION = 5,
    RC_TRAFFIC = 6,
    RC_UNKNOWN_NAME = 21,
    RC_ROUTE = 25,
    RC_NO_RETRANSMISSION = 31,
    RC_WHACK_PROBLEM = 33,
    RC_PROGRESS_INIT = 181, /* 150 and the state that is reached */
    RC_PROGRESS_AUTH = 182,
    RC_NOTIFICATION = 200, /* and the notify's number */
};

struct voice {
    FILE *to;
    bool has_prefix; /* 4.x */
};

void say(const struct voice *v, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line's end in what a command exits with: those below 20 are no failures. */
int code_as_exit(int code);

/* ---- answers: arrays of {"name", "body"}, as the events list-sa, list-conn and list-policy came */

struct answers {
    json_t *sas, *conns, *policies;
    json_t *status, *version, *stats; /* keyway-status, version, stats; NULL where a command needs none */
    json_t *pools;                    /* get-pools */
    json_t *addresses;                /* of the machine, on which the daemon listens */
    json_t *shown; /* by connection: what keyway-config-show says of it; NULL where a command needs none */
    json_t *interfaces; /* the names of the machine's by address, likewise */
    int64_t now;        /* wall clock, seconds */
    json_t *index;      /* by name; made by answers_index() */
};

/* "" when there is none */
const char *member(json_t *object, const char *key);
int64_t member_number(json_t *object, const char *key);
json_t *member_object(json_t *object, const char *key);
/* Makes what the functions below look things up in, for thousands of connections. Once all answers are there;
 * answers_free() drops it. */
void answers_index(struct answers *a);
void answers_free(struct answers *a);
/* The rows of a connection's IKE SAs, in their order, or NULL. */
json_t *sas_of(const struct answers *a, const char *connection);
/* The newest child that is up, as configured: also one that the peer made in another connection's IKE SA. */
json_t *up_child_of(const struct answers *a, const char *connection, const char *child);
bool has_trap(const struct answers *a, const char *connection, const char *child);
/* The connection's list-conn answer, or NULL. */
json_t *conn_of(const struct answers *a, const char *name);
/* Items with a separator between them, as malloc()ed text. */
char *joined(json_t *list, const char *separator);
/* Is it up: INSTALLED or about to be replaced? */
bool child_is_up(json_t *child);
/* Has the connection more than one possible peer? Libreswan calls each of them an instance. */
bool has_instances(json_t *conn);
/* What the user calls a child: the connection where that has no other or one of its name, else
 * CONNECTION/CHILD. */
const char *child_label(const struct answers *a, const char *connection, json_t *child, char buf[300]);

/* ---- Libreswan */

/* What is said of a name that nobody knows: 4.x, and 5.x with an apostrophe too many */
#define LIBRESWAN_NO_NAME_4 "no connection named \"%s\""
#define LIBRESWAN_NO_NAME_5 "no connection or alias named \"%s\"'"

/* An identity as Libreswan writes it: names have an @ in front. */
const char *libreswan_id(const char *id, char *buf, size_t cap);
/* "name", or "name"[n] address of one of several peers. buf: 400 bytes */
const char *libreswan_name(const struct answers *a, json_t *sa_row, const char *label, char *buf);
/* name NULL: all. Returns how many lines. */
size_t libreswan_traffic(const struct voice *v, const struct answers *a, const char *name);
/* The traffic of a connection's children, as it is told when they end. */
void libreswan_farewell(const struct voice *v, const struct answers *a, const char *name);
/* What `up` ends with. has_new: the IKE SA is new, too. */
void libreswan_up(const struct voice *v, const struct answers *a, const char *connection, const char *child,
                  bool has_new);
/* What `down` begins with, and for 5.x ends with. */
void libreswan_ending(const struct voice *v, const struct answers *a, const char *name);
void libreswan_ended(const struct voice *v, const struct answers *a, const char *name);
/* ID_FQDN and the like, of an identity as Libreswan writes it */
const char *libreswan_id_kind(const char *id);
void libreswan_brief(const struct voice *v, const struct answers *a);
void libreswan_connections(const struct voice *v, const struct answers *a, const char *name);
void libreswan_states(const struct voice *v, const struct answers *a, const char *name);
/* One line for each child that is up, and the totals. */
void libreswan_brief_connections(const struct voice *v, const struct answers *a, const char *name);
void libreswan_shunts(const struct voice *v, const struct answers *a);
void libreswan_global(const struct voice *v, const struct answers *a);
struct libreswan_places { /* for the head of status */
    const char *etc, *state;
    const char *const *interfaces; /* "eth0 UDP 192.0.2.1:500", NULL-terminated */
};
void libreswan_status(const struct voice *v, const struct answers *a, const struct libreswan_places *p);

/* ---- strongSwan */

void strongswan_status(FILE *to, const struct answers *a, const char *name, bool has_all);
/* Leases out of get-pools' answer. address NULL: all. False: there is no such pool or lease, which is said.
 */
bool strongswan_leases(FILE *to, json_t *pools, const char *pool, const char *address);
void strongswan_algorithms(FILE *to, json_t *algorithms);
/* counters: get-counters' section; name: of a connection, or NULL. */
void strongswan_counters(FILE *to, json_t *counters, const char *name);
