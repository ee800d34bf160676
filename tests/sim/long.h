/* SPDX-License-Identifier: Apache-2.0 */
/* Random lives of two gateways: see long.c. */
#pragma once

#include "sim.h"

/* Lives from first_seed on, until that many IKE SAs have been established, or one life (ike_sas 0). Returns
 * how many lives failed; each has printed its seed, and ends the run after five. */
size_t long_run(uint64_t first_seed, uint64_t ike_sas, bool is_verbose);
