/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec leases [POOL [ADDRESS]]` and `ipsec listalgs`. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"

/* Its operands belong together: it is run once for each, and answers at the first. */
static int leases(struct control *c, const char *name)
{
    const struct ipsec_run *r = c->run;
    struct diag d;
    if (r->n_operands > 1 && name != r->operand[0])
        return 0;
    const char *const pairs[] = {"leases", "yes", "name", name, NULL};
    json_t *pools = control_ask_with(c, "get-pools", pairs, &d);
    if (!pools)
        return control_fail(c, NULL, &d);
    bool is_found = strongswan_leases(stdout, pools, name, r->n_operands > 1 ? r->operand[1] : NULL);
    json_decref(pools);
    return is_found || !name ? 0 : FAIL_NOT_FOUND;
}

static int algorithms(struct control *c, const char *name)
{
    struct diag d;
    (void)name;
    json_t *all = control_ask(c, "get-algorithms", &d);
    if (!all)
        return control_fail(c, NULL, &d);
    strongswan_algorithms(stdout, all);
    json_decref(all);
    return 0;
}

const struct ipsec_command ipsec_cmd_leases = {
    .name = "leases",
    .as_stroke = "leases",
    .operands = "[POOL [ADDRESS]]",
    .names = NAMES_MAYBE,
    .family = DIALECT_STRONGSWAN,
    .doc = "who has which virtual address",
    .act = leases,
};

const struct ipsec_command ipsec_cmd_listalgs = {
    .name = "listalgs",
    .as_stroke = "listalgs",
    .family = DIALECT_STRONGSWAN,
    .doc = "algorithms, and which library serves them",
    .act = algorithms,
};
