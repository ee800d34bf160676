/* SPDX-License-Identifier: Apache-2.0 */
/* What a local client (or a false daemon) may send: the framing of the stream in pieces, packets, messages,
 * and their JSON. What reads as well-formed is written again and must come out byte for byte. */
#include "ctl/client.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_text(struct span s, char out[VICI_NAME_MAX + 1])
{
    if (s.len)
        memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
}

/* List items are written from texts: one with a NUL inside cannot come out again. */
static bool write_again(struct span message, struct vici_writer *w)
{
    struct vici_reader r = vici_read(message);
    struct vici_element e;
    while (vici_next(&r, &e)) {
        char name[VICI_NAME_MAX + 1];
        copy_text(e.name, name);
        if (strlen(name) != e.name.len)
            return false;
        switch (e.kind) {
        case VICI_SECTION_START:
            vici_section(w, name);
            break;
        case VICI_SECTION_END:
            vici_section_end(w);
            break;
        case VICI_KEY_VALUE:
            vici_value(w, name, e.value);
            break;
        case VICI_LIST_START:
            vici_list(w, name);
            break;
        case VICI_LIST_ITEM: {
            char *item = strndup(e.value.len ? (const char *)e.value.ptr : "", e.value.len);
            bool is_text = strlen(item) == e.value.len;
            vici_item(w, item);
            free(item);
            if (!is_text)
                return false;
            break;
        }
        case VICI_LIST_END:
            vici_list_end(w);
            break;
        }
    }
    return true;
}

static void check_message(struct span body)
{
    struct vici_writer w;
    struct diag d;
    json_decref(vici_to_json(body));
    vici_reply_ok(body, &d);
    if (!vici_is_valid(body))
        return;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_RESPONSE, NULL);
    if (write_again(body, &w)) {
        struct span s = vici_packet_close(&w);
        if (s.len != 5 + body.len || (body.len && memcmp(s.ptr + 5, body.ptr, body.len) != 0))
            abort();
    }
    vici_write_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vici_stream stream = {0};
    struct vici_packet p;
    struct span payload;
    size_t piece = size ? 1 + data[0] % 37 : 1;
    check_message(span_of(data, size));
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        if (!vici_stream_feed(&stream, span_of(data + at, n)))
            break;
        while (vici_stream_next(&stream, &payload) == VICI_STREAM_SEGMENT) {
            if (vici_packet_parse(payload, &p))
                check_message(p.body);
        }
    }
    vici_stream_free(&stream);
    return 0;
}
