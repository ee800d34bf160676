/* SPDX-License-Identifier: Apache-2.0 */
/* Two gateways, a network and a clock in one process. A scenario sets the stage, lets faults rage until a
 * moment, then the network is clean and the goal has to be reached within the scenario's time. */
#pragma once

#include "node.h"
#include "tcp.h"

enum { A, B, NODES };

struct sim {
    uint64_t seed;
    struct time now;
    struct net net;
    struct tcp tcp;
    struct node node[NODES];
    bool is_verbose, has_traffic;
    int64_t next_traffic;
    uint32_t old_spi; /* marks of a scenario: what it wants to see replaced */
    uint64_t old_ike;
    int64_t verdicts_after; /* what is to be verified takes up to so long; 0: as other jobs do */
    char failure[512];      /* the first thing that went wrong; empty: nothing */
    /* Every encryption key ever put to use for sending, and every (SPI, IV) seen on the wire: none may
     * repeat. */
    uint64_t *seen;
    size_t n_seen, cap_seen;
};

/* Faults of the first phase. */
enum weather { CLEAN, LOSS, DUPLICATION, REORDERING, NATTED, STORM, ALL_OF_IT, WEATHERS };

struct scenario {
    const char *name;
    const char *conf_a, *conf_b; /* keyway.conf of each side */
    void (*run)(struct sim *s);  /* what happens during the first phase */
    bool (*goal)(struct sim *s);
    int64_t goal_within; /* microseconds of virtual time after the faults stop */
    enum weather weather;
    bool has_siblings;           /* the same in other weathers */
    bool needs_lossless_traffic; /* with traffic running nothing may be lost */
};

/* What the gateways' machines have: with PLANE_KERNEL connections are the kernel's wherever they can be. Its
 * records are carried out by the same data plane: how the two differ is not simulated. */
extern enum plane sim_plane;

void sim_init(struct sim *s, uint64_t seed, bool is_verbose);
void sim_deinit(struct sim *s);
void sim_weather(struct sim *s, enum weather w);
/* Lets virtual time pass. */
void sim_run(struct sim *s, int64_t microseconds);
/* Until the condition holds, at most that long; false when it never did. */
bool sim_run_until(struct sim *s, bool (*condition)(struct sim *), int64_t microseconds);
void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Remembers a 64-bit fingerprint; false when it was there already. */
bool sim_remember(struct sim *s, struct span what, uint64_t domain);
/* One IKE SA and as many children on each side, agreeing, and traffic passes both ways. */
bool sim_is_up(struct sim *s, size_t children);
/* That many tunnels, an IKE SA with one child of its own name each, and no more. With two of them traffic of
 * the second goes between 10.11.0.0/24 and 10.21.0.0/24. */
bool sim_are_up(struct sim *s, size_t tunnels);
bool sim_is_down(struct sim *s);
/* Brings the tunnel up over a clean network, then lets the weather in. Fails the run when it does not come
 * up. */
void sim_establish(struct sim *s, size_t children);
/* The same for any condition. */
void sim_establish_until(struct sim *s, bool (*condition)(struct sim *));
/* Remembers the SPIs of A's IKE SA and first child. */
void sim_mark(struct sim *s);
bool sim_child_is_new(struct sim *s);
bool sim_ike_is_new(struct sim *s);

/* Once per process, before the first scenario. */
void sim_make_certificates(void);

/* Each ends with a row without a name. */
extern const struct scenario scenarios_setup[], scenarios_rekey[], scenarios_life[], scenarios_many[],
    scenarios_encap[], scenarios_trap[], scenarios_modes[], scenarios_kin[], scenarios_roam[],
    scenarios_vips[], scenarios_ppk[], scenarios_collide[], scenarios_tcp[], scenarios_addke[],
    scenarios_childless[], scenarios_null[], scenarios_crash[], scenarios_resume[], scenarios_redirect[],
    scenarios_rounds[], scenarios_cluster[], scenarios_announce[], scenarios_alike[], scenarios_overlap[],
    scenarios_verdict[], scenarios_reload[], scenarios_per_cpu[];
