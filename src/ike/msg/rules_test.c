/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell (kind of message, payload, how often, clear or encrypted) of the rules is built as a message and
 * must be judged as the table says; the tables themselves must be consistent. */
#include "ike/msg/build.h"
#include "ike/msg/rules.h"
#include "support/test.h"

static const uint8_t all_payloads[] = {
    PAYLOAD_SA,      PAYLOAD_KE,   PAYLOAD_IDI,   PAYLOAD_IDR,    PAYLOAD_CERT,
    PAYLOAD_CERTREQ, PAYLOAD_AUTH, PAYLOAD_NONCE, PAYLOAD_NOTIFY, PAYLOAD_DELETE,
    PAYLOAD_VENDOR,  PAYLOAD_TSI,  PAYLOAD_TSR,   PAYLOAD_CP,     PAYLOAD_EAP,
};

static const struct {
    uint8_t exchange;
    bool is_response;
} of_kind[] = {
    [MSG_INIT_REQUEST] = {EXCHANGE_IKE_SA_INIT,        false},
    [MSG_INIT_RESPONSE] = {EXCHANGE_IKE_SA_INIT,        true },
    [MSG_INTERMEDIATE_REQUEST] = {EXCHANGE_IKE_INTERMEDIATE,   false},
    [MSG_INTERMEDIATE_RESPONSE] = {EXCHANGE_IKE_INTERMEDIATE,   true },
    [MSG_FOLLOWUP_REQUEST] = {EXCHANGE_IKE_FOLLOWUP_KE,    false},
    [MSG_FOLLOWUP_RESPONSE] = {EXCHANGE_IKE_FOLLOWUP_KE,    true },
    [MSG_AUTH_REQUEST] = {EXCHANGE_IKE_AUTH,           false},
    [MSG_AUTH_RESPONSE] = {EXCHANGE_IKE_AUTH,           true },
    [MSG_NEW_CHILD_REQUEST] = {EXCHANGE_CREATE_CHILD_SA,    false},
    [MSG_REKEY_CHILD_REQUEST] = {EXCHANGE_CREATE_CHILD_SA,    false},
    [MSG_REKEY_IKE_REQUEST] = {EXCHANGE_CREATE_CHILD_SA,    false},
    [MSG_CHILD_RESPONSE] = {EXCHANGE_CREATE_CHILD_SA,    true },
    [MSG_REKEY_IKE_RESPONSE] = {EXCHANGE_CREATE_CHILD_SA,    true },
    [MSG_INFO_REQUEST] = {EXCHANGE_INFORMATIONAL,      false},
    [MSG_INFO_RESPONSE] = {EXCHANGE_INFORMATIONAL,      true },
    [MSG_RESUME_REQUEST] = {EXCHANGE_IKE_SESSION_RESUME, false},
    [MSG_RESUME_RESPONSE] = {EXCHANGE_IKE_SESSION_RESUME, true },
};

static const struct proposal ike_proposal = {.protocol = PROTO_IKE}, esp_proposal = {.protocol = PROTO_ESP};

struct draft { /* a message in the making, without bytes */
    struct ike_message m;
    struct ike_payload v[128];
    struct ike_payload sk;
    bool is_encrypted;
};

static void add_notify(struct draft *t, uint16_t type)
{
    t->v[t->m.n++] = (struct ike_payload){
        .type = PAYLOAD_NOTIFY, .is_encrypted = t->is_encrypted, .notify = {.type = type}};
}

static void add(struct draft *t, enum message_kind k, uint8_t type)
{
    if (type == PAYLOAD_NOTIFY) {
        add_notify(t, 40000); /* a status notify that nobody knows */
        return;
    }
    struct ike_payload p = {.type = type, .is_encrypted = t->is_encrypted};
    bool is_ike = k == MSG_INIT_REQUEST || k == MSG_INIT_RESPONSE || k == MSG_REKEY_IKE_REQUEST ||
                  k == MSG_REKEY_IKE_RESPONSE;
    if (type == PAYLOAD_SA)
        p.sa.proposals = (struct proposal_list){is_ike ? &ike_proposal : &esp_proposal, 1};
    t->v[t->m.n++] = p;
}

/* The smallest legal message of the kind, but for one payload type. */
static void begin(struct draft *t, enum message_kind k, uint8_t without)
{
    memset(t, 0, sizeof(*t));
    t->m.header.exchange = of_kind[k].exchange;
    t->m.header.flags = of_kind[k].is_response ? IKE_FLAG_RESPONSE : 0;
    t->m.v = t->v;
    t->is_encrypted = !ike_is_initial(&t->m.header);
    if (t->is_encrypted) {
        t->v[t->m.n++] = (struct ike_payload){.type = PAYLOAD_SK};
        t->m.sk = &t->v[0];
        t->m.is_opened = true;
    }
    if (k == MSG_REKEY_CHILD_REQUEST)
        add_notify(t, N_REKEY_SA);
    const struct payload_rule *r;
    for (size_t i = 0; (r = rules_payload_at(i)); i++) {
        for (unsigned n = 0; r->kind == k && r->payload != without && n < r->min; n++)
            add(t, k, r->payload);
    }
}

static void the_smallest_message_of_each_kind_is_recognised_and_accepted(void **state)
{
    (void)state;
    for (int k = 0; k < MSG_KINDS; k++) {
        struct draft t;
        struct diag d = {0};
        begin(&t, k, PAYLOAD_NONE);
        assert_int_equal(rules_kind(&t.m), k);
        if (rules_check(&t.m, &d) != DECODE_OK)
            fail_msg("%s", d.what);
    }
}

/* With n of a payload: as the table says. An SA that is missing changes the kind of a CREATE_CHILD_SA. */
static void check_cell(enum message_kind k, uint8_t payload, unsigned n)
{
    struct draft t;
    const struct payload_rule *r = rules_find(k, payload);
    begin(&t, k, payload);
    for (unsigned i = 0; i < n; i++)
        add(&t, k, payload);
    if (rules_kind(&t.m) != k)
        return;
    unsigned have = n + (payload == PAYLOAD_NOTIFY && k == MSG_REKEY_CHILD_REQUEST);
    bool is_legal = r ? have >= r->min && have <= r->max : n == 0;
    struct diag d = {0};
    bool is_accepted = rules_check(&t.m, &d) == DECODE_OK;
    if (is_accepted != is_legal)
        fail_msg("%s with %u of %s: %s", message_kind_name(k), n, payload_name(payload),
                 is_accepted ? "accepted" : d.what);
    assert_true(is_accepted || diag_failed(&d));
}

static void every_cell_is_judged_as_the_table_says(void **state)
{
    (void)state;
    static const unsigned counts[] = {0, 1, 2, 16, 17, 64, 65};
    for (int k = 0; k < MSG_KINDS; k++) {
        for (size_t p = 0; p < ARRAY_LEN(all_payloads); p++) {
            for (size_t i = 0; i < ARRAY_LEN(counts); i++)
                check_cell(k, all_payloads[p], counts[i]);
        }
    }
}

static void payloads_in_the_clear_are_refused_in_protected_messages_and_vice_versa(void **state)
{
    (void)state;
    for (int k = 0; k < MSG_KINDS; k++) {
        struct draft t;
        begin(&t, k, PAYLOAD_NONE);
        t.is_encrypted = !t.is_encrypted;
        add(&t, k, PAYLOAD_VENDOR);
        assert_int_equal(rules_check(&t.m, NULL), DECODE_MALFORMED);
    }
}

static void a_protected_exchange_needs_an_opened_envelope(void **state)
{
    (void)state;
    for (int k = MSG_INIT_RESPONSE + 1; k < MSG_RESUME_REQUEST; k++) { /* the last two are in the clear */
        struct draft t;
        begin(&t, k, PAYLOAD_NONE);
        t.m.is_opened = false;
        assert_int_equal(rules_check(&t.m, NULL), DECODE_MALFORMED);
        begin(&t, k, PAYLOAD_NONE);
        t.m.sk = NULL;
        assert_int_equal(rules_check(&t.m, NULL), DECODE_MALFORMED);
    }
    struct draft t;
    begin(&t, MSG_INIT_REQUEST, PAYLOAD_NONE);
    t.v[t.m.n++] = (struct ike_payload){.type = PAYLOAD_SK};
    t.m.sk = &t.v[t.m.n - 1];
    assert_int_equal(rules_check(&t.m, NULL), DECODE_MALFORMED);
}

static void an_answer_that_says_no_needs_nothing_else(void **state)
{
    (void)state;
    static const struct {
        enum message_kind kind;
        uint16_t notify;
        bool is_legal;
    } cases[] = {
        {MSG_INIT_RESPONSE,     N_COOKIE,                true },
        {MSG_INIT_RESPONSE,     N_INVALID_KE_PAYLOAD,    true },
        {MSG_AUTH_RESPONSE,     N_AUTHENTICATION_FAILED, true },
        {MSG_CHILD_RESPONSE,    N_TEMPORARY_FAILURE,     true },
        {MSG_CHILD_RESPONSE,    N_MOBIKE_SUPPORTED,      false},
        {MSG_INIT_REQUEST,      N_COOKIE,                false},
        {MSG_NEW_CHILD_REQUEST, N_AUTHENTICATION_FAILED, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct draft t;
        begin(&t, cases[i].kind, PAYLOAD_NONE);
        t.m.n = t.is_encrypted ? 1 : 0;
        add_notify(&t, cases[i].notify);
        assert_int_equal(rules_check(&t.m, NULL), cases[i].is_legal ? DECODE_OK : DECODE_MALFORMED);
    }
}

static void a_repeated_notify_is_refused_beyond_its_maximum(void **state)
{
    (void)state;
    const struct notify_rule *r;
    for (size_t i = 0; (r = rules_notify_at(i)); i++) {
        for (unsigned n = r->max; n <= r->max + 1u; n++) {
            struct draft t;
            begin(&t, MSG_INFO_REQUEST, PAYLOAD_NONE);
            for (unsigned j = 0; j < n; j++)
                add_notify(&t, r->notify);
            assert_int_equal(rules_check(&t.m, NULL), n == r->max ? DECODE_OK : DECODE_MALFORMED);
        }
    }
}

static void unknown_payloads_pass_and_unknown_exchanges_do_not(void **state)
{
    (void)state;
    struct draft t;
    begin(&t, MSG_INIT_REQUEST, PAYLOAD_NONE);
    t.v[t.m.n++] = (struct ike_payload){.type = 200};
    assert_int_equal(rules_check(&t.m, NULL), DECODE_OK);
    t.m.header.exchange = 99;
    assert_int_equal(rules_kind(&t.m), MSG_UNKNOWN);
    assert_int_equal(rules_check(&t.m, NULL), DECODE_MALFORMED);
}

static void the_tables_are_consistent(void **state)
{
    (void)state;
    const struct payload_rule *r;
    for (size_t i = 0; (r = rules_payload_at(i)); i++) {
        assert_true(r->kind < MSG_KINDS);
        assert_true(payload_is_known(r->payload));
        assert_true(r->payload != PAYLOAD_SK && r->payload != PAYLOAD_SKF);
        assert_true(r->min <= r->max && r->max > 0 && r->max <= IKE_MAX_PAYLOADS);
        assert_ptr_equal(rules_find(r->kind, r->payload), r); /* no second row */
        const struct ike_header h = {.exchange = of_kind[r->kind].exchange};
        assert_int_equal(r->is_encrypted, !ike_is_initial(&h));
    }
    const struct notify_rule *n;
    for (size_t i = 0; (n = rules_notify_at(i)); i++) {
        assert_non_null(notify_find(n->notify));
        assert_true(n->max > 0 && n->kinds != 0 && n->kinds < 1u << MSG_KINDS);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(rules_notify_at(j)->notify, n->notify);
        for (int k = 0; k < MSG_KINDS; k++)
            assert_int_equal(rules_notify_expected(k, n->notify), n->kinds >> k & 1);
    }
    assert_false(rules_notify_expected(MSG_INFO_REQUEST, 40000));
    assert_false(rules_notify_expected(MSG_UNKNOWN, N_COOKIE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_message_of_each_kind_is_recognised_and_accepted),
        cmocka_unit_test(every_cell_is_judged_as_the_table_says),
        cmocka_unit_test(payloads_in_the_clear_are_refused_in_protected_messages_and_vice_versa),
        cmocka_unit_test(a_protected_exchange_needs_an_opened_envelope),
        cmocka_unit_test(an_answer_that_says_no_needs_nothing_else),
        cmocka_unit_test(a_repeated_notify_is_refused_beyond_its_maximum),
        cmocka_unit_test(unknown_payloads_pass_and_unknown_exchanges_do_not),
        cmocka_unit_test(the_tables_are_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
