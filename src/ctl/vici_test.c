/* SPDX-License-Identifier: Apache-2.0 */
/* The codec against bytes written by hand from the protocol's description. */
#include "ctl/vici.h"
#include "support/test.h"
#include <stdlib.h>

/* key=value, section1 { sub-section { key = "" } list [ "item1" "item2" ] } */
#define SAMPLE                                                                                               \
    "03 03 6b6579 0005 76616c7565"                                                                           \
    "01 08 73656374696f6e31"                                                                                 \
    "01 0b 7375622d73656374696f6e"                                                                           \
    "03 03 6b6579 0000"                                                                                      \
    "02"                                                                                                     \
    "04 04 6c697374 05 0005 6974656d31 05 0005 6974656d32 06"                                                \
    "02"

static void a_written_message_is_what_the_protocol_says(void **state)
{
    (void)state;
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_RESPONSE, NULL);
    vici_text(&w, "key", "value");
    vici_section(&w, "section1");
    vici_section(&w, "sub-section");
    vici_text(&w, "key", "");
    vici_section_end(&w);
    vici_list(&w, "list");
    vici_item(&w, "item1");
    vici_item(&w, "item2");
    vici_list_end(&w);
    vici_section_end(&w);
    struct span message = hex(SAMPLE), got = vici_packet_close(&w);
    assert_int_equal(got.len, 4 + 1 + message.len);
    assert_memory_equal(got.ptr, hex("0000 0044 01").ptr, 5);
    assert_span_equal(span_of(got.ptr + 5, got.len - 5), message);
    vici_write_free(&w);
}

static void a_message_is_read_in_order(void **state)
{
    (void)state;
    static const enum vici_kind kinds[] = {
        VICI_KEY_VALUE,  VICI_SECTION_START, VICI_SECTION_START, VICI_KEY_VALUE, VICI_SECTION_END,
        VICI_LIST_START, VICI_LIST_ITEM,     VICI_LIST_ITEM,     VICI_LIST_END,  VICI_SECTION_END};
    struct vici_reader r = vici_read(hex(SAMPLE));
    struct vici_element e;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        assert_true(vici_next(&r, &e));
        assert_int_equal(e.kind, kinds[i]);
        if (i == 5)
            assert_span_equal(e.name, span_str("list"));
        if (i == 7)
            assert_span_equal(e.value, span_str("item2"));
    }
    assert_false(vici_next(&r, &e));
    assert_true(vici_read_ok(&r));
}

static void only_top_level_keys_are_found(void **state)
{
    (void)state;
    struct span v, message = hex("01 01 73 03 01 61 0001 31 02 03 01 62 0002 3432");
    assert_false(vici_find(message, "a", &v));
    assert_true(vici_find(message, "b", &v));
    assert_int_equal(vici_find_number(message, "b", 7), 42);
    assert_int_equal(vici_find_number(message, "c", 7), 7);
}

static void a_number_with_garbage_behind_it_is_no_number(void **state)
{
    (void)state;
    assert_int_equal(vici_find_number(hex("03 01 62 0003 343278"), "b", 7), 7);
}

static void malformed_messages_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "00",                      /* unknown element */
        "07",                      /* unknown element */
        "02",                      /* an end without a start */
        "01 01 61",                /* a section left open */
        "04 01 61",                /* a list left open */
        "05 0001 61",              /* an item outside a list */
        "06",                      /* a list's end outside a list */
        "04 01 61 04 01 62 06 06", /* nested lists */
        "04 01 61 01 01 62 02 06", /* a section in a list */
        "04 01 61 03 01 62 0000 06",
        "03 05 6b65",       /* a name cut short */
        "03 01 61 0005 31", /* a value cut short */
        "03 01 61 00",      /* a length cut short */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(vici_is_valid(hex(bad[i])));
    assert_true(vici_is_valid(hex("")));
}

static void sections_nest_up_to_the_bound(void **state)
{
    (void)state;
    uint8_t deep[4 * (VICI_DEPTH_MAX + 1)];
    for (unsigned depth = VICI_DEPTH_MAX; depth <= VICI_DEPTH_MAX + 1; depth++) {
        for (unsigned i = 0; i < depth; i++) {
            memcpy(deep + 3 * i, "\x01\x01x", 3);
            deep[3 * depth + i] = 2;
        }
        assert_int_equal(vici_is_valid(span_of(deep, 4 * depth)), depth == VICI_DEPTH_MAX);
    }
}

static void packets_split_into_type_name_and_body(void **state)
{
    (void)state;
    struct vici_packet p;
    assert_true(vici_packet_parse(hex("00 07 76657273696f6e"), &p));
    assert_int_equal(p.type, VICI_CMD_REQUEST);
    assert_span_equal(p.name, span_str("version"));
    assert_int_equal(p.body.len, 0);
    assert_true(vici_packet_parse(hex("01 03 01 62 0000"), &p));
    assert_int_equal(p.body.len, 5);
    assert_false(vici_packet_parse(hex(""), &p));
    assert_false(vici_packet_parse(hex("08"), &p));
    assert_false(vici_packet_parse(hex("00 07 7665"), &p));
    assert_false(vici_packet_parse(hex("03 01 61 62"), &p)); /* EVENT_REGISTER has no body */
    assert_false(vici_packet_parse(hex("05 00"), &p));       /* EVENT_CONFIRM has nothing */
}

static void an_unbalanced_or_oversized_answer_is_not_sent(void **state)
{
    (void)state;
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_EVENT, "list-sa");
    vici_section(&w, "x");
    assert_int_equal(vici_packet_close(&w).len, 0);
    vici_packet_open(&w, VICI_EVENT, "list-sa");
    static uint8_t big[60000];
    for (int i = 0; i < 9; i++)
        vici_value(&w, "k", span_of(big, sizeof(big)));
    assert_int_equal(vici_packet_close(&w).len, 0);
    vici_packet_open(&w, VICI_EVENT, "list-sa"); /* a new packet forgets the failure */
    assert_int_equal(vici_packet_close(&w).len, 13);
    vici_write_free(&w);
}

static void segments_come_out_whole_whatever_the_pieces(void **state)
{
    (void)state;
    struct span stream = hex("00000002 0501 00000001 06 00000003 02");
    for (size_t piece = 1; piece <= stream.len; piece++) {
        struct vici_stream s = {0};
        struct span payload;
        size_t n = 0, bytes = 0;
        for (size_t at = 0; at < stream.len; at += piece) {
            size_t left = stream.len - at;
            assert_true(vici_stream_feed(&s, span_of(stream.ptr + at, left < piece ? left : piece)));
            while (vici_stream_next(&s, &payload) == VICI_STREAM_SEGMENT) {
                n++;
                bytes += payload.len;
            }
        }
        assert_int_equal(n, 2);
        assert_int_equal(bytes, 3);
        vici_stream_free(&s);
    }
}

static void a_length_beyond_the_limit_breaks_the_stream(void **state)
{
    (void)state;
    struct span payload;
    struct vici_stream s = {0};
    assert_true(vici_stream_feed(&s, hex("00080001")));
    assert_int_equal(vici_stream_next(&s, &payload), VICI_STREAM_BROKEN);
    vici_stream_free(&s);
    assert_true(vici_stream_feed(&s, hex("00080000")));
    assert_int_equal(vici_stream_next(&s, &payload), VICI_STREAM_MORE);
    vici_stream_free(&s);
}

static void a_sender_that_never_waits_is_bounded(void **state)
{
    (void)state;
    struct vici_stream s = {0};
    uint8_t *big = calloc(1, VICI_SEGMENT_MAX);
    assert_true(vici_stream_feed(&s, span_of(big, VICI_SEGMENT_MAX)));
    assert_true(vici_stream_feed(&s, span_of(big, VICI_SEGMENT_MAX)));
    assert_false(vici_stream_feed(&s, span_of(big, VICI_SEGMENT_MAX)));
    vici_stream_free(&s);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_message_is_what_the_protocol_says),
        cmocka_unit_test(a_message_is_read_in_order),
        cmocka_unit_test(only_top_level_keys_are_found),
        cmocka_unit_test(a_number_with_garbage_behind_it_is_no_number),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(sections_nest_up_to_the_bound),
        cmocka_unit_test(packets_split_into_type_name_and_body),
        cmocka_unit_test(an_unbalanced_or_oversized_answer_is_not_sent),
        cmocka_unit_test(segments_come_out_whole_whatever_the_pieces),
        cmocka_unit_test(a_length_beyond_the_limit_breaks_the_stream),
        cmocka_unit_test(a_sender_that_never_waits_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
