/* SPDX-License-Identifier: Apache-2.0 */
/* --raw and --pretty: a whole message, in its own order. What is no printable text is written in hex. */
#include "bin/swanctl/lines/lines.h"

struct dump {
    FILE *to;
    bool is_pretty, has_sibling; /* raw: something stands before it at this level */
};

static void begin(struct dump *d, unsigned depth)
{
    if (d->is_pretty)
        fprintf(d->to, "%*s", (int)depth * 2, "");
    else if (d->has_sibling)
        fputc(' ', d->to);
    d->has_sibling = true;
}

static void print_value(FILE *to, struct span v)
{
    if (is_printable(v)) {
        print_span(to, v);
        return;
    }
    fputs("0x", to);
    for (size_t i = 0; i < v.len; i++)
        fprintf(to, "%02x", v.ptr[i]);
}

/* depth: of sections and lists that are open around it, the message's own braces included. */
static void dump_element(struct dump *d, const struct vici_element *e, unsigned depth)
{
    bool is_opening = e->kind == VICI_SECTION_START || e->kind == VICI_LIST_START;
    bool is_closing = e->kind == VICI_SECTION_END || e->kind == VICI_LIST_END;
    if (is_closing)
        d->has_sibling = false; /* nothing stands before the bracket */
    begin(d, depth);
    print_span(d->to, e->name);
    if (e->kind == VICI_KEY_VALUE || e->kind == VICI_LIST_START)
        fputs(d->is_pretty ? " = " : "=", d->to);
    if (e->kind == VICI_KEY_VALUE || e->kind == VICI_LIST_ITEM)
        print_value(d->to, e->value);
    if (is_opening || is_closing)
        fputs(e->kind == VICI_SECTION_START ? " {"
              : is_opening                  ? "["
              : e->kind == VICI_LIST_END    ? "]"
                                            : "}",
              d->to);
    if (is_opening)
        d->has_sibling = false;
    if (d->is_pretty)
        fputc('\n', d->to);
}

void dump_message(FILE *to, const char *label, struct span message, enum dump_style style)
{
    struct dump d = {.to = to, .is_pretty = style == DUMP_PRETTY};
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    fprintf(to, d.is_pretty ? "%s {\n" : "%s {", label);
    while (vici_next(&r, &e)) {
        bool is_opening = e.kind == VICI_SECTION_START || e.kind == VICI_LIST_START;
        dump_element(&d, &e, 1 + r.depth + r.is_in_list - is_opening);
    }
    fputs("}\n", to);
}
