/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files for conf/: reading and globbing, bounded in size. */
#pragma once

#include "conf/conf.h"

/* A source over the machine's files; the key store is the one below state (paths.h), NULL: none is looked
 * into. state is borrowed. */
struct conf_source files_source(const char *state);
