/* SPDX-License-Identifier: Apache-2.0 */
/* Proposal texts, defaults, choosing, and the explanation when nothing fits. */
#include "model/proposal.h"
#include "support/test.h"
#include <stdio.h>

static struct proposal parsed(uint8_t protocol, const char *text)
{
    struct proposal p;
    struct diag d = {0};
    if (!proposal_parse(protocol, text, &p, &d))
        fail_msg("%s: %s", text, d.what);
    return p;
}

static void assert_refused(uint8_t protocol, const char *text, const char *why)
{
    struct proposal p;
    struct diag d = {0};
    assert_false(proposal_parse(protocol, text, &p, &d));
    assert_int_equal(d.class, FAIL_CONFIG);
    if (!strstr(d.what, why))
        fail_msg("%s: '%s' does not say '%s'", text, d.what, why);
}

static bool select_one(const char *ours, const char *theirs, uint8_t protocol, struct chosen *c,
                       struct diag *d)
{
    struct proposal a = parsed(protocol, ours), b = parsed(protocol, theirs);
    b.number = 3;
    b.spi_len = 4;
    b.spi[0] = 0xab;
    const struct proposal_list la = {&a, 1}, lb = {&b, 1};
    return proposal_select(&la, &lb, (struct select_options){0}, c, d);
}

static void an_integrity_word_implies_its_prf(void **state)
{
    (void)state;
    char buf[PROPOSAL_TEXT_MAX];
    struct proposal p = parsed(PROTO_IKE, "aes256-sha256-modp2048");
    assert_string_equal(proposal_format(&p, buf),
                        "IKE:AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048");
    p = parsed(PROTO_IKE, "x25519-prfsha384-sha256-AES128");
    assert_string_equal(proposal_format(&p, buf),
                        "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_384/CURVE_25519");
}

static void an_aead_drops_integrity_but_keeps_its_prf(void **state)
{
    (void)state;
    char buf[PROPOSAL_TEXT_MAX];
    struct proposal p = parsed(PROTO_IKE, "aes128gcm16-sha384-ecp256");
    assert_string_equal(proposal_format(&p, buf), "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_384/ECP_256");
}

static void a_child_proposal_defaults_to_no_esn_and_drops_prf(void **state)
{
    (void)state;
    char buf[PROPOSAL_TEXT_MAX];
    struct proposal p = parsed(PROTO_ESP, "aes256gcm16-prfsha384-modp3072");
    assert_string_equal(proposal_format(&p, buf), "ESP:AES_GCM_16_256/MODP_3072/NO_EXT_SEQ");
    p = parsed(PROTO_ESP, "aes128-sha256-x25519-none-esn-noesn");
    assert_string_equal(proposal_format(&p, buf),
                        "ESP:AES_CBC_128/HMAC_SHA2_256_128/CURVE_25519/KE_NONE/EXT_SEQ/NO_EXT_SEQ");
}

static void proposals_that_cannot_work_are_refused(void **state)
{
    (void)state;
    assert_refused(PROTO_IKE, "aes256-sha265-modp2048", "unknown algorithm 'sha265'");
    assert_refused(PROTO_IKE, "aes256gcm16-x25519", "pseudo-random function");
    assert_refused(PROTO_IKE, "aes256-sha256", "key exchange");
    assert_refused(PROTO_IKE, "sha256-x25519", "encryption");
    assert_refused(PROTO_ESP, "aes256", "integrity");
    assert_refused(PROTO_IKE, "aes256-aes256gcm16-sha256-x25519", "mixes");
    assert_refused(PROTO_IKE, "aes256-sha256-x25519-esn", "does not belong");
    assert_refused(PROTO_IKE, "aes256-sha256-x25519-ke1_sha256", "unknown algorithm 'ke1_sha256'");
    assert_refused(PROTO_IKE, "aes256-sha256-x25519-ke8_ecp256", "unknown algorithm 'ke8_ecp256'");
    assert_refused(PROTO_IKE, "aes256-sha256-x25519-ke0_ecp256", "unknown algorithm 'ke0_ecp256'");
    assert_refused(PROTO_IKE, "aes256-sha256-x25519-ke1_", "unknown algorithm 'ke1_'");
    assert_refused(PROTO_IKE, "aes256-sha256-ke1_ecp256", "key exchange");
    assert_refused(PROTO_ESP, "aes256-sha256-ke1_ecp256", "comes before an additional one");
    assert_refused(PROTO_ESP, "aes256-sha256-none-ke1_ecp256", "comes before an additional one");
    assert_refused(PROTO_IKE, "aes256-sha256-x25519-none", "does not belong");
    assert_refused(PROTO_IKE, "aes256--sha256-x25519", "empty word");
    assert_refused(PROTO_ESP, "", "empty word");
}

static void additional_key_exchanges_have_types_of_their_own(void **state)
{
    (void)state;
    char buf[PROPOSAL_TEXT_MAX];
    struct proposal p = parsed(PROTO_IKE, "ke7_ecp384-ke1_ECP256-ke1_none-aes256gcm16-prfsha384-x25519");
    assert_string_equal(
        proposal_format(&p, buf),
        "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ECP_256/KE1_KE_NONE/KE7_ECP_384");
    assert_int_equal(p.t[p.count - 1].type, 12);
    assert_int_equal(p.t[p.count - 1].id, KE_ECP_384);
    assert_int_equal(p.t[p.count - 2].type, 6);
    const struct proposal_list l = {&p, 1};
    assert_true(proposal_has_addke(&l));
    assert_int_equal(proposal_first_ke(&l), KE_CURVE25519);
    proposal_strip_ke(&p);
    assert_string_equal(proposal_format(&p, buf), "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384");
    assert_false(proposal_has_addke(&l));
}

#define WITH(rest) "aes256gcm16-prfsha256-x25519" rest

/* The chosen methods by place, as "ECP_256,,ECP_384"; "refused". */
static const char *addke_chosen(const char *ours, const char *theirs, struct select_options o)
{
    static char text[400];
    struct proposal a = parsed(PROTO_IKE, ours), b = parsed(PROTO_IKE, theirs), back;
    const struct proposal_list la = {&a, 1}, lb = {&b, 1};
    struct chosen c, again;
    struct diag d = {0};
    size_t len = 0;
    if (!proposal_select(&la, &lb, o, &c, &d))
        return "refused";
    chosen_to_proposal(&c, &back); /* the answer to lb: its offerer agrees with it */
    assert_true(proposal_accept_choice(&lb, &back, &again, &d));
    assert_memory_equal(again.addke, c.addke, sizeof(c.addke));
    text[0] = 0;
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? "," : "",
                             c.addke[i] ? alg_format(TRANSFORM_KE, c.addke[i], 0, name, sizeof(name)) : "");
    }
    for (size_t i = 3; i < ADDKE_MAX; i++)
        assert_int_equal(c.addke[i], 0);
    return text;
}

static void additional_key_exchanges_are_chosen_each_by_itself(void **state)
{
    (void)state;
    const struct select_options o = {0};
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256-ke1_ecp384-ke3_modp2048"),
                                     WITH("-ke1_ecp384-ke1_ecp256-ke3_modp2048"), o),
                        "ECP_256,,MODP_2048");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256"), WITH("-ke2_ecp256"), o), "refused");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256"), WITH("-ke1_ecp384"), o), "refused");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256"), WITH(""), o), "refused");
    assert_string_equal(addke_chosen(WITH(""), WITH("-ke1_ecp256"), o), "refused");
}

static void additional_key_exchanges_are_optional_only_by_none(void **state)
{
    (void)state;
    const struct select_options o = {0}, skips = {.skips_addke = true};
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256-ke1_none"), WITH(""), o), ",,");
    assert_string_equal(addke_chosen(WITH(""), WITH("-ke1_ecp256-ke1_none"), o), ",,");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256-ke1_none"), WITH("-ke1_ecp256-ke1_none"), o),
                        "ECP_256,,");
    assert_string_equal(addke_chosen(WITH("-ke1_none-ke1_ecp256"), WITH("-ke1_ecp256-ke1_none"), o), ",,");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256"), WITH("-ke1_ecp256-ke1_none"), o), "ECP_256,,");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256-ke1_none"), WITH("-ke1_ecp256-ke1_none"), skips),
                        ",,");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256"), WITH("-ke1_ecp256-ke1_none"), skips), "refused");
}

static void no_method_is_chosen_twice(void **state)
{
    (void)state;
    const struct select_options o = {0};
    assert_string_equal(addke_chosen(WITH("-ke1_x25519"), WITH("-ke1_x25519"), o), "refused");
    assert_string_equal(addke_chosen(WITH("-ke1_x25519-ke1_ecp256"), WITH("-ke1_x25519-ke1_ecp256"), o),
                        "ECP_256,,");
    assert_string_equal(addke_chosen(WITH("-ke1_ecp256-ke2_ecp256"), WITH("-ke1_ecp256-ke2_ecp256"), o),
                        "refused");
    /* the second and third each need what the one before them preferred */
    const char *chain = WITH("-ke1_ecp256-ke1_ecp384-ke1_ecp521-ke2_ecp256-ke2_ecp384-ke3_ecp256");
    assert_string_equal(addke_chosen(chain, chain, o), "ECP_521,ECP_384,ECP_256");
    const char *gives = WITH("-ke1_ecp256-ke1_none-ke2_ecp256-ke2_ecp384");
    assert_string_equal(addke_chosen(gives, gives, o), "ECP_256,ECP_384,");
    struct proposal offer = parsed(PROTO_IKE, WITH("-ke1_ecp256-ke2_ecp256-ke2_none"));
    struct proposal answer = parsed(PROTO_IKE, WITH("-ke1_ecp256-ke2_ecp256"));
    const struct proposal_list l = {&offer, 1};
    struct chosen c;
    struct diag d = {0};
    assert_false(proposal_accept_choice(&l, &answer, &c, &d));
}

static void a_peer_without_additional_ones_gets_the_second_proposal(void **state)
{
    (void)state;
    struct proposal ours[2] = {parsed(PROTO_IKE, WITH("-ke1_ecp256")), parsed(PROTO_IKE, WITH(""))};
    struct proposal both[2] = {ours[0], ours[1]};
    both[0].number = 1;
    both[1].number = 2;
    const struct proposal_list a = {ours, 2}, b = {both, 2};
    struct chosen c;
    struct diag d = {0};
    assert_true(proposal_select(&a, &b, (struct select_options){0}, &c, &d));
    assert_int_equal(c.number, 1);
    uint8_t at = 0;
    assert_int_equal(chosen_addke(&c, &at), KE_ECP_256);
    assert_int_equal(at++, 0);
    assert_int_equal(chosen_addke(&c, &at), KE_NONE);
    assert_true(proposal_select(&a, &b, (struct select_options){.skips_addke = true}, &c, &d));
    assert_int_equal(c.number, 2);
    at = 0;
    assert_int_equal(chosen_addke(&c, &at), KE_NONE);
}

static void the_first_child_is_chosen_without_any_key_exchange(void **state)
{
    (void)state;
    struct proposal ours = parsed(PROTO_ESP, "aes256gcm16-x25519-ke1_ecp256"),
                    offer = parsed(PROTO_ESP, "aes256gcm16");
    const struct proposal_list a = {&ours, 1}, b = {&offer, 1};
    struct chosen c;
    struct diag d = {0};
    assert_true(proposal_select(&a, &b, (struct select_options){.ignores_ke = true}, &c, &d));
    assert_int_equal(c.ke, 0);
    assert_int_equal(c.addke[0], 0);
    assert_false(proposal_select(&a, &b, (struct select_options){0}, &c, &d));
}

static void the_defaults_hold_nothing_weak(void **state)
{
    (void)state;
    const uint8_t protocols[] = {PROTO_IKE, PROTO_ESP};
    for (size_t i = 0; i < 2; i++) {
        struct proposal p[PROPOSAL_DEFAULTS_MAX];
        size_t n = proposal_defaults(protocols[i], p);
        assert_int_equal(n, protocols[i] == PROTO_IKE ? 3 : 2);
        for (size_t k = 0; k < n; k++) {
            for (size_t t = 0; t < p[k].count; t++) {
                if (p[k].t[t].type == TRANSFORM_ESN)
                    continue;
                const struct alg *a = alg_find((enum transform_type)p[k].t[t].type, p[k].t[t].id);
                assert_non_null(a);
                assert_false(a->is_weak);
            }
        }
    }
}

static void the_defaults_agree_with_themselves_on_the_strongest(void **state)
{
    (void)state;
    struct proposal a[PROPOSAL_DEFAULTS_MAX], b[PROPOSAL_DEFAULTS_MAX];
    const struct proposal_list la = {a, proposal_defaults(PROTO_ESP, a)};
    const struct proposal_list lb = {b, proposal_defaults(PROTO_ESP, b)};
    struct chosen c;
    struct diag d = {0};
    assert_true(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    assert_int_equal(c.encr, ENCR_AES_GCM_16);
    assert_int_equal(c.key_bits, 256);
    assert_true(c.has_esn);
    assert_int_equal(c.ke, 0);
}

static const char *default_with(const char *other, char buf[PROPOSAL_TEXT_MAX])
{
    struct proposal a[PROPOSAL_DEFAULTS_MAX], b[PROPOSAL_DEFAULTS_MAX];
    const struct proposal_list ours = {a, proposal_defaults(PROTO_IKE, a)};
    struct proposal_list theirs = {b, proposal_defaults(PROTO_IKE, b)};
    struct chosen c;
    struct diag d = {0};
    if (other) {
        b[0] = parsed(PROTO_IKE, other);
        theirs.n = 1;
    }
    assert_true(proposal_select(&ours, &theirs, (struct select_options){0}, &c, &d));
    return chosen_format(&c, buf);
}

static void the_default_is_hybrid_with_who_has_it_and_classical_with_who_has_not(void **state)
{
    (void)state;
    char buf[PROPOSAL_TEXT_MAX];
    const char *hybrid = "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519/KE1_ML_KEM_768";
    assert_string_equal(default_with(NULL, buf), hybrid);
    assert_string_equal(default_with("aes256gcm16-prfsha384-x25519-ke1_mlkem768", buf), hybrid);
    assert_string_equal(default_with("aes256gcm16-prfsha384-x25519", buf),
                        "IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/CURVE_25519");
    assert_string_equal(default_with("aes128-sha256-modp2048", buf),
                        "IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048");
}

static void our_order_decides_unless_asked_otherwise(void **state)
{
    (void)state;
    struct proposal a = parsed(PROTO_IKE, "aes256-aes128-sha256-x25519-ecp256");
    struct proposal b = parsed(PROTO_IKE, "aes128-aes256-sha256-ecp256-x25519");
    const struct proposal_list la = {&a, 1}, lb = {&b, 1};
    struct chosen c;
    struct diag d = {0};
    assert_true(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    assert_int_equal(c.key_bits, 256);
    assert_int_equal(c.ke, KE_CURVE25519);
    assert_true(proposal_select(&la, &lb, (struct select_options){.prefers_peer_order = true}, &c, &d));
    assert_int_equal(c.key_bits, 128);
    assert_int_equal(c.ke, KE_ECP_256);
}

static void the_choice_carries_the_peers_number_and_spi(void **state)
{
    (void)state;
    struct chosen c;
    struct diag d = {0};
    assert_true(select_one("aes256gcm16-x25519", "aes256gcm16-x25519", PROTO_ESP, &c, &d));
    assert_int_equal(c.number, 3);
    assert_int_equal(c.spi_len, 4);
    assert_int_equal(c.spi[0], 0xab);
}

static void an_aead_with_integ_none_equals_one_without(void **state)
{
    (void)state;
    struct proposal a = parsed(PROTO_ESP, "aes256gcm16"), b = a;
    b.t[b.count++] = (struct transform){.type = TRANSFORM_INTEG, .id = INTEG_NONE};
    const struct proposal_list la = {&a, 1}, lb = {&b, 1};
    struct chosen c;
    struct diag d = {0};
    assert_true(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    assert_int_equal(c.integ, 0);
    b.t[b.count - 1].id = INTEG_HMAC_SHA2_256_128;
    assert_false(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
}

static void unknown_transforms_are_passed_over_but_unknown_types_are_not(void **state)
{
    (void)state;
    struct proposal a = parsed(PROTO_ESP, "aes256gcm16"), b = a;
    b.t[b.count++] = (struct transform){.type = TRANSFORM_ENCR, .id = 999};
    const struct proposal_list la = {&a, 1}, lb = {&b, 1};
    struct chosen c;
    struct diag d = {0};
    assert_true(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    b.t[b.count - 1] = (struct transform){.type = 13, .id = 36};
    assert_false(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    assert_non_null(strstr(d.what, "usable"));
}

static void an_offer_that_lacks_a_type_cannot_be_chosen(void **state)
{
    (void)state;
    struct proposal a = parsed(PROTO_IKE, "aes256-sha256-x25519"), b = a;
    const struct proposal_list la = {&a, 1}, lb = {&b, 1};
    struct chosen c;
    struct diag d = {0};
    for (uint8_t i = 0; i < a.count; i++) {
        b = a;
        b.t[i] = b.t[--b.count];
        assert_false(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    }
}

static void key_exchange_of_a_child_follows_the_configuration(void **state)
{
    (void)state;
    struct chosen c;
    struct diag d = {0};
    assert_false(select_one("aes256gcm16-x25519", "aes256gcm16", PROTO_ESP, &c, &d));
    assert_false(select_one("aes256gcm16", "aes256gcm16-x25519", PROTO_ESP, &c, &d));
    assert_true(select_one("aes256gcm16-x25519-none", "aes256gcm16", PROTO_ESP, &c, &d));
    assert_int_equal(c.ke, 0);
    assert_true(select_one("aes256gcm16", "aes256gcm16-x25519-none", PROTO_ESP, &c, &d));
    assert_int_equal(c.ke, 0);
    struct proposal a = parsed(PROTO_ESP, "aes256gcm16-x25519"), b = parsed(PROTO_ESP, "aes256gcm16");
    const struct proposal_list la = {&a, 1}, lb = {&b, 1};
    assert_true(proposal_select(&la, &lb, (struct select_options){.ignores_ke = true}, &c, &d));
    assert_int_equal(c.ke, 0);
}

static void a_mismatch_is_told_per_transform_type(void **state)
{
    (void)state;
    struct chosen c;
    struct diag d = {0};
    struct proposal a[2] = {parsed(PROTO_IKE, "aes256gcm16-prfsha256-x25519"),
                            parsed(PROTO_IKE, "aes256-sha256-x25519")};
    struct proposal b = parsed(PROTO_IKE, "aes128-sha256-modp1024");
    const struct proposal_list la = {a, 2}, lb = {&b, 1};
    assert_false(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    assert_int_equal(d.class, FAIL_PROPOSAL);
    assert_string_equal(d.what, "no IKE proposal in common: ENCR: expected AES_GCM_16_256 or AES_CBC_256, "
                                "got AES_CBC_128; KE: expected CURVE_25519, got MODP_1024");
}

static void only_the_types_that_differ_are_told(void **state)
{
    (void)state;
    struct chosen c;
    struct diag d = {0};
    assert_false(select_one("aes256-sha256-x25519", "aes256-sha1-x25519", PROTO_IKE, &c, &d));
    assert_string_equal(d.what, "no IKE proposal in common: INTEG: expected HMAC_SHA2_256_128, got "
                                "HMAC_SHA1_96; PRF: expected PRF_HMAC_SHA2_256, got PRF_HMAC_SHA1");
    assert_false(select_one("aes256gcm16-esn", "aes256gcm16", PROTO_ESP, &c, &d));
    assert_string_equal(d.what, "no ESP proposal in common: ESN: expected EXT_SEQ, got NO_EXT_SEQ");
}

static void a_huge_offer_does_not_overrun_the_explanation(void **state)
{
    (void)state;
    struct proposal a = parsed(PROTO_IKE, "aes256-sha256-x25519");
    static struct proposal b[PROPOSAL_MAX];
    for (size_t i = 0; i < PROPOSAL_MAX; i++) {
        b[i].protocol = PROTO_IKE;
        b[i].count = PROPOSAL_MAX_TRANSFORMS;
        for (size_t k = 0; k < PROPOSAL_MAX_TRANSFORMS; k++)
            b[i].t[k] = (struct transform){.type = (uint8_t)(1 + k % 4),
                                           .id = (uint16_t)(2000 + i * 64 + k),
                                           .key_bits = (uint16_t)(k % 4 ? 0 : 65535 - k)};
    }
    const struct proposal_list la = {&a, 1}, lb = {b, PROPOSAL_MAX};
    struct chosen c;
    struct diag d = {0};
    assert_false(proposal_select(&la, &lb, (struct select_options){0}, &c, &d));
    assert_true(strlen(d.what) < sizeof(d.what));
}

static void an_answer_must_be_one_complete_choice_from_the_offer(void **state)
{
    (void)state;
    struct proposal offer[2] = {parsed(PROTO_IKE, "aes256-aes128-sha256-x25519-ecp256"),
                                parsed(PROTO_IKE, "aes256gcm16-prfsha384-x25519")};
    offer[0].number = 1;
    offer[1].number = 2;
    const struct proposal_list l = {offer, 2};
    struct chosen c, again;
    struct diag d = {0};
    struct proposal answer = parsed(PROTO_IKE, "aes128-sha256-ecp256");
    answer.number = 1;
    assert_true(proposal_accept_choice(&l, &answer, &c, &d));
    assert_int_equal(c.key_bits, 128);
    assert_int_equal(c.ke, KE_ECP_256);
    chosen_to_proposal(&c, &answer);
    assert_true(proposal_accept_choice(&l, &answer, &again, &d));
    answer.number = 2;
    assert_false(proposal_accept_choice(&l, &answer, &c, &d));
    answer = parsed(PROTO_IKE, "aes128-aes256-sha256-ecp256");
    assert_false(proposal_accept_choice(&l, &answer, &c, &d));
    answer = parsed(PROTO_IKE, "aes192-sha256-ecp256");
    assert_false(proposal_accept_choice(&l, &answer, &c, &d));
    answer = parsed(PROTO_IKE, "aes256-sha256-ecp256");
    answer.count--;
    assert_false(proposal_accept_choice(&l, &answer, &c, &d));
}

static void the_first_key_exchange_of_a_list_is_found(void **state)
{
    (void)state;
    struct proposal p[2] = {parsed(PROTO_ESP, "aes256gcm16-none"), parsed(PROTO_ESP, "aes256gcm16-ecp384")};
    const struct proposal_list l = {p, 2};
    assert_int_equal(proposal_first_ke(&l), KE_ECP_384);
    assert_true(proposal_has_ke(&l, KE_ECP_384));
    assert_false(proposal_has_ke(&l, KE_ECP_256));
    proposal_strip_ke(&p[1]);
    assert_int_equal(proposal_first_ke(&l), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_integrity_word_implies_its_prf),
        cmocka_unit_test(the_default_is_hybrid_with_who_has_it_and_classical_with_who_has_not),
        cmocka_unit_test(an_aead_drops_integrity_but_keeps_its_prf),
        cmocka_unit_test(a_child_proposal_defaults_to_no_esn_and_drops_prf),
        cmocka_unit_test(proposals_that_cannot_work_are_refused),
        cmocka_unit_test(additional_key_exchanges_have_types_of_their_own),
        cmocka_unit_test(additional_key_exchanges_are_chosen_each_by_itself),
        cmocka_unit_test(additional_key_exchanges_are_optional_only_by_none),
        cmocka_unit_test(no_method_is_chosen_twice),
        cmocka_unit_test(a_peer_without_additional_ones_gets_the_second_proposal),
        cmocka_unit_test(the_first_child_is_chosen_without_any_key_exchange),
        cmocka_unit_test(the_defaults_hold_nothing_weak),
        cmocka_unit_test(the_defaults_agree_with_themselves_on_the_strongest),
        cmocka_unit_test(our_order_decides_unless_asked_otherwise),
        cmocka_unit_test(the_choice_carries_the_peers_number_and_spi),
        cmocka_unit_test(an_aead_with_integ_none_equals_one_without),
        cmocka_unit_test(unknown_transforms_are_passed_over_but_unknown_types_are_not),
        cmocka_unit_test(an_offer_that_lacks_a_type_cannot_be_chosen),
        cmocka_unit_test(key_exchange_of_a_child_follows_the_configuration),
        cmocka_unit_test(a_mismatch_is_told_per_transform_type),
        cmocka_unit_test(only_the_types_that_differ_are_told),
        cmocka_unit_test(a_huge_offer_does_not_overrun_the_explanation),
        cmocka_unit_test(an_answer_must_be_one_complete_choice_from_the_offer),
        cmocka_unit_test(the_first_key_exchange_of_a_list_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
