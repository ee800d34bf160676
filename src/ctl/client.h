/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking client side of vici: what the command line speaks to the daemon with. Where a call fails, the
 * reason is in d, and errno has it in a word: what connect() said; EINVAL for an address that is none; ENOENT
 * when the daemon knows no such command or event; ECONNRESET when it hung up; EBADMSG for what is no vici. */
#pragma once

#include "base/diag.h"
#include "ctl/vici.h"
#include <jansson.h>

struct vici_client;

/* path: a unix socket, with or without "unix://" in front, or "tcp://HOST:PORT", where an IPv6 address stands
 * in []. NULL with the reason: FAIL_NO_DAEMON when nobody listens there, FAIL_PERMISSION when we may not
 * connect, FAIL_USAGE for an address that is none. */
struct vici_client *vici_client_open(const char *path, struct diag *d);
void vici_client_close(struct vici_client *c);
/* Answers hold Keyway's own keys from now on (the reason of a failure, what charon does not know of an SA),
 * beside those of the protocol; an older daemon has none. */
void vici_client_extend(struct vici_client *c);

typedef void vici_event_fn(void *ctx, struct span body);

/* Sends the request that w holds (opened by vici_packet_open(w, VICI_CMD_REQUEST, command)) and waits for its
 * reply; while it waits, each event of that name (NULL: none) goes to fn. *reply is valid until the next
 * call. False with the reason when the connection broke or the daemon does not know the command. */
bool vici_client_call(struct vici_client *c, struct vici_writer *w, const char *event, vici_event_fn *fn,
                      void *ctx, struct span *reply, struct diag *d);

/* The parts of that, for who tells them apart or listens for several events. Registering hands events that
 * come meanwhile to fn. */
bool vici_client_register(struct vici_client *c, const char *event, vici_event_fn *fn, void *ctx,
                          struct diag *d);
bool vici_client_exchange(struct vici_client *c, struct vici_writer *w, const char *event, vici_event_fn *fn,
                          void *ctx, struct span *reply, struct diag *d);
/* Waits for the next event. Both are valid until the next call. */
bool vici_client_wait(struct vici_client *c, struct span *event, struct span *body, struct diag *d);

/* The reason in a reply with success=no: its keys class, what, expected, got, where, try; what falls back to
 * errmsg. True when the reply says success (or says nothing of it). */
bool vici_reply_ok(struct span reply, struct diag *d);

/* A message as JSON: sections are objects, lists are arrays, values are strings (hex with 0x in front when
 * they are not printable). Keys keep their order. NULL when malformed. The caller drops it. */
json_t *vici_to_json(struct span message);
