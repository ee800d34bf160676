/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of a shown snapshot: see show_out.h. */
#include "conf/show_out.h"
#include "base/time.h"
#include "conf/value.h"
#include <stdio.h>

void show_put(struct show_out *o, const char *s)
{
    o->sink->write(o->sink->ctx, s);
}

static void put_json_string(struct show_out *o, const char *s)
{
    char piece[8];
    show_put(o, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            snprintf(piece, sizeof(piece), "\\%c", c);
        else if (c < 0x20 || c > 0x7e) /* what is not ASCII is shown byte by byte */
            snprintf(piece, sizeof(piece), "\\u%04x", c);
        else
            snprintf(piece, sizeof(piece), "%c", c);
        show_put(o, piece);
    }
    show_put(o, "\"");
}

static void put_plain(struct show_out *o, const char *s)
{
    char safe[sizeof(o->text) * 4];
    struct text t = TEXT_ON(safe);
    safe[0] = 0;
    text_safe(&t, span_str(s));
    show_put(o, safe);
}

static void indent(struct show_out *o)
{
    for (unsigned i = 0; i < o->depth; i++)
        show_put(o, "  ");
}

void show_item(struct show_out *o, const char *name)
{
    if (!o->json)
        return;
    if (o->has_item[o->depth])
        show_put(o, ",");
    o->has_item[o->depth] = true;
    if (o->depth)
        show_put(o, "\n");
    indent(o);
    if (name) {
        put_json_string(o, name);
        show_put(o, ": ");
    }
}

/* An object ('{') or array ('['); title is how text calls it, NULL for nothing. */
void show_open_block(struct show_out *o, const char *name, const char *title, const char *bracket)
{
    show_item(o, name);
    if (o->json)
        show_put(o, bracket);
    if (!o->json && title) {
        indent(o);
        put_plain(o, title);
        show_put(o, "\n");
    }
    if (o->json || title)
        o->depth++;
    o->has_item[o->depth] = false;
}

void show_close_block(struct show_out *o, const char *bracket, bool had_title)
{
    if (o->json || had_title)
        o->depth--;
    if (!o->json)
        return;
    show_put(o, "\n");
    indent(o);
    show_put(o, bracket);
}

void show_begin_value(struct show_out *o)
{
    o->text[0] = 0;
    o->t = (struct text){.buf = o->text, .cap = sizeof(o->text)};
}

static void put_origin(struct show_out *o, const struct origin *at)
{
    char where[512] = "default";
    if (at && at->file)
        snprintf(where, sizeof(where), "%s:%d", at->file, at->line);
    if (o->json) {
        show_put(o, ", \"origin\": ");
        put_json_string(o, where);
        return;
    }
    show_put(o, "  # ");
    put_plain(o, where);
}

/* The value that was built in o->t. at NULL: the default. */
void show_field_from(struct show_out *o, const char *key, const struct origin *at)
{
    show_item(o, key);
    if (o->json) {
        show_put(o, "{\"value\": ");
        put_json_string(o, o->text);
        put_origin(o, at);
        show_put(o, "}");
        return;
    }
    char name[64];
    indent(o);
    snprintf(name, sizeof(name), "%-17s ", key);
    show_put(o, name);
    put_plain(o, o->text[0] ? o->text : "-");
    put_origin(o, at);
    show_put(o, "\n");
}

void show_field(struct show_out *o, const struct origins *origins, const char *key)
{
    show_field_from(o, key, origin_of(origins, key));
}

void show_time_field(struct show_out *o, const struct origins *origins, const char *key, int64_t usec)
{
    show_begin_value(o);
    char unit;
    int64_t n = value_in_unit(usec / TIME_SECOND, &unit);
    if (usec % TIME_SECOND)
        text_printf(&o->t, "%.3fs", (double)usec / (double)TIME_SECOND);
    else if (o->json) /* programs get seconds always */
        text_printf(&o->t, "%llds", (long long)(usec / TIME_SECOND));
    else
        text_printf(&o->t, "%lld%c", (long long)n, unit);
    show_field(o, origins, key);
}

void show_number_field(struct show_out *o, const struct origins *origins, const char *key, uint64_t v)
{
    show_begin_value(o);
    text_printf(&o->t, "%llu", (unsigned long long)v);
    show_field(o, origins, key);
}

void show_word_field(struct show_out *o, const struct origins *origins, const char *key, const char *word)
{
    show_begin_value(o);
    text_str(&o->t, word);
    show_field(o, origins, key);
}

void show_bool_field(struct show_out *o, const struct origins *origins, const char *key, bool v)
{
    show_word_field(o, origins, key, v ? "yes" : "no");
}

const char *show_separator(const struct show_out *o)
{
    return o->t.len ? ", " : "";
}

void show_hosts_field(struct show_out *o, const struct origins *origins, const char *key,
                      const struct host_spec *v, size_t n)
{
    char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
    show_begin_value(o);
    for (size_t i = 0; i < n; i++) {
        if (v[i].is_any)
            text_printf(&o->t, "%s%%any", show_separator(o));
        else if (v[i].fqdn)
            text_printf(&o->t, "%s%s", show_separator(o), v[i].fqdn);
        else if (ip_equal(v[i].from, v[i].to))
            text_printf(&o->t, "%s%s", show_separator(o), ip_format(v[i].from, from));
        else
            text_printf(&o->t, "%s%s-%s", show_separator(o), ip_format(v[i].from, from),
                        ip_format(v[i].to, to));
    }
    show_field(o, origins, key);
}

void show_proposals_field(struct show_out *o, const struct origins *origins, const char *key,
                          const struct proposal_list *l)
{
    char buf[PROPOSAL_TEXT_MAX];
    show_begin_value(o);
    for (size_t i = 0; i < l->n; i++)
        text_printf(&o->t, "%s%s", show_separator(o), proposal_format(&l->v[i], buf));
    show_field(o, origins, key);
}

void show_ts_field(struct show_out *o, const struct origins *origins, const char *key, const struct ts *v,
                   size_t n)
{
    char buf[TS_TEXT_MAX];
    show_begin_value(o);
    for (size_t i = 0; i < n; i++)
        text_printf(&o->t, "%s%s", show_separator(o), ts_format(&v[i], buf));
    show_field(o, origins, key);
}

void show_certs_field(struct show_out *o, const struct origins *origins, const char *key,
                      const struct cert_list *l)
{
    show_begin_value(o);
    for (size_t i = 0; i < l->n; i++)
        text_printf(&o->t, "%s%s", i ? "; " : "", cert_subject_text(l->v[i]));
    show_field(o, origins, key);
}

void show_pubkeys_field(struct show_out *o, const struct origins *origins, const char *key,
                        const struct pkey_list *l)
{
    show_begin_value(o);
    for (size_t i = 0; i < l->n; i++) {
        uint8_t id[20];
        pkey_keyid(l->v[i], id);
        text_printf(&o->t, "%s%s ", i ? "; " : "", pkey_type_name(l->v[i]));
        text_hex(&o->t, span_of(id, sizeof(id)));
    }
    show_field(o, origins, key);
}
