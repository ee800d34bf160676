/* SPDX-License-Identifier: Apache-2.0 */
/* Postquantum preshared keys (RFC 8784): secrets.ppk<suffix>, in place or as a pad, and the connections that
 * use them. A PPK_ID is written as an identity is, so that both ends mean the same bytes whoever they are. */
#include "base/log.h"
#include "base/text.h"
#include "conf/schema.h"
#include "conf/value.h"

#define PPK_IDS_MAX 16
#define PPK_STRONG  32 /* bytes [RFC8784#6] */

static const struct identity *read_ppk_id(struct builder *b, const struct setting *key)
{
    struct identity *id = arena_alloc(b->a, sizeof(*id));
    const char *why = "not an identity";
    if (identity_parse(b->a, key->value, id, &why) && id->type != ID_ANY && id->data.len)
        return id;
    build_expected(build_error(b, key, "%s", why), key, "the name of a PPK");
    return NULL;
}

void set_ppk_id(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    struct connection *c = dest;
    (void)row;
    c->ppk_id = read_ppk_id(b, key);
}

static struct ppk *ppk_new(struct builder *b, const struct setting *key)
{
    struct config *c = b->config;
    struct ppk *v = arena_calloc(b->a, c->n_ppks + 1, sizeof(*v)); /* there are few */
    if (c->n_ppks)
        memcpy(v, c->ppks, c->n_ppks * sizeof(*v));
    c->ppks = v;
    struct ppk *p = &v[c->n_ppks++];
    p->origin = (struct origin){.key = "ppk", .file = key->file, .line = key->line, .column = key->column};
    return p;
}

static bool read_secret(struct builder *b, const struct setting *key, const char *text, struct secret *out)
{
    if (!value_secret(text, out)) {
        diag_expected(build_error(b, key, "the encoding is broken"),
                      "hex digits after 0x, base64 after 0s, or text that begins otherwise");
        return false;
    }
    if (out->len == 0)
        build_error(b, key, "an empty PPK protects nothing");
    else if (out->len < PPK_STRONG)
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d: a PPK of %zu bytes: 32 random ones are what withstands a quantum computer",
                 key->file, key->line, out->len);
    return true;
}

static struct ppk *read_pad(struct builder *b, const struct setting *pad, const char *path, bool is_from_end)
{
    if (path[0] != '/') {
        build_expected(build_error(b, pad, "a pad needs its whole path"), pad, "/PATH");
        return NULL;
    }
    struct ppk *p = ppk_new(b, pad);
    p->pad = arena_strdup(b->a, path);
    p->is_from_end = is_from_end;
    return p;
}

/* "pad:/PATH", "pad-end:/PATH", or the secret itself. */
void build_add_ppk(struct builder *b, const struct setting *key, const char *text, const struct identity *id)
{
    struct secret secret = {0};
    struct ppk *p = NULL;
    bool is_from_start = strncmp(text, "pad:", 4) == 0, is_from_end = strncmp(text, "pad-end:", 8) == 0;
    if (is_from_start || is_from_end)
        p = read_pad(b, key, text + (is_from_end ? 8 : 4), is_from_end);
    else if (read_secret(b, key, text, &secret)) {
        p = ppk_new(b, key);
        p->secret = secret;
    }
    if (!p)
        return;
    p->ids = arena_calloc(b->a, 1, sizeof(*p->ids));
    p->ids[0] = identity_dup(b->a, id);
    p->n_ids = 1;
}

static void read_ids(struct builder *b, const struct setting *section, struct ppk *p)
{
    p->ids = arena_calloc(b->a, PPK_IDS_MAX, sizeof(*p->ids));
    for (const struct setting *key = section->first; key; key = key->next) {
        if (key->is_section || !key->value || strncmp(key->name, "id", 2) != 0)
            continue;
        const struct identity *id = read_ppk_id(b, key);
        if (p->n_ids == PPK_IDS_MAX) {
            build_error(b, key, "too many names of one PPK: at most %d", PPK_IDS_MAX);
            return;
        }
        if (id)
            p->ids[p->n_ids++] = *id;
    }
}

void build_ppk(struct builder *b, const struct setting *section)
{
    const struct setting *key = settings_key(b->tree, section, "secret");
    const struct setting *pad = settings_key(b->tree, section, "pad");
    const struct setting *from = settings_key(b->tree, section, "pad_from");
    bool has_key = key && key->value, has_pad = pad && pad->value;
    struct secret secret = {0};
    struct ppk *p = NULL;
    schema_check(b, SCOPE_PPK, section);
    if (has_key == has_pad) {
        errors_add(b->errs, section->file, section->line, section->column, "'%s' has %s", section->written,
                   has_key ? "both a secret and a pad" : "neither a secret nor a pad");
        return;
    }
    bool is_from_end = from && from->value && strcmp(from->value, "end") == 0;
    if (from && !is_from_end && (!from->value || strcmp(from->value, "start") != 0))
        build_expected(build_error(b, from, "not an end of the pad"), from, "start or end");
    if (has_pad)
        p = read_pad(b, pad, pad->value, is_from_end);
    else if (read_secret(b, key, key->value, &secret)) {
        p = ppk_new(b, key);
        p->secret = secret;
    }
    if (p)
        read_ids(b, section, p);
}

void build_check_ppks(struct builder *b)
{
    for (size_t i = 0; i < b->config->n_connections; i++) {
        const struct connection *c = b->config->connections[i];
        const struct origin *at = origin_of(&c->origins, c->ppk_id ? "ppk_id" : "ppk_required");
        char name[ID_TEXT_MAX];
        if (c->ppk_id && !config_ppk_for(b->config, c->ppk_id->data) && at)
            diag_expected(errors_add(b->errs, at->file, at->line, at->column, "ppk_id: there is no PPK '%s'",
                                     identity_format(c->ppk_id, name)),
                          "a section secrets.ppk... with this id, or with none");
        if (c->ppk_required && !b->config->n_ppks && at)
            diag_expected(
                errors_add(b->errs, at->file, at->line, at->column, "ppk_required: there is no PPK"),
                "a section secrets.ppk...");
    }
}
