/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic classes: the key dscp of children (RFC 4301 section 4.1), and whether those of one connection can
 * be told apart. Children of several connections are not compared: the first one that is up decides. */
#include "conf/build.h"
#include "net/dscp.h"

void set_class(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct child_config *c = dest;
    char bad[32];
    (void)row;
    if (!dscp_parse_set(key->value, &c->dscp, bad, sizeof(bad)))
        build_expected(build_error(b, key, *bad ? "'%s' is no DSCP" : "no DSCP", bad), key,
                       "names such as ef, af41, cs6 and be, numbers up to 63, or six binary digits");
}

static struct diag *refuse(struct builder *b, const struct child_config *c, const struct setting *section,
                           const char *what)
{
    const struct origin *o = origin_of(&c->origins, "dscp");
    return errors_add(b->errs, o ? o->file : section->file, o ? o->line : section->line,
                      o ? o->column : section->column, "child '%s' %s", c->name, what);
}

/* Each SA needs a reqid of its own, and the policies must be equal in all but their class. */
static void check_two(struct builder *b, const struct child_config *a, const struct child_config *c,
                      const struct setting *section)
{
    char both[DSCP_SET_TEXT];
    const struct child_config *at = c->dscp ? c : a;
    if (!at->dscp)
        return;
    if (a->reqid && a->reqid == c->reqid) {
        diag_expected(refuse(b, at, section, "has a class of its own, and the reqid of another child"),
                      "different reqids, or none");
        return;
    }
    if (!child_config_is_alike(a, c))
        return;
    if (a->dscp & c->dscp) {
        struct diag *d = refuse(b, at, section, "carries what another child with its selectors carries");
        diag_expected(d, "each DSCP in one child");
        diag_got(d, "%s in '%s' and '%s'", dscp_format_set(a->dscp & c->dscp, both), a->name, c->name);
    }
    if (a->priority != c->priority)
        diag_expected(refuse(b, at, section, "has a class, and another priority than a child like it"),
                      "one priority for '%s' and '%s'", a->name, c->name);
}

void build_check_classes(struct builder *b, const struct connection *c, const struct setting *section)
{
    for (size_t i = 0; i < c->n_children; i++) {
        const struct child_config *child = &c->children[i];
        if (child->dscp && !child->installs_policies)
            diag_expected(refuse(b, child, section, "has a class, which is chosen by its policies"),
                          "policies = yes");
        for (size_t k = 0; k < i; k++)
            check_two(b, &c->children[k], child, section);
    }
}
