/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back: establishing, refusing, going down. */
#include "support/pair_fixture.h"
#include "support/test.h"

static void psk_brings_up_ike_and_child_with_the_same_keys(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    assert_int_equal(p.side[0].policies, 1);
    assert_int_equal(p.side[1].policies, 1);
}

static void expect_failure(enum fail_class class)
{
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, class);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[1].n_sas, 0);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
}

static void a_wrong_secret_fails_as_authentication_and_names_the_line(void **state)
{
    (void)state;
    struct pair_spec a = {.psk = "one"}, b = {.psk = "other"};
    up(&a, &b);
    expect_failure(FAIL_AUTH);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "test.conf:7"));           /* the side that decides */
    assert_true(pair_logged(&p, 0, "AUTHENTICATION_FAILED")); /* the other says what came back */
    assert_int_equal(engine_stats(p.side[1].e)->auth_failed, 1);
}

static void a_wrong_identity_fails_as_authentication_with_expected_and_got(void **state)
{
    (void)state;
    struct pair_spec a = {.local_id = "@moon"}, b = {.remote_id = "@mars"};
    up(&a, &b);
    expect_failure(FAIL_AUTH);
    assert_true(pair_logged(&p, 1, "mars"));
    assert_true(pair_logged(&p, 1, "moon"));
    assert_true(pair_logged(&p, 1, "test.conf:5"));
    assert_false(pair_logged(&p, 0, "mars")); /* what the peer expects is not invented */
}

/* A pattern is found for every peer, so the identity is compared behind the look-up, too. */
static void a_name_outside_the_pattern_of_a_connection_is_refused(void **state)
{
    (void)state;
    struct pair_spec a = {.local_id = "moon.elsewhere"}, b = {.remote_id = "@*.example"};
    up(&a, &b);
    expect_failure(FAIL_AUTH);
    assert_true(pair_logged(&p, 1, "moon.elsewhere"));
}

static void the_initiator_refuses_a_responder_with_another_identity(void **state)
{
    (void)state;
    struct pair_spec a = {.remote_id = "@venus"}, b = {.local_id = "@earth"};
    /* The responder would be asked for venus, so let the initiator ask for any name of that form. */
    a.remote_id = "@*.example";
    up(&a, &b);
    expect_failure(FAIL_AUTH);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 0); /* told with AUTHENTICATION_FAILED */
    assert_true(pair_logged(&p, 0, "earth"));
}

static void no_common_proposal_fails_after_a_moment_with_the_difference(void **state)
{
    (void)state;
    struct pair_spec a = {.ike = {"aes128-sha256-x25519"}}, b = {.ike = {"aes256gcm16-prfsha384-ecp384"}};
    up(&a, &b);
    assert_false(p.side[0].is_done); /* unauthenticated: not believed at once */
    pair_advance(&p, 2 * TIME_SECOND);
    expect_failure(FAIL_PROPOSAL);
    assert_true(pair_logged(&p, 1, "AES_GCM_16"));
    assert_true(pair_logged(&p, 1, "AES_CBC"));
    assert_true(pair_logged(&p, 1, "test.conf:3"));
    assert_true(pair_logged(&p, 0, "NO_PROPOSAL_CHOSEN"));
}

static void a_forged_refusal_does_not_stop_a_good_answer(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    pair_load(&p, 0, &s);
    pair_load(&p, 1, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    /* the same request answered with NO_PROPOSAL_CHOSEN by somebody on the path */
    uint8_t forged[36] = {0};
    memcpy(forged, p.wire[0].bytes, 8);
    memcpy(forged + 16, (uint8_t[]){41, 0x20, 34, 0x20, 0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0, 8, 0, 0, 0, 14},
           20);
    pair_input(&p, 0,
               &(struct input){
                   .kind = INPUT_DATAGRAM,
                   .datagram = {.local = p.wire[0].src,
                                .remote = p.wire[0].dst,
                                .bytes = span_of(forged, sizeof(forged))}
    });
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_advance(&p, 5 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void no_common_child_proposal_fails_and_takes_the_ike_sa_down(void **state)
{
    (void)state;
    struct pair_spec a = {.esp = {"aes128-sha256"}}, b = {.esp = {"chacha20poly1305"}};
    up(&a, &b);
    expect_failure(FAIL_PROPOSAL);
    pair_advance(&p, 1 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 0);
}

static void selectors_that_do_not_match_fail_with_their_own_class(void **state)
{
    (void)state;
    struct pair_spec a = {.remote_ts = "10.9.0.0/16"}, b = {0};
    up(&a, &b);
    expect_failure(FAIL_SELECTORS);
    assert_true(pair_logged(&p, 1, "10.9.0.0/16"));
    assert_true(pair_logged(&p, 1, "test.conf:9"));
    assert_int_equal(engine_stats(p.side[1].e)->selector_mismatch, 1);
}

static void the_responder_narrows_and_the_initiator_accepts(void **state)
{
    (void)state;
    struct pair_spec a = {.remote_ts = "10.0.0.0/8"}, b = {0};
    up(&a, &b);
    struct ike_view v;
    struct child_view c;
    assert_true(engine_ike_at(p.side[0].e, 0, &v) && engine_child_at(p.side[0].e, v.id, 0, &c));
    char text[TS_TEXT_MAX];
    assert_string_equal(ts_format(&c.remote_ts[0], text), "10.2.0.0/16");
}

static void an_unreachable_peer_fails_as_unreachable(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    p.is_cut = true;
    up(&s, &s);
    assert_false(p.side[0].is_done);
    pair_advance(&p, 200 * TIME_SECOND);
    expect_failure(FAIL_UNREACHABLE);
    assert_int_equal(p.sent, 6); /* the request and five repetitions */
}

static void an_unknown_name_is_not_found(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    pair_load(&p, 0, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "nothing", NULL);
    assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
}

static void a_key_exchange_method_that_the_peer_lacks_is_replaced(void **state)
{
    (void)state;
    struct pair_spec a = {.ike = {"aes256-sha256-x25519-ecp256"}}, b = {.ike = {"aes256-sha256-ecp256"}};
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_int_equal(p.sent, 6); /* INIT twice, AUTH once */
}

static void cookies_are_asked_for_and_returned(void **state)
{
    (void)state;
    struct pair_spec a = {0},
                     b = {.has_cookie_threshold = true, .cookie_threshold = 1, .block_threshold = 1000};
    pair_load(&p, 0, &a);
    pair_load(&p, 1, &b);
    /* somebody else's request keeps one SA half open */
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    struct pair_packet first = p.wire[0];
    first.bytes[0] ^= 1;
    p.wire[p.n_wire++] = p.wire[0];
    p.wire[0] = first;
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_true(engine_stats(p.side[1].e)->cookies_sent > 0);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void half_open_sas_of_one_address_are_bounded_and_time_out(void **state)
{
    (void)state;
    struct pair_spec s = {.block_threshold = 3,
                          .has_cookie_threshold = true}; /* with cookies: flood_test.c */
    pair_load(&p, 0, &s);
    pair_load(&p, 1, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    struct pair_packet k = p.wire[0];
    p.n_wire = 0;
    p.is_cut = true;
    for (uint8_t i = 0; i < 10; i++) {
        k.bytes[0] = i;
        pair_input(&p, 1,
                   &(struct input){
                       .kind = INPUT_DATAGRAM,
                       .datagram = {.local = k.dst, .remote = k.src, .bytes = span_of(k.bytes, k.len)}
        });
    }
    assert_int_equal(engine_stats(p.side[1].e)->half_open, 3);
    assert_int_equal(engine_stats(p.side[1].e)->dropped_blocked, 7);
    pair_advance(&p, 31 * TIME_SECOND);
    assert_int_equal(engine_stats(p.side[1].e)->half_open, 0);
}

static void a_repeated_first_request_is_answered_alike_and_makes_no_second_sa(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    pair_load(&p, 0, &s);
    pair_load(&p, 1, &s);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    struct pair_packet k = p.wire[0];
    struct input again = {
        .kind = INPUT_DATAGRAM,
        .datagram = {.local = k.dst, .remote = k.src, .bytes = span_of(k.bytes, k.len)}
    };
    p.n_wire = 0;
    pair_input(&p, 1, &again);
    struct pair_packet one = p.wire[0];
    pair_input(&p, 1, &again);
    assert_int_equal(engine_stats(p.side[1].e)->half_open, 1);
    assert_int_equal(p.n_wire, 2);
    assert_memory_equal(one.bytes, p.wire[1].bytes, one.len);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void while_jobs_are_out_repetitions_are_ignored(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    p.side[1].holds_jobs = true;
    up(&s, &s);
    pair_advance(&p, 5 * TIME_SECOND); /* one retransmission */
    assert_int_equal(p.side[1].n_held, 1);
    for (int i = 0; i < 6; i++) {
        pair_release_jobs(&p, 1);
        pair_run(&p);
    }
    pair_advance(&p, 1 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void a_late_job_of_a_dead_sa_is_dropped(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    p.side[0].holds_jobs = true;
    up(&s, &s);
    assert_int_equal(p.side[0].n_held, 1);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_release_jobs(&p, 0);
    pair_run(&p);
    assert_int_equal(p.sent, 0);
}

static bool flip_once(void *ctx, struct pair_packet *k)
{
    int *left = ctx;
    if (k->bytes[18] != 34 && *left > 0) { /* after IKE_SA_INIT */
        (*left)--;
        k->bytes[k->len - 1] ^= 1;
    }
    return true;
}

static void a_forged_packet_is_counted_and_changes_nothing(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    int left = 1;
    p.filter = flip_once;
    p.ctx = &left;
    up(&s, &s);
    assert_int_equal(engine_stats(p.side[1].e)->dropped_bad_icv, 1);
    assert_int_equal(pair_children(&p, 1), 0);
    pair_advance(&p, 5 * TIME_SECOND); /* the repetition is good */
    assert_int_equal(pair_children(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void garbage_is_counted_and_dropped(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    unsigned sent = p.sent;
    uint8_t junk[64];
    memset(junk, 0xa5, sizeof(junk));
    for (size_t n = 0; n <= sizeof(junk); n++)
        pair_input(&p, 1, &(struct input){.kind = INPUT_DATAGRAM, .datagram.bytes = span_of(junk, n)});
    assert_int_equal(p.sent, sent);
    assert_true(engine_stats(p.side[1].e)->dropped_malformed > 0);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void terminate_deletes_on_both_sides_and_removes_routes_but_the_barrier(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    pair_load(&p, 0, &s);
    size_t barrier = p.side[0].live_routes;
    assert_int_equal(barrier, 1);
    up(&s, &s);
    assert_int_equal(p.side[0].live_routes, 2);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_true(p.side[0].is_done);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 0);
        assert_int_equal(p.side[i].n_sas, 0);
        assert_int_equal(p.side[i].policies, 0);
        assert_int_equal(p.side[i].live_routes, barrier);
        assert_int_equal(p.side[i].ups, 1);
        assert_int_equal(p.side[i].downs, 1);
        assert_int_equal(p.side[i].ike_downs, 1);
    }
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0); /* down means down */
}

static void a_lost_answer_to_a_delete_is_repeated(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    assert_true(pair_deliver(&p)); /* the peer deletes and answers */
    p.n_wire = 0;                  /* the answer is lost */
    assert_false(p.side[0].is_done);
    pair_advance(&p, 2 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    struct ike_view v;
    assert_false(engine_ike_at(p.side[0].e, 0, &v));
    assert_false(engine_ike_at(p.side[1].e, 0, &v));
}

static void a_child_alone_can_be_deleted_and_made_again(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    pair_command(&p, 1, COMMAND_TERMINATE, NULL, "net");
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[1].n_sas, 0);
    pair_command(&p, 0, COMMAND_INITIATE, "net", "net");
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_true(pair_traffic_fits(&p));
}

static void every_child_of_a_connection_gets_its_own(void **state)
{
    (void)state;
    struct pair_spec a = {.second_local_ts = "10.3.0.0/16", .second_remote_ts = "10.4.0.0/16"};
    struct pair_spec b = {.second_local_ts = "10.4.0.0/16", .second_remote_ts = "10.3.0.0/16"};
    up(&a, &b);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_children(&p, 0), 2);
    assert_int_equal(pair_children(&p, 1), 2);
    assert_int_equal(p.side[0].policies, 2);
    assert_true(p.side[0].sas[0].reqid != p.side[0].sas[2].reqid);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 1), 2);
}

static void a_forced_nat_moves_to_port_4500_and_encapsulates(void **state)
{
    (void)state;
    struct pair_spec a = {.encap = ENCAP_YES}, b = {0};
    up(&a, &b);
    struct ike_view v;
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_int_equal(v.remote.port, 4500);
    assert_int_equal(v.local.port, 4500);
    assert_true(v.has_fake_nat);
    assert_false(v.has_nat_remote); /* it is where it seems to be, and is not followed elsewhere */
    assert_true(pair_newest_out(&p, 0)->has_encap);
    assert_true(pair_newest_out(&p, 1)->has_encap);
    assert_true(pair_traffic_fits(&p));
}

static bool through_nat(void *ctx, struct pair_packet *k)
{
    uint16_t *port = ctx;
    if (k->from == 0) {
        k->src.ip = ip4(203, 0, 113, 9);
        k->src.port = k->src.port == 500 ? 1500 : *port;
    } else {
        k->dst.ip = ip4(192, 0, 2, 1);
        k->dst.port = k->dst.port == 1500 ? 500 : 4500;
    }
    return true;
}

static void a_nat_is_found_followed_and_kept_open(void **state)
{
    (void)state;
    struct pair_spec a = {.dpd_delay = 10 * TIME_SECOND, .local_id = "@a", .remote_id = "@b"};
    struct pair_spec b = {.accepts_any_peer = true, .local_id = "@b", .remote_id = "@a"};
    uint16_t port = 4501;
    struct ike_view v;
    p.filter = through_nat;
    p.ctx = &port;
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    assert_true(v.has_nat_local);
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_true(v.has_nat_remote);
    assert_int_equal(v.remote.port, 4501);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_true(p.side[0].keepalives >= 2);
    port = 4777; /* the NAT forgets and maps anew */
    pair_advance(&p, 15 * TIME_SECOND);
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_int_equal(v.remote.port, 4777);
    assert_int_equal(pair_newest_out(&p, 1)->remote.port, 4777);
    assert_int_equal(p.side[1].updates, 2);
}

static void exceptions_keep_the_peer_out_of_its_own_tunnel(void **state)
{
    (void)state;
    struct pair_spec a = {.remote_ts = "0.0.0.0/0"};
    pair_load(&p, 0, &a);
    bool has_peer = false, has_local = false, has_barrier = false;
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < p.side[0].n_routes; i++) {
        const struct route *r = &p.side[0].routes[i].route;
        prefix_format(&r->dst, text);
        has_peer |= r->is_exception && strcmp(text, "192.0.2.2/32") == 0;
        has_local |= r->is_exception && strcmp(text, "10.1.0.0/16") == 0;
        has_barrier |= r->is_unreachable && strcmp(text, "0.0.0.0/0") == 0;
    }
    assert_true(has_peer && has_local && has_barrier);
    pair_input(&p, 0, &(struct input){.kind = INPUT_SHUTDOWN});
    assert_int_equal(p.side[0].live_routes, 0);
}

static void an_unchanged_connection_survives_a_reload_and_a_changed_one_does_not(void **state)
{
    (void)state;
    struct pair_spec s = {0}, t = {.hash = 2};
    up(&s, &s);
    pair_load(&p, 0, &s);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_load(&p, 0, &t);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
    assert_int_equal(p.side[0].live_routes, 1);
}

static void shutdown_tells_the_peer(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    pair_input(&p, 0, &(struct input){.kind = INPUT_SHUTDOWN});
    pair_run(&p);
    struct ike_view v;
    assert_false(engine_ike_at(p.side[0].e, 0, &v));
    assert_false(engine_ike_at(p.side[1].e, 0, &v));
    assert_int_equal(p.side[1].n_sas, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(psk_brings_up_ike_and_child_with_the_same_keys),
        T(a_wrong_secret_fails_as_authentication_and_names_the_line),
        T(a_wrong_identity_fails_as_authentication_with_expected_and_got),
        T(a_name_outside_the_pattern_of_a_connection_is_refused),
        T(the_initiator_refuses_a_responder_with_another_identity),
        T(no_common_proposal_fails_after_a_moment_with_the_difference),
        T(a_forged_refusal_does_not_stop_a_good_answer),
        T(no_common_child_proposal_fails_and_takes_the_ike_sa_down),
        T(selectors_that_do_not_match_fail_with_their_own_class),
        T(the_responder_narrows_and_the_initiator_accepts),
        T(an_unreachable_peer_fails_as_unreachable),
        T(an_unknown_name_is_not_found),
        T(a_key_exchange_method_that_the_peer_lacks_is_replaced),
        T(cookies_are_asked_for_and_returned),
        T(half_open_sas_of_one_address_are_bounded_and_time_out),
        T(a_repeated_first_request_is_answered_alike_and_makes_no_second_sa),
        T(while_jobs_are_out_repetitions_are_ignored),
        T(a_late_job_of_a_dead_sa_is_dropped),
        T(a_forged_packet_is_counted_and_changes_nothing),
        T(garbage_is_counted_and_dropped),
        T(terminate_deletes_on_both_sides_and_removes_routes_but_the_barrier),
        T(a_lost_answer_to_a_delete_is_repeated),
        T(a_child_alone_can_be_deleted_and_made_again),
        T(every_child_of_a_connection_gets_its_own),
        T(a_forced_nat_moves_to_port_4500_and_encapsulates),
        T(a_nat_is_found_followed_and_kept_open),
        T(exceptions_keep_the_peer_out_of_its_own_tunnel),
        T(an_unchanged_connection_survives_a_reload_and_a_changed_one_does_not),
        T(shutdown_tells_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
