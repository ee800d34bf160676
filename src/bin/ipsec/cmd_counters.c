/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec listcounters [NAME]`, `resetcounters [NAME]`: messages of IKE that came and went. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"

/* What was never counted is no error. */
static int show_counters(struct control *c, const char *name)
{
    struct diag d;
    const char *const pairs[] = {"name", name, NULL};
    json_t *reply = control_ask_with(c, "get-counters", name ? pairs : NULL, &d);
    if (!reply && d.class != FAIL_GENERIC)
        return control_fail(c, NULL, &d);
    strongswan_counters(stdout, json_object_get(reply, "counters"), name);
    json_decref(reply);
    return 0;
}

static int reset(struct control *c, const char *name)
{
    struct diag d;
    const char *const pairs[] = {name ? "name" : "all", name ? name : "yes", NULL};
    bool ok = control_tell(c, "reset-counters", pairs, &d) || d.class == FAIL_GENERIC;
    return ok ? 0 : control_fail(c, NULL, &d);
}

const struct ipsec_command ipsec_cmd_listcounters = {
    .name = "listcounters",
    .as_stroke = "listcounters",
    .operands = "[NAME]",
    .names = NAMES_MAYBE,
    .family = DIALECT_STRONGSWAN,
    .doc = "how many messages of IKE came and went, in all or of a connection",
    .act = show_counters,
};

const struct ipsec_command ipsec_cmd_resetcounters = {
    .name = "resetcounters",
    .as_stroke = "resetcounters",
    .operands = "[NAME]",
    .names = NAMES_MAYBE,
    .family = DIALECT_STRONGSWAN,
    .doc = "count them from 0 again",
    .act = reset,
};
