/* SPDX-License-Identifier: Apache-2.0 */
/* Conns that are no connections: type=passthrough, drop or reject. Only who and what they are about counts of
 * them; authby=never, which Libreswan wants to see there, says the same. Without a subnet an end is its host
 * in Libreswan's dialect, and any address in strongSwan's. */
#include "conf/ipsec/ipsec.h"

bool ipsec_is_shunt(const struct ipsec_conn *c)
{
    static const char *const words[] = {"passthrough", "pass", "drop", "reject"};
    const struct setting *type = ipsec_given(c, "type");
    for (size_t i = 0; type && i < ARRAY_LEN(words); i++) {
        if (strcasecmp(type->value, words[i]) == 0)
            return true;
    }
    return false;
}

/* "dynamic[tcp/22]", or nothing, to "192.0.2.1[tcp/22]". */
static void put_host(struct ipsec_conn *c, struct setting *child, bool is_local)
{
    static const char dynamic[] = "dynamic";
    const char *key = is_local ? "local_ts" : "remote_ts", *rest = "";
    struct ip ip;
    const struct setting *end = ipsec_end(c, is_local, "");
    struct setting *have = settings_key(c->b->tree, child, key);
    if (!end || !ip_parse(end->value, &ip) || ip_is_unspecified(ip))
        return;
    if (have && strncmp(have->value, dynamic, sizeof(dynamic) - 1) != 0)
        return;
    if (have)
        rest = have->value + sizeof(dynamic) - 1;
    const char *value = arena_printf(c->b->scratch, "%s%s", end->value, rest);
    if (have)
        have->value = value;
    else
        build_put(c->b, child, &c->section->s, c->name, key, end, value);
}

void ipsec_put_shunt(struct ipsec_conn *c)
{
    const struct setting *type = ipsec_given(c, "type"), *start = ipsec_given(c, "auto");
    const struct schema_word *w = ipsec_word(schema_find(SCOPE_IPSEC_CONN, "type"), type->value);
    bool is_on = start && strcasecmp(start->value, "add") != 0 && strcasecmp(start->value, "ignore") != 0;
    ipsec_put_ends(c);
    ipsec_put_selectors(c);
    ipsec_put(c, "children.*.mode", type, w && w->maps ? w->maps : type->value);
    ipsec_put(c, "children.*.start_action", start, is_on ? "trap" : "none");
    struct setting *children = settings_section(c->b->tree, c->to, "children");
    for (struct setting *s = children ? children->first : NULL; s && c->dialect == DIALECT_LIBRESWAN;
         s = s->next) {
        put_host(c, s, true);
        put_host(c, s, false);
    }
}
