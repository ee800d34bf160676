/* SPDX-License-Identifier: Apache-2.0 */
/* What was said at run time of connections of ipsec.conf, against their auto=: `ipsec auto --add` loads one
 * whose auto= is ignore, `--delete` takes one out. The daemon keeps it from one reload to the next; a restart
 * forgets it. No bound: only who may speak to the daemon can add names, and those that no file has are taken
 * back. */
#pragma once

#include <stddef.h>

enum choice { CHOICE_NONE, CHOICE_ADDED, CHOICE_DELETED };

struct choice_row {
    char *name;
    enum choice what;
};

struct choices { /* all zero: none */
    struct choice_row *v;
    size_t n;
};

void choices_deinit(struct choices *c);
/* Returns what it was before. */
enum choice choices_set(struct choices *c, const char *name, enum choice what);
/* For another thread: not changed by what happens to the original. */
struct choices choices_copy(const struct choices *c);
/* NULL-terminated, for struct conf_request; the texts are the choices', the caller frees the array. */
const char **choices_names(const struct choices *c, enum choice what);
