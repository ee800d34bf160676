/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files for conf/: reading and globbing, bounded in size. */
#pragma once

#include "conf/conf.h"

/* A source over the machine's files. ctx is not used. */
struct conf_source files_source(void);
