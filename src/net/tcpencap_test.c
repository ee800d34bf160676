/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes written out by hand from RFC 9329, not made by what is tested. */
#include "net/tcpencap.h"
#include "support/test.h"
#include <stdlib.h>

static struct span bytes(const char *b, size_t len)
{
    return span_of(b, len);
}
#define BYTES(text) bytes(text, sizeof(text) - 1)

static void assert_span(struct span got, const char *want, size_t len)
{
    assert_int_equal(got.len, len);
    assert_memory_equal(got.ptr, want, len);
}

static void the_prefix_comes_first_and_once(void **state)
{
    (void)state;
    struct tcpencap_reader r = {0};
    struct span m, rest = BYTES("IKETCP\0\x8\0\0\0\0hi\0\x8\1\2\3\4ab");
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_IKE);
    assert_span(m, "hi", 2);
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_ESP);
    assert_span(m, "\1\2\3\4ab", 6);
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_MORE);
    assert_int_equal(rest.len, 0);
}

static void the_responder_sends_no_prefix(void **state)
{
    (void)state;
    struct tcpencap_reader r = {.has_prefix = true};
    struct span m, rest = BYTES("\0\x8\0\0\0\0hi");
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_IKE);
    assert_span(m, "hi", 2);
}

static void a_prefix_is_waited_for(void **state)
{
    (void)state;
    for (size_t n = 0; n < TCPENCAP_PREFIX_LEN; n++) {
        struct tcpencap_reader r = {0};
        struct span m, rest = bytes("IKETCP", n);
        assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_MORE);
        assert_int_equal(rest.len, n);
        assert_false(r.has_prefix);
    }
}

static void anything_else_than_the_prefix_breaks_the_stream_at_once(void **state)
{
    (void)state;
    static const char *const starts[] = {"G", "GET / HTTP/1.1\r\n", "IKETCQ", "IKf", "\xff", "iketcp"};
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        struct tcpencap_reader r = {0};
        struct span m, rest = span_of(starts[i], strlen(starts[i]));
        assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_BROKEN);
    }
}

static void lengths_of_zero_and_one_break_the_stream(void **state)
{
    (void)state;
    for (char len = 0; len < 2; len++) {
        char b[] = {0, len, 0, 0, 0, 0};
        struct tcpencap_reader r = {.has_prefix = true};
        struct span m, rest = bytes(b, sizeof(b));
        assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_BROKEN);
    }
}

static void empty_messages_and_keepalives_are_skipped(void **state)
{
    (void)state;
    struct tcpencap_reader r = {.has_prefix = true};
    struct span m, rest = BYTES("\0\2\0\3\xff\0\2\0\6\1\2\3\4\0\3\xff");
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_ESP);
    assert_span(m, "\1\2\3\4", 4);
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_MORE);
    assert_int_equal(rest.len, 0);
}

static void what_is_too_short_for_an_spi_is_neither(void **state)
{
    (void)state;
    struct tcpencap_reader r = {.has_prefix = true};
    struct span m, rest = BYTES("\0\3x\0\5\0\0\0\0\6\0\0\0\0");
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_SHORT);
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_SHORT);
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_IKE);
    assert_int_equal(m.len, 0);
}

static void a_message_longer_than_the_limit_breaks_the_stream_before_it_has_come(void **state)
{
    (void)state;
    struct tcpencap_reader r = {.has_prefix = true, .max = 100};
    struct span m, rest = BYTES("\0\x67");
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_BROKEN);
    rest = BYTES("\0\x66");
    assert_int_equal(tcpencap_next(&r, &rest, &m), TCPENCAP_MORE);
}

/* However the stream is cut, the messages are the same: every cut into two, then into single bytes. */
static void cuts_change_nothing(void **state)
{
    (void)state;
    static const char all[] = "IKETCP\0\x9\0\0\0\0one\0\3\xff\0\7\1\2\3\4t\0\2\0\xa\0\0\0\0four";
    const size_t len = sizeof(all) - 1;
    for (size_t cut = 0; cut <= len + 1; cut++) {
        struct tcpencap_reader r = {0};
        size_t have = 0, at = 0, n = 0;
        char seen[64] = "";
        while (have < len) {
            have = cut > len ? have + 1 : have < cut ? cut : len;
            struct span m, rest = bytes(all + at, have - at);
            enum tcpencap_status s;
            while ((s = tcpencap_next(&r, &rest, &m)) != TCPENCAP_MORE) {
                assert_true(s == TCPENCAP_IKE || s == TCPENCAP_ESP);
                memcpy(seen + n, m.ptr, m.len);
                n += m.len;
                seen[n++] = s == TCPENCAP_IKE ? 'I' : 'E';
            }
            at = have - rest.len;
        }
        assert_int_equal(at, len);
        assert_int_equal(n, 15);
        assert_memory_equal(seen, "oneI\1\2\3\4tEfourI", 15);
    }
}

static void headers_count_themselves(void **state)
{
    (void)state;
    uint8_t h[TCPENCAP_HEADER_MAX];
    assert_int_equal(tcpencap_header(h, true, 28), 6);
    assert_memory_equal(h, "\0\x22\0\0\0\0", 6);
    assert_int_equal(tcpencap_header(h, false, 28), 2);
    assert_memory_equal(h, "\0\x1e", 2);
}

static void the_longest_message_has_the_largest_length(void **state)
{
    (void)state;
    uint8_t h[TCPENCAP_HEADER_MAX];
    assert_int_equal(tcpencap_header(h, false, 65533), 2);
    assert_memory_equal(h, "\xff\xff", 2);
    assert_int_equal(tcpencap_header(h, false, 65534), 0);
    assert_int_equal(tcpencap_header(h, true, 65529), 6);
    assert_memory_equal(h, "\xff\xff\0\0\0\0", 6);
    assert_int_equal(tcpencap_header(h, true, 65530), 0);
    assert_int_equal(tcpencap_header(h, true, SIZE_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prefix_comes_first_and_once),
        cmocka_unit_test(the_responder_sends_no_prefix),
        cmocka_unit_test(a_prefix_is_waited_for),
        cmocka_unit_test(anything_else_than_the_prefix_breaks_the_stream_at_once),
        cmocka_unit_test(lengths_of_zero_and_one_break_the_stream),
        cmocka_unit_test(empty_messages_and_keepalives_are_skipped),
        cmocka_unit_test(what_is_too_short_for_an_spi_is_neither),
        cmocka_unit_test(a_message_longer_than_the_limit_breaks_the_stream_before_it_has_come),
        cmocka_unit_test(cuts_change_nothing),
        cmocka_unit_test(headers_count_themselves),
        cmocka_unit_test(the_longest_message_has_the_largest_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
