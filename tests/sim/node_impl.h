/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a gateway share among themselves. */
#pragma once

#include "node.h"

#define NOTICE_WITHIN (200 * TIME_MS) /* a change is told so late */

int node_index(const struct node *n); /* in the simulator's array */
/* One input for the engine, and all that follows from it at once. */
void node_step(struct node *n, const struct input *in);
/* What is in the outbox. */
void node_carry_out(struct node *n);
/* ESP or AH from the wire. */
void node_receive_esp(struct node *n, const struct endpoint *local, const struct endpoint *remote,
                      enum wire_kind kind, struct span bytes);
/* What waited for an SA that is there now. */
void node_send_held(struct node *n);
