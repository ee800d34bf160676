/* SPDX-License-Identifier: Apache-2.0 */
/* See netns.h. */
#include "support/netns.h"
#include "support/test.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

bool netns_enter(void)
{
    if (unshare(CLONE_NEWNET) == 0)
        return true;
    perror("unshare(CLONE_NEWNET)");
    return false;
}

void netns_run(const char *commands)
{
    assert_int_equal(setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1), 0);
    if (system(commands) != 0)
        fail_msg("failed: %s", commands);
}
