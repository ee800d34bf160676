/* SPDX-License-Identifier: Apache-2.0 */
/* A child SA: what it is, its life from the first packet to the last, its end. How it is agreed on is in
 * create_child.h. */
#pragma once

#include "ike/v2/sa.h"

#define CHILD_TAKEOVER (1 * TIME_SECOND)
#define CHILD_UNSURE   (30 * TIME_SECOND)
#define CHILD_SWITCH   (5 * TIME_SECOND)
#define CHILD_REPLACED (180 * TIME_SECOND) /* more than all retransmissions of a Delete take */

struct child_sa {
    uint64_t id;
    struct ike_sa *ike;
    struct list link;
    struct map_node by_id, by_spi; /* the owner's tables */
    struct bag_link by_owner, by_reqid;
    struct config *config; /* a reference: the two below point into it, which may be older than the SA's */
    const struct child_config *cfg;
    const struct connection *conn; /* whose it is: not always the SA's own */
    enum plane plane;
    uint32_t reqid;
    uint64_t lineage; /* the first one's id of those that replaced each other, up to this one */
    enum child_state state;
    uint32_t spi_in, spi_out;
    struct chosen chosen;
    uint16_t cpi_in, cpi_out; /* IPComp; 0: not compressed */
    bool refuses_tfc, refuses_fragments;
    bool has_in, has_out, holds_policy, was_up;
    bool has_heir;   /* our replacement of it is the one that stays */
    bool takes_late; /* was replaced: after its delete late packets are still taken */
    bool is_doomed;  /* named by the delete that is being worked on */
    bool is_closed_by_peer;
    bool is_missed; /* nobody asked for its end: it is made anew at once */
    bool is_gone;   /* deleted; receives what is still on its way until expires_at */
    bool is_ours;   /* we made the exchange that created it */
    struct per_cpu_part per_cpu;
    struct ts_pair ts;
    enum child_mode mode;
    struct ip seen_local, seen_remote;
    struct esp_sa *waiting; /* outbound half that is installed when the old one goes; owned, wiped */
    int64_t switch_at;
    int64_t installed_at, rekey_at, expires_at, idle_at;
    int64_t quiet_since; /* when it was installed, or what it replaces was used last: see child_last_use() */
    uint8_t low_nonce[16];     /* how the lower nonce of its exchange begins */
    uint64_t peer_replacement; /* made by the peer's rekey of this child */
    struct nonce peer_low;     /* the lower nonce of that exchange */
    uint64_t rival;            /* lineage of the peer's that was made at the same time: see twin_child.c */
    int64_t yields_at;         /* to that */
    int64_t unsure_until;      /* the peer asked for it, and may not have our answer: see child_is_unsure() */
    uint32_t asked_by;         /* the message ID of that */
    uint64_t bytes_in, packets_in, bytes_out, packets_out;
    int64_t last_in, last_out;
};

/* ---- child.c */
/* The connection whose child cfg is, in the SA's snapshot: not always the SA's own. */
const struct connection *child_owner(const struct ike_sa *sa, const struct child_config *cfg);
/* Is it of the SA's snapshot? Compares the pointer alone. */
bool child_is_configured(const struct ike_sa *sa, const struct child_config *cfg);
struct child_sa *child_new(struct ike_env *env, struct ike_sa *sa, const struct exchange *x);
/* Makes both halves from the exchange's nonces and shared secret. The outbound one waits for the old child's
 * end when defers_out. False: algorithms not available. */
bool child_install(struct ike_env *env, struct child_sa *c, const struct exchange *x, bool defers_out,
                   uint64_t old_id);
void child_switch(struct ike_env *env, struct child_sa *c); /* the waiting outbound half is used from now */
void child_drop_out(struct ike_env *env, struct child_sa *c);
void child_free(struct child_sa *c); /* its memory */
/* Everything of it goes: route, policy, SAs; it is freed. */
void child_end(struct ike_env *env, struct child_sa *c);
void child_went_down(struct ike_env *env, struct child_sa *c); /* tells it */
void child_update_endpoints(struct ike_env *env, struct child_sa *c);
/* So many sequence numbers of what we send are left out. */
void child_skip(struct ike_env *env, struct child_sa *c, uint64_t numbers);
/* Made by the peer's rekeying, and nothing has shown yet that our answer arrived: who speaks of the child to
 * the peer now is told that there is none, and it comes all the same. Not for ever: 0, or until when. */
int64_t child_is_unsure(const struct child_sa *c);
struct child_sa *child_find(const struct ike_sa *sa, uint64_t id);
/* Peers may use one number for ESP and for AH. */
struct child_sa *child_by_spi_out(const struct ike_sa *sa, uint8_t protocol, uint32_t spi);
void child_tick(struct ike_env *env, struct child_sa *c);
void child_expired(struct ike_env *env, struct child_sa *c);
/* Its SAs are not there any more, and nobody here did that: it is made anew. */
void child_vanished(struct ike_env *env, struct child_sa *c, const char *why);
int64_t child_deadline(const struct child_sa *c);
/* When traffic passed last, through it or what it replaced; mono. Never: when the first one was installed. */
int64_t child_last_use(const struct child_sa *c);
/* It is superfluous and the peer's to delete; we do it when the peer does not. */
void child_waits_for_delete(struct ike_env *env, struct child_sa *c);
void child_rekeyed(struct ike_env *env, struct child_sa *old);
/* Deleted after a rekey: nothing is sent through it any more, late packets are still taken for a moment. */
/* The peer deleted it: told, and gone. */
void child_closed_by_peer(struct ike_env *env, struct child_sa *c);
/* Our own exchange is making one: the peer may have it already, and even delete it before its answer is here.
 */
bool child_is_in_the_making(const struct ike_sa *sa);
/* The same for one of this configuration. */
bool child_is_being_made(const struct ike_sa *sa, const struct child_config *cfg);
void child_note_delete(struct ike_sa *sa, uint32_t spi_out);
bool child_was_deleted(const struct exchange *x, const struct child_sa *c);
void child_retire(struct ike_env *env, struct child_sa *c);
void child_move(struct ike_env *env, struct ike_sa *from, struct ike_sa *to);

/* ---- twin_child.c */
/* Our exchange, which was begun at that time, has just made fresh: is it one of two that were made at once?
 */
void twin_child_settle(struct ike_env *env, struct child_sa *fresh, int64_t begun_at);
/* yields_at has come. True when the child is on its way out. */
bool twin_child_yield(struct ike_env *env, struct child_sa *c);
/* Has the peer made as many with these selectors as it may? most: where that is more than usual. */
bool twin_child_is_full(const struct ike_sa *sa, const struct child_config *cfg, const struct ts_pair *ts,
                        size_t most);
/* Is there another one that does the same? */
bool twin_child_stays(const struct child_sa *c);

/* ---- child_plane.c: who carries its packets */
/* For a child that x makes, or for the one in whose place it comes. False with d: nobody can. */
bool child_plane_choose(struct ike_env *env, const struct ike_sa *sa, struct exchange *x,
                        const struct child_config *cfg, struct diag *d);
/* Can its plane send where its IKE SA is now? */
bool child_plane_fits(const struct child_sa *c);
/* Likewise; when not, that is logged, and it is made anew once it is deleted. */
bool child_plane_survives(struct ike_env *env, struct child_sa *c);

/* ---- delete.c */
void delete_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void delete_child_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void delete_child(struct ike_env *env, struct child_sa *c);
