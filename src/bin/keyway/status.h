/* SPDX-License-Identifier: Apache-2.0 */
/* The model behind `keyway status`: what --json prints and what the table is made from. */
#pragma once

#include "bin/keyway/cli.h"

/* {"daemon":{...},"connections":[{"name","state","peer","children":[...],"ike":[...],"failure"?}]} from the
 * answers of keyway-status, list-conns, list-sas and list-policies. Numbers are numbers, absent things are
 * absent. state: up, connecting, waiting (for a packet: "traps" says which children), down. */
json_t *status_model(json_t *daemon, json_t *connections, json_t *sas, json_t *policies);
