/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a simulated gateway has: its keyway.conf and the certificates of the simulator's CA. */
#pragma once

#include "conf/conf.h"

/* node is the gateway's name ("a", "b"): it may read certs/NODE.crt, private/NODE.key and ca/ca.crt.
 * Valid until the next call; the text must outlive its use. */
struct conf_source sim_files(const char *keyway_conf, const char *node);
/* Adds or replaces a file for both gateways; copied. */
void sim_file_put(const char *path, struct span bytes);
