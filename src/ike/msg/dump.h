/* SPDX-License-Identifier: Apache-2.0 */
/* A message in one line: "IKE_AUTH request 1 [ IDi CERT AUTH SA TSi TSr N(MOBIKE_SUP) ]". Types only: no
 * contents, no keys. */
#pragma once

#include "ike/msg/decode.h"

#define IKE_DUMP_MAX 512

/* Writes into buf (cut to cap), returns buf. A closed SK is "SK", a fragment "SKF(2/5)". */
const char *ike_dump(const struct ike_message *m, char *buf, size_t cap);
