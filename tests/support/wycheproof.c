/* SPDX-License-Identifier: Apache-2.0 */
/* Project Wycheproof's JSON through jansson: see wycheproof.h. */
#include "support/wycheproof.h"
#include "base/arena.h"
#include "base/text.h"
#include "support/test.h"
#include <jansson.h>
#include <stdio.h>

struct vector {
    const char *file;
    const json_t *group, *test;
    struct arena *arena; /* of this case */
};

void vector_fail(struct vector *v, const char *why)
{
    fail_msg("%s, case %ld (%s): %s", v->file, vector_int(v, "tcId"), vector_str(v, "comment"), why);
}

static const json_t *field_of(struct vector *v, const char *field)
{
    const json_t *j = json_object_get(v->test, field);
    if (!j)
        j = json_object_get(v->group, field);
    if (!j)
        fail_msg("%s: no field %s", v->file, field);
    return j;
}

const char *vector_str(struct vector *v, const char *field)
{
    const char *s = json_string_value(field_of(v, field));
    if (!s)
        fail_msg("%s: %s is no string", v->file, field);
    return s;
}

struct span vector_hex(struct vector *v, const char *field)
{
    struct span text = span_str(vector_str(v, field));
    size_t len = 0, cap = text.len / 2;
    uint8_t *out = arena_alloc(v->arena, cap + 1);
    if (!out || !hex_decode(text, out, cap, &len))
        fail_msg("%s: %s is no hex", v->file, field);
    return span_of(out, len);
}

long vector_int(struct vector *v, const char *field)
{
    return (long)json_integer_value(field_of(v, field));
}

bool vector_has_flag(struct vector *v, const char *flag)
{
    size_t i;
    json_t *each;
    json_array_foreach(json_object_get(v->test, "flags"), i, each)
    {
        if (strcmp(json_string_value(each), flag) == 0)
            return true;
    }
    return false;
}

enum vector_result vector_result(struct vector *v)
{
    const char *r = vector_str(v, "result");
    if (strcmp(r, "valid") == 0)
        return VECTOR_VALID;
    return strcmp(r, "acceptable") == 0 ? VECTOR_ACCEPTABLE : VECTOR_INVALID;
}

size_t wycheproof_each(const char *file, vector_fn *fn, void *ctx)
{
    char path[256];
    json_error_t error;
    size_t g, t, count = 0;
    json_t *group, *test;
    snprintf(path, sizeof(path), "tests/vectors/wycheproof/%s", file);
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail_msg("%s: line %d: %s", path, error.line, error.text);
    struct arena *arena = arena_new(1 << 20);
    json_array_foreach(json_object_get(root, "testGroups"), g, group)
    {
        json_array_foreach(json_object_get(group, "tests"), t, test)
        {
            struct vector v = {.file = file, .group = group, .test = test, .arena = arena};
            fn(&v, ctx);
            arena_reset(arena);
            count++;
        }
    }
    if (count != (size_t)json_integer_value(json_object_get(root, "numberOfTests")))
        fail_msg("%s: %zu cases, its header says another number", path, count);
    arena_free(arena);
    json_decref(root);
    return count;
}
