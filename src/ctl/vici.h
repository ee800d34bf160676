/* SPDX-License-Identifier: Apache-2.0 */
/* The vici protocol's codec: packets, messages, and the framing of a byte stream. Pure: bytes in, bytes out.
 * A segment is a 32-bit big-endian length and a payload of at most 512 KiB; a payload is a packet type, for
 * some types a name, and a message: sections (nested), key-value pairs and lists, in an order that matters.
 * Everything that is read is bounded: sizes, nesting, and lists that do not nest. */
#pragma once

#include "base/rd.h"
#include "base/wr.h"

#define VICI_SEGMENT_MAX (512u << 10)
#define VICI_DEPTH_MAX   16
#define VICI_NAME_MAX    255

enum vici_type {
    VICI_CMD_REQUEST = 0,
    VICI_CMD_RESPONSE = 1,
    VICI_CMD_UNKNOWN = 2,
    VICI_EVENT_REGISTER = 3,
    VICI_EVENT_UNREGISTER = 4,
    VICI_EVENT_CONFIRM = 5,
    VICI_EVENT_UNKNOWN = 6,
    VICI_EVENT = 7,
};

struct vici_packet {
    enum vici_type type;
    struct span name; /* empty for types without one */
    struct span body; /* the message */
};

/* Splits a segment's payload. False when the type is unknown, the name is cut, or bytes follow where none
 * may. */
bool vici_packet_parse(struct span payload, struct vici_packet *out);

/* ---- reading a message */

enum vici_kind {
    VICI_SECTION_START = 1,
    VICI_SECTION_END = 2,
    VICI_KEY_VALUE = 3,
    VICI_LIST_START = 4,
    VICI_LIST_ITEM = 5,
    VICI_LIST_END = 6,
};

struct vici_element {
    enum vici_kind kind;
    struct span name;  /* SECTION_START, KEY_VALUE, LIST_START */
    struct span value; /* KEY_VALUE, LIST_ITEM */
};

struct vici_reader {
    struct rd rd;
    unsigned depth; /* sections that are open */
    bool is_in_list;
    bool failed;
};

struct vici_reader vici_read(struct span message);
/* The next element; false at the end and on an error: vici_read_ok() tells which. */
bool vici_next(struct vici_reader *r, struct vici_element *out);
/* Nothing failed, everything is closed, nothing is left. */
bool vici_read_ok(const struct vici_reader *r);
/* The whole message is well-formed. */
bool vici_is_valid(struct span message);
/* A key's value at the top level of a message; false when it is not there. */
bool vici_find(struct span message, const char *key, struct span *value);
/* The same as text (cut to cap, NUL-terminated; empty when absent). Returns whether it was there. */
bool vici_find_text(struct span message, const char *key, char *buf, size_t cap);
/* Is the value "yes" (any case), "true" or "1"? */
bool vici_is_yes(struct span value);
/* A decimal number at the top level; fallback when absent or not a number. */
int64_t vici_find_number(struct span message, const char *key, int64_t fallback);

/* ---- writing: a buffer that grows up to one segment; the error is sticky */

struct vici_writer {
    uint8_t *buf;
    size_t len, cap;
    unsigned depth;
    bool is_in_list;
    bool failed;
    bool is_extended; /* the reader wants keys that are Keyway's own, too */
};

void vici_write_init(struct vici_writer *w);
void vici_write_free(struct vici_writer *w);
/* Forgets what was written and starts a segment: length to be patched, type, name (NULL for types without).
 */
void vici_packet_open(struct vici_writer *w, enum vici_type type, const char *name);
/* Closes it; the whole segment with its length in front, or an empty span when it failed (too large, or not
 * balanced). */
struct span vici_packet_close(struct vici_writer *w);
void vici_section(struct vici_writer *w, const char *name);
void vici_section_end(struct vici_writer *w);
void vici_value(struct vici_writer *w, const char *key, struct span value);
void vici_text(struct vici_writer *w, const char *key, const char *value);
void vici_printf(struct vici_writer *w, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "yes" when it holds, nothing otherwise. */
void vici_flag(struct vici_writer *w, const char *key, bool holds);
/* The same for those who want what is Keyway's own. */
void vici_own_flag(struct vici_writer *w, const char *key, bool holds);
void vici_own_text(struct vici_writer *w, const char *key, const char *value);
void vici_list(struct vici_writer *w, const char *key);
void vici_item(struct vici_writer *w, const char *value);
void vici_item_span(struct vici_writer *w, struct span value);
void vici_list_end(struct vici_writer *w);

/* ---- segments out of a byte stream */

struct vici_stream {
    uint8_t *buf;
    size_t len, cap, taken;
};

void vici_stream_free(struct vici_stream *s);
/* Appends received bytes. False when more is buffered than two segments: the sender ignores its answers. */
bool vici_stream_feed(struct vici_stream *s, struct span bytes);
enum vici_stream_state { VICI_STREAM_MORE, VICI_STREAM_SEGMENT, VICI_STREAM_BROKEN };
/* The next whole segment's payload (valid until the next call), or MORE when it has not all arrived, or
 * BROKEN when its length is beyond the limit or zero. */
enum vici_stream_state vici_stream_next(struct vici_stream *s, struct span *payload);
