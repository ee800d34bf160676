/* SPDX-License-Identifier: Apache-2.0 */
/* Characters to words, with positions. Used by the parser alone. */
#pragma once

#include "base/arena.h"
#include "conf/errors.h"

struct lexer {
    const char *at, *end;
    const char *file;
    int line, column; /* of *at, from 1 */
    bool has_cut;     /* the last value ended at a '#' that touched it */
};

void lexer_init(struct lexer *x, const char *file, struct span text);
/* The next character, or -1. */
int lexer_peek(const struct lexer *x);
void lexer_advance(struct lexer *x);
/* Blanks; with lines, also newlines. Comments end a line. */
void lexer_skip(struct lexer *x, bool lines);
void lexer_skip_line(struct lexer *x);
/* A name, dots included. Empty when there is none. */
struct span lexer_name(struct lexer *x);
/* The rest of the line, up to '}' or a comment: words joined by one blank, strings unescaped. NULL when there
 * is nothing. */
const char *lexer_value(struct lexer *x, struct arena *a, struct errors *errs);
