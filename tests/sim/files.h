/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a simulated gateway has: its keyway.conf and the certificates of the simulator's CA. */
#pragma once

#include "conf/conf.h"

/* It may read all files that were put; its folders show those that its configuration names (a.crt, b.pub) and
 * the private keys to them. Valid until the next call; the text must outlive its use. */
struct conf_source sim_files(const char *keyway_conf);
/* Adds or replaces a file for both gateways; copied. */
void sim_file_put(const char *path, struct span bytes);
