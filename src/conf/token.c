/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates on tokens: secrets.token<suffix> names a private key by its handle, a certificate
 * section of a connection a certificate likewise. The source of the configuration (src/sys) talks to tokens.
 */
#include "base/text.h"
#include "conf/schema.h"
#include "conf/value.h"

enum { HANDLE_MAX = 64 };

/* Its row is read together with others of its section, here. */
void set_nothing(struct builder *b, const struct schema_row *row, const struct setting *key, void *dest)
{
    (void)b;
    (void)row;
    (void)key;
    (void)dest;
}

static const char *value_of(struct builder *b, const struct setting *section, const char *name)
{
    const struct setting *key = settings_key(b->tree, section, name);
    return key && key->value && key->value[0] ? key->value : NULL;
}

static bool read_handle(struct builder *b, const struct setting *key, struct token_query *q)
{
    uint8_t *id = arena_alloc(b->scratch, HANDLE_MAX);
    size_t len = 0;
    const char *text = strncmp(key->value, "0x", 2) == 0 ? key->value + 2 : key->value;
    if (!hex_decode(span_str(text), id, HANDLE_MAX, &len) || !len) {
        build_expected(build_error(b, key, "not an object's handle"), key, "its CKA_ID in hex, such as a1b2");
        return false;
    }
    q->handle = span_of(id, len);
    return true;
}

/* False: there is no handle, or an error was told. */
static bool read_query(struct builder *b, const struct setting *section, struct token_query *q)
{
    uint64_t slot = 0;
    const struct setting *handle = settings_key(b->tree, section, "handle");
    const struct setting *number = settings_key(b->tree, section, "slot");
    *q = (struct token_query){.slot = -1};
    if (!handle || !handle->value || !read_handle(b, handle, q))
        return false;
    if (number && number->value && (!value_number(number->value, &slot) || slot > INT32_MAX)) {
        build_expected(build_error(b, number, "not a slot"), number, "its number");
        return false;
    }
    q->slot = number && number->value ? (int64_t)slot : -1;
    q->module = value_of(b, section, "module");
    q->pin = value_of(b, section, "pin");
    if (b->src->token_key && b->src->token_cert)
        return true;
    build_error(b, handle, "there are no tokens here");
    return false;
}

static void tell(struct builder *b, const struct setting *section, const struct diag *d)
{
    struct diag *e = build_error(b, settings_key(b->tree, section, "handle"), "%s", d->what);
    if (d->expected[0])
        diag_expected(e, "%s", d->expected);
    if (d->got[0])
        diag_got(e, "%s", d->got);
    if (d->try[0])
        diag_try(e, "%s", d->try);
}

void build_token(struct builder *b, const struct setting *section)
{
    struct token_query q;
    struct diag d = {0};
    schema_check(b, SCOPE_TOKEN, section);
    if (!settings_key(b->tree, section, "handle"))
        errors_add(b->errs, section->file, section->line, section->column, "'%s' has no handle",
                   section->written);
    if (!read_query(b, section, &q))
        return;
    const struct setting *handle = settings_key(b->tree, section, "handle");
    struct pkey *k = b->src->token_key(b->src->ctx, &q, &d);
    if (k)
        build_add_key(b, k, (struct origin){.key = "token", .file = handle->file, .line = handle->line});
    else
        tell(b, section, &d);
}

void build_token_cert(struct builder *b, const struct setting *section, struct auth_side *side)
{
    struct token_query q;
    struct diag d = {0};
    struct span der;
    if (!read_query(b, section, &q))
        return;
    struct cert *c = b->src->token_cert(b->src->ctx, b->scratch, &q, &der, &d) ? cert_load(der, &d) : NULL;
    if (c)
        build_cert_take(b, &side->certs, c);
    else
        tell(b, section, &d);
}
