/* SPDX-License-Identifier: Apache-2.0 */
/* The table of who serves what cannot lie: every row is made a key of, in every engine that it names, and
 * engines that it does not name are seen to refuse. */
#include "crypto/bulk_engine.h"
#include "crypto/service.h"
#include "crypto/sym.h"
#include "support/bulk_suites.h"
#include "support/test.h"
#include <openssl/evp.h>
#include <stdio.h>

static bool mb_is_there(void)
{
    return bulk_engine_version(0) != NULL;
}

/* What the engine itself does, whatever the table says. */
static bool engine_expands(const struct bulk_engine *e, const struct suite *s, bool is_seal)
{
    _Alignas(64) uint8_t slot[BULK_SLOT_MAX] = {0};
    struct bulk_key *k = suite_key(s, is_seal, "openssl"); /* which serves all: only its fields are of use */
    assert_non_null(k);
    bool ok = e->expand(slot, k);
    e->wipe(slot);
    bulk_key_free(k);
    return ok;
}

static const struct bulk_row *row_of(enum transform_type type, uint16_t id, uint16_t bits)
{
    const struct bulk_row *r, *found = NULL;
    for (size_t i = 0; (r = bulk_row_at(i)); i++) {
        if (r->type == type && r->id == id && r->key_bits == bits) {
            assert_null(found);
            found = r;
        }
    }
    if (!found)
        fail_msg("%s %u with %u bits has no row", alg_type_name(type), id, bits);
    return found;
}

static void every_combination_is_served_by_the_engines_that_its_rows_name_and_by_no_other(void **state)
{
    (void)state;
    struct suite s;
    for (size_t i = 0; suite_at(i, &s); i++) {
        const struct bulk_row *encr = row_of(TRANSFORM_ENCR, s.encr->id, s.key_bits);
        const struct bulk_row *integ = s.encr->is_aead ? NULL : row_of(TRANSFORM_INTEG, s.integ->id, 0);
        for (size_t e = mb_is_there() ? 0 : 1; e < BULK_ENGINES; e++) {
            bool is_named = !encr->lacks[e] && (!integ || !integ->lacks[e]);
            for (int is_seal = 0; is_seal < 2; is_seal++) {
                struct bulk_key *k = suite_key(&s, is_seal, bulk_engine_name(e));
                if ((k != NULL) != is_named)
                    fail_msg("%s: %s %s it", suite_name(&s), bulk_engine_name(e), k ? "serves" : "refuses");
                if (k)
                    assert_string_equal(bulk_engine_of(k), bulk_engine_name(e));
                bulk_key_free(k);
                if (engine_expands(bulk_engines[e], &s, is_seal) != is_named)
                    fail_msg("%s: the table is wrong about %s", suite_name(&s), bulk_engine_name(e));
            }
        }
    }
}

/* The key that a daemon makes is of the engine that is printed. */
static void what_is_printed_is_what_a_key_gets(void **state)
{
    (void)state;
    struct suite s;
    struct service v;
    size_t rows = 0;
    for (size_t i = 0; service_at(i, &v) && v.kind <= SERVICE_INTEGRITY; i++)
        rows++;
    for (size_t i = 0; suite_at(i, &s); i++) {
        const char *esp[2] = {NULL, NULL};
        for (size_t k = 0; k < rows; k++) {
            assert_true(service_at(k, &v));
            if (v.kind == SERVICE_ENCRYPTION && !strcmp(v.name, s.encr->name) && v.key_bits == s.key_bits)
                esp[0] = v.esp;
            if (v.kind == SERVICE_INTEGRITY && !strcmp(v.name, s.integ->name))
                esp[1] = v.esp;
        }
        struct bulk_key *k = suite_key(&s, true, NULL);
        assert_non_null(esp[0]);
        assert_string_equal(bulk_engine_of(k), esp[0]);
        if (!s.encr->is_aead)
            assert_string_equal(esp[0], esp[1]);
        bulk_key_free(k);
    }
}

static void every_algorithm_and_key_length_is_listed_once(void **state)
{
    (void)state;
    const struct alg *a;
    struct service v, w;
    size_t n = 0, counted = 0;
    for (size_t i = 0; (a = alg_at(i)); i++) {
        if (a->type == TRANSFORM_ESN || (a->type != TRANSFORM_ENCR && a->id == 0))
            continue;
        for (size_t b = 0; b == 0 || a->key_bits[b]; b++) {
            counted++;
            if (a->type == TRANSFORM_ENCR)
                row_of(TRANSFORM_ENCR, a->id, a->key_bits[b]);
            else if (a->type == TRANSFORM_INTEG)
                row_of(TRANSFORM_INTEG, a->id, 0);
        }
    }
    for (; service_at(n, &v); n++) {
        counted -= v.kind != SERVICE_SIGNATURE;
        assert_true(v.is_esp || v.is_ike);
        assert_true(!v.is_ike || v.ike);
        for (size_t k = 0; k < n; k++) {
            assert_true(service_at(k, &w));
            assert_false(v.kind == w.kind && !strcmp(v.name, w.name) && v.key_bits == w.key_bits);
        }
    }
    assert_int_equal(counted, 0);
    assert_true(n > 60);
}

static void what_the_quicker_library_refuses_is_said(void **state)
{
    (void)state;
    struct service v;
    for (size_t i = 0; service_at(i, &v) && v.kind == SERVICE_ENCRYPTION; i++) {
        if (!strcmp(v.name, "AES_CCM_16") && v.key_bits == 192) {
            assert_string_equal(v.esp, "openssl");
            assert_string_equal(v.but, "ipsec-mb");
            assert_string_equal(v.but_lacks, "it refuses CCM with 192-bit keys");
            return;
        }
    }
    fail_msg("AES_CCM_16 with 192 bits is not listed");
}

static void ml_kem_is_openssls_where_it_has_it_and_else_our_own(void **state)
{
    (void)state;
    struct service v;
    size_t seen = 0;
    for (size_t i = 0; service_at(i, &v); i++) {
        if (v.kind != SERVICE_KEY_EXCHANGE || strncmp(v.name, "ML_KEM_", 7) != 0)
            continue;
        EVP_KEM *kem = EVP_KEM_fetch(NULL, "ML-KEM-768", NULL);
        assert_string_equal(v.ike, kem ? "openssl" : "keyway");
        assert_int_equal(v.but == NULL, kem != NULL);
        EVP_KEM_free(kem);
        seen++;
    }
    assert_int_equal(seen, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_is_served_by_the_engines_that_its_rows_name_and_by_no_other),
        cmocka_unit_test(what_is_printed_is_what_a_key_gets),
        cmocka_unit_test(every_algorithm_and_key_length_is_listed_once),
        cmocka_unit_test(what_the_quicker_library_refuses_is_said),
        cmocka_unit_test(ml_kem_is_openssls_where_it_has_it_and_else_our_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
