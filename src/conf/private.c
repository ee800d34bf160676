/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files that hold a secret in place (a preshared key, a passphrase, a PIN) are private: one
 * that others can read is refused, with what to type. Private keys' files are checked where they are read. */
#include "conf/build.h"

enum { FILES_MAX = 64, DEPTH_MAX = 32 };

struct seen {
    const char *v[FILES_MAX];
    size_t n;
};

/* What the keys are called that take a secret in place. */
static bool is_secret(const struct setting *s)
{
    static const char *const names[] = {"secret", "psk", "ppk", "passphrase", "pin"};
    static const char *const elsewhere[] = {"file:", "pad:", "pad-end:"};
    if (!s->value || !s->value[0] || !s->file)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
        if (strncmp(s->value, elsewhere[i], strlen(elsewhere[i])) == 0)
            return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(s->name, names[i]) == 0)
            return true;
    }
    return false;
}

/* Each file once. */
static bool is_new(struct seen *seen, const char *file)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (strcmp(seen->v[i], file) == 0)
            return false;
    }
    if (seen->n < FILES_MAX)
        seen->v[seen->n++] = file;
    return true;
}

static void check_file(struct builder *b, const struct setting *s)
{
    struct span ignored;
    struct diag d = {0};
    if (!b->src->read_private || b->src->read_private(b->src->ctx, b->scratch, s->file, &ignored, &d) ||
        d.class != FAIL_PERMISSION)
        return;
    struct diag *e = errors_add(b->errs, s->file, s->line, s->column, "a secret stands here: %s", d.what);
    diag_try(e, "%s", d.try);
}

static void walk(struct builder *b, const struct setting *section, struct seen *seen, unsigned depth)
{
    for (const struct setting *s = section->first; s; s = s->next) {
        if (s->is_section && depth)
            walk(b, s, seen, depth - 1);
        else if (!s->is_section && is_secret(s) && is_new(seen, s->file))
            check_file(b, s);
    }
}

void build_check_private(struct builder *b, const struct setting *root)
{
    struct seen seen = {.n = 0};
    walk(b, root, &seen, DEPTH_MAX);
}
