/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of manual pages share. */
#pragma once

#include "conf/schema.h"
#include "conf/show.h"

void roff_put(const struct conf_sink *sink, const char *s);
/* Text in roff: backslashes and hyphens are escaped, and no line begins with a control character. */
void roff_text(const struct conf_sink *sink, const char *s);
/* The end of a row's text: the words that are not taken, after lead; and the end of its line. */
void roff_refused_words(const struct conf_sink *sink, const struct schema_row *r, const char *lead);
