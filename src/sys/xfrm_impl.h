/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the executor (xfrm.h) share: its tables. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "sys/xfrm.h"
#include "sys/xfrm_journal.h"
#include "sys/xfrm_link.h"
#include "sys/xfrm_msg.h"

#define XFRM_DEVICES 16 /* interfaces of which is known what they can */
#define XFRM_WHY     400

struct xfrm_state { /* an SA of a record */
    struct map_node by_spi, by_id;
    struct list link;
    struct esp_sa sa; /* with its keys: an SA that moves is made anew */
    struct xfrm_state_id id;
    struct xfrm_comp *comp; /* its IPComp SA, or NULL */
    uint32_t slot;
    uint64_t bytes, packets; /* as told last */
    int64_t last_use;
    uint64_t scan; /* the dump that saw it last */
    bool is_gone;  /* told so: the kernel has it no more */
    bool is_soft_told;
    struct endpoint told_remote; /* DP_MAPPING */
};

struct xfrm_comp { /* an IPComp SA: of one record, or of several whose peer uses a CPI again */
    struct map_node node;
    struct xfrm_state_id id;
    uint32_t reqid;
    uint32_t refs;
    uint32_t slot;
};

struct xfrm_want { /* of a kernel policy by a record */
    struct list link;
    struct xfrm_record *record;
    struct xfrm_policy *policy;
};

struct xfrm_policy { /* one of the kernel's */
    struct map_node node;
    struct list link;
    struct xfrm_policy_key key;
    struct list wants;
    struct xfrm_policy_spec spec; /* as installed */
    bool is_installed;
    bool is_left; /* by an earlier run, and nobody asked for it again: of spec only the priority is known */
    bool is_shut; /* drops for a moment what the kernel holds back for it */
    /* Processors that wait for an SA of their own: it asks for no others meanwhile, see xfrm_cpu.c */
    struct xfrm_seen_acquire *waiting;
    size_t n_waiting;
    uint32_t slot;
    uint64_t scan;
};

struct xfrm_left { /* a state of an earlier run's */
    struct list link;
    struct xfrm_state_id id;
    uint32_t slot;
};

struct xfrm_record { /* a policy or shunt of the engine */
    struct list link;
    bool is_shunt;
    bool is_for_out; /* of packets that leave alone */
    uint64_t id;
    uint64_t age;
    uint32_t reqid;
    uint32_t priority; /* 0: by size */
    enum policy_action action;
    bool is_trap, asks_per_cpu;
    struct ip local, remote;
    enum child_mode mode;
    bool is_ah, has_ipcomp;
    struct kernel_options kernel;
    /* what the trap has told, and the state that waits in the kernel since: of other policies, too */
    bool is_told;
    struct xfrm_seen_acquire waiting;
    struct map_node by_id, by_reqid;
    size_t n;
    struct xfrm_want wants[];
};

struct xfrm_queued {
    struct list link;
    struct dataplane_event event;
    char why[XFRM_WHY];
};

struct xfrm {
    struct xfrm_options o;
    struct xfrm_link link;
    struct xfrm_can can;
    struct xfrm_journal *journal;
    struct map by_spi, by_id; /* states */
    struct list states;
    struct map comps;
    struct map records, by_reqid; /* by id; those that protect */
    struct list record_list;
    struct map policies; /* by key */
    struct list policy_list;
    struct list queue;
    struct list left; /* struct xfrm_left */
    uint64_t age, scan;
    int64_t poll_at;
    int64_t shut_until; /* TIME_NEVER: no policy is shut */
    bool has_lost;      /* tables and kernel have to be compared */
    struct {
        uint32_t device;
        enum hw_offload works; /* PACKET, CRYPTO, NO */
    } devices[XFRM_DEVICES];
    size_t n_devices;
    struct xfrm_kept settings[XFRM_JOURNAL_KEPT]; /* as they were changed */
};

/* ---- xfrm.c */

/* Told by the next xfrm_poll(). */
void xfrm_queue(struct xfrm *x, const struct dataplane_event *e, const char *why);

/* ---- xfrm_left.c: what an earlier run left */

/* Opens the journal and notes what of it is in the kernel still. False with the reason. */
bool xfrm_left_note(struct xfrm *x, struct diag *d);

/* ---- xfrm_settings.c */

/* Nothing is changed yet. */
void xfrm_settings_begin(struct xfrm *x);
/* Changes settings of the machine, as the options say. What an earlier run that was killed has changed is
 * what they were before that, and is put back where nobody wants it any more. */
void xfrm_settings_change(struct xfrm *x);
/* As they were, but for those that somebody else has changed meanwhile. */
void xfrm_settings_restore(struct xfrm *x);

/* ---- xfrm.c: for tests */

/* Where the kernel has policies and no ESP: for tests of what is about policies. */
struct xfrm *xfrm_open_unprobed(const struct xfrm_options *o, struct diag *d);

/* ---- xfrm_sa.c */

void xfrm_sa_add(struct xfrm *x, const struct esp_sa *sa);
void xfrm_sa_del(struct xfrm *x, const struct esp_sa *sa);
void xfrm_sa_free(struct xfrm *x, struct xfrm_state *s); /* also in the kernel, unless it is gone there */
/* The one that the kernel means; NULL: none of ours. The mark is not looked at. */
struct xfrm_state *xfrm_sa_find(const struct xfrm *x, const struct xfrm_state_id *id);
/* The one that a record names; NULL: none. */
struct xfrm_state *xfrm_sa_named(const struct xfrm *x, const struct esp_sa *sa);
/* The kernel has it no more. */
void xfrm_sa_gone(struct xfrm *x, struct xfrm_state *s);
/* Told as DP_FAILED. */
void xfrm_sa_failed(struct xfrm *x, const struct esp_sa *sa, const struct diag *d);
/* Both SAs of s->sa into the kernel: s->id, s->slot, s->comp. Nothing of them is left when it fails. */
bool xfrm_sa_install(struct xfrm *x, struct xfrm_state *s, const struct xfrm_carry *carry, struct diag *d);
/* Both out of it. The tables are left alone. */
void xfrm_sa_uninstall(struct xfrm *x, struct xfrm_state *s);
/* It is in the kernel under s->id, and found by it. */
void xfrm_sa_remember(struct xfrm *x, struct xfrm_state *s);
/* A slot of the journal for an SA. */
uint32_t xfrm_sa_note(struct xfrm *x, const struct xfrm_state_id *id, uint32_t reqid);
/* 0 or an errno. */
int xfrm_state_get(struct xfrm_link *l, const struct xfrm_state_id *id, struct xfrm_seen_state *out);
int xfrm_state_del(struct xfrm_link *l, const struct xfrm_state_id *id);

/* ---- xfrm_move.c */

void xfrm_sa_update(struct xfrm *x, const struct esp_sa *sa);

/* ---- xfrm_offload.c */

/* Sends a NEWSA as the record's offload says. 0 or an errno with the reason in d. */
int xfrm_offload_add(struct xfrm *x, const struct esp_sa *sa, bool is_comp, const struct xfrm_carry *carry,
                     struct diag *d);
/* Of the interface with that address: its index, or 0; name: at least IFNAMSIZ bytes, or NULL. */
uint32_t xfrm_offload_device(struct ip local, char *name);
/* Where policies have to be: PACKET or NO; device: its index. */
enum hw_offload xfrm_offload_of_policy(struct xfrm *x, enum hw_offload wanted, struct ip local,
                                       uint32_t *device);

/* ---- xfrm_policy.c */

void xfrm_policy_add(struct xfrm *x, const struct esp_policy *p);
void xfrm_shunt_add(struct xfrm *x, const struct shunt *s);
/* is_shunt: all with that id. */
void xfrm_record_del(struct xfrm *x, uint64_t id, bool is_shunt);
void xfrm_record_free(struct xfrm *x, struct xfrm_record *r);
/* NULL: none. is_shunt: the first of them. */
struct xfrm_record *xfrm_record_find(const struct xfrm *x, uint64_t id, bool is_shunt);
/* The first that protects with this reqid, and the one behind r; NULL: no more. */
struct xfrm_record *xfrm_record_of(const struct xfrm *x, uint32_t reqid);
struct xfrm_record *xfrm_record_next(const struct xfrm_record *r);
struct xfrm_policy *xfrm_policy_find(const struct xfrm *x, const struct xfrm_policy_key *k);
/* One that an earlier run left; its slot is taken. */
void xfrm_policy_adopt(struct xfrm *x, const struct xfrm_policy_key *k, uint32_t priority, uint32_t slot);
/* Removes those that were adopted and are not wanted. How many there were. */
size_t xfrm_policy_sweep(struct xfrm *x);
/* Installs what the tables say once more, after others took it away. */
void xfrm_policy_mend(struct xfrm *x, struct xfrm_policy *p, bool is_there);

/* Makes the kernel's policy what the records say, as far as the kernel takes that. */
void xfrm_policy_refresh(struct xfrm *x, struct xfrm_policy *p);

/* What the kernel holds back for the record's policy is dropped. */
void xfrm_policy_shut(struct xfrm *x, struct xfrm_record *r, int64_t now);
/* They protect again, when it is time. */
void xfrm_policy_open(struct xfrm *x, int64_t now);

/* ---- xfrm_trap.c */

void xfrm_trap_failed(struct xfrm *x, uint64_t id, int64_t now);
void xfrm_trap_acquire(struct xfrm *x, const struct xfrm_seen_acquire *a);
/* Deletes the state that waits for it in the kernel. */
void xfrm_trap_release(struct xfrm *x, struct xfrm_record *r);
/* No state waits for this reqid any more. */
void xfrm_trap_calm(struct xfrm *x, uint32_t reqid);
/* Deletes one. */
void xfrm_trap_delete(struct xfrm *x, const struct xfrm_seen_acquire *w);

/* ---- xfrm_cpu.c: processors that want an SA of their own */

void xfrm_cpu_acquire(struct xfrm *x, struct xfrm_policy *p, const struct xfrm_seen_acquire *a);
/* It is there, or the state that waited for it has expired. */
void xfrm_cpu_over(struct xfrm *x, uint32_t reqid, struct cpu cpu);
/* There will be none for those that wait: their states go. The policy is as it is. */
void xfrm_cpu_release(struct xfrm *x, struct xfrm_policy *p);

/* ---- xfrm_scan.c: dumps */

/* Tells the counters of those that moved, and those that are gone. False: it could not look. */
bool xfrm_scan_states(struct xfrm *x, int64_t now);
bool xfrm_scan_policies(struct xfrm *x);

/* ---- xfrm_why.c: reasons in words */

void xfrm_explain_sa(struct diag *d, const struct esp_sa *sa, bool is_comp, int error, const char *said);
void xfrm_explain_policy(struct diag *d, const struct xfrm_policy_spec *s, int error, const char *said);

/* ---- xfrm_probe.c */

/* ESP at all; and, in can, what goes beyond it. can may be NULL. */
bool xfrm_probe_link(struct xfrm_link *l, struct xfrm_can *can, struct diag *why);
