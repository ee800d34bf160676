/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of manual pages share. */
#pragma once

#include "conf/show.h"

void roff_put(const struct conf_sink *sink, const char *s);
/* Text in roff: backslashes and hyphens are escaped, and no line begins with a control character. */
void roff_text(const struct conf_sink *sink, const char *s);
