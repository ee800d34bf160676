/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files for conf/: reading and globbing, bounded in size. */
#pragma once

#include "conf/conf.h"
#include "sys/paths.h"

/* A source over the machine's files; the key store is the one of the paths (keystore.h), NULL: none is
 * looked into. They are complete, and borrowed. */
struct conf_source files_source(const struct paths *p);
