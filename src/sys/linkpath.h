/* SPDX-License-Identifier: Apache-2.0 */
/* Which way ESP of protocol 50 takes: packet sockets (linkring.h, linksend.h), which are quicker, or the
 * kernel's raw sockets, which are always open and take what the quicker way leaves. Packet sockets are not
 * used where the kernel refuses them, and not while a firewall wants to see what the machine sends and
 * receives (firewall.h), unless the configuration says so (esp_path). That is found out at the start and
 * looked at again while packets flow. Functions are the control thread's where nothing else is said. */
#pragma once

#include "base/time.h"
#include "model/connection.h"
#include "sys/linkfilter.h"
#include "sys/linkring.h"
#include "sys/linksend.h"
#include "sys/sock.h"
#include <stdatomic.h>

#define LINKPATH_TEXT 200

struct linkpath;

/* esp4, esp6: the raw sockets that receive, borrowed; fd -1 where there is none. text: a line for the log. */
struct linkpath *linkpath_open(enum esp_path wanted, unsigned n_workers, const struct sock *esp4,
                               const struct sock *esp6, int64_t now, char text[LINKPATH_TEXT]);
/* The workers have ended. */
void linkpath_close(struct linkpath *l);
/* Looks again, at most once a second. True when the way has changed: text says why. */
bool linkpath_review(struct linkpath *l, int64_t now, char text[LINKPATH_TEXT]);
/* An SA's own address. Before its first packet. */
void linkpath_add_own(struct linkpath *l, struct ip ip);

/* ---- a worker's; NULL: it has none */
struct linkring *linkpath_ring(const struct linkpath *l, unsigned worker, uint8_t family);
struct linksend *linkpath_sender(const struct linkpath *l, unsigned worker);
/* May the sender be used now? Any thread. */
bool linkpath_is_on(const struct linkpath *l);
