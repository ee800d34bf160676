/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the JSON files of Project Wycheproof in tests/vectors/wycheproof: calls a function for each case.
 * What is missing or malformed in a file fails the test. Tests run with the source tree as their working
 * directory. */
#pragma once

#include "base/span.h"

struct vector; /* one case; all that it yields is valid until the function returns */

enum vector_result { VECTOR_VALID, VECTOR_INVALID, VECTOR_ACCEPTABLE };

typedef void vector_fn(struct vector *v, void *ctx);

/* Runs fn for each case of the file ("aes_gcm_test.json"); returns how many there were. */
size_t wycheproof_each(const char *file, vector_fn *fn, void *ctx);

/* Fields are looked for in the case, then in its group. */
struct span vector_hex(struct vector *v, const char *field);
const char *vector_str(struct vector *v, const char *field);
long vector_int(struct vector *v, const char *field);
bool vector_has_flag(struct vector *v, const char *flag);
enum vector_result vector_result(struct vector *v);
/* Fails the test, naming the file, the case and its comment. */
void vector_fail(struct vector *v, const char *why);
