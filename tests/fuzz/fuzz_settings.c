/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a settings file: no crash, no unbounded growth, and errors carry a place. The input may
 * include itself (that is refused) and a second file made of its own second half. */
#include "conf/settings/settings.h"
#include "conf/testing.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tree(const struct setting *s, unsigned depth)
{
    if (depth > 4 * SETTINGS_MAX_DEPTH)
        abort();
    for (const struct setting *kid = s->first; kid; kid = kid->next) {
        if (kid->parent != s || !kid->name || (kid->is_section && kid->value) || kid->line < 0)
            abort();
        check_tree(kid, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16)
        return 0;
    const char *text = (const char *)data;
    const struct memory_file files[] = {
        {"/etc/x.conf",           text,            size           },
        {"/etc/conf.d/half.conf", text + size / 2, size - size / 2},
    };
    struct memory_source m = {files, ARRAY_LEN(files)};
    const struct conf_source src = memory_source(&m);
    struct diag v[4] = {0};
    struct errors errs = {v, ARRAY_LEN(v), 0};
    struct arena *arena = arena_new(SIZE_MAX / 2), *names = arena_new(SIZE_MAX / 2);
    struct settings_tree t;
    settings_init(&t, arena, names);
    t.allows_titles = data[0] & 1;
    settings_read(&t, t.root, "/etc/x.conf", &src, &errs);
    settings_resolve(&t, &errs);
    check_tree(t.root, 0);
    for (size_t i = 0; i < errs.n && i < errs.cap; i++) {
        if (v[i].class != FAIL_CONFIG || !v[i].what[0])
            abort();
    }
    settings_deinit(&t);
    arena_free(arena);
    arena_free(names);
    return 0;
}
