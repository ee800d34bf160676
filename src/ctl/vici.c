/* SPDX-License-Identifier: Apache-2.0 */
/* The vici protocol's messages: see vici.h. The framing of a stream is in vici_stream.c. */
#include "ctl/vici.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static bool has_name(enum vici_type t)
{
    return t == VICI_CMD_REQUEST || t == VICI_EVENT_REGISTER || t == VICI_EVENT_UNREGISTER || t == VICI_EVENT;
}

static bool has_body(enum vici_type t)
{
    return t == VICI_CMD_REQUEST || t == VICI_CMD_RESPONSE || t == VICI_EVENT;
}

bool vici_packet_parse(struct span payload, struct vici_packet *out)
{
    struct rd r = rd_over(payload);
    uint8_t type = rd_u8(&r);
    if (!rd_ok(&r) || type > VICI_EVENT)
        return false;
    *out = (struct vici_packet){.type = type};
    if (has_name(type)) {
        uint8_t len = rd_u8(&r);
        out->name = rd_bytes(&r, len);
    }
    if (has_body(type))
        out->body = rd_rest(&r);
    return rd_done(&r);
}

/* ---- reading */

struct vici_reader vici_read(struct span message)
{
    return (struct vici_reader){.rd = rd_over(message)};
}

static bool read_fail(struct vici_reader *r)
{
    r->failed = true;
    return false;
}

static struct span read_name(struct vici_reader *r)
{
    uint8_t len = rd_u8(&r->rd);
    return rd_bytes(&r->rd, len);
}

static struct span read_value(struct vici_reader *r)
{
    uint16_t len = rd_u16(&r->rd);
    return rd_bytes(&r->rd, len);
}

/* May this element stand here? Lists hold items only, items stand in lists only, ends need something open. */
static bool read_is_legal(const struct vici_reader *r, uint8_t kind)
{
    switch (kind) {
    case VICI_SECTION_START:
        return !r->is_in_list && r->depth < VICI_DEPTH_MAX;
    case VICI_SECTION_END:
        return !r->is_in_list && r->depth > 0;
    case VICI_KEY_VALUE:
    case VICI_LIST_START:
        return !r->is_in_list;
    case VICI_LIST_ITEM:
    case VICI_LIST_END:
        return r->is_in_list;
    }
    return false;
}

bool vici_next(struct vici_reader *r, struct vici_element *out)
{
    if (r->failed || rd_left(&r->rd) == 0)
        return false;
    uint8_t kind = rd_u8(&r->rd);
    if (!read_is_legal(r, kind))
        return read_fail(r);
    *out = (struct vici_element){.kind = kind};
    if (kind == VICI_SECTION_START || kind == VICI_KEY_VALUE || kind == VICI_LIST_START)
        out->name = read_name(r);
    if (kind == VICI_KEY_VALUE || kind == VICI_LIST_ITEM)
        out->value = read_value(r);
    if (!rd_ok(&r->rd))
        return read_fail(r);
    if (kind == VICI_SECTION_START)
        r->depth++;
    if (kind == VICI_SECTION_END)
        r->depth--;
    if (kind == VICI_LIST_START || kind == VICI_LIST_END)
        r->is_in_list = kind == VICI_LIST_START;
    return true;
}

bool vici_read_ok(const struct vici_reader *r)
{
    return !r->failed && r->depth == 0 && !r->is_in_list && rd_done(&r->rd);
}

bool vici_is_valid(struct span message)
{
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    while (vici_next(&r, &e))
        ;
    return vici_read_ok(&r);
}

bool vici_find(struct span message, const char *key, struct span *value)
{
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    while (vici_next(&r, &e)) {
        if (e.kind == VICI_KEY_VALUE && r.depth == 0 && span_equal(e.name, span_str(key))) {
            *value = e.value;
            return true;
        }
    }
    return false;
}

bool vici_find_text(struct span message, const char *key, char *buf, size_t cap)
{
    struct span v;
    buf[0] = '\0';
    if (!vici_find(message, key, &v))
        return false;
    size_t n = v.len < cap - 1 ? v.len : cap - 1;
    if (n)
        memcpy(buf, v.ptr, n);
    buf[n] = '\0';
    return true;
}

bool vici_is_yes(struct span value)
{
    static const char *const words[] = {"yes", "true", "1"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (value.len == strlen(words[i]) && !strncasecmp((const char *)value.ptr, words[i], value.len))
            return true;
    }
    return false;
}

int64_t vici_find_number(struct span message, const char *key, int64_t fallback)
{
    char text[32], *end;
    if (!vici_find_text(message, key, text, sizeof(text)) || !text[0])
        return fallback;
    long long v = strtoll(text, &end, 10);
    return *end ? fallback : v;
}

/* ---- writing */

void vici_write_init(struct vici_writer *w)
{
    *w = (struct vici_writer){0};
}

void vici_write_free(struct vici_writer *w)
{
    free(w->buf);
    *w = (struct vici_writer){0};
}

/* Room for len more bytes, or NULL with the error set. A segment is bounded, so that the growth is too. */
static uint8_t *grow(struct vici_writer *w, size_t len)
{
    if (w->failed || len > VICI_SEGMENT_MAX || w->len + len > VICI_SEGMENT_MAX + 4) {
        w->failed = true;
        return NULL;
    }
    if (w->len + len > w->cap) {
        size_t cap = w->cap ? w->cap : 512;
        while (cap < w->len + len)
            cap *= 2;
        w->buf = realloc(w->buf, cap);
        if (!w->buf)
            abort();
        w->cap = cap;
    }
    uint8_t *at = w->buf + w->len;
    w->len += len;
    return at;
}

static void put(struct vici_writer *w, uint8_t kind, const char *name, const struct span *value)
{
    size_t name_len = name ? strlen(name) : 0, len = 1;
    if (name_len > VICI_NAME_MAX || (value && value->len > UINT16_MAX)) {
        w->failed = true;
        return;
    }
    len += name ? 1 + name_len : 0;
    len += value ? 2 + value->len : 0;
    uint8_t *at = grow(w, len);
    if (!at)
        return;
    struct wr out = wr_over(at, len);
    wr_u8(&out, kind);
    if (name) {
        wr_u8(&out, (uint8_t)name_len);
        wr_bytes(&out, name, name_len);
    }
    if (value) {
        wr_u16(&out, (uint16_t)value->len);
        wr_span(&out, *value);
    }
}

void vici_packet_open(struct vici_writer *w, enum vici_type type, const char *name)
{
    w->len = 0;
    w->depth = 0;
    w->failed = w->is_in_list = false;
    uint8_t *at = grow(w, 4);
    if (at)
        memset(at, 0, 4);
    put(w, (uint8_t)type, has_name(type) ? (name ? name : "") : NULL, NULL);
}

struct span vici_packet_close(struct vici_writer *w)
{
    if (w->failed || w->depth || w->is_in_list)
        return span_of(NULL, 0);
    struct wr out = wr_over(w->buf, w->len);
    wr_u32(&out, (uint32_t)(w->len - 4));
    return span_of(w->buf, w->len);
}

void vici_section(struct vici_writer *w, const char *name)
{
    if (w->is_in_list || w->depth >= VICI_DEPTH_MAX)
        w->failed = true;
    put(w, VICI_SECTION_START, name, NULL);
    w->depth++;
}

void vici_section_end(struct vici_writer *w)
{
    if (w->is_in_list || w->depth == 0) {
        w->failed = true;
        return;
    }
    put(w, VICI_SECTION_END, NULL, NULL);
    w->depth--;
}

void vici_value(struct vici_writer *w, const char *key, struct span value)
{
    if (w->is_in_list)
        w->failed = true;
    put(w, VICI_KEY_VALUE, key, &value);
}

void vici_text(struct vici_writer *w, const char *key, const char *value)
{
    vici_value(w, key, span_str(value));
}

void vici_printf(struct vici_writer *w, const char *key, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    vici_text(w, key, text);
}

void vici_flag(struct vici_writer *w, const char *key, bool holds)
{
    if (holds)
        vici_text(w, key, "yes");
}

void vici_own_flag(struct vici_writer *w, const char *key, bool holds)
{
    vici_flag(w, key, holds && w->is_extended);
}

void vici_own_text(struct vici_writer *w, const char *key, const char *value)
{
    if (w->is_extended)
        vici_text(w, key, value);
}

void vici_list(struct vici_writer *w, const char *key)
{
    if (w->is_in_list)
        w->failed = true;
    put(w, VICI_LIST_START, key, NULL);
    w->is_in_list = true;
}

void vici_item_span(struct vici_writer *w, struct span value)
{
    if (!w->is_in_list)
        w->failed = true;
    put(w, VICI_LIST_ITEM, NULL, &value);
}

void vici_item(struct vici_writer *w, const char *value)
{
    vici_item_span(w, span_str(value));
}

void vici_list_end(struct vici_writer *w)
{
    if (!w->is_in_list)
        w->failed = true;
    put(w, VICI_LIST_END, NULL, NULL);
    w->is_in_list = false;
}
