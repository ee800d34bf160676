/* SPDX-License-Identifier: Apache-2.0 */
/* An IKE SA that the peer has forgotten before it was authenticated (RFC 7296 section 2.1 leaves the times to
 * us): begun anew, and how often. */
#include "ike/msg/header.h"
#include "support/pair_fixture.h"
#include "support/test.h"

#define AT_EXCHANGE 18

static int64_t passes_from; /* IKE_AUTH */

static bool lose_auth(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_AUTH || p.now.mono >= passes_from;
}

static unsigned count_logged(int side, const char *part)
{
    unsigned n = 0;
    for (const char *at = p.side[side].log; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

/* After 30 s the peer has forgotten its half of the IKE SA: what it would take is a new one. */
static void an_attempt_that_the_peer_has_forgotten_begins_anew(void **state)
{
    struct pair_spec s = {0};
    (void)state;
    passes_from = p.now.mono + 35 * TIME_SECOND;
    p.filter = lose_auth;
    load(&s, &s);
    pair_advance(&p, 50 * TIME_SECOND);
    assert_true(p.side[0].is_done && !diag_failed(&p.side[0].done));
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(count_logged(0, "initiating"), 2);
}

/* It may be slow: the second time it is waited for. */
static void it_begins_anew_once(void **state)
{
    struct pair_spec s = {0};
    (void)state;
    passes_from = TIME_NEVER;
    p.filter = lose_auth;
    load(&s, &s);
    pair_advance(&p, 200 * TIME_SECOND);
    assert_false(p.side[0].is_done);
    assert_int_equal(count_logged(0, "initiating"), 2);
    pair_advance(&p, 20 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    assert_int_equal(count_logged(0, "initiating"), 2);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL); /* the next attempt is like the first */
    pair_advance(&p, 50 * TIME_SECOND);
    assert_int_equal(count_logged(0, "initiating"), 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_attempt_that_the_peer_has_forgotten_begins_anew),
        T(it_begins_anew_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
