/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go: stderr with a timestamp in the foreground, syslog otherwise. */
#pragma once

#include "base/log.h"

void logsink_stderr(enum log_level most_verbose);
void logsink_syslog(enum log_level most_verbose);
