/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends: which of them is ours, and their addresses.
 *
 * Ours is the one that has an address of this machine, or says %defaultroute; where neither does, left is,
 * but in Libreswan's dialect not one that stands for any peer. */
#include "conf/ipsec/ipsec.h"

bool ipsec_is_any(const char *s)
{
    return !*s || strcasecmp(s, "%any") == 0 || strcasecmp(s, "%any4") == 0 || strcasecmp(s, "%any6") == 0;
}

static bool is_default_route(const struct setting *s)
{
    return s && strcasecmp(s->value, "%defaultroute") == 0;
}

static bool is_own(const struct ipsec_conn *c, const struct setting *s)
{
    size_t n = 0;
    const char **words = s ? value_list(c->b->scratch, s->value, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        struct ip ip;
        for (size_t k = 0; ip_parse(words[i], &ip) && k < c->t->n_own; k++) {
            if (ip_equal(ip, c->t->own[k]))
                return true;
        }
    }
    return false;
}

static bool is_of_group(const struct setting *s)
{
    static const char *const words[] = {"%group", "%opportunistic", "%oppo", "%opportunisticgroup",
                                        "%oppogroup"};
    for (size_t i = 0; s && i < ARRAY_LEN(words); i++) {
        if (strcasecmp(s->value, words[i]) == 0)
            return true;
    }
    return false;
}

static void orient(struct ipsec_conn *c, const struct setting *left, const struct setting *right)
{
    bool is_right = false, is_libreswan = c->dialect == DIALECT_LIBRESWAN;
    if (is_default_route(left) || is_own(c, left))
        is_right = false;
    else if (is_default_route(right) || is_own(c, right))
        is_right = true;
    else if (is_libreswan)
        is_right = left && ipsec_is_any(left->value) && right && !ipsec_is_any(right->value);
    c->local = is_right ? "right" : "left";
    c->remote = is_right ? "left" : "right";
}

/* What swanctl.conf calls it: '%' words are any address, and a '%' in front of one allows any other, too. */
static const char *address_of(struct ipsec_conn *c, const struct setting *s, bool is_local)
{
    const char *word = s->value;
    if (ipsec_is_any(word) || is_default_route(s))
        return "%any";
    if (is_of_group(s))
        return "%any";
    if (*word != '%')
        return word;
    if (c->dialect == DIALECT_STRONGSWAN)
        return is_local ? word + 1 : arena_printf(c->b->scratch, "%s, %%any", word + 1);
    ipsec_warn(c, s, "%s=%s: an interface's address is chosen by the routes", s->written, word);
    return "%any";
}

static bool allows_any(struct ipsec_conn *c)
{
    const struct setting *s = ipsec_end(c, false, "allowany");
    bool yes = false;
    return s && ipsec_bool(s->value, &yes) && yes;
}

void ipsec_put_ends(struct ipsec_conn *c)
{
    const struct setting *left = ipsec_given(c, "left"), *right = ipsec_given(c, "right");
    bool is_libreswan = c->dialect == DIALECT_LIBRESWAN;
    orient(c, left, right);
    if (is_of_group(left) || is_of_group(right))
        ipsec_needs(c, is_of_group(left) ? left : right, "opportunistic encryption");
    if (is_libreswan && !c->out && (!left || !right)) {
        struct diag *d = errors_add(c->b->errs, c->section->s.file, c->section->s.line, c->section->s.column,
                                    "connection '%s' has no %s", c->name, left ? "right" : "left");
        diag_expected(d, "left= and right=: an address, a name, %%any or %%defaultroute");
    }
    if (is_default_route(left) && is_default_route(right))
        build_error(c->b, right, "both ends are this machine's");
    const struct setting *local = ipsec_end(c, true, ""), *remote = ipsec_end(c, false, "");
    if (local)
        ipsec_put(c, "local_addrs", local, address_of(c, local, true));
    if (!remote)
        return;
    const char *text = address_of(c, remote, false);
    ipsec_put(c, "remote_addrs", remote,
              allows_any(c) ? arena_printf(c->b->scratch, "%s, %%any", text) : text);
}
