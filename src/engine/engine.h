/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane as one function of (input, now): many IKE SAs, the config snapshot, uniqueness, retries.
 * No socket, clock, thread or file. */
#pragma once

#include "ike/v2/state.h" /* enum ike_state, enum child_state, struct engine_stats */
#include "model/action.h"

struct engine;

struct engine *engine_new(void);
void engine_free(struct engine *e);

/* Consumes one input; appends what is to be done to out (which the caller reset). An input's job or config is
 * taken. */
void engine_step(struct engine *e, struct time now, const struct input *in, struct outbox *out);
/* Call engine_step() with INPUT_TICK no later than this (mono microseconds); TIME_NEVER when nothing is
 * pending. */
int64_t engine_deadline(const struct engine *e);

/* ---- reading: for status, vici and tests. Views are valid until the next engine_step().
 * ---------------------------- */

struct child_view {
    uint64_t id;
    const char *name;
    const char *connection; /* whose child it is: a peer may make one in the IKE SA of another connection */
    uint32_t reqid;
    enum child_state state;
    enum child_mode mode;
    enum plane plane;
    struct kernel_options kernel; /* PLANE_KERNEL */
    bool has_encap;               /* in UDP, or in TCP */
    bool is_in_tcp;
    uint32_t spi_in, spi_out; /* host order */
    uint16_t cpi_in, cpi_out; /* IPComp; 0: none */
    bool is_per_cpu;          /* one of several (RFC 9611); that of a processor, or the one for all: */
    struct cpu cpu;
    uint32_t tfc_padding; /* in force: bytes; TFC_TO_MTU; 0: none */
    uint64_t dscp;        /* the traffic class that is sent through it; 0: what no other child sends */
    struct chosen chosen;
    int64_t installed_at, rekey_at, expires_at; /* mono; TIME_NEVER */
    const struct ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
    uint64_t bytes_in, packets_in, bytes_out, packets_out;
    int64_t last_in, last_out; /* mono; 0 = never */
};

struct ike_view {
    uint64_t id;
    const char *connection;
    enum ike_state state;
    bool is_initiator;
    uint64_t spi_i, spi_r;
    struct endpoint local, remote;
    struct identity local_id, remote_id;
    bool has_nat_local, has_nat_remote, has_fake_nat, does_mobike;
    bool has_ppk;                /* its keys, and those of its children, hold a postquantum preshared key */
    bool is_peer_unproven;       /* NULL authentication: nobody knows who it is */
    bool is_resumed, has_ticket; /* session resumption (RFC 5723) */
    int64_t ticket_until; /* mono: ours, or the one that the peer has of us, is good until then; 0: none */
    bool has_crash_token; /* the peer can show that it has lost the SA (RFC 6290) */
    struct ip redirected_from; /* the gateway that sent us, or the peer, here (RFC 5685); family 0: none */
    struct chosen chosen;
    int64_t established_at, rekey_at, reauth_at; /* mono; 0 / TIME_NEVER */
    size_t n_children;
    uint32_t if_id_in, if_id_out; /* of children that have none of their own; 0: none, or one each */
    const struct ip *local_vips, *remote_vips; /* virtual addresses */
    size_t n_local_vips, n_remote_vips;
};

struct trap_view { /* of a child that comes with the first packet for it */
    const char *connection, *child;
    enum child_mode mode;
    size_t index;       /* of the child in its connection */
    uint64_t policy_id; /* higher: installed later; 0: a shunt's */
    const struct ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
};

/* In the order of the connections: v says which was the last one, connection NULL begins. */
bool engine_trap_next(const struct engine *e, struct trap_view *v);

/* The same for policies that pass or drop and are in force; their selectors as configured. */
bool engine_shunt_next(const struct engine *e, struct trap_view *v);

/* The pools of virtual addresses. */
const struct pools *engine_pools(const struct engine *e);

/* Oldest first: out->id says which was the last one, 0 begins. */
bool engine_ike_next(const struct engine *e, struct ike_view *out);
bool engine_ike_find(const struct engine *e, uint64_t id, struct ike_view *out);
bool engine_child_find(const struct engine *e, uint64_t id, struct child_view *out);
/* index 0.. until false: for a few. */
bool engine_ike_at(const struct engine *e, size_t index, struct ike_view *out);
bool engine_child_at(const struct engine *e, uint64_t ike_id, size_t index, struct child_view *out);
const struct engine_stats *engine_stats(const struct engine *e);
/* Of messages: of a connection, or NULL when nothing was counted for one of that name; connection NULL: all.
 */
const struct ike_counters *engine_counters(const struct engine *e, const char *connection);
const struct config *engine_config(const struct engine *e);
const char *ike_state_name(enum ike_state s);     /* "ESTABLISHED": vici's words */
const char *child_state_name(enum child_state s); /* "INSTALLED" */
/* The last failure of a connection that is not up (class FAIL_NONE: none). */
const struct diag *engine_last_failure(const struct engine *e, const char *connection);
