/* SPDX-License-Identifier: Apache-2.0 */
/* Message IDs, retransmission, replay (RFC 7296 sections 2.1 to 2.3): a window of one in each direction. The
 * requester repeats its request, bit for bit, on a schedule; the responder keeps its last response, bit for
 * bit. Both are copies in memory of the window's own, bounded by the size of a message. Sends nothing itself.
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

struct window { /* zeroed = new: both directions start at message ID 0 */
    /* our requests */
    uint32_t next_out; /* of the next (or, while pending, the outstanding) request */
    bool is_pending;
    unsigned sent; /* how often */
    int64_t due;   /* mono; when to repeat or give up */
    struct arena *out_arena;
    struct datagrams request;
    /* the peer's requests */
    uint32_t next_in; /* that we take next */
    bool has_response;
    struct arena *in_arena;
    struct datagrams response; /* to next_in - 1 */
};

void window_deinit(struct window *w);
/* Back to message ID 0 with nothing pending: a new IKE_SA_INIT attempt. */
void window_reset(struct window *w);

enum window_class {
    WINDOW_NEW,        /* request: the next one; response: to our outstanding request */
    WINDOW_RETRANSMIT, /* request: the one answered last (or being worked on): send the response again */
    WINDOW_OLD,        /* drop */
    WINDOW_FUTURE,     /* drop */
};
/* What an incoming message is. While a request is being worked on, its repetition is RETRANSMIT with no
 * response to replay: see window_replay(). */
enum window_class window_classify(const struct window *w, bool is_response, uint32_t message_id);

/* ---- responder */
/* The request with ID next_in is authentic and is being worked on: it is not NEW any more. */
void window_accept(struct window *w);
/* After a failover of the peer both ends agreed on where to go on [RFC6311#5.1]. The last response is not
 * repeated any more, and our pending request is forgotten when its ID is not the next one. */
void window_sync(struct window *w, uint32_t next_in, uint32_t next_out);
/* Keeps a copy of the response to the accepted request. */
void window_answer(struct window *w, const struct datagrams *response);
/* The response to repeat, n 0 when there is none (yet). For a fragmented request repeat it once, on fragment
 * 1 [RFC7383#2.6.1]. */
struct datagrams window_replay(const struct window *w);

/* ---- requester */
/* The message ID for the next request. Only while nothing is pending. */
uint32_t window_next_id(const struct window *w);
/* Keeps a copy of the request that is sent now and starts its schedule. */
void window_request(struct window *w, int64_t now, const struct retransmit *r,
                    const struct datagrams *request);
/* The pending request gets all its repetitions, as if it were sent now. */
void window_restart(struct window *w, int64_t now, const struct retransmit *r);
/* The authentic response has come: the next request may go. */
void window_done(struct window *w);

enum window_tick { TICK_NOTHING, TICK_RESEND, TICK_GIVE_UP };
/* Call when due. RESEND: out holds the datagrams to send again and the next time is set. GIVE_UP: all tries
 * were in vain; the request stays pending with due TIME_NEVER. */
enum window_tick window_tick(struct window *w, int64_t now, const struct retransmit *r,
                             struct datagrams *out);
/* mono; TIME_NEVER when nothing is pending. */
int64_t window_deadline(const struct window *w);
