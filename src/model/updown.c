/* SPDX-License-Identifier: Apache-2.0 */
/* Words for updown commands. */
#include "base/rd.h"
#include "model/action.h"

const char *updown_verb_name(enum updown_verb v)
{
    static const char *const names[] = {
        [UPDOWN_PREPARE] = "prepare", [UPDOWN_ROUTE] = "route",     [UPDOWN_UP] = "up",
        [UPDOWN_DOWN] = "down",       [UPDOWN_UNROUTE] = "unroute",
    };
    return (size_t)v < sizeof(names) / sizeof(names[0]) ? names[v] : "";
}
