/* SPDX-License-Identifier: Apache-2.0 */
/* ca sections, strongSwan's: a certificate that is trusted, and where its CRLs and OCSP responders are. They
 * become sections of authorities {}. */
#include "conf/ipsec/ipsec.h"

static void put_list(struct ipsec_tree *t, struct setting *to, const struct setting *flat, const char *path,
                     const char *first, const char *second)
{
    const struct setting *a = settings_key(t->b->tree, flat, first);
    const struct setting *b = settings_key(t->b->tree, flat, second);
    bool has_a = a && a->value, has_b = b && b->value;
    if (has_a || has_b)
        build_put(t->b, to, flat, "", path, has_a ? a : b,
                  arena_printf(t->arena, "%s%s%s", has_a ? a->value : "", has_a && has_b ? ", " : "",
                               has_b ? b->value : ""));
}

static void place(struct setting *to, const struct ipsec_section *s)
{
    to->file = s->s.file;
    to->line = s->s.line;
    to->column = s->s.column;
}

static void put_ca(struct ipsec_tree *t, struct setting *made, struct ipsec_section *s)
{
    struct settings_tree *tree = t->b->tree;
    struct setting *flats = settings_add(tree, tree->root, "\001flat-ca", 8, true);
    struct setting *flat = flats ? settings_add(tree, flats, s->s.name, strlen(s->s.name), true) : NULL;
    if (!flat)
        return;
    place(flat, s);
    ipsec_flatten(t, s, flat);
    const struct setting *is_auto = settings_key(tree, flat, "auto");
    const struct setting *cert = settings_key(tree, flat, "cacert");
    if (!is_auto || !is_auto->value || strcasecmp(is_auto->value, "add") != 0)
        return;
    struct setting *to = settings_add(tree, made, s->s.name, strlen(s->s.name), true);
    if (!to)
        return;
    place(to, s);
    if (cert && cert->value)
        build_put(t->b, to, flat, "", "cacert", cert, cert->value);
    const struct setting *base = settings_key(tree, flat, "certuribase");
    if (base && base->value)
        build_put(t->b, to, flat, "", "cert_uri_base", base, base->value);
    put_list(t, to, flat, "crl_uris", "crluri", "crluri2");
    put_list(t, to, flat, "ocsp_uris", "ocspuri", "ocspuri2");
}

void ipsec_build_cas(struct ipsec_tree *t)
{
    struct settings_tree *tree = t->b->tree;
    struct setting *made = settings_add(tree, tree->root, "\001authorities", 12, true);
    for (struct ipsec_section *s = t->first; s && made; s = s->next) {
        if (s->kind == IPSEC_CA && strcmp(s->s.name, "%default") != 0 &&
            ipsec_find(t, IPSEC_CA, s->s.name) == s)
            put_ca(t, made, s);
    }
    size_t n_errors = t->b->errs->n;
    build_authorities(t->b, made);
    ipsec_log_errors(t->b, n_errors); /* it is without effect, and no more */
}
