/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic classes: the key dscp of children (RFC 4301 section 4.1), the key classes of a tunnel, which makes
 * such children, and whether those of one connection can be told apart. Children of several connections are
 * not compared: the first one that is up decides. */
#include "conf/build.h"
#include "net/dscp.h"
#include <stdio.h>

void set_class(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct child_config *c = dest;
    char bad[32];
    (void)row;
    if (!dscp_parse_set(key->value, &c->dscp, bad, sizeof(bad)))
        build_expected(build_error(b, key, *bad ? "'%s' is no DSCP" : "no DSCP", bad), key,
                       "names such as ef, af41, cs6 and be, numbers up to 63, or six binary digits");
}

static void copy_key(struct builder *b, struct setting *to, const struct setting *key)
{
    struct setting *copy = settings_add(b->tree, to, key->name, strlen(key->name), false);
    if (!copy)
        return;
    copy->value = key->value;
    copy->written = key->written;
    copy->file = key->file;
    copy->line = key->line;
    copy->column = key->column;
    copy->value_line = key->value_line;
    copy->value_column = key->value_column;
}

/* A child like own, named after it and the first DSCP of its class. */
static void add_class(struct builder *b, struct setting *children, const struct setting *own,
                      const struct setting *classes, const char *class, uint64_t set)
{
    char text[DSCP_SET_TEXT], name[SETTINGS_MAX_NAME + DSCP_SET_TEXT];
    dscp_format_set(set, text);
    snprintf(name, sizeof(name), "%s-%.*s", own->name, (int)strcspn(text, ","), text);
    if (settings_section(b->tree, children, name)) {
        build_error(b, classes, "%.*s is in two classes", (int)strcspn(text, ","), text);
        return;
    }
    struct setting *child = settings_add(b->tree, children, name, strlen(name), true);
    struct setting *dscp = child ? settings_add(b->tree, child, "dscp", 4, false) : NULL;
    if (!dscp)
        return;
    child->file = own->file;
    child->line = own->line;
    child->column = own->column;
    for (const struct setting *key = own->first; key; key = key->next)
        copy_key(b, child, key);
    struct setting as_class = *classes;
    as_class.name = "dscp";
    as_class.value = class;
    copy_key(b, child, &as_class);
}

void build_add_classes(struct builder *b, struct setting *connection, const char *child,
                       const struct setting *classes)
{
    struct setting *children = settings_section(b->tree, connection, "children");
    const struct setting *own = children ? settings_section(b->tree, children, child) : NULL;
    char bad[32];
    uint64_t set;
    for (const char *at = classes->value; own && at;) {
        const char *end = strchr(at, '|');
        const char *class = end ? arena_strndup(b->scratch, at, (size_t)(end - at)) : at;
        if (dscp_parse_set(class, &set, bad, sizeof(bad)))
            add_class(b, children, own, classes, class, set);
        else
            build_expected(build_error(b, classes, *bad ? "'%s' is no DSCP" : "a class without a DSCP", bad),
                           classes, "such as ef,cs6 | af41");
        at = end ? end + 1 : NULL;
    }
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
