/* SPDX-License-Identifier: Apache-2.0 */
/* config setup: what of it Keyway has goes to the settings of the daemon, or to every connection. Settings of
 * keyway.conf come before it. */
#include "conf/ipsec/ipsec.h"
#include "conf/logging.h"

static struct setting *find_default(struct ipsec_tree *t, struct setting *flat, const char *key)
{
    struct setting *s = settings_key(t->b->tree, flat, key);
    return s && s->value ? s : NULL;
}

static const char *setting_value(struct ipsec_tree *t, const struct schema_row *r, const char *value)
{
    bool yes;
    int64_t time;
    if (r->kind == KIND_BOOL && ipsec_bool(value, &yes))
        return yes ? "yes" : "no";
    if (r->kind == KIND_TIME && ipsec_time(value, &time))
        return arena_printf(t->arena, "%lld", (long long)(time / 1000000));
    return value;
}

/* Where a distribution has NSS's database, which is no key store of ours. */
static bool is_of_nss(const char *folder)
{
    folder += strncmp(folder, "sql:", 4) == 0 ? 4 : 0;
    return strcmp(folder, "/var/lib/ipsec/nss") == 0 || strcmp(folder, "/etc/ipsec.d") == 0;
}

static void apply(struct ipsec_tree *t, struct setting *flat)
{
    struct builder *b = t->b;
    struct settings *set = &b->config->settings;
    struct setting *to = settings_add(b->tree, b->tree->root, "\001setup", 6, true);
    struct origin_list l = {0};
    for (struct setting *k = flat->first; k && to; k = k->next) {
        const struct schema_row *r = schema_find(SCOPE_IPSEC_SETUP, k->name);
        if (!r || r->status != EFFECTIVE || !r->maps || !k->value || origin_of(&set->origins, r->maps))
            continue;
        if (strcmp(k->name, "nssdir") == 0 && is_of_nss(k->value))
            continue;
        build_put(b, to, flat, "", r->maps, k, setting_value(t, r, k->value));
    }
    schema_apply_keys(b, SCOPE_GLOBAL, to, set, &l, NULL, NULL);
    for (size_t i = 0; i < set->origins.n; i++)
        origin_copy(b, &l, &set->origins.v[i]);
    set->origins = (struct origins){l.v, l.n};
}

/* Several sections of the name are one; the last value of a key counts. */
void ipsec_build_setup(struct ipsec_tree *t)
{
    struct builder *b = t->b;
    struct setting *flat = settings_add(b->tree, b->tree->root, "\001flat-setup", 11, true);
    bool yes = false;
    for (struct ipsec_section *s = t->first; s && flat; s = s->next) {
        if (s->kind != IPSEC_SETUP)
            continue;
        flat->file = s->s.file;
        flat->line = s->s.line;
        for (struct setting *k = s->s.first; k; k = k->next) {
            const struct ipsec_key *key = (const struct ipsec_key *)k;
            if (key->is_dropped || !key->row || key->row->status != EFFECTIVE || !k->value)
                continue;
            build_put(b, flat, &s->s, "", k->name, k, k->value);
        }
    }
    if (!flat)
        return;
    apply(t, flat);
    build_setup_logging(b, flat);
    t->managed = find_default(t, flat, "ipsec_interface_managed");
    t->uniqueids = find_default(t, flat, "uniqueids");
    t->revocation = find_default(t, flat, "strictcrlpolicy");
    const char *const stricts[] = {"crl_strict", "ocsp_strict"};
    for (size_t i = 0; i < ARRAY_LEN(stricts); i++) {
        const struct setting *s = find_default(t, flat, stricts[i]);
        if (s && ipsec_bool(s->value, &yes) && yes)
            t->revocation = s;
    }
}
