/* SPDX-License-Identifier: Apache-2.0 */
/* Two data planes for each test of a program, which opens them itself: setup and teardown for cmocka. Include
 * it once, in the test itself. */
#pragma once

#include "crypto/random.h"
#include "support/esp_pair.h"

static struct esp *a, *b;

static int setup(void **state)
{
    (void)state;
    crypto_random_seed(7);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    esp_free(a);
    esp_free(b);
    a = b = NULL;
    crypto_random_set_source(NULL, NULL);
    return 0;
}
