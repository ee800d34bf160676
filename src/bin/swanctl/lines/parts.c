/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a vici message: see lines.h. */
#include "bin/swanctl/lines/lines.h"
#include <stdlib.h>

bool part_take_section(struct vici_reader *r, struct span *body)
{
    const uint8_t *from = r->rd.at, *to = from;
    unsigned depth = r->depth;
    struct vici_element e;
    while (r->depth >= depth) {
        to = r->rd.at;
        if (!vici_next(r, &e))
            return false;
    }
    *body = span_of(from, (size_t)(to - from));
    return true;
}

bool part_next_section(struct vici_reader *r, struct span *name, struct span *body)
{
    struct vici_element e;
    while (vici_next(r, &e)) {
        if (e.kind != VICI_SECTION_START)
            continue;
        *name = e.name;
        return part_take_section(r, body);
    }
    return false;
}

bool part_section(struct span message, const char *name, struct span *body)
{
    struct vici_reader r = vici_read(message);
    struct span found;
    while (part_next_section(&r, &found, body)) {
        if (span_equal(found, span_str(name)))
            return true;
    }
    return false;
}

bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] >= 0x7f)
            return false;
    }
    return true;
}

void print_span(FILE *to, struct span s)
{
    if (s.len)
        fwrite(s.ptr, 1, s.len, to);
}

bool part_text(struct span message, const char *key, struct span *value)
{
    return vici_find(message, key, value) && is_printable(*value);
}

void part_print(FILE *to, struct span message, const char *key, const char *fallback, int width)
{
    struct span v;
    if (!part_text(message, key, &v))
        v = span_str(fallback);
    fprintf(to, "%*.*s", width, (int)v.len, v.len ? (const char *)v.ptr : "");
}

void part_print_if(FILE *to, struct span message, const char *before, const char *key, const char *behind)
{
    struct span v;
    if (!part_text(message, key, &v))
        return;
    fputs(before, to);
    print_span(to, v);
    fputs(behind, to);
}

bool part_is_yes(struct span message, const char *key)
{
    struct span v;
    return part_text(message, key, &v) && span_equal(v, span_str("yes"));
}

bool part_print_list(FILE *to, struct span message, const char *key)
{
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    bool is_ours = false, has_items = false;
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_LIST_START)
            is_ours = r.depth == 0 && span_equal(e.name, span_str(key));
        if (e.kind != VICI_LIST_ITEM || !is_ours || !is_printable(e.value))
            continue;
        if (has_items)
            fputc(' ', to);
        print_span(to, e.value);
        has_items = true;
    }
    return has_items;
}

void part_print_list_if(FILE *to, struct span message, const char *before, const char *key,
                        const char *behind)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (!memory)
        abort();
    bool has_items = part_print_list(memory, message, key);
    fclose(memory);
    if (has_items)
        fprintf(to, "%s%s%s", before, text, behind);
    free(text);
}
