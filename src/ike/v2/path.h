/* SPDX-License-Identifier: Apache-2.0 */
/* Where the packets of an IKE SA and its children go, and by what: NATs (RFC 7296 section 2.23), MOBIKE
 * (RFC 4555), TCP (RFC 9329). What an SA remembers of it: mobike.h. */
#pragma once

#include "ike/v2/sa.h"

/* ---- natd.c */
/* Before the first message is built or read: what has been learnt about the peer's address. */
void natd_begin(struct ike_env *env, struct ike_sa *sa);
feature_put natd_put;
feature_take natd_take;
struct nat_view natd_look(const struct ike_message *m, const struct endpoint *local,
                          const struct endpoint *remote);
void natd_put_path(struct build *b, const struct ike_sa *sa, const struct path *path);
/* From now on this is how it is: encapsulation and keepalives follow, the children's records do not yet. */
void natd_adopt(struct ike_env *env, struct ike_sa *sa, const struct nat_view *v);
void natd_float(struct ike_env *env, struct ike_sa *sa);
void natd_authentic(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                    const struct endpoint *remote, bool has_marker);
void natd_mapping(struct ike_env *env, struct ike_sa *sa, const struct endpoint *remote);
void natd_keepalive(struct ike_env *env, struct ike_sa *sa);
bool natd_has_encap(const struct ike_sa *sa);
/* Is UDP port 4500 used for no other reason than encap = auto? */
bool natd_is_by_choice(const struct ike_sa *sa);
void natd_tell(struct ike_env *env, const struct ike_sa *sa); /* the log: how ESP will go, and why */

/* ---- path.c: which addresses are used [RFC4555#3.5,3.10,3.11] */
bool path_equal(const struct path *a, const struct path *b);
bool path_allows_local(const struct connection *conn, struct ip ip);
/* Is the peer's address, other than the one in use, in what the tunnel is for? */
bool path_is_inside(const struct ike_sa *sa, struct ip remote);
/* An own address that is not in what the tunnel is for, and that the connection may use. */
bool path_may_be_told(const struct ike_sa *sa, struct ip own);
static inline struct path path_of(const struct ike_sa *sa)
{
    return (struct path){.local = sa->local, .remote = sa->remote};
}
/* Can packets leave from there? Not from an address of the SA that was the machine's and is no more. */
bool path_has_source(struct ike_env *env, const struct ike_sa *sa, struct ip ip);
void path_note_source(struct ike_env *env, struct ike_sa *sa);
/* The machine's addresses or routes have changed. */
void path_addresses_changed(struct ike_env *env, struct ike_sa *sa);
/* Is that the pair of addresses in use? */
bool path_is_pair(const struct ike_sa *sa, const struct ip_pair *p);
/* The answer to ACTION_PATHS. */
void path_take(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
/* The same without MOBIKE, and for an SA that is replaced, or going: see path_alone.c. */
void path_take_alone(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
void path_take_at_the_end(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
/* Asks which pairs of addresses there are. */
void path_ask(struct ike_env *env, struct ike_sa *sa);
void path_strand(struct ike_env *env, struct ike_sa *sa); /* no address leads to the peer */
/* The path in use is suspected to be dead: asks, and tries the others, too. */
void path_doubt(struct ike_env *env, struct ike_sa *sa);
/* The initiator goes on over this path. */
void path_move(struct ike_env *env, struct ike_sa *sa, const struct path *to);
/* Our request that is under way goes over the path in use at once, and is repeated from there. */
void path_hurry(struct ike_env *env, struct ike_sa *sa);
/* A new request of the peer came this way. A responder whose own request that is under way has not been
 * answered sends it there, too: the peer may have moved and not said so yet. */
void path_heard(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                const struct endpoint *remote);
/* Over the paths that are not in use, as long as the one in use is in doubt. */
void path_spread(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct datagrams *d);
/* The successor of an IKE SA goes where that one went last. */
void path_inherit(const struct ike_sa *from, struct ike_sa *to);
/* Our request is repeated. */
void path_resend(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct datagrams *d);
/* The answer to our request came this way. */
void path_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct endpoint *local,
                   const struct endpoint *remote);
/* There is no way to the peer, and not for so long that it should be given up. */
bool path_is_stranded(const struct ike_env *env, const struct ike_sa *sa);

/* ---- mobike.c: MOBIKE's exchanges [RFC4555#3] */
feature_put mobike_put;
feature_take mobike_take;
/* MOBIKE may be used: configured, and both ends do NAT traversal. */
bool mobike_is_wanted(const struct ike_sa *sa);
/* The part of an INFORMATIONAL request of the peer that MOBIKE and NAT detection are about: carried out, and
 * answered in b. */
void mobike_answer(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x);
void update_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void update_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void addresses_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void addresses_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* Our list of further addresses is another than the peer knows. */
bool mobike_list_is_new(struct ike_env *env, const struct ike_sa *sa);
/* The answer to a liveness check shows where the peer sees us [RFC4555#3.8]. */
void mobike_compare(struct ike_env *env, struct ike_sa *sa, const struct exchange *x);
/* The children use the IKE SA's addresses from now on. v: what is known of NATs there; may be NULL. */
void mobike_commit(struct ike_env *env, struct ike_sa *sa, const struct nat_view *v);

/* ---- reach.c: return routability [RFC4555#3.7] */
void cookie2_put(struct build *b, struct exchange *x);
enum cookie2 { COOKIE2_GOOD, COOKIE2_MISSING, COOKIE2_WRONG };
enum cookie2 cookie2_check(const struct exchange *x);
void reach_check(struct ike_env *env, struct ike_sa *sa, const struct path *path, const struct nat_view *v);
void reach_again(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                 const struct endpoint *remote);
void reach_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void reach_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void reach_resend(struct ike_env *env, struct ike_sa *sa, const struct datagrams *d);

/* ---- tcp.c */
/* r, of a request of ours, as it has to be for the SA's transport. */
struct retransmit tcp_schedule(const struct ike_sa *sa, enum exchange_kind k, struct retransmit r);
/* Our request was in vain. True: the SA is ended, and is begun again in TCP. */
bool tcp_falls_back(struct ike_env *env, struct ike_sa *sa);
/* A new SA whose stream is being opened: IKE_SA_INIT follows in tcp_resume(). */
void tcp_wait(struct ike_env *env, struct ike_sa *sa);
void tcp_resend(struct ike_env *env, struct ike_sa *sa); /* a request that waits, on a new connection */
void tcp_resume(struct ike_env *env, struct ike_sa *sa, uint32_t handle, const struct endpoint *local);
void tcp_refused(struct ike_env *env, struct ike_sa *sa, const char *why); /* its stream is gone */
/* Is an authentic message from there a reason to go there? Only for streams; NATs: natd.c. */
bool tcp_follows(const struct ike_sa *sa, const struct endpoint *remote);

/* ---- tcp_move.c */
void tcp_try(struct ike_env *env, struct ike_sa *sa,
             const struct exchange *x);  /* what was repeated may be in vain over UDP */
void tcp_settled(struct ike_sa *sa);     /* the peer has answered */
void tcp_keep_path(struct ike_sa *sa);   /* mobike.paths are others now */
bool tcp_roams(const struct ike_sa *sa); /* in TCP, and may leave its connection */
void tcp_take_paths(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
/* The SA is in TCP from now on, or goes on there: when UDP is tried again. */
void tcp_stays(const struct ike_env *env, struct ike_sa *sa);
int64_t tcp_leaves_at(const struct ike_sa *sa);
void tcp_leave(struct ike_env *env, struct ike_sa *sa);
bool tcp_arrived(struct ike_env *env, struct ike_sa *sa, uint32_t handle, const struct endpoint *local);
