/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says of an exchange at which level; and that no level shows what is secret: handshakes, rekeys
 * and failures with everything shown, and a search for every key and preshared key that they used. */
#include "base/text.h"
#include "engine/impl.h"
#include "support/pair_fixture.h"
#include "support/test.h"
#include <ctype.h>
#include <stdio.h>

#define PSK "Tr0ub4dor-and-a-horse"
#define PPK "what nobody ever guesses"

static void show(int level)
{
    struct log_levels all;
    memset(all.of, level, sizeof(all.of));
    log_set_levels(&all);
}

static int quiet(void **state)
{
    log_set_sink(NULL, NULL, LOG_ERR);
    return teardown(state);
}

/* ---- what is said */

static bool says(int side, const char *text)
{
    return strstr(p.side[side].log, text) != NULL;
}

static void expect(int side, const char *text)
{
    if (!says(side, text))
        fail_msg("'%s' is not in:\n%s", text, p.side[side].log);
}

static void the_steps_are_at_level_1(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    show(1);
    up(&s, &s);
    static const char *const initiator[] = {
        "initiating IKE SA ",
        "writing IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP)",
        "sending ",
        " bytes from 192.0.2.1:500 to 192.0.2.2:500\n",
        "reading IKE_SA_INIT response 0 [ SA KE No",
        "proposal chosen: IKE:AES_GCM_16_256/",
        "writing IKE_AUTH request 1 [ IDi ",
        "reading IKE_AUTH response 1 [ IDr AUTH",
        "authentication of ",
        "proposal chosen: ESP:AES_GCM_16_256/",
        " established between ",
        "child net established: SPIs ",
    };
    const char *at = p.side[0].log;
    for (size_t i = 0; i < ARRAY_LEN(initiator); i++) {
        expect(0, initiator[i]);
        if (i < 5)
            at = strstr(at, initiator[i]); /* in this order */
        assert_non_null(at);
    }
    expect(1, "reading IKE_SA_INIT request 0 [ SA KE No");
    expect(1, "received ");
    expect(1, "writing IKE_AUTH response 1 [ IDr AUTH");
    assert_false(says(0, "payloads by their bytes"));
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    expect(0, "deleting IKE SA ");
    expect(0, "writing INFORMATIONAL request 2 [ D ]");
    expect(1, "the peer deleted IKE SA ");
}

static void level_0_has_what_came_and_went_alone(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    show(0);
    up(&s, &s);
    expect(0, " established between ");
    expect(0, "child net established: SPIs ");
    size_t lines = 0;
    for (const char *c = p.side[0].log; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 2);
}

static void a_silent_group_says_nothing(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    show(-1);
    up(&s, &s);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(p.side[0].log_len, 0);
}

static void level_3_shows_what_is_public_in_a_message(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    show(3);
    up(&s, &s);
    expect(1, "payloads by their bytes: SA ");
    expect(1, "  TSi: 10.1.0.0/16");
    expect(1, "  IDi: 192.0.2.1");
    expect(1, "  SA: IKE:");
}

static bool drop_all(void *ctx, struct pair_packet *packet)
{
    (void)ctx;
    (void)packet;
    return false;
}

static void retransmissions_are_counted(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    show(1);
    p.filter = drop_all;
    load(&s, &s);
    pair_run(&p);
    pair_advance(&p, 12 * TIME_SECOND);
    expect(0, "no answer to request 0 (IKE_SA_INIT) yet: sending it again, 1 of 5 times");
    expect(0, "sending it again, 2 of 5 times");
}

static void complain(struct ip from)
{
    struct input in = {
        .kind = INPUT_ICMP,
        .icmp = {.to = {.ip = p.side[1].ip, .port = 500}, .from = from, .why = "Connection refused"}
    };
    pair_input(&p, 0, &in);
}

static size_t complaints(void)
{
    static char log[sizeof(p.side[0].log) + 1];
    size_t n = 0;
    memcpy(log, p.side[0].log, p.side[0].log_len);
    log[p.side[0].log_len] = 0;
    for (const char *at = log; (at = strstr(at, "by ICMP: Connection refused")); at++)
        n++;
    return n;
}

/* [RFC7296#2.4] */
static void icmp_is_told_of_once_for_each_try_and_nothing_follows(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    show(1);
    p.filter = drop_all;
    load(&s, &s);
    pair_run(&p);
    complain(p.side[1].ip);
    expect(0, "IKE_SA_INIT did not arrive at ");
    for (int i = 0; i < 3; i++) {
        complain(p.side[1].ip);
        pair_advance(&p, TIME_SECOND / 10);
    }
    assert_int_equal(complaints(), 1);
    pair_advance(&p, 4 * TIME_SECOND); /* sent again */
    complain(p.side[1].ip);
    complain(p.side[1].ip);
    assert_int_equal(complaints(), 2);
    p.filter = NULL; /* and it comes up all the same */
    pair_advance(&p, 12 * TIME_SECOND);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, TIME_SECOND);
    complain(p.side[1].ip);
    assert_int_equal(complaints(), 2);
}

/* ---- what is not */

static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

/* As it is, in hex of either case, in base64. */
static void expect_hidden(const char *what, struct span secret)
{
    static char log[sizeof(p.side[0].log)], text[4096];
    for (int side = 0; side < 2 && secret.len; side++) {
        struct text t = TEXT_ON(text);
        text_base64(&t, secret);
        if (memmem(p.side[side].log, p.side[side].log_len, text, t.len - t.len % 4 - 4) ||
            memmem(p.side[side].log, p.side[side].log_len, secret.ptr, secret.len))
            fail_msg("%s is in the log", what);
        memcpy(log, p.side[side].log, sizeof(log));
        lower(log);
        t.len = 0;
        text_hex(&t, span_of(secret.ptr, secret.len < 8 ? secret.len : 8)); /* its beginning is enough */
        lower(text);
        if (strstr(log, text))
            fail_msg("%s is in the log, in hex", what);
    }
}

static void expect_keys_hidden(void)
{
    for (int side = 0; side < 2; side++) {
        const struct engine *e = p.side[side].e;
        struct ike_sa *sa;
        size_t n = 0;
        list_each(sa, &e->sas, link)
        {
            const struct secret *const keys[] = {&sa->keys.sk_d,  &sa->keys.sk_ai, &sa->keys.sk_ar,
                                                 &sa->keys.sk_ei, &sa->keys.sk_er, &sa->keys.sk_pi,
                                                 &sa->keys.sk_pr};
            for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                expect_hidden("a key of the IKE SA", secret_view(keys[i]));
            n++;
        }
        assert_true(n > 0);
        assert_true(p.side[side].n_sas > 0);
        for (size_t i = 0; i < p.side[side].n_sas; i++) {
            const struct esp_sa *s = &p.side[side].sas[i];
            expect_hidden("a key of ESP", span_of(s->encr_key, s->encr_key_len));
            expect_hidden("a key of ESP", span_of(s->integ_key, s->integ_key_len));
        }
    }
}

static void give_ppk(struct config *c, struct connection *conn, struct child_config *children)
{
    struct identity *id = arena_calloc(c->arena, 1, sizeof(*id));
    const char *why;
    (void)children;
    assert_true(identity_parse(c->arena, "vault", id, &why));
    conn->ppk_id = id;
    c->ppks = arena_calloc(c->arena, 1, sizeof(*c->ppks));
    c->ppks[0] = (struct ppk){.ids = id, .n_ids = 1, .secret = secret_copy(span_str(PPK))};
    c->n_ppks = 1;
}

static void no_level_shows_a_key_or_a_preshared_key(void **state)
{
    (void)state;
    struct pair_spec s = {.psk = PSK, .tweak = give_ppk, .esp = {"aes256-sha256-x25519"}};
    show(4);
    up(&s, &s);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    expect_keys_hidden();
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_advance(&p, 10 * TIME_SECOND);
    expect_keys_hidden();
    expect_hidden("the preshared key", span_str(PSK));
    expect_hidden("the PPK", span_str(PPK));
    expect(1, "rekeying IKE SA "); /* it did say something */
}

static void a_wrong_preshared_key_is_not_shown_either(void **state)
{
    (void)state;
    struct pair_spec a = {.psk = PSK}, b = {.psk = PSK "-no"};
    show(4);
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    expect_hidden("the preshared key", span_str(PSK));
}

#define WITH_PAIR(f) cmocka_unit_test_setup_teardown(f, setup, quiet)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(the_steps_are_at_level_1),
        WITH_PAIR(level_0_has_what_came_and_went_alone),
        WITH_PAIR(a_silent_group_says_nothing),
        WITH_PAIR(level_3_shows_what_is_public_in_a_message),
        WITH_PAIR(retransmissions_are_counted),
        WITH_PAIR(icmp_is_told_of_once_for_each_try_and_nothing_follows),
        WITH_PAIR(no_level_shows_a_key_or_a_preshared_key),
        WITH_PAIR(a_wrong_preshared_key_is_not_shown_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
