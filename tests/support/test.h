/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka and the few helpers that tests share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

/* Bytes from hex text (spaces allowed), in a static ring of buffers: good until 64 further calls. Fails the
 * test on bad hex. */
struct span hex(const char *text);
void assert_span_equal(struct span got, struct span expected);
