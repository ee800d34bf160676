/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with several rounds of authentication (RFC 4739) besides them: sessions that are resumed without
 * them (RFC 5723), redirects in the first and in the last response (RFC 5685 section 6), and INITIAL_CONTACT,
 * which is said in the first request (RFC 7296 section 2.4) and of which nothing comes before the last round.
 */
#include "support/rounds_fixture.h"

static bool resumes;
static enum unique uniqueness[2];
static struct gateway sends_to; /* where B sends clients in IKE_AUTH */

static void dress_up(int side, struct config *c, struct connection *conn)
{
    conn->resumes_sessions = conn->detects_crashes = resumes;
    conn->unique = uniqueness[side];
    c->settings.follows_redirects = true;
    if (!side)
        return;
    ((struct host_spec *)(uintptr_t)conn->local_addrs)[0].is_any = true;
    ((struct host_spec *)(uintptr_t)conn->remote_addrs)[0].is_any = true;
    conn->redirect = sends_to;
    conn->redirect_when = REDIRECT_AUTH;
}

static int prepare(void **state)
{
    setup(state);
    memset(plain, 0, sizeof(plain));
    dress = dress_up;
    resumes = false;
    uniqueness[0] = uniqueness[1] = UNIQUE_REPLACE;
    sends_to = (struct gateway){0};
    return 0;
}

/* ---- what passes ---- */

static struct {
    unsigned inits, resumptions, auths, nacks;
    int tickets_in[8], contacts_in[8]; /* how often, in the n-th IKE_AUTH of B, of A */
    unsigned n_from[2];
    bool hides_more;       /* ANOTHER_AUTH_FOLLOWS is taken out */
    unsigned redirects_in; /* the n-th response of IKE_AUTH is made to redirect; from 1 */
    struct ip other;       /* B's other address */
    unsigned to_other;
} seen;

static void look_inside(void *ctx, const struct chain *c)
{
    int *n = ctx;
    uint8_t next = c->first;
    for (size_t at = 0; next && at + 8 <= c->len; at += (size_t)c->at[at + 2] << 8 | c->at[at + 3]) {
        uint16_t type = (uint16_t)(c->at[at + 6] << 8 | c->at[at + 7]);
        if (next == PAYLOAD_NOTIFY && (type == N_TICKET_LT_OPAQUE || type == N_INITIAL_CONTACT))
            ++*n;
        if (next == PAYLOAD_NOTIFY && type == N_ANOTHER_AUTH_FOLLOWS && seen.hides_more)
            c->at[at + 6] = 0xa0; /* of private use */
        next = c->at[at];
    }
}

static bool look(void *ctx, struct pair_packet *k)
{
    static const uint8_t other[] = {1, 4, 192, 0, 2, 9};
    bool is_response = rogue_is_response(k);
    uint8_t exchange = k->bytes[AT_EXCHANGE];
    (void)ctx;
    seen.inits += exchange == EXCHANGE_IKE_SA_INIT && !is_response;
    seen.resumptions += exchange == EXCHANGE_IKE_SESSION_RESUME && !is_response;
    seen.nacks +=
        exchange == EXCHANGE_IKE_SESSION_RESUME && is_response && k->bytes[AT_FIRST] == PAYLOAD_NOTIFY;
    seen.to_other += !k->from && ip_equal(k->dst.ip, ip4(192, 0, 2, 9));
    if (exchange != EXCHANGE_IKE_AUTH)
        return true;
    seen.auths++;
    unsigned n = seen.n_from[k->from]++;
    assert_true(n < ARRAY_LEN(seen.tickets_in));
    rogue_open(&p, k, look_inside, k->from ? &seen.tickets_in[n] : &seen.contacts_in[n]);
    if (is_response && n + 1 == seen.redirects_in)
        rogue_append_notify(&p, k, N_REDIRECT, span_of(other, sizeof(other)));
    return true;
}

static void watch(void)
{
    memset(&seen, 0, sizeof(seen));
    p.filter = look;
}

/* ---- sessions that are resumed ---- */

static void begin_resumable(struct plan a, struct plan b)
{
    resumes = true;
    plain[0] = (struct pair_spec){
        .dpd_delay = 10 * TIME_SECOND, .dpd_action = DPD_RESTART, .starts = true, .retries_forever = true};
    pair_secret(&p, 0);
    pair_secret(&p, 1);
    watch();
    up_with(a, b);
    expect_up();
}

static void gateway_restarts(void)
{
    watch();
    pair_restart(&p, 1);
    load_side(1, sun);
    pair_advance(&p, 12 * TIME_SECOND);
}

static void expect_resumed(bool is_resumed)
{
    struct ike_view v;
    expect_up();
    assert_int_equal(seen.resumptions, 1);
    assert_int_equal(seen.nacks, !is_resumed);
    assert_int_equal(seen.inits, !is_resumed);
    for (int side = 0; side < 2; side++) {
        assert_true(engine_ike_at(p.side[side].e, 0, &v));
        assert_int_equal(v.is_resumed, is_resumed);
    }
}

/* [RFC5723#4.2] */
static void the_ticket_comes_with_the_last_response(void **state)
{
    (void)state;
    begin_resumable(machine_and_user, expects_both);
    assert_int_equal(seen.auths, 4);
    assert_int_equal(seen.tickets_in[0], 0);
    assert_int_equal(seen.tickets_in[1], 1);
}

static void a_session_is_resumed_without_the_rounds(void **state)
{
    (void)state;
    begin_resumable(machine_and_user, expects_both);
    gateway_restarts();
    expect_resumed(true);
    assert_int_equal(seen.auths, 2); /* one exchange */
    expect_ids(0, "user", "sun");
    expect_ids(1, "sun", "user");
    gateway_restarts(); /* nor the next time */
    expect_resumed(true);
}

static void so_is_one_in_which_both_had_several(void **state)
{
    (void)state;
    begin_resumable(
        (struct plan){
            .local = {SECRET("moon"), KEY("moon")   },
              .remote = {KEY("sun"),     SECRET("user")}
    },
        (struct plan){.local = {KEY("sun"), SECRET("user")}, .remote = {SECRET("moon"), KEY("moon")}});
    gateway_restarts();
    expect_resumed(true);
    assert_int_equal(seen.auths, 2);
    expect_ids(0, "moon", "user");
}

static const struct plan two_secrets =
                             {
                                 .local = {SECRET("moon"), SECRET("user")},
                                   .remote = {SECRET("sun")             }
},
                         expects_two_secrets = {.local = {SECRET("sun")},
                                                .remote = {SECRET("moon"), SECRET("user")}};

/* Both sides get it: the full exchange is good again. */
static void a_changed_secret_of_any_round_ends_the_session(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        begin_resumable(two_secrets, expects_two_secrets);
        for (int side = 0; side < 2; side++)
            *(round ? &plans[side].user_secret : &plans[side].machine_secret) = "changed";
        load_side(0, moon);
        gateway_restarts();
        expect_resumed(false);
        teardown(NULL);
        prepare(NULL);
    }
}

static void a_changed_secret_of_the_second_round_after_a_certificate_does_so_too(void **state)
{
    (void)state;
    begin_resumable(machine_and_user, expects_both);
    plans[0].user_secret = plans[1].user_secret = "changed";
    load_side(0, moon);
    gateway_restarts();
    expect_resumed(false);
}

static void a_wrong_second_round_gets_no_ticket(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.user_secret = "guessed";
    resumes = true;
    watch();
    up_with(a, expects_both);
    expect_refused(1, "the peer user does not have our shared secret");
    for (size_t i = 0; i < ARRAY_LEN(seen.tickets_in); i++)
        assert_int_equal(seen.tickets_in[i], 0);
}

/* ---- redirects ---- */

static void expect_at_other(void)
{
    struct ike_view v;
    pair_advance(&p, 10 * TIME_SECOND);
    expect_up();
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    assert_true(ip_equal(v.remote.ip, ip4(192, 0, 2, 9)));
}

static void a_gateway_redirects_who_is_through_with_all_rounds(void **state)
{
    (void)state;
    sends_to.ip = ip4(192, 0, 2, 9);
    watch();
    up_with(machine_and_user, expects_both);
    expect_at_other();
    assert_int_equal(seen.inits, 2);
    assert_int_equal(seen.auths, 8); /* here and there both rounds */
    assert_true(pair_logged(&p, 1, "redirecting user to 192.0.2.9"));
    assert_false(pair_logged(&p, 1, "redirecting moon"));
}

static void a_wrong_second_round_is_not_redirected(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.user_secret = "guessed";
    sends_to.ip = ip4(192, 0, 2, 9);
    watch();
    up_with(a, expects_both);
    expect_refused(1, "the peer user does not have our shared secret");
    assert_false(pair_logged(&p, 1, "redirecting"));
    assert_int_equal(seen.to_other, 0);
}

static void a_client_follows_a_redirect_in_the_first_response(void **state)
{
    (void)state;
    watch();
    seen.redirects_in = 1;
    up_with(machine_and_user, expects_both);
    expect_at_other();
    assert_int_equal(seen.inits, 2);
    assert_int_equal(seen.auths, 6); /* the first gateway is left after one exchange */
}

/* One that redirects need not go on to prove itself. */
static void a_client_that_waits_for_another_round_of_the_gateway_follows_too(void **state)
{
    (void)state;
    struct plan a = {
        .local = {SECRET("moon") },
          .remote = { KEY("sun"), SECRET("user")}
    };
    watch();
    seen.redirects_in = 1;
    seen.hides_more = true;
    up_with(a, (struct plan){
                   .local = {KEY("sun"), SECRET("user")},
                     .remote = {SECRET("moon")         }
    });
    pair_advance(&p, 5 * TIME_SECOND);
    assert_true(seen.to_other > 0);
}

/* [RFC5685#6] MUST NOT; whichever side it is that goes on */
static void a_client_follows_no_redirect_in_between(void **state)
{
    static const struct plan three =
                                 {
                                     .local = {SECRET("one"),    SECRET("two"), SECRET("three")},
                                     .remote = {SECRET("it")}
    },
                             sees_three = {.local = {SECRET("it")},
                                           .remote = {SECRET("one"), SECRET("two"), SECRET("three")}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        watch();
        seen.redirects_in = 2;
        up_with(i ? sees_three : three, i ? three : sees_three);
        pair_advance(&p, 5 * TIME_SECOND);
        expect_up();
        assert_int_equal(seen.to_other, 0);
        assert_int_equal(seen.auths, 6);
        teardown(NULL);
        prepare(NULL);
    }
}

/* What follows is worth nothing where the gateway did not prove itself. */
static void spoil(void *ctx, const struct chain *c)
{
    size_t len;
    uint8_t *auth = chain_find(c, PAYLOAD_AUTH, &len);
    (void)ctx;
    assert_non_null(auth);
    auth[len - 1] ^= 1;
}

static bool redirect_and_spoil(void *ctx, struct pair_packet *k)
{
    look(ctx, k);
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && rogue_is_response(k))
        rogue_open(&p, k, spoil, NULL);
    return true;
}

static void a_redirect_in_the_first_response_needs_a_good_auth(void **state)
{
    (void)state;
    watch();
    seen.redirects_in = 1;
    p.filter = redirect_and_spoil;
    up_with(machine_and_user, expects_both);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(seen.to_other, 0);
    assert_int_equal(pair_ikes(&p, 0), 0);
}

/* ---- INITIAL_CONTACT ---- */

/* A is gone without a word and comes back; returns the id of the IKE SA that B still has. */
static uint64_t client_restarts(void)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    pair_restart(&p, 0);
    load_side(0, moon);
    pair_advance(&p, TIME_SECOND);
    watch();
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    return v.id;
}

static bool has(int side, uint64_t id)
{
    struct ike_view v;
    for (size_t i = 0; engine_ike_at(p.side[side].e, i, &v); i++) {
        if (v.id == id && v.state == IKE_ESTABLISHED)
            return true;
    }
    return false;
}

static void initial_contact_counts_when_the_last_round_is_over(void **state)
{
    (void)state;
    uniqueness[1] = UNIQUE_NO;
    up_with(machine_and_user, expects_both);
    uint64_t old = client_restarts();
    while (seen.n_from[1] < 1) /* up to the answer to the first round */
        assert_true(pair_deliver(&p));
    assert_int_equal(seen.contacts_in[0], 1);
    assert_true(has(1, old));
    while (seen.n_from[1] < 2)
        assert_true(pair_deliver(&p));
    assert_false(has(1, old));
    pair_run(&p);
    assert_int_equal(seen.contacts_in[1], 0);
    expect_up();
    assert_true(pair_logged(&p, 1, "the peer has started anew"));
}

static void a_wrong_second_round_takes_nothing_down(void **state)
{
    (void)state;
    for (enum unique u = UNIQUE_REPLACE; u <= UNIQUE_NEVER; u++) {
        uniqueness[1] = u;
        up_with(machine_and_user, expects_both);
        plans[0].user_secret = "guessed";
        uint64_t old = client_restarts();
        pair_advance(&p, TIME_SECOND);
        assert_true(has(1, old));
        assert_int_equal(seen.contacts_in[0], uniqueness[0] != UNIQUE_NEVER);
        assert_true(pair_logged(&p, 1, "the peer user does not have our shared secret"));
        teardown(NULL);
        prepare(NULL);
    }
}

static void unique_keep_refuses_after_the_last_round(void **state)
{
    (void)state;
    uniqueness[0] = UNIQUE_NEVER; /* and so says no INITIAL_CONTACT */
    uniqueness[1] = UNIQUE_KEEP;
    up_with(machine_and_user, expects_both);
    uint64_t old = client_restarts();
    pair_run(&p);
    assert_int_equal(seen.contacts_in[0], 0);
    assert_int_equal(seen.auths, 4);
    assert_true(has(1, old));
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_true(pair_logged(&p, 1, "round 2 of 2: the peer is user"));
}

static void unique_keep_gives_way_to_initial_contact_of_all_rounds(void **state)
{
    (void)state;
    uniqueness[1] = UNIQUE_KEEP;
    up_with(machine_and_user, expects_both);
    uint64_t old = client_restarts();
    pair_run(&p);
    expect_up();
    assert_false(has(1, old));
}

/* The old one has the identities of the last round, and is known by them. */
static void initial_contact_is_not_said_beside_another_ike_sa_of_the_user(void **state)
{
    (void)state;
    struct plan a = machine_and_user;
    a.reauth_time = 600 * TIME_SECOND;
    up_with(a, expects_both);
    watch();
    pair_advance(&p, 660 * TIME_SECOND);
    assert_true(seen.n_from[0] >= 2);
    assert_int_equal(seen.contacts_in[0], 0);
    expect_up();
}

/* From one machine, to one gateway: they differ in nothing but the last round. */
static void another_user_of_the_machine_stays(void **state)
{
    (void)state;
    struct plan b = {
        .local = {SECRET("sun")   },
        .remote = { SECRET("moon"),  SECRET("user")},
        .other = { SECRET("moon"), SECRET("guest")}
    };
    uniqueness[1] = UNIQUE_NO;
    up_with(two_secrets, b);
    expect_up();
    uint64_t first = rogue_sa(&p, 1)->id;
    pair_restart(&p, 0);
    plans[0].local[1].id = "guest";
    load_side(0, moon);
    watch();
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(seen.contacts_in[0], 1);
    assert_int_equal(pair_ikes(&p, 1), 2);
    assert_true(has(1, first));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, prepare, teardown)
    const struct CMUnitTest tests[] = {
        T(the_ticket_comes_with_the_last_response),
        T(a_session_is_resumed_without_the_rounds),
        T(so_is_one_in_which_both_had_several),
        T(a_changed_secret_of_any_round_ends_the_session),
        T(a_changed_secret_of_the_second_round_after_a_certificate_does_so_too),
        T(a_wrong_second_round_gets_no_ticket),
        T(a_gateway_redirects_who_is_through_with_all_rounds),
        T(a_wrong_second_round_is_not_redirected),
        T(a_client_follows_a_redirect_in_the_first_response),
        T(a_client_that_waits_for_another_round_of_the_gateway_follows_too),
        T(a_client_follows_no_redirect_in_between),
        T(a_redirect_in_the_first_response_needs_a_good_auth),
        T(initial_contact_counts_when_the_last_round_is_over),
        T(a_wrong_second_round_takes_nothing_down),
        T(unique_keep_refuses_after_the_last_round),
        T(unique_keep_gives_way_to_initial_contact_of_all_rounds),
        T(initial_contact_is_not_said_beside_another_ike_sa_of_the_user),
        T(another_user_of_the_machine_stays),
    };
    return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}
