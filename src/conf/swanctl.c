/* SPDX-License-Identifier: Apache-2.0 */
/* swanctl.conf: connections, secrets, and the sections that are refused by name. keyway.conf has the same. */
#include "base/log.h"
#include "conf/schema.h"
#include "conf/value.h"

static void key_in_place_of_section(struct builder *b, const struct setting *s, const char *expected)
{
    struct diag *d = errors_add(b->errs, s->file, s->line, s->column,
                                "'%s' is a key where a section is expected", s->written);
    diag_expected(d, "%s", expected);
}

static void build_connections(struct builder *b, const struct setting *section)
{
    for (const struct setting *s = section ? section->first : NULL; s; s = s->next) {
        if (s->is_section)
            build_add_connection(b, build_connection(b, s), s);
        else
            key_in_place_of_section(b, s, "name { ... }");
    }
}

/* ---- secrets ---- */

#define OWNERS_MAX 64

static size_t read_owners(struct builder *b, const struct setting *section,
                          struct identity owners[OWNERS_MAX])
{
    size_t n = 0;
    for (const struct setting *key = section->first; key; key = key->next) {
        const char *why = "not an identity";
        if (key->is_section || !key->value || strncmp(key->name, "id", 2) != 0)
            continue;
        if (n == OWNERS_MAX)
            build_error(b, key, "too many owners: at most %d", OWNERS_MAX);
        else if (identity_parse(b->scratch, key->value, &owners[n], &why))
            n++;
        else
            build_expected(build_error(b, key, "%s", why), key, "an identity");
        if (n == OWNERS_MAX)
            break;
    }
    return n;
}

static void build_ike_secret(struct builder *b, const struct setting *section)
{
    struct identity owners[OWNERS_MAX];
    struct secret secret = {0};
    schema_check(b, SCOPE_IKE, section);
    size_t n = read_owners(b, section, owners);
    const struct setting *key = settings_key(b->tree, section, "secret");
    if (!key || !key->value) {
        errors_add(b->errs, section->file, section->line, section->column, "'%s' has no secret",
                   section->written);
        return;
    }
    if (!value_secret(key->value, &secret)) {
        struct diag *d = build_error(b, key, "the encoding is broken");
        diag_expected(d, "hex digits after 0x, base64 after 0s, or text that begins otherwise");
        return;
    }
    if (secret.len == 0)
        build_error(b, key, "an empty secret protects nothing");
    build_add_secret(b, key, &secret, owners, n);
    secret_free(&secret);
}

static const struct {
    const char *prefix;
    enum schema_scope scope;
} secret_kinds[] = {
    {"ike",     SCOPE_IKE    },
    {"private", SCOPE_PRIVATE},
    {"rsa",     SCOPE_PRIVATE},
    {"ecdsa",   SCOPE_PRIVATE},
    {"pkcs8",   SCOPE_PRIVATE},
    {"pkcs12",  SCOPE_PKCS12 },
    {"eap",     SCOPE_EAP    },
    {"xauth",   SCOPE_EAP    },
    {"ntlm",    SCOPE_EAP    },
    {"ppk",     SCOPE_PPK    },
    {"token",   SCOPE_TOKEN  },
};

void build_secret(struct builder *b, const struct setting *section)
{
    static const char *const known[] = {"ike", "private", "rsa", "ecdsa", "pkcs8", "ppk", NULL};
    for (size_t i = 0; i < ARRAY_LEN(secret_kinds); i++) {
        if (strncmp(section->name, secret_kinds[i].prefix, strlen(secret_kinds[i].prefix)) != 0)
            continue;
        if (secret_kinds[i].scope == SCOPE_IKE)
            build_ike_secret(b, section);
        else if (secret_kinds[i].scope == SCOPE_PPK)
            build_ppk(b, section);
        else if (secret_kinds[i].scope == SCOPE_TOKEN)
            build_token(b, section);
        else
            schema_check(b, secret_kinds[i].scope, section);
        return;
    }
    schema_unknown_section(b, section, known);
}

/* ---- the whole file ---- */

/* Sections of other names may be there to be inherited from. One that nobody inherits from is told about, and
 * refused when it looks like a typing error. */
static void check_top(struct builder *b, const struct setting *root)
{
    static const char *const known[] = {"connections", "secrets", "pools", "authorities", NULL};
    for (const struct setting *s = root->first; s; s = s->next) {
        bool is_known = false, is_near = false;
        for (size_t i = 0; known[i]; i++) {
            is_known |= strcmp(known[i], s->name) == 0;
            is_near |= value_distance(known[i], s->name) <= 2;
        }
        if (!s->is_section)
            errors_add(b->errs, s->file, s->line, s->column, "key '%s' stands outside of any section",
                       s->written);
        else if (!is_known && is_near)
            schema_unknown_section(b, s, known);
        else if (!is_known && !s->is_base)
            log_line(GROUP_CFG, LOG_WARN, "%s:%d: section '%s' is without effect", s->file, s->line, s->name);
    }
}

void build_swanctl(struct builder *b, const struct setting *root)
{
    if (strcmp(b->dialect, "swanctl.conf") == 0)
        check_top(b, root);
    const struct setting *secrets = settings_section(b->tree, root, "secrets");
    build_folders(b, secrets);
    for (const struct setting *s = secrets ? secrets->first : NULL; s; s = s->next) {
        if (s->is_section)
            build_secret(b, s);
        else
            key_in_place_of_section(b, s, "ike { ... }");
    }
    build_connections(b, settings_section(b->tree, root, "connections"));
    build_pools(b, settings_section(b->tree, root, "pools"));
    build_authorities(b, settings_section(b->tree, root, "authorities"));
}
