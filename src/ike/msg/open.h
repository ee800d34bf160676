/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ike/msg: what opening SK and SKF share. */
#pragma once

#include "ike/msg/protect.h"

/* Checks the ICV of m->sk and decrypts a copy in a; *plain is without padding. Nothing inside is looked at.
 */
enum decode_status protect_open_bytes(struct arena *a, struct cipher *c, const struct ike_message *m,
                                      struct span *plain, struct diag *d);
