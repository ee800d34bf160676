/* SPDX-License-Identifier: Apache-2.0 */
/* The vici service: dispatch, framing, commands that wait, reloads. What it lists: list_test.c. */
#include "support/ctl_fixture.h"

static void unknown_commands_and_events_are_answered(void **state)
{
    (void)state;
    struct vici_packet p;
    request(0, "no-such-command", NULL, NULL);
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_CMD_UNKNOWN);
    send_packet(0, VICI_EVENT_REGISTER, "no-such-event");
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT_UNKNOWN);
    send_packet(0, VICI_EVENT_REGISTER, "list-sa");
    assert_true(next(0, &p));
    assert_int_equal(p.type, VICI_EVENT_CONFIRM);
}

static void a_command_waits_for_its_outcome_and_streams_its_log(void **state)
{
    (void)state;
    struct vici_packet p;
    extend(0);
    send_packet(0, VICI_EVENT_REGISTER, "control-log");
    send_packet(1, VICI_EVENT_REGISTER, "control-log");
    next(0, &p);
    next(1, &p);
    request(0, "initiate", "child", "lan");
    assert_int_equal(fake.n_commands, 1);
    assert_int_equal(fake.command.kind, COMMAND_INITIATE);
    request(0, "version", NULL, NULL); /* must wait its turn */
    assert_int_equal(fake.len[0], 0);
    struct event log = {
        .kind = EVENT_LOG, .command_id = fake.command.id, .level = LOG_NOTICE, .text = "sending"};
    ctl_event(service, &log);
    log.level = LOG_TRACE; /* beyond the default level */
    ctl_event(service, &log);
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    diag_set(&done.diag, FAIL_PROPOSAL, "no proposal chosen");
    diag_expected(&done.diag, "AES_GCM_16");
    ctl_event(service, &done);
    assert_true(next(0, &p));
    assert_span_equal(p.name, span_str("control-log"));
    assert_text(p.body, "msg", "sending");
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "errmsg", "establishing CHILD_SA 'lan' failed");
    assert_text(r, "class", "6");
    assert_text(r, "expected", "AES_GCM_16");
    assert_text(reply(0), "daemon", "keywayd"); /* its turn has come */
    assert_int_equal(fake.len[1], 0);
}

static void a_command_without_a_name_is_refused(void **state)
{
    (void)state;
    request(0, "initiate", NULL, NULL);
    assert_text(reply(0), "errmsg", "missing configuration name");
    request(0, "terminate", NULL, NULL);
    assert_text(reply(0), "errmsg", "missing terminate selector");
    assert_int_equal(fake.n_commands, 0);
}

static void traps_are_set_and_taken_away_by_name(void **state)
{
    (void)state;
    extend(0);
    request(0, "install", "ike-id", "7");
    assert_text(reply(0), "errmsg", "missing configuration name");
    request(0, "install", "child", "lan");
    assert_int_equal(fake.command.kind, COMMAND_TRAP);
    assert_string_equal(fake.command.child, "lan");
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id, .matches = 1};
    ctl_event(service, &done);
    assert_text(reply(0), "success", "yes");
    request(0, "uninstall", "child", "nobody");
    assert_int_equal(fake.command.kind, COMMAND_UNTRAP);
    done = (struct event){.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    diag_set(&done.diag, FAIL_NOT_FOUND, "no trap is set for nobody");
    ctl_event(service, &done);
    struct span r = reply(0);
    assert_text(r, "errmsg", "policy 'nobody' not found");
    assert_text(r, "what", "no trap is set for nobody");
}

static void request_redirect(const char *gateway, const char *key, const char *value)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "redirect");
    if (gateway)
        vici_text(&w, "gateway", gateway);
    if (key)
        vici_text(&w, key, value);
    ctl_input(client[0], vici_packet_close(&w));
    vici_write_free(&w);
}

static void a_redirect_names_a_gateway_and_clients(void **state)
{
    (void)state;
    static const struct {
        const char *gateway, *key, *value, *why;
    } bad[] = {
        {NULL,        "ike",     "net",         "missing target gateway"                         },
        {"0.0.0.0",   "ike",     "net",         "gateway: an IP address or a host name is needed"},
        {"gw; true",  "ike",     "net",         "gateway: an IP address or a host name is needed"},
        {"192.0.2.9", NULL,      NULL,          "missing redirect selector"                      },
        {"192.0.2.9", "peer-ip", "192.0.2.1-x",
         "peer-ip: '192.0.2.1-x' is neither an IP address nor a prefix nor a "
         "range"                                                                                 },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        request_redirect(bad[i].gateway, bad[i].key, bad[i].value);
        assert_text(reply(0), "errmsg", bad[i].why);
    }
    assert_int_equal(fake.n_commands, 0);
    request_redirect("gw9.example.org", "peer-ip", "192.0.2.0/25");
    assert_int_equal(fake.command.kind, COMMAND_REDIRECT);
    assert_true(ip_equal(fake.command.peer_from, ip4(192, 0, 2, 0)));
    assert_true(ip_equal(fake.command.peer_to, ip4(192, 0, 2, 127)));
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id, .matches = 2};
    ctl_event(service, &done);
    struct span r = reply(0);
    assert_text(r, "success", "yes");
    assert_text(r, "matches", "2");
    request_redirect("2001:db8::9", "peer-ip", "192.0.2.3-192.0.2.9");
    assert_int_equal(fake.command.gateway.ip.family, 6);
    assert_true(ip_equal(fake.command.peer_to, ip4(192, 0, 2, 9)));
}

static void a_command_runs_out_of_time(void **state)
{
    (void)state;
    extend(0);
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "initiate");
    vici_text(&w, "child", "lan");
    vici_text(&w, "timeout", "1500");
    ctl_input(client[0], vici_packet_close(&w));
    vici_write_free(&w);
    assert_int_equal(ctl_deadline(service), fake.now + 1500 * TIME_MS);
    ctl_tick(service);
    assert_int_equal(fake.len[0], 0);
    fake.now += 1500 * TIME_MS;
    ctl_tick(service);
    struct span r = reply(0);
    assert_text(r, "errmsg", "CHILD_SA 'lan' not established after 1500ms");
    assert_text(r, "class", "7");
    assert_int_equal(ctl_deadline(service), TIME_NEVER);
    struct event late = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    ctl_event(service, &late);
    assert_int_equal(fake.len[0], 0);
}

static void an_asynchronous_command_is_answered_at_once(void **state)
{
    (void)state;
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "initiate");
    vici_text(&w, "child", "lan");
    vici_text(&w, "timeout", "-1");
    ctl_input(client[0], vici_packet_close(&w));
    vici_write_free(&w);
    assert_text(reply(0), "success", "yes");
    assert_int_equal(fake.n_commands, 1);
}

static void a_client_that_goes_while_it_waits_harms_nobody(void **state)
{
    (void)state;
    request(0, "terminate", "ike", "office");
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    ctl_closed(client[0]);
    ctl_event(service, &done);
    request(1, "get-conns", NULL, NULL);
    assert_true(reply(1).len > 0);
}

static void what_was_fetched_is_flushed_by_type(void **state)
{
    (void)state;
    extend(0);
    static const struct {
        const char *type;
        bool crls, ocsps, is_known;
    } rows[] = {
        {NULL,            true,  true,  true },
        {"any",           true,  true,  true },
        {"X509_CRL",      true,  false, true },
        {"ocsp_response", false, true,  true },
        {"x509",          false, false, true },
        {"rubbish",       false, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        flushed.calls = 0;
        request(0, "flush-certs", rows[i].type ? "type" : NULL, rows[i].type);
        struct span r = reply(0);
        assert_text(r, "success", rows[i].is_known ? "yes" : "no");
        assert_int_equal(flushed.calls, rows[i].is_known);
        if (!rows[i].is_known)
            continue;
        assert_text(r, "flushed", "3");
        assert_int_equal(flushed.crls, rows[i].crls);
        assert_int_equal(flushed.ocsps, rows[i].ocsps);
    }
}

static void reload_answers_with_every_error(void **state)
{
    (void)state;
    struct diag errors[2] = {0};
    request(0, "keyway-reload", NULL, NULL);
    diag_set(&errors[0], FAIL_CONFIG, "first");
    diag_set(&errors[1], FAIL_CONFIG, "second");
    ctl_reload_done(service, fake.reload_token, errors, 2, 0, NULL);
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "errmsg", "the configuration has 2 errors; the running one stays");
    struct vici_reader reader = vici_read(r);
    struct vici_element e;
    unsigned found = 0;
    while (vici_next(&reader, &e))
        found += e.kind == VICI_KEY_VALUE && span_equal(e.name, span_str("what"));
    assert_int_equal(found, 2);
}

static void what_a_reload_has_changed_is_told(void **state)
{
    (void)state;
    const struct config_changes none = {0},
                                c = {.v = {"child a of connection b has changed"}, .n = 1, .n_more = 7};
    request(0, "keyway-reload", NULL, NULL);
    ctl_reload_done(service, fake.reload_token, NULL, 0, 3, &c);
    struct span r = reply(0);
    assert_text(r, "connections", "3");
    assert_non_null(memmem(r.ptr, r.len, "child a of connection b has changed", 35));
    assert_non_null(memmem(r.ptr, r.len, "and 7 more", 10));
    request(0, "keyway-reload", NULL, NULL);
    ctl_reload_done(service, fake.reload_token, NULL, 0, 3, &none);
    r = reply(0);
    assert_null(memmem(r.ptr, r.len, "has changed", 11));
}

static void settings_are_reloaded_alone(void **state)
{
    (void)state;
    struct diag error = {0};
    struct span none;
    request(0, "reload-settings", NULL, NULL);
    assert_int_equal(fake.reload_token, 0);
    assert_int_equal(fake.len[0], 0);
    ctl_reload_done(service, fake.settings_token, NULL, 0, 0, NULL);
    struct span r = reply(0);
    assert_text(r, "success", "yes");
    assert_false(vici_find(r, "connections", &none));
    request(0, "reload-settings", NULL, NULL);
    diag_set(&error, FAIL_CONFIG, "first");
    ctl_reload_done(service, fake.settings_token, &error, 1, 0, NULL);
    assert_text(reply(0), "success", "no");
}

/* The keys of the one section of counters, whose name goes to name; "" for that of all; NULL: there is none.
 */
static size_t read_counters(struct span r, char name[64], uint64_t sum[1])
{
    struct vici_reader reader = vici_read(r);
    struct vici_element e;
    size_t n = 0;
    *sum = 0;
    strcpy(name, "none");
    assert_true(vici_next(&reader, &e));
    assert_span_equal(e.name, span_str("counters"));
    while (vici_next(&reader, &e) && reader.depth) {
        if (e.kind == VICI_SECTION_START)
            snprintf(name, 64, "%.*s", (int)e.name.len, (const char *)e.name.ptr);
        n += e.kind == VICI_KEY_VALUE;
        if (e.kind == VICI_KEY_VALUE)
            *sum += strtoull((const char *)e.value.ptr, NULL, 10);
    }
    return n;
}

static void counters_are_told_in_all_and_by_connection(void **state)
{
    (void)state;
    char name[64];
    uint64_t sum;
    is_counted = false;
    counters[0].v[COUNT_INVALID] = 3;
    counters[1].v[COUNT_INFO + 3] = 8;
    request(0, "get-counters", NULL, NULL);
    assert_int_equal(read_counters(reply(0), name, &sum), 21);
    assert_string_equal(name, "");
    assert_int_equal(sum, 3);
    request(0, "get-counters", "name", "office");
    struct span r = reply(0);
    assert_int_equal(read_counters(r, name, &sum), 0);
    assert_text(r, "errmsg", "no counters found for this connection");
    is_counted = true;
    static const char *const keys[] = {"name", "all"}, *const values[] = {"office", "yes"};
    for (size_t i = 0; i < 2; i++) {
        request(0, "get-counters", keys[i], values[i]);
        r = reply(0);
        assert_int_equal(read_counters(r, name, &sum), 21);
        assert_string_equal(name, "office");
        assert_int_equal(sum, 8);
        assert_text(r, "success", "yes");
    }
}

/* Who asks for them next sees that they were: the answer waits until it is done. */
static void counters_are_reset_by_the_engine(void **state)
{
    (void)state;
    request(0, "reset-counters", "name", "nobody");
    assert_int_equal(fake.len[0], 0);
    assert_int_equal(fake.command.kind, COMMAND_RESET_COUNTERS);
    assert_string_equal(fake.command.connection, "nobody");
    struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
    diag_set(&done.diag, FAIL_NOT_FOUND, "nothing");
    ctl_event(service, &done);
    assert_text(reply(0), "success", "yes");
    request(0, "reset-counters", "all", "yes");
    assert_true(fake.command.is_for_all);
    assert_null(fake.command.connection);
}

static void a_connection_is_added_by_a_reload(void **state)
{
    (void)state;
    request(0, "keyway-add", "name", "office");
    assert_int_equal(fake.len[0], 0);
    assert_string_equal(fake.chosen, "office");
    assert_int_equal(fake.choice, CHOICE_ADDED);
    ctl_reload_done(service, fake.reload_token, NULL, 0, 1, NULL);
    struct span r = reply(0);
    assert_text(r, "success", "yes");
    assert_text(r, "dialect", "swanctl.conf");
    assert_int_equal(fake.choice, CHOICE_ADDED);
}

static void what_no_file_has_is_not_added_and_not_remembered(void **state)
{
    (void)state;
    fake.choice_before = CHOICE_DELETED;
    request(0, "keyway-add", "name", "nothing");
    ctl_reload_done(service, fake.reload_token, NULL, 0, 1, NULL);
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "class", "4");
    assert_int_equal(fake.choice, CHOICE_DELETED);
}

static void what_another_file_has_is_not_deleted(void **state)
{
    (void)state;
    request(0, "keyway-delete", "name", "office");
    assert_int_equal(fake.choice, CHOICE_DELETED);
    ctl_reload_done(service, fake.reload_token, NULL, 0, 1, NULL);
    struct span r = reply(0);
    assert_text(r, "success", "no");
    assert_text(r, "what", "connection office is of swanctl.conf: it is deleted there");
    assert_int_equal(fake.choice, CHOICE_NONE);
}

static void a_choice_falls_with_a_configuration_that_is_refused(void **state)
{
    (void)state;
    struct diag error = {0};
    request(0, "keyway-delete", "name", "gone");
    diag_set(&error, FAIL_CONFIG, "first");
    ctl_reload_done(service, fake.reload_token, &error, 1, 0, NULL);
    struct span r = reply(0);
    assert_text(r, "errmsg", "the configuration has 1 error; the running one stays");
    assert_text(r, "what", "first");
    assert_int_equal(fake.choice, CHOICE_NONE);
}

static void a_choice_wants_a_name(void **state)
{
    (void)state;
    char name[600];
    request(0, "keyway-add", NULL, NULL);
    assert_text(reply(0), "success", "no");
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    request(0, "keyway-add", "name", name);
    assert_text(reply(0), "success", "no");
    assert_int_equal(fake.reload_token, 0);
}

static void a_name_means_a_connection_or_a_child(void **state)
{
    (void)state;
    request(0, "keyway-connection", "name", "office");
    struct span r = reply(0);
    assert_text(r, "connection", "office");
    assert_text(r, "dialect", "swanctl.conf");
    struct span none;
    assert_false(vici_find(r, "child", &none));
    static const char *const children[] = {"lan", "office/lan"};
    for (size_t i = 0; i < 2; i++) {
        request(0, "keyway-connection", "name", children[i]);
        r = reply(0);
        assert_text(r, "connection", "office");
        assert_text(r, "child", "lan");
    }
    request(0, "keyway-connection", "name", "office/wan");
    assert_text(reply(0), "class", "4");
}

static void what_is_not_vici_closes_the_client(void **state)
{
    (void)state;
    ctl_input(client[0], hex("00000001 05")); /* EVENT_CONFIRM is the server's */
    assert_int_equal(fake.n_closed, 1);
    ctl_input(client[0], hex("00000001 05"));
    assert_int_equal(fake.n_closed, 1);
    ctl_input(client[1], hex("ffffffff"));
    assert_int_equal(fake.n_closed, 2);
}

/* The protocol's keys alone go to who does not ask for more, in its order. */
static void a_failure_is_told_in_the_keys_of_the_protocol(void **state)
{
    (void)state;
    static const char *const order[] = {"success", "matches", "terminated", "errmsg", "class", "what"};
    for (size_t n = 4; n <= 6; n += 2) {
        if (n == 6)
            extend(0);
        request(0, "terminate", "child", "nobody");
        struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
        diag_set(&done.diag, FAIL_NOT_FOUND, "nothing that is up matches nobody");
        ctl_event(service, &done);
        struct span r = reply(0);
        struct vici_reader reader = vici_read(r);
        struct vici_element e;
        size_t i = 0;
        while (vici_next(&reader, &e)) {
            assert_true(i < n);
            assert_span_equal(e.name, span_str(order[i++]));
        }
        assert_int_equal(i, n);
        assert_text(r, "errmsg", "no matching SAs to terminate found");
    }
}

static void what_is_not_there_is_told_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *command, *key, *why;
    } rows[] = {
        {"initiate", "child", "CHILD_SA config 'none' not found"},
        {"initiate", "ike",   "IKE_SA config 'none' not found"  },
        {"install",  "child", "configuration name not found"    },
        {"rekey",    "ike",   "no matching SAs to rekey found"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        request(0, rows[i].command, rows[i].key, "none");
        struct event done = {.kind = EVENT_COMMAND_DONE, .command_id = fake.command.id};
        diag_set(&done.diag, FAIL_NOT_FOUND, "nothing");
        ctl_event(service, &done);
        assert_text(reply(0), "errmsg", rows[i].why);
    }
}

static void a_malformed_message_is_refused(void **state)
{
    (void)state;
    ctl_input(client[0], hex("0000000b 00 07 76657273696f6e 02 02"));
    assert_text(reply(0), "errmsg", "malformed message");
}

static void there_is_room_for_so_many_clients(void **state)
{
    (void)state;
    for (int i = 2; i < CTL_CLIENTS_MAX; i++)
        assert_non_null(ctl_open(service, (void *)1));
    assert_null(ctl_open(service, (void *)1));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_commands_and_events_are_answered),
        TEST(a_command_waits_for_its_outcome_and_streams_its_log),
        TEST(a_command_without_a_name_is_refused),
        TEST(traps_are_set_and_taken_away_by_name),
        TEST(a_redirect_names_a_gateway_and_clients),
        TEST(a_command_runs_out_of_time),
        TEST(an_asynchronous_command_is_answered_at_once),
        TEST(a_client_that_goes_while_it_waits_harms_nobody),
        TEST(what_was_fetched_is_flushed_by_type),
        TEST(reload_answers_with_every_error),
        TEST(what_a_reload_has_changed_is_told),
        TEST(settings_are_reloaded_alone),
        TEST(counters_are_told_in_all_and_by_connection),
        TEST(counters_are_reset_by_the_engine),
        TEST(a_connection_is_added_by_a_reload),
        TEST(what_no_file_has_is_not_added_and_not_remembered),
        TEST(what_another_file_has_is_not_deleted),
        TEST(a_choice_falls_with_a_configuration_that_is_refused),
        TEST(a_choice_wants_a_name),
        TEST(a_name_means_a_connection_or_a_child),
        TEST(what_is_not_vici_closes_the_client),
        TEST(a_failure_is_told_in_the_keys_of_the_protocol),
        TEST(what_is_not_there_is_told_by_kind),
        TEST(a_malformed_message_is_refused),
        TEST(there_is_room_for_so_many_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
