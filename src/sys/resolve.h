/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses, and the local address that the machine's routes choose: what the core may not ask for.
 */
#pragma once

#include "model/connection.h"

/* Fills resolved_local, resolved_remote and further of every connection of a snapshot that nobody else holds
 * yet, but for those whose peer is a name: they keep family 0. Never waits. */
void sys_resolve_config(struct config *c);
/* The source address towards remote, or family 0 when there is no route. Sends nothing. */
struct ip sys_local_address(struct ip remote);
/* The addresses of a gateway: its own, or those of its name, which waits (on a worker); family 0: of any. */
size_t sys_addresses_of(const struct gateway *g, uint8_t family, struct ip *v, size_t cap);
/* The family that the connection's own addresses are of; 0: either. */
uint8_t sys_local_family(const struct connection *c);
/* Our address towards remote, a configured one first. */
struct ip sys_local_for(const struct connection *c, struct ip remote);
/* Routes may have changed: chooses the local address anew where no configured one decides. */
void sys_refresh_local(struct connection *c);

/* Looking up the peers that are names, in three steps: what is asked, by the thread that holds the snapshot;
 * the waiting, on a worker; the answers into the snapshot that is in force by then. */
struct name_lookup {
    size_t n;
    struct {
        char name[256];
        uint8_t family; /* 0: either */
        struct ip answers[1 + CONNECTION_FURTHER];
        size_t n;
    } * v;
};
/* NULL when no peer is a name, or (only_unknown) all are known. */
struct name_lookup *name_lookup_new(const struct config *c, bool only_unknown);
void name_lookup_run(struct name_lookup *l);
void name_lookup_apply(const struct name_lookup *l, const struct config *c);
void name_lookup_free(struct name_lookup *l);
