/* SPDX-License-Identifier: Apache-2.0 */
/* The log over vici: who gets which lines, and what changes that. */
#include "ctl/client.h"
#include "support/ctl_fixture.h"

static int with_levels(void **state)
{
    memset(fake_levels.of, 1, sizeof(fake_levels.of));
    fake_restored = 0;
    return setup(state);
}

static void listen(int who, const char *event)
{
    struct vici_packet p;
    send_packet(who, VICI_EVENT_REGISTER, event);
    assert_true(next(who, &p));
    assert_int_equal(p.type, VICI_EVENT_CONFIRM);
}

static void say(enum log_group group, enum log_level level, const char *ike_name, const char *text)
{
    ctl_log(service, &(struct log_entry){
                         .group = group, .level = level, .ike_name = ike_name, .ike_id = 7, .text = text});
}

static void set_level(int who, const char *group, const char *level)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "keyway-log-level");
    vici_text(&w, "group", group);
    vici_text(&w, "level", level);
    ctl_input(client[who], vici_packet_close(&w));
    vici_write_free(&w);
}

static void lines_up_to_level_1_reach_those_that_registered(void **state)
{
    struct vici_packet p;
    char text[64];
    (void)state;
    listen(0, "log");
    say(GROUP_CFG, LOG_WARN, NULL, "without an SA");
    say(GROUP_ENC, LOG_NOTICE, "office", "reading");
    say(GROUP_IKE, LOG_DETAIL, "office", "a detail");
    assert_true(next(0, &p));
    assert_span_equal(p.name, span_str("log"));
    assert_text(p.body, "group", "CFG");
    assert_text(p.body, "level", "0");
    assert_text(p.body, "thread", "0");
    assert_text(p.body, "msg", "without an SA");
    assert_false(vici_find_text(p.body, "ikesa-name", text, sizeof(text)));
    assert_true(next(0, &p));
    assert_text(p.body, "group", "ENC");
    assert_text(p.body, "ikesa-name", "office");
    assert_text(p.body, "ikesa-uniqueid", "7");
    assert_false(next(0, &p));
    assert_int_equal(fake.len[1], 0);
}

static void a_level_that_was_set_holds_for_the_event_until_a_reload(void **state)
{
    struct vici_packet p;
    (void)state;
    listen(0, "log");
    set_level(1, "ike", "2");
    assert_text(reply(1), "success", "yes");
    assert_int_equal(fake_levels.of[GROUP_IKE], 2);
    say(GROUP_IKE, LOG_DETAIL, NULL, "a detail");
    say(GROUP_CHD, LOG_DETAIL, NULL, "another");
    assert_true(next(0, &p));
    assert_text(p.body, "msg", "a detail");
    assert_false(next(0, &p));
    ctl_reload_done(service, 99, NULL, 0, 1, NULL);
    say(GROUP_IKE, LOG_DETAIL, NULL, "not any more");
    assert_false(next(0, &p));
}

static void the_host_hears_whether_anybody_listens(void **state)
{
    struct vici_packet p;
    (void)state;
    fake_has_listeners = false;
    listen(0, "list-sa");
    assert_false(fake_has_listeners);
    listen(0, "log");
    listen(1, "control-log");
    assert_true(fake_has_listeners);
    send_packet(0, VICI_EVENT_UNREGISTER, "log");
    assert_true(next(0, &p));
    assert_true(fake_has_listeners);
    ctl_closed(client[1]);
    assert_false(fake_has_listeners);
}

static void levels_are_shown_and_what_is_none_is_refused(void **state)
{
    (void)state;
    set_level(0, "any", "-1");
    json_t *r = vici_to_json(reply(0));
    assert_string_equal(json_string_value(json_object_get(json_object_get(r, "levels"), "TLS")), "-1");
    json_decref(r);
    assert_int_equal(fake_levels.of[GROUP_TLS], -1);
    set_level(0, "nothing", "1");
    assert_text(reply(0), "success", "no");
    set_level(0, "ike", "high");
    assert_text(reply(0), "success", "no");
    set_level(0, "ike", "5");
    assert_text(reply(0), "success", "no");
    assert_int_equal(fake_levels.of[GROUP_IKE], -1);
}

static void classes_of_debugging_raise_levels_and_none_restores_them(void **state)
{
    (void)state;
    request(0, "keyway-log-level", "raise", "base");
    assert_text(reply(0), "success", "yes");
    assert_int_equal(fake_levels.of[GROUP_ENC], 2);
    assert_int_equal(fake_levels.of[GROUP_LIB], 1);
    request(0, "keyway-log-level", "lower", "base");
    assert_text(reply(0), "success", "yes");
    assert_int_equal(fake_levels.of[GROUP_ENC], 1);
    request(0, "keyway-log-level", "raise", "none");
    request(0, "keyway-log-level", "lower", "all");
    assert_int_equal(fake_restored, 2);
    reply(0);
    reply(0);
    request(0, "keyway-log-level", "raise", "nonsense");
    assert_text(reply(0), "success", "no");
}

#define WITH_SERVICE(f) cmocka_unit_test_setup_teardown(f, with_levels, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVICE(lines_up_to_level_1_reach_those_that_registered),
        WITH_SERVICE(a_level_that_was_set_holds_for_the_event_until_a_reload),
        WITH_SERVICE(the_host_hears_whether_anybody_listens),
        WITH_SERVICE(levels_are_shown_and_what_is_none_is_refused),
        WITH_SERVICE(classes_of_debugging_raise_levels_and_none_restores_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
