/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line makes of the daemon's answers. */
#include "ctl/client.h"
#include "support/test.h"
#include <stdlib.h>

static void a_message_becomes_json_in_its_order(void **state)
{
    (void)state;
    json_t *j = vici_to_json(hex("03 01 62 0001 31 01 01 61 04 01 6c 05 0001 78 06 02"));
    char *text = json_dumps(j, JSON_COMPACT);
    assert_string_equal(text, "{\"b\":\"1\",\"a\":{\"l\":[\"x\"]}}");
    free(text);
    json_decref(j);
}

static void bytes_become_hex(void **state)
{
    (void)state;
    json_t *j = vici_to_json(hex("03 01 62 0002 ff00"));
    assert_string_equal(json_string_value(json_object_get(j, "b")), "0xff00");
    json_decref(j);
}

static void a_section_under_a_key_that_is_not_text_is_survived(void **state)
{
    (void)state;
    json_t *j = vici_to_json(hex("01 01 ff 03 01 61 0001 31 02"));
    assert_non_null(json_object_get(j, "?"));
    json_decref(j);
}

static void a_malformed_message_is_no_json(void **state)
{
    (void)state;
    assert_null(vici_to_json(hex("01 01 61")));
}

static void a_refusal_carries_its_reason(void **state)
{
    (void)state;
    struct vici_writer w;
    struct diag d;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_RESPONSE, NULL);
    vici_text(&w, "success", "no");
    vici_text(&w, "errmsg", "establishing CHILD_SA 'x' failed");
    vici_text(&w, "class", "6");
    vici_text(&w, "what", "no proposal chosen");
    vici_text(&w, "try", "add modp2048");
    struct span s = vici_packet_close(&w);
    assert_false(vici_reply_ok(span_of(s.ptr + 5, s.len - 5), &d));
    assert_int_equal(d.class, FAIL_PROPOSAL);
    assert_string_equal(d.what, "no proposal chosen");
    assert_string_equal(d.try, "add modp2048");
    vici_write_free(&w);
}

static void a_refusal_of_another_daemon_falls_back_to_its_errmsg(void **state)
{
    (void)state;
    struct diag d;
    assert_false(vici_reply_ok(hex("03 07 73756363657373 0002 6e6f 03 06 6572726d7367 0003 626164"), &d));
    assert_int_equal(d.class, FAIL_GENERIC);
    assert_string_equal(d.what, "bad");
}

static void nobody_at_the_socket_means_no_daemon(void **state)
{
    (void)state;
    struct diag d;
    assert_null(vici_client_open("unix:///nonexistent/keyway.vici", &d));
    assert_int_equal(d.class, FAIL_NO_DAEMON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_becomes_json_in_its_order),
        cmocka_unit_test(bytes_become_hex),
        cmocka_unit_test(a_section_under_a_key_that_is_not_text_is_survived),
        cmocka_unit_test(a_malformed_message_is_no_json),
        cmocka_unit_test(a_refusal_carries_its_reason),
        cmocka_unit_test(a_refusal_of_another_daemon_falls_back_to_its_errmsg),
        cmocka_unit_test(nobody_at_the_socket_means_no_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
