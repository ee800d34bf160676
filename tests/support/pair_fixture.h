/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh pair of engines for each test of a program: setup and teardown for cmocka, and the usual start.
 * Include it once, in the test itself. */
#pragma once

#include "support/engine_pair.h"

static struct pair p;

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static void load(const struct pair_spec *a, const struct pair_spec *b)
{
    pair_load(&p, 0, a);
    pair_load(&p, 1, b);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
}

__attribute__((unused)) static void up(const struct pair_spec *a, const struct pair_spec *b)
{
    load(a, b);
    pair_run(&p);
}
