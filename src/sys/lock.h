/* SPDX-License-Identifier: Apache-2.0 */
/* One daemon for each run directory; and systemd's notification socket. */
#pragma once

#include "base/diag.h"

/* Takes the lock on the pid file and writes our pid. The descriptor to keep, or -1 with the reason. */
int lock_take(const char *path, struct diag *d);
/* Removes the file and gives the lock back. */
void lock_release(int fd, const char *path);

/* "READY=1", "STOPPING=1", ...: to NOTIFY_SOCKET when there is one. */
void service_notify(const char *state);
