/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace for a test program that needs interfaces of its own. */
#pragma once

#include <stdbool.h>

/* May be called again, for one test after the other. The process moves into an empty namespace. False without
 * the right to (not root): then the program returns NETNS_SKIP. */
bool netns_enter(void);
#define NETNS_SKIP 77
/* Commands for sh; fails the test when the last one fails. */
void netns_run(const char *commands);
