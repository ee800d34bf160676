/* SPDX-License-Identifier: Apache-2.0 */
/* Message IDs, retransmission, replay (RFC 7296 sections 2.1 to 2.3). The requester repeats each request, bit
 * for bit, on a schedule; the responder keeps its last responses, bit for bit, as many as it has promised
 * with SET_WINDOW_SIZE, or one. All are copies of the window's own, bounded by the size of a message. The
 * peer's requests are taken in the order of their IDs. Sends nothing itself.
 */
#pragma once

#include "base/time.h"
#include "ike/msg/protect.h"

struct settings;

struct retransmit {  /* times in microseconds */
    int64_t timeout; /* before the first repetition */
    double base;     /* each wait is base times the one before */
    unsigned tries;  /* repetitions before giving up */
    unsigned jitter; /* percent by which a wait may be shortened at random */
    int64_t limit;   /* no wait is longer; 0 = none */
};
struct retransmit retransmit_from(const struct settings *s);
/* The wait after the n-th sending (0 = the original), jitter included. */
int64_t retransmit_wait(const struct retransmit *r, unsigned n);
/* How long from the first sending to giving up, without jitter. */
int64_t retransmit_total(const struct retransmit *r);

#define WINDOW_MAX 16 /* nobody keeps more requests under way, whatever the peer offers */

/* A request of ours from its first sending to its answer. Zeroed: none. */
struct outstanding {
    bool is_pending;
    uint32_t id;
    unsigned sent;        /* how often */
    unsigned told;        /* as often had it been sent when ICMP's last complaint was told of */
    int64_t sent_at, due; /* mono; the last time; when to repeat or give up */
    struct arena *arena;
    struct datagrams bytes;
};

struct answer { /* to the peer's request id */
    uint32_t id;
    struct arena *arena;
    struct datagrams bytes; /* n 0: there is none (yet) */
};

struct window {        /* zeroed = new: both directions start at message ID 0, one at a time */
    uint32_t next_out; /* of our next request */
    uint32_t next_in;  /* the peer's request that we take next */
    uint32_t size_out; /* what the peer promised: so many requests of ours at once; 0 is 1 */
    uint32_t size_in;  /* what we promised */
    struct answer last;
    struct answer *before; /* the size_in - 1 before the last */
};

void window_deinit(struct window *w);
/* Back to message ID 0: a new IKE_SA_INIT attempt. */
void window_reset(struct window *w);

/* ---- responder */
enum window_class {
    WINDOW_NEW,        /* the next one */
    WINDOW_RETRANSMIT, /* one that was answered (or is being worked on): send the response again */
    WINDOW_OLD,        /* drop */
    WINDOW_AHEAD,      /* in the window, but not its turn */
    WINDOW_FUTURE,     /* drop */
};
/* What a request of the peer is. While it is being worked on, its repetition is RETRANSMIT with no response
 * to replay: see window_replay(). */
enum window_class window_classify(const struct window *w, uint32_t message_id);
/* We promise the peer to keep n responses from now on, 1 to WINDOW_MAX; never fewer than before
 * [RFC7296#2.3]. */
void window_promise(struct window *w, uint32_t n);
/* The request with ID next_in is authentic and is being worked on: it is not NEW any more. */
void window_accept(struct window *w);
/* Keeps a copy of the response to the request that was accepted last. */
void window_answer(struct window *w, const struct datagrams *response);
/* The response to repeat, n 0 when there is none (yet). For a fragmented request repeat it once, on fragment
 * 1 [RFC7383#2.6.1]. */
struct datagrams window_replay(const struct window *w, uint32_t message_id);
/* The peer must have heard our response to this request, since it went on beyond the window. */
bool window_was_heard(const struct window *w, uint32_t message_id);
/* After a failover of the peer both ends agreed on where to go on [RFC6311#5.1]. No response of before is
 * repeated any more. */
void window_sync(struct window *w, uint32_t next_in, uint32_t next_out);

/* ---- requester */
/* The message ID for the next request. */
uint32_t window_next_id(const struct window *w);
/* May another request be sent while oldest is the lowest ID without an answer [RFC7296#2.3]? */
bool window_has_room(const struct window *w, uint32_t oldest);
/* Keeps a copy of the request that is sent now with the next ID, and starts its schedule. */
void window_request(struct window *w, struct outstanding *o, int64_t now, const struct retransmit *r,
                    const struct datagrams *request);
/* It gets all its repetitions, as if it were sent now. */
void outstanding_restart(struct outstanding *o, int64_t now, const struct retransmit *r);
/* Once more, beside its schedule; n 0 when none is pending, or it was sent within gap. */
struct datagrams outstanding_hurry(struct outstanding *o, int64_t now, int64_t gap);
/* The authentic response has come, or none is waited for any more. */
void outstanding_done(struct outstanding *o);

enum window_tick { TICK_NOTHING, TICK_RESEND, TICK_GIVE_UP };
/* Call when due. RESEND: out holds the datagrams to send again and the next time is set. GIVE_UP: all tries
 * were in vain; the request stays pending with due TIME_NEVER. */
enum window_tick outstanding_tick(struct outstanding *o, int64_t now, const struct retransmit *r,
                                  struct datagrams *out);
/* mono; TIME_NEVER when nothing is pending. */
int64_t outstanding_deadline(const struct outstanding *o);
