/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses, and the local address that the machine's routes choose: what the core may not ask for.
 */
#pragma once

#include "model/connection.h"

/* Fills resolved_local and resolved_remote of every connection of a snapshot that nobody else holds yet. May
 * wait for DNS: call it from a worker. Returns how many connections name a host that did not resolve. */
size_t sys_resolve_config(struct config *c);
/* The source address towards remote, or family 0 when there is no route. Sends nothing. */
struct ip sys_local_address(struct ip remote);
